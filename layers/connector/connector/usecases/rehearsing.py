"""Dry run over history: what a changed partner pack, or the code of today, makes of documents already seen.

Every archived input goes through its mapping twice, before and after the change, and the results are compared
field by field. Nothing is written and nothing is sent: the world that the mappings are given cannot.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Literal

from connector import errors
from connector.ledger import Direction, DocumentKey, Record, State, reason_of
from connector.usecases import inbound, outbound_plans
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.summaries import differences
from connector.usecases.world import at_once

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

Change = Literal["same", "changes", "becomes invalid", "becomes valid", "stays invalid", "cannot be told"]
CHANGES: tuple[Change, ...] = (
    "changes",
    "becomes invalid",
    "becomes valid",
    "stays invalid",
    "cannot be told",
    "same",
)
SHOWN_FIELDS = 50
WAYS: tuple[Direction, Direction] = ("in", "out")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a mapping ended in: the document it produced, a state without one, or the reason it is invalid."""

    state: str
    document: Mapping[str, Any] | None = None
    reason: Mapping[str, str] | None = None


def archived(
    world: World, *, partner: str = "", type_: str = "", last: int = 100, since: str = ""
) -> list[DocumentKey]:
    """The documents to rehearse: the `last` that came to their state, newest first, of one partner and type."""
    newest = heapq.merge(
        *(world.ledger.newest(world.id, way, frozenset(State)) for way in WAYS),
        key=lambda record: (record.entered, record.key.id),
        reverse=True,
    )
    there = (
        record.key
        for record in takewhile(lambda record: record.entered >= since, newest)
        if partner in ("", record.key.partner)
        and type_ in ("", record.key.type)
        and record.key.type not in ("file", CLOSE_OUT)
        and "received" in record.payloads
    )
    return list(islice(there, last))


def rehearse(world: World, pack: PartnerPack | None, keys: Iterable[DocumentKey]) -> dict[str, Any]:
    """`{"documents": n, "counts": {change: n}, "summary": "changes 14 of 312, ...", "rows": [...]}`.

    With a `pack`, the pack in force is compared with this one, in today's code. Without, what was mapped when
    a document was sent is compared with what the code and packs of today make of it. Rows that are the same
    are counted only.
    """
    return told(rows(world, pack, keys))


def told(every: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows of `rows` counted, and put in the order of what a person has to look at."""
    counts: Counter[str] = Counter()
    kept = []
    for row in every:
        counts[row["change"]] += 1
        if row["change"] != "same":
            kept.append(row)
    kept.sort(key=lambda row: (row["change"] != "becomes invalid", CHANGES.index(row["change"]), row["id"]))
    total = sum(counts.values())
    parts = [
        f"{counts[change]} {words if counts[change] > 1 else change}"
        for change, words in (
            ("becomes invalid", "become invalid"),
            ("becomes valid", "become valid"),
            ("stays invalid", "stay invalid"),
            ("cannot be told", "cannot be told"),
        )
        if counts[change]
    ]
    return {
        "documents": total,
        "counts": {change: counts[change] for change in CHANGES if counts[change]},
        "summary": ", ".join([f"changes {counts['changes']} of {total}", *parts]),
        "rows": kept,
    }


def rows(world: World, pack: PartnerPack | None, keys: Iterable[DocumentKey]) -> Iterator[dict[str, Any]]:
    """One row a document: `{"id", "partner", "type", "number", "change", "before", "after", ...}`."""
    present = _unable_to_write(world)
    trial = present
    if pack is not None:
        trial = replace(present, _packs={**world.packs(), pack.trading_partner_id: pack})

    def row(key: DocumentKey) -> dict[str, Any]:
        record = world.ledger.get(key)
        if record is None:
            raise errors.BadUse(f"there is no document {key.id}", code="no_such_document")
        try:
            before = _mapped(present, record) if pack is not None else _as_sent(present, record)
            return _compared(record, before, _mapped(trial, record))
        except (errors.NotSent, errors.Stranded, errors.NotFound) as error:  # FreshBooks or a payload is away
            return _row(record, "cannot be told", reason=reason_of(error))

    yield from at_once(row, keys)


def _compared(record: Record, before: _Outcome, after: _Outcome) -> dict[str, Any]:
    if after.reason is not None:
        change: Change = "stays invalid" if before.reason is not None else "becomes invalid"
        return _row(record, change, before, after, reason=dict(after.reason))
    if before.reason is not None:
        return _row(record, "becomes valid", before, after, reason=dict(before.reason))
    both = before.document is not None and after.document is not None
    fields = list(differences(before.document, after.document)) if both else []
    if not fields and before.state == after.state:
        return _row(record, "same", before, after)
    shown = [
        {"field": one["field"], "before": one["sent"], "after": one["now"]} for one in fields[:SHOWN_FIELDS]
    ]
    return _row(record, "changes", before, after, fields=len(fields), differences=shown)


def _row(
    record: Record,
    change: Change,
    before: _Outcome | None = None,
    after: _Outcome | None = None,
    **more: Any,
) -> dict[str, Any]:
    key = record.key
    return {
        "id": key.id,
        "partner": key.partner,
        "type": key.type,
        "number": key.number,
        "state": str(record.state),
        "amount": record.amount,
        "currency": record.currency,
        "change": change,
        "before": before.state if before else "",
        "after": after.state if after else "",
        **more,
    }


def _mapped(world: World, record: Record) -> _Outcome:
    try:
        if record.key.direction == "in":
            planned = inbound.plan_again(world, record)
        else:
            planned = outbound_plans.plan_again(world, record)
    except errors.Parked as error:
        return _Outcome("held", reason=reason_of(error))
    except (errors.ConnectorError, AssertionError):
        raise
    except Exception as error:  # a fault in changed code: the very thing a rehearsal is for
        message = f"the mapping failed: {type(error).__name__}"
        return _Outcome("failed", reason={"code": "mapping_failed", "message": message})
    if planned.document is None:
        return _Outcome(planned.state.lower())
    return _Outcome("mapped", planned.document)


def _as_sent(world: World, record: Record) -> _Outcome:
    pointer = record.payloads.get("exchange")
    if pointer:
        return _Outcome("mapped", json.loads(world.archive.get(world.id, pointer))["mapped"])
    if record.state in (State.HELD, State.REJECTED) and record.reason.get("code") != "shadow_mode":
        return _Outcome("held", reason=record.reason)
    return _mapped(world, record)  # never sent: there is nothing else to compare with


def _unable_to_write(world: World) -> World:
    """The same world with every port read-only, and FreshBooks' clients asked for once each."""
    nothing: Any = _ReadOnly(None)
    return replace(
        world,
        ledger=_ReadOnly(world.ledger),
        notes=_ReadOnly(world.notes),
        leases=nothing,
        archive=_ReadOnly(world.archive),
        queues=nothing,
        sps=nothing,
        freshbooks=_ReadOnly(world.freshbooks, remember=True),
        report=lambda message, **keys: None,
        _packs=dict(world.packs()),
        _learned={},
    )


class _ReadOnly:
    """A port that only tells: what writes, sends or leases raises."""

    TELLS = ("get", "read", "find", "list", "in_states", "newest", "waiting_for", "history")

    def __init__(self, port: Any, *, remember: bool = False) -> None:
        self._port = port
        self._remember = remember
        self._known: dict[tuple[str, Any], Any] = {}

    def __getattr__(self, name: str) -> Any:
        if self._port is None or not name.startswith(self.TELLS):
            raise AssertionError(f"a rehearsal tried to {name}")
        found = getattr(self._port, name)
        if not self._remember or not name.startswith("get"):
            return found

        def once(number: Any) -> Any:
            if (name, number) not in self._known:
                self._known[name, number] = found(number)
            return self._known[name, number]

        return once
