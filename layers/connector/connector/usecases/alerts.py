"""What somebody has to hear of, and one message about what is new of it: a digest, not a flood.

A thing is told once, when it begins; its key changes when it becomes another thing (a document's next reason, a
queue that grew). What is told and still there is only counted in later messages.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from connector.catalogue import explain
from connector.ledger import Record, State
from connector.usecases import packs
from connector.usecases.overview import health
from connector.usecases.registering import AGAIN
from connector.usecases.summaries import needs_person

if TYPE_CHECKING:
    from connector.ports import Notes
    from connector.usecases.world import World

LATE_POLLS = 3
LATE_COMPARISON = timedelta(days=2)
LOOKED_AT = 1000
SHOWN = 15
WHO = "send_digest"
# a partner stops by itself at so many refusals in a day, if they are more than a fifth and out of its band
LEAST_REFUSALS = 5
LEAST_RATE = 0.2
BAND_DAYS = 30
DONE = (State.DELIVERED, State.PICKED_UP, State.SKIPPED)


@dataclass(frozen=True, slots=True)
class Alert:
    """`key` is what makes it the same thing as last time; `place` is where the console shows it."""

    key: str
    kind: str
    title: str
    why: str
    fix: str
    place: str = ""


def alerts(world: World) -> list[Alert]:
    """Everything of one connection that needs somebody now, the machinery first."""
    return [*_sides(world), *_reconcile(world), *_partners(world), *_documents(world)]


def queue_alerts(failed: Mapping[str, int]) -> list[Alert]:
    """Failed queues that are not empty. They belong to the stack, not to one connection."""
    return [
        Alert(
            f"queue/{name}/{_magnitude(count)}",
            "queue",
            f"{count} messages of {name.replace('_', ' ')} gave up",
            "they failed at every try",
            "look at the documents that they name, then put them back",
            "#/queues",
        )
        for name, count in failed.items()
        if count
    ]


def digest(
    notes: Notes,
    found: Iterable[tuple[str, Alert]],
    console: str,
    send: Callable[[str, str], None],
    *,
    whole: bool = True,
) -> dict[str, int]:
    """Send one message about what is new among (connection, alert) pairs: `{"new": n, "open": m}`.

    What was told is noted down after it was sent: a crash in between repeats a message, and loses none. Where not
    every connection could be looked at (not `whole`), nothing that was told is forgotten.
    """
    there = {_mark(f"{connection}/{alert.key}"): (connection, alert) for connection, alert in found}
    told = set((notes.read("", "digest", "told") or {}).get("keys", ()))
    new = {key: pair for key, pair in there.items() if key not in told}
    if new:
        send(*message(list(new.values()), [alert for _, alert in there.values()], console))
    keys = set(there) if whole else told | set(there)
    if keys != told:
        notes.write("", "digest", "told", {"keys": sorted(keys)})
    return {"new": len(new), "open": len(there)}


def message(new: list[tuple[str, Alert]], open_: list[Alert], console: str) -> tuple[str, str]:
    """Subject and text. The subject is short and ASCII, as e-mail by SNS wants it."""
    kinds = Counter(alert.kind for _, alert in new)
    subject = "Connector: " + ", ".join(f"{n} {_KINDS[kind][n != 1]}" for kind, n in kinds.items())
    lines = [f"New since the last message: {len(new)}. Open in all: {len(open_)}.", ""]
    for connection, alert in new[:SHOWN]:
        lines += [f"- {connection + ': ' if connection else ''}{alert.title}", f"  Why: {alert.why}"]
        lines += [f"  What to do: {alert.fix}"] if alert.fix else []
        lines += [f"  {console}{_address(alert.place, connection)}", ""]
    if len(new) > SHOWN:
        lines.append(f"... and {len(new) - SHOWN} more: {console}#/documents?state=person")
    return subject.encode("ascii", "replace").decode()[:100], "\n".join(lines)


_KINDS = {
    "document": ("document needs a person", "documents need a person"),
    "token": ("to be authorized again", "to be authorized again"),
    "webhooks": ("connection without webhooks", "connections without webhooks"),
    "poll": ("poll is late", "polls are late"),
    "queue": ("queue with failed messages", "queues with failed messages"),
    "partner": ("partner stopped", "partners stopped"),
    "reconcile": ("unexplained", "unexplained"),
}


def _address(place: str, connection: str) -> str:
    """The place in the console, and of which connection it is where the place does not say so."""
    if not connection or "?id=" in place:
        return place
    return f"{place}{'&' if '?' in place else '?'}connection={connection}"


def _documents(world: World) -> Iterator[Alert]:
    for state in (State.REJECTED, State.HELD):
        for way in ("in", "out"):
            for record in islice(world.ledger.newest(world.id, way, {state}), LOOKED_AT):
                if needs_person(record):
                    yield _document(record)


def _document(record: Record) -> Alert:
    key, reason = record.key, record.reason
    entry = explain(reason.get("code", ""))
    return Alert(
        f"document/{key.id}/{record.revision}/{reason.get('code', '')}",
        "document",
        f"{key.type} {key.number} of {key.partner} "
        + ("was refused" if record.state is State.REJECTED else "is held"),
        reason.get("message", ""),
        reason.get("fix") or (entry.fix if entry else ""),
        f"#/document?id={quote(key.id, safe='')}",
    )


def _sides(world: World) -> Iterator[Alert]:
    now = datetime.fromisoformat(world.clock.now())
    told = health(world)
    if told["freshbooks"]["stranded"]:
        yield Alert(
            "token/freshbooks",
            "token",
            "FreshBooks has to be authorized again",
            "its refresh token is used up; queues wait and nothing is lost",
            "authorize it in the console, or with `connector authorize`",
            "#/connect",
        )
    if silent := told["freshbooks"]["silent"]:
        yield Alert(
            f"webhooks/{'+'.join(silent)}",
            "webhooks",
            f"FreshBooks does not call when {' or '.join(noun + 's' for noun in silent)} change",
            "; ".join(f"{noun}: {why}" for noun, why in silent.items())
            + f". Changes are seen by the poll, up to {told['freshbooks']['minutes']} minutes later",
            f"{AGAIN}. Where it happens again, see whether that address can be reached from the internet",
            "#/connect",
        )
    for side, name in (("sps", "SPS"), ("freshbooks", "FreshBooks")):
        last, minutes = told[side]["last_poll"] or told[side]["since"], told[side]["minutes"]
        late = (
            minutes and last and now - datetime.fromisoformat(last) > timedelta(minutes=LATE_POLLS * minutes)
        )
        if late:
            yield Alert(
                f"poll/{side}/{last}",
                "poll",
                f"{name} was not looked at since {last[:16]} UTC",
                f"a poll is due every {minutes} minutes",
                "try both vendors step by step; if all is well, look at the schedule and the log of the poll",
                "#/connect",
            )


def _reconcile(world: World) -> Iterator[Alert]:
    sides = health(world)
    told = sides["reconcile"]
    last = told["at"] or sides["sps"]["since"]
    now = datetime.fromisoformat(world.clock.now())
    if last and now - datetime.fromisoformat(last) > LATE_COMPARISON:
        yield Alert(
            f"reconcile/late/{last}",
            "reconcile",
            f"FreshBooks, SPS and the ledger were not compared since {last[:16]} UTC",
            "they are compared every night",
            "run `connector reconcile`; then look at the schedule and the log of reconcile_documents",
            "#/reconcile",
        )
    if told["unexplained"]:
        yield Alert(
            f"reconcile/{told['at']}",
            "reconcile",
            f"{told['unexplained']} documents are unexplained",
            "the nightly comparison found at a vendor what the ledger does not account for",
            "look at each; `connector reconcile` compares again",
            "#/reconcile",
        )


def _partners(world: World) -> Iterator[Alert]:
    """Partners whose refusals left their band today, each stopped: set to shadow, so that the others go on."""
    stops = world.notes.read_all(world.id, "stopped")
    rates = _rates(world)
    for partner in dict.fromkeys([*rates, *stops]):
        pack, figures = world.packs().get(partner), rates.get(partner)
        stopped = stops.get(partner, {})
        if pack is not None and pack.mode == "live" and figures and _out_of_band(**figures):
            packs.switch(world, partner, "shadow", who=WHO)
            stopped = {"at": world.clock.now(), **figures}
            world.notes.write(world.id, "stopped", partner, stopped)
        elif pack is not None and pack.mode == "shadow" and stopped:
            pass  # still stopped, and still to be told of until it is live again
        else:
            continue
        yield Alert(
            f"partner/{partner}/{stopped['at']}",
            "partner",
            f"{pack.vendor_name} is stopped: {stopped['refused']} of {stopped['recent']} documents were refused",
            "that is out of its band; its documents are held, and those of other partners go on",
            "mend what the refusals say, try the pack on past documents, then switch the partner live",
            "#/partners",
        )


def _rates(world: World) -> dict[str, dict[str, int]]:
    """Answers of the last day by partner, and of the month before: how many, and how many of them refusals.

    For a partner that was stopped the day begins then: whoever switched it live again knows what was before.
    """
    now = datetime.fromisoformat(world.clock.now())
    day, month = (now - timedelta(days=1)).isoformat(), (now - timedelta(days=BAND_DAYS)).isoformat()
    stops = {name: note["at"] for name, note in world.notes.read_all(world.id, "stopped").items()}
    rates: dict[str, dict[str, int]] = {}
    for state in (State.REJECTED, *DONE):
        if all(figures["refused"] < LEAST_REFUSALS for figures in rates.values()) and state in DONE:
            break  # nobody can be out of a band; reading a month four times an hour costs more than its documents
        for way in ("in", "out"):
            for record in islice(world.ledger.newest(world.id, way, {state}), LOOKED_AT):
                if record.entered < month:
                    break
                begins = max(day, stops.get(record.key.partner, ""))
                name = "recent" if record.entered >= begins else "before"
                figures = rates.setdefault(
                    record.key.partner, {"recent": 0, "refused": 0, "before": 0, "refused_before": 0}
                )
                figures[name] += 1
                if state is State.REJECTED:
                    figures["refused" if name == "recent" else "refused_before"] += 1
    return rates


def _out_of_band(recent: int, refused: int, before: int, refused_before: int) -> bool:
    """A p-chart: more refusals than the partner's own rate explains, by three standard deviations."""
    if refused < LEAST_REFUSALS or refused < LEAST_RATE * recent:
        return False
    usual = refused_before / before if before else 0.0
    return refused / recent > usual + 3 * math.sqrt(usual * (1 - usual) / recent)


def _mark(key: str) -> str:
    """A key as it is noted down: thousands have to fit into one item of the table."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _magnitude(count: int) -> int:
    """A queue is told of anew each time that it has grown tenfold."""
    return len(str(count))
