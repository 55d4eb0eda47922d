"""Try both vendors step by step and say, for each failure, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from connector import errors

if TYPE_CHECKING:
    from connector.usecases.world import World


def ping(world: World) -> Iterator[dict[str, Any]]:
    """One result a step: {"vendor", "step", "ok", "detail", "fix"}. Nothing is written at either vendor."""
    sps = world.connection.sps
    steps: list[tuple[str, str, Callable[[], str]]] = [
        ("SPS", "address, TLS and token", lambda: _valid(world)),
        ("SPS", f"inbox {sps.inbox}", lambda: f"{_count(world.sps.list(sps.inbox))} files wait"),
        (
            "SPS",
            f"outbox {sps.outbox}",
            lambda: f"{_count(world.sps.list(sps.outbox))} files not picked up yet",
        ),
        (
            "FreshBooks",
            "token and account",
            lambda: _count_text(world.freshbooks.list_categories(), "categories"),
        ),
        ("FreshBooks", "invoices", lambda: _first(world.freshbooks.list_invoices())),
        ("FreshBooks", "bills in the plan", lambda: _first(world.freshbooks.list_bills())),
        ("FreshBooks", "vendors", lambda: _count_text(world.freshbooks.list_vendors(), "vendors")),
        ("connector", "partner packs", lambda: f"{len(world.packs())} set up"),
    ]
    dead: set[str] = set()
    for vendor, step, attempt in steps:
        if vendor in dead:
            yield {"vendor": vendor, "step": step, "ok": False, "detail": "not tried", "fix": ""}
            continue
        try:
            yield {"vendor": vendor, "step": step, "ok": True, "detail": attempt(), "fix": ""}
        except errors.ConnectorError as error:
            if isinstance(error, (errors.NotSent, errors.Stranded, errors.NotConfigured)):
                dead.add(vendor)
            fix = error.fix or _FIX.get(error.code, "")
            yield {"vendor": vendor, "step": step, "ok": False, "detail": error.message, "fix": fix}


_FIX = {
    "unreachable": "check the address and that this network may reach it",
    "unauthenticated": "check the credentials, then authorize again",
    "forbidden": "check the scopes granted to the application",
    "plan_lacks_feature": "bills need a FreshBooks plan with Accounts Payable",
    "throttled": "wait a minute and try again",
}


def _valid(world: World) -> str:
    world.sps.auth_check()
    return "the token is valid"


def _count(things: Any) -> int:
    return sum(1 for _ in things)


def _count_text(things: Any, what: str) -> str:
    return f"{_count(things)} {what}"


def _first(things: Any) -> str:
    return "can be read" if next(iter(things), None) is not None else "can be read (none yet)"
