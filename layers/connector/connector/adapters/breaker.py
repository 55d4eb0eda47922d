"""A circuit breaker: while a vendor is down, it is left alone but for one probe per pause.

All workers of a connection share one note per vendor, `{"failures", "at", "until"}`. Every failed try adds to
it; `THRESHOLD` in a row, or a `Retry-After`, set `until`, and nobody asks the vendor before that. Then whoever
gets a lease asks once: an answer ends it, a failure begins the next, longer pause.

    failed    no connection, time-out, broken or 5xx answer, 429          answered    2xx and any other 4xx

While all is well this costs a process one read in half a minute, none per document. It fails open: a note that can be
neither read nor written pauses nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from connector.errors import NotSent, OutcomeUnknown, Throttled, Unreachable

if TYPE_CHECKING:
    from connector.ports import Clock, Leases, Notes, Report

T = TypeVar("T")

THRESHOLD = 5
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30.0, 300.0
IN_A_ROW_SECONDS = 900.0  # failures further apart are not in a row; longer than a queue hides what failed
NEWS_SECONDS = PAUSE_SECONDS  # how old may be what a process knows of the others' failures
PROBE_SECONDS = 60.0  # longer than any request may take


class Breaker:
    """One vendor of one connection, as one process sees it; call it with what makes one try."""

    def __init__(
        self, notes: Notes, leases: Leases, clock: Clock, report: Report, connection: str, vendor: str
    ) -> None:
        self._notes = notes
        self._leases = leases
        self._clock = clock
        self._report = report
        self._connection = connection
        self._vendor = vendor
        self._known: dict[str, Any] = {}
        self._read_at: float | None = None

    def ready(self) -> None:
        """Raise Unreachable while the vendor is left alone; whose turn a probe is shows only at the try itself."""
        left = self._current().get("until", 0.0) - self._clock.epoch()
        if left > 0:
            raise self._paused(left)

    def __call__(self, attempt: Callable[[], T]) -> T:
        """The answer to one try; Unreachable, with nothing sent, while the vendor is left alone."""
        now = self._clock.epoch()
        if "until" not in self._current():
            return self._watched(attempt)
        if self._known["until"] > now:
            raise self._paused(self._known["until"] - now)
        with self._leases.hold(f"{self._connection}/probe/{self._vendor}", PROBE_SECONDS) as fence:
            if fence is None:
                raise self._paused(PAUSE_SECONDS)
            self._read()
            left = self._known.get("until", 0.0) - now
            if left > 0:
                raise self._paused(left)
            return self._watched(attempt)

    def _watched(self, attempt: Callable[[], T]) -> T:
        try:
            answer = attempt()
        except (Throttled, Unreachable, OutcomeUnknown) as error:
            self._failed(error)
            raise
        if self._known:
            self._write({})
            self._report("upstream answers again", what=self._vendor)
        return answer

    def _failed(self, error: NotSent | OutcomeUnknown) -> None:
        now = self._clock.epoch()
        self._read()
        if self._known.get("until", 0.0) > now:
            return  # it was sent before the others paused
        in_a_row = now - self._known.get("at", 0.0) < IN_A_ROW_SECONDS
        failures = 1 + (self._known["failures"] if in_a_row else 0)
        pause = getattr(error, "retry_after", None) or 0.0
        if failures >= THRESHOLD:
            pause = max(pause, min(PAUSE_SECONDS * 2 ** min(failures - THRESHOLD, 9), LONGEST_PAUSE_SECONDS))
        self._write({"failures": failures, "at": now, **({"until": now + pause} if pause else {})})
        if pause:
            self._report("upstream paused", what=self._vendor, count=failures, retry_after=pause)

    def _paused(self, seconds: float) -> Unreachable:
        text = f"{self._vendor} is left alone for {seconds:.0f} s: it failed, or asked for it"
        return Unreachable(text, code="circuit_open", retry_after=seconds)

    def _current(self) -> dict[str, Any]:
        """What is known of the vendor, looked up again now and then."""
        if self._read_at is None or self._clock.epoch() >= self._read_at + NEWS_SECONDS:
            self._read()
        return self._known

    def _read(self) -> None:
        try:
            self._known = self._notes.read(self._connection, "upstream", self._vendor) or {}
        except Exception as error:
            self._report("upstream note not read", what=self._vendor, error=type(error).__name__)
        self._read_at = self._clock.epoch()

    def _write(self, note: dict[str, Any]) -> None:
        """Empty for an upstream that is well: functions may write notes, not delete them."""
        self._known = note
        try:
            self._notes.write(self._connection, "upstream", self._vendor, note)
        except Exception as error:  # the outcome of the try must not be lost over this
            self._report("upstream note not written", what=self._vendor, error=type(error).__name__)
