"""Finding documents: the newest in its state first, by what a person knows of them, a page at a time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from connector import errors
from connector.ledger import FINAL, ON_THE_WAY, DocumentKey, Record, State
from connector.usecases.summaries import needs_person, summary_of

if TYPE_CHECKING:
    from connector.ports import Ledger
    from connector.usecases.world import World

LOOKED_AT = 2000
DIRECT = (
    ("in", "order"),
    ("in", "shipment"),
    *(("out", kind) for kind in ("invoice", "asn", "bill", "ack", "credit")),
)
# every kind of document that the ledger keeps; what SPS sent and nobody asked for is kept as what it is
TYPES = (
    *("order", "shipment", "invoice", "credit", "asn", "bill", "ack"),
    *("close_out", "notice", "file", "order_ack"),
)
# words for several states at once, as people ask
GROUPS: dict[str, frozenset[State]] = {
    "": frozenset(State),
    "open": frozenset(State) - FINAL,
    "person": frozenset({State.HELD, State.REJECTED}),
    "done": frozenset({State.DELIVERED, State.PICKED_UP}),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; empty matches everything. `text` is in number, reference, remote id or reason;
    `since` and `until` are dates of when it came to its state; amounts are inclusive."""

    states: frozenset[State] = GROUPS[""]
    person: bool = False
    direction: Literal["", "in", "out"] = ""
    partner: str = ""
    type: str = ""
    text: str = ""
    code: str = ""
    since: str = ""
    until: str = ""
    least: Decimal | None = None
    most: Decimal | None = None

    @staticmethod
    def of(query: Mapping[str, str]) -> Wanted:
        """Read from a query string; BadUse names what makes no sense."""
        state = query.get("state", "")
        if state.lower() in GROUPS:
            states = GROUPS[state.lower()]
        elif state.upper() in list(State):
            states = frozenset({State(state.upper())})
        else:
            known = ", ".join([*State, *filter(None, GROUPS)])
            raise errors.BadUse(
                f"there is no state {state[:20]}", code="no_such_state", fix=f"one of {known}"
            )
        direction = query.get("direction", "")
        if direction not in ("", "in", "out"):
            raise errors.BadUse(
                f"there is no direction {direction[:20]}", code="no_such_direction", fix="in or out"
            )
        since, until = _moment(query, "since"), _moment(query, "until")
        in_sequence(since, until)
        return Wanted(
            states=states,
            person=state.lower() == "person",
            direction=direction,  # type: ignore[arg-type]
            partner=query.get("partner", ""),
            type=known_type(query.get("type", "")),
            text=query.get("text", "").strip(),
            code=query.get("code", ""),
            since=since,
            until=until,
            least=_amount(query, "least"),
            most=_amount(query, "most"),
        )

    def fits(self, record: Record) -> bool:
        return (
            record.state in self.states
            and (not self.person or needs_person(record))
            and self.direction in ("", record.key.direction)
            and self.partner in ("", record.key.partner)
            and self.type in ("", record.key.type)
            and self.code in ("", record.reason.get("code", ""))
            and (not self.since or record.entered >= self.since)
            and (not self.until or record.entered[: len(self.until)] <= self.until)
            and self._fits_amount(record)
            and self._fits_text(record)
        )

    def _fits_amount(self, record: Record) -> bool:
        if self.least is None and self.most is None:
            return True
        if not record.amount:
            return False
        amount = Decimal(record.amount)
        return (self.least is None or amount >= self.least) and (self.most is None or amount <= self.most)

    def _fits_text(self, record: Record) -> bool:
        text = self.text.casefold()
        places = (
            record.key.number,
            record.reference,
            record.remote_id,
            record.source,
            *record.reason.values(),
        )
        return not text or any(text in place.casefold() for place in places)


def known_type(name: str) -> str:
    """A kind of document, or "" for all; BadUse names the known ones."""
    if name and name not in TYPES:
        fix = f"one of {', '.join(TYPES)}"
        raise errors.BadUse(f"there is no kind of document {name[:20]}", code="no_such_type", fix=fix)
    return name


def in_sequence(since: str, until: str) -> None:
    """BadUse where a window ends before it begins, compared as `Wanted.fits` does: up to what `until` names."""
    if since and until and since[: len(until)] > until:
        raise errors.BadUse(
            f"nothing is both since {since[:19]} and until {until[:19]}",
            code="window_reversed",
            fix="the earlier one is since, the later one until",
        )


def search(world: World, wanted: Wanted, *, cursor: str = "", limit: int = 50) -> dict[str, Any]:
    """`{"documents": [...], "cursor": text or "", "looked_until": instant or ""}`, the newest in its state first.

    One page reads at most `LOOKED_AT` records; where that was not enough to fill it, `looked_until` says how
    far back it has looked and the cursor goes on from there. A text that is a document's whole number is
    found however long ago it was.
    """
    place = tuple(cursor.split("|", 1)) if cursor else ()
    if place and len(place) != 2:
        raise errors.BadUse("the cursor is not one of ours", code="bad_cursor")
    first = _by_number(world, wanted) if wanted.text else []
    shown = {record.key.id for record in first}
    rows = [] if place else [summary_of(record) for record in first]
    looked = 0
    for record in _newest(world.ledger, world.id, wanted, place[0] if place else ""):
        if place and _place(record) >= place:
            continue
        if wanted.since and record.entered < wanted.since:
            break
        looked += 1
        if wanted.fits(record) and record.key.id not in shown:
            rows.append(summary_of(record))
        if len(rows) >= limit or looked == LOOKED_AT:
            full = len(rows) >= limit
            return {
                "documents": rows,
                "cursor": "|".join(_place(record)),
                "looked_until": "" if full else record.entered,
            }
    return {"documents": rows, "cursor": "", "looked_until": ""}


def everything(ledger: Ledger, connection: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """All that match, the newest in its state first; of a connection that was removed, too."""
    for record in _newest(ledger, connection, wanted):
        if wanted.since and record.entered < wanted.since:
            return
        if wanted.fits(record):
            yield summary_of(record)


def _newest(ledger: Ledger, connection: str, wanted: Wanted, until: str = "") -> Iterator[Record]:
    ways = [way for way in ("in", "out") if wanted.direction in ("", way)]
    # those on their way are read together anyway, and where all are shown their number is bounded here
    states = wanted.states | ON_THE_WAY if wanted.states & ON_THE_WAY else wanted.states
    streams = [ledger.newest(connection, way, states, until) for way in ways]
    return heapq.merge(*streams, key=_place, reverse=True)


def _place(record: Record) -> tuple[str, str]:
    return record.entered, record.key.id


def _by_number(world: World, wanted: Wanted) -> list[Record]:
    keys = [
        DocumentKey(world.id, way, partner, kind, wanted.text)  # type: ignore[arg-type]
        for partner in world.packs()
        for way, kind in DIRECT
    ]
    return [record for record in world.ledger.get_many(keys).values() if wanted.fits(record)]


def _moment(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "")
    try:
        datetime.fromisoformat(text or "2026-01-01")
    except ValueError:
        fix = "write it like 2026-04-16"
        raise errors.BadUse(f"{text[:30]} is no date", code="bad_date", place=name, fix=fix) from None
    return text


def _amount(query: Mapping[str, str], name: str) -> Decimal | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise errors.BadUse(
            f"{text[:20]} is no amount", code="bad_amount", place=name, fix="write it like 1234.50"
        )
    return amount
