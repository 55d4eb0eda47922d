"""What shipments do to the bill of their order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.shipment import Shipment
from connector.mapping.shipment_to_events import shipment_to_events
from connector.usecases.orders import read_again, stored_order

if TYPE_CHECKING:
    from connector.ledger import Record
    from connector.usecases.world import World


def bill_as_shipped(world: World, shipment: Record, order: Record) -> Mapping[str, Any] | None:
    """The order's bill at what all its shipments shipped so far; None where that cannot be told."""
    read = read_again(world, shipment)
    if isinstance(read, errors.BadInput) or not isinstance(read.document, Shipment):
        return None
    number = order.key.number
    mapped = shipment_to_events(
        read.document,
        {number: stored_order(world, order)},
        world.pack(order.key.partner),
        {number: shipped_before(order, shipment.key.number)},
    )
    adjusted: Mapping[str, Any] | None = mapped.document["bills"].get(number)
    return adjusted["bill"] if adjusted else None


def shipped_before(order: Record, but: str) -> dict[str, Any]:
    """What earlier shipments of this order shipped, by line (other shipments than `but`)."""
    total: dict[str, Decimal] = {}
    for number, event in order.shipments.items():
        if number != but:
            for line in event["lines"]:
                total[line["line"]] = total.get(line["line"], Decimal()) + Decimal(str(line["shipped"]))
    return total
