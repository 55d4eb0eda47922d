"""What the core needs from the outside world; adapters and fakes implement it, `wiring` chooses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from connector.ledger import DocumentKey, Event, Record, State

if TYPE_CHECKING:
    from datetime import date

    from connector.documents.freshbooks import Bill, BillVendor, Client, ExpenseCategory, Invoice, Item, Sale


class Clock(Protocol):
    """One clock for all workers (`adapters.clock`): leases compare what different ones wrote."""

    def epoch(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    def now(self) -> str:
        """The instant as ISO 8601 in UTC with microseconds."""


class Ledger(Protocol):
    def get(self, key: DocumentKey) -> Record | None:
        """The record as last written (a consistent read)."""

    def get_many(self, keys: Iterable[DocumentKey]) -> dict[DocumentKey, Record]: ...

    def save(self, record: Record, after: int) -> Record | None:
        """Store `record` if the stored version is `after` (0: there is none); None when stored.

        Otherwise nothing is written and the stored record comes back.
        """

    def in_states(
        self, connection: str, direction: str, states: Set[State], before: str = "", since: str = ""
    ) -> Iterator[Record]:
        """Records in these states, by when they came there (`Record.entered`), the oldest first.

        At or after `since` and before `before` if given. Read from an index: a moment behind, so whoever acts on one
        saves conditionally. Those on their way and the delivered are kept together: asking for one such state reads
        them all, without the delivered from `settled` on.
        """

    def newest(
        self, connection: str, direction: str, states: Set[State], until: str = ""
    ) -> Iterator[Record]:
        """The same with the newest first, at or before an instant if one is given; read as needed."""

    def settled(self, connection: str, direction: str, before: str) -> None:
        """Nothing that came on its way before this instant is on it any more: nobody need look there again."""

    def waiting_for(self, what: str) -> list[DocumentKey]:
        """Documents parked until `what` (a document id, a pack) is there."""

    def awaited(self, connection: str, direction: str) -> set[str]:
        """All that parked documents of a direction wait for."""

    def history(self, key: DocumentKey) -> list[Event]:
        """The whole history, rolled-over pages first."""


class Notes(Protocol):
    """Small facts beside the ledger: poll watermarks, vendor ids learned, FreshBooks versions seen."""

    def read(self, connection: str, topic: str, name: str) -> dict[str, Any] | None: ...

    def read_many(self, connection: str, topic: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Those of the named notes that are there."""

    def read_all(self, connection: str, topic: str) -> dict[str, dict[str, Any]]: ...

    def topics(self, connection: str) -> set[str]:
        """What there are notes on. Reads the whole table: for exports, not for functions."""

    def write(self, connection: str, topic: str, name: str, value: Mapping[str, Any]) -> None: ...

    def write_new(self, connection: str, topic: str, name: str, value: Mapping[str, Any]) -> bool:
        """Write unless it is there already; whether it was written."""

    def replace(
        self,
        connection: str,
        topic: str,
        name: str,
        value: Mapping[str, Any],
        before: Mapping[str, Any] | None,
    ) -> bool:
        """Write if the note still is as it was read `before` (None: not there); whether it was written."""

    def remove(self, connection: str, topic: str, name: str) -> None: ...


class Leases(Protocol):
    def hold(
        self, name: str, seconds: float, unsure: tuple[type[Exception], ...] = ()
    ) -> AbstractContextManager[int | None]:
        """Hold a lease for the block: its fence (a number that only rises), or None if somebody has it.

        A block that ends in one of `unsure` may have started what still goes on: its lease then lasts `seconds` more.
        """


class Archive(Protocol):
    def put(self, connection: str, body: bytes) -> str:
        """Keep a payload; the pointer is its digest, so the same bytes are kept once."""

    def put_all(self, connection: str, bodies: Sequence[bytes]) -> list[str]:
        """Keep payloads that belong to different documents, together where there are several; their pointers.

        Each begins with the payload's digest (`ledger.content_of`).
        """

    def get(self, connection: str, pointer: str) -> bytes:
        """The payload, wherever it is kept now; NotFound where its retention is over."""


class Queue(Protocol):
    def send(self, messages: list[dict[str, Any]], delay: int = 0) -> None:
        """Hand over every message or raise; large ones are passed by pointer."""

    def depth(self) -> int:
        """About how many messages are in it: waiting, put off, or in somebody's hands."""


class Mailbox(Protocol):
    """The SPS mailbox (`adapters.sps.SpsClient`)."""

    def list(self, directory: str) -> Iterable[Any]:
        """Files and directories, all pages, sub-directories included."""

    def download(self, path: str) -> bytes: ...

    def upload(self, path: str, body: bytes) -> None: ...

    def delete(self, path: str) -> None: ...

    def history(self, after: str | None = None, until: str | None = None) -> Iterator[Any]: ...

    def auth_check(self) -> None: ...

    def ready(self) -> None:
        """Raise NotSent, asking nobody, while SPS is left alone (`adapters.breaker`)."""


class FreshBooks(Protocol):
    """The FreshBooks accounting API of one account (`adapters.freshbooks.FreshBooksClient`)."""

    def get_invoice(self, invoice_id: int) -> Invoice: ...

    def list_invoices(
        self, updated_min: date | None = None, *, deleted: bool = False
    ) -> Iterator[Invoice]: ...

    def get_client(self, client_id: int) -> Client: ...

    def get_bill(self, bill_id: int) -> Bill: ...

    def list_bills(self, vendor_id: int | None = None, *, deleted: bool = False) -> Iterator[Bill]: ...

    def find_bills(self, vendor_id: int, bill_number: str) -> list[Bill]: ...

    def create_bill(self, body: dict[str, Any]) -> Bill: ...

    def update_bill(self, bill_id: int, body: dict[str, Any]) -> Bill: ...

    def delete_bill(self, bill_id: int) -> Bill: ...

    def get_sale(self, sale: Sale, sale_id: int) -> Invoice: ...

    def find_sales(self, sale: Sale, customer_id: int, number: str) -> list[Invoice]: ...

    def create_sale(self, sale: Sale, body: dict[str, Any]) -> Invoice: ...

    def update_sale(self, sale: Sale, sale_id: int, body: dict[str, Any]) -> Invoice: ...

    def delete_sale(self, sale: Sale, sale_id: int) -> None: ...

    def list_vendors(self) -> Iterator[BillVendor]: ...

    def create_vendor(self, body: dict[str, Any]) -> BillVendor: ...

    def users_me(self) -> dict[str, Any]:
        """Who has authorized us, with their businesses."""

    def list_categories(self) -> Iterator[ExpenseCategory]: ...

    def list_items(self) -> Iterator[Item]: ...

    def ready(self) -> None:
        """Raise NotSent, asking nobody, while FreshBooks is left alone (`adapters.breaker`)."""


class Report(Protocol):
    def __call__(self, message: str, **keys: Any) -> None:
        """Say that something happened: a constant message and keys, never payloads."""
