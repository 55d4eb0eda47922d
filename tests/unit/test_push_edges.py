"""Claim - effect - confirm at its edges: what each outcome leaves in history, reasons, logs and queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from connector import errors
from connector.ledger import LEASE_SECONDS, DocumentKey, Record, State
from connector.usecases.arrivals import Planned, settle
from connector.usecases.push import Push, Receipt
from tests.alone import push
from tests.fakes import FakeWorld

ORDER = DocumentKey("acme", "in", "123ALLSUPPLIER", "order", "0045001234")
INVOICE = DocumentKey("acme", "out", "123ALLSUPPLIER", "invoice", "421")
ID = "acme/in/123ALLSUPPLIER/order/0045001234"


class Somewhere:
    """A target whose every answer a test chooses; an exception is raised."""

    settle_seconds = 60.0

    def __init__(self, *outcomes: Receipt | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.found: Receipt | None = None
        self.unready: Exception | None = None
        self.delivered: list[Push] = []
        self.before: Callable[[], None] = lambda: None

    def prepare(self, push: Push) -> Push:
        if self.unready:
            raise self.unready
        return replace(push, reference="PO1-1", body={"sent": date(2026, 3, 2)})

    def deliver(self, push: Push) -> Receipt:
        self.before()
        self.delivered.append(push)
        outcome = self.outcomes.pop(0) if self.outcomes else Receipt("1000", answer={"id": 1000})
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def find(self, push: Push) -> Receipt | None:
        return self.found


def arrived(fake: FakeWorld, key: DocumentKey = ORDER, **document: Any) -> dict[str, Any]:
    settle(
        fake.world,
        key,
        digest="d1",
        rank="",
        source="out/x.json",
        received="p#0",
        correlation_id="c1",
        who="map",
        plan=lambda record: Planned(document={"bill": 1, **document}),
        queue=fake.bills,
    )
    return {**fake.bills.take()[-1], "correlation_id": "c9"}


def stored(fake: FakeWorld, key: DocumentKey = ORDER) -> Record:
    record = fake.ledger.get(key)
    assert record is not None
    return record


def story(fake: FakeWorld) -> list[tuple[str, str, str]]:
    """What was written of the document after its mapping: who, what, note."""
    return [(event.who, event.what, event.note) for event in stored(fake).history[2:]]


def reports(fake: FakeWorld) -> list[tuple[str, dict[str, Any]]]:
    return [report for report in fake.reports if report[0] != "document arrived"]


def try_push(fake: FakeWorld, target: Somewhere, message: dict[str, Any]) -> errors.ConnectorError | None:
    try:
        push(fake.world, message, target, "push")
    except errors.ConnectorError as error:
        return error
    return None


def test_a_delivery_leaves_its_story_its_reference_and_a_log_line() -> None:
    fake, target = FakeWorld(), Somewhere()
    push(fake.world, arrived(fake), target, "push")
    record = stored(fake)
    assert story(fake) == [("push", "claimed", ""), ("push", "delivered", "")]
    assert (record.remote_id, record.reference, record.correlation_id) == ("1000", "PO1-1", "c9")
    assert (record.reason, record.lease_until) == ({}, 0.0)
    assert reports(fake) == [("document delivered", {"document": ID, "remote_id": "1000"})]


def test_the_reference_is_on_record_before_the_request_goes_out() -> None:
    fake, target = FakeWorld(), Somewhere()
    at_the_request: list[Record] = []
    target.before = lambda: at_the_request.append(stored(fake))
    push(fake.world, arrived(fake), target, "push")
    [record] = at_the_request
    assert (record.state, record.reference, record.correlation_id) == (State.CLAIMED, "PO1-1", "c9")
    assert record.history[-1].at > record.history[1].at


def test_a_target_without_a_name_of_its_own_for_the_document_leaves_no_reference() -> None:
    fake, target = FakeWorld(), Somewhere()
    target.prepare = lambda push: push  # type: ignore[method-assign]
    push(fake.world, arrived(fake), target, "push")
    assert stored(fake).reference == ""


def test_the_archive_keeps_what_was_mapped_sent_and_answered_even_with_dates_in_it() -> None:
    fake = FakeWorld()
    push(fake.world, arrived(fake), Somewhere(), "push")
    payloads = stored(fake).payloads
    assert payloads["received"] == "p#0"
    assert json.loads(fake.archive.get("acme", payloads["exchange"])) == {
        "mapped": {"bill": 1},
        "sent": {"sent": "2026-03-02"},
        "answer": {"id": 1000},
    }


def test_a_delivery_that_cannot_be_archived_is_a_delivery_and_the_log_says_what_is_missing() -> None:
    fake = FakeWorld()

    def full(connection: str, body: bytes) -> str:
        raise OSError("no space")

    fake.archive.put = full  # type: ignore[method-assign]
    push(fake.world, arrived(fake), Somewhere(), "push")
    assert stored(fake).state is State.DELIVERED
    assert reports(fake)[0] == ("exchange not archived", {"document": ID, "error": "OSError"})


def test_a_record_that_is_not_there_yet_is_asked_for_again_in_seconds() -> None:
    fake = FakeWorld()
    message = arrived(fake)
    fake.ledger.records.clear()
    error = try_push(fake, Somewhere(), message)
    assert isinstance(error, errors.Busy)
    assert error.retry_after
    assert error.retry_after < 60


def test_a_message_with_nothing_left_to_do_is_logged_and_dropped() -> None:
    fake, target = FakeWorld(), Somewhere()
    message = arrived(fake)
    push(fake.world, message, target, "push")
    fake.reports.clear()
    push(fake.world, message, target, "push")
    assert reports(fake) == [("nothing to push", {"document": ID, "state": State.DELIVERED})]
    assert len(target.delivered) == 1


def test_what_cannot_be_prepared_is_parked_with_its_story() -> None:
    fake, target = FakeWorld(), Somewhere()
    message = arrived(fake)
    target.unready = errors.NotConfigured("no category", code="no_such_category", fix="make one")
    push(fake.world, message, target, "push")
    record = stored(fake)
    assert record.state is State.HELD
    assert record.reason == {"code": "no_such_category", "message": "no category", "fix": "make one"}
    assert story(fake) == [("push", "held", "no_such_category")]
    assert record.updated > record.created
    assert reports(fake) == [("document parked", {"document": ID, "error": "no_such_category"})]


def test_what_may_have_acted_is_not_parked_where_the_target_cannot_be_asked() -> None:
    fake, target = FakeWorld(), Somewhere(errors.OutcomeUnknown("lost"))
    message = arrived(fake)
    try_push(fake, target, message)
    target.unready = errors.NotConfigured("no category", code="no_such_category")
    error = try_push(fake, target, message)
    assert isinstance(error, errors.Busy)
    assert error.code == "no_such_category"
    assert error.retry_after
    assert stored(fake).state is State.IN_DOUBT


def test_a_request_that_was_not_sent_frees_the_document_at_once() -> None:
    fake, target = FakeWorld(), Somewhere(errors.Throttled("slow down"))
    error = try_push(fake, target, arrived(fake))
    assert isinstance(error, errors.Throttled)
    assert (stored(fake).state, stored(fake).lease_until) == (State.MAPPED, 0.0)
    assert story(fake) == [("push", "claimed", ""), ("push", "not sent", "throttled")]


def test_a_refusal_is_told_in_history_and_log() -> None:
    fake, target = FakeWorld(), Somewhere(errors.Refused("no", code="errno_1"))
    push(fake.world, arrived(fake), target, "push")
    assert (stored(fake).state, stored(fake).lease_until) == (State.REJECTED, 0.0)
    assert stored(fake).reason == {"code": "errno_1", "message": "no"}
    assert story(fake)[1:] == [("push", "rejected", "errno_1")]
    assert reports(fake) == [("document refused", {"document": ID, "error": "errno_1"})]


def test_what_a_person_can_put_right_is_held_and_not_rejected() -> None:
    fake, target = FakeWorld(), Somewhere(errors.NotConfigured("no scope", code="no_scope"))
    push(fake.world, arrived(fake), target, "push")
    assert stored(fake).state is State.HELD
    assert story(fake)[1:] == [("push", "held", "no_scope")]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(errors.OutcomeUnknown("lost", code="read_timeout"), "read_timeout"), (KeyError("id"), "KeyError")],
)
def test_a_lost_outcome_is_told_in_history_and_log_by_its_code(outcome: Exception, code: str) -> None:
    fake, target = FakeWorld(), Somewhere(outcome)
    error = try_push(fake, target, arrived(fake))
    assert isinstance(error, errors.OutcomeUnknown)
    assert error.code == code
    assert (stored(fake).state, stored(fake).lease_until) == (State.IN_DOUBT, 0.0)
    assert story(fake)[1:] == [("push", "in doubt", code)]
    assert reports(fake) == [("outcome unknown", {"document": ID, "error": code})]


def test_what_is_in_doubt_is_asked_for_twice_a_settle_time_apart_and_then_sent_once_more() -> None:
    fake, target = FakeWorld(), Somewhere(errors.OutcomeUnknown("lost"))
    message = arrived(fake)
    try_push(fake, target, message)
    first = try_push(fake, target, message)
    asked_at = fake.clock.epoch()
    fake.clock.pass_(40)
    second = try_push(fake, target, message)
    assert isinstance(first, errors.Busy)
    assert isinstance(second, errors.Busy)
    assert (first.code, first.retry_after) == ("settling", 60.0)
    assert (second.code, second.retry_after) == ("settling", pytest.approx(20.0, abs=0.1))
    assert stored(fake).lease_until == pytest.approx(asked_at + 60.0, abs=0.1)
    assert len(target.delivered) == 1
    fake.clock.pass_(second.retry_after or 0)
    assert try_push(fake, target, message) is None
    assert [what for _, what, _ in story(fake)] == [
        "claimed",
        "in doubt",
        "asked, not found",
        "asked again, not found",
        "claimed",
        "delivered",
    ]
    assert {who for who, _, _ in story(fake)} == {"push"}
    times = [event.at for event in stored(fake).history[1:]]
    assert times == sorted(set(times))
    assert [event.to_state for event in stored(fake).history][-3:] == ["MAPPED", "CLAIMED", "DELIVERED"]
    assert (stored(fake).attempt, len(target.delivered)) == (2, 2)


def test_a_document_may_be_sent_again_at_the_very_second_it_has_settled() -> None:
    fake, target = FakeWorld(), Somewhere(errors.OutcomeUnknown("lost"))
    message = arrived(fake)
    try_push(fake, target, message)
    try_push(fake, target, message)
    fake.clock.pass_(stored(fake).lease_until - fake.clock.epoch() - 0.001)  # the claim takes a thousandth
    assert try_push(fake, target, message) is None
    assert stored(fake).state is State.DELIVERED


def test_a_worker_that_died_before_its_request_is_asked_about_twice_as_well() -> None:
    class Killed(BaseException):
        pass

    fake, target = FakeWorld(), Somewhere(Killed())
    message = arrived(fake)
    with pytest.raises(Killed):
        push(fake.world, message, target, "push")
    fake.clock.pass_(LEASE_SECONDS + 1)
    error = try_push(fake, target, message)
    assert isinstance(error, errors.Busy)
    assert error.code == "settling"
    assert stored(fake).state is State.IN_DOUBT
    fake.clock.pass_(61)
    assert try_push(fake, target, message) is None
    assert len(target.delivered) == 2


def test_what_is_found_at_the_target_is_delivered_by_the_earlier_attempt() -> None:
    fake, target = FakeWorld(), Somewhere(errors.OutcomeUnknown("lost"))
    message = arrived(fake)
    try_push(fake, target, message)
    target.found = Receipt("1000")
    push(fake.world, message, target, "push")
    assert (stored(fake).state, stored(fake).remote_id) == (State.DELIVERED, "1000")
    assert story(fake)[-1] == ("push", "found at the target", "")
    assert len(target.delivered) == 1


def test_what_the_target_keeps_otherwise_is_held_with_the_difference_for_a_person() -> None:
    fake, target = FakeWorld(), Somewhere(Receipt("1000", difference="its total is 99.00, not 100.00"))
    push(fake.world, arrived(fake), target, "push")
    record = stored(fake)
    assert (record.state, record.remote_id) == (State.HELD, "1000")
    assert record.reason.keys() == {"code", "message", "fix"}
    assert record.reason["code"] == "kept_differently"
    assert "its total is 99.00, not 100.00" in record.reason["message"]
    assert "correct" in record.reason["fix"]


def test_a_cancellation_that_got_through_ends_as_cancelled() -> None:
    fake = FakeWorld()
    push(fake.world, arrived(fake, cancel=True), Somewhere(), "push")
    assert stored(fake).state is State.CANCELLED


@pytest.mark.parametrize(
    ("key", "resumed"),
    [
        (ORDER, {ORDER.id}),
        (
            ORDER._replace(number="45-7"),
            {"acme/in/123ALLSUPPLIER/order/45-7", "acme/in/123ALLSUPPLIER/order/45"},
        ),
        (
            ORDER._replace(number="4-5-7"),
            {"acme/in/123ALLSUPPLIER/order/4-5-7", "acme/in/123ALLSUPPLIER/order/4-5"},
        ),
        (ORDER._replace(number="45-"), {"acme/in/123ALLSUPPLIER/order/45-"}),
        (ORDER._replace(number="-7"), {"acme/in/123ALLSUPPLIER/order/-7"}),
        (ORDER._replace(type="shipment"), set()),
        (ORDER._replace(direction="out"), set()),
        (INVOICE, set()),
    ],
    ids=lambda value: getattr(value, "id", ""),
)
def test_an_order_that_got_through_resumes_who_waited_for_it_or_for_its_blanket_order(
    key: DocumentKey, resumed: set[str]
) -> None:
    fake = FakeWorld()
    asked_for: list[str] = []
    waiting_for = fake.ledger.waiting_for
    fake.ledger.waiting_for = lambda what: asked_for.append(what) or waiting_for(what)  # type: ignore[func-returns-value,method-assign]
    push(fake.world, arrived(fake, key), Somewhere(), "push")
    assert set(asked_for) == resumed


def test_a_record_that_moved_under_our_claim_is_left_to_whoever_moved_it() -> None:
    fake, target = FakeWorld(), Somewhere()
    message = arrived(fake)
    save = fake.ledger.save
    before = stored(fake)
    fake.ledger.save = lambda record, after: before  # type: ignore[method-assign]
    error = try_push(fake, target, message)
    fake.ledger.save = save  # type: ignore[method-assign]
    assert isinstance(error, errors.Busy)
    assert error.code == "record_moved"
    assert error.retry_after
    assert not target.delivered


@pytest.mark.parametrize(
    "changes",
    [{"fence": 2}, {"to": State.DELIVERED}, {"fence": 2, "to": State.DELIVERED}],
    ids=["claimed by another", "ended by another", "claimed and ended by another"],
)
def test_only_the_holder_of_the_fence_writes_an_outcome(changes: dict[str, Any]) -> None:
    fake, target = FakeWorld(), Somewhere()
    message = arrived(fake)

    def taken_over() -> None:
        record = stored(fake)
        now = fake.clock.now()
        fake.ledger.save(record.step("by another", now=now, who="other", **changes), record.version)

    target.before = taken_over
    error = try_push(fake, target, message)
    assert isinstance(error, errors.Busy)
    assert error.code == "fence_lost"
    assert error.retry_after
    assert stored(fake).history[-1].what == "by another"


def test_a_note_written_meanwhile_does_not_keep_the_outcome_from_being_written() -> None:
    fake, target = FakeWorld(), Somewhere()
    message = arrived(fake)

    def noted() -> None:
        record = stored(fake)
        fake.ledger.save(record.step("duplicate", now=fake.clock.now(), who="map"), record.version)

    target.before = noted
    push(fake.world, message, target, "push")
    assert stored(fake).state is State.DELIVERED
    assert [what for _, what, _ in story(fake)] == ["claimed", "duplicate", "delivered"]


def test_an_outcome_that_never_can_be_written_is_given_up_and_asked_for_later() -> None:
    fake, target = FakeWorld(), Somewhere()
    message = arrived(fake)

    def never() -> None:
        fake.ledger.save = lambda record, after: stored(fake)  # type: ignore[method-assign]

    target.before = never
    error = try_push(fake, target, message)
    assert isinstance(error, errors.Busy)
    assert error.retry_after
