"""The console's routes about reports: the same plain results that `connector report` prints."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any

from connector import errors
from connector.console.routes import SECONDS, Request
from connector.usecases.reports import deadlines, open_bills, variances
from connector.usecases.reports.gathering import gather

DAYS = 180


def _report(request: Request) -> Any:
    """One report over the orders of the last half year: `open-bills`, `variances` or `deadlines`.

    `columns` are those of its CSV.
    """
    name = request.text("name")
    if name not in ("open-bills", "variances", "deadlines"):
        raise errors.BadUse(f"there is no report {name[:20]}", code="no_such_report")
    world = request.world()
    now = datetime.fromisoformat(world.clock.now())
    since, until = (now - timedelta(days=DAYS)).isoformat(), time.monotonic() + SECONDS
    found = gather(
        world, partner=request.text("partner"), since=since, has_time=lambda: time.monotonic() < until
    )
    columns: tuple[str, ...]
    match name:
        case "open-bills":
            today = date.fromisoformat(now.isoformat()[:10])
            told = open_bills.open_bills(found.trades, today, bills_known=found.bills_known)
            columns = open_bills.COLUMNS
        case "variances":
            told = variances.variances(found.trades, bills_known=found.bills_known)
            columns = variances.COLUMNS
        case _:
            told, columns = deadlines.deadlines(found.trades, now), deadlines.COLUMNS
    names = {name: pack.name for name, pack in world.packs().items()}
    return {**told, "columns": columns, "bills_known": found.bills_known, "names": names}


ROUTES = {("GET", "report"): _report}
