"""From FreshBooks' records to files in SPS's mailbox, on fakes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector import errors
from connector.documents.reading import Read, read_documents
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.polling import poll_freshbooks
from connector.usecases.summaries import needs_person
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.webhooks import hint
from tests.alone import map_outbound, push_document
from tests.fakes import FakeWorld
from tests.outbound import written_bill
from tests.unit.test_inbound import PARTNER, order, put, shipment
from tests.unit.test_inbound import run as run_inbound


def invoice(number: str = "0000421", **changes: Any) -> dict[str, Any]:
    return {
        "id": 987654,
        "invoiceid": 987654,
        "invoice_number": number,
        "customerid": 12345,
        "create_date": "2026-03-11",
        "due_date": "2026-04-10",
        "due_offset_days": 30,
        "currency_code": "USD",
        "po_number": "0045001234",
        "status": 2,
        "v3_status": "sent",
        "amount": {"amount": "100.00", "code": "USD"},
        "discount_value": "0",
        "discount_total": {"amount": "0.00", "code": "USD"},
        "organization": "Example Retail",
        "updated": "2026-03-11 10:31:19",
        "version": "2026-03-11 10:31:19.000001",
        "vis_state": 0,
        "lines": [
            {
                "lineid": 1,
                "type": 0,
                "name": "V-1",
                "description": "Bowl",
                "qty": "40",
                "unit_cost": {"amount": "2.50", "code": "USD"},
                "amount": {"amount": "100.00", "code": "USD"},
                "taxName1": "",
                "taxAmount1": "0",
            }
        ],
        **changes,
    }


def world(*, ordered: bool = True, **pack: Any) -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", **pack))
    if ordered:
        put(fake, "out/1.json", order())
        run_inbound(fake)
    fake.freshbooks.invoices[987654] = invoice()
    return fake


def told(fake: FakeWorld, noun: str = "invoice", object_id: int = 987654) -> None:
    """A webhook's hint, and everything that follows from it."""
    fake.records.send([hint("acme", noun, object_id, f"{noun}.update", "request-1")])  # type: ignore[arg-type]
    drain(fake)


def drain(fake: FakeWorld) -> None:
    while fake.records.messages or fake.rsx.messages:
        for message in fake.records.take():
            map_outbound(fake.world, message)
        for message in fake.rsx.take():
            push_document(fake.world, message)


def stored(fake: FakeWorld, number: str = "0000421", type_: str = "invoice") -> Record:
    record = fake.ledger.get(DocumentKey("acme", "out", PARTNER, type_, number))
    assert record is not None
    return record


def sent(fake: FakeWorld) -> list[dict[str, Any]]:
    return [json.loads(fake.sps.files[path]) for path in fake.sps.uploads]


def test_an_invoice_reaches_the_partner_of_the_order_that_it_names() -> None:
    fake = world()
    told(fake)
    [document] = sent(fake)
    header = document["Header"]["InvoiceHeader"]
    assert (header["TradingPartnerId"], header["PurchaseOrderNumber"]) == (PARTNER, "0045001234")
    assert (header["InvoiceTypeCode"], header["TsetPurposeCode"]) == ("DR", "00")
    assert document["LineItem"][0]["InvoiceLine"]["BuyerPartNumber"] == "B-1"
    assert document["Summary"]["TotalAmount"] == 100
    assert stored(fake).state is State.DELIVERED


def test_the_same_webhook_three_times_sends_one_file() -> None:
    fake = world()
    for _ in range(3):
        told(fake)
    assert len(fake.sps.uploads) == 1
    assert stored(fake).duplicates == 2


def test_a_payment_is_no_change_of_the_invoice() -> None:
    fake = world()
    told(fake)
    fake.freshbooks.invoices[987654] |= {
        "status": 4,
        "payment_status": "paid",
        "paid": {"amount": "100.00", "code": "USD"},
        "outstanding": {"amount": "0.00", "code": "USD"},
        "version": "2026-03-20 10:00:00.000000",
    }
    told(fake)
    assert len(fake.sps.uploads) == 1


def test_a_correction_after_sending_is_a_second_revision_that_replaces() -> None:
    fake = world()
    told(fake)
    changed = invoice(version="2026-03-12 08:00:00.000000", amount={"amount": "97.50", "code": "USD"})
    changed["lines"][0] |= {"qty": "39", "amount": {"amount": "97.50", "code": "USD"}}
    fake.freshbooks.invoices[987654] = changed
    told(fake)
    assert [d["Header"]["InvoiceHeader"]["TsetPurposeCode"] for d in sent(fake)] == ["00", "05"]
    assert sent(fake)[1]["Summary"]["TotalAmount"] == 97.5
    assert stored(fake).revision == 2


def test_an_older_version_read_late_does_not_overwrite_a_newer_one() -> None:
    fake = world()
    newer = invoice(version="2026-03-12 08:00:00.000000", create_date="2026-03-12")
    fake.freshbooks.invoices[987654] = newer
    told(fake)
    fake.freshbooks.invoices[987654] = invoice()
    told(fake)
    assert len(fake.sps.uploads) == 1


@pytest.mark.parametrize("changes", [{"status": 1, "v3_status": "draft"}, {"vis_state": 1}])
def test_drafts_and_deleted_invoices_are_not_sent(changes: dict[str, Any]) -> None:
    fake = world()
    fake.freshbooks.invoices[987654] = invoice(**changes)
    told(fake)
    assert fake.sps.uploads == []


def test_an_invoice_deleted_after_sending_is_parked_for_a_person() -> None:
    fake = world()
    told(fake)
    fake.freshbooks.invoices[987654] = invoice(vis_state=1, version="2026-03-12 08:00:00.000000")
    told(fake)
    assert stored(fake).reason["code"] == "deleted_after_sending"
    assert len(fake.sps.uploads) == 1


def test_an_invoice_for_somebody_else_is_left_alone() -> None:
    fake = world()
    fake.freshbooks.invoices[987654] = invoice(po_number=None)
    told(fake)
    assert fake.sps.uploads == []
    assert all(key.direction == "in" for key in fake.ledger.records)


def test_an_invoice_waits_for_the_order_that_it_names_and_goes_on_when_that_arrives() -> None:
    fake = world(ordered=False, freshbooks={"client_ids": [12345]})
    told(fake)
    assert stored(fake).reason["code"] == "order_not_there"
    put(fake, "out/1.json", order())
    run_inbound(fake)
    drain(fake)
    assert stored(fake).state is State.DELIVERED
    assert sent(fake)[0]["LineItem"][0]["InvoiceLine"]["BuyerPartNumber"] == "B-1"


def test_an_asn_goes_with_the_invoice_where_the_pack_asks_and_the_data_suffice() -> None:
    fake = world(
        invoices={"asn": True},
        carrier={"scac": "RBTC", "routing": "Ground"},
        addresses={
            "SF": {
                "AddressName": "Warehouse",
                "Address1": "9 Factory Ln",
                "City": "Duluth",
                "State": "MN",
                "PostalCode": "55802",
                "Country": "USA",
            },
            "ST": {
                "AddressName": "DC",
                "Address1": "2 Dock Rd",
                "City": "Saint Paul",
                "State": "MN",
                "PostalCode": "55108",
                "Country": "USA",
            },
        },
    )
    fake.freshbooks.invoices[987654] = invoice(fulfillment_date="2026-03-10")
    told(fake)
    kinds = sorted(next(iter(document["Header"])) for document in sent(fake))
    assert kinds == ["InvoiceHeader", "ShipmentHeader"]
    lacking = world(invoices={"asn": True})
    told(lacking)
    assert stored(lacking, type_="asn").state is State.HELD
    assert stored(lacking).state is State.DELIVERED


def test_a_bill_that_the_connector_made_is_never_echoed() -> None:
    fake = world(bills={"send": True})
    told(fake, "bill", 1000)
    assert fake.sps.uploads == []


def test_a_bill_written_by_hand_goes_out_self_billed_to_the_vendors_partner() -> None:
    fake = world(bills={"send": True})
    fake.freshbooks.create_bill({"bill": written_bill()})
    told(fake, "bill", 1001)
    [document] = sent(fake)
    assert document["Header"]["InvoiceHeader"]["InvoiceTypeCode"] == "SELF"
    assert document["Summary"]["TotalAmount"] == 12.34


def test_the_poll_shows_what_no_webhook_told_and_nothing_a_second_time() -> None:
    fake = world()
    assert poll_freshbooks(fake.world) >= 1
    drain(fake)
    assert len(fake.sps.uploads) == 1
    fake.clock.pass_(3600)
    poll_freshbooks(fake.world)
    drain(fake)
    assert len(fake.sps.uploads) == 1
    assert stored(fake).duplicates == 0


def test_a_delivered_file_is_marked_picked_up_when_sps_has_taken_it() -> None:
    fake = world()
    told(fake)
    fake.sps.pick_up()
    assert resolve_in_doubt(fake.world)["picked_up"] == 1
    assert stored(fake).state is State.PICKED_UP


def test_a_file_that_nobody_takes_for_two_weeks_no_longer_has_all_of_spss_history_read() -> None:
    fake = world()
    told(fake)
    asked: list[str | None] = []
    read = fake.sps.history
    fake.sps.history = lambda after=None, until=None: asked.append(after) or read(after, until)  # type: ignore[method-assign,func-returns-value]
    resolve_in_doubt(fake.world)
    fake.clock.pass_(14 * 86400 - 60)
    resolve_in_doubt(fake.world)
    assert len(asked) == 2
    fake.clock.pass_(120)
    resolve_in_doubt(fake.world)
    assert len(asked) == 2


def test_a_partner_that_takes_xml_is_sent_xml() -> None:
    fake = world(format="xml")
    told(fake)
    [path] = fake.sps.uploads
    assert path.endswith(".xml")
    [read] = read_documents(fake.sps.files[path])
    assert isinstance(read, Read)
    assert (read.kind, read.number) == ("invoice", "0000421")
    assert read.raw["Summary"]["TotalAmount"] == 100
    fake.sps.pick_up()
    assert resolve_in_doubt(fake.world)["picked_up"] == 1


def test_a_change_of_the_format_while_in_doubt_sends_nothing_a_second_time() -> None:
    fake = world()
    fake.sps.outcomes = [(errors.OutcomeUnknown("read timeout"), True)]
    with pytest.raises(errors.OutcomeUnknown):
        told(fake)
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", format="xml"))
    resolve_in_doubt(fake.world)
    drain(fake)
    assert stored(fake).state is State.DELIVERED
    assert len(fake.sps.uploads) == 1


def test_a_held_invoice_tells_how_much_money_waits() -> None:
    fake = world(ordered=False)
    put(fake, "out/1.json", order(price=2.4))
    run_inbound(fake)
    told(fake)
    record = stored(fake)
    assert (record.state, record.reason["code"]) == (State.HELD, "price_differs")
    assert (record.amount, record.currency, record.date) == ("100.00", "USD", "2026-03-11")


# --- PO numbers as people write them ------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["PO 0045001234", "PO#0045001234", "#0045001234", " P.O. No. 0045001234 "]
)
def test_an_invoice_finds_its_order_whatever_is_written_before_the_number(written: str) -> None:
    fake = world()
    fake.freshbooks.invoices[987654]["po_number"] = written
    told(fake)
    assert stored(fake).state is State.DELIVERED
    assert sent(fake)[0]["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == "0045001234"
    assert [finding["code"] for finding in stored(fake).findings if "PO" in finding["message"]] == [
        "po_number_differs"
    ]


@pytest.mark.parametrize(("number", "written"), [("PO33", "PO33"), ("33", "PO 33"), ("BLK33", "blk33")])
def test_an_invoice_that_comes_before_its_order_goes_out_when_that_is_there(
    number: str, written: str
) -> None:
    fake = world(ordered=False)
    fake.freshbooks.invoices[987654]["po_number"] = written
    told(fake)
    assert sent(fake) == []
    put(fake, "out/1.json", order(number))
    run_inbound(fake)
    drain(fake)
    assert [one["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] for one in sent(fake)] == [number]


def test_an_order_whose_own_number_begins_with_po_is_found_by_it() -> None:
    fake = world(ordered=False)
    for n, number in enumerate(("PO 77", "77")):
        put(fake, f"out/{n}.json", order(number))
    run_inbound(fake)
    fake.freshbooks.invoices[987654]["po_number"] = "PO 77"
    told(fake)
    assert sent(fake)[0]["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == "PO 77"


def test_a_mistyped_po_number_of_a_client_that_the_pack_names_is_for_a_person_to_correct() -> None:
    fake = world(freshbooks={"client_ids": [12345]})
    fake.freshbooks.invoices[987654]["po_number"] = "45001234"
    told(fake)
    held = stored(fake)
    assert (held.state, held.reason["code"], held.amount) == (State.HELD, "order_not_there", "100.00")
    assert needs_person(held)
    change = {"po_number": "0045001234", "version": "2026-03-12 08:00:00.000000"}
    fake.freshbooks.invoices[987654] |= change
    told(fake)
    assert stored(fake).state is State.DELIVERED


# --- the order behind it changes ----------------------------------------------------------------------


def test_a_cancelled_order_is_not_invoiced_but_for_what_was_shipped_before() -> None:
    early, late = world(), world()
    put(late, "out/2.json", shipment("S1", "0045001234", quantity=40))
    for fake in (early, late):
        put(fake, "out/3.json", order(TsetPurposeCode="01"))
        run_inbound(fake)
        told(fake)
    held = stored(early)
    assert (held.state, held.reason["code"]) == (State.HELD, "order_cancelled")
    assert early.sps.uploads == []
    assert stored(late).state is State.DELIVERED


def test_an_invoice_that_a_rule_stopped_goes_on_when_its_order_is_changed_to_fit() -> None:
    fake = world()
    fake.freshbooks.invoices[987654]["lines"][0] |= {"qty": "50", "amount": {"amount": "125.00"}}
    fake.freshbooks.invoices[987654]["amount"] = {"amount": "125.00", "code": "USD"}
    told(fake)
    held = stored(fake)
    assert (held.state, held.reason["code"]) == (State.HELD, "over_invoiced")
    put(fake, "out/another.json", order("another"))
    run_inbound(fake)
    assert fake.records.messages == [], "another order alone is no reason to look again"
    more = {"LineSequenceNumber": "1", "LineChangeCode": "QI", "OrderQty": 50}
    change = order(TsetPurposeCode="04", ChangeOrderSeqNumber="1") | {"LineItem": [{"OrderLine": more}]}
    put(fake, "out/2.json", change)
    run_inbound(fake)
    drain(fake)
    assert stored(fake).state is State.DELIVERED
