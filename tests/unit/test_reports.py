"""Reports on what was traded: the money in them is worked out here by hand."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.output import show_csv
from connector import errors
from connector.ledger import DocumentKey, State
from connector.rules.packs import PartnerPack
from connector.usecases.packs import set_up_partner
from connector.usecases.polling import poll_sps
from connector.usecases.reports.deadlines import deadlines
from connector.usecases.reports.gathering import gather, records
from connector.usecases.reports.open_bills import open_bills
from connector.usecases.reports.throughput import percentile, throughput
from connector.usecases.reports.trades import Trade
from connector.usecases.reports.variances import variances
from tests.alone import map_inbound
from tests.fakes import FakeWorld
from tests.stack_of_fakes import connector, stack_of
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER

# the order of these tests: PO 0045001234, 40 x V-1 at 2.50 = 100.00
PO = "0045001234"
ORDER = DocumentKey("acme", "in", PARTNER, "order", PO)


def traded(**pack: Any) -> FakeWorld:
    """A world with the order billed; nothing shipped or invoiced yet."""
    fake = inbound.world(**pack)
    inbound.put(fake, "out/1.json", inbound.order())
    inbound.run(fake)
    return fake


def invoiced(fake: FakeWorld, number: str, quantity: str, price: str, amount: str, **changes: Any) -> None:
    """An invoice of V-1 over the order, sent to the partner."""
    object_id = 5000 + len(fake.freshbooks.invoices)
    line = outbound.invoice()["lines"][0] | {
        "qty": quantity,
        "unit_cost": {"amount": price, "code": "USD"},
        "amount": {"amount": amount, "code": "USD"},
    }
    total = {"amount": changes.pop("total", amount), "code": "USD"}
    lines = [line, *changes.pop("more", [])]
    fake.freshbooks.invoices[object_id] = outbound.invoice(number, lines=lines, amount=total, **changes) | {
        "id": object_id,
        "invoiceid": object_id,
    }
    outbound.told(fake, object_id=object_id)
    assert outbound.stored(fake, number).state is State.DELIVERED, outbound.stored(fake, number).reason


def shipped(fake: FakeWorld, number: str, quantity: int) -> None:
    inbound.put(fake, f"out/{number}.json", inbound.shipment(number, quantity=quantity))
    inbound.run(fake)


def trades(fake: FakeWorld) -> list[Trade]:
    return gather(fake.world).trades


def found(fake: FakeWorld) -> list[tuple[str, str]]:
    gathered = gather(fake.world)
    told = variances(gathered.trades, bills_known=gathered.bills_known)
    return [(row["variance"], row["money"]) for row in told["variances"]]


def bills(fake: FakeWorld, today: date = date(2026, 5, 1)) -> dict[str, Any]:
    gathered = gather(fake.world)
    return open_bills(gathered.trades, today, bills_known=gathered.bills_known)


def test_a_report_that_takes_too_long_for_a_page_says_so_wherever_it_was() -> None:
    fake = traded()
    invoiced(fake, "INV-1", "30", "2.50", "75.00")
    looks = 0

    def enough() -> bool:
        nonlocal looks
        looks += 1
        return True

    assert gather(fake.world, has_time=enough).trades == gather(fake.world).trades
    assert looks >= 4, "an order listed and read, what belongs to it, and its bill"
    for n in range(looks):
        left = iter([True] * n)
        with pytest.raises(errors.BadUse) as caught:
            gather(fake.world, has_time=lambda left=left: next(left, False))  # type: ignore[misc]
        assert caught.value.code == "report_too_large"


# --- open bills ---------------------------------------------------------------------------------------


def test_a_po_bill_is_a_payable_from_the_first_day_until_its_order_is_invoiced() -> None:
    fake = traded()
    [row] = bills(fake)["bills"]
    assert (row["purchase_order"], row["amount"], row["open"], row["status"]) == (
        PO,
        "100.00",
        "100.00",
        "open",
    )
    assert (row["billed_on"], row["days"], row["bucket"]) == ("2026-03-02", 60, "31-60")
    invoiced(fake, "INV-1", "30", "2.50", "75.00")
    result = bills(fake)
    [row] = result["bills"]
    assert (row["invoiced"], row["open"], row["status"]) == ("75.00", "25.00", "partly invoiced")
    assert result["close_out"] == []
    invoiced(fake, "INV-2", "10", "2.50", "25.00")
    result = bills(fake)
    assert (result["bills"][0]["open"], result["bills"][0]["status"]) == ("0.00", "invoiced")
    assert result["close_out"] == [ORDER.id]


def test_of_an_order_invoiced_at_a_lower_price_nothing_is_open() -> None:
    fake = traded(rules={"price_differs": "warning"})
    invoiced(fake, "INV-1", "40", "2.40", "96.00")
    [row] = bills(fake)["bills"]
    assert (row["invoiced"], row["open"], row["status"]) == ("96.00", "0.00", "invoiced")


def test_what_is_paid_or_deleted_in_freshbooks_is_no_open_bill() -> None:
    fake = traded()
    fake.freshbooks.bills[1000]["status"] = "paid"
    assert bills(fake)["bills"] == []
    fake.freshbooks.bills[1000] |= {"status": "unpaid", "vis_state": 1}
    assert bills(fake)["bills"] == []


def test_a_bill_that_something_was_paid_of_is_not_closed_out() -> None:
    fake = traded()
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    fake.freshbooks.bills[1000]["paid"] = {"amount": "40.00", "code": "USD"}
    result = bills(fake)
    assert (result["bills"][0]["status"], result["bills"][0]["paid"]) == ("invoiced", "40.00")
    assert result["close_out"] == []


def test_open_bills_are_summed_by_age_and_currency_the_oldest_first() -> None:
    fake = traded()
    inbound.put(fake, "out/2.json", inbound.order("B2", PurchaseOrderDate="2025-12-01"))
    inbound.put(fake, "out/3.json", inbound.order("C3", BuyersCurrency="CAD", PurchaseOrderDate="2026-04-25"))
    inbound.run(fake)
    result = bills(fake)
    assert [row["purchase_order"] for row in result["bills"]] == ["B2", PO, "C3"]
    assert result["buckets"]["USD"]["over 90"] == {"count": 1, "amount": "100.00"}
    assert result["buckets"]["USD"]["31-60"] == {"count": 1, "amount": "100.00"}
    assert result["buckets"]["CAD"]["0-30"] == {"count": 1, "amount": "100.00"}


def test_without_freshbooks_the_ledger_tells_and_nothing_can_be_closed() -> None:
    fake = traded()
    invoiced(fake, "INV-1", "40", "2.50", "100.00")

    def away(*arguments: Any, **keywords: Any) -> Any:
        raise errors.Unreachable("FreshBooks cannot be reached")

    fake.freshbooks.list_bills = away  # type: ignore[method-assign]
    result = bills(fake)
    assert (result["bills_known"], result["close_out"]) == (False, [])
    assert result["bills"][0]["amount"] == "100.00"
    assert found(fake) == []  # no bill is called missing either


# --- variances ----------------------------------------------------------------------------------------


def test_what_agrees_is_no_variance() -> None:
    fake = traded()
    shipped(fake, "S1", 40)
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    assert found(fake) == []


def test_pieces_shipped_but_not_invoiced_are_money_nobody_asked_for() -> None:
    fake = traded()
    shipped(fake, "S1", 30)
    assert found(fake) == [("shipped_not_invoiced", "75.00")]  # 30 x 2.50
    invoiced(fake, "INV-1", "20", "2.50", "50.00")
    assert found(fake) == [("shipped_not_invoiced", "25.00")]


def test_pieces_invoiced_but_not_shipped_are_not_paid() -> None:
    fake = traded()
    shipped(fake, "S1", 30)
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    assert found(fake) == [("invoiced_not_shipped", "25.00")]


def test_a_price_that_is_not_the_orders_risks_the_difference() -> None:
    fake = traded(tolerances={"price": 50})
    invoiced(fake, "INV-1", "40", "2.75", "110.00")
    assert found(fake) == []  # within 50 %
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail"))
    assert found(fake) == [("price", "10.00")]


def test_pieces_beyond_the_order_risk_their_worth_and_are_counted_once() -> None:
    fake = traded(tolerances={"quantity": 20})
    shipped(fake, "S1", 44)
    invoiced(fake, "INV-1", "44", "2.50", "110.00")
    assert found(fake) == []
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail"))
    assert found(fake) == [("over_invoiced", "10.00"), ("over_shipped", "10.00")]


def test_freight_that_the_order_does_not_have_is_a_variance_once_all_is_invoiced() -> None:
    fake = traded()
    freight = outbound.invoice()["lines"][0] | {
        "lineid": 2,
        "name": "Freight",
        "description": "",
        "qty": "1",
        "unit_cost": {"amount": "12.50", "code": "USD"},
        "amount": {"amount": "12.50", "code": "USD"},
    }
    invoiced(fake, "INV-1", "40", "2.50", "100.00", more=[freight], total="112.50")
    assert found(fake) == [("charges", "12.50")]
    [row] = variances(gather(fake.world).trades)["variances"]
    assert row["detail"] == "12.50 USD invoiced, 0.00 USD on the order"


def test_an_invoice_without_the_asn_that_the_partner_asks_for_risks_the_penalty() -> None:
    late = {"hours": 24, "penalty": "25", "penalty_percent": "1.5"}
    fake = traded(deadlines={"asn": late})
    assert found(fake) == []
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    assert found(fake) == [("asn_missing", "26.50")]  # 25.00 + 1.5 % of 100.00


def test_a_bill_that_somebody_changed_or_took_away_is_a_variance() -> None:
    fake = traded()
    fake.freshbooks.bills[1000]["amount"] = {"amount": "90.00", "code": "USD"}
    assert found(fake) == [("bill_differs", "10.00")]
    fake.freshbooks.bills[1000]["vis_state"] = 1
    assert found(fake) == [("bill_missing", "100.00")]


def test_most_money_comes_first_and_is_summed_by_kind() -> None:
    fake = traded()
    inbound.put(fake, "out/2.json", inbound.order("B2", price=100.0))
    inbound.run(fake)
    inbound.put(fake, "out/S2.json", inbound.shipment("S2", "B2", quantity=2))
    inbound.run(fake)
    shipped(fake, "S1", 4)
    result = variances(trades(fake))
    assert [(row["purchase_order"], row["money"]) for row in result["variances"]] == [
        ("B2", "200.00"),
        (PO, "10.00"),
    ]
    assert result["money"] == {"USD": "210.00"}
    assert result["kinds"] == {"shipped_not_invoiced": {"USD": "210.00"}}


def test_documents_of_other_orders_partners_and_connections_are_left_alone() -> None:
    fake = traded()
    set_up_partner(fake.world, PartnerPack(trading_partner_id="OTHER", name="Other"))
    inbound.put(fake, "out/2.json", inbound.order(TradingPartnerId="OTHER"))  # the same PO number
    inbound.run(fake)
    fake.freshbooks.invoices[1] = outbound.invoice("X-1") | {"id": 1, "invoiceid": 1}
    fake.set_up(PartnerPack(trading_partner_id="OTHER", name="Other", freshbooks={"client_ids": [12345]}))  # type: ignore[arg-type]
    outbound.told(fake, object_id=1)
    totals = {one.record.key.partner: one.invoiced_total for one in trades(fake)}
    assert totals == {PARTNER: 0, "OTHER": 100}
    assert [one.number for one in gather(fake.world, partner="OTHER").trades] == [PO]
    assert gather(fake.world, since="2099-01-01").trades == []


def test_an_order_whose_payload_is_gone_is_told_by_its_amount() -> None:
    fake = traded()
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    del fake.archive.objects["acme", fake.ledger.records[ORDER].payloads["received"].partition("#")[0]]
    result = bills(fake)
    assert (result["bills"][0]["amount"], result["bills"][0]["status"]) == ("100.00", "invoiced")


def test_an_invoice_that_was_credited_and_sent_anew_counts_once() -> None:
    fake = traded(invoices={"correction": "credit"})
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    [object_id] = fake.freshbooks.invoices
    changed = fake.freshbooks.invoices[object_id]
    changed["lines"][0] |= {"qty": "30", "amount": {"amount": "75.00", "code": "USD"}}
    changed |= {"amount": {"amount": "75.00", "code": "USD"}, "version": "2026-03-12 10:31:19.000001"}
    outbound.told(fake, object_id=object_id)
    outbound.told(fake, object_id=object_id)
    assert sorted(paper.kind for paper in trades(fake)[0].papers) == ["credit", "invoice"]
    assert trades(fake)[0].invoiced_total == 75
    assert bills(fake)["bills"][0]["open"] == "25.00"


# --- deadlines ----------------------------------------------------------------------------------------

DEADLINES = {
    "acknowledgement": {"hours": 24, "penalty": "50"},
    "asn": {"hours": 48, "penalty_percent": "5"},
    "invoice": {"hours": 240},
}


def due(fake: FakeWorld, at: datetime, **more: Any) -> list[tuple[str, str, str]]:
    told = deadlines(trades(fake), at, **more)["deadlines"]
    return [(row["document"], row["status"], row["penalty"]) for row in told]


def test_what_is_overdue_comes_first_and_what_costs_most_before_what_costs_less() -> None:
    fake = traded(deadlines=DEADLINES)
    came = datetime.fromisoformat(fake.ledger.records[ORDER].created)
    assert due(fake, came) == [("acknowledgement", "due", "50.00")]
    shipped(fake, "S1", 40)  # on 2026-03-09
    assert due(fake, datetime(2026, 3, 10, tzinfo=UTC)) == [
        ("acknowledgement", "due", "50.00"),
        ("asn", "due", "5.00"),  # 5 % of 100.00
        ("invoice", "due", "0.00"),
    ]
    late = deadlines(trades(fake), datetime(2026, 3, 11, 1, tzinfo=UTC))
    assert (late["deadlines"][0]["document"], late["deadlines"][0]["status"]) == ("asn", "overdue")
    assert late["overdue"] == {"USD": "5.00"}
    assert late["deadlines"][0]["hours_left"] == -1.0


def test_a_document_that_was_sent_is_off_the_list_and_told_whether_it_was_late() -> None:
    fake = traded(deadlines={"invoice": {"hours": 24}})
    shipped(fake, "S1", 40)
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    now = datetime.fromisoformat(fake.clock.now())
    assert due(fake, now) == []
    assert due(fake, now, met=True) == [
        ("invoice", "met late", "0.00")
    ]  # shipped in March, sent in September


def test_who_has_the_ball_is_said_in_words() -> None:
    fake = traded(deadlines=DEADLINES)
    shipped(fake, "S1", 40)
    at = datetime(2026, 3, 10, tzinfo=UTC)

    def ball(document: str) -> str:
        told = deadlines(trades(fake), at)["deadlines"]
        return next(row["ball"] for row in told if row["document"] == document)

    assert ball("invoice") == "you: invoice it in FreshBooks"
    odd = outbound.invoice("INV-1")
    odd["lines"][0] |= {
        "name": "Something else",
        "qty": "1",
        "unit_cost": {"amount": "100.00", "code": "USD"},
    }
    fake.freshbooks.invoices[987654] = odd
    outbound.told(fake)
    assert outbound.stored(fake, "INV-1").state is State.HELD
    assert ball("invoice").startswith("a person: ")


def test_until_it_is_shipped_the_day_that_the_order_asks_for_stands_in() -> None:
    fake = inbound.world(deadlines={"asn": {"hours": 24}})
    wanted = inbound.order()
    wanted["Header"]["Dates"] = [{"DateTimeQualifier": "010", "Date": "2026-03-20"}]
    inbound.put(fake, "out/1.json", wanted)
    inbound.run(fake)
    [row] = deadlines(trades(fake), datetime(2026, 3, 10, tzinfo=UTC))["deadlines"]
    assert (row["due"], row["basis"]) == ("2026-03-21T00:00+00:00", "not shipped yet, asked for 2026-03-20")


# --- throughput ---------------------------------------------------------------------------------------


def test_documents_are_counted_by_day_and_state_and_reasons_name_an_example() -> None:
    fake = inbound.world()
    inbound.put(fake, "out/1.json", inbound.order())
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    fake.clock.pass_(90)
    inbound.drain(fake)
    inbound.put(fake, "out/odd.json", b"{")
    inbound.put(fake, "out/again.json", inbound.order())
    inbound.run(fake)
    day = fake.clock.now()[:10]
    every = [*records(fake.world, "in"), *records(fake.world, "out")]
    told = throughput(every, date.fromisoformat(day))
    assert told["documents"] == 2
    assert {(row["type"], row["state"], row["documents"]) for row in told["days"]} == {
        ("order", "DELIVERED", 1),
        ("file", "HELD", 1),
    }
    [order] = [row for row in told["partners"] if row["partner"] == PARTNER]
    assert (order["documents"], order["delivered"], order["duplicates"]) == (1, 1, 1)
    [reason] = told["reasons"]
    assert (reason["code"], reason["example"]) == ("not_json", "acme/in/-/file/odd.json")
    [delivery] = told["delivery"]
    assert (delivery["type"], delivery["documents"]) == ("order", 1)
    assert delivery["p50"] == delivery["most"] == pytest.approx(90, abs=0.2)
    fake.clock.pass_(40 * 86_400)
    assert throughput(every, date.fromisoformat(fake.clock.now()[:10]))["documents"] == 0


@pytest.mark.parametrize(("percent", "expected"), [(50, 5.0), (90, 9.0), (99, 10.0), (1, 1.0)])
def test_a_percentile_is_one_of_the_values(percent: int, expected: float) -> None:
    assert percentile([float(n) for n in range(1, 11)], percent) == expected


# --- the commands -------------------------------------------------------------------------------------


def test_the_commands_print_tables_json_and_csv_and_their_exit_codes_say_whether_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = traded(deadlines={"asn": {"hours": 24, "penalty": "25"}}, rules={"price_differs": "warning"})
    invoiced(fake, "INV-1", "40", "2.75", "110.00")
    shipped(fake, "S1", 30)
    with stack_of(monkeypatch, tmp_path, fake):
        told = connector("report", "variances", "--json")
        assert told.exit_code == 1, told.output
        money = {row["variance"]: row["money"] for row in json.loads(told.stdout)["variances"]}
        # 10 of 40 not shipped at 2.50; 40 x 0.25 asked for too much; 25 for the ASN
        assert money == {"invoiced_not_shipped": "25.00", "asn_missing": "25.00", "price": "10.00"}
        shown = connector("report", "variances").stdout
        assert "60.00 USD" in shown
        assert "more than at the order's price" in shown
        [row] = csv.DictReader(io.StringIO(connector("report", "open-bills", "--csv").stdout))
        assert (row["purchase_order"], row["amount"], row["invoiced"]) == (PO, "100.00", "110.00")
        overdue = connector("report", "deadlines", "--json", "--days", "3650")
        assert (overdue.exit_code, json.loads(overdue.stdout)["overdue"]) == (1, {"USD": "25.00"})
        assert connector("report", "deadlines", "--partner", "NOBODY").exit_code == 0
        assert (
            json.loads(connector("report", "throughput", "--json", "--days", "3650").stdout)["documents"] == 3
        )
        assert connector("report", "variances", "-c", "nobody").exit_code == 2
        rehearsed = connector("rehearse", "--json")
        assert (rehearsed.exit_code, json.loads(rehearsed.stdout)["counts"]) == (0, {"same": 3})
        (tmp_path / "pack.toml").write_bytes("name = 'Café'".encode("latin-1"))
        refused = connector("rehearse", tmp_path / "pack.toml")
        assert (refused.exit_code, "is not UTF-8 text" in refused.stderr) == (2, True)


def test_a_report_of_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stack_of(monkeypatch, tmp_path, FakeWorld()):
        for name, words in (
            ("open-bills", "No PO-bill is open."),
            ("variances", "Orders, shipments, invoices and bills agree."),
            ("deadlines", "Nothing is due"),
            ("throughput", "No document has come since"),
        ):
            told = connector("report", name)
            assert (told.exit_code, words in told.stdout) == (0, True), told.output


def test_a_spreadsheet_takes_no_foreign_number_for_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    show_csv(("number", "money"), [{"number": "=1+1", "money": "-10.00"}, {"number": "-A1", "money": "5"}])
    assert capsys.readouterr().out.splitlines() == ["number,money", "'=1+1,-10.00", "'-A1,5"]
