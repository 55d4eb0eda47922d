"""The lines of an invoice or a bill, and which order line each of them is.

FreshBooks lines carry no SKU, no UPC and no line number. What a line is, is read from its name and text in
this order of trust, each step narrowing what the steps before left open (the pack's `match` orders the first):

    sku: vendor part = name · vendor_part: vendor part in the text · upc: UPC or GTIN in the text · alias
    · buyer part · same description · price: the only line with this quantity and price

The text goes before quantity and price: two articles often cost the same, but no two have the same words.
One article on two order lines is told apart by quantity and price, then by sequence; different articles that
fit alike are never guessed at. A line that is none of the order's is a charge or an allowance where its name
says so (`CHARGES`, the pack's `charges`), is left out where it is worth nothing, and is otherwise held for a
person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, NamedTuple

from connector.documents.order import Order, OrderLineItem
from connector.findings import Finding
from connector.mapping.money import ZERO, shown
from connector.mapping.order_lines import item_text, price_line
from connector.mapping.units import counted_in
from connector.rules.packs import PartnerPack

CHARGES = (
    (re.compile(r"\b(shipping\s*(and|&|\+)\s*handling|s\s*&\s*h)\b", re.I), "G830"),
    (re.compile(r"\bfreight\b", re.I), "D240"),
    (re.compile(r"\bshipping\b", re.I), "G821"),
    (re.compile(r"\bhandling\b", re.I), "D500"),
    (re.compile(r"\bdiscount\b", re.I), "C310"),
)
"""What a line's name says -> AllowChrgCode; the first that fits."""

DISCOUNT = "C310"

_VENDOR_QUALIFIERS = frozenset({"MG", "MN", "SK", "VA", "VC", "ZVP"})
_BUYER_QUALIFIERS = frozenset({"CB", "IT", "ZBP"})
_GTIN_QUALIFIERS = frozenset({"ZEAN", "ZGTIN", "ZUPC"})
_GTIN = re.compile(r"(?<!\d)\d{12,14}(?!\d)")
_PRICE_SLACK = Decimal("0.005")  # FreshBooks keeps cents where an order has four places


@dataclass(frozen=True, slots=True)
class LineTax:
    """One tax of a line: 13 means 13 %; `amount` where FreshBooks tells it (bills)."""

    name: str
    percent: Decimal
    amount: Decimal | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One FreshBooks line, of an invoice or of a bill; `place` is its path in there (`lines[2]`).

    `unit` is the unit of measure where the line's text tells one.
    """

    place: str
    name: str
    description: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    taxes: tuple[LineTax, ...] = ()
    compounded: bool = False
    unit: str = ""

    @property
    def title(self) -> str:
        """What a person calls the line: its name, or the first line of its text."""
        return self.name.strip() or next(iter(self.description.strip().splitlines()), "").strip()


class Role(NamedTuple):
    """What a line becomes: an item (of order line `order_index`, if any), a charge or allowance `code`, nothing."""

    kind: Literal["item", "charge", "nothing"]
    rule: str
    order_index: int | None = None
    code: str = ""


class _Wanted(NamedTuple):
    """What an order line answers to; the `_words` are those of its part numbers that may stand in a text."""

    vendor: frozenset[str]
    vendor_words: tuple[str, ...]
    buyer: frozenset[str]
    buyer_words: tuple[str, ...]
    gtins: frozenset[str]
    texts: frozenset[str]
    quantity: Decimal
    price: Decimal | None


def roles(lines: list[SaleLine], order: Order | None, pack: PartnerPack) -> tuple[list[Role], list[Finding]]:
    """What each line becomes, in the lines' sequence, and what a person should know about it.

    A line that counts another unit than its order line, by a factor of the pack, is put into the order's in place.
    """
    found: list[Role | None] = [_certain_charge(line, pack) for line in lines]
    if order is None:
        alone = Role("item", "FreshBooks alone")
        return [role or _charge(line) or alone for role, line in zip(found, lines, strict=True)], []
    wanted = [_wanted(item, index, pack) for index, item in enumerate(order.LineItem)]
    findings: list[Finding] = []
    _match(lines, wanted, pack, found, findings)
    settled = [role or _unmatched(line, findings) for role, line in zip(found, lines, strict=True)]
    _in_order_units(lines, settled, order, wanted, pack, findings)
    return settled, findings + list(_compare(lines, settled, order, wanted))


# --- matching ---------------------------------------------------------------------------------------


def _match(
    lines: Sequence[SaleLine],
    wanted: list[_Wanted],
    pack: PartnerPack,
    found: list[Role | None],
    findings: list[Finding],
) -> None:
    aliases = {_fold(name): _fold(part) for name, part in pack.aliases.items()}
    open_ = [index for index, role in enumerate(found) if role is None]
    candidates = {index: _candidates(lines[index], wanted, aliases, pack.match) for index in open_}
    used: set[int] = set()

    def take(index: int, order_index: int, rule: str) -> None:
        found[index] = Role("item", rule, order_index)
        used.add(order_index)

    # A line that can be one order line only goes first, so that no other takes it away.
    for index in open_:
        fitting, rule = candidates[index]
        if len(fitting) == 1:
            take(index, fitting[0], rule)
    several = [index for index in open_ if len(candidates[index][0]) > 1]
    for agrees in (_same_quantity_and_price, _same_price, _anything):
        for index in several:
            fitting, rule = candidates[index]
            if found[index] is not None or (agrees is _anything and not _alike(fitting, wanted)):
                continue
            free = [i for i in fitting if i not in used and agrees(lines[index], wanted[i])]
            if free:
                take(index, free[0], rule)
    for index in several:
        fitting, rule = candidates[index]
        if found[index] is None and _alike(fitting, wanted):  # a split quantity
            take(index, fitting[0], rule)
        elif found[index] is None:
            found[index] = Role("item", "FreshBooks alone")
            findings.append(_ambiguous(lines[index], fitting))
    for index in _charges_else_by_price(lines, wanted, used, found, by_price="price" in pack.match):
        findings.append(_by_price(lines[index], found[index], wanted))


def _charges_else_by_price(
    lines: Sequence[SaleLine],
    wanted: list[_Wanted],
    used: set[int],
    found: list[Role | None],
    *,
    by_price: bool,
) -> Iterator[int]:
    """Gives what nothing names to the only free order line of its quantity and price; which lines those are."""
    for index, line in enumerate(lines):
        if found[index] is None and (charge := _charge(line)) is not None:
            found[index] = charge
    nameless = [index for index, role in enumerate(found) if role is None and by_price]
    fits = {
        index: [
            i for i, w in enumerate(wanted) if i not in used and _same_quantity_and_price(lines[index], w)
        ]
        for index in nameless
    }
    for index in nameless:
        if len(fits[index]) == 1 and sum(fits[index] == other for other in fits.values()) == 1:
            found[index] = Role("item", "the only order line with this quantity and price", fits[index][0])
            yield index


def _candidates(
    line: SaleLine, wanted: list[_Wanted], aliases: dict[str, str], match: Sequence[str]
) -> tuple[list[int], str]:
    """The order lines that this line's words name, and the rule that said so first."""
    fitting: list[int] = []
    first = ""
    for rule, named in _named(line, wanted, aliases, match):
        narrowed = [index for index in fitting if index in named] if fitting else sorted(named)
        if narrowed:
            first = first or rule
            fitting = narrowed
        if len(fitting) == 1:
            break
    return fitting, first


def _named(
    line: SaleLine, wanted: list[_Wanted], aliases: dict[str, str], match: Sequence[str]
) -> Iterator[tuple[str, set[int]]]:
    """(rule, the order lines that it finds), in the sequence of the pack's `match`; the same words come last."""
    name, description = _fold(line.name), _fold(line.description)
    text = f"{name} {description}"
    for step in match:
        if step == "alias" and (part := aliases.get(name or description)):
            yield "alias", {i for i, w in enumerate(wanted) if part in w.vendor or part in w.buyer}
        elif step == "sku" and name:
            yield "vendor part number", {i for i, w in enumerate(wanted) if name in w.vendor}
        elif step == "vendor_part":
            vendors = {
                i for i, w in enumerate(wanted) if any(_mentions(text, part) for part in w.vendor_words)
            }
            yield "vendor part number in the text", vendors
        elif step == "upc" and (gtins := {digits.zfill(14) for digits in _GTIN.findall(text)}):
            yield "UPC or GTIN in the text", {i for i, w in enumerate(wanted) if gtins & w.gtins}
    if "vendor_part" in match:
        buyers = {
            i
            for i, w in enumerate(wanted)
            if name in w.buyer or any(_mentions(text, part) for part in w.buyer_words)
        }
        yield "buyer part number", buyers
    said = {name, description, *description.split(" / ")}
    yield "same description", {i for i, w in enumerate(wanted) if said & w.texts}


def _wanted(item: OrderLineItem, index: int, pack: PartnerPack) -> _Wanted:
    line = item.OrderLine
    vendor, buyer = [line.VendorPartNumber], [line.BuyerPartNumber]
    gtins = [line.ConsumerPackageCode, line.GTIN, line.EAN, line.UPCCaseCode]
    for product in line.ProductID:
        if isinstance(product, dict):
            qualifier, part = str(product.get("PartNumberQual")), str(product.get("PartNumber") or "")
            for qualifiers, parts in (
                (_VENDOR_QUALIFIERS, vendor),
                (_BUYER_QUALIFIERS, buyer),
                (_GTIN_QUALIFIERS, gtins),
            ):
                if qualifier in qualifiers:
                    parts.append(part)
    texts = [item_text(item), *(entry.ProductDescription for entry in item.ProductOrItemDescription)]
    priced = price_line(item, index, pack, [])
    vendors = frozenset(_fold(part) for part in vendor if part and part.strip())
    buyers = frozenset(_fold(part) for part in buyer if part and part.strip())
    return _Wanted(
        vendors,
        _words(vendors),
        buyers,
        _words(buyers),
        frozenset(code.strip().zfill(14) for code in gtins if code and code.strip().isdigit()),
        frozenset(_fold(text) for text in texts if text),
        priced.quantity,
        priced.unit,
    )


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def _words(parts: frozenset[str]) -> tuple[str, ...]:
    """The part numbers that prove something where they stand in a text: not "12", not "bowl"."""
    return tuple(part for part in parts if len(part) >= 3 and any(char.isdigit() for char in part))


def _mentions(text: str, part: str) -> bool:
    """Whether the part number stands in the text as a word: "hd-20" is not in "hd-20-red"."""
    at = text.find(part)
    while at >= 0:
        around = text[max(at - 1, 0) : at] + text[at + len(part) : at + len(part) + 1]
        if not any(char.isalnum() or char in "-_" for char in around):
            return True
        at = text.find(part, at + 1)
    return False


def _same_price(line: SaleLine, wanted: _Wanted) -> bool:
    return wanted.price is not None and abs(wanted.price - line.price) <= _PRICE_SLACK


def _same_quantity_and_price(line: SaleLine, wanted: _Wanted) -> bool:
    return wanted.quantity == line.quantity and _same_price(line, wanted)


def _alike(fitting: list[int], wanted: list[_Wanted]) -> bool:
    """Whether these order lines are one article, ordered more than once."""
    return len({(wanted[i].vendor, wanted[i].buyer, wanted[i].gtins) for i in fitting}) == 1


def _anything(line: SaleLine, wanted: _Wanted) -> bool:
    return True


def _in_order_units(
    lines: list[SaleLine],
    settled: list[Role],
    order: Order,
    wanted: list[_Wanted],
    pack: PartnerPack,
    findings: list[Finding],
) -> None:
    for n, (line, role) in enumerate(zip(lines, settled, strict=True)):
        if role.order_index is None or not pack.uom:
            continue
        unit = order.LineItem[role.order_index].OrderLine.OrderQtyUOM or ""
        ordered = wanted[role.order_index].price
        if line.unit or not unit or ordered is None:
            continue
        counted = counted_in(unit, ordered, line.quantity, line.price, pack, _PRICE_SLACK)
        if counted is not None:
            other, quantity, price = counted
            lines[n] = replace(line, quantity=quantity, price=price)
            message = f"{line.quantity:f} {other} are {quantity:f} {unit}, as ordered"
            findings.append(Finding("unit_converted", "info", message, line.place))


# --- not on the order -------------------------------------------------------------------------------


def _certain_charge(line: SaleLine, pack: PartnerPack) -> Role | None:
    """The pack's word goes before any match, and a negative line is no item even where it names one."""
    code = {_fold(name): code for name, code in pack.charges.items()}.get(_fold(line.title))
    if code:
        return Role("charge", "charge named in the partner pack", code=code)
    return _charge(line) if line.amount < 0 else None


def _charge(line: SaleLine) -> Role | None:
    code = next((code for words, code in CHARGES if words.search(line.title)), None)
    if code is None and line.amount < 0:
        return Role("charge", "a negative line is an allowance", code=DISCOUNT)
    return Role("charge", "the line's name says what it is", code=code) if code else None


def _unmatched(line: SaleLine, findings: list[Finding]) -> Role:
    if line.amount == 0:
        message = f"line {line.title[:60]!r} is worth nothing and not on the order; it is left out"
        findings.append(Finding("line_without_value", "warning", message, line.place))
        return Role("nothing", "worth nothing and not on the order")
    message = f"line {line.title[:60]!r} is on no line of the order; retailers refuse what they did not order"
    fix = (
        "name the line like the order's vendor part number or UPC, add an alias for it to the partner pack,"
        " or name it under charges if it is a charge"
    )
    findings.append(Finding("line_not_on_order", "error", message, line.place, fix))
    return Role("item", "FreshBooks alone")


def _by_price(line: SaleLine, role: Role | None, wanted: list[_Wanted]) -> Finding:
    parts = wanted[role.order_index] if role is not None and role.order_index is not None else None
    part = next(iter([*parts.vendor, *parts.buyer]), "") if parts is not None else ""
    message = (
        f"line {line.title[:60]!r} is taken for {part.upper() or 'an order line'} by quantity and price alone"
    )
    fix = "say that it is: `connector partners alias`, or the line's name in the pack's aliases"
    return Finding("matched_by_price", "info", message, line.place, fix)


def _ambiguous(line: SaleLine, fitting: list[int]) -> Finding:
    places = " or ".join(str(index + 1) for index in fitting[:5])
    message = f"line {line.title[:60]!r} could be line {places} of the order, which are different articles"
    fix = "write the UPC or the buyer's part number into the line, or add an alias to the partner pack"
    return Finding("line_ambiguous", "error", message, line.place, fix)


# --- against the order ------------------------------------------------------------------------------


def _compare(
    lines: Sequence[SaleLine],
    settled: list[Role],
    order: Order,
    wanted: list[_Wanted],
) -> Iterator[Finding]:
    billed: dict[int, list[SaleLine]] = {}
    for line, role in zip(lines, settled, strict=True):
        if role.order_index is not None:
            billed.setdefault(role.order_index, []).append(line)
    for index, parts in billed.items():
        ordered, quantity = wanted[index].quantity, sum((part.quantity for part in parts), ZERO)
        if quantity <= ordered or len(parts) == 1:
            continue
        number = order.LineItem[index].OrderLine.LineSequenceNumber or str(index + 1)
        message = f"order line {number}: {shown(quantity)} invoiced, {shown(ordered)} ordered"
        places = " and ".join(part.place for part in parts)
        fix = "take the line out that is there twice, or name the lines apart"
        yield Finding("order_line_twice", "error", f"{message}, by {places} together", places, fix)
