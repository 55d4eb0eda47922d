"""Shipment uploads: taken in, made into a notice (856), revised, cancelled; and what invoices know of them.

An upload is a document like any other: archived, with a record (type `asn`, numbered by its shipment id) and a
history. The same upload again does nothing; another one under the same id is a revision and replaces the notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from connector import errors
from connector.documents.reading import canonical_digest
from connector.documents.upload import Upload
from connector.documents.upload_reading import read_uploads
from connector.findings import Finding, Trace, as_json
from connector.ledger import FINAL, IN_FLIGHT, DocumentKey, Record, State
from connector.mapping.upload_to_shipment import upload_to_shipment
from connector.usecases.arrivals import Planned, replay_message, said, settle
from connector.usecases.fulfilment import approved, note_fulfilment
from connector.usecases.labels import label
from connector.usecases.notices import (
    CANCELLED,
    SOURCE,
    is_cancellation,
    is_upload,
    shipped_before,
    stands,
    stood,
)
from connector.usecases.orders import order_key, stored_order

if TYPE_CHECKING:
    from connector.documents.order import Order
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

LEASE_SECONDS = 60.0


class Uploaded(NamedTuple):
    """An upload as archived: when it came, as what file, and the pointer to that file's bytes."""

    upload: Upload
    at: datetime
    name: str
    file: str


def upload_shipments(
    world: World, data: bytes, *, who: str, name: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """Take in a file of shipments and send their notices; with `dry_run` only tell what would be sent.

    `{"taken": bool, "problems": [...], "shipments": [{"id", "state", "arrival"?, "reason", "findings",
    "labels", "document"?}]}`. A file with a problem is not taken in at all. `labels` are the SSCCs by carton, given
    and made, for printing.
    """
    read = read_uploads(data)
    problems = list(read.problems)
    packs: list[PartnerPack] = []
    for upload in read.uploads if not problems else ():
        try:
            packs.append(partner_of_upload(world, upload))
        except errors.Parked as error:
            place = f"shipment {upload.shipment_id}"
            problems.append(Finding(error.code, "error", error.message, place, error.fix))
    if problems:
        return {"taken": False, "problems": as_json(problems), "shipments": []}
    file = "" if dry_run else world.archive.put(world.id, data)
    now = datetime.fromisoformat(world.clock.now())
    shipments = []
    for upload, pack in zip(read.uploads, packs, strict=True):
        uploaded = Uploaded(upload, now, name, file)
        try:
            told = _preview(world, uploaded, pack) if dry_run else _take(world, uploaded, pack, who)
        except errors.ConnectorError as error:
            told = _told(_key(world, pack, upload), upload, None) | {"reason": _reason(error)}
        shipments.append(told)
    return {"taken": not dry_run, "problems": [], "shipments": shipments}


def cancel_shipment(world: World, shipment_id: str, *, who: str, reason: str, partner: str = "") -> Record:
    """Take a shipment back: nobody is told where its notice has not gone, else a cancellation (purpose 01) is sent."""
    reason = said(reason, "say why it is cancelled")
    record = _found(world, shipment_id, partner)
    now = world.clock.now()
    if record.state in IN_FLIGHT:
        raise errors.Busy("the notice is being sent right now", retry_after=60)
    if record.state is State.CANCELLED or is_cancellation(record):
        raise errors.CheckFailed("the shipment is cancelled already", code="nothing_to_cancel")
    if stands(record):
        changes = {"digest": record.digest + CANCELLED, "rank": _rank(now)}
        cancelled = record.revised(now=now, who=who, what="cancelled by a person", note=reason, **changes)
    else:
        cancelled = record.step(
            "cancelled", now=now, who=who, to=State.CANCELLED, note=reason, reason={}, waits_for=""
        )
    if world.ledger.save(cancelled, record.version) is not None:
        raise errors.Busy("the record moved on meanwhile", code="record_moved", retry_after=1)
    if cancelled.state is State.CANCELLED:
        _release(world, cancelled, uploaded_of(world, cancelled).upload, who)
    else:
        world.queues.records_to_map.send([replay_message(record.key, world.new_id())])
    return cancelled


def map_again(world: World, record: Record, correlation_id: str, who: str) -> None:
    """Map an upload again, as when the order that it waited for has come."""
    uploaded = uploaded_of(world, record)
    pack = world.pack(record.key.partner)
    with _alone(world, record.key):
        labelled = label(world, uploaded.upload, pack)
        _settle(
            world,
            record.key,
            uploaded,
            labelled,
            pack,
            digest=record.digest,
            rank=record.rank,
            source=record.source,
            received=record.payloads["received"],
            correlation_id=correlation_id,
            who=who,
        )


def plan_again(world: World, record: Record, trace: Trace | None = None) -> Planned:
    """What the mapping makes of the archived upload today; nothing is written."""
    uploaded = uploaded_of(world, record)
    pack = world.pack(record.key.partner)
    upload = label(world, uploaded.upload, pack, keep=False)
    return _plan(world, uploaded, upload, pack, record, trace)


def uploaded_of(world: World, record: Record) -> Uploaded:
    kept = json.loads(world.archive.get(world.id, record.payloads["received"]))
    upload = Upload.model_validate(kept["upload"])
    return Uploaded(upload, datetime.fromisoformat(kept["at"]), kept["name"], kept["file"])


def partner_of_upload(world: World, upload: Upload) -> PartnerPack:
    """The trading partner that the upload names, else the one whose orders it is for."""
    numbers = ", ".join(upload.purchase_orders()[:5])
    if upload.partner:
        return world.pack(upload.partner)
    for fresh in (False, True):
        if fresh:
            world.forget_packs()  # it may have been set up since we looked
        packs = world.packs()
        keys = [order_key(world.id, partner, po) for partner in packs for po in upload.purchase_orders()]
        partners = sorted({key.partner for key in world.ledger.get_many(keys)})
        if len(partners) == 1:
            return packs[partners[0]]
        if len(partners) > 1:
            raise errors.CheckFailed(
                f"{numbers} are orders of several trading partners ({', '.join(partners[:5])})",
                code="partner_unclear",
                fix="upload a shipment for each partner, or fill the partner column",
            )
    if len(packs) == 1:
        return next(iter(packs.values()))  # its order may be on its way
    raise errors.CheckFailed(
        f"no trading partner has ordered under {numbers}",
        code="partner_unclear",
        fix="check the PO numbers and their leading zeros, or fill the partner column",
    )


# --- taking in --------------------------------------------------------------------------------------------


def _take(world: World, uploaded: Uploaded, pack: PartnerPack, who: str) -> dict[str, Any]:
    upload = uploaded.upload
    key = _key(world, pack, upload)
    kept = {
        "upload": upload.model_dump(mode="json", exclude_defaults=True),
        "at": uploaded.at.isoformat(),
        "name": uploaded.name,
        "file": uploaded.file,
    }
    with _alone(world, key):
        labelled = label(world, upload, pack)
        record = _settle(
            world,
            key,
            uploaded,
            labelled,
            pack,
            digest=_digest(upload),
            rank=_rank(uploaded.at.isoformat()),
            source=f"{SOURCE}:{uploaded.name or upload.shipment_id}",
            received=world.archive.put(world.id, json.dumps(kept).encode()),
            correlation_id=world.new_id(),
            who=who,
        )
    world.report("shipment uploaded", document=key.id, state=record.state)
    return _told(key, labelled, record)


def _settle(
    world: World, key: DocumentKey, uploaded: Uploaded, labelled: Upload, pack: PartnerPack, **keywords: Any
) -> Record:
    plan = approved(world, partial(_plan, world, uploaded, labelled, pack), who=keywords["who"])
    record = settle(world, key, plan=plan, queue=world.queues.rsx_to_push, **keywords)
    waits = record.state is State.HELD and record.reason.get("code") == "order_not_there"
    if waits and world.ledger.get(DocumentKey.of(record.waits_for)) is not None:
        # it arrived between our look and our parking, and so woke nobody
        record = settle(world, key, plan=plan, queue=world.queues.rsx_to_push, **keywords)
    return record


def _preview(world: World, uploaded: Uploaded, pack: PartnerPack) -> dict[str, Any]:
    """What would be sent; SSCCs that are not made yet are shown as they would be if nobody else made any."""
    key = _key(world, pack, uploaded.upload)
    now = world.clock.now()
    record = world.ledger.get(key) or Record(key, State.RECEIVED, now, now)
    labelled = label(world, uploaded.upload, pack, keep=False)
    told = _told(key, labelled, None)
    digest = _digest(uploaded.upload)
    if digest == record.digest and record.state in FINAL:
        return told | {"state": str(record.state), "duplicate": True}
    if record.version and digest != record.digest:
        record = record.revised(now=now, who="", what="previewed", note="", digest=digest)
    try:
        planned = approved(world, partial(_plan, world, uploaded, labelled, pack), who="", keep=False)(record)
    except errors.Parked as error:
        return told | {"reason": _reason(error), "findings": list(getattr(error, "findings", ()))}
    return told | {"document": planned.document, "findings": list(planned.findings)}


def _plan(
    world: World,
    uploaded: Uploaded,
    labelled: Upload,
    pack: PartnerPack,
    record: Record,
    trace: Trace | None = None,
) -> Planned:
    orders, records = _orders(world, labelled, record)
    before = {
        order.number: shipped_before(world, order, records[number], record.key.number)
        for number, order in orders.items()
    }
    purpose = "01" if is_cancellation(record) else "05" if stood(record) else "00"
    mapped = upload_to_shipment(
        labelled,
        orders=orders,
        pack=pack,
        profile=world.connection.profile,
        uploaded=uploaded.at,
        purpose=purpose,
        before=before,
        trace=trace,
    )
    return Planned(
        document=mapped.document,
        findings=tuple(as_json(mapped.findings)),
        date=labelled.ship_date.isoformat(),
        note="cancellation" if purpose == "01" else "",
    )


def _orders(world: World, upload: Upload, notice: Record) -> tuple[dict[str, Order], dict[str, Record]]:
    orders, records = {}, {}
    for number in upload.purchase_orders():
        wanted = order_key(world.id, notice.key.partner, number)
        record = world.ledger.get(wanted)
        if record is None:
            raise errors.Waiting(
                f"the order {number} that the shipment is for has not arrived",
                code="order_not_there",
                waits_for=wanted.id,
                fix="check the PO number and its zeros; if the order is on its way the notice goes on by itself",
            )
        orders[number], records[number] = stored_order(world, record), record
    return orders, records


def _release(world: World, record: Record, upload: Upload, who: str) -> None:
    """Give back what the shipment took of its orders."""
    for number in upload.purchase_orders():
        key = order_key(world.id, record.key.partner, number)
        note_fulfilment(world, key, f"asn/{record.key.number}", None, who=who)


# --- small things -----------------------------------------------------------------------------------------


def _key(world: World, pack: PartnerPack, upload: Upload) -> DocumentKey:
    return DocumentKey(world.id, "out", pack.trading_partner_id, "asn", upload.shipment_id)


def _digest(upload: Upload) -> str:
    return canonical_digest(upload.model_dump(mode="json", exclude_defaults=True))


def _rank(instant: str) -> str:
    """Uploads go by when they came, and before any version of an invoice that has the shipment's number."""
    return f"upload {instant}"


@contextmanager
def _alone(world: World, key: DocumentKey) -> Iterator[None]:
    """One upload of a shipment at a time, so that its cartons get their SSCCs once."""
    with world.leases.hold(f"{world.id}/shipment/{key.partner}/{key.number}", LEASE_SECONDS) as fence:
        if fence is None:
            raise errors.Busy("the shipment is being taken in", code="shipment_busy", retry_after=5)
        yield


def _found(world: World, shipment_id: str, partner: str) -> Record:
    partners = [partner] if partner else list(world.packs())
    keys = [DocumentKey(world.id, "out", each, "asn", shipment_id) for each in partners]
    records = list(world.ledger.get_many(keys).values())
    if len(records) > 1:
        raise errors.BadUse(f"several partners have a shipment {shipment_id}", code="partner_unclear")
    if not records or not is_upload(records[0]):
        raise errors.BadUse(f"there is no uploaded shipment {shipment_id}", code="no_such_document")
    return records[0]


def _told(key: DocumentKey, upload: Upload, record: Record | None) -> dict[str, Any]:
    labels = [
        {"carton": carton.carton or f"#{n}", "sscc": carton.sscc}
        for n, carton in enumerate(upload.all_cartons(), 1)
        if carton.sscc
    ]
    labels += [
        {"pallet": pallet.pallet or f"#{n}", "sscc": pallet.sscc}
        for n, pallet in enumerate(upload.pallets, 1)
        if pallet.sscc
    ]
    return {
        "id": key.id,
        "shipment": upload.shipment_id,
        "partner": key.partner,
        "orders": upload.purchase_orders(),
        "state": str(record.state) if record is not None else "",
        "revision": record.revision if record is not None else 0,
        "duplicate": record is not None and bool(record.history) and record.history[-1].what == "duplicate",
        "reason": dict(record.reason) if record is not None else {},
        "findings": list(record.findings) if record is not None else [],
        "labels": labels,
    }


def _reason(error: errors.ConnectorError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "fix": error.fix}
