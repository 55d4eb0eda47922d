"""FreshBooks bills as self-billed RSX Invoices."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connector.documents.freshbooks import Bill, BillVendor
from connector.documents.order import Order
from connector.findings import Mapped, Trace
from connector.mapping.bill_to_rsx import bill_to_rsx
from tests.outbound import (
    PACK,
    PROFILE,
    SHARED,
    assert_official,
    bill,
    bill_line,
    codes,
    money,
    order,
    order_line,
)
from tests.unit.test_invoice_to_rsx import addresses, header, leaves, lines, told

VENDOR = BillVendor(
    vendorid=5,
    vendor_name="Big Supplier",
    street="5 Mill St",
    city="Duluth",
    province="Minnesota",
    postal_code="55802",
    country="United States",
)


def mapped(record: Bill, ordered: Order | None = None, **more: Any) -> Mapped:
    return bill_to_rsx(record, order=ordered, pack=PACK, profile=PROFILE, **more)


def test_a_bill_is_a_self_billed_invoice_of_its_vendor_to_us() -> None:
    result = mapped(bill([bill_line("Side table", "2", "62.50", "125.00")], "125.00"), vendor=VENDOR)
    assert header(result) == {
        "TradingPartnerId": "SPSALLTESTID",
        "InvoiceNumber": "B-77",
        "InvoiceDate": "2026-03-11",
        "InvoiceTypeCode": "SELF",
        "TsetPurposeCode": "00",
        "BuyersCurrency": "USD",
    }
    assert addresses(result)["BT"]["AddressName"] == "Example Supplier LLC"
    assert addresses(result)["RI"] == {
        "AddressTypeCode": "RI",
        "AddressName": "Big Supplier",
        "Address1": "5 Mill St",
        "City": "Duluth",
        "State": "MN",
        "PostalCode": "55802",
        "Country": "USA",
    }
    assert lines(result)[0]["ExtendedItemTotal"] == 125
    assert result.document["Summary"]["TotalAmount"] == 125
    assert codes(result.findings) == ["no_order", "po_number_missing"]
    assert not result.blocked


def test_the_order_that_the_bill_names_is_repeated() -> None:
    text = "VN V-1 / BP B-1 / UPC 859563000001 / Sample item 1"
    result = mapped(bill([bill_line(text, "5", "20.00", "100.00")], "100.00"), order())
    assert header(result)["PurchaseOrderNumber"] == "0045001234"
    assert lines(result)[0]["BuyerPartNumber"] == "B-1"
    assert addresses(result)["ST"]["AddressLocationNumber"] == "0123"
    assert codes(result.findings) == ["party_missing"]


def test_a_folded_line_is_unfolded() -> None:
    """12.5 LB @ 3.20 was booked as one of 40.00."""
    ordered = order(order_line("1", 12.5, 3.2, OrderQtyUOM="LB"))
    folded = bill_line("VN V-1 / 12.5 LB @ 3.20 / Sample item 1", "1", "40.00", "40.00")
    for found in (ordered, None):
        (line,) = lines(mapped(bill([folded], "40.00"), found))
        assert (line["InvoiceQty"], line["InvoiceQtyUOM"], line["PurchasePrice"]) == (12.5, "LB", 3.2)
        assert line["ExtendedItemTotal"] == 40


@pytest.mark.parametrize(
    "text", ["0 LB @ 3.20", "3 LB @ 9.99", "12.5 pounds @ 3.20", "Bowl 12.5 LB @ 3.20 x"]
)
def test_a_text_whose_arithmetic_is_another_stays_folded(text: str) -> None:
    (line,) = lines(mapped(bill([bill_line(text, "1", "40.00", "40.00")], "40.00")))
    assert (line["InvoiceQty"], line["InvoiceQtyUOM"], line["PurchasePrice"]) == (1, "EA", 40)


def test_a_price_per_dozen_is_unfolded_to_one_unit() -> None:
    """30 EA at 4.00 per dozen are 10.00: 0.3333 each, to the cent."""
    (line,) = lines(mapped(bill([bill_line("30 EA @ 4.00 per dozen", "1", "10.00", "10.00")], "10.00")))
    assert (line["InvoiceQty"], line["InvoiceQtyUOM"], line["PurchasePrice"]) == (30, "EA", 0.3333)


def test_freshbooks_own_tax_amounts_are_taken() -> None:
    line = bill_line(
        "Table",
        "1",
        "100.00",
        "100.00",
        tax_name1="GST",
        tax_percent1="5",
        tax_amount1=money("5.01"),
        tax_name2="Eco",
        tax_amount2=money("1.00"),
    )
    result = mapped(bill([line], "106.01"))
    assert result.document["LineItem"][0]["Taxes"] == [
        {"TaxTypeCode": "GS", "TaxAmount": 5.01, "TaxPercent": 5, "Description": "GST"},
        {"TaxTypeCode": "TX", "TaxAmount": 1, "Description": "Eco"},
    ]
    assert not result.blocked


def test_without_a_total_the_amount_and_its_tax_are_the_total() -> None:
    line = bill_line("Table", "1", "100.00", "100.00", tax_name1="GST", tax_percent1=5)
    record = bill([line], "0", total_amount=None, amount=money("100.00"), tax_amount=money("5.00"))
    result = mapped(record)
    assert result.document["Summary"]["TotalAmount"] == 105
    assert not result.blocked


def test_negative_lines_and_freight_are_allowances_and_charges() -> None:
    rows = [
        bill_line("VN V-1", "5", "20.00", "100.00"),
        bill_line("Discount 5 %", "1", "-5.00", "-5.00"),
        bill_line("Freight", "1", "10.00", "10.00"),
    ]
    result = mapped(bill(rows, "105.00"), order())
    found = result.document["Header"]["ChargesAllowances"]
    assert [(c["AllowChrgIndicator"], c["AllowChrgCode"], c["AllowChrgAmt"]) for c in found] == [
        ("A", "C310", 5),
        ("C", "D240", 10),
    ]


def test_a_bill_without_a_number_goes_by_its_id() -> None:
    result = mapped(bill([bill_line("Table", "1", "1.00", "1.00")], "1.00", bill_number=None))
    assert header(result)["InvoiceNumber"] == "bill-7"
    assert told(result, "number_missing").severity == "warning"


def test_a_bill_without_lines_is_blocked() -> None:
    assert "no_lines" in codes(mapped(bill([], "0.00")).findings, "error")


def test_the_vendor_that_freshbooks_includes_is_used() -> None:
    record = bill(
        [bill_line("Table", "1", "1.00", "1.00")], "1.00", vendor={"vendorid": 5, "vendor_name": "Included"}
    )
    assert addresses(mapped(record))["RI"]["AddressName"] == "Included"


def test_every_field_of_a_bill_is_explained() -> None:
    for ordered in (None, order()):
        trace: Trace = {}
        record = bill([bill_line("VN V-1", "5", "20.00", "100.00")], "100.00")
        result = mapped(record, ordered, vendor=VENDOR, trace=trace)
        assert set(trace) == leaves("", result.document)
        assert trace["LineItem[0].InvoiceLine.InvoiceQty"].paths == ("bill.lines[0].quantity",)
        assert result == mapped(record, ordered, vendor=VENDOR)


@pytest.mark.skipif(
    not SHARED.exists(), reason="FreshBooks' samples are not beside this repository (../shared)"
)
def test_freshbooks_own_sample_becomes_a_valid_invoice() -> None:
    text = (SHARED / "freshbooks" / "samples" / "bill_create_response.json").read_text()
    record = Bill.model_validate(json.loads(text, parse_float=Decimal)["response"]["result"]["bill"])
    result = mapped(record)
    assert result.document["Summary"]["TotalAmount"] == 375
    assert [line["ExtendedItemTotal"] for line in lines(result)] == [125, 250]
    assert_official(result.document, "Invoice")
    assert not result.blocked


# --- at its edges ---------------------------------------------------------------------------------------


TABLE = bill_line("Table", "1", "100.00", "100.00")


def test_a_bills_currency_is_its_own_else_its_moneys_else_the_businesss() -> None:
    def currency(**changes: Any) -> Any:
        return header(mapped(bill([TABLE], "100.00", **changes)))["BuyersCurrency"]

    assert currency(currency_code="CAD") == "CAD"
    assert currency(currency_code="", total_amount={"amount": "100.00", "code": "CAD"}) == "CAD"
    assert currency(currency_code="", total_amount=None, amount={"amount": "100.00", "code": "EUR"}) == "EUR"
    assert currency(currency_code=" ", total_amount=None) == PROFILE.currency == "USD"


def test_without_a_total_a_bills_amount_alone_is_its_total_and_without_both_its_lines() -> None:
    for given in ({"amount": money("100.00")}, {}):
        result = mapped(bill([TABLE], "0", total_amount=None, **given))
        assert result.document["Summary"]["TotalAmount"] == 100
        assert not result.blocked


def test_a_stated_total_that_the_lines_do_not_come_to_blocks() -> None:
    assert mapped(bill([TABLE], "99.00", amount=money("100.00"))).blocked


def test_another_number_is_sent_where_one_is_given() -> None:
    result = mapped(bill([TABLE], "100.00", bill_number=""), number="B-77C1")
    assert header(result)["InvoiceNumber"] == "B-77C1"
    assert header(mapped(bill([TABLE], "100.00", bill_number=" B-9 ")))["InvoiceNumber"] == "B-9"


def test_a_bill_without_number_and_id_is_blocked() -> None:
    assert told(mapped(bill([TABLE], "100.00", bill_number="", id=0)), "number_missing").severity == "error"


def test_a_line_without_an_amount_is_its_quantity_at_its_cost() -> None:
    (line,) = lines(mapped(bill([bill_line("Table", "3", "0.115", "0") | {"amount": None}], "0.35")))
    assert (line["InvoiceQty"], line["ExtendedItemTotal"]) == (3, 0.35)


def test_a_number_out_of_all_bounds_in_a_bill_blocks_with_its_place() -> None:
    for row in (
        bill_line("Table", "1e14", "1.00", "1.00"),
        bill_line("Table", "1", "1e14", "1.00"),
        bill_line("Table", "1", "1.00", "1e14"),
        bill_line("Table", "1e9", "1e9", "0") | {"amount": None},
        {**TABLE, "tax_name1": "GST", "tax_percent1": "1e9"},
        {**TABLE, "tax_name2": "GST", "tax_amount2": money("1e14")},
    ):
        finding = told(mapped(bill([TABLE, row], "101.00")), "number_too_large")
        assert (finding.severity, finding.place) == ("error", "lines[1]")
    for name in ("total_amount", "amount", "tax_amount"):
        changes = {"total_amount": None, "amount": money("100.00")} if name == "tax_amount" else {}
        record = bill([TABLE], "100.00", **{**changes, name: money("1e14")})
        assert told(mapped(record), "number_too_large").place == name


def test_both_taxes_of_a_line_are_told_and_one_of_nothing_is_not() -> None:
    row = {
        **TABLE,
        "tax_name1": "GST",
        "tax_percent1": "0",
        "tax_amount1": money("0.00"),
        "tax_name2": "PST",
        "tax_percent2": "7",
    }
    result = mapped(bill([row], "107.00"))
    assert [(tax["Description"], tax["TaxAmount"]) for tax in result.document["LineItem"][0]["Taxes"]] == [
        ("PST", 7)
    ]


def test_a_tax_on_the_tax_is_reckoned_where_freshbooks_says_so() -> None:
    row = {**TABLE, "tax_name1": "GST", "tax_percent1": "10", "tax_name2": "PST", "tax_percent2": "10"}
    assert not mapped(bill([row], "120.00")).blocked
    assert not mapped(bill([{**row, "compounded_tax": True}], "121.00")).blocked


@pytest.mark.parametrize(
    ("text", "quantity", "expected"),
    [
        ("VN V-1 / 4 CA @ 10 / Bowl", "1", (4, "CA", 10)),
        ("4 CA @ 10", "1", (4, "CA", 10)),
        ("4 CA @ 10 / Bowl", "1", (4, "CA", 10)),
        ("4 CA @ 10", "2", (2, "EA", 20)),
        ("40 EA @ 1 per hundred", "1", (40, "EA", 1)),
        ("Bowl", "1", (1, "EA", 40)),
    ],
)
def test_only_a_line_of_one_is_unfolded(text: str, quantity: str, expected: tuple[Any, ...]) -> None:
    cost = "20.00" if quantity == "2" else "40.00"
    (line,) = lines(mapped(bill([bill_line(text, quantity, cost, "40.00")], "40.00")))
    assert (line["InvoiceQty"], line["InvoiceQtyUOM"], line["PurchasePrice"]) == expected


def test_the_part_number_is_read_wherever_the_text_has_it() -> None:
    for text in ("VN V-1", "Bowl / VN V-1", "Bowl / VN V-1 / BP B-1"):
        (line,) = lines(mapped(bill([bill_line(text, "5", "20.00", "100.00")], "100.00"), order()))
        assert line["VendorPartNumber"] == "V-1"


def test_the_vendor_given_comes_before_the_one_that_the_bill_includes() -> None:
    record = bill([TABLE], "100.00", vendor={"vendorid": 5, "vendor_name": "Included"})
    assert addresses(mapped(record, vendor=VENDOR))["RI"]["AddressName"] == "Big Supplier"


def test_who_is_paid_is_the_vendor_else_whom_the_pack_names() -> None:
    pack = PACK.model_copy(update={"addresses": {"RI": {"AddressName": "Factor Bank"}}})
    record = bill([TABLE], "100.00")
    vendor, named = (bill_to_rsx(record, vendor=one, pack=pack, profile=PROFILE) for one in (VENDOR, None))
    assert addresses(vendor)["RI"]["AddressName"] == "Big Supplier"
    assert addresses(named)["RI"]["AddressName"] == "Factor Bank"
    missing = [one.message for one in bill_to_rsx(record, pack=PACK).findings if one.code == "party_missing"]
    assert any("whom to pay (RI)" in message for message in missing)
    assert any("who is billed (BT)" in message for message in missing)
