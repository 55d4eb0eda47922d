"""The time that all functions agree on."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# the date of an answer is in whole seconds and takes a moment to arrive: less than this is no difference
TOLERANCE_SECONDS = 5.0


class AwsClock:
    """`ports.Clock`: this machine's clock, corrected by the date of AWS's answers where it is wrong.

    Leases compare instants that different machines wrote down. With machines that disagree by minutes one
    would take a live lease for an old one; AWS's own time is the one that all of them see.
    """

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self._ahead = 0.0

    def epoch(self) -> float:
        return self._local() + self._ahead

    def now(self) -> str:
        return datetime.fromtimestamp(self.epoch(), UTC).isoformat(timespec="microseconds")

    def heard(self, date: str) -> None:
        """Take note of the `Date` of an answer that just came."""
        ahead = parsedate_to_datetime(date).timestamp() + 0.5 - self._local()
        self._ahead = ahead if abs(ahead) > TOLERANCE_SECONDS else 0.0

    def listen(self, client: Any) -> None:
        """Hear the date of every answer to a boto3 client."""
        client.meta.events.register("after-call", self._after_call)

    def _after_call(self, http_response: Any, **others: Any) -> None:
        date = http_response.headers.get("date")
        if date:
            self.heard(date)
