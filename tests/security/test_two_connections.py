"""Two connections of one stack share a table, a bucket and queues, and see nothing of one another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.ledger import State
from tests import builders
from tests.functions.business import Business
from tests.functions.stack import Stack

ORDER = f"birch/in/{builders.PARTNER}/order/{builders.PO_NUMBER}"


@pytest.fixture
def birchs_push(acme: Business, birch: Business) -> dict[str, Any]:
    """The message that a document of birch's waits to be pushed by; acme has nothing."""
    birch.offer("1.json", builders.order())
    birch.stack.invoke("poll_sps", {"connection": "birch"})
    birch.stack.deliver("SpsFilesToMap")
    assert birch.documents() == {ORDER: State.MAPPED}
    [record] = birch.stack.receive("BillsToPush")
    birch.stack.sqs.purge_queue(QueueUrl=birch.stack.urls["BillsToPush"])
    message: dict[str, Any] = json.loads(record["body"])
    assert message["key"] == ORDER
    return message


def test_the_same_order_number_is_two_documents_two_bills_and_two_histories(
    acme: Business, birch: Business
) -> None:
    for business in (acme, birch):
        business.offer("1.json", builders.order())
        assert business.poll() == []
    assert [len(business.bills) for business in (acme, birch)] == [1, 1]
    assert [list(business.documents()) for business in (acme, birch)] == [
        [f"{business.id}/in/{builders.PARTNER}/order/{builders.PO_NUMBER}"] for business in (acme, birch)
    ]


def test_whatever_acme_does_no_call_names_birch(stack: Stack, acme: Business, birch: Business) -> None:
    birch.offer("1.json", builders.order())
    birch.poll()
    stack.calls.clear()
    acme.offer("1.json", builders.order())
    acme.offer("2.json", builders.shipment())
    acme.poll()
    acme.invoice()
    stack.invoke("poll_freshbooks", {"connection": "acme"})
    stack.settle()
    assert len(stack.calls) > 20
    assert [call for call in stack.calls if "birch" in json.dumps(call.parameters, default=str)] == []


@pytest.mark.parametrize(
    ("queue", "named"),
    [
        ("BillsToPush", "key"),
        ("RsxToPush", "key"),
        ("SpsFilesToMap", "replay"),
        ("RecordsToMap", "replay"),
        ("RecordsToMap", "acknowledge"),
    ],
)
def test_a_message_of_one_connection_that_names_anothers_document_does_nothing(
    stack: Stack, birchs_push: dict[str, Any], acme: Business, birch: Business, queue: str, named: str
) -> None:
    before = birch.record()
    stack.calls.clear()
    message = birchs_push if named == "key" else {named: ORDER}
    stack.send(queue, message | {"connection": "acme", "correlation_id": "forged"})
    batch = stack.deliver(queue)
    assert len(batch.failed) == 1, "it ends in the failed queue, where a person sees it"
    assert birch.record() == before
    assert acme.bills == []
    assert acme.sent == []
    assert [call for call in stack.calls if call.action in ("dynamodb:PutItem", "s3:PutObject")] == []


def test_a_payload_of_another_connection_cannot_be_pointed_at(
    stack: Stack, birchs_push: dict[str, Any], birch: Business
) -> None:
    pointer = birch.record().payloads["received"].partition("#")[0]
    stack.send("SpsFilesToMap", {"connection": "acme", "correlation_id": "forged", "pointer": pointer})
    assert len(stack.deliver("SpsFilesToMap").failed) == 1
    reads = [call.parameters["Key"] for call in stack.calls if call.action == "s3:GetObject"]
    assert reads[-1].startswith("acme/"), "below its own prefix, where there is nothing"


def test_packs_and_notes_of_one_connection_are_not_anothers(
    stack: Stack, acme: Business, birch: Business
) -> None:
    pack = {"trading_partner_id": "ONLYBIRCH", "name": "Birch's own"}
    stack.admin.notes.write("birch", "pack", "ONLYBIRCH", pack)
    acme.offer("1.json", builders.order(TradingPartnerId="ONLYBIRCH"))
    acme.poll()
    assert acme.record(partner="ONLYBIRCH").reason["code"] == "partner_not_set_up"
    assert acme.bills == []
