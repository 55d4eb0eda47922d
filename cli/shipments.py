"""`connector shipments`: upload what the warehouse shipped as notices (856), take one back, print a form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.offline import Done, FileArgument, pack_for, read_bytes, tell
from cli.output import JsonOption, console, err, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from connector import errors
from connector.documents.order import Order
from connector.documents.upload_reading import read_uploads
from connector.documents.upload_reading import template as csv_template
from connector.findings import Finding
from connector.mapping.upload_to_shipment import upload_to_shipment
from connector.rules.packs import PartnerPack
from connector.usecases import shipping
from connector.usecases.labels import example_labels

_EXAMPLES = "the SSCCs are examples: those of the cartons are made when the shipment is uploaded"
app = typer.Typer(
    help="Shipment uploads and their notices (ASN, 856).", no_args_is_help=True, add_completion=False
)
ConnectionOption = Annotated[
    str, typer.Option("--connection", "-c", help="Whose shipments; told where the stack has one connection.")
]


@app.command()
@guarded
def upload(
    file: FileArgument,
    connection: ConnectionOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the notices; send and keep nothing.")
    ] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Take in a CSV or JSON file of shipments and send their notices.

    The same file again does nothing, a changed one replaces its notices. Exit 1 where a notice is held, 2 where
    the file has a mistake: then nothing of it was taken in.
    """
    data = read_bytes(file)
    told = shipping.upload_shipments(
        Stack(stack).world(connection),
        data,
        who=person(),
        name="" if file == "-" else Path(file).name,
        dry_run=dry_run,
    )
    if as_json:
        show_json(told)
    else:
        _show(file, told, dry_run)
    if told["problems"]:
        raise typer.Exit(2)
    if any(shipment["reason"] for shipment in told["shipments"]):
        raise typer.Exit(1)


@app.command()
@guarded
def cancel(
    shipment: Annotated[str, typer.Argument(metavar="SHIPMENT", help="The shipment's id, as uploaded.")],
    reason: Annotated[str, typer.Option(help="Why; kept on its history.")],
    connection: ConnectionOption = "",
    partner: Annotated[str, typer.Option(help="TradingPartnerId, where two have such a shipment.")] = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Take a shipment back; where its notice was sent, a cancellation (purpose 01) is sent."""
    world = Stack(stack).world(connection)
    record = shipping.cancel_shipment(world, shipment, who=person(), reason=reason, partner=partner)
    outcome = "cancelled" if record.state == "CANCELLED" else "its cancellation is on the way"
    if as_json:
        show_json({"id": record.key.id, "state": str(record.state), "outcome": outcome})
    else:
        console.print(f"{record.key.id}: {outcome}", soft_wrap=True)


@app.command()
@guarded
def template(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Where to; else standard output.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a CSV form with every column and a shipment of two cartons as an example."""
    text = csv_template()
    if as_json:
        [shipment] = read_uploads(text.encode()).uploads
        text = shipment.model_dump_json(indent=2, exclude_defaults=True) + "\n"
    if file is None:
        print(text.replace("\r\n", "\n"), end="")
        return
    try:
        with open(file, "x", encoding="utf-8", newline="") as opened:
            opened.write(text)
    except OSError as error:
        raise errors.BadUse((error.strerror or "cannot be written").lower(), place=file) from None


def map_uploads(
    data: bytes, source: str, pack: PartnerPack | None, orders: list[Order], refused: list[errors.BadInput]
) -> Iterator[Done]:
    """The notices of a file's shipments, for `connector map`; the order says whose they are."""
    read = read_uploads(data)
    for problem in read.problems:
        place = ": ".join(part for part in (source, problem.place) if part)
        refused.append(errors.BadInput(problem.message, place=place, fix=problem.fix))
    for upload in read.uploads if not read.problems else ():
        known = {
            number: order
            for number in upload.purchase_orders()
            for order in orders
            if number in (order.number, order.Header.OrderHeader.PurchaseOrderNumber)
        }
        partner = next(
            (order.Header.OrderHeader.TradingPartnerId for order in known.values()), upload.partner
        )
        partner = partner or (pack.trading_partner_id if pack else "")
        if not partner:
            raise errors.BadUse(
                "the shipment does not say which trading partner it is for",
                place=source,
                fix="name the partner pack with --partner, or the order with --order",
            )
        trace: dict[str, Any] = {}
        of = pack_for(partner, pack)
        labelled = example_labels(upload, of)
        mapped = upload_to_shipment(labelled, orders=known, pack=of, uploaded=datetime.now(UTC), trace=trace)
        if labelled != upload:
            mapped.findings.append(Finding("example_ssccs", "info", _EXAMPLES))
        yield Done(source, "asn", partner, upload.shipment_id, mapped, trace)


def _show(file: str, told: dict[str, Any], dry_run: bool) -> None:
    tell(file, [Finding(**problem) for problem in told["problems"]])
    for shipment in told["shipments"]:
        tell(f"shipment {shipment['shipment']}", [Finding(**finding) for finding in shipment["findings"]])
        reason = shipment["reason"]
        if reason and not any(finding["message"] == reason["message"] for finding in shipment["findings"]):
            finding = Finding(reason["code"], "error", reason["message"], "", reason.get("fix", ""))
            tell(f"shipment {shipment['shipment']}", [finding])
        if "document" in shipment:
            show_json(shipment["document"])
    if told["problems"]:
        err.print("nothing of the file was taken in")
        return
    if dry_run:
        err.print(f"{len(told['shipments'])} shipments, nothing was sent")
        return
    table = Table("shipment", "partner", "orders", "state", "SSCC of its cartons")
    for shipment in told["shipments"]:
        labels = [
            f"{each.get('carton') or each.get('pallet')}: {each['sscc']}" for each in shipment["labels"]
        ]
        more = [f"and {len(labels) - 5} more (--json)"] if len(labels) > 5 else []
        state = "as before" if shipment["duplicate"] else shipment["state"]
        orders = ", ".join(shipment["orders"])
        table.add_row(shipment["shipment"], shipment["partner"], orders, state, "\n".join(labels[:5] + more))
    console.print(table)
