"""Files that are no order: parked with a reason and what to do, their bytes kept, and no bill made of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from connector.ledger import State
from tests import builders
from tests.functions.business import Business
from tests.functions.stack import Stack

NOBODYS = builders.as_bytes(builders.order(TradingPartnerId=None))
BAD = {
    "large.json": (b'{"Header": "' + b"x" * (25 << 20) + b'"}', "too_large"),
    "ED17.edi": (b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *~", "not_rsx"),
    "broken.json": (b'{"Header": ', "not_json"),
    "text.txt": (b"Dear supplier, please find our order enclosed.", "not_rsx"),
    "nobodys.json": (NOBODYS, "bad_input"),
    "blank.json": (b" \r\n", "empty"),
    "empty.json": (b"", "empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_is_parked_with_its_reason_and_kept(
    stack: Stack, acme: Business, name: str
) -> None:
    content, code = BAD[name]
    acme.offer(name, content)
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []
    parked = acme.record("file", name, partner="-")
    assert (parked.state, parked.reason["code"]) == (State.HELD, code)
    assert parked.reason["message"]
    assert parked.reason["fix"]
    assert stack.admin.archive.get("acme", parked.payloads["received"]) == (
        content if content.strip() else b""
    )
    assert [bill["bill_number"] for bill in acme.bills] == [builders.PO_NUMBER]


@pytest.mark.parametrize("name", ["empty.json", "blank.json"])
def test_an_empty_file_stays_at_sps_since_the_answer_may_be_at_fault_and_is_parked_once(
    acme: Business, name: str
) -> None:
    acme.offer(name, BAD[name][0])
    for _ in range(3):
        assert acme.poll() == []
    assert acme.waiting == [f"out/{name}"]
    assert len(acme.record("file", name, partner="-").history) == 2


def test_a_file_that_sps_answered_emptily_by_mistake_is_taken_in_by_the_next_poll(acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    acme.sps.faults.add({"route": r"GET /transactions/v5/data/out/PO1\.json", "kind": "empty200", "count": 2})
    assert acme.poll() == []
    assert acme.waiting == ["out/PO1.json"]
    acme.stack.pass_time(900)
    assert acme.poll() == []
    assert len(acme.bills) == 1
    assert acme.waiting == []


def test_one_unreadable_order_in_a_file_does_not_keep_its_neighbours(acme: Business) -> None:
    odd: dict[str, Any] = builders.order(PurchaseOrderNumber="2", TradingPartnerId=None)
    acme.offer(
        "three.json", [builders.order(PurchaseOrderNumber="1"), odd, builders.order(PurchaseOrderNumber="3")]
    )
    assert acme.poll() == []
    assert sorted(bill["bill_number"] for bill in acme.bills) == ["1", "3"]
    assert acme.record("file", "three.json[1]", partner="-").state is State.HELD


def test_the_console_shows_a_parked_file_with_what_came(stack: Stack, acme: Business) -> None:
    acme.offer("broken.json", BAD["broken.json"][0])
    acme.poll()
    [listed] = stack.json("GET", "/api/documents?connection=acme&state=held")[1]["documents"]
    assert listed["reason"]["place"] == "line 1 column 12"
    status, told = stack.json("GET", f"/api/document/payloads?id={quote(listed['id'])}")
    assert (status, told["stages"]["received"]) == (200, '{"Header": ')
