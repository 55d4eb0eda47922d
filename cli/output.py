"""How every command talks: results on stdout, everything else on stderr, errors as one line, exit codes."""

from __future__ import annotations

import csv
import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector import errors

# a pipe or a log has no width of its own: wide enough that no table cell is cut
WIDE = None if sys.stdout.isatty() else 160
# documents are other people's words: what they have in brackets is text
console = Console(width=WIDE, markup=False)
err = Console(stderr=True, markup=False)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")]

P = ParamSpec("P")
R = TypeVar("R")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """The exit contract: bad use or bad input ends with one line on stderr and 2, other failures with 1."""

    @functools.wraps(command)
    def run(*arguments: P.args, **keywords: P.kwargs) -> R:
        try:
            return command(*arguments, **keywords)
        except errors.ConnectorError as error:
            fail(error)
            raise typer.Exit(2 if isinstance(error, (errors.BadUse, errors.BadInput)) else 1) from None

    return run


# what to do at the command line, where the error itself does not say
_FIXES = {
    "no_such_connection": "`connector connections list` names them",
    "no_such_document": "`connector documents --search NUMBER` finds it",
    "bad_document_id": "`connector documents` lists them",
}


def fail(error: errors.ConnectorError) -> None:
    """One clear line: what, where, and what to do."""
    fix = error.fix or _FIXES.get(error.code)
    text = f"error: {error}" + (f" ({fix})" if fix else "")
    err.print(" ".join(text.split()), style="red", soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """`1 document`, `3 documents`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tinted(text: str, style: str = "", after: str = "") -> Text:
    """Text in a colour, and what follows it in none."""
    return Text.assemble((text, style), after)


def shown(value: Any) -> str:
    """A document's value in a table: text as it is, what has parts as JSON, nothing for one that is not there."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def show_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def show_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """The rows as CSV. What a spreadsheet would take for a formula is quoted: numbers and names are others'."""
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(row.get(name, "")) for name in columns} for row in rows)


def _cell(value: Any) -> Any:
    text = str(value)
    if text.startswith(("=", "+", "-", "@", "\t", "\r")):
        try:
            Decimal(text)
        except InvalidOperation:
            return f"'{text}"
    return value


def money(amount: str, currency: str) -> str:
    """`1,234.50 USD`, or nothing where there is no amount."""
    try:
        return f"{Decimal(amount):,.2f} {currency}" if amount else ""
    except InvalidOperation:
        return amount


def explanation(fields: Iterable[Mapping[str, Any]], title: str | None = None) -> Table:
    """A document's fields with value, source and rule; a long path is folded and never cut."""
    table = Table(title=title, title_justify="left")
    for column in ("field", "value", "from", "rule"):
        table.add_column(column, overflow="fold")
    for one in fields:
        texts = (one["field"], str(one["value"]), "\n".join(one["from"]), one["rule"])
        table.add_row(*texts)
    return table
