"""Registering, parking and resuming at the edges: what is kept, what is left alone, what is logged."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.usecases.arrivals import (
    Planned,
    hold,
    push_message,
    resume,
    resume_held,
    resume_invoices,
    settle,
)
from tests.fakes import FakeWorld

KEY = DocumentKey("acme", "in", "123ALLSUPPLIER", "order", "0045001234")
NOW = "2026-04-16T10:00:00.000000+00:00"
BAD = ({"code": "total_differs", "severity": "warning"},)
DONE = Planned(
    document={"bill": 1}, note="as ordered", findings=BAD, amount="100.00", currency="USD", date="2026-03-02"
)


class Unsure(errors.CheckFailed):
    findings = ({"code": "lines_do_not_foot"},)


def arrive(fake: FakeWorld, plan: Planned | Exception, **changes: Any) -> Record:
    def planned(record: Record) -> Planned:
        if isinstance(plan, Exception):
            raise plan
        return plan

    how = {
        "digest": "d1",
        "rank": "",
        "source": "out/x.json",
        "received": "p#0",
        "correlation_id": "c1",
        "who": "map",
    } | changes
    return settle(fake.world, KEY, **how, plan=planned, queue=fake.bills)


def line(record: Record) -> tuple[str, str, str]:
    event = record.history[-1]
    return event.who, event.what, event.note


def test_a_mapped_document_is_kept_with_its_findings_amount_currency_and_date() -> None:
    fake = FakeWorld()
    record = arrive(fake, DONE)
    assert (record.state, record.findings) == (State.MAPPED, BAD)
    assert (record.amount, record.currency, record.date) == ("100.00", "USD", "2026-03-02")
    assert [(event.who, event.what) for event in record.history] == [("map", "received"), ("map", "mapped")]
    assert line(record) == ("map", "mapped", "as ordered")
    assert fake.ledger.get(KEY) == record
    assert fake.bills.take() == [
        {
            "connection": "acme",
            "correlation_id": "c1",
            "key": "acme/in/123ALLSUPPLIER/order/0045001234",
            "revision": 1,
            "document": {"bill": 1},
        },
    ]
    assert fake.reports == [
        ("document arrived", {"document": KEY.id, "arrival": "new", "state": State.MAPPED}),
    ]


def test_a_document_that_needs_no_push_ends_without_a_message_or_figures() -> None:
    fake = FakeWorld()
    record = arrive(fake, Planned(state=State.SKIPPED))
    assert (record.state, record.amount, record.currency, record.date) == (State.SKIPPED, "", "", "")
    assert line(record) == ("map", "skipped", "")
    assert fake.bills.take() == []


@pytest.mark.parametrize(
    ("digest", "rank", "word"), [("d1", "", "duplicate"), ("d2", "", "revision"), ("d2", "0", "stale")]
)
def test_the_log_says_what_an_arrival_was(digest: str, rank: str, word: str) -> None:
    fake = FakeWorld()
    arrive(fake, Planned(state=State.SKIPPED), rank="1" if word == "stale" else "")
    arrive(fake, Planned(state=State.SKIPPED), digest=digest, rank=rank)
    assert fake.reports[-1][1]["arrival"] == word


def test_what_was_parked_is_mapped_again_with_its_reason_cleared_and_the_log_says_again() -> None:
    fake = FakeWorld()
    held = arrive(fake, errors.Waiting("no pack", waits_for="acme/pack/X"))
    assert (held.state, held.waits_for) == (State.HELD, "acme/pack/X")
    record = arrive(fake, DONE)
    assert (record.state, record.reason, record.waits_for) == (State.MAPPED, {}, "")
    assert fake.reports[-1][1]["arrival"] == "again"


def test_a_parked_document_says_why_and_keeps_what_the_check_noticed() -> None:
    fake = FakeWorld()
    record = arrive(fake, Unsure("it does not foot", code="footing", fix="correct it"))
    assert record.reason == {"code": "footing", "message": "it does not foot", "fix": "correct it"}
    assert record.findings == ({"code": "lines_do_not_foot"},)
    assert line(record) == ("map", "held", "footing")
    assert record.history[-1].at >= record.created


def test_a_document_that_could_not_be_mapped_tells_what_it_is_worth_all_the_same() -> None:
    error = Unsure("it does not foot", code="footing")
    error.worth = ("100.00", "USD", "2026-03-11")
    record = arrive(FakeWorld(), error)
    assert (record.amount, record.currency, record.date) == error.worth


def test_a_document_on_its_way_is_not_parked_by_its_file_coming_again() -> None:
    fake = FakeWorld()
    mapped = arrive(fake, DONE)
    claimed = mapped.step("claimed", now=NOW, who="push", to=State.CLAIMED)
    fake.ledger.save(claimed, mapped.version)
    fake.bills.take()
    assert arrive(fake, errors.BadInput("unreadable")).state is State.CLAIMED
    assert fake.ledger.get(KEY) == claimed
    arrive(fake, DONE)
    assert fake.ledger.get(KEY) == claimed
    assert len(fake.bills.take()) == 1


def held(reason: str = "no category", waits_for: str = "", findings: Any = ()) -> Record:
    record = Record(KEY, State.MAPPED, NOW, NOW, findings=findings).step("mapped", now=NOW, who="map")
    return hold(record, waiting(reason, waits_for), now=NOW, who="map")


def waiting(reason: str, waits_for: str) -> errors.Parked:
    return errors.Waiting(reason, waits_for=waits_for) if waits_for else errors.NotConfigured(reason)


def test_a_document_parked_for_the_same_reason_again_is_left_as_it_is() -> None:
    record = held(waits_for="acme/pack/X")
    assert hold(record, waiting("no category", "acme/pack/X"), now=NOW, who="map") is record


@pytest.mark.parametrize(
    ("reason", "waits_for"),
    [("no vendor", "acme/pack/X"), ("no category", "acme/pack/Y"), ("no vendor", "acme/pack/Y")],
)
def test_a_document_parked_for_another_reason_tells_the_new_one(reason: str, waits_for: str) -> None:
    record = hold(held(waits_for="acme/pack/X"), waiting(reason, waits_for), now="later", who="push")
    assert (record.reason["message"], record.waits_for, record.version) == (reason, waits_for, 3)
    assert (record.updated, line(record)) == ("later", ("push", "held", "waiting"))


def test_a_mapped_document_with_an_old_reason_is_parked_for_it_all_the_same() -> None:
    freed = held().step("resumed", now=NOW, who="test", to=State.MAPPED)
    assert hold(freed, waiting("no category", ""), now=NOW, who="push").state is State.HELD


def test_the_mappings_findings_stay_where_the_error_brings_none_of_its_own() -> None:
    assert held(findings=BAD).findings == BAD
    assert hold(held(findings=BAD), Unsure("no"), now=NOW, who="push").findings == Unsure.findings


def test_resuming_sends_each_waiting_document_to_the_mapping_of_its_direction_and_says_how_many() -> None:
    fake = FakeWorld()
    for key in (KEY, KEY._replace(direction="out", type="invoice", number="1"), KEY._replace(number="2")):
        fake.ledger.save(Record(key, State.HELD, NOW, NOW, version=1, waits_for="acme/pack/X"), 0)
    assert resume(fake.world, "acme/pack/X") == 3
    assert [message["replay"] for message in fake.files.take()] == [KEY.id, KEY._replace(number="2").id]
    [outbound] = fake.records.take()
    assert outbound == {
        "connection": "acme",
        "correlation_id": outbound["correlation_id"],
        "replay": "acme/out/123ALLSUPPLIER/invoice/1",
    }
    assert outbound["correlation_id"].startswith("run-")
    assert fake.reports == [("waiting documents resumed", {"waited_for": "acme/pack/X", "count": 3})]


def test_what_a_rule_stopped_is_mapped_again_of_one_partner_and_not_what_waits_or_has_another_reason() -> (
    None
):
    fake = FakeWorld()
    stopped = {"code": "over_invoiced"}
    for number, partner, reason, waits_for in (
        ("1", KEY.partner, stopped, ""),
        ("2", "another", stopped, ""),
        ("3", KEY.partner, {"code": "order_not_there"}, ""),
        ("4", KEY.partner, stopped, "acme/live/123ALLSUPPLIER"),
    ):
        key = DocumentKey("acme", "out", partner, "invoice", number)
        record = Record(key, State.HELD, NOW, NOW, version=1, reason=reason, waits_for=waits_for)
        fake.ledger.save(record, 0)
    assert resume_held(fake.world, KEY.partner, {"over_invoiced", "price_differs"}) == 1
    assert [message["replay"] for message in fake.records.take()] == ["acme/out/123ALLSUPPLIER/invoice/1"]
    assert resume_held(fake.world, KEY.partner, {"price_differs"}) == 0
    assert fake.records.take() == []


def test_where_nothing_waits_nothing_is_sent_or_logged() -> None:
    fake = FakeWorld()
    assert resume(fake.world, "acme/pack/X") == 0
    resume_invoices(fake.world, "0045001234")
    assert (fake.files.take(), fake.records.take(), fake.reports) == ([], [], [])


def test_invoices_that_came_before_their_order_are_looked_at_again_and_no_others() -> None:
    fake = FakeWorld()
    for number, invoice in (("0045001234", "77"), ("0045001234", "78"), ("9", "79")):
        fake.notes.write("acme", f"early-invoices/{number}", invoice, {"seen": NOW})
    resume_invoices(fake.world, "0045001234")
    messages = fake.records.take()
    assert [(message["noun"], message["id"], message["event"]) for message in messages] == [
        ("invoice", 77, "invoice.order-came"),
        ("invoice", 78, "invoice.order-came"),
    ]
    assert all(message["correlation_id"] and message["connection"] == "acme" for message in messages)


def test_a_record_that_changes_at_every_try_is_given_up_for_now() -> None:
    fake = FakeWorld()
    other = Record(KEY, State.RECEIVED, NOW, NOW, version=1, digest="d0")
    fake.ledger.save = lambda record, after: other  # type: ignore[method-assign]
    with pytest.raises(errors.Busy) as busy:
        arrive(fake, DONE)
    assert busy.value.retry_after
    assert fake.bills.take() == []


def test_a_push_message_names_the_documents_connection_so_that_any_worker_can_take_it() -> None:
    message = push_message(
        Record(KEY._replace(connection="other"), State.MAPPED, NOW, NOW, revision=2), {"a": 1}
    )
    assert (message["connection"], message["revision"]) == ("other", 2)
