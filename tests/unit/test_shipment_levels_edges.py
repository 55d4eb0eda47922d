"""What a shipment's levels say of each order, and the place where each of it is said."""

from __future__ import annotations

from typing import Any

import pytest

from connector.documents.shipment import Shipment
from connector.mapping.shipment_levels import Part, order_names, parts_of
from tests import builders
from tests.builders import PO_NUMBER, order_level, packed, shipment_line

HEADER = "Header.ShipmentHeader"
CARRIER = [{"CarrierAlphaCode": "JBHT"}]


def parts(header: dict[str, Any] | None = None, **levels: Any) -> list[Part]:
    document = builders.shipment(header=header, **({"OrderLevel": None} | levels))
    return parts_of(Shipment.model_validate(document))


def part(header: dict[str, Any] | None = None, **levels: Any) -> Part:
    (only,) = parts(header, **levels)
    return only


def bare(**levels: Any) -> Part:
    """Of a shipment whose header says nothing of carrier, papers and dates."""
    silent = dict.fromkeys(
        ("ShipDate", "BillOfLadingNumber", "CarrierProNumber", "CurrentScheduledDeliveryDate")
    )
    return part({"CarrierInformation": None}, **silent, **levels)


def dates(*entries: tuple[str, str]) -> list[dict[str, str]]:
    return [{"DateTimeQualifier": qualifier, "Date": day} for qualifier, day in entries]


def places(of: Part) -> list[str]:
    return [place for place, _ in of.items]


def test_what_the_header_says_goes_for_its_order_and_names_its_place() -> None:
    header = {
        "Dates": dates(
            ("002", "2026-03-20"), ("011", "2026-03-11"), ("099", "2026-03-01"), ("067", "2026-03-21")
        )
    }
    found = part(header, OrderLevel=[order_level(ItemLevel=[shipment_line()])])
    assert found.names == (PO_NUMBER,)
    assert found.place == "OrderLevel[0].OrderHeader"
    assert found.facts == {
        "bill_of_lading": (f"{HEADER}.BillOfLadingNumber", "BOL100200"),
        "pro_number": (f"{HEADER}.CarrierProNumber", "PRO998877"),
        "carrier": ("Header.CarrierInformation[0]", "RBTC Robinson"),
    }
    assert found.ship_dates == [
        (f"{HEADER}.ShipDate", "2026-03-10"),
        ("Header.Dates[1].Date", "2026-03-11"),
    ]
    assert found.delivery_dates == [
        (f"{HEADER}.CurrentScheduledDeliveryDate", "2026-03-16"),
        ("Header.Dates[0].Date", "2026-03-20"),
        ("Header.Dates[3].Date", "2026-03-21"),
    ]


def test_an_order_levels_own_dates_come_after_the_headers_and_its_carrier_only_where_there_is_none() -> None:
    level = {
        "OrderHeader": {"PurchaseOrderNumber": PO_NUMBER, "DeliveryDate": "2026-03-18"},
        "CarrierInformation": CARRIER,
        "Dates": dates(("011", "2026-03-12"), ("017", "2026-03-19")),
    }
    found = part(OrderLevel=[level])
    assert found.ship_dates[1:] == [("OrderLevel[0].Dates[0].Date", "2026-03-12")]
    assert found.delivery_dates[1:] == [
        ("OrderLevel[0].OrderHeader.DeliveryDate", "2026-03-18"),
        ("OrderLevel[0].Dates[1].Date", "2026-03-19"),
    ]
    assert found.facts["carrier"] == ("Header.CarrierInformation[0]", "RBTC Robinson")
    assert bare(OrderLevel=[level]).facts == {"carrier": ("OrderLevel[0].CarrierInformation[0]", "JBHT")}


def test_the_dates_of_one_order_are_not_those_of_the_next() -> None:
    first = order_level("A", Dates=dates(("011", "2026-03-12"), ("017", "2026-03-19")))
    _, second = parts(OrderLevel=[first, order_level("B")])
    assert second.ship_dates == [(f"{HEADER}.ShipDate", "2026-03-10")]
    assert second.delivery_dates == [(f"{HEADER}.CurrentScheduledDeliveryDate", "2026-03-16")]


def test_a_pack_or_container_names_its_carrier_and_papers() -> None:
    pack = packed([shipment_line()]) | {"CarrierInformation": [{}, *CARRIER]}
    found = bare(OrderLevel=[order_level(PackLevel=[packed([shipment_line()]), pack])])
    assert found.facts == {"carrier": ("OrderLevel[0].PackLevel[1].CarrierInformation[1]", "JBHT")}
    container = {
        "Container": {"BillOfLadingNumber": "B-1", "CarrierProNumber": "P-1"},
        "CarrierInformation": CARRIER,
        "ItemLevel": [shipment_line()],
    }
    found = bare(OrderLevel=[order_level(ContainerLevel=[container])])
    at = "OrderLevel[0].ContainerLevel[0]"
    assert found.facts == {
        "bill_of_lading": (f"{at}.Container.BillOfLadingNumber", "B-1"),
        "pro_number": (f"{at}.Container.CarrierProNumber", "P-1"),
        "carrier": (f"{at}.CarrierInformation[0]", "JBHT"),
    }
    assert places(found) == [f"{at}.ItemLevel[0].ShipmentLine"]


def test_items_and_packs_are_named_by_their_place() -> None:
    tare = {
        "Pack": {"PackLevelType": "T", "ShippingSerialID": "00T"},
        "PackLevel": [
            packed([shipment_line(1)], "001", CarrierPackageID="1Z1"),
            packed([shipment_line(2), shipment_line(3)], "002", CarrierPackageID="1Z2"),
        ],
    }
    found = part(OrderLevel=[order_level(PackLevel=[tare])])
    at = "OrderLevel[0].PackLevel[0]"
    assert found.sscc == {
        "00T": f"{at}.Pack.ShippingSerialID",
        "001": f"{at}.PackLevel[0].Pack.ShippingSerialID",
        "002": f"{at}.PackLevel[1].Pack.ShippingSerialID",
    }
    assert found.tracking == {
        "1Z1": f"{at}.PackLevel[0].Pack.CarrierPackageID",
        "1Z2": f"{at}.PackLevel[1].Pack.CarrierPackageID",
    }
    assert places(found) == [
        f"{at}.PackLevel[0].ItemLevel[0].ShipmentLine",
        f"{at}.PackLevel[1].ItemLevel[0].ShipmentLine",
        f"{at}.PackLevel[1].ItemLevel[1].ShipmentLine",
    ]


def test_a_pack_without_items_is_told_too() -> None:
    empty = packed([], "009", CarrierPackageID="1Z9")
    found = part(OrderLevel=[order_level(PackLevel=[empty])])
    assert (list(found.sscc), list(found.tracking), found.items) == (["009"], ["1Z9"], [])


def test_packs_below_a_counted_item_are_told_but_their_items_are_not_counted_twice() -> None:
    item = shipment_line(1) | {"PackLevel": [packed([shipment_line(1)], "001")]}
    found = part(OrderLevel=[order_level(ItemLevel=[item])])
    assert places(found) == ["OrderLevel[0].ItemLevel[0].ShipmentLine"]
    assert found.sscc == {"001": "OrderLevel[0].ItemLevel[0].PackLevel[0].Pack.ShippingSerialID"}


def test_an_item_without_a_quantity_is_what_its_packs_hold_and_else_stays_to_be_asked_for() -> None:
    item = shipment_line(1, ShipQty=None)
    found = part(OrderLevel=[order_level(ItemLevel=[item | {"PackLevel": [packed([shipment_line(1)])]}])])
    assert places(found) == ["OrderLevel[0].ItemLevel[0].PackLevel[0].ItemLevel[0].ShipmentLine"]
    found = part(OrderLevel=[order_level(ItemLevel=[item | {"PackLevel": [packed([])]}])])
    assert places(found) == ["OrderLevel[0].ItemLevel[0].ShipmentLine"]


def test_an_item_over_one_order_is_that_orders_and_over_two_nobody_says_how_it_is_split() -> None:
    one = packed([shipment_line(1) | {"OrderLevel": [order_level("A")]}], "001", CarrierPackageID="1Z1")
    found = part(PackLevel=[one])
    at = "PackLevel[0].ItemLevel[0]"
    assert (found.names, found.place) == (("A",), f"{at}.OrderLevel[0].OrderHeader")
    assert [(place, line.ShipQty) for place, line in found.items] == [(f"{at}.ShipmentLine", 5)]
    assert (list(found.sscc), list(found.tracking)) == (["001"], ["1Z1"])
    two = packed([shipment_line(1) | {"OrderLevel": [order_level("A"), order_level("B")]}], "001")
    first, second = parts(PackLevel=[two])
    assert (first.names, second.names) == (("A",), ("B",))
    assert second.place == f"{at}.OrderLevel[1].OrderHeader"
    for each in (first, second):
        assert [(place, line.ShipQty) for place, line in each.items] == [(f"{at}.ShipmentLine", None)]
        assert list(each.sscc) == ["001"]


@pytest.mark.parametrize(
    ("number", "release", "names"),
    [
        ("45", "7", [("45-7", "45")]),
        ("45", None, [("45",)]),
        (None, "7", []),
        (None, None, []),
    ],
)
def test_an_order_may_be_kept_under_its_number_with_or_without_the_release(
    number: str | None, release: str | None, names: list[tuple[str, ...]]
) -> None:
    fields = {"PurchaseOrderNumber": number, "ReleaseNumber": release}
    level = {"OrderHeader": {name: value for name, value in fields.items() if value}}
    document = builders.shipment(OrderLevel=[level])
    assert order_names(Shipment.model_validate(document)) == names


@pytest.mark.parametrize(
    ("references", "names"),
    [
        ([("AN", "45")], ("45",)),
        ([("AN", "45"), ("CT", "99")], ("45",)),
        ([("AN", "45"), ("AN", "45")], ("45",)),
        ([("AN", "45"), ("AN", None)], ("45",)),
        ([("AN", "45"), ("AN", "46")], ()),
        ([("CT", "99")], ()),
        ([("AN", None)], ()),
    ],
)
def test_items_without_an_order_are_for_the_one_order_that_the_header_refers_to(
    references: list[tuple[str, str | None]], names: tuple[str, ...]
) -> None:
    stated = [{"ReferenceQual": q} | ({"ReferenceID": text} if text else {}) for q, text in references]
    found = part({"References": stated}, ItemLevel=[shipment_line()])
    assert (found.names, found.place, places(found)) == (names, "", ["ItemLevel[0].ShipmentLine"])


def test_items_beside_an_order_level_stay_apart_from_it() -> None:
    header = {"References": [{"ReferenceQual": "AN", "ReferenceID": "45"}]}
    first, loose = parts(header, OrderLevel=[order_level("A")], ItemLevel=[shipment_line()])
    assert (first.names, loose.names, len(loose.items)) == (("A",), (), 1)
    assert loose.facts["carrier"] == ("Header.CarrierInformation[0]", "RBTC Robinson")
