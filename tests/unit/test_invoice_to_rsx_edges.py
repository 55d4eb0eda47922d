"""What an RSX invoice takes from a FreshBooks invoice where that says it in two places, or nowhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.documents.freshbooks import Client
from connector.findings import Mapped, Trace
from connector.mapping.consignment import Dispatch
from connector.mapping.invoice_to_rsx import invoice_to_rsx, is_credit
from tests.outbound import PACK, PROFILE, fb_line, invoice, money, order, party
from tests.unit.test_invoice_to_rsx import addresses, header, lines, told

BOWL = fb_line("Bowl", "5", "20.00", "100.00")


def mapped(rows: list[dict[str, Any]] | None = None, total: str = "100.00", **changes: Any) -> Mapped:
    record = invoice([BOWL] if rows is None else rows, total, **changes)
    return invoice_to_rsx(record, pack=PACK, profile=PROFILE)


def test_the_currency_is_the_invoices_else_its_amounts_else_the_businesss() -> None:
    cad = {"amount": "100.00", "code": "CAD"}
    assert header(mapped(currency_code="CAD"))["BuyersCurrency"] == "CAD"
    assert header(mapped(currency_code="", amount=cad))["BuyersCurrency"] == "CAD"
    assert header(mapped(currency_code=" ", amount=cad))["BuyersCurrency"] == "USD"
    assert header(mapped(currency_code="", amount=None))["BuyersCurrency"] == "USD"


def test_spaces_around_numbers_are_not_sent() -> None:
    own = header(mapped(invoice_number=" 421 ", po_number=" PO 7 "))
    assert (own["InvoiceNumber"], own["PurchaseOrderNumber"]) == ("421", "PO 7")


def test_another_number_is_sent_where_one_is_given() -> None:
    result = invoice_to_rsx(invoice([BOWL], "100.00"), pack=PACK, profile=PROFILE, number="0000421R2")
    assert header(result)["InvoiceNumber"] == "0000421R2"


def test_a_line_without_an_amount_is_its_quantity_at_its_price_to_the_cent() -> None:
    (line,) = lines(mapped([fb_line("Bowl", "3", "0.115", "0") | {"amount": None}], "0.35"))
    assert (line["InvoiceQty"], line["ExtendedItemTotal"]) == (3, 0.35)


@pytest.mark.parametrize(
    "changes",
    [
        {"discount_total": money("5.00"), "discount_value": "5"},
        {"discount_total": money("-5.00"), "discount_value": "0"},
        {"discount_total": None, "discount_value": "5"},
        {"discount_total": money("0.00"), "discount_value": "5"},
    ],
)
def test_a_discount_is_its_amount_else_its_percentage_of_the_lines(changes: dict[str, Any]) -> None:
    result = mapped(total="95.00", **changes)
    [discount] = result.document["Header"]["ChargesAllowances"]
    assert (discount["AllowChrgIndicator"], discount["AllowChrgAmt"]) == ("A", 5)
    assert discount.get("AllowChrgPercent") == (5 if changes["discount_value"] == "5" else None)
    assert not result.blocked


def test_no_discount_is_no_allowance() -> None:
    for changes in ({"discount_total": None, "discount_value": None}, {"discount_value": "-5"}):
        assert "ChargesAllowances" not in mapped(**changes).document["Header"]


def test_the_words_of_a_discount_come_along_cut_to_what_fits() -> None:
    def words(text: Any) -> Any:
        result = mapped(total="95.00", discount_value="5", discount_description=text)
        return result.document["Header"]["ChargesAllowances"][0].get("AllowChrgHandlingDescription")

    assert words("  Spring sale ") == "Spring sale"
    assert words("x" * 81) == "x" * 80
    assert words(None) == words(7) == words("")


def test_a_number_out_of_all_bounds_blocks_with_its_place() -> None:
    huge = "1e14"
    for row in (
        fb_line("Bowl", huge, "1.00", "1.00"),
        fb_line("Bowl", "1", huge, "1.00"),
        fb_line("Bowl", "1", "1.00", huge),
        fb_line("Bowl", "1e9", "1e9", "0") | {"amount": None},
    ):
        finding = told(mapped([BOWL, row], "101.00"), "number_too_large")
        assert (finding.severity, finding.place) == ("error", "lines[1]")
    for name, value in (
        ("amount", money(huge)),
        ("discount_total", money(huge)),
        ("discount_value", "1e9"),
    ):
        assert told(mapped(**{name: value}), "number_too_large").place == name


def test_each_tax_of_a_line_has_the_number_that_freshbooks_knows_it_by() -> None:
    row = BOWL | {
        "taxName1": "GST", "taxAmount1": "5", "taxNumber1": "RT0001",
        "taxName2": "PST", "taxAmount2": "7",
    }  # fmt: skip
    first, second = mapped([row], "112.00").document["LineItem"][0]["Taxes"]
    assert (first["TaxAmount"], second["TaxAmount"]) == (5, 7)
    assert "RT0001" in first.values()
    assert first.keys() - second.keys() == {next(name for name, value in first.items() if value == "RT0001")}


def test_a_tax_on_the_tax_is_reckoned_where_freshbooks_says_so() -> None:
    row = BOWL | {"taxName1": "GST", "taxAmount1": "10", "taxName2": "PST", "taxAmount2": "10"}
    assert not mapped([row], "120.00").blocked
    assert not mapped([row | {"compounded_tax": True}], "121.00").blocked


def test_what_is_negative_in_all_is_a_credit_and_nothing_else_is() -> None:
    def credit(total: str | None) -> bool:
        return is_credit(invoice([BOWL], "0", amount=money(total) if total is not None else None))

    assert [credit(total) for total in ("-0.01", "0.00", "0.01", None)] == [True, False, False, False]
    original = {"ReferenceQual": "IV", "ReferenceID": "0000420"}
    record = invoice([fb_line("Bowl", "-5", "20.00", "-100.00")], "-100.00")
    result = invoice_to_rsx(record, pack=PACK, profile=PROFILE, original=original)
    assert header(result)["InvoiceTypeCode"] == "CR"
    assert original in result.document["Header"]["References"]
    assert result.document["Summary"]["TotalAmount"] == 100


def test_the_day_of_the_shipment_counts_before_freshbooks_own() -> None:
    def shipped(dispatch: Dispatch | None) -> Any:
        result = invoice_to_rsx(invoice([BOWL], "100.00"), pack=PACK, profile=PROFILE, dispatch=dispatch)
        return header(result).get("ShipDate")

    assert shipped(None) == shipped(Dispatch("SH-1")) == "2026-03-10"
    assert shipped(Dispatch("SH-1", date(2026, 3, 12))) == "2026-03-12"


def test_without_a_client_the_invoices_own_address_is_billed() -> None:
    record = invoice([BOWL], "100.00", street="1 Main St", city="Austin")
    found = addresses(invoice_to_rsx(record, pack=PACK, profile=PROFILE))
    assert (found["BT"]["AddressName"], found["BT"]["City"]) == ("Example Retail Inc", "Austin")
    client = Client(
        id=12345, organization="Other Retail", p_city="Toronto", s_street="9 Dock Rd", s_city="Waco"
    )
    found = addresses(invoice_to_rsx(record, client=client, pack=PACK, profile=PROFILE))
    assert (found["BT"]["AddressName"], found["BT"]["City"], found["ST"]["City"]) == (
        "Other Retail",
        "Toronto",
        "Waco",
    )


def test_each_field_of_the_header_names_its_field_in_freshbooks() -> None:
    trace: Trace = {}
    invoice_to_rsx(invoice([BOWL], "100.00"), pack=PACK, profile=PROFILE, trace=trace)
    for name, field in {
        "InvoiceNumber": "invoice_number",
        "InvoiceDate": "create_date",
        "PurchaseOrderNumber": "po_number",
        "BuyersCurrency": "currency_code",
        "ShipDate": "fulfillment_date",
    }.items():
        assert trace[f"Header.InvoiceHeader.{name}"].paths == (f"invoice.{field}",)
    assert trace["LineItem[0].InvoiceLine.InvoiceQty"].paths == ("invoice.lines[0].qty",)
    assert trace["Summary.TotalAmount"].paths == ("invoice.amount",)


def test_whoever_is_missing_is_named_by_what_they_are_there_for() -> None:
    def missing(ordered: Any) -> str:
        bare = invoice_to_rsx(invoice([BOWL], "100.00", organization=""), order=ordered, pack=PACK)
        return " ".join(one.message for one in bare.findings if one.code == "party_missing")

    for words in ("whom to pay (RI)", "who is billed (BT)", "where the goods went (ST)"):
        assert words in missing(None)
    assert "(RI)" in missing(order())
    assert "(ST)" not in missing(order())


def test_a_line_of_an_address_names_the_invoice_that_it_came_from() -> None:
    trace: Trace = {}
    record = invoice([BOWL], "100.00", street="1 Main St", city="Austin")
    result = invoice_to_rsx(record, pack=PACK, profile=PROFILE, trace=trace)
    [index] = [n for n, one in enumerate(result.document["Header"]["Address"]) if one.get("City") == "Austin"]
    [path] = trace[f"Header.Address[{index}].City"].paths
    assert path.partition(".")[0] == "invoice"


def test_the_days_that_freshbooks_gives_are_those_of_the_terms() -> None:
    record = invoice([BOWL], "100.00", due_offset_days=45, due_date=None)
    [terms] = invoice_to_rsx(record, pack=PACK, profile=PROFILE).document["Header"]["PaymentTerms"]
    assert terms["TermsNetDueDays"] == 45


def test_what_an_orders_party_cannot_hand_on_is_told_as_an_invoices() -> None:
    odd = order(Address=[party("BT", "0001") | {"Mood": "good"}, party("ST", "0123")])
    result = invoice_to_rsx(invoice([BOWL], "100.00"), order=odd, pack=PACK, profile=PROFILE)
    messages = [one.message for one in result.findings if one.place == "Header.Address[0].Mood"]
    assert messages == ["Mood is left out: an RSX Invoice has no such element in this place"]
