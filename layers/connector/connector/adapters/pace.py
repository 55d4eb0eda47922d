"""Pacing: one process leaves a vendor so many seconds between two requests.

As many processes as `MaximumConcurrency` allows, each keeping to its share of the vendor's rate limit, stay below it
together, without any state to share. What gets through faster elsewhere (a poll, another function) the vendor answers
with 429, and the circuit breaker obeys.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SHARE_USED = 0.98  # windows of two clocks never begin at the same moment
LONGEST_SECONDS = 5.0


def seconds_between(per_minute: float, concurrency: int) -> float:
    """What each of `concurrency` processes leaves between two requests; `per_minute` is for all, 0 no limit."""
    return min(60.0 * concurrency / (per_minute * SHARE_USED), LONGEST_SECONDS) if per_minute else 0.0


class Pace:
    """Call it with what makes one request."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")

    def __call__(self, attempt: Callable[[], T]) -> T:
        wait = self._next - self._clock()
        if wait > 0:
            self._sleep(wait)
        self._next = self._clock() + self._seconds
        return attempt()
