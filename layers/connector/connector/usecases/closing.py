"""Close-out: a PO-bill that has done its work is deleted in FreshBooks, so that it is no payable any more.

A close-out is a document of its own beside its order (`.../close_out/<PO number>`), made only when a person asks
for it, and goes through claim, effect, confirm like any other; `targets.CloseOutTarget` looks at the bill before
and reads it back after. FreshBooks keeps what is deleted: it can be brought back there. Whoever did that may have
had a reason: such a bill is held, and closed out again only by force.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import Record, State
from connector.usecases.arrivals import Planned, settle
from connector.usecases.orders import known_remote_id

if TYPE_CHECKING:
    from connector.ledger import DocumentKey
    from connector.usecases.world import World

CLOSE_OUT = "close_out"


def close_out(world: World, order: DocumentKey, *, who: str, why: str) -> Record:
    """Have the bill of an order closed out; the close-out's record. Asking twice closes once.

    Asking again after it is done looks again, as a revision: the bill may have been brought back.
    """
    record = world.ledger.get(order)
    if record is None:
        raise errors.BadUse(f"there is no document {order.id}", code="no_such_document")
    bill_id = known_remote_id(record) or record.remote_id
    if not bill_id.isdecimal():
        raise errors.CheckFailed(
            "nothing says which bill the order became", code="no_bill", fix="close it in FreshBooks by hand"
        )
    asked: dict[str, Any] = {
        "order": order.id,
        "bill": bill_id,
        "why": why,
        "amount": record.amount,
        "currency": record.currency,
    }
    key = order._replace(type=CLOSE_OUT)
    before = world.ledger.get(key)
    if before is not None and (closed := _times_closed(before)):
        asked["closed"] = closed
    received = world.archive.put(world.id, json.dumps(asked, sort_keys=True).encode())
    return _settle(world, key, asked, received, world.new_id(), who)


def close_again(world: World, record: Record, correlation_id: str, who: str) -> None:
    """Send an open close-out on again, from what was asked."""
    _settle(world, record.key, _asked(world, record), record.payloads["received"], correlation_id, who)


def plan_again(world: World, record: Record) -> Planned:
    return _plan(_asked(world, record), record)


def _settle(
    world: World, key: DocumentKey, asked: dict[str, Any], received: str, correlation_id: str, who: str
) -> Record:
    # the bill is its content: however often and for whatever reason it is asked for, it is closed once
    content = " ".join(str(asked[name]) for name in ("order", "bill", "closed") if name in asked)
    return settle(
        world,
        key,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        rank="",
        source=asked["why"],
        received=received,
        correlation_id=correlation_id,
        who=who,
        plan=partial(_plan, asked),
        queue=world.queues.bills_to_push,
    )


def _times_closed(record: Record) -> int:
    return [record.state, *(past["state"] for past in record.revisions)].count(State.DELIVERED)


def _plan(asked: dict[str, Any], record: Record) -> Planned:
    return Planned(
        document={"close_out": asked["bill"]},
        note=asked["why"],
        amount=asked["amount"],
        currency=asked["currency"],
        date=record.created[:10],
    )


def _asked(world: World, record: Record) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(world.archive.get(world.id, record.payloads["received"]))
    return asked
