"""`connector simulate-faults`: the connector through everything that can go wrong, and the account afterwards."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.output import err, guarded
from connector import errors
from local.faults.runs import BATCH_DOCUMENTS, Result, Run, one_batch

STATE = Path(".simulate")
DOCUMENTS = 10_000


@guarded
def simulate_faults(
    documents: Annotated[int | None, typer.Option(min=1, help="How many documents (default 10000).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything follows from it.")] = 1,
    only: Annotated[int | None, typer.Option(help="Run one batch alone, by its own seed.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what a stopped run has done.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="How many batches at a time.")] = os.cpu_count() or 1,
) -> None:
    """Put documents through lost replies, kills, redeliveries, redrives and wrong clocks; count what goes wrong.

    No network and no AWS: the use cases run on stand-ins, in simulated time. Ctrl+C stops it, the same command
    goes on. The last line is JSON; the exit code is 1 if a document is there twice, lost, or unexplained.
    """
    if only is not None:
        size = documents or BATCH_DOCUMENTS
        if size > BATCH_DOCUMENTS:
            raise errors.BadUse(f"a batch has {BATCH_DOCUMENTS:,} documents at most", code="batch_too_large")
        run = Run(size, only, STATE)
        began = time.monotonic()
        run.results[0] = one_batch(only, size)
        run.seconds = time.monotonic() - began
        for problem in run.results[0].problems:
            print(problem)
    else:
        run = Run.of(documents or DOCUMENTS, seed, STATE, fresh=fresh)
        if run.done:
            err.print(f"going on after {run.done:,} documents (--fresh starts anew)")
        try:
            _go(run, processes)
        except KeyboardInterrupt:
            err.print(f"stopped after {run.done:,} of {run.documents:,} documents; the same command goes on")
            raise typer.Exit(130) from None
    print(json.dumps(run.figures()), flush=True)
    if not all(result.good for result in run.results.values()):
        raise typer.Exit(1)


def _go(run: Run, processes: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("documents", total=run.documents, completed=run.done)

        def told(result: Result) -> None:
            progress.update(bar, completed=run.done)
            if not result.good:
                _tell_failure(result)
            elif not sys.stderr.isatty():
                print(f"{run.done:,} of {run.documents:,} documents", flush=True)

        run.go(processes, told)


def _tell_failure(result: Result) -> None:
    again = f"connector simulate-faults --only {result.seed} --documents {result.documents}"
    err.print(f"batch {result.seed} failed, alone: {again}", style="red", soft_wrap=True)
    for problem in result.problems[:5]:
        err.print(f"  {problem}", soft_wrap=True)
