"""HTTP API requests (payload 2.0) and answers: webhooks, authorizing, and the console's JSON routes."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from connector import errors
from connector.ledger import DocumentKey, State
from connector.rules.packs import pack_of
from connector.runtime import telemetry, wiring
from connector.usecases import people, replaying
from connector.usecases.ping import ping
from connector.usecases.tokens import authorize_finish, authorize_start, connection_of_state
from connector.usecases.webhooks import Delivery

VERIFIER_SECONDS = 300.0
UNKNOWN_SECONDS = 5.0
PAGE = 200
_HEADERS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}
_MISSING = {"no_such_connection", "no_such_document", "payload_gone"}
_STATUS = {
    errors.BadUse: 400,
    errors.Forbidden: 403,
    errors.Busy: 503,
    errors.Parked: 409,
    errors.NotSent: 503,
}

Answer = tuple[int, Any, dict[str, str]]


def http_answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The answer API Gateway expects; every one carries the security headers."""
    return {
        "statusCode": status,
        "headers": {**_HEADERS, **(headers or {})},
        "body": "" if body is None else json.dumps(body, ensure_ascii=False),
    }


def webhook_delivery(event: Mapping[str, Any]) -> Delivery:
    """The request as the use case reads it: the raw bytes, whether or not API Gateway had encoded them."""
    path = event.get("pathParameters") or {}
    return Delivery(
        connection=path.get("connection", ""),
        event=path.get("event", ""),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=_raw(event),
    )


def _raw(event: Mapping[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return b""  # which no receiver accepts


_verifiers: dict[str, tuple[float, dict[str, Any]]] = {}


def verifiers(connection: str, event: str, fresh: bool) -> list[str]:
    """The keys of one callback, cached five minutes; `fresh` looks again, at most every few seconds."""
    read_at, kept = _verifiers.get(connection, (0.0, {}))
    age = time.monotonic() - read_at if read_at else float("inf")
    if age > (UNKNOWN_SECONDS if fresh else VERIFIER_SECONDS):
        kept = wiring.secrets.read(connection, "webhooks") or {}
        _verifiers[connection] = (time.monotonic(), kept)
    return list(kept.get(event, {}).get("verifiers", ()))


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
