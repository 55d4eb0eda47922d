"""The polls: which files lie at SPS, and which invoices and bills are not as the connector last looked at them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector import errors
from connector.usecases.offers import worth_a_message
from connector.usecases.sightings import TOPIC, version_of
from connector.usecases.webhooks import Noun, hint
from connector.usecases.world import LONG_QUEUE

if TYPE_CHECKING:
    from connector.documents.freshbooks import Bill, Invoice
    from connector.usecases.world import World

SPS_LEASE_SECONDS = 180.0
FRESHBOOKS_LEASE_SECONDS = 300.0
SETTLED = "settled"
OVERLAP_DAYS = 1
SHELF = 50
SHELVES = 2500  # of each of the four lists: what is noted of them has to fit in one item of the table
_EASTERN = ZoneInfo("America/New_York")


def poll_sps(world: World) -> int:
    """Send a message for every file in the mailbox that none is waiting for; how many. One poller at a time.

    Always from the top: a cursor belongs to one listing, and a file stays listed until it is deleted.
    """
    with world.leases.hold(f"{world.id}/poll-sps", SPS_LEASE_SECONDS) as fence:
        if fence is None:
            world.report("poll skipped, another one is running")
            return 0
        run = world.new_id()
        listed = [entry.path for entry in world.sps.list(world.connection.sps.inbox) if entry.type == "file"]
        found, note = worth_a_message(world, listed)
        messages = [
            {"connection": world.id, "correlation_id": f"{run}.{n}", **one} for n, one in enumerate(found, 1)
        ]
        world.queues.sps_files_to_map.send(messages)
        if note:
            world.notes.write(world.id, "mailbox", "sent", note)
        world.notes.write(
            world.id, "poll", "sps", {"at": world.clock.now(), "files": len(listed), "run": run}
        )
        world.report("mailbox polled", files=len(messages), run=run)
        return len(messages)


def poll_freshbooks(world: World) -> int:
    """Send a hint for every invoice and bill that is not as the ledger last saw it; how many.

    Invoices by `updated_min` with a day's overlap (FreshBooks filters by US/Eastern days); bills in full,
    as nothing filters them by change, and only where some partner is sent them. Deleted ones are a list of their own.
    """
    with world.leases.hold(f"{world.id}/poll-freshbooks", FRESHBOOKS_LEASE_SECONDS) as fence:
        if fence is None:
            world.report("poll skipped, another one is running")
            return 0
        if world.queues.records_to_map.depth() >= LONG_QUEUE:
            # the note of the last poll stays, so the next one makes good for it
            world.report("poll skipped, the queue is long")
            return 0
        started = world.clock.now()
        since = _since((world.notes.read(world.id, "poll", "freshbooks") or {}).get("at"))
        run = world.new_id()
        hints: list[dict[str, Any]] = []
        before = world.notes.read(world.id, SETTLED, "freshbooks") or {}
        settled: dict[str, dict[str, str]] = {}
        sends_bills = any(pack.bills.send for pack in world.packs().values())
        for deleted in (False, True):
            invoices: Iterable[Invoice] = world.freshbooks.list_invoices(since, deleted=deleted)
            bills: Iterable[Bill] = world.freshbooks.list_bills(deleted=deleted) if sends_bills else ()
            listed: tuple[tuple[Noun, Iterable[Invoice | Bill]], ...] = (
                ("invoice", invoices),
                ("bill", bills),
            )
            for noun, records in listed:
                name = f"deleted {noun}s" if deleted else f"{noun}s"
                settled[name] = {}
                for record in _unseen(world, noun, records, deleted, before.get(name, {}), settled[name]):
                    correlation_id = f"{run}.{len(hints) + 1}"
                    hints.append(hint(world.id, noun, record.id, f"{noun}.polled", correlation_id))
        world.queues.records_to_map.send(hints)
        if settled != before:  # apart from when it polled, which is asked for often and this never
            world.notes.write(world.id, SETTLED, "freshbooks", settled)
        world.notes.write(world.id, "poll", "freshbooks", {"at": started})
        world.report("books polled", hints=len(hints), run=run)
        return len(hints)


def _unseen(
    world: World,
    noun: Noun,
    records: Iterable[Invoice | Bill],
    deleted: bool,
    before: Mapping[str, str],
    settled: dict[str, str],
) -> Iterator[Invoice | Bill]:
    """The records that were not looked at in this version; of deleted ones only those that were ever looked at.

    A record is listed for a day or two, a bill always, and what was last seen of it is a note. So notes are read by the
    shelf, records of neighbouring ids, and not where all on it are as they were `before`, when each had been looked at.
    Of more shelves than `SHELVES` several stand for one.
    """
    shelves: dict[str, dict[str, Invoice | Bill]] = {}
    for record in _if_the_plan_has(world, records):
        shelves.setdefault(str(record.id // SHELF % SHELVES), {})[f"{noun}:{record.id}"] = record
    for shelf, there in shelves.items():
        versions = {name: version_of(record) for name, record in there.items()}
        mark = hashlib.sha256(repr(sorted(versions.items())).encode()).hexdigest()[:12]
        if before.get(shelf) == mark:
            settled[shelf] = mark
            continue
        seen = {
            name: note["version"] for name, note in world.notes.read_many(world.id, TOPIC, versions).items()
        }
        if seen == versions:
            settled[shelf] = mark
        for name, record in there.items():
            if seen[name] != versions[name] if name in seen else not deleted:
                yield record


def _if_the_plan_has(world: World, records: Iterable[Invoice | Bill]) -> Iterator[Invoice | Bill]:
    """The records, or none where FreshBooks' plan lacks them: that must not keep us from the others."""
    try:
        yield from records
    except errors.PlanLacksFeature as error:
        world.report("the plan lacks what the poll asks for", error=error.code)


def _since(last: str | None) -> date | None:
    if not last:
        return None
    return datetime.fromisoformat(last).astimezone(_EASTERN).date() - timedelta(days=OVERLAP_DAYS)
