"""The queues of messages that gave up: how many wait there, what they are about, and putting them back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connector import errors
from connector.adapters.redrive import redrive

SHOWN = 10


class DeadLetters:
    """By the name of the queue that they came from (`sps_files_to_map`, ...)."""

    def __init__(self, sqs: Any, sources: Mapping[str, str], failed: Mapping[str, str]) -> None:
        self._sqs = sqs
        self._sources = sources
        self._failed = failed

    def waiting(self) -> dict[str, int]:
        """How many messages are in each failed queue, about."""
        return {name: self._count(url) for name, url in self._failed.items()}

    def backlog(self) -> dict[str, int]:
        """How many messages are still to be worked on in each queue, about."""
        return {name: self._count(self._sources[name]) for name in self._failed}

    def look(self, name: str) -> list[dict[str, Any]]:
        """What some of the messages are about, by their keys only; they stay where they are."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url(name), MaxNumberOfMessages=SHOWN, VisibilityTimeout=0
        )
        return [_about(message["Body"]) for message in answer.get("Messages", ())]

    def redrive(self, name: str) -> dict[str, Any]:
        """Put them back; safe at any time, as work that was done is recognised: `{"messages", "how"}`."""
        count, by_sqs = redrive(self._sqs, self._url(name), self._sources[name])
        return {"messages": count, "how": "SQS is moving them" if by_sqs else "moved one by one"}

    def _url(self, name: str) -> str:
        if name not in self._failed:
            raise errors.BadUse(f"there is no queue {name[:40]}", code="no_such_queue")
        return self._failed[name]

    def _count(self, url: str) -> int:
        asked = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def _about(body: str) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        return {"about": "not a message of ours"}
    names = ("connection", "correlation_id", "key", "replay", "path", "noun", "id")
    return {name: message[name] for name in names if isinstance(message, dict) and name in message}
