"""Which shipments an invoice heeds, and what it repeats of each, where that is not the plain case."""

from __future__ import annotations

from typing import Any

import pytest

from connector.ledger import State
from connector.usecases import shipping
from tests.unit.test_corrections import LATER, credit_note
from tests.unit.test_inbound import order, put
from tests.unit.test_inbound import run as run_inbound
from tests.unit.test_notices import CARRIER, billed, kinds, record, waiting_world
from tests.unit.test_outbound import drain, invoice, sent, told
from tests.unit.test_shipping import file, uploaded, world


def test_a_shipment_that_was_taken_back_is_neither_repeated_nor_in_the_way_of_the_invoices_own_notice() -> (
    None
):
    fake = world(invoices={"asn": True}, carrier=CARRIER)
    uploaded(fake, file(40, bill_of_lading="BOL-7"))
    shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="wrong truck")
    drain(fake)
    taken_back = record(fake, "SH-1", "asn")
    assert taken_back.digest == f"{taken_back.revisions[-1]['digest']}-cancelled", (
        "which older records say, too"
    )
    billed(fake)
    assert kinds(fake)[2:] == ["InvoiceHeader", "ShipmentHeader"]
    assert "BillOfLadingNumber" not in sent(fake)[2]["Header"]["InvoiceHeader"]
    assert record(fake, type_="asn").state is State.DELIVERED


def test_a_shipment_whose_notice_is_still_on_its_way_counts_already() -> None:
    fake = world(invoices={"asn": True}, carrier=CARRIER)
    shipping.upload_shipments(fake.world, file(40, bill_of_lading="BOL-7"), who="cli/ann")
    billed(fake)
    assert sorted(kinds(fake)) == ["InvoiceHeader", "ShipmentHeader"]
    [header] = [d["Header"]["InvoiceHeader"] for d in sent(fake) if "InvoiceHeader" in d["Header"]]
    assert header["BillOfLadingNumber"] == "BOL-7"
    assert record(fake, type_="asn").state is State.SKIPPED


def test_the_only_shipment_of_an_order_is_repeated_whatever_was_billed_of_it() -> None:
    fake = world()
    uploaded(fake, file(40, bill_of_lading="BOL-7"))
    billed(fake, 25)
    assert sent(fake)[1]["Header"]["InvoiceHeader"]["BillOfLadingNumber"] == "BOL-7"


@pytest.mark.parametrize(
    ("scac", "routing", "carrier"),
    [
        (
            b"RBTC",
            "Ground",
            [{"CarrierTransMethodCode": "M", "CarrierAlphaCode": "RBTC", "CarrierRouting": "Ground"}],
        ),
        (b"", "Ground", [{"CarrierTransMethodCode": "M", "CarrierRouting": "Ground"}]),
    ],
)
def test_a_carrier_is_repeated_as_far_as_the_upload_names_it(
    scac: bytes, routing: str, carrier: list[dict[str, str]]
) -> None:
    fake = world()
    uploaded(fake, file(40, method="M", routing=routing).replace(b"RBTC", scac))
    billed(fake)
    assert sent(fake)[-1]["Header"]["CarrierInformation"] == carrier


def test_who_waits_for_a_notice_reads_of_which_line_how_much_is_missing() -> None:
    fake = waiting_world()
    uploaded(fake, file(15))
    billed(fake)
    assert record(fake).reason["message"] == "order line 1: 40 invoiced in all, 15 noticed as shipped"


def test_what_was_credited_may_be_invoiced_again_without_another_shipment() -> None:
    fake = waiting_world()
    uploaded(fake, file(30))
    billed(fake, 30)
    fake.freshbooks.invoices[987700] = credit_note()  # of two bowls
    told(fake, object_id=987700)
    billed(fake, 3, "0000422", 987655)
    assert "31 invoiced in all, 30 noticed" in record(fake, "0000422").reason["message"]
    billed(fake, 2, "0000423", 987656)
    assert record(fake, "0000423").state is State.DELIVERED


def test_a_correction_is_weighed_without_what_it_replaces() -> None:
    fake = waiting_world()
    uploaded(fake, file(20))
    billed(fake, 20)
    fewer = {"amount": "37.50", "code": "USD"}
    kept = fake.freshbooks.invoices[987654]
    fake.freshbooks.invoices[987654] = kept | {
        "version": LATER,
        "amount": fewer,
        "lines": [kept["lines"][0] | {"qty": "15", "amount": fewer}],
    }
    told(fake)
    assert (record(fake).state, record(fake).revision) == (State.DELIVERED, 2)
    assert sent(fake)[-1]["Summary"]["TotalAmount"] == 37.5


def test_a_line_whose_notice_was_taken_back_holds_no_invoice_for_another_line() -> None:
    fake = waiting_world(ordered=False)
    both: dict[str, Any] = order()
    [first] = both["LineItem"]
    second = first["OrderLine"] | {
        "LineSequenceNumber": "2",
        "VendorPartNumber": "V-2",
        "BuyerPartNumber": "B-2",
    }
    both["LineItem"].append({"OrderLine": second})
    put(fake, "out/1.json", both)
    run_inbound(fake)
    uploaded(fake, file(40))
    billed(fake)
    shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="wrong truck")
    drain(fake)
    uploaded(fake, file(40, shipment="SH-2").replace(b"V-1", b"V-2"))
    other = invoice("0000422", id=987655, invoiceid=987655)
    other["lines"][0]["name"] = "V-2"
    fake.freshbooks.invoices[987655] = other
    told(fake, object_id=987655)
    assert record(fake, "0000422").state is State.DELIVERED
