"""One record of FreshBooks is one document of ours, whatever number or partner somebody gives it later.

A document's identity is its number. A record that is numbered anew, or moved to another partner's order, would be
a second document, and the partner would be billed twice. So the documents of a record are noted with it (`sightings`):
what was never sent is superseded by the new one, what was sent holds it for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector import errors
from connector.ledger import IN_FLIGHT, OPEN, DocumentKey, Record, State
from connector.usecases.arrivals import hold
from connector.usecases.corrections import has
from connector.usecases.cut_over import is_registered

if TYPE_CHECKING:
    from connector.usecases.arrivals import Plan, Planned
    from connector.usecases.sightings import Sighting
    from connector.usecases.world import World


def one_document(
    world: World, sighting: Sighting, kind: str, key: DocumentKey, plan: Plan, *, who: str
) -> Plan:
    """The plan of document `key` made of a FreshBooks record, unless that is another document already."""

    def guarded(record: Record) -> Planned:
        if record.state not in IN_FLIGHT:  # what is on its way is asked about, whatever became of its number
            known = sighting.documents.get(kind, key.id)
            earlier = world.ledger.get(DocumentKey.of(known)) if known != key.id else None
            if earlier is not None:
                _end(world, earlier, key, who)
            sighting.documents[kind] = key.id
        return plan(record)

    return guarded


def leave_behind(world: World, earlier: Record, key: DocumentKey, who: str) -> None:
    """End a document whose record is document `key` by now, or hold it where something of it was sent.

    Its worker may have died before it could note what it had made; or a person replays what was numbered anew.
    """
    try:
        _end(world, earlier, key, who)
    except errors.CheckFailed as error:
        held = hold(earlier, error, now=world.clock.now(), who=who)
        if held.version != earlier.version:
            _save(world, held, earlier)


def _end(world: World, earlier: Record, key: DocumentKey, who: str) -> None:
    number = earlier.key.number
    if earlier.state in IN_FLIGHT:
        raise errors.Busy(f"{number} is on its way", code="earlier_revision_in_flight", retry_after=30)
    if is_registered(earlier) or has(world, earlier):
        raise errors.CheckFailed(
            f"FreshBooks' record was sent as {number} before",
            code="renumbered_after_sending",
            fix=f"give it the number and the order of {number} back; or take {number} back with the partner,"
            " and write a new one",
        )
    if earlier.state in OPEN:
        end_as_moved(world, earlier, key, who)


def end_as_moved(world: World, earlier: Record, key: DocumentKey, who: str) -> None:
    """End a document that goes on as document `key`."""
    ended = earlier.step(
        "superseded",
        now=world.clock.now(),
        who=who,
        to=State.SUPERSEDED,
        note=f"now {key.type} {key.number}",
        reason={},
        waits_for="",
    )
    _save(world, ended, earlier)


def _save(world: World, record: Record, before: Record) -> None:
    if world.ledger.save(record, before.version) is not None:
        raise errors.Busy("the earlier document moved on", code="record_moved", retry_after=2)
