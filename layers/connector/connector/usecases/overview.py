"""What a person sees first: how much is on its way, what needs somebody, whether both sides are well."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector import errors
from connector.catalogue import explain
from connector.ledger import FINAL, Record, State, revision_began
from connector.usecases.registering import noted_silent
from connector.usecases.summaries import needs_person, summary_of
from connector.usecases.world import POLL_MINUTES, as_text

if TYPE_CHECKING:
    from connector.usecases.world import World

DAYS = 14
COUNTED = 5000
SHOWN = 8
# upper bounds of the time to deliver, in seconds, and what they are called
STEPS = ((60, "under 1 min"), (300, "1 to 5 min"), (3600, "5 to 60 min"), (86400, "1 to 24 h"))
LATER = "over a day"


def overview(world: World, zone: str = "UTC") -> dict[str, Any]:
    """Figures of the last two weeks in the days of `zone`, and everything that is open, however old.

    At most `COUNTED` records of each are counted; `complete` says whether that was all.
    """
    there = _zone(zone)
    now = datetime.fromisoformat(world.clock.now())
    since = (now - timedelta(days=DAYS)).isoformat()
    waiting = _first(world, frozenset(State) - FINAL | {State.REJECTED}, "")
    recent = _first(world, frozenset(State), since)
    person = [record for record in waiting if needs_person(record)]
    open_ = [record for record in waiting if record.state not in FINAL]
    reasons = dict(Counter(record.reason.get("code", "") for record in person).most_common(SHOWN))
    today = now.astimezone(there).date().isoformat()
    days: defaultdict[str, Counter[str]] = defaultdict(Counter)
    partners: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for record in recent:
        day = datetime.fromisoformat(record.entered).astimezone(there).date().isoformat()
        days[day][record.state] += 1
        if day == today:
            partners[record.key.partner][record.state] += 1
    first = now.astimezone(there).date()
    calendar = [(first - timedelta(days=back)).isoformat() for back in reversed(range(DAYS))]
    return {
        "connection": world.id,
        "at": now.isoformat(),
        "complete": len(waiting) < COUNTED and len(recent) < COUNTED,
        "today": {"states": dict(days[today]), "partners": {name: dict(n) for name, n in partners.items()}},
        "days": [{"day": day, "states": dict(days[day])} for day in calendar],
        "person": {
            "count": len(person),
            "oldest": [summary_of(record) for record in sorted(person, key=_entered)[:SHOWN]],
            "reasons": reasons,
            "words": {code: entry.meaning for code in reasons if (entry := explain(code))},
        },
        "open": len(open_),
        "waiting": sum(1 for record in open_ if record.state is State.HELD and not needs_person(record)),
        "in_doubt": sum(1 for record in open_ if record.state is State.IN_DOUBT),
        "oldest_open": min((record.entered for record in open_), default=""),
        "in_flight": _money(open_),
        "delivery": _delivery(recent),
        "health": health(world),
        "partners": {name: {"name": p.name, "mode": p.mode} for name, p in world.packs().items()},
    }


def health(world: World) -> dict[str, Any]:
    """What each side was last seen to do: `{"sps": {...}, "freshbooks": {...}, "reconcile": {...}}`."""
    polls = world.notes.read_all(world.id, "poll")
    token = world.notes.read(world.id, "token", "refresh") or {}
    nightly = world.notes.read_all(world.id, "reconcile")
    last = nightly.get("last", {})
    every = {**POLL_MINUTES, **polls.get("every", {})}
    sides: dict[str, Any] = {
        side: {
            "last_poll": polls.get(side, {}).get("at") or "",
            "minutes": every[side],
            "next_poll": _next(polls.get(side, {}).get("at"), every[side]),
            "since": every.get("since", ""),
        }
        for side in POLL_MINUTES
    }
    sides["freshbooks"]["stranded"] = "stranded" in token
    sides["freshbooks"]["silent"] = noted_silent(nightly.get("callbacks"))
    sides["reconcile"] = {"at": last.get("at", ""), "unexplained": last.get("unexplained", 0)}
    return sides


def _next(last: str | None, minutes: int) -> str:
    return "" if not last else (datetime.fromisoformat(last) + timedelta(minutes=minutes)).isoformat()


def _first(world: World, states: frozenset[State], since: str) -> list[Record]:
    streams = [world.ledger.newest(world.id, way, states) for way in ("in", "out")]
    merged = heapq.merge(*streams, key=_entered, reverse=True)
    found = []
    for record in islice(merged, COUNTED):
        if record.entered < since:
            break
        found.append(record)
    return found


def _money(records: list[Record]) -> dict[str, str]:
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        if record.amount:
            totals[record.currency] += Decimal(record.amount)
    return {currency: as_text(total) for currency, total in sorted(totals.items())}


def _delivery(records: list[Record]) -> dict[str, Any]:
    """How long documents took from their arrival to the target's yes."""
    seconds = sorted(
        taken for record in records if record.state in (State.DELIVERED, State.PICKED_UP)
        for taken in _seconds(record)
    )  # fmt: skip
    steps: dict[str, int] = {name: 0 for _, name in STEPS} | {LATER: 0}
    for taken in seconds:
        steps[next((name for bound, name in STEPS if taken < bound), LATER)] += 1
    middle = seconds[len(seconds) // 2] if seconds else None
    return {"steps": steps, "median_seconds": middle, "count": len(seconds)}


def _seconds(record: Record) -> list[float]:
    done = next(
        (event.at for event in reversed(record.history) if event.to_state == State.DELIVERED
         and event.from_state != State.DELIVERED), "",
    )  # fmt: skip
    if not done:
        return []
    return [(datetime.fromisoformat(done) - datetime.fromisoformat(revision_began(record))).total_seconds()]


def _entered(record: Record) -> str:
    return record.entered


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise errors.BadUse(f"there is no time zone {name[:40]}", code="no_such_zone") from None
