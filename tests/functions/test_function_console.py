"""serve_console behind the HTTP API: every route, and a plain answer to every request that makes no sense."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from connector.console.routes import MODULES
from connector.ledger import State
from connector.rules.packs import read_pack
from local.simulators import RunningSimulator
from tests import builders
from tests.functions.business import ACME, PARTNER, Business
from tests.functions.gateway import Gateway
from tests.functions.stack import LOGIN_URL, Stack, claims
from tests.functions.template import ROOT, sample

ORDER = f"acme/in/{PARTNER}/order/{builders.PO_NUMBER}"
PACK = f'trading_partner_id = "{PARTNER}"\nname = "Example Retail"\n[freshbooks]\ncategory = "Purchases"\n'
# one good request for each route, and the status it gets once `ORDER` is delivered
GOOD: dict[tuple[str, str], tuple[Any, int]] = {
    ("GET", "me"): (None, 200),
    ("GET", "overview"): ("connection=acme&zone=America/Chicago", 200),
    ("GET", "documents"): ("connection=acme", 200),
    ("GET", "document"): (f"id={ORDER}", 200),
    ("GET", "document/payloads"): (f"id={ORDER}", 200),
    ("GET", "document/preview"): (f"id={ORDER}", 200),
    ("GET", "document/difference"): (f"id={ORDER}", 200),
    ("GET", "document/explain"): (f"id={ORDER}", 200),
    ("POST", "document/evidence"): ({"id": ORDER}, 200),
    ("POST", "document/replay"): ({"id": ORDER}, 409),
    ("POST", "document/resolve"): ({"id": ORDER, "reason": "done by hand"}, 409),
    ("POST", "document/hold"): ({"id": ORDER, "reason": "wait"}, 409),
    ("POST", "document/acknowledge"): ({"id": ORDER, "verdict": "accept"}, 200),
    ("GET", "connect"): ("connection=acme", 200),
    ("GET", "connect/businesses"): ("connection=acme", 200),
    ("POST", "connect/business"): ({"connection": "acme", "account": ACME.account_id}, 200),
    ("POST", "connect/sps"): (
        {"connection": "acme", "client_id": ACME.sps_client, "client_secret": ACME.sps_secret},
        200,
    ),
    ("POST", "connect/webhooks"): ({"connection": "acme"}, 200),
    ("GET", "partners"): ("connection=acme", 200),
    ("POST", "partner/check"): ({"connection": "acme", "toml": PACK}, 200),
    ("PUT", "partner"): ({"connection": "acme", "toml": PACK}, 200),
    ("POST", "partner/alias"): (
        {"connection": "acme", "partner": PARTNER, "name": "Bowl", "part": "V-1"},
        200,
    ),
    ("POST", "partner/rehearse"): ({"connection": "acme", "toml": PACK}, 200),
    ("POST", "partner/switch"): ({"connection": "acme", "partner": PARTNER, "mode": "shadow"}, 200),
    ("GET", "report"): ("connection=acme&name=open-bills", 200),
    ("GET", "queues"): (None, 200),
    ("POST", "queue/redrive"): ({"queue": "rsx_to_push"}, 200),
    ("GET", "reconcile"): ("connection=acme", 200),
    ("GET", "ping"): ("connection=acme", 200),
    ("POST", "authorize"): ({"connection": "acme"}, 200),
    ("GET", "shipment/form"): (None, 200),
    ("POST", "shipment/upload"): ({"connection": "acme", "text": "shipment_id"}, 200),
    ("POST", "shipment/cancel"): ({"connection": "acme", "shipment": "SH-1", "reason": "x"}, 404),
}


def ask(stack: Stack, route: tuple[str, str], given: Any = None, **options: Any) -> dict[str, Any]:
    method, path = route
    if method == "GET":
        return stack.http("GET", f"/api/{path}?{given or ''}", **options)
    return stack.http(method, f"/api/{path}", given, **options)


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
    modules = {import_module(f"connector.console.{name}") for name in MODULES.values()}
    assert set(GOOD) == {route for module in modules for route in module.ROUTES}


@pytest.mark.parametrize("route", GOOD, ids="-".join)
def test_every_route_answers_in_json_that_nobody_may_keep_or_frame(
    stack: Stack, delivered: Business, route: tuple[str, str]
) -> None:
    given, status = GOOD[route]
    answer = ask(stack, route, given)
    assert answer["statusCode"] == status, answer["body"]
    assert isinstance(json.loads(answer["body"]), dict)
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer["headers"]["content-security-policy"]


def test_no_answer_tells_a_secret(stack: Stack, delivered: Business) -> None:
    told = "".join(ask(stack, route, given)["body"] for route, (given, _) in GOOD.items())
    secrets = [delivered.names.freshbooks_secret, delivered.names.sps_secret, *delivered.sps.tokens]
    secrets += [*delivered.freshbooks.grants.access, *delivered.freshbooks.grants.refresh]
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize(("method", "path"), [("DELETE", "documents"), ("GET", "nothing"), ("POST", "me")])
def test_a_route_that_is_not_there_is_404(stack: Stack, acme: Business, method: str, path: str) -> None:
    status, told = stack.json(method, f"/api/{path}")
    assert (status, told["code"]) == (404, "no_such_route")


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "code"),
    [
        ("GET", "documents", None, 400, "no_connection"),
        ("GET", "documents", "connection=acme&state=lost", 400, "no_such_state"),
        ("GET", "documents", "connection=acme&direction=up", 400, "no_such_direction"),
        ("GET", "documents", "connection=acme&least=many", 400, "bad_amount"),
        ("GET", "documents", "connection=acme&least=NaN", 400, "bad_amount"),
        ("GET", "documents", "connection=acme&cursor=mine", 400, "bad_cursor"),
        ("GET", "overview", "connection=acme&zone=Atlantis", 400, "no_such_zone"),
        ("GET", "overview", "connection=acme&zone=../../etc/passwd", 400, "no_such_zone"),
        ("GET", "document", None, 400, "bad_document_id"),
        ("GET", "document", "id=nonsense", 400, "bad_document_id"),
        ("GET", "document", f"id=acme/sideways/{PARTNER}/order/1", 400, "bad_document_id"),
        ("GET", "document", f"id=acme/in/{PARTNER}/order/none", 404, "no_such_document"),
        ("GET", "document/payloads", f"id=acme/in/{PARTNER}/order/none", 404, "no_such_document"),
        ("POST", "document/replay", None, 400, "bad_body"),
        ("POST", "document/replay", "no JSON", 400, "bad_body"),
        ("POST", "document/replay", ["a", "list"], 400, "bad_body"),
        ("POST", "document/replay", {}, 400, "bad_document_id"),
        ("POST", "document/replay", {"id": 7}, 400, "bad_document_id"),
        ("POST", "document/replay", {"id": f"/in/{PARTNER}/order/1"}, 400, "no_connection"),
        ("POST", "document/replay", {"id": f"nobody/in/{PARTNER}/order/1"}, 404, "no_such_connection"),
        ("POST", "document/replay", {"id": f"acme/in/{PARTNER}/order/none"}, 404, "no_such_document"),
        ("POST", "document/resolve", {"id": ORDER}, 404, "no_such_document"),
        ("GET", "partners", None, 400, "no_connection"),
        ("GET", "partners", "connection=nobody", 404, "no_such_connection"),
        ("PUT", "partner", {"connection": "nobody", "toml": PACK}, 404, "no_such_connection"),
        ("PUT", "partner", {"connection": "acme"}, 400, "no_toml"),
        ("PUT", "partner", {"connection": "acme", "toml": PACK, "partner": "OTHER"}, 400, "pack_invalid"),
        ("PUT", "partner", {"connection": "acme", "toml": "= broken"}, 400, "pack_invalid"),
        (
            "POST",
            "partner/switch",
            {"connection": "acme", "partner": "x", "mode": "live"},
            404,
            "no_such_partner",
        ),
        (
            "POST",
            "partner/switch",
            {"connection": "acme", "partner": PARTNER, "mode": "off"},
            400,
            "no_such_mode",
        ),
        (
            "POST",
            "partner/switch",
            {"connection": "acme", "partner": PARTNER, "mode": "live", "since": "soon"},
            400,
            "bad_date",
        ),
        ("GET", "report", "connection=acme&name=secrets", 400, "no_such_report"),
        ("POST", "queue/redrive", {"queue": "documents"}, 400, "no_such_queue"),
        ("GET", "ping", "connection=nobody", 404, "no_such_connection"),
    ],
)
def test_a_request_that_makes_no_sense_gets_an_answer_that_says_why(
    stack: Stack, acme: Business, method: str, path: str, given: Any, status: int, code: str
) -> None:
    answer = ask(stack, (method, path), given)
    told = json.loads(answer["body"])
    assert (answer["statusCode"], told["code"]) == (status, code)
    assert told["error"]


# ------------------------------------------------------------------------------------------------ who may


@pytest.mark.parametrize("route", GOOD, ids="-".join)
def test_nobody_sees_anything_without_a_verified_token(
    stack: Stack, delivered: Business, route: tuple[str, str]
) -> None:
    assert ask(stack, route, GOOD[route][0], person=None)["statusCode"] == 401


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"authorizer": None},
        {"authorizer": {"iam": {"userId": "x"}}},
        {"authorizer": {"jwt": {"claims": claims("operator", token_use="id")}}},
        {"authorizer": {"jwt": {"claims": {"cognito:groups": "[operator]", "token_use": "access"}}}},
    ],
)
def test_a_request_without_the_claims_of_an_access_token_is_401_even_behind_the_authorizer(
    stack: Stack, acme: Business, given: dict[str, Any]
) -> None:
    event = sample("serve_console")
    del event["requestContext"]["authorizer"]
    event["requestContext"] |= given
    answer = stack.invoke("serve_console", event)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "not_signed_in")


def test_somebody_of_no_group_sees_nothing(stack: Stack, acme: Business) -> None:
    for group in ("", "admin", "operators", "no-operator"):
        status, told = stack.json("GET", "/api/me", person=group)
        assert (status, told["code"]) == (403, "no_group"), group


@pytest.mark.parametrize("route", GOOD, ids="-".join)
def test_a_viewer_looks_and_changes_nothing(
    stack: Stack, delivered: Business, route: tuple[str, str]
) -> None:
    before = delivered.record()
    given, status = GOOD[route]
    answer = ask(stack, route, given, person="viewer")
    changes = route[0] != "GET" and route != ("POST", "partner/check")
    assert answer["statusCode"] == (403 if changes else status), answer["body"]
    assert delivered.record() == before


def test_personal_data_in_payloads_is_kept_from_viewers_and_shown_to_operators(
    stack: Stack, delivered: Business
) -> None:
    seen = {
        group: "".join(
            stack.http("GET", f"/api/document/{view}?id={ORDER}", person=group)["body"]
            for view in ("payloads", "explain", "preview", "difference")
        )
        for group in ("viewer", "operator")
    }
    personal = [
        value
        for address in builders.order()["Header"]["Address"]
        for name, value in address.items()
        if name in ("AddressName", "Address1", "City", "PostalCode")
    ]
    assert personal
    assert [value for value in personal if value in seen["viewer"]] == []
    assert [value for value in personal if value not in seen["operator"]] == []
    assert builders.PO_NUMBER in seen["viewer"]


def test_what_a_person_does_is_on_the_history_under_their_name(stack: Stack, acme: Business) -> None:
    acme.offer("broken.json", b"{")
    acme.poll()
    [held] = stack.json("GET", "/api/documents?connection=acme")[1]["documents"]
    answer = stack.json("POST", "/api/document/resolve", {"id": held["id"], "reason": "asked for it again"})
    assert answer == (200, {"id": held["id"], "state": "SKIPPED"})
    last = stack.json("GET", f"/api/document?id={quote(held['id'])}")[1]["history"][-1]
    assert (last["who"], last["note"]) == ("console/some-operator", "asked for it again")


# -------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html"), ("/style.css", "text/css"), ("/js/main.js", "text/javascript")]
)
def test_the_page_needs_no_login_and_may_run_only_its_own_code(
    stack: Stack, acme: Business, path: str, kind: str
) -> None:
    answer = stack.http("GET", path, person=None)
    policy = answer["headers"]["content-security-policy"]
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"].startswith(kind)
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert f"connect-src 'self' {LOGIN_URL}" in policy


def test_a_file_that_the_browser_has_is_not_sent_again_and_others_go_compressed(
    stack: Stack, acme: Business
) -> None:
    plain = stack.http("GET", "/style.css")
    packed = stack.http("GET", "/style.css", headers={"Accept-Encoding": "gzip, br"})
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    again = stack.http("GET", "/style.css", headers={"If-None-Match": plain["headers"]["etag"]})
    assert (again["statusCode"], again["body"]) == (304, "")


def test_a_large_answer_travels_compressed_since_lambda_hands_over_six_million_bytes(
    stack: Stack, acme: Business
) -> None:
    acme.offer("PO1.json", builders.order([builders.order_line(n + 1) for n in range(60)]))
    acme.poll()
    stack.settle()
    ask = f"/api/document/explain?id={quote(ORDER, safe='')}"
    plain = stack.http("GET", ask)
    assert "content-encoding" not in plain["headers"]
    packed = stack.http("GET", ask, headers={"Accept-Encoding": "gzip, br"})
    assert packed["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    assert len(packed["body"]) < len(plain["body"]) / 5
    small = stack.http("GET", "/api/me", headers={"Accept-Encoding": "gzip"})
    assert json.loads(small["body"])["operator"] is True


def test_the_files_of_a_version_are_kept_by_the_browser_and_those_of_another_are_not(
    stack: Stack, acme: Business
) -> None:
    page = stack.http("GET", "/")["body"]
    [script] = re.findall(r'src="(v/[0-9a-f]{12}/js/main\.js)"', page)
    kept = stack.http("GET", f"/{script}")
    assert "immutable" in kept["headers"]["cache-control"]
    assert kept["body"] == stack.http("GET", "/js/main.js")["body"]
    old = stack.http("GET", "/v/000000000000/js/main.js")
    assert (old["statusCode"], old["headers"]["cache-control"]) == (200, "no-cache")
    assert stack.http("GET", "/")["headers"]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/../handler.py",
        "/v/000000000000/../../handler.py",
        "/js/../../handler.py",
        "/%2e%2e/handler.py",
        "//etc/passwd",
        "/js",
        "/js/",
        "/index.html/x",
        "/.git/config",
    ],
)
def test_nothing_but_the_pages_files_is_served(stack: Stack, acme: Business, path: str) -> None:
    assert stack.http("GET", path)["statusCode"] == 404


def test_the_page_is_told_where_to_sign_in_and_nothing_else(stack: Stack, acme: Business) -> None:
    assert stack.json("GET", "/config.json") == (200, {"login": LOGIN_URL, "client": "client-1"})


def test_the_page_has_no_inline_script_or_style_and_nothing_from_elsewhere() -> None:
    for file in (ROOT / "console/page").rglob("*.html"):
        text = file.read_text()
        assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", text) == []
        assert re.findall(r"(?:src|href)=\"(?:https?:)?//", text) == []


# -------------------------------------------------------------------------------------------- documents


def test_documents_are_found_by_what_a_clerk_knows_of_them(stack: Stack, delivered: Business) -> None:
    delivered.offer("broken.json", b"{")
    delivered.poll()

    def listed(query: str) -> list[str]:
        found = stack.json("GET", f"/api/documents?connection=acme&{query}")[1]
        assert found["cursor"] == ""
        return [one["number"] for one in found["documents"]]

    assert sorted(listed("")) == [builders.PO_NUMBER, "broken.json"]
    assert listed("state=held") == ["broken.json"]
    assert listed(f"partner={PARTNER}") == [builders.PO_NUMBER]
    assert listed("type=order") == [builders.PO_NUMBER]
    assert listed("direction=out") == []
    assert listed("text=45001") == [builders.PO_NUMBER]
    assert listed(f"text={builders.PO_NUMBER}") == [builders.PO_NUMBER]
    assert listed("state=person") == ["broken.json"]
    assert listed("code=not_json") == ["broken.json"]
    assert listed("least=200&most=200.00") == [builders.PO_NUMBER]
    assert listed("least=200.01") == []
    assert listed("since=2020-01-01") == ["broken.json", builders.PO_NUMBER]
    assert listed("until=2020-01-01") == []


def test_a_document_tells_its_whole_story_from_the_file_to_the_bill(
    stack: Stack, delivered: Business
) -> None:
    told = stack.json("GET", f"/api/document?id={ORDER}")[1]
    assert (told["state"], told["amount"], told["source"]) == ("DELIVERED", "200.00", "out/PO1.json")
    assert [event["to_state"] for event in told["history"]] == ["RECEIVED", "MAPPED", "CLAIMED", "DELIVERED"]
    assert told["history_broken_at"] is None
    assert told["actions"] == ["acknowledge", "force"]
    stages = stack.json("GET", f"/api/document/payloads?id={ORDER}")[1]["stages"]
    assert stages["received"] == json.loads(builders.as_bytes(builders.order()))
    assert stages["answered"]["bill_number"] == builders.PO_NUMBER
    assert stages["sent"]["bill"]["bill_number"] == builders.PO_NUMBER


def test_an_order_and_its_invoice_lead_to_each_other_and_their_lines_are_compared(
    stack: Stack, delivered: Business
) -> None:
    delivered.invoice("0000421")
    stack.invoke("poll_freshbooks", {"connection": "acme"})
    stack.settle()
    invoice = f"acme/out/{PARTNER}/invoice/0000421"
    linked = stack.json("GET", f"/api/document?id={invoice}")[1]["chain"]
    assert linked[0]["id"] == ORDER
    assert linked[1]["remote_id"] == delivered.record().remote_id
    assert linked[-1]["id"] == invoice
    compared = stack.json("GET", f"/api/document/difference?id={invoice}")[1]
    assert compared["order"] == ORDER
    assert compared["lines"]
    assert all(line["ordered"] and line["here"] for line in compared["lines"])


@pytest.mark.parametrize("number", ["PO/1", "PO 1", "Ä-1", "a+b", "#7", "50%25"])
def test_a_document_is_found_whatever_its_number_has_in_it(stack: Stack, acme: Business, number: str) -> None:
    acme.offer("PO1.json", builders.order(PurchaseOrderNumber=number))
    acme.poll()
    [listed] = stack.json("GET", "/api/documents?connection=acme")[1]["documents"]
    assert listed["id"].endswith(quote(number, safe=""))
    status, told = stack.json("GET", f"/api/document?id={quote(listed['id'], safe='')}")
    assert (status, told["number"]) == (200, number)


def test_a_document_whose_payload_is_no_longer_kept_says_so(stack: Stack, delivered: Business) -> None:
    delivered.stack.admin._client("s3").delete_object(Bucket="archive", Key=_received(delivered))
    assert stack.json("GET", f"/api/document?id={ORDER}")[0] == 200
    status, told = stack.json("GET", f"/api/document/payloads?id={ORDER}")
    assert (status, told["code"]) == (404, "payload_gone")


def test_the_overview_counts_what_is_there(stack: Stack, delivered: Business) -> None:
    delivered.offer("broken.json", b"{")
    delivered.poll()
    told = stack.json("GET", "/api/overview?connection=acme")[1]
    assert told["today"]["states"] == {"DELIVERED": 1, "HELD": 1}
    assert told["person"]["count"] == 1
    assert told["person"]["reasons"] == {"not_json": 1}
    assert told["delivery"]["count"] == 1
    assert told["days"][-1]["states"] == {"DELIVERED": 1, "HELD": 1}
    assert told["health"]["sps"]["last_poll"]
    assert told["complete"] is True


def _received(business: Business) -> str:
    digest = business.record().payloads["received"].partition("#")[0]
    return f"acme/{digest[:2]}/{digest}.gz"


# ------------------------------------------------------------------------------------ replay and partners


def test_a_held_document_is_replayed_from_its_archived_input(stack: Stack, acme: Business) -> None:
    stack.admin.notes.write("", "connection", "acme", {**acme.settings, "category": "No such category"})
    acme.offer("PO1.json", builders.order())
    acme.poll()
    assert (acme.record().state, acme.record().reason["code"]) == (State.HELD, "no_such_category")
    stack.admin.notes.write("", "connection", "acme", acme.settings)
    stack.restart()
    assert stack.json("POST", "/api/document/replay", {"id": ORDER}) == (
        200,
        {"id": ORDER, "state": "RECEIVED"},
    )
    assert stack.settle() == []
    assert acme.record().state is State.DELIVERED
    assert len(acme.bills) == 1
    assert "console/some-operator" in [event.who for event in acme.record().history]


def test_a_delivered_document_is_not_sent_twice(stack: Stack, delivered: Business) -> None:
    before = delivered.record()
    status, told = stack.json("POST", "/api/document/replay", {"id": ORDER})
    assert (status, told["code"]) == (409, "nothing_to_replay")
    assert stack.settle() == []
    assert delivered.record() == before
    assert len(delivered.bills) == 1


def test_a_document_on_its_way_is_left_alone(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    acme.freshbooks.faults.add({"route": r"POST .*/bills/bills$", "kind": "reset_after"})
    acme.poll()
    status, told = stack.json("POST", "/api/document/replay", {"id": ORDER})
    assert (status, told["code"]) == (503, "busy")


def test_a_pack_resumes_what_waited_for_it_and_is_there_to_be_read(
    stack: Stack, without_packs: Business
) -> None:
    assert stack.json("GET", "/api/partners?connection=acme")[1] == {"partners": [], "unknown": [PARTNER]}
    live = f'mode = "live"\n{PACK}'
    saved = stack.json("PUT", "/api/partner", {"connection": "acme", "toml": live})
    assert saved == (200, {"partner": PARTNER, "mode": "live", "resumed": 1})
    assert stack.settle() == []
    assert without_packs.record().state is State.DELIVERED
    [told] = stack.json("GET", "/api/partners?connection=acme")[1]["partners"]
    assert (told["id"], told["mode"], told["held"]) == (PARTNER, "live", 0)
    assert read_pack(told["toml"]) == read_pack(PACK)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("\nnmae = 1", "line 2: nmae"),
        ("\n[orders]\n# days\ndue_days = -1", "line 4: orders.due_days"),
        ("\n[addresses.RI]\nAddress1 = 7", "line 3: addresses.RI.Address1"),
    ],
)
def test_a_mistake_in_a_pack_is_told_with_its_line_and_nothing_is_saved(
    stack: Stack, without_packs: Business, wrong: str, place: str
) -> None:
    body = {"connection": "acme", "toml": f'trading_partner_id = "{PARTNER}"{wrong}'}
    for method, path in (("POST", "partner/check"), ("PUT", "partner")):
        status, told = stack.json(method, f"/api/{path}", body)
        assert (status, told["code"], told["place"]) == (400, "pack_invalid", place)
    assert stack.json("GET", "/api/partners?connection=acme")[1]["partners"] == []


def test_a_pack_is_tried_on_past_documents_before_it_is_saved(stack: Stack, delivered: Business) -> None:
    pack = f'trading_partner_id = "{PARTNER}"\n[freshbooks]\ncategory_id = 1\ncurrency = "CAD"\n'
    told = stack.json("POST", "/api/partner/rehearse", {"connection": "acme", "toml": pack})[1]
    assert told["documents"] == 1
    assert stack.json("GET", "/api/partners?connection=acme")[1]["partners"][0]["toml"] != pack
    assert len(delivered.bills) == 1


# ------------------------------------------------------------------------------------------ shadow and live


def test_in_shadow_everything_is_mapped_and_nothing_sent_and_live_sends_it_once(
    stack: Stack, without_packs: Business
) -> None:
    shadow = PACK.replace("[freshbooks]", 'mode = "shadow"\n[freshbooks]')
    stack.json("PUT", "/api/partner", {"connection": "acme", "toml": shadow})
    assert stack.settle() == []
    held = without_packs.record()
    assert (held.state, held.reason["code"], held.amount) == (State.HELD, "shadow_mode", "200.00")
    assert without_packs.bills == []
    assert stack.json("GET", "/api/partners?connection=acme")[1]["partners"][0]["held"] == 1
    preview = stack.json("GET", f"/api/document/preview?id={ORDER}")[1]
    assert preview["document"]["bill"]["bill_number"] == builders.PO_NUMBER
    live = {"connection": "acme", "partner": PARTNER, "mode": "live"}
    assert stack.json("POST", "/api/partner/switch", live) == (200, {"resumed": 1, "skipped": 0})
    stack.restart()  # other processes follow within a minute
    assert stack.settle() == []
    assert without_packs.record().state is State.DELIVERED
    assert len(without_packs.bills) == 1


# --------------------------------------------------------------------------------------------------- queues


def test_what_gave_up_is_shown_and_put_back(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    stack.send("SpsFilesToMapFailed", {"connection": "acme", "correlation_id": "c", "path": "out/PO1.json"})
    [queue] = [q for q in stack.json("GET", "/api/queues")[1]["queues"] if q["failed"]]
    assert (queue["name"], queue["failed"]) == ("sps_files_to_map", 1)
    assert queue["messages"] == [{"connection": "acme", "correlation_id": "c", "path": "out/PO1.json"}]
    assert stack.json("POST", "/api/queue/redrive", {"queue": "sps_files_to_map"})[0] == 200
    assert stack.settle() == []
    assert len(acme.bills) == 1


# ------------------------------------------------------------------------------------------------- ping


def test_a_ping_goes_through_every_step_and_writes_nothing(stack: Stack, acme: Business) -> None:
    steps = stack.json("GET", "/api/ping?connection=acme")[1]["steps"]
    assert [step for step in steps if not step["ok"]] == []
    written = [
        one["method"] for one in acme.sps.requests() + acme.freshbooks.requests() if one["method"] != "GET"
    ]
    assert written == ["POST"]  # the SPS token


def test_a_ping_says_which_step_fails_and_what_to_do(stack: Stack, acme: Business) -> None:
    acme.freshbooks.expire_tokens()
    stack.admin.secrets.write("acme", "sps", {"client_id": acme.names.sps_client, "client_secret": "wrong"})
    steps = stack.json("GET", "/api/ping?connection=acme")[1]["steps"]
    broken = {step["vendor"]: step["fix"] for step in reversed(steps) if not step["ok"]}
    assert set(broken) == {"SPS", "FreshBooks"}
    assert all(broken.values())


def test_connections_are_listed_with_their_last_polls(
    stack: Stack, delivered: Business, birch: Business
) -> None:
    told = stack.json("GET", "/api/me")[1]["connections"]
    assert [one["id"] for one in told] == ["acme", "birch"]
    assert told[0]["polls"]["sps"]["files"] == 1
    assert told[1]["polls"] == {}


# ---------------------------------------------------------------------------------------------- connecting


def test_sps_credentials_are_stored_only_once_sps_has_taken_them(stack: Stack, acme: Business) -> None:
    before = stack.admin.secrets.read("acme", "sps")
    wrong = {"connection": "acme", "client_id": acme.names.sps_client, "client_secret": "mistyped"}
    status, told = stack.json("POST", "/api/connect/sps", wrong)
    assert (status, told["fix"] != "") == (409, True)
    assert stack.admin.secrets.read("acme", "sps") == before
    right = {**wrong, "client_secret": acme.names.sps_secret}
    assert stack.json("POST", "/api/connect/sps", right) == (200, {"stored": True})
    stack.restart()
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []
    assert len(acme.bills) == 1


def test_a_connection_is_paired_only_with_a_business_of_the_person_who_authorized(
    stack: Stack, acme: Business
) -> None:
    told = stack.json("GET", "/api/connect/businesses?connection=acme")[1]
    assert [one["account"] for one in told["businesses"]] == [acme.names.account_id]
    status, told = stack.json("POST", "/api/connect/business", {"connection": "acme", "account": "bRcH22"})
    assert (status, told["code"]) == (400, "no_such_account")
    assert stack.admin.connection("acme").freshbooks.account_id == acme.names.account_id


def test_a_connection_that_has_delivered_stays_with_its_business(stack: Stack, delivered: Business) -> None:
    kept = {**delivered.settings, "freshbooks": {**delivered.settings["freshbooks"], "account_id": "other"}}
    stack.admin.notes.write("", "connection", "acme", kept)
    stack.restart()
    own = {"connection": "acme", "account": delivered.names.account_id}
    status, told = stack.json("POST", "/api/connect/business", own)
    assert (status, told["code"]) == (409, "account_in_use")


def test_what_a_connection_lacks_is_told(stack: Stack, acme: Business) -> None:
    kept = stack.admin.secrets.read("acme", "freshbooks") or {}
    stack.admin.secrets.write("acme", "freshbooks", {**kept, "scope": "user:profile:read"})
    told = stack.json("GET", "/api/connect?connection=acme")[1]
    assert told["authorized"] is True
    assert "user:bills:write" in told["missing_scopes"]
    steps = {one["step"]: one for one in stack.json("GET", "/api/ping?connection=acme")[1]["steps"]}
    assert steps["scopes"]["ok"] is False
    assert "user:bills:write" in steps["scopes"]["detail"]
    assert steps["scopes"]["fix"]


def test_a_ping_ends_with_the_time_that_each_vendor_has_and_names_where_it_stopped(
    stack: Stack, acme: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.console.connecting.SECONDS_A_VENDOR", 0.0)
    status, told = stack.json("GET", "/api/ping?connection=acme")
    assert status == 200
    for vendor in ("SPS", "FreshBooks"):
        steps = [one for one in told["steps"] if one["vendor"] == vendor and not one["ok"]]
        assert "no time was left" in steps[0]["detail"]
        assert {one["detail"] for one in steps[1:]} == {"not tried"}
    assert told["steps"][-1]["ok"] is True, "what needs no vendor is told all the same"


def test_webhooks_are_registered_once_and_confirmed_by_their_handshakes(
    stack: Stack, acme: Business, gateway: Gateway
) -> None:
    stack.api_url = gateway.url
    asked = {"connection": "acme"}
    assert stack.json("GET", "/api/connect?connection=acme")[1]["unconfirmed"] == ["invoice", "bill"]
    assert stack.json("POST", "/api/connect/webhooks", asked) == (200, {"waiting": ["invoice", "bill"]})
    assert acme.freshbooks.drain(10)
    assert stack.settle() == []
    assert stack.json("GET", "/api/connect?connection=acme")[1]["unconfirmed"] == []
    made = acme.books["callbacks"]
    assert [(one["event"], one["verified"]) for one in made] == [("invoice", True), ("bill", True)]
    assert stack.json("POST", "/api/connect/webhooks", asked) == (200, {"waiting": []})
    assert acme.books["callbacks"] == made


def test_the_evidence_of_a_documents_order_is_one_zip_file(
    stack: Stack, delivered: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stack.json("POST", "/api/document/evidence", {"id": ORDER})[1]
    assert told["name"] == f"evidence-{PARTNER}-{builders.PO_NUMBER}.zip"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(told["zip"]))) as packed:
        index = json.loads(packed.read("index.json"))
        assert packed.namelist()[0] == "index.html"
    assert [one["id"] for one in index["documents"]] == [ORDER]
    assert index["histories_intact"] is True
    delivered.offer("odd.json", b"{")
    assert delivered.poll() == []
    odd = stack.json("POST", "/api/document/evidence", {"id": "acme/in/-/file/odd.json"})
    assert (odd[0], odd[1]["error"]) == (404, "no order is known of it")
    monkeypatch.setattr("connector.console.document.MOST_BYTES", 10)
    status, told = stack.json("POST", "/api/document/evidence", {"id": ORDER})
    assert (status, told["code"]) == (400, "pack_too_large")
    assert builders.PO_NUMBER in told["fix"]


def test_a_callback_that_was_never_confirmed_is_made_anew(
    stack: Stack, acme: Business, gateway: Gateway
) -> None:
    stack.json("POST", "/api/connect/webhooks", {"connection": "acme"})
    lost = {one["callbackid"] for one in acme.books["callbacks"]}
    assert stack.json("POST", "/api/connect/webhooks", {"connection": "acme"})[1]["waiting"] == [
        "invoice",
        "bill",
    ]
    assert lost.isdisjoint(one["callbackid"] for one in acme.books["callbacks"])
    assert len(acme.books["callbacks"]) == 2


def test_a_connection_whose_packs_make_drafts_is_asked_for_the_right_to_write_them(
    stack: Stack, acme: Business
) -> None:
    drafts = PACK + '\n[orders]\ntarget = "invoice_draft"\n'
    stack.json("PUT", "/api/partner", {"connection": "acme", "toml": drafts})
    address = stack.json("POST", "/api/authorize", {"connection": "acme"})[1]["address"]
    assert "user:invoices:write" in parse_qs(urlsplit(address).query)["scope"][0].split()


def test_a_new_partner_starts_in_shadow_unless_its_pack_says_live_and_a_known_one_stays_as_it_is(
    stack: Stack, acme: Business
) -> None:
    def saved(partner: str, more: str = "") -> str:
        body = {"connection": "acme", "toml": f'trading_partner_id = "{partner}"\n{more}'}
        return str(stack.json("PUT", "/api/partner", body)[1]["mode"])

    assert saved("NEW") == "shadow"
    assert saved("SURE", 'mode = "live"\n') == "live"
    assert saved("SURE", 'name = "Sure Stores"\n') == "live"
    assert saved(PARTNER) == "live"


def test_an_operator_says_which_article_a_line_is_and_the_invoice_goes_on(
    stack: Stack, delivered: Business
) -> None:
    delivered.invoice(
        "0000421",
        lines=[
            {"type": 0, "name": "The blue one", "qty": "3", "unit_cost": {"amount": "7.77", "code": "USD"}}
        ],
    )
    stack.invoke("poll_freshbooks", {"connection": "acme"})
    stack.settle()
    held = f"acme/out/{PARTNER}/invoice/0000421"
    told = stack.json("GET", f"/api/document?id={held}")[1]
    assert (told["state"], told["reason"]["code"]) == ("HELD", "line_not_on_order")
    assert "alias" in told["actions"]
    article = told["open"][0]["item"]
    taught = {"connection": "acme", "partner": PARTNER, "name": "The blue one", "part": article}
    assert stack.json("POST", "/api/partner/alias", taught) == (200, {"resumed": 1})
    stack.settle()
    assert stack.json("GET", f"/api/document?id={held}")[1]["reason"]["code"] == "price_differs"
