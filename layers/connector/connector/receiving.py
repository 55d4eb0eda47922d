"""What receives FreshBooks' webhooks.

FreshBooks waits for the answer and delivers in bursts, so this starts fast: no model, no HTTP client, no other
use case is imported here, and a warm answer costs one call, to SQS.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from connector.adapters import aws
from connector.adapters.storage import Secrets, SqsQueue
from connector.answers import raw_body
from connector.environment import FunctionSettings
from connector.telemetry import Telemetry
from connector.usecases.webhooks import Delivery

VERIFIER_SECONDS = 300.0
UNKNOWN_SECONDS = 5.0
HANDSHAKE_SECONDS = 1.0  # a handshake comes as soon as its callback is on the list

_settings = FunctionSettings.of(os.environ)
telemetry = Telemetry(_settings.stack)


def webhook_delivery(event: Mapping[str, Any]) -> Delivery:
    """The request as the use case reads it: the raw bytes, whether or not API Gateway had encoded them."""
    path = event.get("pathParameters") or {}
    return Delivery(
        connection=path.get("connection", ""),
        event=path.get("event", ""),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=raw_body(event),
    )


class Receiver:
    """Made once a process: the keys of the callbacks, kept for a while, and the queue that hints go to."""

    def __init__(self, settings: FunctionSettings, client: Callable[[str], Any] = aws.client) -> None:
        self._settings = settings
        self._client = client
        self._keys: dict[str, tuple[float, dict[str, Any]]] = {}

    @cached_property
    def _secrets(self) -> Secrets:
        return Secrets(self._client("secretsmanager"), self._settings.stack)

    @cached_property
    def _records_to_map(self) -> SqsQueue:
        return SqsQueue(self._client("sqs"), self._settings.records_to_map)

    def verifiers(self, connection: str, event: str, fresh: bool) -> list[str]:
        """The keys of one callback, cached five minutes; `fresh` looks again, at most every few seconds."""
        kept = self._callbacks(connection, UNKNOWN_SECONDS if fresh else VERIFIER_SECONDS)
        return list(kept.get(event, {}).get("verifiers", ()))

    def registering(self, connection: str, event: str) -> bool:
        """Whether a callback of this event is on the list and has no key yet."""
        callback = self._callbacks(connection, HANDSHAKE_SECONDS).get(event)
        if callback is None or callback.get("verifiers"):
            return False
        del self._keys[connection]  # the key may be there in a moment, and so may the first delivery
        return True

    def _callbacks(self, connection: str, seconds: float) -> dict[str, Any]:
        """The connection's callbacks, as they were so many seconds ago at most."""
        read_at, kept = self._keys.get(connection, (0.0, {}))
        age = time.monotonic() - read_at if read_at else float("inf")
        if age > seconds:
            kept = self._secrets.read(connection, "webhooks") or {}
            self._keys[connection] = (time.monotonic(), kept)
        return kept

    def enqueue(self, hint: dict[str, Any]) -> None:
        """Hand a hint over, or raise."""
        self._records_to_map.send([hint])


receiver = Receiver(_settings)
