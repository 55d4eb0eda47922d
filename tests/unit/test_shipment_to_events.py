"""A shipment as events on its orders, in every nesting, and bills at shipped quantities."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.documents.shipment import Shipment
from connector.findings import Mapped, Trace
from connector.mapping.shipment_to_events import order_names, purchase_orders, shipment_to_events
from connector.rules.packs import PartnerPack, pack_of
from tests import builders
from tests.builders import PARTNER, PO_NUMBER, allowance, order_level, order_line, packed, shipment_line

PACK = PartnerPack(trading_partner_id=PARTNER)
ADJUSTING = pack_of({"trading_partner_id": PARTNER, "shipments": {"adjust_bill": True}})


def mapped(
    document: dict,
    *orders: dict,
    pack: PartnerPack = PACK,
    before: dict | None = None,
    trace: Trace | None = None,
) -> Mapped:
    read = [Order.model_validate(order) for order in orders or (builders.order(),)]
    return shipment_to_events(
        Shipment.model_validate(document), {order.number: order for order in read}, pack, before or {}, trace
    )


def event(document: dict, *orders: dict, **keywords: Any) -> dict[str, Any]:
    [only] = mapped(document, *orders, **keywords).document["events"]
    return only


def shipped(document: dict, *orders: dict, **keywords: Any) -> list[tuple[str, float]]:
    return [(line["line"], line["shipped"]) for line in event(document, *orders, **keywords)["lines"]]


def codes(result: Mapped) -> list[str]:
    return [finding.code for finding in result.findings]


def test_a_shipment_becomes_an_event_on_its_order_and_nothing_is_remarked() -> None:
    items = [shipment_line(1, ShipQty=3), shipment_line(2)]
    levels = [
        packed(items[:1], "00000777747600006920", CarrierPackageID="1Z1"),
        packed(items[1:], "00000777747600006937"),
    ]
    result = mapped(builders.shipment(OrderLevel=[order_level(PackLevel=levels)]))
    assert result.findings == []
    assert result.document == {
        "events": [
            {
                "purchase_order": PO_NUMBER,
                "shipment": "ASN-100200",
                "ship_date": "2026-03-10",
                "delivery_date": "2026-03-16",
                "bill_of_lading": "BOL100200",
                "pro_number": "PRO998877",
                "carrier": "RBTC Robinson",
                "tracking": ["1Z1"],
                "sscc": ["00000777747600006920", "00000777747600006937"],
                "lines": [
                    {
                        "line": "1",
                        "vendor_part": "V-1",
                        "upc": "859563003001",
                        "ordered": 5,
                        "shipped": 3,
                        "shipped_before": 0,
                        "remaining": 2,
                        "uom": "EA",
                    },
                    {
                        "line": "2",
                        "vendor_part": "V-2",
                        "upc": "859563003002",
                        "ordered": 5,
                        "shipped": 5,
                        "shipped_before": 0,
                        "remaining": 0,
                        "uom": "EA",
                    },
                ],
                "status": "partial",
            }
        ],
        "bills": {},
    }


ITEMS = [shipment_line(1), shipment_line(2)]
TARE = {"Pack": {"PackLevelType": "T", "ShippingSerialID": "00T"}, "PackLevel": [packed(ITEMS, "00P")]}


@pytest.mark.parametrize(
    "levels",
    [
        {"OrderLevel": [order_level(PackLevel=[packed(ITEMS)])]},
        {"OrderLevel": [order_level(PackLevel=[TARE])]},
        {"OrderLevel": [order_level(ItemLevel=ITEMS)]},
        {"OrderLevel": [order_level(ContainerLevel=[{"ItemLevel": ITEMS}])]},
        {"OrderLevel": None, "ContainerLevel": [{"OrderLevel": [order_level(ItemLevel=ITEMS)]}]},
        {"OrderLevel": None, "ContainerLevel": [{"PackLevel": [packed(ITEMS)]}]},
        {"OrderLevel": None, "PackLevel": [packed(ITEMS)]},
        {"OrderLevel": None, "ItemLevel": ITEMS},
        {"OrderLevel": [order_level(ItemLevel=ITEMS[:1]), order_level(ItemLevel=ITEMS[1:])]},
        {"OrderLevel": None, "ItemLevel": [{**item, "OrderLevel": [order_level()]} for item in ITEMS]},
        {"OrderLevel": [order_level(ItemLevel=[{"PackLevel": [packed(ITEMS)]}])]},
        {"OrderLevel": [order_level(ItemLevel=[{**item, "PackLevel": [packed([item])]} for item in ITEMS])]},
    ],
)
def test_every_nesting_ships_the_same(levels: dict) -> None:
    result = mapped(builders.shipment(**levels))
    assert result.findings == []
    [only] = result.document["events"]
    assert (only["purchase_order"], only["status"]) == (PO_NUMBER, "complete")
    assert [(line["line"], line["shipped"]) for line in only["lines"]] == [("1", 5), ("2", 5)]


def test_tares_and_packs_are_both_told() -> None:
    assert event(builders.shipment(OrderLevel=[order_level(PackLevel=[TARE])]))["sscc"] == ["00T", "00P"]


def test_a_shipment_may_be_for_several_orders() -> None:
    levels = [
        order_level("A", PackLevel=[packed([shipment_line(1)], "01")]),
        order_level("B", PackLevel=[packed([shipment_line(2)], "02")]),
    ]
    document = builders.shipment(OrderLevel=levels)
    result = mapped(
        document, builders.order(PurchaseOrderNumber="A"), builders.order(PurchaseOrderNumber="B")
    )
    found = [
        (e["purchase_order"], e["sscc"], [line["shipped"] for line in e["lines"]])
        for e in result.document["events"]
    ]
    assert found == [("A", ["01"], [5, 0]), ("B", ["02"], [0, 5])]
    assert purchase_orders(Shipment.model_validate(document)) == ["A", "B"]


def test_a_release_is_found_under_its_own_number_and_any_other_under_the_orders() -> None:
    level = {
        **order_level(ItemLevel=ITEMS),
        "OrderHeader": {"PurchaseOrderNumber": PO_NUMBER, "ReleaseNumber": "12"},
    }
    document = builders.shipment(OrderLevel=[level])
    assert order_names(Shipment.model_validate(document)) == [(f"{PO_NUMBER}-12", PO_NUMBER)]
    assert event(document)["purchase_order"] == PO_NUMBER
    release = builders.order(PrimaryPOTypeCode="RL", ReleaseNumber="12")
    assert event(document, release)["purchase_order"] == f"{PO_NUMBER}-12"


def test_without_any_order_level_the_one_reference_of_the_header_is_the_order() -> None:
    header = {"References": [{"ReferenceQual": "AN", "ReferenceID": PO_NUMBER}]}
    document = builders.shipment(header=header, OrderLevel=None, ItemLevel=ITEMS)
    assert purchase_orders(Shipment.model_validate(document)) == [PO_NUMBER]


@pytest.mark.parametrize(
    "changes",
    [
        {"LineSequenceNumber": None, "ConsumerPackageCode": None},
        {"LineSequenceNumber": None, "VendorPartNumber": None},
        {
            "LineSequenceNumber": None,
            "VendorPartNumber": None,
            "ConsumerPackageCode": None,
            "BuyerPartNumber": "B-2",
        },
        {
            "LineSequenceNumber": None,
            "VendorPartNumber": None,
            "ConsumerPackageCode": None,
            "GTIN": "00859563003002",
        },
        {
            "LineSequenceNumber": None,
            "VendorPartNumber": None,
            "ConsumerPackageCode": None,
            "GTIN": "10859563003009",
        },
        {"VendorPartNumber": None, "ConsumerPackageCode": None},
        {"LineSequenceNumber": "1"},
    ],
)
def test_an_item_finds_its_order_line(changes: dict) -> None:
    document = builders.shipment([shipment_line(2, **changes)])
    lines = builders.order([order_line(1, ConsumerPackageCode="012345678905"), order_line(2)])
    assert shipped(document, lines) == [("1", 0), ("2", 5)]


def test_one_part_on_two_lines_is_told_apart_by_sequence_and_else_fills_the_first_open_one() -> None:
    twice = builders.order(
        [
            order_line(1, VendorPartNumber="V", ConsumerPackageCode=None),
            order_line(2, VendorPartNumber="V", ConsumerPackageCode=None),
        ]
    )
    second = shipment_line(2, VendorPartNumber="V", ConsumerPackageCode=None)
    assert shipped(builders.shipment([second]), twice) == [("1", 0), ("2", 5)]
    unnumbered = shipment_line(2, VendorPartNumber="V", ConsumerPackageCode=None, LineSequenceNumber=None)
    assert shipped(builders.shipment([unnumbered, unnumbered]), twice) == [("1", 5), ("2", 5)]
    assert shipped(builders.shipment([unnumbered] * 3), twice) == [("1", 10), ("2", 5)]


def test_an_item_that_is_not_on_the_order_is_remarked_and_told_apart() -> None:
    stranger = shipment_line(1, VendorPartNumber="X-9", ConsumerPackageCode="012345678905")
    result = mapped(builders.shipment([stranger]))
    assert codes(result) == ["item_not_on_order"]
    assert result.document["events"][0]["not_on_order"] == [
        {
            "line": "",
            "vendor_part": "X-9",
            "upc": "012345678905",
            "shipped": 5,
            "shipped_before": 0,
            "uom": "EA",
        }
    ]


@pytest.mark.parametrize(
    ("before", "quantity", "status", "remaining"),
    [
        ({}, 5, "complete", 0),
        ({}, 4, "partial", 1),
        ({"1": Decimal(2)}, 3, "complete", 0),
        ({"1": Decimal(2)}, 4, "over", 0),
    ],
)
def test_earlier_shipments_count(before: dict, quantity: int, status: str, remaining: int) -> None:
    result = mapped(
        builders.shipment([shipment_line(ShipQty=quantity)]), builders.order(1), before={PO_NUMBER: before}
    )
    [only] = result.document["events"]
    assert (only["status"], only["lines"][0]["remaining"]) == (status, remaining)
    assert codes(result) == (["over_shipped"] if status == "over" else [])


@pytest.mark.parametrize(
    ("shipped_in", "ordered_in", "quantity", "counted"),
    [("EA", "CA", 24, 2), ("CA", "EA", 2, 24), ("DZ", "EA", 1, 12), ("EA", "DZ", 6, 0.5), ("", "CA", 2, 2)],
)
def test_units_with_a_known_factor_are_converted(
    shipped_in: str, ordered_in: str, quantity: int, counted: float
) -> None:
    details = {"PhysicalDetails": [{"PackQualifier": "OU", "PackValue": 1, "PackSize": 12, "PackUOM": "EA"}]}
    order = builders.order([order_line(item=details, OrderQtyUOM=ordered_in, OrderQty=100)])
    item = shipment_line(ShipQty=quantity, ShipQtyUOM=shipped_in or None)
    assert shipped(builders.shipment([item]), order) == [("1", counted)]


def test_units_without_a_known_factor_are_remarked_and_not_counted() -> None:
    result = mapped(builders.shipment([shipment_line(ShipQtyUOM="LB")]), builders.order(1), pack=ADJUSTING)
    assert codes(result) == ["uom_differs", "bill_not_adjusted"]
    assert result.document["events"][0]["lines"][0]["shipped"] == 0


def test_an_unknown_order_is_told_as_the_shipment_has_it() -> None:
    result = shipment_to_events(Shipment.model_validate(builders.shipment(1)), {}, PACK)
    assert codes(result) == ["order_unknown"]
    [only] = result.document["events"]
    assert (only["purchase_order"], only["status"]) == (PO_NUMBER, "partial")
    assert [(line["line"], line["shipped"]) for line in only["lines"]] == [("1", 5)]


def test_quantities_that_are_missing_or_impossible_are_remarked_and_not_counted() -> None:
    for quantity in (None, 1e300):
        result = mapped(builders.shipment([shipment_line(ShipQty=quantity)]), builders.order(1))
        assert codes(result) == ["no_quantity"]


def test_a_broken_date_is_remarked_and_the_next_best_taken() -> None:
    header = {"Dates": [{"DateTimeQualifier": "011", "Date": "2026-03-09"}]}
    result = mapped(builders.shipment(ShipDate="22020-12-20", header=header))
    [finding] = result.findings
    assert (finding.code, finding.severity, finding.place) == (
        "bad_date",
        "warning",
        "Header.ShipmentHeader.ShipDate",
    )
    assert result.document["events"][0]["ship_date"] == "2026-03-09"


def test_a_shipment_of_nothing_is_blocked() -> None:
    assert mapped(builders.shipment(OrderLevel=None)).blocked


def test_a_bill_is_adjusted_to_what_was_shipped_where_the_pack_wants_that() -> None:
    five = allowance(10, AllowChrgPercent=5)
    order = builders.order(2, charges=[five, builders.charge(10)])
    document = builders.shipment([shipment_line(1, ShipQty=3), shipment_line(2, ShipQty=0)])
    result = mapped(document, order, pack=ADJUSTING, before={PO_NUMBER: {"1": Decimal(1)}})
    bill = result.document["bills"][PO_NUMBER]["bill"]
    assert [(line["quantity"], line["unit_cost"]["amount"]) for line in bill["lines"]] == [
        (4, "20.00"),
        (1, "-4.00"),
        (1, "10.00"),
    ]
    assert (bill["bill_number"], bill["issue_date"]) == (PO_NUMBER, "2026-03-02")
    assert mapped(document, order).document["bills"] == {}


def test_an_adjusted_bill_keeps_its_day_where_the_order_has_none() -> None:
    result = mapped(builders.shipment(), builders.order(PurchaseOrderDate=None), pack=ADJUSTING)
    assert "issue_date" not in result.document["bills"][PO_NUMBER]["bill"]


def test_deep_nesting_is_walked() -> None:
    level: dict = packed([shipment_line(1)])
    for _ in range(100):
        level = {"PackLevel": [level]}
    assert shipped(builders.shipment(OrderLevel=[order_level(PackLevel=[level])]), builders.order(1)) == [
        ("1", 5)
    ]


def test_every_field_of_an_event_is_explained() -> None:
    trace: Trace = {}
    only = event(builders.shipment(), trace=trace)
    for name in only.keys() - {"lines"}:
        assert f"events[0].{name}" in trace
    for name in only["lines"][0]:
        assert f"events[0].lines[0].{name}" in trace


def test_the_official_sample_matches_its_order(shared: Path) -> None:
    [ship] = read_documents((shared / "rsx/samples/SH584615-1-v7.7-BulkImport.json").read_bytes())
    [order] = read_documents((shared / "rsx/samples/PO584615-1-v7.7-BulkImport.json").read_bytes())
    assert isinstance(ship, Read)
    assert isinstance(order, Read)
    result = mapped(ship.raw, order.raw)
    [only] = result.document["events"]
    assert [(line["line"], line["shipped"], line["remaining"]) for line in only["lines"]] == [
        ("1", 3, 2),
        ("2", 2, 0),
        ("3", 3, 0),
    ]
    assert (only["status"], codes(result)) == ("partial", [])
