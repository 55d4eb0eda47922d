# ruff: noqa: T201 - it prints its figures
"""What grows with the number of documents, 1,000 and 100,000: a process, a document's cost, the nightly comparison.

A document's cost is counted with the real adapters (calls, bytes, units), where another program on the machine changes
nothing. Processor time is compared between two worlds whose batches alternate, so that whatever disturbs hits both.
"""

from __future__ import annotations

import base64
import gc
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from bench import calls
from connector.adapters.items import from_item, to_item
from connector.ledger import Record, State
from connector.usecases.reconcile import reconcile
from connector.wiring import Wiring
from local.faults.fakes import FakeWorld
from tests.alone import map_inbound, push_document
from tests.unit.test_inbound import order, put, world

FEW = 1_000
MANY = int(os.environ.get("BENCH_DOCUMENTS", "100000"))
IN_ONE_PROCESS = 10_000
BATCH = 25
PAIRS = 160
MOTO_ACCOUNT = "123456789012"
COUNTED = ("aws_writes", "aws_reads", "http_calls", "write_units", "read_units", "aws_bytes", "log_bytes")


def run() -> dict[str, Any]:
    """Memory of a process, and a document's cost in a ledger of `FEW` and of `MANY` documents."""
    memory = _memory()
    figures: dict[str, Any] = {
        "documents": MANY,
        "mb_after_1000": round(memory[0] / 1e6, 1),
        "mb_growth": round(memory[1] / memory[0] - 1, 3),
        "counted": {flow: _ratios(*both) for flow, both in _counted().items()},
        "cpu_ratio": _cpu_ratio(),
        "reconcile_mb": {count: _alone(_reconciled, count) for count in (FEW, MANY)},
    }
    print(f"\none process, {IN_ONE_PROCESS:,} orders to {FEW:,}: {figures['mb_growth']:+.1%} memory")
    print(f"one document where {MANY:,} lie in the ledger, to {FEW:,}: processor time {figures['cpu_ratio']}")
    for flow, ratios in figures["counted"].items():
        print(f"  {flow}: {ratios}")
    print(f"the nightly comparison, MB: {figures['reconcile_mb']}")
    return figures


# --- a process ---------------------------------------------------------------------------------


def _memory() -> tuple[int, int]:
    """Resident bytes after `FEW` and after many more; each document has a world of its own, which goes with it."""
    seen = []
    for first, last in ((0, FEW), (FEW, IN_ONE_PROCESS)):
        for n in range(first, last):
            _one(world(), n)
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        seen.append(pages * os.sysconf("SC_PAGE_SIZE"))
    return seen[0], seen[1]


def _one(fake: FakeWorld, n: int) -> None:
    put(fake, "out/1.json", order(PurchaseOrderNumber=f"PO{n}"))
    map_inbound(fake.world, {"connection": "acme", "correlation_id": "bench", "path": "out/1.json"})
    for message in fake.bills.take():
        push_document(fake.world, message)


# --- a document's cost -------------------------------------------------------------------------


def _counted() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    few, many = (calls.measured(calls.BATCH, partial(_fill_table, count)) for count in (FEW, MANY))
    return {flow: (few[flow], many[flow]) for flow in few}


def _ratios(few: dict[str, Any], many: dict[str, Any]) -> dict[str, float]:
    told = {name: (few[name], many[name]) for name in COUNTED}
    told["dollars"] = (few["dollars_per_1000"]["total"], many["dollars_per_1000"]["total"])
    return {
        name: 1.0 if before == after else round(after / before, 3) for name, (before, after) in told.items()
    }


def _fill_table(count: int, wiring: Wiring) -> None:
    """Past documents of both directions, and what was noted of them; straight into moto, which takes 500 a second."""
    table = dynamodb_backends[MOTO_ACCOUNT]["us-east-1"].get_table(wiring.settings.table)
    for record in _past(count):
        item = to_item(record)
        table.put_item({**item, "packed": {"B": base64.b64encode(item["packed"]["B"]).decode()}})
    for n in range(count // 2):
        note = {
            "pk": {"S": "N#acme#seen"},
            "sk": {"S": f"invoice:{10**9 + n}"},
            "value": {"S": '{"version":"1/0"}'},
        }
        table.put_item(note)


def _past(count: int) -> Iterator[Record]:
    """Documents of both directions, as a real one ends."""
    fake = world()
    _one(fake, 0)
    [done] = [record for record in fake.ledger.records.values() if record.key.type == "order"]
    order_key, ends = done.key, (State.DELIVERED, State.PICKED_UP)
    for n in range(count):
        key = order_key._replace(number=f"PAST{n:06d}")
        key = key._replace(direction="out", type="invoice") if n % 2 else key
        yield replace(done, key=key, state=ends[n % 2], version=1, remote_id=str(10**6 + n))


def _cpu_ratio() -> float:
    """Processor time of a batch where many documents lie, to the same where few do: the median of alternating pairs."""
    worlds = [world(), world()]
    for fake, count in zip(worlds, (FEW, MANY), strict=True):
        for record in _past(count):
            fake.ledger.save(record, 0)
    gc.freeze()  # what lies there is the fake's memory, no work of a process that has it in a table
    ratios = []
    for pair in range(PAIRS):
        spent = []
        for fake in worlds if pair % 2 else reversed(worlds):
            began = time.process_time()
            for n in range(pair * BATCH, (pair + 1) * BATCH):
                _one(fake, n)
            spent.append(time.process_time() - began)
        few, many = spent if pair % 2 else reversed(spent)
        ratios.append(many / few)
    gc.unfreeze()
    return round(statistics.median(ratios), 3)


# --- the nightly comparison --------------------------------------------------------------------


def _alone(work: Any, *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as processes:
        return processes.apply(work, arguments)


def _reconciled(count: int) -> float:
    """Megabytes that comparing takes beside the fake ledger, which stays in the table where there is one."""

    class Table:
        def in_states(self, connection: str, direction: str, *_: Any) -> Any:
            past = (record for record in _past(count) if record.key.direction == direction)
            return (
                from_item(to_item(record)) for record in past
            )  # a record shares nothing with the next one

    fake = world()
    fake.world.ledger = Table()  # type: ignore[assignment]
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _kilobytes("VmRSS")
    told = reconcile(fake.world)
    after = _kilobytes("VmHWM")
    if told["documents"] < count:
        raise SystemExit("not every document was compared, so nothing was measured")
    return round((after - before) / 1e3, 1)


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    run()
