"""The past is registered, nothing of it is done a second time, and what follows finds it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connector import errors
from connector.ledger import State
from connector.rules.packs import PartnerPack
from connector.usecases.backfilling import Window, backfill, set_cut_over, told
from connector.usecases.polling import poll_freshbooks
from connector.usecases.reconcile import reconcile
from connector.usecases.replaying import replay
from connector.usecases.reports.gathering import gather
from tests.fakes import FakeWorld
from tests.stack_of_fakes import connector, stack_of
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_exporting import INVOICE, ORDER
from tests.unit.test_inbound import PARTNER

# orders of these tests are dated 2026-03-02, shipments 2026-03-09, invoices 2026-03-11
CUT_OVER = date(2026, 3, 15)
YEAR = Window(date(2026, 1, 1))
FILES = [("1.json", json.dumps(inbound.order()).encode())]


def connected(**pack: Any) -> FakeWorld:
    """A partner that is set up, and the invoice and bill that somebody made by hand."""
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", **pack))
    fake.freshbooks.invoices[987654] = outbound.invoice()
    made_by_hand(fake)
    set_cut_over(fake.world, CUT_OVER)
    return fake


def made_by_hand(fake: FakeWorld, vendor: str = "Example Retail") -> None:
    made = fake.freshbooks.create_vendor({"bill_vendor": {"vendor_name": vendor, "account_number": ""}})
    line = {"description": "40 bowls", "quantity": 40, "unit_cost": {"amount": "2.50", "code": "USD"}}
    bill = {"vendorid": made.vendorid, "bill_number": ORDER.number, "currency_code": "USD", "lines": [line]}
    fake.freshbooks.create_bill({"bill": bill})
    fake.freshbooks.posts = 0


def imported(fake: FakeWorld, files: list[tuple[str, bytes]] = FILES, **more: Any) -> dict[str, int]:
    counts: dict[str, int] = told(backfill(fake.world, files, YEAR, **more))["counts"]
    return counts


def nothing_was_sent(fake: FakeWorld) -> bool:
    queues = (fake.bills, fake.rsx)
    return fake.freshbooks.posts == 0 and not fake.sps.uploads and not any(queue.messages for queue in queues)


def test_the_past_is_registered_and_tied_to_the_bill_made_by_hand_and_nothing_is_sent() -> None:
    fake = connected()
    assert imported(fake) == {"registered": 2, "tied to its bill": 1}
    order, invoice = fake.ledger.records[ORDER], fake.ledger.records[INVOICE]
    assert (order.state, order.remote_id, order.amount) == (State.SKIPPED, "1000", "100.00")
    assert (invoice.state, invoice.amount, invoice.currency) == (State.SKIPPED, "100.00", "USD")
    assert nothing_was_sent(fake)
    assert reconcile(fake.world)["unexplained"] == 0


def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    fake = connected()
    before = (fake.ledger.writes, dict(fake.archive.objects), json.dumps(list(fake.notes.notes.values())))
    assert imported(fake, dry_run=True) == {"registered": 2, "tied to its bill": 1}
    after = (fake.ledger.writes, dict(fake.archive.objects), json.dumps(list(fake.notes.notes.values())))
    assert after == before


def test_an_import_may_be_repeated_and_goes_on_where_it_stopped() -> None:
    fake = connected()
    rows = backfill(fake.world, FILES, YEAR)
    next(rows)  # and there it stops
    assert list(fake.ledger.records) == [ORDER]
    assert imported(fake) == {"known": 1, "registered": 1, "tied to its bill": 1}
    records = dict(fake.ledger.records)
    assert imported(fake) == {"known": 2}
    assert fake.ledger.records == records


def test_polls_honour_the_cut_over_and_take_the_same_documents_for_repeats() -> None:
    fake = connected()
    imported(fake)
    inbound.put(fake, "out/1.json", inbound.order())
    inbound.run(fake)
    poll_freshbooks(fake.world)
    outbound.drain(fake)
    assert nothing_was_sent(fake)
    assert fake.ledger.records[ORDER].duplicates == 1


def test_an_order_that_comes_late_is_held_since_nobody_may_have_billed_it() -> None:
    fake = connected()
    inbound.put(fake, "out/2.json", inbound.order("LATE-1"))
    inbound.run(fake)
    late = inbound.stored(fake, number="LATE-1")
    assert (late.state, late.reason["code"]) == (State.HELD, "before_cut_over")
    assert nothing_was_sent(fake)
    replay(fake.world, late.key, who="a person", force=True, reason="it was never billed")
    inbound.drain(fake)
    assert (inbound.stored(fake, number="LATE-1").state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_an_order_that_comes_before_the_day_of_the_cut_over_is_registered() -> None:
    fake = connected()
    set_cut_over(fake.world, date(2027, 1, 1))
    inbound.put(fake, "out/2.json", inbound.order("EARLY-1"))
    inbound.run(fake)
    assert inbound.stored(fake, number="EARLY-1").state is State.SKIPPED


def test_what_is_dated_on_or_after_the_cut_over_is_billed_and_sent_like_any_other() -> None:
    fake = connected()
    imported(fake)
    inbound.put(fake, "out/3.json", inbound.order("NEW-1", PurchaseOrderDate="2026-03-15"))
    inbound.run(fake)
    fake.freshbooks.invoices[2] = outbound.invoice("INV-2", po_number="NEW-1", create_date="2026-03-20") | {
        "id": 2,
        "invoiceid": 2,
    }
    outbound.told(fake, object_id=2)
    assert inbound.stored(fake, number="NEW-1").state is State.DELIVERED
    assert outbound.stored(fake, "INV-2").state is State.DELIVERED
    assert (fake.freshbooks.posts, len(fake.sps.uploads)) == (1, 1)


def test_a_new_invoice_finds_the_old_order_and_carries_its_identifiers() -> None:
    fake = connected()
    fake.freshbooks.invoices.clear()
    imported(fake)
    fake.freshbooks.invoices[2] = outbound.invoice("INV-2", create_date="2026-03-20") | {
        "id": 2,
        "invoiceid": 2,
    }
    outbound.told(fake, object_id=2)
    [path] = fake.sps.uploads
    assert json.loads(fake.sps.files[path])["LineItem"][0]["InvoiceLine"]["BuyerPartNumber"] == "B-1"


@pytest.mark.parametrize("tied", [True, False])
def test_a_new_shipment_is_kept_with_the_old_order_and_leaves_its_bill_alone(tied: bool) -> None:
    fake = connected(shipments={"adjust_bill": True})
    if not tied:
        fake.freshbooks.bills.clear()
    shipment = inbound.shipment(quantity=30)
    shipment["Header"]["ShipmentHeader"]["ShipDate"] = "2026-03-20"
    inbound.put(fake, "out/s.json", shipment)
    inbound.run(fake)
    bills = json.dumps(fake.freshbooks.bills)
    imported(fake)
    inbound.drain(fake)
    assert inbound.stored(fake, "shipment", "S1").state is State.DELIVERED
    assert [line["shipped"] for line in fake.ledger.records[ORDER].shipments["S1"]["lines"]] == [30]
    assert json.dumps(fake.freshbooks.bills) == bills


def test_what_was_shipped_before_the_cut_over_counts_once_and_changes_no_bill() -> None:
    fake = connected(shipments={"adjust_bill": True})
    bills = json.dumps(fake.freshbooks.bills)
    early = ("0.json", json.dumps(inbound.shipment(quantity=30)).encode())
    imported(fake, [early])  # before its order
    imported(fake, [early, *FILES])
    imported(fake, [early, *FILES])
    [trade] = gather(fake.world).trades
    assert trade.shipped("1") == 30
    later = inbound.shipment("S2", quantity=10)
    later["Header"]["ShipmentHeader"]["ShipDate"] = "2026-03-20"
    inbound.put(fake, "out/s.json", later)
    inbound.run(fake)
    assert [
        (each["shipped_before"], each["remaining"])
        for each in fake.ledger.records[ORDER].shipments["S2"]["lines"]
    ] == [(30, 0)]
    assert json.dumps(fake.freshbooks.bills) == bills


def test_a_change_of_what_is_registered_is_held_and_goes_only_by_force() -> None:
    fake = connected()
    imported(fake)
    changed = fake.freshbooks.invoices[987654]
    changed["lines"][0] |= {"qty": "30", "amount": {"amount": "75.00", "code": "USD"}}
    changed |= {"amount": {"amount": "75.00", "code": "USD"}, "version": "2026-03-21 10:31:19.000001"}
    outbound.told(fake)
    record = fake.ledger.records[INVOICE]
    assert (record.state, record.reason["code"]) == (State.HELD, "before_cut_over")
    inbound.put(fake, "out/1.json", inbound.order(Department="7", TsetPurposeCode="05"))
    inbound.run(fake)
    assert fake.ledger.records[ORDER].reason["code"] == "before_cut_over"
    assert nothing_was_sent(fake)
    replay(fake.world, INVOICE, who="a person", force=True, reason="the partner asks for it again")
    outbound.drain(fake)
    assert fake.ledger.records[INVOICE].state is State.DELIVERED


def test_a_registered_invoice_is_sent_when_a_person_forces_it() -> None:
    fake = connected()
    imported(fake)
    replay(fake.world, INVOICE, who="a person", force=True, reason="it never arrived")
    outbound.drain(fake)
    [path] = fake.sps.uploads
    assert json.loads(fake.sps.files[path])["Header"]["InvoiceHeader"]["TsetPurposeCode"] == "00"


def test_what_the_connector_sent_before_the_cut_over_was_set_it_goes_on_with() -> None:
    fake = outbound.world()
    outbound.told(fake)
    set_cut_over(fake.world, date(2026, 12, 31))
    changed = fake.freshbooks.invoices[987654]
    changed["lines"][0] |= {"qty": "30", "amount": {"amount": "75.00", "code": "USD"}}
    changed |= {"amount": {"amount": "75.00", "code": "USD"}, "version": "2026-03-21 10:31:19.000001"}
    outbound.told(fake)
    assert (fake.ledger.records[INVOICE].state, len(fake.sps.uploads)) == (State.DELIVERED, 2)


def test_what_is_on_its_way_when_the_cut_over_is_set_arrives() -> None:
    fake = inbound.world()
    fake.freshbooks.outcomes = [(errors.OutcomeUnknown("no answer"), True)]
    inbound.put(fake, "out/1.json", inbound.order())
    with pytest.raises(errors.OutcomeUnknown):
        inbound.run(fake)
    set_cut_over(fake.world, date(2026, 12, 31))
    inbound.resolve_in_doubt(fake.world)
    inbound.drain(fake)
    assert (fake.ledger.records[ORDER].state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_a_bill_that_could_be_anybodys_is_tied_to_no_order() -> None:
    fake = connected()
    made_by_hand(fake)  # the same number of a vendor with the same name, twice
    fake.freshbooks.vendor_of_bill[1001] = fake.freshbooks.vendor_of_bill[1000]
    assert imported(fake) == {"no bill found": 1, "registered": 2}
    assert fake.ledger.records[ORDER].remote_id == ""


def test_documents_outside_the_window_and_unreadable_files_are_told_and_left() -> None:
    fake = connected()
    old = json.dumps(inbound.order("OLD", PurchaseOrderDate="2025-12-31")).encode()
    files = [*FILES, ("odd.json", b"{"), ("old.json", old)]
    assert imported(fake, files, books=False) == {"outside the window": 1, "registered": 1, "unreadable": 1}
    assert list(fake.ledger.records) == [ORDER]


def test_a_partner_that_is_not_set_up_yet_is_registered_all_the_same() -> None:
    fake = FakeWorld()
    set_cut_over(fake.world, CUT_OVER)
    assert imported(fake) == {"no bill found": 1, "registered": 1}
    assert fake.ledger.records[ORDER].state is State.SKIPPED


def test_reports_count_what_was_invoiced_before_the_cut_over() -> None:
    fake = connected()
    imported(fake)
    [trade] = gather(fake.world).trades
    assert (trade.invoiced_total, trade.invoiced("1"), trade.fully_invoiced) == (100, 40, True)
    assert trade.bill is not None


def test_without_a_cut_over_nothing_is_imported() -> None:
    fake = FakeWorld()
    with pytest.raises(errors.BadUse):
        imported(fake)


def test_the_command_sets_the_cut_over_and_imports_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "1.json").write_bytes(FILES[0][1])
    options = ("backfill", "--since", "2026-01-01", "--files", folder, "--no-books", "--json")
    with stack_of(monkeypatch, tmp_path, inbound.world()) as stack:
        assert connector(*options, "--yes").exit_code == 2  # no cut-over
        dry = connector(*options, "--cut-over", "2026-03-15", "--dry-run")
        assert (dry.exit_code, json.loads(dry.stdout)["counts"]) == (0, {"registered": 1}), dry.output
        assert stack.wiring.connection("acme").cut_over is None
        done = connector(*options, "--cut-over", "2026-03-15", "--yes")
        assert (done.exit_code, json.loads(done.stdout)["counts"]) == (0, {"registered": 1}), done.output
        assert stack.wiring.connection("acme").cut_over == CUT_OVER
        again = connector(*options, "--yes")
        assert json.loads(again.stdout)["counts"] == {"known": 1}
        assert connector("backfill", "--since", "yesterday").exit_code == 2


def test_what_was_invoiced_before_the_cut_over_cannot_be_invoiced_again() -> None:
    fake = connected()
    imported(fake)
    assert fake.ledger.records[ORDER].fulfilment["invoice/0000421"]["lines"] == {"1": "40"}
    assert [event.who for event in fake.ledger.history(ORDER) if event.what == "fulfilment"] == ["backfill"]
    again = outbound.invoice("INV-2", create_date="2026-03-20") | {"id": 2, "invoiceid": 2}
    fake.freshbooks.invoices[2] = again
    outbound.told(fake, object_id=2)
    record = outbound.stored(fake, "INV-2")
    assert (record.state, record.reason["code"]) == (State.HELD, "over_invoiced")
    assert nothing_was_sent(fake)
