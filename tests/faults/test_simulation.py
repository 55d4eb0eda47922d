"""R1, R12, R15: the whole connector on stand-ins, through everything that can go wrong, in simulated time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import simulate_faults as command
from cli.main import app
from connector.ledger import Arrival, Claim
from connector.usecases import arrivals, inbound, push
from connector.usecases.together import Steps
from local.faults import runs, simulation
from local.faults.ports import Rates
from local.faults.runs import Run
from local.faults.simulation import Batch, run_batch

# R1's number for the test run; 1,000,000 by `make simulate DOCUMENTS=1000000`
DOCUMENTS = 10_000


def test_ten_thousand_documents_and_none_is_doubled_lost_or_unexplained(tmp_path: Path) -> None:
    """10 % redelivered, 10 % of vendor calls fail, 2 % of calls kill their worker, clocks +-10 minutes off."""
    rates = Rates()
    assert (rates.redelivered, rates.faults, rates.kills, rates.skew_seconds) == (0.10, 0.10, 0.02, 600.0)
    run = Run(DOCUMENTS, 20261123, tmp_path / "state.json")
    run.go(2, lambda result: None)
    assert [problem for result in run.results.values() for problem in result.problems] == []
    figures = run.figures()
    assert figures["documents"] >= DOCUMENTS
    assert figures["duplicates"] == figures["losses"] == figures["unexplained"] == 0
    assert figures["timeouts"] == 0, "R10"
    # a simulation in which nothing went wrong would prove nothing
    assert figures["faults"] > DOCUMENTS * 0.3
    assert figures["kills"] > DOCUMENTS * 0.3
    assert figures["redeliveries"] > DOCUMENTS * 0.2
    assert figures["redrives"] > DOCUMENTS * 0.03


def test_much_worse_days_end_the_same() -> None:
    account = run_batch(7, 300, Rates(faults=0.25, kills=0.06, redelivered=0.25))
    assert account.problems == []
    assert account.counts["dead"] > 0


def test_a_day_on_which_nothing_goes_wrong_has_the_same_account() -> None:
    account = run_batch(7, 300, Rates(0.0, 0.0, 0.0, 0.0))
    assert account.problems == []
    assert not account.counts["faults"] + account.counts["kills"] + account.counts["redeliveries"]


def test_the_same_seed_gives_the_same_day() -> None:
    first, second, other = run_batch(3, 150), run_batch(3, 150), run_batch(4, 150)
    assert (first.counts, first.states) == (second.counts, second.states)
    assert first.counts != other.counts


# --- that the simulation sees what it is there to see --------------------------------------------------


def _always_mine(stored: Any, revision: int, *, now: str, who: str, **_: Any) -> Any:
    return Claim.MINE, stored.step("claimed", now=now, who=who, to=push.State.CLAIMED)


def _never_asks(world: Any, going: Any, target: Any, who: str) -> Steps[Any]:
    record = going.record.step("not asked", now=world.clock.now(), who=who, to=push.State.MAPPED)
    push._save(world, going.record, record)
    return record
    yield  # it is one of the steps, as what it stands for


def _all_the_same(stored: Any, key: Any, **keywords: Any) -> Any:
    arrival, record = arrive(stored, key, **keywords)
    return (Arrival.STALE, stored) if arrival is Arrival.REVISION else (arrival, record)


arrive = arrivals.arrive


@pytest.mark.parametrize(
    ("place", "name", "broken", "count"),
    [
        (push, "claim", _always_mine, "duplicates"),
        (push, "_ask", _never_asks, "duplicates"),
        (arrivals, "arrive", _all_the_same, "losses"),
        (inbound, "resume_invoices", lambda world, number: None, "losses"),
    ],
    ids=["no claim", "no asking", "no revisions", "early invoices forgotten"],
)
def test_a_connector_that_breaks_its_promise_is_noticed(
    place: Any, name: str, broken: Callable[..., Any], count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, broken)
    for seed in range(6):
        account = run_batch(seed, 200, Rates(faults=0.2, kills=0.04))
        if getattr(account, count):
            return
    pytest.fail(f"nothing broken was noticed: {count} are 0")


def test_what_never_comes_to_an_end_is_unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "LONGEST_SECONDS", 12 * 3600.0)
    batch = Batch(1, 100, Rates())
    batch.queues["rsx_to_push"].consumer = None  # nobody works on this queue
    batch.run()
    account = batch.account()
    assert account.losses > 0
    assert any("still MAPPED" in problem for problem in account.problems)
    assert any("never came to an end" in problem for problem in account.problems)


# --- the command ----------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Batches of 40 documents, the state kept apart."""
    monkeypatch.setattr(runs, "BATCH_DOCUMENTS", 40)
    monkeypatch.setattr(command, "STATE", tmp_path)
    return tmp_path


def test_the_last_line_of_the_command_is_its_figures_as_json(small: Path) -> None:
    answer = CliRunner().invoke(
        app, ["simulate-faults", "--documents", "100", "--seed", "5", "--processes", "2"]
    )
    figures = json.loads(answer.stdout.splitlines()[-1])
    assert answer.exit_code == 0
    assert set(figures) == {
        "documents",
        "duplicates",
        "losses",
        "unexplained",
        "faults",
        "kills",
        "redeliveries",
        "redrives",
        "timeouts",
        "seed",
        "seconds",
    }
    assert figures["documents"] >= 100
    assert list(small.iterdir()) == []


def test_a_stopped_run_goes_on_where_it_was_and_comes_to_the_same(small: Path) -> None:
    whole = Run(120, 5, small / "whole.json")
    whole.go(1, lambda result: None)

    def stop(result: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Run(120, 5, small / "5.json").go(1, stop)
    rest = Run.of(120, 5, small)
    assert rest.done == 40
    rest.go(1, lambda result: None)
    assert {**rest.figures(), "seconds": 0} == {**whole.figures(), "seconds": 0}
    assert Run.of(120, 5, small).done == 0


def test_results_of_other_code_are_not_gone_on_with(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(80, 5, small / "5.json")
    run.results[0] = runs.one_batch(runs.batch_seed(5, 0), 40)
    run._keep()
    assert Run.of(80, 5, small).done == 40
    assert Run.of(80, 5, small, fresh=True).done == 0
    monkeypatch.setattr(runs, "_code", lambda: "changed")
    assert Run.of(80, 5, small).done == 0


def test_one_batch_alone_tells_its_problems_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "claim", _always_mine)
    answer = CliRunner().invoke(app, ["simulate-faults", "--only", "3", "--documents", "300"])
    *problems, figures = answer.stdout.splitlines()
    assert answer.exit_code == 1
    assert any(problem.startswith("duplicate: ") for problem in problems)
    assert json.loads(figures)["duplicates"] > 0
    too_many = CliRunner().invoke(app, ["simulate-faults", "--only", "3", "--documents", "3000"])
    assert too_many.exit_code == 2
