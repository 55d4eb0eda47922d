# ruff: noqa: T201 - it prints its figures
"""`python -m bench`: every measurement of this folder; the last line is JSON."""

import json
import platform
import sys

import pydantic

from bench import calls, mapping

print(
    f"Python {platform.python_version()}, pydantic {pydantic.VERSION}, {platform.machine()}", file=sys.stderr
)
figures = {"mapping": mapping.run(), "calls": calls.measure()}
for flow, counted in figures["calls"].items():
    print(f"\n{flow}: calls per document of a warm connection")
    print(f"  HTTP {counted['http_calls']}: {counted['http']}")
    print(f"  AWS writes {counted['aws_writes']}, reads {counted['aws_reads']}: {counted['aws']}")
print(json.dumps(figures))
