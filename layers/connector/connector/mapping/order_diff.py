"""What changed between two states of an order, line by line, with the money it moves."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.documents.order import Order
from connector.findings import Finding
from connector.mapping.money import ZERO, shown
from connector.mapping.order_lines import OrderedLine, extended_amount, ordered_lines, store_quantities
from connector.rules.packs import PartnerPack

MOST_SHOWN = 50
_IGNORED = frozenset({"TsetPurposeCode", "ChangeOrderSeqNumber", "POChangeDate"})


@dataclass(frozen=True, slots=True)
class LineDiff:
    """One line's change; `fields` has (name, from, to) as a person reads them, `effect` the money it moves, in
    `currency`."""

    line: str
    item: str
    what: str
    fields: tuple[tuple[str, str, str], ...]
    effect: Decimal
    currency: str

    @property
    def text(self) -> str:
        item = f" ({self.item})" if self.item else ""
        if self.what == "changed":
            words = ", ".join(
                f"{name} {before or '-'} -> {after or '-'}" for name, before, after in self.fields
            )
        else:
            told = ", ".join(
                f"{name} {before or after}" for name, before, after in self.fields if name != "item"
            )
            words = f"{self.what}: {told}"
        return f"line {self.line}{item}: {words}" + (
            f", {signed(self.effect, self.currency)}" if self.effect else ""
        )


@dataclass(frozen=True, slots=True)
class OrderDiff:
    """All that changed. `header` names groups and elements that differ outside the lines."""

    lines: tuple[LineDiff, ...]
    header: tuple[str, ...]
    effect: Decimal
    currency: str

    def summary(self) -> str:
        """`2 lines change, -40.00 USD; line 1 (V-1): quantity 40 -> 30, -25.00 USD; ...`: the first few lines."""
        if not self.lines:
            return f"no line changes ({', '.join(self.header)})" if self.header else "nothing changes"
        count = len(self.lines)
        money = signed(self.effect, self.currency)
        head = f"{count} line{'s' if count > 1 else ''} change{'' if count > 1 else 's'}, {money}"
        more = f"; and {count - 3} more" if count > 3 else ""
        return "; ".join((head, *(line.text for line in self.lines[:3]))) + more

    def findings(self) -> list[Finding]:
        """The diff as remarks that go with the document wherever it is shown."""
        told = [Finding("line_changed", "info", line.text) for line in self.lines[:MOST_SHOWN]]
        if len(self.lines) > MOST_SHOWN:
            told.append(Finding("line_changed", "info", f"and {len(self.lines) - MOST_SHOWN} more lines"))
        if self.header:
            told.append(
                Finding("header_changed", "info", f"changed outside the lines: {', '.join(self.header)}")
            )
        return told

    def as_json(self) -> dict[str, Any]:
        """`{"lines": [{"line", "item", "what", "fields": {name: [from, to]}, "effect"}], "header", "effect"}`."""
        return {
            "lines": [
                {
                    "line": line.line,
                    "item": line.item,
                    "what": line.what,
                    "fields": {name: [before, after] for name, before, after in line.fields},
                    "effect": str(line.effect),
                }
                for line in self.lines
            ],
            "header": list(self.header),
            "effect": str(self.effect),
        }


def order_diff(before: Order | None, after: Order | None, pack: PartnerPack) -> OrderDiff:
    """What `after` has otherwise than `before`; None is an order that is not there, or cancelled."""
    then = {line.line: line for line in ordered_lines(before)} if before else {}
    now = {line.line: line for line in ordered_lines(after)} if after else {}
    stated = next((one.Header.OrderHeader.BuyersCurrency for one in (after, before) if one), None)
    currency = (stated or pack.freshbooks.currency).strip().upper()
    lines = [
        _line_diff(then.get(name), now.get(name), pack, currency) for name in dict.fromkeys([*then, *now])
    ]
    changed = tuple(line for line in lines if line.fields)
    header = _header_diff(before, after) if before and after else ()
    return OrderDiff(changed, header, sum((line.effect for line in changed), ZERO), currency)


def _line_diff(
    before: OrderedLine | None, after: OrderedLine | None, pack: PartnerPack, currency: str
) -> LineDiff:
    line = after or before
    assert line is not None  # noqa: S101 - for the type checker
    then, now = _fields(before), _fields(after)
    fields = tuple(
        (name, then.get(name, ""), now.get(name, ""))
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    )
    what = "added" if before is None else "deleted" if after is None else "changed"
    if not fields and before and after and before.item != after.item:
        fields = (("details", "as before", "as in the change"),)
    effect = (extended_amount(after.item, pack) if after else ZERO) - (
        extended_amount(before.item, pack) if before else ZERO
    )
    return LineDiff(
        line.line, line.vendor_part or line.buyer_part or line.upc, what, fields, effect, currency
    )


def _fields(line: OrderedLine | None) -> dict[str, str]:
    if line is None:
        return {}
    stores = ", ".join(f"{store}: {shown(quantity)}" for store, quantity in store_quantities(line.item))
    told = {
        "quantity": shown(line.quantity),
        "unit": line.uom,
        "price": "" if line.unit_price is None else shown(line.unit_price, 2),
        "price basis": line.basis,
        "item": line.vendor_part or line.buyer_part or line.upc,
        "description": line.description,
        "stores": stores,
        "dates": ", ".join(
            f"{one.get('DateTimeQualifier', '')} {one.get('Date', '')}"
            for one in line.item.Dates
            if isinstance(one, dict)
        ),
    }
    return {name: text for name, text in told.items() if text}


def _header_diff(before: Order, after: Order) -> tuple[str, ...]:
    """The names of header elements and groups that differ; an order's own total follows from its lines."""
    then, now = before.Header.plain(), after.Header.plain()
    own, others = then.pop("OrderHeader"), now.pop("OrderHeader")
    names = [name for name in {**own, **others} if own.get(name) != others.get(name) and name not in _IGNORED]
    return tuple(sorted(names) + sorted(name for name in {**then, **now} if then.get(name) != now.get(name)))


def signed(amount: Decimal, currency: str) -> str:
    return f"{amount:+} {currency}" if amount else "no money"
