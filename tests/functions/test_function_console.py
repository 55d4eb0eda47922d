"""serve_console behind the HTTP API: every route, and a plain answer to every request that makes no sense."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from connector.ledger import State
from local.simulators import RunningSimulator
from tests import builders
from tests.functions.business import ACME, PARTNER, Business
from tests.functions.stack import Stack
from tests.functions.template import ROUTES, sample

ORDER = f"acme/in/{PARTNER}/order/{builders.PO_NUMBER}"
# one good request for each route, and the status it gets once `ORDER` is delivered
GOOD: dict[str, tuple[str, Any, int]] = {
    "GET /": ("/", None, 200),
    "GET /connections": ("/connections", None, 200),
    "GET /documents": ("/documents?connection=acme", None, 200),
    "GET /documents/{id+}": (f"/documents/{ORDER}", None, 200),
    "POST /replay": ("/replay", {"id": ORDER}, 409),
    "GET /partners": ("/partners?connection=acme", None, 200),
    "PUT /partners/{connection}/{partner}": (f"/partners/acme/{PARTNER}", {"name": "Example Retail"}, 200),
    "GET /ping/{connection}": ("/ping/acme", None, 200),
}


@pytest.fixture
def delivered(acme: Business) -> Business:
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []
    return acme


@pytest.fixture
def without_packs(stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator) -> Business:
    """A business whose order waits for its partner's pack."""
    business = Business(ACME, stack, sps, freshbooks, packs=())
    business.offer("PO1.json", builders.order())
    assert business.poll() == []
    assert business.record().state is State.HELD
    return business


# ------------------------------------------------------------------------------------------- every route


def test_there_is_a_request_here_for_every_route() -> None:
    assert set(GOOD) == {route for route, function in ROUTES.items() if function == "serve_console"}


@pytest.mark.parametrize("route", GOOD)
def test_every_route_answers_in_json_that_nobody_may_keep_or_frame(
    stack: Stack, delivered: Business, route: str
) -> None:
    path, body, status = GOOD[route]
    answer = stack.http(route.partition(" ")[0], path, body)
    assert answer["statusCode"] == status
    assert isinstance(json.loads(answer["body"]), dict)
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer["headers"]["content-security-policy"]


def test_no_answer_tells_a_secret(stack: Stack, delivered: Business) -> None:
    told = "".join(stack.http(route.partition(" ")[0], *GOOD[route][:2])["body"] for route in GOOD)
    told += stack.http("GET", f"/documents/{ORDER}?payloads=1")["body"]
    secrets = [delivered.names.freshbooks_secret, delivered.names.sps_secret, *delivered.sps.tokens]
    secrets += [*delivered.freshbooks.grants.access, *delivered.freshbooks.grants.refresh]
    assert [secret for secret in secrets if secret in told] == []


def test_a_route_that_the_template_does_not_have_is_404(stack: Stack, acme: Business) -> None:
    event = sample("serve_console") | {"routeKey": "DELETE /documents", "rawPath": "/documents"}
    answer = stack.invoke("serve_console", event)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "no_such_route")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/documents", None, 400, "no_connection"),
        ("GET", "/documents?connection=acme&state=lost", None, 400, "no_such_state"),
        ("GET", "/documents/nonsense", None, 400, "bad_document_id"),
        ("GET", f"/documents/acme/sideways/{PARTNER}/order/1", None, 400, "bad_document_id"),
        ("GET", f"/documents/acme/in/{PARTNER}/order/none", None, 404, "no_such_document"),
        ("POST", "/replay", None, 400, "bad_body"),
        ("POST", "/replay", "no JSON", 400, "bad_body"),
        ("POST", "/replay", ["a", "list"], 400, "bad_body"),
        ("POST", "/replay", {}, 400, "bad_document_id"),
        ("POST", "/replay", {"id": 7}, 400, "bad_document_id"),
        ("POST", "/replay", {"id": f"/in/{PARTNER}/order/1"}, 400, "no_connection"),
        ("POST", "/replay", {"id": f"nobody/in/{PARTNER}/order/1"}, 404, "no_such_connection"),
        ("POST", "/replay", {"id": f"acme/in/{PARTNER}/order/none"}, 404, "no_such_document"),
        ("GET", "/partners", None, 400, "no_connection"),
        ("GET", "/partners?connection=", None, 400, "no_connection"),
        ("GET", "/partners?connection=nobody", None, 404, "no_such_connection"),
        ("PUT", f"/partners/nobody/{PARTNER}", {}, 404, "no_such_connection"),
        ("PUT", f"/partners/acme/{PARTNER}", {"nmae": "misspelt"}, 400, "pack_invalid"),
        ("PUT", f"/partners/acme/{PARTNER}", {"orders": {"due_days": -1}}, 400, "pack_invalid"),
        ("PUT", "/partners/acme/SIXTEENLETTERSXX", {}, 400, "pack_invalid"),
        ("PUT", f"/partners/acme/{PARTNER}", "no JSON", 400, "bad_body"),
        ("GET", "/ping/nobody", None, 404, "no_such_connection"),
    ],
)
def test_a_request_that_makes_no_sense_gets_an_answer_that_says_why(
    stack: Stack, acme: Business, method: str, path: str, body: Any, status: int, code: str
) -> None:
    found, told = stack.json(method, path, body)
    assert (found, told["code"]) == (status, code)
    assert told["error"]


# -------------------------------------------------------------------------------------------- documents


def test_documents_are_found_by_what_a_clerk_knows_of_them(stack: Stack, delivered: Business) -> None:
    delivered.offer("broken.json", b"{")
    delivered.poll()

    def listed(query: str) -> list[str]:
        found = stack.json("GET", f"/documents?connection=acme&{query}")[1]
        assert found["more"] is False
        return [one["number"] for one in found["documents"]]

    assert sorted(listed("")) == [builders.PO_NUMBER, "broken.json"]
    assert listed("state=held") == ["broken.json"]
    assert listed(f"partner={PARTNER}") == [builders.PO_NUMBER]
    assert listed("type=order") == [builders.PO_NUMBER]
    assert listed("direction=out") == []
    assert listed("text=45001") == [builders.PO_NUMBER]


def test_a_document_tells_its_whole_story_from_the_file_to_the_bill(
    stack: Stack, delivered: Business
) -> None:
    told = stack.json("GET", f"/documents/{ORDER}?payloads=1")[1]
    assert (told["state"], told["amount"], told["source"]) == ("DELIVERED", "200.00", "out/PO1.json")
    assert [event["to_state"] for event in told["history"]] == ["RECEIVED", "MAPPED", "CLAIMED", "DELIVERED"]
    assert told["history_broken_at"] is None
    assert told["contents"]["received"] == json.loads(builders.as_bytes(builders.order()))
    assert told["contents"]["exchange"]["answer"]["bill_number"] == builders.PO_NUMBER


@pytest.mark.parametrize("decodes", [True, False], ids=["API Gateway", "an emulator"])
@pytest.mark.parametrize("number", ["PO/1", "PO 1", "Ä-1", "a+b", "#7"])
def test_a_document_is_found_whatever_its_number_has_in_it(
    stack: Stack, acme: Business, number: str, decodes: bool
) -> None:
    acme.offer("PO1.json", builders.order(PurchaseOrderNumber=number))
    acme.poll()
    [listed] = stack.json("GET", "/documents?connection=acme")[1]["documents"]
    assert listed["id"].endswith(quote(number, safe=""))
    status, told = stack.json("GET", f"/documents/{listed['id']}", decodes=decodes)
    assert (status, told["number"]) == (200, number)


def test_a_document_whose_payload_is_no_longer_kept_says_so(stack: Stack, delivered: Business) -> None:
    delivered.stack.admin._client("s3").delete_object(Bucket="archive", Key=_received(delivered))
    assert stack.json("GET", f"/documents/{ORDER}")[0] == 200
    status, told = stack.json("GET", f"/documents/{ORDER}?payloads=1")
    assert (status, told["code"]) == (404, "payload_gone")


def _received(business: Business) -> str:
    digest = business.record().payloads["received"].partition("#")[0]
    return f"acme/{digest[:2]}/{digest}"


# ------------------------------------------------------------------------------------ replay and partners


def test_a_held_document_is_replayed_from_its_archived_input(stack: Stack, acme: Business) -> None:
    stack.admin.notes.write("", "connection", "acme", {**acme.settings, "category": "No such category"})
    acme.offer("PO1.json", builders.order())
    acme.poll()
    assert (acme.record().state, acme.record().reason["code"]) == (State.HELD, "no_such_category")
    stack.admin.notes.write("", "connection", "acme", acme.settings)
    stack.restart()
    assert stack.json("POST", "/replay", {"id": ORDER}) == (202, {"state": "RECEIVED"})
    assert stack.settle() == []
    assert acme.record().state is State.DELIVERED
    assert len(acme.bills) == 1
    assert "console" in [event.who for event in acme.record().history]


def test_a_delivered_document_is_not_sent_twice(stack: Stack, delivered: Business) -> None:
    before = delivered.record()
    status, told = stack.json("POST", "/replay", {"id": ORDER})
    assert (status, told["code"]) == (409, "nothing_to_replay")
    assert stack.settle() == []
    assert delivered.record() == before
    assert len(delivered.bills) == 1


def test_a_document_on_its_way_is_left_alone(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    acme.freshbooks.faults.add({"route": r"POST .*/bills/bills$", "kind": "reset_after"})
    acme.poll()
    status, told = stack.json("POST", "/replay", {"id": ORDER})
    assert (status, told["code"]) == (503, "busy")


def test_a_pack_resumes_what_waited_for_it_and_is_there_to_be_read(
    stack: Stack, without_packs: Business
) -> None:
    pack = {"name": "Example Retail", "freshbooks": {"category": "Purchases"}}
    assert stack.json("PUT", f"/partners/acme/{PARTNER}", pack) == (200, {"resumed": 1})
    assert stack.settle() == []
    assert without_packs.record().state is State.DELIVERED
    told = stack.json("GET", "/partners?connection=acme")[1]["partners"]
    assert told == {PARTNER: {"trading_partner_id": PARTNER, **pack}}


def test_the_partner_in_the_address_is_the_one_that_is_set_up(stack: Stack, without_packs: Business) -> None:
    stack.json("PUT", "/partners/acme/OTHER", {"trading_partner_id": PARTNER})
    assert list(stack.json("GET", "/partners?connection=acme")[1]["partners"]) == ["OTHER"]
    assert without_packs.record().state is State.HELD


# ------------------------------------------------------------------------------------------------- ping


def test_a_ping_goes_through_every_step_and_writes_nothing(stack: Stack, acme: Business) -> None:
    steps = stack.json("GET", "/ping/acme")[1]["steps"]
    assert [step for step in steps if not step["ok"]] == []
    written = [
        one["method"] for one in acme.sps.requests() + acme.freshbooks.requests() if one["method"] != "GET"
    ]
    assert written == ["POST"]  # the SPS token


def test_a_ping_says_which_step_fails_and_what_to_do(stack: Stack, acme: Business) -> None:
    acme.freshbooks.expire_tokens()
    stack.admin.secrets.write("acme", "sps", {"client_id": acme.names.sps_client, "client_secret": "wrong"})
    steps = stack.json("GET", "/ping/acme")[1]["steps"]
    broken = {step["vendor"]: step["fix"] for step in reversed(steps) if not step["ok"]}
    assert set(broken) == {"SPS", "FreshBooks"}
    assert all(broken.values())


def test_connections_are_listed_with_their_last_polls(
    stack: Stack, delivered: Business, birch: Business
) -> None:
    told = stack.json("GET", "/connections")[1]["connections"]
    assert [one["id"] for one in told] == ["acme", "birch"]
    assert told[0]["polls"]["sps"]["files"] == 1
    assert told[1]["polls"] == {}
