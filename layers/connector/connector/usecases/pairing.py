"""Which FreshBooks business a connection is of: chosen from those of the person who authorized it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.freshbooks import read_businesses
from connector.ledger import State
from connector.settings import connection_of

if TYPE_CHECKING:
    from connector.usecases.world import World

_DONE = frozenset({State.DELIVERED, State.PICKED_UP, State.CLAIMED, State.IN_DOUBT})


def businesses(world: World) -> dict[str, Any]:
    """`{"account": the connection's, "businesses": [{"account", "name", "role"}]}`."""
    found = [one for one in read_businesses(world.freshbooks.users_me()) if one.account_id]
    return {
        "account": world.connection.freshbooks.account_id,
        "businesses": [{"account": one.account_id, "name": one.name, "role": one.role} for one in found],
    }


def pair(world: World, account: str) -> None:
    """Pair the connection with another business of the same person, while nothing has been delivered yet.

    Processes that know the connection follow within a minute.
    """
    if account not in {one["account"] for one in businesses(world)["businesses"]}:
        raise errors.BadUse(
            f"account {account[:20]} is not one of those that were authorized", code="no_such_account"
        )
    delivered = any(next(iter(world.ledger.newest(world.id, way, _DONE)), None) for way in ("in", "out"))
    if delivered and account != world.connection.freshbooks.account_id:
        raise errors.CheckFailed(
            "documents were delivered for the present business: its ledger is not another one's",
            code="account_in_use",
            fix="add a connection of its own for the other business",
        )
    values = world.connection.model_dump(mode="json", exclude_defaults=True)
    values["freshbooks"]["account_id"] = account
    connection_of(values)
    world.notes.write("", "connection", world.id, values)
