"""The `connector` command: puts the command modules together, and nothing else.

A command module is imported only when its command is used, so that offline commands start at once and need no
AWS; `COMMANDS` is where a new command is added.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from cli.output import err
from connector import __version__

# name -> where it is: a function, or a Typer with commands of its own
COMMANDS = {
    "map": "cli.offline:map_file",
    "check": "cli.checking:check_file",
    "connections": "cli.connections:app",
    "authorize": "cli.authorize:authorize",
    "business": "cli.looking:business",
    "overview": "cli.looking:overview",
    "documents": "cli.documents:documents",
    "show": "cli.documents:show",
    "diff": "cli.looking:diff",
    "acknowledge": "cli.acknowledging:acknowledge",
    "replay": "cli.replaying:replay",
    "hold": "cli.holding:hold",
    "resolve": "cli.replaying:resolve",
    "queues": "cli.looking:queues",
    "redrive": "cli.replaying:redrive",
    "reconcile": "cli.replaying:reconcile",
    "verify-history": "cli.replaying:verify_histories",
    "rehearse": "cli.rehearsing:rehearse",
    "report": "cli.reports:app",
    "evidence": "cli.evidence:evidence",
    "backfill": "cli.backfill:backfill",
    "export": "cli.exporting:export",
    "import": "cli.exporting:import_",
    "partners": "cli.partners:app",
    "shipments": "cli.shipments:app",
    "people": "cli.people:app",
    "ping": "cli.documents:ping",
    "rules": "cli.rules:rules",
    "errors": "cli.documents:explain_error",
    "simulate": "cli.simulate:simulate",
    "simulate-faults": "cli.simulate_faults:simulate_faults",
    "simulate-backlog": "cli.simulate_backlog:simulate_backlog",
    "demo": "cli.demo:demo",
}


class OneLineErrors(TyperGroup):
    """Loads commands when they are used; tells bad use in one line on stderr, with exit 2."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        command = typer.main.get_command(found if isinstance(found, typer.Typer) else _alone(name, found))
        command.name = name
        return command

    def main(self, *arguments: Any, standalone_mode: bool = True, **keywords: Any) -> Any:
        if not standalone_mode:
            return super().main(*arguments, standalone_mode=False, **keywords)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8
        try:
            code = super().main(*arguments, standalone_mode=False, **keywords)
        except TyperException as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                print(error.format_message())
            else:
                text = " ".join(error.format_message().split())
                text = text.replace("Value error, ", "").replace("Input should", "it must")
                context = getattr(error, "ctx", None)
                path = context.command_path.partition(" ")[2] if context else ""
                more = " ".join(["connector", *path.split(), "--help"])
                err.print(f"error: {text} ({more})", style="red", soft_wrap=True)
            sys.exit(2)
        except Abort:
            err.print("stopped")
            sys.exit(130)
        except Exception as error:  # a fault of ours: one line too, unless somebody wants to see more
            if os.environ.get("CONNECTOR_DEBUG"):
                raise
            text = f"error: {type(error).__name__}: {' '.join(str(error).split())} (CONNECTOR_DEBUG=1 shows more)"
            err.print(text, style="red", soft_wrap=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _alone(name: str, function: Callable[..., Any]) -> typer.Typer:
    alone = typer.Typer(add_completion=False)
    alone.command(name)(function)
    return alone


app = typer.Typer(
    cls=OneLineErrors,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Connects FreshBooks accounting with SPS Commerce retail EDI.",
    epilog="Exit codes: 0 done, 1 findings or failures, 2 bad use or bad input.",
)


@app.callback(invoke_without_command=True)
def connector(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())
