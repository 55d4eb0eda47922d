"""Reading files out of the mailbox: what a file holds is told apart, and nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.documents.order import Order
from connector.documents.order_change import OrderChange
from connector.documents.reading import MAX_BYTES, Read, read_documents
from connector.errors import BadInput
from tests import builders

MINIMAL = {"Header": {"OrderHeader": {"TradingPartnerId": "T", "PurchaseOrderNumber": "007"}}}


def one(data: bytes | dict | list) -> Read | BadInput:
    [read] = read_documents(data if isinstance(data, bytes) else builders.as_bytes(data))
    return read


def good(data: bytes | dict | list) -> Read:
    read = one(data)
    assert isinstance(read, Read), read
    return read


def bad(data: bytes | dict | list) -> BadInput:
    read = one(data)
    assert isinstance(read, BadInput), read
    assert "\n" not in f"{read}{read.fix}"
    return read


@pytest.mark.parametrize(
    ("document", "kind", "number"),
    [
        (builders.order(), "order", "0045001234"),
        (builders.invoice(), "invoice", "0000421"),
        (builders.shipment(), "shipment", "ASN-100200"),
    ],
)
def test_the_header_says_what_a_document_is(document: dict, kind: str, number: str) -> None:
    read = good(document)
    assert (read.kind, read.partner, read.number, read.purpose) == (kind, "TESTALLSUPPLIER", number, "00")


def test_an_acknowledgement_is_told_from_an_order() -> None:
    document = builders.order(AcknowledgementType="AC")
    document["LineItem"][0]["LineItemAcknowledgement"] = [{"ItemStatusCode": "IA", "ItemScheduleQty": 5}]
    assert good(document).kind == "order_ack"
    assert (
        good(builders.order(AcknowledgementType="AK", AcknowledgementDate="2026-03-03")).kind == "order_ack"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"TsetPurposeCode": "04"},
        {"POChangeDate": "2026-03-05"},
        {"lines": [builders.order_line(LineChangeCode="QD")]},
        {"lines": [builders.order_line(PreviousOrderQty=7)]},
    ],
)
def test_a_change_is_told_from_an_order(change: dict) -> None:
    assert good(builders.order(**change)).kind == "order_change"


def test_a_release_of_a_blanket_order_is_an_order_of_its_own_but_other_release_numbers_are_remarks() -> None:
    assert good(builders.order(PrimaryPOTypeCode="RL", ReleaseNumber="12")).number == "0045001234-12"
    assert good(builders.order(PrimaryPOTypeCode="SA", ReleaseNumber="12")).number == "0045001234"


def test_layout_and_number_format_make_no_difference_to_the_digest_but_content_does() -> None:
    document = builders.order(lines=[builders.order_line(OrderQty=20.0, PurchasePrice=1.5)])
    compact = json.dumps(document, separators=(",", ":")).replace("20.0", "20").replace("1.5", "1.50")
    spread = "\ufeff" + json.dumps(dict(reversed(document.items())), indent=4).replace("\n", "\r\n")
    digest = good(document).digest
    assert good(compact.encode()).digest == good(spread.encode()).digest == digest
    assert good(builders.order(lines=[builders.order_line(OrderQty=21, PurchasePrice=1.5)])).digest != digest


def test_identifiers_keep_their_leading_zeros_and_may_come_as_numbers() -> None:
    assert good(MINIMAL).number == "007"
    assert (
        good({"Header": {"OrderHeader": {"TradingPartnerId": "T", "PurchaseOrderNumber": 45}}}).number == "45"
    )


def test_each_document_of_a_list_stands_alone() -> None:
    broken = builders.order(TradingPartnerId=None)
    reads = read_documents(builders.as_bytes([builders.order(), broken, 5, builders.shipment()]))
    assert [read.kind if isinstance(read, Read) else read.place for read in reads] == [
        "order",
        "[1].Header.OrderHeader.TradingPartnerId",
        "[2]",
        "shipment",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t", "the file is empty"),
        (b"\xef\xbb\xbf", "neither JSON nor XML"),
        (b"ISA*00*          *00*", "X12 file, RSX expected"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        (b"PO,LINE,QTY\n1,2,3", "neither JSON nor XML"),
        (b'{"Header": ', "line 1 column 12"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "\xe9"}', "not UTF-8"),
        (b"[]", "no document"),
        (b"{}", "it has no Header"),
        (b"null", "neither JSON nor XML"),
        (b'{"Header": 5}', "is not an object"),
        (b'{"Header": {"ItemRegistryHeader": {}}}', "no OrderHeader, InvoiceHeader or ShipmentHeader"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"<a>" * 200_000, "nested too deeply"),
        (b"<!DOCTYPE html><html/>", "DOCTYPE"),
        (b"<ItemRegistries/>", "<ItemRegistries>, not an RSX order"),
        (b"<Orders></Orders>", "<Orders> holds no <Order>"),
        (b"<Orders><Order>", "not well-formed XML"),
        (b'<?xml version="1.0" encoding="klingon"?><Order/>', "encoding"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(data: bytes, words: str) -> None:
    assert words in str(bad(data))


def test_a_huge_file_is_refused_without_parsing_it() -> None:
    assert "20 MB is the most" in str(bad(b"[" * (MAX_BYTES + 1)))


@pytest.mark.parametrize(
    ("document", "place", "words"),
    [
        (builders.order(TradingPartnerId=None), "Header.OrderHeader.TradingPartnerId", "is missing"),
        (builders.order(TradingPartnerId="  "), "Header.OrderHeader.TradingPartnerId", "is empty"),
        (builders.order(PurchaseOrderNumber=""), "Header.OrderHeader.PurchaseOrderNumber", "is empty"),
        (builders.order(TradingPartnerId="X" * 16), "Header.OrderHeader.TradingPartnerId", "more than 15"),
        (
            builders.order(lines=[builders.order_line(OrderQty="five")]),
            "LineItem[0].OrderLine.OrderQty",
            "number",
        ),
        (builders.order() | {"LineItem": "none"}, "LineItem", "is not a list"),
        (builders.order() | {"Summary": []}, "Summary", "is not an object"),
        (
            builders.shipment(ShipmentIdentification=None),
            "Header.ShipmentHeader.ShipmentIdentification",
            "missing",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_place_and_fix(document: dict, place: str, words: str) -> None:
    refused = bad(document)
    assert refused.place == place
    assert words in refused.message
    assert refused.fix


def test_half_a_character_is_refused_as_it_could_not_be_written_again() -> None:
    assert "surrogate" in str(
        bad(b'{"Header":{"OrderHeader":{"TradingPartnerId":"T","PurchaseOrderNumber":"\\ud800"}}}')
    )


def test_nulls_are_taken_for_what_is_absent() -> None:
    document = builders.order()
    document["Header"]["Notes"] = None
    document["LineItem"][0]["OrderLine"]["GTIN"] = None
    read = good(document)
    assert "Notes" not in read.raw["Header"]


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, "-1e400"])
def test_numbers_beyond_all_bounds_do_not_break_the_reading(number: str) -> None:
    read_documents(builders.as_bytes(builders.order()).replace(b"20.0", number.encode()))


def test_the_7_6_dialect_is_refused() -> None:
    assert "7.6" in str(bad({**MINIMAL, "LineItems": {"LineItem": []}}))
    assert "7.6" in str(bad({"Header": {**MINIMAL["Header"], "Contact": []}}))
    assert "7.6" in str(bad(b"<Order><Header><Date/><Date>x</Date></Header></Order>"))


def xml(inner: str) -> bytes:
    return f'<?xml version="1.0"?>\n<Orders xmlns="http://www.spscommerce.com/RSX">{inner}</Orders>'.encode()


XML_ORDER = """<Order><Header><OrderHeader>
  <TradingPartnerId>T</TradingPartnerId><PurchaseOrderNumber>007</PurchaseOrderNumber><Vendor/>
</OrderHeader></Header>
<LineItem><OrderLine><OrderQty>20.0</OrderQty><PurchasePrice>1.50</PurchasePrice></OrderLine></LineItem>
</Order>"""


def test_xml_is_the_very_document_that_json_would_be() -> None:
    document = {**MINIMAL, "LineItem": [{"OrderLine": {"OrderQty": 20, "PurchasePrice": 1.5}}]}
    assert good(xml(XML_ORDER)).raw == document
    assert good(xml(XML_ORDER)).digest == good(document).digest


def test_xml_may_hold_several_documents_or_be_bare_or_prefixed() -> None:
    assert [read.kind for read in read_documents(xml(XML_ORDER * 2)) if isinstance(read, Read)] == [
        "order"
    ] * 2
    assert good(XML_ORDER.encode()).number == "007"
    prefixed = (
        XML_ORDER.replace("<", "<r:").replace("<r:/", "</r:").replace("<r:Order>", '<r:Order xmlns:r="u">', 1)
    )
    assert good(prefixed.encode()).number == "007"


def test_one_broken_order_in_xml_leaves_the_others() -> None:
    broken = XML_ORDER.replace("20.0", "many")
    reads = read_documents(xml(XML_ORDER + broken))
    assert isinstance(reads[0], Read)
    assert str(reads[1]) == "[1].LineItem[0].OrderLine.OrderQty: is not a number"


def test_xml_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Order>&b;</Order>'
    assert "DOCTYPE" in str(bad(bomb))


SAMPLES = {
    "PO584615-1-v7.7-BulkImport.json": "order",
    "PO584616-1-v7.7-DropShip.json": "order",
    "IN584615-1-v7.7-BulkImport.json": "invoice",
    "SH584615-1-v7.7-BulkImport.json": "shipment",
    "PR584615-1-v7.7-BulkImport_AllAccept_With_Change.json": "order_ack",
    "minimal/Order.json": "order",
    "minimal/OrderAck.json": "order_ack",
    "minimal/Invoice.json": "invoice",
    "minimal/Shipment_inbound.json": "shipment",
}


@pytest.mark.parametrize(("name", "kind"), SAMPLES.items())
def test_the_official_samples_are_read(shared: Path, name: str, kind: str) -> None:
    assert good((shared / "rsx/samples" / name).read_bytes()).kind == kind


def test_the_schemas_lists_and_numbers_are_the_ones_that_xml_is_read_with(shared: Path) -> None:
    from connector.documents.xml_reading import LISTS, NUMBERS

    found: dict[str, set[str]] = {"array": set(), "number": set(), "integer": set()}

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for name, child in (node.get("properties") or {}).items():
                found.setdefault(child.get("type", ""), set()).add(name)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    for kind in ("Orders", "OrderChanges", "OrderAcks", "Invoices", "Shipments"):
        walk(json.loads((shared / "rsx/schema" / f"{kind}.json").read_text()))
    assert found["array"] == LISTS
    assert found["number"] | found["integer"] == NUMBERS


def test_what_rides_along_on_orders_is_in_the_schema(shared: Path) -> None:
    from connector.documents.order import RIDES_ALONG

    text = (shared / "rsx/schema/Orders.json").read_text()
    assert [name for name in RIDES_ALONG if f'"{name}"' not in text] == []
    order = Order.model_validate(builders.order(Department="026"))
    assert order.plain()["Header"]["OrderHeader"]["Department"] == "026"


def test_one_element_where_rsx_has_a_list_of_them_is_that_list() -> None:
    single = builders.order(1)
    single["LineItem"] = single["LineItem"][0]
    single["Header"]["PaymentTerms"] = single["Header"]["PaymentTerms"][0]
    listed = builders.order(1)
    assert good(single).digest == good(listed).digest


def test_json_documents_one_after_the_other_are_several_documents() -> None:
    lines = b"\r\n".join(builders.as_bytes(builders.order(PurchaseOrderNumber=n)) for n in "AB") + b"\r\n"
    assert [read.number for read in read_documents(lines) if isinstance(read, Read)] == ["A", "B"]
    broken = read_documents(lines + b'{"Header": ')
    assert [read.code for read in broken if isinstance(read, BadInput)] == ["not_json"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: {"OrderChange": one},
        lambda one: {"OrderChanges": [one]},
        lambda one: {"OrderChanges": {"OrderChange": [one], "@xmlns": "http://www.spscommerce.com/RSX"}},
    ],
)
def test_a_wrapper_around_json_says_what_is_inside(wrap: Callable[[Any], Any]) -> None:
    plain = {**MINIMAL, "LineItem": []}  # nothing in it tells a change from an order
    assert good(plain).kind == "order"
    assert good(wrap(plain)).kind == "order_change"


@pytest.mark.parametrize("root", ["OrderChange", "OrderAck"])
@pytest.mark.parametrize("prefix", ["", "rsx:"])
def test_the_root_of_xml_says_what_it_is_with_and_without_namespace(root: str, prefix: str) -> None:
    space = f' xmlns{":rsx" if prefix else ""}="http://www.spscommerce.com/RSX"'
    inner = f"<{prefix}Header><{prefix}OrderHeader>"
    fields = f"<{prefix}TradingPartnerId>T</{prefix}TradingPartnerId>"
    fields += f"<{prefix}PurchaseOrderNumber>007</{prefix}PurchaseOrderNumber>"
    closing = f"</{prefix}OrderHeader></{prefix}Header>"
    text = f"<?xml version='1.0'?>\r\n<{prefix}{root}{space}>{inner}{fields}{closing}</{prefix}{root}>"
    read = good(b"\xef\xbb\xbf" + text.encode())
    assert (read.kind, read.number) == ({"OrderChange": "order_change", "OrderAck": "order_ack"}[root], "007")


def test_an_order_change_reads_its_own_elements() -> None:
    change = builders.order_change(
        [builders.change_line(1, "QD", OrderQty=3, PreviousOrderQty=5)], ChangeOrderSeqNumber="02"
    )
    document = good(change).document
    assert isinstance(document, OrderChange)
    assert document.Header.OrderHeader.ChangeOrderSeqNumber == "02"
    assert document.LineItem[0].OrderLine.PreviousOrderQty == 5
