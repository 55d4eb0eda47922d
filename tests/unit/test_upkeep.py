"""What the upkeep sends on, marks and counts, on fakes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from connector.ledger import DocumentKey, Record, State
from connector.usecases.upkeep import doubted_since, resolve_in_doubt
from connector.usecases.world import LONG_QUEUE
from tests.fakes import FakeMailbox, FakeWorld
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER, order, put

NOTHING = {"resumed": 0, "woken": 0, "picked_up": 0, "acknowledged": 0}


def mapped(fake: FakeWorld, number: str, direction: str = "in", **changes: object) -> Record:
    """A document that was mapped a moment ago and whose message is lost."""
    key = DocumentKey("acme", direction, PARTNER, "order" if direction == "in" else "invoice", number)  # type: ignore[arg-type]
    now = fake.clock.now()
    record = Record(key, State.MAPPED, now, now, entered=now, version=1, **changes)  # type: ignore[arg-type]
    assert fake.ledger.save(record, 0) is None
    return record


def test_where_nothing_is_left_behind_it_does_nothing_and_says_so() -> None:
    fake = inbound.world()
    put(fake, "out/1.json", order())
    inbound.run(fake)
    writes = fake.ledger.writes
    assert resolve_in_doubt(fake.world) == NOTHING
    assert fake.reports[-1] == ("upkeep done", NOTHING)
    assert fake.ledger.writes == writes


def test_a_document_is_sent_on_a_quarter_of_an_hour_after_its_last_step_and_not_before() -> None:
    fake = inbound.world()
    mapped(fake, "1")
    fake.clock.pass_(14 * 60 + 50)
    assert resolve_in_doubt(fake.world)["resumed"] == 0
    fake.clock.pass_(20)
    assert resolve_in_doubt(fake.world)["resumed"] == 1


def test_what_is_sent_on_goes_on_with_its_own_story_or_begins_one() -> None:
    fake = inbound.world()
    mapped(fake, "1", correlation_id="poll-7.3")
    mapped(fake, "2")
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    first, second = (message["correlation_id"] for message in fake.files.take())
    assert first == "poll-7.3"
    assert second not in ("", first)


def test_a_long_queue_of_one_direction_does_not_keep_it_from_the_other() -> None:
    fake = inbound.world()
    mapped(fake, "1")
    mapped(fake, "2", "out")
    fake.clock.pass_(3600)
    fake.bills.messages = [{"connection": "acme"}] * LONG_QUEUE
    assert resolve_in_doubt(fake.world)["resumed"] == 1
    assert ([one["replay"][-1] for one in fake.records.messages], fake.files.messages) == (["2"], [])
    assert ("upkeep leaves a long queue alone", {"what": "in"}) in fake.reports


def test_what_is_done_is_left_out_of_sight_up_to_the_oldest_that_is_on_its_way() -> None:
    fake = inbound.world()
    told: list[tuple[str, str]] = []
    fake.ledger.settled = lambda connection, direction, before: told.append((direction, before))  # type: ignore[method-assign]
    oldest = mapped(fake, "1")
    fake.clock.pass_(60)
    mapped(fake, "2")
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    (_, inward), (_, outward) = told
    assert inward == oldest.entered
    # where nothing is: up to what is young enough to be at work
    assert inward < outward < fake.clock.now()


# --- picked up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["downloaded", "deleted"])
def test_a_file_that_sps_has_taken_is_marked_once_whatever_else_its_history_tells(status: str) -> None:
    fake = outbound.world()
    outbound.told(fake)
    [path] = fake.sps.uploads
    before = fake.ledger.writes
    taken = SimpleNamespace(path=f"/{path}", statuses=("uploaded", status))
    others = SimpleNamespace(path="in/another.json", statuses=("uploaded", status))
    fake.sps.history = lambda after=None, until=None: iter([others, taken, taken])  # type: ignore[method-assign]
    assert resolve_in_doubt(fake.world) == NOTHING | {"picked_up": 1}
    marked = outbound.stored(fake)
    assert (marked.state, fake.ledger.writes) == (State.PICKED_UP, before + 1)
    assert (marked.history[-1].who, marked.history[-1].at) == ("resolve_in_doubt", marked.updated)
    assert marked.updated.startswith("2026-09-21T")


def test_the_history_is_read_from_ten_minutes_before_the_oldest_file_came() -> None:
    clock = FakeWorld().clock
    fake = FakeWorld(clock=clock, sps=FakeMailbox(clock.epoch))
    for n in range(2):
        record = mapped(fake, f"{n}", "out")
        sent = record.step("delivered", now=fake.clock.now(), who="t", to=State.DELIVERED)
        fake.ledger.save(replace(sent, reference=f"in/{n}.json"), 1)
        fake.clock.pass_(3600)
    asked: list[str | None] = []
    fake.sps.history = lambda after=None, until=None: iter(asked.append(after) or ())  # type: ignore[method-assign,func-returns-value]
    resolve_in_doubt(fake.world)
    assert asked == ["2026-09-21T14:03:20"]  # the clock begins at 14:13:20


# --- doubts --------------------------------------------------------------------------------------------


def test_a_doubt_begins_with_the_first_unknown_outcome_of_the_present_revision() -> None:
    record = Record(DocumentKey("acme", "out", PARTNER, "invoice", "1"), State.RECEIVED, "01", "01")
    steps = [
        ("02", State.IN_DOUBT, 1),
        ("03", State.MAPPED, 2),
        ("04", State.IN_DOUBT, 2),
        ("05", State.IN_DOUBT, 2),
    ]
    for at, state, revision in steps:
        record = replace(record, revision=revision).step("step", now=at, who="t", to=state)
    assert doubted_since(record) == "04"
    assert doubted_since(replace(record, history=())) == "05"
