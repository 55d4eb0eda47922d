"""A FreshBooks invoice as an RSX Shipment (856, ASN): what was invoiced was shipped.

An invoice knows the day (`fulfillment_date`) and the lines; carrier and addresses come from the order and the
partner pack. That makes a shipment -> order -> item notice (structure 0004). With cartons (`Shipping`) it
becomes shipment -> order -> pack -> item (0001), each carton under its SSCC. Without a ship date, a carrier, both
addresses or an order no retailer can receive by it: nothing is sent, and `asn_data_missing` says what is missing.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from connector.documents import shipment
from connector.documents.freshbooks import Client, Invoice
from connector.documents.order import Order
from connector.documents.parts import Carrier, plain_number
from connector.findings import Finding, Mapped, Trace
from connector.mapping.carry import Explainer, carry, once
from connector.mapping.conform import conform, in_schema_order
from connector.mapping.invoice_to_rsx import sale_of_invoice, sale_parties
from connector.mapping.items import Fields, line_item, put_quantity
from connector.mapping.lines import roles
from connector.mapping.money import ZERO, shown, too_large
from connector.mapping.parties import put_party
from connector.mapping.rsx_invoice import carrier_of
from connector.mapping.sale import Sale
from connector.mapping.shapes import names
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile

# An article that is not on the order, or twice, is wrong in a notice too; a price is not in it.
_OF_LINES = names("line_not_on_order line_ambiguous order_line_twice over_invoiced")
_ECHOED_GROUPS = names("References FOBRelatedInstruction CarrierInformation")
_ORDER_FIELDS = names("""
    PurchaseOrderNumber ReleaseNumber PurchaseOrderDate Department DepartmentDescription Vendor JobNumber
    Division CustomerAccountNumber CustomerOrderNumber
""")
_LOCATION = names("LocationCodeQualifier AddressLocationNumber")
_STATUS_SHIPPED = "AC"


class Carton(BaseModel):
    """One carton: its SSCC (18 digits, or 20 with the leading 00) and the quantity of each line number in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sscc: str
    tracking: str = ""
    contents: dict[str, Decimal]


class Shipping(BaseModel):
    """What a shipment upload tells beyond the invoice; it is trusted before the order and the pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shipment_id: str = ""
    ship_date: date | None = None
    delivery_date: date | None = None
    bill_of_lading: str = ""
    pro_number: str = ""
    scac: str = ""
    routing: str = ""
    method: str = ""
    weight: Decimal | None = None
    weight_uom: str = "LB"
    cartons: tuple[Carton, ...] = ()


def invoice_to_shipment(
    invoice: Invoice,
    *,
    order: Order | None,
    client: Client | None = None,
    pack: PartnerPack,
    profile: BusinessProfile | None = None,
    purpose: str = "00",
    shipping: Shipping | None = None,
    trace: Trace | None = None,
) -> Mapped:
    """The RSX Shipment as plain JSON values in schema order, and what a person should know.

    Its id is the shipment's, else the invoice number. Never raises on what the models admit.
    """
    findings: list[Finding] = []
    explain = Explainer(trace) if trace is not None else None
    shipping = shipping or Shipping()
    sale = sale_of_invoice(invoice, pack, profile, findings)
    shipped = shipping.ship_date or sale.shipped
    parties, found = sale_parties(invoice, order, client, pack, "Shipment", explain)
    ours = profile.party() if profile is not None else {}
    dock = {name: text for name, text in ours.items() if name not in _LOCATION}  # we are paid elsewhere
    layers = {"pack.addresses.SF": dict(pack.addresses.get("SF", {})), "profile": dock}
    found += put_party(parties, "SF", layers, "Shipment", explain)
    groups = _header_groups(order, pack, shipping, explain, found)
    items, quantities = _items(sale, order, pack, explain, found)
    header = _header(sale, order, pack, purpose, shipping, shipped, explain)
    findings += found + _missing(order, shipped, groups, parties, items)
    ordered = _order_fields(sale, order, pack, explain, findings)
    level: dict[str, Any] = {"OrderHeader": ordered} if ordered else {}
    if shipping.cartons:
        level["PackLevel"] = _packs(shipping, items, quantities, explain, findings)
        count = sum(len(carton["ItemLevel"]) for carton in level["PackLevel"])
    else:
        level["ItemLevel"] = [item for item, _ in items]
        count = len(items)
    if shipped is not None:
        groups["Dates"] = [{"DateTimeQualifier": "011", "Date": shipped.isoformat()}]
    document = in_schema_order(
        {
            "Header": {"ShipmentHeader": header, "Address": parties} | groups,
            "OrderLevel": [level],
            "Summary": {"TotalOrders": 1, "TotalLineItemNumber": count},
        },
        "Shipment",
    )
    if explain is not None:
        when = "shipping.ship_date" if shipping.ship_date else sale.path("shipped")
        explain.mark("Header.Dates", "the day it was shipped", when)
        explain.mark("Header.ShipmentHeader.ShipDate", "the day it was shipped", when)
        explain.mark("Summary", "counted")
        explain.finish(document)
    return Mapped(document, once(findings + conform(document, "Shipment")))


def _header(
    sale: Sale,
    order: Order | None,
    pack: PartnerPack,
    purpose: str,
    shipping: Shipping,
    shipped: date | None,
    explain: Explainer | None,
) -> Fields:
    partner = order.Header.OrderHeader.TradingPartnerId if order is not None else ""
    noticed = sale.issued or shipped
    fields = {
        "TradingPartnerId": partner or pack.trading_partner_id,
        "ShipmentIdentification": shipping.shipment_id or sale.number,
        "ShipDate": shipped.isoformat() if shipped is not None else "",
        "TsetPurposeCode": purpose,
        "ShipNoticeDate": noticed.isoformat() if noticed is not None else "",
        "ASNStructureCode": "0001" if shipping.cartons else "0004",
        "BillOfLadingNumber": shipping.bill_of_lading,
        "CarrierProNumber": shipping.pro_number,
        "CurrentScheduledDeliveryDate": shipping.delivery_date.isoformat() if shipping.delivery_date else "",
    }
    if explain is not None:
        to = "Header.ShipmentHeader"
        explain.mark(to, "as the shipment upload says", "shipping")
        explain.mark(f"{to}.TsetPurposeCode", "why it is sent")
        explain.mark(f"{to}.ASNStructureCode", "0001 with cartons, 0004 without", "shipping.cartons")
        explain.mark(f"{to}.ShipNoticeDate", "the day of the invoice", sale.path("issued"))
        if not shipping.shipment_id:
            explain.mark(f"{to}.ShipmentIdentification", "the invoice's number", sale.path("number"))
        source = "order.Header.OrderHeader.TradingPartnerId" if partner else "pack.trading_partner_id"
        explain.mark(f"{to}.TradingPartnerId", "as on the order" if partner else "partner pack", source)
    return {name: text for name, text in fields.items() if text}


def _header_groups(
    order: Order | None,
    pack: PartnerPack,
    shipping: Shipping,
    explain: Explainer | None,
    findings: list[Finding],
) -> Fields:
    groups: Fields = {}
    if order is not None:
        groups, found = carry(
            order.Header,
            shipment.ShipmentHeaderGroup,
            document="Shipment",
            place="Header",
            only=_ECHOED_GROUPS,
            explain=explain,
            to="Header",
        )
        findings += found
    told = {
        "CarrierTransMethodCode": shipping.method,
        "CarrierAlphaCode": shipping.scac,
        "CarrierRouting": shipping.routing,
    }
    actual, found = carry(told, Carrier, document="Shipment", place="shipping")
    findings += found
    default = carrier_of(pack, findings) if not groups.get("CarrierInformation") else {}
    for carrier, source in ((actual, "shipping"), (default, "pack.carrier")):
        if carrier:
            groups["CarrierInformation"] = [carrier]
            if explain is not None:
                explain.mark("Header.CarrierInformation[0]", "carrier not on the order", source)
            break
    weighed = shipping.weight is not None and not too_large(shipping.weight)
    if shipping.cartons or weighed:
        weight: Fields = {"PackingMedium": "CTN"}
        if shipping.cartons:
            weight["LadingQuantity"] = len(shipping.cartons)
        if shipping.weight is not None and weighed:
            weight |= {
                "WeightQualifier": "G",
                "Weight": plain_number(shipping.weight),
                "WeightUOM": shipping.weight_uom,
            }
        groups["QuantityAndWeight"] = [weight]
        if explain is not None:
            explain.mark("Header.QuantityAndWeight", "as the shipment upload says", "shipping")
    return groups


def _order_fields(
    sale: Sale, order: Order | None, pack: PartnerPack, explain: Explainer | None, findings: list[Finding]
) -> Fields:
    to = "OrderLevel[0].OrderHeader"
    fields: Fields = {"PurchaseOrderNumber": sale.po_number} if sale.po_number else {}
    if explain is not None:
        explain.mark(f"{to}.PurchaseOrderNumber", "no order: FreshBooks", sale.path("po_number"))
    if order is not None:
        echoed, found = carry(
            order.Header.OrderHeader,
            shipment.OrderFields,
            document="Shipment",
            place="Header.OrderHeader",
            only=_ORDER_FIELDS,
            explain=explain,
            to=to,
        )
        if explain is not None and "PurchaseOrderNumber" in echoed:
            source = "order.Header.OrderHeader.PurchaseOrderNumber"
            explain.mark(f"{to}.PurchaseOrderNumber", "as on the order", source)
        fields |= echoed
        findings += found
    defaults, found = carry(
        pack.header, shipment.OrderFields, document="Shipment", place="pack.header", only=_ORDER_FIELDS
    )
    findings += found
    for name, text in defaults.items():
        if name not in fields and name != "PurchaseOrderNumber":
            fields[name] = text
            if explain is not None:
                explain.mark(f"{to}.{name}", "default of the partner pack", f"pack.header.{name}")
    return fields


def _items(
    sale: Sale,
    order: Order | None,
    pack: PartnerPack,
    explain: Explainer | None,
    findings: list[Finding],
) -> tuple[list[tuple[Fields, str]], dict[str, Decimal]]:
    """The item levels with their line numbers, and the quantity shipped by line number."""
    settled, found = roles(sale.lines, order, pack)
    findings += [finding for finding in found if finding.code in _OF_LINES]
    items: list[tuple[Fields, str]] = []
    quantities: dict[str, Decimal] = {}
    for line, role in zip(sale.lines, settled, strict=True):
        if role.kind != "item" or line.quantity <= 0:
            continue
        to = f"OrderLevel[0].ItemLevel[{len(items)}]"
        source = f"{sale.source}.{line.place}"
        item, found = line_item(line, role, order, "Shipment", pack, explain, to, source)
        findings += found
        fields = item["ShipmentLine"]
        put_quantity(fields, "ShipQty", line, role, explain, f"{to}.ShipmentLine")
        fields["ItemStatusCode"] = _STATUS_SHIPPED
        if explain is not None:
            quantity = f"{source}.{sale.paths['quantity']}"
            explain.mark(f"{to}.ShipmentLine.ShipQty", "what is invoiced was shipped", quantity)
            explain.mark(f"{to}.ShipmentLine.ItemStatusCode", "accepted and shipped")
        number = fields.get("LineSequenceNumber", str(len(items) + 1))
        quantities[number] = quantities.get(number, ZERO) + line.quantity
        items.append((item, number))
    return items, quantities


def _packs(
    shipping: Shipping,
    items: list[tuple[Fields, str]],
    quantities: dict[str, Decimal],
    explain: Explainer | None,
    findings: list[Finding],
) -> list[Fields]:
    by_number = {number: (index, item) for index, (item, number) in enumerate(items)}
    packed: dict[str, Decimal] = {}
    packs = []
    for index, carton in enumerate(shipping.cartons):
        place, to = f"cartons[{index}]", f"OrderLevel[0].PackLevel[{index}]"
        digits = "".join(carton.sscc.split())
        if not (digits.isascii() and digits.isdigit() and len(digits) in (18, 20)):
            message = f"carton {index + 1} has no SSCC of 18 digits"
            findings.append(Finding("asn_data_missing", "error", message, f"{place}.sscc", "scan it again"))
        fields = {"PackLevelType": "P", "ShippingSerialID": digits if len(digits) == 20 else f"00{digits}"}
        if carton.tracking:
            fields["CarrierPackageID"] = carton.tracking
        level: list[Fields] = []
        if explain is not None:
            explain.mark(to, "as the shipment upload says", f"shipping.{place}")
        for number, quantity in carton.contents.items():
            if number not in by_number or too_large(quantity):
                message = f"carton {index + 1} holds line {number!r}, which the invoice does not have"
                fix = "correct the carton's contents"
                findings.append(Finding("carton_line_unknown", "error", message, f"{place}.contents", fix))
                continue
            source, item = by_number[number]
            if explain is not None:
                explain.repeat(f"OrderLevel[0].ItemLevel[{source}]", f"{to}.ItemLevel[{len(level)}]")
                path = f"{to}.ItemLevel[{len(level)}].ShipmentLine.ShipQty"
                explain.mark(path, "what is in the carton", f"shipping.{place}.contents")
            line = item["ShipmentLine"] | {"ShipQty": plain_number(quantity)}
            level.append(item | {"ShipmentLine": line})
            packed[number] = packed.get(number, ZERO) + quantity
        packs.append({"Pack": fields, "ItemLevel": level})
    for number, quantity in quantities.items():
        if packed.get(number, ZERO) != quantity:
            message = (
                f"line {number}: {shown(packed.get(number, ZERO))} in cartons, {shown(quantity)} invoiced;"
                " the retailer compares the two"
            )
            fix = "correct the cartons or the invoice"
            findings.append(Finding("carton_quantity_differs", "warning", message, "cartons", fix))
    return packs


def _missing(
    order: Order | None,
    shipped: date | None,
    groups: Fields,
    parties: list[Fields],
    items: list[tuple[Fields, str]],
) -> list[Finding]:
    kinds = {party.get("AddressTypeCode") for party in parties}
    carriers = groups.get("CarrierInformation", [])
    named = any(carrier.keys() & {"CarrierAlphaCode", "CarrierRouting"} for carrier in carriers)
    needed = {
        "the stored order": order is not None,
        "the ship date (the invoice's fulfillment date)": shipped is not None,
        "the carrier (carrier.scac or carrier.routing in the partner pack)": named,
        "where the goods leave (addresses.SF in the partner pack, or the business profile)": "SF" in kinds,
        "where the goods go (ST on the order, or addresses.ST in the partner pack)": "ST" in kinds,
        "a line with a quantity": bool(items),
    }
    missing = [words for words, there in needed.items() if not there]
    if not missing:
        return []
    message = f"no shipment notice can be made; missing: {'; '.join(missing)}"
    fix = "add what is missing, or switch invoices.asn off in the partner pack"
    return [Finding("asn_data_missing", "error", message, "", fix)]
