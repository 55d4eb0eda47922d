"""One worker's view of the ports: every call takes time, may fail as networks do, and may be its last.

AWS calls are killed, or made twice, as botocore repeats one whose answer was lost. Vendor calls are throttled,
refused a connection, cut off before or after their effect, or answered by nobody until the deadline, their
effect coming later still.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from connector import errors
from connector.adapters.breaker import Breaker
from connector.adapters.clock import AwsClock
from connector.adapters.pace import Pace, seconds_between
from connector.usecases.world import Queues, World
from local.faults.engine import Engine, Killed, Machine
from local.faults.fakes import (
    CONNECTION,
    FakeArchive,
    FakeFreshBooks,
    FakeLeases,
    FakeLedger,
    FakeMailbox,
    FakeNotes,
)

DEADLINE_SECONDS = 25.0
# a request that the deadline cut off may still act at the vendor, this much later at most
LATE_SECONDS = 30.0


@dataclass(frozen=True)
class Rates:
    """How often things go wrong: a vendor call fails, a worker dies at a call, a message comes again."""

    faults: float = 0.10
    kills: float = 0.02
    redelivered: float = 0.10
    skew_seconds: float = 600.0


class Vendor:
    """How a vendor takes requests, and how each of `concurrency` processes paces its own."""

    def __init__(self, name: str, per_minute: int = 0, concurrency: int = 1) -> None:
        self.name = name
        self.per_minute = per_minute
        self.seconds_between = seconds_between(per_minute, concurrency)

    def ask(self) -> None:
        """Count a request, or refuse it."""


@dataclass
class Shared:
    """What all workers of one simulated world share."""

    engine: Engine
    random: random.Random
    rates: Rates
    ledger: FakeLedger
    notes: FakeNotes
    archive: FakeArchive
    sps: FakeMailbox
    freshbooks: FakeFreshBooks
    queues: dict[str, Any] = field(default_factory=dict)
    leases: dict[str, tuple[int, float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    vendors: Mapping[str, Vendor] = field(default_factory=dict)
    made: int = 0

    def new_id(self) -> str:
        self.made += 1
        return f"run-{self.made}"


class Calls:
    """All calls to one thing, through `call`, which knows what may happen to them."""

    def __init__(
        self, worker: Worker, call: Callable[..., Any], thing: Any, unsafe: tuple[str, ...] = ()
    ) -> None:
        self._worker = worker
        self._call = call
        self._thing = thing
        self._unsafe = unsafe

    def ready(self) -> None:
        """No call: whoever is asked knows it by himself."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._thing, name)

        def called(*arguments: Any, **keywords: Any) -> Any:
            def act() -> Any:
                answer = function(*arguments, **keywords)
                return iter(list(answer)) if isinstance(answer, Iterator) else answer

            return self._call(act, safe=name not in self._unsafe)

        self.__dict__[name] = called
        return called


class Worker:
    """A Lambda sandbox: a machine's clock, a world, and the ports as this machine reaches them."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        skew = shared.rates.skew_seconds
        self.clock = AwsClock(Machine(shared.engine, shared.random.uniform(-skew, skew)))
        self._until = 0.0
        self._world: World | None = None
        self._gates = {
            name: self._gate(vendor) for name, vendor in shared.vendors.items() if vendor.per_minute
        }

    def _gate(self, vendor: Vendor) -> Callable[[Callable[[], Any]], Any]:
        """The circuit breaker and this worker's pace for a limited vendor, as `wiring` puts them together."""
        engine = self._shared.engine
        notes: Any = Calls(self, self.aws, self._shared.notes)
        leases: Any = Leases(self, FakeLeases(self.clock, self._shared.leases))
        breaker = Breaker(notes, leases, self.clock, lambda message, **keys: None, "acme", vendor.name)
        pace = Pace(vendor.seconds_between, lambda: engine.time, self._step)
        return lambda attempt: breaker(lambda: pace(attempt))

    def _polite(self, name: str) -> Callable[..., Any]:
        vendor = self._shared.vendors.get(name)
        if vendor is None:
            return self.vendor

        def call(act: Callable[[], Any], safe: bool = True) -> Any:
            def attempt() -> Any:
                vendor.ask()
                return self.vendor(act, safe)

            return self._gates[name](attempt) if name in self._gates else attempt()

        return call

    def world(self) -> World:
        """Settings are read again each minute, as `wiring` does."""
        shared = self._shared
        if self._world is None or shared.engine.time >= self._until:
            self.aws(lambda: None)
            self._until = shared.engine.time + 60.0
            aws = self.aws
            self._world = World(
                connection=CONNECTION,
                ledger=Calls(self, aws, shared.ledger),
                notes=Calls(self, aws, shared.notes),
                leases=Leases(self, FakeLeases(self.clock, shared.leases)),
                archive=Calls(self, aws, shared.archive),
                queues=Queues(**{name: Calls(self, aws, queue) for name, queue in shared.queues.items()}),
                sps=Calls(self, self._polite("SPS"), shared.sps, unsafe=("upload",)),
                freshbooks=Calls(
                    self,
                    self._polite("FreshBooks"),
                    shared.freshbooks,
                    unsafe=("create_bill", "create_vendor", "update_bill", "delete_bill"),
                ),
                clock=self.clock,
                report=lambda message, **keys: None,
                new_id=shared.new_id,
            )
        return self._world

    def aws(self, act: Callable[[], Any], safe: bool = True) -> Any:
        self._step(self._shared.random.uniform(0.002, 0.05))
        answer = act()
        if self._shared.random.random() < self._shared.rates.faults / 20:
            self._shared.counts["repeated"] += 1
            answer = act()  # the answer was lost, and botocore asked again
        self.clock.heard(formatdate(self._shared.engine.time, usegmt=True))
        self._maybe_killed()
        return answer

    def vendor(self, act: Callable[[], Any], safe: bool = True) -> Any:
        shared = self._shared
        self._step(shared.random.uniform(0.05, 1.5))
        if shared.random.random() < shared.rates.faults:
            shared.counts["faults"] += 1
            self._fault(act, safe)
        answer = act()
        self._step(shared.random.uniform(0.05, 0.5))
        return answer

    def _fault(self, act: Callable[[], Any], safe: bool) -> None:
        """What the HTTP client makes of a failed call: certain where it may be repeated, else unknown."""
        shared = self._shared
        kind = shared.random.choice(
            ("throttled", "not sent", "lost before", "lost after", "server error", "deadline")
        )
        if kind == "throttled":
            raise errors.Throttled("slow down", retry_after=float(shared.random.choice((1, 5, 30))))
        if kind == "not sent":
            raise errors.Unreachable("connection refused")
        if kind == "lost after" or (kind == "server error" and shared.random.random() < 0.3):
            act()
        if kind == "deadline":
            self._step(DEADLINE_SECONDS)
            if shared.random.random() < 0.5:
                late = shared.random.uniform(0.0, LATE_SECONDS)
                shared.engine.after(late, lambda: _too_late(act))
        self._step(0.5)
        if safe:
            raise errors.Unreachable(f"no answer ({kind})")
        raise errors.OutcomeUnknown(f"no answer ({kind})")

    def _step(self, seconds: float) -> None:
        task = self._shared.engine.task
        if task is None or task.dead:
            raise Killed
        self._shared.engine.pause(seconds)
        self._maybe_killed()

    def _maybe_killed(self) -> None:
        """Each call is two chances to die: before its effect and after."""
        shared = self._shared
        if shared.random.random() < shared.rates.kills / 2:
            shared.counts["kills"] += 1
            if shared.engine.task is not None:
                shared.engine.task.dead = True
            raise Killed


def _too_late(act: Callable[[], Any]) -> None:
    with suppress(errors.ConnectorError):  # nobody is there to hear of it
        act()


class Leases:
    """Leases by this worker's clock; a killed worker gives nothing back."""

    def __init__(self, worker: Worker, leases: FakeLeases) -> None:
        self._worker = worker
        self._leases = leases

    @contextmanager
    def hold(
        self, name: str, seconds: float, unsure: tuple[type[Exception], ...] = ()
    ) -> Iterator[int | None]:
        fence = self._worker.aws(lambda: self._leases.take(name, seconds))
        more = 0.0
        try:
            yield fence
        except unsure:
            more = seconds
            raise
        finally:
            if fence is not None:
                self._worker.aws(lambda: self._leases.release(name, fence, more))
