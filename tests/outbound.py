"""Documents for the tests of the outbound mappings, and the official schemas where `../shared` has them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.documents.freshbooks import Bill, Invoice
from connector.documents.order import Order
from connector.findings import Finding
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile

SHARED = Path(__file__).resolve().parents[2] / "shared"
PACK = PartnerPack(trading_partner_id="SPSALLTESTID", name="Example Retail")
PROFILE = BusinessProfile(
    name="Example Supplier LLC",
    remit_to="REMIT1",
    Address1="9 Factory Ln",
    City="Duluth",
    State="MN",
    PostalCode="55802",
    Country="USA",
)


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "code": "USD"}


def fb_line(
    name: str, qty: str, cost: str, amount: str, description: str = "", **more: Any
) -> dict[str, Any]:
    """An invoice line; `amount` is written out, so that the tests do no arithmetic of the code's."""
    return {
        "name": name,
        "description": description,
        "qty": qty,
        "unit_cost": money(cost),
        "amount": money(amount),
        **more,
    }


def invoice(rows: list[dict[str, Any]], total: str, /, **changes: Any) -> Invoice:
    return Invoice.model_validate(
        {
            "id": 1,
            "invoice_number": "0000421",
            "customerid": 12345,
            "create_date": "2026-03-11",
            "due_date": "2026-04-10",
            "due_offset_days": 30,
            "currency_code": "USD",
            "po_number": "0045001234",
            "fulfillment_date": "2026-03-10",
            "amount": money(total),
            "discount_value": "0",
            "discount_total": money("0.00"),
            "organization": "Example Retail Inc",
            "status": 2,
            "lines": rows,
        }
        | changes
    )


def bill_line(description: str, quantity: str, cost: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "description": description,
        "quantity": quantity,
        "unit_cost": money(cost),
        "amount": money(amount),
        **more,
    }


def bill(rows: list[dict[str, Any]], total: str, /, **changes: Any) -> Bill:
    return Bill.model_validate(
        {
            "id": 7,
            "bill_number": "B-77",
            "issue_date": "2026-03-11",
            "due_offset_days": 30,
            "due_date": "2026-04-10",
            "currency_code": "USD",
            "total_amount": money(total),
            "lines": rows,
        }
        | changes
    )


def written_bill(amount: str = "12.34", vendor: int = 500) -> dict[str, Any]:
    """A bill as a person writes it in FreshBooks, of one line."""
    line = {
        "categoryid": 77,
        "description": "Slotting fee",
        "quantity": 1,
        "unit_cost": {"amount": amount, "code": "USD"},
    }
    return {
        "vendorid": vendor,
        "bill_number": "SB-1",
        "issue_date": "2026-03-11",
        "due_offset_days": 30,
        "currency_code": "USD",
        "language": "en",
        "lines": [line],
    }


def order_line(number: str, qty: Any = 5, price: Any = 20.0, **changes: Any) -> dict[str, Any]:
    """Line `number` of an order: V-<number>, B-<number>, a UPC of its own; None takes an element away."""
    fields = {
        "LineSequenceNumber": number,
        "BuyerPartNumber": f"B-{number}",
        "VendorPartNumber": f"V-{number}",
        "ConsumerPackageCode": f"85956300{int(number):04d}",
        "OrderQty": qty,
        "OrderQtyUOM": "EA",
        "PurchasePrice": price,
    } | changes
    return {
        "OrderLine": {name: value for name, value in fields.items() if value is not None},
        "ProductOrItemDescription": [
            {"ProductCharacteristicCode": "08", "ProductDescription": f"Sample item {number}"}
        ],
    }


def party(kind: str, location: str, name: str = "Example Retail Inc") -> dict[str, Any]:
    return {
        "AddressTypeCode": kind,
        "LocationCodeQualifier": "92",
        "AddressLocationNumber": location,
        "AddressName": name,
        "Address1": "1 Main St",
        "City": "Minneapolis",
        "State": "MN",
        "PostalCode": "55402",
        "Country": "USA",
    }


def order(*lines: dict[str, Any], header: dict[str, Any] | None = None, **groups: Any) -> Order:
    """An order for 5 V-1 at 20.00 (or for `lines`); `header` changes OrderHeader, `groups` are Header's."""
    fields = {
        "TradingPartnerId": "SPSALLTESTID",
        "PurchaseOrderNumber": "0045001234",
        "TsetPurposeCode": "00",
        "PrimaryPOTypeCode": "SA",
        "PurchaseOrderDate": "2026-03-02",
        "BuyersCurrency": "USD",
        "Department": "026",
        "Vendor": "VEND6174",
        "Division": "019",
        "CustomerOrderNumber": "C-778",
    } | (header or {})
    return Order.model_validate(
        {
            "Header": {"OrderHeader": fields, "Address": [party("BT", "0001"), party("ST", "0123")]} | groups,
            "LineItem": list(lines) or [order_line("1")],
        }
    )


def codes(findings: Iterable[Finding], severity: str = "") -> list[str]:
    return [finding.code for finding in findings if not severity or finding.severity == severity]


def official(name: str) -> Any:
    """An official sample document; skips where there is none."""
    path = SHARED / "rsx" / "samples" / name
    if not path.exists():
        pytest.skip("the official samples are not beside this repository (../shared)")
    return json.loads(path.read_bytes().decode("utf-8-sig"))


@cache
def _validator(kind: str) -> jsonschema.Draft7Validator | None:
    path = SHARED / "rsx" / "schema" / f"{kind}s.json"
    if not path.exists():
        return None
    checker = jsonschema.FormatChecker(["date"])
    return jsonschema.Draft7Validator(json.loads(path.read_text()), format_checker=checker)


def has_schemas() -> bool:
    return _validator("Invoice") is not None


def assert_official(document: dict[str, Any], kind: str) -> None:
    """Validates against the official schema; skips the test where that is not there."""
    validator = _validator(kind)
    if validator is None:
        pytest.skip("the official RSX schemas are not beside this repository (../shared)")
    plain = json.loads(json.dumps(document, allow_nan=False))
    problems = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(plain)]
    nested = [
        f"{list(c.absolute_path)}: {c.message[:200]}"
        for e in validator.iter_errors(plain)
        for c in e.context or []
    ]
    assert not problems, nested or problems
