"""Documents for tests: plain dicts as they come over the wire, with neutral defaults.

    order(lines=[order_line(OrderQty=12.5, OrderQtyUOM="LB")], charges=[allowance()])

Keywords with RSX or FreshBooks names replace or add elements, None removes one; `lines` is a list of lines or
a number of them. Totals foot unless a test says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

PARTNER = "TESTALLSUPPLIER"
PO_NUMBER = "0045001234"
Fields = dict[str, Any]


def as_bytes(document: Any) -> bytes:
    """The document as UTF-8 JSON; Decimals as the numbers they look like."""
    return json.dumps(document, default=float).encode()


def _with(defaults: Fields, changes: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in {**defaults, **changes}.items() if value is not None}


# --- RSX ------------------------------------------------------------------------------------------------


def order_line(sequence: int = 1, *, item: Fields | None = None, **changes: Any) -> Fields:
    """One LineItem of an order: 5 EA at 20.00; `item` adds groups beside OrderLine."""
    line = _with(
        {
            "LineSequenceNumber": str(sequence),
            "BuyerPartNumber": f"B-{sequence}",
            "VendorPartNumber": f"V-{sequence}",
            "ConsumerPackageCode": f"{859563003000 + sequence}",
            "OrderQty": 5,
            "OrderQtyUOM": "EA",
            "PurchasePrice": 20.0,
        },
        changes,
    )
    text = {"ProductCharacteristicCode": "08", "ProductDescription": f"Item {sequence}"}
    return _with({"OrderLine": line, "ProductOrItemDescription": [text]}, item or {})


def allowance(amount: float | None = 7.25, **changes: Any) -> Fields:
    """An off-invoice discount of 7.25."""
    return _with(
        {
            "AllowChrgIndicator": "A",
            "AllowChrgCode": "C310",
            "AllowChrgAmt": amount,
            "AllowChrgHandlingCode": "02",
            "AllowChrgHandlingDescription": "Discount",
        },
        changes,
    )


def charge(amount: float | None = 10.0, **changes: Any) -> Fields:
    """Freight of 10.00."""
    defaults = {"AllowChrgIndicator": "C", "AllowChrgCode": "D240", "AllowChrgHandlingCode": "06"}
    return _with({**defaults, "AllowChrgAmt": amount, "AllowChrgHandlingDescription": "Freight"}, changes)


def order(
    lines: int | Sequence[Fields] = 2,
    *,
    charges: Sequence[Fields] = (),
    header: Fields | None = None,
    summary: Fields | None = None,
    **changes: Any,
) -> Fields:
    """An RSX order; keywords change OrderHeader, `header` adds groups beside it, `summary={}` is none.

    The stated total is that of the lines less allowances, plus charges.
    """
    items = [order_line(n) for n in range(1, lines + 1)] if isinstance(lines, int) else list(lines)
    own = _with(
        {
            "TradingPartnerId": PARTNER,
            "PurchaseOrderNumber": PO_NUMBER,
            "TsetPurposeCode": "00",
            "PrimaryPOTypeCode": "SA",
            "PurchaseOrderDate": "2026-03-02",
            "BuyersCurrency": "USD",
            "Department": "026",
            "Vendor": "VEND6174",
        },
        changes,
    )
    groups = {
        "OrderHeader": own,
        "PaymentTerms": [{"TermsType": "01", "TermsBasisDateCode": "3", "TermsNetDueDays": 45}],
        "Dates": [{"DateTimeQualifier": "010", "Date": "2026-03-10"}],
        "Address": [
            address("BT", "0001", "Example Retail Inc"),
            address("ST", "0123", "Example Retail DC 123"),
        ],
        "References": [{"ReferenceQual": "CT", "ReferenceID": "5987-1"}],
        "ChargesAllowances": list(charges) or None,
    }
    document: Fields = {"Header": _with(groups, header or {}), "LineItem": items}
    if summary is None:
        summary = _with({"TotalAmount": _total(items, charges), "TotalLineItemNumber": len(items)}, {})
    if summary:
        document["Summary"] = summary
    return document


def _total(items: Sequence[Fields], charges: Sequence[Fields]) -> float | None:
    """What the lines and stated charges come to; None where a test put no usable number in."""
    try:
        return _sum(items, charges)
    except InvalidOperation:
        return None


def _sum(items: Sequence[Fields], charges: Sequence[Fields]) -> float:
    total = Decimal()
    for item in items:
        line = item["OrderLine"]
        total += round(Decimal(str(line.get("OrderQty", 0))) * Decimal(str(line.get("PurchasePrice", 0))), 2)
    for entry in charges:
        sign = -1 if entry["AllowChrgIndicator"] == "A" else 1
        total += sign * Decimal(str(entry.get("AllowChrgAmt", 0)))
    return float(total)


def change_line(sequence: int | None = 1, code: str | None = "CA", **changes: Any) -> Fields:
    """One LineItem of an order change: names line `sequence` of `order` and states only what `changes` says."""
    item = changes.pop("item", None) or {}
    named = {"LineChangeCode": code, "LineSequenceNumber": None if sequence is None else str(sequence)}
    return {"OrderLine": _with(named, changes), **item}


def order_change(lines: Sequence[Fields] = (), *, header: Fields | None = None, **changes: Any) -> Fields:
    """An RSX order change of order `PO_NUMBER`; keywords change OrderHeader, `header` adds groups beside it."""
    own = {
        "TradingPartnerId": PARTNER,
        "PurchaseOrderNumber": PO_NUMBER,
        "TsetPurposeCode": "04",
        "PurchaseOrderDate": "2026-03-02",
        "POChangeDate": "2026-03-05",
    }
    return {"Header": {"OrderHeader": _with(own, changes), **(header or {})}, "LineItem": list(lines)}


def address(
    kind: str = "ST", number: str = "0123", name: str = "Example Retail DC 123", **changes: Any
) -> Fields:
    return _with(
        {
            "AddressTypeCode": kind,
            "LocationCodeQualifier": "92",
            "AddressLocationNumber": number,
            "AddressName": name,
            "Address1": "2 Dock Rd",
            "City": "Saint Paul",
            "State": "MN",
            "PostalCode": "55108",
            "Country": "USA",
        },
        changes,
    )


def shipment_line(sequence: int = 1, **changes: Any) -> Fields:
    """One ItemLevel: the whole of `order_line(sequence)`."""
    line = _with(
        {
            "LineSequenceNumber": str(sequence),
            "VendorPartNumber": f"V-{sequence}",
            "ConsumerPackageCode": f"{859563003000 + sequence}",
            "ItemStatusCode": "AC",
            "ShipQty": 5,
            "ShipQtyUOM": "EA",
        },
        changes,
    )
    return {"ShipmentLine": line}


def packed(items: Sequence[Fields], sscc: str = "00000777747600006920", **changes: Any) -> Fields:
    """A PackLevel with these items."""
    pack = _with({"PackLevelType": "P", "ShippingSerialID": sscc}, changes)
    return {"Pack": pack, "ItemLevel": list(items)}


def order_level(po_number: str = PO_NUMBER, **levels: Any) -> Fields:
    """An OrderLevel; `levels` are PackLevel, ItemLevel and the like."""
    return {"OrderHeader": {"PurchaseOrderNumber": po_number}, **levels}


def shipment(lines: int | Sequence[Fields] = 2, *, header: Fields | None = None, **changes: Any) -> Fields:
    """An RSX shipment of order `PO_NUMBER`, one pack with `lines`; `OrderLevel=[...]` says otherwise.

    Keywords named like levels or Summary replace these, others change ShipmentHeader.
    """
    items = [shipment_line(n) for n in range(1, lines + 1)] if isinstance(lines, int) else list(lines)
    levels = {"OrderLevel": [order_level(PackLevel=[packed(items)])]}
    named = {"OrderLevel", "PackLevel", "ItemLevel", "ContainerLevel", "Summary"}
    own = {
        "TradingPartnerId": PARTNER,
        "ShipmentIdentification": "ASN-100200",
        "ShipDate": "2026-03-10",
        "TsetPurposeCode": "00",
        "ASNStructureCode": "0001",
        "BillOfLadingNumber": "BOL100200",
        "CarrierProNumber": "PRO998877",
        "CurrentScheduledDeliveryDate": "2026-03-16",
    }
    groups = {
        "ShipmentHeader": _with(own, {name: changes[name] for name in changes.keys() - named}),
        "CarrierInformation": [{"CarrierAlphaCode": "RBTC", "CarrierRouting": "Robinson"}],
    }
    levels = _with(levels, {name: changes[name] for name in named & changes.keys()})
    return {"Header": _with(groups, header or {}), **levels}


def invoice_line(sequence: int = 1, **changes: Any) -> Fields:
    """One LineItem of an RSX invoice: the whole of `order_line(sequence)`."""
    line = _with(
        {
            "LineSequenceNumber": str(sequence),
            "BuyerPartNumber": f"B-{sequence}",
            "VendorPartNumber": f"V-{sequence}",
            "InvoiceQty": 5,
            "InvoiceQtyUOM": "EA",
            "PurchasePrice": 20.0,
            "ExtendedItemTotal": 100.0,
        },
        changes,
    )
    return {"InvoiceLine": line}


def invoice(
    lines: int | Sequence[Fields] = 2,
    *,
    charges: Sequence[Fields] = (),
    summary: Fields | None = None,
    **changes: Any,
) -> Fields:
    """An RSX invoice of order `PO_NUMBER`; keywords change InvoiceHeader."""
    items = [invoice_line(n) for n in range(1, lines + 1)] if isinstance(lines, int) else list(lines)
    own = _with(
        {
            "TradingPartnerId": PARTNER,
            "InvoiceNumber": "0000421",
            "InvoiceDate": "2026-03-11",
            "PurchaseOrderNumber": PO_NUMBER,
            "InvoiceTypeCode": "DR",
            "TsetPurposeCode": "00",
            "BuyersCurrency": "USD",
        },
        changes,
    )
    groups = {"InvoiceHeader": own, "ChargesAllowances": list(charges) or None}
    if summary is None:
        priced = [
            {"OrderLine": {**item["InvoiceLine"], "OrderQty": item["InvoiceLine"]["InvoiceQty"]}}
            for item in items
        ]
        summary = _with({"TotalAmount": _total(priced, charges), "TotalLineItemNumber": len(items)}, {})
    return _with({"Header": _with(groups, {}), "LineItem": items, "Summary": summary or None}, {})


# --- FreshBooks -----------------------------------------------------------------------------------------


def money(amount: str, code: str = "USD") -> Fields:
    return {"amount": amount, "code": code}


def fb_line(sequence: int = 1, **changes: Any) -> Fields:
    """One invoice line: the whole of `order_line(sequence)`, named by its vendor part."""
    return _with(
        {
            "lineid": sequence,
            "type": 0,
            "name": f"V-{sequence}",
            "description": f"Item {sequence}",
            "qty": "5",
            "unit_cost": money("20.00"),
            "amount": money("100.00"),
            "taxName1": "",
            "taxAmount1": "0",
        },
        changes,
    )


def fb_invoice(lines: int | Sequence[Fields] = 2, **changes: Any) -> Fields:
    """A FreshBooks invoice, sent, of order `PO_NUMBER`; wrap it as `{"invoice": fb_invoice()}` where needed."""
    own = [fb_line(n) for n in range(1, lines + 1)] if isinstance(lines, int) else list(lines)
    total = sum((Decimal(line["amount"]["amount"]) for line in own), Decimal())
    return _with(
        {
            "id": 987654,
            "invoiceid": 987654,
            "invoice_number": "0000421",
            "customerid": 12345,
            "create_date": "2026-03-11",
            "due_offset_days": 45,
            "due_date": "2026-04-25",
            "currency_code": "USD",
            "po_number": PO_NUMBER,
            "status": 2,
            "v3_status": "sent",
            "payment_status": "unpaid",
            "amount": money(f"{total:.2f}"),
            "outstanding": money(f"{total:.2f}"),
            "organization": "Example Retail Inc",
            "updated": "2026-03-11 10:31:19",
            "version": "2026-03-11 10:31:19.000000",
            "vis_state": 0,
            "lines": own,
        },
        changes,
    )


def bill_line(sequence: int = 1, **changes: Any) -> Fields:
    return _with(
        {
            "id": 2600 + sequence,
            "list_index": sequence,
            "description": f"VN V-{sequence} / BP B-{sequence} / Item {sequence}",
            "quantity": "5",
            "unit_cost": money("20.00"),
            "amount": money("100.00"),
            "total_amount": money("100.00"),
            "category": {"categoryid": 3696445, "id": 3696445, "category": "Purchases"},
        },
        changes,
    )


def bill(lines: int | Sequence[Fields] = 2, **changes: Any) -> Fields:
    """A FreshBooks bill, unpaid, numbered like order `PO_NUMBER`."""
    own = [bill_line(n) for n in range(1, lines + 1)] if isinstance(lines, int) else list(lines)
    total = sum((Decimal(line["amount"]["amount"]) for line in own), Decimal())
    return _with(
        {
            "id": 1141,
            "vendorid": 5,
            "bill_number": PO_NUMBER,
            "issue_date": "2026-03-02",
            "due_offset_days": 45,
            "due_date": "2026-04-16",
            "currency_code": "USD",
            "status": "unpaid",
            "amount": money(f"{total:.2f}"),
            "total_amount": money(f"{total:.2f}"),
            "outstanding": money(f"{total:.2f}"),
            "created_at": "2026-03-02 14:31:19",
            "updated_at": "2026-03-02 14:31:19",
            "vis_state": 0,
            "lines": own,
        },
        changes,
    )
