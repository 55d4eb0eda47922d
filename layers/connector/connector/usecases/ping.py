"""Try both vendors step by step and say, for each failure, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from connector import errors
from connector.documents.freshbooks import read_businesses
from connector.usecases.registering import AGAIN
from connector.usecases.tokens import scopes_for

if TYPE_CHECKING:
    from connector.usecases.world import World

Step = tuple[str, str, Callable[[], str]]


class Probe(Protocol):
    """Looks at an address without sending anything (`adapters.probe`)."""

    def resolve(self, url: str) -> str: ...

    def handshake(self, url: str) -> str: ...


def ping(
    world: World,
    probe: Probe | None = None,
    token: Mapping[str, Any] | None = None,
    callbacks: Callable[[], Mapping[Any, str] | None] | None = None,
    share: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[dict[str, Any]]:
    """One result a step: {"vendor", "step", "ok", "detail", "fix"}. Nothing is written at either vendor.

    `token` is the stored FreshBooks secret, of which only the scopes are read; `callbacks` looks at the webhooks
    (`registering.look_at_callbacks`). After a step that all others of a vendor need, the rest is not tried. `share`
    bounds what one vendor takes, so that its silence leaves time for the other.
    """
    for steps in (_sps(world, probe), _freshbooks(world, probe, token, callbacks)):
        with share():
            yield from _tried(steps)


def _tried(steps: list[Step]) -> Iterator[dict[str, Any]]:
    dead: set[str] = set()
    for vendor, step, attempt in steps:
        told = {"vendor": vendor, "step": step}
        if vendor in dead:
            yield {**told, "ok": False, "detail": "not tried", "fix": ""}
            continue
        try:
            yield {**told, "ok": True, "detail": attempt(), "fix": ""}
        except errors.ConnectorError as error:
            if isinstance(error, (errors.NotSent, errors.Stranded, errors.NotConfigured)):
                dead.add(vendor)
            fix = error.fix or _FIX.get(error.code, "")
            yield {**told, "ok": False, "detail": error.message, "fix": fix}


_FIX = {
    "unreachable": "check the address and that this network may reach it",
    "unauthenticated": "check the credentials, then authorize again",
    "forbidden": "check the scopes granted to the application",
    "plan_lacks_feature": "bills need a FreshBooks plan with Accounts Payable",
    "throttled": "wait a minute and try again",
}


def _sps(world: World, probe: Probe | None) -> list[Step]:
    side = world.connection.sps
    return [
        *_address("SPS", side.api_url, probe),
        ("SPS", "token", lambda: _valid(world)),
        ("SPS", f"inbox {side.inbox}", lambda: f"{_count(world.sps.list(side.inbox))} files wait"),
        ("SPS", f"outbox {side.outbox}", lambda: f"{_count(world.sps.list(side.outbox))} files not picked up yet"),
        ("SPS", "history", lambda: _first(world.sps.history())),
    ]  # fmt: skip


def _freshbooks(
    world: World,
    probe: Probe | None,
    token: Mapping[str, Any] | None,
    callbacks: Callable[[], Mapping[Any, str] | None] | None,
) -> list[Step]:
    books = world.freshbooks
    return [
        *_address("FreshBooks", world.connection.freshbooks.api_url, probe),
        ("FreshBooks", "token and account", lambda: _account(world)),
        *([("FreshBooks", "scopes", lambda: _scopes(world, token))] if token is not None else []),
        ("FreshBooks", "categories", lambda: _category(world)),
        ("FreshBooks", "invoices", lambda: _first(books.list_invoices())),
        ("FreshBooks", "bills in the plan", lambda: _first(books.list_bills())),
        ("FreshBooks", "vendors", lambda: _count_text(books.list_vendors(), "vendors")),
        *([("FreshBooks", "webhooks", lambda: _webhooks(callbacks()))] if callbacks is not None else []),
        ("connector", "partner packs", lambda: f"{len(world.packs())} set up"),
    ]  # fmt: skip


def _address(vendor: str, url: str, probe: Probe | None) -> list[Step]:
    if probe is None:
        return []
    return [
        (vendor, "name", lambda: probe.resolve(url)),
        (vendor, "connection and TLS", lambda: probe.handshake(url)),
    ]


def _valid(world: World) -> str:
    world.sps.auth_check()
    return "SPS takes our token"


def _account(world: World) -> str:
    """The account that the connection names has to be one of the person who authorized it."""
    account = world.connection.freshbooks.account_id
    businesses = {
        one.account_id: one.name for one in read_businesses(world.freshbooks.users_me()) if one.account_id
    }
    if account in businesses:
        return f"{businesses[account] or account} ({account})"
    choices = ", ".join(f"{number} ({name})" for number, name in businesses.items()) or "none"
    raise errors.CheckFailed(
        f"account {account} is not one of those that were authorized: {choices}",
        code="wrong_account",
        fix="choose the right business for this connection, or authorize as a person of that business",
    )


def _scopes(world: World, token: Mapping[str, Any] | None) -> str:
    granted, needed = (
        set(str((token or {}).get("scope", "")).split()),
        scopes_for(world.packs().values()).split(),
    )
    missing = [scope for scope in needed if scope not in granted]
    if missing and granted:
        raise errors.CheckFailed(
            f"not granted: {', '.join(missing)}",
            code="scopes_missing",
            fix="add them to your FreshBooks application, then authorize again",
        )
    return f"all {len(needed)} granted" if granted else "FreshBooks has not said which are granted"


def _category(world: World) -> str:
    names = {one.category for one in world.freshbooks.list_categories()}
    wanted = world.connection.category
    if wanted and wanted not in names:
        raise errors.CheckFailed(
            f"there is no category {wanted}",
            code="no_such_category",
            fix="make it in FreshBooks, or name another one in the connection or the partner's pack",
        )
    return f"{len(names)} categor{'y' if len(names) == 1 else 'ies'}" + (
        f", {wanted} among them" if wanted else ""
    )


def _webhooks(silent: Mapping[Any, str] | None) -> str:
    if silent is None:
        return "not asked for; changes are seen by the poll"
    if silent:
        what = "; ".join(f"{event}: {why}" for event, why in silent.items())
        raise errors.CheckFailed(what, code="webhooks_silent", fix=AGAIN)
    return "FreshBooks calls when invoices and bills change"


def _count(things: Any) -> int:
    return sum(1 for _ in things)


def _count_text(things: Any, what: str) -> str:
    return f"{_count(things)} {what}"


def _first(things: Any) -> str:
    return "can be read" if next(iter(things), None) is not None else "can be read (none yet)"
