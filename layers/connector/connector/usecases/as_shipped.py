"""What shipments do to the bill of their order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.shipment import Shipment
from connector.mapping.shipment_to_events import bill_at, shipment_to_events
from connector.usecases.orders import blocked, read_again, stored_order

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


def bill_without(world: World, shipment: Record, order: Record) -> Mapping[str, Any]:
    """The order's bill at what its shipments but for this one shipped; as ordered where they shipped nothing."""
    others = [shipment.key._replace(number=number) for number in order.shipments]
    for other in world.ledger.get_many(key for key in others if key != shipment.key).values():
        if any(finding["code"] == "bill_not_adjusted" for finding in other.findings):
            raise errors.CheckFailed(
                f"not every quantity of shipment {other.key.number} could be counted, so the bill is left as it is",
                code="bill_not_adjusted",
                fix="adjust the bill in FreshBooks by hand, then mark this document resolved",
            )
    shipped = shipped_before(order, shipment.key.number)
    mapped = bill_at(stored_order(world, order), shipped, world.pack(order.key.partner))
    if mapped.blocked:
        raise blocked(mapped)
    bill: Mapping[str, Any] = mapped.document["bill"]
    return bill


def shipped_before(order: Record, but: str) -> dict[str, Any]:
    """What earlier shipments of this order shipped, by line (other shipments than `but`)."""
    total: dict[str, Decimal] = {}
    for number, event in order.shipments.items():
        if number != but:
            for line in event["lines"]:
                total[line["line"]] = total.get(line["line"], Decimal()) + Decimal(str(line["shipped"]))
    return total
