"""A shipment's levels flattened to its orders: their items, packs, carriers and dates, each with its place.

RSX nests a shipment as order -> tare -> pack -> item, order -> item, container -> order -> item, item -> pack,
or without any order level where it is for one order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.documents.parts import Carrier, DateTime
from connector.documents.shipment import (
    ContainerLevelGroup,
    ItemLevelGroup,
    LineFields,
    OrderLevelGroup,
    PackLevelGroup,
    Shipment,
)

Level = Shipment | ContainerLevelGroup | OrderLevelGroup | PackLevelGroup | ItemLevelGroup
Dated = list[tuple[str, str]]

_SHIPPED = ("011",)  # DateTimeQualifier
_DELIVERED = ("017", "067", "002")


@dataclass(slots=True)
class Part:
    """What a shipment says of one order.

    `names` are the numbers that the order may be kept under, best first; `place` is its order level's header.
    `items` are (place, line); `sscc` and `tracking` name their places; `facts` are carrier, bill of lading and
    PRO number, `ship_dates` and `delivery_dates` candidates in order, as (place, text).
    """

    names: tuple[str, ...]
    place: str = ""
    items: list[tuple[str, LineFields]] = field(default_factory=list)
    sscc: dict[str, str] = field(default_factory=dict)
    tracking: dict[str, str] = field(default_factory=dict)
    facts: dict[str, tuple[str, str]] = field(default_factory=dict)
    ship_dates: Dated = field(default_factory=list)
    delivery_dates: Dated = field(default_factory=list)


def purchase_orders(shipment: Shipment) -> list[str]:
    """The PO numbers that the shipment names, each once, in order."""
    return list(dict.fromkeys(names[-1] for names in order_names(shipment)))


def order_names(shipment: Shipment) -> list[tuple[str, ...]]:
    """For every order of the shipment the numbers it may be kept under, best first: `("45-7", "45")`.

    A release number counts only where the order is a release against a blanket order (`Order.number`), which
    the shipment does not say. Without any order level the header's one reference of kind AN is the order.
    """
    return [part.names for part in parts_of(shipment) if part.names]


def parts_of(shipment: Shipment) -> list[Part]:
    """The shipment's orders; an order level that occurs twice is one order."""
    walk = _Walk(shipment)
    walk.into(shipment, "", walk.parts[()], (), counting=True)
    orders = [part for part in walk.parts.values() if part.names]
    nameless = walk.parts[()]
    if not orders:
        numbers = {
            reference.ReferenceID
            for reference in shipment.Header.References
            if reference.ReferenceQual == "AN" and reference.ReferenceID
        }
        if len(numbers) == 1:
            nameless.names = (numbers.pop(),)
    if nameless.items:
        orders.append(nameless)
    return orders


class _Walk:
    def __init__(self, shipment: Shipment) -> None:
        header = shipment.Header.ShipmentHeader
        nameless = Part(())
        place = "Header.ShipmentHeader"
        _fact(nameless, "bill_of_lading", f"{place}.BillOfLadingNumber", header.BillOfLadingNumber)
        _fact(nameless, "pro_number", f"{place}.CarrierProNumber", header.CarrierProNumber)
        _carrier(nameless, shipment.Header.CarrierInformation, "Header")
        _date(nameless.ship_dates, f"{place}.ShipDate", header.ShipDate)
        _date(
            nameless.delivery_dates,
            f"{place}.CurrentScheduledDeliveryDate",
            header.CurrentScheduledDeliveryDate,
        )
        _dates(nameless, shipment.Header.Dates, "Header")
        self.parts: dict[tuple[str, ...], Part] = {(): nameless}

    def into(
        self,
        level: Level,
        place: str,
        part: Part,
        packs: tuple[tuple[str, PackLevelGroup], ...],
        counting: bool,
    ) -> None:
        """Everything below `level`; with `counting` False only packs, the items above having been counted."""
        prefix = f"{place}." if place else ""
        if isinstance(level, Shipment | OrderLevelGroup):
            for n, container in enumerate(level.ContainerLevel):
                self._container(container, f"{prefix}ContainerLevel[{n}]", part, packs, counting)
        if isinstance(level, Shipment | ContainerLevelGroup | ItemLevelGroup):
            for n, order in enumerate(level.OrderLevel):
                order_place = f"{prefix}OrderLevel[{n}]"
                self.into(order, order_place, self._order(order, order_place, part), packs, counting)
        for n, pack in enumerate(level.PackLevel):
            pack_place = f"{prefix}PackLevel[{n}]"
            _carrier(part, pack.CarrierInformation, pack_place)
            _packed(part, pack_place, pack)
            self.into(pack, pack_place, part, (*packs, (pack_place, pack)), counting)
        if counting and not isinstance(level, ItemLevelGroup):
            for n, item in enumerate(level.ItemLevel):
                self._item(item, f"{prefix}ItemLevel[{n}]", part, packs)

    def _container(
        self,
        container: ContainerLevelGroup,
        place: str,
        part: Part,
        packs: tuple[tuple[str, PackLevelGroup], ...],
        counting: bool,
    ) -> None:
        if container.Container is not None:
            fields, at = container.Container, f"{place}.Container"
            _fact(part, "bill_of_lading", f"{at}.BillOfLadingNumber", fields.BillOfLadingNumber)
            _fact(part, "pro_number", f"{at}.CarrierProNumber", fields.CarrierProNumber)
        _carrier(part, container.CarrierInformation, place)
        self.into(container, place, part, packs, counting)

    def _order(self, order: OrderLevelGroup, place: str, above: Part) -> Part:
        header = order.OrderHeader
        number, release = header.PurchaseOrderNumber, header.ReleaseNumber
        names: tuple[str, ...] = (number,) if number else ()
        if number and release:
            names = (f"{number}-{release}", number)
        part = self.parts.get(names)
        if part is None:
            part = self.parts[names] = Part(names, f"{place}.OrderHeader", facts=dict(above.facts))
            part.ship_dates = list(above.ship_dates)
            part.delivery_dates = list(above.delivery_dates)
        _date(part.delivery_dates, f"{place}.OrderHeader.DeliveryDate", header.DeliveryDate)
        _carrier(part, order.CarrierInformation, place)
        _dates(part, order.Dates, place)
        return part

    def _item(
        self, item: ItemLevelGroup, place: str, part: Part, packs: tuple[tuple[str, PackLevelGroup], ...]
    ) -> None:
        line = item.ShipmentLine
        orders = [
            self._order(order, f"{place}.OrderLevel[{n}]", part) for n, order in enumerate(item.OrderLevel)
        ]
        if len(orders) == 1:
            part = orders[0]
        elif orders and line.ShipQty is not None:
            line = line.model_copy(update={"ShipQty": None})  # how it is split over the orders is not said
        below = sum(len(found.items) for found in self.parts.values())
        self.into(item, place, part, packs, counting=line.ShipQty is None)
        if line.ShipQty is None and below < sum(len(found.items) for found in self.parts.values()):
            return
        for owner in orders or [part]:
            owner.items.append((f"{place}.ShipmentLine", line))
            for pack_place, pack in packs:
                _packed(owner, pack_place, pack)


def _packed(part: Part, place: str, pack: PackLevelGroup) -> None:
    if pack.Pack.ShippingSerialID:
        part.sscc.setdefault(pack.Pack.ShippingSerialID, f"{place}.Pack.ShippingSerialID")
    if pack.Pack.CarrierPackageID:
        part.tracking.setdefault(pack.Pack.CarrierPackageID, f"{place}.Pack.CarrierPackageID")


def _fact(part: Part, name: str, place: str, text: str | None) -> None:
    if text and name not in part.facts:
        part.facts[name] = (place, text)


def _carrier(part: Part, carriers: list[Carrier], place: str) -> None:
    for n, carrier in enumerate(carriers):
        texts = (carrier.CarrierAlphaCode, carrier.CarrierRouting)
        _fact(part, "carrier", f"{place}.CarrierInformation[{n}]", " ".join(text for text in texts if text))


def _date(dates: Dated, place: str, text: str | None) -> None:
    if text:
        dates.append((place, text))


def _dates(part: Part, dates: list[DateTime], place: str) -> None:
    for n, entry in enumerate(dates):
        if entry.DateTimeQualifier in _SHIPPED:
            _date(part.ship_dates, f"{place}.Dates[{n}].Date", entry.Date)
        elif entry.DateTimeQualifier in _DELIVERED:
            _date(part.delivery_dates, f"{place}.Dates[{n}].Date", entry.Date)
