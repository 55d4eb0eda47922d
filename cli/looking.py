"""What the console shows first, for scripts: the overview, the queues, a document beside its order, the business."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.documents import documents_table
from cli.output import JsonOption, console, guarded, money, show_json, shown, tinted
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector.ledger import DocumentKey
from connector.usecases import pairing
from connector.usecases.chains import order_diff
from connector.usecases.overview import overview as overview_of
from connector.usecases.summaries import state_words

ConnectionOption = Annotated[str, typer.Option("--connection", "-c", help="Only this connection.")]


@guarded
def overview(
    connection: ConnectionOption = "",
    zone: Annotated[str, typer.Option(help="Time zone of the days, such as America/Chicago.")] = "UTC",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """What needs a person, what is on its way, and whether both sides are well. Exit 1 where somebody is needed."""
    reached = Stack(stack)
    told = [overview_of(reached.world(each), zone) for each in reached.connections(connection)]
    if as_json:
        show_json({"connections": told})
    else:
        for one in told:
            _show_overview(one)
        if not told:
            console.print("No connection yet: `connector connections add`.")
    if any(one["person"]["count"] or _needs_care(one["health"]["freshbooks"]) for one in told):
        raise typer.Exit(1)


def _needs_care(side: dict[str, Any]) -> bool:
    """Whether FreshBooks has to be authorized again, or its webhooks registered."""
    return bool(side["stranded"] or side["silent"])


def _show_overview(told: dict[str, Any]) -> None:
    flight = ", ".join(money(amount, currency) for currency, amount in told["in_flight"].items())
    today = ", ".join(
        f"{count} {state_words(state)}" for state, count in sorted(told["today"]["states"].items())
    )
    nightly, silent = told["health"]["reconcile"], told["health"]["freshbooks"]["silent"]
    console.print(tinted(told["connection"], "bold", f": {told['person']['count']} need a person"))
    for name, text in {
        "today": today or "no document yet",
        "on its way or held": f"{told['open']}" + (f", {flight}" if flight else ""),
        "oldest wait since": told["oldest_open"][:19],
        "last look at SPS": told["health"]["sps"]["last_poll"][:19] or "never",
        "last look at FreshBooks": told["health"]["freshbooks"]["last_poll"][:19] or "never",
        "FreshBooks": "authorize again" if told["health"]["freshbooks"]["stranded"] else "authorized",
        "FreshBooks' webhooks": "register again: " + ", ".join(silent) if silent else "well",
        "nightly proof": f"{nightly['unexplained']} unexplained, {nightly['at'][:19]}"
        if nightly["at"]
        else "not yet",
    }.items():
        console.print(f"  {name:24} {text}")
    if told["person"]["oldest"]:
        console.print(documents_table(told["person"]["oldest"]))


@guarded
def queues(stack: StackOption = DEFAULT_STACK, as_json: JsonOption = False) -> None:
    """What waits in each queue, and what gave up and why it came there. Exit 1 where something gave up."""
    letters = Stack(stack).wiring.dead_letters
    backlog = letters.backlog()
    rows = [
        {
            "queue": name,
            "waiting": backlog[name],
            "failed": count,
            "messages": letters.look(name) if count else [],
        }
        for name, count in letters.waiting().items()
    ]
    if as_json:
        show_json({"queues": rows})
    else:
        table = Table("queue", "in work", "gave up", "about")
        for row in rows:
            about = [
                one.get("key") or one.get("replay") or one.get("path") or one.get("id")
                for one in row["messages"]
            ]
            table.add_row(
                row["queue"].title().replace("_", ""),
                str(row["waiting"]),
                str(row["failed"]),
                ", ".join(str(one) for one in about),
            )
        console.print(table)
    if any(row["failed"] for row in rows):
        raise typer.Exit(1)


@guarded
def diff(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document, as listed.")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """A document's lines beside its order's, and its present revision beside the one before."""
    key = DocumentKey.of(document)
    told = order_diff(Stack(stack).world(key.connection), key)
    if as_json:
        show_json(told)
        return
    if told["lines"]:
        console.print(f"Beside order {told['order']}:")
        names = ("line", "item", "ordered", "here", "order_price", "price")
        console.print(_table(told["lines"], names))
    if told["revisions"]:
        console.print("Since the revision before:")
        console.print(_table(told["revisions"], ("field", "before", "now")))
    if not told["lines"] and not told["revisions"]:
        console.print(
            "Nothing to compare it with, or no field differs: `connector show` has what the checks noticed."
        )


def _table(rows: list[dict[str, Any]], names: tuple[str, ...]) -> Table:
    table = Table(*(name.replace("_", " ") for name in names))
    for row in rows:
        table.add_row(*(shown(row[name]) for name in names))
    return table


@guarded
def business(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    account: Annotated[
        str, typer.Argument(help="The account to pair it with; without, they are listed.")
    ] = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """The businesses of whoever authorized the connection; choose the one whose books it keeps."""
    world = Stack(stack).world(connection)
    if account:
        pairing.pair(world, account)
    told = {**pairing.businesses(world), **({"account": account} if account else {})}
    if as_json:
        show_json(told)
        return
    for one in told["businesses"]:
        mark = "*" if one["account"] == told["account"] else " "
        console.print(f"{mark} {one['account']}  {one['name']} ({one['role']})")
