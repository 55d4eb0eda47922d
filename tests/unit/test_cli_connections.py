"""`connector connections`: what it asks of AWS."""

from __future__ import annotations

import json
from typing import Any

from cli.connections import poll_now
from cli.stack import Stack

OUTPUTS = {"PollSpsArn": "arn:sps", "PollFreshbooksArn": "arn:freshbooks"}


def test_polling_now_starts_both_pollers_and_leaves_no_schedule_behind() -> None:
    """A schedule for this very moment may be in the past by the time that AWS looks at it."""
    started: list[dict[str, Any]] = []

    class Lambda:
        def invoke(self, **given: Any) -> None:
            started.append(given)

    clients = {"lambda": Lambda()}
    poll_now(Stack("stack", clients.__getitem__, OUTPUTS), "acme")
    assert [(one["FunctionName"], json.loads(one["Payload"])) for one in started] == [
        ("arn:sps", {"connection": "acme"}),
        ("arn:freshbooks", {"connection": "acme"}),
    ]
    assert {one["InvocationType"] for one in started} == {"Event"}, "nobody waits for a poll's end"
