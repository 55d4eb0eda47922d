"""The demo's day through the deployed template, and the command line on the stack that it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from local.account import Account
from local.cloud import ROOT
from local.day import GROCERIES, WORDS
from local.demo import PASSWORD, Demo

pytestmark = pytest.mark.cloud


def connector(demo: Demo, *arguments: str) -> tuple[int, str, str]:
    """The command line as a person runs it: exit code, stdout, stderr."""
    environment = demo.cloud.environment() | {"CONNECTOR_STACK": demo.stack.name}
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def told(demo: Demo, *arguments: str) -> Any:
    return json.loads(connector(demo, *arguments, "--json")[1])


def test_the_day_ends_with_every_document_exactly_once_at_the_vendors(day: tuple[Demo, Account]) -> None:
    _, account = day
    assert [row for row in account.rows if not row.ok] == []
    assert (account.duplicates, account.lost, account.foreign, account.open) == (0, 0, [], [])
    assert len(account.rows) == 73


def test_both_connections_are_listed_with_their_last_polls(day: tuple[Demo, Account]) -> None:
    rows = told(day[0], "connections", "list")["connections"]
    assert [row["id"] for row in rows] == ["birch", "cedar"]
    assert all(row["last_sps_poll"] and row["last_freshbooks_poll"] for row in rows)


def test_documents_are_listed_and_searched_and_those_that_need_a_person_make_exit_1(
    day: tuple[Demo, Account],
) -> None:
    demo, _ = day
    code, out, _ = connector(demo, "documents", "--connection", "birch")
    assert code == 1
    assert "ED0000017.edi" in out
    orders = told(demo, "documents", "--connection", "cedar", "--type", "order")["documents"]
    assert len(orders) == 19
    others = {order["number"]: order["state"] for order in orders if order["state"] != "DELIVERED"}
    assert others == {"M-1003": "CANCELLED", "M-1004": "SKIPPED", "M-1008": "HELD"}
    assert connector(demo, "documents", "--type", "invoice", "--connection", "cedar")[0] == 0
    found = told(demo, "documents", "--search", "0045001000")["documents"]
    assert {(row["connection"], row["type"]) for row in found} >= {("birch", "order"), ("cedar", "order")}


def test_a_documents_story_has_its_whole_history_and_payloads_under_one_correlation(
    day: tuple[Demo, Account],
) -> None:
    demo, _ = day
    story = told(demo, "show", "birch/in/201ALLBIRCH/order/0045001000", "--payloads")
    steps = [event["what"] for event in story["history"]]
    assert steps[:3] == ["received", "mapped", "claimed"]
    assert "shipment" in steps
    assert story["history_broken_at"] is None
    assert {"received", "exchange"} <= set(story["contents"])
    pushed = [
        event for event in story["history"] if event["what"] in ("received", "mapped", "claimed", "delivered")
    ]
    assert len({event["correlation_id"] for event in pushed}) == 1
    code, out, _ = connector(demo, "show", "birch/in/201ALLBIRCH/order/0045001000")
    assert code == 0
    assert "delivered" in out


def test_the_days_logs_tell_every_documents_story_and_nobodys_secrets_names_or_goods(
    day: tuple[Demo, Account],
) -> None:
    demo, _ = day
    logs = demo.cloud.logs()
    told = [json.loads(line) for line in logs if line.startswith('{"level"')]
    for order in demo.ledger(demo.suppliers[0]):
        if order["type"] == "order" and order["state"] == "DELIVERED":
            story = [line for line in told if line.get("document") == order["id"]]
            assert {"map_inbound", "push_freshbooks"} <= {line["service"] for line in story}, order["id"]
    grants, hooks = demo.freshbooks.grants, demo.freshbooks.webhooks.callbacks.values()
    planted = {
        *(
            PASSWORD,
            "sps-secret-of-",
            "fb-secret-of-",
            "1 Main Street",
            "Minneapolis",
            "9 Factory Lane",
            "Duluth",
        ),
        *(*grants.access, *grants.refresh, *demo.sps.tokens, *(hook.verifier for hook in hooks)),
        *(partner.name for supplier in demo.suppliers for partner in supplier.all_partners),
        *(supplier.name for supplier in demo.suppliers),
        *(*WORDS, *GROCERIES),
    }
    assert len(planted) > 40
    printed = "\n".join(logs)
    assert [text for text in planted if text in printed] == []


def test_what_is_not_there_or_makes_no_sense_ends_with_one_line_and_2(day: tuple[Demo, Account]) -> None:
    demo, _ = day
    for arguments in (
        ("show", "birch/in/201ALLBIRCH/order/nothing"),
        ("show", "nonsense"),
        ("documents", "--state", "LOST"),
        ("documents", "--stack", "no-such-stack"),
        ("ping", "nobody"),
        ("partners", "import", "birch", "no-such-file.toml"),
    ):
        code, out, err = connector(demo, *arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith("error: "), arguments
        assert err.count("\n") == 1, arguments


def test_ping_goes_step_by_step_through_both_vendors(day: tuple[Demo, Account]) -> None:
    code, out, _ = connector(day[0], "ping", "cedar")
    assert code == 0
    assert out.count("ok") >= 8


def test_the_command_line_shows_what_the_console_shows(day: tuple[Demo, Account]) -> None:
    demo, _ = day
    [birch] = told(demo, "overview", "-c", "birch")["connections"]
    assert (birch["person"]["count"], birch["health"]["freshbooks"]["stranded"]) == (1, False)
    assert all(one["failed"] == 0 for one in told(demo, "queues")["queues"])
    lines = told(demo, "diff", "birch/out/202ALLBIRCH/invoice/BIR-202-001")["lines"]
    assert lines
    assert all(line["ordered"] == line["here"] for line in lines)
    chosen = told(demo, "business", "birch")
    assert chosen["account"] in [one["account"] for one in chosen["businesses"]]
    assert connector(demo, "business", "birch", "NOBODYS")[0] == 2


def test_partners_are_listed_with_what_they_get(day: tuple[Demo, Account]) -> None:
    partners = told(day[0], "partners", "list", "birch")["partners"]
    assert {partner["trading_partner_id"] for partner in partners} == {
        "201ALLBIRCH",
        "202ALLBIRCH",
        "203ALLBIRCH",
    }


def test_one_sps_token_served_all_functions_of_a_connection(day: tuple[Demo, Account]) -> None:
    accounts = day[0].sps.state()["accounts"]
    # one at the start, and one after SPS had forgotten all tokens
    assert {name: account["tokens_issued"] for name, account in accounts.items()} == {
        "sps-birch": 2,
        "sps-cedar": 2,
    }
