"""Shipment uploads as shipment notices: layouts, several orders, partial shipments, stores, dates."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.documents.order import Order
from connector.documents.upload import Upload
from connector.findings import Mapped, Trace
from connector.mapping.upload_to_shipment import shipped_of_upload, upload_to_shipment
from connector.rules.packs import PartnerPack
from tests.outbound import PROFILE, assert_official, codes, order, order_line, party
from tests.unit.test_invoice_to_rsx import leaves, odd_order, told

PO = "0045001234"
UPLOADED = datetime(2026, 3, 10, 22, 15, tzinfo=UTC)
SSCC = ("000777747600006920", "000777747600006937", "000777747600006944")


def content(sku: str = "V-1", quantity: Any = 5, po: str = PO, **more: Any) -> dict[str, Any]:
    return {"purchase_order": po, "sku": sku, "quantity": quantity} | more


def carton(n: int, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"sscc": SSCC[n], "contents": list(contents)} | more


def upload(*cartons: dict[str, Any], **changes: Any) -> Upload:
    fields = {
        "shipment_id": "SH-1",
        "ship_date": "2026-03-10",
        "delivery_date": "2026-03-16",
        "scac": "RBTC",
        "routing": "Robinson",
        "bill_of_lading": "BOL100200",
        "pro_number": "PRO998877",
        "cartons": list(cartons),
    } | changes
    return Upload.model_validate(fields)


def pack(**settings: Any) -> PartnerPack:
    return PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID"} | settings)


def two_lines() -> Order:
    return order(order_line("1", 5), order_line("2", 4, OrderQtyUOM="CA"))


def mapped(up: Upload, *orders: Order, settings: PartnerPack | None = None, **more: Any) -> Mapped:
    known = {each.Header.OrderHeader.PurchaseOrderNumber: each for each in orders or (two_lines(),)}
    return upload_to_shipment(
        up, orders=known, pack=settings or pack(), profile=PROFILE, uploaded=UPLOADED, **more
    )


def lines_of(level: dict[str, Any]) -> list[tuple[Any, ...]]:
    fields = [item["ShipmentLine"] for item in level["ItemLevel"]]
    return [(line["LineSequenceNumber"], line["ShipQty"], line["ItemStatusCode"]) for line in fields]


def whole() -> Upload:
    return upload(
        carton(0, content("V-1", 3), tracking="1Z999", weight="20.25", packaging="CTN", marks="A-7"),
        carton(
            1, content("V-1", 2), content("V-2", 4, uom="CA", lot="L9", expires="2027-01-31"), weight="20.25"
        ),
        weight="40.5",
    )


def test_cartons_go_under_their_order_each_with_its_articles() -> None:
    result = mapped(whole())
    document = result.document
    assert document["Header"]["ShipmentHeader"] == {
        "TradingPartnerId": "SPSALLTESTID",
        "ShipmentIdentification": "SH-1",
        "ShipDate": "2026-03-10",
        "TsetPurposeCode": "00",
        "ShipNoticeDate": "2026-03-10",
        "ShipNoticeTime": "22:15:00",
        "ASNStructureCode": "0001",
        "BillOfLadingNumber": "BOL100200",
        "CarrierProNumber": "PRO998877",
        "CurrentScheduledDeliveryDate": "2026-03-16",
    }
    assert document["Header"]["CarrierInformation"] == [
        {"StatusCode": "CL", "CarrierAlphaCode": "RBTC", "CarrierRouting": "Robinson"}
    ]
    assert document["Header"]["QuantityAndWeight"] == [
        {
            "PackingMedium": "CTN",
            "LadingQuantity": 2,
            "WeightQualifier": "G",
            "Weight": 40.5,
            "WeightUOM": "LB",
        }
    ]
    (level,) = document["OrderLevel"]
    assert level["OrderHeader"]["PurchaseOrderNumber"] == PO
    first, second = level["PackLevel"]
    assert first["Pack"] == {
        "PackLevelType": "P",
        "ShippingSerialID": "00000777747600006920",
        "CarrierPackageID": "1Z999",
    }
    assert first["MarksAndNumbersCollection"] == [
        {"MarksAndNumbersQualifier1": "CA", "MarksAndNumbers1": "A-7"}
    ]
    assert (lines_of(first), lines_of(second)) == ([("1", 3, "AC")], [("1", 2, "AC"), ("2", 4, "AC")])
    assert second["ItemLevel"][1]["ShipmentLine"]["BuyerPartNumber"] == "B-2"
    assert second["ItemLevel"][1]["References"] == [{"ReferenceQual": "LT", "ReferenceID": "L9"}]
    assert second["ItemLevel"][1]["Dates"] == [{"DateTimeQualifier": "511", "Date": "2027-01-31"}]
    assert document["Summary"] == {"TotalOrders": 1, "TotalLineItemNumber": 3}
    assert result.findings == []
    assert_official(document, "Shipment")


def test_the_notice_is_dated_where_the_goods_left() -> None:
    header = mapped(upload(carton(0, content()), time_zone="America/Chicago")).document["Header"][
        "ShipmentHeader"
    ]
    assert (header["ShipNoticeDate"], header["ShipNoticeTime"]) == ("2026-03-10", "17:15:00")


def pallets() -> Upload:
    on = {
        "sscc": SSCC[2],
        "weight": "90",
        "cartons": [carton(0, content("V-1", 3)), carton(1, content("V-2", 4))],
    }
    return upload(pallets=[on])


def test_a_pallet_is_a_tare_level_over_its_cartons() -> None:
    document = mapped(pallets()).document
    (tare,) = document["OrderLevel"][0]["PackLevel"]
    assert tare["Pack"] == {"PackLevelType": "T", "ShippingSerialID": f"00{SSCC[2]}"}
    assert tare["PhysicalDetails"][0]["PackWeight"] == 90
    assert [pack["Pack"]["ShippingSerialID"][2:] for pack in tare["PackLevel"]] == list(SSCC[:2])
    assert {"PackingMedium": "PLT", "LadingQuantity": 1} in document["Header"]["QuantityAndWeight"]
    assert document["Header"]["QuantityAndWeight"][0]["Weight"] == 90
    assert_official(document, "Shipment")


def test_a_partner_without_pallets_gets_cartons_and_one_that_needs_them_gets_no_notice_without() -> None:
    (first, _) = mapped(pallets(), settings=pack(asn={"pallets": "never"})).document["OrderLevel"][0][
        "PackLevel"
    ]
    assert first["Pack"]["PackLevelType"] == "P"
    result = mapped(whole(), settings=pack(asn={"pallets": "required"}))
    assert "pallets" in told(result, "asn_data_missing").message


def test_in_the_standard_layout_cartons_go_under_their_article() -> None:
    up = upload(carton(0, content("V-1", 3)), carton(1, content("V-1", 2)), carton(2, content("V-2", 4)))
    result = mapped(up, settings=pack(asn={"structure": "standard"}))
    first, second = result.document["OrderLevel"][0]["ItemLevel"]
    assert (first["ShipmentLine"]["ShipQty"], second["ShipmentLine"]["ShipQty"]) == (5, 4)
    assert [p["PhysicalDetails"][0]["PackSize"] for p in first["PackLevel"]] == [3, 2]
    assert [p["Pack"]["ShippingSerialID"][2:] for p in first["PackLevel"]] == list(SSCC[:2])
    assert "ASNStructureCode" not in result.document["Header"]["ShipmentHeader"]
    assert result.findings == []
    assert_official(result.document, "Shipment")
    assert codes(mapped(whole(), settings=pack(asn={"structure": "standard"})).findings) == ["carton_mixed"]


def test_in_the_items_layout_cartons_are_only_counted() -> None:
    settings = pack(asn={"structure": "items"})
    up = upload({"contents": [content("V-1", 3)]}, {"contents": [content("V-1", 2)]})
    document = mapped(up, settings=settings).document
    assert lines_of(document["OrderLevel"][0]) == [("1", 5, "AC")]
    assert document["Header"]["QuantityAndWeight"] == [{"PackingMedium": "CTN", "LadingQuantity": 2}]
    assert document["Header"]["ShipmentHeader"]["ASNStructureCode"] == "0004"
    assert_official(document, "Shipment")


def test_loose_items_make_a_notice_without_cartons() -> None:
    result = mapped(upload(items=[content("V-1", 5), content("V-2", 4)]))
    assert lines_of(result.document["OrderLevel"][0]) == [("1", 5, "AC"), ("2", 4, "AC")]
    assert "QuantityAndWeight" not in result.document["Header"]
    assert result.findings == []


# --- several orders ---------------------------------------------------------------------------------------


def another(**groups: Any) -> Order:
    return order(order_line("1", 6), header={"PurchaseOrderNumber": "0045009999"}, **groups)


def test_orders_of_one_shipment_each_have_their_level() -> None:
    up = upload(
        carton(0, content("V-1", 5)), carton(1, content("V-1", 6, "0045009999")), carton(2, content("V-2", 4))
    )
    trace: Trace = {}
    result = mapped(up, two_lines(), another(), trace=trace)
    first, second = result.document["OrderLevel"]
    assert [level["OrderHeader"]["PurchaseOrderNumber"] for level in (first, second)] == [PO, "0045009999"]
    assert (len(first["PackLevel"]), len(second["PackLevel"])) == (2, 1)
    assert first["QuantityAndWeight"] == [{"PackingMedium": "CTN", "LadingQuantity": 2}]
    assert result.document["Summary"] == {"TotalOrders": 2, "TotalLineItemNumber": 3}
    assert result.findings == []
    line = "OrderLevel[1].PackLevel[0].ItemLevel[0].ShipmentLine"
    assert trace[f"{line}.BuyerPartNumber"].paths == (
        "order 0045009999.LineItem[0].OrderLine.BuyerPartNumber",
    )
    assert_official(result.document, "Shipment")


def test_a_carton_for_two_orders_is_named_under_both_and_told() -> None:
    result = mapped(
        upload(carton(0, content("V-1", 5), content("V-1", 6, "0045009999"))), two_lines(), another()
    )
    levels = result.document["OrderLevel"]
    assert [level["PackLevel"][0]["Pack"]["ShippingSerialID"][2:] for level in levels] == [SSCC[0], SSCC[0]]
    assert codes(result.findings) == ["carton_of_several_orders"]


def test_orders_for_different_places_do_not_share_a_notice() -> None:
    elsewhere = another(Address=[party("ST", "0777", "Another DC")])
    up = upload(carton(0, content("V-1", 5)), carton(1, content("V-1", 6, "0045009999")))
    assert codes(mapped(up, two_lines(), elsewhere).findings, "error") == ["ship_to_differs"]


# --- quantities -------------------------------------------------------------------------------------------


def test_what_is_left_is_on_backorder_after_all_shipments() -> None:
    result = mapped(upload(carton(0, content("V-1", 2))))
    line = result.document["OrderLevel"][0]["PackLevel"][0]["ItemLevel"][0]["ShipmentLine"]
    assert (line["ItemStatusCode"], line["QtyLeftToReceive"]) == ("BP", 3)
    assert result.document["Header"]["CarrierInformation"][0]["StatusCode"] == "PR"
    rest = mapped(upload(carton(0, content("V-1", 3))), before={PO: {"1": Decimal(2)}})
    line = rest.document["OrderLevel"][0]["PackLevel"][0]["ItemLevel"][0]["ShipmentLine"]
    assert (line["ItemStatusCode"], "QtyLeftToReceive" in line) == ("AC", False)
    closed = mapped(upload(carton(0, content("V-1", 2))), settings=pack(asn={"partial": "complete"}))
    line = closed.document["OrderLevel"][0]["PackLevel"][0]["ItemLevel"][0]["ShipmentLine"]
    assert (line["ItemStatusCode"], "QtyLeftToReceive" in line) == ("AC", False)


def test_more_than_is_open_blocks_unless_the_partner_tolerates_it() -> None:
    up = upload(carton(0, content("V-1", 4)))
    result = mapped(up, before={PO: {"1": Decimal(2)}})
    assert "6 shipped, 2 of them before, 5 ordered" in told(result, "over_shipped").message
    assert result.blocked
    tolerant = pack(tolerances={"quantity": 20})
    assert codes(mapped(up, settings=tolerant, before={PO: {"1": Decimal(2)}}).findings) == []


def test_an_order_that_is_to_be_shipped_complete_warns_when_it_is_not() -> None:
    ordered = order(order_line("1", 5), header={"ShipCompleteCode": "Y"})
    assert codes(mapped(upload(carton(0, content("V-1", 5))), ordered).findings) == []
    assert codes(mapped(upload(carton(0, content("V-1", 4))), ordered).findings) == ["not_complete"]


def cases(size: int | None = None) -> Order:
    line = order_line("1", 10, OrderQtyUOM="CA")
    if size:
        line["PhysicalDetails"] = [{"PackQualifier": "OU", "PackValue": 1, "PackSize": size, "PackUOM": "EA"}]
    return order(line)


@pytest.mark.parametrize(
    ("size", "settings", "quantity", "unit", "shipped"),
    [
        (12, {}, 36, "EA", 3),
        (None, {"uom": {"CA": {"EA": 12}}}, 36, "EA", 3),
        (None, {"uom": {"PL": {"CA": 5}}}, 2, "PL", 10),
        (None, {}, 3, "CA", 3),
        (None, {}, 3, "", 3),
    ],
)
def test_quantities_are_told_in_the_orders_unit(
    size: int | None, settings: dict[str, Any], quantity: int, unit: str, shipped: int
) -> None:
    up = upload(carton(0, content("V-1", quantity, uom=unit)))
    result = mapped(up, cases(size), settings=pack(**settings))
    line = result.document["OrderLevel"][0]["PackLevel"][0]["ItemLevel"][0]["ShipmentLine"]
    assert (line["ShipQty"], line["ShipQtyUOM"]) == (shipped, "CA")
    assert codes(result.findings) == []
    assert shipped_of_upload(up, {PO: cases(size)}, pack(**settings)) == {PO: {"1": shipped}}


def test_a_unit_that_nobody_can_convert_blocks() -> None:
    up = upload(carton(0, content("V-1", 30, uom="EA")))
    assert codes(mapped(up, cases()).findings, "error") == ["unit_unknown"]
    assert codes(mapped(up, cases(12)).findings, "error") == ["unit_not_whole"]


@pytest.mark.parametrize(
    "named",
    [
        {"line": "1"},
        {"sku": "v-1"},
        {"sku": "B-1"},
        {"upc": "859563000001"},
        {"upc": "00859563000001"},
        {"sku": "Blue bowl"},
        {"sku": "V-1", "upc": "859563000001", "line": "1"},
    ],
)
def test_an_article_is_found_by_line_part_number_upc_or_alias(named: dict[str, str]) -> None:
    up = upload(carton(0, {"purchase_order": PO, "quantity": 5} | named))
    result = mapped(up, settings=pack(aliases={"blue bowl": "V-1"}))
    assert lines_of(result.document["OrderLevel"][0]["PackLevel"][0]) == [("1", 5, "AC")]
    assert codes(result.findings) == []


def test_an_article_that_is_not_ordered_or_named_against_itself_blocks() -> None:
    assert codes(mapped(upload(carton(0, content("X-9")))).findings, "error")[0] == "article_not_on_order"
    against = upload(carton(0, content("V-1", 5, line="2")))
    assert codes(mapped(against).findings, "error")[0] == "article_not_on_order"


def test_one_article_on_two_order_lines_fills_them_one_after_the_other() -> None:
    same = {"VendorPartNumber": "V-1", "BuyerPartNumber": "B-1", "ConsumerPackageCode": None}
    ordered = order(order_line("1", 5, **same), order_line("2", 4, **same))
    result = mapped(upload(carton(0, content("V-1", 7))), ordered)
    assert lines_of(result.document["OrderLevel"][0]["PackLevel"][0]) == [("1", 5, "AC"), ("2", 2, "BP")]
    different = order(order_line("1", 5, VendorPartNumber="V"), order_line("2", 4, VendorPartNumber="V"))
    assert "article_ambiguous" in codes(
        mapped(upload(carton(0, content("V", 7))), different).findings, "error"
    )


# --- stores, weights, what is missing ---------------------------------------------------------------------


def for_stores() -> Order:
    line = order_line("1", 10)
    line["QuantitiesSchedulesLocations"] = [
        {
            "LocationCodeQualifier": "92",
            "LocationQuantity": [{"Location": s, "Qty": 5} for s in ("0101", "0102")],
        }
    ]
    return order(line)


def test_cartons_marked_for_stores_go_under_a_level_for_each_store() -> None:
    up = upload(carton(0, content("V-1", 5), store="0101"), carton(1, content("V-1", 5), store="0102"))
    result = mapped(up, for_stores())
    assert [
        (level["OrderHeader"]["PurchaseOrderNumber"], level["Address"][0]["AddressTypeCode"])
        for level in result.document["OrderLevel"]
    ] == [(PO, "Z7"), (PO, "Z7")]
    stores = [level["Address"][0]["AddressLocationNumber"] for level in result.document["OrderLevel"]]
    assert stores == ["0101", "0102"]
    assert codes(result.findings) == []
    assert_official(result.document, "Shipment")


def test_cartons_of_a_store_order_need_a_store_that_ordered() -> None:
    assert codes(mapped(upload(carton(0, content())), for_stores()).findings, "error") == ["store_missing"]
    wrong = upload(carton(0, content(), store="0999"))
    assert codes(mapped(wrong, for_stores()).findings, "error") == ["store_unknown"]


def test_weights_are_added_up_and_a_contradiction_is_told() -> None:
    up = upload(carton(0, content("V-1", 5), weight="1.5"), carton(1, content("V-2", 4), weight="2.25"))
    assert mapped(up).document["Header"]["QuantityAndWeight"][0]["Weight"] == 3.75
    light = upload(carton(0, content("V-1", 5), weight="1.5"), weight="9")
    assert "9, its parts 1.5" in told(mapped(light), "weight_differs").message


def test_a_trailer_and_seals_are_added_to_the_orders_carrier() -> None:
    ordered = order(CarrierInformation=[{"CarrierAlphaCode": "JBHT"}])
    up = upload(carton(0, content()), scac="", routing="", trailer="TR-9", seals=["S1", "S2"])
    (carrier,) = mapped(up, ordered).document["Header"]["CarrierInformation"]
    assert (carrier["CarrierAlphaCode"], carrier["CarrierEquipmentNumber"]) == ("JBHT", "TR-9")
    assert carrier["SealNumbers"] == [{"SealNumber": "S1"}, {"SealNumber": "S2"}]


def test_everything_that_a_notice_lacks_is_named_at_once() -> None:
    up = upload({"contents": [content()]}, scac="", routing="")
    result = upload_to_shipment(up, orders={}, pack=pack(), uploaded=UPLOADED)
    message = told(result, "asn_data_missing").message
    for words in ("stored order", "carrier", "leave", "go", "SSCC of 1 carton "):
        assert words in message
    assert "ship date" not in message


def test_a_cancelled_notice_goes_whatever_is_wrong_with_it() -> None:
    result = mapped(upload(carton(0, content("V-1", 50))), purpose="01")
    assert result.document["Header"]["ShipmentHeader"]["TsetPurposeCode"] == "01"
    assert not result.blocked


# --- dates ------------------------------------------------------------------------------------------------


def dated(*dates: tuple[str, str]) -> Order:
    return order(Dates=[{"DateTimeQualifier": q, "Date": day} for q, day in dates])


@pytest.mark.parametrize(
    ("qualifier", "day", "code"),
    [
        ("037", "2026-03-11", "shipped_too_early"),
        ("037", "2026-03-10", None),
        ("038", "2026-03-09", "shipped_too_late"),
        ("038", "2026-03-10", None),
        ("010", "2026-03-09", "shipped_too_late"),
        ("010", "2026-03-20", None),
        ("001", "2026-03-09", "shipped_after_cancel_date"),
        ("064", "2026-03-17", "delivered_too_early"),
        ("063", "2026-03-15", "delivered_too_late"),
        ("002", "2026-03-15", "delivered_too_late"),
        ("002", "2026-03-16", None),
        ("038", "2026-13-99", None),
    ],
)
def test_dates_outside_of_the_orders_window_are_told_as_the_pack_wants(
    qualifier: str, day: str, code: str | None
) -> None:
    up, ordered = upload(carton(0, content())), dated((qualifier, day))
    expected = [code] if code else []
    assert codes(mapped(up, ordered).findings, "warning") == expected
    assert codes(mapped(up, ordered, settings=pack(asn={"lateness": "hold"})).findings, "error") == expected
    assert mapped(up, ordered, settings=pack(asn={"lateness": "off"})).findings == []
    ruled = pack(rules={code: "info"} if code else {}, asn={"lateness": "hold"})
    assert codes(mapped(up, ordered, settings=ruled).findings, "info") == expected


def test_a_late_shipment_says_by_how_much_and_what_it_costs() -> None:
    settings = pack(asn={"penalty": "50", "penalty_percent": "3"})
    message = told(
        mapped(upload(carton(0, content())), dated(("038", "2026-03-08")), settings=settings),
        "shipped_too_late",
    )
    # 3 % of 5 x 20.00 and 50.00
    assert "2 days after its latest ship date 2026-03-08; the retailer charges 53.00" in message.message


def test_a_lines_own_dates_go_before_the_orders_where_that_line_is_shipped() -> None:
    own = {"Dates": [{"DateTimeQualifier": "038", "Date": "2026-03-08"}, "odd", {"Date": 7}]}
    ordered = order(
        order_line("1", 5),
        order_line("2", 4) | own,
        Dates=[{"DateTimeQualifier": "038", "Date": "2026-03-20"}],
    )
    assert codes(mapped(upload(carton(0, content("V-1", 5))), ordered).findings) == []
    late = mapped(upload(carton(0, content("V-2", 4))), ordered)
    assert (
        "order 0045001234 line 2: shipped 2026-03-10, 2 days after" in told(late, "shipped_too_late").message
    )


def test_what_the_retailer_agreed_to_is_only_noted() -> None:
    up = upload(carton(0, content()), agreed="Ann, 9 March")
    result = mapped(up, dated(("038", "2026-03-08")), settings=pack(asn={"lateness": "hold"}))
    assert "agreed: Ann, 9 March" in told(result, "window_agreed").message
    assert codes(result.findings) == ["window_agreed"]
    assert not result.blocked


@pytest.mark.parametrize(("hours", "late"), [(1, True), (2, True), (3, False)])
def test_a_notice_is_due_so_many_hours_after_the_goods_left(hours: int, late: bool) -> None:
    # left at 14:30 in Chicago (CDT), 19:30 UTC; the upload came at 22:15 UTC
    up = upload(carton(0, content()), ship_time="14:30", time_zone="America/Chicago")
    settings = pack(deadlines={"asn": {"hours": hours, "penalty": "150"}})
    found = codes(mapped(up, order(), settings=settings).findings)
    assert found == (["notice_late"] if late else [])


def test_every_field_is_explained_and_explaining_changes_nothing() -> None:
    for structure in ("pick_and_pack", "standard", "items"):
        for up in (whole(), pallets(), upload(items=[content()])):
            for ordered in (two_lines(), odd_order(), for_stores()):
                settings, trace = pack(asn={"structure": structure}), Trace()
                result = mapped(up, ordered, settings=settings, trace=trace)
                assert result == mapped(up, ordered, settings=settings)
                assert set(trace) == leaves("", result.document)
                assert [path for path, source in trace.items() if source.rule == "mapped"] == []
