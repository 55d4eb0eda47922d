"""Connecting a FreshBooks account: to the consent page and back, and only for whoever began it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from connector import errors
from connector.usecases.tokens import authorize_start
from tests import builders
from tests.functions.business import REDIRECT_URI, Business
from tests.functions.stack import CONSOLE_URL, Clock, Stack

CALLBACK = "/oauth/freshbooks/callback"
START = "/oauth/freshbooks/start?connection=acme"


def start(stack: Stack, connection: str = "acme") -> str:
    answer = stack.http("GET", f"/oauth/freshbooks/start?connection={connection}")
    assert (answer["statusCode"], answer["body"]) == (302, "")
    return str(answer["headers"]["location"])


def consent(business: Business, address: str) -> dict[str, str]:
    """A person who answers at FreshBooks: the parameters with which the browser comes back."""
    business.freshbooks.grants.consenting = business.names.account_id
    back = requests.get(address, allow_redirects=False, timeout=5)
    assert back.status_code == 302, back.text
    assert back.headers["Location"].startswith(f"{REDIRECT_URI}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(back.headers["Location"]).query).items()}


def come_back(stack: Stack, parameters: dict[str, str]) -> str:
    """What the console's page is told, to which everybody who comes back is sent."""
    answer = stack.http("GET", f"{CALLBACK}?{urlencode(parameters)}")
    page, _, told = answer["headers"]["location"].partition("#/connect?")
    assert (answer["statusCode"], page, answer["body"]) == (302, CONSOLE_URL, "")
    return str(told)


def exchanges(business: Business) -> int:
    return sum(one["path"].endswith("/oauth/token") for one in business.freshbooks.requests())


@pytest.fixture
def fresh(acme: Business) -> Business:
    """The business before anybody authorized it."""
    kept = {"client_id": "app-acme", "client_secret": acme.names.freshbooks_secret}
    acme.stack.admin.secrets.write("acme", "freshbooks", kept)
    return acme


def test_a_consent_ends_with_tokens_that_work(stack: Stack, fresh: Business) -> None:
    assert come_back(stack, consent(fresh, start(stack))) == "authorized=acme"
    fresh.offer("PO1.json", builders.order())
    assert fresh.poll() == []
    assert len(fresh.bills) == 1
    stack.pass_time(7 * 3600)
    assert stack.invoke("refresh_token", {}) == {"acme": True}


def test_what_waited_while_a_connection_was_stranded_goes_on_once_somebody_authorizes_again(
    stack: Stack, acme: Business
) -> None:
    acme.freshbooks.grants.refresh[acme.tokens["refresh_token"]].spent = True
    acme.freshbooks.expire_tokens()
    for number in "123":
        acme.offer(f"PO{number}.json", builders.order(PurchaseOrderNumber=number))
    assert acme.poll() == []
    for _ in range(3):
        with pytest.raises(errors.Stranded):
            stack.invoke("refresh_token", {})
        assert stack.invoke("resolve_in_doubt", {})["acme"]["woken"] == 0
        assert stack.settle() == []
    assert acme.bills == []
    assert come_back(stack, consent(acme, start(stack))) == "authorized=acme"
    assert stack.invoke("resolve_in_doubt", {})["acme"]["woken"] == 3
    assert stack.settle() == []
    assert sorted(bill["bill_number"] for bill in acme.bills) == ["1", "2", "3"]


def test_the_way_to_freshbooks_says_no_more_than_it_must(stack: Stack, fresh: Business) -> None:
    asked = parse_qs(urlsplit(start(stack)).query)
    assert set(asked) == {"response_type", "client_id", "redirect_uri", "scope", "state"}
    assert "user:invoices:write" not in asked["scope"][0].split()
    assert start(stack) != start(stack)  # a state is nobody else's


def test_a_code_works_once_and_trying_it_again_leaves_the_tokens_alone(stack: Stack, fresh: Business) -> None:
    parameters = consent(fresh, start(stack))
    come_back(stack, parameters)
    kept = stack.admin.secrets.read("acme", "freshbooks")
    assert come_back(stack, parameters) == "refused=code_spent"
    assert stack.admin.secrets.read("acme", "freshbooks") == kept


@pytest.mark.parametrize(
    "forge", ["", "acme", "acme.9999999999.abc", "cut", "longer", "other connection", "other key"]
)
def test_a_forged_state_is_refused_before_freshbooks_is_asked(
    stack: Stack, fresh: Business, birch: Business, forge: str
) -> None:
    parameters = consent(fresh, start(stack))
    state = parameters["state"]
    forged = {
        "cut": state[:-1],
        "longer": f"{state}0",
        "other connection": state.replace("acme", "birch", 1),
        "other key": parse_qs(urlsplit(_address(Clock(), "x" * 64)).query)["state"][0],
    }
    assert come_back(stack, {**parameters, "state": forged.get(forge, forge)}) == "refused=state_forged"
    assert exchanges(fresh) == 0


def test_a_state_that_is_older_than_ten_minutes_is_refused(stack: Stack, fresh: Business) -> None:
    parameters = consent(fresh, start(stack))
    stack.pass_time(601)
    assert come_back(stack, parameters) == "refused=state_expired"
    assert exchanges(fresh) == 0


def test_a_consent_changes_the_connection_that_it_was_begun_for_and_no_other(
    stack: Stack, acme: Business, birch: Business
) -> None:
    before = stack.admin.secrets.read("acme", "freshbooks")
    assert come_back(stack, consent(birch, start(stack, "birch"))) == "authorized=birch"
    assert stack.admin.secrets.read("acme", "freshbooks") == before


def test_a_person_who_says_no_is_told_so_and_nothing_changes(stack: Stack, acme: Business) -> None:
    kept = stack.admin.secrets.read("acme", "freshbooks")
    acme.freshbooks.grants.allowing = False
    assert come_back(stack, consent(acme, start(stack))) == "refused=not_allowed"
    assert stack.admin.secrets.read("acme", "freshbooks") == kept


def test_the_page_tells_in_words_why_the_way_to_freshbooks_ended(stack: Stack, acme: Business) -> None:
    told = stack.json("GET", "/api/connect?connection=acme&refused=not_allowed")[1]["refused"]
    assert told["meaning"] == "FreshBooks did not allow the connection"
    assert "authorize again" in told["fix"]
    assert stack.json("GET", "/api/connect?connection=acme&refused=<b>")[1]["refused"] is None
    assert stack.json("GET", "/api/connect?connection=acme")[1]["refused"] is None


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/oauth/freshbooks/start", 400, "no_connection"),
        ("/oauth/freshbooks/start?connection=", 400, "no_connection"),
        ("/oauth/freshbooks/start?connection=nobody", 404, "no_such_connection"),
    ],
)
def test_a_request_that_lacks_something_gets_a_plain_answer(
    stack: Stack, acme: Business, path: str, status: int, code: str
) -> None:
    found, told = stack.json("GET", path)
    assert (found, told["code"]) == (status, code)


def test_a_callback_without_a_code_is_refused_before_freshbooks_is_asked(
    stack: Stack, fresh: Business
) -> None:
    state = consent(fresh, start(stack))["state"]
    assert come_back(stack, {"state": state}) == "refused=no_code"
    assert exchanges(fresh) == 0


def test_a_connection_without_credentials_is_told_so_at_the_start(stack: Stack, acme: Business) -> None:
    stack.admin.secrets.write("acme", "freshbooks", {})
    status, told = stack.json("GET", START)
    assert (status, told["code"]) == (409, "no_freshbooks_credentials")


def _address(clock: Clock, key: str) -> str:
    return authorize_start(
        "acme", client_id="app", redirect_uri=REDIRECT_URI, key=key, clock=clock, url="https://x"
    )
