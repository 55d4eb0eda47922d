"""Whatever is ordered and invoiced, what follows it keeps every identifier, conforms, and is explained."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connector.documents.order import Order
from connector.findings import Trace
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.order_to_ack import Decision, LineDecision, accepted_quantities, order_to_ack
from connector.mapping.reversal import cancellation_of, credit_over, reference_to
from tests.outbound import PACK, PROFILE, assert_official, bill, bill_line, has_schemas, invoice, order
from tests.properties.test_invoice_to_rsx_properties import as_ordered, ordered_lines

HOWS = ["vendor part", "upc", "gtin", "buyer part"]
HEADER = (
    "PurchaseOrderNumber",
    "PurchaseOrderDate",
    "Department",
    "Vendor",
    "Division",
    "CustomerOrderNumber",
)
IDENTITY = (
    "LineSequenceNumber",
    "BuyerPartNumber",
    "VendorPartNumber",
    "ConsumerPackageCode",
    "GTIN",
    "OrderQtyUOM",
)
WORDS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-", min_size=1, max_size=12)
settled = settings(max_examples=50)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """An order with identifiers of its own in header, parties, references and lines."""
    parties = [
        {"AddressTypeCode": kind, "LocationCodeQualifier": "92", "AddressLocationNumber": draw(WORDS)}
        for kind in ("BT", "ST", "BY")
    ]
    references = [
        {"ReferenceQual": qualifier, "ReferenceID": draw(WORDS)}
        for qualifier in draw(st.sets(st.sampled_from(["CT", "MR", "VN", "PD"]), max_size=3))
    ]
    header = {name: draw(WORDS) for name in ("Department", "Vendor", "Division", "CustomerOrderNumber")}
    return order(*draw(ordered_lines()), header=header, Address=parties, References=references)


def identifiers(document: dict[str, Any], header: str, line: str) -> dict[str, Any]:
    top = document["Header"]
    return {
        "header": {name: top[header].get(name) for name in HEADER},
        "parties": {
            party["AddressTypeCode"]: party.get("AddressLocationNumber")
            for party in top["Address"]
            if party["AddressTypeCode"] != "RI"
        },
        "references": [
            (one["ReferenceQual"], one["ReferenceID"])
            for one in top.get("References", [])
            if one["ReferenceQual"] != "INV"
        ],
        "lines": [[item[line].get(name) for name in IDENTITY] for item in document["LineItem"]],
    }


def invoiced(ordered: Order, data: st.DataObject, trace: Trace, sign: int = 1) -> dict[str, Any]:
    lines = [item.plain() for item in ordered.LineItem]
    rows, total = as_ordered(lines, [data.draw(st.sampled_from(HOWS)) for _ in lines])
    assume(total > 0)
    for row in rows:
        row["qty"] = str(sign * Decimal(row["qty"]))
        row["amount"] = {"amount": str(sign * Decimal(row["amount"]["amount"]))}
    result = invoice_to_rsx(
        invoice(rows, str(sign * total)),
        order=ordered,
        pack=PACK,
        profile=PROFILE,
        original=reference_to("0000400") if sign < 0 else None,
        trace=trace,
    )
    assert not result.blocked, result.findings
    return result.document


def assert_explained(document: dict[str, Any], trace: Trace) -> None:
    def leaves(value: Any, path: str) -> list[str]:
        if isinstance(value, dict):
            return [
                p for name, each in value.items() for p in leaves(each, f"{path}.{name}" if path else name)
            ]
        if isinstance(value, list):
            return [p for index, each in enumerate(value) for p in leaves(each, f"{path}[{index}]")]
        return [path]

    told = {path: trace[path] for path in leaves(document, "")}
    assert [path for path, source in told.items() if source.rule in ("", "mapped")] == []


@settled
@given(orders(), st.data())
def test_an_invoice_and_the_credit_over_it_keep_the_orders_identifiers(
    ordered: Order, data: st.DataObject
) -> None:
    theirs = identifiers(ordered.plain(), "OrderHeader", "OrderLine")
    trace: Trace = {}
    sent = invoiced(ordered, data, trace)
    assert_explained(sent, trace)
    assert identifiers(sent, "InvoiceHeader", "InvoiceLine") == theirs
    credit_trace: Trace = {}
    credit = credit_over(sent, number="0000421C1", issued=date(2026, 3, 12), trace=credit_trace)
    assert_explained(credit.document, credit_trace)
    assert identifiers(credit.document, "InvoiceHeader", "InvoiceLine") == theirs
    assert credit.document["Summary"] == sent["Summary"]
    cancelled_trace: Trace = {}
    cancelled = cancellation_of(sent, cancelled_trace)
    assert_explained(cancelled.document, cancelled_trace)
    assert not credit.blocked
    assert not cancelled.blocked
    if has_schemas():
        for document in (sent, credit.document, cancelled.document):
            assert_official(document, "Invoice")


@settled
@given(orders(), st.data())
def test_a_credit_note_is_the_invoice_with_the_other_sign(ordered: Order, data: st.DataObject) -> None:
    trace: Trace = {}
    credit = invoiced(ordered, data, trace, sign=-1)
    assert_explained(credit, trace)
    assert credit["Header"]["InvoiceHeader"]["InvoiceTypeCode"] == "CR"
    assert identifiers(credit, "InvoiceHeader", "InvoiceLine") == identifiers(
        ordered.plain(), "OrderHeader", "OrderLine"
    )
    assert all(item["InvoiceLine"]["ExtendedItemTotal"] >= 0 for item in credit["LineItem"])
    assert sum(
        Decimal(str(item["InvoiceLine"]["ExtendedItemTotal"])) for item in credit["LineItem"]
    ) == Decimal(str(credit["Summary"]["TotalAmount"]))
    if has_schemas():
        assert_official(credit, "Invoice")


@st.composite
def decisions(draw: st.DrawFn, ordered: Order) -> Decision:
    """Any decision that can be made about the order."""
    lines = []
    for item in ordered.LineItem:
        quantity = item.OrderLine.OrderQty or Decimal(0)
        if not draw(st.booleans()):
            continue
        accepted = draw(st.sampled_from([None, quantity, quantity / 2, Decimal(0)]))
        rest = quantity - accepted if accepted is not None else Decimal(0)
        later = rest if rest and draw(st.booleans()) else None
        lines.append(
            LineDecision(
                line=item.OrderLine.LineSequenceNumber or "",
                quantity=accepted,
                backorder=later,
                price=draw(st.sampled_from([None, Decimal("1.25")])),
                ship_date=draw(st.one_of(st.none(), st.dates())),
                vendor_part=draw(st.sampled_from(["", "V-9"])),
                reject=draw(st.sampled_from([None, None, "IR", "ROS"])),
            )
        )
    verdict: Any = draw(st.sampled_from(["accept", "lines", "reject"]))
    return Decision(verdict=verdict, lines=tuple(lines), at=date(2026, 3, 3))


@settled
@given(st.data())
def test_an_acknowledgement_repeats_the_order_and_promises_no_more_than_it_asks_for(
    data: st.DataObject,
) -> None:
    ordered = data.draw(orders())
    decision = data.draw(decisions(ordered))
    trace: Trace = {}
    result = order_to_ack(ordered, decision, trace=trace)
    assert not result.blocked, result.findings
    assert order_to_ack(ordered, decision).document == result.document
    assert_explained(result.document, trace)
    assert identifiers(result.document, "OrderHeader", "OrderLine") == identifiers(
        ordered.plain(), "OrderHeader", "OrderLine"
    )
    promised = accepted_quantities(ordered, decision)
    for item in result.document["LineItem"]:
        line = item["OrderLine"]
        accepted = [
            Decimal(str(status["ItemScheduleQty"]))
            for status in item["LineItemAcknowledgement"]
            if status["ItemStatusCode"] not in ("IR", "ROS")
        ]
        assert sum(accepted) == promised[line["LineSequenceNumber"]] <= Decimal(str(line["OrderQty"]))
    if has_schemas():
        assert_official(result.document, "OrderAck")


@settled
@given(st.lists(st.tuples(WORDS, st.integers(1, 99), st.integers(1, 99999)), min_size=1, max_size=4))
def test_a_self_billed_invoice_is_explained_and_conforms(rows: list[tuple[str, int, int]]) -> None:
    lines, total = [], Decimal(0)
    for words, quantity, cost in rows:
        price = Decimal(cost) / 100
        total += quantity * price
        lines.append(bill_line(words, str(quantity), str(price), str(quantity * price)))
    trace: Trace = {}
    result = bill_to_rsx(bill(lines, str(total)), pack=PACK, profile=PROFILE, trace=trace)
    assert not result.blocked, result.findings
    assert_explained(result.document, trace)
    if has_schemas():
        assert_official(result.document, "Invoice")
