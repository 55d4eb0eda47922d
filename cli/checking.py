"""`connector check`: a file's documents read, footed and compared with their orders, without mapping them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import typer
from rich.table import Table

from cli.offline import FileArgument, OrderOption, is_json, located, order_for, read_bytes, read_orders, ruled
from cli.output import JsonOption, console, fail, guarded, show_json, tinted
from connector import errors
from connector.documents import codes
from connector.documents.freshbooks import Invoice as FreshBooksInvoice
from connector.documents.freshbooks import read_record
from connector.documents.invoice import Invoice
from connector.documents.order import Order
from connector.documents.order_change import OrderChange
from connector.documents.reading import Read, read_documents
from connector.documents.shipment import Shipment
from connector.findings import Finding, as_json
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.invoice_totals import foot_invoice
from connector.mapping.order_to_bill import order_to_bill
from connector.mapping.shipment_to_events import shipment_to_events
from connector.rules.packs import PartnerPack

_COLOURS = {"info": "dim", "warning": "yellow", "error": "red"}


@dataclass(slots=True)
class Checked:
    """What was found of one document; the totals are decimal texts, "" where there is none."""

    source: str
    kind: str
    partner: str
    number: str
    lines: int
    computed: str = ""
    stated: str = ""
    findings: list[Finding] = field(default_factory=list)


@guarded
def check_file(file: FileArgument, order: OrderOption = None, as_json: JsonOption = False) -> None:
    """Validate and foot documents offline: RSX of every kind, FreshBooks invoices and bills.

    Exit 1 where a finding is a warning or an error, 2 where a document cannot be read.
    """
    orders = [] if order is None else read_orders(order)
    refused: list[errors.BadInput] = []
    checked = list(_check(file, orders, refused))
    if as_json:
        show_json({"documents": [_as_json(entry) for entry in checked]})
    else:
        for entry in checked:
            _show(entry)
    for error in refused:
        fail(error)
    if refused:
        raise typer.Exit(2)
    if any(finding.severity != "info" for entry in checked for finding in entry.findings):
        raise typer.Exit(1)


def _check(file: str, orders: list[Order], refused: list[errors.BadInput]) -> Iterator[Checked]:
    data = read_bytes(file)
    reads = read_documents(data)
    if is_json(data) and all(isinstance(read, errors.BadInput) and read.code == "not_rsx" for read in reads):
        try:
            yield from _check_records(data, file, orders)
        except errors.BadInput as error:
            if error.place:
                refused.append(located(file, error))
            else:
                refused += [located(file, read) for read in reads if isinstance(read, errors.BadInput)]
        return
    for n, read in enumerate(reads):
        if isinstance(read, errors.BadInput):
            refused.append(located(file, read))
        else:
            yield _check_rsx(read, f"{file}[{n}]" if len(reads) > 1 else file, orders)


def _check_rsx(read: Read, source: str, orders: list[Order]) -> Checked:
    pack = PartnerPack(trading_partner_id=read.partner)
    document = read.document
    checked = Checked(source, read.kind, read.partner, read.number, 0)
    if isinstance(document, Shipment):
        known = {order.number: order for order in orders}
        mapped = shipment_to_events(document, known, pack)
        checked.lines = sum(len(event["lines"]) for event in mapped.document["events"])
        checked.findings = [f for f in mapped.findings if orders or f.code != "order_unknown"]
    elif isinstance(document, Invoice):
        wanted = document.Header.InvoiceHeader.PurchaseOrderNumber or ""
        order = order_for(wanted, orders) or (orders[0] if len(orders) == 1 else None)
        total, checked.findings = foot_invoice(document, pack, order)
        checked.lines, checked.computed = len(document.LineItem), f"{total}"
    elif isinstance(document, OrderChange) and read.purpose != "05":
        # it states only what changes, which comes to nothing by itself: `connector map` shows it with its order
        checked.lines = len(document.LineItem)
    else:
        mapped = order_to_bill(document, pack, datetime.now(UTC).date())
        bill_lines = mapped.document["bill"]["lines"]
        total = sum(
            (Decimal(line["unit_cost"]["amount"]) * line["quantity"] for line in bill_lines), Decimal()
        )
        checked.lines, checked.computed, checked.findings = (
            len(document.LineItem),
            f"{total:.2f}",
            mapped.findings,
        )
    summary = getattr(document, "Summary", None)
    stated = getattr(summary, "TotalAmount", None)
    checked.stated = "" if stated is None else f"{stated:.2f}"
    name = (
        "Shipment"
        if isinstance(document, Shipment)
        else "Invoice"
        if isinstance(document, Invoice)
        else "Order"
    )
    checked.findings += _unlisted_codes(read.raw, name, "")
    return checked


def _check_records(data: bytes, file: str, orders: list[Order]) -> Iterator[Checked]:
    kind, records = read_record(data)
    for n, record in enumerate(records):
        source = f"{file}[{n}]" if len(records) > 1 else file
        is_invoice = isinstance(record, FreshBooksInvoice)
        number = record.invoice_number if isinstance(record, FreshBooksInvoice) else record.bill_number
        wanted = record.po_number if isinstance(record, FreshBooksInvoice) else number
        order = order_for(wanted.strip(), orders) or (orders[0] if len(orders) == 1 else None)
        partner = order.Header.OrderHeader.TradingPartnerId if order is not None else ""
        pack = PartnerPack(trading_partner_id=partner or "-")
        if isinstance(record, FreshBooksInvoice):
            mapped, stated = invoice_to_rsx(record, order=order, pack=pack), record.amount
        else:
            mapped, stated = bill_to_rsx(record, order=order, pack=pack), record.total_amount
        mapped.findings = ruled(mapped.document, kind, mapped.findings, pack, order)
        computed = mapped.document.get("Summary", {}).get("TotalAmount")
        yield Checked(
            source,
            f"FreshBooks {kind}" if is_invoice else "FreshBooks bill",
            partner,
            number,
            len(record.lines),
            "" if computed is None else f"{computed:.2f}",
            "" if stated is None else f"{stated.amount:.2f}",
            mapped.findings,
        )


def _unlisted_codes(value: Any, document: str, place: str) -> Iterator[Finding]:
    """A finding for every code that RSX does not list for its element."""
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{place}.{name}" if place else name
            if isinstance(inner, str) and not codes.allowed(document, name, inner):
                message = f"{name} has a code that RSX 7.7.7 does not list"
                yield Finding(
                    "code_unlisted", "warning", message, path, "check the code with the trading partner"
                )
            elif not isinstance(inner, str):
                yield from _unlisted_codes(inner, document, path)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _unlisted_codes(inner, document, f"{place}[{n}]")


def _as_json(entry: Checked) -> dict[str, Any]:
    shown = {name: getattr(entry, name) for name in ("source", "kind", "partner", "number", "lines")}
    totals = {name: getattr(entry, name) for name in ("computed", "stated") if getattr(entry, name)}
    return {**shown, "totals": totals, "findings": as_json(entry.findings)}


def _show(entry: Checked) -> None:
    totals = f", comes to {entry.computed}" if entry.computed else ""
    totals += f", states {entry.stated}" if entry.stated else ""
    of = f" of {entry.partner}" if entry.partner else ""
    lines = "1 line" if entry.lines == 1 else f"{entry.lines} lines"
    text = f"{entry.source}: {entry.kind.replace('_', ' ')} {entry.number}{of}: {lines}{totals}"
    console.print(text, highlight=False, soft_wrap=True)
    if not entry.findings:
        console.print("nothing to remark", style="green")
        return
    table = Table(show_edge=False)
    for column in ("severity", "place", "what", "to do"):
        table.add_column(column, overflow="fold")
    for finding in entry.findings:
        severity = tinted(finding.severity, _COLOURS[finding.severity])
        table.add_row(severity, finding.place, finding.message, finding.fix)
    console.print(table)
