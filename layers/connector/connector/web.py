"""HTTP API requests (payload 2.0) and answers: authorizing, and the console's JSON routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from connector import errors
from connector.ledger import DocumentKey, State
from connector.receiving import http_answer, webhook_delivery
from connector.rules.packs import pack_of
from connector.runtime import telemetry, wiring
from connector.usecases import people, replaying
from connector.usecases.ping import ping
from connector.usecases.tokens import authorize_finish, authorize_start, connection_of_state

PAGE = 200
_MISSING = {"no_such_connection", "no_such_document", "payload_gone"}
_STATUS = {
    errors.BadUse: 400,
    errors.Forbidden: 403,
    errors.Busy: 503,
    errors.Parked: 409,
    errors.NotSent: 503,
}

__all__ = ["authorization", "console", "http_answer"]

Answer = tuple[int, Any, dict[str, str]]


def authorization(event: Mapping[str, Any]) -> Answer:
    """Send a person to FreshBooks (start), or take the code that comes back (callback)."""
    query = event.get("queryStringParameters") or {}
    try:
        key = wiring.oauth_state_key()
        if event["rawPath"].endswith("/start"):
            connection = wiring.connection(query.get("connection", ""))
            kept = wiring.secrets.read(connection.id, "freshbooks") or {}
            if not kept.get("client_id"):
                text = "the FreshBooks credentials are not stored"
                raise errors.NotConfigured(
                    text, code="no_freshbooks_credentials", fix="connector connections add"
                )
            address = authorize_start(
                connection.id,
                client_id=kept["client_id"],
                redirect_uri=connection.freshbooks.redirect_uri,
                key=key,
                clock=wiring.clock,
                url=connection.freshbooks.authorize_url,
            )
            return 302, None, {"location": address}
        if "error" in query:
            return 400, {"error": "FreshBooks did not allow the connection", "code": "not_allowed"}, {}
        connection = wiring.connection(
            connection_of_state(query.get("state", ""), key=key, clock=wiring.clock)
        )
        authorize_finish(
            connection.id,
            _given(query, "code"),
            secrets=wiring.secrets,
            leases=wiring.leases,
            notes=wiring.notes,
            oauth=wiring.oauth(connection),
            clock=wiring.clock,
        )
        return 200, {"authorized": connection.id}, {}
    except errors.ConnectorError as error:
        return _refusal(error)


def console(event: Mapping[str, Any]) -> Answer:
    """Answer one of the console's routes (`routeKey` as in the template)."""
    parameters = event.get("pathParameters") or {}
    query = {name: values[0] for name, values in parse_qs(event.get("rawQueryString", "")).items()}
    try:
        match event["routeKey"]:
            case "GET /" | "GET /connections":
                return 200, {"connections": [_connection(each) for each in wiring.connections()]}, {}
            case "GET /documents":
                return 200, _documents(query), {}
            case "GET /documents/{id+}":
                key = DocumentKey.of(_document_id(event, parameters))
                return (
                    200,
                    people.story(wiring.ledger, wiring.archive, key, payloads=query.get("payloads") == "1"),
                    {},
                )
            case "POST /replay":
                key = DocumentKey.of(str(_body(event).get("id", "")))
                return (
                    202,
                    {"state": replaying.replay(wiring.world(key.connection), key, who="console").state},
                    {},
                )
            case "GET /partners":
                packs = wiring.world(query.get("connection", "")).packs()
                return (
                    200,
                    {
                        "partners": {
                            n: p.model_dump(mode="json", exclude_defaults=True) for n, p in packs.items()
                        }
                    },
                    {},
                )
            case "PUT /partners/{connection}/{partner}":
                pack = pack_of({**_body(event), "trading_partner_id": parameters["partner"]})
                return (
                    200,
                    {"resumed": people.set_up_partner(wiring.world(parameters["connection"]), pack)},
                    {},
                )
            case "GET /ping/{connection}":
                return 200, {"steps": list(ping(wiring.world(parameters["connection"])))}, {}
        return 404, {"error": "no such route", "code": "no_such_route"}, {}
    except errors.ConnectorError as error:
        return _refusal(error)


def _refusal(error: errors.ConnectorError) -> Answer:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    if error.code in _MISSING:
        status = 404
    telemetry.failed("request refused", error)
    return status, {"error": error.message, "code": error.code, "fix": error.fix}, {}


def _connection(connection_id: str) -> dict[str, Any]:
    polls = wiring.notes.read_all(connection_id, "poll")
    return {"id": connection_id, "polls": polls}


def _given(query: Mapping[str, str], name: str) -> str:
    if not query.get(name):
        raise errors.BadUse(f"say which {name}", code=f"no_{name}", fix=f"add ?{name}=ID")
    return query[name]


def _documents(query: Mapping[str, str]) -> dict[str, Any]:
    try:
        states = [State(query["state"].upper())] if "state" in query else list(State)
    except ValueError:
        raise errors.BadUse(f"there is no state {query['state'][:20]}", code="no_such_state") from None
    found = people.documents(
        wiring.ledger,
        _given(query, "connection"),
        states=states,
        direction=query.get("direction", ""),
        partner=query.get("partner", ""),
        type_=query.get("type", ""),
        text=query.get("text", ""),
    )
    page = list(islice(found, PAGE + 1))
    return {"documents": page[:PAGE], "more": len(page) > PAGE}


def _document_id(event: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    # API Gateway decodes the path and emulators may not; only the number, the last part, may hold a slash
    path = event.get("rawPath", "").partition("/documents/")[2] or parameters.get("id", "")
    *parts, number = path.split("/", 4)
    return "/".join([*parts, quote(unquote(number), safe="")])


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(webhook_delivery(event).body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise errors.BadUse("the body has to be a JSON object", code="bad_body")
    return body
