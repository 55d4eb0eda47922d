"""Doing a document again: what would be sent now, what differs from what was sent, and a forced resend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import IN_FLIGHT, DocumentKey, Record, State
from connector.usecases import inbound, outbound_plans
from connector.usecases.arrivals import replay_message, said
from connector.usecases.orders import ACCEPTED, RESENT
from connector.usecases.summaries import differences, state_words

if TYPE_CHECKING:
    from connector.usecases.arrivals import Planned
    from connector.usecases.world import World

_REPLAYABLE = frozenset({State.HELD, State.REJECTED, State.RECEIVED, State.MAPPED})
_RESENDABLE = frozenset({State.DELIVERED, State.PICKED_UP, State.SKIPPED})


def found(world: World, key: DocumentKey) -> Record:
    record = world.ledger.get(key)
    if record is None:
        raise errors.BadUse(f"there is no document {key.id}", code="no_such_document")
    return record


def preview(world: World, key: DocumentKey) -> dict[str, Any]:
    """What replaying would do, without doing it: `{"outcome", "document", "differences"}`.

    The mapping runs on the archived input with today's settings. `differences` compares with what was mapped
    when the document was last sent: `[{"field", "sent", "now"}]`.
    """
    record = found(world, key)
    told: dict[str, Any] = {"id": key.id, "state": str(record.state), "differences": []}
    world.forget_packs()
    try:
        planned = _plan(world, record)
    except errors.Parked as error:
        return {
            **told,
            "outcome": "held",
            "document": error.document if isinstance(error, errors.CheckFailed) else None,
            "reason": {"code": error.code, "message": error.message, "fix": error.fix},
        }
    if planned.document is None:
        return {**told, "outcome": planned.state.lower(), "note": planned.note}
    sent = _sent(world, record)
    changed = [] if sent is None else list(differences(sent, planned.document))
    outcome = (
        "sent" if record.state in _REPLAYABLE else "nothing: it is delivered, and is sent again only by force"
    )
    return {**told, "outcome": outcome, "document": planned.document, "differences": changed}


def replay(world: World, key: DocumentKey, *, who: str, reason: str = "", force: bool = False) -> Record:
    """Send a document through its mapping again, from its archived input.

    Parked, refused and unfinished ones at once, by force also past what only a person can decide; a delivered
    one only by force, as a new revision, so that the trading partner sees a replacement and not a second
    original. Force needs a reason.
    """
    record = found(world, key)
    now = world.clock.now()
    if force:
        reason = said(reason, "documents are forced only with a reason")
    if record.state in IN_FLIGHT:
        raise errors.Busy("the document is being delivered right now", retry_after=60)
    if record.state in _REPLAYABLE:
        again = record.step(
            ACCEPTED if force else "replayed",
            now=now,
            who=who,
            to=State.RECEIVED,
            note=reason or "asked for by a person",
            reason={},
            waits_for="",
        )
    elif force and record.state in _RESENDABLE:
        again = record.revised(now=now, who=who, what=RESENT, note=reason)
    else:
        raise errors.CheckFailed(
            f"the document is {state_words(record.state)}: there is nothing to replay",
            code="nothing_to_replay",
            fix="a delivered document is sent again only by force, with a reason",
        )
    if world.ledger.save(again, record.version) is not None:
        raise errors.Busy("the record moved on meanwhile", code="record_moved", retry_after=1)
    queue = world.queues.sps_files_to_map if key.direction == "in" else world.queues.records_to_map
    queue.send([replay_message(key, world.new_id())])
    return again


def resolve(world: World, key: DocumentKey, *, who: str, reason: str) -> Record:
    """Close a parked or refused document that a person has dealt with; the same content is not taken up again."""
    record = found(world, key)
    reason = said(reason, "say how it was dealt with")
    if record.state not in (State.HELD, State.REJECTED):
        raise errors.CheckFailed(
            f"the document is {state_words(record.state)}: nothing waits for a person",
            code="nothing_to_resolve",
        )
    closed = record.step(
        "resolved", now=world.clock.now(), who=who, to=State.SKIPPED, note=reason, reason={}, waits_for=""
    )
    if world.ledger.save(closed, record.version) is not None:
        raise errors.Busy("the record moved on meanwhile", code="record_moved", retry_after=1)
    return closed


def possible(state: str) -> frozenset[str]:
    """What a person may do with a document in this state: replay, force, resolve, hold."""
    actions = set()
    if state in _REPLAYABLE:
        actions.add("replay")
    if state in _RESENDABLE:
        actions.add("force")
    if state in (State.HELD, State.REJECTED):
        actions.add("resolve")
    if state in (State.RECEIVED, State.MAPPED):
        actions.add("hold")
    return frozenset(actions)


def hold_back(world: World, key: DocumentKey, *, who: str, reason: str) -> Record:
    """Keep a document that has not been claimed yet from being sent, until somebody replays it."""
    record = found(world, key)
    reason = said(reason, "say why it is held")
    if "hold" not in possible(record.state):
        raise errors.CheckFailed(
            f"the document is {state_words(record.state)}: it can no longer be held back",
            code="nothing_to_hold",
        )
    because = {
        "code": "held_by_person",
        "message": f"held back: {reason}",
        "fix": "replay it when it may go on, or mark it resolved",
    }
    held = record.step(
        "held", now=world.clock.now(), who=who, to=State.HELD, note=reason, reason=because, waits_for=""
    )
    if world.ledger.save(held, record.version) is not None:
        raise errors.Busy("the record moved on meanwhile", code="record_moved", retry_after=1)
    return held


def _plan(world: World, record: Record) -> Planned:
    if record.key.direction == "in":
        return inbound.plan_again(world, record)
    return outbound_plans.plan_again(world, record)


def _sent(world: World, record: Record) -> Any:
    """What was mapped when this revision, or else the last one before it, was sent."""
    payloads = [past["payloads"] for past in record.revisions] + [record.payloads]
    pointer = next((one["exchange"] for one in reversed(payloads) if "exchange" in one), None)
    return json.loads(world.archive.get(world.id, pointer))["mapped"] if pointer else None
