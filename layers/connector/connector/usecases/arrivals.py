"""What both directions do with an arriving document: register it, map it, hand it on, or park it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import (
    IN_FLIGHT,
    Arrival,
    DocumentKey,
    Record,
    State,
    arrive,
    delivered_before,
    reason_of,
    same_origin,
)
from connector.rules.checks import RULES
from connector.usecases.webhooks import hint

if TYPE_CHECKING:
    from connector.ports import Queue
    from connector.usecases.world import World

TRIES = 6
_LABEL = re.compile(
    r"^(?:(?:p\.?\s?o\.?|purchase order)(?=[\s#:\d])(?:\s*(?:no\.?|number)(?=[\s#:\d]))?[\s#:]*|#\s*)(?=\S)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done with a document: push `document`, or end in `state` without a push.

    `keeps` is archived with the record, by stage.
    """

    document: Mapping[str, Any] | None = None
    state: State = State.MAPPED
    note: str = ""
    findings: tuple[Mapping[str, str], ...] = ()
    amount: str = ""
    currency: str = ""
    date: str = ""
    keeps: Mapping[str, bytes] = field(default_factory=dict)


Plan = Callable[[Record], Planned]


class NumberTaken(Exception):
    """The document's number is that of another FreshBooks record's document."""

    def __init__(self, by: Record) -> None:
        super().__init__(by.source)
        self.by = by


def settle(
    world: World,
    key: DocumentKey,
    *,
    digest: str,
    rank: str,
    source: str,
    received: str,
    correlation_id: str,
    who: str,
    plan: Plan,
    queue: Queue,
    stored_now: Callable[[], None] = lambda: None,
) -> Record:
    """Register an arrived document, map it by `plan` and send the result to `queue`; the record as stored.

    `stored_now` is called when the record is stored, before anything is sent.
    A new document costs one conditional write. Everything may be repeated at any point: the same content
    is recognised, and work that had not been sent on is sent again. Raises NumberTaken, with nothing written.
    """
    stored: Record | None = None
    for _ in range(TRIES):
        now = world.clock.now()
        arrival, record = arrive(
            stored,
            key,
            digest=digest,
            rank=rank,
            now=now,
            who=who,
            correlation_id=correlation_id,
            source=source,
            received=received,
        )
        after = stored.version if stored else 0
        planned = None
        if arrival not in (Arrival.DUPLICATE, Arrival.STALE):
            record, planned = _plan(world, record, plan, now, who)
        if record.version != after:
            stored = world.ledger.save(record, after)
            if stored is not None:
                if is_taken(stored, source):
                    raise NumberTaken(stored)
                continue
        stored_now()
        world.report("document arrived", document=key.id, arrival=arrival, state=record.state)
        if planned is not None and planned.document is not None:
            queue.send([push_message(record, planned.document)])
        return record
    raise errors.Busy("the record keeps changing", retry_after=5)


def is_taken(stored: Record, source: str) -> bool:
    """Whether a stored document is another FreshBooks record's, and not one that gave up its number unsent."""
    given_up = stored.state in (State.SUPERSEDED, State.CANCELLED) and not delivered_before(stored)
    return not same_origin(stored.source, source) and not given_up


def _plan(world: World, record: Record, plan: Plan, now: str, who: str) -> tuple[Record, Planned | None]:
    try:
        planned = plan(record)
    except errors.Parked as error:
        if record.state in IN_FLIGHT:
            return record, None
        keeps = error.keeps if isinstance(error, errors.CheckFailed) else {}
        if error.worth is not None:
            amount, currency, day = error.worth
            record = replace(record, amount=amount, currency=currency, date=day)
        return hold(record, error, now=now, who=who, payloads=_payloads(world, record, keeps)), None
    if record.state in (State.MAPPED, *IN_FLIGHT):
        return record, planned
    shadow = world.shadow(record.key.partner) if planned.document is not None else None
    if shadow is not None:
        shadow.findings = planned.findings
        priced = replace(record, amount=planned.amount, currency=planned.currency, date=planned.date)
        kept = _payloads(world, record, planned.keeps)
        return hold(priced, shadow, now=now, who=who, payloads=kept), None
    mapped = record.step(
        planned.state.lower(),
        now=now,
        who=who,
        to=planned.state,
        note=planned.note,
        findings=planned.findings,
        reason={},
        waits_for="",
        amount=planned.amount,
        currency=planned.currency,
        date=planned.date,
        payloads=_payloads(world, record, planned.keeps),
    )
    return mapped, planned


def _payloads(world: World, record: Record, keeps: Mapping[str, bytes]) -> dict[str, str]:
    return {**record.payloads, **{stage: world.archive.put(world.id, body) for stage, body in keeps.items()}}


def hold(
    record: Record, error: errors.ConnectorError, *, now: str, who: str, waits_for: str = "", **changes: Any
) -> Record:
    """The record parked with its reason; unchanged where it is parked for that very reason already."""
    reason = reason_of(error)
    waits_for = waits_for or getattr(error, "waits_for", "")
    if record.state is State.HELD and dict(record.reason) == reason and record.waits_for == waits_for:
        return record
    findings = tuple(getattr(error, "findings", ()))
    return record.step(
        "held",
        now=now,
        who=who,
        to=State.HELD,
        note=error.code,
        reason=reason,
        waits_for=waits_for,
        findings=findings or record.findings,
        **changes,
    )


def push_message(record: Record, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "connection": record.key.connection,
        "correlation_id": record.correlation_id,
        "key": record.key.id,
        "revision": record.revision,
        "document": document,
    }


def resume(world: World, what: str, but: Collection[DocumentKey] = ()) -> int:
    """Send every document that waited for `what` (a document id or a pack) through its mapping again."""
    keys = [key for key in world.ledger.waiting_for(what) if key not in but]
    for direction, queue in (("in", world.queues.sps_files_to_map), ("out", world.queues.records_to_map)):
        messages = [replay_message(key, world.new_id()) for key in keys if key.direction == direction]
        if messages:
            queue.send(messages)
    if keys:
        world.report("waiting documents resumed", waited_for=what, count=len(keys))
    return len(keys)


def resume_order(world: World, order: Record) -> None:
    """Send on what waited for an order, and what the rules stopped where it was changed since.

    Who waits for a blanket order names only its number.
    """
    resume(world, order.key.id)
    blanket, _, release = order.key.number.rpartition("-")
    if blanket and release:
        resume(world, order.key._replace(number=blanket).id)
    if order.revision > 1:
        resume_held(world, order.key.partner, RULES)


def resume_held(world: World, partner: str, codes: Collection[str]) -> int:
    """Map a partner's documents again that are parked for one of these findings; how many."""
    keys = [
        record.key
        for record in world.ledger.in_states(world.id, "out", {State.HELD})
        if record.key.partner == partner and record.reason.get("code") in codes and not record.waits_for
    ]
    if keys:
        world.queues.records_to_map.send([replay_message(key, world.new_id()) for key in keys])
    return len(keys)


def bare_number(written: str) -> str:
    """A PO number without what people write before it: `PO #0045` is `0045`."""
    return _LABEL.sub("", written.strip())


def early_invoices(number: str) -> str:
    """The topic of the notes on invoices that named order `number`, however written, before anybody knew it."""
    return f"early-invoices/{bare_number(number).upper()}"


def resume_invoices(world: World, number: str) -> None:
    """Look again at the invoices that named an order before it came."""
    invoices = world.notes.read_all(world.id, early_invoices(number))
    if invoices:
        run = world.new_id()
        world.queues.records_to_map.send(
            [hint(world.id, "invoice", int(one), "invoice.order-came", run) for one in invoices]
        )


def said(reason: str, asked: str) -> str:
    """A person's reason; BadUse where it is blank: an auditor reads it."""
    if not reason.strip():
        raise errors.BadUse(asked, code="reason_missing", fix="write a reason")
    return reason.strip()


def replay_message(key: DocumentKey, correlation_id: str) -> dict[str, Any]:
    return {"connection": key.connection, "correlation_id": correlation_id, "replay": key.id}
