"""FreshBooks -> SPS: webhook hints and the reconcile poll name records; each is fetched fresh and mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector import errors
from connector.documents.freshbooks import Bill, Invoice
from connector.findings import Mapped, as_json
from connector.ledger import IN_FLIGHT, OPEN, DocumentKey, Record, State, delivered_before
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.usecases.arrivals import Plan, Planned, early_invoices, push_message, settle
from connector.usecases.inbound import blocked, order_key, stored_order
from connector.usecases.partners import is_ours, partner_of_bill, partner_of_invoice, senders_of_bills
from connector.usecases.webhooks import Noun, hint

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

POLL_LEASE_SECONDS = 300.0
OVERLAP_DAYS = 1
WHO = "map_outbound"
_EASTERN = ZoneInfo("America/New_York")
# what a payment, a view or a reminder changes is not the document's content
_INVOICE_CONTENT = (
    "invoice_number",
    "customerid",
    "create_date",
    "due_offset_days",
    "currency_code",
    "amount",
    "po_number",
    "terms",
    "notes",
    "discount_value",
    "fulfillment_date",
    "organization",
    "street",
    "street2",
    "city",
    "province",
    "code",
    "country",
    "lines",
)
_INVOICE_LINE = (
    "name",
    "description",
    "qty",
    "unit_cost",
    "taxName1",
    "taxAmount1",
    "taxName2",
    "taxAmount2",
)
_BILL_CONTENT = ("bill_number", "issue_date", "due_offset_days", "currency_code", "total_amount", "lines")
_BILL_LINE = (
    "description",
    "quantity",
    "unit_cost",
    "tax_name1",
    "tax_percent1",
    "tax_name2",
    "tax_percent2",
)


def poll_freshbooks(world: World) -> int:
    """Send a hint for every invoice and bill that is not as the ledger last saw it; how many.

    Invoices by `updated_min` with a day's overlap (FreshBooks filters by US/Eastern days); bills in full,
    as nothing filters them by change, and only where some partner is sent them. Deleted ones are a list of their own.
    """
    with world.leases.hold(f"{world.id}/poll-freshbooks", POLL_LEASE_SECONDS) as fence:
        if fence is None:
            world.report("poll skipped, another one is running")
            return 0
        started = world.clock.now()
        mark = world.notes.read(world.id, "poll", "freshbooks") or {}
        since = _since(mark.get("watermark"))
        run = world.new_id()
        hints: list[dict[str, Any]] = []
        seen = world.notes.read_all(world.id, "seen")
        sends_bills = any(pack.bills.send for pack in world.packs().values())
        for deleted in (False, True):
            invoices: Iterable[Invoice] = world.freshbooks.list_invoices(since, deleted=deleted)
            bills: Iterable[Bill] = world.freshbooks.list_bills(deleted=deleted) if sends_bills else ()
            listed: tuple[tuple[Noun, Iterable[Invoice | Bill]], ...] = (
                ("invoice", invoices),
                ("bill", bills),
            )
            for noun, records in listed:
                for record in records:
                    known = seen.get(f"{noun}:{record.id}")
                    if deleted and known is None:
                        continue
                    if known is None or known["version"] != _version(record):
                        correlation_id = f"{run}.{len(hints) + 1}"
                        hints.append(hint(world.id, noun, record.id, f"{noun}.polled", correlation_id))
        world.queues.records_to_map.send(hints)
        world.notes.write(
            world.id, "poll", "freshbooks", {"at": started, "watermark": started, "hints": len(hints)}
        )
        world.report("books polled", hints=len(hints), run=run)
        return len(hints)


def _since(watermark: str | None) -> date | None:
    if not watermark:
        return None
    return datetime.fromisoformat(watermark).astimezone(_EASTERN).date() - timedelta(days=OVERLAP_DAYS)


def _version(record: Invoice | Bill) -> str:
    return f"{record.change_token}/{record.vis_state}"


def map_outbound(world: World, message: Mapping[str, Any]) -> None:
    """Map the record that a hint names, or map one parked document again (`replay`)."""
    correlation_id = message["correlation_id"]
    if "replay" in message:
        record = world.ledger.get(DocumentKey.of(message["replay"]))
        if record is None or record.state not in OPEN:
            world.report("nothing to replay", document=message["replay"])
            return
        if record.state in IN_FLIGHT:
            _ask_again(world, record)
            return
        noun, _, object_id = record.source.partition(":")
    else:
        noun, object_id = message["noun"], str(message["id"])
    if noun == "invoice":
        _take_invoice(world, int(object_id), correlation_id)
    elif noun == "bill":
        _take_bill(world, int(object_id), correlation_id)
    else:
        world.report("no work for this kind of record", noun=noun)


def _ask_again(world: World, record: Record) -> None:
    """Send the very content on whose outcome is unknown: FreshBooks may have another by now, which has to wait."""
    try:
        planned = plan_again(world, record)
    except errors.Parked as error:
        world.report("cannot ask about a document in doubt", document=record.key.id, error=error.code)
        return
    if planned.document is not None:
        world.queues.rsx_to_push.send([push_message(record, planned.document)])


def _take_invoice(world: World, object_id: int, correlation_id: str) -> None:
    try:
        invoice = world.freshbooks.get_invoice(object_id)
    except errors.NotFound:
        world.report("record is not in FreshBooks", noun="invoice", id=object_id)
        return
    if invoice.is_draft and not invoice.is_deleted:
        # no mark: sending a draft changes it, and the poll then shows it again
        _saw(world, "invoice", invoice, "draft")
        return
    found = partner_of_invoice(world, invoice)
    if found is None:
        if (
            invoice.po_number
        ):  # its order may be on its way: it then asks for the invoices that came before it
            world.notes.write(world.id, early_invoices(invoice.po_number), str(invoice.id), {})
        world.forget_packs()  # the order, or the pack, may have come since we looked
        found = partner_of_invoice(world, invoice)
    if found is None:
        _saw(world, "invoice", invoice, "not a trading partner's")
        return
    pack, order = found
    for type_, wanted in (("invoice", pack.invoices.send), ("asn", pack.invoices.asn)):
        if wanted:
            _settle_record(
                world,
                DocumentKey(world.id, "out", pack.trading_partner_id, type_, str(invoice.invoice_number)),
                invoice,
                digest=content_digest(invoice),
                correlation_id=correlation_id,
                plan=partial(_plan_invoice, world, invoice, order, pack, type_),
            )
    _saw(world, "invoice", invoice, pack.trading_partner_id)


def _take_bill(world: World, object_id: int, correlation_id: str) -> None:
    senders = senders_of_bills(world)
    if not senders:
        return
    try:
        bill = world.freshbooks.get_bill(object_id)
    except errors.NotFound:
        world.report("record is not in FreshBooks", noun="bill", id=object_id)
        return
    if is_ours(world, bill):
        _saw(world, "bill", bill, "made by the connector")
        return
    number = bill.bill_number or f"bill-{bill.id}"
    try:
        pack = partner_of_bill(world, bill, senders)
        if pack is None:
            world.forget_packs()  # it may have been set up since we looked
            pack = partner_of_bill(world, bill, senders_of_bills(world))
    except errors.CheckFailed as error:
        unknown = error

        def refuse(record: Record) -> Planned:
            raise unknown

        partner, plan = "-", refuse
    else:
        if pack is None:
            _saw(world, "bill", bill, "not a trading partner's")
            return
        sender = pack
        partner, plan = pack.trading_partner_id, lambda record: _plan_bill(world, bill, sender, record)
    _settle_record(
        world,
        DocumentKey(world.id, "out", partner, "bill", number),
        bill,
        digest=content_digest(bill),
        correlation_id=correlation_id,
        plan=plan,
    )
    _saw(world, "bill", bill, partner)


def _settle_record(
    world: World, key: DocumentKey, record: Invoice | Bill, *, digest: str, correlation_id: str, plan: Plan
) -> None:
    received = world.archive.put(world.id, record.model_dump_json(exclude_unset=True).encode())
    settled = settle(
        world,
        key,
        digest=digest + ("-deleted" if record.vis_state == 1 else ""),
        rank=record.change_token or "",
        source=f"{'invoice' if isinstance(record, Invoice) else 'bill'}:{record.id}",
        received=received,
        correlation_id=correlation_id,
        who=WHO,
        plan=plan,
        queue=world.queues.rsx_to_push,
    )
    if settled.state is State.HELD and settled.waits_for:
        waited = world.ledger.get(DocumentKey.of(settled.waits_for))
        if waited is not None:
            # it arrived between our look and our parking, and so woke nobody
            settle(
                world,
                key,
                digest=settled.digest,
                rank=settled.rank,
                source=settled.source,
                received=received,
                correlation_id=correlation_id,
                who=WHO,
                plan=plan,
                queue=world.queues.rsx_to_push,
            )


def content_digest(record: Invoice | Bill) -> str:
    """The digest of what a trading partner would see of a record; payments and views don't change it."""
    fields, line_fields = (
        (_INVOICE_CONTENT, _INVOICE_LINE) if isinstance(record, Invoice) else (_BILL_CONTENT, _BILL_LINE)
    )
    values = record.model_dump(mode="json", include=set(fields))
    values["lines"] = [{name: line.get(name) for name in line_fields} for line in values.get("lines") or ()]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _saw(world: World, noun: Noun, record: Invoice | Bill, what: str) -> None:
    """Remember which version was looked at, so that the poll need not show it again."""
    world.notes.write(world.id, "seen", f"{noun}:{record.id}", {"version": _version(record), "what": what})


def _plan_invoice(
    world: World, invoice: Invoice, order_record: Record | None, pack: PartnerPack, type_: str, record: Record
) -> Planned:
    if invoice.is_deleted:
        return _deleted(record)
    if order_record is None and invoice.po_number:
        key = order_key(world.id, pack.trading_partner_id, invoice.po_number)
        order_record = world.ledger.get(key)  # it may have come since the partner was looked for
    if order_record is None and invoice.po_number:
        raise errors.Waiting(
            f"the order {invoice.po_number} that the invoice names has not arrived",
            code="order_not_there",
            waits_for=key.id,
            fix="check the PO number on the invoice; if the order is on its way the invoice goes on by itself",
        )
    order = stored_order(world, order_record) if order_record is not None else None
    client = world.freshbooks.get_client(invoice.customerid) if order is None and invoice.customerid else None
    purpose = "05" if delivered_before(record) else "00"
    profile = world.connection.profile
    if type_ == "asn":
        mapped = invoice_to_shipment(
            invoice, order=order, client=client, pack=pack, profile=profile, purpose=purpose
        )
    else:
        mapped = invoice_to_rsx(
            invoice, order=order, client=client, pack=pack, profile=profile, purpose=purpose
        )
    return _sendable(
        mapped,
        str(invoice.amount.amount) if invoice.amount else "",
        invoice.currency_code or "",
        str(invoice.create_date or ""),
    )


def plan_again(world: World, record: Record) -> Planned:
    """What the mapping makes of the archived record today; nothing is written."""
    body = world.archive.get(world.id, record.payloads["received"])
    pack = world.pack(record.key.partner)
    if record.key.type == "bill":
        return _plan_bill(world, Bill.model_validate_json(body), pack, record)
    invoice = Invoice.model_validate_json(body)
    order = None
    if invoice.po_number:
        order = world.ledger.get(order_key(world.id, pack.trading_partner_id, invoice.po_number))
    return _plan_invoice(world, invoice, order, pack, record.key.type, record)


def _plan_bill(world: World, bill: Bill, pack: PartnerPack, record: Record) -> Planned:
    if bill.vis_state == 1:
        return _deleted(record)
    order_record = None
    if bill.bill_number:
        order_record = world.ledger.get(order_key(world.id, pack.trading_partner_id, bill.bill_number))
    mapped = bill_to_rsx(
        bill,
        order=stored_order(world, order_record) if order_record is not None else None,
        pack=pack,
        profile=world.connection.profile,
        purpose="05" if delivered_before(record) else "00",
    )
    total = bill.total_amount or bill.amount
    return _sendable(
        mapped, str(total.amount) if total else "", bill.currency_code or "", str(bill.issue_date or "")
    )


def _sendable(mapped: Mapped, amount: str, currency: str, date_: str) -> Planned:
    if mapped.blocked:
        raise blocked(mapped)
    return Planned(
        document=mapped.document,
        findings=tuple(as_json(mapped.findings)),
        amount=amount,
        currency=currency,
        date=date_,
    )


def _deleted(record: Record) -> Planned:
    if not delivered_before(record):
        return Planned(state=State.CANCELLED, note="deleted in FreshBooks before it was sent")
    raise errors.CheckFailed(
        "deleted in FreshBooks after it was sent to the trading partner",
        code="deleted_after_sending",
        fix="agree with the partner on a credit or cancellation, then mark it resolved",
    )
