"""`connector report`: open PO-bills, variances, deadlines, throughput."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.output import CsvOption, JsonOption, console, err, guarded, money, show_csv, show_json, tinted
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from connector.ledger import DocumentKey
from connector.usecases import closing
from connector.usecases.reports import deadlines as due
from connector.usecases.reports import open_bills as bills
from connector.usecases.reports import throughput as flow
from connector.usecases.reports import variances as differences
from connector.usecases.reports.gathering import gather, records
from connector.usecases.world import World

app = typer.Typer(
    help="What is open, what differs, what is due: tables, CSV, JSON.",
    no_args_is_help=True,
    add_completion=False,
)
ConnectionOption = Annotated[str, typer.Option("--connection", "-c", help="Which; the only one if not said.")]
PartnerOption = Annotated[str, typer.Option(help="Only this TradingPartnerId.")]
DaysOption = Annotated[int, typer.Option(min=1, max=3650, help="Orders that came in the last so many days.")]


@app.command("open-bills")
@guarded
def open_bills(
    connection: ConnectionOption = "",
    partner: PartnerOption = "",
    days: DaysOption = 365,
    close: Annotated[
        bool,
        typer.Option("--close-out", help="Delete the bills of invoiced and cancelled orders in FreshBooks."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before closing out.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """PO-bills still open in FreshBooks by age: phantom payables. Exit 1 where some can be closed out."""
    world = Stack(stack).world(connection)
    found = gather(world, partner=partner, since=ago(world, days))
    result = bills.open_bills(found.trades, today(world), bills_known=found.bills_known)
    if not tell(result, bills.COLUMNS, "bills", as_csv, as_json):
        if not found.bills_known:
            err.print("FreshBooks did not answer: this is what the ledger knows.", style="yellow")
        table = Table(
            "purchase order",
            "partner",
            "bill",
            "days",
            "amount",
            "invoiced",
            "shipped",
            "still open",
            "status",
        )
        right(table, 3, 4, 5, 6, 7)
        for row in result["bills"]:
            amounts = (
                money(row[name], row["currency"]) for name in ("amount", "invoiced", "shipped", "open")
            )
            status = tinted(row["status"], "yellow" if row["can_close"] else "")
            table.add_row(
                row["purchase_order"], row["partner"], row["bill"], str(row["days"]), *amounts, status
            )
        console.print(table if result["bills"] else "No PO-bill is open.")
        for currency, buckets in result["buckets"].items():
            parts = (
                f"{name} days: {one['count']}, {money(one['amount'], currency)}"
                for name, one in buckets.items()
            )
            console.print("; ".join(parts), soft_wrap=True)
    if close:
        close_out(world, result, yes)
    elif result["close_out"]:
        raise typer.Exit(1)


def close_out(world: World, result: Mapping[str, Any], yes: bool) -> None:
    """Close out what can be, after asking; each goes the way of every document (`connector documents`)."""
    able = [row for row in result["bills"] if row["can_close"]]
    if able and not yes:
        numbers = ", ".join(row["purchase_order"] for row in able[:10]) + (" ..." if len(able) > 10 else "")
        if not typer.confirm(f"Delete {len(able)} bills in FreshBooks ({numbers})?", err=True):
            raise typer.Exit(1)
    for row in able:
        why = f"the order is {row['status']}"
        closing.close_out(world, DocumentKey.of(row["document"]), who=person(), why=why)
    err.print(f"{len(able)} close-outs are on their way: `connector documents --type {closing.CLOSE_OUT}`")


@app.command()
@guarded
def variances(
    connection: ConnectionOption = "",
    partner: PartnerOption = "",
    days: DaysOption = 180,
    stack: StackOption = DEFAULT_STACK,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Order against shipment, invoice and bill, with the money at risk. Exit 1 where there is any."""
    world = Stack(stack).world(connection)
    found = gather(world, partner=partner, since=ago(world, days))
    result = differences.variances(found.trades, bills_known=found.bills_known)
    if not tell(result, differences.COLUMNS, "variances", as_csv, as_json):
        table = Table(
            "purchase order",
            "variance",
            "line",
            "part",
            "ordered",
            "shipped",
            "invoiced",
            "at risk",
            "detail",
        )
        right(table, 4, 5, 6, 7)
        for row in result["variances"]:
            cells = (row[name] for name in ("line", "part", "ordered", "shipped", "invoiced"))
            at_risk = money(row["money"], row["currency"])
            table.add_row(
                row["purchase_order"], row["variance"].replace("_", " "), *cells, at_risk, row["detail"]
            )
        console.print(table if result["variances"] else "Orders, shipments, invoices and bills agree.")
        for currency, total in result["money"].items():
            console.print(f"at risk: {money(total, currency)}")
    if result["variances"]:
        raise typer.Exit(1)


@app.command()
@guarded
def deadlines(
    connection: ConnectionOption = "",
    partner: PartnerOption = "",
    days: DaysOption = 180,
    everything: Annotated[bool, typer.Option("--all", help="Also what was sent already.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """What is due to partners, and what being late costs. Exit 1 where something is overdue."""
    world = Stack(stack).world(connection)
    found = gather(world, partner=partner, since=ago(world, days))
    result = due.deadlines(found.trades, datetime.fromisoformat(world.clock.now()), met=everything)
    if not tell(result, due.COLUMNS, "deadlines", as_csv, as_json):
        table = Table(
            "document",
            "purchase order",
            "partner",
            "due (UTC)",
            "left",
            "penalty",
            "order amount",
            "who has the ball",
        )
        right(table, 4, 5, 6)
        for row in result["deadlines"]:
            late = row["status"] in ("overdue", "met late")
            left = hours(row["hours_left"])
            if row["status"] != "due":
                left = f"{hours(-row['hours_left'])} late" if row["status"] == "overdue" else row["status"]
            table.add_row(
                row["document"],
                row["purchase_order"],
                row["partner"],
                row["due"][:16].replace("T", " "),
                tinted(left, "red" if late else ""),
                money(row["penalty"], row["currency"]),
                money(row["order_amount"], row["currency"]),
                row["ball"],
            )
        console.print(
            table if result["deadlines"] else "Nothing is due (deadlines are set in the partner packs)."
        )
    if any(row["status"] == "overdue" for row in result["deadlines"]):
        raise typer.Exit(1)


@app.command()
@guarded
def throughput(
    connection: ConnectionOption = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="The last so many days.")] = 30,
    stack: StackOption = DEFAULT_STACK,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Documents by day and state, time to deliver, and what stops them, per partner."""
    world = Stack(stack).world(connection)
    both = (record for way in ("in", "out") for record in records(world, way))  # type: ignore[arg-type]
    result = flow.throughput(both, today(world), days)
    if tell(result, flow.COLUMNS, "days", as_csv, as_json):
        return
    if not result["documents"]:
        console.print(f"No document has come since {result['since']}.")
    rows("documents by day", flow.COLUMNS, result["days"])
    names = (
        "partner",
        "documents",
        "delivered",
        "needs_person",
        "rejected",
        "rejected_percent",
        "duplicates",
    )
    rows("by partner", names, result["partners"])
    rows(
        "seconds to deliver",
        ("direction", "type", "documents", "p50", "p90", "p99", "most"),
        result["delivery"],
    )
    rows("what stops them", ("code", "partner", "documents", "message", "example"), result["reasons"])


def tell(result: Mapping[str, Any], columns: Sequence[str], name: str, as_csv: bool, as_json: bool) -> bool:
    """Print the result for scripts or spreadsheets; whether that was asked for."""
    if as_json:
        show_json(result)
    elif as_csv:
        show_csv(columns, result[name])
    return as_json or as_csv


def rows(title: str, columns: Sequence[str], entries: Iterable[Mapping[str, Any]]) -> None:
    table = Table(*(name.replace("_", " ") for name in columns), title=title, title_justify="left")
    for entry in entries:
        table.add_row(*(str(entry[name]) for name in columns))
    if table.row_count:
        console.print(table)


def hours(number: float) -> str:
    """`5.5 h`, and from two days on `3 d`."""
    return f"{number:.1f} h" if abs(number) < 48 else f"{number / 24:.0f} d"


def right(table: Table, *columns: int) -> None:
    for column in columns:
        table.columns[column].justify = "right"


def today(world: World) -> date:
    return date.fromisoformat(world.clock.now()[:10])


def ago(world: World, days: int) -> str:
    return (datetime.fromisoformat(world.clock.now()) - timedelta(days=days)).isoformat()
