"""R7: of 10,000 webhooks that are a good one but for a mutation, none is accepted and none leads to work.

Mutated is the body, its order, the signature, a header, the encoding or the path, by a seed; the function answers
as on AWS, up to the queue. A mutant that says the very same in another encoding is no mutant and is drawn again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from local.simulators.webhooks import signature
from tests.faults.killing import CONTEXT, VERIFIERS, Machine, delivery, machine

MUTANTS = 10_000
SEED = 7
BODY = "name=invoice.update&object_id=1234567&account_id=ACC&business_id=77128&identity_id=712052&user_id=1"
SIGNATURE = "x-freshbooks-hmac-sha256"
Event = dict[str, Any]
Mutation = Callable[[Event, random.Random], None]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Machine]:
    with machine() as made:
        made.fresh()
        yield made


# ------------------------------------------------------------------------------------------ mutations


def a_character(event: Event, rng: random.Random) -> None:
    body, at = event["body"], rng.randrange(len(event["body"]))
    other = rng.choice("abcXYZ0189=&;%+.-_~ \x00\xe9\u20ac\u0663\u00b2\ud83d\ude00")
    event["body"] = rng.choice(
        (body[:at] + other + body[at + 1 :], body[:at] + other + body[at:], body[:at] + body[at + 1 :])
    )


def a_cut(event: Event, rng: random.Random) -> None:
    event["body"] = event["body"][: rng.randrange(len(event["body"]))]


def a_field(event: Event, rng: random.Random) -> None:
    fields = parse_qsl(event["body"])
    at = rng.randrange(len(fields))
    name, value = fields[at]
    match rng.randrange(5):
        case 0:
            del fields[at]
        case 1:
            fields.insert(rng.randrange(len(fields) + 1), (name, value))
        case 2:
            fields.append((f"extra{rng.randrange(99)}", "1"))
        case 3:
            fields[at] = (name, str(rng.randrange(10**6)))
        case _:
            fields[at] = (name.upper(), value)
    event["body"] = urlencode(fields)


def the_order(event: Event, rng: random.Random) -> None:
    fields = parse_qsl(event["body"])
    rng.shuffle(fields)
    event["body"] = urlencode(fields)


def the_length(event: Event, rng: random.Random) -> None:
    event["body"] += "&padding=" + "x" * rng.choice((1_000, 65_536, 200_000))


def the_signature(event: Event, rng: random.Random) -> None:
    headers, body = event["headers"], event["body"]
    good, key = signature(BODY, VERIFIERS["invoice"]), VERIFIERS["invoice"].encode()
    message = json.dumps(dict(parse_qsl(body))).encode()
    raw = body.encode("utf-8", "surrogatepass")
    at = rng.randrange(len(good))
    forged = (
        good[:at] + rng.choice("ABCxyz019+/=-_ \xe9\n") + good[at + 1 :],
        good[:at],
        good + rng.choice(("=", "A", "AAAA", "\x00", "," + good)),
        good.swapcase(),
        base64.b64decode(good).hex(),
        base64.b64encode(rng.randbytes(32)).decode(),
        base64.b64encode(hmac.new(key, raw, hashlib.sha256).digest()).decode(),
        base64.b64encode(hmac.new(key, message, hashlib.sha1).digest()).decode(),
        base64.b64encode(hmac.new(key[:-1], message, hashlib.sha256).digest()).decode(),
        base64.b64encode(hmac.new(b"", message, hashlib.sha256).digest()).decode(),
        base64.b64encode(hmac.new(b"no such callback", message, hashlib.sha256).digest()).decode(),
        base64.b64encode(hashlib.sha256(key + message).digest()).decode(),
        "",
        "null",
        "sha256=" + good,
    )
    headers[SIGNATURE] = rng.choice(forged)


def a_header(event: Event, rng: random.Random) -> None:
    headers = event["headers"]
    match rng.randrange(4):
        case 0:
            del headers[SIGNATURE]
        case 1:
            headers[rng.choice(("x-freshbooks-hmac-sha1", "x-hmac", "authorization"))] = headers.pop(
                SIGNATURE
            )
        case 2:
            del headers["content-type"]
        case _:
            kinds = (
                "application/json",
                "text/plain",
                "multipart/form-data; boundary=x",
                "x-www-form-urlencoded",
                "",
            )
            headers["content-type"] = rng.choice(kinds)


def the_encoding(event: Event, rng: random.Random) -> None:
    body = event["body"]
    match rng.randrange(5):
        case 0:
            event["isBase64Encoded"] = True  # which it is not
        case 1:
            event["body"] = base64.b64encode(body.encode()).decode()  # which nobody says
        case 2:
            encoded = base64.b64encode(body.encode(rng.choice(("utf-16", "utf-32", "cp037")))).decode()
            event.update(body=encoded, isBase64Encoded=True)
        case 3:
            encoded = bytearray(body.encode())
            encoded[rng.randrange(len(encoded))] = rng.choice((0x80, 0xC0, 0xFE, 0xFF))
            event.update(body=base64.b64encode(encoded).decode(), isBase64Encoded=True)
        case _:
            event["body"] = quote(body, safe=rng.choice(("", "=", "&")))


def the_path(event: Event, rng: random.Random) -> None:
    path = event["pathParameters"]
    name = rng.choice(("connection", "event"))
    path[name] = rng.choice(
        (
            "",
            "bill",
            "ACME",
            "acme2",
            "acme/",
            "../acme",
            "acme%00",
            "*",
            "invoice.update",
            "INVOICE",
            "x" * 300,
            "\u0430cme",
        )
    )


MUTATIONS: tuple[Mutation, ...] = (
    a_character,
    a_cut,
    a_field,
    the_order,
    the_length,
    the_signature,
    a_header,
    the_encoding,
    the_path,
)


def said(event: Event) -> Any:
    """What a request says, however it is written."""
    body = event["body"].encode("utf-8", "surrogatepass")
    if event["isBase64Encoded"]:
        try:
            body = base64.b64decode(body, validate=True)
        except ValueError:
            return None
    fields = parse_qsl(
        body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    )
    return fields, event["headers"], event["pathParameters"]


def mutants(count: int, seed: int) -> Iterator[tuple[str, Event]]:
    rng = random.Random(seed)
    good = said(delivery("invoice", BODY))
    while count:
        event = delivery("invoice", BODY)
        chosen = rng.choices(MUTATIONS, k=rng.choice((1, 1, 1, 2)))
        for mutate in chosen:
            if (
                parse_qsl(event["body"])
                and event["headers"].get(SIGNATURE)
                and "content-type" in event["headers"]
            ):
                with suppress(
                    UnicodeEncodeError
                ):  # half a character of the first mutation, in the way of the second
                    mutate(event, rng)
        if said(event) != good:
            count -= 1
            yield " and ".join(mutate.__name__ for mutate in chosen), event


# ---------------------------------------------------------------------------------------------- tests


def test_the_unmutated_request_is_accepted_in_any_encoding_that_says_the_same(cloud: Machine) -> None:
    plain = delivery("invoice", BODY)
    encoded = {**plain, "body": base64.b64encode(BODY.encode()).decode(), "isBase64Encoded": True}
    escaped = {**plain, "body": BODY.replace("invoice", "%69nvoice")}
    for event in (plain, encoded, escaped):
        assert cloud.handler("receive_webhook")(event, CONTEXT)["statusCode"] == 200
    hints = cloud.waiting("records_to_map")
    assert [hint["id"] for hint in hints] == [1234567] * 3
    cloud.fresh()


def test_no_mutant_is_accepted_and_none_leads_to_work(cloud: Machine) -> None:
    receive = cloud.handler("receive_webhook")
    answers: Counter[int] = Counter()
    for n, (mutation, event) in enumerate(mutants(MUTANTS, SEED)):
        try:
            status = receive(event, CONTEXT)["statusCode"]
        except Exception as error:
            raise AssertionError(f"mutant {n} of {mutation} made the function fail: {event}") from error
        assert status in (400, 401, 413, 415), f"mutant {n} of {mutation} is answered with {status}: {event}"
        answers[status] += 1
    assert sum(answers.values()) == MUTANTS
    assert set(answers) == {400, 401, 413, 415}
    assert cloud.waiting("records_to_map") == []


@pytest.mark.parametrize("path", [("nobody", "invoice"), ("acme", "client"), ("acme", ""), ("nobody", "")])
@pytest.mark.parametrize("key", ["", "no such callback", VERIFIERS["invoice"], "None", "[]"])
def test_nobody_can_sign_for_a_callback_that_is_not_there(
    cloud: Machine, path: tuple[str, str], key: str
) -> None:
    cloud.fresh()
    message = json.dumps(dict(parse_qsl(BODY))).encode()
    event = delivery("invoice", BODY)
    event["pathParameters"] = dict(zip(("connection", "event"), path, strict=True))
    event["headers"][SIGNATURE] = base64.b64encode(
        hmac.new(key.encode(), message, hashlib.sha256).digest()
    ).decode()
    assert cloud.handler("receive_webhook")(event, CONTEXT)["statusCode"] in (400, 401)
    assert cloud.waiting("records_to_map") == []


def test_no_forged_handshake_puts_a_key_in_place(cloud: Machine) -> None:
    """A handshake carries no signature: it counts only for the callback that is being registered."""
    cloud.fresh()
    rng = random.Random(SEED)
    for _ in range(100):
        fields = {
            "name": "callback.verify",
            "object_id": rng.choice(("1", "2", "3", "9999", "\u00b2", "-1", "1e3", "")),
            "verifier": rng.choice(("x" * rng.randrange(1, 300), VERIFIERS["bill"])),
        }
        event = delivery("invoice", urlencode(fields))
        event["headers"].pop(SIGNATURE)
        event["pathParameters"]["event"] = rng.choice(("invoice", "bill", "client"))
        assert cloud.handler("receive_webhook")(event, CONTEXT)["statusCode"] == 401
    assert cloud.waiting("records_to_map") == []
    kept = cloud.wiring.secrets.read("acme", "webhooks")
    cloud.work()
    assert cloud.wiring.secrets.read("acme", "webhooks") == kept
    assert cloud.posts("/events/callbacks", "PUT") == 0
