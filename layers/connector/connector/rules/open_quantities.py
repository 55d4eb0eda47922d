"""The open-quantity ledger of an order: what became of each of its lines, in the line's own unit.

Every document of ours leaves one entry with its order's record (`Record.fulfilment`), by type and number:

    {"invoice/INV-1": {"at": "...", "rank": "...", "revision": 1, "lines": {"1": "12"}}, "ack/4500012345": ...}

A revision replaces its document's entry, a cancellation takes it out, so nothing is ever counted twice.
Lines go by `OrderedLine.line`: the LineSequenceNumber, or the place where the order numbers none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.documents.order import Order
from connector.mapping.money import ZERO, shown, too_large
from connector.mapping.order_lines import OrderedLine, ordered_lines
from connector.mapping.units import factor
from connector.rules.packs import PartnerPack

Quantities = dict[str, Decimal]
"""Quantity by order line, in the order line's unit."""

INVOICES = ("invoice", "bill")
_REFUSED = frozenset({"CC", "ID", "IR", "R1", "R2", "R3", "R4", "R7", "ROS"})  # ItemStatusCode
_KINDS: dict[str, tuple[str, str, str]] = {
    "invoice": ("InvoiceLine", "InvoiceQty", "InvoiceQtyUOM"),
    "bill": ("InvoiceLine", "InvoiceQty", "InvoiceQtyUOM"),
    "credit": ("InvoiceLine", "InvoiceQty", "InvoiceQtyUOM"),
    "asn": ("ShipmentLine", "ShipQty", "ShipQtyUOM"),
}


@dataclass(frozen=True, slots=True)
class OpenLine:
    """One line's account; `acknowledged` is None as long as nothing was acknowledged.

    `open` is what may still be invoiced: ordered - invoiced + credited, negative where too much was. Of a
    cancelled order that is only what was shipped before.
    """

    line: str
    item: str
    uom: str
    ordered: Decimal
    text: str = ""
    acknowledged: Decimal | None = None
    shipped: Decimal = ZERO
    invoiced: Decimal = ZERO
    credited: Decimal = ZERO
    cancelled: bool = False

    @property
    def open(self) -> Decimal:
        due = self.shipped if self.cancelled else self.ordered
        return due - self.invoiced + self.credited


def open_lines(
    order: Order,
    fulfilment: Mapping[str, Any],
    shipments: Mapping[str, Any] | None = None,
    *,
    but: str = "",
    cancelled: bool = False,
) -> list[OpenLine]:
    """The order's lines in order, then lines that only earlier revisions of it had (ordered 0).

    `but` names the entry of the document that is looked at, which must not count against itself. Shipments
    are our own ASNs', and where we sent none those of the shipment advice received (`Record.shipments`).
    """
    sums = {kind: _sum(fulfilment, kinds, but) for kind, kinds in _COUNTED.items()}
    if not sums["shipped"]:
        sums["shipped"] = _advised(shipments or {})
    known = {
        line.line: (
            *(line.vendor_part or line.buyer_part or line.upc, line.uom, line.quantity),
            line.description,
        )
        for line in ordered_lines(order)
    }
    gone = dict.fromkeys(name for each in sums.values() for name in each if name not in known)
    return [
        OpenLine(
            line=name,
            item=item,
            uom=uom,
            ordered=quantity,
            text=text,
            acknowledged=sums["acknowledged"].get(name, ZERO) if sums["acknowledged"] else None,
            shipped=sums["shipped"].get(name, ZERO),
            invoiced=sums["invoiced"].get(name, ZERO),
            credited=sums["credited"].get(name, ZERO),
            cancelled=cancelled,
        )
        for name, (item, uom, quantity, text) in (known | dict.fromkeys(gone, ("", "", ZERO, ""))).items()
    ]


def lines_of(document: Mapping[str, Any], kind: str, order: Order, pack: PartnerPack) -> Quantities:
    """What an RSX document of ours does to the order's lines; what is on no line of it is left out.

    `kind` is the document's type in the ledger: invoice, bill, credit, asn or ack. Quantities in another unit
    are converted where the pack or the order tells how. A cancellation (purpose 01) does nothing any more.
    """
    if purpose_of(document, kind) == "01":
        return {}
    ordered = ordered_lines(order)
    found: Quantities = {}
    for fields, quantity, unit in _quantities(document, kind, order):
        line = line_of(fields, ordered)
        if line is None:
            continue
        times, by = factor(unit, line.uom, pack, line.pack_size) or (1, 1)
        found[line.line] = found.get(line.line, ZERO) + quantity * times / by
    return found


def header_of(document: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The header fields of an RSX document of ours."""
    name = {"asn": "ShipmentHeader", "ack": "OrderHeader"}.get(kind, "InvoiceHeader")
    header: Mapping[str, Any] = document.get("Header", {}).get(name, {})
    return header


def purpose_of(document: Mapping[str, Any], kind: str) -> str:
    return str(header_of(document, kind).get("TsetPurposeCode", "00"))


def orders_named(document: Mapping[str, Any], kind: str) -> list[tuple[str, ...]]:
    """For each order that an RSX document of ours is for the numbers it may be kept under, best first.

    A shipment does not say whether a release number is one against a blanket order (`Order.number`).
    """
    if kind != "asn":
        number = _order_number(header_of(document, kind))
        return [(number,)] if number else []
    levels = [document, *document.get("ContainerLevel", ())]
    named = []
    for header in (each.get("OrderHeader", {}) for level in levels for each in level.get("OrderLevel", ())):
        number, release = str(header.get("PurchaseOrderNumber") or ""), header.get("ReleaseNumber")
        if number:
            named.append((f"{number}-{release}", number) if release else (number,))
    return list(dict.fromkeys(named))


def _order_number(header: Mapping[str, Any]) -> str:
    number, release = str(header.get("PurchaseOrderNumber") or ""), header.get("ReleaseNumber")
    return f"{number}-{release}" if release and header.get("PrimaryPOTypeCode") in ("BK", "RL") else number


def line_of(fields: Mapping[str, Any], ordered: Iterable[OrderedLine]) -> OrderedLine | None:
    """The order line that an RSX line is for: by its parts and codes, and by its number among those alike."""
    lines = list(ordered)
    number = fields.get("LineSequenceNumber")
    alike = [line for line in lines if _same_article(fields, line)]
    numbered = [line for line in alike or lines if number and number in (line.line, _numbered(line))]
    if numbered:
        return numbered[0]
    return alike[0] if alike else None


def as_texts(quantities: Mapping[str, Decimal]) -> dict[str, str]:
    """As kept in the table: decimal texts, without lines of nothing."""
    return {line: shown(quantity) for line, quantity in quantities.items() if quantity}


def as_row(line: OpenLine) -> dict[str, str]:
    """One line for people and for `--json`."""
    return {
        "line": line.line,
        "item": line.item,
        "text": line.text,
        "uom": line.uom,
        "ordered": shown(line.ordered),
        "acknowledged": "" if line.acknowledged is None else shown(line.acknowledged),
        "shipped": shown(line.shipped),
        "invoiced": shown(line.invoiced),
        "credited": shown(line.credited),
        "open": shown(line.open),
    }


_COUNTED = {"acknowledged": ("ack",), "shipped": ("asn",), "invoiced": INVOICES, "credited": ("credit",)}


def _sum(fulfilment: Mapping[str, Any], kinds: tuple[str, ...], but: str) -> Quantities:
    total: Quantities = {}
    for name, entry in fulfilment.items():
        if name != but and name.partition("/")[0] in kinds:
            for line, quantity in entry.get("lines", {}).items():
                total[line] = total.get(line, ZERO) + Decimal(quantity)
    return total


def _advised(shipments: Mapping[str, Any]) -> Quantities:
    total: Quantities = {}
    for event in shipments.values():
        for line in event["lines"]:
            total[line["line"]] = total.get(line["line"], ZERO) + Decimal(str(line["shipped"]))
    return total


def _quantities(
    document: Mapping[str, Any], kind: str, order: Order
) -> Iterator[tuple[Mapping[str, Any], Decimal, str]]:
    """(the RSX line, its quantity, its unit) of every line of the document that is for this order."""
    if kind == "ack":
        for item in document.get("LineItem", ()):
            line = item.get("OrderLine", {})
            for status in item.get("LineItemAcknowledgement", ()):
                if status.get("ItemStatusCode") not in _REFUSED:
                    unit = status.get("ItemScheduleUOM") or line.get("OrderQtyUOM") or ""
                    yield line, number(status.get("ItemScheduleQty", line.get("OrderQty"))), unit
        return
    group, element, uom = _KINDS[kind]
    if kind == "asn":
        lines = list(_shipment_lines(document, order))
    else:
        lines = [item.get(group, {}) for item in document.get("LineItem", ())]
    for line in lines:
        yield line, number(line.get(element)), line.get(uom) or ""


def _shipment_lines(level: Mapping[str, Any], order: Order) -> Iterator[Mapping[str, Any]]:
    """The lines below any level, but for order levels of other orders, or of other releases."""
    header = order.Header.OrderHeader
    for name, inner in level.items():
        if name == "ShipmentLine":
            yield inner
        elif name.endswith("Level") and isinstance(inner, list):
            for each in inner:
                its = each.get("OrderHeader", {}) if name == "OrderLevel" else {}
                ours = its.get("PurchaseOrderNumber") in (None, header.PurchaseOrderNumber)
                release = its.get("ReleaseNumber") if header.ReleaseNumber else None
                if ours and release in (None, header.ReleaseNumber):
                    yield from _shipment_lines(each, order)


def number(value: Any) -> Decimal:
    """A JSON number as a Decimal; 0 where there is none, or one that nothing can be computed with."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return ZERO
    return ZERO if not found.is_finite() or too_large(found) else found


def _same_article(fields: Mapping[str, Any], line: OrderedLine) -> bool:
    pairs = (
        (fields.get("VendorPartNumber"), line.vendor_part),
        (fields.get("BuyerPartNumber"), line.buyer_part),
    )
    codes = {fields.get(name) for name in ("ConsumerPackageCode", "GTIN", "EAN", "UPCCaseCode")} - {None}
    return any(own and own == theirs for own, theirs in pairs) or bool(codes & set(line.codes))


def _numbered(line: OrderedLine) -> str:
    return line.item.OrderLine.LineSequenceNumber or str(line.position + 1)
