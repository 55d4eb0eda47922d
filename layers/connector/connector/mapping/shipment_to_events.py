"""An RSX shipment (856) as events on the orders it ships, and, per policy, their bills at shipped quantities.

Whatever does not fit an order is a finding; nothing here raises on what the shipment's schema admits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from connector.documents.order import Order, OrderLineItem
from connector.documents.parts import ChargeAllowance, as_date, plain_number
from connector.documents.shipment import LineFields, Shipment
from connector.findings import Finding, Mapped, Source, Trace
from connector.mapping.money import ZERO, shown, too_large
from connector.mapping.order_lines import OrderedLine, ordered_lines
from connector.mapping.order_to_bill import order_to_bill
from connector.mapping.shipment_levels import Part, order_names, parts_of, purchase_orders
from connector.rules.packs import PartnerPack

__all__ = ["bill_at", "order_names", "purchase_orders", "shipment_to_events"]

_NOTHING: Mapping[str, Mapping[str, Decimal]] = {}
_ASK = "ask whoever sent the shipment for a corrected one"
_DOZEN = Decimal(12)


@dataclass(slots=True)
class _Tally:
    """What is shipped of one order line, in the order's unit; `ordered` is None where that is not known."""

    line: str
    vendor_part: str
    upc: str
    uom: str
    ordered: Decimal | None
    before: Decimal = ZERO
    shipped: Decimal = ZERO
    places: list[str] = field(default_factory=list)

    @property
    def done(self) -> Decimal:
        """Shipped in all; to a millionth, as a twelfth of a dozen has no end."""
        return round(self.before + self.shipped, 6)


@dataclass(slots=True)
class _Tallied:
    """One order's lines, what was shipped besides, and whether every quantity could be counted."""

    lines: list[_Tally]
    besides: list[_Tally]
    certain: bool = True


def shipment_to_events(
    shipment: Shipment,
    orders: Mapping[str, Order],
    pack: PartnerPack,
    shipped_before: Mapping[str, Mapping[str, Decimal]] = _NOTHING,
    trace: Trace | None = None,
) -> Mapped:
    """`{"events": [...], "bills": {number: {"bill": {...}}}}`; one event for each order that is shipped.

    `orders` holds the orders by number, `shipped_before` what earlier shipments shipped of them by line (the
    event lines' `line`). `bills` has the orders' bills at what has been shipped in all, where the pack wants
    that (`shipments.adjust_bill`).
    """
    findings: list[Finding] = []
    events: list[dict[str, Any]] = []
    bills: dict[str, Any] = {}
    for part in parts_of(shipment):
        number = next((name for name in part.names if name in orders), None)
        if not part.names and len(orders) == 1:
            number = next(iter(orders))
        order = None if number is None else orders[number]
        number = number or (part.names[-1] if part.names else "")
        if order is not None:
            tallied = _tally(part, order, shipped_before.get(number, {}), findings)
        else:
            tallied = _tally_alone(part, number, findings)
        events.append(_event(shipment, part, number, tallied, findings))
        if trace is not None:
            _explain(shipment, part, tallied, f"events[{len(events) - 1}]", trace)
        if order is not None and pack.shipments.adjust_bill:
            own: Trace | None = None if trace is None else {}
            bill = _bill_as_shipped(order, tallied, pack, findings, own)
            if bill is not None:
                bills[number] = {"bill": bill}
                if trace is not None and own is not None:
                    trace |= {f"bills.{number}.{name}": source for name, source in own.items()}
    if not events:
        findings.append(Finding("no_items", "error", "the shipment ships nothing", "OrderLevel", _ASK))
    return Mapped({"events": events, "bills": bills}, findings)


# --- which order line an item is ------------------------------------------------------------------------


def _tally(part: Part, order: Order, before: Mapping[str, Decimal], findings: list[Finding]) -> _Tallied:
    ordered = ordered_lines(order)
    lines = [
        _Tally(line.line, line.vendor_part, line.upc, line.uom, line.quantity, before.get(line.line, ZERO))
        for line in ordered
    ]
    tallied = _Tallied(lines, [])
    for place, item in part.items:
        position = _match(item, ordered, lines)
        if position is None:
            message = f"the item {_name(item)} is not on the order"
            fix = "a substitution or a mistake: ask whoever sent the shipment"
            findings.append(Finding("item_not_on_order", "warning", message, place, fix))
            tallied.besides.append(_alone(item, "", _quantity(item, place, tallied, findings)))
            continue
        tally, line = lines[position], ordered[position]
        factor = _factor(item.ShipQtyUOM or "", line.uom, line.pack_size)
        if factor is None:
            message = (
                f"{_name(item)} is shipped in {item.ShipQtyUOM} but ordered in {line.uom}: it is not counted"
            )
            findings.append(Finding("uom_differs", "warning", message, f"{place}.ShipQtyUOM", _ASK))
            tallied.certain = False
            factor = ZERO
        tally.shipped += _quantity(item, place, tallied, findings) * factor
        tally.places.append(place)
    for tally in lines:
        _check_over(tally, findings)
    return tallied


def _tally_alone(part: Part, number: str, findings: list[Finding]) -> _Tallied:
    """The lines of an order that is not known: what the shipment itself says of them."""
    if number:
        message = f"order {number} is not known: what is left of it cannot be told"
        findings.append(Finding("order_unknown", "warning", message, part.place, "wait for the order"))
    else:
        message = "the shipment does not say which order it is for"
        findings.append(Finding("order_reference_missing", "warning", message, part.place, _ASK))
    tallied = _Tallied([], [], certain=False)
    for position, (place, item) in enumerate(part.items, 1):
        tally = _alone(item, item.LineSequenceNumber or str(position), ZERO)
        same = next((line for line in tallied.lines if line.line == tally.line), None)
        if same is None:
            tallied.lines.append(same := tally)
        same.shipped += _quantity(item, place, tallied, findings)
        same.places.append(place)
    for tally in tallied.lines:
        _check_over(tally, findings)
    return tallied


def _match(item: LineFields, ordered: list[OrderedLine], lines: list[_Tally]) -> int | None:
    """The order line that the item is: by sequence number and part, then vendor part, buyer part, UPC/GTIN.

    Where several lines have the part, the first that is still open; by sequence number alone only where the
    parts cannot be compared.
    """
    sequence = item.LineSequenceNumber
    codes = {
        _body(code) for code in (item.ConsumerPackageCode, item.GTIN, item.EAN, item.UPCCaseCode) if code
    }
    numbered = [line for line in ordered if sequence and line.item.OrderLine.LineSequenceNumber == sequence]
    vendor = [line for line in ordered if item.VendorPartNumber and line.vendor_part == item.VendorPartNumber]
    buyer = [line for line in ordered if item.BuyerPartNumber and line.buyer_part == item.BuyerPartNumber]
    coded = [line for line in ordered if codes and not codes.isdisjoint(map(_body, line.codes))]
    for found in (vendor, buyer, coded):
        both = [line for line in numbered if line in found]
        if both:
            return both[0].position
    for found in (vendor, buyer, coded):
        if found:
            still_open = [line for line in found if _is_open(lines[line.position])]
            return (still_open or found)[0].position
    if numbered and not _contradicts(item, numbered[0], codes):
        return numbered[0].position
    return None


def _is_open(tally: _Tally) -> bool:
    return tally.ordered is not None and tally.done < tally.ordered


def _contradicts(item: LineFields, line: OrderedLine, codes: set[str]) -> bool:
    return bool(
        (item.VendorPartNumber and line.vendor_part)
        or (item.BuyerPartNumber and line.buyer_part)
        or (codes and line.codes)
    )


def _body(code: str) -> str:
    """A UPC, EAN or GTIN without indicator and check digit, so that UPC-12 and GTIN-14 compare equal."""
    return code.zfill(14)[1:13] if code.isascii() and code.isdigit() and 8 <= len(code) <= 14 else code


# --- quantities -----------------------------------------------------------------------------------------


def _quantity(item: LineFields, place: str, tallied: _Tallied, findings: list[Finding]) -> Decimal:
    if item.ShipQty is None or too_large(item.ShipQty):
        words = "has no shipped quantity" if item.ShipQty is None else "has an impossible quantity"
        message = f"the item {_name(item)} {words}: it is not counted"
        findings.append(Finding("no_quantity", "warning", message, f"{place}.ShipQty", _ASK))
        tallied.certain = False
        return ZERO
    return item.ShipQty


def _factor(shipped_in: str, ordered_in: str, pack_size: Decimal | None) -> Decimal | None:
    """How many ordered units one shipped unit is; None where that is not known."""
    if not shipped_in or not ordered_in or shipped_in == ordered_in:
        return Decimal(1)
    if (shipped_in, ordered_in) == ("DZ", "EA"):
        return _DOZEN
    if (shipped_in, ordered_in) == ("EA", "DZ"):
        return 1 / _DOZEN
    if pack_size is not None and (shipped_in, ordered_in) == ("CA", "EA"):
        return pack_size
    if pack_size is not None and (shipped_in, ordered_in) == ("EA", "CA"):
        return 1 / pack_size
    return None


def _check_over(tally: _Tally, findings: list[Finding]) -> None:
    if tally.ordered is not None and tally.shipped and tally.done > tally.ordered:
        message = f"line {tally.line}: {shown(tally.done)} shipped in all, {shown(tally.ordered)} ordered"
        place = tally.places[0] if tally.places else ""
        fix = "check with the warehouse; the customer may refuse what is too much"
        findings.append(Finding("over_shipped", "warning", message, place, fix))


def _alone(item: LineFields, line: str, shipped: Decimal) -> _Tally:
    upc = item.ConsumerPackageCode or item.GTIN or item.EAN or item.UPCCaseCode or ""
    ordered = None if item.OrderQty is None or too_large(item.OrderQty) else item.OrderQty
    return _Tally(line, item.VendorPartNumber or "", upc, item.ShipQtyUOM or "", ordered, ZERO, shipped)


def _name(item: LineFields) -> str:
    names = (item.VendorPartNumber, item.BuyerPartNumber, item.ConsumerPackageCode, item.GTIN)
    return next((name for name in names if name), f"in line {item.LineSequenceNumber or '?'}")


# --- the event ------------------------------------------------------------------------------------------


def _event(
    shipment: Shipment, part: Part, number: str, tallied: _Tallied, findings: list[Finding]
) -> dict[str, Any]:
    event: dict[str, Any] = {"purchase_order": number, "shipment": shipment.number}
    for name, dated in (("ship_date", part.ship_dates), ("delivery_date", part.delivery_dates)):
        for place, text in dated:
            if as_date(text) is not None:
                event[name] = text[:10]
                break
            message = f"the {name.replace('_', ' ')} is no date"
            findings.append(Finding("bad_date", "warning", message, place, _ASK))
    for name, (_, text) in part.facts.items():
        event[name] = text
    event["tracking"] = list(part.tracking)
    event["sscc"] = list(part.sscc)
    event["lines"] = [_event_line(tally) for tally in tallied.lines]
    if tallied.besides:
        event["not_on_order"] = [_event_line(tally) for tally in tallied.besides]
    event["status"] = _status(tallied.lines)
    return event


def _event_line(tally: _Tally) -> dict[str, Any]:
    line: dict[str, Any] = {
        "line": tally.line,
        "vendor_part": tally.vendor_part,
        "upc": tally.upc,
        "ordered": None if tally.ordered is None else _json(tally.ordered),
        "shipped": _json(tally.shipped),
        "shipped_before": _json(tally.before),
        "remaining": None if tally.ordered is None else _json(max(tally.ordered - tally.done, ZERO)),
        "uom": tally.uom,
    }
    return {name: value for name, value in line.items() if value is not None}


def _json(quantity: Decimal) -> int | float:
    return plain_number(round(quantity, 6))


def _status(lines: list[_Tally]) -> str:
    open_lines = over = 0
    for tally in lines:
        over += tally.ordered is not None and tally.done > tally.ordered
        open_lines += tally.ordered is None or tally.done < tally.ordered
    return "over" if over else "partial" if open_lines or not lines else "complete"


def _explain(shipment: Shipment, part: Part, tallied: _Tallied, event: str, trace: Trace) -> None:
    number = f"{part.place}.PurchaseOrderNumber" if part.place else ""
    trace[f"{event}.purchase_order"] = Source(
        (number,) if number else (), "order reference, matched to an order"
    )
    trace[f"{event}.shipment"] = Source(("Header.ShipmentHeader.ShipmentIdentification",), "as received")
    for name, dated in (("ship_date", part.ship_dates), ("delivery_date", part.delivery_dates)):
        places = tuple(place for place, text in dated if as_date(text))[:1]
        if places:
            trace[f"{event}.{name}"] = Source(places, "first usable date")
    for name, (place, _) in part.facts.items():
        trace[f"{event}.{name}"] = Source((place,), "as received")
    trace[f"{event}.tracking"] = Source(tuple(part.tracking.values()), "CarrierPackageID of every pack")
    trace[f"{event}.sscc"] = Source(tuple(part.sscc.values()), "ShippingSerialID of every pack")
    known = "the order's line" if tallied.certain else "as shipped"
    for n, tally in enumerate(tallied.lines):
        _explain_line(tally, known, f"{event}.lines[{n}]", trace)
    for n, tally in enumerate(tallied.besides):
        _explain_line(tally, "as shipped", f"{event}.not_on_order[{n}]", trace)
    trace[f"{event}.status"] = Source(
        (), "all lines shipped: complete; more than ordered: over; else partial"
    )


def _explain_line(tally: _Tally, known: str, line: str, trace: Trace) -> None:
    for name in ("line", "vendor_part", "upc", "uom", "ordered"):
        trace[f"{line}.{name}"] = Source((), known)
    shipped = tuple(f"{place}.ShipQty" for place in tally.places)
    trace[f"{line}.shipped"] = Source(shipped, "sum over all packs, in the ordered unit")
    trace[f"{line}.shipped_before"] = Source((), "earlier shipments in the ledger")
    trace[f"{line}.remaining"] = Source(shipped, "ordered - shipped before - shipped, at least 0")


# --- the bill at shipped quantities ---------------------------------------------------------------------


def bill_at(order: Order, shipped: Mapping[str, Decimal], pack: PartnerPack) -> Mapped:
    """The order's bill at what was shipped of it in all, by line; as ordered where nothing was."""
    at_shipped, places = _at_what_is_shipped(order, _tally(Part(()), order, shipped, []))
    return _bill_of(at_shipped if places else order, pack, None)


def _bill_as_shipped(
    order: Order, tallied: _Tallied, pack: PartnerPack, findings: list[Finding], trace: Trace | None
) -> dict[str, Any] | None:
    """The order's bill with the quantities shipped in all; None where they are not certain, or nothing was."""
    if not tallied.certain:
        message = "the bill is not adjusted: not every shipped quantity could be counted"
        findings.append(Finding("bill_not_adjusted", "warning", message, "", "adjust the bill by hand"))
        return None
    shipped, places = _at_what_is_shipped(order, tallied)
    if not places:
        return None
    bill: dict[str, Any] = _bill_of(shipped, pack, trace).document["bill"]
    if trace is not None:
        for name, source in trace.items():
            paths = tuple(f"order.{_as_ordered(path, places)}" for path in source.paths)
            rule = f"{source.rule}, at what is shipped in all" if ".lines[" in name else source.rule
            trace[name] = Source(paths, rule)
    return bill


def _at_what_is_shipped(order: Order, tallied: _Tallied) -> tuple[Order, list[int]]:
    """The order of no more than what was shipped in all, and which of its lines these are."""
    items = []
    places = []
    for index, (item, tally) in enumerate(zip(order.LineItem, tallied.lines, strict=True)):
        if tally.done > 0 and tally.ordered:
            items.append(_item_as_shipped(item, tally.done, tally.ordered))
            places.append(index)
    charges = [_recomputed(charge) for charge in order.Header.ChargesAllowances]
    header = order.Header.model_copy(update={"ChargesAllowances": charges, "QuantityTotals": []})
    return order.model_copy(update={"Header": header, "LineItem": items, "Summary": None}), places


def _bill_of(order: Order, pack: PartnerPack, trace: Trace | None) -> Mapped:
    mapped = order_to_bill(order, pack, date.min, trace)
    if as_date(order.Header.OrderHeader.PurchaseOrderDate) is None:
        del mapped.document["bill"]["issue_date"]  # the bill keeps the day it was first given
    return mapped


def _as_ordered(path: str, places: list[int]) -> str:
    """A path among the shipped lines as the path among the ordered ones."""
    index, bracket, rest = path.removeprefix("LineItem[").partition("]")
    if not path.startswith("LineItem[") or not bracket:
        return path
    return f"LineItem[{places[int(index)]}]{rest}"


def _item_as_shipped(item: OrderLineItem, quantity: Decimal, ordered: Decimal) -> OrderLineItem:
    stated = item.OrderLine.ExtendedItemTotal
    if stated is not None and not too_large(stated):
        stated = stated * quantity / ordered
    line = item.OrderLine.model_copy(update={"OrderQty": quantity, "ExtendedItemTotal": stated})
    charges = [_recomputed(charge) for charge in item.ChargesAllowances]
    update = {"OrderLine": line, "QuantitiesSchedulesLocations": [], "ChargesAllowances": charges}
    return item.model_copy(update=update)


def _recomputed(charge: ChargeAllowance) -> ChargeAllowance:
    """A charge whose percentage counts again, of what was shipped; fixed amounts stay."""
    if charge.AllowChrgPercent is None:
        return charge
    return charge.model_copy(update={"AllowChrgAmt": None, "PercentDollarBasis": None})
