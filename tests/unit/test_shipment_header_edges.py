"""The header of a shipment notice: where each fact came from, odd carriers, and what is said to be missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.documents.order import Order
from connector.findings import Finding, Mapped, Trace
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.mapping.upload_to_shipment import upload_to_shipment
from connector.rules.packs import PartnerPack
from tests.outbound import PROFILE, codes, fb_line, invoice, order, order_line
from tests.unit.test_invoice_to_rsx import told
from tests.unit.test_upload_to_shipment import (
    SSCC,
    UPLOADED,
    another,
    carton,
    content,
    for_stores,
    mapped,
    pack,
    pallets,
    two_lines,
    upload,
    whole,
)

HEADER = "Header.ShipmentHeader"
MISSING = "no shipment notice can be made; missing: "


def sources(trace: Trace, place: str) -> dict[str, tuple[str, str]]:
    """Element -> (where it came from, why), of everything at `place`."""
    return {
        path.removeprefix(f"{place}."): (", ".join(source.paths), source.rule)
        for path, source in trace.items()
        if path.startswith(f"{place}.")
    }


def header(result: Mapped) -> dict[str, Any]:
    found: dict[str, Any] = result.document["Header"]
    return found


def test_a_notice_of_an_upload_says_where_each_fact_of_its_header_came_from() -> None:
    up = upload(carton(0, content()), ship_time="14:30", fob="CC", weight="40.5", time_zone="America/Chicago")
    trace: Trace = {}
    result = mapped(up, trace=trace)
    assert header(result)["ShipmentHeader"]["ShipmentTime"] == "14:30:00"
    told_by = "as the upload says"
    assert sources(trace, HEADER) == {
        "TradingPartnerId": ("order.Header.OrderHeader.TradingPartnerId", "as on the order"),
        "ShipmentIdentification": ("upload.shipment_id", told_by),
        "ShipDate": ("upload.ship_date", told_by),
        "ShipmentTime": ("upload.ship_time", told_by),
        "TsetPurposeCode": ("", "why it is sent"),
        "ShipNoticeDate": ("when it was uploaded", told_by),
        "ShipNoticeTime": ("when it was uploaded", told_by),
        "ASNStructureCode": ("pack.asn.structure", "layout of the partner pack"),
        "BillOfLadingNumber": ("upload.bill_of_lading", told_by),
        "CarrierProNumber": ("upload.pro_number", told_by),
        "CurrentScheduledDeliveryDate": ("upload.delivery_date", told_by),
    }
    assert header(result)["FOBRelatedInstruction"] == [{"FOBPayCode": "CC"}]
    assert sources(trace, "Header.FOBRelatedInstruction[0]") == {"FOBPayCode": ("upload.fob", told_by)}
    assert sources(trace, "Header.Dates[0]")["Date"] == ("upload.ship_date", told_by)
    assert sources(trace, "Header.Dates[1]")["Date"] == ("upload.delivery_date", told_by)
    weight = ("upload.weight", "counted; the weight as told, or added up")
    assert sources(trace, "Header.QuantityAndWeight[0]")["Weight"] == weight
    total = ("upload.cartons", "sum of the items, which have one unit")
    assert sources(trace, "Header.QuantityTotals[0]")["Quantity"] == total
    carrier = sources(trace, "Header.CarrierInformation[0]")
    assert carrier["CarrierAlphaCode"] == ("upload.scac", told_by)
    assert carrier["StatusCode"] == ("upload.cartons", "whether something is left to ship")


def test_a_notice_of_an_invoice_says_where_each_fact_of_its_header_came_from() -> None:
    trace: Trace = {}
    settings = pack(carrier={"scac": "RBTC"}, asn={"structure_code": "0000"})
    rows = [fb_line("V-1", "5", "20.00", "100.00")]
    result = invoice_to_shipment(
        invoice(rows, "100.00"), order=order(), pack=settings, profile=PROFILE, trace=trace
    )
    assert header(result)["ShipmentHeader"]["ASNStructureCode"] == "0000"
    told_by = "as the invoice says"
    assert sources(trace, HEADER) == {
        "TradingPartnerId": ("order.Header.OrderHeader.TradingPartnerId", "as on the order"),
        "ShipmentIdentification": ("invoice.invoice_number", told_by),
        "ShipDate": ("invoice.fulfillment_date", told_by),
        "TsetPurposeCode": ("", "why it is sent"),
        "ShipNoticeDate": ("invoice.create_date", told_by),
        "ASNStructureCode": ("pack.asn.structure_code", "layout of the partner pack"),
    }
    assert sources(trace, "Header.CarrierInformation[0]") == {
        "CarrierAlphaCode": ("pack.carrier", "carrier not on the order"),
        "StatusCode": ("invoice.lines", "whether something is left to ship"),
    }


@pytest.mark.parametrize("known", [True, False])
def test_without_an_order_that_names_its_partner_the_notice_goes_to_the_packs(known: bool) -> None:
    trace: Trace = {}
    nameless = order(header={"TradingPartnerId": ""}) if known else None
    orders: dict[str, Order] = {} if nameless is None else {nameless.number: nameless}
    settings = pack(trading_partner_id="OTHERTESTID")
    result = upload_to_shipment(
        upload(carton(0, content())), orders=orders, pack=settings, uploaded=UPLOADED, trace=trace
    )
    assert header(result)["ShipmentHeader"]["TradingPartnerId"] == "OTHERTESTID"
    assert sources(trace, HEADER)["TradingPartnerId"] == ("pack.trading_partner_id", "partner pack")


# --- carriers ---------------------------------------------------------------------------------------------


def test_a_trailer_is_added_to_the_first_of_the_orders_carriers_and_the_others_stay() -> None:
    ordered = order(CarrierInformation=[{"CarrierAlphaCode": "JBHT"}, {"CarrierAlphaCode": "ABCD"}])
    trace: Trace = {}
    up = upload(carton(0, content()), scac="", routing="", trailer="TR-9")
    result = mapped(up, ordered, trace=trace)
    first, second = header(result)["CarrierInformation"]
    assert (first["CarrierAlphaCode"], first["CarrierEquipmentNumber"]) == ("JBHT", "TR-9")
    assert (first["StatusCode"], second) == ("CL", {"CarrierAlphaCode": "ABCD"})
    explained = sources(trace, "Header.CarrierInformation[0]")
    assert explained["CarrierEquipmentNumber"] == ("upload.scac", "as the upload says")
    assert explained["CarrierAlphaCode"] == (
        "order.Header.CarrierInformation[0].CarrierAlphaCode",
        "as on the order",
    )
    assert sources(trace, "Header.CarrierInformation[1]")["CarrierAlphaCode"] == (
        "order.Header.CarrierInformation[1].CarrierAlphaCode",
        "as on the order",
    )


@pytest.mark.parametrize("named", [{"scac": "RBTC", "routing": ""}, {"scac": "", "routing": "Robinson"}])
def test_a_carrier_that_the_upload_names_takes_the_place_of_the_orders(named: dict[str, str]) -> None:
    ordered = order(CarrierInformation=[{"CarrierAlphaCode": "JBHT"}, {"CarrierAlphaCode": "ABCD"}])
    (carrier,) = header(mapped(upload(carton(0, content()), **named), ordered))["CarrierInformation"]
    assert "JBHT" not in carrier.values()
    assert codes(mapped(upload(carton(0, content()), **named)).findings) == []


def test_several_orders_repeat_only_the_references_that_they_all_have() -> None:
    same, different = ({"References": [{"ReferenceQual": "CT", "ReferenceID": name}]} for name in ("7", "8"))
    up = upload(carton(0, content("V-1", 5)), carton(1, content("V-1", 6, "0045009999")))
    alike = header(mapped(up, order(**same), another(**same)))
    assert alike["References"] == same["References"]
    assert "References" not in header(mapped(up, order(**same), another(**different)))


def test_a_trailer_without_any_carrier_is_no_carrier() -> None:
    up = upload(carton(0, content()), scac="", routing="", trailer="TR-9")
    result = mapped(up, order())
    assert "CarrierInformation" not in header(result)
    assert (
        missing(result).message
        == f"{MISSING}the carrier (carrier.scac or carrier.routing in the partner pack)"
    )


def test_the_orders_partner_goes_before_the_packs() -> None:
    result = mapped(upload(carton(0, content())), settings=pack(trading_partner_id="OTHERTESTID"))
    assert header(result)["ShipmentHeader"]["TradingPartnerId"] == "SPSALLTESTID"


def test_the_dates_of_a_notice_are_the_ship_date_and_the_delivery_and_what_is_unknown_is_left_out() -> None:
    assert header(mapped(whole()))["Dates"] == [
        {"DateTimeQualifier": "011", "Date": "2026-03-10"},
        {"DateTimeQualifier": "017", "Date": "2026-03-16"},
    ]
    undated = invoice([], "0", fulfillment_date=None, create_date=None)
    found = header(invoice_to_shipment(undated, order=order(), pack=pack()))
    assert found["ShipmentHeader"].keys() == {
        "TradingPartnerId",
        "ShipmentIdentification",
        "TsetPurposeCode",
        "ASNStructureCode",
    }
    assert "Dates" not in found


# --- totals -----------------------------------------------------------------------------------------------


def test_items_are_totalled_in_the_header_only_where_they_have_one_unit() -> None:
    def total(*lines: dict[str, Any]) -> Any:
        up = upload(carton(0, content("V-1", 5)), carton(1, content("V-2", 4)))
        return header(mapped(up, order(*lines))).get("QuantityTotals")

    nine = [{"QuantityTotalsQualifier": "SQT", "Quantity": 9, "QuantityUOM": "EA"}]
    assert total(order_line("1", 5), order_line("2", 4)) == nine
    assert total(order_line("1", 5), order_line("2", 4, OrderQtyUOM="CA")) is None
    assert total(order_line("1", 5, OrderQtyUOM=None), order_line("2", 4, OrderQtyUOM=None)) is None


def test_loose_goods_are_weighed_without_counting_cartons() -> None:
    up = upload(items=[content()], weight="12.5", weight_uom="KG")
    assert header(mapped(up))["QuantityAndWeight"] == [
        {"PackingMedium": "CTN", "WeightQualifier": "G", "Weight": 12.5, "WeightUOM": "KG"}
    ]


def test_cartons_and_pallets_are_counted_apart() -> None:
    assert header(mapped(pallets()))["QuantityAndWeight"] == [
        {
            "PackingMedium": "CTN",
            "LadingQuantity": 2,
            "WeightQualifier": "G",
            "Weight": 90,
            "WeightUOM": "LB",
        },
        {"PackingMedium": "PLT", "LadingQuantity": 1},
    ]


# --- what is missing --------------------------------------------------------------------------------------


def missing(result: Mapped) -> Finding:
    return told(result, "asn_data_missing")


def test_everything_that_an_upload_lacks_is_said_in_one_sentence() -> None:
    up = upload({"contents": [content()]}, {"contents": [content()]}, scac="", routing="")
    settings = pack(asn={"pallets": "required"})
    assert missing(
        upload_to_shipment(up, orders={}, pack=settings, uploaded=UPLOADED)
    ) == Finding(
        "asn_data_missing",
        "error",
        f"{MISSING}the stored order; the carrier (carrier.scac or carrier.routing in the partner pack); "
        "where the goods leave (addresses.SF in the partner pack, or the business profile); "
        "where the goods go (ST on the order, or addresses.ST in the partner pack); "
        "the SSCC of 2 cartons (in the upload, or made by asn.gs1_prefix of the pack); "
        "pallets, which this partner asks for",
        "",
        "add what is missing",
    )  # fmt: skip


def test_everything_that_an_invoice_lacks_is_said_in_one_sentence() -> None:
    result = invoice_to_shipment(
        invoice([], "0", fulfillment_date=None), order=None, pack=PartnerPack(trading_partner_id="X")
    )
    assert missing(result) == Finding(
        "asn_data_missing",
        "error",
        f"{MISSING}the stored order; the ship date (the invoice's fulfillment date); "
        "the carrier (carrier.scac or carrier.routing in the partner pack); "
        "where the goods leave (addresses.SF in the partner pack, or the business profile); "
        "where the goods go (ST on the order, or addresses.ST in the partner pack); "
        "a line with a quantity",
        "",
        "add what is missing, or switch invoices.asn off in the partner pack",
    )


def test_one_carton_or_pallet_without_an_sscc_is_missed_wherever_it_stands() -> None:
    one = f"{MISSING}the SSCC of 1 carton (in the upload, or made by asn.gs1_prefix of the pack)"
    nameless = {"contents": [content("V-2", 4)]}
    on_pallet = {"sscc": SSCC[2], "cartons": [carton(0, content()), nameless]}
    pallet = {"cartons": [carton(0, content("V-1", 5)), carton(1, content("V-2", 4))]}
    for up in (
        upload(carton(0, content()), nameless),
        upload(pallets=[on_pallet]),
        upload(pallets=[pallet]),
    ):
        assert missing(mapped(up)).message == one
        assert codes(mapped(up, settings=pack(asn={"structure": "items"})).findings) == []


def test_one_of_several_orders_that_is_not_stored_is_missed() -> None:
    up = upload(carton(0, content("V-1", 5)), carton(1, content("V-1", 6, "0045009999")))
    assert missing(mapped(up, two_lines())).message == f"{MISSING}the stored order"


def test_pallets_are_missed_only_by_a_partner_that_asks_for_them() -> None:
    required = pack(asn={"pallets": "required"})
    assert missing(mapped(whole(), settings=required)).message == (
        f"{MISSING}pallets, which this partner asks for"
    )
    assert codes(mapped(pallets(), settings=required).findings) == []


def test_a_store_is_a_place_to_go_even_without_a_ship_to_address() -> None:
    ordered = for_stores().model_dump(exclude_none=True)
    ordered["Header"]["Address"] = []
    up = upload(carton(0, content("V-1", 5), store="0101"), carton(1, content("V-1", 5), store="0102"))
    assert codes(mapped(up, Order.model_validate(ordered)).findings) == []


def test_before_the_last_shipment_the_carrier_has_a_part_and_with_it_the_whole() -> None:
    def status(before: int) -> str:
        up = upload(carton(0, content("V-1", 2)))
        result = mapped(up, order(), before={"0045001234": {"1": Decimal(before)}})
        code: str = header(result)["CarrierInformation"][0]["StatusCode"]
        return code

    assert [status(2), status(3)] == ["PR", "CL"]
