# ruff: noqa: T201 - it prints its figures
"""Documents per second through the deployed template on the one-machine cloud, and whose processor time it takes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from cli.connections import poll_now
from local.cloud import Cloud
from local.demo import Demo

DOCUMENTS = 200
TICKS = os.sysconf("SC_CLK_TCK")


def run() -> dict[str, Any]:
    """Orders of one partner, all in the mailbox at once, until the last one's bill is in FreshBooks."""
    with Demo(seed=1, cloud=Cloud()).running(lambda step: None) as demo:
        supplier = demo.suppliers[0]
        _await(lambda: all(demo._billed(each) >= len(each.billed) for each in demo.suppliers))
        order = supplier.billed[0].rsx()
        for n in range(DOCUMENTS):
            order["Header"]["OrderHeader"]["PurchaseOrderNumber"] = f"E2E{n:05d}"
            demo.deliver_file(supplier, f"out/E2E{n:05d}.json", json.dumps(order).encode())
        before, began = _processor(demo), time.monotonic()
        poll_now(demo.stack, supplier.id)
        _await(lambda: _billed(demo) == DOCUMENTS)
        seconds = time.monotonic() - began
        after = _processor(demo)
    spent = {whose: round((after[whose] - before[whose]) / seconds, 2) for whose in after}
    figures = {
        "documents": DOCUMENTS,
        "seconds": round(seconds, 1),
        "per_second": round(DOCUMENTS / seconds, 2),
        "processors": spent | {"there_are": os.cpu_count()},
    }
    print(f"\norders to bills on the one-machine cloud: {figures}")
    return figures


def _billed(demo: Demo) -> int:
    return sum(bill["bill_number"].startswith("E2E") for bill in demo._books(demo.suppliers[0])["bills"])


def _await(done: Any) -> None:
    until = time.monotonic() + 600
    while not done():
        if time.monotonic() > until:
            raise SystemExit("the one-machine cloud did not come to its end within ten minutes")
        time.sleep(0.1)


def _processor(demo: Demo) -> dict[str, float]:
    """Processor seconds so far: of the emulator, of the functions, and of this process with both vendors."""
    group = demo.cloud._process.pid  # type: ignore[union-attr]
    spent = {"emulator": 0.0, "functions": 0.0, "vendors": time.process_time()}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[2]) == group:
            whose = "emulator" if int(path.parent.name) == group else "functions"
            spent[whose] += (int(fields[11]) + int(fields[12])) / TICKS
    return spent
