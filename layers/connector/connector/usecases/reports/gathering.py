"""Reads trades from the ledger, the archive and, where it answers, FreshBooks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from connector import errors
from connector.ledger import Direction, DocumentKey, Record, State
from connector.mapping.order_lines import ordered_lines, price_line
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.corrections import is_reversal
from connector.usecases.cut_over import is_registered
from connector.usecases.orders import order_key, stored_order
from connector.usecases.reports.trades import ZERO, Line, Paper, Part, Trade, amount_of

if TYPE_CHECKING:
    from connector.documents.freshbooks import Bill
    from connector.documents.order import Order
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

READERS = 16  # objects read from the archive at a time
_SENT = frozenset({State.DELIVERED, State.PICKED_UP, State.CLAIMED, State.IN_DOUBT})
_QUANTITIES = {"InvoiceLine": "InvoiceQty", "ShipmentLine": "ShipQty"}

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Gathered:
    """Trades, oldest first; `bills_known`: FreshBooks answered, so a bill that is missing is not there."""

    trades: list[Trade]
    bills_known: bool


def gather(world: World, *, partner: str = "", since: str = "", number: str = "") -> Gathered:
    """The connection's orders that came since then, each with all that belongs to it."""
    came = list(records(world, "in"))
    closed = {
        one.key._replace(type="order") for one in came if one.key.type == CLOSE_OUT and one.state in _SENT
    }
    orders = {
        record.key: record
        for record in came
        if record.key.type == "order"
        and partner in ("", record.key.partner)
        and number in ("", record.key.number)
        and record.created >= since
    }
    packs = world.packs()
    read = dict(_at_once(lambda record: (record.key, _order(world, record)), orders.values()))
    lines = {key: lines_of(order, packs.get(key.partner)) for key, order in read.items() if order is not None}
    belonging: dict[DocumentKey, list[Paper]] = {key: [] for key in orders}

    def paper(pair: tuple[Record, DocumentKey]) -> None:
        record, order = pair
        belonging[order].append(paper_of(record, _mapped(world, record), lines.get(order, ())))

    for _ in _at_once(paper, list(_belonging(world, orders, partner))):
        pass
    bills = _bills(world) if orders else {}
    found = [
        Trade(
            record,
            lines.get(key, ()),
            packs.get(key.partner),
            tuple(sorted(belonging[key], key=lambda one: (one.record.created, one.record.key))),
            (bills or {}).get(record.remote_id),
            read[key],
            key in closed,
        )
        for key, record in orders.items()
    ]
    found.sort(key=lambda trade: (trade.record.created, trade.record.key))
    return Gathered(found, bills is not None)


def records(world: World, direction: Direction) -> Iterator[Record]:
    """Every record once, also one that changes its state while we read."""
    seen: set[DocumentKey] = set()
    for state in State:
        for record in world.ledger.in_state(world.id, direction, state):
            if record.key not in seen:
                seen.add(record.key)
                yield record


def lines_of(order: Order, pack: PartnerPack | None) -> tuple[Line, ...]:
    lines = []
    for one in ordered_lines(order):
        priced = price_line(one.item, one.position, pack, []) if pack is not None else None
        lines.append(
            Line(
                line=one.line,
                part=one.vendor_part,
                buyer_part=one.buyer_part,
                description=one.description,
                uom=one.uom,
                quantity=one.quantity,
                price=priced.unit if priced else one.unit_price,
                amount=priced.amount if priced else one.quantity * (one.unit_price or ZERO),
            )
        )
    return tuple(lines)


def paper_of(record: Record, mapped: Mapping[str, Any] | None, lines: tuple[Line, ...]) -> Paper:
    """What a produced RSX document says, by order line; its record's amount alone where nothing was produced."""
    document = mapped or {}
    header = _dict(_dict(document.get("Header")).get("InvoiceHeader"))
    parts: dict[str, Part] = {}
    besides: list[Part] = []
    charges, taxes = _charges(document.get("Header")), _taxes(document.get("Header"))
    for item in _items(document):
        name = next((name for name in _QUANTITIES if name in item), "")
        said = _dict(item.get(name))
        quantity = amount_of(said.get(_QUANTITIES.get(name, "")))
        amount = amount_of(said.get("ExtendedItemTotal") or quantity * amount_of(said.get("PurchasePrice")))
        line = _line_of(said, lines)
        if line is None:
            besides.append(Part(quantity, amount))
        else:
            before = parts.get(line.line, Part())
            parts[line.line] = Part(before.quantity + quantity, before.amount + amount)
        charges, taxes = charges + _charges(item), taxes + _taxes(item)
    summary = _dict(document.get("Summary"))
    shipment = _dict(_dict(document.get("Header")).get("ShipmentHeader"))
    sent = record.state in _SENT or is_registered(record)
    return Paper(
        record=record,
        # what a reversal takes back does not count any more itself, nor does what cancels
        counts=sent and not is_reversal(record) and header.get("TsetPurposeCode") != "01",
        credit=header.get("InvoiceTypeCode") == "CR" or record.key.type == "credit",
        total=amount_of(summary["TotalAmount"]) if "TotalAmount" in summary else amount_of(record.amount),
        charges=charges,
        taxes=taxes,
        parts=parts,
        besides=tuple(besides),
        shipped_on=str(shipment.get("ShipDate") or header.get("ShipDate") or ""),
    )


def _items(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The line items of an invoice, or those at any level of a shipment."""
    for item in document.get("LineItem") or ():
        yield _dict(item)
    levels = [level for name in ("OrderLevel",) for level in document.get(name) or ()]
    while levels:
        level = _dict(levels.pop())
        if "ShipmentLine" in level:
            yield level
        for name in ("PackLevel", "ItemLevel", "TareLevel", "ContainerLevel"):
            levels += level.get(name) or ()


def _line_of(said: Mapping[str, Any], lines: tuple[Line, ...]) -> Line | None:
    sequence = said.get("LineSequenceNumber")
    found = next((line for line in lines if sequence and line.line == sequence), None)
    part = said.get("VendorPartNumber"), said.get("BuyerPartNumber")
    # a number that a produced document counted itself may be another line's of the order
    if found is not None and (not any(part) or found.part == part[0] or found.buyer_part == part[1]):
        return found
    named = [
        line
        for line in lines
        if (part[0] and line.part == part[0]) or (part[1] and line.buyer_part == part[1])
    ]
    return named[0] if named else found if not any(part) else None


def _charges(group: Any) -> Decimal:
    """What the charges of a header or item add; allowances count negative."""
    total = ZERO
    for entry in _dict(group).get("ChargesAllowances") or ():
        amount = amount_of(entry.get("AllowChrgAmt"))
        total += -amount if entry.get("AllowChrgIndicator") == "A" else amount
    return total


def _taxes(group: Any) -> Decimal:
    return sum((amount_of(entry.get("TaxAmount")) for entry in _dict(group).get("Taxes") or ()), ZERO)


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# --- reading ------------------------------------------------------------------------------------------


def _belonging(
    world: World, orders: Mapping[DocumentKey, Record], partner: str
) -> Iterator[tuple[Record, DocumentKey]]:
    """Every outbound document with its order (an ASN may have several): as the orders' records name it, else as
    its own payload does."""
    named: defaultdict[tuple[str, ...], list[DocumentKey]] = defaultdict(list)
    for order, record in orders.items():
        for name in record.fulfilment:
            named[order.partner, *name.split("/", 1)].append(order)
    ours = [record for record in records(world, "out") if partner in ("", record.key.partner)]
    unnamed = []
    for record in ours:
        key = record.key
        theirs = named.get((key.partner, key.type, key.number), [])
        if not theirs:
            unnamed.append(record)
        for order in theirs:
            yield record, order
    for record, number in _at_once(lambda one: (one, _names_order(world, one)), unnamed):
        order = order_key(world.id, record.key.partner, number)
        if order in orders:
            yield record, order


def _names_order(world: World, record: Record) -> str:
    """The PO number on what the document was made of (a FreshBooks record, or what was sent before), else on
    what was made of it."""
    if record.key.type == "ack":
        return record.key.number
    received = _dict(_payload(world, record.payloads.get("received", "")))
    named = received.get("po_number") or received.get("bill_number")
    if not named:
        produced = _dict(received.get("mapped")) or _mapped(world, record) or {}
        named = _dict(_dict(produced.get("Header")).get("InvoiceHeader")).get("PurchaseOrderNumber")
    return str(named or "").strip()


def _mapped(world: World, record: Record) -> Mapping[str, Any] | None:
    exchange = _payload(world, record.payloads.get("exchange", ""))
    return _dict(_dict(exchange).get("mapped")) or None


def _payload(world: World, pointer: str) -> Any:
    try:
        return json.loads(world.archive.get(world.id, pointer)) if pointer else None
    except (errors.NotFound, ValueError):  # its retention is over, or it is not JSON
        return None


def _order(world: World, record: Record) -> Order | None:
    try:
        return stored_order(world, record)
    except errors.Parked:  # its retention is over, or it was never readable: its amount is still known
        return None


def _bills(world: World) -> dict[str, Bill] | None:
    try:
        return {str(bill.id): bill for bill in world.freshbooks.list_bills()}
    except (errors.NotSent, errors.Stranded, errors.Refused):
        return None


def _at_once(read: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    with ThreadPoolExecutor(READERS) as readers:
        yield from readers.map(read, things)
