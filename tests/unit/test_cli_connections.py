"""`connector connections`: what it asks of AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.connections import add_connection, poll_now
from cli.stack import Stack
from connector import errors
from connector.documents.freshbooks import Callback
from connector.wiring import Wiring
from tests.fakes import FakeWorld
from tests.functions.template import TABLE
from tests.stack_of_fakes import API_URL, connector, stack_of
from tests.unit import test_inbound as inbound

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


class Callbacks:
    """FreshBooks' list of callbacks; handshakes never come."""

    def __init__(self, *callbacks: Callback) -> None:
        self.there = list(callbacks)

    def list_callbacks(self) -> list[Callback]:
        return list(self.there)

    def create_callback(self, event: str, uri: str) -> Callback:
        self.there.append(Callback(callbackid=3000 + len(self.there), event=event, uri=uri))
        return self.there[-1]

    def delete_callback(self, callback_id: int) -> None:
        self.there = [one for one in self.there if one.callbackid != callback_id]


@pytest.mark.parametrize(("verified", "code"), [(True, 0), (False, 1)])
def test_webhooks_are_left_alone_where_freshbooks_calls_and_made_anew_where_it_switched_one_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verified: bool, code: int
) -> None:
    uri = f"{API_URL}/webhooks/freshbooks/acme"
    books = Callbacks(
        Callback(callbackid=2001, event="invoice", uri=f"{uri}/invoice", verified=True),
        Callback(callbackid=2002, event="bill", uri=f"{uri}/bill", verified=verified),
    )
    monkeypatch.setattr(Wiring, "freshbooks", lambda wiring, connection: books)
    monkeypatch.setattr("cli.connections.HANDSHAKE_SECONDS", 0)
    with stack_of(monkeypatch, tmp_path, FakeWorld()) as stack:
        kept = {
            name: {"callback_id": n, "verifiers": ["V"]} for name, n in (("invoice", 2001), ("bill", 2002))
        }
        stack.wiring.secrets.create("acme", "webhooks", kept, "")
        result = connector("connections", "webhooks", "acme", "--json")
    assert result.exit_code == code
    if verified:
        assert json.loads(result.stdout) == {"connection": "acme", "registered": []}
    assert [one.callbackid for one in books.there] == [2001, 2002 if verified else 3001]


def test_a_table_that_was_restored_beside_the_stacks_own_is_read_in_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = inbound.world()
    inbound.put(fake, "out/1.json", inbound.order())
    inbound.run(fake)
    with stack_of(monkeypatch, tmp_path, fake) as stack:
        boto3.client("dynamodb").create_table(TableName="before", **TABLE)
        assert connector("export", "acme", tmp_path / "now.zip").exit_code == 0
        monkeypatch.setenv("CONNECTOR_TABLE", "before")
        assert connector("import", tmp_path / "now.zip").exit_code == 0
        monkeypatch.delenv("CONNECTOR_TABLE")
        for item in stack.client("dynamodb").scan(TableName=stack.outputs["TableName"])["Items"]:
            key = {name: item[name] for name in ("pk", "sk")}
            stack.client("dynamodb").delete_item(TableName=stack.outputs["TableName"], Key=key)
        monkeypatch.setenv("CONNECTOR_TABLE", "before")
        assert connector("export", "acme", tmp_path / "before.zip").exit_code == 0
        monkeypatch.delenv("CONNECTOR_TABLE")
        assert connector("import", tmp_path / "before.zip").exit_code == 0
        [document] = json.loads(connector("documents", "--json").stdout)["documents"]
    assert (document["number"], document["state"]) == ("0045001234", "DELIVERED")
