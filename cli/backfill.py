"""`connector backfill`: documents of the time before the connector, registered and never sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from cli.output import CsvOption, JsonOption, console, err, guarded, show_csv, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.documents.reading import MAX_BYTES
from connector.usecases import backfilling
from connector.usecases.backfilling import Window

COLUMNS = ("document", "what", "date", "detail")
_DAY = ["%Y-%m-%d"]
_ASK = frozenset({"unreadable", "held"})


@guarded
def backfill(
    since: Annotated[datetime, typer.Option(formats=_DAY, help="The first day to import.")],
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="The last day to import.")] = None,
    cut_over: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="The day from which the connector is responsible; kept once said."),
    ] = None,
    files: Annotated[
        Path | None, typer.Option(help="A folder of files that SPS delivered: orders, changes, shipments.")
    ] = None,
    books: Annotated[
        bool, typer.Option(help="Also FreshBooks' invoices, and its bills of the orders.")
    ] = True,
    connection: Annotated[
        str, typer.Option("--connection", "-c", help="Which; the only one if not said.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before importing.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import the past: what is dated before the cut-over is registered and never sent; what is known is passed over.

    Orders are kept for later invoices and shipments and tied to the bills that somebody made of them by hand. May
    be stopped and repeated. Exit 1 where something could not be read or is held.
    """
    world = Stack(stack).world(connection)
    day = cut_over.date() if cut_over else world.connection.cut_over
    if day is None:
        raise errors.BadUse(
            "the connection has no cut-over yet",
            code="no_cut_over",
            fix="say from which day the connector is responsible: --cut-over DATE",
        )
    window = Window(since.date(), until.date() if until else None)
    if window.until is not None and window.until < window.since:
        raise errors.BadUse("--until is before --since", code="bad_window")
    found = list(read_folder(files)) if files is not None else []
    changes = day != world.connection.cut_over
    if not dry_run and not yes:
        if changes:
            err.print(f"What is dated before {day} will not be billed or sent.")
        where = " and ".join(
            [*([f"{len(found)} files"] if found else []), *(["FreshBooks"] if books else [])]
        )
        if not typer.confirm(f"Import {where} into {world.id}?", err=True):
            raise typer.Exit(1)
    if dry_run:
        world.connection = world.connection.model_copy(update={"cut_over": day})
    elif changes:
        backfilling.set_cut_over(world, day)
    every = backfilling.backfill(world, found, window, books=books, dry_run=dry_run)
    quiet = as_json or as_csv or not err.is_terminal
    result = backfilling.told(track(every, "importing", total=None, console=err, disable=quiet))
    show(world.id, day, result, dry_run, as_csv, as_json)
    if _ASK & result["counts"].keys():
        raise typer.Exit(1)


def read_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a folder and those below it, by their path in it."""
    if not folder.is_dir():
        raise errors.BadUse(f"{folder}: there is no such folder", code="file_unreadable")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            if path.stat().st_size > MAX_BYTES:
                raise errors.BadUse(f"{path} is too large", code="file_unreadable", fix="split the file")
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def show(
    connection: str, day: date, result: dict[str, Any], dry_run: bool, as_csv: bool, as_json: bool
) -> None:
    if as_json:
        show_json({"connection": connection, "cut_over": day.isoformat(), "dry_run": dry_run, **result})
        return
    if as_csv:
        show_csv(COLUMNS, result["rows"])
        return
    table = Table(*COLUMNS)
    for row in result["rows"]:
        table.add_row(*(row[name] for name in COLUMNS))
    console.print(table if result["rows"] else "Nothing is in the window.")
    counts = ", ".join(f"{count} {what}" for what, count in result["counts"].items())
    console.print(f"{counts or 'nothing'}; cut-over {day}. " + ("Nothing was written." if dry_run else ""))
