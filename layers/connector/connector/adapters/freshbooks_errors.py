"""FreshBooks' seven error envelopes, read by one function and mapped by one table; and what wraps a good answer.

Source: reference/freshbooks.md, sections 4.7, 5.1 and 5.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from connector.adapters.http import Response, describe, read_json
from connector.errors import (
    Busy,
    ConnectorError,
    Forbidden,
    NotFound,
    PlanLacksFeature,
    Refused,
    Throttled,
    Unauthenticated,
)

VENDOR = "FreshBooks"

_KINDS: dict[int | None, type[ConnectorError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Busy,
    410: NotFound,
    429: Throttled,
    1003: Forbidden,
    1011: NotFound,
    1012: NotFound,
    1038: Forbidden,
    12001: PlanLacksFeature,
    31001: PlanLacksFeature,
    41001: PlanLacksFeature,
    41101: PlanLacksFeature,
}
_FIXES: dict[type[ConnectorError], str] = {
    Unauthenticated: "if this lasts, authorize FreshBooks again",
    Forbidden: "authorize with every scope the connector asks for, as a user who may write",
    PlanLacksFeature: "the plan needs Accounts Payable (bills, vendors); authorizing again changes nothing",
}


class Problem(NamedTuple):
    """What an error body says; `errno` is None and the texts are "" where it does not."""

    errno: int | None
    message: str
    field: str


def refusal(response: Response) -> ConnectorError:
    """The error for an answer that says no by its status or, with 2xx, by its body."""
    problem = _read(response) or Problem(None, "", "")
    kind = _KINDS.get(problem.errno) or _KINDS.get(response.status) or Refused
    number = f" (errno {problem.errno})" if problem.errno is not None else ""
    reason = (problem.message or "no reason given") + number
    if problem.errno == 500:
        return response.unreadable(reason)
    text = describe(response.call, reason, response.status, response.request_id)
    fix = _FIXES.get(kind, "")
    if problem.errno == 1038:
        fix = "this field is read-only at FreshBooks: leave it out"
    return kind(text, place=problem.field, fix=fix)


def _read(response: Response) -> Problem | None:
    try:
        return read_problem(read_json(response.body))
    except ValueError:
        return None  # empty, or a proxy's HTML


def read_problem(payload: Any) -> Problem | None:
    """The first error in an answer; None where it holds none.

    accounting    {"response": {"errors": [..] or {..}}}, also with HTTP 200
    gateway       {"error", "error_description"}
    events        {"errno", "message", "details": [".."]}
    ledger        {"errors": {"message", "details": [{"reason", "metadata"}]}}
    google.rpc    {"code", "message", "details": [{"reason", "metadata"} or {"fieldViolations"}]}
    projects      {"errno", "error": {..}}, {"error"}, {"message"}
    """
    if not isinstance(payload, dict):
        return None
    inner = payload.get("response")
    if isinstance(inner, dict):
        return _first(inner.get("errors"))
    if "response" not in payload and (payload.keys() & {"errno", "message", "code"}):
        return _one(payload)
    return _first(payload.get("errors")) or _one(payload)


def _first(errors: Any) -> Problem | None:
    """The first of a list, the one object, or the first value of an object keyed by field."""
    if not errors:
        return None
    if isinstance(errors, list):
        return _first(errors[0]) or Problem(None, "", "")
    if isinstance(errors, dict):
        if found := _one(errors):
            return found
        field, told = next(iter(errors.items()))
        found = _first(told) or Problem(None, "", "")
        return found._replace(field=found.field or str(field))
    return Problem(None, _text(errors), "")


def _one(error: dict[str, Any]) -> Problem | None:
    """One error object, its details included; None where it has none of the keys of one."""
    if not error.keys() & {"errno", "message", "error", "code"}:
        return None
    nested = error["error"] if isinstance(error.get("error"), dict) else {}
    details = error.get("details")
    first = details[0] if isinstance(details, list) and details else {}
    first = {"message": first} if isinstance(first, str) else first if isinstance(first, dict) else {}
    violations = first.get("fieldViolations")
    if isinstance(violations, list) and violations and isinstance(violations[0], dict):
        first = {**first, "message": violations[0].get("description"), "field": violations[0].get("field")}
    metadata = first["metadata"] if isinstance(first.get("metadata"), dict) else {}
    levels = (metadata, first, nested, error)
    errno = next((number for level in levels for number in _numbers(level)), None)
    texts = [_text(level.get("message")) for level in levels]
    texts += [_text(error.get("error_description")), _text(error.get("error"))]
    fields = [_text(level.get("field")) for level in levels]
    return Problem(errno, next(filter(None, texts), ""), next(filter(None, fields), ""))


def _numbers(level: dict[str, Any]) -> list[int]:
    found = []
    for value in (level.get("errno"), level.get("reason")):
        if str(value).isascii() and str(value).isdigit():
            found.append(int(str(value)[:9]))
    return found


def _text(value: Any) -> str:
    return " ".join(value.split())[:300] if isinstance(value, str) else ""


def result_of(response: Response, payload: dict[str, Any]) -> dict[str, Any]:
    """What is within `{"response": {"result": {...}}}`."""
    inner = payload.get("response")
    result = inner.get("result") if isinstance(inner, dict) else None
    if not isinstance(result, dict):
        raise response.unreadable("there is no result in the answer")
    return result


def object_of(response: Response, payload: dict[str, Any], key: str) -> dict[str, Any]:
    """The one record under `key`, which has an id."""
    found = result_of(response, payload).get(key)
    if not isinstance(found, dict) or not any(found.get(name) for name in ("id", f"{key}id", "vendorid")):
        raise response.unreadable(f"there is no {key} in the answer")
    return found


def rows_of(response: Response, payload: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The records of a page under `key`."""
    rows = result_of(response, payload).get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise response.unreadable(f"there is no list of {key} in the answer")
    return rows
