"""send_digest: one message to the topic about what is new, and none where nothing is."""

from __future__ import annotations

import json

import boto3
import pytest

from connector import errors
from tests.functions.business import Business
from tests.functions.stack import CONSOLE_URL, Stack


def subscribed(stack: Stack) -> str:
    """A queue that hears what the topic is sent; its address."""
    url: str = stack.sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns").subscribe(TopicArn=stack.digests, Protocol="sqs", Endpoint=arn)
    return url


def heard(stack: Stack, url: str) -> list[dict[str, str]]:
    found = stack.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"]) for one in found]


def test_a_held_document_is_told_once_with_a_link_into_the_console(stack: Stack, acme: Business) -> None:
    url = subscribed(stack)
    assert stack.invoke("send_digest", {}) == {"new": 0, "open": 0}
    acme.offer("broken.json", b"{")
    acme.poll()
    assert stack.invoke("send_digest", {}) == {"new": 1, "open": 1}
    assert stack.invoke("send_digest", {}) == {"new": 0, "open": 1}
    [told] = heard(stack, url)
    assert told["Subject"] == "Connector: 1 document needs a person"
    assert f"{CONSOLE_URL}#/document?id=acme%2Fin%2F-%2Ffile%2Fbroken.json" in told["Message"]


def test_messages_that_gave_up_are_told_although_they_belong_to_no_connection(
    stack: Stack, acme: Business
) -> None:
    url = subscribed(stack)
    stack.send("RsxToPushFailed", {"connection": "acme"})
    stack.invoke("send_digest", {})
    [told] = heard(stack, url)
    assert "1 messages of rsx to push gave up" in told["Message"]


def test_one_connection_in_trouble_does_not_keep_the_others_from_being_told_of(
    stack: Stack, acme: Business, birch: Business
) -> None:
    for business in (acme, birch):
        business.offer("broken.json", b"{")
        business.poll()
    assert stack.invoke("send_digest", {}) == {"new": 2, "open": 2}


def test_a_connection_whose_settings_are_broken_does_not_keep_the_others_from_being_told_of(
    stack: Stack, acme: Business, birch: Business
) -> None:
    url = subscribed(stack)
    for business in (acme, birch):
        business.offer("broken.json", b"{")
        business.poll()
    settings = stack.admin.notes.read("", "connection", "acme") or {}
    stack.invoke("send_digest", {})
    birch.offer("broken too.json", b"{")
    birch.poll()
    stack.admin.notes.write("", "connection", "acme", {"id": "acme", "freshbooks": {}})
    stack.restart()
    with pytest.raises(errors.BadUse, match="account_id"):
        stack.invoke("send_digest", {})
    assert [told["Subject"] for told in heard(stack, url)] == [
        "Connector: 2 documents need a person",
        "Connector: 1 document needs a person",
    ]
    stack.admin.notes.write("", "connection", "acme", settings)
    stack.restart()
    assert stack.invoke("send_digest", {}) == {"new": 0, "open": 3}, "acme's people were told before"
