"""SQS as it may behave: at least once, in any order, with visibility timeouts, a DLQ, and redrives under new ids.

`Consumer` does what `runtime.consume` does with a batch: what failed becomes visible again after `Retry-After`
or a full-jitter wait by its receive count, what a killed worker held after the visibility timeout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from connector import errors
from connector.usecases.together import Untouched, Work, seconds_until_again, together
from local.faults.ports import Shared, Worker

FUNCTION_SECONDS = 120.0  # Timeout in template.yaml
VISIBILITY_SECONDS = 722.0
MAX_RECEIVES = 8  # the template allows more; here DLQs are to be seen
BATCH = 20
REDRIVES = 3
REDRIVE_AFTER_SECONDS = 3600.0


@dataclass
class Message:
    id: int
    body: str
    receives: int = 0
    redrives: int = 0


class SimulatedQueue:
    """One queue with its DLQ, redriven three times at most; `sent` and `dead` say what became of messages."""

    def __init__(self, shared: Shared, name: str, max_receives: int = MAX_RECEIVES) -> None:
        self.shared = shared
        self.max_receives = max_receives
        self.name = name
        self.consumer: Consumer | None = None
        self.visible: list[Message] = []
        self.inside = 0
        self.dead: list[Message] = []
        self._ids = 0

    def send(self, messages: list[dict[str, Any]], delay: int = 0) -> None:
        for message in messages:
            self._add(json.dumps(message), delay + self.shared.random.uniform(0.0, 3.0))

    def depth(self) -> int:
        return self.inside

    def _add(self, body: str, delay: float, redrives: int = 0) -> None:
        self._ids += 1
        self.inside += 1
        self.show(Message(self._ids, body, redrives=redrives), delay)

    def show(self, message: Message, delay: float) -> None:
        """Make a message visible later; what was received too often goes to the DLQ and comes back from there."""
        if message.receives >= self.max_receives:
            self.inside -= 1
            self.dead.append(message)
            self.shared.counts["dead"] += 1
            if message.redrives < REDRIVES:
                self.shared.engine.after(delay + REDRIVE_AFTER_SECONDS, lambda: self._redrive(message))
            return

        def appear() -> None:
            self.visible.append(message)
            if self.consumer is not None:
                self.consumer.wake()

        self.shared.engine.after(delay, appear)

    def done(self, message: Message) -> None:
        """Delete a message, which now and then is delivered once more, or redriven later under a new id."""
        shared, chance = self.shared, self.shared.random.random()
        if chance < shared.rates.redelivered:
            shared.counts["redeliveries"] += 1
            self.show(message, shared.random.uniform(0.0, 900.0))
            return
        self.inside -= 1
        if message.redrives < REDRIVES and chance > 1.0 - shared.rates.redelivered / 5:
            shared.counts["redrives"] += 1
            self._add(message.body, shared.random.uniform(60.0, 4 * 3600.0), message.redrives + 1)

    def _redrive(self, message: Message) -> None:
        self.dead.remove(message)
        self.shared.counts["redrives"] += 1
        self._add(message.body, 0.0, message.redrives + 1)


class Consumer:
    """The functions behind one queue: so many sandboxes, each with one batch at a time."""

    def __init__(
        self,
        queue: SimulatedQueue,
        work: Work,
        sandboxes: int,
        batch: int = BATCH,
    ) -> None:
        self._queue = queue
        self._work = work
        self._batch = batch
        self._idle = [Worker(queue.shared) for _ in range(sandboxes)]
        queue.consumer = self

    def wake(self) -> None:
        queue, engine = self._queue, self._queue.shared.engine
        while self._idle and queue.visible:
            choose = queue.shared.random
            batch = [
                queue.visible.pop(choose.randrange(len(queue.visible)))
                for _ in range(min(choose.randint(1, self._batch), len(queue.visible)))
            ]
            for message in batch:
                message.receives += 1
            worker = self._idle.pop()
            engine.start(lambda batch=batch, worker=worker: self._consume(batch, worker))

    def _consume(self, batch: list[Message], worker: Worker) -> None:
        queue, engine = self._queue, self._queue.shared.engine
        task, began = engine.task, engine.time
        waits: dict[int, float] = {}
        try:
            troubles = together(
                worker.world(),
                [json.loads(message.body) for message in batch],
                self._work,
                has_time=lambda seconds: engine.time - began <= FUNCTION_SECONDS - seconds,
            )
            for n, error in troubles.items():
                if isinstance(error, errors.ConnectorError):
                    queue.shared.counts[f"failed: {type(error).__name__} {error.code}"] += 1
                elif not isinstance(error, Untouched):
                    raise error  # a defect and no fault: a message that meets it comes again without end
                waits[batch[n].id] = float(int(seconds_until_again(error, batch[n].receives)))
        finally:
            queue.shared.counts["timeouts"] += engine.time - began > FUNCTION_SECONDS
            if task is not None and task.dead:
                for message in batch:  # nobody deleted any of them
                    queue.show(message, max(0.0, began + VISIBILITY_SECONDS - engine.time))
                worker = Worker(queue.shared)
            else:
                for message in batch:
                    if message.id in waits:
                        queue.show(message, waits[message.id])
                    else:
                        queue.done(message)
            self._idle.append(worker)
            self.wake()
