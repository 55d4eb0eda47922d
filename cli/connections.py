"""`connector connections`: everything that belongs to one connection of a stack, made and removed.

A connection is a settings note, four secrets, two schedules and FreshBooks' callbacks. Adding it again
changes its settings and repairs what is missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.output import JsonOption, console, err, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.settings import Connection, connection_of
from connector.usecases.registering import register_callbacks, unconfirmed
from connector.usecases.tokens import REFRESH_LEASE_SECONDS
from connector.usecases.webhooks import Noun

app = typer.Typer(
    help="Connections: one FreshBooks business paired with one SPS account.",
    no_args_is_help=True,
    add_completion=False,
)

HANDSHAKE_SECONDS = 90
POLLERS = {"sps": ("poll-sps", "PollSpsArn"), "freshbooks": ("poll-freshbooks", "PollFreshbooksArn")}


def add_connection(
    stack: Stack,
    connection: Connection,
    *,
    freshbooks: dict[str, Any],
    sps: dict[str, Any],
    sps_every: str = "rate(15 minutes)",
    freshbooks_every: str = "rate(60 minutes)",
    public_url: str = "",
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Make or repair a connection. `freshbooks` holds client_id, client_secret and, where it is authorized
    already, access_token, refresh_token and expires_at; `sps` client_id and client_secret."""
    wiring = stack.wiring
    say("secrets")
    with wiring.leases.hold(f"{connection.id}/freshbooks-token", REFRESH_LEASE_SECONDS) as fence:
        if fence is None:  # what is written here would put the used up token in the place of the new one
            raise errors.Busy(
                "FreshBooks' token is being renewed", fix="add the connection again in a minute"
            )
        kept = wiring.secrets.read(connection.id, "freshbooks") or {}
        wiring.secrets.create(
            connection.id, "freshbooks", {**kept, **freshbooks}, "FreshBooks application and tokens"
        )
    wiring.secrets.create(connection.id, "sps", sps, "SPS application")
    if wiring.secrets.read(connection.id, "sps-token") is None:
        wiring.secrets.create(connection.id, "sps-token", {}, "SPS access token, shared by all functions")
    if wiring.secrets.read(connection.id, "webhooks") is None:
        wiring.secrets.create(connection.id, "webhooks", {}, "Keys of FreshBooks' callbacks")
    say("settings")
    wiring.notes.write(
        "", "connection", connection.id, connection.model_dump(mode="json", exclude_defaults=True)
    )
    if kept.get("refresh_token") or freshbooks.get("refresh_token"):
        say("webhooks")
        register_webhooks(stack, connection, public_url or stack.outputs["ApiUrl"])
    say("schedules")
    every = {"sps": sps_every, "freshbooks": freshbooks_every}
    for poller, rate in every.items():
        _schedule(stack, connection.id, poller, rate)
    minutes = {poller: int("".join(filter(str.isdigit, rate))) for poller, rate in every.items()}
    wiring.notes.write(connection.id, "poll", "every", {**minutes, "since": wiring.clock.now()})


def register_webhooks(stack: Stack, connection: Connection, public_url: str) -> list[Noun]:
    """Have FreshBooks call us for invoices and bills; waits until each callback's handshake is through.

    The events that it did not call for before.
    """
    wiring = stack.wiring
    made = register_callbacks(
        connection.id,
        public_url,
        secrets=wiring.secrets,
        leases=wiring.leases,
        notes=wiring.notes,
        freshbooks=wiring.freshbooks(connection),
    )
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    while waiting := unconfirmed(connection.id, wiring.secrets, wiring.notes):
        if time.monotonic() > deadline:
            raise errors.OutcomeUnknown(
                f"FreshBooks did not confirm the callbacks of: {', '.join(waiting)}",
                code="callback_not_confirmed",
                fix=f"check that {public_url} can be reached from the internet, then register them again",
            )
        time.sleep(0.3)
    return made


def poll_now(stack: Stack, connection: str) -> None:
    """Have both vendors polled at once, beside what the schedules do."""
    for _, output in POLLERS.values():
        stack.client("lambda").invoke(
            FunctionName=stack.outputs[output],
            InvocationType="Event",
            Payload=json.dumps({"connection": connection}),
        )


def _schedule(stack: Stack, connection: str, poller: str, rate: str) -> None:
    name, output = POLLERS[poller]
    scheduler = stack.client("scheduler")
    settings: dict[str, Any] = {
        "Name": f"{connection}-{name}",
        "GroupName": stack.outputs["ScheduleGroup"],
        "ScheduleExpression": rate,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Target": {
            "Arn": stack.outputs[output],
            "RoleArn": stack.outputs["SchedulerRoleArn"],
            "Input": json.dumps({"connection": connection}),
            "RetryPolicy": {"MaximumRetryAttempts": 0},
            "DeadLetterConfig": {"Arn": stack.outputs["SchedulesFailedArn"]},
        },
    }
    try:
        scheduler.create_schedule(**settings)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**settings)


def remove_connection(stack: Stack, connection_id: str) -> None:
    """Stop the connection: schedules, callbacks, secrets (recoverable for a week), settings. Documents stay."""
    wiring = stack.wiring
    connection = wiring.connection(connection_id)
    scheduler = stack.client("scheduler")
    for name, _ in POLLERS.values():
        with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
            scheduler.delete_schedule(
                Name=f"{connection_id}-{name}", GroupName=stack.outputs["ScheduleGroup"]
            )
    try:
        client = wiring.freshbooks(connection)
        for callback in client.list_callbacks():
            if f"/webhooks/freshbooks/{connection_id}/" in (callback.uri or ""):
                client.delete_callback(callback.callbackid)
    except errors.ConnectorError as error:
        err.print(f"FreshBooks' callbacks were not removed: {error.message}")
    for secret in ("freshbooks", "sps", "sps-token", "webhooks"):
        wiring.secrets.delete(connection_id, secret)
    wiring.notes.remove("", "connection", connection_id)


def _minutes(minutes: int) -> str:
    return f"rate({minutes} minute{'s' if minutes != 1 else ''})"


def _secret(name: str, prompt: str) -> str:
    value = os.environ.get(name, "")
    if not value and not sys.stdin.isatty():
        raise errors.BadUse(f"nobody can be asked for the {prompt}", code="no_secret", fix=f"set {name}")
    return value or str(typer.prompt(prompt, hide_input=True, err=True))


@app.command("add")
@guarded
def add(
    connection_id: Annotated[str, typer.Argument(metavar="ID", help="A short name: a-z, 0-9 and dashes.")],
    account_id: Annotated[str, typer.Option(help="FreshBooks account id, such as xZNQ1X.")],
    freshbooks_client_id: Annotated[str, typer.Option(help="Client id of your FreshBooks application.")],
    sps_client_id: Annotated[str, typer.Option(help="Client id of your SPS machine-to-machine application.")],
    category: Annotated[
        str, typer.Option(help="FreshBooks expense category of bill lines.")
    ] = "Cost of Goods Sold",
    settings: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with further settings: tables sps, freshbooks, profile (docs/deploy.md)."
        ),
    ] = None,
    sps_minutes: Annotated[int, typer.Option(min=1, max=1440, help="Minutes between polls of SPS.")] = 15,
    freshbooks_minutes: Annotated[
        int, typer.Option(min=1, max=1440, help="Minutes between reconcile polls.")
    ] = 60,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Add a connection, or change one. Asks for the two client secrets, or reads them from
    CONNECTOR_FRESHBOOKS_SECRET and CONNECTOR_SPS_SECRET: never from the command line."""
    more: dict[str, Any] = {}
    if settings is not None:
        try:
            more = tomllib.loads(settings.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise errors.BadUse(f"{settings}: {error}", code="settings_unreadable") from None
    reached = Stack(stack)
    side = {
        "redirect_uri": f"{reached.outputs['ApiUrl']}/oauth/freshbooks/callback",
        **more.get("freshbooks", {}),
    }
    connection = connection_of(
        {"category": category, **more, "id": connection_id, "freshbooks": {**side, "account_id": account_id}}
    )
    freshbooks = {
        "client_id": freshbooks_client_id,
        "client_secret": _secret("CONNECTOR_FRESHBOOKS_SECRET", "FreshBooks client secret"),
    }
    sps = {"client_id": sps_client_id, "client_secret": _secret("CONNECTOR_SPS_SECRET", "SPS client secret")}
    add_connection(
        reached,
        connection,
        freshbooks=freshbooks,
        sps=sps,
        sps_every=_minutes(sps_minutes),
        freshbooks_every=_minutes(freshbooks_minutes),
        say=lambda text: err.print(f"  {text}"),
    )
    if as_json:
        show_json({"connection": connection_id, "redirect_uri": connection.freshbooks.redirect_uri})
    else:
        console.print(
            f"Connection {connection_id} is there. Register this redirect address with your FreshBooks"
        )
        console.print(f"application: {connection.freshbooks.redirect_uri}", soft_wrap=True)
        console.print(f"Then: `connector authorize {connection_id}`.")


@app.command("list")
@guarded
def list_(stack: StackOption = DEFAULT_STACK, as_json: JsonOption = False) -> None:
    """The connections of the stack."""
    wiring = Stack(stack).wiring
    rows = []
    for connection_id in wiring.connections():
        connection = wiring.connection(connection_id)
        polls = wiring.notes.read_all(connection_id, "poll")
        rows.append(
            {
                "id": connection_id,
                "name": connection.name,
                "account_id": connection.freshbooks.account_id,
                "partners": len(wiring.notes.read_all(connection_id, "pack")),
                "last_sps_poll": polls.get("sps", {}).get("at", ""),
                "last_freshbooks_poll": polls.get("freshbooks", {}).get("at", ""),
            }
        )
    if as_json:
        show_json({"connections": rows})
        return
    table = Table(
        "connection", "name", "FreshBooks account", "partners", "last SPS poll", "last FreshBooks poll"
    )
    for row in rows:
        table.add_row(*(str(value)[:19] for value in row.values()))
    console.print(table if rows else "No connection yet: `connector connections add`.")


@app.command("webhooks")
@guarded
def webhooks(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Register again the webhooks that FreshBooks has switched off or lost; waits until it has confirmed them."""
    reached = Stack(stack)
    made = register_webhooks(reached, reached.wiring.connection(connection_id), reached.outputs["ApiUrl"])
    if as_json:
        show_json({"connection": connection_id, "registered": made})
    else:
        console.print(
            f"FreshBooks calls {connection_id} for invoices and bills"
            + (f"; registered anew: {', '.join(made)}." if made else ", as before.")
        )


@app.command("poll")
@guarded
def poll(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Poll both vendors now, not only when the schedules say so."""
    reached = Stack(stack)
    reached.wiring.connection(connection_id)
    poll_now(reached, connection_id)
    if as_json:
        show_json({"polling": connection_id})
    else:
        console.print(f"Connection {connection_id} is being polled; see `connector documents`.")


@app.command("remove")
@guarded
def remove(
    connection_id: Annotated[str, typer.Argument(metavar="ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Remove a connection's schedules, callbacks, secrets and settings. Its documents and history stay."""
    opened = Stack(stack)
    opened.wiring.connection(connection_id)
    if not yes:
        typer.confirm(f"Stop syncing {connection_id} and remove its credentials?", abort=True, err=True)
    remove_connection(opened, connection_id)
    show_json({"removed": connection_id}) if as_json else console.print(
        f"Connection {connection_id} is removed."
    )
