"""receive_webhook behind the HTTP API: FreshBooks' own deliveries get in, everything else stays out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from connector.ledger import State
from local.simulators.webhooks import signature
from tests import builders
from tests.functions.business import Business
from tests.functions.gateway import Gateway
from tests.functions.stack import Stack
from tests.functions.template import sample

KEY = "planted-verifier-0123456789"
PATH = "/webhooks/freshbooks/acme/invoice"
FORM = {"content-type": "application/x-www-form-urlencoded"}
BODY = str(sample("receive_webhook")["body"])


@pytest.fixture
def subscribed(stack: Stack, acme: Business) -> Business:
    """The business with a callback that was confirmed long ago."""
    stack.admin.secrets.write("acme", "webhooks", {"invoice": {"callback_id": 2001, "verifiers": [KEY]}})
    return acme


def post(stack: Stack, body: str = BODY, path: str = PATH, key: str = KEY, **headers: str) -> dict[str, Any]:
    return stack.http(
        "POST", path, body, headers={**FORM, "x-freshbooks-hmac-sha256": signature(body, key), **headers}
    )


def queued(stack: Stack) -> list[dict[str, Any]]:
    return stack.receive("RecordsToMap")


def keys_of(stack: Stack) -> Any:
    return (stack.admin.secrets.read("acme", "webhooks") or {}).get("invoice", {}).get("verifiers")


def handshakes(business: Business) -> list[dict[str, Any]]:
    return [
        one for one in business.freshbooks.requests() if one["method"] == "PUT" and "callbacks" in one["path"]
    ]


# -------------------------------------------------------------------------------------------- one request


def test_a_delivery_becomes_a_hint_and_its_payload_goes_no_further(
    stack: Stack, subscribed: Business
) -> None:
    assert post(stack)["statusCode"] == 200
    batch = stack.deliver("RecordsToMap")
    [record] = batch.records
    assert '"noun":"invoice","id":1234567,"event":"invoice.create"' in record["body"]
    assert "identity_id" not in record["body"]


def test_a_body_that_api_gateway_encoded_is_as_good(stack: Stack, subscribed: Business) -> None:
    headers = {**FORM, "x-freshbooks-hmac-sha256": signature(BODY, KEY)}
    assert stack.http("POST", PATH, BODY, headers=headers, encoded=True)["statusCode"] == 200
    assert len(queued(stack)) == 1


def test_header_names_may_be_in_any_case(stack: Stack, subscribed: Business) -> None:
    headers = {"Content-Type": FORM["content-type"], "X-FreshBooks-Hmac-SHA256": signature(BODY, KEY)}
    assert stack.http("POST", PATH, BODY, headers=headers)["statusCode"] == 200


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (PATH, "another-verifier-0123456789"),
        ("/webhooks/freshbooks/acme/estimate", KEY),
        ("/webhooks/freshbooks/nobody/invoice", KEY),
        ("/webhooks/freshbooks/birch/invoice", KEY),
    ],
)
def test_a_bad_signature_and_a_callback_that_does_not_exist_look_the_same_from_outside(
    stack: Stack, subscribed: Business, birch: Business, path: str, key: str
) -> None:
    answer = post(stack, path=path, key=key)
    assert answer == post(stack, key="bad")
    assert (answer["statusCode"], answer["body"]) == (401, "")
    assert queued(stack) == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (f"{BODY}&x={'y' * 70_000}", {}, 413),
        (BODY, {"content-type": "application/json"}, 415),
        (BODY + "&name=bill.create", {}, 400),
        ("no form at all", {}, 400),
    ],
)
def test_what_is_no_delivery_is_refused_before_any_key_is_read(
    stack: Stack, subscribed: Business, body: str, headers: dict[str, str], status: int
) -> None:
    assert post(stack, body, **headers)["statusCode"] == status
    assert [one.action for one in stack.calls if one.action.startswith("secrets")] == []
    assert queued(stack) == []


@pytest.mark.parametrize("connection", ["..", "Acme", "a%2Fb", "x" * 60])
def test_a_connection_that_cannot_be_one_is_refused(
    stack: Stack, subscribed: Business, connection: str
) -> None:
    assert post(stack, path=f"/webhooks/freshbooks/{connection}/invoice")["statusCode"] == 400


def test_the_sender_is_told_to_come_again_where_the_queue_takes_nothing(
    stack: Stack, subscribed: Business
) -> None:
    stack.sqs.delete_queue(QueueUrl=stack.urls["RecordsToMap"])
    with pytest.raises(Exception, match="NonExistentQueue"):  # API Gateway makes a 500 of it
        post(stack)


def test_the_key_is_read_once_and_a_delivery_is_one_call(stack: Stack, subscribed: Business) -> None:
    for _ in range(5):
        assert post(stack)["statusCode"] == 200
    made = [one.action for one in stack.calls if one.function == "receive_webhook"]
    assert made == ["secretsmanager:GetSecretValue", *5 * ["sqs:SendMessageBatch"]]


# ------------------------------------------------------------------------------ with FreshBooks' simulator


@pytest.mark.parametrize("encodes", [False, True])
def test_a_registered_callback_is_confirmed_and_its_deliveries_get_in(
    stack: Stack, acme: Business, gateway: Gateway, encodes: bool
) -> None:
    gateway.encodes = encodes
    callback_id = acme.subscribe(gateway)
    [callback] = acme.books["callbacks"]
    assert (callback["callbackid"], callback["verified"]) == (callback_id, True)
    assert keys_of(stack) == [callback["verifier"]]
    acme.invoice()
    assert acme.freshbooks.drain()
    delivered = [one for one in acme.freshbooks.deliveries() if one["name"] == "invoice.create"]
    assert [(one["status"], one["attempt"]) for one in delivered] == [(200, 1)]
    assert len(queued(stack)) == 1


def test_a_delivery_that_comes_three_times_sends_one_invoice(
    stack: Stack, acme: Business, gateway: Gateway
) -> None:
    acme.offer("PO1.json", builders.order())
    acme.poll()
    acme.subscribe(gateway)
    acme.freshbooks.webhooks.arrange({"repeat_next": 3, "count": 1})
    acme.invoice()
    assert acme.freshbooks.drain()
    assert stack.settle() == []
    assert len(acme.sent) == 1
    assert acme.record("invoice", "0000421", "out").state is State.DELIVERED


def test_a_handshake_that_is_faster_than_its_registration_waits_for_it(
    stack: Stack, acme: Business, gateway: Gateway
) -> None:
    stack.admin.secrets.write("acme", "webhooks", {"invoice": {}})
    client = stack.admin.freshbooks(stack.admin.connection("acme"))
    callback = client.create_callback("invoice", f"{gateway.url}{PATH}")
    assert acme.freshbooks.drain()
    early = stack.deliver("RecordsToMap")
    assert len(early.failed) == 1
    assert 2 <= stack.visibility()[0] <= 4
    stack.admin.secrets.write("acme", "webhooks", {"invoice": {"callback_id": callback.callbackid}})
    stack.hurry("RecordsToMap", early)
    assert stack.settle() == []
    assert acme.books["callbacks"][0]["verified"]


def test_a_handshake_that_nobody_asked_for_changes_nothing(stack: Stack, subscribed: Business) -> None:
    for object_id in (2001, 666):
        forged = {"name": "callback.verify", "object_id": object_id, "verifier": "of-a-stranger-0123"}
        for path in (PATH, "/webhooks/freshbooks/acme/bill", "/webhooks/freshbooks/nobody/invoice"):
            assert post(stack, urlencode(forged), path=path)["statusCode"] == 401
    assert queued(stack) == [], "where anybody could fill the queue, work would wait"
    assert keys_of(stack) == [KEY]
    assert handshakes(subscribed) == []


def test_a_handshake_of_one_connection_cannot_confirm_anothers_callback(
    stack: Stack, subscribed: Business, birch: Business, gateway: Gateway
) -> None:
    birch.subscribe(gateway)
    forged = {"name": "callback.verify", "object_id": 2001, "verifier": "of-a-stranger-0123"}
    post(stack, urlencode(forged), path="/webhooks/freshbooks/birch/invoice")
    assert stack.settle() == []
    assert keys_of(stack) == [KEY]
    assert (stack.admin.secrets.read("birch", "webhooks") or {})["invoice"]["verifiers"] != [
        "of-a-stranger-0123"
    ]


# ------------------------------------------------------------------------------- callbacks that fell silent


@pytest.fixture
def called(stack: Stack, acme: Business, gateway: Gateway) -> Business:
    """The business that FreshBooks calls for invoices and bills."""
    stack.api_url = gateway.url
    register(stack, acme)
    return acme


def register(stack: Stack, business: Business) -> None:
    assert stack.json("POST", "/api/connect/webhooks", {"connection": business.id})[0] == 200
    assert business.freshbooks.drain()
    assert stack.settle() == []


def switch_off(business: Business, event: str) -> None:
    """As FreshBooks does where an address failed for long."""
    with business.freshbooks.lock:
        for callback in business.freshbooks.webhooks.callbacks.values():
            if callback.account_id == business.names.account_id and callback.event == event:
                callback.verified = False


def silent(stack: Stack, connection: str = "acme") -> Any:
    """What the overview says of the connection's webhooks."""
    told = stack.json("GET", f"/api/overview?connection={connection}")[1]
    return told["health"]["freshbooks"]["silent"]


def test_webhooks_that_freshbooks_switched_off_are_told_until_they_are_confirmed_again(
    stack: Stack, called: Business
) -> None:
    stack.invoke("reconcile_documents", {})
    assert silent(stack) == {}
    switch_off(called, "invoice")
    client = stack.admin.freshbooks(stack.admin.connection("acme"))
    [bill] = [one for one in called.books["callbacks"] if one["event"] == "bill"]
    client.delete_callback(bill["callbackid"])
    stack.invoke("reconcile_documents", {})
    assert silent(stack) == {
        "invoice": "FreshBooks has switched it off",
        "bill": "FreshBooks has no such webhook",
    }
    assert stack.invoke("send_digest", {})["new"] == 1
    assert stack.json("GET", "/api/connect?connection=acme")[1]["unconfirmed"] == ["invoice", "bill"]
    register(stack, called)
    assert silent(stack) == {}, "nobody has to wait for the next night"
    assert stack.json("GET", "/api/connect?connection=acme")[1]["unconfirmed"] == []
    assert [one["verified"] for one in called.books["callbacks"]] == [True, True]
    assert stack.invoke("send_digest", {}) == {"new": 0, "open": 0}
    called.invoice()
    assert called.freshbooks.drain()
    assert len(queued(stack)) == 1


def test_a_webhook_that_a_person_mended_at_freshbooks_is_silent_no_longer(
    stack: Stack, called: Business
) -> None:
    switch_off(called, "invoice")
    stack.invoke("reconcile_documents", {})
    with called.freshbooks.lock:
        for callback in called.freshbooks.webhooks.callbacks.values():
            callback.verified = True
    made = called.books["callbacks"]
    register(stack, called)
    assert (silent(stack), called.books["callbacks"]) == ({}, made)


def test_a_connection_that_never_asked_for_webhooks_is_not_told_that_they_are_silent(
    stack: Stack, called: Business, birch: Business
) -> None:
    for event in ("invoice", "bill"):
        switch_off(called, event)
    stack.invoke("reconcile_documents", {})
    assert (silent(stack, "birch"), len(silent(stack, "acme"))) == ({}, 2)


def test_a_webhook_of_an_address_that_the_stack_had_before_is_made_anew(
    stack: Stack, called: Business, gateway: Gateway
) -> None:
    stack.api_url = gateway.url.replace("127.0.0.1", "localhost")
    stack.restart()
    before = {one["callbackid"] for one in called.books["callbacks"]}
    register(stack, called)
    assert {one["uri"].startswith(stack.api_url) for one in called.books["callbacks"]} == {True}
    assert before.isdisjoint(one["callbackid"] for one in called.books["callbacks"])


def test_a_ping_says_which_webhook_is_silent_and_what_to_do(stack: Stack, called: Business) -> None:
    def step() -> Any:
        steps = stack.json("GET", "/api/ping?connection=acme")[1]["steps"]
        return next(one for one in steps if one["step"] == "webhooks")

    assert step()["ok"] is True
    switch_off(called, "bill")
    assert (step()["ok"], step()["detail"]) == (False, "bill: FreshBooks has switched it off")
    assert "connector connections webhooks" in step()["fix"]
