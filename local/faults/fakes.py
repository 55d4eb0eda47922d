"""In-memory stand-ins for the ports, the same for unit tests and for the fault simulation.

`tests/ports` runs one suite on them and on the real adapters, so that they cannot rot.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from connector import errors
from connector.documents.freshbooks import Bill, BillVendor, Client, ExpenseCategory, Invoice, Item, Sale
from connector.ledger import ON_THE_WAY, DocumentKey, Record, State, content_of
from connector.ports import Clock
from connector.rules.packs import PartnerPack
from connector.settings import Connection, FreshBooksSide
from connector.usecases.world import Queues, World

CONNECTION = Connection(
    id="acme", freshbooks=FreshBooksSide(account_id="ACC1"), category="Cost of Goods Sold"
)


class FakeClock:
    """A clock that tests move."""

    def __init__(self, epoch: float = 1_790_000_000.0) -> None:
        self._epoch = epoch

    def epoch(self) -> float:
        return self._epoch

    def now(self) -> str:
        self._epoch += 0.001  # two instants are never the same
        return datetime.fromtimestamp(self._epoch, UTC).isoformat(timespec="microseconds")

    def pass_(self, seconds: float) -> None:
        self._epoch += seconds


class FakeLedger:
    """Records by key, with the table's two indexes."""

    def __init__(self) -> None:
        self.records: dict[DocumentKey, Record] = {}
        self.writes = 0
        self._by_state: defaultdict[tuple[str, str, State], set[DocumentKey]] = defaultdict(set)
        self._waiting: defaultdict[str, set[DocumentKey]] = defaultdict(set)
        self._settled: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def get(self, key: DocumentKey) -> Record | None:
        return self.records.get(key)

    def get_many(self, keys: Iterable[DocumentKey]) -> dict[DocumentKey, Record]:
        return {key: self.records[key] for key in keys if key in self.records}

    def save(self, record: Record, after: int) -> Record | None:
        with self._lock:
            return self._save(record, after)

    def _save(self, record: Record, after: int) -> Record | None:
        stored = self.records.get(record.key)
        if (stored.version if stored else 0) != after:
            if stored is None:
                raise errors.Busy("the record is gone", code="record_gone", retry_after=5)
            return stored
        key = record.key
        if stored is not None:
            self._by_state[key.connection, key.direction, stored.state].discard(key)
            self._waiting[stored.waits_for].discard(key)
        self._by_state[key.connection, key.direction, record.state].add(key)
        if record.waits_for:
            self._waiting[record.waits_for].add(key)
        self.records[key] = record
        self.writes += 1
        return None

    def in_states(
        self, connection: str, direction: str, states: Set[State], before: str = "", since: str = ""
    ) -> Iterator[Record]:
        found = [
            self.records[key] for state in states for key in self._by_state[connection, direction, state]
        ]
        if before:
            found = [record for record in found if record.entered < before]
        if since:
            found = [record for record in found if record.entered >= since]
        if State.DELIVERED not in states:
            settled = self._settled.get((connection, direction), "")
            found = [one for one in found if one.state not in ON_THE_WAY or one.entered >= settled]
        return iter(sorted(found, key=lambda record: (record.entered, record.key.id)))

    def newest(
        self, connection: str, direction: str, states: Set[State], until: str = ""
    ) -> Iterator[Record]:
        found = list(self.in_states(connection, direction, states))
        return (record for record in reversed(found) if not until or record.entered <= until)

    def settled(self, connection: str, direction: str, before: str) -> None:
        self._settled[connection, direction] = before

    def waiting_for(self, what: str) -> list[DocumentKey]:
        return sorted(self._waiting[what])

    def awaited(self, connection: str, direction: str) -> set[str]:
        return {
            what
            for what, keys in self._waiting.items()
            if any((key.connection, key.direction) == (connection, direction) for key in keys)
        }

    def history(self, key: DocumentKey) -> list[Any]:
        return list(self.records[key].history) if key in self.records else []


class FakeNotes:
    def __init__(self) -> None:
        self.notes: dict[tuple[str, str], dict[str, str]] = {}

    def read(self, connection: str, topic: str, name: str) -> dict[str, Any] | None:
        text = self.notes.get((connection, topic), {}).get(name)
        return json.loads(text) if text else None

    def read_many(self, connection: str, topic: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        kept = self.notes.get((connection, topic), {})
        return {name: json.loads(kept[name]) for name in names if name in kept}

    def read_all(self, connection: str, topic: str) -> dict[str, dict[str, Any]]:
        return {name: json.loads(text) for name, text in self.notes.get((connection, topic), {}).items()}

    def topics(self, connection: str) -> set[str]:
        return {topic for one, topic in self.notes if one == connection and self.notes[one, topic]}

    def write(self, connection: str, topic: str, name: str, value: Any) -> None:
        self.notes.setdefault((connection, topic), {})[name] = json.dumps(value)

    def write_new(self, connection: str, topic: str, name: str, value: Any) -> bool:
        return self.replace(connection, topic, name, value, None)

    def replace(self, connection: str, topic: str, name: str, value: Any, before: Any) -> bool:
        if self.read(connection, topic, name) != before:
            return False
        self.write(connection, topic, name, value)
        return True

    def remove(self, connection: str, topic: str, name: str) -> None:
        self.notes.get((connection, topic), {}).pop(name, None)


class FakeLeases:
    """Leases as seen with one worker's clock; `held` is the table that workers share."""

    def __init__(self, clock: Clock, held: dict[str, tuple[int, float]] | None = None) -> None:
        self._clock = clock
        self._held = {} if held is None else held

    @contextmanager
    def hold(
        self, name: str, seconds: float, unsure: tuple[type[Exception], ...] = ()
    ) -> Iterator[int | None]:
        fence = self.take(name, seconds)
        more = 0.0
        try:
            yield fence
        except unsure:
            more = seconds
            raise
        finally:
            if fence is not None:
                self.release(name, fence, more)

    def take(self, name: str, seconds: float) -> int | None:
        fence, until = self._held.get(name, (0, 0.0))
        if until >= self._clock.epoch():
            return None
        self._held[name] = (fence + 1, self._clock.epoch() + seconds)
        return fence + 1

    def release(self, name: str, fence: int, more: float = 0.0) -> None:
        if self._held[name][0] == fence:
            self._held[name] = (fence, self._clock.epoch() + more if more else 0.0)


class FakeArchive:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def put(self, connection: str, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        self.objects[connection, digest] = body
        return digest

    def put_all(self, connection: str, bodies: Sequence[bytes]) -> list[str]:
        pointers = [self.put(connection, body) for body in bodies]
        bundle = hashlib.sha256(b"".join(dict.fromkeys(bodies))).hexdigest()[:32]
        return pointers if len(set(bodies)) == 1 else [f"{pointer}.{bundle}.0.1" for pointer in pointers]

    def get(self, connection: str, pointer: str) -> bytes:
        try:
            return self.objects[connection, content_of(pointer).partition("#")[0]]
        except KeyError:
            raise errors.NotFound("the payload is no longer in the archive", code="payload_gone") from None


class FakeQueue:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send(self, messages: list[dict[str, Any]], delay: int = 0) -> None:
        self.messages += [json.loads(json.dumps(message)) for message in messages]

    def depth(self) -> int:
        return len(self.messages)

    def take(self) -> list[dict[str, Any]]:
        taken, self.messages = self.messages, []
        return taken


class FakeMailbox:
    """An SPS mailbox: `outcomes` holds exceptions for the next uploads, raised after the upload acted or not.

    With a clock, the history tells of a file only `lag` seconds after it came, and filters by instant.
    """

    def __init__(
        self, clock: Callable[[], float] | None = None, lag: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.uploads: list[str] = []
        self.contents: list[bytes] = []
        self.outcomes: list[tuple[Exception, bool] | None] = []
        self.log: dict[str, SimpleNamespace] = {}
        self._clock = clock
        self._lag = lag

    def list(self, directory: str) -> Iterable[Any]:
        return [
            SimpleNamespace(path=path, type="file")
            for path in sorted(self.files)
            if path.startswith(directory)
        ]

    def download(self, path: str) -> bytes:
        try:
            return self.files[path]
        except KeyError:
            raise errors.NotFound("no such file") from None

    def upload(self, path: str, body: bytes) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is None or outcome[1]:
            self.files[path] = body
            self.uploads.append(path)
            self.contents.append(body)
            now = self._clock() if self._clock else 0.0
            at = datetime.fromtimestamp(now, UTC).isoformat()[:19]
            told = now + self._lag()
            self.log[path] = SimpleNamespace(path=path, statuses=("uploaded",), at=at, told=told)
        if outcome is not None:
            raise outcome[0]

    def delete(self, path: str) -> None:
        self.files.pop(path, None)

    def pick_up(self) -> None:
        """SPS takes what is in our outbox."""
        for path in [path for path in self.files if path.startswith("in/")]:
            self.log[path].statuses = ("uploaded", "deleted")
            del self.files[path]

    def history(self, after: str | None = None, until: str | None = None) -> Iterator[Any]:
        told = [entry for entry in self.log.values() if not self._clock or entry.told <= self._clock()]
        return iter([entry for entry in told if not self._clock or not after or entry.at >= after])

    def auth_check(self) -> None: ...

    def ready(self) -> None: ...


class FakeFreshBooks:
    """FreshBooks with the oddities that the core has to live with; `outcomes` as in `FakeMailbox`, for bills.

    `changed` hears of every bill made or changed, as webhooks do; what `refuses` names is refused for good.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        changed: Callable[[str, int], None] = lambda noun, object_id: None,
        refuses: Callable[[dict[str, Any]], bool] = lambda bill: False,
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._refuses = refuses
        self.bills: dict[int, dict[str, Any]] = {}
        self.vendor_of_bill: dict[int, int] = {}
        self.invoices: dict[int, dict[str, Any]] = {}
        self.estimates: dict[int, dict[str, Any]] = {}
        self.vendors: dict[int, dict[str, Any]] = {}
        self.clients: dict[int, dict[str, Any]] = {}
        self.categories = {77: "Cost of Goods Sold"}
        self.items: list[dict[str, Any]] = []
        self.posts = 0
        self.outcomes: list[tuple[Exception, bool] | None] = []
        self.updates_ignored = False

    def get_invoice(self, invoice_id: int) -> Invoice:
        return Invoice.model_validate(self._found(self.invoices, invoice_id))

    def list_invoices(self, updated_min: Any = None, *, deleted: bool = False) -> Iterator[Invoice]:
        for invoice in list(self.invoices.values()):
            unchanged = updated_min is not None and invoice["updated"][:10] < updated_min.isoformat()
            if (invoice.get("vis_state") == 1) == deleted and not unchanged:
                yield Invoice.model_validate(invoice)

    def get_client(self, client_id: int) -> Client:
        return Client.model_validate(self._found(self.clients, client_id))

    def get_bill(self, bill_id: int) -> Bill:
        return Bill.model_validate(self._found(self.bills, bill_id))

    def list_bills(self, vendor_id: int | None = None, *, deleted: bool = False) -> Iterator[Bill]:
        for bill in list(self.bills.values()):
            if (bill.get("vis_state") == 1) == deleted and vendor_id in (
                None,
                self.vendor_of_bill[bill["id"]],
            ):
                yield Bill.model_validate(bill)

    def find_bills(self, vendor_id: int, bill_number: str) -> list[Bill]:
        return [
            Bill.model_validate(bill)
            for bill in self.bills.values()
            if bill["bill_number"] == bill_number
            and bill.get("vis_state") != 1
            and self.vendor_of_bill[bill["id"]] == vendor_id
        ]

    def create_bill(self, body: dict[str, Any]) -> Bill:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        bill_id = 1000 + len(self.bills)
        if self._refuses(body["bill"]):
            raise errors.Refused("this bill is not valid", code="refused")
        if outcome is None or outcome[1]:
            self.posts += 1
            self._keep(bill_id, body["bill"])
        if outcome is not None:
            raise outcome[0]
        return self.get_bill(bill_id)

    def update_bill(self, bill_id: int, body: dict[str, Any]) -> Bill:
        if not self.updates_ignored:
            self._keep(bill_id, body["bill"])
        return self.get_bill(bill_id)

    def delete_bill(self, bill_id: int) -> Bill:
        if not self.updates_ignored:
            self.bills[bill_id] |= {"vis_state": 1, "updated_at": self._now()}
        self._changed("bill", bill_id)
        return self.get_bill(bill_id)

    def get_sale(self, sale: Sale, sale_id: int) -> Invoice:
        return Invoice.model_validate(self._found(self._sales(sale), sale_id))

    def find_sales(self, sale: Sale, customer_id: int, number: str) -> list[Invoice]:
        return [
            Invoice.model_validate(row)
            for row in self._sales(sale).values()
            if row.get("vis_state") != 1
            and row["customerid"] == customer_id
            and row["invoice_number"] == row["po_number"] == number
        ]

    def create_sale(self, sale: Sale, body: dict[str, Any]) -> Invoice:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        sale_id = 20001 + len(self._sales(sale))
        if outcome is None or outcome[1]:
            self.posts += 1
            self._keep_sale(sale, sale_id, body[sale])
        if outcome is not None:
            raise outcome[0]
        return self.get_sale(sale, sale_id)

    def update_sale(self, sale: Sale, sale_id: int, body: dict[str, Any]) -> Invoice:
        if not self.updates_ignored:
            self._keep_sale(sale, sale_id, body[sale])
        return self.get_sale(sale, sale_id)

    def delete_sale(self, sale: Sale, sale_id: int) -> None:
        if not self.updates_ignored:
            self._sales(sale)[sale_id] |= {"vis_state": 1}
        self._changed(sale, sale_id)

    def _sales(self, sale: Sale) -> dict[int, dict[str, Any]]:
        return self.invoices if sale == "invoice" else self.estimates

    def _keep_sale(self, sale: Sale, sale_id: int, sent: dict[str, Any]) -> None:
        lines = []
        total = Decimal()
        for line in sent["lines"]:
            amount = round(Decimal(line["qty"]) * Decimal(line["unit_cost"]["amount"]), 2)
            total += amount
            lines.append({**line, "amount": {**line["unit_cost"], "amount": f"{amount:.2f}"}})
        now = self._now()
        self._sales(sale)[sale_id] = {
            "status": 1,
            "v3_status": "draft",
            **self._sales(sale).get(sale_id, {}),
            **sent,
            "id": sale_id,
            "invoice_number": sent[f"{sale}_number"],
            "lines": lines,
            "vis_state": 0,
            "amount": {"amount": f"{total:.2f}", "code": sent["currency_code"]},
            "updated": now,
            "version": f"{now}.{self.posts:06d}",
        }
        self._changed(sale, sale_id)

    def list_vendors(self) -> Iterator[BillVendor]:
        return iter([BillVendor.model_validate(vendor) for vendor in self.vendors.values()])

    def create_vendor(self, body: dict[str, Any]) -> BillVendor:
        vendor_id = 500 + len(self.vendors)
        self.vendors[vendor_id] = {**body["bill_vendor"], "vendorid": vendor_id, "vis_state": 0}
        return BillVendor.model_validate(self.vendors[vendor_id])

    def users_me(self) -> dict[str, Any]:
        return {
            "business_memberships": [{"role": "owner", "business": {"account_id": "ACC1", "name": "Acme"}}]
        }

    def list_categories(self) -> Iterator[ExpenseCategory]:
        return iter(
            [
                ExpenseCategory.model_validate({"categoryid": i, "id": i, "category": n})
                for i, n in self.categories.items()
            ]
        )

    def list_items(self) -> Iterator[Item]:
        return iter([Item.model_validate(item) for item in self.items])

    def ready(self) -> None: ...

    def _keep(self, bill_id: int, sent: dict[str, Any]) -> None:
        lines = []
        total = 0.0
        for index, line in enumerate(sent["lines"], 1):
            amount = round(float(line["unit_cost"]["amount"]) * line["quantity"], 2)
            total += amount
            lines.append({**line, "id": index, "quantity": str(line["quantity"]), "amount": f"{amount:.2f}"})
        self.vendor_of_bill[bill_id] = sent["vendorid"]
        self.bills[bill_id] = {
            **{name: value for name, value in sent.items() if name != "vendorid"},
            "id": bill_id,
            "lines": lines,
            "vis_state": 0,
            "paid": {"amount": "0.00", "code": "USD"},
            "amount": {"amount": f"{total:.2f}", "code": "USD"},
            "updated_at": self._now(),
        }
        self._changed("bill", bill_id)

    def _now(self) -> str:
        at = self._clock() if self._clock else 1_776_349_879.0
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")

    @staticmethod
    def _found(things: dict[int, dict[str, Any]], thing_id: int) -> dict[str, Any]:
        try:
            return things[thing_id]
        except KeyError:
            raise errors.NotFound("no such object") from None


@dataclass
class FakeWorld:
    """A `World` of fakes for connection "acme", the fakes themselves within reach of the test."""

    clock: FakeClock = field(default_factory=FakeClock)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    notes: FakeNotes = field(default_factory=FakeNotes)
    archive: FakeArchive = field(default_factory=FakeArchive)
    sps: FakeMailbox = field(default_factory=FakeMailbox)
    freshbooks: FakeFreshBooks = field(default_factory=FakeFreshBooks)
    files: FakeQueue = field(default_factory=FakeQueue)
    bills: FakeQueue = field(default_factory=FakeQueue)
    records: FakeQueue = field(default_factory=FakeQueue)
    rsx: FakeQueue = field(default_factory=FakeQueue)
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leases = FakeLeases(self.clock)
        ids = iter(range(1, 1_000_000))
        self.world = World(
            connection=CONNECTION,
            ledger=self.ledger,
            notes=self.notes,
            leases=self.leases,
            archive=self.archive,
            queues=Queues(self.files, self.bills, self.records, self.rsx),
            sps=self.sps,
            freshbooks=self.freshbooks,
            clock=self.clock,
            report=lambda message, **keys: self.reports.append((message, keys)),
            new_id=lambda: f"run-{next(ids)}",
        )

    def set_up(self, pack: PartnerPack) -> None:
        self.notes.write(
            "acme", "pack", pack.trading_partner_id, pack.model_dump(mode="json", exclude_defaults=True)
        )
        self.world.forget_packs()
