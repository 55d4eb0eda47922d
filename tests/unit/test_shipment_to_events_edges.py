"""Shipments that fit their orders badly: what a person is told, at which place, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from connector.documents.shipment import Shipment
from connector.findings import Finding, Mapped, Trace
from connector.mapping.shipment_to_events import shipment_to_events
from tests import builders
from tests.builders import PO_NUMBER, allowance, order_level, order_line, packed, shipment_line
from tests.unit.test_shipment_to_events import ADJUSTING, PACK, codes, event, mapped, shipped

ASK = "ask whoever sent the shipment for a corrected one"
ITEM = "OrderLevel[0].PackLevel[0].ItemLevel[0].ShipmentLine"


def unknown(lines: list[dict[str, Any]], **changes: Any) -> Mapped:
    return shipment_to_events(Shipment.model_validate(builders.shipment(lines, **changes)), {}, PACK)


def test_a_shipment_of_nothing_says_so() -> None:
    nothing = Finding("no_items", "error", "the shipment ships nothing", "OrderLevel", ASK)
    assert mapped(builders.shipment(OrderLevel=None)).findings == [nothing]


def test_an_order_that_is_not_known_is_told_with_the_lines_of_the_shipment() -> None:
    lines = [
        shipment_line(7, ShipQty=3, OrderQty=4),
        shipment_line(7, ShipQty=3),
        shipment_line(1, LineSequenceNumber=None, VendorPartNumber=None, OrderQty=1e300),
    ]
    result = unknown(lines)
    at = "OrderLevel[0].OrderHeader"
    assert result.findings == [
        Finding(
            "order_unknown",
            "warning",
            f"order {PO_NUMBER} is not known: what is left of it cannot be told",
            at,
            "wait for the order",
        ),
        Finding(
            "over_shipped",
            "warning",
            "line 7: 6 shipped in all, 4 ordered",
            ITEM,
            "check with the warehouse; the customer may refuse what is too much",
        ),
    ]
    [only] = result.document["events"]
    assert [(line["line"], line["vendor_part"], line["shipped"]) for line in only["lines"]] == [
        ("7", "V-7", 6),
        ("3", "", 5),
    ]
    assert "ordered" not in only["lines"][1]
    assert only["status"] == "over"


def test_a_shipment_without_an_order_is_for_the_only_one_there_is_and_else_for_none() -> None:
    loose = builders.shipment(OrderLevel=None, ItemLevel=[shipment_line()])
    assert event(loose)["purchase_order"] == PO_NUMBER
    named = builders.shipment(OrderLevel=[order_level("OTHER", ItemLevel=[shipment_line()])])
    assert event(named)["purchase_order"] == "OTHER"
    result = mapped(loose, builders.order(), builders.order(PurchaseOrderNumber="B"))
    assert result.findings == [
        Finding(
            "order_reference_missing", "warning", "the shipment does not say which order it is for", "", ASK
        )
    ]
    assert result.document["events"][0]["purchase_order"] == ""


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ({"VendorPartNumber": "X-9", "BuyerPartNumber": "Y-9"}, "X-9"),
        ({"BuyerPartNumber": "Y-9"}, "Y-9"),
        ({"GTIN": "10012345678902"}, "10012345678902"),
        ({"LineSequenceNumber": "44"}, "in line 44"),
        ({}, "in line ?"),
    ],
)
def test_an_item_that_is_not_on_the_order_is_called_by_what_it_has(
    names: dict[str, str], called: str
) -> None:
    none = {"LineSequenceNumber": None, "VendorPartNumber": None, "ConsumerPackageCode": None}
    result = mapped(builders.shipment([shipment_line(1, **(none | names))]))
    assert result.findings == [
        Finding(
            "item_not_on_order",
            "warning",
            f"the item {called} is not on the order",
            ITEM,
            "a substitution or a mistake: ask whoever sent the shipment",
        )
    ]


@pytest.mark.parametrize(
    ("quantity", "words"), [(None, "has no shipped quantity"), (1e300, "has an impossible quantity")]
)
def test_a_quantity_that_cannot_be_counted_is_told_and_its_bill_left_alone(quantity: Any, words: str) -> None:
    result = mapped(builders.shipment([shipment_line(ShipQty=quantity)]), pack=ADJUSTING)
    assert result.findings == [
        Finding("no_quantity", "warning", f"the item V-1 {words}: it is not counted", f"{ITEM}.ShipQty", ASK),
        Finding(
            "bill_not_adjusted",
            "warning",
            "the bill is not adjusted: not every shipped quantity could be counted",
            "",
            "adjust the bill by hand",
        ),
    ]
    assert result.document["bills"] == {}


def test_a_unit_that_cannot_be_converted_is_told() -> None:
    for unit in ("CA", "LB"):
        result = mapped(builders.shipment([shipment_line(ShipQtyUOM=unit)]))
        assert result.findings == [
            Finding(
                "uom_differs",
                "warning",
                f"V-1 is shipped in {unit} but ordered in EA: it is not counted",
                f"{ITEM}.ShipQtyUOM",
                ASK,
            )
        ]
    unitless = builders.order([order_line(1, OrderQtyUOM=None)])
    assert shipped(builders.shipment([shipment_line()]), unitless) == [("1", 5)]


def test_a_line_number_alone_names_a_line_only_where_no_part_speaks_against_it() -> None:
    none = {"VendorPartNumber": None, "ConsumerPackageCode": None}
    for other in (
        {"VendorPartNumber": "X-9"},
        {"BuyerPartNumber": "Y-9"},
        {"ConsumerPackageCode": "012345678905"},
    ):
        result = mapped(builders.shipment([shipment_line(1, **(none | other))]))
        assert codes(result) == ["item_not_on_order"]
        missing = builders.order(
            [order_line(1, BuyerPartNumber=None, VendorPartNumber=None, ConsumerPackageCode=None)]
        )
        assert shipped(builders.shipment([shipment_line(1, **(none | other))]), missing) == [("1", 5)]


def test_lines_without_parts_are_not_taken_for_items_without_parts() -> None:
    none = {"VendorPartNumber": None, "ConsumerPackageCode": None, "LineSequenceNumber": None}
    ordered = builders.order([order_line(1, **none, BuyerPartNumber=None)])
    assert codes(mapped(builders.shipment([shipment_line(1, **none)]), ordered)) == ["item_not_on_order"]


def test_a_date_with_a_time_is_told_as_its_day_and_the_first_good_one_wins() -> None:
    header = {"Dates": [{"DateTimeQualifier": "011", "Date": "2026-03-09"}]}
    found = event(builders.shipment(ShipDate="2026-03-10T10:00:00", header=header))
    assert found["ship_date"] == "2026-03-10"
    bad = mapped(builders.shipment(CurrentScheduledDeliveryDate="soon")).findings
    place = "Header.ShipmentHeader.CurrentScheduledDeliveryDate"
    assert bad == [Finding("bad_date", "warning", "the delivery date is no date", place, ASK)]


def test_every_part_of_an_event_names_where_it_was_said() -> None:
    trace: Trace = {}
    packs = [packed([shipment_line(1, ShipQty=2)], "001", CarrierPackageID="1Z1")] * 2
    stranger = packed([shipment_line(9, VendorPartNumber="X-9", ConsumerPackageCode="012345678905")], "002")
    mapped(builders.shipment(OrderLevel=[order_level(PackLevel=[*packs, stranger])]), trace=trace)
    found = {name.removeprefix("events[0]."): (source.paths, source.rule) for name, source in trace.items()}
    at, level = "Header.ShipmentHeader", "OrderLevel[0].PackLevel"
    counted = (
        f"{level}[0].ItemLevel[0].ShipmentLine.ShipQty",
        f"{level}[1].ItemLevel[0].ShipmentLine.ShipQty",
    )
    expected = {
        "purchase_order": (
            ("OrderLevel[0].OrderHeader.PurchaseOrderNumber",),
            "order reference, matched to an order",
        ),
        "shipment": ((f"{at}.ShipmentIdentification",), "as received"),
        "ship_date": ((f"{at}.ShipDate",), "first usable date"),
        "delivery_date": ((f"{at}.CurrentScheduledDeliveryDate",), "first usable date"),
        "carrier": (("Header.CarrierInformation[0]",), "as received"),
        "tracking": ((f"{level}[0].Pack.CarrierPackageID",), "CarrierPackageID of every pack"),
        "sscc": (
            (f"{level}[0].Pack.ShippingSerialID", f"{level}[2].Pack.ShippingSerialID"),
            "ShippingSerialID of every pack",
        ),
        "status": ((), "all lines shipped: complete; more than ordered: over; else partial"),
        "lines[0].line": ((), "the order's line"),
        "lines[0].shipped": (counted, "sum over all packs, in the ordered unit"),
        "lines[0].shipped_before": ((), "earlier shipments in the ledger"),
        "lines[0].remaining": (counted, "ordered - shipped before - shipped, at least 0"),
        "not_on_order[0].line": ((), "as shipped"),
    }
    assert {name: found.get(name) for name in expected} == expected


def test_an_adjusted_bill_is_explained_by_the_ordered_lines_and_explaining_changes_nothing() -> None:
    lines = [order_line(1), order_line(2, ExtendedItemTotal=100.0)]
    ordered = builders.order(lines, charges=[allowance(10, AllowChrgPercent=5, PercentDollarBasis=200)])
    document = builders.shipment([shipment_line(2, ShipQty=1)])
    trace: Trace = {}
    result = mapped(document, ordered, pack=ADJUSTING, trace=trace)
    assert result == mapped(document, ordered, pack=ADJUSTING)
    bill = result.document["bills"][PO_NUMBER]["bill"]
    # 1 of 5 at 20.00, and 5 % of it
    assert [(line["quantity"], line["unit_cost"]["amount"]) for line in bill["lines"]] == [
        (1, "20.00"),
        (1, "-1.00"),
    ]
    source = trace[f"bills.{PO_NUMBER}.bill.lines[0].quantity"]
    assert source.paths[0] == "order.LineItem[1].OrderLine.OrderQty"
    assert source.rule.endswith(", at what is shipped in all")


@pytest.mark.parametrize(
    ("shipped_code", "ordered_code"), [("1234567", "1234568"), ("100000000000012", "100000000000013")]
)
def test_a_number_that_is_no_upc_ean_or_gtin_is_compared_whole(shipped_code: str, ordered_code: str) -> None:
    none = {"LineSequenceNumber": None, "VendorPartNumber": None}
    item = shipment_line(1, **none, ConsumerPackageCode=shipped_code)
    other = builders.order([order_line(1, ConsumerPackageCode=ordered_code)])
    assert codes(mapped(builders.shipment([item]), other)) == ["item_not_on_order"]
    same = builders.order([order_line(1, ConsumerPackageCode=shipped_code)])
    assert shipped(builders.shipment([item]), same) == [("1", 5)]


def test_a_pack_size_converts_only_between_cases_and_pieces() -> None:
    details = {"PhysicalDetails": [{"PackQualifier": "OU", "PackValue": 1, "PackSize": 12, "PackUOM": "EA"}]}
    item = builders.shipment([shipment_line(ShipQtyUOM="LB")])
    for ordered_in in ("EA", "CA"):
        ordered = builders.order([order_line(item=details, OrderQtyUOM=ordered_in)])
        assert codes(mapped(item, ordered)) == ["uom_differs"]
    cases = builders.order([order_line(OrderQtyUOM="CA")])
    assert codes(mapped(builders.shipment([shipment_line()]), cases)) == ["uom_differs"]
