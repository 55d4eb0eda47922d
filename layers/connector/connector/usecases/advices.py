"""Shipment advices: events of the orders that they ship, kept with the orders' records, and what they do to bills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.shipment import Shipment
from connector.ledger import DocumentKey, Record
from connector.mapping.shipment_to_events import order_names
from connector.usecases.arrivals import TRIES
from connector.usecases.as_shipped import bill_as_shipped, bill_without
from connector.usecases.cut_over import is_registered
from connector.usecases.orders import is_cancelled, order_key, read_again
from connector.usecases.push import Push, Receipt

if TYPE_CHECKING:
    from connector.usecases.targets import BillTarget
    from connector.usecases.world import World

WHO = "push_freshbooks"
_GONE = "no longer ships this order"


class ShipmentTarget:
    """A shipment advice becomes events of its orders' bills, kept with the orders' records."""

    settle_seconds = 60.0  # as long as a change of the bill that was not answered may act late

    def __init__(self, world: World, bills: BillTarget) -> None:
        self._world = world
        self._bills = bills

    def prepare(self, push: Push) -> Push:
        return replace(push, reference=push.record.key.number, body=push.document)

    def deliver(self, push: Push) -> Receipt:
        """Every step may be repeated: events are kept by shipment number, and updates are whole."""
        remote_ids = []
        for event in push.document["events"]:
            order = keep_shipment(self._world, push.record, event, WHO)
            remote_ids.append(order.remote_id)
            is_bill = order.remote_id.isdecimal()
            if is_bill and event["purchase_order"] in push.document.get("bills", {}):
                # also by shipments that came since this one was mapped
                self._bills.adjust(order, partial(bill_as_shipped, self._world, push.record))
        for order in self._let_go(push):
            self._take_out(push.record, order)
        return Receipt(",".join(remote_ids), {"events": len(push.document["events"])})

    def find(self, push: Push) -> Receipt | None:
        return None

    def _let_go(self, push: Push) -> list[Record]:
        """The orders that have the shipment from an earlier revision, and that this one does not name any more."""
        world, shipment = self._world, push.record
        earlier: set[str] = set()
        for pointer in dict.fromkeys(past["payloads"].get("received", "") for past in shipment.revisions):
            read = read_again(world, shipment, pointer)
            if not isinstance(read, errors.BadInput) and isinstance(read.document, Shipment):
                earlier.update(number for names in order_names(read.document) for number in names)
        earlier -= {event["purchase_order"] for event in push.document["events"]}
        keys = [order_key(world.id, shipment.key.partner, number) for number in sorted(earlier)]
        orders = world.ledger.get_many(keys)
        return [orders[key] for key in keys if key in orders and shipment.key.number in orders[key].shipments]

    def _take_out(self, shipment: Record, order: Record) -> None:
        """First the event is emptied, and goes when the bill is right: whoever does this again sees what is left."""
        pack, number = self._world.pack(order.key.partner), shipment.key.number
        ours = order.remote_id.isdecimal() and not (is_registered(order) or is_cancelled(order))
        if ours and pack.shipments.adjust_bill:
            empty = {"purchase_order": order.key.number, "shipment": number, "lines": [], "status": _GONE}
            order = keep_shipment(self._world, shipment, empty, WHO)
            self._bills.adjust(order, partial(bill_without, self._world, shipment))
        _keep(self._world, order.key, number, None, f"{number}: {_GONE}", WHO)


def keep_shipment(world: World, shipment: Record, event: Mapping[str, Any], who: str) -> Record:
    """The order of a shipment's event, with the event on it; again changes nothing."""
    key = order_key(world.id, shipment.key.partner, event["purchase_order"])
    number = shipment.key.number
    return _keep(world, key, number, event, f"{number}: {event['status']}", who)


def _keep(
    world: World, key: DocumentKey, number: str, event: Mapping[str, Any] | None, note: str, who: str
) -> Record:
    """The order with the event of shipment `number` on it, or without where that is None."""
    order = world.ledger.get(key)
    for _ in range(TRIES):
        if order is None:
            raise errors.CheckFailed("the order's record is gone", code="order_gone")
        others = {other: each for other, each in order.shipments.items() if other != number}
        kept = others if event is None else {**order.shipments, number: dict(event)}
        if kept == order.shipments:
            return order
        stepped = order.step("shipment", now=world.clock.now(), who=who, note=note, shipments=kept)
        stored = world.ledger.save(stepped, order.version)
        if stored is None:
            return stepped
        order = stored
    raise errors.Busy("the order's record keeps changing", retry_after=5)
