# ruff: noqa: T201 - it prints its figures
"""`python -m bench`: every measurement of this folder; the last line is JSON."""

import json
import platform
import sys

import pydantic

from bench import calls, end_to_end, growth, mapping, prices, starts

print(
    f"Python {platform.python_version()}, pydantic {pydantic.VERSION}, {platform.machine()}", file=sys.stderr
)
figures = {
    "starts": starts.run(),
    "growth": growth.run(),
    "mapping": mapping.run(),
    "calls": calls.measure(),
    "end_to_end": end_to_end.run(),
}
for flow, counted in figures["calls"].items():
    print(f"\n{flow}: calls per document of a warm connection")
    print(f"  HTTP {counted['http_calls']}: {counted['http']}")
    print(f"  AWS writes {counted['aws_writes']}, reads {counted['aws_reads']}: {counted['aws']}")
    print(f"  table units {counted['write_units']} written, {counted['read_units']} read")
    print(f"  {counted['aws_bytes']} bytes to AWS, {counted['log_bytes']} bytes of log")
    print(f"  dollars for 1,000 documents: {counted['dollars_per_1000']}")
print(f"\n1,000 webhooks: {prices.webhooks()} dollars")
print(json.dumps(figures))
