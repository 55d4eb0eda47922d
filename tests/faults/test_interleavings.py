"""R4, R15: two workers on one document, in every order that their steps can take; and fifty at once.

A step is one call to a port that others can notice: the ledger, a vendor, a queue. A worker runs from one such
call to the next while the other stands still, so that every schedule is a list of whose turn it is.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

import pytest

from connector import errors
from connector.adapters.clock import AwsClock
from connector.ledger import LEASE_SECONDS, State
from connector.usecases.polling import poll_sps
from connector.usecases.targets import BillTarget
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.world import World
from local.faults.fakes import FakeLeases
from local.faults.ports import Calls
from tests.alone import map_inbound, push, push_document
from tests.fakes import FakeWorld
from tests.unit import test_inbound as inbound
from tests.unit import test_push as pushing

LOST = errors.OutcomeUnknown("read timed out")


class Steps:
    """Runs actors by a schedule: which of those that are not done goes on, at each step."""

    def __init__(self, actors: list[Callable[[], None]], schedule: list[int]) -> None:
        self._schedule = schedule
        self.choices: list[tuple[int, int]] = []  # (taken, of how many), where there was a choice
        self._turns = [threading.Semaphore(0) for _ in actors]
        self._back = threading.Semaphore(0)
        self._running = 0
        self._done: set[int] = set()
        self._trouble: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(n, one), daemon=True) for n, one in enumerate(actors)
        ]

    def step(self) -> None:
        """Called by an actor before each of its steps: wait until it is its turn."""
        me = self._running
        self._back.release()
        self._turns[me].acquire()

    def run(self) -> None:
        for n, thread in enumerate(self._threads):  # each up to its first step
            self._running = n
            thread.start()
            self._turns[n].release()
            self._back.acquire()
        while left := [n for n in range(len(self._threads)) if n not in self._done]:
            choice = 0
            if len(left) > 1:
                choice = self._schedule.pop(0) if self._schedule else 0
                self.choices.append((choice, len(left)))
            self._running = left[choice]
            self._turns[left[choice]].release()
            self._back.acquire()
        if self._trouble is not None:
            raise self._trouble

    def _run(self, me: int, actor: Callable[[], None]) -> None:
        self._turns[me].acquire()
        try:
            actor()
        except errors.ConnectorError:
            pass  # the message comes again
        except BaseException as error:
            self._trouble = error
        self._done.add(me)
        self._back.release()


def every_schedule(run: Callable[[list[int]], list[tuple[int, int]]]) -> int:
    """Run all schedules, depth first; how many there were."""
    schedule: list[int] = []
    for count in range(1, 1_000_000):
        choices = run(list(schedule))
        while choices and choices[-1][0] + 1 == choices[-1][1]:
            choices.pop()
        if not choices:
            return count
        schedule = [taken for taken, _ in choices[:-1]] + [choices[-1][0] + 1]
    raise AssertionError("too many schedules")


@dataclass
class Party:
    """A world whose workers wait for their turn before each noticeable call."""

    fake: FakeWorld
    steps: Steps | None = None

    def worker(self, clock: Any = None) -> World:
        world, fake = self.fake.world, self.fake

        def call(act: Callable[[], Any], safe: bool = True) -> Any:
            if self.steps is not None and not safe:
                self.steps.step()
            answer = act()
            if isinstance(clock, AwsClock):
                clock.heard(formatdate(fake.clock.epoch(), usegmt=True))
            return answer

        changes: dict[str, Any] = {} if clock is None else {"clock": clock, "leases": FakeLeases(clock)}

        def calls(thing: Any, *noticeable: str) -> Any:
            return Calls(self, call, thing, unsafe=noticeable)  # type: ignore[arg-type]

        return replace(
            world,
            **changes,
            ledger=calls(fake.ledger, "get", "get_many", "save"),
            sps=calls(fake.sps, "list", "download", "upload", "delete", "history"),
            freshbooks=calls(fake.freshbooks, "list_vendors", "create_vendor", "create_bill", "find_bills"),
            queues=replace(world.queues, bills_to_push=calls(fake.bills, "send")),
        )

    def run(self, actors: list[Callable[[], None]], schedule: list[int]) -> list[tuple[int, int]]:
        self.steps = Steps(actors, schedule)
        self.steps.run()
        choices, self.steps = self.steps.choices, None
        return choices


def known_vendor(fake: FakeWorld) -> None:
    """The vendor and the category were learned by an earlier order, so that only the order itself is at stake."""
    fake.freshbooks.vendors[500] = {
        "vendorid": 500,
        "vendor_name": "Example Retail",
        "account_number": "123ALLSUPPLIER",
        "vis_state": 0,
    }
    fake.notes.write("acme", "vendor", "123ALLSUPPLIER", {"vendorid": 500})
    fake.notes.write("acme", "category", "Cost of Goods Sold", {"id": 77})


def bring_to_an_end(fake: FakeWorld, message: dict[str, Any]) -> None:
    for _ in range(8):
        try:
            push_document(fake.world, message)
        except errors.ConnectorError as error:
            fake.clock.pass_((getattr(error, "retry_after", None) or 0) + 1)


def created(fake: FakeWorld) -> int:
    return len(fake.freshbooks.bills)


@pytest.mark.parametrize(
    "jump", [0.0, LEASE_SECONDS + 1, 15 * 60.0], ids=["at once", "past the lease", "long after"]
)
@pytest.mark.parametrize(
    "outcomes",
    [[], [(LOST, True)], [(LOST, False)], [(errors.Throttled("slow"), False)]],
    ids=["done", "reply lost after", "reply lost before", "throttled"],
)
def test_two_workers_on_one_order_make_one_bill_in_every_order_of_their_steps(
    outcomes: Any, jump: float
) -> None:
    """A third actor lets time pass at any point, once, so that each lease may run out under its holder's hands."""

    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = pushing.world()
        known_vendor(fake)
        message = pushing.arrived(fake)
        fake.freshbooks.outcomes = list(outcomes)
        party = Party(fake)
        workers = [lambda: push_document(party.worker(), message)] * 2

        def time_passes() -> None:
            assert party.steps is not None
            party.steps.step()
            fake.clock.pass_(jump)

        choices = party.run([*workers, *([time_passes] if jump else [])], schedule)
        assert created(fake) <= 1, schedule
        bring_to_an_end(fake, message)
        assert created(fake) == 1, (schedule, choices)
        assert pushing.stored(fake).state is State.DELIVERED
        return choices

    assert every_schedule(run) >= 10


def test_two_workers_on_one_invoice_send_one_file_in_every_order_of_their_steps() -> None:
    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = pushing.world()
        message = pushing.arrived(fake, pushing.INVOICE)
        party = Party(fake)
        choices = party.run([lambda: push_document(party.worker(), message)] * 2, schedule)
        bring_to_an_end(fake, message)
        assert len(fake.sps.uploads) == 1, schedule
        assert pushing.stored(fake, pushing.INVOICE).state is State.DELIVERED
        return choices

    assert every_schedule(run) >= 10


def test_two_workers_on_one_file_make_one_bill_in_every_order_of_their_steps() -> None:
    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = inbound.world()
        known_vendor(fake)
        inbound.put(fake, "out/1.json", inbound.order())
        poll_sps(fake.world)
        [message] = fake.files.take()
        party = Party(fake)
        choices = party.run([lambda: map_inbound(party.worker(), message)] * 2, schedule)
        fake.files.send([message])
        inbound.drain(fake)
        assert created(fake) == 1, schedule
        assert inbound.stored(fake).state is State.DELIVERED
        assert fake.sps.files == {}
        return choices

    assert every_schedule(run) >= 50


def test_a_revision_that_meets_the_push_of_the_first_ends_in_one_bill_of_the_last_content() -> None:
    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = inbound.world()
        known_vendor(fake)
        inbound.put(fake, "out/1.json", inbound.order())
        poll_sps(fake.world)
        map_inbound(fake.world, fake.files.take()[0])
        [message] = fake.bills.take()
        inbound.put(fake, "out/2.json", inbound.order(price=3.0))
        revision = {**message, "path": "out/2.json"}
        party = Party(fake)
        actors = [
            lambda: push_document(party.worker(), message),
            lambda: map_inbound(party.worker(), revision),
        ]
        choices = party.run(actors, schedule)
        inbound.run(fake)
        assert [bill["amount"]["amount"] for bill in fake.freshbooks.bills.values()] == ["120.00"], schedule
        return choices

    assert every_schedule(run) >= 10


def test_the_first_orders_of_a_partner_make_one_vendor_in_every_order_of_their_steps() -> None:
    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = pushing.world()
        fake.notes.write("acme", "category", "Cost of Goods Sold", {"id": 77})
        first = pushing.arrived(fake)
        other = pushing.ORDER._replace(number="2")
        second = pushing.arrived(fake, other, document=pushing.bill())
        party = Party(fake)
        choices = party.run([lambda m=m: push_document(party.worker(), m) for m in (first, second)], schedule)  # type: ignore[misc]
        for message in (first, second):
            bring_to_an_end(fake, message)
        assert (len(fake.freshbooks.vendors), created(fake)) == (1, 2), schedule
        return choices

    assert every_schedule(run) >= 50


def skewed(corrected: bool) -> Iterator[int]:
    """Bills made by three workers, two of whose clocks are ten minutes off, in every order of their steps."""
    made: list[int] = []

    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = pushing.world()
        known_vendor(fake)
        message = pushing.arrived(fake)
        party = Party(fake)

        def actor(skew: float) -> None:
            clock = AwsClock(lambda: fake.clock.epoch() + skew)
            if not corrected:
                clock.heard = lambda date: None  # type: ignore[method-assign]
            push_document(party.worker(clock), message)

        skews = (-600.0, 0.0, 600.0)
        choices = party.run([lambda skew=skew: actor(skew) for skew in skews], schedule)  # type: ignore[misc]
        bring_to_an_end(fake, message)
        made.append(created(fake))
        return choices

    every_schedule(run)
    yield from made


def test_clocks_ten_minutes_apart_change_nothing() -> None:
    assert set(skewed(corrected=True)) == {1}
    assert max(skewed(corrected=False)) > 1  # it is the correction that does it


def test_fifty_threads_on_a_thousand_documents_post_each_of_them_once() -> None:
    fake = pushing.world()
    known_vendor(fake)
    messages = []
    for n in range(1000):
        key = pushing.ORDER._replace(number=str(n))
        document = pushing.bill()
        document["bill"]["bill_number"] = str(n)
        messages.append(pushing.arrived(fake, key, document=document))
    lock = threading.Lock()
    create = fake.freshbooks.create_bill

    def one_at_a_time(body: dict[str, Any]) -> Any:
        with lock:
            return create(body)

    fake.freshbooks.create_bill = one_at_a_time  # type: ignore[method-assign]
    trouble: list[BaseException] = []

    def work(seed: int) -> None:
        for message in random.Random(seed).sample(messages, len(messages)):
            try:
                push(fake.world, message, BillTarget(fake.world), "test")
            except errors.Busy:
                pass
            except BaseException as error:
                trouble.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(50)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert trouble == []
    assert fake.freshbooks.posts == 1000
    assert set(Counter(bill["bill_number"] for bill in fake.freshbooks.bills.values()).values()) == {1}
    assert {record.state for record in fake.ledger.records.values()} == {State.DELIVERED}


def test_upkeep_that_meets_a_push_changes_nothing() -> None:
    def run(schedule: list[int]) -> list[tuple[int, int]]:
        fake = inbound.world()
        known_vendor(fake)
        inbound.put(fake, "out/1.json", inbound.order())
        poll_sps(fake.world)
        map_inbound(fake.world, fake.files.take()[0])
        [message] = fake.bills.take()
        fake.clock.pass_(3600)
        party = Party(fake)

        def upkeep() -> None:
            world = party.worker()
            resolve_in_doubt(world)
            for replay in fake.files.take():
                map_inbound(world, replay)
            for again in fake.bills.take():
                push_document(world, again)

        choices = party.run([lambda: push_document(party.worker(), message), upkeep], schedule)
        bring_to_an_end(fake, message)
        assert created(fake) == 1, schedule
        assert inbound.stored(fake).state is State.DELIVERED
        return choices

    assert every_schedule(run) >= 50
