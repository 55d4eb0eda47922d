"""R11: an upstream that is down is left alone, one that throttles is obeyed, a healthy one is asked once a task."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from connector import errors
from connector.adapters.breaker import LONGEST_PAUSE_SECONDS, NEWS_SECONDS, PAUSE_SECONDS, THRESHOLD, Breaker
from connector.adapters.http import HttpClient
from connector.adapters.sps import MemoryToken, SpsClient, SpsSettings, SpsTokens
from connector.ledger import State
from local.faults.fakes import FakeLeases, FakeNotes
from local.simulators import SpsSimulator, serve
from tests.alone import map_outbound, push_document
from tests.fakes import FakeWorld
from tests.faults.killing import Clock, Killed, Machine, machine
from tests.unit import test_outbound as outbound
from tests.unit import test_push as pushing

HOUR = 3600


class Upstream:
    """One vendor's part: when it was asked, and what it answers to that."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self.answer: Exception | None = None

    def __call__(self) -> str:
        self.asked.append(self.clock.epoch())
        if self.answer is not None:
            raise self.answer
        return "well"


class Workers:
    """Processes that share a table, with one upstream."""

    def __init__(self, count: int) -> None:
        self.clock = Clock()
        self.notes, self.leases = FakeNotes(), FakeLeases(self.clock)
        self.reports: list[str] = []
        self.upstream = Upstream(self.clock)
        self.all = [self.start() for _ in range(count)]

    def start(self) -> Breaker:
        return Breaker(
            self.notes,
            self.leases,
            self.clock,
            lambda message, **_: self.reports.append(message),
            "acme",
            "SPS",
        )

    def ask(self, worker: int = 0) -> Any:
        """The answer, or the error, of one try."""
        try:
            return self.all[worker](self.upstream)
        except errors.ConnectorError as error:
            return error


DOWN = (
    errors.Unreachable("no connection"),
    errors.OutcomeUnknown("no complete answer in time"),
    errors.Throttled("429"),
)


@pytest.mark.parametrize("error", DOWN, ids=lambda error: type(error).__name__)
def test_in_a_full_outage_only_the_threshold_and_one_probe_a_pause_get_through(error: Exception) -> None:
    """Ten busy processes that want to ask every second, for an hour."""
    rng, workers = random.Random(11), Workers(10)
    assert all(workers.ask(n) == "well" for n in range(10))
    workers.upstream.asked.clear()
    workers.upstream.answer = error
    for _ in range(HOUR):
        workers.ask(rng.randrange(10))
        workers.clock.pass_(1)
    asked = workers.upstream.asked
    opened = asked[THRESHOLD - 1]
    # a process that looked a moment ago learns of the others' trouble by one failure of its own
    late = [at for at in asked[THRESHOLD:] if at < opened + PAUSE_SECONDS]
    probes = [at for at in asked if at >= opened + PAUSE_SECONDS]
    assert len(late) < len(workers.all)
    gaps = [later - earlier for earlier, later in zip([opened, *probes], probes, strict=False)]
    assert all(gap >= min(PAUSE_SECONDS * 2**n, LONGEST_PAUSE_SECONDS) for n, gap in enumerate(gaps))
    assert workers.reports.count("upstream paused") == 1 + len(probes)
    assert len(probes) <= 4 + HOUR / LONGEST_PAUSE_SECONDS


def test_a_full_outage_asked_by_one_process_lets_through_exactly_the_threshold() -> None:
    workers = Workers(1)
    workers.upstream.answer = DOWN[0]
    ends = [workers.ask() for _ in range(50)]
    assert len(workers.upstream.asked) == THRESHOLD
    assert {error.code for error in ends[THRESHOLD:]} == {"circuit_open"}
    assert all(0 < error.retry_after <= PAUSE_SECONDS for error in ends[THRESHOLD:])
    assert all(isinstance(error, errors.NotSent) for error in ends)


def test_a_process_that_starts_during_the_pause_asks_nobody() -> None:
    workers = Workers(1)
    workers.upstream.answer = DOWN[0]
    for _ in range(THRESHOLD):
        workers.ask()
    workers.all.append(workers.start())
    assert workers.ask(1).code == "circuit_open"
    assert len(workers.upstream.asked) == THRESHOLD


def test_who_asks_whether_the_vendor_is_left_alone_is_told_without_asking_it() -> None:
    workers = Workers(2)
    workers.all[0].ready()
    workers.upstream.answer = DOWN[0]
    for _ in range(THRESHOLD):
        workers.all[0].ready()
        workers.ask()
    for worker in workers.all:
        with pytest.raises(errors.Unreachable) as told:
            worker.ready()
        assert told.value.code == "circuit_open"
        assert 0 < told.value.retry_after <= PAUSE_SECONDS
    assert len(workers.upstream.asked) == THRESHOLD
    workers.clock.pass_(PAUSE_SECONDS + 1)
    workers.all[1].ready()  # somebody may try again


def test_an_outage_costs_no_ledger_write_however_often_messages_come_again() -> None:
    for fake, message in (order_to_push(), invoice_to_push()):
        workers = paused(1)
        workers.clock.pass_(-PAUSE_SECONDS)
        fake.world.freshbooks.ready = fake.world.sps.ready = workers.all[0].ready
        writes = fake.ledger.writes
        for _ in range(20):
            with pytest.raises(errors.Unreachable, match="left alone"):
                push_document(fake.world, message)
        assert fake.ledger.writes == writes
        fake.world.freshbooks.ready = fake.world.sps.ready = lambda: None
        push_document(fake.world, message)
        assert fake.ledger.writes == writes + 2  # claim and confirm


def order_to_push() -> tuple[FakeWorld, dict[str, Any]]:
    fake = pushing.world()
    return fake, pushing.arrived(fake)


def invoice_to_push() -> tuple[FakeWorld, dict[str, Any]]:
    fake = outbound.world()
    fake.freshbooks.invoices[987654] = outbound.invoice()
    map_outbound(fake.world, outbound.hint("acme", "invoice", 987654, "invoice.create", "c"))
    [message] = fake.rsx.take()
    return fake, message


def paused(count: int) -> Workers:
    workers = Workers(count)
    workers.upstream.answer = DOWN[0]
    for _ in range(THRESHOLD):
        workers.ask()
    workers.clock.pass_(PAUSE_SECONDS + 1)
    workers.upstream.asked.clear()
    return workers


def test_one_answer_ends_the_pause_for_everybody() -> None:
    workers = paused(5)
    workers.upstream.answer = None
    assert [workers.ask(n) for n in range(5)] == ["well"] * 5
    assert "upstream answers again" in workers.reports


def test_only_one_probes_at_a_time() -> None:
    workers = paused(2)
    within: list[Any] = []

    def slow() -> str:
        within.append(workers.ask(1))
        return "well"

    assert workers.all[0](slow) == "well"
    assert [error.code for error in within] == ["circuit_open"]
    assert workers.upstream.asked == []


def test_a_probe_that_is_killed_is_followed_by_another() -> None:
    workers = paused(2)

    def killed() -> str:
        raise Killed

    leases = workers.leases
    with suppress(Killed):
        take = leases.release
        leases.release = lambda *_: None  # type: ignore[method-assign]  # nobody is left to give it back
        workers.all[0](killed)
    leases.release = take  # type: ignore[method-assign]
    workers.upstream.answer = None
    assert workers.ask(1).code == "circuit_open"
    workers.clock.pass_(61)
    assert workers.ask(1) == "well"


@pytest.mark.parametrize(
    "error", [errors.Throttled("429", retry_after=120), errors.Unreachable("503", retry_after=120)]
)
def test_retry_after_holds_for_every_process_at_once(error: Exception) -> None:
    workers = Workers(3)
    workers.upstream.answer = error
    workers.ask()
    workers.upstream.answer = None
    for _ in range(119):
        workers.clock.pass_(1)
        assert workers.ask(1).code == "circuit_open"
    assert len(workers.upstream.asked) == 1
    workers.clock.pass_(2)
    assert workers.ask(2) == "well"


def test_failures_that_are_not_in_a_row_pause_nobody() -> None:
    workers = Workers(1)
    for _ in range(100):
        for _ in range(THRESHOLD - 1):
            workers.upstream.answer = DOWN[0]
            workers.ask()
        workers.upstream.answer = None
        assert workers.ask() == "well"
    workers.upstream.answer = DOWN[0]
    for _ in range(100):
        workers.clock.pass_(HOUR)
        assert workers.ask() is DOWN[0]


@pytest.mark.parametrize(
    "answer",
    [errors.Refused("422"), errors.NotFound("404"), errors.Busy("409"), errors.BadUse("no such host")],
)
def test_an_upstream_that_says_no_is_well(answer: Exception) -> None:
    workers = Workers(1)
    workers.upstream.answer = answer
    assert [workers.ask() for _ in range(50)] == [answer] * 50


def test_a_table_that_is_away_pauses_nobody_and_spoils_no_outcome() -> None:
    workers = Workers(1)

    def away(*_: Any) -> Any:
        raise ConnectionError("the table is away")

    workers.notes.read = workers.notes.write = away  # type: ignore[method-assign]
    assert workers.ask() == "well"
    workers.upstream.answer = DOWN[1]
    assert [workers.ask() for _ in range(2)] == [DOWN[1]] * 2
    workers.upstream.answer = None
    assert workers.ask() == "well"


def test_a_healthy_upstream_costs_one_read_in_half_a_minute_and_no_write() -> None:
    workers = Workers(1)
    reads, read = [], workers.notes.read
    workers.notes.read = lambda *key: reads.append(key) or read(*key)  # type: ignore[method-assign,func-returns-value]
    workers.notes.write = None  # type: ignore[method-assign,assignment]
    for _ in range(HOUR):
        assert workers.ask() == "well"
        workers.clock.pass_(1)
    assert len(reads) <= HOUR / NEWS_SECONDS + 1


@pytest.mark.parametrize(
    ("share", "most"), [(0.0, 1.0), (0.05, 1.1)], ids=["no faults", "1 request in 20 fails"]
)
def test_a_healthy_upstream_is_hardly_asked_more_often_than_there_is_work(share: float, most: float) -> None:
    workers, simulator, tasks = Workers(1), SpsSimulator(), 400
    with serve(simulator) as server:
        simulator.add_account({"client_id": "me", "client_secret": "s"})
        http = HttpClient(sleep=lambda _: None).behind(workers.all[0])
        settings = SpsSettings(
            client_id="me",
            client_secret="s",
            api_url=f"{server.url}/transactions/v5",
            token_url=f"{server.url}/oauth/token",
        )
        client = SpsClient(settings, SpsTokens(settings, MemoryToken(), http), http)
        client.list("out/")
        if share:
            simulator.faults.add(
                {"route": ".*", "kind": "503", "count": None, "probability": share, "seed": 3}
            )
        before = len(simulator.requests())
        for n in range(tasks):
            work: Callable[[], Any] = (
                (lambda: client.list("out/")) if n % 2 else lambda: client.upload("in/a", b"{}")
            )
            with suppress(errors.OutcomeUnknown):
                work()
        assert len(simulator.requests()) - before <= most * tasks
    assert "upstream paused" not in workers.reports


# ---------------------------------------------------------------------------------- the whole, on moto


@pytest.fixture(scope="module")
def cloud() -> Iterator[Machine]:
    with machine() as made:
        yield made


def order(number: int) -> dict[str, Any]:
    return {
        "Header": {
            "OrderHeader": {
                "TradingPartnerId": "123ALLSUPPLIER",
                "PurchaseOrderNumber": f"PO{number}",
                "TsetPurposeCode": "00",
                "PurchaseOrderDate": "2026-03-02",
            },
            "PaymentTerms": [{"TermsNetDueDays": 30}],
        },
        "LineItem": [
            {
                "OrderLine": {
                    "LineSequenceNumber": "1",
                    "VendorPartNumber": "V-1",
                    "OrderQty": 4,
                    "OrderQtyUOM": "EA",
                    "PurchasePrice": 2.5,
                }
            }
        ],
    }


ORDERS = 15


def orders_in_the_queue(cloud: Machine) -> None:
    cloud.fresh()
    cloud.set_up()
    for n in range(ORDERS):
        cloud.put(f"out/PO{n}.json", order(n))
    cloud.schedule("poll_sps")
    while cloud.batch("sps_files_to_map"):
        pass


def all_billed_once(cloud: Machine) -> None:
    numbers = [bill["bill_number"] for bill in cloud.books_of("bills").rows.values()]
    assert sorted(numbers) == sorted(f"PO{n}" for n in range(ORDERS))
    assert all(cloud.record("in", "order", f"PO{n}").state is State.DELIVERED for n in range(ORDERS))


@pytest.mark.parametrize("kind", ["503", "read_timeout"])
def test_an_outage_of_freshbooks_is_waited_out_and_then_every_order_is_billed_once(
    cloud: Machine, kind: str
) -> None:
    """Each invocation is a new process, which is the worst for anything that is remembered."""
    orders_in_the_queue(cloud)
    cloud.books.faults.add({"route": ".*", "kind": kind, "count": None, "seconds": 0})
    began = cloud.clock.epoch()
    for _ in range(6):
        cloud.batch("bills_to_push")
    asked, seconds = len(cloud.books.requests()), cloud.clock.epoch() - began
    assert seconds > 1800
    assert asked <= THRESHOLD + seconds / PAUSE_SECONDS
    assert asked <= THRESHOLD + 6  # which is one probe an invocation: they are further apart than the pause
    cloud.books.faults.armed.clear()
    cloud.clock.pass_(LONGEST_PAUSE_SECONDS)
    for _ in range(4):
        cloud.work()
        cloud.clock.pass_(1000)
        cloud.schedule("resolve_in_doubt")
    cloud.work()
    all_billed_once(cloud)


def test_a_429_keeps_all_documents_of_the_connection_away_for_as_long_as_it_says(cloud: Machine) -> None:
    orders_in_the_queue(cloud)
    postponed: list[int] = []

    def note(params: Any, **_: Any) -> None:
        if cloud.killer.function:
            postponed.append(json.loads(params["body"])["VisibilityTimeout"])

    cloud.sqs.meta.events.register("before-call.sqs.ChangeMessageVisibility", note)
    try:
        cloud.books.faults.add({"route": ".*", "kind": "429_seconds", "retry_after": 120})
        cloud.batch("bills_to_push")
    finally:
        cloud.sqs.meta.events.unregister("before-call.sqs.ChangeMessageVisibility", note)
    assert len(cloud.books.requests()) == 1
    assert len(postponed) == 10
    assert all(seconds >= 119 for seconds in postponed)
    cloud.work()
    all_billed_once(cloud)


def test_who_has_waited_often_waits_longer_so_that_an_outage_does_not_use_up_its_receives(
    cloud: Machine,
) -> None:
    orders_in_the_queue(cloud)
    messages = cloud.waiting("bills_to_push")[:10]
    arn = "arn:aws:sqs:us-east-1:1:" + cloud.wiring.settings.bills_to_push.rpartition("/")[2]
    waits: dict[int, list[int]] = {1: [], 7: []}
    cloud.books.faults.add({"route": ".*", "kind": "429_seconds", "retry_after": 120})
    for receives, noted in waits.items():

        def note(params: Any, noted: list[int] = noted, **_: Any) -> None:
            noted.append(json.loads(params["body"])["VisibilityTimeout"])

        records = [
            {
                "messageId": str(n),
                "receiptHandle": "h",
                "body": json.dumps(message),
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "eventSourceARN": arn,
            }
            for n, message in enumerate(messages)
        ]
        cloud.sqs.meta.events.register("before-call.sqs.ChangeMessageVisibility", note)
        cloud.invoke("push_freshbooks", {"Records": records})
        cloud.sqs.meta.events.unregister("before-call.sqs.ChangeMessageVisibility", note)
    assert all(119 <= wait <= 122 for wait in waits[1])
    assert all(119 <= wait <= 120 + 128 for wait in waits[7])
    assert max(waits[7]) > 124
