"""`connector export` and `import`: a connection written whole in open formats, and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from cli.output import JsonOption, console, counted, err, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.adapters.bundles import open_bundle, write_bundle
from connector.usecases import exporting
from connector.usecases.exporting import Stores


@guarded
def export(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    target: Annotated[Path, typer.Argument(metavar="FILE.zip|DIR", help="A new zip file, or a folder.")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Write a connection whole: documents, histories, payloads, packs, settings. Never a secret.

    A folder that an export stopped in is gone on with.
    """
    if target.suffix == ".zip" and target.exists():
        raise errors.BadUse(f"{target} is there already", code="file_exists", fix="name another file")
    if target.is_dir() and any(target.iterdir()) and not (target / "connection.json").exists():
        raise errors.BadUse(f"{target} holds something else", code="file_exists", fix="name an empty folder")
    counts: dict[str, int] = {"document": 0, "payload": 0}
    with counting("exporting", as_json) as tick:

        def progress(what: str) -> None:
            counts[what] += 1
            tick(what)

        try:
            write_bundle(target, exporting.export(stores(Stack(stack)), connection, progress))
        except OSError as error:
            raise errors.BadUse(f"{target}: {error.strerror}", code="file_unwritable") from None
    if as_json:
        show_json(
            {"connection": connection, "target": str(target), **{f"{k}s": n for k, n in counts.items()}}
        )
    else:
        documents, payloads = (counted(counts[name], name) for name in ("document", "payload"))
        console.print(f"{connection}: {documents} and {payloads} in {target}", soft_wrap=True)


@guarded
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE.zip|DIR", help="What `connector export` wrote.")],
    into: Annotated[str, typer.Option("--as", help="Give the connection another id.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Only check that the export is whole.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Read an exported connection back; overwrites nothing and may be repeated. Exit 1 on what differs.

    Secrets, schedules and webhooks are not in an export: `connector connections add` sets them up. Stop the
    connection where it came from first (`connector connections remove`), or both will send.
    """
    if not source.exists():
        raise errors.BadUse(f"{source}: there is no such file", code="file_unreadable")
    bundle = open_bundle(source)
    with counting("checking" if check else "importing", as_json) as tick:
        if check:
            manifest = exporting.check(bundle, tick)
            files = manifest["files"]
            documents = files["documents.jsonl"]["lines"]
            text = f"{manifest['connection']}: whole, {documents} documents, {manifest['payloads']} payloads"
            result = {"connection": manifest["connection"], "documents": documents, "whole": True}
        else:
            result = exporting.bring_in(stores(Stack(stack)), bundle, into=into, progress=tick)
            counts = ", ".join(f"{count} {what}" for what, count in result["counts"].items())
            text = f"{result['connection']}: {counts}"
    if as_json:
        show_json(result)
    else:
        console.print(text, soft_wrap=True)
        for conflict in result.get("conflicts", ()):
            err.print(f"there already, and different: {conflict}", style="yellow")
    if result.get("conflicts"):
        raise typer.Exit(1)


def stores(stack: Stack) -> Stores:
    wiring = stack.wiring
    return Stores(wiring.ledger, wiring.notes, wiring.archive, wiring.clock)


@contextmanager
def counting(what: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A running count on the terminal, for work whose length nobody knows."""
    columns = TextColumn("{task.description}"), TextColumn("{task.completed:.0f}"), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task(what)
        yield lambda one: progress.advance(task)
