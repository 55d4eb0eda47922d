"""Having FreshBooks call us for invoices and bills: one callback an event, each confirmed by its handshake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from connector import errors
from connector.usecases.webhooks import EVENTS

if TYPE_CHECKING:
    from connector.ports import Leases
    from connector.usecases.tokens import SecretStore
    from connector.usecases.webhooks import Noun

SECONDS = 60


class Registrar(Protocol):
    def list_callbacks(self) -> Iterator[Any]: ...

    def create_callback(self, event: str, uri: str) -> Any: ...

    def delete_callback(self, callback_id: int) -> None: ...


def register_callbacks(
    connection: str, public_url: str, *, secrets: SecretStore, leases: Leases, freshbooks: Registrar
) -> list[Noun]:
    """Make the callbacks that are missing or were never confirmed; those events, whose handshakes are to come.

    An event is put on the list before its callback is made, and the callback's id before its handshake is
    answered: `confirm_callback` takes no other one's.
    """
    base = f"{public_url.rstrip('/')}/webhooks/freshbooks/{connection}"
    with leases.hold(f"{connection}/webhooks", SECONDS) as fence:
        if fence is None:
            raise errors.Busy("another callback is being confirmed", retry_after=2)
        kept = secrets.read(connection, "webhooks") or {}
        there = list(freshbooks.list_callbacks())
        missing = []
        for event in EVENTS:
            same = [one for one in there if one.uri == f"{base}/{event}"]
            if kept.get(event, {}).get("verifiers") and any(one.verified for one in same):
                continue
            for one in same:
                freshbooks.delete_callback(one.callbackid)
            missing.append(event)
            kept[event] = {}
        if missing:
            secrets.write(connection, "webhooks", kept)
        for event in missing:
            made = freshbooks.create_callback(event, f"{base}/{event}")
            kept[event] = {"callback_id": made.callbackid}
            secrets.write(connection, "webhooks", kept)
    return missing


def unconfirmed(connection: str, secrets: SecretStore) -> list[Noun]:
    """The events whose callback FreshBooks has not confirmed."""
    kept = secrets.read(connection, "webhooks") or {}
    return [event for event in EVENTS if not kept.get(event, {}).get("verifiers")]
