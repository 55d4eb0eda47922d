"""FreshBooks' webhooks: callbacks, the handshake and signed deliveries (reference/freshbooks.md 4).

Deliveries leave from background threads, in no promised order, only to this machine: any `*.localhost` name
is resolved to 127.0.0.1 here. `drain` blocks until nothing is left to deliver.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.simulators.accounting import page_of, result
from local.simulators.messages import Refusal, Request, Response, answer

NOUNS = (
    *("bill", "bill_vendor", "category", "client", "credit_note", "estimate", "expense", "invoice", "item"),
    *("payment", "project", "recurring", "service", "tax", "time_entry"),
)
EVENTS = frozenset(
    [
        *NOUNS,
        *(f"{noun}.{verb}" for noun in NOUNS for verb in ("create", "update", "delete")),
        "invoice.sendByEmail",
        "estimate.sendByEmail",
    ]
)
ANSWER_WITHIN = 10  # seconds; later is a failure
WORKERS = 4


def signature(body: str, verifier: str) -> str:
    """The header of a delivery: over the JSON of the fields in wire order, not over the raw body (4.5)."""
    message = json.dumps(dict(parse_qsl(body, keep_blank_values=True))).encode()
    return base64.b64encode(hmac.new(verifier.encode(), message, hashlib.sha256).digest()).decode()


@dataclass
class Callback:
    callbackid: int
    account_id: str
    event: str
    uri: str
    verifier: str
    updated_at: str
    verified: bool = False
    dropped: int = 0  # deliveries in a row

    def told(self) -> dict[str, Any]:
        names = ("callbackid", "event", "uri", "verified", "updated_at")
        return {name: getattr(self, name) for name in names}


@dataclass
class Delivery:
    callback: Callback
    fields: dict[str, str]
    due: float
    attempt: int = 1


def semantic_error(*details: str) -> Refusal:
    """The shape of /events, which is not the one of /accounting (4.7)."""
    message = "The request was well-formed but was unable to be followed due to semantic errors."
    return Refusal(answer(422, {"errno": 422, "message": message, "details": list(details)}))


def missing() -> Refusal:
    return Refusal(answer(404, {"errno": 404, "message": "Requested resource could not be found."}))


class Webhooks:
    """`changed` shares the simulator's lock."""

    def __init__(
        self,
        lock: threading.RLock,
        stopping: threading.Event,
        settings: dict[str, Any],
        stamp: Callable[[], str],
    ) -> None:
        self.changed = threading.Condition(lock)
        self.stopping, self.settings, self.stamp = stopping, settings, stamp
        self.callbacks: dict[int, Callback] = {}
        self.queue: list[Delivery] = []
        self.log: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.sent = self.in_flight = self.drop_next = 0
        self.repeat, self.last_id = 1, 2000
        self.repeat_count: int | None = None
        self.paused = self.closed = False
        self.workers: list[threading.Thread] = []

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.queue.clear()
            self.changed.notify_all()

    # The vendor's own paths: /events/account/{id}/events/callbacks

    def handle(self, request: Request, config: dict[str, Any], callbackid: str | None) -> Response:
        own = [c for c in self.callbacks.values() if c.account_id == config["account_id"]]
        given = request.json()
        body = given.get("callback") if isinstance(given, dict) else None
        body = body if isinstance(body, dict) else {}
        if callbackid is None:
            if request.method == "GET":
                shown, figures = page_of([c.told() for c in own], request)
                return answer(200, result({"callbacks": shown, **figures}))
            if request.method == "POST":
                return answer(200, result({"callback": self._create(body, config).told()}))
        callback = next((c for c in own if str(c.callbackid) == callbackid), None)
        if callback is None:
            raise missing()
        match request.method:
            case "PUT":
                self._put(callback, body, config)
            case "DELETE":
                del self.callbacks[callback.callbackid]
                return answer(200, {"response": {}})
            case "POST":
                raise missing()
        return answer(200, result({"callback": callback.told()}))

    def _create(self, body: dict[str, Any], config: dict[str, Any]) -> Callback:
        event, uri, details = str(body.get("event")), str(body.get("uri", "")), []
        if event not in EVENTS:
            details.append("event: Value error, Unrecognized event.")
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            details.append("uri: Input should be a valid URL, relative URL without a base")
        if details:
            raise semantic_error(*details)
        self.last_id += 1
        made = Callback(self.last_id, config["account_id"], event, uri, secrets.token_hex(16), self.stamp())
        self.callbacks[made.callbackid] = made
        self._shake_hands(made, config)
        return made

    def _put(self, callback: Callback, body: dict[str, Any], config: dict[str, Any]) -> None:
        if body.get("resend"):
            self._shake_hands(callback, config)
        elif body.get("verifier") == callback.verifier:
            callback.verified, callback.dropped, callback.updated_at = True, 0, self.stamp()
        else:
            raise semantic_error("verifier: Value error, Verifier does not match.")

    def _shake_hands(self, callback: Callback, config: dict[str, Any]) -> None:
        """POST the verifier to the address at once; it proves nothing until it is PUT back (4.2)."""
        fields = {
            "name": "callback.verify",
            "object_id": str(callback.callbackid),
            "account_id": callback.account_id,
            "user_id": "1",
            "system": f"https://{config['account_id'].lower()}.freshbooks.com",
            "verifier": callback.verifier,
        }
        self._enqueue(Delivery(callback, fields, time.monotonic()))

    # Events

    def fire(self, config: dict[str, Any], name: str, object_id: int) -> int:
        """Deliver to all verified callbacks on the event or its bare noun; fields in PIPE's order (4.4)."""
        fields = {
            "name": name,
            "object_id": str(object_id),
            "user_id": "1",
            "identity_id": str(config["identity_id"]),
            "business_id": str(config["business_id"]),
            "account_id": config["account_id"],
        }
        noun, told = name.partition(".")[0], 0
        with self.changed:
            for callback in self.callbacks.values():
                subscribed = callback.event in (name, noun) and callback.account_id == config["account_id"]
                if not (callback.verified and subscribed):
                    continue
                told += 1
                if self.drop_next:
                    self.drop_next -= 1
                    self._record(Delivery(callback, fields, 0), None, "lost")
                    continue
                for _ in range(self._copies()):
                    self._enqueue(Delivery(callback, fields, time.monotonic()))
        return told

    def _copies(self) -> int:
        copies = self.repeat
        if self.repeat_count is not None:
            self.repeat_count -= 1
            if self.repeat_count <= 0:
                self.repeat, self.repeat_count = 1, None
        return copies

    def arrange(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Make deliveries go astray: lose the next n, send the next k times each, or hold everything."""
        if unknown := set(spec) - {"drop_next", "repeat_next", "count", "pause"}:
            raise ValueError(f"no {sorted(unknown)}; there are drop_next, repeat_next with count, pause")
        with self.changed:
            self.drop_next = int(spec.get("drop_next", self.drop_next))
            if "repeat_next" in spec:
                self.repeat, self.repeat_count = int(spec["repeat_next"]), spec.get("count")
            self.paused = bool(spec.get("pause", self.paused))
            self.changed.notify_all()
            return {
                "drop_next": self.drop_next,
                "repeat_next": self.repeat,
                "count": self.repeat_count,
                "pause": self.paused,
                "waiting": len(self.queue),
            }

    def drain(self, timeout: float = 60) -> bool:
        """Block until nothing is queued or on its way, retries included; False if that cannot be."""
        end = time.monotonic() + timeout
        with self.changed:
            while self.queue or self.in_flight:
                left = end - time.monotonic()
                if left <= 0 or self.stopping.is_set() or (self.paused and not self.in_flight):
                    return False
                self.changed.wait(left)
            return True

    # Delivering

    def _enqueue(self, delivery: Delivery) -> None:
        with self.changed:
            self.queue.append(delivery)
            self.workers = [w for w in self.workers if w.is_alive()]
            while len(self.workers) < WORKERS:
                worker = threading.Thread(target=self._work, name="freshbooks-webhooks", daemon=True)
                self.workers.append(worker)
                worker.start()
            self.changed.notify_all()

    def _next(self) -> Delivery | None:
        """The delivery that is due longest; None when there is nothing more to do in this life."""
        while not (self.closed or self.stopping.is_set()):
            first = min(self.queue, key=lambda d: d.due, default=None)
            wait = 0.5 if first is None or self.paused else first.due - time.monotonic()
            if first is not None and wait <= 0:
                self.queue.remove(first)
                return first
            self.changed.wait(min(wait, 0.5))
        return None

    def _work(self) -> None:
        while True:
            with self.changed:
                delivery = self._next()
                if delivery is None:
                    return
                self.in_flight += 1
            status = self._post(delivery)
            with self.changed:
                self.in_flight -= 1
                self._settle(delivery, status)
                self.changed.notify_all()

    def _settle(self, delivery: Delivery, status: int | None) -> None:
        """Anything but a 2xx, redirects included, is tried again a few times and then dropped (4.6).

        A callback whose deliveries are dropped time and again is switched off: it is no longer verified.
        """
        waits, callback = self.settings["retry_seconds"], delivery.callback
        if status is not None and 200 <= status < 300:
            callback.dropped = 0
            self._record(delivery, status, "delivered")
        elif status == 0:
            self._record(delivery, None, "not local")
        elif delivery.attempt > len(waits) or self.closed:
            self._record(delivery, status, "dropped")
            callback.dropped += 1
            if callback.dropped == self.settings["switch_off_after"]:
                callback.verified, callback.updated_at = False, self.stamp()
        else:
            self._record(delivery, status, "failed")
            due = time.monotonic() + waits[delivery.attempt - 1]
            self._enqueue(Delivery(delivery.callback, delivery.fields, due, delivery.attempt + 1))

    def _record(self, delivery: Delivery, status: int | None, outcome: str) -> None:
        handshake = "verifier" in delivery.fields
        body = urlencode(delivery.fields)
        self.sent += 1
        self.log.append(
            {
                "n": self.sent,
                "at": self.stamp(),
                "account_id": delivery.callback.account_id,
                "callbackid": delivery.callback.callbackid,
                "name": delivery.fields["name"],
                "object_id": delivery.fields["object_id"],
                "uri": delivery.callback.uri,
                "attempt": delivery.attempt,
                "status": status,
                "outcome": outcome,
                "body": None if handshake else body,
                "signature": None if handshake else signature(body, delivery.callback.verifier),
            }
        )

    def _post(self, delivery: Delivery) -> int | None:
        """The receiver's status, None for no answer, 0 for an address that is not this machine."""
        parts = urlsplit(delivery.callback.uri)
        host = parts.hostname or ""
        if parts.scheme != "http" or not re.fullmatch(r"127\.0\.0\.1|localhost|.+\.localhost", host):
            return 0
        body = urlencode(delivery.fields)
        headers = {"Host": parts.netloc, "Content-Type": "application/x-www-form-urlencoded"}
        if "verifier" not in delivery.fields or self.settings["sign_handshake"]:
            headers["X-FreshBooks-Hmac-SHA256"] = signature(body, delivery.callback.verifier)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=ANSWER_WITHIN)
        try:
            target = parts.path or "/"
            connection.request("POST", f"{target}?{parts.query}" if parts.query else target, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
