"""Invoices and the notices of their order's shipments: who waits for whom, and what the invoice repeats."""

from __future__ import annotations

from datetime import date
from typing import Any

from connector.findings import Trace
from connector.ledger import DocumentKey, Record, State
from connector.mapping.consignment import Dispatch
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.usecases import shipping
from connector.usecases.people import documents
from connector.usecases.upkeep import resolve_in_doubt
from tests.fakes import FakeWorld
from tests.outbound import PACK, PROFILE
from tests.outbound import invoice as fb_invoice
from tests.outbound import order as rsx_order
from tests.unit.test_invoice_to_rsx import leaves
from tests.unit.test_outbound import drain, invoice, sent, told
from tests.unit.test_shipping import PARTNER, PLACES, PREFIX, file, uploaded, world

CARRIER = {"scac": "RBTC", "routing": "Ground"}


def billed(fake: FakeWorld, quantity: int = 40, number: str = "0000421", object_id: int = 987654) -> None:
    """An invoice for so many of the order's 40 bowls at 2.50, and its webhook."""
    amount = {"amount": f"{quantity * 2.5:.2f}", "code": "USD"}
    changed = invoice(number, id=object_id, invoiceid=object_id, amount=amount, fulfillment_date="2026-03-10")
    changed["lines"][0] |= {"qty": str(quantity), "amount": amount}
    fake.freshbooks.invoices[object_id] = changed
    told(fake, object_id=object_id)


def record(fake: FakeWorld, number: str = "0000421", type_: str = "invoice") -> Record:
    found = fake.ledger.get(DocumentKey("acme", "out", PARTNER, type_, number))
    assert found is not None
    return found


def kinds(fake: FakeWorld) -> list[str]:
    return [next(iter(document["Header"])) for document in sent(fake)]


def waiting_world(**pack: Any) -> FakeWorld:
    return world(invoices={"asn_first": True}, **pack)


def test_an_invoice_waits_for_the_notice_of_its_shipment_and_goes_on_by_itself() -> None:
    fake = waiting_world()
    billed(fake)
    assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "notice_first")
    assert resolve_in_doubt(fake.world)["woken"] == 0
    uploaded(fake, file(40))
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader"]
    assert record(fake).state is State.DELIVERED


def test_an_invoice_waits_until_all_that_it_bills_was_noticed() -> None:
    fake = waiting_world()
    uploaded(fake, file(15))
    billed(fake, 25)
    assert "25 invoiced in all, 15 noticed" in record(fake).reason["message"]
    uploaded(fake, file(10, shipment="SH-2"))
    assert record(fake).state is State.DELIVERED
    billed(fake, 15, "0000422", 987655)
    assert "40 invoiced in all, 25 noticed" in record(fake, "0000422").reason["message"]
    uploaded(fake, file(15, shipment="SH-3"))
    assert record(fake, "0000422").state is State.DELIVERED


def test_a_notice_that_was_taken_back_is_none() -> None:
    fake = waiting_world()
    uploaded(fake, file(40))
    shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="wrong truck")
    drain(fake)
    billed(fake)
    assert record(fake).reason["code"] == "notice_first"


def test_whom_nobody_woke_the_upkeep_wakes() -> None:
    fake = waiting_world()
    billed(fake)
    shipping.upload_shipments(fake.world, file(40), who="cli/ann")
    waiting, fake.ledger.waiting_for = fake.ledger.waiting_for, lambda what: []  # type: ignore[method-assign]
    drain(fake)
    fake.ledger.waiting_for = waiting  # type: ignore[method-assign]
    assert record(fake).state is State.HELD
    assert resolve_in_doubt(fake.world)["woken"] == 1
    drain(fake)
    assert record(fake).state is State.DELIVERED


def test_where_an_invoice_makes_its_own_notice_it_goes_after_it() -> None:
    fake = world(invoices={"asn": True, "asn_first": True}, carrier=CARRIER)
    billed(fake)
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader"]
    billed(fake)
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader"]


def test_an_upload_goes_before_what_an_invoice_knows_of_its_shipment() -> None:
    fake = world(invoices={"asn": True}, carrier=CARRIER)
    uploaded(fake, file(40))
    billed(fake)
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader"]
    own = record(fake, type_="asn")
    assert (own.state, own.history[-1].note) == (State.SKIPPED, "shipment SH-1 was uploaded for its order")


def test_where_uploads_are_expected_an_invoice_makes_no_notice_and_does_not_wait_either() -> None:
    fake = world(invoices={"asn": True}, carrier=CARRIER, asn={"upload": "expected", "gs1_prefix": PREFIX})
    billed(fake)
    assert kinds(fake) == ["InvoiceHeader"]
    assert record(fake, type_="asn").state is State.SKIPPED


def test_an_invoices_own_notice_tells_what_is_left_after_earlier_ones() -> None:
    fake = world(invoices={"asn": True}, carrier=CARRIER)
    billed(fake, 25)
    billed(fake, 15, "0000422", 987655)
    notices = [document for document in sent(fake) if "ShipmentHeader" in document["Header"]]
    lines = [notice["OrderLevel"][0]["ItemLevel"][0]["ShipmentLine"] for notice in notices]
    assert [(line["ItemStatusCode"], line.get("QtyLeftToReceive")) for line in lines] == [
        ("BP", 15),
        ("AC", None),
    ]


def test_an_invoice_repeats_how_its_goods_went() -> None:
    fake = world()
    uploaded(fake, file(40, bill_of_lading="BOL-7", pro_number="PRO-8"))
    billed(fake)
    header = sent(fake)[1]["Header"]
    assert header["InvoiceHeader"]["BillOfLadingNumber"] == "BOL-7"
    assert header["InvoiceHeader"]["CarrierProNumber"] == "PRO-8"
    assert header["InvoiceHeader"]["ShipDate"] == "2026-03-10"
    assert header["CarrierInformation"] == [{"CarrierAlphaCode": "RBTC"}]


def test_what_comes_from_a_shipment_is_explained_by_it() -> None:
    trace: Trace = {}
    dispatch = Dispatch("SH-1", date(2026, 3, 9), "BOL-7", "PRO-8", {"CarrierAlphaCode": "RBTC"})
    rows = [
        {"name": "V-1", "qty": "5", "unit_cost": {"amount": "20.00"}, "amount": {"amount": "100.00"}},
    ]
    result = invoice_to_rsx(
        fb_invoice(rows, "100.00"),
        order=rsx_order(),
        pack=PACK,
        profile=PROFILE,
        dispatch=dispatch,
        trace=trace,
    )
    assert set(trace) == leaves("", result.document)
    assert trace["Header.InvoiceHeader.ShipDate"].paths == ("shipment.ship_date",)
    assert trace["Header.InvoiceHeader.BillOfLadingNumber"].rule == "shipment SH-1"
    assert trace["Header.CarrierInformation[0].CarrierAlphaCode"].paths == ("shipment.scac",)


def test_of_several_shipments_an_invoice_repeats_the_one_of_its_quantities() -> None:
    fake = world()
    uploaded(fake, file(25, bill_of_lading="BOL-1"))
    uploaded(fake, file(15, shipment="SH-2", bill_of_lading="BOL-2"))
    billed(fake, 15)
    billed(fake, 20, "0000422", 987655)
    first, second = (d["Header"]["InvoiceHeader"] for d in sent(fake) if "InvoiceHeader" in d["Header"])
    assert first["BillOfLadingNumber"] == "BOL-2"
    assert "BillOfLadingNumber" not in second


def test_the_addresses_of_a_notice_and_its_invoice_are_the_partners() -> None:
    fake = world()
    uploaded(fake, file(40))
    found = {a["AddressTypeCode"]: a["AddressName"] for a in sent(fake)[0]["Header"]["Address"]}
    assert {"SF": PLACES["SF"]["AddressName"]}.items() <= found.items()
    assert [one["type"] for one in documents(fake.ledger, "acme", direction="out")] == ["asn"]
