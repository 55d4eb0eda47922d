"""Many batches: spread over processes, resumable, and small in memory however many documents they come to."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import connector
from local.faults.simulation import Account, run_batch

BATCH_DOCUMENTS = 2000
COUNTED = ("faults", "kills", "redeliveries", "redrives", "timeouts")


@dataclass(frozen=True)
class Result:
    """What one batch came to; `documents` were asked for, `made` came of it."""

    seed: int
    documents: int
    made: int
    duplicates: int
    losses: int
    unexplained: int
    faults: int
    kills: int
    redeliveries: int
    redrives: int
    timeouts: int
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.duplicates + self.losses + self.unexplained + self.timeouts


def one_batch(seed: int, documents: int) -> Result:
    account: Account = run_batch(seed, documents)
    return Result(
        seed,
        documents,
        account.documents,
        account.duplicates,
        account.losses,
        account.unexplained,
        *(account.counts[name] for name in COUNTED),
        account.problems[:20],
    )


def batch_seed(seed: int, index: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{index}".encode()).digest()[:6])


@dataclass
class Run:
    """A run of many batches, kept in `file` after each of them until it is complete."""

    documents: int
    seed: int
    file: Path
    results: dict[int, Result] = field(default_factory=dict)
    seconds: float = 0.0

    @staticmethod
    def of(documents: int, seed: int, folder: Path, *, fresh: bool = False) -> Run:
        """A new run, or the rest of one that was stopped and whose code is still the same."""
        run = Run(documents, seed, folder / f"{seed}.json")
        if not fresh and run.file.exists():
            kept = json.loads(run.file.read_text())
            sizes = dict(run._plan())
            if kept["code"] == _code():
                results = {int(index): Result(**result) for index, result in kept["results"].items()}
                run.results = {i: one for i, one in results.items() if sizes.get(i) == one.documents}
                run.seconds = kept["seconds"]
        return run

    @property
    def done(self) -> int:
        return sum(result.documents for result in self.results.values())

    def go(self, processes: int, told: Callable[[Result], None]) -> None:
        """Do what is left; `told` hears of each batch. Stopped in between, it can be gone on with later."""
        began, before = time.monotonic(), self.seconds
        left = iter([(index, size) for index, size in self._plan() if index not in self.results])
        pool = ProcessPoolExecutor(processes, get_context("spawn"), _deaf_to_ctrl_c, max_tasks_per_child=20)
        running: dict[Future[Result], int] = {}
        try:
            while True:
                while len(running) < processes + 1 and (following := next(left, None)) is not None:
                    index, size = following
                    running[pool.submit(one_batch, batch_seed(self.seed, index), size)] = index
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = self.results[running.pop(future)] = future.result()
                    self.seconds = before + time.monotonic() - began
                    self._keep()
                    told(result)
        finally:
            for process in list(
                (pool._processes or {}).values()
            ):  # there is no public way to stop a running one
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
        self.file.unlink(missing_ok=True)

    def figures(self) -> dict[str, int | float]:
        """The run in one line, to be compared over time."""
        names = ("duplicates", "losses", "unexplained", *COUNTED)
        results = self.results.values()
        return {
            "documents": sum(result.made for result in results),
            **{name: sum(getattr(result, name) for result in results) for name in names},
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
        }

    def _plan(self) -> Iterator[tuple[int, int]]:
        for index in range(-(-self.documents // BATCH_DOCUMENTS)):
            yield index, min(BATCH_DOCUMENTS, self.documents - index * BATCH_DOCUMENTS)

    def _keep(self) -> None:
        self.file.parent.mkdir(exist_ok=True)
        results = {index: asdict(result) for index, result in self.results.items()}
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"code": _code(), "seconds": self.seconds, "results": results}))
        os.replace(fresh, self.file)


def _code() -> str:
    """The digest of the code that is simulated: results of other code are worth nothing."""
    digest = hashlib.sha256()
    for folder in (Path(connector.__file__).parent, Path(__file__).parent):
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _deaf_to_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
