"""Dead letters back into their queue: by SQS itself, or one by one where an emulator has no move tasks."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from connector import errors

_UNKNOWN = frozenset({"InvalidAction", "UnsupportedOperation", "NotImplemented", "InternalFailure"})


def redrive(sqs: Any, dead: str, source: str) -> tuple[int, bool]:
    """Move the messages of the queue at `dead` to the one at `source`: about how many, and whether SQS does it.

    Safe at any time: the ledger absorbs what was done already. Busy while an earlier move is still running.
    """
    waiting = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
    count = int(waiting["Attributes"]["ApproximateNumberOfMessages"])
    try:
        sqs.start_message_move_task(SourceArn=_arn(sqs, dead), DestinationArn=_arn(sqs, source))
    except NotImplementedError:
        return _move(sqs, dead, source), False
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _UNKNOWN:
            return _move(sqs, dead, source), False
        raise errors.Busy(f"SQS refused to move the dead letters: {code}", code="redrive_refused") from None
    return count, True


def _arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _move(sqs: Any, dead: str, source: str) -> int:
    """Send, then delete: a crash in between doubles a message, which the ledger absorbs."""
    moved = 0
    while messages := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.send_message(QueueUrl=source, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved
