# ruff: noqa: T201 - it prints its figures
"""`python -m bench`: every measurement of this folder; the last line is JSON."""

import json

from bench import mapping

print(json.dumps({"mapping": mapping.run()}))
