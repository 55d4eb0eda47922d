"""FreshBooks -> SPS: webhook hints and the poll name records; each is fetched fresh and mapped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.freshbooks import Bill, Invoice
from connector.documents.freshbooks_content import content_digest
from connector.ledger import IN_FLIGHT, OPEN, DocumentKey, Record, State
from connector.mapping.invoice_to_rsx import is_credit
from connector.usecases import acknowledging, corrections, shipping
from connector.usecases.arrivals import NumberTaken, Plan, Planned, early_invoices, push_message, settle
from connector.usecases.cut_over import registering
from connector.usecases.fulfilment import approved
from connector.usecases.notices import is_upload
from connector.usecases.outbound_plans import plan_again, plan_bill, plan_invoice, priced
from connector.usecases.partners import is_ours, partner_of_bill, partner_of_invoice, senders_of_bills
from connector.usecases.renumbering import aside, leave_behind, one_document, reused, take_up
from connector.usecases.sightings import NOBODYS, Sighting

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.together import Steps
    from connector.usecases.world import World

WHO = "map_outbound"


def map_outbound(world: World, message: Mapping[str, Any]) -> Steps[None]:
    """Map the record that a hint names, `acknowledge` an order, or map one parked document again (`replay`)."""
    correlation_id = message["correlation_id"]
    replayed: Record | None = None
    if "acknowledge" in message:
        acknowledging.take(world, message["acknowledge"])
        return
    if "replay" in message:
        world.forget_packs()  # often it is a changed pack that it is replayed for
        record = world.ledger.get(DocumentKey.of(message["replay"]))
        if record is None or record.state not in OPEN:
            world.report("nothing to replay", document=message["replay"])
            return
        if record.state in IN_FLIGHT:
            _ask_again(world, record)
            return
        if corrections.is_reversal(record):
            corrections.map_credit_again(world, record, correlation_id, WHO)
            return
        if record.key.type == "ack":
            acknowledging.map_again(world, record)
            return
        if is_upload(record):
            shipping.map_again(world, record, correlation_id, WHO)
            return
        replayed = record
        noun, _, object_id = record.source.partition(":")
    else:
        noun, object_id = message["noun"], str(message["id"])
    if noun == "invoice":
        yield from _take_invoice(world, int(object_id), correlation_id, replayed)
    elif noun == "bill":
        yield from _take_bill(world, int(object_id), correlation_id, replayed)
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


def _take_invoice(world: World, object_id: int, correlation_id: str, replayed: Record | None) -> Steps[None]:
    try:
        invoice = world.freshbooks.get_invoice(object_id)
    except errors.NotFound:
        world.report("record is not in FreshBooks", noun="invoice", id=object_id)
        return
    sighting = Sighting.of(world, "invoice", invoice)
    if invoice.is_draft and not invoice.is_deleted:
        # no mark: sending a draft changes it, and the poll then shows it again
        sighting.keep("draft")
        return
    found = partner_of_invoice(world, invoice)
    if found is None:
        if invoice.po_number:  # its order may be on its way, and asks for the invoices that came before it
            world.notes.write(world.id, early_invoices(invoice.po_number), str(invoice.id), {})
        world.forget_packs()  # the order, or the pack, may have come since we looked
        found = partner_of_invoice(world, invoice)
    if found is None and sighting.documents:  # without its PO number its document is still that partner's
        noted = _noted_pack(world, sighting)
        found = (noted, None) if noted is not None else None
    if found is None:
        sighting.keep(NOBODYS)
        return
    pack, order = found
    credit = is_credit(invoice)
    types = ["credit" if credit else "invoice"] if pack.invoices.send else []
    if pack.invoices.asn and not credit:
        types.append("asn")
    received = (yield _as_received(invoice)) if types else ""
    for type_ in types:
        _settle_record(
            world,
            DocumentKey(world.id, "out", pack.trading_partner_id, type_, str(invoice.invoice_number)),
            invoice,
            digest=content_digest(invoice),
            received=received,
            correlation_id=correlation_id,
            plan=partial(plan_invoice, world, invoice, order, pack, type_),
            sighting=sighting,
            last=type_ == types[-1],
            replayed=replayed,
        )
    sighting.keep(pack.trading_partner_id)


def _take_bill(world: World, object_id: int, correlation_id: str, replayed: Record | None) -> Steps[None]:
    senders = senders_of_bills(world)
    if not senders:
        return
    try:
        bill = world.freshbooks.get_bill(object_id)
    except (
        errors.NotFound,
        errors.PlanLacksFeature,
    ) as error:  # the poll shows it again once the plan has bills
        world.report("record is not in FreshBooks", noun="bill", id=object_id, error=error.code)
        return
    sighting = Sighting.of(world, "bill", bill)
    if is_ours(world, bill):
        sighting.keep("made by the connector")
        return
    number = bill.bill_number or f"bill-{bill.id}"
    try:
        if bill.vis_state == 1:  # FreshBooks lists it no more, so nothing but our note tells whose it was
            pack = _noted_pack(world, sighting)
        else:
            pack = partner_of_bill(world, bill, senders)
            if pack is None:
                world.forget_packs()  # it may have been set up since we looked
                pack = partner_of_bill(world, bill, senders_of_bills(world))
            if pack is None and sighting.documents:  # a document of it exists: it is still that partner's
                pack = _noted_pack(world, sighting)
    except errors.CheckFailed as error:
        unknown = error

        def refuse(record: Record) -> Planned:
            raise unknown

        partner, plan = "-", refuse
    else:
        if pack is None:
            sighting.keep(NOBODYS)
            return
        sender = pack
        partner, plan = pack.trading_partner_id, lambda record: plan_bill(world, bill, sender, record)
    _settle_record(
        world,
        DocumentKey(world.id, "out", partner, "bill", number),
        bill,
        digest=content_digest(bill),
        received=(yield _as_received(bill)),
        correlation_id=correlation_id,
        plan=plan,
        sighting=sighting,
        replayed=replayed,
    )
    sighting.keep(partner)


def _noted_pack(world: World, sighting: Sighting) -> PartnerPack | None:
    """The pack of the partner whose the record was when it was looked at last, or had documents made of it.

    A draft, or a record whose pack was missing for a while, is noted as nobody's, and its documents stay.
    """
    partners = [(sighting.stored or {}).get("what", "")]
    partners += [DocumentKey.of(document).partner for document in sighting.documents.values()]
    packs = world.packs()
    return next((packs[partner] for partner in partners if partner in packs), None)


def _as_received(record: Invoice | Bill) -> bytes:
    return record.model_dump_json(exclude_unset=True).encode()


def _settle_record(
    world: World,
    key: DocumentKey,
    record: Invoice | Bill,
    *,
    digest: str,
    received: str,
    correlation_id: str,
    plan: Plan,
    sighting: Sighting,
    last: bool = True,
    replayed: Record | None = None,
) -> None:
    if replayed is not None and (replayed.key.type != key.type or replayed.key == key):
        replayed = None
    if replayed is not None:
        leave_behind(world, replayed, key, WHO)
    noun = "invoice" if isinstance(record, Invoice) else "bill"
    kind, source = "asn" if key.type == "asn" else noun, f"{noun}:{record.id}"
    day = record.create_date if isinstance(record, Invoice) else record.issue_date

    def settled_as(key: DocumentKey, plan: Plan) -> Record:
        return settle(
            world,
            key,
            digest=digest + ("-deleted" if record.vis_state == 1 else ""),
            rank=record.change_token or "",
            source=source,
            received=received,
            correlation_id=correlation_id,
            who=WHO,
            plan=one_document(world, sighting, kind, key, plan, who=WHO),
            queue=world.queues.rsx_to_push,
            stored_now=partial(sighting.keep, key.partner, done=last),
        )

    documents = dict(sighting.documents)
    plan = registering(world, day, priced(record, approved(world, plan, who=WHO)))
    try:
        settled = settled_as(key, plan)
    except NumberTaken as taken:
        sighting.documents = documents
        error = reused(key.number, taken.by)

        def refuse(stored: Record) -> Planned:
            if record.vis_state == 1:
                return corrections.never_sent()
            raise error

        settled_as(aside(key, source), registering(world, day, priced(record, refuse)))
        return
    earlier = {documents.get(kind, key.id), replayed.key.id if replayed is not None else key.id}
    for one in sorted(earlier - {key.id}):
        take_up(world, DocumentKey.of(one), key, WHO)
    if settled.state is State.HELD and settled.waits_for and settled.reason["code"] != "asn_missing":
        waited = world.ledger.get(DocumentKey.of(settled.waits_for))
        if settled.reason["code"] == "credit_first":
            if waited is None:
                corrections.make_credit(world, settled, WHO)
        elif waited is not None:
            # it arrived between our look and our parking, and so woke nobody
            settled_as(key, plan)
