"""The console's routes about both vendors: authorizing, choosing the business, SPS credentials, every step tried."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.adapters import probe
from connector.adapters.http import within
from connector.catalogue import explain
from connector.usecases.pairing import businesses, pair
from connector.usecases.ping import ping
from connector.usecases.registering import look_at_callbacks, register_callbacks, unconfirmed
from connector.usecases.tokens import consent_address, scopes_for

if TYPE_CHECKING:
    from connector.console.routes import Request

SECONDS_A_VENDOR = 12.0  # half of what a request has


def _ping(request: Request) -> Any:
    world = request.world()
    secrets = request.wiring.secrets
    token = secrets.read(world.id, "freshbooks") or {}
    books = request.wiring.freshbooks(world.connection)
    steps = ping(
        world,
        probe,
        token,
        callbacks=lambda: look_at_callbacks(world.id, secrets, books),
        share=lambda: within(SECONDS_A_VENDOR),
    )
    return {"steps": list(steps)}


def _scopes(request: Request) -> str:
    return scopes_for(request.world().packs().values())


def _authorize(request: Request) -> Any:
    """Where an operator allows the connection at FreshBooks; the way back is /oauth/freshbooks/callback."""
    wiring = request.wiring
    connection = wiring.connection(request.text("connection"))
    packs = request.world().packs().values()
    return {
        "address": consent_address(
            connection, packs, secrets=wiring.secrets, key=wiring.oauth_state_key(), clock=wiring.clock
        )
    }


def _status(request: Request) -> Any:
    """What a connection has so far, without asking anybody: credentials, scopes, callbacks, the account.

    `refused` is the code with which the way to FreshBooks ended: it is told in words.
    """
    wiring = request.wiring
    connection = wiring.connection(request.text("connection"))
    books = wiring.secrets.read(connection.id, "freshbooks") or {}
    granted = str(books.get("scope", "")).split()
    return {
        "account": connection.freshbooks.account_id,
        "authorized": bool(books.get("refresh_token")),
        "missing_scopes": [one for one in _scopes(request).split() if one not in granted] if granted else [],
        "sps": bool((wiring.secrets.read(connection.id, "sps") or {}).get("client_id")),
        "unconfirmed": unconfirmed(connection.id, wiring.secrets, wiring.notes),
        "refused": asdict(entry) if (entry := explain(request.text("refused"))) else None,
    }


def _businesses(request: Request) -> Any:
    """The businesses of the person who authorized, to choose the connection's from."""
    return businesses(request.world())


def _choose(request: Request) -> Any:
    world = request.world()
    account = request.text("account", needed=True)
    pair(world, account)
    request.wiring.forget(world.id)
    return {"account": account}


def _webhooks(request: Request) -> Any:
    """Have FreshBooks call for changes; what is not confirmed by a handshake yet is in `waiting`."""
    wiring = request.wiring
    connection = wiring.connection(request.text("connection"))
    waiting = register_callbacks(
        connection.id,
        wiring.settings.api_url,
        secrets=wiring.secrets,
        leases=wiring.leases,
        notes=wiring.notes,
        freshbooks=wiring.freshbooks(connection),
    )
    return {"waiting": waiting}


def _sps(request: Request) -> Any:
    """Store SPS credentials once SPS has taken them; what SPS refuses is not stored."""
    wiring = request.wiring
    connection = wiring.connection(request.text("connection"))
    given = {name: request.text(name, needed=True) for name in ("client_id", "client_secret")}
    wiring.try_sps(connection, given)
    wiring.secrets.write(connection.id, "sps", given)
    wiring.secrets.write(connection.id, "sps-token", {})  # it is the earlier application's
    wiring.forget(connection.id)
    return {"stored": True}


ROUTES = {
    ("GET", "ping"): _ping,
    ("GET", "connect"): _status,
    ("GET", "connect/businesses"): _businesses,
    ("POST", "connect/business"): _choose,
    ("POST", "connect/sps"): _sps,
    ("POST", "connect/webhooks"): _webhooks,
    ("POST", "authorize"): _authorize,
}
