"""`connector authorize`: have a person allow the connection in FreshBooks, then register its webhooks."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cli.connections import register_webhooks
from cli.output import JsonOption, console, err, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.usecases.tokens import STATE_SECONDS, authorize_start, scopes_for


@guarded
def authorize(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    wait: Annotated[bool, typer.Option(help="Wait until FreshBooks has sent the person back.")] = True,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Print the address at which a person logs in to FreshBooks and allows the connection.

    The same again repairs a connection whose token is stranded. The redirect address has to be registered with
    your FreshBooks application exactly as `connections add` printed it.
    """
    reached = Stack(stack)
    wiring = reached.wiring
    settings = wiring.connection(connection)
    kept = wiring.secrets.read(connection, "freshbooks")
    if not kept:
        raise errors.BadUse(f"connection {connection} has no FreshBooks credentials", code="no_credentials")
    before = kept.get("refresh_token")
    address = authorize_start(
        connection,
        client_id=kept["client_id"],
        redirect_uri=settings.freshbooks.redirect_uri,
        key=wiring.oauth_state_key(),
        clock=wiring.clock,
        url=settings.freshbooks.authorize_url,
        scopes=scopes_for(reached.world(connection).packs().values()),
    )
    if as_json:
        show_json({"connection": connection, "address": address})
    else:
        console.print(address, soft_wrap=True)
    if not wait:
        return
    err.print("Open the address in a browser, within ten minutes. Waiting for FreshBooks …")
    until = time.monotonic() + STATE_SECONDS
    while (wiring.secrets.read(connection, "freshbooks") or {}).get("refresh_token") == before:
        if time.monotonic() > until:
            raise errors.Busy(
                "nobody allowed the connection in time", code="not_authorized", fix="run this again"
            )
        time.sleep(2)
    err.print("Allowed. Registering webhooks …")
    register_webhooks(reached, settings, reached.outputs["ApiUrl"])
    err.print(f"Connection {connection} is ready: `connector ping {connection}`.")
