"""The console's routes about the machinery: queues and the nightly comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


ROUTES = {
    ("GET", "queues"): _queues,
    ("POST", "queue/redrive"): _redrive,
    ("GET", "reconcile"): _reconciled,
}
