"""`connector replay` of a selection and `connector redrive`, as a user runs them on a stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.instants import instant
from cli.stack import Stack
from connector import errors
from connector.adapters.redrive import redrive
from connector.ledger import DocumentKey, State
from connector.rules.packs import PartnerPack
from tests.fakes import FakeWorld
from tests.functions.template import CONSUMERS
from tests.stack_of_fakes import REGION, connector, stack_of
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER

DAY = 24 * 3600
INVOICE = f"acme/out/{PARTNER}/invoice/0000421"


def days(fake: FakeWorld, count: float) -> str:
    fake.clock.pass_(count * DAY)
    return fake.clock.now()


def busy() -> tuple[FakeWorld, list[str]]:
    """An order and invoice delivered; then, two days apart: an odd file, two orders of a stranger, a refused order."""
    fake = outbound.world()
    outbound.told(fake)
    noon = [days(fake, 2)]
    inbound.put(fake, "out/odd.json", b"{")
    inbound.run(fake)
    noon.append(days(fake, 2))
    for number in ("S-1", "S-2"):
        inbound.put(fake, f"out/{number}.json", inbound.order(number, TradingPartnerId="STRANGER"))
    inbound.run(fake)
    noon.append(days(fake, 2))
    fake.freshbooks.outcomes = [(errors.Refused("the number is too long"), False)]
    inbound.put(fake, "out/R-1.json", inbound.order("R-1"))
    inbound.run(fake)
    noon.append(days(fake, 2))
    return fake, noon


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stack]:
    with stack_of(monkeypatch, tmp_path, busy()[0]) as made:
        yield made


@pytest.fixture
def noons() -> list[str]:
    return [noon[:19] for noon in busy()[1]]


def ids(*arguments: Any) -> set[str]:
    """The last parts of what `replay` of a selection would do again."""
    done = connector("replay", *arguments, "--dry-run", "--json")
    assert done.exit_code in (0, 1), done.output
    return {row["id"].rpartition("/")[2] for row in json.loads(done.stdout)["documents"]}


def test_a_selection_is_by_state_partner_type_code_and_time_and_they_narrow_each_other(
    stack: Stack, noons: list[str]
) -> None:
    assert ids("--state", "held") == {"odd.json", "S-1", "S-2"}
    assert ids("--state", "REJECTED") == {"R-1"}
    assert ids("--partner", "STRANGER") == {"S-1", "S-2"}
    assert ids("--type", "file") == {"odd.json"}
    assert ids("--code", "partner_not_set_up") == {"S-1", "S-2"}
    assert ids("--code", "refused", "--partner", PARTNER) == {"R-1"}
    assert ids("--code", "refused", "--state", "HELD") == set()
    assert ids("--since", noons[1]) == {"S-1", "S-2", "R-1"}
    assert ids("--since", noons[1], "--until", noons[2]) == {"S-1", "S-2"}
    assert ids("--until", noons[1], "--direction", "in") == {"odd.json"}
    assert ids("--direction", "out") == set()
    assert ids("--direction", "in", "--connection", "birch") == set()


def test_a_selection_by_a_mistyped_code_or_a_window_that_ends_before_it_starts_is_refused(
    stack: Stack, noons: list[str]
) -> None:
    mistyped = connector("replay", "--code", "partner_not_setup")
    assert (mistyped.exit_code, mistyped.stdout) == (2, "")
    assert (
        "partner_not_setup is not among the error codes (did you mean partner_not_set_up?" in mistyped.stderr
    )
    backwards = connector("replay", "--since", noons[2], "--until", noons[1])
    assert (backwards.exit_code, backwards.stdout) == (2, "")
    assert f"nothing is both since {noons[2]} and until {noons[1]}" in backwards.stderr
    assert ids("--code", "order_not_there") == set()  # a known one that nothing has is no slip
    assert ids("--code", "price_differs") == set()


def test_a_replayed_selection_is_queued_once_each_and_says_so_on_the_history(stack: Stack) -> None:
    done = connector("replay", "--partner", "STRANGER", "--reason", "set up today", "--json")
    assert done.exit_code == 0, done.output
    assert {row["outcome"] for row in json.loads(done.stdout)["documents"]} == {"replayed"}
    queued = messages(stack, "SpsFilesToMap")
    assert {one["replay"].rpartition("/")[2] for one in queued} == {"S-1", "S-2"}
    record = stack.wiring.ledger.get(DocumentKey.of("acme/in/STRANGER/order/S-1"))
    assert record is not None
    assert (record.state, record.history[-1].note) == (State.RECEIVED, "set up today")


def test_a_dry_run_shows_field_by_field_what_a_changed_pack_would_change_in_what_was_delivered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake, _ = busy()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", header={"Division": "019"}))
    with stack_of(monkeypatch, tmp_path, fake) as stack:
        done = connector("replay", "--state", "DELIVERED", "--type", "invoice", "--dry-run", "--json")
        assert messages(stack, "RecordsToMap") == []
    assert done.exit_code == 0
    [row] = json.loads(done.stdout)["documents"]
    assert row["id"] == INVOICE
    assert row["differences"] == [{"field": "Header.InvoiceHeader.Division", "sent": None, "now": "019"}]
    assert "Division" not in connector("replay", INVOICE, "--dry-run").stdout  # that stack is gone


def test_delivered_documents_are_selected_only_by_force_with_a_reason_and_after_a_question(
    stack: Stack,
) -> None:
    chosen = ("replay", "--state", "DELIVERED", "--type", "invoice")
    assert connector(*chosen).exit_code == 2
    assert connector(*chosen, "--force").exit_code == 2
    assert (
        connector(*chosen, "--force", "--reason", "the partner lost it").exit_code == 130
    )  # nobody says yes
    assert messages(stack, "RecordsToMap") == []
    done = connector(*chosen, "--force", "--reason", "the partner lost it", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert [one["replay"] for one in messages(stack, "RecordsToMap")] == [INVOICE]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (INVOICE, "--state", "HELD"),
        ("--state", "MAPPED"),
        ("--state", "NONSENSE"),
        ("--direction", "up"),
        ("--since", "yesterday"),
        ("--since", "2026-02-30"),
        ("not-an-id",),
    ],
)
def test_what_makes_no_sense_ends_with_2_and_one_line(arguments: tuple[str, ...]) -> None:
    done = connector("replay", *arguments)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_points_in_time_are_dates_times_with_and_without_a_zone_or_how_long_ago() -> None:
    now = datetime(2026, 4, 16, 12, 0, tzinfo=UTC)

    def said(text: str, end: bool = False) -> str:
        return instant(text, option="--since", end=end, now=now)[:16]

    assert said("2026-04-16") == "2026-04-16T00:00"
    assert said("2026-04-16T09:30") == "2026-04-16T09:30"
    assert said("2026-04-16T01:30+02:00") == "2026-04-15T23:30"
    assert said("90m") == "2026-04-16T10:30"
    assert said("12h") == "2026-04-16T00:00"
    assert said("3d") == "2026-04-13T12:00"
    assert said("2w") == "2026-04-02T12:00"
    assert said("") == ""
    assert said("2026-04-16", end=True) == "2026-04-16T23:59"
    assert said("2026-04-16T09:30", end=True) == "2026-04-16T09:30"
    assert said("3d", end=True) == "2026-04-13T12:00"


# --- dead letters --------------------------------------------------------------------------------------


def messages(stack: Stack, queue: str) -> list[Any]:
    sqs = boto3.client("sqs", region_name=REGION)
    found: list[Any] = []
    while got := sqs.receive_message(QueueUrl=stack.outputs[f"{queue}Url"], MaxNumberOfMessages=10).get(
        "Messages"
    ):
        found += [json.loads(one["Body"]) for one in got]
    return found


def test_the_dead_letters_of_every_queue_are_put_back_whole_and_once(stack: Stack) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    for queue in CONSUMERS:
        for n in range(12):
            sqs.send_message(QueueUrl=stack.outputs[f"{queue}FailedUrl"], MessageBody=json.dumps({queue: n}))
        done = connector("redrive", queue, "--json")
        assert (done.exit_code, json.loads(done.stdout)["messages"]) == (0, 12)
        assert json.loads(connector("redrive", queue, "--json").stdout)["messages"] == 0
    for queue in CONSUMERS:
        assert sorted(one[queue] for one in messages(stack, queue)) == list(range(12))


class Sqs:
    """Amazon's SQS, as far as moving dead letters goes."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.asked: list[dict[str, str]] = []

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:
        return {"Attributes": {"QueueArn": f"arn:{QueueUrl}", "ApproximateNumberOfMessages": "7"}}

    def start_message_move_task(self, **asked: str) -> None:
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "StartMessageMoveTask")
        self.asked.append(asked)


def test_where_sqs_moves_messages_it_is_left_to_do_it() -> None:
    sqs = Sqs()
    assert redrive(sqs, "dead", "live") == (7, True)
    assert sqs.asked == [{"SourceArn": "arn:dead", "DestinationArn": "arn:live"}]


def test_a_move_that_sqs_refuses_is_told_and_nothing_is_moved_by_hand() -> None:
    with pytest.raises(errors.Busy, match="AccessDenied"):
        redrive(Sqs("AccessDenied"), "dead", "live")
