"""Everything that a partner ever said of one order, put in order: the order in force.

Documents arrive in any sequence, so their arrival decides only where nothing else does. Changes are ordered by
ChangeOrderSeqNumber, then by POChangeDate; an original is before what changes, replaces or cancels it, and a
cancellation after. So a change that comes late is put where it belongs: what a later one set stays set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from connector.documents.order_change import OrderChange
from connector.documents.parts import as_date
from connector.documents.reading import Read
from connector.findings import Finding
from connector.mapping.order_change import Whole, apply_change, replaced, whole_order

Kind = Literal["original", "change", "replacement", "cancellation", "information"]
_STAGE: dict[Kind, int] = {"information": 0, "original": 0, "change": 1, "replacement": 1, "cancellation": 2}


@dataclass(frozen=True, slots=True)
class Version:
    """One document on an order; `accepted`: a person, or an earlier look, decided that it counts."""

    read: Read
    accepted: bool = False

    @property
    def kind(self) -> Kind:
        """What the document is to its order, by its purpose.

        For information only: copies (PrimaryPOTypeCode IN) and completion notices (CN). A confirmation (06) or
        duplicate (07) repeats the order, so it is the order where nothing else came; a final submission (20)
        replaces what was submitted before.
        """
        header, purpose = self.read.document.Header, self.read.purpose or "00"
        if purpose == "CN" or header.OrderHeader.PrimaryPOTypeCode == "IN":  # type: ignore[union-attr]
            return "information"
        if purpose == "01":
            return "cancellation"
        if purpose == "05":
            return "replacement"
        if self.read.kind == "order_change":
            return "change"
        return "replacement" if purpose == "20" else "original"

    @property
    def sequence(self) -> int | None:
        document = self.read.document
        text = document.Header.OrderHeader.ChangeOrderSeqNumber if isinstance(document, OrderChange) else None
        return int(text) if text and text.strip().isdecimal() else None

    @property
    def changed(self) -> date | None:
        document = self.read.document
        return (
            as_date(document.Header.OrderHeader.POChangeDate) if isinstance(document, OrderChange) else None
        )

    @property
    def ordered(self) -> date | None:
        return as_date(self.read.document.Header.OrderHeader.PurchaseOrderDate)  # type: ignore[union-attr]

    @property
    def label(self) -> str:
        """How explanations call it: `change 2`, `replacement`."""
        return self.kind if self.sequence is None else f"{self.kind} {self.sequence}"

    def is_before(self, other: Version) -> bool:
        """Whether it is surely the earlier one."""
        if self.sequence is not None and other.sequence is not None and self.sequence != other.sequence:
            return self.sequence < other.sequence
        if self.changed and other.changed and self.changed != other.changed:
            return self.changed < other.changed
        if self.kind == other.kind == "original" and self.ordered and other.ordered:
            return self.ordered < other.ordered
        return _STAGE[self.kind] < _STAGE[other.kind]


@dataclass(frozen=True, slots=True)
class InForce:
    """The order as all its documents leave it: None where none states it whole yet.

    `findings` are on the documents that are being decided about.
    """

    order: Whole | None
    cancelled: bool
    findings: tuple[Finding, ...] = ()

    def is_same(self, other: InForce) -> bool:
        mine, others = self.order, other.order
        return self.cancelled == other.cancelled and (mine and mine.raw) == (others and others.raw)


def in_force(arrived: Sequence[Version], settled: int = 0) -> InForce:
    """The order after documents that arrived in this sequence; the first `settled` of them are dealt with.

    An original that comes after a cancellation was either overtaken by it, or issues the order anew: the latter
    where its order date is later than any before, or where a person accepted it.
    """
    counted: list[Version] = []
    for version in arrived:
        if version.kind == "information":
            continue
        place = len(counted)
        if not _issued_anew(version, counted):
            while place and version.is_before(counted[place - 1]):
                place -= 1
        counted.insert(place, version)
    order: Whole | None = None
    cancelled = False
    findings: list[Finding] = []
    for version in counted:
        remarks: list[Finding] = []
        if version.kind == "cancellation":
            cancelled = True
        elif version.kind == "change":
            if order is None:
                continue
            if cancelled:
                message = "the order was cancelled, and a change of it came"
                fix = "ask the trading partner; accepted by force, the order is in force again as changed"
                remarks.append(Finding("order_was_cancelled", "error", message, "", fix))
            changed, unclear = apply_change(order, version.read.raw, version.label)
            remarks += unclear
            cancelled = not changed.lines and bool(order.lines)  # the last line was deleted
            order = order if cancelled else changed
        else:
            cancelled = False
            order = (
                replaced(order, version.read.raw, version.label)
                if version.read.kind == "order_change"
                else whole_order(version.read.raw)
            )
        if any(version is one for one in arrived[settled:]):
            findings += remarks
    return InForce(order, cancelled, tuple(findings))


def is_issued_again(arrived: Sequence[Version]) -> bool:
    """Whether the last one may issue a cancelled order anew, and nothing says so: a person has to."""
    *before, last = arrived
    originals = [version for version in before if version.kind == "original"]
    cancelled = any(version.kind == "cancellation" for version in before)
    return (
        last.kind == "original" and bool(originals) and cancelled and in_force(before).cancelled
    ) and not _issued_anew(last, before)


def is_of_an_earlier_issue(arrived: Sequence[Version]) -> bool:
    """Whether the last one cancels an order of an earlier date than that which is in force."""
    *before, last = arrived
    dates = [version.ordered for version in before if version.kind == "original" and version.ordered]
    return bool(
        last.kind == "cancellation"
        and not last.accepted
        and last.ordered
        and dates
        and last.ordered < max(dates)
        and not in_force(before).cancelled
    )


def _issued_anew(version: Version, before: Sequence[Version]) -> bool:
    if version.kind != "original" or not any(other.kind == "cancellation" for other in before):
        return False
    if any(other.kind == "original" and version.is_before(other) for other in before):
        return False  # a later one came first
    dates = [other.ordered for other in before if other.ordered]
    return version.accepted or bool(version.ordered and dates and version.ordered > max(dates))
