"""Whatever order or shipment the official schemas admit: no mapping breaks, none guesses, each explains itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.documents.shipment import Shipment
from connector.documents.upload import Upload
from connector.findings import Mapped, Trace, explained
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.mapping.order_to_ack import Decision, LineDecision, order_to_ack
from connector.mapping.reversal import cancellation_of, credit_over, reference_to
from connector.mapping.shipment_to_events import shipment_to_events
from connector.mapping.upload_to_shipment import upload_to_shipment
from connector.rules.packs import pack_of
from tests.outbound import PROFILE, assert_official, bill, bill_line, fb_line, invoice
from tests.schema_strategies import WILD_NUMBERS, admitted

PO = "0045001234"
PARTNER = "SPSALLTESTID"
PACK = pack_of({"trading_partner_id": PARTNER, "shipments": {"adjust_bill": True}})
INVOICE = invoice(
    [fb_line("V-1", "5", "20.00", "100.00"), fb_line("Odd", "2", "1.50", "3.00")],
    "92.70",
    discount_value="10",
    discount_total={"amount": "-10.30", "code": "USD"},
)
CREDIT = invoice([fb_line("V-1", "-5", "20.00", "-100.00")], "-100.00")
BILL = bill([bill_line("V-1", "5", "20.00", "100.00")], "100.00", bill_number=PO)
UPLOAD = Upload.model_validate(
    {
        "shipment_id": "S-1",
        "ship_date": "2026-03-10",
        "scac": "RBTC",
        "cartons": [
            {
                "sscc": "006141410000000012",
                "contents": [{"purchase_order": PO, "line": "1", "quantity": 5}],
            }
        ],
    }
)
DECISION = Decision(
    verdict="lines",
    lines=(LineDecision(line="1", quantity=Decimal(2), backorder=Decimal(3)),),
    at=date(2026, 3, 3),
)
Mapping = Callable[[Order, Trace], Mapped]


def sent(order: Order) -> dict[str, Any]:
    return invoice_to_rsx(INVOICE, order=order, pack=PACK, profile=PROFILE).document


MAPPINGS: dict[str, tuple[str, Mapping]] = {
    "invoice": (
        "Invoice",
        lambda order, trace: invoice_to_rsx(INVOICE, order=order, pack=PACK, profile=PROFILE, trace=trace),
    ),
    "credit note": (
        "Invoice",
        lambda order, trace: invoice_to_rsx(
            CREDIT, order=order, pack=PACK, profile=PROFILE, original=reference_to("0000400"), trace=trace
        ),
    ),
    "credit over an invoice": (
        "Invoice",
        lambda order, trace: credit_over(sent(order), number="421C1", issued=date(2026, 3, 12), trace=trace),
    ),
    "cancelled invoice": ("Invoice", lambda order, trace: cancellation_of(sent(order), trace)),
    "bill": (
        "Invoice",
        lambda order, trace: bill_to_rsx(BILL, order=order, pack=PACK, profile=PROFILE, trace=trace),
    ),
    "invoice's notice": (
        "Shipment",
        lambda order, trace: invoice_to_shipment(
            INVOICE, order=order, pack=PACK, profile=PROFILE, trace=trace
        ),
    ),
    "upload's notice": (
        "Shipment",
        lambda order, trace: upload_to_shipment(
            UPLOAD,
            orders={PO: order},
            pack=PACK,
            profile=PROFILE,
            uploaded=datetime(2026, 3, 10, 22, tzinfo=UTC),
            trace=trace,
        ),
    ),
    "acknowledgement": ("OrderAck", lambda order, trace: order_to_ack(order, DECISION, trace=trace)),
}
settled = settings(max_examples=25)


def assert_explained(document: dict[str, Any], trace: Trace) -> None:
    nowhere = [path for path, _, source in explained(document, trace) if source.rule in ("", "mapped")]
    assert nowhere == []


def order_of(document: dict[str, Any]) -> Order:
    """The document as read from bytes, as the order of the records above; its first line is theirs."""
    document["Header"]["OrderHeader"] |= {"TradingPartnerId": PARTNER, "PurchaseOrderNumber": PO}
    for item in document.get("LineItem", [])[:1]:
        item.setdefault("OrderLine", {}).update({"LineSequenceNumber": "1", "VendorPartNumber": "V-1"})
    [found] = read_documents(json.dumps({"Orders": [document]}).encode())
    assert isinstance(found, Read), found
    assert isinstance(found.document, Order)
    return found.document


@pytest.mark.parametrize("name", MAPPINGS)
@settled
@given(data=st.data())
def test_an_outbound_mapping_takes_any_order(shared: Path, name: str, data: st.DataObject) -> None:
    kind, mapping = MAPPINGS[name]
    order = order_of(data.draw(admitted(shared, "Orders", WILD_NUMBERS)))
    trace: Trace = {}
    result = mapping(order, trace)
    assert json.dumps(mapping(order, {}).document, allow_nan=False) == json.dumps(result.document)
    assert_explained(result.document, trace)
    if not result.blocked:
        assert_official(result.document, kind)


@settled
@given(data=st.data())
def test_a_shipment_of_any_order_becomes_events_that_are_explained(shared: Path, data: st.DataObject) -> None:
    order = order_of(data.draw(admitted(shared, "Orders", WILD_NUMBERS)))
    [found] = read_documents(
        json.dumps({"Shipments": [data.draw(admitted(shared, "Shipments", WILD_NUMBERS))]}).encode()
    )
    if not isinstance(found, Read):
        assert found.code == "bad_input"  # an empty number, or one of white space
        return
    shipment = found.document
    assert isinstance(shipment, Shipment)
    trace: Trace = {}
    result = shipment_to_events(shipment, {PO: order}, PACK, trace=trace)
    assert shipment_to_events(shipment, {PO: order}, PACK).document == result.document
    json.dumps(result.document, allow_nan=False)
    assert_explained(result.document, trace)
