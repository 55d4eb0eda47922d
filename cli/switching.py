"""`connector partners live | shadow`: whether anything is sent for a trading partner."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from cli.output import JsonOption, console, counted, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from connector import errors
from connector.rules.packs import PartnerPack
from connector.usecases import packs

ConnectionArgument = Annotated[str, typer.Argument(metavar="CONNECTION")]
PartnerArgument = Annotated[str, typer.Argument(metavar="PARTNER", help="The TradingPartnerId.")]


@guarded
def live(
    connection: ConnectionArgument,
    partner: PartnerArgument,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Leave out what came before this day: it is closed, never sent."
        ),
    ] = None,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Switch a partner live: what was held in shadow mode is sent, once."""
    _switch(connection, partner, "live", f"{since:%Y-%m-%d}" if since else "", stack, as_json)


@guarded
def shadow(
    connection: ConnectionArgument,
    partner: PartnerArgument,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Switch a partner to shadow mode: everything is mapped and checked, within a minute nothing is sent."""
    _switch(connection, partner, "shadow", "", stack, as_json)


def _switch(
    connection: str, partner: str, mode: Literal["live", "shadow"], since: str, stack: str, as_json: bool
) -> None:
    world = Stack(stack).world(connection)
    pack_named(world.packs(), connection, partner)
    done = packs.switch(world, partner, mode, since=since, who=person())
    if as_json:
        show_json({"connection": connection, "partner": partner, "mode": mode, **done})
    else:
        console.print(
            f"{partner} is {mode}."
            + (
                f" {counted(done['resumed'], 'document')} to be sent, {done['skipped']} left out."
                if mode == "live"
                else ""
            )
        )


def pack_named(packs: Any, connection: str, partner: str) -> PartnerPack:
    """The partner's pack; BadUse where nobody has set it up."""
    if partner not in packs:
        fix = f"`connector partners list {connection}` names them"
        raise errors.BadUse(f"partner {partner} is not set up", code="no_such_partner", fix=fix)
    pack: PartnerPack = packs[partner]
    return pack
