"""An order and all that belongs to it: what was ordered, shipped, invoiced and billed, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from connector.ledger import Record, State

if TYPE_CHECKING:
    from connector.documents.freshbooks import Bill
    from connector.documents.order import Order
    from connector.rules.packs import PartnerPack

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order, in its own unit; `price` is None where the order states none."""

    line: str
    part: str
    buyer_part: str
    description: str
    uom: str
    quantity: Decimal
    price: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """What another document says of an order line: how many, for how much."""

    quantity: Decimal = ZERO
    amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of ours that belongs to an order. `counts`: the partner has it, or is about to.

    `parts` are by order line; what is on no line of the order is `besides`. Credits count negative.
    """

    record: Record
    counts: bool
    credit: bool = False
    total: Decimal = ZERO
    charges: Decimal = ZERO
    taxes: Decimal = ZERO
    parts: Mapping[str, Part] = field(default_factory=dict)
    besides: tuple[Part, ...] = ()
    shipped_on: str = ""

    @property
    def kind(self) -> str:
        return "credit" if self.credit else self.record.key.type


@dataclass(frozen=True, slots=True)
class Trade:
    """An order, its bill, and its papers; `bill` is None where FreshBooks has none or was not asked.

    `closed_out`: the bill has done its work and was deleted, is about to be, or a person chose to keep it.
    """

    record: Record
    lines: tuple[Line, ...] = ()
    pack: PartnerPack | None = None
    papers: tuple[Paper, ...] = ()
    bill: Bill | None = None
    order: Order | None = None
    closed_out: bool = False

    @property
    def number(self) -> str:
        return self.record.key.number

    @property
    def total(self) -> Decimal:
        """What was ordered, charges and all: what the bill was made of."""
        return amount_of(self.record.amount)

    @property
    def was_billed(self) -> bool:
        """Whether the connector made a bill of the order that should be in FreshBooks."""
        billed = self.record.state is State.DELIVERED and self.record.remote_id.isdecimal()
        return billed and not self.closed_out

    @property
    def cancelled(self) -> bool:
        return self.record.state is State.CANCELLED

    def counting(self, *kinds: str) -> list[Paper]:
        return [paper for paper in self.papers if paper.counts and paper.kind in kinds]

    @property
    def invoiced_total(self) -> Decimal:
        return sum((-p.total if p.credit else p.total for p in self.counting("invoice", "credit")), ZERO)

    def invoiced(self, line: str) -> Decimal:
        return _sum(line, self.counting("invoice")) - _sum(line, self.counting("credit"))

    def shipped(self, line: str) -> Decimal:
        """By shipment advices that came and ASNs that went; the greater, as they tell of the same goods."""
        advised = ZERO
        for event in self.record.shipments.values():
            for entry in event.get("lines", ()):
                if entry.get("line") == line:
                    advised += amount_of(entry.get("shipped"))
        return max(advised, _sum(line, self.counting("asn")))

    @property
    def states_taxes(self) -> bool:
        return self.order is not None and bool(
            self.order.Header.Taxes or any(item.Taxes for item in self.order.LineItem)
        )

    @property
    def any_shipment(self) -> bool:
        advised = any(event.get("lines") for event in self.record.shipments.values())
        return advised or bool(self.counting("asn"))

    @property
    def shipped_total(self) -> Decimal:
        return sum((worth(line, self.shipped(line.line)) for line in self.lines), ZERO)

    @property
    def shipped_on(self) -> str:
        """The day of the first shipment anybody told us of, or nothing."""
        days = [str(event.get("ship_date") or "") for event in self.record.shipments.values()]
        days += [paper.shipped_on for paper in self.papers]
        return min((day for day in days if day), default="")

    @property
    def fully_invoiced(self) -> bool:
        """Every line is invoiced; where the order cannot be read, its whole amount is."""
        if self.lines:
            return all(self.invoiced(line.line) >= line.quantity for line in self.lines)
        return ZERO < self.total <= self.invoiced_total


def worth(line: Line, quantity: Decimal) -> Decimal:
    """What so many of an ordered line come to: its price each, else its share of the line's amount."""
    if line.price is not None:
        return cents(line.price * quantity)
    return cents(line.amount * quantity / line.quantity) if line.quantity else ZERO


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def amount_of(value: Any) -> Decimal:
    """The number in a plain JSON value; nothing, or what is no number, is 0."""
    try:
        number = Decimal(str(value)) if value not in (None, "") else ZERO
    except InvalidOperation:
        return ZERO
    return number if number.is_finite() else ZERO


def _sum(line: str, papers: Iterable[Paper]) -> Decimal:
    return sum((paper.parts[line].quantity for paper in papers if line in paper.parts), ZERO)
