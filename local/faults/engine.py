"""Simulated time: many tasks, each in a thread of its own, of which exactly one runs at any moment.

A task gives way only where it calls `pause`, and the agenda alone decides who is next, so the same seed gives
the same run. Two tasks meet wherever their pauses overlap: that is what makes workers run into each other.
Whoever gives way does himself what is next, or wakes the thread of the task that is: most pauses cost no switch.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable

START = 1_790_000_000.0


class Killed(BaseException):
    """The process ended here: no handler of the code under test may see more than this."""


class Task:
    """One invocation. `dead` means killed: whatever it still tries on its way out has no effect."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.dead = False
        self.work = work
        self.turn: threading.Lock | None = None  # of the thread that it runs in


class _Idle:
    """A thread without a task."""

    def __init__(self, turn: threading.Lock) -> None:
        self.turn = turn
        self.task: Task | None = None


class Engine:
    """The clock and the agenda of one simulated world; `task` is the one that runs now, if any."""

    def __init__(self, start: float = START) -> None:
        self.time = start
        self.task: Task | None = None
        self._agenda: list[tuple[float, int, Task | Callable[[], None]]] = []
        self._count = 0
        self._over: Callable[[], bool] = lambda: False
        self._trouble: BaseException | None = None
        self._idle: list[_Idle] = []
        self._main = _taken()

    def at(self, time: float, action: Task | Callable[[], None]) -> None:
        """Do `action` at an instant; actions of one instant run in the order they were given."""
        self._count += 1
        heapq.heappush(self._agenda, (max(time, self.time), self._count, action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self.at(self.time + seconds, action)

    def start(self, work: Callable[[], None]) -> None:
        """Begin a task now."""
        self.at(self.time, Task(work))

    def pause(self, seconds: float) -> None:
        """Let time pass in the running task, and others run meanwhile."""
        task = self.task
        if task is None or task.turn is None:
            raise AssertionError("only a task may pause")
        wake = self.time + seconds
        if not self._agenda or self._agenda[0][0] > wake:
            self.time = wake  # nobody else has anything to do before
            return
        self.at(wake, task)
        following = self._following()
        if following is not task:
            self._wake(following)
            task.turn.acquire()
        self.task = task
        if task.dead:
            raise Killed

    def run(self, over: Callable[[], bool]) -> None:
        """Work through the agenda until it is empty or `over` says so; what then still runs is killed."""
        self._over = over
        following = self._following()
        if following is not None:
            self._wake(following)
            self._main.acquire()
        self._over = lambda: True
        for _, _, action in list(self._agenda):
            if isinstance(action, Task) and action.turn is not None:
                action.dead = True
                self._wake(action)
                self._main.acquire()
        for idle in self._idle:
            idle.turn.release()
        if self._trouble is not None:
            raise self._trouble

    def _following(self) -> Task | None:
        """Do what is next as long as it is no task; the task that comes then, None when it is all over."""
        while self._agenda and self._trouble is None and not self._over():
            self.time, _, action = heapq.heappop(self._agenda)
            if isinstance(action, Task):
                return action
            self.task = None
            try:
                action()
            except BaseException as error:
                self._trouble = error
        return None

    def _wake(self, task: Task | None) -> None:
        self.task = task
        if task is None:
            self._main.release()
        elif task.turn is not None:
            task.turn.release()
        elif self._idle:
            idle = self._idle.pop()
            idle.task = task
            idle.turn.release()
        else:
            threading.Thread(target=self._thread, args=(task,), daemon=True).start()

    def _thread(self, task: Task | None) -> None:
        turn = _taken()
        while task is not None:
            task.turn = turn
            self.task = task
            try:
                task.work()
            except Killed:
                pass
            except BaseException as error:
                self._trouble = error
            following = self._following()
            if following is not None and following.turn is None:
                task = following  # it begins in this very thread
                continue
            idle = _Idle(turn)
            self._idle.append(idle)
            self._wake(following)
            turn.acquire()
            task = idle.task


class Machine:
    """A clock that is wrong: the one of a machine that runs workers."""

    def __init__(self, engine: Engine, skew: float) -> None:
        self._engine = engine
        self.skew = skew

    def __call__(self) -> float:
        return self._engine.time + self.skew


def _taken() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
