"""An order compared with what FreshBooks sells: items nobody knows, prices nobody agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from connector.documents.freshbooks import Item
from connector.documents.order import Order
from connector.findings import Finding
from connector.mapping.order_lines import OrderedLine, ordered_lines, price_line
from connector.rules.packs import PartnerPack

_FIX = "acknowledge the order yourself, or correct the item in FreshBooks and replay"


def compare_with_items(order: Order, items: Iterable[Item], pack: PartnerPack) -> list[Finding]:
    """Every line whose item FreshBooks does not have, or has at another price than ordered.

    An order line is an item by its vendor part, by an alias of the pack, or by its UPC, each against the item's
    SKU and name. Prices are compared for one ordered unit, within `tolerances.price` percent.
    """
    known: dict[str, Item] = {}
    for item in items:
        for name in (item.sku, item.name, pack.aliases.get(item.name, "")):
            if name:
                known.setdefault(_fold(name), item)
    if not known:
        message = "FreshBooks has no items to compare the order with"
        return [
            Finding(
                "no_items", "error", message, "", "enter your items in FreshBooks, or acknowledge it yourself"
            )
        ]
    return [finding for line in ordered_lines(order) for finding in _compare(line, known, pack)]


def _compare(line: OrderedLine, known: dict[str, Item], pack: PartnerPack) -> Iterator[Finding]:
    names = (line.vendor_part, *line.codes)
    item = next((known[_fold(name)] for name in names if _fold(name) in known), None)
    place = f"LineItem[{line.position}].OrderLine"
    if item is None:
        called = line.vendor_part or line.description or line.buyer_part
        message = f"line {line.line}: FreshBooks has no item {called[:60]!r}"
        yield Finding("item_unknown", "error", message, place, _FIX)
        return
    ordered = price_line(line.item, line.position, pack, []).unit
    ours = item.unit_cost.amount if item.unit_cost is not None else None
    if ordered is None or not ours:
        return
    if abs(ordered - ours) > abs(ours) * pack.tolerances.price / Decimal(100):
        message = f"line {line.line}: ordered at {ordered:f} each, FreshBooks has {ours:f}"
        yield Finding("price_off", "error", message, f"{place}.PurchasePrice", _FIX)


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
