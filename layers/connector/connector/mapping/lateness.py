"""The lateness gate: does a shipment keep to the order's dates, and does its notice come in time.

Retailers charge back for goods that come outside of the window, and for notices that come after the goods. A
ship date is compared with ship dates, a delivery date with delivery dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from connector.documents.order import Order
from connector.documents.parts import DateTime, as_date
from connector.documents.upload import zone_of
from connector.findings import Finding, Severity
from connector.mapping.money import too_large
from connector.mapping.order_lines import extended_amount
from connector.rules.packs import PartnerPack


class _Bound(NamedTuple):
    """A date of the order: `qualifiers` in order of trust, what it bounds, and what is wrong beyond it."""

    code: str
    qualifiers: tuple[str, ...]
    of: str
    latest: bool
    words: str


_BOUNDS = (
    _Bound("shipped_too_early", ("037",), "ship", False, "earliest ship date"),
    _Bound("shipped_too_late", ("038", "010"), "ship", True, "latest ship date"),
    _Bound("shipped_after_cancel_date", ("001",), "ship", True, "cancel date"),
    _Bound("delivered_too_early", ("064",), "delivery", False, "earliest delivery date"),
    _Bound("delivered_too_late", ("063", "002"), "delivery", True, "latest delivery date"),
)


def outside_window(
    order: Order,
    shipped: date,
    delivery: date | None,
    pack: PartnerPack,
    agreed: str = "",
    lines: Iterable[int] = (),
) -> list[Finding]:
    """A finding for every date outside of the order's window; harmless where the retailer agreed to it.

    `lines` are the places of the order's lines that are shipped: their own dates go before the order's.
    """
    if pack.asn.lateness == "off":
        return []
    header = _dates(order.Header.Dates)
    windows = {"": header}
    for position in lines:
        item = order.LineItem[position]
        if own := _dates(item.Dates):
            windows[f" line {item.OrderLine.LineSequenceNumber or position + 1}"] = header | own
    told: dict[tuple[str, date], Finding] = {}
    for name, window in windows.items():
        for limit, finding in _outside(
            f"order {order.number}{name}", window, shipped, delivery, order, pack, agreed
        ):
            told.setdefault((finding.code, limit), finding)
    return list(told.values())


def _dates(entries: Iterable[Any]) -> dict[str, date]:
    """Qualifier -> date, of those that can be read; the first of each."""
    dates: dict[str, date] = {}
    for entry in entries:
        qualifier, text = (
            (entry.DateTimeQualifier, entry.Date)
            if isinstance(entry, DateTime)
            else (entry.get("DateTimeQualifier"), entry.get("Date"))
            if isinstance(entry, dict)
            else (None, None)
        )
        day = as_date(text) if isinstance(text, str) else None
        if isinstance(qualifier, str) and day is not None:
            dates.setdefault(qualifier, day)
    return dates


def _outside(
    name: str,
    window: Mapping[str, date],
    shipped: date,
    delivery: date | None,
    order: Order,
    pack: PartnerPack,
    agreed: str,
) -> Iterator[tuple[date, Finding]]:
    default: Severity = "error" if pack.asn.lateness == "hold" else "warning"
    for bound in _BOUNDS:
        limit = next((window[q] for q in bound.qualifiers if q in window), None)
        # goods that nobody gave a delivery date for arrive on the day they leave at the earliest
        day = shipped if bound.of == "ship" else delivery or (shipped if bound.latest else None)
        if limit is None or day is None or not (day > limit if bound.latest else day < limit):
            continue
        severity = pack.rules.get(bound.code, default)
        if severity == "off":
            continue
        days = abs((day - limit).days)
        what = "shipped" if bound.of == "ship" else "delivered"
        message = (
            f"{name}: {what} {day}, {days} day{'s'[: days != 1]} {'after' if bound.latest else 'before'}"
            f" its {bound.words} {limit}{_costs(order, pack)}"
        )
        if agreed:
            yield limit, Finding("window_agreed", "info", f"{message}; agreed: {agreed}", f"{bound.of}_date")
        else:
            fix = "ask the buyer for new dates, and say in the upload (agreed) who agreed"
            yield limit, Finding(bound.code, severity, message, f"{bound.of}_date", fix)


def _costs(order: Order, pack: PartnerPack) -> str:
    amounts = [extended_amount(item, pack) for item in order.LineItem] if pack.asn.penalty_percent else []
    total = sum(amounts, Decimal())
    penalty = pack.asn.penalty + (Decimal() if too_large(total) else total * pack.asn.penalty_percent / 100)
    return f"; the retailer charges {penalty:.2f}" if penalty else ""


def notice_due(shipped: date, at: time | None, zone: str, pack: PartnerPack) -> datetime | None:
    """When the notice has to be there: so many hours after shipping, counted from the day's end if no time is told."""
    deadline = pack.deadlines.get("asn")
    if deadline is None:
        return None
    tz = zone_of(zone) or UTC
    left = (
        datetime.combine(shipped, at, tz) if at else datetime.combine(shipped, time(), tz) + timedelta(days=1)
    )
    return left + timedelta(hours=deadline.hours)


def late_notice(shipped: date, at: time | None, zone: str, now: datetime, pack: PartnerPack) -> list[Finding]:
    """A warning where the notice comes too late; it is sent all the same, as no notice costs more."""
    due = notice_due(shipped, at, zone, pack)
    if due is None or now <= due:
        return []
    deadline = pack.deadlines["asn"]
    hours = (now - due) // timedelta(hours=1)
    late = f"{hours} hours" if hours < 48 else f"{hours // 24} days"
    costs = f"; the retailer charges {deadline.penalty:.2f}" if deadline.penalty else ""
    message = f"the notice was due {due:%Y-%m-%d %H:%M %Z}, it is {late} late{costs}"
    severity = pack.rules.get("notice_late", "warning")
    if severity == "off":
        return []
    return [Finding("notice_late", severity, message, "ship_date", "upload shipments on the day they leave")]
