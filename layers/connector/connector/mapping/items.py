"""One line of an outbound document: the order line's identity, FreshBooks' quantity and price."""

from __future__ import annotations

import re
from typing import Any

from connector.documents import invoice, shipment
from connector.documents.gs1 import check_digit_fits
from connector.documents.order import RIDES_ALONG, Order, OrderLineItem
from connector.documents.parts import Element, plain_number
from connector.findings import Finding
from connector.mapping.carry import Explainer, carry
from connector.mapping.lines import Role, SaleLine
from connector.mapping.money import units_priced
from connector.mapping.order_lines import ordered_quantity, pack_size
from connector.mapping.shapes import Document, names, shape_of
from connector.rules.packs import PartnerPack

Fields = dict[str, Any]

_FIELDS: dict[Document, tuple[str, type[Element], type[Element]]] = {
    "Invoice": ("InvoiceLine", invoice.LineFields, invoice.InvoiceLineItem),
    "Shipment": ("ShipmentLine", shipment.LineFields, shipment.ItemLevelGroup),
}
ECHOED_FIELDS = names("""
    LineSequenceNumber ApplicationId BuyerPartNumber VendorPartNumber ConsumerPackageCode EAN GTIN UPCCaseCode
    NatlDrugCode InternationalStandardBookNumber ProductID OrderQty OrderQtyUOM PurchasePriceType
    ProductSizeCode ProductSizeDescription ProductColorCode ProductColorDescription ProductMaterialCode
    ProductMaterialDescription ProductProcessCode ProductProcessDescription Department
    DepartmentDescription Class SellerDateCode NRFStandardColorAndSize
""")
ECHOED_GROUPS = names("""
    PriceInformation ProductOrItemDescription PhysicalDetails References Commodity Subline Address
""")
"""What identifies and describes the article. Not repeated: notes and dates (instructions to us), taxes and
allowances (FreshBooks knows what was charged), routing and packing instructions."""

_GTIN = re.compile(r"(?<!\d)\d{12,14}(?!\d)")
_GTIN_ELEMENT = {12: "ConsumerPackageCode", 13: "EAN", 14: "GTIN"}


def line_item(
    line: SaleLine,
    role: Role,
    order: Order | None,
    document: Document,
    pack: PartnerPack,
    explain: Explainer | None,
    to: str,
    source: str,
) -> tuple[Fields, list[Finding]]:
    """The line item of `line`, without quantities and money; `source` is the FreshBooks path of the line."""
    name, fields_model, item_model = _FIELDS[document]
    if order is None or role.order_index is None:
        return {name: _named_by_freshbooks(line, name, explain, to, source)} | _described(
            line, explain, to, source
        ), []
    item, place = order.LineItem[role.order_index], f"LineItem[{role.order_index}]"
    fields, findings = carry(
        item.OrderLine,
        fields_model,
        document=document,
        place=f"{place}.OrderLine",
        only=ECHOED_FIELDS,
        explain=explain,
        to=f"{to}.{name}",
    )
    groups, more = carry(
        item,
        item_model,
        document=document,
        place=place,
        only=ECHOED_GROUPS | _whole_schedule(line, item, document),
        explain=explain,
        to=to,
    )
    if explain is not None:
        explain.copy(f"{to}.{name}", f"order.{place}.OrderLine", f"as on the order line; {role.rule}")
    if "LineSequenceNumber" not in fields and not any(i.OrderLine.LineSequenceNumber for i in order.LineItem):
        fields = {"LineSequenceNumber": str(role.order_index + 1)} | fields
        if explain is not None:
            explain.mark(f"{to}.{name}.LineSequenceNumber", "position on the order, which numbers no line")
    if "ProductOrItemDescription" not in groups:
        groups |= _described(line, explain, to, source)
    findings += more + _unknown(item.OrderLine, fields_model, document, f"{place}.OrderLine")
    return {name: fields} | groups, findings + _unknown(item, item_model, document, place)


def put_quantity(
    fields: Fields, element: str, line: SaleLine, role: Role, explain: Explainer | None, to: str
) -> None:
    """Sets `element` (InvoiceQty, ShipQty) and its unit: the order line's, EA where there is none."""
    fields[element] = plain_number(line.quantity)
    unit = fields.get("OrderQtyUOM") if role.order_index is not None else line.unit or "EA"
    if unit:
        fields[f"{element}UOM"] = unit
    if explain is not None and role.order_index is not None:
        source = f"order.LineItem[{role.order_index}].OrderLine.OrderQtyUOM"
        explain.mark(f"{to}.{element}UOM", "unit of the order line", source)
    elif explain is not None:
        explain.mark(f"{to}.{element}UOM", "no order: the unit in the line's text, else EA")


def price_basis(item: OrderLineItem, pack: PartnerPack) -> str | None:
    """The order's PurchasePriceBasis where a price of one unit is in it.

    FreshBooks prices the unit that it counts. An order's 12.00 per dozen (PD) for EA becomes 1.00, and
    quantity times price must stay the line's total for whoever reads it: the basis is not sent then.
    """
    line = item.OrderLine
    basis = line.PurchasePriceBasis
    if not basis or basis in ("PE", "UM"):
        return basis or None
    return basis if units_priced(basis, line.OrderQtyUOM, pack_size(item), pack.prices_per) == 1 else None


def _named_by_freshbooks(
    line: SaleLine, name: str, explain: Explainer | None, to: str, source: str
) -> Fields:
    """A line that no order explains: its number, its name as the vendor's part, a UPC or GTIN in its text."""
    position = re.sub(r"\D", "", line.place) or "0"
    fields: Fields = {"LineSequenceNumber": str(int(position) + 1)}
    if line.name.strip():
        fields["VendorPartNumber"] = line.name.strip()
    for digits in _GTIN.findall(f"{line.name} {line.description}"):
        if check_digit_fits(digits):
            fields.setdefault(_GTIN_ELEMENT[len(digits)], digits)
    if explain is not None:
        explain.mark(
            f"{to}.{name}", "FreshBooks alone: no order line", f"{source}.name", f"{source}.description"
        )
        explain.mark(f"{to}.{name}.LineSequenceNumber", "position in FreshBooks", source)
    return fields


def _described(line: SaleLine, explain: Explainer | None, to: str, source: str) -> Fields:
    text = " ".join((line.description or line.name).split())[:80].strip()
    if not text:
        return {}
    if explain is not None:
        field = "description" if line.description else "name"
        explain.mark(
            f"{to}.ProductOrItemDescription", "the line's own words, 80 characters", f"{source}.{field}"
        )
    return {"ProductOrItemDescription": [{"ProductCharacteristicCode": "08", "ProductDescription": text}]}


def _whole_schedule(line: SaleLine, item: OrderLineItem, document: Document) -> frozenset[str]:
    """Store quantities are repeated only where all that was ordered is invoiced: else who got less?"""
    whole = document == "Invoice" and line.quantity == ordered_quantity(item)
    return frozenset({"QuantitiesSchedulesLocations"}) if whole else frozenset()


def _unknown(element: Element, model: type[Element], document: Document, place: str) -> list[Finding]:
    """The order's elements that RSX 7.7.7 orders do not have; those it has are chosen above."""
    extra = element.__pydantic_extra__ or {}
    shape = shape_of(model, document)
    return [
        Finding(
            "element_not_carried",
            "info",
            f"{name} is left out: it is no element that the connector knows",
            f"{place}.{name}",
        )
        for name, value in extra.items()
        if name not in shape and name not in RIDES_ALONG and value not in (None, "", [], {})
    ]
