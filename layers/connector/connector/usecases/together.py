"""The documents of one SQS batch share what AWS charges by the call: one archive object, one batch of messages.

A use case that takes part is a generator. It yields the bytes that have to be in the archive before it goes on, and
is handed their pointer; or `SENT`, and goes on when all that it sent is in its queue. Between two yields every document
is by itself: one that fails does not keep its neighbours from going on. Where the time gets short they go on one after
the other, each to its end; then a document is left where it yielded, and its message comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from connector.usecases.world import (
    BEGIN_SECONDS,
    GO_ON_SECONDS,
    UNTOUCHED_SECONDS,
    Queues,
    World,
    full_jitter,
)

if TYPE_CHECKING:
    from connector.ports import Queue

SENT = None


class Acted(bytes):
    """What is archived of an effect that is done: its document goes on however short the time is."""


T = TypeVar("T")
Steps = Generator[bytes | None, str, T]
Message = Mapping[str, Any]
Work = Callable[[World, Message], Steps[None]]


class Untouched(Exception):
    """No time was left for a message."""


def together(
    world: World,
    messages: Sequence[Message],
    work: Work,
    *,
    enter: Callable[[Message], None] = lambda message: None,
    has_time: Callable[[float], bool] = lambda seconds: True,
) -> dict[int, Exception]:
    """Work on a batch of messages; why those that have to come again were not done, by their place in the batch.

    `enter` is told whose work goes on, `has_time` says whether so many seconds are left. Of two messages about the
    same thing the second one is begun when the first one is done.
    """
    queues = world.queues
    boxes = [_Outbox(getattr(queues, queue.name)) for queue in fields(Queues)]
    world.queues = Queues(*boxes)
    try:
        return _Batch(world, messages, work, enter, has_time, boxes).run()
    finally:
        world.queues = queues


def alone(world: World, message: Message, work: Work) -> None:
    """Work on one message by itself; what goes wrong is raised."""
    for error in together(world, [message], work).values():
        raise error


def seconds_until_again(error: Exception, receives: int) -> float:
    """When a message that failed at this receive is to be seen again: after what the error names, with jitter."""
    if isinstance(error, Untouched):
        return UNTOUCHED_SECONDS
    told = getattr(error, "retry_after", None)
    return max(1.0, full_jitter(receives) if told is None else told + full_jitter(receives - 1))


class _Batch:
    def __init__(
        self,
        world: World,
        messages: Sequence[Message],
        work: Work,
        enter: Callable[[Message], None],
        has_time: Callable[[float], bool],
        boxes: list[_Outbox],
    ) -> None:
        self._world, self._messages, self._work = world, messages, work
        self._enter, self._has_time, self._boxes = enter, has_time, boxes
        self._waiting = list(range(len(messages)))
        self._going: dict[int, Steps[None]] = {}
        self._wishes: dict[int, bytes | None] = {}
        self._answered: dict[int, tuple[bytes | None, str | Exception]] = {}  # wishes with their answers
        self._done: set[int] = set()  # whose last messages may not be in their queues yet
        self._failed: dict[int, Exception] = {}

    def run(self) -> dict[int, Exception]:
        self._begin()
        while self._going:
            if self._wishes and not (self._answered and self._has_time(BEGIN_SECONDS)):
                wishes, self._wishes = self._wishes, {}
                answers = self._fulfil(wishes)
                self._answered = {n: (wishes[n], answers[n]) for n in wishes} | self._answered
            n = next(iter(self._answered))
            wish, answer = self._answered.pop(n)
            if isinstance(wish, Acted) or self._has_time(GO_ON_SECONDS):
                self._go_on(n, answer)
            else:
                self._going.pop(n).close()
                self._failed[n] = Untouched()
            if not self._answered:
                self._begin()
        trouble = self._send()
        if trouble is not None:
            self._failed |= dict.fromkeys(self._done, trouble)
        return self._failed

    def _begin(self) -> None:
        for n in list(self._waiting):
            message = self._messages[n]
            if any(_subject(self._messages[other]) == _subject(message) for other in self._going):
                continue
            self._waiting.remove(n)
            if self._has_time(BEGIN_SECONDS):
                self._going[n] = self._work(self._world, message)
                self._go_on(n, None)
            else:
                self._failed[n] = Untouched()

    def _go_on(self, n: int, answer: str | Exception | None) -> None:
        steps = self._going[n]
        self._enter(self._messages[n])
        try:
            if isinstance(answer, Exception):
                self._wishes[n] = steps.throw(answer)
            else:
                self._wishes[n] = steps.send(answer)  # type: ignore[arg-type]  # None begins
            return
        except StopIteration:
            self._done.add(n)
        except Exception as error:
            self._failed[n] = error
        del self._going[n]

    def _fulfil(self, wishes: Mapping[int, bytes | None]) -> dict[int, str | Exception]:
        """Archive and send what the documents wait for."""
        answers: dict[int, str | Exception] = {}
        bodies = {n: wish for n, wish in wishes.items() if wish is not None}
        if bodies:
            try:
                pointers = self._world.archive.put_all(self._world.id, list(bodies.values()))
                answers |= dict(zip(bodies, pointers, strict=True))
            except Exception as error:
                answers |= dict.fromkeys(bodies, error)
        if len(bodies) < len(wishes):
            trouble = self._send()
            answers |= dict.fromkeys(wishes.keys() - bodies.keys(), "" if trouble is None else trouble)
        return answers

    def _send(self) -> Exception | None:
        """Hand over what was sent; why it could not be, and then it is kept for the next time."""
        try:
            for box in self._boxes:
                box.empty()
        except Exception as error:
            return error
        self._done.clear()
        return None


class _Outbox:
    """A queue that the batch's messages are put into at once."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._kept: dict[int, list[dict[str, Any]]] = {}

    def send(self, messages: list[dict[str, Any]], delay: int = 0) -> None:
        self._kept.setdefault(delay, []).extend(messages)

    def depth(self) -> int:
        return self._queue.depth()

    def empty(self) -> None:
        for delay in list(self._kept):
            self._queue.send(self._kept[delay], delay)
            del self._kept[delay]


def _subject(message: Message) -> str:
    """What a message is about: a document, a file or a FreshBooks record."""
    for name in ("key", "replay", "acknowledge", "path"):
        if name in message:
            return str(message[name])
    return f"{message.get('noun')}:{message.get('id')}"
