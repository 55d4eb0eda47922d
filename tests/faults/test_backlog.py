"""A full mailbox drains as fast as the vendors' limits allow, and no faster: no 429, no dead letter, no timeout.

The long form is `make simulate BACKLOG=100000`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from connector.usecases.world import BEGIN_SECONDS
from local.faults.backlog import (
    FRESHBOOKS_CONCURRENCY,
    FRESHBOOKS_PER_MINUTE,
    MAX_RECEIVES,
    SPS_CONCURRENCY,
    SPS_PER_MINUTE,
    drain,
)
from local.faults.queues import BATCH, FUNCTION_SECONDS
from tests.functions.template import CONSUMERS, FUNCTIONS, QUEUES, RESOURCES, TEMPLATE

MAPPINGS = [
    one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::Lambda::EventSourceMapping"
]


def test_a_backlog_drains_within_five_percent_of_what_the_limits_allow_and_nobody_is_throttled() -> None:
    """A minute of it is the first batches' way, whatever comes behind them."""
    drained = drain(20_000)
    assert drained.good, drained.figures()
    assert drained.delivered == 20_000
    assert round(drained.allowed_seconds) == 2000, (
        "20,000 bills at 600 a minute, 40,000 file requests at 1,200"
    )
    assert drained.amplification <= 1.1


def test_without_a_pace_the_vendors_have_to_refuse_and_the_backlog_takes_longer() -> None:
    paced, hurried = drain(3_000), drain(3_000, paced=False)
    assert paced.throttled == 0 < hurried.throttled
    assert paced.seconds < hurried.seconds
    assert hurried.delivered == 3_000, "but nothing is lost by it"


def test_the_same_seed_gives_the_same_backlog() -> None:
    assert drain(300, 5) == drain(300, 5) != drain(300, 6)


def test_the_command_prints_its_figures_last_and_fails_where_they_are_not_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = CliRunner().invoke(app, ["simulate-backlog", "--documents", "40"])
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 1, "filling the pipe takes longer than 40 documents do"
    assert (figures["backlog"], figures["delivered"], figures["throttled"]) == (40, 40, 0)
    alone = CliRunner().invoke(app, ["simulate-backlog", "--documents", "40", "--json"])
    assert {**json.loads(alone.stdout), "seconds": 0} == {**figures, "seconds": 0}


def test_what_is_simulated_is_what_the_template_says() -> None:
    settings: dict[str, Any] = TEMPLATE["Parameters"]
    assert settings["FreshBooksPerMinute"]["Default"] == FRESHBOOKS_PER_MINUTE
    assert settings["SpsPerMinute"]["Default"] == SPS_PER_MINUTE
    assert max(FRESHBOOKS_CONCURRENCY, SPS_CONCURRENCY) <= settings["SpsConcurrency"]["MaxValue"]
    assert TEMPLATE["Globals"]["Function"]["Timeout"] == FUNCTION_SECONDS > BEGIN_SECONDS
    for queue in CONSUMERS:
        [mapping] = [one for one in MAPPINGS if one["EventSourceArn"]["Fn::GetAtt"][0] == queue]
        assert mapping["BatchSize"] == BATCH
        assert QUEUES[queue]["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
    for function, vendor in (("map_inbound", "SPS"), ("push_sps", "SPS"), ("push_freshbooks", "FRESHBOOKS")):
        assert {f"{vendor}_PER_MINUTE", f"{vendor}_CONCURRENCY"} <= set(
            FUNCTIONS[function]["Environment"]["Variables"]
        )
