"""What the notices of an order's shipments mean for its invoices: which they wait for, and what they repeat.

An order's record names its notices (`fulfilment`, `asn/ID`); whether one stands at the partner its own record says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.upload import Upload
from connector.ledger import AT_TARGET, OPEN, DocumentKey, Record
from connector.mapping.consignment import Dispatch
from connector.mapping.money import shown
from connector.rules.open_quantities import as_texts, lines_of, open_lines, orders_named
from connector.usecases.arrivals import resume
from connector.usecases.fulfilment import standing

if TYPE_CHECKING:
    from connector.documents.order import Order
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

SOURCE = "upload"
CANCELLED = "-cancelled"
_NOTICE = "notice"


def is_upload(record: Record) -> bool:
    return record.source.startswith(f"{SOURCE}:")


def is_cancellation(record: Record) -> bool:
    return record.digest.endswith(CANCELLED)


def stood(record: Record) -> bool:
    """Whether the partner had a notice that was not taken back, before the present revision."""
    sent = [past["digest"] for past in record.revisions if past["state"] in AT_TARGET]
    return bool(sent) and not sent[-1].endswith(CANCELLED)


def stands(record: Record) -> bool:
    """Whether the partner has a notice of this shipment that was not taken back."""
    return not is_cancellation(record) if record.state in AT_TARGET else stood(record)


def shipped_before(world: World, order: Order, record: Record, number: str) -> dict[str, Decimal]:
    """What other shipments than `number` shipped of the order's lines."""
    kept = standing(world.ledger, record.fulfilment)
    return {line.line: line.shipped for line in open_lines(order, kept, but=f"asn/{number}")}


def why_no_notice(world: World, order: Record | None, pack: PartnerPack) -> str:
    """Why an invoice makes no notice of its own; "" where it does. An upload for its order knows better."""
    if pack.asn.upload == "expected":
        return "this partner's notices come from shipment uploads"
    for record in _notices(world, order).values():
        if is_upload(record) and (stands(record) or record.state in OPEN):
            return f"shipment {record.key.number} was uploaded for its order"
    return ""


def wait_for_notice(
    world: World,
    number: str,
    document: Mapping[str, Any],
    order: Order,
    order_record: Record,
    pack: PartnerPack,
    credited: str = "",
) -> None:
    """Waiting until the partner was told of the shipment of everything that the invoice bills.

    `document` is the RSX invoice, `number` its own. What other invoices bill was shipped for them, but for what the
    order keeps as `credited`.
    """
    there = {name for name, record in _notices(world, order_record).items() if stands(record)}
    kept = {
        name: entry
        for name, entry in standing(world.ledger, order_record.fulfilment).items()
        if name != credited and (not name.startswith("asn/") or name in there)
    }
    billed = lines_of(document, "invoice", order, pack)
    for line in open_lines(order, kept, but=f"invoice/{number}"):
        wanted = billed.get(line.line, Decimal()) + line.invoiced - line.credited
        if line.line in billed and wanted > line.shipped:
            raise errors.Waiting(
                f"order line {line.line}: {shown(wanted)} invoiced in all, {shown(line.shipped)} noticed as shipped",
                code="notice_first",
                waits_for=_awaited(order_record.key).id,
                fix="upload the shipment; the invoice goes on by itself when its notice is delivered",
            )


def dispatch_of(
    world: World, document: Mapping[str, Any], order: Order, order_record: Record, pack: PartnerPack
) -> Dispatch | None:
    """The uploaded shipment that an RSX invoice bills: the order's only one, or the one of just these quantities."""
    uploads = {
        name: record
        for name, record in _notices(world, order_record).items()
        if is_upload(record) and (stands(record) or record.state in OPEN)
    }
    if len(uploads) > 1:
        billed = as_texts(lines_of(document, "invoice", order, pack))
        uploads = {n: r for n, r in uploads.items() if order_record.fulfilment[n].get("lines") == billed}
    if len(uploads) != 1:
        return None
    [record] = uploads.values()
    kept = json.loads(world.archive.get(world.id, record.payloads["received"]))
    upload = Upload.model_validate(kept["upload"])
    carrier = {
        "CarrierTransMethodCode": upload.method,
        "CarrierAlphaCode": upload.scac,
        "CarrierRouting": upload.routing,
    }
    if not (upload.scac or upload.routing):
        carrier = {}
    return Dispatch(upload.shipment_id, upload.ship_date, upload.bill_of_lading, upload.pro_number, carrier)


def resume_invoices_of(world: World, notice: DocumentKey, document: Mapping[str, Any]) -> None:
    """Send the invoices that waited for this notice through their mapping again."""
    for number in (number for names in orders_named(document, "asn") for number in names):
        resume(world, _awaited(notice._replace(number=number)).id)


def is_noticed(world: World, awaited: DocumentKey) -> bool:
    """Whether what an invoice waits for may be there: some notice of its order."""
    order = world.ledger.get(awaited._replace(direction="in", type="order"))
    return any(stands(record) for record in _notices(world, order).values())


def _awaited(order: DocumentKey) -> DocumentKey:
    """What invoices of an order wait for: no document that could be named before it is there."""
    return order._replace(direction="out", type=_NOTICE)


def _notices(world: World, order: Record | None) -> dict[str, Record]:
    """The notices of an order's shipments, by their names in its record."""
    if order is None:
        return {}
    keys = {
        name: DocumentKey.of(entry["document"])
        for name, entry in order.fulfilment.items()
        if name.startswith("asn/") and "document" in entry
    }
    records = world.ledger.get_many(keys.values())
    return {name: records[key] for name, key in keys.items() if key in records}
