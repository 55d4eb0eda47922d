"""SPS -> FreshBooks: list the mailbox, take each file's documents in, and only then delete the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.order import Order
from connector.documents.reading import Read, canonical_digest, read_documents
from connector.documents.shipment import Shipment
from connector.findings import Mapped, as_json
from connector.ledger import OPEN, DocumentKey, Record, State
from connector.mapping.order_to_bill import is_cancellation, is_information_copy, order_to_bill
from connector.mapping.shipment_to_events import order_names, shipment_to_events
from connector.usecases.arrivals import Planned, resume_invoices, settle
from connector.usecases.world import as_text

if TYPE_CHECKING:
    from connector.usecases.world import World

POLL_LEASE_SECONDS = 120.0
_PURPOSE_RANK = {"04": "1", "05": "1", "01": "2"}
WHO = "map_inbound"


def poll_sps(world: World) -> int:
    """Send one message for every file in the mailbox; how many. One poller at a time per connection.

    Always from the top: a cursor belongs to one listing, and a file stays listed until it is deleted.
    """
    with world.leases.hold(f"{world.id}/poll-sps", POLL_LEASE_SECONDS) as fence:
        if fence is None:
            world.report("poll skipped, another one is running")
            return 0
        run = world.new_id()
        messages = [
            {"connection": world.id, "correlation_id": f"{run}.{n}", "path": entry.path}
            for n, entry in enumerate(world.sps.list(world.connection.sps.inbox), 1)
            if entry.type == "file"
        ]
        world.queues.sps_files_to_map.send(messages)
        world.notes.write(
            world.id, "poll", "sps", {"at": world.clock.now(), "files": len(messages), "run": run}
        )
        world.report("mailbox polled", files=len(messages), run=run)
        return len(messages)


def map_inbound(world: World, message: Mapping[str, Any]) -> None:
    """Take in one file (`path`), or map one parked document again (`replay`)."""
    if "replay" in message:
        _replay(world, DocumentKey.of(message["replay"]), message["correlation_id"])
        return
    path = message["path"]
    try:
        data = world.sps.download(path)
    except errors.NotFound:
        world.report("file is gone: taken in before", path=path)
        return
    except errors.Unreachable as error:
        if error.code != "empty_answer":
            raise
        # shown to a person, but not deleted: the answer may be at fault and not the file
        fix = "ask for the file again and delete this one at SPS"
        empty = errors.BadInput("the file is empty", code="empty", fix=fix)
        _take(
            world,
            empty,
            path=path,
            file_number=path.rpartition("/")[2],
            received=f"{world.archive.put(world.id, b'')}#0",
            correlation_id=message["correlation_id"],
        )
        return
    pointer = world.archive.put(world.id, data)
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
                correlation_id=message["correlation_id"],
            )
        except Exception as error:  # one document must not keep its neighbours from being taken in
            world.report(
                "document not taken in, the file stays", path=path, index=index, error=type(error).__name__
            )
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    world.sps.delete(path)


def order_key(connection: str, partner: str, number: str) -> DocumentKey:
    return DocumentKey(connection, "in", partner, "order", number)


def stored_order(world: World, record: Record) -> Order:
    """The order as it came, from the archive."""
    read = _read_again(world, record)
    if isinstance(read, errors.BadInput) or not isinstance(read.document, Order):
        raise errors.CheckFailed("the stored order can no longer be read", code="stored_order_unreadable")
    return read.document


def plan_again(world: World, record: Record) -> Planned:
    """What the mapping makes of the archived input today; nothing is written."""
    read = _read_again(world, record)
    if isinstance(read, errors.BadInput):
        raise read
    return _plan(world, read, record)


def _read_again(world: World, record: Record) -> Read | errors.BadInput:
    pointer, _, index = record.payloads["received"].partition("#")
    return read_documents(world.archive.get(record.key.connection, pointer))[int(index or 0)]


def _replay(world: World, key: DocumentKey, correlation_id: str) -> None:
    record = world.ledger.get(key)
    if record is None or record.state not in OPEN:
        world.report("nothing to replay", document=key.id)
        if key.type == "order":  # the worker that mapped it may have died before it did this
            resume_invoices(world, key.number)
        return
    _take(
        world,
        _read_again(world, record),
        path=record.source,
        file_number=key.number,
        received=record.payloads["received"],
        correlation_id=correlation_id,
    )


def _take(
    world: World,
    read: Read | errors.BadInput,
    *,
    path: str,
    file_number: str,
    received: str,
    correlation_id: str,
) -> None:
    if isinstance(read, errors.BadInput):
        reason = read

        def refuse(record: Record) -> Planned:
            raise reason

        settle(
            world,
            DocumentKey(world.id, "in", "-", "file", file_number),
            digest=received,
            rank="",
            source=path,
            received=received,
            correlation_id=correlation_id,
            who=WHO,
            plan=refuse,
            queue=world.queues.bills_to_push,
        )
        return
    key = DocumentKey(world.id, "in", read.partner, read.kind, read.number)
    record = settle(
        world,
        key,
        digest=_digest(read),
        rank=_PURPOSE_RANK.get(read.purpose or "00", "0"),
        source=path,
        received=received,
        correlation_id=correlation_id,
        who=WHO,
        plan=lambda record: _plan(world, read, record),
        queue=world.queues.bills_to_push,
    )
    if read.kind == "order":
        resume_invoices(world, read.number)
    if record.state is State.HELD and record.waits_for and _has_come(world, record.waits_for):
        # it arrived between our look and our parking, and so woke nobody
        _replay(world, key, correlation_id)


def _digest(read: Read) -> str:
    """The digest of the content; what the sender calls a duplicate (07) is compared as the original it repeats."""
    if read.purpose != "07" or read.kind != "order":
        return read.digest
    header = {
        **read.raw["Header"],
        "OrderHeader": {**read.raw["Header"]["OrderHeader"], "TsetPurposeCode": "00"},
    }
    return canonical_digest({**read.raw, "Header": header})


def _has_come(world: World, waits_for: str) -> bool:
    if waits_for.split("/")[1:2] == ["pack"]:
        return waits_for.rpartition("/")[2] in world.notes.read_all(world.id, "pack")
    order = world.ledger.get(DocumentKey.of(waits_for))
    return order is not None and order.state is State.DELIVERED


def _plan(world: World, read: Read, record: Record) -> Planned:
    pack = world.pack(read.partner)
    today = date.fromisoformat(world.clock.now()[:10])
    if isinstance(read.document, Order) and read.kind == "order":
        if is_information_copy(read.document):
            return Planned(state=State.SKIPPED, note="information copy: not to be fulfilled")
        if is_cancellation(read.document):
            return _cancellation(record)
        return _planned(order_to_bill(read.document, pack, today), read.document)
    if isinstance(read.document, Shipment) and read.kind == "shipment":
        orders = _orders_of(world, read.document, read.partner)
        shipped = {po: _shipped(orders[po], read.number) for po in orders}
        mapped = shipment_to_events(
            read.document, {po: stored_order(world, order) for po, order in orders.items()}, pack, shipped
        )
        return _checked(mapped, date_=read.document.Header.ShipmentHeader.ShipDate or "")
    raise errors.CheckFailed(
        f"an inbound {read.kind.replace('_', ' ')} is not mapped automatically",
        code="kind_not_mapped",
        fix="carry it out by hand in FreshBooks, then mark it resolved",
    )


def _cancellation(record: Record) -> Planned:
    billed = [past for past in record.revisions if past["remote_id"]]
    if not billed:
        return Planned(state=State.CANCELLED, note="cancelled before it was billed")
    return Planned(document={"cancel": True}, note="cancellation")


def _planned(mapped: Mapped, order: Order) -> Planned:
    bill = mapped.document["bill"]
    return _checked(mapped, amount=bill_total(bill), currency=bill["currency_code"], date_=bill["issue_date"])


def _checked(mapped: Mapped, *, amount: str = "", currency: str = "", date_: str = "") -> Planned:
    findings = tuple(as_json(mapped.findings))
    if mapped.blocked:
        raise blocked(mapped)
    return Planned(document=mapped.document, findings=findings, amount=amount, currency=currency, date=date_)


def blocked(mapped: Mapped) -> errors.CheckFailed:
    """The error that parks a document whose mapping found something that must not be sent."""
    first = next(finding for finding in mapped.findings if finding.severity == "error")
    error = errors.CheckFailed(first.message, code=first.code, place=first.place, fix=first.fix)
    error.findings = tuple(as_json(mapped.findings))
    return error


def bill_total(bill: Mapping[str, Any]) -> str:
    """What the lines of a bill request come to, as a decimal text."""
    total = sum(
        (Decimal(line["unit_cost"]["amount"]) * line["quantity"] for line in bill["lines"]), Decimal()
    )
    return as_text(total)


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
            number for number in candidates if keys[number] in records and records[keys[number]].remote_id
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


def bill_as_shipped(world: World, shipment: Record, order: Record) -> Mapping[str, Any] | None:
    """The order's bill at what all its shipments shipped so far; None where that cannot be told."""
    read = _read_again(world, shipment)
    if isinstance(read, errors.BadInput) or not isinstance(read.document, Shipment):
        return None
    number = order.key.number
    mapped = shipment_to_events(
        read.document,
        {number: stored_order(world, order)},
        world.pack(order.key.partner),
        {number: _shipped(order, shipment.key.number)},
    )
    adjusted: Mapping[str, Any] | None = mapped.document["bills"].get(number)
    return adjusted["bill"] if adjusted else None


def _shipped(order: Record, but: str) -> dict[str, Any]:
    """What earlier shipments of this order shipped, by line (other shipments than `but`)."""
    total: dict[str, Decimal] = {}
    for number, event in order.shipments.items():
        if number != but:
            for line in event["lines"]:
                total[line["line"]] = total.get(line["line"], Decimal()) + Decimal(str(line["shipped"]))
    return total
