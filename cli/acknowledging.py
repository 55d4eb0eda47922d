"""`connector acknowledge`: what a person decides about an order, sent to the trading partner (855)."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.offline import read_bytes
from cli.output import JsonOption, console, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from connector import errors
from connector.ledger import DocumentKey
from connector.usecases import acknowledging
from connector.usecases.summaries import state_words, summary_of


@guarded
def acknowledge(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, as listed.")],
    accept: Annotated[bool, typer.Option("--accept", help="All of it, as ordered.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="All of it.")] = False,
    lines: Annotated[
        str | None,
        typer.Option(
            "--lines",
            metavar="FILE",
            help="Line by line, JSON or CSV: line, quantity, price, ship_date, vendor_part, upc, backorder, "
            "backorder_date, reject (a status such as IR or ROS). Lines not named are as ordered.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Accept or reject an order, whole or line by line. A later decision replaces an earlier one."""
    if accept + reject + (lines is not None) != 1:
        raise errors.BadUse("say one of --accept, --reject and --lines FILE", code="nothing_decided")
    decision = acknowledging.decision_of(
        {
            "verdict": "lines" if lines is not None else "reject" if reject else "accept",
            "lines": read_lines(lines) if lines is not None else (),
            "who": person(),
            "at": datetime.now(UTC).date(),
            "note": reason,
        }
    )
    key = DocumentKey.of(order)
    record = acknowledging.acknowledge(Stack(stack).wiring.world(key.connection), key, decision)
    if as_json:
        show_json({"document": summary_of(record), "reason": dict(record.reason)})
    else:
        console.print(
            f"{record.key.id}: {state_words(record.state)}, {record.history[-1].note}", soft_wrap=True
        )
    if record.reason:
        raise typer.Exit(1)


def read_lines(name: str) -> list[dict[str, Any]]:
    """The decisions in a JSON list or a CSV file with a heading; empty cells say nothing."""
    try:
        text = read_bytes(name).decode("utf-8-sig")
        if text.lstrip().startswith("["):
            found = json.loads(text)
        else:
            found = [
                {
                    column.strip(): cell.strip()
                    for column, cell in row.items()
                    if column and cell and cell.strip()
                }
                for row in csv.DictReader(io.StringIO(text), restkey="")
            ]
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error, AttributeError) as error:
        raise errors.BadUse(
            f"neither JSON nor CSV: {error}", code="decision_impossible", place=name
        ) from None
    if not found or not all(isinstance(row, dict) for row in found):
        raise errors.BadUse("no line is decided in it", code="decision_impossible", place=name)
    return found
