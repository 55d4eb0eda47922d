"""`connector replay`, `redrive`, `reconcile`, `verify-history`: do it again, and prove that all is there."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from cli.documents import is_listed
from cli.instants import instant
from cli.output import JsonOption, console, counted, err, guarded, show_json, shown, tinted
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from connector import errors
from connector.adapters.redrive import redrive as move_dead_letters
from connector.ledger import DocumentKey, State, verify_history
from connector.usecases import people, replaying
from connector.usecases.reconcile import NO_ORDER
from connector.usecases.reconcile import reconcile as reconcile_connection
from connector.usecases.searching import TYPES, in_sequence, known_type

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
    state: Annotated[
        str, typer.Option(help="Instead of ids: all in this state (default HELD and REJECTED).")
    ] = "",
    direction: Annotated[str, typer.Option(help="Only 'in' (from SPS) or 'out' (to SPS).")] = "",
    partner: Annotated[str, typer.Option(help="Only of this TradingPartnerId.")] = "",
    kind: Annotated[str, typer.Option("--type", help=f"Only one kind: {', '.join(TYPES)}.")] = "",
    code: Annotated[str, typer.Option(help="Only those held or refused with this error code.")] = "",
    since: Annotated[
        str, typer.Option(help="Only what is in its state since then: 2026-04-16, 12h, 3d.")
    ] = "",
    until: Annotated[
        str, typer.Option(help="Only what is in its state since then or earlier: 2026-04-17, 1h.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent and how it differs; send nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Send delivered ones again, as a revision; accept held changes.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why; kept on the document's history. Needed with --force.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a selection is sent again.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Put documents through their mapping again, from their archived input. Exit 1 where one could not be.

    Name them, or select them: the selectors narrow each other.
    """
    selectors = (state, direction, partner, kind, code, since, until)
    if bool(documents) == any(selectors):
        raise errors.BadUse(
            "name documents, or select them with --state, --partner, --code, --since...",
            code="nothing_selected",
        )
    if force and not dry_run and not reason:
        raise errors.BadUse("a delivered document is sent again only with a --reason", code="reason_missing")
    states = _states(state, dry_run=dry_run, force=force)
    if direction not in ("", "in", "out"):
        raise errors.BadUse(f"there is no direction {direction}", code="no_such_direction", fix="in or out")
    window = {"since": instant(since, option="--since"), "until": instant(until, option="--until", end=True)}
    in_sequence(window["since"], window["until"])
    kind = known_type(kind)
    keys = [DocumentKey.of(text) for text in documents or ()]
    reached = Stack(stack)
    wiring = reached.wiring
    if not documents:
        for each in reached.connections(connection):
            found = people.documents(
                wiring.ledger,
                each,
                states=states,
                direction=direction,
                partner=partner,
                type_=kind,
                code=code,
                **window,
            )
            keys += [DocumentKey.of(one["id"]) for one in found]
        if code and not keys:
            is_listed(code)
        if force and not dry_run and keys and not yes:
            typer.confirm(f"Send {counted(len(keys), 'document')} again?", abort=True, err=True)
    rows: list[dict[str, Any]] = []
    for key in track(keys, "documents", console=err, disable=as_json or not err.is_terminal):
        world = wiring.world(key.connection)
        try:
            if dry_run:
                rows.append(replaying.preview(world, key))
            else:
                replaying.replay(world, key, who=person(), reason=reason, force=force)
                rows.append({"id": key.id, "outcome": "replayed"})
        except (
            errors.Parked,
            errors.NotSent,
        ) as error:  # one document must not keep the others from their turn
            rows.append(
                {
                    "id": key.id,
                    "outcome": "failed",
                    "reason": {"code": error.code, "message": error.message, "fix": error.fix},
                }
            )
    if as_json:
        show_json({"documents": rows})
    else:
        for row in rows:
            _show(row)
        err.print(counted(len(rows), "document") + (", nothing was sent" if dry_run else ""))
    if any(row["outcome"] in ("failed", "held") for row in rows):
        raise typer.Exit(1)


def _states(state: str, *, dry_run: bool, force: bool) -> list[State]:
    """The states that a selection may name: what is parked, and with --dry-run or --force what was delivered."""
    allowed = [State.HELD, State.REJECTED]
    if dry_run or force:
        allowed += [State.DELIVERED, State.PICKED_UP]
    if not state:
        return allowed[:2]
    if state.upper() not in allowed:
        raise errors.BadUse(
            f"documents in state {state[:20]} are not replayed by selection",
            code="no_such_state",
            fix=f"one of {', '.join(allowed)}"
            + ("" if dry_run or force else "; DELIVERED and PICKED_UP with --dry-run or --force"),
        )
    return [State(state.upper())]


def _show(row: dict[str, Any]) -> None:
    reason = row.get("reason", {})
    why = reason.get("message") or row.get("note", "")
    what = f"{row['outcome']}: {why}" if why else row["outcome"]
    fix = f" ({reason['fix']})" if reason.get("fix") else ""
    console.print(f"{row['id']}: {what}{fix}", soft_wrap=True)
    if row.get("differences"):
        table = Table("field", "sent", "now")
        for one in row["differences"]:
            table.add_row(one["field"], shown(one["sent"]), shown(one["now"]))
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
    closed = replaying.resolve(world, key, who=person(), reason=reason)
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
    dead, source = reached.outputs[f"{queue}FailedUrl"], reached.outputs[f"{queue}Url"]
    count, by_sqs = move_dead_letters(reached.client("sqs"), dead, source)
    how = "SQS is moving them" if by_sqs else "moved one by one"
    if as_json:
        show_json({"queue": queue, "messages": count, "how": how})
    else:
        console.print(f"{queue}: {counted(count, 'dead letter')}, {how}.")


@guarded
def reconcile(
    connection: ConnectionOption = "",
    days: Annotated[int, typer.Option(min=1, max=400, help="How far back.")] = 7,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every document.")] = False,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Compare FreshBooks, SPS and the ledger document by document; exit 1 on anything unexplained."""
    reached = Stack(stack)
    results = [reconcile_connection(reached.world(each), days) for each in reached.connections(connection)]
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
            one
            for one in verdicts
            if not one["explained"] or one["verdict"] in ("needs a person", "waits", NO_ORDER)
        ]
        table = Table("document", "verdict", "", "detail")
        for one in exceptions:
            mark = tinted("" if one["explained"] else "UNEXPLAINED", "red")
            table.add_row(one["document"], one["verdict"], mark, one["detail"])
        console.print(table if exceptions else "Nothing to look at.")
    if any(result["unexplained"] for result in results):
        raise typer.Exit(1)


@guarded
def verify_histories(
    connection: ConnectionOption = "", stack: StackOption = DEFAULT_STACK, as_json: JsonOption = False
) -> None:
    """Check the hash chain of every document's history; exit 1 where one was changed afterwards."""
    reached = Stack(stack)
    wiring = reached.wiring

    def keys() -> Iterator[DocumentKey]:
        for each in reached.connections(connection):
            for summary in people.documents(wiring.ledger, each):
                yield DocumentKey.of(summary["id"])

    all_keys = list(keys())
    if connection and not all_keys:
        wiring.connection(connection)  # no proof of one that there is not
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
