"""A shipment before it is laid out: what was shipped, in which cartons, for which orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from typing import Any, Literal

from connector.documents.order import Order
from connector.mapping.lines import Role, SaleLine
from connector.mapping.money import ZERO
from connector.mapping.order_lines import OrderedLine


@dataclass(frozen=True, slots=True)
class Piece:
    """A quantity of one article in one place. `line.quantity` is in `unit`, the order line's unless it says so."""

    line: SaleLine
    role: Role
    source: str
    quantity_source: str
    rule: str
    unit: str = ""
    lot: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A carton (P) with its pieces, or a pallet (T) with its cartons."""

    kind: Literal["P", "T"]
    sscc: str
    source: str
    tracking: str = ""
    medium: str = ""
    weight: Decimal | None = None
    marks: str = ""
    pieces: tuple[Piece, ...] = ()
    parcels: tuple[Parcel, ...] = ()

    def all_pieces(self) -> tuple[Piece, ...]:
        return (*self.pieces, *(piece for parcel in self.parcels for piece in parcel.all_pieces()))


@dataclass(frozen=True, slots=True)
class Consigned:
    """What goes to one order, or to one store of it. `named` is what explaining calls the order.

    `ordered` are the order's lines, `before` what other shipments shipped of them (`OrderedLine.line` ->
    quantity).
    """

    order: Order | None
    po_number: str
    po_source: str
    pieces: tuple[Piece, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    store: str = ""
    named: str = "order"
    before: Mapping[str, Decimal] = field(default_factory=dict)
    ordered: tuple[OrderedLine, ...] = ()

    @property
    def number(self) -> str:
        """What the order is kept under: with its release, for one against a blanket order."""
        return self.order.number if self.order is not None else self.po_number

    def all_pieces(self) -> tuple[Piece, ...]:
        return (*self.pieces, *(piece for parcel in self.parcels for piece in parcel.all_pieces()))


@dataclass(frozen=True, slots=True)
class Consignment:
    """A shipment before it is laid out. `sources` names where each fact came from, for explaining."""

    source: Literal["upload", "invoice"]
    number: str
    orders: tuple[Consigned, ...]
    shipped: date | None
    sources: Mapping[str, str]
    shipped_time: time | None = None
    noticed: date | None = None
    noticed_time: time | None = None
    delivery: date | None = None
    bill_of_lading: str = ""
    pro_number: str = ""
    carrier: Mapping[str, Any] | None = None
    fob: str = ""
    weight: Decimal | None = None
    weight_uom: str = "LB"
    cartons: int = 0
    pallets: int = 0

    def path(self, name: str) -> str:
        return self.sources.get(name, f"{self.source}.{name}")


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What an invoice repeats of the shipment that it bills; `carrier` has RSX names."""

    shipment_id: str
    shipped: date | None = None
    bill_of_lading: str = ""
    pro_number: str = ""
    carrier: Mapping[str, Any] = field(default_factory=dict)


def shipped_lines(orders: tuple[Consigned, ...]) -> dict[str, dict[str, Decimal]]:
    """What is shipped of each order's lines: PO number -> `OrderedLine.line` -> quantity in the order's unit.

    A piece in another unit than the order's counts for nothing, as nobody knows how many that is.
    """
    shipped: dict[str, dict[str, Decimal]] = {}
    for consigned in orders:
        if consigned.order is None:
            continue
        lines = shipped.setdefault(consigned.order.number, {})
        for piece in consigned.all_pieces():
            if piece.role.order_index is not None and not piece.unit:
                name = consigned.ordered[piece.role.order_index].line
                lines[name] = lines.get(name, ZERO) + piece.line.quantity
    return shipped


def merged(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The pieces of one article (of one lot) as one."""
    merged: dict[Any, Piece] = {}
    for piece in pieces:
        key = (piece.role.order_index, piece.unit, piece.lot, piece.expires)
        known = merged.get(key)
        quantity = piece.line.quantity + (known.line.quantity if known else ZERO)
        merged[key] = replace(known or piece, line=replace((known or piece).line, quantity=quantity))
    return tuple(merged.values())


def only_with(parcel: Parcel, piece: Piece) -> Parcel | None:
    """The parcel with nothing but the article of `piece` in it; None where it holds none of it."""
    parcels = tuple(held for each in parcel.parcels if (held := only_with(each, piece)) is not None)
    same = [
        p
        for p in merged(parcel.pieces)
        if p.role.order_index == piece.role.order_index and p.lot == piece.lot
    ]
    if not parcels and not same:
        return None
    return replace(parcel, pieces=tuple(same), parcels=parcels)
