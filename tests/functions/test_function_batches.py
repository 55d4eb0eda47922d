"""SQS batches: one bad record is no harm to its neighbours, and each failure says when it wants to come again."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from connector.ledger import State
from tests import builders
from tests.functions.business import Business
from tests.functions.stack import Stack
from tests.functions.template import QUEUES

BILLS = r"POST /accounting/.*/bills/bills$"


def orders(acme: Business, *numbers: str) -> None:
    """Orders that are mapped and wait in the queue for their bills."""
    for number in numbers:
        acme.offer(f"PO{number}.json", builders.order(PurchaseOrderNumber=number))
    acme.stack.invoke("poll_sps", {"connection": "acme"})
    while acme.stack.deliver("SpsFilesToMap").records:
        pass


def numbers(acme: Business) -> list[str]:
    return sorted(bill["bill_number"] for bill in acme.bills)


def fault(simulator: Any, route: str, kind: str, **options: Any) -> None:
    simulator.faults.add({"route": route, "kind": kind, **options})


@pytest.mark.parametrize(
    "poison",
    [
        "no JSON at all",
        '["no", "object"]',
        '{"path": "out/PO9.json"}',
        '{"connection": "nobody", "path": "out/PO9.json", "correlation_id": "c"}',
        '{"connection": "acme", "pointer": "0000"}',
        '{"connection": "acme", "correlation_id": "c"}',
    ],
)
def test_a_poison_message_among_good_ones_comes_back_alone(stack: Stack, acme: Business, poison: str) -> None:
    for number in "123":
        acme.offer(f"PO{number}.json", builders.order(PurchaseOrderNumber=number))
    stack.send(
        "SpsFilesToMap",
        {"connection": "acme", "correlation_id": "c1", "path": "out/PO1.json"},
        poison,
        {"connection": "acme", "correlation_id": "c3", "path": "out/PO3.json"},
    )
    batch = stack.deliver("SpsFilesToMap")
    assert batch.failed == [record["messageId"] for record in batch.records if record["body"] == poison]
    assert acme.waiting == ["out/PO2.json"]
    assert len(stack.visibility()) == 1


def test_only_what_nobody_foresaw_counts_as_a_fault_of_the_connector(stack: Stack, acme: Business) -> None:
    orders(acme, "1")
    fault(acme.freshbooks, BILLS, "reset_after")
    stack.send("BillsToPush", "no JSON at all")
    assert len(stack.deliver("BillsToPush").failed) == 2
    lines = [json.loads(line) for line in stack.printed().splitlines()]
    assert sum(sum(line.get("UnexpectedErrors", ())) for line in lines) == 1


def test_a_record_whose_reply_was_lost_comes_back_alone_and_makes_no_second_bill(
    stack: Stack, acme: Business
) -> None:
    orders(acme, "1", "2", "3")
    fault(acme.freshbooks, BILLS, "reset_after")
    batch = stack.deliver("BillsToPush")
    assert len(batch.failed) == 1
    [asked] = [one for one in stack.calls if one.action == "sqs:ChangeMessageVisibility"]
    [failed] = [record for record in batch.records if record["messageId"] in batch.failed]
    assert asked.parameters["ReceiptHandle"] == failed["receiptHandle"]
    assert stack.deliver("BillsToPush").records == []
    stack.hurry("BillsToPush", batch)
    assert stack.settle() == []
    assert numbers(acme) == ["1", "2", "3"]


def test_a_throttling_vendor_is_left_alone_for_the_time_that_it_named(stack: Stack, acme: Business) -> None:
    orders(acme, "1", "2", "3")
    fault(acme.freshbooks, BILLS, "429_seconds", retry_after=70)
    batch = stack.deliver("BillsToPush")
    assert len(batch.failed) == 3
    assert len([one for one in acme.freshbooks.requests() if one["status"] == 429]) == 1
    assert all(69 <= wait <= 72 for wait in stack.visibility())
    stack.pass_time(73)
    stack.hurry("BillsToPush", batch)
    assert stack.settle() == []
    assert numbers(acme) == ["1", "2", "3"]


def test_a_record_without_a_time_named_waits_longer_at_each_try_within_a_bound_that_doubles(
    stack: Stack, acme: Business
) -> None:
    orders(acme, "1")
    fault(acme.freshbooks, BILLS, "429", count=None)
    for _ in range(4):
        stack.hurry("BillsToPush", stack.deliver("BillsToPush"))
        stack.pass_time(901)  # failures that far apart are no outage
    bounds = [4, 8, 16, 32]
    assert all(1 <= wait <= bound for wait, bound in zip(stack.visibility(), bounds, strict=True))


def test_what_fails_as_often_as_a_queue_allows_lies_in_the_failed_queue_and_goes_on_from_there(
    stack: Stack, acme: Business
) -> None:
    orders(acme, "1")
    fault(acme.freshbooks, BILLS, "429", count=None)
    for _ in range(QUEUES["BillsToPush"]["RedrivePolicy"]["maxReceiveCount"]):
        batch = stack.deliver("BillsToPush")
        assert len(batch.failed) == 1
        stack.pass_time(301)
        stack.hurry("BillsToPush", batch)
    assert stack.deliver("BillsToPush").records == []
    [dead] = stack.receive("BillsToPushFailed")
    assert acme.record(number="1").state is State.MAPPED
    acme.freshbooks.faults.armed.clear()
    stack.send("BillsToPush", dead["body"])  # what `connector redrive` does
    assert stack.settle() == []
    assert numbers(acme) == ["1"]


def test_with_too_little_time_left_nothing_is_begun_and_everything_comes_back_untouched(
    stack: Stack, acme: Business
) -> None:
    orders(acme, "1", "2")
    before = len(acme.freshbooks.requests())
    batch = stack.deliver("BillsToPush", seconds=44)
    assert sorted(batch.failed) == sorted(record["messageId"] for record in batch.records)
    assert len(batch.failed) == 2
    assert len(acme.freshbooks.requests()) == before
    assert stack.visibility() == [1, 1], "to be seen again at once, not after the queue's own six minutes"
    assert {acme.record(number=number).state for number in "12"} == {State.MAPPED}


def test_when_the_time_runs_out_midway_only_the_rest_comes_back(stack: Stack, acme: Business) -> None:
    orders(acme, "1", "2", "3")
    batch = stack.deliver("BillsToPush", seconds=iter([120.0, 61.0, 59.9]))
    assert batch.failed == [batch.records[2]["messageId"]]
    assert len(acme.bills) == 2


def test_what_comes_again_is_taken_in_no_order_so_that_nothing_always_waits_for_the_same_neighbour(
    stack: Stack, acme: Business
) -> None:
    orders(acme, *"12345")
    records = stack.receive("BillsToPush")
    for record in records:
        record["attributes"]["ApproximateReceiveCount"] = "2"
    random.seed(1)
    waiting, done = [record["messageId"] for record in records], []
    while waiting:
        left = [record for record in records if record["messageId"] in waiting]
        answer = stack.invoke("push_freshbooks", {"Records": left}, seconds=iter([120.0, *[59.9] * 9]))
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        done += [name for name in waiting if name not in failed]
        waiting = [name for name in waiting if name in failed]
    assert sorted(done) == sorted(record["messageId"] for record in records)
    assert len(acme.bills) == 5
    assert done != [record["messageId"] for record in records]


def test_a_bill_too_large_for_a_message_travels_by_pointer(stack: Stack, acme: Business) -> None:
    acme.offer("large.json", builders.order(2000))
    stack.invoke("poll_sps", {"connection": "acme"})
    stack.deliver("SpsFilesToMap")
    [record] = stack.receive("BillsToPush")
    message = json.loads(record["body"])
    assert set(message) == {"connection", "pointer"}
    assert len(stack.admin.archive.get("acme", message["pointer"])) > 200_000
    assert stack.invoke("push_freshbooks", {"Records": [record]}) == {"batchItemFailures": []}
    [bill] = acme.bills
    assert (len(bill["lines"]), bill["amount"]["amount"]) == (2000, "200000.00")


def test_a_vendor_that_is_down_fails_every_record_and_loses_none(stack: Stack, acme: Business) -> None:
    for number in "123":
        acme.offer(f"PO{number}.json", builders.order(PurchaseOrderNumber=number))
    stack.invoke("poll_sps", {"connection": "acme"})
    fault(acme.sps, r"GET /transactions/v5/data/out/PO", "429_seconds", retry_after=5)
    batch = stack.deliver("SpsFilesToMap")
    assert len(batch.failed) == 3
    stack.pass_time(6)
    stack.hurry("SpsFilesToMap", batch)
    assert stack.settle() == []
    assert numbers(acme) == ["1", "2", "3"]
