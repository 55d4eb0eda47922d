"""What all functions share: one wiring per process, SQS batches with partial responses, visibility backoff."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

from connector import errors
from connector.environment import QUEUES, FunctionSettings
from connector.ledger import DocumentKey
from connector.telemetry import Telemetry
from connector.usecases.together import Untouched, Work, seconds_until_again, together
from connector.usecases.world import GO_ON_SECONDS
from connector.wiring import Wiring

VISIBILITY_MAX_SECONDS = 43_000

_settings = FunctionSettings.of(os.environ)
telemetry = Telemetry(_settings.stack)
wiring = Wiring(_settings, telemetry.report)


def consume(event: Mapping[str, Any], context: Any, work: Work) -> dict[str, Any]:
    """Do `work` for the records of an SQS batch; the ones to be tried again are returned as failures.

    A record that may be tried later becomes visible after `Retry-After` or a full-jitter wait by its
    receive count. Where the time gets short the rest is returned untouched, to be seen again at once. What comes
    again is taken in no order: neither must a slow vendor bring the same ones to the failed queue untried, nor one
    at which the function dies keep the same neighbours from being reached.
    """
    failures: list[str] = []

    def failed(record: Mapping[str, Any], error: Exception) -> None:
        failures.append(record["messageId"])
        if not isinstance(error, Untouched):
            telemetry.failed("message not done, it comes again", error)
        _show_after(record, seconds_until_again(error, _receives(record)))

    batches: dict[str, list[tuple[Mapping[str, Any], dict[str, Any]]]] = {}
    records = event["Records"]
    if any(_receives(record) > 1 for record in records):
        records = random.sample(records, len(records))
    for record in records:
        telemetry.correlate("", "")  # what cannot be read must not be told as part of the story before
        try:
            message = _message(record["body"])
            batches.setdefault(message["connection"], []).append((record, message))
        except Exception as error:
            failed(record, error)
    for connection, batch in batches.items():
        messages = [message for _, message in batch]
        try:
            telemetry.correlate("", connection)
            troubles = together(
                wiring.world(connection),
                messages,
                work,
                enter=_correlate,
                has_time=lambda seconds: context.get_remaining_time_in_millis() >= seconds * 1000,
            )
        except Exception as error:
            troubles = dict.fromkeys(range(len(batch)), error)
        for n, trouble in troubles.items():
            _correlate(messages[n])
            failed(batch[n][0], trouble)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _correlate(message: Mapping[str, Any]) -> None:
    telemetry.correlate(message.get("correlation_id", ""), message["connection"])


def each_connection(
    context: Any,
    work: Callable[[str], Any],
    then: Callable[[dict[str, Any], bool], dict[str, Any]] = lambda done, whole: done,
) -> dict[str, Any]:
    """Do `work` for every connection, `then` something with all that it gave; the first error is raised after that.

    `then` is told whether every connection is among it.

    Each run has them in another sequence, or one that the time does not suffice for would always leave out the same.
    """
    done: dict[str, Any] = {}
    trouble: Exception | None = None
    connections = wiring.connections()
    for connection in random.sample(connections, len(connections)):
        try:
            telemetry.correlate("", connection)
            if context.get_remaining_time_in_millis() < GO_ON_SECONDS * 1000:
                raise errors.Busy("no time was left for every connection")
            done[connection] = work(connection)
        except Exception as error:
            telemetry.failed("upkeep failed", error)
            trouble = trouble or error
    answer = then(done, trouble is None)
    if trouble is not None:
        raise trouble
    return answer


def _message(body: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(body)
    if "pointer" in message:
        message = json.loads(wiring.archive.get(message["connection"], message["pointer"]))
    named = message.get("key") or message.get("replay") or message.get("acknowledge")
    if named and DocumentKey.of(named).connection != message["connection"]:
        raise errors.BadUse("a message names a document of another connection", code="foreign_document")
    return message


def _receives(record: Mapping[str, Any]) -> int:
    return int(record["attributes"].get("ApproximateReceiveCount", "1"))


def _show_after(record: Mapping[str, Any], wait: float) -> None:
    """Set when the message is seen again; leaving it to the queue's own timeout is only slower."""
    try:
        wiring.sqs.change_message_visibility(
            QueueUrl=_queue_url(record["eventSourceARN"]),
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=int(min(wait, VISIBILITY_MAX_SECONDS)),
        )
    except Exception as problem:
        telemetry.failed("visibility not changed", problem)


def _queue_url(arn: str) -> str:
    urls: list[str] = [getattr(wiring.settings, name) for name in QUEUES]
    return next(url for url in urls if url.rpartition("/")[2] == arn.rpartition(":")[2])
