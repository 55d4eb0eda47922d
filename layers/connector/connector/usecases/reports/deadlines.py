"""What is due to whom, until when, what being late costs, and who has to move.

Deadlines are the partner's (`deadlines` of the pack): an acknowledgement is counted from the order's arrival, an
ASN and an invoice from the day shipped (its first instant, UTC). Until somebody told us of a shipment, the day on
which the order asks to be shipped stands in for it, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.documents.parts import as_date
from connector.ledger import IN_FLIGHT, Record, State
from connector.usecases.reports.trades import Paper, Trade
from connector.usecases.reports.variances import penalty_of

COLUMNS = (
    "document",
    "purchase_order",
    "partner",
    "due",
    "hours_left",
    "status",
    "penalty",
    "currency",
    "order_amount",
    "ball",
    "basis",
    "order",
)
STATUSES = ("overdue", "due", "met late", "met")
PAPERS = {"acknowledgement": "ack", "asn": "asn", "invoice": "invoice"}
_SHIP_BY = ("010", "037", "038", "118", "002", "001")  # DateTimeQualifiers, most exact first


def deadlines(trades: Iterable[Trade], now: datetime, *, met: bool = False) -> dict[str, Any]:
    """`{"deadlines": [...], "overdue": {currency: money}, "due": {currency: money}}`: overdue first, most money first.

    With `met` also what was sent in time, and what was sent late and may still cost.
    """
    rows = [row for trade in trades for row in _of(trade, now)]
    rows.sort(
        key=lambda row: (
            STATUSES.index(row["status"]),
            -Decimal(row["penalty"]),
            -Decimal(row["order_amount"]),
            row["due"],
        )
    )
    sums: dict[str, dict[str, Decimal]] = {"overdue": {}, "due": {}}
    for row in rows:
        if row["status"] in sums:
            by_currency = sums[row["status"]]
            by_currency[row["currency"]] = by_currency.get(row["currency"], Decimal()) + Decimal(
                row["penalty"]
            )
    return {
        "deadlines": [row for row in rows if met or not row["status"].startswith("met")],
        **{
            status: {currency: str(total) for currency, total in money.items()}
            for status, money in sums.items()
        },
    }


def _of(trade: Trade, now: datetime) -> Iterator[dict[str, Any]]:
    if trade.pack is None or trade.cancelled or trade.record.state is State.SKIPPED:
        return
    for name, deadline in trade.pack.deadlines.items():
        begun, basis = _begins(trade, name)
        papers = [paper for paper in trade.papers if paper.kind == PAPERS[name]]
        sent = [paper for paper in papers if paper.counts]
        if begun is None:
            continue
        due = begun + timedelta(hours=deadline.hours)
        done = min((_sent_at(paper.record) for paper in sent), default=None)
        late = (done or now) > due
        status = ("met late" if late else "met") if done is not None else ("overdue" if late else "due")
        yield {
            "document": name,
            "purchase_order": trade.number,
            "partner": trade.record.key.partner,
            "due": due.isoformat(timespec="minutes"),
            "hours_left": round((due - (done or now)).total_seconds() / 3600, 1),
            "status": status,
            "penalty": f"{penalty_of(deadline, trade):.2f}",
            "currency": trade.record.currency,
            "order_amount": f"{trade.total:.2f}",
            "ball": _ball(name, trade, papers),
            "basis": basis,
            "order": trade.record.key.id,
        }


def _begins(trade: Trade, name: str) -> tuple[datetime | None, str]:
    if name == "acknowledgement":
        return datetime.fromisoformat(trade.record.created), "the order came"
    shipped = as_date(trade.shipped_on) if trade.shipped_on else None
    if shipped is not None:
        return datetime(shipped.year, shipped.month, shipped.day, tzinfo=UTC), f"shipped {shipped}"
    asked = _ship_by(trade)
    if asked is not None:
        return datetime(asked.year, asked.month, asked.day, tzinfo=UTC), f"not shipped yet, asked for {asked}"
    return None, ""


def _ship_by(trade: Trade) -> Any:
    if trade.order is None:
        return None
    dates = {one.DateTimeQualifier: one.Date for one in trade.order.Header.Dates}
    return next((day for name in _SHIP_BY if (day := as_date(dates.get(name) or "")) is not None), None)


def _sent_at(record: Record) -> datetime:
    """When the partner first had it: the first delivery of any of its revisions."""
    sent = (event.at for event in record.history if event.to_state == State.DELIVERED)
    return datetime.fromisoformat(next(sent, record.updated))


def _ball(name: str, trade: Trade, papers: list[Paper]) -> str:
    """Who has to move, in words; the document that is furthest tells."""
    order = trade.record
    if order.state is State.HELD and not papers:
        return _waits(order) or f"a person: the order is held ({order.reason.get('code', '')})"
    if not papers:
        if name == "acknowledgement":
            return "you: decide what to acknowledge"
        if name == "invoice":
            return "you: invoice it in FreshBooks"
        return "you: upload the shipment" if trade.any_shipment else "you: ship, then upload the shipment"
    record = papers[-1].record
    if record.state in (State.HELD, State.REJECTED):
        return _waits(record) or f"a person: {record.reason.get('message', 'it is held')}"
    if record.state in IN_FLIGHT or record.state in (State.RECEIVED, State.MAPPED):
        return "the connector: it is on its way"
    if record.state is State.DELIVERED:
        return "SPS: it has not been picked up yet"
    return "the partner" if record.state is State.PICKED_UP else "nobody"


def _waits(record: Record) -> str:
    return f"waits: {record.reason.get('message', '')}" if record.waits_for else ""
