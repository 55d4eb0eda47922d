"""The strict check before sending, word for word: what a person reads who has to put a document right."""

from __future__ import annotations

from typing import Any

import pytest

from connector.mapping.conform import conform
from tests.unit.test_conform import document

SHORTEN = "shorten it: X12 has no room for more, and SPS or the retailer may cut it off or refuse it"
RENUMBER = "shorten the number in FreshBooks; X12 has room for 22 characters"
CODES = "use a code of the RSX list; the partner pack is where taxes, charges and defaults are mapped"


@pytest.mark.parametrize(
    ("header", "message", "fix"),
    [
        (
            {"Odd": "x"},
            "Odd is no element of InvoiceHeader in an RSX Invoice",
            "remove it; SPS refuses the whole document otherwise",
        ),
        ({"Department": None}, "Department is null, which RSX does not allow", "leave the element out"),
        (
            {"AdditionalPOTypeCodes": [None]},
            "AdditionalPOTypeCodes is null, which RSX does not allow",
            "leave the element out",
        ),
        ({"Department": 26}, "Department must be a text, also where it consists of digits", ""),
        ({"Department": " "}, "Department is empty", "leave the element out or fill it"),
        ({"ExchangeRate": "1.5"}, "ExchangeRate must be a JSON number", ""),
        ({"ExchangeRate": float("inf")}, "ExchangeRate must be a finite number", ""),
        ({"InvoiceDate": "11.03.2026"}, "InvoiceDate must be a date like 2026-03-11", ""),
        ({"ShipTime": "14:22"}, "ShipTime must be a time like 14:22:14", ""),
        (
            {"InvoiceTypeCode": "x" * 41},
            f"InvoiceTypeCode {'x' * 40!r} is not in the list of the RSX Invoice",
            CODES,
        ),
        ({"AdditionalPOTypeCodes": {}}, "AdditionalPOTypeCodes must be a list", ""),
        ({"AdditionalPOTypeCodes": ["SA"]}, "AdditionalPOTypeCodes must be a group of elements", ""),
        ({"TradingPartnerId": ...}, "an RSX Invoice must have TradingPartnerId", ""),
        (
            {"TradingPartnerId": "x" * 16},
            "TradingPartnerId has 16 characters; at most 15 arrive",
            "copy the TradingPartnerId from an order of this partner",
        ),
        ({"InvoiceNumber": "x" * 23}, "InvoiceNumber has 23 characters; at most 22 arrive", RENUMBER),
        (
            {"PurchaseOrderNumber": "x" * 23},
            "PurchaseOrderNumber has 23 characters; at most 22 arrive",
            RENUMBER,
        ),
    ],
)
def test_a_person_reads_what_is_wrong_and_what_to_do(header: dict[str, Any], message: str, fix: str) -> None:
    [finding] = conform(document(**header), "Invoice")
    [name] = header
    assert (finding.message, finding.fix, finding.severity) == (message, fix, "error")
    assert finding.place.partition("[")[0] == f"Header.InvoiceHeader.{name}"


@pytest.mark.parametrize(
    ("name", "group", "length"),
    [
        ("AddressName", "Address", 60),
        ("AddressAlternateName", "Address", 60),
        ("Address1", "Address", 55),
        ("Address2", "Address", 55),
        ("Address3", "Address", 55),
        ("Address4", "Address", 55),
        ("City", "Address", 30),
        ("PostalCode", "Address", 15),
        ("TermsDescription", "PaymentTerms", 80),
        ("ProductDescription", "", 80),
    ],
)
def test_what_the_retailer_may_cut_off_is_a_warning(name: str, group: str, length: int) -> None:
    def said(text: str) -> list[tuple[str, str, str, str]]:
        whole = document()
        if group:
            whole["Header"][group] = [{name: text}]
        else:
            whole["LineItem"] = [{"InvoiceLine": {}, "ProductOrItemDescription": [{name: text}]}]
        found = conform(whole, "Invoice")
        return [(one.severity, one.message, one.fix, one.place.rpartition(".")[2]) for one in found]

    message = f"{name} has {length + 1} characters; at most {length} arrive"
    assert said("x" * length) == []
    assert said("x" * (length + 1)) == [("warning", message, SHORTEN, name)]


def test_a_shipments_number_and_levels_are_told_apart_from_an_invoices() -> None:
    header = {"TradingPartnerId": "T", "ShipmentIdentification": "x" * 31}
    whole: dict[str, Any] = {
        "Header": {"ShipmentHeader": header},
        "OrderLevel": [{"PackLevel": [{"Pack": {}}], "ItemLevel": [{"ShipmentLine": {}}]}],
    }
    assert [(one.code, one.message, one.fix, one.place) for one in conform(whole, "Shipment")] == [
        (
            "too_long",
            "ShipmentIdentification has 31 characters; at most 30 arrive",
            "give the shipment an id of at most 30 characters",
            "Header.ShipmentHeader.ShipmentIdentification",
        ),
        (
            "levels_mixed",
            "OrderLevel has PackLevel and ItemLevel; RSX allows one of them",
            "",
            "OrderLevel[0]",
        ),
    ]
    header["ShipmentIdentification"] = "x" * 30
    del whole["OrderLevel"][0]["PackLevel"]
    assert conform(whole, "Shipment") == []


def test_what_is_no_document_is_called_so() -> None:
    [finding] = conform([], "Invoice")  # type: ignore[arg-type]
    assert finding.message == "the document must be a group of elements"
    [finding] = conform({}, "Invoice")
    assert (finding.place, finding.message) == ("Header", "an RSX Invoice must have Header")


@pytest.mark.parametrize("value", [10**400, -(10**400), 0, 1.5])
def test_a_number_of_any_size_is_a_number(value: float) -> None:
    assert conform(document(ExchangeRate=value), "Invoice") == []


@pytest.mark.parametrize(("days", "wrong"), [(30, False), (30.0, False), (30.5, True), (True, True)])
def test_days_are_whole(days: Any, wrong: bool) -> None:
    whole = document()
    whole["Header"]["PaymentTerms"] = [{"TermsNetDueDays": days}]
    place = "Header.PaymentTerms[0].TermsNetDueDays"
    assert [one.place for one in conform(whole, "Invoice")] == ([place] if wrong else [])
