"""A batch's documents share one archive object and one send, and each is by itself in all else."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.usecases.together import SENT, Acted, Message, Steps, Untouched, together
from connector.usecases.world import BEGIN_SECONDS, World
from tests.fakes import FakeWorld


class Told:
    """What reached the archive and the queue, call by call."""

    def __init__(self) -> None:
        self.fake = FakeWorld()
        self.archived: list[list[bytes]] = []
        self.sent: list[list[str]] = []
        self.story: list[str] = []
        self.refuse: Exception | None = None
        put_all = self.fake.archive.put_all

        def kept(connection: str, bodies: Any) -> list[str]:
            if self.refuse is not None:
                raise self.refuse
            self.archived.append(list(bodies))
            return put_all(connection, bodies)

        def send(messages: list[dict[str, Any]], delay: int = 0) -> None:
            if self.refuse is not None:
                raise self.refuse
            self.sent.append([message["key"] for message in messages])

        self.fake.archive.put_all = kept  # type: ignore[method-assign]
        self.fake.bills.send = send  # type: ignore[method-assign]

    def work(self, world: World, message: Message) -> Steps[None]:
        """Archive, send on, and then delete the source: what a file goes through."""
        name = message["path"]
        self.story.append(f"began {name}")
        pointer = yield name.encode()
        if "poison" in name:
            raise errors.Busy("no")
        world.queues.bills_to_push.send([{"key": name, "pointer": pointer}])
        yield SENT
        self.story.append(f"deleted {name}")

    def go(self, *names: str, **how: Any) -> dict[int, Exception]:
        return together(self.fake.world, [{"path": name} for name in names], self.work, **how)


def test_a_batch_is_one_archive_object_and_one_send_before_any_source_is_deleted() -> None:
    told = Told()
    assert told.go("a", "b", "c") == {}
    assert (told.archived, told.sent) == ([[b"a", b"b", b"c"]], [["a", "b", "c"]])
    assert told.story == ["began a", "began b", "began c", "deleted a", "deleted b", "deleted c"]


def test_one_that_fails_comes_again_alone() -> None:
    told = Told()
    failed = told.go("a", "poison", "c")
    assert {n: type(error) for n, error in failed.items()} == {1: errors.Busy}
    assert told.sent == [["a", "c"]]
    assert told.story[3:] == ["deleted a", "deleted c"]


@pytest.mark.parametrize("what", ["archive", "queue"])
def test_where_nothing_can_be_kept_or_sent_no_source_is_deleted_and_all_come_again(what: str) -> None:
    told = Told()
    trouble = errors.Busy("AWS is away")
    if what == "archive":
        told.refuse = trouble
    else:
        told.fake.bills.send = lambda messages, delay=0: (_ for _ in ()).throw(trouble)  # type: ignore[method-assign]
    assert told.go("a", "b") == {0: trouble, 1: trouble}
    assert told.story == ["began a", "began b"]


def test_a_document_whose_last_messages_were_not_sent_comes_again() -> None:
    told = Told()
    told.refuse = errors.Busy("AWS is away")

    def work(world: World, message: Message) -> Steps[None]:
        world.queues.bills_to_push.send([{"key": "wakes another"}])
        return
        yield

    assert together(told.fake.world, [{"path": "a"}], work) == {0: told.refuse}


def test_two_messages_about_one_thing_are_worked_on_one_after_the_other() -> None:
    told = Told()
    assert told.go("a", "b", "a") == {}
    assert told.story == ["began a", "began b", "deleted a", "deleted b", "began a", "deleted a"]


def test_another_message_need_not_wait_for_the_second_one_about_the_same_thing() -> None:
    told = Told()
    assert told.go("a", "a", "b") == {}
    assert told.story[:2] == ["began a", "began b"]


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ({"key": "K"}, {"replay": "K"}, {"key": "L"}),
        ({"replay": "K"}, {"replay": "K"}, {"replay": "L"}),
        ({"acknowledge": "K"}, {"key": "K"}, {"acknowledge": "L"}),
        ({"noun": "bill", "id": 7}, {"noun": "bill", "id": 7}, {"noun": "invoice", "id": 7}),
        ({"noun": "bill", "id": 7}, {"noun": "bill", "id": 7}, {"noun": "bill", "id": 8}),
    ],
)
def test_messages_about_one_document_or_record_are_known_as_such(
    one: Message, same: Message, other: Message
) -> None:
    begun: list[int] = []

    def work(world: World, message: Message) -> Steps[None]:
        begun.append(message["n"])
        yield b"received"

    messages = [{**message, "n": n} for n, message in enumerate((one, same, other))]
    assert together(FakeWorld().world, messages, work) == {}
    assert begun == [0, 2, 1]


def test_what_was_sent_before_a_payload_is_archived_is_sent_with_what_comes_after() -> None:
    told = Told()

    def work(world: World, message: Message) -> Steps[None]:
        world.queues.bills_to_push.send([{"key": "before"}])
        yield b"received"
        world.queues.bills_to_push.send([{"key": "after"}])

    assert together(told.fake.world, [{"path": "a"}], work) == {}
    assert told.sent == [["before", "after"]]


def test_a_document_whose_messages_are_sent_does_not_come_again_for_what_its_neighbour_could_not_send() -> (
    None
):
    told = Told()

    def work(world: World, message: Message) -> Steps[None]:
        world.queues.bills_to_push.send([{"key": message["path"]}])
        if message["path"] == "longer":
            yield SENT
            told.refuse = errors.Busy("AWS is away")
            world.queues.bills_to_push.send([{"key": "more"}])

    assert together(told.fake.world, [{"path": "short"}, {"path": "longer"}], work) == {1: told.refuse}
    assert told.sent == [["short", "longer"]]


def test_messages_are_sent_with_the_delay_that_their_work_asks_for() -> None:
    fake = FakeWorld()
    sent: list[tuple[str, int]] = []
    fake.bills.send = lambda messages, delay=0: sent.extend((one["key"], delay) for one in messages)  # type: ignore[method-assign]

    def work(world: World, message: Message) -> Steps[None]:
        world.queues.bills_to_push.send([{"key": "now"}])
        world.queues.bills_to_push.send([{"key": "later"}], 30)
        yield SENT

    assert together(fake.world, [{"path": "a"}], work) == {}
    assert sent == [("now", 0), ("later", 30)]


def test_without_time_nothing_more_is_begun_and_one_after_the_other_is_brought_to_its_end() -> None:
    told = Told()
    left = iter([100.0, BEGIN_SECONDS + 1, BEGIN_SECONDS - 1, 31.0, 30.5, 30.1, 29.9])
    failed = told.go("a", "b", "c", has_time=lambda seconds: next(left) >= seconds)
    assert {n: type(error) for n, error in failed.items()} == {1: Untouched, 2: Untouched}
    assert told.sent == [["a"]]
    assert told.story == ["began a", "began b", "deleted a"]


def test_however_long_each_takes_what_was_taken_in_is_deleted_before_the_time_is_over() -> None:
    told = Told()
    clock = told.fake.clock
    end = clock.epoch() + 120

    def slow(messages: list[dict[str, Any]], delay: int = 0) -> None:
        clock.pass_(4)

    def work(world: World, message: Message) -> Steps[None]:
        steps = told.work(world, message)
        pointer = yield next(steps)
        clock.pass_(15)
        yield steps.send(pointer)
        next(steps, None)

    told.fake.bills.send = slow  # type: ignore[method-assign]
    messages = [{"path": name} for name in "abcdefgh"]
    failed = together(
        told.fake.world, messages, work, has_time=lambda seconds: end - clock.epoch() >= seconds
    )
    assert [one for one in told.story if one.startswith("deleted")] == [f"deleted {one}" for one in "abcde"]
    assert list(failed) == [5, 6, 7]
    assert clock.epoch() < end


def test_an_effect_that_is_done_is_written_down_however_short_the_time_is() -> None:
    told = Told()
    confirmed = []

    def work(world: World, message: Message) -> Steps[None]:
        confirmed.append((yield Acted(b"exchange")))

    left = iter([100.0])
    assert together(told.fake.world, [{"path": "a"}], work, has_time=lambda s: next(left, 0.0) >= s) == {}
    assert len(confirmed) == 1


def test_whose_work_goes_on_is_told_at_every_step() -> None:
    told = Told()
    entered: list[str] = []
    told.go("a", "b", enter=lambda message: entered.append(message["path"]))
    assert entered == ["a", "b"] * 3


def test_afterwards_the_world_sends_at_once_again() -> None:
    told = Told()
    told.go("a")
    told.fake.world.queues.bills_to_push.send([{"key": "by itself"}])
    assert told.sent == [["a"], ["by itself"]]
