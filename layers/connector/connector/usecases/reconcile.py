"""The nightly proof: what FreshBooks has, what SPS has, and what the ledger says, document by document.

Each document gets exactly one verdict. Unexplained is what no state, reason or pending step accounts for: a
bill or file that is there twice, gone, or unknown to the ledger. Exceptions come first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from connector import errors
from connector.ledger import OPEN, DocumentKey, Record, State
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.sightings import NOBODYS, TOPIC, version_of
from connector.usecases.summaries import state_words

if TYPE_CHECKING:
    from connector.documents.freshbooks import Sale
    from connector.usecases.world import World

NO_ORDER = "names no order"
PATIENCE = timedelta(hours=2)
KEPT_ROWS = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one document. `where` is FreshBooks, SPS or the ledger: who showed it to us."""

    document: str
    where: str
    verdict: str
    explained: bool
    detail: str = ""


class Kept(NamedTuple):
    """What is compared of a bill."""

    number: str
    vendor: int | None
    is_deleted: bool


def reconcile(world: World, days: int = 7) -> dict[str, Any]:
    """The account of the last `days`: `{"verdicts": [...], "counts": {...}, "unexplained": n, ...}`.

    The result is also kept as a note, for the console and for the next morning.
    """
    now = datetime.fromisoformat(world.clock.now())
    since = now - timedelta(days=days)
    verdicts = sorted(_Account(world, now, since).verdicts(), key=lambda one: (one.explained, one.document))
    unexplained = sum(not verdict.explained for verdict in verdicts)
    told = [asdict(verdict) for verdict in verdicts]
    result: dict[str, Any] = {
        "connection": world.id,
        "at": now.isoformat(),
        "since": since.isoformat(),
        "documents": len(verdicts),
        "unexplained": unexplained,
        "counts": dict(sorted(Counter(verdict.verdict for verdict in verdicts).items())),
        "verdicts": told,
    }
    world.notes.write(world.id, "reconcile", "last", {**result, "verdicts": told[:KEPT_ROWS]})
    world.report("reconciled", count=len(verdicts))
    for verdict in verdicts:
        if not verdict.explained:
            world.report("document unexplained", document=verdict.document, what=verdict.verdict)
    return result


class _Account:
    """Everything at the vendors beside one record of the ledger after another: a ledger is too large to hold whole."""

    def __init__(self, world: World, now: datetime, since: datetime) -> None:
        self.world = world
        self.now = now
        self.since = since
        self.bills: dict[str, Kept] = {}
        with suppress(errors.PlanLacksFeature):  # then there is no bill, and orders become drafts or are kept
            for deleted in (False, True):
                for bill in world.freshbooks.list_bills(deleted=deleted):
                    self.bills[str(bill.id)] = Kept(bill.bill_number, bill.vendorid, bill.vis_state == 1)
        outbox = world.connection.sps.outbox
        listed = {entry.path for entry in world.sps.list(outbox) if entry.type == "file"}
        history = list(world.sps.history(after=since.isoformat()[:19]))
        self.sent = listed | {entry.path for entry in history if entry.path.startswith(outbox)}
        self.offered = {entry.path for entry in history if entry.path.startswith(world.connection.sps.inbox)}
        self.waiting = {
            entry.path for entry in world.sps.list(world.connection.sps.inbox) if entry.type == "file"
        }
        self.twice = self._of_one_number()
        # found while the records go by
        self.ours: dict[str, DocumentKey] = {}  # the order of a bill in `twice`
        self.known: set[str] = set()  # files at SPS that the ledger knows, either way
        self.closed: set[DocumentKey] = set()  # orders whose bill was closed out
        self.deleted: dict[DocumentKey, str] = {}  # orders whose bill is deleted, and that bill

    def verdicts(self) -> Iterator[Verdict]:
        for direction in ("in", "out"):
            for record in self.world.ledger.in_states(self.world.id, direction, frozenset(State)):
                self._note(record)
                if verdict := self._of_record(record):
                    yield verdict
        yield from self._bills_deleted()
        yield from self._bills_twice()
        yield from self._files_unknown()
        yield from self._files_offered()
        yield from self._invoices()

    def _note(self, record: Record) -> None:
        key = record.key
        if key.type == CLOSE_OUT:
            self.closed.add(key._replace(type="order"))
        if key.direction == "in" and key.type == "order" and record.remote_id in self.twice:
            self.ours[record.remote_id] = key
        files = {record.reference, record.source, *(past["reference"] for past in record.revisions)}
        files |= {event.note for event in record.history}
        self.known |= files & (self.sent | self.offered)

    def _of_record(self, record: Record) -> Verdict | None:
        state = record.state
        if state is State.HELD or state is State.REJECTED:
            reason = record.reason.get("message", "")
            return self._verdict(record, "needs a person" if not record.waits_for else "waits", True, reason)
        if state in OPEN:
            age = self.now - datetime.fromisoformat(record.updated)
            return self._verdict(
                record, "on its way", age < PATIENCE, f"{state_words(state)} for {_in_words(age)}"
            )
        if state in (State.SKIPPED, State.CANCELLED, State.SUPERSEDED):
            return self._verdict(
                record, state_words(state), True, record.history[-1].note if record.history else ""
            )
        if record.key.direction == "out":
            return self._file_of(record)
        if record.key.type == "order":
            return self._bill_of(record)
        return self._verdict(record, "delivered", True, "kept with its orders")

    def _bill_of(self, record: Record) -> Verdict | None:
        kind, colon, number = record.remote_id.partition(":")
        if colon:
            return self._draft_of(record, "invoice" if kind == "invoice" else "estimate", int(number))
        if not record.remote_id:
            return self._verdict(record, "delivered", True, "kept only, as the partner pack says")
        bill = self.bills.get(record.remote_id)
        if bill is None:
            return self._verdict(
                record, "missing at FreshBooks", False, f"bill {record.remote_id} is not there"
            )
        if bill.is_deleted:
            self.deleted[record.key] = record.remote_id  # whether it was closed out may come later
            return None
        if bill.number != record.reference:
            return self._verdict(
                record, "renamed at FreshBooks", False, f"bill {record.remote_id} has another number"
            )
        return self._verdict(record, "delivered", True, f"bill {record.remote_id}")

    def _draft_of(self, record: Record, sale: Sale, sale_id: int) -> Verdict:
        """What a person does to a draft (send, renumber) is the point of it; only its absence is odd."""
        if datetime.fromisoformat(record.updated) < self.since:
            return self._verdict(record, "delivered", True, record.remote_id)
        try:
            deleted = self.world.freshbooks.get_sale(sale, sale_id).is_deleted
        except errors.NotFound:
            return self._verdict(record, "missing at FreshBooks", False, f"{sale} {sale_id} is not there")
        if deleted:
            return self._verdict(record, "deleted at FreshBooks", False, f"somebody deleted {sale} {sale_id}")
        return self._verdict(record, "delivered", True, f"{sale} {sale_id}")

    def _file_of(self, record: Record) -> Verdict:
        if record.reference in self.sent or datetime.fromisoformat(record.updated) < self.since:
            return self._verdict(record, state_words(record.state), True, record.reference)
        return self._verdict(
            record, "missing at SPS", False, f"{record.reference} is neither listed nor in the history"
        )

    def _bills_deleted(self) -> Iterator[Verdict]:
        for key, bill in self.deleted.items():
            if key in self.closed:
                yield Verdict(key.id, "ledger", "closed out", True, f"bill {bill}, as asked for")
            else:
                yield Verdict(
                    key.id, "ledger", "deleted at FreshBooks", False, f"somebody deleted bill {bill}"
                )

    def _of_one_number(self) -> dict[str, tuple[str, ...]]:
        """Bills that share their number and vendor, each with all of them."""
        by_number: dict[tuple[str, int | None], list[str]] = defaultdict(list)
        for bill_id, bill in self.bills.items():
            if bill.number and not bill.is_deleted:
                by_number[bill.number, bill.vendor].append(bill_id)
        return {one: tuple(ids) for ids in by_number.values() if len(ids) > 1 for one in ids}

    def _bills_twice(self) -> Iterator[Verdict]:
        """Bills of one number of one vendor: only one of them can be ours."""
        for bill_id, ids in self.twice.items():
            mine = next((self.ours[one] for one in ids if one in self.ours), None)
            if mine is not None and bill_id not in self.ours:
                yield Verdict(
                    f"bill {bill_id}", "FreshBooks", "twice at FreshBooks", False, f"same number as {mine.id}"
                )

    def _files_unknown(self) -> Iterator[Verdict]:
        for path in sorted(self.sent - self.known):
            yield Verdict(path, "SPS", "unknown file at SPS", False, "the ledger never sent it")

    def _files_offered(self) -> Iterator[Verdict]:
        for path in sorted(self.waiting):
            yield Verdict(path, "SPS", "waits in the mailbox", True, "the next poll takes it in")
        for path in sorted(self.offered - self.waiting - self.known):
            yield Verdict(
                path, "SPS", "never taken in", False, "it left the mailbox and is in no document's history"
            )

    def _invoices(self) -> Iterator[Verdict]:
        """Invoices of the window that the connector has not looked at in their present version, or that it left
        alone though they name an order: nobody else would say that a PO number was mistyped."""
        invoices = list(self.world.freshbooks.list_invoices(self.since.date()))
        seen = self.world.notes.read_many(self.world.id, TOPIC, (f"invoice:{one.id}" for one in invoices))
        for invoice in invoices:
            note: Mapping[str, Any] = seen.get(f"invoice:{invoice.id}", {})
            if note.get("version") == version_of(invoice) or invoice.is_draft:
                if note.get("what") == NOBODYS and invoice.po_number.strip():
                    yield Verdict(
                        f"invoice {invoice.invoice_number}",
                        "FreshBooks",
                        NO_ORDER,
                        True,
                        f"no trading partner's order has the number {invoice.po_number.strip()}: not sent",
                    )
                continue
            updated = invoice.updated_instant
            fresh = updated is None or self.now - updated < PATIENCE
            yield Verdict(
                f"invoice {invoice.invoice_number}",
                "FreshBooks",
                "not looked at yet",
                fresh,
                "the next poll shows it",
            )

    def _verdict(self, record: Record, verdict: str, explained: bool, detail: str) -> Verdict:
        return Verdict(record.key.id, "ledger", verdict, explained, detail)


def _in_words(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
