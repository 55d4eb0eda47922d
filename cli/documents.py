"""`connector documents`, `show`, `ping`, `partners`: what a stack has and knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from difflib import get_close_matches
from itertools import chain, groupby, islice
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.instants import instant
from cli.output import JsonOption, console, err, explanation, guarded, money, show_json, tinted
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.adapters import probe
from connector.catalogue import CATALOGUE, Entry
from connector.catalogue import explain as explain_code
from connector.ledger import DocumentKey
from connector.rules.checks import RULES
from connector.usecases import explaining, people
from connector.usecases.ping import ping as ping_steps
from connector.usecases.registering import look_at_callbacks
from connector.usecases.searching import TYPES, Wanted, everything
from connector.usecases.world import World

LIMIT = 200
_VERDICTS = {"accept": "accepted", "reject": "rejected", "lines": "decided line by line"}
COLOURS = {"HELD": "yellow", "REJECTED": "red", "IN_DOUBT": "red", "DELIVERED": "green", "PICKED_UP": "green"}


@guarded
def documents(
    connection: Annotated[str, typer.Option("--connection", "-c", help="Only this connection.")] = "",
    state: Annotated[
        str, typer.Option(help="Only this state, such as HELD; or person (needs one), open, done.")
    ] = "",
    direction: Annotated[str, typer.Option(help="Only 'in' (from SPS) or 'out' (to SPS).")] = "",
    partner: Annotated[str, typer.Option(help="Only this TradingPartnerId.")] = "",
    kind: Annotated[str, typer.Option("--type", help=f"Only one kind: {', '.join(TYPES)}.")] = "",
    text: Annotated[str, typer.Option("--search", help="Found in number, reference or reason.")] = "",
    code: Annotated[str, typer.Option(help="Only parked for this reason, such as price_differs.")] = "",
    since: Annotated[str, typer.Option(help="In its state since this date (UTC), or 3d ago, or later.")] = "",
    until: Annotated[
        str, typer.Option(help="In its state since this date (UTC) or earlier, or 3d ago.")
    ] = "",
    least: Annotated[str, typer.Option(help="Only of this amount or more.")] = "",
    most: Annotated[str, typer.Option(help="Only of this amount or less.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = LIMIT,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """List and search documents, newest in state first. Exit 1 where some need a person (held, rejected, in doubt)."""
    query = {"state": state, "direction": direction, "partner": partner, "type": kind, "text": text}
    query |= {"code": code, "least": least, "most": most}
    query |= {"since": instant(since, option="--since"), "until": instant(until, option="--until", end=True)}
    wanted = Wanted.of(query)
    reached = Stack(stack)
    found = chain.from_iterable(
        everything(reached.wiring.ledger, each, wanted) for each in reached.connections(connection)
    )
    rows = list(islice(found, limit + 1))
    more, rows = len(rows) > limit, rows[:limit]
    if not rows:  # that nothing matches is no news of what there is not
        if connection:
            reached.wiring.connection(connection)
        if partner not in ("", "-"):
            _is_set_up(partner, [reached.world(each) for each in reached.connections(connection)])
        if code:
            is_listed(code)
    if as_json:
        show_json({"documents": rows, "more": more})
    else:
        console.print(documents_table(rows) if rows else "No document matches.")
        if more:
            err.print(f"… and more: narrow the search or raise --limit (now {limit}).")
    if any(row["state"] in ("HELD", "REJECTED", "IN_DOUBT") for row in rows):
        raise typer.Exit(1)


def _is_set_up(partner: str, worlds: list[World]) -> None:
    """BadUse where none of these connections has the trading partner."""
    there = sorted({known for world in worlds for known in world.packs()})
    if partner not in there:
        raise errors.BadUse(
            f"no document matches, and trading partner {partner} is not set up",
            code="no_such_partner",
            fix=f"one of {', '.join(there)}" if there else "`connector partners import`",
        )


def is_listed(code: str) -> None:
    """BadUse where no error and no rule has this code. To be asked once no document matched: an older release may have
    stopped some for reasons that there are no longer."""
    listed = [*CATALOGUE, *RULES]
    if code not in listed:
        close = get_close_matches(code, listed, n=1)
        raise errors.BadUse(
            f"no document matches, and {code} is not among the error codes",
            code="no_such_error",
            fix=(f"did you mean {close[0]}? " if close else "")
            + "`connector errors` and `connector rules` list them",
        )


def documents_table(rows: list[dict[str, Any]]) -> Table:
    """A table of document summaries, one line each, the reason where there is one."""
    table = Table("connection", "way", "partner", "document", "number", "state", "amount", "note")
    table.columns[6].justify = "right"
    for column in table.columns:
        column.overflow = "fold"  # an identifier that is cut short cannot be looked for
    for row in rows:
        note = row["reason"].get("message", "") or (f"rev {row['revision']}" if row["revision"] > 1 else "")
        if row["duplicates"]:
            note += f"{'; ' if note else ''}{row['duplicates']} repeat{'s' if row['duplicates'] > 1 else ''} absorbed"
        table.add_row(
            row["connection"],
            row["direction"],
            row["partner"],
            row["type"],
            row["number"],
            tinted(row["state"], COLOURS.get(row["state"], "")),
            money(row["amount"], row["currency"]),
            note,
        )
    return table


@guarded
def show(
    document: Annotated[
        str, typer.Argument(metavar="ID", help="CONNECTION/in|out/PARTNER/TYPE/NUMBER, as listed.")
    ],
    payloads: Annotated[
        bool, typer.Option("--payloads", help="With the payloads, as received and as sent.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say where every field came from.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """One document's whole story: state, reason, history, shipments, its payloads, and where its fields came from."""
    key = DocumentKey.of(document)
    opened = Stack(stack)
    told = people.story(opened.wiring.ledger, opened.wiring.archive, key, payloads=payloads)
    if explain:
        told["explain"] = explaining.explain(opened.world(key.connection), key)
    if key.type == "order":
        told["open"] = people.open_quantities(opened.world(key.connection), key)
    if as_json:
        show_json(told)
        return
    worth = f", {money(told['amount'], told['currency'])}" if told["amount"] else ""
    console.print(
        tinted(
            f"{told['type']} {told['number']}",
            "bold",
            f" of {told['partner']}: {told['state']}, revision {told['revision']}{worth}",
        )
    )
    if told["reason"]:
        reason, entry = told["reason"], explain_code(told["reason"].get("code", ""))
        fix = reason.get("fix") or (entry.fix if entry else "")
        console.print(f"  {reason.get('message', '')} ({reason.get('code', '')})  {fix}", style="yellow")
    for finding in told["findings"]:
        console.print(f"  {finding['severity']}: {finding['message']} {finding.get('place', '')}")
    if told["reference"]:
        remote = f" ({told['remote_id']})" if told["remote_id"] not in ("", told["reference"]) else ""
        console.print(f"  at the target: {told['reference']}{remote}")
    if "acknowledgement" in told:
        console.print(f"  acknowledgement: {acknowledged(told['acknowledgement'])}")
    console.print(_history(told["history"]))
    for correlation, events in groupby(told["history"], lambda event: event["correlation_id"]):
        first, *others = [event["n"] for event in events]
        console.print(f"  correlation {correlation}: {first}" + (f"-{others[-1]}" if others else ""))
    if told.get("open"):
        console.print(open_table(told["open"]))
    for number, event in told["shipments"].items():
        shipped = ", ".join(f"line {x['line']}: {x['shipped']} of {x['ordered']}" for x in event["lines"])
        console.print(f"  shipment {number} ({event['status']}): {shipped}")
    if told["history_broken_at"]:
        console.print(f"  the history was changed at line {told['history_broken_at']}", style="bold red")
    if explain:
        _print_explanation(told["explain"])
    for stage, content in told.get("contents", {}).items():
        console.rule(stage)
        console.print_json(data=content) if not isinstance(content, str) else console.print(content)


def _history(events: list[dict[str, Any]]) -> Table:
    """A document's history for a terminal of 80 columns: only what is said of an event may wrap."""
    table = Table()
    for column, fixed in (("#", True), ("when (UTC)", True), ("what", False), ("state", True)):
        table.add_column(column, no_wrap=fixed)
    for event in events:
        said = event["means"] or event["note"]
        what = f"{event['what']} by {event['who']}" + (f"\n{said}" if said else "")
        table.add_row(str(event["n"]), event["at"][:19], what, event["to_state"])
    return table


def _print_explanation(told: dict[str, Any]) -> None:
    if "reason" in told and not told["fields"]:
        console.print(f"  nothing to explain: {told['reason']['message']}")
        return
    console.print(explanation(told["fields"]))


def acknowledged(told: Mapping[str, Any]) -> str:
    """`DELIVERED, accept by policy; line 1: 30 accepted, 10 later`: its state and what was decided."""
    decision = told["decision"]
    if decision is None:
        return f"{told['state']}, nobody has decided yet"
    by = f" by {decision['who']}" if decision.get("who") else ""
    note = f" ({decision['note']})" if decision.get("note") else ""
    lines = "".join(f"; line {one['line']}: {_decided(one)}" for one in decision.get("lines", ()))
    return f"{told['state']}, {_VERDICTS[decision.get('verdict', 'accept')]}{by}{note}{lines}"


def _decided(line: Mapping[str, Any]) -> str:
    if line.get("reject"):
        return f"rejected ({line['reject']})"
    told = {
        "{} accepted": line.get("quantity"),
        "{} later": line.get("backorder"),
        "on {}": line.get("backorder_date"),
        "at {}": line.get("price"),
        "shipped {}": line.get("ship_date"),
        "as {}": line.get("vendor_part") or line.get("upc"),
    }
    return ", ".join(words.format(value) for words, value in told.items() if value) or "as ordered"


def open_table(rows: list[dict[str, str]]) -> Table:
    """An order's open quantities, one row a line."""
    table = Table(*rows[0], title="open quantities", title_justify="left")
    for column in table.columns[4:]:
        column.justify = "right"
    for row in rows:
        colour = "red" if row["open"].startswith("-") else ""
        table.add_row(*row.values(), style=colour)
    return table


@guarded
def explain_error(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="As in a document's reason; none lists all.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """What an error code means, why it happens, and what to do about it; of a check before sending, too."""
    code = code.lower()
    if code in RULES and code not in CATALOGUE:
        rule = RULES[code]
        known = {
            code: Entry(f"it must hold: {rule.text}", f"it protects from {rule.protects}", rule.fix, False)
        }
    else:
        known = CATALOGUE
    if code and code not in known:
        raise errors.BadUse(
            f"there is no error {code}",
            code="no_such_error",
            fix="`connector errors` and `connector rules` list them",
        )
    rows = {name: asdict(entry) for name, entry in known.items() if code in ("", name)}
    if as_json:
        show_json({"errors": rows})
        return
    table = Table("code", "means", "usual cause", "what to do", "ends alone")
    for name, entry in rows.items():
        table.add_row(
            name, entry["meaning"], entry["cause"], entry["fix"], "yes" if entry["retries"] else "no"
        )
    console.print(table)


@guarded
def ping(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Try both vendors step by step; exit 1 where a step fails."""
    steps = []
    reached = Stack(stack)
    world, secrets = reached.world(connection), reached.wiring.secrets
    token = secrets.read(connection, "freshbooks") or {}
    books = reached.wiring.freshbooks(world.connection)
    for step in ping_steps(world, probe, token, lambda: look_at_callbacks(world.id, secrets, books)):
        steps.append(step)
        if not as_json:
            mark = ("ok  ", "green") if step["ok"] else ("FAIL", "red")
            text = f" {step['vendor']:10} {step['step']:24} {step['detail']}  {step['fix']}"
            console.print(tinted(*mark, text))
    if as_json:
        show_json({"connection": connection, "steps": steps})
    if not all(step["ok"] for step in steps):
        raise typer.Exit(1)
