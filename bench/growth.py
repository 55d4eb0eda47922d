# ruff: noqa: T201 - it prints its figures
"""Whether a long-lived process grows, or gets slower: orders taken in and pushed on fakes, 1,000 and then many more."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import Any

from local.faults.fakes import FakeWorld
from tests.alone import map_inbound, push_document
from tests.unit.test_inbound import order, put, world

FEW = 1_000
BATCH = 100
MANY = int(os.environ.get("BENCH_DOCUMENTS", "10000"))


def run() -> dict[str, Any]:
    """Each document has a world of its own, so that what grows is the process and not a fake's memory."""
    for n in range(100):
        _one(n)
    few = _measured(FEW)
    many = _measured(MANY)
    figures = {
        "documents": MANY,
        "mb_after_1000": round(few[1] / 1e6, 1),
        "mb_growth": round(many[1] / few[1] - 1, 3),
        "cpu_ms": round(1000 * many[0], 2),
        "cpu_ratio": round(many[0] / few[0], 3),
    }
    print(f"\n{MANY:,} orders mapped and pushed on fakes, to {FEW:,}: {figures}")
    return figures


def _measured(count: int) -> tuple[float, int]:
    """Processor seconds a document in the least disturbed of the last thousand's batches, and resident bytes."""
    spent = []
    for first in range(0, count, BATCH):
        began = time.process_time()
        for n in range(first, first + BATCH):
            _one(n)
        spent.append((time.process_time() - began) / BATCH)
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return min(spent[-FEW // BATCH :]), pages * os.sysconf("SC_PAGE_SIZE")


def _one(n: int) -> None:
    fake: FakeWorld = world()
    put(fake, "out/1.json", order(PurchaseOrderNumber=f"PO{n}"))
    map_inbound(fake.world, {"connection": "acme", "correlation_id": "bench", "path": "out/1.json"})
    for message in fake.bills.take():
        push_document(fake.world, message)
