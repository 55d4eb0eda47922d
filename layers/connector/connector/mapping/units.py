"""Quantities of a shipment in the unit that the order counts in.

The partner pack says how many of a unit another one holds (`uom.CA.EA = 12`), else the order line's own pack size
does for cases and pieces.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeGuard

from connector.findings import Finding
from connector.mapping.money import shown
from connector.mapping.order_lines import OrderedLine
from connector.rules.packs import PartnerPack

_PLACES = Decimal("0.0001")
_PIECES = frozenset({"EA", "UN", "PC"})
_CASES = frozenset({"CA", "CT", "BX", "PK"})


def factor(
    have: str, want: str, pack: PartnerPack, pack_size: Decimal | None
) -> tuple[Decimal, Decimal] | None:
    """(times, by): a quantity in `have` times the one, by the other, is that in `want`; None where nobody says."""
    one = Decimal(1)
    if have == want or not have or not want or {have, want} <= _PIECES:
        return one, one
    if _usable(holds := pack.uom.get(want, {}).get(have)):
        return one, holds
    if _usable(holds := pack.uom.get(have, {}).get(want)):
        return holds, one
    if pack_size is not None and have in _PIECES and want in _CASES:
        return one, pack_size
    if pack_size is not None and have in _CASES and want in _PIECES:
        return pack_size, one
    return None


def _usable(holds: Decimal | None) -> TypeGuard[Decimal]:
    return holds is not None and Decimal("0.0001") <= holds < 1_000_000


def in_unit_of(
    line: OrderedLine,
    quantity: Decimal,
    unit: str,
    pack: PartnerPack,
    place: str,
    findings: list[Finding],
) -> tuple[Decimal, str]:
    """The quantity in the order line's unit and "", or as it is with its own unit where that is impossible."""
    found = factor(unit, line.uom, pack, line.pack_size)
    if found is None:
        message = (
            f"line {line.line} is ordered in {line.uom}, shipped in {unit}; nothing says how many that is"
        )
        fix = f"give the quantity in {line.uom}, or set uom.{line.uom}.{unit} in the partner pack"
        findings.append(Finding("unit_unknown", "error", message, f"{place}.uom", fix))
        return quantity, unit
    times, by = found
    exact = quantity * times
    if by != 1 and exact % by:
        message = f"{shown(quantity)} {unit} are no whole number of {line.uom} ({shown(by)} each)"
        fix = f"give the quantity in {line.uom}; the retailer counts in it"
        findings.append(Finding("unit_not_whole", "error", message, f"{place}.quantity", fix))
        return quantity, unit
    return exact / by, ""


def counted_in(
    unit: str, ordered_price: Decimal, quantity: Decimal, price: Decimal, pack: PartnerPack, slack: Decimal
) -> tuple[str, Decimal, Decimal] | None:
    """(the unit that a FreshBooks line counts, its quantity and price in `unit`), None where it counts `unit`.

    FreshBooks' lines tell no unit. Where the price is not the order's, but is by one of the pack's factors (12.00 a
    case, 1.00 each), the line counts the other unit: 120 of it are 10 cases. No quantity is rounded for it.
    """
    if abs(price - ordered_price) <= slack:
        return None
    holds = {other: (Decimal(1), times) for other, times in pack.uom.get(unit, {}).items() if _usable(times)}
    holds |= {
        outer: (inner[unit], Decimal(1)) for outer, inner in pack.uom.items() if _usable(inner.get(unit))
    }
    for other, (times, by) in holds.items():
        counted = (quantity * times / by).quantize(_PLACES)
        if abs(price * by / times - ordered_price) <= slack * by / times and counted * by == quantity * times:
            return other, counted.normalize(), price * by / times
    return None
