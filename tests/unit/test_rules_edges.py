"""The rules at their edges: what exactly they say to a person, and where they begin to say it."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.rules.packs import PartnerPack, read_pack
from connector.rules.profile import BusinessProfile
from tests.outbound import fb_line, order, order_line
from tests.unit.test_rules import findings, line, pack_with


def said(*arguments: Any, **keywords: Any) -> list[tuple[str, str]]:
    return [(finding.message, finding.place) for finding in findings(*arguments, **keywords)]


def credit(document: dict[str, Any]) -> None:
    document["Header"]["InvoiceHeader"]["InvoiceTypeCode"] = "CR"
    document["Header"]["References"] = [{"ReferenceQual": "INV", "ReferenceID": "1"}]


def test_a_wrong_count_of_lines_is_told_with_both_counts() -> None:
    assert said(change=lambda d: d["Summary"].update(TotalLineItemNumber=2)) == [
        ("1 lines, 2 stated", "Summary.TotalLineItemNumber")
    ]


def test_a_line_amount_within_a_cent_of_its_product_counts_as_it_is_stated() -> None:
    def a_cent_more(document: dict[str, Any]) -> None:
        line(document)["ExtendedItemTotal"] = 100.01
        document["Summary"]["TotalAmount"] = 100.01

    assert not [place for _, place in said(change=a_cent_more) if place == "Summary.TotalAmount"]

    def two_cents_more(document: dict[str, Any]) -> None:
        line(document)["ExtendedItemTotal"] = 100.02
        document["Summary"]["TotalAmount"] = 100.02

    assert (
        "lines 100.00, charges less allowances 0.00, taxes 0.00 come to 100.00; 100.02 is stated",
        "Summary.TotalAmount",
    ) in said(change=two_cents_more)


def test_a_line_priced_by_the_dozen_comes_to_a_twelfth_of_its_product() -> None:
    def dozens(document: dict[str, Any]) -> None:
        line(document).update(InvoiceQty=24, PurchasePrice=50, PurchasePriceBasis="PD")

    ordered = order(order_line("1", 24, 50.0, PurchasePriceBasis="PD"))
    stated = [place for _, place in said(ordered=ordered, change=dozens)]
    assert "Summary.TotalAmount" not in stated  # 24 x 50.00 / 12 = 100.00


def test_allowances_take_away_and_what_is_neither_counts_for_nothing() -> None:
    def with_both(document: dict[str, Any]) -> None:
        document["Header"]["ChargesAllowances"] = [
            {"AllowChrgIndicator": "A", "AllowChrgAmt": 10, "Taxes": [{"TaxAmount": 1}]},
            {"AllowChrgIndicator": "N", "AllowChrgAmt": 70},
        ]
        document["Header"]["Taxes"] = [{"TaxAmount": 2}]
        document["LineItem"][0]["ChargesAllowances"] = [{"AllowChrgIndicator": "C", "AllowChrgAmt": 4}]
        document["Summary"]["TotalAmount"] = 97  # 100 - 10 + 4 + 1 + 2

    assert said(change=with_both) == []


def test_a_price_is_told_with_the_orders_and_what_it_comes_to() -> None:
    assert said([fb_line("V-1", "5", "20.40", "102.00")], "102.00") == [
        (
            "order line 1 costs 20.40 each, 20.00 on the order: 2.00 USD more in all",
            "LineItem[0].InvoiceLine.PurchasePrice",
        )
    ]
    assert said([fb_line("V-1", "5", "19.60", "98.00")], "98.00") == [
        (
            "order line 1 costs 19.60 each, 20.00 on the order: 2.00 USD less in all",
            "LineItem[0].InvoiceLine.PurchasePrice",
        )
    ]


def test_a_unit_without_a_factor_is_told_with_both_units() -> None:
    def by_the_case(document: dict[str, Any]) -> None:
        line(document)["InvoiceQtyUOM"] = "CA"

    assert said(change=by_the_case) == [
        (
            "order line 1 is ordered in EA, invoiced in CA; nothing says how many that is",
            "LineItem[0].InvoiceLine.InvoiceQtyUOM",
        )
    ]


def test_a_line_that_names_no_unit_is_in_the_orders() -> None:
    assert said(change=lambda document: line(document).pop("InvoiceQtyUOM")) == []


def test_an_order_dated_with_a_time_is_compared_by_its_day() -> None:
    ordered = order(order_line("1"), PurchaseOrderDate="2026-03-02T23:59:59")
    assert said(ordered=ordered, create_date="2026-03-02") == []
    assert said(ordered=ordered, create_date="2026-03-01") == [
        ("dated 2026-03-01, ordered on 2026-03-02", "Header.InvoiceHeader.InvoiceDate")
    ]


def test_what_is_too_much_is_told_with_what_was_before() -> None:
    twice = {"invoice/1": {"lines": {"1": "4"}}, "credit/2": {"lines": {"1": "1"}}}
    assert said(fulfilment=twice) == [
        ("order line 1: 5 invoiced, 5 ordered, 3 invoiced already", "LineItem[0].InvoiceLine.InvoiceQty")
    ]
    less = {"ack/PO": {"lines": {"1": "4"}}}
    assert [message for message, _ in said(fulfilment=less)] == ["order line 1: 5 invoiced, 4 acknowledged"]


def test_the_last_piece_of_the_tolerance_may_be_invoiced() -> None:
    six = [fb_line("V-1", "6", "20.00", "120.00")]
    assert said(six, "120.00", pack=pack_with(tolerances={"quantity": "20"})) == []
    assert len(said(six, "120.00", pack=pack_with(tolerances={"quantity": "19"}))) == 1


def test_no_more_is_credited_than_is_left_of_what_was_invoiced() -> None:
    partly = {"invoice/1": {"lines": {"1": "7"}}, "credit/2": {"lines": {"1": "2"}}}  # 5 left
    assert said(kind="credit", change=credit, fulfilment=partly) == []
    more = {"invoice/1": {"lines": {"1": "7"}}, "credit/2": {"lines": {"1": "3"}}}
    assert [message for message, _ in said(kind="credit", change=credit, fulfilment=more)] == [
        "order line 1: 5 credited, 4 invoiced"
    ]


def test_of_a_cancelled_order_the_message_says_what_was_shipped() -> None:
    shipped = {"asn/S1": {"lines": {"1": "4"}}}
    [(message, _)] = said(cancelled=True, fulfilment=shipped)
    assert message.endswith("was cancelled; line 1: 5 invoiced, 4 shipped")


def test_a_credits_numbers_are_told_one_by_one_where_they_are_negative() -> None:
    def negative(document: dict[str, Any]) -> None:
        credit(document)
        line(document).update(InvoiceQty=-5, ExtendedItemTotal=-100)
        document["Summary"]["TotalAmount"] = -100

    invoiced = {"invoice/1": {"lines": {"1": "5"}}}
    told = said(kind="credit", change=negative, fulfilment=invoiced)
    assert ("the total of a credit is positive", "Summary.TotalAmount") in told
    for name in ("InvoiceQty", "ExtendedItemTotal"):
        assert (f"{name} of a credit is positive", f"LineItem[0].InvoiceLine.{name}") in told
    assert not [message for message, _ in told if message.startswith("PurchasePrice")]


def test_a_number_one_too_long_is_stopped_and_one_that_just_fits_is_not() -> None:
    assert said(pack=pack_with(invoices={"number_max": 7})) == []  # 0000421
    assert said(pack=pack_with(invoices={"number_max": 6})) == [
        ("the number '0000421' has 7 characters, 6 are allowed", "Header.InvoiceHeader.InvoiceNumber")
    ]


# --- packs and the own business ------------------------------------------------------------------------


def test_a_pack_that_says_nothing_charges_no_penalty_and_tries_every_way_to_match() -> None:
    pack = read_pack('trading_partner_id = "P"\n[deadlines.asn]\nhours = 24\n')
    assert (pack.deadlines["asn"].penalty, pack.deadlines["asn"].penalty_percent) == (0, 0)
    assert pack.match == ["sku", "vendor_part", "upc", "alias", "price"]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"freshbooks": {"vendor_name": "As billed"}, "name": "Retailer"}, "As billed"),
        ({"name": "Retailer"}, "Retailer"),
        ({}, "SPSALLTESTID"),
    ],
)
def test_the_vendor_is_called_as_the_pack_says_best(settings: dict[str, Any], name: str) -> None:
    assert pack_with(**settings).vendor_name == name


def test_a_setting_like_none_is_told_without_a_guess_and_a_misspelt_one_with_it() -> None:
    with pytest.raises(errors.BadUse) as strange:
        read_pack('trading_partner_id = "P"\nqqqqqq = 1\n')
    assert strange.value.message == "there is no such setting"
    with pytest.raises(errors.BadUse) as misspelt:
        read_pack('trading_partner_id = "P"\nnmae = "x"\n')
    assert misspelt.value.message == "there is no such setting, did you mean name?"


def test_a_basis_may_price_one_unit_and_less_but_not_none() -> None:
    assert read_pack('trading_partner_id = "P"\n[prices_per]\nX1 = 1\nX2 = 0.5\n').prices_per
    for none in ("0", "-1"):
        with pytest.raises(errors.BadUse, match="more than 0"):
            read_pack(f'trading_partner_id = "P"\n[prices_per]\nX1 = {none}\n')
        with pytest.raises(errors.BadUse, match="more than 0"):
            read_pack(f'trading_partner_id = "P"\n[uom.CA]\nEA = {none}\n')
    assert read_pack('trading_partner_id = "P"\n[uom.CA]\nEA = 0.5\n').uom


def test_the_own_business_is_told_by_what_it_says_and_nothing_else() -> None:
    assert BusinessProfile().party() == {}
    told = BusinessProfile(name="Mill", City="Troy", remit_to="0012").party()
    assert told == {
        "LocationCodeQualifier": "91",
        "AddressLocationNumber": "0012",
        "AddressName": "Mill",
        "City": "Troy",
    }


def test_a_pack_keeps_to_itself() -> None:
    pack = PartnerPack(trading_partner_id="P")
    with pytest.raises(ValueError, match="frozen"):
        pack.name = "Other"  # type: ignore[misc]


def test_a_price_in_a_smaller_unit_is_compared_with_its_part_of_the_orders() -> None:
    ordered = order(order_line("1", 10, 12.0, OrderQtyUOM="CA"))

    def by_the_piece(document: dict[str, Any]) -> None:
        line(document).update(InvoiceQty=120, InvoiceQtyUOM="EA", PurchasePrice=1, ExtendedItemTotal=120)

    rows = [fb_line("V-1", "10", "12.00", "120.00")]
    pack = pack_with(uom={"CA": {"EA": "12"}})
    assert said(rows, "120.00", ordered=ordered, pack=pack, change=by_the_piece) == []
    other = pack_with(uom={"CA": {"EA": "10"}})
    assert (
        "order line 1 costs 1.00 each, 1.20 on the order: 24.00 USD less in all",
        "LineItem[0].InvoiceLine.PurchasePrice",
    ) in said(rows, "120.00", ordered=ordered, pack=other, change=by_the_piece)


def test_a_credit_of_cents_is_no_less_a_credit() -> None:
    def cents_only(document: dict[str, Any]) -> None:
        credit(document)
        line(document).update(InvoiceQty=1, PurchasePrice=0.5, ExtendedItemTotal=0.5)
        document["Summary"]["TotalAmount"] = 0.5

    invoiced = {"invoice/1": {"lines": {"1": "5"}}}
    assert said(kind="credit", change=cents_only, fulfilment=invoiced) == []


def test_every_line_of_the_own_address_is_left_out_until_it_is_told() -> None:
    told = BusinessProfile(Address1="1 Mill Road", State="NY", PostalCode="12180", Country="USA").party()
    assert told == {"Address1": "1 Mill Road", "State": "NY", "PostalCode": "12180", "Country": "USA"}
