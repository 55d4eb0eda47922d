"""What a rule before sending is, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from connector.documents.order import Order
from connector.findings import Severity
from connector.rules.open_quantities import OpenLine, header_of
from connector.rules.packs import PartnerPack

Kind = Literal["invoice", "bill", "credit", "asn", "ack"]
DEBITS: tuple[Kind, ...] = ("invoice", "bill")
INVOICES: tuple[Kind, ...] = ("invoice", "bill", "credit")
EVERY: tuple[Kind, ...] = ("invoice", "bill", "credit", "asn", "ack")


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at: the document as it would be sent (plain RSX values) and all that it has to fit.

    `kind` is invoice, bill (self-billed invoice), credit, asn or ack. `open` is the order's account without
    this document; empty without an order. `used_by` is the FreshBooks record that used the document's number
    before, if another one did.
    """

    kind: str
    document: Mapping[str, Any]
    pack: PartnerPack
    order: Order | None = None
    open: Sequence[OpenLine] = field(default=())
    used_by: str = ""

    @property
    def header(self) -> Mapping[str, Any]:
        return header_of(self.document, self.kind)

    @property
    def items(self) -> list[tuple[str, Mapping[str, Any]]]:
        """(place, InvoiceLine) of every line."""
        lines = self.document.get("LineItem", ())
        return [(f"LineItem[{n}].InvoiceLine", item.get("InvoiceLine", {})) for n, item in enumerate(lines)]


class Remark(NamedTuple):
    """What a rule has to say: one plain sentence, and where."""

    message: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `text` says what must hold, `protects` what goes wrong otherwise, `fix` what a person can do.

    `check` is None where a mapping finds it. A `firm` rule cannot be relaxed by a pack. `settings` names the
    places of the pack that it reads.
    """

    id: str
    text: str
    protects: str
    fix: str
    severity: Severity
    documents: tuple[Kind, ...]
    check: Callable[[Case], Iterable[Remark]] | None = None
    firm: bool = False
    settings: tuple[str, ...] = ()


def elements(document: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of every element that a path names; the value is None where it is missing.

    `LineItem.InvoiceLine.GTIN` is of every line, `Header.Address[ST].City` of the parties of type ST (of a
    group that has `ST` as one of its values). A missing group is one missing element.
    """
    yield from _elements(document, [step for step in path.split(".") if step], "")


def _elements(value: Any, steps: list[str], place: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield place, value
        return
    name, _, wanted = steps[0].partition("[")
    wanted = wanted.rstrip("]")
    inner = value.get(name) if isinstance(value, Mapping) else None
    here = f"{place}.{steps[0]}" if place else steps[0]
    if isinstance(inner, list):
        chosen = [
            (f"{place}.{name}[{n}]" if place else f"{name}[{n}]", each)
            for n, each in enumerate(inner)
            if not wanted or (isinstance(each, Mapping) and wanted in each.values())
        ]
        for at, each in chosen:
            yield from _elements(each, steps[1:], at)
        if not chosen:
            yield ".".join([here, *steps[1:]]), None
    elif inner is None or wanted:
        yield ".".join([here, *steps[1:]]), None
    else:
        yield from _elements(inner, steps[1:], here)
