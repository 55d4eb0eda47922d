"""Files made to do harm: they end parked, with nothing read, written or asked for outside their connection."""

from __future__ import annotations

import json
import re

import boto3
import pytest

from connector import errors
from connector.documents.reading import read_documents
from connector.ledger import State
from tests import builders
from tests.functions.business import Business
from tests.functions.stack import Stack

DEEP = 100_000
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
BOMBS = {
    "nested lists": b"[" * DEEP + b"]" * DEEP,
    "nested objects": b'{"Header":' * DEEP + b"1" + b"}" * DEEP,
    "nested within an order": builders.as_bytes(builders.order()).replace(
        b'"LineItem"', b'"Deep":' + b"[" * DEEP + b"]" * DEEP + b',"LineItem"', 1
    ),
    "billion laughs": b'<?xml version="1.0"?><!DOCTYPE Order [<!ENTITY l0 "ha">'
    + LAUGHS
    + b"]><Order>&l11;</Order>",
    "an external entity": b'<!DOCTYPE Order [<!ENTITY x SYSTEM "file:///etc/passwd">]><Order>&x;</Order>',
    "an external DTD": b'<!DOCTYPE Order SYSTEM "http://127.0.0.1:9/x.dtd"><Order/>',
    "nested elements": b"<Order>" + b"<a>" * DEEP + b"</a>" * DEEP + b"</Order>",
    "a number of a million digits": b'{"Header":{"OrderHeader":{"TradingPartnerId":'
    + b"9" * 1_000_000
    + b"}}}",
    "a zip bomb's beginning": b"PK\x03\x04" + b"\x00" * 2_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_a_reason(name: str) -> None:
    [read] = read_documents(BOMBS[name])
    assert isinstance(read, errors.BadInput)
    assert read.message


def test_a_bomb_does_not_keep_its_neighbours_from_their_bills(acme: Business) -> None:
    for number, content in enumerate(BOMBS.values()):
        acme.offer(f"{number}.bin", content)
    acme.offer("good.json", builders.order())
    assert acme.poll() == []
    assert [bill["bill_number"] for bill in acme.bills] == [builders.PO_NUMBER]
    parked = [state for document, state in acme.documents().items() if "/file/" in document]
    assert parked == [State.HELD] * len(BOMBS)


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fbirch%2fsecret",
        "a..b.json",
        "%2e%2e.json",
        "$(reboot).json",
        "'; drop table.json",
        "é\u202e.json",
    ],
)
def test_a_files_name_reaches_no_path_but_its_own(stack: Stack, acme: Business, name: str) -> None:
    acme.offer(name, builders.order())
    assert acme.poll() == []
    assert acme.waiting == [], "taken in, and deleted under that very name"
    kept = [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="archive")["Contents"]]
    assert [key for key in kept if not re.fullmatch(r"acme/[0-9a-f]{2}/[0-9a-f]{64}\.gz", key)] == []


@pytest.mark.parametrize(
    "number", ["../../birch/order/1", "a/b", "%2Fbirch", "x#RECORD", "D#birch/in/P/order/1", "\u202e1"]
)
def test_a_documents_number_names_no_document_but_its_own(stack: Stack, acme: Business, number: str) -> None:
    acme.offer("1.json", builders.order(PurchaseOrderNumber=number))
    acme.poll()
    scan = boto3.client("dynamodb").scan(TableName="documents")["Items"]
    documents = [item["pk"]["S"] for item in scan if item["pk"]["S"].startswith("D#")]
    assert documents
    assert [pk for pk in documents if not pk.startswith("D#acme/in/") or pk.count("/") != 4] == []


def test_what_a_document_says_comes_back_as_data_that_no_browser_runs(stack: Stack, acme: Business) -> None:
    script = "<script>alert(1)</script>"
    acme.offer("1.json", builders.order(PurchaseOrderDate=script, PurchaseOrderNumber="x-1"))
    acme.poll()
    answer = stack.http("GET", f"/api/documents/acme/in/{builders.PARTNER}/order/x-1?payloads=1")
    assert answer["headers"]["content-type"].startswith("application/json")
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer["headers"]["content-security-policy"]
    assert isinstance(json.loads(answer["body"]), dict)
