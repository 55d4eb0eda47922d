"""Reads trades from the ledger, the archive and, where it answers, FreshBooks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from connector import errors
from connector.ledger import Direction, DocumentKey, Record, State
from connector.mapping.order_lines import ordered_lines, price_line
from connector.rules.open_quantities import line_of, lines_of
from connector.rules.packs import PartnerPack
from connector.usecases.arrivals import bare_number
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.corrections import is_reversal
from connector.usecases.cut_over import is_registered
from connector.usecases.orders import order_key, stored_order
from connector.usecases.reports.trades import ZERO, Line, Paper, Part, Trade, amount_of
from connector.usecases.world import at_once

if TYPE_CHECKING:
    from connector.documents.freshbooks import Bill
    from connector.documents.order import Order
    from connector.usecases.world import World

T = TypeVar("T")
_SENT = frozenset({State.DELIVERED, State.PICKED_UP, State.CLAIMED, State.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class Gathered:
    """Trades, oldest first; `bills_known`: FreshBooks answered, so a bill that is missing is not there."""

    trades: list[Trade]
    bills_known: bool


def gather(
    world: World,
    *,
    partner: str = "",
    since: str = "",
    number: str = "",
    has_time: Callable[[], bool] = lambda: True,
) -> Gathered:
    """The connection's orders that came since then, each with all that belongs to it; BadUse when time is over."""

    def timely(things: Iterable[T]) -> Iterator[T]:
        for thing in things:
            if not has_time():
                text = "there are more documents than can be read while a page is waited for"
                raise errors.BadUse(
                    text, code="report_too_large", fix="choose a partner, or run `connector report`"
                )
            yield thing

    came = list(timely(records(world, "in")))
    closings = {one.key._replace(type="order"): one.state for one in came if one.key.type == CLOSE_OUT}
    every = [record for record in came if record.key.type == "order"]
    orders = {
        record.key: record
        for record in every
        if partner in ("", record.key.partner)
        and number in ("", record.key.number)
        and record.created >= since
    }
    packs = world.packs()
    read = dict(timely(at_once(lambda record: (record.key, _order(world, record)), orders.values())))
    lines = {key: _lines(order, packs.get(key.partner)) for key, order in read.items() if order is not None}
    belonging: dict[DocumentKey, list[Paper]] = {key: [] for key in orders}

    def paper(pair: tuple[Record, DocumentKey]) -> None:
        record, order = pair
        mapped = _mapped(world, record)
        belonging[order].append(paper_of(record, mapped, read[order], packs.get(order.partner)))

    for _ in timely(at_once(paper, list(_belonging(world, every, orders, partner)))):
        pass
    bills = _bills(world, timely) if orders else {}
    found = [
        Trade(
            record,
            lines.get(key, ()),
            packs.get(key.partner),
            tuple(sorted(belonging[key], key=lambda one: (one.record.created, one.record.key))),
            bill := (bills or {}).get(record.remote_id),
            read[key],
            _is_closed(closings.get(key), bill),
        )
        for key, record in orders.items()
    ]
    found.sort(key=lambda trade: (trade.record.created, trade.record.key))
    return Gathered(found, bills is not None)


def records(world: World, direction: Direction) -> Iterator[Record]:
    """Every record once, also one that changes its state while we read."""
    seen: set[DocumentKey] = set()
    for record in world.ledger.in_states(world.id, direction, frozenset(State)):
        if record.key not in seen:
            seen.add(record.key)
            yield record


def _lines(order: Order, pack: PartnerPack | None) -> tuple[Line, ...]:
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


def paper_of(
    record: Record, mapped: Mapping[str, Any] | None, order: Order | None, pack: PartnerPack | None
) -> Paper:
    """What a produced RSX document says, by order line; its record's amount alone where nothing was produced."""
    document = mapped or {}
    header = _dict(_dict(document.get("Header")).get("InvoiceHeader"))
    credit = header.get("InvoiceTypeCode") == "CR" or record.key.type == "credit"
    charges, taxes = _charges(document.get("Header")), _taxes(document.get("Header"))
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    besides: list[Part] = []
    ordered = ordered_lines(order) if order is not None else []
    for item in map(_dict, document.get("LineItem") or ()):
        charges, taxes = charges + _charges(item), taxes + _taxes(item)
        said = _dict(item.get("InvoiceLine"))
        quantity = amount_of(said.get("InvoiceQty"))
        amount = amount_of(said.get("ExtendedItemTotal") or quantity * amount_of(said.get("PurchasePrice")))
        line = line_of(said, ordered)
        if line is not None:
            amounts[line.line] += amount
        elif said:
            besides.append(Part(quantity, amount))
    kind = "credit" if credit else record.key.type
    quantities = {}
    if order is not None and document and kind in ("invoice", "credit", "asn"):
        quantities = lines_of(document, kind, order, pack or pack_without(record))
    total = _dict(document.get("Summary")).get("TotalAmount", record.amount)
    shipment = _dict(_dict(document.get("Header")).get("ShipmentHeader"))
    sent = record.state in _SENT or is_registered(record)
    return Paper(
        record=record,
        # what a reversal takes back does not count any more itself, nor does what cancels
        counts=sent and not is_reversal(record) and header.get("TsetPurposeCode") != "01",
        credit=credit,
        total=amount_of(total),
        charges=charges,
        taxes=taxes,
        parts={line: Part(quantity, amounts[line]) for line, quantity in quantities.items()},
        besides=tuple(besides) if order is not None else (),
        shipped_on=str(shipment.get("ShipDate") or header.get("ShipDate") or ""),
    )


def pack_without(record: Record) -> PartnerPack:
    """The defaults, for documents of a partner whose pack was removed."""
    return PartnerPack(trading_partner_id=record.key.partner[:15] or "-")


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
    world: World, every: list[Record], orders: Mapping[DocumentKey, Record], partner: str
) -> Iterator[tuple[Record, DocumentKey]]:
    """The outbound documents of `orders`, each with its order (an ASN may have several).

    The orders' records name them; only what none of `every` order names has to be looked into.
    """
    named: defaultdict[str, list[DocumentKey]] = defaultdict(list)
    for one in every:
        for document in dict.fromkeys(entry.get("document", "") for entry in one.fulfilment.values()):
            named[document].append(one.key)
    ours = [record for record in records(world, "out") if partner in ("", record.key.partner)]
    unnamed = []
    for record in ours:
        theirs = named.get(record.key.id, [])
        if not theirs:
            unnamed.append(record)
        for order in theirs:
            if order in orders:
                yield record, order
    for record, number in at_once(lambda one: (one, _names_order(world, one)), unnamed):
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
    return bare_number(str(named or ""))


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


def _is_closed(closing: State | None, bill: Bill | None) -> bool:
    """Whether a close-out is done or on its way, or a person dealt with it; not where the bill was brought back."""
    if closing is State.DELIVERED:
        return bill is None or bill.vis_state == 1
    return closing is State.SKIPPED or closing in _SENT


def _bills(world: World, timely: Callable[[Iterable[Bill]], Iterator[Bill]]) -> dict[str, Bill] | None:
    try:
        return {str(bill.id): bill for bill in timely(world.freshbooks.list_bills())}
    except (errors.NotSent, errors.Stranded, errors.Refused):
        return None
