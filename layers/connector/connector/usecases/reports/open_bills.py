"""PO-bills that are open in FreshBooks: payables that nobody may owe, by age and amount.

A FreshBooks bill has no draft state, so a purchase order's bill is a payable from the first day. Once its order
is invoiced, or cancelled, the bill has done its work and should be closed out (`usecases.closing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connector.usecases.reports.trades import ZERO, Trade, amount_of

BUCKETS = ((30, "0-30"), (60, "31-60"), (90, "61-90"), (10**6, "over 90"))
COLUMNS = (
    "purchase_order",
    "partner",
    "bill",
    "billed_on",
    "due",
    "days",
    "bucket",
    "amount",
    "paid",
    "invoiced",
    "shipped",
    "open",
    "currency",
    "status",
    "document",
)


def open_bills(trades: Iterable[Trade], today: date, *, bills_known: bool = True) -> dict[str, Any]:
    """`{"bills": [...], "buckets": {currency: {bucket: {"count", "amount"}}}, "close_out": [document id, ...]}`.

    `amount` is what the bill says. `status` says why it is still there: `open`, `partly invoiced`, `invoiced`
    (all pieces are, at whatever price) or `cancelled`; the last two can be closed out unless something was paid.
    `open` is the money of the order that is yet to be invoiced: nothing in these two.
    Without `bills_known` all is told by the ledger alone, and nothing can be closed out.
    """
    bills = [row for trade in trades if (row := _row(trade, today, bills_known)) is not None]
    bills.sort(key=lambda row: (-row["days"], -amount_of(row["amount"]), row["purchase_order"]))
    return {
        "today": today.isoformat(),
        "bills_known": bills_known,
        "bills": bills,
        "buckets": _buckets(bills),
        "close_out": [row["document"] for row in bills if row["can_close"]],
    }


def _row(trade: Trade, today: date, bills_known: bool) -> dict[str, Any] | None:
    record, bill = trade.record, trade.bill
    if not (_is_open(trade) if bills_known else trade.was_billed):
        return None
    amount = trade.total
    paid = ZERO
    if bill is not None:
        total = bill.total_amount or bill.amount
        amount = total.amount if total is not None else amount
        paid = bill.paid.amount if bill.paid is not None else ZERO
    issued = bill.issue_date if bill is not None and bill.issue_date else _day(record.date or record.created)
    status = _status(trade)
    done = status in ("invoiced", "cancelled")
    days = max((today - issued).days, 0)
    return {
        "purchase_order": trade.number,
        "partner": record.key.partner,
        "bill": _remote_id(trade),
        "billed_on": issued.isoformat(),
        "due": bill.due_date.isoformat() if bill is not None and bill.due_date else "",
        "days": days,
        "bucket": next(name for most, name in BUCKETS if days <= most),
        "amount": _text(amount),
        "paid": _text(paid),
        "invoiced": _text(trade.invoiced_total),
        "shipped": _text(trade.shipped_total),
        "open": _text(ZERO if done else max(trade.total - trade.invoiced_total, ZERO)),
        "currency": record.currency or (bill.currency_code if bill is not None else ""),
        "status": status,
        "can_close": done and paid == 0 and bill is not None and not trade.closed_out,
        "document": record.key.id,
    }


def _is_open(trade: Trade) -> bool:
    return trade.bill is not None and trade.bill.vis_state != 1 and trade.bill.status != "paid"


def _status(trade: Trade) -> str:
    if trade.cancelled:
        return "cancelled"
    if trade.fully_invoiced:
        return "invoiced"
    return "partly invoiced" if trade.invoiced_total > 0 else "open"


def _remote_id(trade: Trade) -> str:
    return str(trade.bill.id) if trade.bill is not None else trade.record.remote_id


def _buckets(bills: list[dict[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    buckets: dict[str, dict[str, Mapping[str, Any]]] = {}
    for currency in sorted({row["currency"] for row in bills}):
        buckets[currency] = {}
        for _, name in BUCKETS:
            rows = [row for row in bills if (row["currency"], row["bucket"]) == (currency, name)]
            amount = sum((amount_of(row["amount"]) for row in rows), ZERO)
            buckets[currency][name] = {"count": len(rows), "amount": _text(amount)}
    return buckets


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}"
