"""One record of FreshBooks is one document of ours, whatever number or partner somebody gives it later.

A document's identity is its number. A record that is numbered anew, or moved to another partner's order, would be
a second document, and the partner would be billed twice. So the documents of a record are noted with it (`sightings`):
what was never sent is superseded by the new one, what was sent holds it for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector import errors
from connector.findings import Finding, Mapped
from connector.ledger import IN_FLIGHT, OPEN, DocumentKey, Record, State
from connector.rules.checks import RULES
from connector.usecases.arrivals import hold, is_taken
from connector.usecases.corrections import has
from connector.usecases.cut_over import is_registered
from connector.usecases.orders import blocked

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
            # one of another source has taken over a number that this record gave up
            if earlier is not None and earlier.source == sighting.name and not is_aside(earlier):
                _end(world, earlier, key, who)
            sighting.documents[kind] = key.id
        return plan(record)

    return guarded


def leave_behind(world: World, earlier: Record, key: DocumentKey, who: str) -> None:
    """End a document whose record is document `key` by now, or hold it where something of it was sent.

    Its worker may have died before it could note what it had made; or a person replays what was numbered anew.
    """
    if is_aside(earlier):  # that ends when its record has a number of its own
        return
    try:
        _end(world, earlier, key, who)
    except errors.CheckFailed as error:
        held = hold(earlier, error, now=world.clock.now(), who=who)
        if held.version != earlier.version:
            _save(world, held, earlier)


def aside(key: DocumentKey, source: str) -> DocumentKey:
    """Where a record is held whose number is another one's: `A-7 (invoice 20001)`."""
    return key._replace(number=f"{key.number}{_aside(source)}")


def is_aside(record: Record) -> bool:
    return record.key.number.endswith(_aside(record.source))


def reused(number: str, by: Record) -> errors.CheckFailed:
    """What holds the second record of one number; which of the two is right, a person says."""
    rule = RULES["number_reused"]
    message = f"the number {number[:40]!r} is that of {by.source.replace(':', ' ')} in FreshBooks, too"
    place = "Header.InvoiceHeader.InvoiceNumber"
    fix = f"{rule.fix}; if it is the other one that you change, replay this one then"
    return blocked(Mapped({}, [Finding(rule.id, "error", message, place, fix)]))


def stop_aside(world: World, record: Record) -> None:
    """Raise what still holds a record aside; nothing where its number is free by now."""
    if is_aside(record):
        number = record.key.number.removesuffix(_aside(record.source))
        other = world.ledger.get(record.key._replace(number=number))
        if other is not None and is_taken(other, record.source):
            raise reused(number, other)


def take_up(world: World, earlier: DocumentKey, key: DocumentKey, who: str) -> None:
    """End what was held aside: the record is document `key` now."""
    record = world.ledger.get(earlier)
    if record is not None and record.state in OPEN and is_aside(record):
        end_as_moved(world, record, key, who)


def _aside(source: str) -> str:
    return f" ({source.replace(':', ' ')})"


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
