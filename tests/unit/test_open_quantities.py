"""What an order's documents leave open of its lines, and that nobody invoices the last pieces twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.open_quantities import lines_of, open_lines
from connector.rules.packs import PartnerPack
from connector.usecases import outbound_plans
from connector.usecases.fulfilment import note_fulfilment
from connector.usecases.people import open_quantities
from connector.usecases.replaying import preview, replay, resolve
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.webhooks import hint
from tests import outbound as documents
from tests.alone import map_outbound
from tests.fakes import FakeWorld
from tests.unit.test_corrections import LATER, LATEST, corrected, credited, deleted
from tests.unit.test_inbound import PARTNER
from tests.unit.test_outbound import drain, invoice, stored, told, world

ORDER = DocumentKey("acme", "in", PARTNER, "order", "0045001234")
PACK = PartnerPack(trading_partner_id=PARTNER)


def part(number: str, pieces: str, total: str, **changes: Any) -> dict[str, Any]:
    """An invoice for `pieces` of the order's 40 at 2.50; `total` is written out."""
    line = {**invoice()["lines"][0], "qty": pieces, "amount": {"amount": total, "code": "USD"}}
    own = {"id": int(number), "invoiceid": int(number), "invoice_number": number}
    return invoice(**{**own, "lines": [line], "amount": {"amount": total, "code": "USD"}, **changes})


def invoiced(fake: FakeWorld, *parts: dict[str, Any]) -> None:
    for each in parts:
        fake.freshbooks.invoices[each["id"]] = each
        told(fake, object_id=each["id"])


def account(fake: FakeWorld) -> dict[str, str]:
    [line] = open_quantities(fake.world, ORDER)
    return line


# --- the account --------------------------------------------------------------------------------------


def test_an_order_that_nothing_was_done_for_is_open_whole() -> None:
    assert account(world()) == {
        "line": "1",
        "item": "V-1",
        "text": "",
        "uom": "EA",
        "ordered": "40",
        "acknowledged": "",
        "shipped": "0",
        "invoiced": "0",
        "credited": "0",
        "open": "40",
    }


def test_every_kind_of_document_counts_in_its_own_column() -> None:
    order = documents.order(documents.order_line("1", 40), documents.order_line("2", 5))
    entries = {
        "ack/PO": {"lines": {"1": "40"}},
        "asn/S-1": {"lines": {"1": "30", "2": "5"}},
        "invoice/I-1": {"lines": {"1": "12"}},
        "invoice/I-2": {"lines": {"1": "20.5"}},
        "bill/B-1": {"lines": {"1": "1"}},
        "credit/C-1": {"lines": {"1": "2"}},
        "invoice/I-3": {"lines": {"9": "1"}},
    }
    one, two, gone = open_lines(order, entries)
    assert (one.acknowledged, one.shipped, one.invoiced, one.credited) == (40, 30, Decimal("33.5"), 2)
    assert one.open == Decimal("8.5")  # 40 - 12 - 20.5 - 1 + 2
    assert (two.acknowledged, two.shipped, two.open) == (0, 5, 5)
    assert (gone.line, gone.ordered, gone.open) == ("9", 0, -1)


def test_shipment_advice_received_counts_where_we_sent_none() -> None:
    order = documents.order(documents.order_line("1", 40))
    advice = {"S-9": {"lines": [{"line": "1", "shipped": "7"}]}}
    assert open_lines(order, {}, advice)[0].shipped == 7
    assert open_lines(order, {"asn/S-1": {"lines": {"1": "5"}}}, advice)[0].shipped == 5


def test_quantities_of_another_unit_count_in_the_order_lines_unit() -> None:
    pack = PartnerPack.model_validate({"trading_partner_id": "P", "uom": {"CA": {"EA": "12"}}})
    order = documents.order(documents.order_line("1", 10, OrderQtyUOM="CA"))
    sent = {
        "LineItem": [{"InvoiceLine": {"LineSequenceNumber": "1", "InvoiceQty": 30, "InvoiceQtyUOM": "EA"}}]
    }
    assert lines_of(sent, "invoice", order, pack) == {"1": Decimal("2.5")}


def test_an_acknowledgement_counts_what_it_accepts_and_no_refused_piece() -> None:
    statuses = [
        {"ItemStatusCode": "IA", "ItemScheduleQty": 3, "ItemScheduleUOM": "EA"},
        {"ItemStatusCode": "IR", "ItemScheduleQty": 2, "ItemScheduleUOM": "EA"},
    ]
    ack = {"LineItem": [{"OrderLine": {"LineSequenceNumber": "1"}, "LineItemAcknowledgement": statuses}]}
    assert lines_of(ack, "ack", documents.order(), PACK) == {"1": 3}


def test_a_shipment_of_several_orders_counts_what_it_holds_of_this_one() -> None:
    def level(number: str, quantity: int) -> dict[str, Any]:
        line = {"ShipmentLine": {"VendorPartNumber": "V-1", "ShipQty": quantity, "ShipQtyUOM": "EA"}}
        carton = {"Pack": {"PackLevelType": "P"}, "ItemLevel": [line]}
        return {"OrderHeader": {"PurchaseOrderNumber": number}, "PackLevel": [carton, carton]}

    asn = {"OrderLevel": [level("0045001234", 2), level("0045009999", 50)]}
    assert lines_of(asn, "asn", documents.order(), PACK) == {"1": 4}


def test_one_article_on_two_order_lines_is_told_apart_by_its_number() -> None:
    same = {"VendorPartNumber": "V-1", "BuyerPartNumber": "B-1", "ConsumerPackageCode": "859563000001"}
    order = documents.order(documents.order_line("1", 3, **same), documents.order_line("2", 8, **same))
    line = {"LineSequenceNumber": "2", "VendorPartNumber": "V-1", "InvoiceQty": 8, "InvoiceQtyUOM": "EA"}
    assert lines_of({"LineItem": [{"InvoiceLine": line}]}, "invoice", order, PACK) == {"2": 8}


# --- the guard ----------------------------------------------------------------------------------------


def test_invoices_of_parts_of_an_order_go_out_until_nothing_is_open() -> None:
    fake = world()
    invoiced(fake, part("101", "30", "75.00"), part("102", "10", "25.00"))
    assert len(fake.sps.uploads) == 2
    assert (account(fake)["invoiced"], account(fake)["open"]) == ("40", "0")
    invoiced(fake, part("103", "1", "2.50"))
    held = stored(fake, "103")
    assert (held.state, held.reason["code"]) == (State.HELD, "over_invoiced")
    assert "1 invoiced, 40 ordered, 40 invoiced already" in held.reason["message"]
    assert len(fake.sps.uploads) == 2
    assert account(fake)["invoiced"] == "40"


def test_a_tolerance_lets_a_little_more_through() -> None:
    fake = world(tolerances={"quantity": "5"})
    invoiced(fake, part("101", "42", "105.00"))
    assert stored(fake, "101").state is State.DELIVERED
    fake = world(tolerances={"quantity": "5"})
    invoiced(fake, part("101", "43", "107.50"))
    assert stored(fake, "101").reason["code"] == "over_invoiced"


def test_a_partner_may_be_content_with_a_warning() -> None:
    fake = world(rules={"over_invoiced": "warning"})
    invoiced(fake, part("101", "41", "102.50"))
    record = stored(fake, "101")
    assert record.state is State.DELIVERED
    assert ("over_invoiced", "warning") in {(one["code"], one["severity"]) for one in record.findings}
    assert account(fake)["open"] == "-1"


def test_of_two_invoices_mapped_at_once_only_one_gets_the_last_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second worker runs whole between the first one's look at the order and its reservation."""
    fake = world()
    for each in (part("101", "30", "75.00"), part("102", "30", "75.00")):
        fake.freshbooks.invoices[each["id"]] = each
    save, entered = fake.ledger.save, []

    def cut_in(record: Record, after: int) -> Record | None:
        if record.key == ORDER and not entered:
            entered.append(record)
            map_outbound(fake.world, hint("acme", "invoice", 102, "invoice.update", "r-2"))
        return save(record, after)

    monkeypatch.setattr(fake.ledger, "save", cut_in)
    map_outbound(fake.world, hint("acme", "invoice", 101, "invoice.update", "r-1"))
    drain(fake)
    assert entered
    assert stored(fake, "102").state is State.DELIVERED
    assert stored(fake, "101").reason["code"] == "over_invoiced"
    assert account(fake)["invoiced"] == "30"


def test_pieces_that_a_credit_gives_back_are_invoiced_once_the_partner_has_the_credit() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00"))
    fake.sps.outcomes = [(errors.Unreachable("down"), False)]
    with pytest.raises(errors.Unreachable):
        credited(fake)
    invoiced(fake, part("102", "2", "5.00"))
    waiting = stored(fake, "102")
    assert (waiting.state, waiting.reason["code"]) == (State.HELD, "pieces_not_free")
    assert waiting.reason["message"] == (
        "order line 1: 2 invoiced, 40 ordered, 40 invoiced already,"
        " and the pieces come free when credit CN-7 is at the partner"
    )
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert [stored(fake, "CN-7", "credit").state, stored(fake, "102").state] == [State.DELIVERED] * 2


def test_a_refused_credit_gives_nothing_back_until_a_person_dealt_with_it() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00"))
    fake.sps.outcomes = [(errors.Refused("no"), False)]
    credited(fake)
    invoiced(fake, part("102", "2", "5.00"))
    resolve_in_doubt(fake.world)
    drain(fake)
    assert stored(fake, "102").state is State.HELD
    resolve(fake.world, stored(fake, "CN-7", "credit").key, who="clerk", reason="credited by mail")
    resolve_in_doubt(fake.world)
    drain(fake)
    assert stored(fake, "102").state is State.DELIVERED


def test_pieces_of_a_lowered_invoice_are_free_once_the_partner_has_the_lower_one() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00"))
    fake.sps.outcomes = [(errors.Unreachable("down"), False)]
    with pytest.raises(errors.Unreachable):
        invoiced(fake, part("101", "30", "75.00", version=LATER))
    invoiced(fake, part("102", "10", "25.00"))
    assert stored(fake, "102").reason["code"] == "pieces_not_free"
    assert len(fake.sps.uploads) == 1
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert [stored(fake, "101").state, stored(fake, "102").state] == [State.DELIVERED] * 2
    assert account(fake)["open"] == "0"
    invoiced(fake, part("101", "25", "62.50", version=LATEST), part("103", "5", "12.50"))
    assert stored(fake, "103").state is State.DELIVERED


def test_pieces_of_a_deleted_invoice_are_free_once_the_partner_has_its_cancellation() -> None:
    fake = world(invoices={"deletion": "cancel"})
    invoiced(fake, part("101", "40", "100.00"))
    fake.sps.outcomes = [(errors.Refused("no"), False)]
    invoiced(fake, part("101", "40", "100.00", vis_state=1, version=LATER), part("102", "10", "25.00"))
    assert stored(fake, "102").reason["code"] == "pieces_not_free"
    replay(fake.world, stored(fake, "101").key, who="clerk")
    drain(fake)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert stored(fake, "102").state is State.DELIVERED


def test_an_invoice_lowered_before_it_was_sent_holds_nothing_back() -> None:
    fake = world()
    fake.sps.outcomes = [(errors.Unreachable("down"), False)]
    with pytest.raises(errors.Unreachable):
        invoiced(fake, part("101", "40", "100.00"))
    fake.sps.outcomes = [(errors.Unreachable("down"), False)]
    with pytest.raises(errors.Unreachable):
        invoiced(fake, part("101", "30", "75.00", version=LATER))
    invoiced(fake, part("102", "10", "25.00"))
    assert stored(fake, "102").state is State.DELIVERED


class Killed(BaseException):
    pass


def test_a_worker_killed_between_reserving_and_mapping_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = world()
    fake.freshbooks.invoices[101] = part("101", "40", "100.00")
    save = fake.ledger.save

    def die(record: Record, after: int) -> Record | None:
        if record.key.direction == "out":
            raise Killed
        return save(record, after)

    monkeypatch.setattr(fake.ledger, "save", die)
    with pytest.raises(Killed):
        map_outbound(fake.world, hint("acme", "invoice", 101, "invoice.update", "r-1"))
    assert account(fake)["invoiced"] == "40"
    monkeypatch.undo()
    told(fake, object_id=101)
    assert stored(fake, "101").state is State.DELIVERED
    assert account(fake)["invoiced"] == "40"


def test_a_revision_counts_instead_of_what_it_replaces() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00"))
    invoiced(fake, part("101", "25", "62.50", version="2026-03-12 08:00:00.000000"))
    assert len(fake.sps.uploads) == 2
    assert account(fake)["open"] == "15"


def test_an_older_version_read_late_does_not_change_what_the_newer_one_counts() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00", version="2026-03-12 08:00:00.000000"))
    invoiced(fake, part("101", "25", "62.50"))
    assert account(fake)["invoiced"] == "40"


def test_a_slow_worker_cannot_put_an_older_revision_over_a_newer_one() -> None:
    fake = world()
    entry = {"rank": "b", "revision": 2, "lines": {"1": "5"}}
    note_fulfilment(fake.world, ORDER, "invoice/1", entry, who="test")
    with pytest.raises(errors.Busy):
        note_fulfilment(fake.world, ORDER, "invoice/1", {**entry, "rank": "a"}, who="test")
    assert account(fake)["invoiced"] == "5"


def test_an_entry_is_not_written_over_what_came_since_the_order_was_read() -> None:
    fake = world()
    read = fake.ledger.get(ORDER)
    note_fulfilment(fake.world, ORDER, "invoice/1", {"lines": {"1": "5"}}, who="test")
    judged: list[Record] = []
    entry = {"lines": {"1": "3"}}
    note_fulfilment(fake.world, ORDER, "invoice/2", entry, who="test", judge=judged.append, known=read)
    assert account(fake)["invoiced"] == "8"
    assert "invoice/1" in judged[-1].fulfilment, "who judges sees what the entry is written after"


def test_an_invoice_reads_its_order_from_the_archive_once() -> None:
    fake = world()
    asked: list[str] = []
    get = fake.archive.get

    def watched(connection: str, pointer: str) -> bytes:
        asked.append(pointer)
        return get(connection, pointer)

    fake.archive.get = watched  # type: ignore[method-assign]
    invoiced(fake, part("101", "40", "100.00"))
    assert len(asked) == len(set(asked)) == 1


def test_an_invoice_deleted_before_it_was_sent_gives_its_pieces_back() -> None:
    fake = world()
    fake.freshbooks.invoices[101] = part("101", "40", "100.00")
    map_outbound(fake.world, hint("acme", "invoice", 101, "invoice.update", "r-1"))
    fake.rsx.messages.clear()
    assert account(fake)["open"] == "0"
    invoiced(fake, part("101", "40", "100.00", vis_state=1, version="2026-03-12 08:00:00.000000"))
    assert account(fake)["open"] == "40"
    invoiced(fake, part("102", "40", "100.00"))
    assert stored(fake, "102").state is State.DELIVERED


def test_a_document_that_a_person_closed_unsent_no_longer_counts() -> None:
    fake = world()
    fake.freshbooks.invoices[101] = part("101", "40", "100.00")
    map_outbound(fake.world, hint("acme", "invoice", 101, "invoice.update", "r-1"))
    fake.rsx.messages.clear()
    mapped = stored(fake, "101")
    refused = mapped.step("rejected", now=fake.clock.now(), who="test", to=State.REJECTED)
    assert fake.ledger.save(refused, mapped.version) is None
    resolve(fake.world, refused.key, who="clerk", reason="will be invoiced by hand")
    assert account(fake)["open"] == "40"
    invoiced(fake, part("102", "40", "100.00"))
    assert stored(fake, "102").state is State.DELIVERED


def test_looking_at_what_a_replay_would_do_reserves_nothing() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00"))
    before = fake.ledger.get(ORDER)
    preview(fake.world, stored(fake, "101").key)
    outbound_plans.plan_again(fake.world, stored(fake, "101"))
    assert fake.ledger.get(ORDER) == before


def test_the_order_history_says_what_took_its_pieces() -> None:
    fake = world()
    invoiced(fake, part("101", "30", "75.00"))
    told_ = [event.note for event in fake.ledger.history(ORDER) if event.what == "fulfilment"]
    assert told_ == ["invoice/101: 30 of line 1"]


def test_a_credit_and_the_invoice_after_it_are_counted_both() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake)  # 39 instead of 40
    line = account(fake)
    assert (line["invoiced"], line["credited"], line["open"]) == ("79", "40", "1")


def test_a_cancelled_invoice_leaves_its_order_open_again() -> None:
    fake = world(invoices={"deletion": "cancel"})
    told(fake)
    deleted(fake)
    assert (account(fake)["invoiced"], account(fake)["open"]) == ("0", "40")


def test_an_asn_counts_as_shipped_and_not_as_invoiced() -> None:
    place = {"AddressName": "DC", "Address1": "2 Dock Rd", "City": "Saint Paul", "State": "MN"}
    place |= {"PostalCode": "55108", "Country": "USA", "AddressLocationNumber": "0123"}
    fake = world(
        invoices={"asn": True, "send": False},
        carrier={"scac": "RBTC", "routing": "Ground"},
        addresses={"SF": place, "ST": {**place, "LocationCodeQualifier": "92"}},
    )
    invoiced(fake, part("101", "30", "75.00", fulfillment_date="2026-03-10"))
    assert stored(fake, "101", "asn").state is State.DELIVERED
    assert (account(fake)["shipped"], account(fake)["invoiced"]) == ("30", "0")
