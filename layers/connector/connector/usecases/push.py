"""Claim - effect - confirm: how a mapped document reaches its target once, whatever breaks.

The effect is a POST without an idempotency key, so its outcome is one of four: done, refused, not sent,
unknown. From unknown nobody sends again before the target was asked by our own unique reference, twice,
a settle time apart. The healthy path pays no look-up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from connector import errors
from connector.ledger import IN_FLIGHT, Claim, DocumentKey, Record, State, claim, reason_of
from connector.rules.open_quantities import INVOICES
from connector.usecases.arrivals import TRIES, hold, resume, resume_order
from connector.usecases.notices import resume_invoices_of
from connector.usecases.orders import known_remote_id
from connector.usecases.together import Acted
from connector.usecases.waiting import what_it_waits_for

if TYPE_CHECKING:
    from connector.usecases.together import Steps
    from connector.usecases.world import World


@dataclass(frozen=True, slots=True)
class Push:
    """One document on its way: its record, what the mapping produced, and what will be sent.

    `reference` is unique at the target for this revision; `body` is what goes over the wire.
    """

    record: Record
    document: Mapping[str, Any]
    reference: str = ""
    body: Any = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The target's yes: its own id for the document, what it answered, and what it kept otherwise than sent."""

    remote_id: str
    answer: Any = None
    difference: str | None = None


class Target(Protocol):
    """Where documents of one kind go. `settle_seconds`: how long a sent document may stay invisible."""

    settle_seconds: float

    def prepare(self, push: Push) -> Push:
        """Fill in reference and body; may look things up, never creates the document."""

    def deliver(self, push: Push) -> Receipt:
        """The one side effect. NotSent, Refused and OutcomeUnknown say how it ended otherwise."""

    def find(self, push: Push) -> Receipt | None:
        """Ask the target, by our reference, whether an earlier attempt got through."""


def push(world: World, message: Mapping[str, Any], target: Target, who: str) -> Steps[None]:
    """Bring one mapped document to its target; NotSent and OutcomeUnknown ask for the message again later."""
    key = DocumentKey.of(message["key"])
    record = world.ledger.get(key)
    if record is None:
        raise errors.Busy("the record is not there yet", retry_after=5)
    now = world.clock.now()
    verdict, _ = claim(record, message["revision"], now=now, clock=world.clock.epoch(), who=who)
    if verdict is Claim.DONE:
        world.report("nothing to push", document=key.id, state=record.state)
        return
    shadow = world.shadow(key.partner)
    if shadow is not None and verdict is not Claim.ASK:
        _save(world, record, hold(record, shadow, now=now, who=who))
        world.report("document parked", document=key.id, error=shadow.code)
        return
    try:
        going = target.prepare(Push(record, message["document"]))
    except (errors.Parked, errors.Unauthenticated, errors.Stranded) as error:
        if verdict is Claim.ASK:  # parked, it would be sent anew later: what may have acted stays in doubt
            text = f"cannot ask the target yet: {error.message}"
            raise errors.Busy(text, code=error.code, retry_after=300) from error
        waits_for = what_it_waits_for(key, error)
        if not waits_for and not isinstance(error, errors.Parked):
            raise
        _save(world, record, hold(record, error, now=now, who=who, waits_for=waits_for))
        world.report("document parked", document=key.id, error=error.code)
        return
    place = _place(going)
    if verdict is Claim.ASK:
        if _claimed_place(record) not in ("", place):
            text = "it was sent with other settings than those of today, and is looked for where it went"
            raise errors.Busy(text, code="sent_otherwise", retry_after=300)
        record = yield from _ask(world, going, target, who)
        if record is None:
            return
        if shadow is not None:  # it did not get through, and now it must not be sent any more
            _save(world, record, hold(record, shadow, now=world.clock.now(), who=who))
            return
    # the lease begins now: preparing and asking took their time
    _, claimed = claim(
        record, message["revision"], now=world.clock.now(), clock=world.clock.epoch(), who=who, note=place
    )
    claimed = replace(claimed, reference=going.reference, correlation_id=message["correlation_id"])
    _save(world, record, claimed)
    yield from _effect(world, replace(going, record=claimed), target, who)


def _place(going: Push) -> str:
    """Where something is made that is not there yet: `bill of 500`, its kind and whose it is."""
    if known_remote_id(going.record) or not isinstance(going.body, Mapping):
        return ""
    for kind, of in (("bill", "vendorid"), ("invoice", "customerid"), ("estimate", "customerid")):
        made = going.body.get(kind)
        if isinstance(made, Mapping) and of in made:
            return f"{kind} of {made[of]}"
    return ""


def _claimed_place(record: Record) -> str:
    return next((event.note for event in reversed(record.history) if event.what == "claimed"), "")


def _effect(world: World, going: Push, target: Target, who: str) -> Steps[None]:
    record = going.record
    key = record.key
    try:
        receipt = target.deliver(going)
    except (errors.NotSent, errors.Parked, errors.Stranded) as error:
        waits_for = what_it_waits_for(key, error)
        if isinstance(error, errors.NotSent) and not waits_for:
            _end(world, record, "not sent", State.MAPPED, who, note=error.code, lease_until=0.0)
            raise
        state = State.REJECTED if isinstance(error, errors.Refused) and not waits_for else State.HELD
        _end(
            world,
            record,
            state.lower(),
            state,
            who,
            note=error.code,
            reason=reason_of(error),
            waits_for=waits_for,
            lease_until=0.0,
        )
        world.report("document refused", document=key.id, error=error.code)
        return
    except Exception as error:  # whatever it was, the request may have acted
        code = error.code if isinstance(error, errors.ConnectorError) else type(error).__name__
        _end(world, record, "in doubt", State.IN_DOUBT, who, note=code, lease_until=0.0)
        world.report("outcome unknown", document=key.id, error=code)
        raise errors.OutcomeUnknown("the target may have taken the document", code=code) from error
    yield from _delivered(world, going, receipt, who, "delivered")


def _ask(world: World, going: Push, target: Target, who: str) -> Steps[Record | None]:
    """Find out how an earlier attempt ended; the record free for a new attempt, or None where it got through."""
    record, clock = going.record, world.clock.epoch()
    receipt = target.find(going)
    if receipt is not None:
        yield from _delivered(world, going, receipt, who, "found at the target")
        return None
    asked = record.state is State.IN_DOUBT and record.lease_until > 0
    if not asked:
        _end(
            world, record, "asked, not found", State.IN_DOUBT, who, lease_until=clock + target.settle_seconds
        )
        raise errors.Busy(
            "asked the target once, asking again", code="settling", retry_after=target.settle_seconds
        )
    if clock < record.lease_until:
        raise errors.Busy("settling", code="settling", retry_after=record.lease_until - clock)
    free = record.step(
        "asked again, not found", now=world.clock.now(), who=who, to=State.MAPPED, lease_until=0.0
    )
    _save(world, record, free)
    return free


def _delivered(world: World, going: Push, receipt: Receipt, who: str, what: str) -> Steps[None]:
    record = going.record
    payloads = dict(record.payloads)
    try:
        exchange = {"mapped": going.document, "sent": going.body, "answer": receipt.answer}
        payloads["exchange"] = yield Acted(json.dumps(exchange, default=str).encode())
    except Exception as error:  # the effect is done: that it can't be archived must not make it look undone
        world.report("exchange not archived", document=record.key.id, error=type(error).__name__)
    state = State.CANCELLED if going.document.get("cancel") else State.DELIVERED
    reason: dict[str, str] = {}
    if receipt.difference:
        state, reason = (
            State.HELD,
            {
                "code": "kept_differently",
                "message": f"the target took the document but keeps it otherwise: {receipt.difference}",
                "fix": "compare the two and correct the target by hand, then mark this document resolved",
            },
        )
    _end(
        world,
        record,
        what,
        state,
        who,
        remote_id=receipt.remote_id,
        payloads=payloads,
        reference=going.reference,
        reason=reason,
        lease_until=0.0,
    )
    world.report("document delivered", document=record.key.id, remote_id=receipt.remote_id)
    direction, type_ = record.key.direction, record.key.type
    # only orders, credits, notices, and changed invoices are waited for
    if (direction, type_) == ("in", "order"):
        resume_order(world, record)
    if direction == "out" and (type_ == "credit" or (type_ in INVOICES and record.revision > 1)):
        resume(world, record.key.id)
    if (direction, type_) == ("out", "asn"):
        resume_invoices_of(world, record.key, going.document)


def _save(world: World, before: Record, after: Record) -> None:
    if after.version != before.version and world.ledger.save(after, before.version) is not None:
        raise errors.Busy("another worker was first", code="record_moved", retry_after=2)


def _end(
    world: World, record: Record, what: str, to: State, who: str, *, note: str = "", **changes: Any
) -> None:
    """Write the outcome of our own attempt; only the holder of the fence may."""
    stored = record
    for _ in range(TRIES):
        if stored.fence != record.fence or stored.state not in IN_FLIGHT:
            raise errors.Busy("the claim was taken over", code="fence_lost", retry_after=5)
        ended = stored.step(what, now=world.clock.now(), who=who, to=to, note=note, **changes)
        conflict = world.ledger.save(ended, stored.version)
        if conflict is None:
            return
        stored = conflict
    raise errors.Busy("the record keeps changing", retry_after=5)
