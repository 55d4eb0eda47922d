"""Carry-over: what an outbound document repeats of the stored order, cut to what its schema can hold.

The order is kept as it came, so its untyped groups may hold anything: numbers as text (XML), one child where
a list belongs, elements of another RSX version, codes that an invoice does not know. Whatever cannot be sent
is left out with a finding; nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from connector.documents.parts import Element, as_date, plain_number
from connector.findings import Finding, Severity, Source, Trace
from connector.mapping.money import LARGEST
from connector.mapping.shapes import SYNONYMS, Child, Document, names, shape_of

# Without these a group says nothing: a reference whose qualifier cannot be sent is not sent at all.
_NAMES_ITS_GROUP = names("""
    AddressTypeCode AllowChrgCode AllowChrgIndicator CommodityCodeQualifier ContactQual DateTimeQualifier
    NoteCode PartNumberQual PriceTypeIDCode QuantityTotalsQualifier ReferenceQual TaxTypeCode
""")
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")


def carry(
    raw: Any,
    model: type[Element],
    *,
    document: Document = "Invoice",
    place: str = "",
    only: frozenset[str] | None = None,
    explain: Explainer | None = None,
    to: str = "",
) -> tuple[dict[str, Any], list[Finding]]:
    """What of `raw` (plain values or an Element) `document` can hold in the group `model`, in schema order.

    `only` names the elements that are wanted; leaving the others out is no finding. `place` is the path of
    `raw` in the order, `to` its path in the produced document, which `explain` wants to know.
    """
    carrying = _Carrying(document, explain)
    return carrying.group(raw, model, place, to, only), carrying.findings


def carry_all(
    raws: Any,
    model: type[Element],
    *,
    document: Document = "Invoice",
    place: str = "",
    explain: Explainer | None = None,
    to: str = "",
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Each group of a list; groups of which nothing can be sent are not there."""
    carrying = _Carrying(document, explain)
    return carrying.many(raws, Child("group", model=model), place, to), carrying.findings


def number_of(value: Any) -> Decimal | None:
    """The number in a JSON value or an XML text, None where there is none that can be sent."""
    try:
        if not isinstance(value, int | float | Decimal | str):
            return None
        if isinstance(value, int) and abs(value) >= LARGEST:
            return None
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
        return number if number.is_finite() and abs(number) < LARGEST else None
    except InvalidOperation:
        return None


def once(findings: Iterable[Finding]) -> list[Finding]:
    """The same remark on a hundred lines is told once, at its first place."""
    told: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        told.setdefault((finding.code, finding.message), finding)
    return list(told.values())


class Explainer:
    """Where each produced field came from; only made where somebody asked (`trace` is given).

    A mark on a group speaks for every field in it that has no mark of its own. A `copy` mark also names the
    same field of the source: `Header.Address[0]` copied from `order.Header.Address[2]` explains its `City` by
    `order.Header.Address[2].City`.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.order = "order"  # what sources call the order, where there are several
        self._marks: dict[str, tuple[str, tuple[str, ...], bool]] = {}

    def mark(self, path: str, rule: str, *sources: str) -> None:
        self._marks[path] = (rule, tuple(map(self._named, sources)), False)

    def copy(self, path: str, source: str, rule: str = "as on the order") -> None:
        self._marks[path] = (rule, (self._named(source),), True)

    def _named(self, source: str) -> str:
        return self.order + source.removeprefix("order") if source.startswith("order.") else source

    def repeat(self, path: str, to: str) -> None:
        """What was said of `path` and everything in it holds for `to` as well."""
        for known, mark in list(self._marks.items()):
            if known == path or known.startswith((f"{path}.", f"{path}[")):
                self._marks[to + known[len(path) :]] = mark

    def finish(self, document: dict[str, Any]) -> None:
        """Writes one `Source` for every leaf of the produced document."""
        self._walk("", document, ("mapped", (), False), "")

    def _walk(self, path: str, value: Any, mark: tuple[str, tuple[str, ...], bool], below: str) -> None:
        own = self._marks.get(path)
        if own is not None:
            mark, below = own, ""
        if isinstance(value, dict):
            for name, child in value.items():
                self._walk(f"{path}.{name}" if path else name, child, mark, f"{below}.{name}")
        elif isinstance(value, list):
            for index, child in enumerate(value):
                self._walk(f"{path}[{index}]", child, mark, f"{below}[{index}]")
        else:
            rule, sources, copied = mark
            self._trace[path] = Source(tuple(s + below for s in sources) if copied else sources, rule)


class _Carrying:
    """One walk: what was left out so far, and whom to tell where the rest came from."""

    def __init__(self, document: Document, explain: Explainer | None) -> None:
        self.document = document
        self.explain = explain
        self.findings: list[Finding] = []

    def group(
        self, raw: Any, model: type[Element], place: str, to: str, only: frozenset[str] | None = None
    ) -> dict[str, Any]:
        values = _values(raw)
        if values is None:
            if not _empty(raw):
                self._left_out(place, "it is not a group of elements")
            return {}
        carried: dict[str, Any] = {}
        for name, child in _wanted(model, self.document, only):
            value = values.get(name)
            if value is None:
                value = values.get(SYNONYMS[name]) if name in SYNONYMS else None
                if value is None:
                    continue
            if _empty(value):
                continue
            path, target = _join(place, name), _join(to, name)
            if child.many:
                kept = self.many(value, child, path, target)
            else:
                kept = self._one(_single(value), child, path, target)
            if not _empty(kept):
                carried[name] = kept
            elif name in _NAMES_ITS_GROUP:
                return {}
        if only is None:
            shape = shape_of(model, self.document)
            for name, value in values.items():
                if name not in shape and SYNONYMS.get(name) not in shape and not _empty(value):
                    self._left_out(
                        _join(place, name),
                        f"an RSX {self.document} has no such element in this place",
                        "element_not_carried",
                        "info",
                    )
        if self.explain is not None and carried and to:
            self.explain.copy(to, f"order.{place}")
        return carried

    def many(self, raws: Any, child: Child, place: str, to: str) -> list[Any]:
        kept: list[Any] = []
        for index, raw in enumerate(raws if isinstance(raws, list) else [raws]):
            one = self._one(raw, child, f"{place}[{index}]", f"{to}[{len(kept)}]")
            if not _empty(one):
                kept.append(one)
        return kept

    def _one(self, value: Any, child: Child, place: str, to: str) -> Any:
        if value is None:
            return None
        if child.model is not None:
            return self.group(value, child.model, place, to)
        if child.kind == "free":
            self._left_out(place, "the connector does not repeat it", "element_not_carried", "info")
            return None
        if child.kind in ("number", "whole"):
            return self._number(value, child.kind == "whole", place)
        text = _text(value)
        if text is None:
            self._left_out(place, "it is not a text")
        return self._coded(text, child, place) if text else None

    def _coded(self, text: str, child: Child, place: str) -> str | None:
        if child.kind == "date":
            day = as_date(text)
            if day is None:
                self._left_out(place, "it is not a date")
            return day.isoformat() if day else None
        if child.kind == "time":
            moment = _time(text)
            if moment is None:
                self._left_out(place, "it is not a time")
            return moment
        if child.codes is not None and text not in child.codes:
            why = f"the RSX {self.document} has no code {text[:40]!r} for it"
            self._left_out(place, why, "code_not_carried")
            return None
        return text

    def _number(self, value: Any, whole: bool, place: str) -> int | float | None:
        number = number_of(value)
        if number is not None and (not whole or number == number.to_integral_value()):
            return plain_number(number)
        if _text(value) != "":
            self._left_out(place, "it is not a number that can be sent")
        return None

    def _left_out(
        self, place: str, why: str, code: str = "value_not_carried", severity: Severity = "warning"
    ) -> None:
        element = place.rpartition(".")[2].partition("[")[0] or "a group"
        self.findings.append(Finding(code, severity, f"{element} is left out: {why}", place))


@cache
def _wanted(
    model: type[Element], document: Document, only: frozenset[str] | None
) -> tuple[tuple[str, Child], ...]:
    shape = shape_of(model, document)
    return tuple((name, child) for name, child in shape.items() if only is None or name in only)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _time(text: str) -> str | None:
    """The time with its seconds, None where it is none."""
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            return None
        time.fromisoformat(text)
    except ValueError:
        return None
    return text if match[1] else f"{text[:5]}:00{text[5:]}"


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    number = number_of(value)
    return None if number is None else str(plain_number(number))


def _values(raw: Any) -> dict[str, Any] | None:
    if isinstance(raw, Element):
        return {**raw.__dict__, **(raw.__pydantic_extra__ or {})}
    raw = _single(raw)
    return raw if isinstance(raw, dict) else None


def _single(value: Any) -> Any:
    """A lone child may come as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _empty(value: Any) -> bool:
    return not value and (value is None or isinstance(value, str | list | dict))
