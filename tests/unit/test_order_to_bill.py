"""An order as a bill: amounts by written-out arithmetic, and what is remarked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.findings import Mapped, Trace
from connector.mapping.order_to_bill import (
    extended_amount,
    order_to_bill,
    ordered_lines,
)
from connector.rules.packs import PartnerPack, pack_of
from tests import builders
from tests.builders import PARTNER, allowance, charge, order_line

TODAY = date(2026, 11, 23)
PACK = PartnerPack(trading_partner_id=PARTNER)


def mapped(document: dict, pack: PartnerPack = PACK, trace: Trace | None = None) -> Mapped:
    return order_to_bill(Order.model_validate(document), pack, TODAY, trace)


def bill(document: dict, pack: PartnerPack = PACK) -> dict[str, Any]:
    return mapped(document, pack).document["bill"]


def lines(document: dict, pack: PartnerPack = PACK) -> list[tuple[int, str]]:
    return [(line["quantity"], line["unit_cost"]["amount"]) for line in bill(document, pack)["lines"]]


def one_line(pack: PartnerPack = PACK, item: dict | None = None, **changes: Any) -> tuple[int, str]:
    [line] = lines(builders.order([order_line(item=item, **changes)]), pack)
    return line


def total(document: dict) -> Decimal:
    return sum((quantity * Decimal(cost) for quantity, cost in lines(document)), Decimal())


def codes(document: dict, pack: PartnerPack = PACK) -> list[str]:
    return [finding.code for finding in mapped(document, pack).findings]


def text(document: dict) -> str:
    return bill(document)["lines"][0]["description"]


# --- the whole ------------------------------------------------------------------------------------------


def test_an_order_becomes_a_vendor_and_a_bill_and_nothing_is_remarked() -> None:
    result = mapped(builders.order(lines=1, charges=[allowance(7.25)]))
    assert result.findings == []
    assert result.document == {
        "bill_vendor": {
            "vendor_name": PARTNER,
            "account_number": PARTNER,
            "currency_code": "USD",
            "language": "en",
            "is_1099": False,
        },
        "bill": {
            "bill_number": "0045001234",
            "issue_date": "2026-03-02",
            "due_offset_days": 45,
            "currency_code": "USD",
            "language": "en",
            "lines": [
                {
                    "description": "VN V-1 / BP B-1 / UPC 859563003001 / Item 1",
                    "quantity": 5,
                    "unit_cost": {"amount": "20.00", "code": "USD"},
                },
                {
                    "description": "Allowance C310 Discount",
                    "quantity": 1,
                    "unit_cost": {"amount": "-7.25", "code": "USD"},
                },
            ],
        },
    }


def test_the_pack_names_vendor_category_and_currency() -> None:
    pack = pack_of(
        {
            "trading_partner_id": PARTNER,
            "name": "Example Retail",
            "freshbooks": {
                "vendor_id": 5,
                "category_id": 3696445,
                "currency": "CAD",
                "vendor_name": "Retail Inc",
            },
        }
    )
    result = mapped(builders.order(lines=1, BuyersCurrency=None), pack).document
    assert result["bill_vendor"]["vendor_name"] == "Retail Inc"
    assert result["bill"]["vendorid"] == 5
    assert result["bill"]["lines"][0]["categoryid"] == 3696445
    assert result["bill"]["lines"][0]["unit_cost"] == {"amount": "20.00", "code": "CAD"}


def test_a_release_of_a_blanket_order_is_billed_under_both_numbers() -> None:
    assert bill(builders.order(PrimaryPOTypeCode="RL", ReleaseNumber="12"))["bill_number"] == "0045001234-12"
    assert bill(builders.order(ReleaseNumber="12"))["bill_number"] == "0045001234"


def test_mapping_again_gives_the_same() -> None:
    assert mapped(builders.order(3)).document == mapped(builders.order(3)).document


# --- quantity x unit cost, or one extended amount -------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "price", "line"),
    [
        (5, 20.0, (5, "20.00")),
        (3, 0.1, (3, "0.10")),
        (12.5, 3.20, (1, "40.00")),  # 12.5 x 3.20
        (8, 3.125, (1, "25.00")),  # 8 x 3.125: half cents cannot be a unit cost
        (3, 0.333, (1, "1.00")),  # 0.999
        (0.5, 0.05, (1, "0.03")),  # 0.025, half up
        (1.5, 0.01, (1, "0.02")),  # 0.015, half up
        (5, 0, (5, "0.00")),
        (0, 20.0, (1, "0.00")),
        (-5, 20.0, (1, "-100.00")),
        ("7", "2.50", (7, "2.50")),
    ],
)
def test_whole_units_at_whole_cents_are_sent_as_such_and_all_else_as_one_amount(
    quantity: Any, price: Any, line: tuple[int, str]
) -> None:
    assert one_line(OrderQty=quantity, PurchasePrice=price) == line


def test_a_folded_line_tells_its_arithmetic() -> None:
    assert text(builders.order([order_line(OrderQty=12.5, OrderQtyUOM="LB", PurchasePrice=3.2)])) == (
        "VN V-1 / BP B-1 / UPC 859563003001 / 12.5 LB @ 3.20 / Item 1"
    )
    assert "/ 250 EA @ 12.355 per 100 /" in text(
        builders.order([order_line(OrderQty=250, PurchasePrice=12.355, PurchasePriceBasis="HP")])
    )


@pytest.mark.parametrize(
    ("basis", "uom", "quantity", "price", "line"),
    [
        ("PE", "EA", 5, 20.0, (5, "20.00")),
        ("UM", "CA", 3, 15.0, (3, "15.00")),
        ("PD", "EA", 24, 6.0, (24, "0.50")),
        ("PD", "EA", 7, 10.0, (1, "5.83")),  # 70 / 12 = 5.8333
        ("PD", "EA", 6, 0.01, (1, "0.01")),  # 0.06 / 12 = 0.005, half up
        ("PD", "DZ", 2, 6.0, (2, "6.00")),
        ("PN", "EA", 20, 5.0, (20, "0.50")),
        ("HP", "EA", 250, 12.35, (1, "30.88")),  # 3087.5 / 100 = 30.875
        ("HT", "EA", 1500, 8.0, (1, "12.00")),
        ("TT", "EA", 20000, 5.0, (1, "10.00")),
        ("HTH", "EA", 200000, 5.0, (1, "10.00")),
        ("CA", "CA", 3, 15.0, (3, "15.00")),
        ("PP", "LB", 12.5, 3.2, (1, "40.00")),
    ],
)
def test_the_price_basis_is_respected(
    basis: str, uom: str, quantity: float, price: float, line: tuple[int, str]
) -> None:
    document = builders.order(
        [order_line(OrderQty=quantity, OrderQtyUOM=uom, PurchasePrice=price, PurchasePriceBasis=basis)],
        summary={},
    )
    assert lines(document) == [line]
    assert codes(document) == []


def test_a_price_per_case_of_an_order_in_each_is_divided_by_the_pack_size() -> None:
    details = [
        {"PackQualifier": "IN", "PackSize": 6, "PackUOM": "EA"},
        {"PackQualifier": "OU", "PackValue": 2, "PackSize": 6, "PackUOM": "EA"},
    ]
    changes = {"OrderQty": 24, "PurchasePrice": 18.0, "PurchasePriceBasis": "CA"}
    assert one_line(item={"PhysicalDetails": details}, **changes) == (24, "1.50")  # 18 / 12
    ounces = [{"PackQualifier": "OU", "PackValue": 6, "PackSize": 16, "PackUOM": "OZ"}]
    assert one_line(item={"PhysicalDetails": ounces}, **changes) == (24, "3.00")  # 18 / 6
    pack = pack_of({"trading_partner_id": PARTNER, "prices_per": {"CA": 9}})
    assert one_line(pack, **changes) == (24, "2.00")  # 18 / 9


def test_an_unclear_price_basis_is_remarked_and_the_lines_own_total_believed() -> None:
    unclear = builders.order(
        [order_line(OrderQty=24, PurchasePrice=18.0, PurchasePriceBasis="CA")], summary={}
    )
    assert (lines(unclear), codes(unclear)) == ([(24, "18.00")], ["price_basis_unclear"])
    stated = builders.order(
        [order_line(OrderQty=24, PurchasePrice=18.0, PurchasePriceBasis="CA", ExtendedItemTotal=36)],
        summary={},
    )
    assert (lines(stated), codes(stated)) == ([(1, "36.00")], ["price_basis_unclear"])


def test_a_line_without_a_price_is_billed_at_nothing_and_remarked() -> None:
    document = builders.order([order_line(PurchasePrice=None)], summary={})
    assert (lines(document), codes(document)) == ([(5, "0.00")], ["no_price"])


def test_a_line_without_a_price_takes_its_cost_from_the_price_information_or_its_own_total() -> None:
    prices = [{"PriceTypeIDCode": "RTL", "UnitPrice": 60}, {"PriceTypeIDCode": "UCP", "UnitPrice": 18}]
    assert one_line(item={"PriceInformation": prices}, PurchasePrice=None) == (5, "18.00")
    assert one_line(PurchasePrice=None, ExtendedItemTotal=99.5) == (1, "99.50")


def test_a_line_without_a_quantity_takes_its_stores_or_is_remarked() -> None:
    stores = [{"LocationQuantity": [{"Location": "0123", "Qty": 4}, {"Location": "0124", "Qty": 6}]}]
    assert one_line(item={"QuantitiesSchedulesLocations": stores}, OrderQty=None) == (10, "20.00")
    assert "no_quantity" in codes(builders.order([order_line(OrderQty=None)]))


def test_store_quantities_are_told_in_the_text_and_compared() -> None:
    stores = [{"LocationQuantity": [{"Location": "0123", "Qty": 4}, {"Location": "0124", "Qty": 1.5}]}]
    document = builders.order([order_line(item={"QuantitiesSchedulesLocations": stores})])
    assert text(document).endswith("/ Item 1 / stores 0123: 4, 0124: 1.5")
    assert codes(document) == ["store_quantities_differ"]


def test_a_line_total_that_is_not_quantity_times_price_is_remarked() -> None:
    assert codes(builders.order([order_line(ExtendedItemTotal=99)])) == ["extension_differs"]
    assert codes(builders.order([order_line(ExtendedItemTotal=100)])) == []


# --- texts ----------------------------------------------------------------------------------------------


def test_a_text_too_long_is_cut_and_remarked() -> None:
    described = [{"ProductDescription": "x" * 600}]
    document = builders.order([order_line(item={"ProductOrItemDescription": described})])
    assert len(text(document)) == 500
    assert text(document).endswith("x…")
    assert codes(document) == ["text_cut"]


def test_colour_and_size_are_told_and_characters_that_freshbooks_refuses_are_replaced() -> None:
    described = [{"ProductCharacteristicCode": "08", "ProductDescription": "T-shirt 👕 naïve"}]
    line = order_line(
        item={"ProductOrItemDescription": described},
        ProductColorDescription="Red",
        ProductSizeDescription="XL",
    )
    assert text(builders.order([line])).endswith("/ T-shirt \ufffd naïve, Red, XL")


def test_a_line_that_says_nothing_still_has_a_text() -> None:
    assert (
        text({**builders.order(), "LineItem": [{"OrderLine": {"OrderQty": 1, "PurchasePrice": 1}}]})
        == "Line ?"
    )


# --- charges, allowances, taxes -------------------------------------------------------------------------


def test_charges_are_added_and_allowances_taken_off() -> None:
    document = builders.order(lines=1, charges=[allowance(13.5), charge(10)])
    assert lines(document) == [(5, "20.00"), (1, "-13.50"), (1, "10.00")]
    assert total(document) == Decimal("96.50")
    assert codes(document) == []


def test_percentages_are_of_the_lines_or_of_what_is_left() -> None:
    five, then = (
        allowance(None, AllowChrgPercent=5),
        allowance(None, AllowChrgPercent=10, AllowChrgPercentQual="7"),
    )
    document = builders.order(lines=2, charges=[five, then], summary={})
    assert lines(document)[2:] == [(1, "-10.00"), (1, "-19.00")]  # 5 % of 200; 10 % of 190
    assert bill(document)["lines"][2]["description"] == "Allowance C310 Discount 5%"


def test_a_lines_own_charges_follow_it_and_count_for_its_own_amount() -> None:
    own = {"ChargesAllowances": [allowance(None, AllowChrgPercent=10), charge(None, AllowChrgRate=0.5)]}
    document = builders.order([order_line(item=own), order_line(2)], charges=[], summary={})
    assert lines(document) == [(5, "20.00"), (1, "-10.00"), (1, "2.50"), (5, "20.00")]
    assert bill(document)["lines"][1]["description"] == "Line 1: Allowance C310 Discount 10%"


def test_what_is_settled_elsewhere_is_remarked_but_not_billed() -> None:
    document = builders.order(lines=1, charges=[allowance(13.5, AllowChrgHandlingCode="01")], summary={})
    assert (lines(document), codes(document)) == ([(5, "20.00")], ["charge_not_billed"])
    nothing = builders.order(lines=1, charges=[allowance(13.5, AllowChrgIndicator="N")], summary={})
    assert (lines(nothing), codes(nothing)) == ([(5, "20.00")], [])


def test_an_unclear_charge_is_remarked() -> None:
    assert codes(builders.order(charges=[allowance(None)], summary={})) == ["charge_unclear"]
    negative = builders.order(lines=1, charges=[allowance(-5)], summary={})
    assert (lines(negative)[1], codes(negative)) == ((1, "-5.00"), ["charge_unclear"])


def test_taxes_with_amounts_are_lines_and_the_lines_taxes_only_where_the_header_has_none() -> None:
    own = {"Taxes": [{"TaxTypeCode": "GS", "TaxAmount": 5}]}
    items = [order_line(item=own)]
    assert lines(builders.order(items, summary={})) == [(5, "20.00"), (1, "5.00")]
    header = {
        "Taxes": [
            {"TaxTypeCode": "PG", "TaxAmount": 2, "TaxPercent": 2.0},
            {"TaxTypeCode": "ST", "TaxPercent": 1},
        ]
    }
    document = builders.order(items, header=header, summary={})
    assert lines(document) == [(5, "20.00"), (1, "2.00")]
    assert bill(document)["lines"][1]["description"] == "Tax PG 2%"
    assert codes(document) == ["charge_not_billed"]


# --- terms, dates, currency -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "days", "remarks"),
    [
        ([{"TermsNetDueDays": 31}], 31, []),
        ([{"TermsNetDueDays": 0}], 0, []),
        ([{"TermsDescription": "Net 30"}, {"TermsNetDueDays": 60}], 60, []),
        ([{"TermsNetDueDate": "2026-04-01"}], 30, []),
        ([{"TermsNetDueDays": -3}], 7, ["terms_unusable"]),
        ([{"TermsNetDueDays": 99999}, {"TermsNetDueDate": "2026-03-12"}], 10, ["terms_unusable"]),
        ([{"TermsNetDueDate": "22020-12-20"}], 7, ["terms_unusable"]),
        ([{"TermsNetDueDate": "2025-01-01"}], 7, ["terms_unusable"]),
        ([{"TermsDescription": "Net 30"}], 7, []),
        ([], 7, []),
    ],
)
def test_due_days_come_from_the_terms_else_the_pack(terms: list, days: int, remarks: list[str]) -> None:
    pack = pack_of({"trading_partner_id": PARTNER, "orders": {"due_days": 7}})
    document = builders.order(header={"PaymentTerms": terms})
    assert bill(document, pack)["due_offset_days"] == days
    assert codes(document, pack) == remarks


@pytest.mark.parametrize(
    ("text", "issued", "remark"),
    [
        ("2026-03-02", "2026-03-02", None),
        (None, "2026-11-23", "order_date_missing"),
        ("22020-12-20", "2026-11-23", "bad_date"),
    ],
)
def test_an_order_without_a_usable_date_is_dated_today(
    text: str | None, issued: str, remark: str | None
) -> None:
    document = builders.order(PurchaseOrderDate=text, header={"PaymentTerms": None})
    assert bill(document)["issue_date"] == issued
    assert codes(document) == ([remark] if remark else [])


def test_a_currency_that_is_none_is_remarked_and_another_on_a_line_too() -> None:
    assert codes(builders.order(BuyersCurrency="Dollars")) == ["currency_unknown"]
    assert bill(builders.order(BuyersCurrency="cad"))["currency_code"] == "CAD"
    assert bill(builders.order(BuyersCurrency="Dollars"))["currency_code"] == "USD"
    for own, of_line, told in (
        ("CAD", "CAD", []),
        ("CAD", "cad", []),
        (None, "USD", []),
        ("CAD", "USD", ["currencies_differ"]),
    ):
        assert (
            codes(builders.order([builders.order_line(1, BuyersCurrency=of_line)], BuyersCurrency=own))
            == told
        )
    assert codes(builders.order([order_line(BuyersCurrency="EUR")])) == ["currencies_differ"]


# --- footing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "remarks"),
    [
        (186.5, []),
        (186.51, []),
        (200, ["total_before_allowances"]),
        (19, ["total_differs"]),
        (1e300, ["total_differs"]),
    ],
)
def test_the_stated_total_may_leave_allowances_out_but_not_differ(stated: float, remarks: list[str]) -> None:
    assert codes(builders.order(2, charges=[allowance(13.5)], summary={"TotalAmount": stated})) == remarks


def test_a_total_that_differs_is_told_with_both_numbers() -> None:
    [finding] = mapped(builders.order(2, charges=[allowance(13.5)], summary={"TotalAmount": 19})).findings
    assert finding.severity == "warning"
    assert finding.message == (
        "the lines come to 200.00, with charges and allowances 186.50, the order states 19.00"
    )


def test_line_count_and_quantity_totals_are_compared() -> None:
    assert codes(builders.order(2, summary={"TotalLineItemNumber": 3})) == ["line_count_differs"]
    totals = [{"QuantityTotalsQualifier": "SQT", "Quantity": 20, "QuantityUOM": "EA"}]
    assert codes(builders.order(2, header={"QuantityTotals": totals})) == ["quantity_total_differs"]
    totals[0]["Quantity"] = 10
    assert codes(builders.order(2, header={"QuantityTotals": totals})) == []
    totals[0]["QuantityUOM"] = "CA"
    assert codes(builders.order(2, header={"QuantityTotals": totals})) == []


def test_an_order_without_lines_is_blocked() -> None:
    result = mapped(builders.order([]))
    assert result.blocked
    assert [finding.code for finding in result.findings] == ["no_lines"]


@pytest.mark.parametrize(
    "changes", [{"OrderQty": 1e300}, {"PurchasePrice": "1e999999"}, {"OrderQty": "9" * 30}]
)
def test_numbers_beyond_all_bounds_block_the_order(changes: dict) -> None:
    result = mapped(builders.order([order_line(**changes)], summary={}))
    assert result.blocked
    assert result.document["bill"]["lines"][0]["unit_cost"]["amount"] == "0.00"


# --- what other mappings use ----------------------------------------------------------------------------


def test_ordered_lines_name_every_line_once() -> None:
    items = [order_line(1), order_line(1, VendorPartNumber="X"), order_line(3, LineSequenceNumber=None)]
    found = ordered_lines(Order.model_validate(builders.order(items)))
    assert [line.line for line in found] == ["1#1", "1#2", "3"]
    first = found[0]
    assert (first.vendor_part, first.buyer_part, first.upc) == ("V-1", "B-1", "859563003001")
    assert (first.quantity, first.uom, first.unit_price) == (Decimal(5), "EA", Decimal(20))


def test_the_extended_amount_is_in_cents() -> None:
    item = Order.model_validate(
        builders.order([order_line(OrderQty=7, PurchasePrice=10, PurchasePriceBasis="PD")])
    )
    assert str(extended_amount(item.LineItem[0], PACK)) == "5.83"


# --- explaining -----------------------------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [
            leaf
            for name, inner in value.items()
            for leaf in leaves(inner, f"{path}.{name}" if path else name)
        ]
    if isinstance(value, list):
        return [leaf for n, inner in enumerate(value) for leaf in leaves(inner, f"{path}[{n}]")]
    return [path]


def test_every_produced_field_is_explained_by_places_that_the_order_has() -> None:
    trace: Trace = {}
    pack = pack_of({"trading_partner_id": PARTNER, "freshbooks": {"vendor_id": 5, "category_id": 6}})
    document = builders.order(
        [order_line(OrderQty=12.5, item={"ChargesAllowances": [charge(2)]}), order_line(2)],
        charges=[allowance(None, AllowChrgPercent=5)],
        header={"Taxes": [{"TaxAmount": 1}]},
    )
    result = mapped(document, pack, trace)
    assert leaves(result.document) == [leaf for leaf in leaves(result.document) if leaf in trace]
    known = set(leaves(document))
    for source in trace.values():
        assert source.rule
        for path in source.paths:
            assert any(leaf == path or leaf.startswith((f"{path}.", f"{path}[")) for leaf in known), path


def test_explaining_changes_nothing() -> None:
    assert mapped(builders.order(3), trace={}).document == mapped(builders.order(3)).document


# --- the official samples -------------------------------------------------------------------------------

SAMPLES = {
    "PO584615-1-v7.7-BulkImport.json": ("256.50", ["quantity_total_differs"]),
    "PO584616-1-v7.7-DropShip.json": ("86.50", ["total_differs", "quantity_total_differs"]),
    "minimal/Order.json": ("137.75", []),
}


@pytest.mark.parametrize(("name", "expected"), SAMPLES.items())
def test_the_official_samples_foot_or_are_remarked(
    shared: Path, name: str, expected: tuple[str, list[str]]
) -> None:
    [read] = read_documents((shared / "rsx/samples" / name).read_bytes())
    assert isinstance(read, Read)
    assert (str(total(read.raw)), codes(read.raw)) == expected


def test_a_lines_own_charge_names_the_line_by_its_place_where_the_order_does_not_number_it() -> None:
    own = {"ChargesAllowances": [charge(2)]}
    told = bill(builders.order([order_line(1), order_line(2, LineSequenceNumber=None, item=own)]))["lines"]
    assert [line["description"].partition(":")[0] for line in told if ": " in line["description"]] == [
        "Line 2"
    ]


def test_a_total_in_another_unit_does_not_hide_the_next_one() -> None:
    totals = [
        {"QuantityTotalsQualifier": "SQT", "Quantity": 1, "QuantityUOM": "CA"},
        {"QuantityTotalsQualifier": "SQT", "Quantity": 20, "QuantityUOM": "EA"},
    ]
    [finding] = mapped(builders.order(2, header={"QuantityTotals": totals})).findings
    assert (finding.message, finding.place) == (
        "the lines order 10, the order states 20",
        "Header.QuantityTotals[1].Quantity",
    )
