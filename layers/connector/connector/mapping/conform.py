"""The strict check of an outbound document before it is sent: elements, types, codes and downstream lengths.

SPS answers 201 to any file and says days later, by e-mail, what was wrong with it; this is the last place
where a person can be told at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from connector.documents.parts import Element
from connector.findings import Finding, Severity
from connector.mapping.shapes import ROOTS, Child, Document, shape_of

_DATE = re.compile(r"\d{4}-\d\d-\d\d")  # date.fromisoformat also takes week dates
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(Z|[+-]\d\d:\d\d)?")
_LEVELS = ("ContainerLevel", "OrderLevel", "PackLevel", "ItemLevel")


class _Limit(NamedTuple):
    length: int
    severity: Severity
    fix: str


_RENUMBER = _Limit(22, "error", "shorten the number in FreshBooks; X12 has room for 22 characters")
_SHORTEN = "shorten it: X12 has no room for more, and SPS or the retailer may cut it off or refuse it"

LIMITS = {
    "TradingPartnerId": _Limit(15, "error", "copy the TradingPartnerId from an order of this partner"),
    "InvoiceNumber": _RENUMBER,
    "PurchaseOrderNumber": _RENUMBER,
    "ShipmentIdentification": _Limit(30, "error", "give the shipment an id of at most 30 characters"),
    "AddressName": _Limit(60, "warning", _SHORTEN),
    "AddressAlternateName": _Limit(60, "warning", _SHORTEN),
    "Address1": _Limit(55, "warning", _SHORTEN),
    "Address2": _Limit(55, "warning", _SHORTEN),
    "Address3": _Limit(55, "warning", _SHORTEN),
    "Address4": _Limit(55, "warning", _SHORTEN),
    "City": _Limit(30, "warning", _SHORTEN),
    "PostalCode": _Limit(15, "warning", _SHORTEN),
    "TermsDescription": _Limit(80, "warning", _SHORTEN),
    "ProductDescription": _Limit(80, "warning", _SHORTEN),
}
"""X12's element lengths that RSX itself does not check."""


def conform(document: dict[str, Any], kind: Document) -> list[Finding]:
    """What keeps `document` (plain JSON values) from being a good RSX `kind`; errors block it.

    Groups that neither mapping produces (regulatory compliances, master item attributes) are checked for
    nulls only.
    """
    return list(_group(document, ROOTS[kind], kind, ""))


def in_schema_order(document: dict[str, Any], kind: Document) -> dict[str, Any]:
    """The same values in the order of the schema, which is the order of the XML form; unknown names last."""
    return _ordered(document, ROOTS[kind], kind)


def _ordered(group: dict[str, Any], model: type[Element], kind: Document) -> dict[str, Any]:
    shape = shape_of(model, kind)
    ordered: dict[str, Any] = {}
    for name, child in shape.items():
        if name not in group:
            continue
        value = group[name]
        if child.model is not None:
            if isinstance(value, dict):
                value = _ordered(value, child.model, kind)
            elif isinstance(value, list):
                value = [_ordered(v, child.model, kind) if isinstance(v, dict) else v for v in value]
        ordered[name] = value
    return ordered | {name: value for name, value in group.items() if name not in shape}


def _group(value: Any, model: type[Element], kind: Document, place: str) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield _error("wrong_type", f"{_last(place)} must be a group of elements", place)
        return
    shape = shape_of(model, kind)
    for name, item in value.items():
        child = shape.get(name)
        path = f"{place}.{name}" if place else name
        if child is None:
            message = f"{name} is no element of {_last(place)} in an RSX {kind}"
            yield _error(
                "unknown_element", message, path, "remove it; SPS refuses the whole document otherwise"
            )
        elif item is None:
            yield _null(path)
        elif not child.many:
            yield from _value(item, name, child, kind, path)
        elif not isinstance(item, list):
            yield _error("wrong_type", f"{name} must be a list", path)
        else:
            for index, each in enumerate(item):
                yield from _value(each, name, child, kind, f"{path}[{index}]")
    for name, child in shape.items():
        if child.required and name not in value:
            path = f"{place}.{name}" if place else name
            yield _error("missing_element", f"an RSX {kind} must have {name}", path)
    levels = [name for name in _LEVELS if value.get(name)] if kind == "Shipment" else []
    if len(levels) > 1:
        yield _error(
            "levels_mixed", f"{_last(place)} has {' and '.join(levels)}; RSX allows one of them", place
        )


def _value(value: Any, name: str, child: Child, kind: Document, place: str) -> Iterator[Finding]:
    if value is None:
        yield _null(place)
    elif child.model is not None:
        yield from _group(value, child.model, kind, place)
    elif child.kind == "free":
        yield from _nulls(value, place)
    elif child.kind in ("number", "whole"):
        yield from _number(value, name, child, place)
    elif not isinstance(value, str):
        yield _error("wrong_type", f"{name} must be a text, also where it consists of digits", place)
    elif not value.strip():
        yield _error("empty_element", f"{name} is empty", place, "leave the element out or fill it")
    else:
        yield from _text(value, name, child, kind, place)


def _number(value: Any, name: str, child: Child, place: str) -> Iterator[Finding]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield _error("wrong_type", f"{name} must be a JSON number", place)
    elif isinstance(value, float) and not math.isfinite(value):
        yield _error("wrong_type", f"{name} must be a finite number", place)
    elif child.kind == "whole" and value != int(value):
        yield _error("wrong_type", f"{name} must be a whole number", place)


def _text(value: str, name: str, child: Child, kind: Document, place: str) -> Iterator[Finding]:
    if child.codes is not None and value not in child.codes:
        fix = "use a code of the RSX list; the partner pack is where taxes, charges and defaults are mapped"
        yield _error(
            "unknown_code", f"{name} {value[:40]!r} is not in the list of the RSX {kind}", place, fix
        )
    elif child.kind == "date" and not _is_date(value):
        yield _error("wrong_type", f"{name} must be a date like 2026-03-11", place)
    elif child.kind == "time" and not _TIME.fullmatch(value):
        yield _error("wrong_type", f"{name} must be a time like 14:22:14", place)
    limit = LIMITS.get(name)
    if limit is not None and len(value) > limit.length:
        message = f"{name} has {len(value)} characters; at most {limit.length} arrive"
        yield Finding("too_long", limit.severity, message, place, limit.fix)


def _nulls(value: Any, place: str) -> Iterator[Finding]:
    if value is None:
        yield _null(place)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _nulls(item, f"{place}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, f"{place}[{index}]")


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _null(place: str) -> Finding:
    return _error("null", f"{_last(place)} is null, which RSX does not allow", place, "leave the element out")


def _error(code: str, message: str, place: str, fix: str = "") -> Finding:
    return Finding(code, "error", message, place, fix)


def _last(place: str) -> str:
    return place.rpartition(".")[2].partition("[")[0] or "the document"
