"""One connection's world: its settings and everything a use case reaches through ports."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from connector import errors
from connector.rules.packs import PartnerPack, pack_of

if TYPE_CHECKING:
    from connector.documents.order import Order
    from connector.ports import Archive, Clock, FreshBooks, Leases, Ledger, Mailbox, Notes, Queue, Report
    from connector.settings import Connection

ALIASES = "aliases"
READERS = 10  # as many as botocore keeps connections

T = TypeVar("T")
R = TypeVar("R")


# a queue with so many messages holds what a schedule would send already: more would only make it longer
LONG_QUEUE = 1000


POLL_MINUTES = {"sps": 15, "freshbooks": 60}  # where a connection says nothing else
# work on a record begins only where so much time is left: the longest that one may take, and its batch's end
BEGIN_SECONDS = 60.0
# and goes on after a stop only with this much: one call to a vendor
GO_ON_SECONDS = 30.0
# when a record that nobody had time for is seen again
UNTOUCHED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Queues:
    """The four queues, named by what waits in them."""

    sps_files_to_map: Queue
    bills_to_push: Queue
    records_to_map: Queue
    rsx_to_push: Queue


@dataclass(slots=True)
class World:
    """Everything one connection's use cases need; nothing in it reaches another connection."""

    connection: Connection
    ledger: Ledger
    notes: Notes
    leases: Leases
    archive: Archive
    queues: Queues
    sps: Mailbox
    freshbooks: FreshBooks
    clock: Clock
    report: Report
    new_id: Callable[[], str]
    _packs: dict[str, PartnerPack] | None = None
    _learned: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _order: tuple[str, Order] | None = None

    @property
    def id(self) -> str:
        return self.connection.id

    def packs(self) -> Mapping[str, PartnerPack]:
        """The partner packs of this connection by TradingPartnerId."""
        if self._packs is None:
            kept = self.notes.read_all(self.id, "pack")
            learned: dict[str, dict[str, str]] = {}
            for alias in self.notes.read_all(self.id, ALIASES).values():
                learned.setdefault(alias["partner"], {})[alias["name"]] = alias["part"]
            self._packs = {
                partner: pack_of(
                    {**values, "aliases": {**learned.get(partner, {}), **values.get("aliases", {})}}
                )
                for partner, values in kept.items()
            }
        return self._packs

    def learned(self, topic: str, name: str) -> dict[str, Any] | None:
        """A note that never changes once it is there (a vendor's id), read once."""
        known = self._learned.get((topic, name)) or self.notes.read(self.id, topic, name)
        if known:
            self._learned[topic, name] = known
        return known

    def order(self, pointer: str, read: Callable[[], Order]) -> Order:
        """The order that a pointer into the archive names; read once where it is asked for several times in a row."""
        if self._order is None or self._order[0] != pointer:
            self._order = pointer, read()
        return self._order[1]

    def forget_packs(self) -> None:
        """Read the packs again when they are next needed."""
        self._packs = None

    def pack(self, partner: str) -> PartnerPack:
        """The pack of a trading partner; Waiting until somebody sets the partner up."""
        if partner not in self.packs():
            self.forget_packs()  # it may have been set up since we looked
        pack = self.packs().get(partner)
        if pack is None:
            raise errors.Waiting(
                f"trading partner {partner} is not set up",
                code="partner_not_set_up",
                waits_for=pack_name(self.id, partner),
                fix="import a partner pack for it; this document then goes on by itself",
            )
        return pack

    def shadow(self, partner: str) -> errors.Waiting | None:
        """Why nothing of this partner may be sent now; None where it may."""
        pack = self.packs().get(partner)
        if pack is None or pack.mode == "live":
            return None
        return errors.Waiting(
            f"{pack.vendor_name} is in shadow mode: the document is mapped and checked, and not sent",
            code="shadow_mode",
            waits_for=live_name(self.id, partner),
            fix="look at what would be sent; when it is right, switch the partner live",
        )


def alias_name(partner: str, name: str) -> str:
    """What a learned alias is noted under: line names differ by more than case and blanks."""
    return f"{partner}/{' '.join(name.casefold().split())}"


def pack_name(connection: str, partner: str) -> str:
    """What a document waits for until the pack of `partner` is there."""
    return f"{connection}/pack/{partner}"


def live_name(connection: str, partner: str) -> str:
    """What a document waits for while `partner` is in shadow mode."""
    return f"{connection}/live/{partner}"


def category_name(connection: str, partner: str) -> str:
    """What a bill waits for while FreshBooks lacks the expense category of its lines."""
    return f"{connection}/category/{partner}"


def at_once(read: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """Read many things from AWS, some at a time; the results in the things' sequence."""
    with ThreadPoolExecutor(READERS) as readers:
        yield from readers.map(read, things)


def full_jitter(attempt: int, *, base: float = 2.0, cap: float = 900.0) -> float:
    """Seconds to wait before try number `attempt` + 1: anywhere up to an exponentially growing bound."""
    return random.uniform(0, min(cap, base * 2 ** min(attempt, 20)))  # noqa: S311 - no secret


def as_text(amount: Any) -> str:
    return "" if amount is None else str(amount)
