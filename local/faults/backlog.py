"""A backlog in simulated time: so many orders wait in the mailbox, and both vendors limit how fast they may be asked.

The best anybody could do is the number of requests divided by the limit; the figure is how much longer it took. No
request fails here but those that the vendors refuse as too many, so each of these is of our own making.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector import errors
from connector.ledger import State
from connector.usecases.inbound import map_inbound
from connector.usecases.outbound import map_outbound
from connector.usecases.polling import poll_sps
from connector.usecases.targets import push_document
from connector.usecases.upkeep import resolve_in_doubt
from local.faults.engine import START, Engine
from local.faults.fakes import FakeArchive, FakeFreshBooks, FakeLedger, FakeMailbox, FakeNotes
from local.faults.ports import Rates, Shared, Vendor, Worker
from local.faults.queues import Consumer, SimulatedQueue
from local.faults.trade import PACKS, PLAIN, Line, OrderPlan, order_rsx

WINDOW_SECONDS = 60.0
# FreshBooks was seen to allow 600 requests a minute; SPS names no figure, and a file takes two
FRESHBOOKS_PER_MINUTE, SPS_PER_MINUTE = 600, 1200
# the limit in seconds x the time that one document takes there, and half as much again: what the template's
# FreshBooksConcurrency and SpsConcurrency have to be for that speed
FRESHBOOKS_CONCURRENCY, SPS_CONCURRENCY = 20, 36
MAX_RECEIVES = 100  # as in the template
MINUTE = 60.0


class Limited(Vendor):
    """A vendor that counts by the minute and refuses what is too much, until the minute is over."""

    def __init__(self, engine: Engine, name: str, per_minute: int, concurrency: int) -> None:
        super().__init__(name, per_minute, concurrency)
        self._engine = engine
        self.requests = self.refused = 0
        self._window, self._used = 0.0, 0
        self.last = START

    def ask(self) -> None:
        now = self._engine.time
        window = now // WINDOW_SECONDS
        if window != self._window:
            self._window, self._used = window, 0
        if self._used >= self.per_minute:
            self.refused += 1
            left = WINDOW_SECONDS - now % WINDOW_SECONDS
            raise errors.Throttled("slow down", retry_after=float(int(left) + 1))
        self._used += 1
        self.requests += 1
        self.last = now


@dataclass(frozen=True)
class Drained:
    """What a backlog came to; `ratio` is to the time that the limits allow."""

    documents: int
    delivered: int
    seconds: float
    allowed_seconds: float
    throttled: int
    dead: int
    timeouts: int
    amplification: float

    @property
    def ratio(self) -> float:
        return self.seconds / self.allowed_seconds

    @property
    def good(self) -> bool:
        return (
            self.ratio <= 1.05
            and self.documents == self.delivered
            and not self.throttled + self.dead + self.timeouts
        )

    def figures(self) -> dict[str, int | float]:
        return {
            "backlog": self.documents,
            "delivered": self.delivered,
            "simulated_seconds": round(self.seconds),
            "allowed_seconds": round(self.allowed_seconds),
            "ratio": round(self.ratio, 3),
            "throttled": self.throttled,
            "dead_letters": self.dead,
            "timeouts": self.timeouts,
            "requests_a_document": round(self.amplification, 2),
        }


def drain(
    documents: int, seed: int = 1, *, paced: bool = True, told: Callable[[int], None] = lambda done: None
) -> Drained:
    """Put `documents` orders into the mailbox and let the connector work until each has its bill."""
    before = random.getstate()
    random.seed(seed)
    try:
        return _Backlog(documents, seed, paced, told).run()
    finally:
        random.setstate(before)


class _Backlog:
    def __init__(self, documents: int, seed: int, paced: bool, told: Callable[[int], None]) -> None:
        self.documents = documents
        self.told = told
        self.engine = engine = Engine()
        rng = random.Random(seed)
        self.vendors = {
            "SPS": Limited(engine, "SPS", SPS_PER_MINUTE, SPS_CONCURRENCY if paced else 0),
            "FreshBooks": Limited(
                engine, "FreshBooks", FRESHBOOKS_PER_MINUTE, FRESHBOOKS_CONCURRENCY if paced else 0
            ),
        }
        clock = lambda: engine.time  # noqa: E731
        self.freshbooks, self.sps = FakeFreshBooks(clock), FakeMailbox(clock)
        self.shared = Shared(
            engine,
            rng,
            Rates(0.0, 0.0, 0.0, 0.0),
            FakeLedger(),
            FakeNotes(),
            FakeArchive(),
            self.sps,
            self.freshbooks,
            vendors=self.vendors,
        )
        for name, work, concurrency in (
            ("sps_files_to_map", map_inbound, SPS_CONCURRENCY),
            ("bills_to_push", push_document, FRESHBOOKS_CONCURRENCY),
            ("records_to_map", map_outbound, FRESHBOOKS_CONCURRENCY),
            ("rsx_to_push", push_document, SPS_CONCURRENCY),
        ):
            self.shared.queues[name] = SimulatedQueue(self.shared, name, MAX_RECEIVES)
            Consumer(self.shared.queues[name], work, concurrency)
        for n in range(documents):
            lines = [Line("V-1", 1 + n % 7, Decimal("12.50"))]
            order = OrderPlan(f"{n:08d}", PLAIN, "plain", START, lines, lines[0].amount)
            self.sps.files[f"out/PO{n:08d}.json"] = json.dumps(order_rsx(order, lines)).encode()

    def run(self) -> Drained:
        pack = PACKS[PLAIN].model_dump(mode="json", exclude_defaults=True)
        self.shared.notes.write("acme", "pack", PLAIN, pack)
        self._every(0.0, 15 * MINUTE, poll_sps)
        self._every(5 * MINUTE, 5 * MINUTE, resolve_in_doubt)
        self._look()
        self.engine.run(lambda: self.freshbooks.posts >= self.documents and not self._left())
        states = Counter(record.state for record in self.shared.ledger.records.values())
        counts = self.shared.counts
        # the limits, and not how often we asked, say how fast it could have gone: one bill, one download, one deletion
        allowed = max(self.documents / FRESHBOOKS_PER_MINUTE, 2 * self.documents / SPS_PER_MINUTE) * 60
        return Drained(
            documents=self.documents,
            delivered=min(states[State.DELIVERED], len(self.freshbooks.bills)),
            seconds=self.vendors["FreshBooks"].last - START,
            allowed_seconds=allowed,
            throttled=sum(vendor.refused for vendor in self.vendors.values()),
            dead=counts["dead"],
            timeouts=counts["timeouts"],
            amplification=self.vendors["FreshBooks"].requests / self.documents,
        )

    def _left(self) -> int:
        return sum(queue.inside for queue in self.shared.queues.values())

    def _every(self, first: float, seconds: float, work: Callable[[Any], Any]) -> None:
        def again() -> None:
            self.engine.start(lambda: work(Worker(self.shared).world()))
            self.engine.after(seconds, again)

        self.engine.after(first, again)

    def _look(self) -> None:
        self.told(self.freshbooks.posts)
        self.engine.after(MINUTE, self._look)
