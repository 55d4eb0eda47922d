"""What runs on a schedule so that nothing stays behind: doubts, lost messages, pick-ups, missed wake-ups, polls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING

from connector import errors
from connector.ledger import ON_THE_WAY, State, revision_began
from connector.usecases.acknowledging import mind_deadlines
from connector.usecases.arrivals import replay_message, resume
from connector.usecases.waiting import Look
from connector.usecases.world import LONG_QUEUE, POLL_MINUTES

if TYPE_CHECKING:
    from connector.ledger import Record
    from connector.usecases.world import World

STALE_MINUTES = 15
HISTORY_MARGIN_MINUTES = 10
MISSED_POLLS = 3
PICK_UP_DAYS = 14
WHO = "resolve_in_doubt"


def resolve_in_doubt(world: World) -> dict[str, int]:
    """Send on every document that nobody works on any more; how many of which kind.

    A document that is mapped, claimed or in doubt goes through its mapping again: the mapping is pure and
    the claim absorbs repeats, and where the outcome is unknown the push asks the target first. At most
    `LONG_QUEUE` of them a run and direction, and none while as many messages are at work.
    """
    done = {"resumed": 0, "woken": 0}
    look, queues = Look(world), world.queues
    for direction, mapped, pushed in (
        ("in", queues.sps_files_to_map, queues.bills_to_push),
        ("out", queues.records_to_map, queues.rsx_to_push),
    ):
        if mapped.depth() + pushed.depth() >= LONG_QUEUE:
            world.report("upkeep leaves a long queue alone", what=direction)
            continue
        left = [
            replay_message(record.key, record.correlation_id or world.new_id())
            for record in islice(_stale(world, direction), LONG_QUEUE)
        ]
        mapped.send(left)
        done["resumed"] += len(left)
        done["woken"] += _wake(world, direction, look)
    done |= {"picked_up": _picked_up(world), "acknowledged": mind_deadlines(world)}
    _watch_polls(world)
    world.report("upkeep done", **done)
    return done


def _stale(world: World, direction: str) -> Iterator[Record]:
    before = _ago(world, STALE_MINUTES)
    for record in world.ledger.in_states(world.id, direction, {State.IN_DOUBT}):
        if doubted_since(record) < before:
            world.report("document long in doubt", document=record.key.id)
        yield record
    on_the_way = world.ledger.in_states(world.id, direction, ON_THE_WAY, before)
    first = next(on_the_way, None)
    world.ledger.settled(world.id, direction, first.entered if first else before)
    for record in chain([first] if first else (), on_the_way):
        if record.updated < before:
            yield record


def doubted_since(record: Record) -> str:
    """When the outcome of the present revision was first unknown."""
    doubts = (
        event.at
        for event in record.history
        if event.revision == record.revision and event.to_state == State.IN_DOUBT
    )
    return next(doubts, record.updated)


def _watch_polls(world: World) -> None:
    """Say which vendor has not been polled to the end for three of its intervals, for whatever reason.

    Asked here, where every connection is looked after: a schedule that is gone cannot tell of itself.
    """
    polls = world.notes.read_all(world.id, "poll")
    every = {**POLL_MINUTES, **polls.get("every", {})}
    for poller in POLL_MINUTES:
        last = polls.get(poller, {}).get("at") or every.get("since", "")
        if last and last < _ago(world, MISSED_POLLS * int(every[poller])):
            world.report("poll overdue", what=poller)


def _ago(world: World, minutes: int) -> str:
    return (datetime.fromisoformat(world.clock.now()) - timedelta(minutes=minutes)).isoformat()


def _wake(world: World, direction: str, look: Look) -> int:
    """Resume documents whose wait is over and whom nobody woke, or for which only a look at a vendor tells."""
    waits = sorted(world.ledger.awaited(world.id, direction))
    return sum(resume(world, what) for what in waits if look.sees(what, direction))


def _picked_up(world: World) -> int:
    """Mark what SPS has taken from our outbox, by its history.

    A file that nobody took for two weeks is no longer looked for: each look would read all of SPS's history since.
    """
    since = _ago(world, PICK_UP_DAYS * 24 * 60)
    waiting = {
        record.reference.lstrip("/"): record
        for record in world.ledger.in_states(world.id, "out", {State.DELIVERED}, since=since)
    }
    if not waiting:
        return 0
    oldest = datetime.fromisoformat(min(revision_began(record) for record in waiting.values()))
    # it was there before we noted it
    after = (oldest - timedelta(minutes=HISTORY_MARGIN_MINUTES)).isoformat()[:19]
    count = 0
    try:
        entries = list(world.sps.history(after=after))
    except errors.NotSent:
        return 0
    for entry in entries:
        is_taken = {"downloaded", "deleted"} & set(entry.statuses)
        record = waiting.pop(entry.path.lstrip("/"), None) if is_taken else None
        if record is not None:
            taken = record.step("picked up", now=world.clock.now(), who=WHO, to=State.PICKED_UP)
            count += world.ledger.save(taken, record.version) is None
    return count
