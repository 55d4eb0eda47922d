"""The console's requests: static files for anybody, JSON below /api/ for whoever is signed in.

One greedy route of the HTTP API brings everything below /api/ here, with claims that its authorizer verified.
A route is a noun and perhaps a verb; what it is about is in the query (GET) or the JSON body (POST, PUT).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from connector import errors
from connector.adapters.http import within
from connector.answers import gzipped, http_answer, json_body, refusal, takes_gzip
from connector.console.people import Person, person_of

if TYPE_CHECKING:
    from connector.console.pages import Pages
    from connector.wiring import Wiring

API = "ANY /api/{route+}"
SECONDS = 24.0  # for what is asked of vendors, and a little more for the answer: API Gateway waits for half a minute
LARGE = (
    20_000  # characters; Lambda hands over six million bytes at most, and an order may be explained in more
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a signed-in person; `given` is the query, or the body of what changes something."""

    person: Person
    given: Mapping[str, Any]
    wiring: Wiring

    def text(self, name: str, *, needed: bool = False) -> str:
        """A value as text; BadUse where it is needed and missing."""
        value = self.given.get(name, "")
        if needed and not (isinstance(value, str) and value):
            raise errors.BadUse(f"say which {name}", code=f"no_{name}", fix=f"add {name}")
        return value if isinstance(value, str) else ""

    def world(self) -> Any:
        return self.wiring.world(self.text("connection"))


Work = Callable[[Request], Any]


# A route's noun -> the module with its ROUTES, imported at the first request for one: what most people look at
# first needs no mapping. (method, route): what answers it; whatever is no GET changes something, for operators.
MODULES = {
    "me": "people",
    "overview": "documents",
    "documents": "documents",
    "document": "document",
    "partners": "partners",
    "partner": "partners",
    "queues": "operations",
    "queue": "operations",
    "reconcile": "operations",
    "shipment": "shipments",
    "report": "reports",
    "ping": "connecting",
    "connect": "connecting",
    "authorize": "connecting",
}
# no GET, but nothing is changed by it either
LOOKS = frozenset({("POST", "partner/check")})


def serve(
    event: Mapping[str, Any], wiring: Wiring, pages: Pages, failed: Callable[..., None]
) -> dict[str, Any]:
    """The whole answer to a request of the console's API."""
    if event.get("routeKey") != API:
        return pages.answer(event)
    try:
        with within(SECONDS):
            answer = http_answer(200, _work(event, wiring))
        if takes_gzip(event) and len(answer["body"]) > LARGE:
            return gzipped(answer, gzip.compress(answer["body"].encode(), 6, mtime=0))
        return answer
    except errors.ConnectorError as error:
        failed("request refused", error)
        return http_answer(*refusal(error))


def _work(event: Mapping[str, Any], wiring: Wiring) -> Any:
    person = person_of(event)
    method = event["requestContext"]["http"]["method"]
    route = str(event.get("rawPath", "")).partition("/api/")[2]
    work = _route(method, route)
    if method != "GET" and (method, route) not in LOOKS and not person.is_operator:
        raise errors.Forbidden(
            "viewers look on; this needs an operator",
            code="operators_only",
            fix="an administrator runs `connector people add NAME --group operator`",
        )
    query = {name: values[0] for name, values in parse_qs(event.get("rawQueryString") or "").items()}
    return work(Request(person, query if method == "GET" else json_body(event), wiring))


def _route(method: str, route: str) -> Work:
    module = MODULES.get(route.partition("/")[0])
    routes = import_module(f"connector.console.{module}").ROUTES if module else {}
    if (method, route) not in routes:
        raise errors.BadUse("no such route", code="no_such_route")
    work: Work = routes[method, route]
    return work
