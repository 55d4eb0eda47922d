"""FreshBooks invoices as shipment notices."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connector.documents.freshbooks import Invoice
from connector.documents.order import Order
from connector.findings import Mapped, Trace
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.rules.packs import PartnerPack
from tests.outbound import PROFILE, assert_official, codes, fb_line, invoice, order, order_line, party
from tests.unit.test_invoice_to_rsx import leaves, odd_order, told

PACK = PartnerPack.model_validate(
    {"trading_partner_id": "SPSALLTESTID", "carrier": {"scac": "RBTC", "routing": "Robinson", "method": "M"}}
)


def two_lines() -> Order:
    return order(order_line("1", 5), order_line("2", 4, OrderQtyUOM="CA"))


def both() -> Invoice:
    rows = [
        fb_line("V-1", "5", "20.00", "100.00"),
        fb_line("V-2", "4", "20.00", "80.00"),
        fb_line("Freight", "1", "9.00", "9.00"),
    ]
    return invoice(rows, "189.00")


def mapped(inv: Invoice, ordered: Order | None, pack: PartnerPack = PACK, **more: Any) -> Mapped:
    return invoice_to_shipment(inv, order=ordered, pack=pack, profile=PROFILE, **more)


def test_an_invoice_alone_makes_a_notice_of_order_and_items() -> None:
    result = mapped(both(), two_lines())
    document = result.document
    assert document["Header"]["ShipmentHeader"] == {
        "TradingPartnerId": "SPSALLTESTID",
        "ShipmentIdentification": "0000421",
        "ShipDate": "2026-03-10",
        "TsetPurposeCode": "00",
        "ShipNoticeDate": "2026-03-11",
        "ASNStructureCode": "0004",
    }
    assert document["Header"]["Dates"] == [{"DateTimeQualifier": "011", "Date": "2026-03-10"}]
    assert document["Header"]["CarrierInformation"] == [
        {
            "StatusCode": "CL",
            "CarrierTransMethodCode": "M",
            "CarrierAlphaCode": "RBTC",
            "CarrierRouting": "Robinson",
        }
    ]
    found = {address["AddressTypeCode"]: address for address in document["Header"]["Address"]}
    assert found["ST"]["AddressLocationNumber"] == "0123"
    assert found["SF"]["Address1"] == "9 Factory Ln"
    assert "AddressLocationNumber" not in found["SF"]
    (level,) = document["OrderLevel"]
    assert level["OrderHeader"] == {
        "PurchaseOrderNumber": "0045001234",
        "PurchaseOrderDate": "2026-03-02",
        "Department": "026",
        "Vendor": "VEND6174",
        "Division": "019",
        "CustomerOrderNumber": "C-778",
    }
    assert level["ItemLevel"][1]["ShipmentLine"] == {
        "LineSequenceNumber": "2",
        "BuyerPartNumber": "B-2",
        "VendorPartNumber": "V-2",
        "ConsumerPackageCode": "859563000002",
        "OrderQty": 4,
        "OrderQtyUOM": "CA",
        "ItemStatusCode": "AC",
        "ShipQty": 4,
        "ShipQtyUOM": "CA",
    }
    assert document["Summary"] == {"TotalOrders": 1, "TotalLineItemNumber": 2}
    assert result.findings == []
    assert_official(document, "Shipment")


NO_CARRIER = PartnerPack(trading_partner_id="SPSALLTESTID")


@pytest.mark.parametrize(
    ("changes", "groups", "pack", "missing"),
    [
        ({"fulfillment_date": None}, {}, PACK, "ship date"),
        ({}, {}, NO_CARRIER, "carrier"),
        ({}, {"Address": [party("BT", "1")]}, PACK, "where the goods go"),
    ],
)
def test_what_is_missing_for_a_notice_is_named(
    changes: dict[str, Any], groups: dict[str, Any], pack: PartnerPack, missing: str
) -> None:
    inv = invoice([fb_line("V-1", "5", "20.00", "100.00")], "100.00", **changes)
    result = mapped(inv, order(**groups), pack)
    finding = told(result, "asn_data_missing")
    assert result.blocked
    assert missing in finding.message
    assert "stored order" not in finding.message


def test_without_order_and_profile_everything_missing_is_named_at_once() -> None:
    pack = PartnerPack(trading_partner_id="SPSALLTESTID")
    inv = invoice([], "0", fulfillment_date=None)
    message = told(invoice_to_shipment(inv, order=None, pack=pack), "asn_data_missing").message
    for words in ("stored order", "ship date", "carrier", "leave", "go", "line"):
        assert words in message


def test_the_orders_carrier_goes_before_the_packs() -> None:
    ordered = order(
        CarrierInformation=[{"CarrierAlphaCode": "JBHT", "TransitTimeQual": "CD", "TransitTime": 2}]
    )
    result = mapped(invoice([fb_line("V-1", "5", "20.00", "100.00")], "100.00"), ordered)
    assert result.document["Header"]["CarrierInformation"] == [
        {"StatusCode": "CL", "CarrierAlphaCode": "JBHT", "TransitTimeQual": "CD", "TransitTime": 2}
    ]


def test_an_article_that_is_not_on_the_order_blocks_but_a_price_does_not_matter() -> None:
    other = invoice([fb_line("V-1", "5", "25.00", "125.00")], "125.00")
    assert mapped(other, order()).findings == []
    unknown = invoice([fb_line("X-9", "5", "25.00", "125.00")], "125.00")
    assert codes(mapped(unknown, order()).findings, "error") == ["line_not_on_order"]


def test_an_order_full_of_oddities_gives_a_notice_that_the_schema_takes() -> None:
    result = mapped(invoice([fb_line("V-1", "5", "20.00", "100.00")], "100.00"), odd_order())
    json.dumps(result.document, allow_nan=False)
    assert_official(result.document, "Shipment")


def test_what_is_not_invoiced_yet_is_on_backorder_after_all_shipments() -> None:
    three = invoice([fb_line("V-1", "3", "20.00", "60.00")], "60.00")
    (level,) = mapped(three, order()).document["OrderLevel"]
    line = level["ItemLevel"][0]["ShipmentLine"]
    assert (line["ShipQty"], line["ItemStatusCode"], line["QtyLeftToReceive"]) == (3, "BP", 2)
    (level,) = mapped(three, order(), before={"1": Decimal(2)}).document["OrderLevel"]
    line = level["ItemLevel"][0]["ShipmentLine"]
    assert (line["ItemStatusCode"], "QtyLeftToReceive" in line) == ("AC", False)


def test_an_invoice_shipped_outside_of_the_orders_window_is_told_as_an_upload_is() -> None:
    late = order(Dates=[{"DateTimeQualifier": "038", "Date": "2026-03-08"}])
    five = invoice([fb_line("V-1", "5", "20.00", "100.00")], "100.00")
    assert codes(mapped(five, late).findings, "warning") == ["shipped_too_late"]
    hold = PartnerPack.model_validate(PACK.model_dump() | {"asn": {"lateness": "hold"}})
    assert codes(mapped(five, late, hold).findings, "error") == ["shipped_too_late"]


def test_every_field_of_a_notice_is_explained_and_explaining_changes_nothing() -> None:
    for ordered in (None, two_lines(), odd_order()):
        trace: Trace = {}
        result = mapped(both(), ordered, trace=trace)
        assert result == mapped(both(), ordered)
        assert set(trace) == leaves("", result.document)
        assert all(source.rule != "mapped" for source in trace.values())
    trace = {}
    mapped(both(), two_lines(), trace=trace)
    line = "OrderLevel[0].ItemLevel[1].ShipmentLine"
    assert trace[f"{line}.BuyerPartNumber"].paths == ("order.LineItem[1].OrderLine.BuyerPartNumber",)
    assert trace[f"{line}.ShipQty"].paths == ("invoice.lines[1].qty",)


@pytest.mark.parametrize(("quantity", "shipped"), [("1", 1), ("0.5", 0.5), ("0", None)])
def test_any_quantity_above_nothing_is_shipped(quantity: str, shipped: float | None) -> None:
    rows = [fb_line("V-1", quantity, "20.00", "20.00"), fb_line("V-2", "4", "20.00", "80.00")]
    (level,) = mapped(invoice(rows, "100.00"), two_lines()).document["OrderLevel"]
    found = {
        item["ShipmentLine"]["VendorPartNumber"]: item["ShipmentLine"]["ShipQty"]
        for item in level["ItemLevel"]
    }
    assert found == ({"V-2": 4} if shipped is None else {"V-1": shipped, "V-2": 4})


def test_a_notice_without_a_stored_order_names_the_invoices_own_fields() -> None:
    trace: Trace = {}
    mapped(both(), None, trace=trace)
    assert trace["OrderLevel[0].OrderHeader.PurchaseOrderNumber"].paths == ("invoice.po_number",)


def test_without_a_day_of_issue_the_notice_is_dated_as_the_goods_left() -> None:
    undated = invoice([fb_line("V-1", "5", "20.00", "100.00")], "100.00", create_date=None)
    assert mapped(undated, order()).document["Header"]["ShipmentHeader"]["ShipNoticeDate"] == "2026-03-10"
