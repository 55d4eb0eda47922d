"""The mailbox polled every quarter of an hour: bounded work, and no file is forgotten or blocks the others."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.usecases import inbound as flow
from connector.usecases.offers import worth_a_message
from connector.usecases.polling import poll_sps
from connector.usecases.replaying import replay
from tests.alone import map_inbound
from tests.fakes import FakeWorld
from tests.unit import test_inbound as inbound
from tests.unit.test_inbound import order, put

QUARTER = 900
PATH = "out/PO1.json"
FILE = DocumentKey("acme", "in", "-", "file", "PO1.json")
WEB_PAGE = errors.Unreachable("SPS GET /data/{file}: HTTP 200, the answer is a web page, not the file")
TOO_LARGE = errors.Refused("SPS GET /data/{file}: the answer is longer than 50 bytes", code="too_large")
EMPTY = errors.Unreachable("SPS GET /data/{file}: the answer is empty", code="empty_answer")
DOWN = errors.Unreachable("SPS is left alone", code="circuit_open", retry_after=30)


class Box:
    """A mailbox in which one file cannot be downloaded, worked on as SQS would: what fails comes again later."""

    def __init__(self, error: Exception | None, *others: str) -> None:
        self.fake = inbound.world()
        self.error = error
        self.downloads = 0
        put(self.fake, PATH, order())
        for number in others:
            put(self.fake, f"out/{number}.json", order(number))
        download = self.fake.sps.download

        def watched(path: str) -> bytes:
            if path == PATH:
                self.downloads += 1
                if self.error is not None:
                    raise self.error
            return download(path)

        self.fake.sps.download = watched  # type: ignore[method-assign]

    def hours(self, count: float) -> int:
        """Poll every quarter of an hour, work through the queue after each; how many messages the polls sent."""
        sent = 0
        for _ in range(int(count * 4)):
            sent += poll_sps(self.fake.world)
            self.work()
            self.fake.clock.pass_(QUARTER)
        return sent

    def work(self) -> None:
        for message in self.fake.files.take():
            try:
                map_inbound(self.fake.world, message)
            except errors.NotSent:
                self.fake.files.send([message])
        rest, self.fake.files.messages = self.fake.files.messages, []
        inbound.drain(self.fake)
        self.fake.files.messages = rest

    def file(self) -> Record | None:
        return self.fake.ledger.get(FILE)


@pytest.mark.parametrize(
    ("error", "code"),
    [(TOO_LARGE, "too_large"), (EMPTY, "empty"), (errors.Forbidden("no right"), "forbidden")],
)
def test_a_file_that_cannot_be_taken_is_shown_at_once_and_stays_at_sps(error: Exception, code: str) -> None:
    box = Box(error, "2", "3")
    box.hours(0.25)
    record = box.file()
    assert record is not None
    assert (record.state, record.reason["code"]) == (State.HELD, code)
    assert record.reason["fix"]
    assert list(box.fake.sps.files) == [PATH]
    assert inbound.stored(box.fake, number="2").state is State.DELIVERED


def test_a_web_page_in_a_files_place_may_pass_and_is_shown_only_after_it_did_not() -> None:
    box = Box(WEB_PAGE)
    box.hours(0.25)
    assert box.file() is None
    box.error = None
    box.hours(0.25)
    assert inbound.stored(box.fake).state is State.DELIVERED
    assert box.file() is None
    box = Box(WEB_PAGE)
    box.hours(3)
    record = box.file()
    assert record is not None
    assert record.reason["code"] == "file_not_read"
    assert list(box.fake.sps.files) == [PATH]


@pytest.mark.parametrize("error", [TOO_LARGE, EMPTY, WEB_PAGE], ids=["too large", "empty", "web page"])
def test_a_week_of_polls_over_a_poisoned_mailbox_is_bounded_work(error: Exception) -> None:
    box = Box(error)
    box.hours(7 * 24)
    assert box.downloads <= 7 + 7 + 6, "a look a day, after some in the first day"
    record = box.file()
    assert record is not None
    assert len(record.history) <= 3
    assert box.fake.files.messages == []


@pytest.mark.parametrize("error", [TOO_LARGE, EMPTY, WEB_PAGE], ids=["too large", "empty", "web page"])
def test_a_file_that_can_be_read_after_all_is_taken_in_and_its_alarm_is_closed(error: Exception) -> None:
    box = Box(error)
    box.hours(12)
    assert box.file() is not None
    box.error = None
    box.hours(24)
    assert inbound.stored(box.fake).state is State.DELIVERED
    record = box.file()
    assert record is not None
    assert (record.state, record.history[-1].note) == (State.SKIPPED, "it could be read after all")
    assert box.fake.sps.files == {}
    put(box.fake, PATH, order("0099"))
    box.hours(0.25)
    assert inbound.stored(box.fake, number="0099").state is State.DELIVERED


def test_a_person_may_have_it_looked_at_again_at_once() -> None:
    box = Box(TOO_LARGE)
    box.hours(12)
    box.error = None
    replay(box.fake.world, FILE, who="a person")
    box.work()
    assert inbound.stored(box.fake).state is State.DELIVERED
    record = box.file()
    assert record is not None
    assert record.state is State.SKIPPED


def test_a_file_that_is_gone_when_a_person_asks_for_it_says_so() -> None:
    box = Box(TOO_LARGE)
    box.hours(1)
    box.fake.sps.files.clear()
    box.error = None
    replay(box.fake.world, FILE, who="a person")
    box.work()
    record = box.file()
    assert record is not None
    assert (record.state, record.reason["code"]) == (State.HELD, "file_gone")


def test_while_sps_is_left_alone_no_file_is_given_up_and_one_message_each_waits() -> None:
    box = Box(DOWN, "2")
    sent = box.hours(3)
    assert sent == 2
    assert box.file() is None
    assert len(box.fake.files.messages) == 1
    box.error = None
    box.work()
    assert inbound.stored(box.fake).state is State.DELIVERED


def test_new_files_are_sent_for_while_others_wait_and_lost_messages_are_made_good() -> None:
    fake = inbound.world()
    put(fake, "out/1.json", order("1"))
    assert poll_sps(fake.world) == 1
    put(fake, "out/2.json", order("2"))
    assert poll_sps(fake.world) == 1, "only the new one: the first one's message still waits"
    assert poll_sps(fake.world) == 0
    fake.files.take()  # both are lost, or in the dead letters
    assert poll_sps(fake.world) == 2
    fake.clock.pass_(4 * 3600)
    assert poll_sps(fake.world) == 2, "a queue that is never empty must not hide a lost message for ever"
    assert {message["path"] for message in fake.files.take()} == {"out/1.json", "out/2.json"}


def test_a_mailbox_of_a_hundred_thousand_files_fits_into_a_note_and_is_taken_in_bit_by_bit() -> None:
    fake = inbound.world()
    paths = [f"out/PO{n:06d}.json" for n in range(100_000)]
    messages, note = worth_a_message(fake.world, paths)
    assert len(messages) == 20_000
    assert len(note["marks"]) + 100 < 400 * 1024, "a DynamoDB item"
    fake.files.send(messages[:10])
    fake.notes.write("acme", "mailbox", "sent", note)
    rest, _ = worth_a_message(fake.world, paths[10_000:])
    assert [one["path"] for one in rest] == paths[20_000:30_000]


def test_a_fault_of_ours_at_one_file_is_shown_in_the_end_and_its_neighbours_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Box(None, "2")
    take = flow._take

    def faulty(world: Any, read: Any, **keywords: Any) -> None:
        if keywords["path"] == PATH and not isinstance(read, errors.BadInput):
            raise KeyError("a fault")
        take(world, read, **keywords)

    monkeypatch.setattr(flow, "_take", faulty)

    def work_as_sqs(fake: FakeWorld) -> None:
        for message in fake.files.take():
            try:
                map_inbound(fake.world, message)
            except KeyError:
                fake.files.send([message])
                fake.clock.pass_(600)

    poll_sps(box.fake.world)
    for _ in range(5):
        work_as_sqs(box.fake)
    record = box.file()
    assert record is not None
    assert (record.reason["code"], list(box.fake.sps.files)) == ("file_not_taken", [PATH])
    assert inbound.stored(box.fake, number="2").state is State.MAPPED
