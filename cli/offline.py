"""`connector map`: a file's documents mapped without any account, stack or network."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.output import JsonOption, err, explanation, fail, guarded, show_json
from connector import errors
from connector.documents.freshbooks import Bill, Invoice, read_record
from connector.documents.order import Order
from connector.documents.reading import MAX_BYTES, Read, read_documents
from connector.documents.shipment import Shipment
from connector.documents.upload_reading import is_upload
from connector.documents.xml_writing import write_xml
from connector.findings import Finding, Mapped, Trace, as_json, explained
from connector.mapping.order_diff import order_diff
from connector.mapping.order_history import Version, in_force
from connector.mapping.order_to_bill import CANCELLED
from connector.mapping.order_to_sale import map_order
from connector.mapping.shipment_to_events import shipment_to_events
from connector.rules.packs import PartnerPack, read_pack

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")]
OrderOption = Annotated[str | None, typer.Option("--order", help="The RSX order(s) that FILE refers to.")]
_COLOURS = {"info": "dim", "warning": "yellow", "error": "red"}


class Side(StrEnum):
    freshbooks = "freshbooks"
    sps = "sps"


class Format(StrEnum):
    json = "json"
    xml = "xml"


@dataclass(slots=True)
class Done:
    """One document of the file, mapped."""

    source: str
    kind: str
    partner: str
    number: str
    mapped: Mapped
    trace: Trace = field(default_factory=dict)
    changes: dict[str, Any] | None = None
    format: str = "json"


@guarded
def map_file(
    file: FileArgument,
    partner: Annotated[str | None, typer.Option("--partner", help="The partner pack, a TOML file.")] = None,
    order: OrderOption = None,
    to: Annotated[
        Side | None, typer.Option("--to", help="Which side FILE is mapped to; told by FILE.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say where every field came from.")] = False,
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="What is written for SPS; else as the partner pack says."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Map documents offline: RSX orders, changes and shipments for FreshBooks, FreshBooks invoices and bills for SPS.

    Prints what would be sent, findings on stderr. Exit 1 where an error finding would block a document.
    """
    pack = None if partner is None else read_pack_file(partner)
    orders = [] if order is None else read_order_file(order)
    refused: list[errors.BadInput] = []
    done: list[Done] = []
    for entry in map_documents(file, pack, orders, to, refused):
        done.append(entry)
        if not as_json:
            tell(entry.source if len(done) > 1 else file, entry.mapped.findings)
    _print(done, refused, explain, as_json, format_)
    for error in refused:
        fail(error)
    if refused:
        raise typer.Exit(2)
    if any(entry.mapped.blocked for entry in done):
        raise typer.Exit(1)


def read_bytes(name: str) -> bytes:
    """The file's bytes, no more than a document may have and one; BadInput names the file and the reason."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        path = Path(name)
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise errors.BadInput(
                f"the file has {path.stat().st_size / 1024 / 1024:.1f} MB, {MAX_BYTES // 1024 // 1024} MB is the most",
                code="too_large",
                place=name,
                fix="split the file",
            )
        with path.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no file name"
        raise errors.BadInput(
            reason.lower(), code="unreadable", place=name, fix="check the file's name"
        ) from None


def read_file(name: str) -> list[Read | errors.BadInput]:
    """The RSX documents of a file, errors naming the file."""
    return [
        located(name, read) if isinstance(read, errors.BadInput) else read
        for read in read_documents(read_bytes(name))
    ]


def is_json(data: bytes) -> bool:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))


def located(name: str, error: errors.BadInput) -> errors.BadInput:
    error.place = f"{name}: {error.place}" if error.place else name
    return error


def read_orders(name: str) -> list[Order]:
    return [read.document for read in read_order_file(name) if isinstance(read.document, Order)]


def read_order_file(name: str) -> list[Read]:
    orders = []
    for read in read_file(name):
        if isinstance(read, errors.BadInput):
            raise read
        if read.kind != "order":
            what = read.kind.replace("_", " ")
            raise errors.BadInput(
                f"an RSX {what}, not an order", place=name, fix="give the order with --order"
            )
        orders.append(read)
    return orders


def order_for(number: str, orders: Iterable[Order]) -> Order | None:
    return next((o for o in orders if number in (o.number, o.Header.OrderHeader.PurchaseOrderNumber)), None)


def tell(source: str, findings: Iterable[Finding]) -> None:
    """Each finding as one line on stderr."""
    for finding in findings:
        place = f"{finding.place}: " if finding.place else ""
        fix = f" ({finding.fix})" if finding.fix else ""
        text = f"{finding.severity}: {source}: {place}{finding.message}{fix}"
        err.print(
            " ".join(text.split()),
            style=_COLOURS[finding.severity],
            highlight=False,
            soft_wrap=True,
        )


# --- mapping --------------------------------------------------------------------------------------------


def read_pack_file(name: str) -> PartnerPack:
    data = read_bytes(name)
    try:
        return read_pack(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise errors.BadUse("is not UTF-8 text", place=name, fix="give a partner pack, a TOML file") from None
    except errors.BadUse as error:
        error.place = f"{name}: {error.place}" if error.place else name
        raise


def map_documents(
    file: str,
    pack: PartnerPack | None,
    orders: list[Read],
    to: Side | None,
    refused: list[errors.BadInput],
) -> Iterator[Done]:
    data = read_bytes(file)
    if to is not Side.freshbooks and is_upload(data):
        from cli.shipments import map_uploads

        known = [read.document for read in orders if isinstance(read.document, Order)]
        yield from map_uploads(data, file, pack, known, refused)
        return
    if to is not Side.sps:
        reads = read_documents(data)
        foreign = all(isinstance(read, errors.BadInput) and read.code == "not_rsx" for read in reads)
        if to is Side.freshbooks or not foreign or not is_json(data):
            for n, read in enumerate(reads):
                try:
                    if isinstance(read, errors.BadInput):
                        raise read
                    yield _map_rsx(read, f"{file}[{n}]" if len(reads) > 1 else file, pack, orders)
                except errors.BadInput as error:
                    refused.append(located(file, error))
            return
    try:
        kind, records = read_record(data)
    except errors.BadInput as error:
        if to is None:
            error = errors.BadInput(
                "neither an RSX document nor a FreshBooks record",
                place=error.place,
                fix="give RSX 7.7, or an invoice or bill as FreshBooks' API answers it",
            )
        raise located(file, error) from None
    for n, record in enumerate(records):
        yield _map_record(record, kind, f"{file}[{n}]" if len(records) > 1 else file, pack, orders)


def _map_rsx(read: Read, source: str, pack: PartnerPack | None, orders: list[Read]) -> Done:
    pack = pack_for(read.partner, pack)
    trace: Trace = {}
    if isinstance(read.document, Shipment):
        known = {order.number: order.document for order in orders if isinstance(order.document, Order)}
        mapped = shipment_to_events(read.document, known, pack, trace=trace)
    elif read.kind in ("order", "order_change") and Version(read).kind != "original":
        return _map_change(read, source, pack, orders)
    elif isinstance(read.document, Order) and read.kind != "order_ack":
        mapped = map_order(read.document, pack, datetime.now(UTC).date(), trace)
    else:
        what = read.kind.replace("_", " ")
        raise errors.BadInput(f"an RSX {what} is not mapped to FreshBooks", fix=f"connector check {source}")
    return Done(source, read.kind, read.partner, read.number, mapped, trace)


def _map_change(read: Read, source: str, pack: PartnerPack, orders: list[Read]) -> Done:
    """The bill of the order as changed, replaced or cancelled; every line's change is a finding."""
    if Version(read).kind == "information":
        note = Finding(
            "information_copy", "info", "for information only: nothing is made of it in FreshBooks"
        )
        return Done(source, read.kind, read.partner, read.number, Mapped({}, [note]))
    known = [Version(order) for order in orders if _numbers(order) & _numbers(read)]
    before, after = in_force(known), in_force([*known, Version(read)], len(known))
    if after.order is None and not after.cancelled:
        raise errors.BadInput(
            "an order change is mapped with its order",
            code="order_not_there",
            fix="give the order with --order",
        )
    mapped, trace, order = Mapped({"cancel": pack.orders.target}), dict(CANCELLED), None
    if after.order is not None and not after.cancelled:
        order = Order.model_validate(after.order.raw)
        mapped = map_order(order, pack, datetime.now(UTC).date(), trace)
        trace = after.order.sourced(trace)
    changes = None
    if before.order is not None:
        diff = order_diff(Order.model_validate(before.order.raw), order, pack)
        mapped.findings = [*diff.findings(), *mapped.findings]
        changes = diff.as_json()
    mapped.findings = [*after.findings, *mapped.findings]
    return Done(source, read.kind, read.partner, read.number, mapped, trace, changes)


def _numbers(read: Read) -> set[str]:
    return {read.number, read.raw["Header"]["OrderHeader"]["PurchaseOrderNumber"]}


def _map_record(
    record: Invoice | Bill, kind: str, source: str, pack: PartnerPack | None, known: list[Read]
) -> Done:
    orders = [read.document for read in known if isinstance(read.document, Order)]
    number = record.invoice_number if isinstance(record, Invoice) else record.bill_number
    wanted = record.po_number if isinstance(record, Invoice) else number
    order = order_for(wanted.strip(), orders) or (orders[0] if len(orders) == 1 else None)
    if pack is None and order is None:
        raise errors.BadUse(
            f"a FreshBooks {kind} does not say which trading partner it is for",
            place=source,
            fix="name the partner pack with --partner, or the order with --order",
        )
    partner = order.Header.OrderHeader.TradingPartnerId if order is not None else ""
    pack = pack_for(partner or (pack.trading_partner_id if pack else ""), pack)
    trace: Trace = {}
    if isinstance(record, Invoice):
        from connector.mapping.invoice_to_rsx import invoice_to_rsx

        mapped = invoice_to_rsx(record, order=order, pack=pack, trace=trace)
    else:
        from connector.mapping.bill_to_rsx import bill_to_rsx

        mapped = bill_to_rsx(record, order=order, pack=pack, trace=trace)
    mapped.findings = ruled(mapped.document, kind, mapped.findings, pack, order)
    return Done(source, kind, pack.trading_partner_id, number, mapped, trace, pack.format)


def ruled(
    document: Mapping[str, Any], kind: str, found: Iterable[Finding], pack: PartnerPack, order: Order | None
) -> list[Finding]:
    """The findings of all rules on an RSX invoice, as if it were the first for its order, or credited one."""
    from connector.rules.checks import check
    from connector.rules.open_quantities import header_of
    from connector.rules.rule import Case

    credit = header_of(document, kind).get("InvoiceTypeCode") == "CR"
    findings = check(Case("credit" if credit else kind, document, pack, order), found)
    return [finding for finding in findings if finding.code != "over_credited"]


def pack_for(partner: str, pack: PartnerPack | None) -> PartnerPack:
    if pack is None:
        return PartnerPack(trading_partner_id=partner)
    if pack.trading_partner_id != partner:
        raise errors.BadUse(
            f"the partner pack is for {pack.trading_partner_id}, the document for {partner}",
            code="wrong_pack",
            fix="give the pack of that trading partner",
        )
    return pack


# --- printing -------------------------------------------------------------------------------------------


def _print(
    done: list[Done], refused: list[errors.BadInput], explain: bool, as_json: bool, format_: Format | None
) -> None:
    if as_json:
        shown: dict[str, Any] = {"documents": [_as_json(entry, explain) for entry in done]}
        if refused:
            names = ("code", "place", "message", "fix")
            shown["errors"] = [{name: getattr(error, name) for name in names} for error in refused]
        show_json(shown)
    elif explain:
        console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
        for entry in done:
            console.print(explanation(_fields(entry), f"{entry.kind} {entry.number} of {entry.partner}"))
    elif done:
        documents = [entry.mapped.document for entry in done]
        if (format_ or done[0].format) == "xml":
            sys.stdout.write(_as_xml(done, documents))
            return
        show_json(documents if len(documents) > 1 else documents[0])


def _as_xml(done: list[Done], documents: list[dict[str, Any]]) -> str:
    if done[0].kind not in ("invoice", "bill"):
        raise errors.BadUse(
            "only documents for SPS are written as XML", place=done[0].source, fix="leave --format out"
        )
    return write_xml(documents, "Invoice").decode()


def _as_json(entry: Done, explain: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "source": entry.source,
        "kind": entry.kind,
        "partner": entry.partner,
        "number": entry.number,
        "document": entry.mapped.document,
        "findings": as_json(entry.mapped.findings),
    }
    if entry.changes is not None:
        shown["changes"] = entry.changes
    if explain:
        shown["explain"] = _fields(entry)
    return shown


def _fields(entry: Done) -> list[dict[str, Any]]:
    return [
        {"field": path, "value": value, "from": list(source.paths), "rule": source.rule}
        for path, value, source in explained(entry.mapped.document, entry.trace)
    ]
