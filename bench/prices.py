"""What counted calls cost: AWS's list prices of us-east-1 in US dollars beyond free tiers, written down on 2026-11-25.

From memory of AWS's price pages, which could not be read when this was written: check before quoting.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

MILLION = 1_000_000
DYNAMODB_WRITE_UNIT = 0.625 / MILLION  # on demand, 1 KB
DYNAMODB_READ_UNIT = 0.125 / MILLION  # on demand, 4 KB, strongly consistent
S3_PUT = 5.00 / MILLION
S3_GET = 0.40 / MILLION
SQS_REQUEST = 0.40 / MILLION  # up to 64 KB
SQS_MESSAGES = 10  # in one request at most
HTTP_API_REQUEST = 1.00 / MILLION
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND = 0.0000133334  # arm64
LOG_GB = 0.50

# not counted here but assumed, and the same for every design: mostly waiting for the vendors
SECONDS_A_STEP = 0.25  # of one document in one function
WEBHOOK_SECONDS, WEBHOOK_GIGABYTES = 0.02, 0.25
GIGABYTES = 0.375  # the mappers have 512 MB, the pushers 256
PLATFORM_LOG_BYTES = 350  # Lambda's own START, END and REPORT lines


def dollars(
    calls: Mapping[str, float],
    write_units: float,
    read_units: float,
    steps: int,
    batch: int,
    log_bytes: float,
) -> dict[str, float]:
    """Dollars for 1,000 documents, by service, from what one document needs in batches of that many.

    `calls` is what AWS bills by the call; `total` has Lambda's time and the logs too.
    """
    invocations = steps / batch
    sends = calls.get("SendMessageBatch", 0) + calls.get("SendMessage", 0)
    each = {
        "dynamodb": write_units * DYNAMODB_WRITE_UNIT + read_units * DYNAMODB_READ_UNIT,
        "s3": calls.get("PutObject", 0) * S3_PUT + calls.get("GetObject", 0) * S3_GET,
        "sqs": (sends + 2 * steps / min(batch, SQS_MESSAGES)) * SQS_REQUEST,  # receiving and deleting
        "lambda": invocations * LAMBDA_REQUEST + steps * SECONDS_A_STEP * GIGABYTES * LAMBDA_GB_SECOND,
        "logs": (log_bytes + invocations * PLATFORM_LOG_BYTES) / 1e9 * LOG_GB,
    }
    told = {service: round(1000 * cost, 5) for service, cost in each.items()}
    asked = sum(told[service] for service in ("dynamodb", "s3", "sqs"))
    return {**told, "calls": round(asked, 5), "total": round(sum(told.values()), 5)}


def webhooks() -> float:
    """Dollars for 1,000 webhooks: a request of the HTTP API, an invocation of a few milliseconds, one SQS request."""
    time = WEBHOOK_SECONDS * WEBHOOK_GIGABYTES * LAMBDA_GB_SECOND
    return round(1000 * (HTTP_API_REQUEST + LAMBDA_REQUEST + time + SQS_REQUEST), 5)


def write_units(size: int, index_entries: int) -> int:
    """Units of writing an item of `size` bytes; each index entry, keys alone, is one unit to put and one to remove."""
    return math.ceil(size / 1024) + index_entries


def read_units(size: int) -> int:
    return max(1, math.ceil(size / 4096))
