"""`connector connections`: what it asks of AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.connections import add_connection, poll_now
from cli.stack import Stack
from connector import errors
from tests.fakes import FakeWorld
from tests.stack_of_fakes import stack_of

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


def test_no_credentials_are_stored_while_the_token_beside_them_is_renewed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with stack_of(monkeypatch, tmp_path, FakeWorld()) as stack:
        wiring = stack.wiring
        tokens = {"client_id": "a", "refresh_token": "new"}
        wiring.secrets.create("acme", "freshbooks", tokens, "")
        with wiring.leases.hold("acme/freshbooks-token", 120), pytest.raises(errors.Busy):
            add_connection(stack, wiring.connection("acme"), freshbooks={"client_id": "b"}, sps={})
        assert wiring.secrets.read("acme", "freshbooks") == tokens
