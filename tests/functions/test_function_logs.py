"""What the functions print: every document's whole story under one id, and nothing that is nobody's business."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from connector import errors
from local.simulators import RunningSimulator
from tests import builders
from tests.functions.business import ACME, BIRCH, HOUR, Business
from tests.functions.gateway import Gateway
from tests.functions.stack import Stack
from tests.functions.template import FUNCTIONS, STACK_NAME

# words that documents hold and logs must not
ITEM, STREET, CITY, NOTE = "Planted stoneware bowl", "77 Planted Street", "Plantedville", "Planted remark"


def order(number: str = builders.PO_NUMBER, **changes: Any) -> dict[str, Any]:
    text = {"ProductCharacteristicCode": "08", "ProductDescription": ITEM}
    lines = [builders.order_line(n, item={"ProductOrItemDescription": [text]}) for n in (1, 2)]
    place = builders.address("ST", Address1=STREET, City=CITY)
    notes = [{"NoteCode": "GEN", "Note": NOTE}]
    return builders.order(
        lines, PurchaseOrderNumber=number, header={"Address": [place], "Notes": notes}, **changes
    )


def lines_of(stack: Stack, document: str) -> list[dict[str, Any]]:
    return [line for line in stack.log() if line.get("document") == document]


@pytest.fixture
def polled(acme: Business) -> Business:
    acme.poll()
    return acme


def test_a_function_that_started_in_a_tests_set_up_is_heard_in_the_test(
    stack: Stack, polled: Business
) -> None:
    polled.poll()
    assert "mailbox polled" in [line["message"] for line in stack.log()]


def a_day(stack: Stack, business: Business, gateway: Gateway) -> None:
    """All that can happen to one connection: orders, an invoice, an authorization, and most kinds of failure."""
    business.subscribe(gateway)
    business.offer("1.json", order())
    business.offer("2.json", builders.shipment())
    business.offer("3.json", order("wrong-total", summary={"TotalAmount": 1}))
    business.offer("4.json", b'{"Header": "' + ITEM.encode())
    business.offer("5.json", order("nobodys", TradingPartnerId="STRANGER"))
    business.offer("6.json", order("bad-line", PurchaseOrderDate=f"{ITEM}, {STREET}"))
    business.poll()
    line = {"name": "V-1", "description": ITEM, "qty": "5", "unit_cost": {"amount": "20.00", "code": "USD"}}
    business.invoice(lines=[line, {**line, "name": "V-2"}], notes=NOTE, address=STREET)
    business.invoice("odd", lines=[{**line, "name": ITEM}], po_number="wrong")
    assert business.freshbooks.drain()
    stack.settle()
    stack.invoke("poll_freshbooks", {"connection": business.id})
    stack.settle()
    for kind in ("422", "401", "429_seconds", "reset_after", "html200"):
        refusal = {
            "response": {"errors": [{"errno": 1012, "message": ITEM, "field": "lines", "value": STREET}]}
        }
        fault = {"kind": "403", "body": refusal} if kind == "422" else {"kind": kind}
        business.freshbooks.faults.add({"route": r"POST .*/bills/bills$", **fault})
        business.offer(f"{kind}.json", order(f"of-{kind}"))
        business.poll()
        stack.pass_time(400)
    business.sps.faults.add({"route": "POST /transactions", "kind": "500", "count": 1})
    business.sps.expire_tokens()
    business.invoice("late", lines=[line])
    business.freshbooks.drain()
    stack.settle()
    authorize(stack, business)
    stack.pass_time(7 * HOUR)
    for function in ("refresh_token", "resolve_in_doubt", "reconcile_documents", "send_digest"):
        stack.invoke(function, {})
    stack.settle()
    for path in (
        f"/api/documents?connection={business.id}",
        "/api/me",
        f"/api/ping?connection={business.id}",
        "/api/partners",
    ):
        stack.http("GET", path)
    pack = f'trading_partner_id = "STRANGER"\nname = "{NOTE}"\n[addresses.RI]\nAddress1 = "{STREET}"\n'
    stack.http("PUT", "/api/partner", {"connection": business.id, "toml": pack})
    stack.http("PUT", "/api/partner", {"connection": business.id, "toml": f'planted = "{STREET}"'})
    form = {"content-type": "application/x-www-form-urlencoded", "x-freshbooks-hmac-sha256": "cGxhbnRlZA=="}
    stack.http(
        "POST", f"/webhooks/freshbooks/{business.id}/invoice", "name=invoice.create&object_id=1", headers=form
    )
    stack.settle()


def authorize(stack: Stack, business: Business) -> None:
    begun = stack.http("GET", f"/oauth/freshbooks/start?connection={business.id}")
    business.freshbooks.grants.consenting = business.names.account_id
    back = requests.get(begun["headers"]["location"], allow_redirects=False, timeout=5).headers["Location"]
    found = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    for state in (found["state"] + "0", found["state"], found["state"]):
        stack.http("GET", f"/oauth/freshbooks/callback?{urlencode({**found, 'state': state})}")


@pytest.fixture
def day(stack: Stack, acme: Business, gateway: Gateway) -> Business:
    a_day(stack, acme, gateway)
    return acme


def test_no_secret_payload_or_address_is_ever_printed(stack: Stack, day: Business) -> None:
    printed = stack.printed()
    grants = day.freshbooks.grants
    secrets = [
        *(day.names.freshbooks_secret, day.names.sps_secret, stack.admin.oauth_state_key()),
        *(*grants.access, *grants.refresh, *grants.codes, *day.sps.tokens),
        *(callback["verifier"] for callback in day.books["callbacks"]),
        *(callback.verifier for callback in day.freshbooks.webhooks.callbacks.values()),
    ]
    assert len(secrets) > 8
    assert [secret for secret in secrets if secret in printed] == []
    business = [
        ITEM,
        STREET,
        CITY,
        NOTE,
        "Planted",
        "9 Factory Ln",
        "Example Retail",
        "VEND6174",
        "20.00",
        "200.00",
    ]
    assert [text for text in business if text in printed] == []
    assert [
        text for text in ("127.0.0.1", "http://", "https://", "Bearer", "Traceback") if text in printed
    ] == []


def test_every_line_is_json_with_its_connection_and_every_kind_of_trouble_left_one(
    stack: Stack, day: Business
) -> None:
    lines = [json.loads(line) for line in stack.printed().splitlines()]
    assert {line["service"] for line in lines if "level" in line} == set(FUNCTIONS)
    counted = [line for line in lines if "_aws" in line]
    assert {line["service"] for line in counted} == {STACK_NAME}, "metrics are the stack's"
    assert sum(sum(line.get("DocumentsParked", ())) for line in counted) >= 3
    told = {line["message"] for line in lines if "message" in line}
    assert told >= {
        "mailbox polled",
        "document arrived",
        "document delivered",
        "document refused",
        "outcome unknown",
        "message not done, it comes again",
        "webhook taken",
        "webhook refused",
        "callback confirmed",
        "books polled",
        "token refreshed",
        "request refused",
        "upkeep done",
        "waiting documents resumed",
    }
    strangers = [line for line in stack.log() if line.get("connection") != "acme"]
    # the people's routes that name no connection in their path
    assert {line["service"] for line in strangers} <= {"serve_console", "authorize_freshbooks"}


@pytest.mark.parametrize("number", [builders.PO_NUMBER, "second"])
def test_an_orders_story_has_one_correlation_id_from_the_poll_to_the_bill(
    stack: Stack, acme: Business, number: str
) -> None:
    for name in (builders.PO_NUMBER, "second"):
        acme.offer(f"{name}.json", order(name))
    acme.poll()
    told = lines_of(stack, f"acme/in/{builders.PARTNER}/order/{number}")
    assert [(line["service"], line["message"]) for line in told] == [
        ("map_inbound", "document arrived"),
        ("push_freshbooks", "document delivered"),
    ]
    [correlation_id] = {line["correlation_id"] for line in told}
    assert {event.correlation_id for event in acme.record(number=number).history} == {correlation_id}
    [polled] = [line for line in stack.log() if line["message"] == "mailbox polled"]
    assert correlation_id.startswith(f"{polled['run']}.")


def test_two_documents_of_one_batch_have_ids_of_their_own(stack: Stack, acme: Business) -> None:
    for number in "123":
        acme.offer(f"{number}.json", order(number))
    acme.poll()
    delivered = [line for line in stack.log() if line["message"] == "document delivered"]
    assert len({line["correlation_id"] for line in delivered}) == 3


def test_an_invoices_story_has_one_correlation_id_from_the_webhook_to_the_file(
    stack: Stack, acme: Business, gateway: Gateway
) -> None:
    acme.offer("1.json", order())
    acme.poll()
    acme.subscribe(gateway)
    acme.invoice()
    assert acme.freshbooks.drain()
    stack.settle()
    told = lines_of(stack, f"acme/out/{builders.PARTNER}/invoice/0000421")
    assert [line["service"] for line in told] == ["map_outbound", "push_sps"]
    [taken] = [line for line in stack.log() if line["message"] == "webhook taken"]
    assert {line["correlation_id"] for line in told} == {taken["correlation_id"]}
    assert {event.correlation_id for event in acme.record("invoice", "0000421", "out").history} == {
        taken["correlation_id"]
    }


def test_a_message_that_cannot_be_read_is_not_told_as_part_of_the_story_before(
    stack: Stack, acme: Business
) -> None:
    acme.offer("1.json", order())
    good = {"connection": "acme", "correlation_id": "of-the-good-one", "path": "out/1.json"}
    stack.send("SpsFilesToMap", good, "no JSON")
    stack.deliver("SpsFilesToMap")
    [trouble] = [line for line in stack.log() if line["message"] == "message not done, it comes again"]
    assert (trouble["correlation_id"], trouble["connection"]) == ("", "")
    assert trouble["error"] == "JSONDecodeError"


def test_a_message_that_failed_is_told_as_part_of_its_own_story(stack: Stack, acme: Business) -> None:
    for name in ("1", "2"):
        acme.offer(f"{name}.json", order())
    acme.sps.faults.add({"route": r"GET /transactions/v5/data/out/1.json", "kind": "500", "count": None})
    stories = [
        {"connection": "acme", "correlation_id": f"of-{name}", "path": f"out/{name}.json"} for name in "12"
    ]
    stack.send("SpsFilesToMap", *stories)
    assert len(stack.deliver("SpsFilesToMap").failed) == 1
    [trouble] = [line for line in stack.log() if line["message"] == "message not done, it comes again"]
    assert (trouble["correlation_id"], trouble["connection"]) == ("of-1", "acme")


def test_a_stranded_token_leaves_no_trace_of_itself(
    stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator
) -> None:
    acme, birch = (Business(names, stack, sps, freshbooks, expires_in=HOUR) for names in (ACME, BIRCH))
    acme.freshbooks.grants.refresh[acme.tokens["refresh_token"]].spent = True
    with pytest.raises(errors.Stranded) as caught:
        stack.invoke("refresh_token", {})
    told = stack.printed() + repr(caught.value) + str(caught.value)
    for business in (acme, birch):
        assert [
            one
            for one in (*business.tokens.values(), business.names.freshbooks_secret)
            if one in told and one != business.names.account_id
        ] == []
