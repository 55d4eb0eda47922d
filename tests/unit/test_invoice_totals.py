"""An RSX invoice is footed as its partner would foot it, and held against its order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.documents.invoice import Invoice
from connector.documents.order import Order
from connector.mapping.invoice_totals import foot_invoice
from connector.rules.packs import PartnerPack
from tests.builders import PARTNER, allowance, charge, invoice, invoice_line, order, order_line


def footed(
    document: dict[str, Any], ordered: dict[str, Any] | None = None, **settings: Any
) -> tuple[Decimal, list[tuple[str, str, str]]]:
    """The total, and (code, severity, place) of each finding."""
    pack = PartnerPack.model_validate({"trading_partner_id": PARTNER, **settings})
    total, findings = foot_invoice(
        Invoice.model_validate(document), pack, None if ordered is None else Order.model_validate(ordered)
    )
    return total, [(finding.code, finding.severity, finding.place) for finding in findings]


def grouped(document: dict[str, Any], place: int | None = None, **groups: Any) -> dict[str, Any]:
    """The invoice with groups of its header, or of one line."""
    (document["Header"] if place is None else document["LineItem"][place]).update(groups)
    return document


def tax(amount: float, **more: Any) -> dict[str, Any]:
    return {"TaxTypeCode": "ST", "TaxAmount": amount, "RelationshipCode": "A", **more}


def test_an_invoice_that_adds_up_has_nothing_to_remark() -> None:
    assert footed(invoice()) == (Decimal("200.00"), [])
    assert footed(invoice(), order()) == (Decimal("200.00"), [])


def test_charges_add_and_allowances_take_off_of_lines_and_of_the_whole() -> None:
    document = invoice(2, charges=[charge(10.0), allowance(7.25)], summary={"TotalAmount": 205.25})
    assert footed(document) == (Decimal("202.75"), [("total_differs", "error", "Summary.TotalAmount")])
    document = grouped(document, 0, ChargesAllowances=[charge(2.5)])
    assert footed(document) == (Decimal("205.25"), [])


def test_a_charge_by_the_piece_counts_the_pieces_of_its_own_line() -> None:
    lines = [invoice_line(1), invoice_line(2, InvoiceQty=3, ExtendedItemTotal=60.0)]
    document = invoice(lines, summary={})
    grouped(document, 1, ChargesAllowances=[charge(None, AllowChrgRate=0.5)])
    assert footed(document)[0] == Decimal("161.50")


def test_a_percentage_of_the_whole_is_of_the_lines_with_their_own_charges() -> None:
    document = invoice(2, charges=[allowance(None, AllowChrgPercent=10)], summary={})
    grouped(document, 0, ChargesAllowances=[charge(20.0)])
    assert footed(document)[0] == Decimal("198.00")  # 220 less a tenth


def test_a_net_percentage_is_of_what_earlier_allowances_left() -> None:
    tenth = allowance(None, AllowChrgPercent=10)
    of_the_rest = allowance(None, AllowChrgPercent=10, AllowChrgPercentQual="2")
    assert footed(invoice(1, charges=[tenth, tenth], summary={}))[0] == 80
    assert footed(invoice(1, charges=[tenth, of_the_rest], summary={}))[0] == 81


def test_what_is_settled_elsewhere_is_not_in_the_total() -> None:
    assert footed(invoice(1, charges=[charge(10.0, AllowChrgIndicator="N")], summary={}))[0] == 100
    assert footed(grouped(invoice(1, summary={}), Taxes=[tax(8, RelationshipCode="I")]))[0] == 100


def test_the_lines_taxes_count_where_the_header_states_none() -> None:
    document = grouped(invoice(2, summary={}), 0, Taxes=[tax(4)])
    grouped(document, 1, Taxes=[tax(3)])
    assert footed(document)[0] == 207
    assert footed(grouped(document, Taxes=[tax(7.5), tax(1)]))[0] == Decimal("208.50")


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ({"InvoiceQty": 24, "PurchasePrice": 6, "PurchasePriceBasis": "PD"}, "12.00"),
        ({"InvoiceQty": 2, "InvoiceQtyUOM": "DZ", "PurchasePrice": 6, "PurchasePriceBasis": "PD"}, "12.00"),
        ({"InvoiceQty": 24, "PurchasePrice": 6, "PurchasePriceBasis": "PE"}, "144.00"),
        ({"InvoiceQty": 24, "PurchasePrice": 6, "PurchasePriceBasis": "UM"}, "144.00"),
        ({"InvoiceQty": 24, "PurchasePrice": 6}, "144.00"),
        ({"InvoiceQty": 3, "PurchasePrice": 0.115}, "0.35"),
    ],
)
def test_a_line_is_its_quantity_at_its_price_as_it_is_quoted(line: dict[str, Any], amount: str) -> None:
    assert footed(invoice([invoice_line(1, **line, ExtendedItemTotal=None)], summary={})) == (
        Decimal(amount),
        [],
    )


def test_the_pack_says_how_many_an_own_price_basis_is_for() -> None:
    lines = [invoice_line(1, InvoiceQty=12, PurchasePriceBasis="CT", ExtendedItemTotal=None)]
    assert footed(invoice(lines, summary={}), prices_per={"CT": 6})[0] == 40


def test_a_line_that_states_another_amount_than_it_comes_to_is_named() -> None:
    total, findings = footed(invoice([invoice_line(1), invoice_line(2, ExtendedItemTotal=99.99)], summary={}))
    assert total == 200
    assert findings == [("extension_differs", "error", "LineItem[1].InvoiceLine.ExtendedItemTotal")]


@pytest.mark.parametrize("missing", ["InvoiceQty", "PurchasePrice"])
def test_a_line_without_quantity_or_price_is_worth_what_it_states(missing: str) -> None:
    lines = [invoice_line(1, **{missing: None})]
    assert footed(invoice(lines, summary={})) == (Decimal("100.00"), [])
    lines = [invoice_line(1, **{missing: None, "ExtendedItemTotal": None})]
    assert footed(invoice(lines, summary={})) == (
        Decimal("0.00"),
        [("no_price", "warning", "LineItem[0].InvoiceLine")],
    )


@pytest.mark.parametrize(
    "line",
    [
        {"InvoiceQty": 1e14},
        {"PurchasePrice": 1e14},
        {"ExtendedItemTotal": 1e14},
        {"InvoiceQty": 1e9, "PurchasePrice": 1e9, "ExtendedItemTotal": None},
    ],
)
def test_a_number_out_of_all_bounds_counts_nothing_and_is_told(line: dict[str, Any]) -> None:
    document = invoice([invoice_line(1, **line), invoice_line(2)], summary={})
    assert footed(document) == (
        Decimal("100.00"),
        [("number_too_large", "error", "LineItem[0].InvoiceLine")],
    )


# --- what it states of itself ---------------------------------------------------------------------------


def test_stated_totals_may_differ_by_the_tolerance_and_no_more() -> None:
    for stated, code in ((200.01, []), (199.99, []), (200.02, ["TotalAmount"]), (199.98, ["TotalAmount"])):
        found = footed(invoice(summary={"TotalAmount": stated}))[1]
        assert [path for _, _, path in found] == [f"Summary.{name}" for name in code]
    assert footed(invoice(summary={"TotalAmount": 201}), orders={"total_tolerance": "1"})[1] == []


def test_the_sales_amount_is_that_of_the_lines_alone() -> None:
    summary = {"TotalAmount": 210, "TotalSalesAmount": 200}
    assert footed(invoice(2, charges=[charge(10.0)], summary=summary))[1] == []
    summary["TotalSalesAmount"] = 210
    assert footed(invoice(2, charges=[charge(10.0)], summary=summary))[1] == [
        ("total_differs", "error", "Summary.TotalSalesAmount")
    ]


def test_another_number_of_lines_than_stated_is_told() -> None:
    for stated in (1, 3):
        assert footed(invoice(2, summary={"TotalLineItemNumber": stated}))[1] == [
            ("line_count_differs", "error", "Summary.TotalLineItemNumber")
        ]


def test_an_invoice_without_lines_is_none() -> None:
    assert footed(invoice([], summary={})) == (Decimal(0), [("no_lines", "error", "LineItem")])


# --- against its order ----------------------------------------------------------------------------------


def against(order_: dict[str, Any] | None = None, **line: Any) -> list[tuple[str, str, str]]:
    """The findings on an invoice of one line, compared with an order of two (V-1 and V-2, 5 each at 20.00)."""
    document = invoice([invoice_line(1, **{"ExtendedItemTotal": None, **line})], summary={})
    return footed(document, order_ or order())[1]


def test_another_orders_invoice_is_not_compared_line_by_line() -> None:
    document = invoice(
        [invoice_line(1, VendorPartNumber="V-9", BuyerPartNumber="B-9")], PurchaseOrderNumber="X9"
    )
    assert footed(document, order())[1] == [
        ("wrong_order", "error", "Header.InvoiceHeader.PurchaseOrderNumber")
    ]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ({"VendorPartNumber": "V-2", "BuyerPartNumber": None}, True),
        ({"VendorPartNumber": None, "BuyerPartNumber": "B-2"}, True),
        ({"VendorPartNumber": None, "BuyerPartNumber": None, "ConsumerPackageCode": "859563003002"}, True),
        ({"VendorPartNumber": "V-9", "BuyerPartNumber": "B-9", "ConsumerPackageCode": "859563003009"}, False),
        ({"VendorPartNumber": None, "BuyerPartNumber": None}, False),
    ],
)
def test_an_item_is_the_orders_by_either_part_number_or_code(named: dict[str, Any], found: bool) -> None:
    place = ("not_on_order", "error", "LineItem[0].InvoiceLine")
    assert against(**named) == ([] if found else [place])


def test_lines_without_part_numbers_on_either_side_are_not_taken_for_one_another() -> None:
    bare = {"VendorPartNumber": None, "BuyerPartNumber": None, "ConsumerPackageCode": None}
    assert [code for code, *_ in against(order([order_line(1, **bare)]), **bare)] == ["not_on_order"]


def test_the_same_item_on_two_lines_is_compared_with_the_line_of_its_number() -> None:
    twice = order([order_line(1), order_line(2, VendorPartNumber="V-1", PurchasePrice=18.0)])
    second = {"LineSequenceNumber": "2", "VendorPartNumber": "V-1", "BuyerPartNumber": None}
    assert against(twice, **second, PurchasePrice=18.0) == []
    assert [code for code, *_ in against(twice, **second, PurchasePrice=20.0)] == ["price_differs"]
    unnumbered = {**second, "LineSequenceNumber": "7"}
    assert against(twice, **unnumbered, PurchasePrice=20.0) == []


def test_more_than_ordered_is_told_and_less_is_not() -> None:
    assert (
        against(InvoiceQty=5) == against(InvoiceQty=4) == against(InvoiceQty=None, ExtendedItemTotal=9) == []
    )
    assert against(InvoiceQty=6) == [("more_than_ordered", "warning", "LineItem[0].InvoiceLine.InvoiceQty")]


def test_another_price_than_ordered_is_told_where_both_state_one() -> None:
    expected = [("price_differs", "warning", "LineItem[0].InvoiceLine.PurchasePrice")]
    assert against(PurchasePrice=20.01) == against(PurchasePrice=19.99) == expected
    unpriced = order([order_line(1, PurchasePrice=None)])
    assert against(unpriced) == []
    assert against(PurchasePrice=None, ExtendedItemTotal=100.0) == []


def test_another_unit_than_ordered_is_told_where_both_state_one() -> None:
    assert against(InvoiceQtyUOM="CA") == [
        ("uom_differs", "warning", "LineItem[0].InvoiceLine.InvoiceQtyUOM")
    ]
    assert against(InvoiceQtyUOM=None) == []
    assert against(order([order_line(1, OrderQtyUOM=None)])) == []
