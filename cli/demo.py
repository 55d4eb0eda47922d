"""`connector demo`: a day of business on this machine, and an account of every document at its end."""

from __future__ import annotations

import shlex
import threading
import time
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from cli.output import JsonOption, console, err, guarded, show_json, tinted
from local.account import Account
from local.cloud import CloudError
from local.demo import GROUPS, PASSWORD, Demo, DemoFailed

SHOWN = (
    "RECEIVED",
    "MAPPED",
    "CLAIMED",
    "IN_DOUBT",
    "HELD",
    "REJECTED",
    "SKIPPED",
    "CANCELLED",
    "DELIVERED",
    "PICKED_UP",
)
REFRESH_SECONDS = 1.5


@guarded
def demo(
    seed: Annotated[int, typer.Option(help="Which day: the same seed gives the same documents.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, to look around.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Play a day of business in both directions through the deployed template, against simulated vendors.

    Exit 0 only if both vendors have every document exactly once.
    """
    began = time.monotonic()

    def say(text: str) -> None:
        err.print(tinted(f"{time.monotonic() - began:6.1f} s", "dim", f"  {text}"), soft_wrap=True)

    try:
        with Demo(seed).running(say) as day:
            account = _play(day, say)
            if as_json:
                show_json({"seed": seed, **account.figures(), "rows": [row.__dict__ for row in account.rows]})
            else:
                _show(account)
            say(f"finished; {'everything is there exactly once' if account.ok else 'SOMETHING IS WRONG'}")
            if keep:
                _stay(day)
    except (CloudError, DemoFailed) as error:
        err.print(f"error: {error}", style="red")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("stopped; nothing is left running")
        raise typer.Exit(130) from None
    if not account.ok:
        raise typer.Exit(1)


def _play(day: Demo, say) -> Account:  # type: ignore[no-untyped-def]
    """Run the day under a table that moves; where the output is no terminal, under lines instead."""
    looked = 0.0
    if not err.is_terminal:

        def lines(phase: str) -> None:
            nonlocal looked
            if time.monotonic() - looked > 5:
                looked = time.monotonic()
                counts = " · ".join(
                    f"{connection}: " + ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
                    for connection, states in day.states().items()
                )
                say(f"{phase} … {counts}")

        return day.play(say, lines)
    with Live(console=err, refresh_per_second=4, transient=True) as live:

        def table(phase: str) -> None:
            nonlocal looked
            if time.monotonic() - looked > REFRESH_SECONDS:
                looked = time.monotonic()
                live.update(_states(day, phase))

        return day.play(say, table)


def _states(day: Demo, phase: str) -> Table:
    table = Table("connection", *(state.replace("_", " ").lower() for state in SHOWN), title=f"{phase} …")
    for connection, states in day.states().items():
        table.add_row(connection, *(str(states[state] or "·") for state in SHOWN))
    return table


def _show(account: Account) -> None:
    table = Table("connection", "document", "number", "state", "at the vendor", "", title="The day's account")
    for row in account.rows:
        mark = ("ok", "green") if row.ok else ("WRONG", "red")
        table.add_row(
            row.connection,
            row.kind,
            row.number,
            row.state,
            f"{row.found} of {row.expected}",
            tinted(*mark, f" {row.note.lstrip('! ')}"),
        )
    console.print(table)
    for text in account.foreign:
        console.print(f"not expected at the vendor: {text}", style="red")
    for text in account.open:
        console.print(f"not in a final state: {text}", style="red")
    figures = account.figures()
    console.print(
        f"{figures['documents']} documents: {figures['duplicates']} duplicates, {figures['losses']} lost, "
        f"{figures['wrong']} wrong; {figures['repeats_absorbed']} repeats absorbed; neither connection saw the "
        f"other's: {'yes' if not account.foreign else 'NO'}. The day took {figures['seconds']} s."
    )


def _stay(day: Demo) -> None:
    cloud = day.cloud
    console.print("\nStill running. In another terminal, to use the connector's commands on this stack:")
    environment = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "CONNECTOR_STACK": day.stack.name,
        "CONNECTOR_API_URL": cloud.api_url,
    }
    console.print(
        "  export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items()),
        soft_wrap=True,
    )
    console.print("  .venv/bin/connector documents")
    console.print(
        f"console               {cloud.console_url}  (sign in as {' or '.join(GROUPS)}, password {PASSWORD})",
        soft_wrap=True,
    )
    console.print(f"SPS simulator         {day.sps_url}/_control/state")
    console.print(f"FreshBooks simulator  {day.freshbooks_url}/_control/state")
    console.print("Ctrl+C stops everything.")
    threading.Event().wait()
