"""One batch: a world of its own with its trade, run until nothing moves any more, and then its account.

The account asks the vendors what they hold and compares that with what was traded; what the ledger says is
checked against it. A batch depends on its seed alone.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector import errors
from connector.ledger import DocumentKey, State, verify_history
from connector.usecases.inbound import map_inbound
from connector.usecases.outbound import map_outbound
from connector.usecases.packs import set_up_partner
from connector.usecases.polling import poll_freshbooks, poll_sps
from connector.usecases.targets import push_document
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.webhooks import hint
from connector.usecases.world import World
from local.faults.engine import START, Engine
from local.faults.fakes import FakeArchive, FakeFreshBooks, FakeLedger, FakeMailbox, FakeNotes
from local.faults.ports import Rates, Shared, Vendor, Worker
from local.faults.queues import FUNCTION_SECONDS, REDRIVES, Consumer, SimulatedQueue
from local.faults.trade import (
    BILL_VENDOR,
    HOUR,
    LATE,
    PACKS,
    REFUSED,
    TRADING_SECONDS,
    OrderPlan,
    RecordPlan,
    make_trade,
)

MINUTE = 60.0
# the polls note the instant by their own clocks, and messages that they sent take a moment
MARGIN_SECONDS = 30 * MINUTE
LONGEST_SECONDS = 7 * 24 * HOUR
SENT = frozenset({State.DELIVERED, State.PICKED_UP})


class Moody(Vendor):
    """FreshBooks, whose token is refused for a while in the middle of the trade, until somebody authorizes again."""

    def __init__(self, engine: Engine, rng: random.Random) -> None:
        super().__init__("FreshBooks")
        self._engine = engine
        self.refused = 0
        self._from = START + rng.uniform(HOUR, 4 * HOUR)
        self._until = self._from + rng.uniform(20 * MINUTE, 90 * MINUTE)

    def ask(self) -> None:
        if self._from <= self._engine.time < self._until:
            self.refused += 1
            raise errors.Unauthenticated("HTTP 401")


@dataclass
class Account:
    """What a batch came to; `problems` says in words what the three counts count."""

    documents: int = 0
    duplicates: int = 0
    losses: int = 0
    unexplained: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.duplicates + self.losses + self.unexplained

    def duplicate(self, what: str, times: int = 1) -> None:
        self.duplicates += times
        self.problems.append(f"duplicate: {what}")

    def loss(self, what: str) -> None:
        self.losses += 1
        self.problems.append(f"loss: {what}")

    def odd(self, what: str) -> None:
        self.unexplained += 1
        self.problems.append(f"unexplained: {what}")


def run_batch(seed: int, documents: int, rates: Rates | None = None) -> Account:
    """Simulate one batch from its seed to its account."""
    before = random.getstate()
    random.seed(seed)  # the use cases' own jitter
    try:
        batch = Batch(seed, documents, rates or Rates())
        batch.run()
        return batch.account()
    finally:
        random.setstate(before)


class Batch:
    def __init__(self, seed: int, documents: int, rates: Rates) -> None:
        self.random = random.Random(seed)
        self.engine = engine = Engine()
        clock = lambda: engine.time  # noqa: E731
        self.freshbooks = FakeFreshBooks(
            clock, changed=self._webhook, refuses=lambda bill: str(bill["bill_number"]).startswith(REFUSED)
        )
        self.sps = FakeMailbox(clock, lag=lambda: self.random.uniform(0.0, 300.0))
        self.shared = Shared(
            engine,
            self.random,
            rates,
            FakeLedger(),
            FakeNotes(),
            FakeArchive(),
            self.sps,
            self.freshbooks,
            vendors={"FreshBooks": Moody(engine, self.random)},
        )
        self.queues: dict[str, SimulatedQueue] = {}
        for name, work, sandboxes in (
            ("sps_files_to_map", map_inbound, 4),
            ("bills_to_push", push_document, 3),
            ("records_to_map", map_outbound, 3),
            ("rsx_to_push", push_document, 4),
        ):
            self.queues[name] = SimulatedQueue(self.shared, name)
            Consumer(self.queues[name], work, sandboxes)
        self.shared.queues = self.queues
        self.trade = make_trade(documents, self.random, START)
        self._last: tuple[int, ...] = ()
        self._quiet_since = START
        self._upkeep_at = START
        self._over = False

    # ------------------------------------------------------------------------------------------ running

    def run(self) -> None:
        """Until every poll and the upkeep came through once more and nothing happened any more."""
        self.freshbooks.vendors[400] = dict(BILL_VENDOR)
        for client in (10, 12):
            self.freshbooks.clients[client] = {"id": client, "organization": "Stores", "currency_code": "USD"}
        for partner, pack in PACKS.items():
            if partner != LATE:
                self.shared.notes.write(
                    "acme", "pack", partner, pack.model_dump(mode="json", exclude_defaults=True)
                )
        self.engine.at(START + 2 * HOUR, self._set_up_late)
        for drop in self.trade.drops:
            self.engine.at(drop.at, lambda drop=drop: self.sps.files.__setitem__(drop.path, drop.content))
        for plan in self.trade.records:
            for at, record in plan.versions:
                self.engine.at(at, lambda plan=plan, record=record: self._write(plan, record))
        self._every(15 * MINUTE, poll_sps)
        self._every(HOUR, poll_freshbooks)
        self._every(5 * MINUTE, self._upkeep)
        self._repeat(10 * MINUTE, self.sps.pick_up)
        self._repeat(30 * MINUTE, self._look)
        self.engine.run(lambda: self._over)

    def _every(self, seconds: float, work: Callable[[World], Any]) -> None:
        """A schedule: nobody repeats a run that failed, the next one has to do."""

        def invoke() -> None:
            began = self.engine.time
            try:
                work(Worker(self.shared).world())
            except errors.ConnectorError as error:
                self.shared.counts[f"failed: {work.__name__} {type(error).__name__}"] += 1
            finally:
                self.shared.counts["timeouts"] += self.engine.time - began > FUNCTION_SECONDS

        self._repeat(seconds, lambda: self.engine.start(invoke))

    def _upkeep(self, world: World) -> None:
        resolve_in_doubt(world)
        self._upkeep_at = self.engine.time

    def _repeat(self, seconds: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self.engine.after(seconds, again)

        self.engine.after(self.random.uniform(0.0, seconds), again)

    def _set_up_late(self) -> None:
        """Somebody imports the late partner's pack, and does it again where the import broke off."""
        if self.shared.notes.read("acme", "pack", LATE) is None:
            self.engine.start(lambda: self._import_pack())
            self.engine.after(10 * MINUTE, self._set_up_late)

    def _import_pack(self) -> None:
        set_up_partner(Worker(self.shared).world(), PACKS[LATE])

    def _write(self, plan: RecordPlan, record: dict[str, Any]) -> None:
        """Somebody saves an invoice or a bill in FreshBooks."""
        if plan.noun == "invoice":
            self.freshbooks.invoices[plan.id] = record
            self._webhook("invoice", plan.id)
        elif plan.id:
            self.freshbooks.update_bill(plan.id, {"bill": record})
        else:
            plan.id = self.freshbooks.create_bill({"bill": record}).id

    def _webhook(self, noun: str, object_id: int) -> None:
        """FreshBooks tells of a change: mostly once, now and then twice, and now and then not at all."""
        for _ in range(self.random.choice((0, 1, 1, 1, 1, 2))):
            message = hint("acme", noun, object_id, f"{noun}.update", self.shared.new_id())  # type: ignore[arg-type]
            self.engine.after(
                self.random.uniform(0.0, 30.0),
                lambda message=message: self.queues["records_to_map"].send([message]),
            )

    def _look(self) -> None:
        """Has anything happened since the last look?"""
        ledger, queues = self.shared.ledger, self.queues.values()
        busy = (
            self.engine.time < START + TRADING_SECONDS + 4 * HOUR
            or any(queue.inside for queue in queues)
            or any(message.redrives < REDRIVES for queue in queues for message in queue.dead)
            or any(path.startswith("out/") for path in self.sps.files)
        )
        now = (ledger.writes, len(self.sps.uploads), self.freshbooks.posts)
        if busy or now != self._last:
            self._last, self._quiet_since = now, self.engine.time
        polled = [self.shared.notes.read("acme", "poll", name) for name in ("sps", "freshbooks")]
        looked = min(datetime.fromisoformat(note["at"]).timestamp() if note else 0.0 for note in polled)
        quiet = min(looked, self._upkeep_at) > self._quiet_since + MARGIN_SECONDS
        self._over = quiet or self.engine.time > START + LONGEST_SECONDS

    # ------------------------------------------------------------------------------------------ account

    def account(self) -> Account:
        account = Account(self.trade.documents, counts=self.shared.counts)
        bills = defaultdict(list)
        for bill in self.freshbooks.bills.values():
            bills[bill["bill_number"]].append(bill)
        uploads = defaultdict(list)
        for path, content in zip(self.sps.uploads, self.sps.contents, strict=True):
            document = json.loads(content)
            uploads[document["Header"]["InvoiceHeader"]["InvoiceNumber"]].append((path, document))
        for order in self.trade.orders.values():
            self._order(order, bills.pop(order.number, []), account)
        for shipment in self.trade.shipments:
            state = self._state("in", shipment.partner, "shipment", shipment.number)
            kept = [
                self.shared.ledger.get(self._key("in", shipment.partner, "order", po))
                for po in shipment.orders
            ]
            if not all(order is not None and shipment.number in order.shipments for order in kept):
                account.loss(f"shipment {shipment.number} ({state})")
            elif state is not State.DELIVERED:
                account.odd(f"shipment {shipment.number} is {state}")
        for record in self.trade.records:
            if record.noun == "bill":
                bills.pop(record.number, None)
            self._record(record, uploads.pop(record.number, []), account)
        for name in self.trade.unreadable:
            if self._state("in", "-", "file", name) is not State.HELD:
                account.loss(f"file {name}")
        for number in [*bills, *uploads]:
            account.odd(f"{number} is at a vendor and was never traded")
        self._ledger(account)
        return account

    def _order(self, order: OrderPlan, bills: list[dict[str, Any]], account: Account) -> None:
        state = self._state("in", order.partner, "order", order.number)
        told = f"order {order.number} ({order.kind}, {state})"
        active = [bill for bill in bills if bill["vis_state"] == 0]
        if len(bills) > 1:
            account.duplicate(f"{told} has {len(bills)} bills", len(bills) - 1)
        if order.billed:
            if not active:
                account.loss(f"{told} has no bill")
            elif Decimal(active[0]["amount"]["amount"]) != order.total:
                account.odd(f"{told}: bill of {active[0]['amount']['amount']} instead of {order.total}")
            elif state is not State.DELIVERED:
                account.odd(told)
            return
        wanted = {
            "cancelled": State.CANCELLED,
            "refused": State.REJECTED,
            "copy": State.SKIPPED,
            "never": State.HELD,
        }
        if active or state is not wanted[order.kind]:
            account.odd(f"{told} has {len(active)} bills")

    def _record(self, plan: RecordPlan, uploads: list[tuple[str, dict[str, Any]]], account: Account) -> None:
        """Every content that was sent was sent once, and the last one sent is the last one written."""
        state = self._state("out", plan.partner, plan.noun, plan.number)
        told = f"{plan.noun} {plan.number} ({state})"
        totals = [Decimal(str(document["Summary"]["TotalAmount"])) for _, document in uploads]
        if len(set(totals)) < len(totals):
            account.duplicate(f"{told} was sent {len(totals)} times", len(totals) - len(set(totals)))
        if set(totals) - set(plan.totals):
            account.odd(f"{told} was sent over {totals} instead of {plan.totals}")
        if plan.deleted:
            if state not in (State.HELD, State.CANCELLED, None):
                account.odd(f"{told} was deleted")
        elif not totals or totals[-1] != plan.totals[-1]:
            account.loss(f"{told} of {plan.totals[-1]} was sent as {totals}")
        elif state not in SENT:
            account.odd(told)

    def _ledger(self, account: Account) -> None:
        """R12: every document that was seen is in a final state or held, with a reason and an unbroken history."""
        for record in self.shared.ledger.records.values():
            account.states[record.state] += 1
            if record.state in (State.RECEIVED, State.MAPPED, State.CLAIMED, State.IN_DOUBT):
                account.odd(f"{record.key.id} is still {record.state}")
            if record.state in (State.HELD, State.REJECTED) and not record.reason.get("message"):
                account.odd(f"{record.key.id} is {record.state} for no reason")
            if verify_history(record.history) is not None:
                account.odd(f"{record.key.id} has a broken history")
        left = sum(queue.inside for queue in self.queues.values())
        if left:
            account.odd(f"{left} messages never came to an end")

    def _key(self, direction: Any, partner: str, type_: str, number: str) -> DocumentKey:
        return DocumentKey("acme", direction, partner, type_, number)

    def _state(self, direction: str, partner: str, type_: str, number: str) -> State | None:
        record = self.shared.ledger.get(self._key(direction, partner, type_, number))
        return record.state if record else None
