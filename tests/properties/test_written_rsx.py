"""What is written for SPS is read back as the very same document, as JSON and as XML."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.reading import Read, read_documents
from connector.documents.xml_writing import write_xml
from connector.mapping.conform import in_schema_order
from connector.mapping.shapes import Document
from tests.outbound import assert_official, official
from tests.rsx_strategies import rsx

KINDS = get_args(Document)
HEADERS = {
    "Invoice": ("InvoiceHeader", "InvoiceNumber"),
    "Shipment": ("ShipmentHeader", "ShipmentIdentification"),
    "OrderAck": ("OrderHeader", "PurchaseOrderNumber"),
}


def read(data: bytes) -> list[dict[str, Any]]:
    found = read_documents(data)
    assert all(isinstance(one, Read) for one in found), found
    return [one.raw for one in found if isinstance(one, Read)]


@st.composite
def some(draw: st.DrawFn, kind: Document) -> list[dict[str, Any]]:
    documents = draw(st.lists(rsx(kind), min_size=1, max_size=2))
    header, number = HEADERS[kind]
    for document in documents:
        document["Header"][header] |= {"TradingPartnerId": "SPSALLTESTID", number: "0045"}
    return documents


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_written_document_is_read_as_it_was(kind: Document, data: st.DataObject) -> None:
    documents = data.draw(some(kind))
    as_xml = write_xml(documents, kind)
    assert read(as_xml) == documents
    assert write_xml(read(as_xml), kind) == as_xml
    assert read(json.dumps(documents, ensure_ascii=False).encode()) == documents
    assert [list(document) for document in read(as_xml)] == [
        list(in_schema_order(document, kind)) for document in documents
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Invoice", "IN584615-1-v7.7-BulkImport.json"),
        ("Shipment", "SH584615-1-v7.7-BulkImport.json"),
        ("OrderAck", "PR584615-1-v7.7-BulkImport_AllAccept_With_Change.json"),
        ("Order", "PO584615-1-v7.7-BulkImport.json"),
    ],
)
def test_an_official_document_survives_the_way_through_xml(kind: str, name: str) -> None:
    document = official(name)
    assert read(write_xml([document], kind)) == [document]


def test_what_xml_cannot_hold_is_left_out_and_everything_else_is_kept() -> None:
    note = 'a\x00b\x0bc\ud800 & <d>\r\n"é✓"'
    written = write_xml([{"Header": {"Notes": [{"Note": note}, {}], "Empty": {}, "None": None}}], "Invoice")
    assert b'<Note>abc &amp; &lt;d&gt;&#13;\n"\xc3\xa9\xe2\x9c\x93"</Note>' in written
    assert b"Empty" not in written
    assert b"None" not in written


def test_numbers_are_written_without_exponents_and_truth_in_words() -> None:
    written = write_xml([{"a": 1e-7, "b": 1e22, "c": 20, "d": 2.5, "e": True}], "Order").decode()
    assert "<a>0.0000001</a>" in written
    assert "<b>10000000000000000000000</b>" in written
    assert "<c>20</c>" in written
    assert "<d>2.5</d>" in written
    assert "<e>true</e>" in written


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(data=st.data())
def test_what_the_models_admit_the_official_schema_admits(kind: Document, data: st.DataObject) -> None:
    document = data.draw(rsx(kind))
    document["Header"][HEADERS[kind][0]]["TradingPartnerId"] = "SPSALLTESTID"
    assert_official(document, kind)
