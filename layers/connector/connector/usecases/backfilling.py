"""Backfill: documents of the time before the cut-over, registered so that what follows finds them.

Orders and shipments come from files that SPS once delivered, invoices from FreshBooks; each goes the way of any
arriving document, and the cut-over (`cut_over`) keeps it from being sent. Afterwards an order is tied to the bill
that somebody made of it by hand, and what was invoiced is put down with its order, so that nothing is billed or
invoiced a second time. Everything may be stopped and repeated at any point: what is known is passed over.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.freshbooks import Bill, Invoice
from connector.documents.parts import as_date
from connector.documents.reading import Read, read_documents
from connector.ledger import DocumentKey, Event, Record, State
from connector.mapping.invoice_to_rsx import is_credit
from connector.usecases import inbound, outbound, outbound_plans
from connector.usecases.advices import keep_shipment
from connector.usecases.arrivals import resume
from connector.usecases.cut_over import CODE, HISTORY, is_registered
from connector.usecases.fulfilment import note_registered
from connector.usecases.partners import partner_of_invoice
from connector.usecases.together import alone
from connector.usecases.webhooks import hint

if TYPE_CHECKING:
    from connector.ports import Ledger
    from connector.usecases.world import World

WHO = "backfill"
BACKFILLED = "backfilled"
TIED = "tied to its bill"


@dataclass(frozen=True, slots=True)
class Window:
    """The days whose documents are imported, both included."""

    since: date
    until: date | None = None

    def holds(self, day: date | None) -> bool:
        return day is not None and self.since <= day and (self.until is None or day <= self.until)


def set_cut_over(world: World, day: date) -> None:
    """Put the cut-over down with the connection; its functions follow within a minute."""
    world.connection = world.connection.model_copy(update={"cut_over": day})
    settings = world.connection.model_dump(mode="json", exclude_defaults=True)
    world.notes.write("", "connection", world.id, settings)


def told(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`{"counts": {what: n}, "rows": [...]}`."""
    kept = list(rows)
    return {"counts": dict(sorted(Counter(row["what"] for row in kept).items())), "rows": kept}


def backfill(
    world: World,
    files: Iterable[tuple[str, bytes]],
    window: Window,
    *,
    books: bool = True,
    dry_run: bool = False,
) -> Iterator[dict[str, str]]:
    """One row a document: `{"document", "what", "date", "detail"}`; with `dry_run` what would be done.

    `what`: `registered`, `goes on` (dated after the cut-over: it is billed or sent like any other), `known`,
    `outside the window`, `unreadable`, `not a partner's`, `tied to its bill`, `no bill found`.
    """
    if world.connection.cut_over is None:
        raise errors.BadUse("the connection has no cut-over", code="no_cut_over", fix="say --cut-over DATE")
    if dry_run:
        world = replace(world, ledger=_Imagined(world.ledger))
    yield from _files(world, files, window, dry_run)
    if books:
        yield from _invoices(world, window, dry_run)
        yield from _bills(world, window, dry_run)


# --- orders and shipments, from files -------------------------------------------------------------------


def _files(
    world: World, files: Iterable[tuple[str, bytes]], window: Window, dry_run: bool
) -> Iterator[dict[str, str]]:
    for name, data in sorted(files):
        for index, read in enumerate(read_documents(data)):
            if isinstance(read, errors.BadInput):
                yield _row(f"{name}[{index}]", "unreadable", detail=read.message)
                continue
            yield _file(world, name, data, index, read, window, dry_run)


def _file(
    world: World, name: str, data: bytes, index: int, read: Read, window: Window, dry_run: bool
) -> dict[str, str]:
    day = inbound.dated(read)
    key = inbound.key_of(world, read)
    if not window.holds(day):
        return _row(key.id, "outside the window", day)
    stored = world.ledger.get(key)
    if stored is not None and read.digest in (stored.digest, *(past["digest"] for past in stored.revisions)):
        if not dry_run and is_registered(stored):
            _put_down(world, stored)
        return _row(key.id, "known", day, str(stored.state))
    what = "registered" if _is_before(world, day) else "goes on"
    if isinstance(world.ledger, _Imagined):
        if what == "registered" and day is not None:
            world.ledger.imagine(key, day)
    else:
        pointer = world.archive.put(world.id, data)
        record = inbound.take_in(
            world, read, path=f"{HISTORY}{name}", received=f"{pointer}#{index}", correlation_id=world.new_id()
        )
        if is_registered(record):
            _put_down(world, record)
        elif record.state is State.HELD:
            return _row(key.id, "held", day, record.reason.get("message", ""))
    return _row(key.id, what, day)


# --- invoices, from FreshBooks --------------------------------------------------------------------------


def _invoices(world: World, window: Window, dry_run: bool) -> Iterator[dict[str, str]]:
    # an invoice is changed no earlier than it is made, so this bound leaves none out
    for listed in world.freshbooks.list_invoices(window.since):
        if not window.holds(listed.create_date) or listed.is_draft:
            continue
        found = partner_of_invoice(world, listed)
        if found is None:
            yield _row(f"invoice {listed.invoice_number}", "not a partner's", listed.create_date)
            continue
        type_ = "credit" if is_credit(listed) else "invoice"
        key = DocumentKey(world.id, "out", found[0].trading_partner_id, type_, str(listed.invoice_number))
        yield _invoice(world, key, listed, dry_run)


def _invoice(world: World, key: DocumentKey, listed: Invoice, dry_run: bool) -> dict[str, str]:
    day = listed.create_date
    stored = world.ledger.get(key)
    what = "known" if stored is not None else "registered" if _is_before(world, day) else "goes on"
    if dry_run or (what == "known" and not is_registered(stored)):  # type: ignore[arg-type]
        return _row(key.id, what, day, str(stored.state) if stored else "")
    if what != "known":
        message = hint(world.id, "invoice", listed.id, "invoice.backfilled", world.new_id())
        alone(world, message, outbound.map_outbound)
    record = world.ledger.get(key)
    if record is not None and is_registered(record):
        _put_down(world, record)
    return _row(key.id, what, day)


def _put_down(world: World, record: Record) -> None:
    """What the mapping makes of a registered document: its amounts, and an invoice's lines for the reports.

    One that cannot be mapped (its partner is not set up, a line names nothing) stays registered without.
    """
    if any(event.what == BACKFILLED and event.revision == record.revision for event in record.history):
        return
    freely = replace(world, connection=world.connection.model_copy(update={"cut_over": None}))
    note = ""
    changes: dict[str, Any] = {}
    try:
        if record.key.direction == "in":
            planned = inbound.plan_again(freely, record)
        else:
            planned = outbound_plans.map_again(freely, record)
    except errors.Parked as error:
        if record.key.type == "shipment" and isinstance(error, errors.Waiting):
            return  # its order may be imported later: the same import again puts it down
        note = error.message
    else:
        changes = {"amount": planned.amount, "currency": planned.currency}
        if record.key.direction == "out" and planned.document is not None:
            exchange = json.dumps({"mapped": planned.document, "sent": None, "answer": None}, default=str)
            pointer = world.archive.put(world.id, exchange.encode())
            changes["payloads"] = {**record.payloads, "exchange": pointer}
            note_registered(world, record, planned, WHO)
        elif record.key.type == "shipment" and planned.document is not None:
            for event in planned.document["events"]:
                keep_shipment(world, record, event, WHO)
    stepped = record.step(BACKFILLED, now=world.clock.now(), who=WHO, note=note, **changes)
    if world.ledger.save(stepped, record.version) is None and record.key.type == "order":
        resume(world, record.key.id)  # shipments of it may have come before it


# --- the bills that somebody made by hand ---------------------------------------------------------------


def _bills(world: World, window: Window, dry_run: bool) -> Iterator[dict[str, str]]:
    """Tie registered orders to their bills, so that a second is never made and shipments find it."""
    orders = [
        record
        for record in world.ledger.in_states(world.id, "in", {State.SKIPPED})
        if record.key.type == "order" and not record.remote_id and is_registered(record)
    ]
    if not orders:
        return
    by_number: defaultdict[str, list[Bill]] = defaultdict(list)
    for bill in world.freshbooks.list_bills():
        by_number[bill.bill_number].append(bill)
    vendors = _vendors(world)
    for record in orders:
        day = as_date(record.date)
        bill_id = _bill_of(world, record, by_number[record.key.number], vendors.get(record.key.partner))
        if bill_id is None:
            yield _row(record.key.id, "no bill found", day)
            continue
        if not dry_run:
            stepped = record.step(
                TIED,
                now=world.clock.now(),
                who=WHO,
                note=f"bill {bill_id}",
                remote_id=str(bill_id),
                reference=record.key.number,
            )
            if world.ledger.save(stepped, record.version) is None:
                resume(world, record.key.id)
        yield _row(record.key.id, TIED, day, f"bill {bill_id}")


def _bill_of(world: World, record: Record, candidates: list[Bill], vendor: int | None) -> int | None:
    """The one bill of the order's number of its partner's vendor; None where that cannot be told."""
    ours = [bill for bill in candidates if bill.vendorid is not None and bill.vendorid == vendor]
    if not ours and vendor is not None and any(bill.vendorid is None for bill in candidates):
        # FreshBooks often does not say whose a bill is: then by asking for the vendor's own
        ours = world.freshbooks.find_bills(vendor, record.key.number)
    return ours[0].id if len(ours) == 1 else None


def _vendors(world: World) -> dict[str, int]:
    """The bill vendor of each partner: the pack's, the learned one, else by account number, else by name."""
    known = list(world.freshbooks.list_vendors())
    accounts = {vendor.account_number: vendor.vendorid for vendor in known if vendor.account_number}
    names = {_folded(vendor.vendor_name): vendor.vendorid for vendor in known}
    found: dict[str, int] = {}
    for partner, pack in world.packs().items():
        learned = world.notes.read(world.id, "vendor", partner) or {}
        vendor = (
            pack.freshbooks.vendor_id
            or learned.get("vendorid")
            or accounts.get(partner)
            or names.get(_folded(pack.vendor_name))
        )
        if vendor:
            found[partner] = int(vendor)
    return found


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


class _Imagined:
    """The ledger as it would be after the import: what a dry run looks at, and cannot write to."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._imagined: dict[DocumentKey, Record] = {}

    def imagine(self, key: DocumentKey, day: date) -> None:
        finding = {"code": CODE}
        now = day.isoformat()
        self._imagined[key] = Record(key, State.SKIPPED, now, now, findings=(finding,), date=now)

    def get(self, key: DocumentKey) -> Record | None:
        return self._ledger.get(key) or self._imagined.get(key)

    def get_many(self, keys: Iterable[DocumentKey]) -> dict[DocumentKey, Record]:
        wanted = list(keys)
        known = {key: self._imagined[key] for key in wanted if key in self._imagined}
        return known | self._ledger.get_many(wanted)

    def in_states(
        self, connection: str, direction: str, states: Set[State], before: str = "", since: str = ""
    ) -> Iterator[Record]:
        yield from self._ledger.in_states(connection, direction, states, before, since)
        if State.SKIPPED in states:
            yield from (one for one in self._imagined.values() if one.key.direction == direction)

    def newest(
        self, connection: str, direction: str, states: Set[State], until: str = ""
    ) -> Iterator[Record]:
        return self._ledger.newest(connection, direction, states, until)

    def settled(self, connection: str, direction: str, before: str) -> None:
        """Nothing is imagined on its way."""

    def waiting_for(self, what: str) -> list[DocumentKey]:
        return self._ledger.waiting_for(what)

    def awaited(self, connection: str, direction: str) -> set[str]:
        return self._ledger.awaited(connection, direction)

    def history(self, key: DocumentKey) -> list[Event]:
        return self._ledger.history(key)

    def save(self, record: Record, after: int) -> Record | None:
        raise AssertionError("a dry run tried to write")


def _is_before(world: World, day: date | None) -> bool:
    cut_over = world.connection.cut_over
    return day is not None and cut_over is not None and day < cut_over


def _row(document: str, what: str, day: date | None = None, detail: str = "") -> dict[str, str]:
    return {"document": document, "what": what, "date": day.isoformat() if day else "", "detail": detail}
