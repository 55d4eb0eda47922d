"""What is to be sent of FreshBooks' invoices and bills, by their content and their partner's pack."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from connector import errors
from connector.documents.freshbooks import Bill, Client, Invoice
from connector.findings import Mapped, Trace, as_json
from connector.ledger import Record, State, delivered_before
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.usecases import acknowledging, corrections, shipping
from connector.usecases.arrivals import Plan, Planned
from connector.usecases.crediting import original_of
from connector.usecases.fulfilment import approved
from connector.usecases.notices import dispatch_of, is_upload, shipped_before, wait_for_notice, why_no_notice
from connector.usecases.orders import order_key, stored_order
from connector.usecases.partners import orders_meant
from connector.usecases.renumbering import stop_aside

if TYPE_CHECKING:
    from connector.documents.order import Order
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World


def plan_invoice(
    world: World,
    invoice: Invoice,
    order_record: Record | None,
    pack: PartnerPack,
    type_: str,
    record: Record,
    trace: Trace | None = None,
) -> Planned:
    if type_ == "asn" and invoice.is_deleted:
        return _asn_of_deleted(record)
    if type_ == "asn" and (reason := why_no_notice(world, order_record, pack)):
        return Planned(state=State.SKIPPED, note=reason)

    def make(purpose: str, number: str, credited: str = "") -> Planned:
        named, original = invoice, None
        if type_ == "credit":
            original, po_number = original_of(world, invoice, pack.trading_partner_id, order_record)
            named = invoice.model_copy(update={"po_number": invoice.po_number or po_number})
        order, client, kept = _order_and_client(world, named, order_record, pack)
        map_ = partial(
            invoice_to_shipment
            if type_ == "asn"
            else partial(invoice_to_rsx, number=number, original=original),
            named,
            order=order,
            client=client,
            pack=pack,
            profile=world.connection.profile,
            purpose=purpose,
            trace=trace,
        )
        if type_ == "asn" and order is not None and kept is not None:
            map_ = partial(map_, before=shipped_before(world, order, kept, record.key.number))
        mapped = map_()
        if type_ == "invoice" and order is not None and kept is not None:
            dispatch = dispatch_of(world, mapped.document, order, kept, pack)
            mapped = map_(dispatch=dispatch) if dispatch is not None else mapped
            if pack.invoices.asn_first:
                sent_as = number or str(invoice.invoice_number)
                wait_for_notice(world, sent_as, mapped.document, order, kept, pack, credited)
        return _sendable(mapped, invoice)

    if type_ == "asn":
        return make("05" if delivered_before(record) else "00", "")
    return corrections.plan_revision(world, record, pack, make, deleted=invoice.is_deleted, trace=trace)


def _order_and_client(
    world: World, invoice: Invoice, order_record: Record | None, pack: PartnerPack
) -> tuple[Order | None, Client | None, Record | None]:
    """The stored order that the invoice names with its record, or its client where it names none."""
    if order_record is None and invoice.po_number:
        # it may have come since the partner was looked for
        order_record = next(iter(orders_meant(world, [pack.trading_partner_id], invoice.po_number)), None)
        if order_record is None:
            raise errors.Waiting(
                f"the order {invoice.po_number} that the invoice names has not arrived",
                code="order_not_there",
                waits_for=order_key(world.id, pack.trading_partner_id, invoice.po_number).id,
                fix="check the PO number on the invoice; if the order is on its way the invoice goes on by itself",
            )
    if order_record is not None:
        return stored_order(world, order_record), None, order_record
    return None, world.freshbooks.get_client(invoice.customerid) if invoice.customerid else None, None


def plan_again(world: World, record: Record, trace: Trace | None = None) -> Planned:
    """What the mapping makes of the archived record today; nothing is written.

    With `trace` also where every field of it came from.
    """
    return approved(world, partial(map_again, world, trace=trace), who="", keep=False)(record)


def map_again(world: World, record: Record, trace: Trace | None = None) -> Planned:
    """The same without asking the rules before sending."""
    if corrections.is_reversal(record):
        return corrections.plan_credit(world, record, trace)
    if record.key.type == "ack":
        return acknowledging.plan_ack(world, record, trace)
    if is_upload(record):
        return shipping.plan_again(world, record, trace)
    body = world.archive.get(world.id, record.payloads["received"])
    pack = world.pack(record.key.partner)
    stop_aside(world, record)
    if record.key.type == "bill":
        return plan_bill(world, Bill.model_validate_json(body), pack, record, trace)
    invoice = Invoice.model_validate_json(body)
    order = None
    if invoice.po_number:
        order = next(iter(orders_meant(world, [pack.trading_partner_id], invoice.po_number)), None)
    return plan_invoice(world, invoice, order, pack, record.key.type, record, trace)


def plan_bill(
    world: World, bill: Bill, pack: PartnerPack, record: Record, trace: Trace | None = None
) -> Planned:
    def make(purpose: str, number: str, credited: str = "") -> Planned:
        order_record = None
        if bill.bill_number:
            order_record = world.ledger.get(order_key(world.id, pack.trading_partner_id, bill.bill_number))
        mapped = bill_to_rsx(
            bill,
            order=stored_order(world, order_record) if order_record is not None else None,
            pack=pack,
            profile=world.connection.profile,
            purpose=purpose,
            number=number,
            trace=trace,
        )
        return _sendable(mapped, bill)

    return corrections.plan_revision(world, record, pack, make, deleted=bill.vis_state == 1, trace=trace)


def _sendable(mapped: Mapped, record: Invoice | Bill) -> Planned:
    """What is to be sent; whether it may be, `approved` says."""
    amount, currency, day = _worth(record)
    return Planned(
        document=mapped.document,
        findings=tuple(as_json(mapped.findings)),
        amount=amount,
        currency=currency,
        date=day,
    )


def _worth(record: Invoice | Bill) -> errors.Worth:
    if isinstance(record, Invoice):
        total, day = record.amount, record.create_date
    else:
        total, day = record.total_amount or record.amount, record.issue_date
    amount = str(total.amount) if total is not None else ""
    return errors.Worth(amount, record.currency_code or "", str(day or ""))


def priced(record: Invoice | Bill, plan: Plan) -> Plan:
    """The plan of a FreshBooks record, whose money is known also where it has to be parked, or is there already."""

    def priced(stored: Record) -> Planned:
        try:
            planned = plan(stored)
        except errors.Parked as error:
            error.worth = _worth(record)
            raise
        if planned.state is State.SKIPPED and delivered_before(stored):  # the partner has this very content
            amount, currency, day = _worth(record)
            return replace(planned, amount=amount, currency=currency, date=day)
        return planned

    return priced


def _asn_of_deleted(record: Record) -> Planned:
    if not delivered_before(record):
        return Planned(state=State.CANCELLED, note="deleted in FreshBooks before it was sent")
    raise errors.CheckFailed(
        "deleted in FreshBooks after its ASN was sent to the trading partner",
        code="deleted_after_sending",
        fix="tell the partner if nothing was shipped, then mark it resolved",
    )
