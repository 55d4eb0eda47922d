"""Points in time as people give them: a date, a date and time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from connector import errors

_DATE = re.compile(r"[\dW-]+")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def instant(text: str, *, option: str, end: bool = False, now: datetime | None = None) -> str:
    """`2026-04-16`, `2026-04-16T09:30`, `2026-04-16T09:30+02:00` or `90m`, `12h`, `3d`, `2w` ago, as ISO 8601 in UTC.

    Without a zone UTC is meant, as everywhere in listings and histories. A date alone is its first instant, or with
    `end` its last one. Nothing stays nothing.
    """
    if not text:
        return ""
    now = now or datetime.now(UTC)
    try:
        if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text):
            moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            moment = datetime.fromisoformat(text)
            if end and _DATE.fullmatch(text):
                moment = datetime.combine(moment, time.max)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise errors.BadUse(
            f"{option} {text} is no point in time",
            code="no_such_instant",
            fix="write 2026-04-16, 2026-04-16T09:30, or 12h, 3d for how long ago",
        ) from None
    return moment.isoformat(timespec="microseconds")
