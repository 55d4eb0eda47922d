"""`connector simulate-backlog`: how long a full mailbox takes, compared with what the vendors' limits allow."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.output import err, guarded
from local.faults.backlog import FRESHBOOKS_PER_MINUTE, SPS_PER_MINUTE, drain


@guarded
def simulate_backlog(
    documents: Annotated[int, typer.Option(min=1, help="How many orders wait.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Everything follows from it.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone.")] = False,
) -> None:
    """Let a backlog drain in simulated time against limited vendors. The last line is JSON.

    Exit 1 where it took more than 1.05 times what the limits allow (as some thousand orders do: the first minute
    fills the pipe), a request was refused as one too many, a message died, a function ran out of time, or an order has
    no bill.
    """
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("bills", total=documents)
        drained = drain(documents, seed, told=lambda done: progress.update(bar, completed=done))
    if not as_json:
        print(
            f"{drained.documents:,} orders at {FRESHBOOKS_PER_MINUTE} requests a minute to FreshBooks and "
            f"{SPS_PER_MINUTE} to SPS: {drained.seconds / 3600:.2f} h, {drained.ratio:.3f} times what they allow; "
            f"{drained.throttled} requests too many, {drained.dead} dead letters, {drained.timeouts} timeouts."
        )
    print(json.dumps({**drained.figures(), "seed": seed, "seconds": round(time.monotonic() - began, 1)}))
    if not drained.good:
        raise typer.Exit(1)
