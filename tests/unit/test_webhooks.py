"""The webhook receiver: what is let in, what is turned away, and the handshake of a new callback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from connector import errors
from connector.usecases.registering import confirm_callback
from connector.usecases.webhooks import BODY_LIMIT, Delivery, receive, signed
from tests.fakes import FakeClock, FakeLeases, FakeNotes

KEY = "UWQfd9zCzxmVwFZWKqqKwLxqz8gvzGdAn"
BODY = (
    b"name=invoice.create&object_id=1234567&account_id=xZNQ1X&business_id=77128&identity_id=712052&user_id=1"
)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (
            "name=client.update&object_id=177864&user_id=1&account_id=FrEsHb",
            "uQL7Cy82JtV4RlsEowUZ+hm4cziC6LYjxuKj1cqLqHM=",
        ),
        (BODY.decode(), "VteSWaeXXoQXKieaHStGQK9VQe8NFau4Y30ncUjwUi0="),
        (
            "name=bill.update&object_id=1141&user_id=1&identity_id=712052&business_id=77128&account_id=xZNQ1X",
            "qyiHi81eqWfEztvq1gkIlqvWeWp/fsqjZa1doKAXqVg=",
        ),
    ],
)
def test_a_signature_is_over_the_fields_as_json_in_the_order_received(body: str, signature: str) -> None:
    assert signed(dict(parse_qsl(body)), KEY, signature)
    assert not signed(dict(sorted(parse_qsl(body))), KEY, signature) or body.startswith("account")
    assert not signed(dict(parse_qsl(body)), KEY + "x", signature)


def sign(body: bytes, key: str = KEY) -> str:
    message = json.dumps(dict(parse_qsl(body.decode(), keep_blank_values=True))).encode()
    return base64.b64encode(hmac.new(key.encode(), message, hashlib.sha256).digest()).decode()


def deliver(
    body: bytes = BODY, *, signature: str | None = None, keys: tuple[str, ...] = (KEY,), **changes: Any
) -> tuple[int, list[Any]]:
    queue: list[Any] = []
    headers = {
        "content-type": changes.pop("content_type", "application/x-www-form-urlencoded"),
        "x-freshbooks-hmac-sha256": sign(body) if signature is None else signature,
    }
    status = receive(
        Delivery(changes.pop("connection", "acme"), "invoice", headers, body),
        verifiers=lambda connection, event, fresh: (
            list(keys) if (connection, event) == ("acme", "invoice") else []
        ),
        registering=lambda connection, event: (connection, event) == ("acme", "invoice") and not keys,
        enqueue=queue.append,
        report=lambda message, **keys: None,
        correlation_id="c1",
    )
    return status, queue


def test_a_signed_delivery_becomes_a_hint_with_its_correlation_id() -> None:
    status, [hint] = deliver()
    assert status == 200
    assert hint == {
        "connection": "acme",
        "correlation_id": "c1",
        "noun": "invoice",
        "id": 1234567,
        "event": "invoice.create",
    }


def test_during_a_rotation_both_keys_are_good() -> None:
    assert deliver(keys=("old key", KEY))[0] == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"signature": ""}, 401),
        ({"signature": "not base64!"}, 401),
        ({"signature": sign(BODY, "another key")}, 401),
        ({"connection": "other"}, 401),
        ({"keys": ()}, 401),
        ({"content_type": "application/json"}, 415),
        ({"body": b"x" * (BODY_LIMIT + 1), "signature": ""}, 413),
        ({"body": BODY + b"&object_id=2", "signature": ""}, 400),
        ({"body": b"\xff\xfe", "signature": ""}, 400),
        ({"connection": "../etc"}, 400),
    ],
)
def test_anything_else_is_turned_away_and_nothing_is_enqueued(changes: dict[str, Any], status: int) -> None:
    assert deliver(**changes) == (status, [])


def test_an_event_without_work_is_answered_well_and_leads_to_none() -> None:
    assert deliver(b"name=project.create&object_id=5&user_id=1") == (200, [])


def test_a_queue_that_cannot_be_reached_is_no_success() -> None:
    def broken(hint: Any) -> None:
        raise errors.Busy("SQS is down")

    with pytest.raises(errors.Busy):
        receive(
            Delivery(
                "acme",
                "invoice",
                {"content-type": "application/x-www-form-urlencoded", "x-freshbooks-hmac-sha256": sign(BODY)},
                BODY,
            ),
            verifiers=lambda *_: [KEY],
            registering=lambda *_: False,
            enqueue=broken,
            report=lambda m, **k: None,
            correlation_id="c",
        )


class Secrets:
    def __init__(self, kept: dict[str, Any]) -> None:
        self.kept = kept

    def read(self, connection: str, secret: str) -> dict[str, Any]:
        return json.loads(json.dumps(self.kept))

    def write(self, connection: str, secret: str, value: dict[str, Any], token: str | None = None) -> None:
        self.kept = value


def confirm(kept: dict[str, Any], callback_id: int = 2001) -> tuple[dict[str, Any], list[Any]]:
    secrets, verified = Secrets(kept), []
    confirm_callback(
        "acme",
        {"event": "invoice", "id": callback_id, "verifier": "V-0123456789"},
        secrets=secrets,
        leases=FakeLeases(FakeClock()),
        notes=FakeNotes(),
        report=lambda m, **k: None,
        freshbooks=SimpleNamespace(verify_callback=lambda i, v: verified.append((i, v))),
    )
    return secrets.kept, verified


def test_the_handshake_of_a_callback_being_registered_is_answered_and_its_key_kept() -> None:
    kept, verified = confirm({"invoice": {"callback_id": 2001}})
    assert verified == [(2001, "V-0123456789")]
    assert kept["invoice"]["verifiers"] == ["V-0123456789"]


def test_a_handshake_for_a_callback_nobody_registered_changes_nothing() -> None:
    assert confirm({"invoice": {"callback_id": 7}}) == ({"invoice": {"callback_id": 7}}, [])
    assert confirm({}) == ({}, [])


def test_a_handshake_never_replaces_a_key_in_use() -> None:
    kept = {"invoice": {"callback_id": 2001, "verifiers": ["V-old-old-old"]}}
    assert confirm(kept) == (kept, [])


def test_a_handshake_that_is_faster_than_its_registration_comes_again() -> None:
    with pytest.raises(errors.Busy):
        confirm({"invoice": {}})


def test_a_handshake_request_is_passed_on_unverified_but_only_well_formed() -> None:
    good = (
        b"user_id=1&name=callback.verify&verifier=xf8pABCDEFG&object_id=2001&account_id=a"
        b"&system=https%3A%2F%2Fx.freshbooks.com"
    )
    status, [hint] = deliver(good, signature="", keys=())
    assert (status, hint["noun"], hint["id"], hint["verifier"]) == (200, "callback", 2001, "xf8pABCDEFG")
    assert deliver(b"name=callback.verify&verifier=short&object_id=1", signature="", keys=()) == (400, [])
    assert deliver(good, signature="") == (401, []), "it has its key"
    assert deliver(good, signature="", keys=(), connection="other") == (401, [])
