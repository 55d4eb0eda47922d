"""What a person reads of an invoice that does not add up, or not to its order."""

from __future__ import annotations

from typing import Any

import pytest

from connector.documents.invoice import Invoice
from connector.documents.order import Order
from connector.mapping.invoice_totals import foot_invoice
from connector.rules.packs import PartnerPack
from tests.builders import PARTNER, invoice, invoice_line, order, order_line
from tests.unit.test_invoice_totals import footed


def told(document: dict[str, Any], ordered: dict[str, Any] | None = None) -> list[tuple[str, str, str]]:
    """(place, message, fix) of each finding."""
    known = None if ordered is None else Order.model_validate(ordered)
    pack = PartnerPack(trading_partner_id=PARTNER)
    _, findings = foot_invoice(Invoice.model_validate(document), pack, known)
    return [(one.place, one.message, one.fix) for one in findings]


ASK = "correct the invoice before it is sent"
LINE = "LineItem[0].InvoiceLine"


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        (
            {"ExtendedItemTotal": 99.5},
            f"{LINE}.ExtendedItemTotal",
            "quantity x price is 100.00, the line states 99.50",
        ),
        ({"InvoiceQty": 1e14}, LINE, "a number is out of all bounds"),
        ({"InvoiceQty": None, "ExtendedItemTotal": None}, LINE, "the line has no quantity or no price"),
    ],
)
def test_a_line_that_does_not_add_up_says_why(line: dict[str, Any], place: str, message: str) -> None:
    assert told(invoice([invoice_line(1, **line)], summary={})) == [(place, message, ASK)]


def test_stated_totals_that_differ_are_told_with_what_they_should_be() -> None:
    summary = {"TotalAmount": 210.5, "TotalSalesAmount": 190, "TotalLineItemNumber": 3}
    assert told(invoice(2, summary=summary)) == [
        ("Summary.TotalAmount", "TotalAmount is 210.50, the lines come to 200.00", ASK),
        ("Summary.TotalSalesAmount", "TotalSalesAmount is 190.00, the lines come to 200.00", ASK),
        ("Summary.TotalLineItemNumber", "the invoice has 2 lines, it states 3", ASK),
    ]
    assert told(invoice([], summary={})) == [("LineItem", "the invoice has no lines", ASK)]


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ({"InvoiceQty": 6}, f"{LINE}.InvoiceQty", "6 invoiced, 5 ordered"),
        ({"PurchasePrice": 20.5}, f"{LINE}.PurchasePrice", "price 20.50, ordered at 20.00"),
        ({"PurchasePrice": 0}, f"{LINE}.PurchasePrice", "price 0.00, ordered at 20.00"),
        ({"InvoiceQtyUOM": "CA"}, f"{LINE}.InvoiceQtyUOM", "invoiced in CA, ordered in EA"),
    ],
)
def test_what_differs_from_the_order_is_told_in_both_numbers(
    line: dict[str, Any], place: str, message: str
) -> None:
    document = invoice([invoice_line(1, **{"ExtendedItemTotal": None, **line})], summary={})
    assert told(document, order()) == [(place, message, ASK)]


def test_another_orders_invoice_is_told_with_both_numbers() -> None:
    [(place, message, fix)] = told(invoice(PurchaseOrderNumber="X9"), order())
    number = Order.model_validate(order()).number
    assert place == "Header.InvoiceHeader.PurchaseOrderNumber"
    assert (message, fix) == (f"the invoice is for order X9, compared with {number}", ASK)


def test_a_line_that_is_not_on_the_order_does_not_hide_the_next() -> None:
    unknown = invoice_line(1, VendorPartNumber="V-9", BuyerPartNumber="B-9", ConsumerPackageCode="1")
    more = invoice_line(2, InvoiceQty=6, ExtendedItemTotal=120)
    assert told(invoice([unknown, more], summary={}), order()) == [
        (LINE, "the item is not on the order", ASK),
        ("LineItem[1].InvoiceLine.InvoiceQty", "6 invoiced, 5 ordered", ASK),
    ]


@pytest.mark.parametrize("name", ["VendorPartNumber", "BuyerPartNumber", "ConsumerPackageCode"])
def test_a_number_that_neither_has_makes_no_two_items_one(name: str) -> None:
    named = {"VendorPartNumber": "V-9", "BuyerPartNumber": "B-9", "ConsumerPackageCode": "9"}
    document = invoice([invoice_line(1, **(named | {name: None}))], summary={})
    ordered = order([order_line(1, **{name: None})])
    assert [place for place, _, _ in told(document, ordered)] == [LINE]


def test_a_basis_that_nobody_knows_is_taken_for_one_piece() -> None:
    lines = [invoice_line(1, PurchasePriceBasis="ZZ", ExtendedItemTotal=None)]
    assert footed(invoice(lines, summary={}))[0] == 100
