"""Having FreshBooks call us for invoices and bills: one callback an event, each confirmed by its handshake.

FreshBooks switches off a callback whose address fails for long, and forgets one that nobody confirmed; it tells
nobody. So the callbacks are compared every night, and what is silent is noted for people until it is confirmed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from connector import errors
from connector.usecases.webhooks import EVENTS

if TYPE_CHECKING:
    from connector.ports import Leases, Notes, Report
    from connector.usecases.tokens import SecretStore
    from connector.usecases.webhooks import Noun

SECONDS = 60
AGAIN = "register the webhooks again: the console's Connect page, or `connector connections webhooks ID`"
NOTE = ("reconcile", "callbacks")


class Registrar(Protocol):
    def list_callbacks(self) -> Iterator[Any]: ...

    def create_callback(self, event: str, uri: str) -> Any: ...

    def verify_callback(self, callback_id: int, verifier: str) -> Any: ...

    def delete_callback(self, callback_id: int) -> None: ...


def register_callbacks(
    connection: str,
    public_url: str,
    *,
    secrets: SecretStore,
    leases: Leases,
    notes: Notes,
    freshbooks: Registrar,
) -> list[Noun]:
    """Make the callbacks that are missing or silent, the old ones removed; the events whose handshakes are to come.

    An event is put on the list before its callback is made, and the callback's id before its handshake is
    answered: `confirm_callback` takes no other one's.
    """
    base = f"{public_url.rstrip('/')}/webhooks/freshbooks/{connection}"
    with _changing(connection, secrets, leases) as kept:
        there = list(freshbooks.list_callbacks())
        silent = silent_callbacks(kept, there)
        missing = []
        for event in EVENTS:
            ours, address = kept.get(event, {}).get("callback_id"), f"{base}/{event}"
            if event not in silent and any(one.callbackid == ours and one.uri == address for one in there):
                _heard(connection, event, notes)
                continue
            for one in there:
                if one.callbackid == ours or one.uri == address:
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


def confirm_callback(
    connection: str,
    message: Mapping[str, Any],
    *,
    secrets: SecretStore,
    leases: Leases,
    notes: Notes,
    freshbooks: Registrar,
    report: Report,
) -> None:
    """Finish a registration: answer FreshBooks with the verifier and keep it as the callback's key.

    Accepted only for a callback id that `connections add` put on the list and that has no key yet: a
    handshake is not authenticated by anything else.
    """
    with _changing(connection, secrets, leases) as kept:
        callback = kept.get(message["event"], {})
        if callback.get("callback_id") != message["id"]:
            if callback.get("callback_id") is None and message["event"] in kept:
                raise errors.Busy("the callback is still being registered", retry_after=2)
            report("handshake for an unknown callback", callback_id=message["id"])
            return
        if callback.get("verifiers"):
            report("handshake for a confirmed callback", callback_id=message["id"])
            return
        freshbooks.verify_callback(message["id"], message["verifier"])
        _heard(connection, message["event"], notes)
        kept[message["event"]] = {**callback, "verifiers": [message["verifier"]]}
        secrets.write(connection, "webhooks", kept)
        report("callback confirmed", event=message["event"])


def compare_callbacks(
    connection: str,
    *,
    secrets: SecretStore,
    leases: Leases,
    notes: Notes,
    freshbooks: Registrar,
    report: Report,
) -> None:
    """Note of which events FreshBooks does not tell, and why, where it was ever asked to."""
    with _lease(connection, leases) as fence:
        if fence is None:
            return  # somebody registers them at this moment
        silent = look_at_callbacks(connection, secrets, freshbooks) or {}
        notes.write(connection, *NOTE, {"silent": silent})
    for event, why in silent.items():
        report("callback silent", event=event, what=why)


def look_at_callbacks(connection: str, secrets: SecretStore, freshbooks: Registrar) -> dict[Noun, str] | None:
    """Why an event is not told of, for each that is not; None where FreshBooks was never asked to call."""
    kept = secrets.read(connection, "webhooks")
    return silent_callbacks(kept, freshbooks.list_callbacks()) if kept else None


def silent_callbacks(kept: Mapping[str, Any], there: Iterable[Any]) -> dict[Noun, str]:
    """Why an event is not told of, for each that is not: what we keep of its callback against FreshBooks' list."""
    verified = {one.callbackid: bool(one.verified) for one in there}
    silent: dict[Noun, str] = {}
    for event in EVENTS:
        callback = kept.get(event, {})
        if callback.get("callback_id") not in verified:
            silent[event] = "FreshBooks has no such webhook"
        elif not callback.get("verifiers"):
            silent[event] = "it was never confirmed"
        elif not verified[callback["callback_id"]]:
            silent[event] = "FreshBooks has switched it off"
    return silent


def unconfirmed(connection: str, secrets: SecretStore, notes: Notes) -> list[Noun]:
    """The events whose callback FreshBooks has not confirmed, or that were silent last night; asks nobody."""
    kept = secrets.read(connection, "webhooks") or {}
    silent = noted_silent(notes.read(connection, *NOTE))
    return [event for event in EVENTS if event in silent or not kept.get(event, {}).get("verifiers")]


def noted_silent(note: Mapping[str, Any] | None) -> dict[str, str]:
    """Why an event is not told of, for each of which `compare_callbacks` noted so."""
    return dict((note or {}).get("silent", {}))


@contextmanager
def _changing(connection: str, secrets: SecretStore, leases: Leases) -> Iterator[dict[str, Any]]:
    """What we keep of a connection's callbacks, while nobody else changes them; Busy where somebody does."""
    with _lease(connection, leases) as fence:
        if fence is None:
            raise errors.Busy("another callback is being confirmed", retry_after=2)
        yield secrets.read(connection, "webhooks") or {}


def _lease(connection: str, leases: Leases) -> AbstractContextManager[int | None]:
    """The lease of whoever changes a connection's callbacks, or what is noted of them."""
    return leases.hold(f"{connection}/webhooks", SECONDS)


def _heard(connection: str, event: str, notes: Notes) -> None:
    """Take an event off the note: FreshBooks tells of it."""
    silent = noted_silent(notes.read(connection, *NOTE))
    if silent.pop(event, None):
        notes.write(connection, *NOTE, {"silent": silent})
