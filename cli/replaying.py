"""`connector replay`, `redrive`, `reconcile`, `verify-history`: do it again, and prove that all is there."""

from __future__ import annotations

import csv
import getpass
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.progress import track
from rich.table import Table

from cli.output import JsonOption, console, err, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.ledger import DocumentKey, State, verify_history
from connector.usecases import people, replaying
from connector.usecases.reconcile import reconcile as reconcile_connection

ConnectionOption = Annotated[str, typer.Option("--connection", "-c", help="Only this connection.")]


class Queue(StrEnum):
    """The queues whose dead letters can be redriven, named by what waits in them."""

    sps_files_to_map = "SpsFilesToMap"
    bills_to_push = "BillsToPush"
    records_to_map = "RecordsToMap"
    rsx_to_push = "RsxToPush"


@guarded
def replay(
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Documents, as listed.")
    ] = None,
    connection: ConnectionOption = "",
    state: Annotated[str, typer.Option(help="Instead of ids: all in this state (HELD or REJECTED).")] = "",
    partner: Annotated[str, typer.Option(help="Of a selection only this TradingPartnerId.")] = "",
    reason_code: Annotated[str, typer.Option("--code", help="Of a selection only this error code.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent and how it differs; send nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Send delivered documents again, as a revision.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why; kept on the document's history. Needed with --force.")
    ] = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Put documents through their mapping again, from their archived input. Exit 1 where one could not be."""
    if bool(documents) == bool(state):
        raise errors.BadUse("name documents, or select them with --state", code="nothing_selected")
    wiring = Stack(stack).wiring
    keys = [DocumentKey.of(text) for text in documents or ()]
    if state:
        if state.upper() not in (State.HELD, State.REJECTED):
            raise errors.BadUse(
                "only HELD and REJECTED documents are replayed by selection", code="no_such_state"
            )
        for each in [connection] if connection else wiring.connections():
            found = people.documents(wiring.ledger, each, states=[State(state.upper())], partner=partner)
            keys += [
                DocumentKey.of(x["id"])
                for x in found
                if not reason_code or x["reason"].get("code") == reason_code
            ]
    rows: list[dict[str, Any]] = []
    for key in keys:
        world = wiring.world(key.connection)
        try:
            if dry_run:
                rows.append(replaying.preview(world, key))
            else:
                replaying.replay(world, key, who=f"cli/{getpass.getuser()}", reason=reason, force=force)
                rows.append({"id": key.id, "outcome": "replayed"})
        except (errors.CheckFailed, errors.Busy, errors.NotFound) as error:
            rows.append(
                {"id": key.id, "outcome": "failed", "reason": {"code": error.code, "message": error.message}}
            )
    if as_json:
        show_json({"documents": rows})
    else:
        for row in rows:
            _show(row)
        err.print(f"{len(rows)} documents" + (", nothing was sent" if dry_run else ""))
    if any(row["outcome"] in ("failed", "held") for row in rows):
        raise typer.Exit(1)


def _show(row: dict[str, Any]) -> None:
    reason = row.get("reason", {})
    console.print(
        f"{row['id']}: {row['outcome']} {reason.get('message', row.get('note', ''))}", soft_wrap=True
    )
    if row.get("differences"):
        table = Table("field", "sent", "now")
        for one in row["differences"]:
            table.add_row(one["field"], str(one["sent"]), str(one["now"]))
        console.print(table)


@guarded
def resolve(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document, as listed.")],
    reason: Annotated[str, typer.Option(help="How it was dealt with; kept on its history.")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Close a parked or refused document that a person has dealt with by hand."""
    key = DocumentKey.of(document)
    world = Stack(stack).wiring.world(key.connection)
    closed = replaying.resolve(world, key, who=f"cli/{getpass.getuser()}", reason=reason)
    if as_json:
        show_json({"id": key.id, "state": closed.state})
    else:
        console.print(f"{key.id} is resolved.")


@guarded
def redrive(
    queue: Annotated[Queue, typer.Argument(metavar="QUEUE", help=f"One of {', '.join(Queue)}.")],
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Put a queue's dead letters back. Safe at any time: what was done already is recognised and skipped."""
    reached = Stack(stack)
    source, dead = reached.outputs[f"{queue}Url"], reached.outputs[f"{queue}FailedUrl"]
    sqs = reached.client("sqs")

    def arn(url: str) -> str:
        return str(
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        )

    waiting = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
    count = int(waiting["Attributes"]["ApproximateNumberOfMessages"])
    try:
        sqs.start_message_move_task(SourceArn=arn(dead), DestinationArn=arn(source))
        how = "SQS is moving them"
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("InvalidAction", "UnsupportedOperation", "NotImplemented"):
            raise errors.Busy(
                f"SQS refused: {error.response['Error']['Code']}", code="redrive_refused"
            ) from None
        count, how = _move(sqs, dead, source), "moved one by one"  # an emulator without move tasks
    if as_json:
        show_json({"queue": queue, "messages": count, "how": how})
    else:
        console.print(f"{queue}: {count} dead letters, {how}.")


def _move(sqs: Any, dead: str, source: str) -> int:
    """Send, then delete: a crash in between doubles a message, which the ledger absorbs."""
    moved = 0
    while messages := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.send_message(QueueUrl=source, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


@guarded
def reconcile(
    connection: ConnectionOption = "",
    days: Annotated[int, typer.Option(min=1, max=400, help="How far back.")] = 7,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every document.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Compare FreshBooks, SPS and the ledger document by document; exit 1 on anything unexplained."""
    wiring = Stack(stack).wiring
    results = [
        reconcile_connection(wiring.world(each), days)
        for each in ([connection] if connection else wiring.connections())
    ]
    verdicts = [verdict for result in results for verdict in result["verdicts"]]
    if as_json:
        show_json({"connections": results})
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, ["document", "where", "verdict", "explained", "detail"])
        writer.writeheader()
        writer.writerows(verdicts)
    else:
        for result in results:
            counts = ", ".join(f"{count} {verdict}" for verdict, count in result["counts"].items())
            console.print(
                f"{result['connection']}: {result['documents']} documents: {counts}", soft_wrap=True
            )
        exceptions = [
            one for one in verdicts if not one["explained"] or one["verdict"] in ("needs a person", "waits")
        ]
        table = Table("document", "verdict", "", "detail")
        for one in exceptions:
            mark = "" if one["explained"] else "[red]UNEXPLAINED[/]"
            table.add_row(one["document"], one["verdict"], mark, one["detail"])
        console.print(table if exceptions else "Nothing to look at.")
    if any(result["unexplained"] for result in results):
        raise typer.Exit(1)


@guarded
def verify_histories(
    connection: ConnectionOption = "", stack: StackOption = DEFAULT_STACK, as_json: JsonOption = False
) -> None:
    """Check the hash chain of every document's history; exit 1 where one was changed afterwards."""
    wiring = Stack(stack).wiring

    def keys() -> Iterator[DocumentKey]:
        for each in [connection] if connection else wiring.connections():
            for summary in people.documents(wiring.ledger, each):
                yield DocumentKey.of(summary["id"])

    all_keys = list(keys())
    broken = []
    for key in track(all_keys, "histories", console=err, disable=as_json or not err.is_terminal):
        at = verify_history(tuple(wiring.ledger.history(key)))
        if at is not None:
            broken.append({"id": key.id, "event": at})
    if as_json:
        show_json({"documents": len(all_keys), "broken": broken})
    else:
        for one in broken:
            console.print(f"{one['id']}: event {one['event']} is not what was written", style="red")
        console.print(f"{len(all_keys)} histories, {len(broken)} broken.")
    if broken:
        raise typer.Exit(1)
