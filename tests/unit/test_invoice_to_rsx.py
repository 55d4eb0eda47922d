"""FreshBooks invoices as RSX Invoices. Amounts are worked out by hand and written as literals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connector.documents.freshbooks import Client, Invoice
from connector.documents.order import Order
from connector.documents.reading import read_documents
from connector.errors import BadInput
from connector.findings import Finding, Mapped, Trace
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.rules.packs import PartnerPack
from tests.outbound import (
    PACK,
    PROFILE,
    SHARED,
    assert_official,
    codes,
    fb_line,
    invoice,
    money,
    official,
    order,
    order_line,
    party,
)


def mapped(inv: Invoice, ordered: Order | None = None, pack: PartnerPack = PACK, **more: Any) -> Mapped:
    return invoice_to_rsx(inv, order=ordered, pack=pack, profile=PROFILE, **more)


def lines(result: Mapped) -> list[dict[str, Any]]:
    return [item["InvoiceLine"] for item in result.document["LineItem"]]


def header(result: Mapped) -> dict[str, Any]:
    return result.document["Header"]["InvoiceHeader"]  # type: ignore[no-any-return]


def told(result: Mapped, code: str) -> Finding:
    return next(finding for finding in result.findings if finding.code == code)


def with_pack(**settings: Any) -> PartnerPack:
    return PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID"} | settings)


def one(total: str = "100.00", /, **changes: Any) -> Invoice:
    return invoice([fb_line("V-1", "5", "20.00", "100.00")], total, **changes)


# --- header ---------------------------------------------------------------------------------------------


def test_the_header_repeats_the_order_and_has_freshbooks_number_and_dates() -> None:
    result = mapped(one(po_number="45001234"), order())
    assert header(result) == {
        "TradingPartnerId": "SPSALLTESTID",
        "InvoiceNumber": "0000421",
        "InvoiceDate": "2026-03-11",
        "PurchaseOrderDate": "2026-03-02",
        "PurchaseOrderNumber": "0045001234",
        "PrimaryPOTypeCode": "SA",
        "InvoiceTypeCode": "DR",
        "TsetPurposeCode": "00",
        "BuyersCurrency": "USD",
        "Department": "026",
        "Vendor": "VEND6174",
        "Division": "019",
        "CustomerOrderNumber": "C-778",
        "ShipDate": "2026-03-10",
    }
    assert codes(result.findings) == ["po_number_differs"]


def test_partner_defaults_fill_what_the_order_lacks_and_nothing_else() -> None:
    pack = with_pack(header={"Department": "099", "JobNumber": "J1", "InvoiceNumber": "X", "Mood": "good"})
    result = mapped(one(), order(), pack)
    assert header(result)["Department"] == "026"
    assert header(result)["JobNumber"] == "J1"
    assert header(result)["InvoiceNumber"] == "0000421"
    assert told(result, "element_not_carried").place == "pack.header.Mood"


def test_groups_of_the_order_come_along_but_not_its_notes_and_dates() -> None:
    ordered = order(
        References=[{"ReferenceQual": "CT", "ReferenceID": "5987-1"}],
        FOBRelatedInstruction=[{"FOBPayCode": "CC"}],
        CarrierInformation=[{"CarrierAlphaCode": "JBHT", "TransitTimeQual": "CD", "TransitTime": 3}],
        Contacts=[{"ContactTypeCode": "IC", "ContactName": "Buyer"}],
        Notes=[{"NoteCode": "GEN", "Note": "call us"}],
        Dates=[{"DateTimeQualifier": "010", "Date": "2026-03-10"}],
    )
    group = mapped(one(notes="Thank you\nfor your business"), ordered).document["Header"]
    assert group["References"] == [{"ReferenceQual": "CT", "ReferenceID": "5987-1"}]
    assert group["FOBRelatedInstruction"] == [{"FOBPayCode": "CC"}]
    assert group["CarrierInformation"] == [
        {"CarrierAlphaCode": "JBHT", "TransitTimeQualifier": "CD", "TransitTime": 3}
    ]
    assert group["Contacts"] == [{"ContactTypeCode": "IC", "ContactName": "Buyer"}]
    assert group["Notes"] == [{"NoteCode": "GEN", "Note": "Thank you for your business"}]
    assert "Dates" not in group


def test_the_packs_carrier_is_for_orders_that_name_none() -> None:
    pack = with_pack(carrier={"scac": "RBTC", "method": "M"})
    assert mapped(one(), order(), pack).document["Header"]["CarrierInformation"] == [
        {"CarrierTransMethodCode": "M", "CarrierAlphaCode": "RBTC"}
    ]


@pytest.mark.parametrize(
    ("correction", "purpose", "type_code"),
    [("replace", "00", "DR"), ("replace", "05", "DR"), ("update", "05", "U5"), ("update", "00", "DR")],
)
def test_a_correction_goes_as_the_partner_wants_it(correction: str, purpose: str, type_code: str) -> None:
    pack = with_pack(invoices={"correction": correction})
    fields = header(mapped(one(), order(), pack, purpose=purpose))
    assert (fields["InvoiceTypeCode"], fields["TsetPurposeCode"]) == (type_code, purpose)


# --- addresses ------------------------------------------------------------------------------------------


def addresses(result: Mapped) -> dict[str, dict[str, Any]]:
    return {address["AddressTypeCode"]: address for address in result.document["Header"].get("Address", [])}


CLIENT = Client(
    id=12345,
    organization="Example Retail",
    p_street="1 Billing Rd",
    p_city="Toronto",
    p_province="Ontario",
    p_code="M5T 2B3",
    p_country="Canada",
    s_street="9 Dock Rd",
    s_city="Austin",
    s_province="Texas",
    s_country="United States",
)


def test_bill_to_and_ship_to_are_the_orders_and_remit_to_is_ours() -> None:
    found = addresses(mapped(one(), order(), client=CLIENT))
    assert found["BT"]["AddressLocationNumber"] == "0001"
    assert found["ST"]["AddressLocationNumber"] == "0123"
    assert found["RI"] == {
        "AddressTypeCode": "RI",
        "LocationCodeQualifier": "91",
        "AddressLocationNumber": "REMIT1",
        "AddressName": "Example Supplier LLC",
        "Address1": "9 Factory Ln",
        "City": "Duluth",
        "State": "MN",
        "PostalCode": "55802",
        "Country": "USA",
    }


def test_without_an_order_freshbooks_addresses_stand_with_the_packs_location_numbers() -> None:
    pack = with_pack(
        addresses={
            "BT": {
                "LocationCodeQualifier": "92",
                "AddressLocationNumber": "0001",
                "Address1": "x",
                "Address2": "y",
            },
            "RI": {"LocationCodeQualifier": "92", "AddressLocationNumber": "77"},
        }
    )
    found = addresses(mapped(one(), None, pack, client=CLIENT))
    assert found["BT"] == {
        "AddressTypeCode": "BT",
        "LocationCodeQualifier": "92",
        "AddressLocationNumber": "0001",
        "AddressName": "Example Retail",
        "Address1": "1 Billing Rd",
        "City": "Toronto",
        "State": "ON",
        "PostalCode": "M5T 2B3",
        "Country": "CAN",
    }
    assert (found["ST"]["Address1"], found["ST"]["State"], found["ST"]["Country"]) == (
        "9 Dock Rd",
        "TX",
        "USA",
    )
    assert (found["RI"]["AddressLocationNumber"], found["RI"]["Address1"]) == ("77", "9 Factory Ln")


def test_a_billing_address_is_no_dock() -> None:
    result = mapped(one(), None, client=CLIENT.model_copy(update={"s_street": ""}))
    assert "ST" not in addresses(result)
    assert told(result, "party_missing").place == "Header.Address[ST]"


def test_a_multi_store_order_gets_no_ship_to_made_up() -> None:
    line = order_line("1") | {
        "QuantitiesSchedulesLocations": [
            {
                "TotalQty": 5,
                "LocationQuantity": [{"Location": "0101", "Qty": 2}, {"Location": "0102", "Qty": 3}],
            }
        ]
    }
    ordered = order(line, Address=[party("BT", "0001")])
    result = mapped(one(), ordered, client=CLIENT)
    assert "ST" not in addresses(result)
    assert codes(result.findings) == []
    assert result.document["LineItem"][0]["QuantitiesSchedulesLocations"][0]["LocationQuantity"] == [
        {"Location": "0101", "Qty": 2},
        {"Location": "0102", "Qty": 3},
    ]


def test_store_quantities_are_dropped_where_only_a_part_is_invoiced() -> None:
    line = order_line("1") | {
        "QuantitiesSchedulesLocations": [{"LocationQuantity": [{"Location": "1", "Qty": 5}]}]
    }
    result = mapped(invoice([fb_line("V-1", "3", "20.00", "60.00")], "60.00"), order(line))
    assert "QuantitiesSchedulesLocations" not in result.document["LineItem"][0]


def test_a_drop_ship_address_without_location_number_is_repeated() -> None:
    consumer = {"AddressTypeCode": "ST", "LocationCodeQualifier": "92", "Address1": "333 S 7th Street"}
    assert addresses(mapped(one(), order(Address=[consumer])))["ST"] == consumer


# --- lines ----------------------------------------------------------------------------------------------


def test_a_line_has_the_orders_identity_and_freshbooks_quantity_and_price() -> None:
    line = order_line("1", GTIN="00859563000001", ProductID=[{"PartNumberQual": "MG", "PartNumber": "95"}])
    line["PriceInformation"] = [{"PriceTypeIDCode": "RTL", "UnitPrice": 60.0}]
    line["Notes"] = [{"NoteCode": "GEN", "Note": "gift"}]
    result = mapped(invoice([fb_line("V-1", "3", "20.00", "60.00")], "60.00"), order(line))
    assert result.document["LineItem"] == [
        {
            "InvoiceLine": {
                "LineSequenceNumber": "1",
                "BuyerPartNumber": "B-1",
                "VendorPartNumber": "V-1",
                "ConsumerPackageCode": "859563000001",
                "GTIN": "00859563000001",
                "ProductID": [{"PartNumberQual": "MG", "PartNumber": "95"}],
                "InvoiceQty": 3,
                "InvoiceQtyUOM": "EA",
                "OrderQty": 5,
                "OrderQtyUOM": "EA",
                "PurchasePrice": 20,
                "ShipQty": 3,
                "ShipQtyUOM": "EA",
                "ExtendedItemTotal": 60,
            },
            "PriceInformation": [{"PriceTypeIDCode": "RTL", "UnitPrice": 60}],
            "ProductOrItemDescription": [
                {"ProductCharacteristicCode": "08", "ProductDescription": "Sample item 1"}
            ],
        }
    ]
    assert result.document["Header"]["QuantityTotals"] == [
        {"QuantityTotalsQualifier": "SQT", "Quantity": 3, "QuantityUOM": "EA"}
    ]


THREE = (order_line("1", 5, 20.0), order_line("2", 5, 20.0), order_line("3", 7, 30.0))


@pytest.mark.parametrize(
    ("name", "description", "sequence"),
    [
        ("V-2", "", "2"),
        (" v-2 ", "", "2"),
        ("Bowl", "our V-2, blue", "2"),
        ("Bowl", "UPC 859563000002", "2"),
        ("Bowl", "EAN 0859563000002", "2"),
        ("Bowl", "GTIN 00859563000002.", "2"),
        ("859563000002", "", "2"),
        ("B-2", "", "2"),
        ("Bowl", "your B-2", "2"),
        ("sample  ITEM 2", "", "2"),
        ("Bowl", "Sample item 2", "2"),
        ("Blue bowl", "", "2"),
        ("Bowl", "VN V-2 / BP B-2 / UPC 859563000002 / Sample item 2", "2"),
    ],
)
def test_a_line_finds_its_order_line_by_its_words(name: str, description: str, sequence: str) -> None:
    pack = with_pack(aliases={"Blue bowl": "V-2"})
    result = mapped(
        invoice([fb_line(name, "5", "20.00", "100.00", description)], "100.00"), order(*THREE), pack
    )
    assert [line["LineSequenceNumber"] for line in lines(result)] == [sequence]
    assert codes(result.findings) == []


def test_the_only_line_with_this_quantity_and_price_is_taken_last() -> None:
    result = mapped(invoice([fb_line("Pot", "7", "30.00", "210.00")], "210.00"), order(*THREE))
    assert lines(result)[0]["LineSequenceNumber"] == "3"


@pytest.mark.parametrize("name", ["V-22", "V-2-RED", "12", "Bowl"])
def test_a_line_that_only_looks_like_one_is_held_for_a_person(name: str) -> None:
    result = mapped(invoice([fb_line(name, "5", "20.00", "100.00")], "100.00"), order(*THREE))
    finding = told(result, "line_not_on_order")
    assert result.blocked
    assert (finding.severity, finding.place) == ("error", "lines[0]")
    assert "alias" in finding.fix


def test_words_go_before_quantity_and_price() -> None:
    ordered = order(order_line("1", 5, 2.0), order_line("2", 3, 2.0))
    result = mapped(invoice([fb_line("Sample item 2", "5", "2.00", "10.00")], "10.00"), ordered)
    assert lines(result)[0]["LineSequenceNumber"] == "2"


def twice(second_price: float = 20.0) -> Order:
    """One article on two lines: 3 and 8 of it."""
    same = {"VendorPartNumber": "V-1", "BuyerPartNumber": "B-1", "ConsumerPackageCode": "859563000001"}
    return order(order_line("1", 3, 20.0, **same), order_line("2", 8, second_price, **same))


def test_one_article_on_two_lines_is_told_apart_by_quantity_then_sequence() -> None:
    eight, three = fb_line("V-1", "8", "20.00", "160.00"), fb_line("V-1", "3", "20.00", "60.00")
    result = mapped(invoice([eight, three], "220.00"), twice())
    assert [line["LineSequenceNumber"] for line in lines(result)] == ["2", "1"]
    one_of_each = [fb_line("V-1", "1", "20.00", "20.00"), fb_line("V-1", "2", "20.00", "40.00")]
    result = mapped(invoice(one_of_each, "60.00"), twice())
    assert [line["LineSequenceNumber"] for line in lines(result)] == ["1", "2"]


def test_one_article_on_two_lines_is_told_apart_by_price() -> None:
    result = mapped(invoice([fb_line("V-1", "2", "18.00", "36.00")], "36.00"), twice(18.0))
    assert lines(result)[0]["LineSequenceNumber"] == "2"


def test_different_articles_that_fit_alike_are_never_guessed_at() -> None:
    ordered = order(order_line("1", 5, 20.0), order_line("2", 3, 30.0, VendorPartNumber="V-1"))
    result = mapped(invoice([fb_line("V-1", "1", "25.00", "25.00")], "25.00"), ordered)
    assert codes(result.findings, "error") == ["line_ambiguous"]
    result = mapped(invoice([fb_line("V-1", "1", "30.00", "30.00")], "30.00"), ordered)
    assert lines(result)[0]["LineSequenceNumber"] == "2"


def test_a_quantity_may_be_split_over_lines_but_not_invoiced_twice() -> None:
    two, three = fb_line("V-1", "2", "20.00", "40.00"), fb_line("V-1", "3", "20.00", "60.00")
    split = mapped(invoice([two, three], "100.00"), order())
    assert [line["LineSequenceNumber"] for line in lines(split)] == ["1", "1"]
    assert not split.findings
    double = fb_line("V-1", "5", "20.00", "100.00")
    result = mapped(invoice([double, double], "200.00"), order())
    assert codes(result.findings, "error") == ["order_line_twice"]


def test_without_an_order_a_line_is_freshbooks_alone() -> None:
    told_by_upc = fb_line("SKU-1", "2.5", "4.00", "10.00", "Bowl, UPC 036000291452, job 123456789012")
    result = mapped(invoice([told_by_upc], "10.00"))
    assert lines(result) == [
        {
            "LineSequenceNumber": "1",
            "VendorPartNumber": "SKU-1",
            "ConsumerPackageCode": "036000291452",
            "InvoiceQty": 2.5,
            "InvoiceQtyUOM": "EA",
            "PurchasePrice": 4,
            "ShipQty": 2.5,
            "ShipQtyUOM": "EA",
            "ExtendedItemTotal": 10,
        }
    ]
    assert told(result, "no_order").severity == "info"
    assert not result.blocked


def test_an_order_that_numbers_no_line_is_numbered_by_position() -> None:
    ordered = order(order_line("1", LineSequenceNumber=None), order_line("2", LineSequenceNumber=None))
    result = mapped(invoice([fb_line("V-2", "5", "20.00", "100.00")], "100.00"), ordered)
    assert lines(result)[0]["LineSequenceNumber"] == "2"


@pytest.mark.parametrize(
    ("changes", "cost", "basis"),
    [
        ({"PurchasePriceBasis": "PE"}, "20.00", "PE"),
        ({"PurchasePrice": 240.0, "PurchasePriceBasis": "PD"}, "20.00", None),
        ({"OrderQtyUOM": "DZ", "PurchasePriceBasis": "PD"}, "20.00", "PD"),
        ({"OrderQtyUOM": "CA", "PurchasePriceBasis": "CA"}, "20.00", "CA"),
        ({"OrderQtyUOM": "LB", "PurchasePriceBasis": "PP"}, "20.00", "PP"),
    ],
)
def test_the_price_basis_is_sent_only_where_the_price_is_in_it(
    changes: dict[str, Any], cost: str, basis: str | None
) -> None:
    ordered = order(order_line("1", **changes))
    result = mapped(invoice([fb_line("V-1", "5", cost, "100.00")], "100.00"), ordered)
    assert lines(result)[0].get("PurchasePriceBasis") == basis
    assert lines(result)[0]["PurchasePrice"] * lines(result)[0]["InvoiceQty"] == 100
    assert codes(result.findings) == []


def test_units_are_not_added_up_where_they_differ() -> None:
    ordered = order(order_line("1"), order_line("2", OrderQtyUOM="CA"))
    both = [fb_line("V-1", "5", "20.00", "100.00"), fb_line("V-2", "5", "20.00", "100.00")]
    result = mapped(invoice(both, "200.00"), ordered)
    assert "QuantityTotals" not in result.document["Header"]
    assert [line["InvoiceQtyUOM"] for line in lines(result)] == ["EA", "CA"]


def test_a_long_price_keeps_four_places_and_more_where_the_total_needs_them() -> None:
    thirds = fb_line("V-1", "3", "0.333333", "1.00")
    exact = fb_line("V-2", "100000", "0.123456", "12345.60")
    result = mapped(invoice([thirds, exact], "12346.60"), None)
    assert [line["PurchasePrice"] for line in lines(result)] == [0.3333, 0.123456]


# --- charges, discount, taxes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "amount", "indicator", "code"),
    [
        ("Freight", "10.00", "C", "D240"),
        ("UPS Ground shipping", "10.00", "C", "G821"),
        ("Shipping & Handling", "10.00", "C", "G830"),
        ("Handling fee", "10.00", "C", "D500"),
        ("Volume discount", "-10.00", "A", "C310"),
        ("Freight allowance", "-10.00", "A", "D240"),
        ("Goodwill", "-10.00", "A", "C310"),
        ("pallet  FEE", "10.00", "C", "G740"),
    ],
)
def test_lines_that_are_no_articles_become_charges_and_allowances(
    name: str, amount: str, indicator: str, code: str
) -> None:
    total = {"10.00": "110.00", "-10.00": "90.00"}[amount]
    inv = invoice([fb_line("V-1", "5", "20.00", "100.00"), fb_line(name, "1", amount, amount)], total)
    result = mapped(inv, order(), with_pack(charges={"Pallet fee": "G740"}))
    assert result.document["Header"]["ChargesAllowances"] == [
        {
            "AllowChrgIndicator": indicator,
            "AllowChrgCode": code,
            "AllowChrgAmt": 10,
            "AllowChrgHandlingCode": {"C": "06", "A": "02"}[indicator],
            "AllowChrgHandlingDescription": name,
        }
    ]
    assert len(lines(result)) == 1
    assert not result.findings


def test_an_article_is_no_charge_whatever_its_name() -> None:
    ordered = order(order_line("1", VendorPartNumber="Shipping box 12"))
    result = mapped(invoice([fb_line("Shipping box 12", "5", "20.00", "100.00")], "100.00"), ordered)
    assert lines(result)[0]["LineSequenceNumber"] == "1"
    assert "ChargesAllowances" not in result.document["Header"]


def test_a_worthless_line_that_nobody_ordered_is_left_out() -> None:
    inv = invoice([fb_line("V-1", "5", "20.00", "100.00"), fb_line("Thanks!", "0", "0", "0")], "100.00")
    result = mapped(inv, order())
    assert len(lines(result)) == 1
    assert codes(result.findings) == ["line_without_value"]


def test_the_discount_is_a_positive_allowance_in_the_orders_words() -> None:
    stated = {
        "AllowChrgIndicator": "A",
        "AllowChrgCode": "I530",
        "AllowChrgAgencyCode": "VI",
        "AllowChrgAmt": 99,
        "AllowChrgPercent": 5.0,
        "AllowChrgHandlingCode": "06",
        "AllowChrgHandlingDescription": "Volume",
    }
    inv = one("95.00", discount_value=5, discount_total=money("-5.00"))
    result = mapped(inv, order(ChargesAllowances=[stated]))
    assert result.document["Header"]["ChargesAllowances"] == [
        {
            "AllowChrgIndicator": "A",
            "AllowChrgCode": "I530",
            "AllowChrgAgencyCode": "VI",
            "AllowChrgAmt": 5,
            "AllowChrgPercentQual": "6",
            "AllowChrgPercent": 5,
            "AllowChrgHandlingCode": "06",
            "AllowChrgHandlingDescription": "Volume",
        }
    ]
    assert result.findings == []


def test_a_bill_back_of_the_order_is_not_the_discount_on_the_invoice() -> None:
    """Handling 01 (billed back later) repeated on a discount would tell the retailer not to deduct it."""
    stated = {"AllowChrgIndicator": "A", "AllowChrgCode": "I530", "AllowChrgHandlingCode": "01"}
    inv = one("95.00", discount_value=5, discount_total=money("-5.00"))
    (allowance,) = mapped(inv, order(ChargesAllowances=[stated])).document["Header"]["ChargesAllowances"]
    assert (allowance["AllowChrgCode"], allowance["AllowChrgHandlingCode"]) == ("C310", "02")


def test_a_discount_on_freight_too_names_its_base() -> None:
    inv = invoice(
        [fb_line("V-1", "5", "20.00", "100.00"), fb_line("Freight", "1", "10.00", "10.00")],
        "104.50",
        discount_value=5,
        discount_total=money("-5.50"),
    )
    allowance = mapped(inv, order()).document["Header"]["ChargesAllowances"][1]
    assert (allowance["AllowChrgAmt"], allowance["AllowChrgPercent"], allowance["PercentDollarBasis"]) == (
        5.5,
        5,
        110,
    )


def test_an_allowance_of_the_order_that_is_not_invoiced_is_a_warning() -> None:
    stated = [{"AllowChrgIndicator": "A", "AllowChrgCode": "C310", "AllowChrgAmt": 5}]
    result = mapped(one(), order(ChargesAllowances=stated))
    assert codes(result.findings) == ["order_charge_not_invoiced"]
    informational = [stated[0] | {"AllowChrgHandlingCode": "15"}, {"AllowChrgIndicator": "N"}]
    assert mapped(one(), order(ChargesAllowances=informational)).findings == []


def test_tax_comes_after_the_discount() -> None:
    """FreshBooks' own sample: 20.00 + 24.00, less 10 %, HST 13 % on the first line: 41.94."""
    bowls = fb_line("Bowls", "4", "5.00", "20.00", taxName1="HST1", taxAmount1="13", taxNumber1="RT")
    mugs = fb_line("Mugs", "6", "4.00", "24.00", taxName1="", taxAmount1="0", taxName2=None, taxAmount2=None)
    result = mapped(invoice([bowls, mugs], "41.94", discount_value=10, discount_total=money("-4.40")))
    assert result.document["LineItem"][0]["Taxes"] == [
        {"TaxTypeCode": "BE", "TaxAmount": 2.34, "TaxPercent": 13, "TaxID": "RT", "Description": "HST1"}
    ]
    assert "Taxes" not in result.document["LineItem"][1]
    assert "Taxes" not in result.document["Header"]
    assert result.document["Summary"] == {
        "TotalAmount": 41.94,
        "TotalSalesAmount": 44,
        "TotalTaxesAndCharges": 2.34,
        "TotalAllowancesAmount": 4.4,
        "TotalLineItemNumber": 2,
    }
    assert not result.blocked


def taxed(name: str, amount: str, *taxes: str, compounded: bool = False) -> dict[str, Any]:
    pairs = {}
    for place, tax in enumerate(taxes, 1):
        label, percent = tax.split()
        pairs |= {f"taxName{place}": label, f"taxAmount{place}": percent}
    return fb_line(name, "1", amount, amount, compounded_tax=compounded, **pairs)


@pytest.mark.parametrize(
    ("inputs", "total", "amounts"),
    [
        # 5 % and 9.975 % of 100.00: 5.00 and 9.975, up to 9.98
        ([taxed("A", "100.00", "GST 5", "QST 9.975")], "114.98", [[5, 9.98]]),
        # compounded: 9.975 % of 105.00 is 10.47375
        ([taxed("A", "100.00", "GST 5", "QST 9.975", compounded=True)], "115.47", [[5, 10.47]]),
        # 5 % of 0.10 is 0.005: a cent on each line where lines are rounded
        ([taxed("A", "0.10", "GST 5"), taxed("B", "0.10", "GST 5")], "0.22", [[0.01], [0.01]]),
        # the same where the sum 0.01 is rounded: the lines add up to it
        ([taxed("A", "0.10", "GST 5"), taxed("B", "0.10", "GST 5")], "0.21", [[0.01], [0]]),
        # 0.4 and 0.4 of a cent: each tax by itself is nothing, together they are a cent
        ([taxed("A", "0.10", "GST 4", "PST 4")], "0.11", [[0, 0.01]]),
    ],
)
def test_taxes_are_rounded_the_way_that_foots(
    inputs: list[dict[str, Any]], total: str, amounts: list[list[float]]
) -> None:
    result = mapped(invoice(inputs, total))
    found = [[tax["TaxAmount"] for tax in item["Taxes"]] for item in result.document["LineItem"]]
    assert found == amounts
    assert "does_not_foot" not in codes(result.findings)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("HST", "BE"),
        ("gst", "GS"),
        ("QST", "QST"),
        ("TVQ", "QST"),
        ("PST BC", "ST"),
        ("VAT 20", "VA"),
        ("Sales tax", "TX"),
        ("Env levy", "EV"),
    ],
)
def test_tax_names_become_codes(name: str, code: str) -> None:
    line = fb_line("A", "1", "100.00", "100.00", taxName1=name, taxAmount1="10")
    result = mapped(invoice([line], "110.00"), None, with_pack(taxes={"ENV Levy": "EV"}))
    assert result.document["LineItem"][0]["Taxes"][0]["TaxTypeCode"] == code


def test_a_taxed_charge_has_its_tax_with_it() -> None:
    inv = invoice([fb_line("V-1", "5", "20.00", "100.00"), taxed("Freight", "10.00", "HST 13")], "111.30")
    result = mapped(inv, order())
    assert result.document["Header"]["ChargesAllowances"][0]["Taxes"] == [
        {"TaxTypeCode": "BE", "TaxAmount": 1.3, "TaxPercent": 13, "Description": "HST"}
    ]
    assert result.document["Summary"]["TotalTaxesAndCharges"] == 11.3
    assert result.document["Summary"]["TotalChargesAmount"] == 10
    assert not result.findings


def test_what_does_not_foot_is_blocked_with_both_numbers() -> None:
    result = mapped(one("101.00"), order())
    finding = told(result, "does_not_foot")
    assert result.blocked
    assert "101.00" in finding.message
    assert "100.00" in finding.message
    assert result.document["Summary"]["TotalAmount"] == 101


# --- terms and totals -----------------------------------------------------------------------------------

TERMS = {
    "TermsType": "01",
    "TermsBasisDateCode": "3",
    "TermsDiscountPercentage": 2.0,
    "TermsDiscountDueDays": 10,
    "TermsNetDueDays": 30,
    "TermsDiscountAmount": 23.36,
    "TermsDiscountDate": "2020-01-01",
    "TermsDescription": "2% 10 Net 30",
}


def test_terms_are_the_orders_with_dates_and_discount_made_anew() -> None:
    inv = one("105.00", discount_value=5, discount_total=money("-5.00"))
    inv.lines.append(invoice([fb_line("Freight", "1", "10.00", "10.00")], "0").lines[0])
    # merchandise 100.00 less 5.00 (the discount is an amount here: 5 % of 110.00 would be 5.50): 2 % of 95.00
    result = mapped(inv, order(PaymentTerms=[TERMS]))
    assert result.document["Header"]["PaymentTerms"] == [
        {
            "TermsType": "01",
            "TermsBasisDateCode": "3",
            "TermsDiscountPercentage": 2,
            "TermsDiscountDate": "2026-03-21",
            "TermsDiscountDueDays": 10,
            "TermsNetDueDate": "2026-04-10",
            "TermsNetDueDays": 30,
            "TermsDiscountAmount": 1.9,
            "TermsDescription": "2% 10 Net 30",
        }
    ]
    summary = result.document["Summary"]
    assert (summary["TotalTermsDiscountAmount"], summary["InvoiceAmtDueByTermsDate"]) == (1.9, 103.1)


@pytest.mark.parametrize(
    ("basis", "net"),
    [
        ("3", "2026-04-10"),
        (None, "2026-04-10"),
        ("1", "2026-04-09"),
        ("09", "2026-04-01"),
        ("15", None),
        ("2", None),
    ],
)
def test_days_count_from_the_basis_date(basis: str | None, net: str | None) -> None:
    terms = {"TermsType": "01", "TermsNetDueDays": 30, "TermsNetDueDate": "2020-01-01"}
    terms |= {"TermsBasisDateCode": basis} if basis else {}
    result = mapped(one(), order(PaymentTerms=[terms]))
    assert result.document["Header"]["PaymentTerms"][0].get("TermsNetDueDate") == net


def test_a_fixed_due_date_of_the_order_stays() -> None:
    terms = {"TermsType": "03", "TermsNetDueDate": "2026-06-30"}
    result = mapped(one(), order(PaymentTerms=[terms]))
    assert result.document["Header"]["PaymentTerms"] == [terms]
    assert codes(result.findings) == ["due_date_differs"]


def test_a_terms_discount_without_a_percent_cannot_be_made_anew() -> None:
    terms = {"TermsType": "01", "TermsNetDueDays": 30, "TermsDiscountAmount": 23.36}
    result = mapped(one(), order(PaymentTerms=[terms]))
    assert "TotalTermsDiscountAmount" not in result.document["Summary"]
    assert codes(result.findings) == ["terms_not_recomputed"]


def test_without_terms_on_the_order_they_are_freshbooks_own() -> None:
    assert mapped(one(terms="Net thirty"), order()).document["Header"]["PaymentTerms"] == [
        {
            "TermsType": "01",
            "TermsBasisDateCode": "3",
            "TermsNetDueDate": "2026-04-10",
            "TermsNetDueDays": 30,
            "TermsDescription": "Net thirty",
        }
    ]


def test_the_official_pair_gives_the_official_invoices_identifiers() -> None:
    """The sample order, invoiced as the sample invoice does: 3 x 20, 2 x 10, 3 x 50 = 230.00, less 5 % 11.50."""
    ordered = Order.model_validate(official("PO584615-1-v7.7-BulkImport.json"))
    sample = official("IN584615-1-v7.7-BulkImport.json")
    inv = invoice(
        [
            fb_line("SPSSupplierHD-20", "3", "20.00", "60.00"),
            fb_line("SPSSupplierHD-40", "2", "10.00", "20.00"),
            fb_line("SPSSupplierHD-40", "3", "50.00", "150.00"),
        ],
        "218.50",
        po_number="PO584615-1",
        discount_value=5,
        discount_total=money("-11.50"),
        create_date="2020-12-15",
        due_date="2021-01-15",
    )
    result = mapped(inv, ordered)
    assert not result.blocked
    names = (
        "LineSequenceNumber",
        "BuyerPartNumber",
        "ConsumerPackageCode",
        "GTIN",
        "UPCCaseCode",
        "ProductID",
        "InvoiceQty",
        "InvoiceQtyUOM",
        "PurchasePrice",
        "ShipQty",
        "ShipQtyUOM",
    )
    for ours, theirs in zip(lines(result), sample["LineItem"], strict=True):
        assert {name: ours[name] for name in names} == {name: theirs["InvoiceLine"][name] for name in names}
    assert result.document["Header"]["FOBRelatedInstruction"] == sample["Header"]["FOBRelatedInstruction"]
    assert result.document["Header"]["QuantityTotals"] == sample["Header"]["QuantityTotals"]
    assert result.document["Header"]["Contacts"] == sample["Header"]["Contacts"]
    assert result.document["Summary"]["TotalAmount"] == 218.5
    assert_official(result.document, "Invoice")


# --- what cannot be sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"invoice_number": ""}, "number_missing"),
        ({"create_date": None}, "date_missing"),
        ({"invoice_number": "x" * 23}, "too_long"),
        ({"currency_code": "CAD"}, "currency_differs"),
        ({"lines": None, "amount": money("0")}, "no_lines"),
        ({"lines": [fb_line("Freight", "1", "1", "1")], "amount": money("1")}, "no_lines"),
        ({"lines": [fb_line("V-1", "9E+14", "1", "100.00")]}, "number_too_large"),
        ({"lines": [fb_line("V-1", "-5", "-20", "100.00")]}, "negative_quantity"),
        ({"lines": [fb_line("V-1", "5", "19.00", "100.00")]}, "extension_differs"),
        ({"amount": money("9E+14")}, "number_too_large"),
    ],
)
def test_what_a_retailer_could_not_process_is_blocked(changes: dict[str, Any], code: str) -> None:
    inv = one(**changes)
    assert code in codes(mapped(inv, order()).findings, "error")


@pytest.mark.parametrize(("quantity", "price"), [("-2", "20.00"), ("2", "-20.00")], ids=["quantity", "price"])
def test_a_negative_total_is_a_credit_in_positive_numbers(quantity: str, price: str) -> None:
    rows = [
        fb_line("V-1", quantity, price, "-40.00"),
        fb_line("Restocking", "1", "4.00", "4.00"),
    ]
    original = {"ReferenceQual": "INV", "ReferenceID": "0000400"}
    result = invoice_to_rsx(
        invoice(rows, "-36.00"), order=order(), pack=PACK, profile=PROFILE, original=original
    )
    assert codes(result.findings, "error") == []
    document = result.document
    header, line = document["Header"]["InvoiceHeader"], document["LineItem"][0]["InvoiceLine"]
    assert (header["InvoiceTypeCode"], header["TsetPurposeCode"]) == ("CR", "00")
    assert original in document["Header"]["References"]
    assert (line["InvoiceQty"], line["PurchasePrice"], line["ExtendedItemTotal"]) == (2, 20, 40)
    assert "ShipQty" not in line
    assert document["Header"]["ChargesAllowances"][0]["AllowChrgAmt"] == 4
    assert (document["Summary"]["TotalAmount"], document["Summary"]["TotalAllowancesAmount"]) == (36, 4)
    assert_official(document, "Invoice")


def test_a_credit_of_nothing_in_particular_is_blocked() -> None:
    result = mapped(invoice([fb_line("Goodwill", "1", "-10.00", "-10.00")], "-10.00"), order())
    assert "original_unknown" in codes(result.findings, "error")


def test_a_missing_po_number_is_an_error_only_without_the_order() -> None:
    assert codes(mapped(one(po_number=None)).findings, "error") == ["po_number_missing"]
    assert mapped(one(po_number=None), order()).findings == []


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [fb_line("V-1", "1E-999999", "1E-999999", "0")]},
        {"lines": [fb_line("V-1", "9999999999999", "9999999999999", "1")]},
        {
            "lines": [taxed("V-1", "9999999999999", "A 999", "B 999", compounded=True)],
            "discount_value": "999",
        },
        {"lines": [fb_line("V-1", "1", "1", "1", taxName1="A", taxAmount1="9E+14")]},
        {"create_date": "9999-12-31", "due_offset_days": 30, "due_date": None},
        {"discount_value": "-5", "discount_total": money("5")},
        {"invoice_number": "\x00\ud7ff", "notes": "\n\n", "terms": "x" * 500},
        {"amount": None, "discount_total": None, "discount_value": None},
    ],
)
def test_odd_numbers_and_dates_are_findings_never_crashes(changes: dict[str, Any]) -> None:
    terms = [{"TermsNetDueDays": 10**9, "TermsDiscountDueDays": -1, "TermsDiscountPercentage": 1e300}]
    inv = one(**changes)
    for ordered in (None, order(), order(PaymentTerms=terms)):
        json.dumps(mapped(inv, ordered).document, allow_nan=False)


ODD: dict[str, Any] = {
    "Address": [
        "x",
        None,
        {"AddressTypeCode": "ST", "Address1": 5, "References": {"ReferenceQual": "ZZ"}},
        {"AddressTypeCode": "??"},
        {"AddressName": "nobody"},
    ],
    "References": [[{"ReferenceQual": "CT", "ReferenceID": 12}], {"ReferenceID": "alone"}],
    "CarrierInformation": [
        {
            "CarrierAlphaCode": "A",
            "TransitTime": "3.5",
            "Address": {"AddressTypeCode": "SF", "Contacts": []},
            "SealNumbers": "x",
        }
    ],
    "Contacts": [[{"ContactTypeCode": "QQ", "ContactName": "Ann", "PrimaryPhone": 6125551212}]],
    "FOBRelatedInstruction": [{"FOBPayCode": "QQ", "Description": "d"}],
    "Commodity": [{"CommodityCodeQualifier": "A", "CommodityCode": "1"}, {"CommodityCodeQualifier": "?"}],
    "PaymentTerms": [
        {"TermsType": "ZZ", "TermsDeferredAmountDue": 5, "Odd": {"x": [None]}, "TermsNetDueDays": 3}
    ],
    "ChargesAllowances": [{"AllowChrgCode": "QQ", "AllowChrgIndicator": "A"}, {}],
    "Odd": [1, {"a": None}],
}


def odd_order() -> Order:
    line = order_line(
        "1",
        5,
        "20.0",
        Gender="M",
        Odd=1,
        Department=12,
        PurchasePriceBasis="QQ",
        OrderQtyUOM="QQ",
        NRFStandardColorAndSize={"NRFColorCode": 7, "Odd": "x"},
        ProductID=["x", {"PartNumberQual": ["VC"], "PartNumber": 5}, {"PartNumber": None}],
    )
    line |= {
        "PriceInformation": [{"PriceTypeIDCode": "QQ", "UnitPrice": "x"}, {"UnitPrice": "2.50"}],
        "Subline": [{"SublineItemDetail": {"QtyPer": "2", "QtyPerUOM": "EA", "Odd": 1}, "Commodity": []}],
        "PhysicalDetails": [{"PackQualifier": "OU", "PackValue": "1", "PackSize": "12"}],
        "Measurements": [{"MeasurementQualifier": "QQ"}],
        "References": [{"ReferenceQual": "IA", "ReferenceID": "x"}, {"ReferenceID": "alone"}],
        "Taxes": [{"TaxTypeCode": "GS"}],
        "Odd": "x",
    }
    return order(line, header={"AdditionalPOTypeCodes": [{"POTypeCode": "ZZ"}], "Odd": "x"}, **ODD)


def test_an_order_full_of_oddities_gives_a_document_that_the_schema_takes() -> None:
    result = mapped(one(), odd_order())
    assert_official(result.document, "Invoice")
    assert lines(result)[0]["VendorPartNumber"] == "V-1"
    assert result.document["LineItem"][0]["Subline"] == [
        {"SublineItemDetail": {"QtyPer": 2, "QtyPerUOM": "EA"}}
    ]
    assert {"code_not_carried", "element_not_carried", "value_not_carried"} <= set(codes(result.findings))
    assert "unknown_element" not in codes(result.findings)


@pytest.mark.parametrize("name", ["PO584615-1-v7.7-BulkImport.json", "PO584616-1-v7.7-DropShip.json"])
def test_official_orders_give_official_invoices(name: str) -> None:
    ordered = Order.model_validate(official(name))
    inv = invoice([fb_line("SPSSupplierHD-20", "5", "20.00", "100.00")], "100.00", po_number="PO584615-1")
    result = mapped(inv, ordered)
    assert_official(result.document, "Invoice")
    assert not result.blocked


@pytest.mark.skipif(
    not SHARED.exists(), reason="FreshBooks' samples are not beside this repository (../shared)"
)
def test_freshbooks_own_sample_becomes_a_valid_invoice() -> None:
    path = SHARED / "freshbooks" / "samples" / "InvoiceTest.sampleInvoiceData.L17.json"
    inv = Invoice.model_validate(json.loads(path.read_text(), parse_float=Decimal)["invoice"])
    result = mapped(inv)
    assert result.document["Summary"]["TotalAmount"] == 41.94
    assert codes(result.findings, "error") == ["po_number_missing"]
    assert_official(result.document, "Invoice")


XML = b"""<Orders xmlns="http://www.spscommerce.com/RSX"><Order><Header>
<OrderHeader><TradingPartnerId>SPSALLTESTID</TradingPartnerId><PurchaseOrderNumber>0045001234</PurchaseOrderNumber>
</OrderHeader><Address><AddressTypeCode>ST</AddressTypeCode><AddressLocationNumber>0123</AddressLocationNumber>
<Contacts><ContactTypeCode>RE</ContactTypeCode><PrimaryPhone>6125551212</PrimaryPhone></Contacts></Address>
<References><ReferenceQual>CT</ReferenceQual><ReferenceID>007</ReferenceID></References>
<CarrierInformation><CarrierAlphaCode>RBTC</CarrierAlphaCode><TransitTime>3</TransitTime></CarrierInformation>
</Header><LineItem><OrderLine><LineSequenceNumber>01</LineSequenceNumber><VendorPartNumber>V-1</VendorPartNumber>
<ProductID><PartNumberQual>MG</PartNumberQual><PartNumber>0095</PartNumber></ProductID>
<OrderQty>5</OrderQty><OrderQtyUOM>EA</OrderQtyUOM><PurchasePrice>20.0</PurchasePrice></OrderLine>
<PriceInformation><PriceTypeIDCode>RTL</PriceTypeIDCode><UnitPrice>60.00</UnitPrice></PriceInformation>
<PhysicalDetails><PackQualifier>OU</PackQualifier><PackValue>1</PackValue></PhysicalDetails>
</LineItem></Order></Orders>"""


def test_an_xml_order_keeps_leading_zeros_and_its_numbers_are_numbers() -> None:
    (read,) = read_documents(XML)
    assert not isinstance(read, BadInput)
    assert isinstance(read.document, Order)
    result = mapped(one(), read.document)
    assert lines(result)[0]["LineSequenceNumber"] == "01"
    assert lines(result)[0]["ProductID"] == [{"PartNumberQual": "MG", "PartNumber": "0095"}]
    item, group = result.document["LineItem"][0], result.document["Header"]
    assert item["PriceInformation"] == [{"PriceTypeIDCode": "RTL", "UnitPrice": 60}]
    assert item["PhysicalDetails"] == [{"PackQualifier": "OU", "PackValue": 1}]
    assert group["References"] == [{"ReferenceQual": "CT", "ReferenceID": "007"}]
    assert group["CarrierInformation"] == [{"CarrierAlphaCode": "RBTC", "TransitTime": 3}]
    assert addresses(result)["ST"]["Contacts"] == [{"ContactTypeCode": "RE", "PrimaryPhone": "6125551212"}]
    assert result.findings == []
    assert_official(result.document, "Invoice")


# --- purity and explaining ------------------------------------------------------------------------------


def leaves(path: str, value: Any) -> set[str]:
    if isinstance(value, dict):
        return {
            leaf for name, item in value.items() for leaf in leaves(f"{path}.{name}" if path else name, item)
        }
    if isinstance(value, list):
        return {leaf for index, item in enumerate(value) for leaf in leaves(f"{path}[{index}]", item)}
    return {path}


def test_every_produced_field_is_explained_and_explaining_changes_nothing() -> None:
    inv = invoice(
        [fb_line("V-1", "5", "20.00", "100.00"), taxed("Freight", "10.00", "HST 13")], "111.30", notes="Hello"
    )
    for ordered in (None, order(PaymentTerms=[TERMS]), odd_order()):
        pack = with_pack(
            header={"JobNumber": "J"}, carrier={"scac": "RBTC"}, addresses={"ST": party("ST", "9")}
        )
        trace: Trace = {}
        explained = mapped(inv, ordered, pack, trace=trace)
        assert explained == mapped(inv, ordered, pack)
        assert set(trace) == leaves("", explained.document)
        assert all(source.rule and source.rule != "mapped" for source in trace.values())
    assert trace["Header.InvoiceHeader.JobNumber"].paths == ("pack.header.JobNumber",)
    assert trace["LineItem[0].InvoiceLine.BuyerPartNumber"].paths == (
        "order.LineItem[0].OrderLine.BuyerPartNumber",
    )
    assert trace["LineItem[0].InvoiceLine.InvoiceQty"].paths == ("invoice.lines[0].qty",)


def test_mapping_again_gives_the_same_bytes_and_leaves_the_order_alone() -> None:
    ordered = odd_order()
    before = ordered.model_dump_json()
    assert json.dumps(mapped(one(), ordered).document) == json.dumps(mapped(one(), ordered).document)
    assert ordered.model_dump_json() == before
