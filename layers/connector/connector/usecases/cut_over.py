"""The day from which the connector is responsible; what is dated earlier is registered, and never sent.

`Connection.cut_over` holds the day. Before it, orders were billed by hand and invoices sent by other means: doing
it again would bill or invoice twice. Their documents are kept (archived, in the ledger as SKIPPED), so that what
comes after the cut-over finds its order. What the connector itself has sent it goes on with, whatever its date.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from connector import errors
from connector.documents.parts import as_date
from connector.ledger import IN_FLIGHT, Record, State, delivered_before
from connector.usecases.arrivals import Plan, Planned
from connector.usecases.orders import ACCEPTED, RESENT

if TYPE_CHECKING:
    from connector.usecases.world import World

CODE = "before_cut_over"
HISTORY = "backfill:"
"""Begins the source of what a person imports of the past."""


def registering(world: World, dated: date | None, plan: Plan, *, asks_when_late: bool = False) -> Plan:
    """The plan for a document dated so: itself, or where that is before the cut-over one that only registers.

    A change of what is registered is held: whoever made the bill, or sent the invoice, has to change it. With
    `asks_when_late` so is what comes on the day of the cut-over or later: nobody may have seen it yet.
    """
    day = world.connection.cut_over
    if day is None:
        return plan

    def register(record: Record) -> Planned:
        # what follows a document may be dated later, or not at all
        days = [one for one in (dated, as_date(record.date)) if one is not None]
        if not days or min(days) >= day:
            return plan(record)
        first = min(days)
        if record.state in (State.MAPPED, *IN_FLIGHT) or delivered_before(record) or _is_asked_for(record):
            return plan(record)
        if record.revision > 1 and not _is_history(record):
            raise _held(
                first,
                f"it changed, and it is from before the cut-over of {day}: the connector did not make it",
                "change what was made of it by hand and mark this resolved, or have it sent by force",
            )
        if asks_when_late and world.clock.now()[:10] >= day.isoformat() and not _is_history(record):
            raise _held(
                first,
                f"dated {first}, before the cut-over of {day}, but it came after that",
                "if it was dealt with by hand mark this resolved, else have it sent by force",
            )
        message = f"dated {first}, before the cut-over of {day}: registered only"
        finding = {"code": CODE, "severity": "info", "message": message}
        return Planned(state=State.SKIPPED, note=message, findings=(finding,), date=first.isoformat())

    return register


def _held(day: date, message: str, fix: str) -> errors.CheckFailed:
    error = errors.CheckFailed(message, code=CODE, fix=fix)
    error.worth = errors.Worth(date=day.isoformat())
    return error


def is_registered(record: Record) -> bool:
    """Whether the document is from before the cut-over: what it says was done, but not by us."""
    return record.state is State.SKIPPED and any(one.get("code") == CODE for one in record.findings)


def _is_history(record: Record) -> bool:
    return record.source.startswith(HISTORY)


def _is_asked_for(record: Record) -> bool:
    return any(
        event.what in (ACCEPTED, RESENT) and event.revision == record.revision for event in record.history
    )
