"""`connector hold`: keep a document that is not on its way yet from being sent."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import JsonOption, console, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from connector.ledger import DocumentKey
from connector.usecases import replaying


@guarded
def hold(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document, as listed.")],
    reason: Annotated[str, typer.Option(help="Why; kept on its history.")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Hold a document back until somebody replays it. Exit 1 where it is on its way or done already."""
    key = DocumentKey.of(document)
    world = Stack(stack).wiring.world(key.connection)
    held = replaying.hold_back(world, key, who=person(), reason=reason)
    if as_json:
        show_json({"id": key.id, "state": held.state})
    else:
        console.print(f"{key.id} is held; `connector replay` lets it go on.")
