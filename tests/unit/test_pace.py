"""Each process keeps to its share of a vendor's rate limit, so that together they never exceed it."""

from __future__ import annotations

import pytest

from connector.adapters.http import HttpClient
from connector.adapters.pace import LONGEST_SECONDS, Pace, seconds_between
from connector.environment import FunctionSettings

NAMES = {"STACK_NAME": "s", "TABLE_NAME": "t", "ARCHIVE_BUCKET": "a"}


class Time:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def test_the_first_request_waits_for_nothing_and_the_next_for_the_rest_of_the_time() -> None:
    time = Time()
    pace = Pace(2.0, time, time.sleep)
    assert pace(lambda: "done") == "done"
    assert time.slept == []
    time.now += 0.5
    pace(lambda: None)
    assert time.slept == [1.5]
    time.now += 7
    pace(lambda: None)
    assert time.slept == [1.5], "time that passed anyway is not waited for again"


def test_a_request_that_fails_counts_as_one() -> None:
    time = Time()
    pace = Pace(2.0, time, time.sleep)
    for _ in range(2):
        with pytest.raises(OSError, match="down"):
            pace(lambda: (_ for _ in ()).throw(OSError("down")))
    assert time.slept == [2.0]


def test_without_a_limit_nobody_waits() -> None:
    time = Time()
    pace = Pace(seconds_between(0, 20), time, time.sleep)
    for _ in range(5):
        pace(lambda: None)
    assert time.slept == []


@pytest.mark.parametrize(("per_minute", "concurrency"), [(600, 2), (600, 20), (1200, 36), (60, 2)])
def test_processes_that_never_pause_stay_together_just_below_the_limit(
    per_minute: int, concurrency: int
) -> None:
    made = 60.0 / seconds_between(per_minute, concurrency) * concurrency
    assert 0.95 * per_minute <= made < per_minute


def test_no_process_sleeps_longer_than_a_few_seconds() -> None:
    assert seconds_between(20, 100) == LONGEST_SECONDS


def test_functions_are_told_the_limits_and_how_many_they_are() -> None:
    told = FunctionSettings.of({**NAMES, "FRESHBOOKS_PER_MINUTE": "600", "FRESHBOOKS_CONCURRENCY": "20"})
    assert told.seconds_between["FreshBooks"] == seconds_between(600, 20)
    assert told.seconds_between["SPS"] == 0.0


def test_a_request_held_back_by_the_gate_still_has_its_own_deadline() -> None:
    order: list[str] = []

    def gate(attempt: object) -> object:
        order.append("gate")
        return "answer"

    client = HttpClient().behind(gate)  # type: ignore[arg-type]
    client.ready()
    assert (
        client.request("GET", "http://127.0.0.1:9", vendor="SPS", path="/", safe=True, total_seconds=1)
        == "answer"
    )
    assert order == ["gate"]
