"""Whatever is ordered and then invoiced line by line keeps its identity, foots and conforms."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.freshbooks import Bill, Invoice
from connector.documents.order import Order
from connector.findings import Trace
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.conform import conform, in_schema_order
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.rules.packs import PartnerPack
from tests.outbound import PACK, PROFILE, assert_official, codes, has_schemas, invoice, order

IDENTITY = ("LineSequenceNumber", "BuyerPartNumber", "VendorPartNumber", "ConsumerPackageCode", "GTIN")
CENT = Decimal("0.01")
WORDS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ 0123456789-/.#", min_size=1, max_size=24)
quantities = st.one_of(
    st.integers(1, 5000).map(Decimal),
    st.decimals("0.001", "999", places=3, allow_nan=False, allow_infinity=False),
)
prices = st.decimals("0.01", "9999", places=2, allow_nan=False, allow_infinity=False)


@st.composite
def ordered_lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Order lines whose identifiers are all their own; some lack some of them, none lacks all."""
    lines = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        fields: dict[str, Any] = {
            "LineSequenceNumber": draw(st.sampled_from([f"{number}", f"{number:03d}", f"{number * 10}0"])),
            "BuyerPartNumber": f"{draw(WORDS).strip()}B{number:04d}",
            "ConsumerPackageCode": f"8595630{number:05d}",
            "GTIN": f"0{number}8595630{number:05d}"[:14].zfill(14),
            "OrderQty": float(draw(quantities)),
            "OrderQtyUOM": draw(st.sampled_from(["EA", "CA", "LB", "DZ"])),
            "PurchasePrice": float(draw(prices)),
        }
        if draw(st.booleans()):
            fields["VendorPartNumber"] = f"{draw(WORDS).strip()}V{number:04d}"
        lines.append({"OrderLine": fields})
    return lines


def told_by(fields: dict[str, Any], how: str) -> dict[str, str]:
    if how == "vendor part" and "VendorPartNumber" in fields:
        return {"name": fields["VendorPartNumber"], "description": "Bowl"}
    if how == "upc":
        return {"name": "Bowl", "description": f"UPC {fields['ConsumerPackageCode']} blue"}
    if how == "gtin":
        return {"name": "Bowl", "description": f"blue, {fields['GTIN']}"}
    return {"name": fields["BuyerPartNumber"], "description": "Bowl"}


def as_ordered(lines: list[dict[str, Any]], hows: list[str]) -> tuple[list[dict[str, Any]], Decimal]:
    """FreshBooks lines of exactly what was ordered, and their sum."""
    rows, total = [], Decimal("0.00")
    for item, how in zip(lines, hows, strict=True):
        fields = item["OrderLine"]
        quantity, price = Decimal(str(fields["OrderQty"])), Decimal(str(fields["PurchasePrice"]))
        amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        total += amount
        rows.append(
            told_by(fields, how)
            | {"qty": str(quantity), "unit_cost": {"amount": str(price)}, "amount": {"amount": str(amount)}}
        )
    return rows, total


@given(ordered_lines(), st.data())
def test_what_was_ordered_and_invoiced_keeps_every_identifier_foots_and_conforms(
    lines: list[dict[str, Any]], data: st.DataObject
) -> None:
    hows = [data.draw(st.sampled_from(["vendor part", "upc", "gtin", "buyer part"])) for _ in lines]
    rows, total = as_ordered(lines, hows)
    places = data.draw(st.permutations(range(len(lines))))
    result = invoice_to_rsx(
        invoice([rows[i] for i in places], str(total)), order=order(*lines), pack=PACK, profile=PROFILE
    )
    items = [item["InvoiceLine"] for item in result.document["LineItem"]]
    assert [[item.get(name) for name in IDENTITY] for item in items] == [
        [lines[i]["OrderLine"].get(name) for name in IDENTITY] for i in places
    ]
    assert not result.findings
    assert sum(Decimal(str(item["ExtendedItemTotal"])) for item in items) == total
    assert Decimal(str(result.document["Summary"]["TotalAmount"])) == total
    assert conform(result.document, "Invoice") == []
    assert in_schema_order(result.document, "Invoice") == result.document
    if has_schemas():
        assert_official(result.document, "Invoice")


percents = st.decimals("0", "30", places=3, allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(prices, percents, percents, st.booleans()), min_size=1, max_size=6),
    st.integers(0, 60),
    st.sampled_from(["line", "tax", "all"]),
)
def test_however_freshbooks_rounds_its_taxes_the_invoice_foots(
    rows: list[tuple[Decimal, Decimal, Decimal, bool]], discount: int, rounding: str
) -> None:
    subtotal = sum((price for price, *_ in rows), Decimal(0))
    off = (subtotal * discount / 100).quantize(CENT, ROUND_HALF_UP)
    exact: dict[str, Decimal] = {"A": Decimal(0), "B": Decimal(0)}
    each = Decimal(0)
    for price, first, second, compounded in rows:
        net = price * (100 - discount) / 100
        one = net * first / 100
        two = (net + one if compounded and first else net) * second / 100
        exact["A"] += one
        exact["B"] += two
        each += one.quantize(CENT, ROUND_HALF_UP) + two.quantize(CENT, ROUND_HALF_UP)
    taxes = {
        "line": each,
        "tax": sum((part.quantize(CENT, ROUND_HALF_UP) for part in exact.values()), Decimal(0)),
        "all": sum(exact.values(), Decimal(0)).quantize(CENT, ROUND_HALF_UP),
    }[rounding]
    total = subtotal - off + taxes
    inv = invoice(
        [
            {
                "name": f"Item {i}",
                "qty": "1",
                "unit_cost": str(price),
                "amount": str(price),
                "taxName1": "A",
                "taxAmount1": str(first),
                "taxName2": "B",
                "taxAmount2": str(second),
                "compounded_tax": compounded,
            }
            for i, (price, first, second, compounded) in enumerate(rows)
        ],
        str(total),
        discount_value=discount,
        discount_total=str(-off),
    )
    result = invoice_to_rsx(inv, pack=PACK, profile=PROFILE)
    assert "does_not_foot" not in codes(result.findings)
    summary = {name: Decimal(str(value)) for name, value in result.document["Summary"].items()}
    sent = sum(
        (
            Decimal(str(tax["TaxAmount"]))
            for item in result.document["LineItem"]
            for tax in item.get("Taxes", [])
        ),
        Decimal(0),
    )
    assert sent == taxes == summary.get("TotalTaxesAndCharges", Decimal(0))
    assert (
        summary["TotalAmount"]
        == summary["TotalSalesAmount"] - summary.get("TotalAllowancesAmount", 0) + sent
        == total
    )


json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["CT", "EA", "1"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["ReferenceQual", "ReferenceID", "AddressTypeCode", "TransitTime", "Odd", "Date", "Contacts"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
GROUPS = ("Address", "References", "Contacts", "CarrierInformation", "FOBRelatedInstruction", "Commodity")
LINE_GROUPS = ("PriceInformation", "PhysicalDetails", "References", "Subline", "Address", "Commodity")
anything = st.lists(json_values, max_size=3)
texts = st.text(max_size=70)
numbers = st.decimals(-(10**14), 10**14, allow_nan=False, allow_infinity=False)


@settings(max_examples=200)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(GROUPS, anything)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(LINE_GROUPS, anything)),
    st.lists(
        st.fixed_dictionaries(
            {"qty": numbers, "unit_cost": numbers},
            optional={
                "name": texts,
                "description": texts,
                "amount": numbers,
                "taxName1": texts,
                "taxAmount1": numbers,
            },
        ),
        max_size=3,
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "amount": numbers,
            "discount_total": numbers,
            "discount_value": numbers,
            "notes": texts,
            "terms": texts,
            "create_date": st.dates(),
            "due_offset_days": st.integers(-5, 10**9),
            "invoice_number": texts,
            "po_number": texts,
        },
    ),
    st.booleans(),
)
def test_whatever_the_models_admit_is_mapped_without_a_crash(
    groups: dict[str, Any],
    line_groups: dict[str, Any],
    rows: list[dict[str, Any]],
    fields: dict[str, Any],
    stored: bool,
) -> None:
    ordered = None
    if stored:
        line = {
            "OrderLine": {"LineSequenceNumber": "1", "VendorPartNumber": "V-1", "OrderQty": 5}
        } | line_groups
        ordered = Order.model_validate(
            {
                "Header": {"OrderHeader": {"TradingPartnerId": "T", "PurchaseOrderNumber": "P"}} | groups,
                "LineItem": [line],
            }
        )
    inv = Invoice.model_validate(fields | {"lines": rows})
    record = Bill.model_validate(
        {"issue_date": fields.get("create_date"), "total_amount": fields.get("amount")}
        | {"lines": [{"quantity": row["qty"], "unit_cost": row["unit_cost"]} for row in rows]}
    )
    pack = PartnerPack(trading_partner_id="T")
    for kind, result in (
        ("Invoice", invoice_to_rsx(inv, order=ordered, pack=pack, trace=(trace := Trace()))),
        ("Invoice", bill_to_rsx(record, order=ordered, pack=pack)),
        ("Shipment", invoice_to_shipment(inv, order=ordered, pack=pack)),
    ):
        json.dumps(result.document, allow_nan=False)
        # What is wrong with it is what FreshBooks lacks (a number, a date) or what is too long; never its form.
        assert not {"unknown_element", "null", "wrong_type", "empty_element"} & set(codes(result.findings)), (
            kind
        )
    assert trace
