"""R13: whatever happens in whatever order, no document ever has two objects at its target."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector import errors
from connector.ledger import FINAL, LEASE_SECONDS, State, verify_history
from connector.usecases.targets import BillTarget
from connector.usecases.upkeep import resolve_in_doubt
from tests.alone import push_document
from tests.unit import test_push as pushing

# the longest that a request may take before its deadline, and act after it
DEADLINE_SECONDS = 45.0
LATE_SECONDS = 10.0
assert min(LEASE_SECONDS, DEADLINE_SECONDS + BillTarget.settle_seconds) > DEADLINE_SECONDS + LATE_SECONDS

NUMBERS = ("1", "2")
MEANWHILE = st.lists(st.sampled_from(["push", "upkeep", "revise", "short", "long"]), max_size=3)
OUTCOMES = st.sampled_from(
    ["done", "done", "lost after", "lost before", "throttled", "refused", "killed before", "killed after"]
)


class Killed(BaseException):
    pass


class LedgerMachine(RuleBasedStateMachine):
    """Documents arrive and are pushed; during a POST other workers, upkeep and revisions may come in between."""

    @initialize()
    def begin(self) -> None:
        self.fake = pushing.world()
        pushing_world = self.fake
        pushing_world.freshbooks.vendors[500] = {
            "vendorid": 500,
            "vendor_name": "Example Retail",
            "account_number": "123ALLSUPPLIER",
            "vis_state": 0,
        }
        self.create = self.fake.freshbooks.create_bill
        self.fake.freshbooks.create_bill = self.post  # type: ignore[method-assign]
        self.messages: list[dict[str, Any]] = []
        self.plans: list[tuple[list[str], str, list[str]]] = []
        self.posted: Counter[str] = Counter()
        self.depth = 0
        self.prices = dict.fromkeys(NUMBERS, 0)

    # --- what happens

    @rule(number=st.sampled_from(NUMBERS), again=st.booleans())
    def arrive(self, number: str, again: bool) -> None:
        """The order comes: as before, or with another content."""
        self.prices[number] += not again or not self.prices[number]
        document = pushing.bill(f"{self.prices[number]}.00")
        document["bill"]["bill_number"] = number
        key = pushing.ORDER._replace(number=number)
        with contextlib.suppress(errors.Busy):  # the file stays, and comes again
            pushing.settle(
                self.fake.world,
                key,
                digest=str(self.prices[number]),
                rank="",
                source="s",
                received="p#0",
                correlation_id="c",
                who="test",
                plan=lambda record: pushing.Planned(document=document),
                queue=self.fake.bills,
            )
        self.messages += self.fake.bills.take()

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), before=MEANWHILE, outcome=OUTCOMES, after=MEANWHILE)
    def push(self, data: st.DataObject, before: list[str], outcome: str, after: list[str]) -> None:
        """Some worker gets some message, old or new; queues deliver any of them again at any time."""
        self.plans.append((before, outcome, after))
        self.deliver(data.draw(st.sampled_from(self.messages)))
        self.plans.clear()

    @rule(seconds=st.sampled_from([1.0, 61.0, LEASE_SECONDS + 1, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.fake.clock.pass_(seconds)

    @rule()
    def upkeep(self) -> None:
        resolve_in_doubt(self.fake.world)
        self.fake.files.take()  # what it sends on is in `messages` already

    # --- how

    def deliver(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(errors.ConnectorError, Killed):
            push_document(self.fake.world, message)

    def post(self, body: dict[str, Any]) -> Any:
        """The POST: things happen before its effect and after it, and then it ends somehow."""
        before, outcome, after = self.plans.pop() if self.plans else ([], "done", [])
        began = self.fake.clock.epoch()
        self.meanwhile(before, began)
        if outcome == "throttled":
            raise errors.Throttled("slow down", retry_after=1.0)
        if outcome == "refused":
            raise errors.Refused("no", code="refused")
        if outcome == "killed before":
            raise Killed
        if outcome == "lost before":
            raise pushing.LOST
        answer = self.create(body)
        self.posted[body["bill"]["bill_number"]] += 1
        self.meanwhile(after, began)
        if outcome == "killed after":
            raise Killed
        if outcome == "lost after":
            raise pushing.LOST
        return answer

    def meanwhile(self, what: list[str], began: float) -> None:
        if self.depth:
            return
        self.depth += 1
        for one in what:
            if one == "push":
                for message in self.messages:
                    self.deliver(message)
            elif one == "upkeep":
                self.upkeep()
            elif one == "revise":
                self.arrive("1", False)
            else:  # but never beyond the deadline: the client gives up then
                left = began + DEADLINE_SECONDS - self.fake.clock.epoch()
                self.fake.clock.pass_(max(0.0, min(left, 5.0 if one == "short" else 40.0)))
        self.depth -= 1

    # --- what must hold

    @invariant()
    def no_document_has_two_objects(self) -> None:
        assert all(count <= 1 for count in self.posted.values()), self.posted

    @invariant()
    def what_is_delivered_is_there(self) -> None:
        for record in self.fake.ledger.records.values():
            if record.state is State.DELIVERED:
                assert int(record.remote_id) in self.fake.freshbooks.bills
            assert verify_history(record.history) is None

    def teardown(self) -> None:
        """Left alone, every document comes to an end, and to one object unless it was refused."""
        if not hasattr(self, "fake"):
            return
        for _ in range(6):
            self.fake.clock.pass_(3600.0)
            for message in self.messages:
                self.deliver(message)
        self.no_document_has_two_objects()
        for record in self.fake.ledger.records.values():
            assert record.state in FINAL, record.state
            if record.state is State.DELIVERED:
                assert self.posted[record.key.number] == 1


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=300, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
