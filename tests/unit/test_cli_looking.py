"""What the console shows, for scripts: the same figures as a user runs the commands on a stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.documents import documents_table
from cli.stack import Stack
from tests.stack_of_fakes import API_URL, connector, stack_of
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER

ODD = "odd[red].json"
INVOICE = f"acme/out/{PARTNER}/invoice/0000421"


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stack]:
    """An order that was delivered, an invoice that is held as its price differs, a file that nobody can read."""
    fake = outbound.world(ordered=False)
    inbound.put(fake, "out/1.json", inbound.order(price=2.4))
    inbound.run(fake)
    outbound.told(fake)
    inbound.put(fake, f"out/{ODD}", b"{")
    inbound.run(fake)
    with stack_of(monkeypatch, tmp_path, fake) as made:
        yield made


def told(*arguments: Any, code: int = 0) -> Any:
    done = connector(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def numbers(*arguments: Any) -> list[str]:
    return [
        one["number"] for one in json.loads(connector("documents", *arguments, "--json").stdout)["documents"]
    ]


def test_the_overview_counts_what_needs_a_person_and_the_money_that_waits() -> None:
    [one] = told("overview", code=1)["connections"]
    assert (one["connection"], one["person"]["count"], one["open"]) == ("acme", 2, 2)
    assert one["in_flight"] == {"USD": "100.00"}
    shown = connector("overview").stdout
    assert "acme: 2 need a person" in shown
    assert "100.00 USD" in shown


def test_webhooks_that_are_silent_need_somebody_though_no_document_does(stack: Stack) -> None:
    for state in ("HELD", "REJECTED"):
        for one in json.loads(connector("documents", "--state", state, "--json").stdout)["documents"]:
            assert connector("resolve", one["id"], "--reason", "by hand").exit_code == 0
    assert "well" in connector("overview").stdout
    told("overview", code=0)
    silent = {"bill": "FreshBooks has switched it off"}
    stack.wiring.notes.write("acme", "reconcile", "callbacks", {"silent": silent})
    shown = connector("overview")
    assert (shown.exit_code, "register again: bill" in shown.stdout) == (1, True)


@pytest.mark.parametrize("command", [("overview",), ("documents",), ("show", f"acme/in/-/file/{ODD}")])
def test_what_others_wrote_in_brackets_is_shown_as_they_wrote_it(command: tuple[str, ...]) -> None:
    assert ODD in connector(*command).stdout


def test_a_stack_without_connections_needs_nobody(stack: Stack) -> None:
    stack.wiring.notes.remove("", "connection", "acme")
    assert told("overview") == {"connections": []}


@pytest.mark.parametrize(
    ("option", "mistyped", "known"),
    [("type", "invoise", "invoice"), ("state", "helt", "HELD"), ("direction", "up", "in or out"),
     ("partner", "123ALLSUPLIER", PARTNER)],
)  # fmt: skip
def test_what_there_is_not_is_bad_use_and_not_a_search_without_a_result(
    option: str, mistyped: str, known: str
) -> None:
    done = connector("documents", f"--{option}", mistyped)
    assert (done.exit_code, done.stdout) == (2, "")
    assert mistyped in done.stderr
    assert known in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_search_without_a_result_is_one_where_all_that_it_names_is_there() -> None:
    assert told("documents", "--partner", PARTNER, "--type", "asn", "--state", "HELD") == {
        "documents": [],
        "more": False,
    }


def test_documents_are_found_by_reason_amount_and_day() -> None:
    assert numbers("--state", "person") == [ODD, "0000421"]
    assert numbers("--code", "price_differs") == ["0000421"]
    assert numbers("--least", "99", "--type", "invoice") == ["0000421"]
    assert numbers("--most", "99.99") == ["0045001234"]
    assert numbers("--until", "2020-01-01") == []
    assert connector("documents", "--least", "much").exit_code == 2


def test_a_held_invoice_is_shown_beside_its_order() -> None:
    [line] = told("diff", INVOICE)["lines"]
    assert (line["order_price"], line["price"]) == ("2.4", "2.5")
    assert "order price" in connector("diff", INVOICE).stdout
    assert connector("diff", "acme/out/X/invoice/none").exit_code == 2


def test_queues_tell_what_gave_up_and_about_which_document(stack: Stack) -> None:
    assert {one["failed"] for one in told("queues")["queues"]} == {0}
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["RsxToPushFailedUrl"], MessageBody=json.dumps({"key": INVOICE})
    )
    [failed] = [one for one in told("queues", code=1)["queues"] if one["failed"]]
    assert (failed["queue"], failed["messages"][0]["key"]) == ("rsx_to_push", INVOICE)
    assert INVOICE in connector("queues").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("documents -c acne", "there is no connection acne (`connector connections list` names them)"),
        ("verify-history -c acne", "there is no connection acne (`connector connections list` names them)"),
        (f"show acme/in/{PARTNER}/order/1", "(`connector documents --search NUMBER` finds it)"),
        ("show acme", "a document id reads CONNECTION/in|out/PARTNER/TYPE/NUMBER"),
        ("documents --since 2026-13-45", "--since 2026-13-45 is no point in time (write 2026-04-16"),
        ("documents --until 2026-13-45", "--until 2026-13-45 is no point in time (write 2026-04-16"),
        (
            "documents --since 2026-04-17 --until 2026-04-16",
            "nothing is both since 2026-04-17T00:00:00 and until 2026-04-16T23:59:59",
        ),
        (
            "documents --code price_difers",
            "no document matches, and price_difers is not among the error codes (did you mean price_differs?",
        ),
        (
            "documents --code qqq",
            "qqq is not among the error codes (`connector errors` and",
        ),
        ("documents --least ten", "least: ten is no amount (write it like 1234.50)"),
        (
            "partners live acme NOBODY",
            "partner NOBODY is not set up (`connector partners list acme` names them)",
        ),
        ("partners history acme NOBODY", "partner NOBODY is not set up"),
        ("partners alias acme", "Missing argument 'PARTNER'. (connector partners alias --help)"),
        ("redrive Bills", "'Bills' is not one of 'SpsFilesToMap', 'BillsToPush'"),
        ("documents --stack nope", "stack nope can't be read: Stack with id nope does not exist"),
        ("errors nope", "there is no error nope (`connector errors` and `connector rules` list them)"),
    ],
)
def test_a_slip_ends_with_2_and_one_line_that_says_how_it_is_put_right(arguments: str, words: str) -> None:
    done = connector(*arguments.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_stack_with_several_connections_names_them(stack: Stack) -> None:
    kept = stack.wiring.notes.read("", "connection", "acme")
    assert kept is not None
    stack.wiring.notes.write("", "connection", "birch", {**kept, "id": "birch"})
    done = connector("report", "open-bills")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: the stack has 2 connections (say which with -c: acme, birch)\n",
    )


def test_the_code_of_a_check_is_explained_like_that_of_an_error() -> None:
    [(code, entry)] = told("errors", "price_differs")["errors"].items()
    assert (code, entry["retries"]) == ("price_differs", False)
    assert "price" in entry["meaning"]
    assert "correct the price" in entry["fix"]
    assert list(told("errors", "shadow_mode")["errors"]) == ["shadow_mode"]
    assert "price_differs" not in told("errors")["errors"]


def test_what_came_to_its_state_lately_is_found_by_how_long_ago(stack: Stack) -> None:
    assert numbers("--since", "1h") == []  # the fake world's clock stands in the past
    assert len(numbers("--since", "2026-01-01")) == 3


def test_an_emulators_api_has_the_address_that_the_environment_gives(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Stack(stack.name).outputs["ApiUrl"] == API_URL
    monkeypatch.setenv("CONNECTOR_API_URL", "http://127.0.0.1:4566/api")
    assert Stack(stack.name).outputs["ApiUrl"] == "http://127.0.0.1:4566/api"


def test_a_listing_of_80_columns_cuts_nothing_off() -> None:
    row = {
        "connection": "acme-northwest",
        "direction": "out",
        "partner": "123ALLEXAMPLERETAIL",
        "type": "shipment",
    }
    row |= {"number": "INV-2026-0045001234", "state": "PICKED_UP", "amount": "1234567.89", "currency": "USD"}
    rows = [{**row, "reason": {}, "revision": 2, "duplicates": 1}]
    page = Console(width=80, file=StringIO())
    page.print(documents_table(rows))
    assert "…" not in page.file.getvalue()  # type: ignore[attr-defined]
