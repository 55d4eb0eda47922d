"""Any order maps to a bill that foots with it, and nothing that can be read breaks a mapping."""

from __future__ import annotations

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connector.documents import codes
from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.documents.shipment import Shipment
from connector.findings import Trace
from connector.mapping.order_to_bill import order_to_bill, ordered_lines
from connector.mapping.shipment_to_events import purchase_orders, shipment_to_events
from connector.rules.packs import PartnerPack, pack_of
from tests import builders
from tests.builders import PARTNER

PACK = PartnerPack(trading_partner_id=PARTNER)
ADJUSTING = pack_of({"trading_partner_id": PARTNER, "shipments": {"adjust_bill": True}})
TODAY = date(2026, 11, 23)
PER = {"PE": 1, "UM": 1, "PD": 12, "PN": 10, "HP": 100, "HT": 1000}


def in_cents(amount: Fraction) -> Decimal:
    """Half up (away from zero), in whole-number arithmetic."""
    cents = int(abs(amount) * 100 + Fraction(1, 2))
    return Decimal(cents if amount >= 0 else -cents) / 100


def decimals(places: int, most: int = 10**6) -> st.SearchStrategy[float]:
    return st.integers(0, most).map(lambda number: number / 10**places)


ordered = st.fixed_dictionaries(
    {
        "OrderQty": st.one_of(st.integers(0, 5000), decimals(3)),
        "PurchasePrice": st.one_of(decimals(2), decimals(4)),
        "OrderQtyUOM": st.sampled_from(["EA", "LB", "PC"]),
    },
    optional={"PurchasePriceBasis": st.sampled_from(list(PER))},
)
charged = st.fixed_dictionaries(
    {"AllowChrgIndicator": st.sampled_from("ACN"), "AllowChrgAmt": decimals(2)},
    optional={"AllowChrgHandlingCode": st.sampled_from(["02", "06", "01", "15"])},
)


def counted(charge: dict) -> Decimal:
    if charge["AllowChrgIndicator"] == "N" or charge.get("AllowChrgHandlingCode") in ("01", "15"):
        return Decimal()
    amount = in_cents(Fraction(str(charge["AllowChrgAmt"])))
    return -amount if charge["AllowChrgIndicator"] == "A" else amount


@given(st.lists(ordered, min_size=1, max_size=6), st.lists(charged, max_size=3))
def test_the_bills_lines_come_to_the_orders_money(lines: list[dict], charges: list[dict]) -> None:
    items = [builders.order_line(n, **line) for n, line in enumerate(lines, 1)]
    document = builders.order(items, charges=charges, summary={})
    result = order_to_bill(Order.model_validate(document), PACK, TODAY)
    expected = sum((counted(charge) for charge in charges), Decimal())
    for line in lines:
        exact = Fraction(str(line["OrderQty"])) * Fraction(str(line["PurchasePrice"]))
        expected += in_cents(exact / PER[line.get("PurchasePriceBasis", "PE")])
    billed = result.document["bill"]["lines"]
    assert (
        sum((Decimal(line["unit_cost"]["amount"]) * line["quantity"] for line in billed), Decimal())
        == expected
    )
    for line in billed:
        assert isinstance(line["quantity"], int)
        assert line["quantity"] >= 1
        assert Decimal(line["unit_cost"]["amount"]).as_tuple().exponent == -2
        assert 0 < len(line["description"]) <= 500


# Values as the schema admits them, and worse: any number, any text, any known code, under known names.
numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 1e300, -1e300, 1e-300, 0.005, "1e999999", "1e-999999", "0E+50", "12.50"]),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
coded = st.sampled_from(sorted(set().union(*codes.CODES.values())))
dates = st.one_of(texts, st.dates().map(str), st.sampled_from(["22020-12-20", "0001-01-01", "9999-12-31"]))


def group(**elements: st.SearchStrategy[Any]) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({}, optional=elements)


def many(inner: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[list]:
    return st.lists(inner, max_size=most)


charge_like = group(
    AllowChrgIndicator=st.sampled_from(["A", "C", "N", "?"]),
    AllowChrgCode=coded,
    AllowChrgAmt=numbers,
    AllowChrgPercent=numbers,
    AllowChrgPercentQual=st.sampled_from("1234567"),
    PercentDollarBasis=numbers,
    AllowChrgRate=numbers,
    AllowChrgQty=numbers,
    AllowChrgHandlingCode=coded,
    AllowChrgHandlingDescription=texts,
)
tax_like = group(TaxAmount=numbers, TaxPercent=numbers, PercentDollarBasis=numbers, RelationshipCode=coded)
terms_like = group(TermsNetDueDays=st.integers(-(10**30), 10**30), TermsNetDueDate=dates)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: many(inner) | st.dictionaries(texts, inner, max_size=3),
)
order_item = group(
    OrderLine=group(
        LineSequenceNumber=st.sampled_from(["1", "2", "", "01"]),
        VendorPartNumber=texts,
        BuyerPartNumber=texts,
        ConsumerPackageCode=texts,
        GTIN=texts,
        OrderQty=numbers,
        OrderQtyUOM=coded,
        PurchasePrice=numbers,
        PurchasePriceBasis=st.one_of(st.sampled_from(sorted(codes.CODES["PurchasePriceBasis"])), texts),
        ExtendedItemTotal=numbers,
        BuyersCurrency=texts,
        ProductSizeDescription=texts,
    ),
    PriceInformation=many(anything | group(PriceTypeIDCode=coded, UnitPrice=numbers, UnitPriceBasis=coded)),
    PhysicalDetails=many(
        anything | group(PackQualifier=coded, PackValue=numbers, PackSize=numbers, PackUOM=coded)
    ),
    ProductOrItemDescription=many(group(ProductCharacteristicCode=coded, ProductDescription=texts)),
    QuantitiesSchedulesLocations=many(
        group(TotalQty=numbers, LocationQuantity=many(group(Location=texts, Qty=numbers)))
    ),
    ChargesAllowances=many(charge_like),
    Taxes=many(tax_like),
)
wild_order = st.fixed_dictionaries(
    {
        "Header": st.fixed_dictionaries(
            {
                "OrderHeader": st.fixed_dictionaries(
                    {"TradingPartnerId": st.just(PARTNER), "PurchaseOrderNumber": st.just("45")},
                    optional={
                        "PurchaseOrderDate": dates,
                        "BuyersCurrency": texts,
                        "ReleaseNumber": texts,
                        "PrimaryPOTypeCode": coded,
                    },
                )
            },
            optional={
                "PaymentTerms": many(terms_like),
                "ChargesAllowances": many(charge_like),
                "Taxes": many(tax_like),
                "QuantityTotals": many(
                    group(QuantityTotalsQualifier=coded, Quantity=numbers, QuantityUOM=coded)
                ),
            },
        ),
        "LineItem": many(order_item),
    },
    optional={"Summary": group(TotalAmount=numbers, TotalLineItemNumber=st.integers(-(10**30), 10**30))},
)
shipped_item = st.fixed_dictionaries(
    {
        "ShipmentLine": group(
            LineSequenceNumber=st.sampled_from(["1", "2", ""]),
            VendorPartNumber=texts,
            GTIN=texts,
            ShipQty=numbers,
            ShipQtyUOM=coded,
            OrderQty=numbers,
        )
    }
)
pack_level = st.fixed_dictionaries(
    {"Pack": group(ShippingSerialID=texts)}, optional={"ItemLevel": many(shipped_item)}
)
wild_shipment = st.fixed_dictionaries(
    {
        "Header": st.fixed_dictionaries(
            {
                "ShipmentHeader": st.fixed_dictionaries(
                    {"TradingPartnerId": st.just(PARTNER), "ShipmentIdentification": st.just("S1")},
                    optional={"ShipDate": dates, "CurrentScheduledDeliveryDate": dates},
                )
            },
            optional={"Dates": many(group(DateTimeQualifier=coded, Date=dates))},
        )
    },
    optional={
        "OrderLevel": many(
            st.fixed_dictionaries(
                {
                    "OrderHeader": group(
                        PurchaseOrderNumber=st.sampled_from(["45", "46", ""]), ReleaseNumber=texts
                    )
                },
                optional={"PackLevel": many(pack_level), "ItemLevel": many(shipped_item)},
            )
        ),
        "PackLevel": many(pack_level),
        "ItemLevel": many(shipped_item),
    },
)


def read(document: dict) -> Read | None:
    [found] = read_documents(json.dumps(document).encode())
    return found if isinstance(found, Read) else None


@given(wild_order)
@example(
    {"Header": {"OrderHeader": {"TradingPartnerId": PARTNER, "PurchaseOrderNumber": "45"}}, "LineItem": []}
)
def test_no_order_that_can_be_read_breaks_the_mapping(document: dict) -> None:
    found = read(document)
    if found is None:
        return
    assert isinstance(found.document, Order)
    trace: Trace = {}
    result = order_to_bill(found.document, PACK, TODAY, trace)
    assert order_to_bill(found.document, PACK, TODAY).document == result.document
    json.dumps(result.document, allow_nan=False).encode()
    for line in result.document["bill"]["lines"]:
        assert Decimal(line["unit_cost"]["amount"]).quantize(Decimal("0.01"), ROUND_HALF_UP).is_finite()
    ordered_lines(found.document)


@given(wild_shipment, wild_order)
def test_no_shipment_that_can_be_read_breaks_the_mapping(shipment: dict, order: dict) -> None:
    found, of = read(shipment), read(order)
    if found is None:
        return
    assert isinstance(found.document, Shipment)
    purchase_orders(found.document)
    orders = {"45": of.document} if of is not None and isinstance(of.document, Order) else {}
    result = shipment_to_events(found.document, orders, ADJUSTING, {"45": {"1": Decimal("2.5")}}, {})
    json.dumps(result.document, allow_nan=False).encode()


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    assert read_documents(data)
