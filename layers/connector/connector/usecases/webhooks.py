"""FreshBooks' webhooks: verify the signature, and pass on a hint; the payload itself is never trusted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from connector.ports import Report

BODY_LIMIT = 65_536
Noun = Literal["invoice", "bill"]
EVENTS: tuple[Noun, ...] = ("invoice", "bill")
_CONNECTION = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_ID = re.compile(r"[0-9]{1,18}")
_NOBODYS_KEY = token_hex()  # a callback that is unknown costs the same work, and nobody can sign for it


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request, as API Gateway hands it over: header names in lower case, the body raw."""

    connection: str
    event: str
    headers: Mapping[str, str]
    body: bytes


def hint(connection: str, noun: Noun, object_id: int, event: str, correlation_id: str) -> dict[str, Any]:
    """The message that says: look at this record."""
    return {
        "connection": connection,
        "correlation_id": correlation_id,
        "noun": noun,
        "id": object_id,
        "event": event,
    }


def receive(
    delivery: Delivery,
    *,
    verifiers: Callable[[str, str, bool], list[str]],
    registering: Callable[[str, str], bool],
    enqueue: Callable[[dict[str, Any]], None],
    report: Report,
    correlation_id: str,
) -> int:
    """The status to answer. 2xx only once the hint is in the queue, so that the sender tries again otherwise.

    `verifiers(connection, event, fresh)` gives the keys in use, two during a rotation; an unknown
    connection and a bad signature get the same answer after the same work. `registering(connection, event)`:
    a callback of it is being made, and its handshake is waited for.
    """
    if len(delivery.body) > BODY_LIMIT:
        return 413
    if (
        delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
        != "application/x-www-form-urlencoded"
    ):
        return 415
    fields = _fields(delivery.body)
    if fields is None or not _CONNECTION.fullmatch(delivery.connection):
        return 400
    if fields.get("name") == "callback.verify":
        if not registering(delivery.connection, delivery.event):  # or a stranger could fill the queue
            report("webhook refused", connection=delivery.connection)
            return 401
        return _handshake(delivery, fields, enqueue, correlation_id)
    signature = delivery.headers.get("x-freshbooks-hmac-sha256", "")
    if not any(
        signed(fields, key, signature)
        for fresh in (False, True)
        for key in verifiers(delivery.connection, delivery.event, fresh) or [_NOBODYS_KEY]
    ):
        report("webhook refused", connection=delivery.connection)
        return 401
    noun, _, _ = fields.get("name", "").partition(".")
    if noun not in EVENTS or not _ID.fullmatch(fields.get("object_id", "")):
        report("webhook for an event without work", event=noun)
        return 200
    enqueue(hint(delivery.connection, noun, int(fields["object_id"]), fields["name"], correlation_id))
    report("webhook taken", event=fields["name"], object_id=fields["object_id"])
    return 200


def signed(fields: Mapping[str, str], verifier: str, signature: str) -> bool:
    """Whether `signature` is FreshBooks' over the form fields: over their JSON in the order received."""
    ours = hmac.new(verifier.encode(), json.dumps(fields).encode(), hashlib.sha256).digest()
    # compared as text: one digest has several spellings in base64, and only one is FreshBooks'
    return hmac.compare_digest(base64.b64encode(ours), signature.encode())


def _fields(body: bytes) -> dict[str, str] | None:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=32)
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def _handshake(
    delivery: Delivery,
    fields: Mapping[str, str],
    enqueue: Callable[[dict[str, Any]], None],
    correlation_id: str,
) -> int:
    """The one unsigned request; the worker takes it only for the callback that is being registered."""
    if not _ID.fullmatch(fields.get("object_id", "")) or not 8 <= len(fields.get("verifier", "")) <= 200:
        return 400
    enqueue(
        {
            "connection": delivery.connection,
            "correlation_id": correlation_id,
            "noun": "callback",
            "id": int(fields["object_id"]),
            "event": delivery.event,
            "verifier": fields["verifier"],
        }
    )
    return 200
