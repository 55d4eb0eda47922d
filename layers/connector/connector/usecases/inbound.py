"""SPS -> FreshBooks: take in the documents of each file of the mailbox, and only then delete the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.parts import as_date
from connector.documents.reading import Read, canonical_digest, read_documents
from connector.documents.shipment import Shipment
from connector.findings import Trace, as_json
from connector.ledger import OPEN, DocumentKey, Record, State, content_of
from connector.mapping.shipment_to_events import order_names, shipment_to_events
from connector.usecases import closing
from connector.usecases.acknowledging import ask_for
from connector.usecases.arrivals import Planned, resume_invoices, resume_order, settle
from connector.usecases.as_shipped import shipped_before
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.cut_over import is_registered, registering
from connector.usecases.offers import NOTHING, fetch, file_key, leave, read_after_all, tried_enough
from connector.usecases.orders import (
    blocked,
    has_come,
    is_booked,
    is_plain,
    order_key,
    plan_order,
    read_again,
    stored_order,
)
from connector.usecases.renumbering import end_as_moved
from connector.usecases.together import SENT
from connector.usecases.waiting import Look

if TYPE_CHECKING:
    from connector.usecases.together import Steps
    from connector.usecases.world import World

_SHIPMENT_RANK = {"04": "1", "05": "1", "01": "2"}
WHO = "map_inbound"


def map_inbound(world: World, message: Mapping[str, Any]) -> Steps[None]:
    """Take in one file (`path`), or map one parked document again (`replay`)."""
    if "replay" in message:
        world.forget_packs()  # often it is a changed pack that it is replayed for
        yield from _replay(world, DocumentKey.of(message["replay"]), message["correlation_id"])
        return
    yield from _take_file(world, message["path"], message["correlation_id"], left=message.get("left", False))


def _take_file(world: World, path: str, correlation_id: str, *, left: bool) -> Steps[bool]:
    """Take in the file's documents, then delete it; whether it was there. `left`: it could not be read before."""
    data = fetch(world, path)
    if data is None:
        return False
    if isinstance(data, errors.BadInput):
        _park_file(world, data, path, correlation_id)
        return True
    pointer = yield data
    trouble = _take_documents(world, data, path, pointer, correlation_id)
    del data  # the others of the batch have theirs in memory too
    if trouble is not None:
        if isinstance(trouble, errors.ConnectorError) or not tried_enough(world, path):
            raise trouble
        kind = type(trouble).__name__
        text = f"the file cannot be taken in ({kind}): a fault of the connector"
        fix = "show the file to whoever looks after the connector; it stays at SPS and is tried again"
        _park_file(world, leave(world, path, text, code="file_not_taken", fix=fix), path, correlation_id)
        return True
    if left:
        read_after_all(world, path, WHO)
    yield SENT
    world.sps.delete(path)
    return True


def _take_documents(
    world: World, data: bytes, path: str, pointer: str, correlation_id: str
) -> Exception | None:
    """Take in each document of a file; the first trouble that one of them had."""
    documents = read_documents(data)
    trouble: Exception | None = None
    for index, read in enumerate(documents):
        received = f"{pointer}#{index}"
        number = path.rpartition("/")[2] + (f"[{index}]" if len(documents) > 1 else "")
        try:
            _take(
                world,
                read,
                path=path,
                file_number=number,
                received=received,
                correlation_id=correlation_id,
            )
        except Exception as error:  # one document must not keep its neighbours from being taken in
            world.report(
                "document not taken in, the file stays", path=path, index=index, error=type(error).__name__
            )
            trouble = trouble or error
    return trouble


def _park_file(world: World, reason: errors.BadInput, path: str, correlation_id: str) -> None:
    """Show a file to a person that stays at SPS: its answer may be at fault and not the file."""
    _take(
        world,
        reason,
        path=path,
        file_number=path.rpartition("/")[2],
        received=f"{world.archive.put(world.id, b'')}#0",
        correlation_id=correlation_id,
    )


def plan_again(world: World, record: Record, trace: Trace | None = None) -> Planned:
    """What the mapping makes of the archived input today; nothing is written.

    With `trace` also where every field of it came from.
    """
    if record.key.type == CLOSE_OUT:
        return closing.plan_again(world, record)
    read = read_again(world, record)
    if isinstance(read, errors.BadInput):
        raise read
    return _plan(world, read, record, trace)


def _replay(world: World, key: DocumentKey, correlation_id: str) -> Steps[None]:
    record = world.ledger.get(key)
    if (
        record is not None
        and record.state in OPEN
        and key.type == "file"
        and record.payloads["received"].startswith(NOTHING)
    ):
        if not (yield from _take_file(world, record.source, correlation_id, left=True)):
            gone = errors.BadInput(
                "the file is no longer at SPS", code="file_gone", fix="ask for it again, or resolve this one"
            )
            _park_file(world, gone, record.source, correlation_id)
    else:
        _map_again(world, key, record, correlation_id)


def _map_again(world: World, key: DocumentKey, record: Record | None, correlation_id: str) -> None:
    if record is not None and record.state in OPEN and key.type == CLOSE_OUT:
        closing.close_again(world, record, correlation_id, WHO)
        return
    if record is None or record.state not in OPEN:
        world.report("nothing to replay", document=key.id)
        if record is not None and key.type == "order":  # the worker that mapped it may have died before this
            resume_invoices(world, key.number)
            ask_for(world, record)
        return
    read = read_again(world, record)
    if isinstance(read, Read) and key_of(world, read) != key and not _has_order(world, record):
        _move(world, record, correlation_id)
        return
    _take(
        world,
        read,
        path=record.source,
        file_number=key.number,
        received=record.payloads["received"],
        correlation_id=correlation_id,
        key=key,
    )


def _has_order(world: World, record: Record) -> bool:
    """Whether the order itself is among the documents of the record: then they are of it."""
    reads = (read_again(world, record, pointer) for pointer in _received_before(record))
    return any(isinstance(read, Read) and read.kind == "order" for read in reads)


def _received_before(record: Record) -> list[str]:
    """What came in the earlier revisions of the record, in sequence, by its pointers."""
    return [past["payloads"]["received"] for past in record.revisions if past["payloads"].get("received")]


def _move(world: World, record: Record, correlation_id: str) -> None:
    """Take in under its order what was parked before anybody knew which order it is of."""
    for pointer in [*_received_before(record), record.payloads["received"]]:
        read = read_again(world, record, pointer)
        if isinstance(read, Read):
            there = take_in(world, read, path=record.source, received=pointer, correlation_id=correlation_id)
    end_as_moved(world, record, there.key, WHO)


def _take(
    world: World,
    read: Read | errors.BadInput,
    *,
    path: str,
    file_number: str,
    received: str,
    correlation_id: str,
    key: DocumentKey | None = None,
) -> None:
    if isinstance(read, errors.BadInput):
        reason = read

        def refuse(record: Record) -> Planned:
            raise reason

        settle(
            world,
            file_key(world.id, file_number),
            digest=content_of(received),
            rank="",
            source=path,
            received=received,
            correlation_id=correlation_id,
            who=WHO,
            plan=refuse,
            queue=world.queues.bills_to_push,
        )
        return
    take_in(world, read, path=path, received=received, correlation_id=correlation_id, key=key)


def take_in(
    world: World,
    read: Read,
    *,
    path: str,
    received: str,
    correlation_id: str,
    key: DocumentKey | None = None,
) -> Record:
    """Register one document that could be read, map it and send it on; its record."""
    key = key or key_of(world, read)
    record = settle(
        world,
        key,
        digest=_digest(read),
        # what is said of an order is put in order by `mapping.order_history`
        rank="" if key.type == "order" else _SHIPMENT_RANK.get(read.purpose, "0"),
        source=path,
        received=received,
        correlation_id=correlation_id,
        who=WHO,
        plan=registering(
            world,
            dated(read),
            lambda record: _plan(world, read, record),
            asks_when_late=key.type == "order",  # an order that was billed by nobody is lost money
        ),
        queue=world.queues.bills_to_push,
    )
    if key.type == "order":
        resume_invoices(world, key.number)
        ask_for(world, record)
        if record.state is State.DELIVERED or is_registered(record):
            resume_order(world, record)  # without a push, which would have done it
    if record.state is State.HELD and record.waits_for and Look(world).sees(record.waits_for, "in"):
        # it arrived between our look and our parking, and so woke nobody
        _map_again(world, key, world.ledger.get(key), correlation_id)
    return record


def dated(read: Read) -> date | None:
    """The day of a document: that of its order, or the day of shipment."""
    for group, name in (("OrderHeader", "PurchaseOrderDate"), ("ShipmentHeader", "ShipDate")):
        header = read.raw["Header"].get(group) or {}
        if header.get(name):
            return as_date(str(header[name]))
    return None


def key_of(world: World, read: Read) -> DocumentKey:
    """The document's identity; a change of an order is a document of that order.

    A change need not repeat that its order is a release: what is there tells. Where neither is, or only the blanket
    order, it is kept as one of the release, as changes of several releases may come before their orders.
    """
    if read.kind != "order_change":
        return DocumentKey(world.id, "in", read.partner, read.kind, read.number)
    key = order_key(world.id, read.partner, read.number)
    release = read.raw["Header"]["OrderHeader"].get("ReleaseNumber")
    if release and not read.number.endswith(f"-{release}"):
        of_release = order_key(world.id, read.partner, f"{read.number}-{release}")
        if has_come(world.ledger.get(of_release)) or not is_plain(world, world.ledger.get(key)):
            return of_release
    return key


def _digest(read: Read) -> str:
    """The digest of the content; what repeats an order or a change (06, 07) is compared as what it repeats."""
    original = {"order": "00", "order_change": "04"}.get(read.kind)
    if read.purpose not in ("06", "07") or original is None:
        return read.digest
    header = {
        **read.raw["Header"],
        "OrderHeader": {**read.raw["Header"]["OrderHeader"], "TsetPurposeCode": original},
    }
    return canonical_digest({**read.raw, "Header": header})


def _plan(world: World, read: Read, record: Record, trace: Trace | None = None) -> Planned:
    if read.kind in ("order", "order_change"):
        return plan_order(world, read, record)
    if isinstance(read.document, Shipment):
        if read.purpose == "01":
            raise errors.CheckFailed(
                "the shipment is cancelled: what it shipped still counts",
                code="kind_not_mapped",
                fix="correct the bill by hand in FreshBooks, then mark it resolved",
            )
        pack = world.pack(read.partner)
        orders = _orders_of(world, read.document, read.partner)
        shipped = {po: shipped_before(orders[po], read.number) for po in orders}
        mapped = shipment_to_events(
            read.document,
            {po: stored_order(world, order) for po, order in orders.items()},
            pack,
            shipped,
            trace=trace,
        )
        for po in orders.keys() & mapped.document["bills"].keys():
            if is_registered(orders[po]):  # its bill was made by hand, and is not ours to change
                del mapped.document["bills"][po]
        if mapped.blocked:
            raise blocked(mapped)
        return Planned(
            document=mapped.document,
            findings=tuple(as_json(mapped.findings)),
            date=read.document.Header.ShipmentHeader.ShipDate or "",
        )
    raise errors.CheckFailed(
        f"an inbound {read.kind.replace('_', ' ')} is not mapped automatically",
        code="kind_not_mapped",
        fix="carry it out by hand in FreshBooks, then mark it resolved",
    )


def _orders_of(world: World, shipment: Shipment, partner: str) -> dict[str, Record]:
    names = order_names(shipment)
    if not names:
        raise errors.CheckFailed(
            "the shipment names no purchase order",
            code="no_purchase_order",
            place="OrderLevel[0].OrderHeader",
        )
    keys = {number: order_key(world.id, partner, number) for candidates in names for number in candidates}
    records = world.ledger.get_many(keys.values())
    found: dict[str, Record] = {}
    for candidates in names:
        billed = (
            number
            for number in candidates
            if keys[number] in records
            and (is_booked(records[keys[number]]) or is_registered(records[keys[number]]))
        )
        number = next(billed, None)
        if number is None:
            # under the plain PO number: the bill of any of its releases wakes the shipment up
            raise errors.Waiting(
                f"the shipment is for order {candidates[-1]}, which has no bill yet",
                code="order_not_there",
                waits_for=keys[candidates[-1]].id,
                fix="nothing to do if the order is on its way: the shipment goes on when its bill is there",
            )
        found[number] = records[keys[number]]
    return found
