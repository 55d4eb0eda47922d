"""Every events/*.json is an event that its handler takes."""

from __future__ import annotations

import pytest

from connector.ledger import State
from local.simulators import RunningSimulator
from tests import builders
from tests.functions.business import ACME, Business
from tests.functions.stack import Stack
from tests.functions.template import CONSUMERS, FUNCTIONS, ROOT, ROUTES, sample

PARTNER = "123ALLSUPPLIER"  # the events' own
PACK = {"trading_partner_id": PARTNER, "name": "Example Retail"}


@pytest.fixture
def acme(stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator) -> Business:
    business = Business(ACME, stack, sps, freshbooks, packs=(PACK,))
    business.offer("PO0045001234.json", builders.order(TradingPartnerId=PARTNER))
    return business


def test_there_is_one_event_for_every_function() -> None:
    assert {path.stem for path in (ROOT / "events").iterdir()} == set(FUNCTIONS)
    assert {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")} == set(FUNCTIONS)


def test_the_polls_take_a_schedules_input(stack: Stack, acme: Business) -> None:
    assert stack.invoke("poll_sps", sample("poll_sps")) == {"files": 1}
    assert stack.invoke("poll_freshbooks", sample("poll_freshbooks")) == {"hints": 0}


@pytest.mark.parametrize("function", ["reconcile_documents", "refresh_token", "resolve_in_doubt"])
@pytest.mark.parametrize("event", [None, {}])
def test_upkeep_takes_any_schedules_input(
    stack: Stack, acme: Business, function: str, event: dict[str, str] | None
) -> None:
    assert list(stack.invoke(function, sample(function) if event is None else event)) == ["acme"]


def test_the_digest_tells_what_a_schedule_finds_open(stack: Stack, acme: Business) -> None:
    acme.offer("stranger.json", builders.order(TradingPartnerId="STRANGER"))
    acme.poll()
    assert stack.invoke("send_digest", sample("send_digest"))["new"] == 1
    assert stack.invoke("send_digest", sample("send_digest"))["new"] == 0


def test_map_inbound_takes_its_file_in(stack: Stack, acme: Business) -> None:
    assert stack.invoke("map_inbound", sample("map_inbound")) == {"batchItemFailures": []}
    assert acme.record(partner=PARTNER).state is State.MAPPED
    assert acme.waiting == []


def test_push_freshbooks_makes_its_bill(stack: Stack, acme: Business) -> None:
    stack.invoke("map_inbound", sample("map_inbound"))
    assert stack.invoke("push_freshbooks", sample("push_freshbooks")) == {"batchItemFailures": []}
    assert [bill["amount"]["amount"] for bill in acme.bills] == ["100.00"]


def test_map_outbound_is_done_with_a_hint_for_a_record_that_is_not_there(
    stack: Stack, acme: Business
) -> None:
    assert stack.invoke("map_outbound", sample("map_outbound")) == {"batchItemFailures": []}
    assert acme.documents() == {}


def test_push_sps_uploads_its_file(stack: Stack, acme: Business) -> None:
    stack.invoke("map_inbound", sample("map_inbound"))
    acme.invoice()
    stack.invoke("poll_freshbooks", sample("poll_freshbooks"))
    stack.deliver("RecordsToMap")
    assert stack.invoke("push_sps", sample("push_sps")) == {"batchItemFailures": []}
    assert [sent["Header"]["InvoiceHeader"]["InvoiceNumber"] for sent in acme.sent] == ["0000421"]


@pytest.mark.parametrize("function", sorted(set(ROUTES.values())))
def test_an_http_event_gets_an_answer_with_the_security_headers(
    stack: Stack, acme: Business, function: str
) -> None:
    answer = stack.invoke(function, sample(function))
    assert (
        answer["statusCode"]
        == {"receive_webhook": 401, "authorize_freshbooks": 302, "serve_console": 200}[function]
    )
    assert answer["headers"]["cache-control"] == "no-store"
    assert answer["headers"]["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("function", sorted(CONSUMERS.values()))
def test_an_empty_batch_is_no_failure(stack: Stack, acme: Business, function: str) -> None:
    assert stack.invoke(function, {"Records": []}) == {"batchItemFailures": []}
