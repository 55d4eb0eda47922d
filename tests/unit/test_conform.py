"""The strict check before sending."""

from __future__ import annotations

from typing import Any

import pytest

from connector.mapping.conform import conform, in_schema_order
from tests.outbound import codes, official


def document(**header: Any) -> dict[str, Any]:
    fields = {"TradingPartnerId": "SPSALLTESTID", "InvoiceNumber": "1"} | header
    return {"Header": {"InvoiceHeader": {name: value for name, value in fields.items() if value is not ...}}}


def test_the_smallest_invoice_is_good() -> None:
    assert conform(document(), "Invoice") == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("IN584615-1-v7.7-BulkImport.json", "Invoice"),
        ("SH584615-1-v7.7-BulkImport.json", "Shipment"),
        ("minimal/Invoice.json", "Invoice"),
        ("minimal/Shipment_outbound.json", "Shipment"),
        ("minimal/Shipment_inbound.json", "Shipment"),
    ],
)
def test_official_samples_are_good(name: str, kind: Any) -> None:
    sample = official(name)
    assert [f for f in conform(sample, kind) if f.severity == "error"] == []


def test_schema_order_keeps_every_value() -> None:
    sample = official("SH584615-1-v7.7-BulkImport.json")
    ordered = in_schema_order(sample, "Shipment")
    assert ordered == sample
    assert list(ordered["OrderLevel"][0]) == ["OrderHeader", "QuantityAndWeight", "PackLevel"]


def test_elements_come_out_in_schema_order_and_unknown_ones_last() -> None:
    ordered = in_schema_order(
        {"Odd": 1, "Summary": {"TotalSalesAmount": 1, "TotalAmount": 2}, "Header": {}}, "Invoice"
    )
    assert list(ordered) == ["Header", "Summary", "Odd"]
    assert list(ordered["Summary"]) == ["TotalAmount", "TotalSalesAmount"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"Odd": "x"}, "unknown_element"),
        ({"Department": None}, "null"),
        ({"Department": 26}, "wrong_type"),
        ({"Department": " "}, "empty_element"),
        ({"ExchangeRate": "1.5"}, "wrong_type"),
        ({"ExchangeRate": True}, "wrong_type"),
        ({"ExchangeRate": float("nan")}, "wrong_type"),
        ({"InvoiceDate": "22020-12-20"}, "wrong_type"),
        ({"InvoiceDate": "2026-W11-3"}, "wrong_type"),
        ({"InvoiceDate": "2026-02-30"}, "wrong_type"),
        ({"ShipTime": "25:00:00"}, "wrong_type"),
        ({"ShipTime": "14:22"}, "wrong_type"),
        ({"InvoiceTypeCode": "XX"}, "unknown_code"),
        ({"TsetPurposeCode": "04"}, "unknown_code"),
        ({"AdditionalPOTypeCodes": {"POTypeCode": "SA"}}, "wrong_type"),
        ({"AdditionalPOTypeCodes": [{"POTypeCode": "ZZ"}]}, "unknown_code"),
        ({"AdditionalPOTypeCodes": ["SA"]}, "wrong_type"),
        ({"AdditionalPOTypeCodes": [None]}, "null"),
        ({"TradingPartnerId": ...}, "missing_element"),
        ({"TradingPartnerId": "1234567890123456"}, "too_long"),
        ({"InvoiceNumber": "x" * 23}, "too_long"),
        ({"PurchaseOrderNumber": "x" * 23}, "too_long"),
    ],
)
def test_an_error_is_told_with_its_place_in_plain_words(header: dict[str, Any], code: str) -> None:
    (finding,) = conform(document(**header), "Invoice")
    assert (finding.code, finding.severity) == (code, "error")
    assert finding.place.startswith("Header.InvoiceHeader.")
    assert "[" not in finding.message


@pytest.mark.parametrize(
    ("name", "length"), [("AddressName", 60), ("Address1", 55), ("City", 30), ("PostalCode", 15)]
)
def test_downstream_lengths_of_addresses_are_warnings(name: str, length: int) -> None:
    whole = document()
    whole["Header"]["Address"] = [{name: "x" * length}]
    assert conform(whole, "Invoice") == []
    whole["Header"]["Address"] = [{name: "x" * (length + 1)}]
    (finding,) = conform(whole, "Invoice")
    assert (finding.code, finding.severity, finding.place) == (
        "too_long",
        "warning",
        f"Header.Address[0].{name}",
    )
    assert finding.fix


def test_a_purpose_of_orders_is_none_of_invoices() -> None:
    assert codes(conform(document(TsetPurposeCode="05"), "Invoice")) == []
    assert codes(conform(document(TsetPurposeCode="04"), "Invoice")) == ["unknown_code"]


def test_nulls_are_found_in_groups_that_no_model_describes() -> None:
    whole = document()
    whole["LineItem"] = [{"Measurements": [{"MeasurementValue": None}]}]
    assert [f.place for f in conform(whole, "Invoice")] == ["LineItem[0].Measurements[0].MeasurementValue"]


def test_a_level_of_a_shipment_has_one_kind_of_children() -> None:
    whole = {
        "Header": {"ShipmentHeader": {"TradingPartnerId": "T", "ShipmentIdentification": "1"}},
        "OrderLevel": [{"PackLevel": [{"Pack": {}}], "ItemLevel": [{"ShipmentLine": {}}]}],
    }
    assert codes(conform(whole, "Shipment")) == ["levels_mixed"]


@pytest.mark.parametrize(
    "whole", [{}, {"Header": None}, {"Header": []}, {"Header": "x"}, {"LineItem": [None, 1]}]
)
def test_broken_documents_are_findings_never_crashes(whole: Any) -> None:
    assert codes(conform(whole, "Invoice"), "error")
    in_schema_order(whole, "Invoice")
