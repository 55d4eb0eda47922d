"""How much goes through: documents by day and state, how long they take, and what stops them, per partner."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from connector.ledger import OPEN, Record, State
from connector.usecases.reports.trades import amount_of

COLUMNS = ("day", "direction", "type", "state", "documents")
NEEDS_PERSON = frozenset({State.HELD, State.REJECTED})
GONE = frozenset({State.DELIVERED, State.PICKED_UP})


def throughput(records: Iterable[Record], today: date, days: int = 30) -> dict[str, Any]:
    """The documents that came in the last `days` (UTC), today included.

    `{"documents": n, "days": [{"day", "direction", "type", "state", "documents"}], "partners": [...],
    "delivery": [{"direction", "type", "documents", "p50", "p90", "p99", "most"}], "reasons": [...]}`; `delivery`
    in seconds from arrival to the target's first yes, waiting for people included.
    """
    since = (today - timedelta(days=days - 1)).isoformat()
    those = [record for record in records if record.created[:10] >= since]
    return {
        "since": since,
        "documents": len(those),
        "days": _days(those),
        "partners": _partners(those),
        "delivery": _delivery(those),
        "reasons": _reasons(those),
    }


def _days(records: list[Record]) -> list[dict[str, Any]]:
    counts = Counter(
        (record.created[:10], record.key.direction, record.key.type, str(record.state)) for record in records
    )
    return [dict(zip(COLUMNS, (*what, count), strict=True)) for what, count in sorted(counts.items())]


def _partners(records: list[Record]) -> list[dict[str, Any]]:
    """Busiest first; `rejected_percent` of what the target has answered."""
    by_partner: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_partner[record.key.partner].append(record)
    rows = []
    for partner, theirs in by_partner.items():
        states = Counter(record.state for record in theirs)
        gone, rejected = sum(states[state] for state in GONE), states[State.REJECTED]
        money: defaultdict[str, Decimal] = defaultdict(Decimal)
        for record in theirs:
            if record.state in OPEN and record.amount:
                money[record.currency] += amount_of(record.amount)
        rows.append(
            {
                "partner": partner,
                "documents": len(theirs),
                "delivered": gone,
                "needs_person": sum(not one.waits_for for one in theirs if one.state in NEEDS_PERSON),
                "rejected": rejected,
                "rejected_percent": round(100 * rejected / (gone + rejected), 1) if gone + rejected else 0.0,
                "duplicates": sum(record.duplicates for record in theirs),
                "in_flight": {currency: str(total) for currency, total in sorted(money.items())},
            }
        )
    return sorted(rows, key=lambda row: (-row["documents"], row["partner"]))


def _delivery(records: list[Record]) -> list[dict[str, Any]]:
    taken: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for record in records:
        first = next((event.at for event in record.history if event.to_state == State.DELIVERED), None)
        if first is not None:
            seconds = (datetime.fromisoformat(first) - datetime.fromisoformat(record.created)).total_seconds()
            taken[record.key.direction, record.key.type].append(seconds)
    rows = []
    for (direction, type_), times in sorted(taken.items()):
        times.sort()
        figures = {f"p{percent}": round(percentile(times, percent), 1) for percent in (50, 90, 99)}
        rows.append(
            {
                "direction": direction,
                "type": type_,
                "documents": len(times),
                **figures,
                "most": round(times[-1], 1),
            }
        )
    return rows


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest rank: one of the values, never something between two."""
    return ordered[max(ceil(percent * len(ordered) / 100) - 1, 0)]


def _reasons(records: list[Record]) -> list[dict[str, Any]]:
    """Why documents need somebody now, most frequent first, with one of them to look at."""
    by_reason: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.state in NEEDS_PERSON:
            by_reason[record.reason.get("code", ""), record.key.partner].append(record)
    rows = [
        {
            "code": code,
            "partner": partner,
            "documents": len(theirs),
            "message": theirs[0].reason.get("message", ""),
            "example": min(theirs, key=lambda record: record.created).key.id,
        }
        for (code, partner), theirs in by_reason.items()
    ]
    return sorted(rows, key=lambda row: (-row["documents"], row["code"], row["partner"]))
