"""HTTP API answers (payload 2.0) and request bodies: what webhooks, authorizing and the console share."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from connector import errors

_HEADERS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
}
_BY_CODE = {
    "not_signed_in": 401,
    **dict.fromkeys(
        ("no_such_connection", "no_such_document", "no_such_partner", "no_such_route", "payload_gone"), 404
    ),
}
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


def takes_gzip(event: Mapping[str, Any]) -> bool:
    """Whether whoever asks can unpack an answer."""
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return "gzip" in given.get("accept-encoding", "")


def gzipped(answer: dict[str, Any], packed: bytes) -> dict[str, Any]:
    """The answer with its body compressed: as bytes, which API Gateway is handed as base64."""
    headers = {**answer["headers"], "content-encoding": "gzip", "vary": "accept-encoding"}
    body = base64.b64encode(packed).decode()
    return {**answer, "headers": headers, "body": body, "isBase64Encoded": True}


def refusal(error: errors.ConnectorError) -> Answer:
    """The error as an answer: its status, and words that a page can show."""
    by_kind = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    status = _BY_CODE.get(error.code, by_kind)
    told = {"error": error.message, "code": error.code, "fix": error.fix}
    return status, {**told, "place": error.place} if error.place else told, {}


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The raw bytes, whether or not API Gateway had encoded them."""
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return b""  # which no receiver accepts


def json_body(event: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object in the body; BadUse where it is none."""
    try:
        body = json.loads(raw_body(event))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise errors.BadUse("the body has to be a JSON object", code="bad_body")
    return body
