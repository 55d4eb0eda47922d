"""The console's routes about the machinery: queues, the nightly comparison, both vendors step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector import errors
from connector.adapters import probe
from connector.usecases.ping import ping
from connector.usecases.tokens import authorize_start

if TYPE_CHECKING:
    from connector.console.routes import Request


def _queues(request: Request) -> Any:
    letters = request.wiring.dead_letters
    backlog = letters.backlog()
    return {
        "queues": [
            {
                "name": name,
                "waiting": backlog[name],
                "failed": count,
                "messages": letters.look(name) if count and request.person.is_operator else [],
            }
            for name, count in letters.waiting().items()
        ]
    }


def _redrive(request: Request) -> Any:
    name = request.text("queue", needed=True)
    return {"queue": name, **request.wiring.dead_letters.redrive(name)}


def _reconciled(request: Request) -> Any:
    """The last nightly comparison, exceptions first; empty before the first night."""
    world = request.world()
    return {"result": world.notes.read(world.id, "reconcile", "last")}


def _ping(request: Request) -> Any:
    world = request.world()
    token = request.wiring.secrets.read(world.id, "freshbooks") or {}
    return {"steps": list(ping(world, probe, token))}


def _authorize(request: Request) -> Any:
    """Where an operator allows the connection at FreshBooks; the way back is /oauth/freshbooks/callback."""
    wiring = request.wiring
    connection = wiring.connection(request.text("connection"))
    kept = wiring.secrets.read(connection.id, "freshbooks") or {}
    if not kept.get("client_id"):
        raise errors.NotConfigured(
            "the FreshBooks credentials are not stored",
            code="no_freshbooks_credentials",
            fix="connector connections add",
        )
    return {
        "address": authorize_start(
            connection.id,
            client_id=kept["client_id"],
            redirect_uri=connection.freshbooks.redirect_uri,
            key=wiring.oauth_state_key(),
            clock=wiring.clock,
            url=connection.freshbooks.authorize_url,
        )
    }


ROUTES = {
    ("GET", "queues"): _queues,
    ("POST", "queue/redrive"): _redrive,
    ("GET", "reconcile"): _reconciled,
    ("GET", "ping"): _ping,
    ("POST", "authorize"): _authorize,
}
