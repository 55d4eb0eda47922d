"""Requests from outside that try to make the stack go somewhere, tell something, or act for somebody."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.functions.business import Business
from tests.functions.stack import Stack
from tests.functions.template import ROUTES

EVIL = "https://evil.example/"


@pytest.mark.parametrize("name", ["redirect_uri", "next", "url", "return_to", "authorize_url"])
def test_the_way_to_freshbooks_leads_nowhere_else_whatever_is_asked(
    stack: Stack, acme: Business, name: str
) -> None:
    answer = stack.http("GET", f"/oauth/freshbooks/start?connection=acme&{name}={EVIL}")
    place = answer["headers"]["location"]
    assert urlsplit(place).netloc == urlsplit(acme.settings["freshbooks"]["authorize_url"]).netloc
    assert "evil" not in place


@pytest.mark.parametrize(
    "connection", ["../birch", "birch%2f..%2facme", "acme%00", "ACME", "a" * 200, "%0d%0aset-cookie:x=1"]
)
def test_a_connection_that_is_not_one_gets_no_redirect_and_no_header(
    stack: Stack, acme: Business, connection: str
) -> None:
    answer = stack.http("GET", f"/oauth/freshbooks/start?connection={connection}")
    assert answer["statusCode"] in (400, 404)
    assert "location" not in answer["headers"]
    assert "set-cookie" not in {name.lower() for name in answer["headers"]}


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_no_answer_sets_a_cookie_or_opens_itself_to_other_origins(
    stack: Stack, acme: Business, route: str
) -> None:
    method, path = route.split(" ")
    answer = stack.http(
        method if method != "ANY" else "GET", path.replace("{connection}", "acme"), headers={"origin": EVIL}
    )
    names = {name.lower() for name in answer["headers"]}
    assert "set-cookie" not in names, "no cookie, so nothing to ride on from another site"
    assert not {name for name in names if name.startswith("access-control-")}
