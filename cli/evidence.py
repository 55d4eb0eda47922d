"""`connector evidence`: everything about a purchase order in one zip file, for disputes and audits."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption, console, counted, err, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption
from connector import errors
from connector.adapters.bundles import write_bundle
from connector.usecases import evidence as packs


@guarded
def evidence(
    purchase_order: Annotated[str, typer.Argument(metavar="PO", help="The purchase order's number.")],
    connection: Annotated[
        str, typer.Option("--connection", "-c", help="Which; the only one if not said.")
    ] = "",
    partner: Annotated[str, typer.Option(help="Whose order, where several partners have the number.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The zip file; named by partner and order if not said."),
    ] = None,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Pack all that was received, mapped, sent and answered about an order, with every history, into a zip file.

    Exit 1 where a history was changed after it was written.
    """
    files = packs.evidence(Stack(stack).world(connection), purchase_order, partner)
    index = packs.digests(files)
    target = output or Path(packs.file_name(index["purchase_order"], index["partner"]))
    if target.suffix != ".zip":
        raise errors.BadUse(f"{target} does not end in .zip", code="bad_file_name")
    try:
        write_bundle(target, files)
    except OSError as error:
        raise errors.BadUse(f"{target}: {error.strerror}", code="file_unwritable") from None
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    if as_json:
        show_json({"file": str(target), "sha256": digest, **index})
    else:
        documents = counted(len(index["documents"]), "document")
        console.print(f"{target}: {documents}, {len(files)} files, sha256 {digest}", soft_wrap=True)
    if not index["histories_intact"]:
        err.print("a history was changed after it was written: see the pack's index.html", style="bold red")
        raise typer.Exit(1)
