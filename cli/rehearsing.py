"""`connector rehearse`: a changed partner pack, or the present code, tried on the documents already seen."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from cli.offline import read_pack_file
from cli.output import CsvOption, JsonOption, console, err, guarded, money, show_csv, show_json, shown, tinted
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector.usecases import rehearsing
from connector.usecases.searching import known_type

COLUMNS = ("id", "change", "state", "amount", "currency", "before", "after", "field", "was", "now", "reason")
_COLOURS = {"becomes invalid": "red", "becomes valid": "green", "changes": "yellow"}


@guarded
def rehearse(
    pack: Annotated[
        str | None, typer.Argument(metavar="[PACK.toml]", help="A changed pack; none tries the code alone.")
    ] = None,
    connection: Annotated[
        str, typer.Option("--connection", "-c", help="Which; the only one if not said.")
    ] = "",
    partner: Annotated[str, typer.Option(help="Only this TradingPartnerId (with a pack: its own).")] = "",
    kind: Annotated[str, typer.Option("--type", help="Only order, shipment, invoice, asn or bill.")] = "",
    last: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many documents.")] = 100,
    stack: StackOption = DEFAULT_STACK,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Which outputs would change, and which become invalid: over the archived inputs, sending nothing.

    With a pack: the pack in force against this one. Without: what was sent against what today's code makes.
    Exit 1 where a document becomes invalid.
    """
    changed = None if pack is None else read_pack_file(pack)
    world = Stack(stack).world(connection)
    partner = partner or (changed.trading_partner_id if changed else "")
    keys = rehearsing.archived(world, partner=partner, type_=known_type(kind), last=last)
    every = rehearsing.rows(world, changed, keys)
    quiet = as_json or as_csv or not err.is_terminal
    result = rehearsing.told(track(every, "rehearsing", total=len(keys), console=err, disable=quiet))
    if as_json:
        show_json({"connection": world.id, "partner": partner, **result})
    elif as_csv:
        show_csv(COLUMNS, flat(result["rows"]))
    else:
        show_rehearsal(result)
    if result["counts"].get("becomes invalid"):
        raise typer.Exit(1)


def flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for every field that differs, and one for a document that has none."""
    lines = []
    for row in rows:
        reason = row.get("reason", {}).get("message", "")
        for one in row.get("differences") or [{}]:
            field = {"field": one.get("field", ""), "was": one.get("before", ""), "now": one.get("after", "")}
            lines.append({**row, **field, "reason": reason})
    return lines


def show_rehearsal(result: dict[str, Any]) -> None:
    table = Table("document", "change", "amount", "field", "before", "after")
    for row in result["rows"]:
        change = tinted(row["change"], _COLOURS.get(row["change"], ""))
        cells = (row["id"], change, money(row["amount"], row["currency"]))
        if "reason" in row:
            table.add_row(*cells, row["reason"].get("code", ""), "", row["reason"].get("message", ""))
            continue
        for one in row.get("differences", []):
            table.add_row(*cells, one["field"], shown(one["before"]), shown(one["after"]))
            cells = ("", "", "")
    if result["rows"]:
        console.print(table)
    console.print(f"{result['summary']}. Nothing was written or sent.")
