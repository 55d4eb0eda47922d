"""A document in few words: what a list shows of it, whether it needs a person, what differs between two contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from connector.ledger import State

if TYPE_CHECKING:
    from connector.ledger import Record

# as the console's page calls them
_STATES = {
    State.RECEIVED: "received",
    State.MAPPED: "ready to send",
    State.CLAIMED: "being sent",
    State.IN_DOUBT: "being checked",
    State.HELD: "held",
    State.REJECTED: "refused",
    State.DELIVERED: "delivered",
    State.PICKED_UP: "picked up",
    State.SKIPPED: "closed",
    State.CANCELLED: "cancelled",
    State.SUPERSEDED: "replaced",
}


def state_words(state: str) -> str:
    """A state as people call it: `refused` for REJECTED."""
    return _STATES[State(state)]


def needs_person(record: Record) -> bool:
    """Refused for good, or held for a decision or a setting that somebody has to make.

    What waits for another document goes on by itself, and what shadow mode holds is as it was asked for. But an
    invoice or a shipment of ours whose order is not there may name it wrong.
    """
    alone = record.waits_for.split("/")[1:2] in (["live"], [record.key.direction])
    return record.state is State.REJECTED or (record.state is State.HELD and not alone)


def summary_of(record: Record) -> dict[str, Any]:
    key = record.key
    return {
        "id": key.id,
        "connection": key.connection,
        "direction": key.direction,
        "partner": key.partner,
        "type": key.type,
        "number": key.number,
        "state": str(record.state),
        "revision": record.revision,
        "amount": record.amount,
        "currency": record.currency,
        "date": record.date,
        "updated": record.updated,
        "entered": record.entered,
        "attempts": record.attempt,
        "duplicates": record.duplicates,
        "remote_id": record.remote_id,
        "reference": record.reference,
        "reason": dict(record.reason),
        "waits_for": record.waits_for,
    }


def differences(sent: Any, now: Any, field: str = "") -> Iterator[dict[str, Any]]:
    """Field by field what differs; lists are compared by position."""
    if isinstance(sent, Mapping) and isinstance(now, Mapping):
        for name in [*sent, *(name for name in now if name not in sent)]:
            yield from differences(sent.get(name), now.get(name), f"{field}.{name}" if field else name)
    elif isinstance(sent, list) and isinstance(now, list):
        for index in range(max(len(sent), len(now))):
            before = sent[index] if index < len(sent) else None
            after = now[index] if index < len(now) else None
            yield from differences(before, after, f"{field}[{index}]")
    elif sent != now:
        yield {"field": field, "sent": sent, "now": now}
