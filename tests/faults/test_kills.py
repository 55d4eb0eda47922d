"""R3, R5, R9: killed at any call and killed again while recovering; redriven by the thousand; poison beside others."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from connector import errors
from connector.ledger import State
from connector.usecases.inbound import map_inbound
from connector.usecases.outbound import map_outbound
from connector.usecases.polling import poll_freshbooks, poll_sps
from connector.usecases.targets import push_document
from connector.usecases.together import Steps, together
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.webhooks import hint
from connector.usecases.world import Queues, World
from local.faults.engine import Engine, Killed
from local.faults.fakes import FakeArchive, FakeFreshBooks, FakeLedger, FakeMailbox, FakeNotes
from local.faults.ports import Calls, Rates, Shared
from local.faults.queues import Consumer, SimulatedQueue
from tests.fakes import FakeQueue, FakeWorld
from tests.faults.killing import THOROUGH
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound

ROUNDS = 12
QUARTER = 900.0


class Mortal:
    """Workers that die at given points: each call to a port is two, before its effect (2n) and after it (2n + 1)."""

    def __init__(self, fake: FakeWorld, points: set[int]) -> None:
        self.fake = fake
        self.points = points
        self.calls = 0
        self._dead = False
        calls = lambda thing: Calls(self, self._call, thing)  # type: ignore[arg-type]  # noqa: E731
        world = fake.world
        self.world: World = replace(
            world,
            ledger=calls(fake.ledger),
            notes=calls(fake.notes),
            archive=calls(fake.archive),
            leases=self,
            sps=calls(fake.sps),
            freshbooks=calls(fake.freshbooks),
            queues=Queues(*(calls(queue) for queue in (fake.files, fake.bills, fake.records, fake.rsx))),
        )

    def _call(self, act: Callable[[], Any], safe: bool = True) -> Any:
        point = 2 * self.calls
        self.calls += 1
        for effect in (False, True):
            if self._dead or point + effect in self.points:
                self._dead = True
                raise Killed
            if not effect:
                answer = act()
        return answer

    @contextmanager
    def hold(
        self, name: str, seconds: float, unsure: tuple[type[Exception], ...] = ()
    ) -> Iterator[int | None]:
        fence = self._call(lambda: self.fake.leases.take(name, seconds))
        more = 0.0
        try:
            yield fence
        except unsure:
            more = seconds
            raise
        finally:
            if fence is not None:
                self._call(lambda: self.fake.leases.release(name, fence, more))

    def invoke(self, work: Callable[..., Any], *arguments: Any) -> bool:
        """One invocation; whether it ended well."""
        try:
            work(self.world, *arguments)
            return True
        except errors.ConnectorError:
            return False
        except Killed:
            self._dead = False
            return False

    def consume(self, queue: FakeQueue, work: Callable[[World, Mapping[str, Any]], Steps[None]]) -> None:
        batch = queue.take()
        try:
            again = set(together(self.world, batch, work))
        except Killed:
            self._dead, again = False, set(range(len(batch)))
        queue.messages += [message for n, message in enumerate(batch) if n in again]

    def run(self, over: Callable[[], bool]) -> int:
        """Rounds of everything, a quarter of an hour apart, until it is all over; how many it took."""
        fake = self.fake
        for count in range(1, ROUNDS + 1):
            self.invoke(poll_sps)
            self.invoke(poll_freshbooks)
            self.invoke(resolve_in_doubt)
            for _ in range(2):
                self.consume(fake.files, map_inbound)
                self.consume(fake.bills, push_document)
                self.consume(fake.records, map_outbound)
                self.consume(fake.rsx, push_document)
            fake.clock.pass_(QUARTER)
            queues = (fake.files, fake.bills, fake.records, fake.rsx)
            if over() and not any(queue.messages for queue in queues):
                return count
        return 0


def one_order(points: set[int]) -> int:
    """The points that an order's life has; its end must be one bill."""
    fake = inbound.world()
    inbound.put(fake, "out/1.json", inbound.order())
    mortal = Mortal(fake, points)
    done = lambda: [r.state for r in fake.ledger.records.values()] == [State.DELIVERED] and not fake.sps.files  # noqa: E731
    rounds = mortal.run(done)
    assert rounds, f"killed at {sorted(points)}: it never ended"
    assert (len(fake.freshbooks.bills), len(fake.freshbooks.vendors)) == (1, 1), sorted(points)
    return 2 * mortal.calls


def one_invoice(points: set[int]) -> int:
    """The points that an invoice's life has; its end must be one file."""
    fake = outbound.world()
    fake.records.send([hint("acme", "invoice", 987654, "invoice.create", "r")])
    mortal = Mortal(fake, points)
    key = outbound.DocumentKey("acme", "out", outbound.PARTNER, "invoice", "0000421")

    def done() -> bool:
        record = fake.ledger.get(key)
        return record is not None and record.state is State.DELIVERED

    rounds = mortal.run(done)
    assert rounds, f"killed at {sorted(points)}: it never ended"
    assert len(fake.sps.uploads) == 1, sorted(points)
    return 2 * mortal.calls


@pytest.mark.parametrize("life", [one_order, one_invoice])
def test_killed_at_any_call_and_killed_again_while_recovering_it_ends_in_one_object(
    life: Callable[[set[int]], int],
) -> None:
    """Ordered pairs: the second point is any later one, in whatever the first kill made necessary.

    Every first point with the one right after it and one in twenty of the later ones; `THOROUGH=1` tries all of them.
    """
    rng, pairs = random.Random(5), 0
    for first in range(life(set())):
        for second in range(first + 1, life({first})):
            if THOROUGH or second == first + 1 or rng.random() < 0.05:
                life({first, second})
                pairs += 1
    assert pairs > 100


def test_ten_thousand_messages_redriven_three_times_under_new_ids_make_nothing_new() -> None:
    """As many of each queue; a redriven message is the same body once more, in any order."""
    fake = inbound.world()
    each = 2500
    for n in range(each):
        inbound.put(fake, f"out/{n}.json", inbound.order(str(n)))
        fake.freshbooks.invoices[n] = outbound.invoice(f"I{n}", id=n, invoiceid=n, po_number=str(n))
    poll_sps(fake.world)
    sent: list[tuple[Callable[..., Steps[None]], dict[str, Any]]] = []

    def drain(queue: FakeQueue, work: Callable[..., Steps[None]]) -> None:
        while batch := queue.messages[:10]:
            del queue.messages[:10]
            assert together(fake.world, batch, work) == {}
            sent.extend((work, message) for message in batch)

    drain(fake.files, map_inbound)
    drain(fake.bills, push_document)
    fake.records.send([hint("acme", "invoice", n, "invoice.create", f"r{n}") for n in range(each)])
    drain(fake.records, map_outbound)
    drain(fake.rsx, push_document)
    assert (len(sent), fake.freshbooks.posts, len(fake.sps.uploads)) == (4 * each, each, each)
    states = {key: record.state for key, record in fake.ledger.records.items()}
    for seed in range(3):
        for work, message in random.Random(seed).sample(sent, len(sent)):
            assert together(fake.world, [json.loads(json.dumps(message))], work) == {}
        for queue, work in ((fake.bills, push_document), (fake.rsx, push_document)):
            for message in queue.take():
                assert together(fake.world, [message], work) == {}
    assert (fake.freshbooks.posts, len(fake.sps.uploads)) == (each, each)
    assert {key: record.state for key, record in fake.ledger.records.items()} == states
    assert set(Counter(states.values())) == {State.DELIVERED}


def test_poison_is_parked_at_its_first_receive_and_its_neighbours_are_all_done() -> None:
    engine = Engine()
    rng = random.Random(9)
    fake = FakeFreshBooks(lambda: engine.time, refuses=lambda bill: bill["bill_number"] == "refused")
    sps = FakeMailbox(lambda: engine.time)
    shared = Shared(
        engine, rng, Rates(0.0, 0.0, 0.0, 0.0), FakeLedger(), FakeNotes(), FakeArchive(), sps, fake
    )
    works = {
        "sps_files_to_map": map_inbound,
        "bills_to_push": push_document,
        "records_to_map": map_outbound,
        "rsx_to_push": push_document,
    }
    queues = shared.queues = {name: SimulatedQueue(shared, name) for name in works}
    for name, work in works.items():
        Consumer(queues[name], work, 1)
    shared.notes.write("acme", "pack", inbound.PARTNER, {"trading_partner_id": inbound.PARTNER})
    bad = inbound.order("bad")
    bad["LineItem"][0]["OrderLine"]["OrderQty"] = "many"
    good = [inbound.order(str(n)) for n in range(20)]
    sps.files = {
        "out/odd.edi": b"ISA*00*",
        "out/cut.json": b'{"Header": {',
        "out/empty.json": b"",
        "out/web.json": b"<html>",
        "out/batch.json": json.dumps([good[0], bad, good[1], inbound.order("refused"), *good[2:]]).encode(),
        "out/invoice.json": json.dumps(
            {"Header": {"InvoiceHeader": {"TradingPartnerId": inbound.PARTNER, "InvoiceNumber": "X7"}}}
        ).encode(),
    }
    messages = [{"connection": "acme", "correlation_id": "c", "path": path} for path in sps.files]
    engine.start(lambda: queues["sps_files_to_map"].send(messages))
    engine.run(lambda: False)
    assert sps.files == {}
    received = Counter(name for name in shared.counts if name.startswith("failed"))
    assert received == {}, "something was tried a second time"
    assert all(not queue.inside and not queue.dead for queue in queues.values())
    records = {record.key.number: record for record in shared.ledger.records.values()}
    assert all(records[str(n)].state is State.DELIVERED for n in range(20))
    assert records["refused"].state is State.REJECTED
    assert records["refused"].attempt == 1
    poisoned = ("odd.edi", "cut.json", "empty.json", "web.json", "batch.json[1]", "X7")
    for name in poisoned:
        assert (records[name].state, records[name].attempt) == (State.HELD, 0), name
        assert records[name].reason["code"]
        assert records[name].reason["message"]
        assert shared.archive.get("acme", records[name].payloads["received"]) is not None
