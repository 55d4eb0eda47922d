"""An order's acknowledgement: decided by the pack or by a person, mapped, sent, and minded before its deadline."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.acknowledging import read_lines
from cli.main import app
from connector import errors
from connector.documents.order import Order
from connector.findings import Trace
from connector.ledger import DocumentKey, Record, State
from connector.mapping.order_to_ack import Decision, LineDecision, accepted_quantities, order_to_ack
from connector.rules.packs import PartnerPack
from connector.usecases.acknowledging import acknowledge, decision_of
from connector.usecases.people import story
from connector.usecases.replaying import preview, replay
from connector.usecases.upkeep import resolve_in_doubt
from tests import builders
from tests.fakes import FakeWorld
from tests.outbound import assert_official, codes, official
from tests.stack_of_fakes import connector, stack_of
from tests.unit.test_inbound import PARTNER, order, put
from tests.unit.test_inbound import run as run_inbound
from tests.unit.test_outbound import drain, sent

TODAY = date(2026, 3, 3)
ORDER = DocumentKey("acme", "in", PARTNER, "order", "0045001234")
ACK = ORDER._replace(direction="out", type="ack")


def decided(*lines: LineDecision, verdict: Any = "lines") -> Decision:
    return Decision(verdict=verdict, lines=lines, who="clerk", at=TODAY)


def mapped(decision: Decision, **changes: Any) -> dict[str, Any]:
    result = order_to_ack(Order.model_validate(builders.order(2, **changes)), decision)
    assert codes(result.findings, "error") == []
    assert_official(result.document, "OrderAck")
    return result.document


def statuses(document: dict[str, Any]) -> list[list[tuple[str, float]]]:
    return [
        [(status["ItemStatusCode"], status["ItemScheduleQty"]) for status in item["LineItemAcknowledgement"]]
        for item in document["LineItem"]
    ]


# --- the mapping ------------------------------------------------------------------------------------------


def test_an_order_accepted_whole_is_repeated_with_every_line_as_ordered() -> None:
    document = mapped(decided(verdict="accept"))
    header = document["Header"]["OrderHeader"]
    assert (header["AcknowledgementType"], header["TsetPurposeCode"]) == ("AD", "00")
    assert (header["AcknowledgementDate"], header["Department"], header["Vendor"]) == (
        "2026-03-03",
        "026",
        "VEND6174",
    )
    assert statuses(document) == [[("IA", 5)], [("IA", 5)]]
    assert document["LineItem"][0]["LineItemAcknowledgement"][0] == {
        "ItemStatusCode": "IA",
        "ItemScheduleQty": 5,
        "ItemScheduleUOM": "EA",
        "ItemScheduleQualifier": "068",  # we promise to ship on the day that the order asks for (010)
        "ItemScheduleDate": "2026-03-10",
    }
    assert document["LineItem"][1]["OrderLine"]["BuyerPartNumber"] == "B-2"
    assert document["Summary"] == {"TotalLineItemNumber": 2}


def test_an_order_rejected_whole_rejects_every_line() -> None:
    document = mapped(decided(verdict="reject"))
    assert document["Header"]["OrderHeader"]["AcknowledgementType"] == "RD"
    assert statuses(document) == [[("IR", 5)], [("IR", 5)]]


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        ({"quantity": "3"}, [("IQ", 3)]),
        ({"quantity": "3", "backorder": "2"}, [("IQ", 3), ("IB", 2)]),
        ({"backorder": "5"}, [("IB", 5)]),
        ({"quantity": "0"}, [("ID", 0)]),
        ({"price": "21.50"}, [("IP", 5)]),
        ({"price": "20"}, [("IA", 5)]),
        ({"ship_date": "2026-03-20"}, [("DR", 5)]),
        ({"vendor_part": "V-9"}, [("IS", 5)]),
        ({"quantity": "4", "price": "19"}, [("IC", 4)]),
        ({"reject": "ROS"}, [("ROS", 5)]),
    ],
    ids=str,
)
def test_each_decision_about_a_line_has_its_status(
    decision: dict[str, str], expected: list[tuple[str, float]]
) -> None:
    one = LineDecision.model_validate({"line": "1"} | decision)
    document = mapped(decided(one))
    assert statuses(document) == [expected, [("IA", 5)]]
    plain = decision == {"price": "20"}
    assert document["Header"]["OrderHeader"]["AcknowledgementType"] == ("AD" if plain else "AC")


def test_what_is_offered_instead_is_told_with_the_status() -> None:
    one = LineDecision(
        line="1", price=Decimal("21.50"), vendor_part="V-9", upc="859563003999", ship_date=date(2026, 3, 20)
    )
    status = mapped(decided(one))["LineItem"][0]["LineItemAcknowledgement"][0]
    assert (status["VendorPartNumber"], status["ConsumerPackageCode"]) == ("V-9", "859563003999")
    assert (status["PurchasePrice"], status["ItemScheduleDate"]) == (21.5, "2026-03-20")


@pytest.mark.parametrize(
    "line",
    [{"line": "7"}, {"line": "1", "quantity": "6"}, {"line": "1", "quantity": "4", "backorder": "2"}],
    ids=str,
)
def test_more_than_was_ordered_cannot_be_promised(line: dict[str, str]) -> None:
    decision = decided(LineDecision.model_validate(line))
    result = order_to_ack(Order.model_validate(builders.order(2)), decision)
    assert codes(result.findings, "error") == ["decision_impossible"]


def test_what_is_promised_counts_backorders_and_not_what_is_rejected() -> None:
    decision = decided(
        LineDecision(line="1", quantity=Decimal(3), backorder=Decimal(2)), LineDecision(line="2", reject="IR")
    )
    promised = accepted_quantities(Order.model_validate(builders.order(3)), decision)
    assert promised == {"1": 5, "2": 0, "3": 5}


def test_the_official_acknowledgement_is_made_of_the_official_order() -> None:
    theirs = official("PR584615-1-v7.7-BulkImport_AllAccept_With_Change.json")
    decision = decided(
        LineDecision(
            line="1",
            quantity=Decimal(3),
            backorder=Decimal(2),
            ship_date=date(2020, 12, 15),
            backorder_date=date(2020, 12, 15),
        ),
        LineDecision(line="2", ship_date=date(2018, 12, 26)),
        LineDecision(line="3", ship_date=None),
    )
    order = Order.model_validate(official("PO584615-1-v7.7-BulkImport.json"))
    ours = order_to_ack(order, decision).document
    assert_official(ours, "OrderAck")
    assert ours["Header"]["OrderHeader"]["AcknowledgementType"] == "AC"
    assert statuses(ours) == statuses(theirs)
    for item, other in zip(ours["LineItem"], theirs["LineItem"], strict=True):
        for name in ("LineSequenceNumber", "BuyerPartNumber", "ConsumerPackageCode", "GTIN", "OrderQty"):
            assert item["OrderLine"][name] == other["OrderLine"][name]


def test_every_field_is_explained() -> None:
    trace: Trace = {}
    decision = decided(LineDecision(line="1", quantity=Decimal(3), backorder=Decimal(2)))
    order_to_ack(Order.model_validate(builders.order(2)), decision, trace=trace)
    assert [path for path, source in trace.items() if source.rule == "mapped"] == []
    assert trace["LineItem[1].OrderLine.VendorPartNumber"].paths == (
        "order.LineItem[1].OrderLine.VendorPartNumber",
    )


# --- by policy --------------------------------------------------------------------------------------------


def world(**acknowledgements: Any) -> FakeWorld:
    fake = FakeWorld()
    set_up(fake, **acknowledgements)
    put(fake, "out/1.json", order())
    come(fake)
    return fake


def set_up(fake: FakeWorld, hours: int = 24, **acknowledgements: Any) -> None:
    policy = {"send": True} | acknowledgements
    deadlines = {"acknowledgement": {"hours": hours}}
    fake.set_up(
        PartnerPack.model_validate(
            {"trading_partner_id": PARTNER, "acknowledgements": policy, "deadlines": deadlines}
        )
    )


def come(fake: FakeWorld) -> None:
    run_inbound(fake)
    drain(fake)


def ack(fake: FakeWorld) -> Record:
    record = fake.ledger.get(ACK)
    assert record is not None
    return record


def told_of(document: dict[str, Any]) -> tuple[str, str]:
    header = document["Header"]["OrderHeader"]
    return header["AcknowledgementType"], header["TsetPurposeCode"]


def test_an_order_is_acknowledged_as_it_comes_where_the_pack_accepts_all() -> None:
    fake = world()
    [path] = fake.sps.uploads
    assert path.startswith("in/PR0045001234-")
    assert [told_of(one) for one in sent(fake)] == [("AD", "00")]
    assert_official(sent(fake)[0], "OrderAck")
    assert ack(fake).state is State.DELIVERED
    fake.sps.pick_up()
    resolve_in_doubt(fake.world)
    assert ack(fake).state is State.PICKED_UP


def test_nothing_is_acknowledged_where_the_pack_does_not_ask_for_it() -> None:
    fake = world(send=False)
    assert fake.sps.uploads == []
    assert ACK not in fake.ledger.records


def test_the_same_order_again_is_not_acknowledged_again() -> None:
    fake = world()
    put(fake, "out/2.json", order())
    come(fake)
    assert len(fake.sps.uploads) == 1


def test_an_order_that_is_held_is_not_accepted_by_itself() -> None:
    fake = FakeWorld()
    set_up(fake)
    put(fake, "out/1.json", order() | {"LineItem": []})
    come(fake)
    held = ack(fake)
    assert held.reason["code"] == "decision_needed"
    assert "is held" in held.findings[0]["message"]


def test_an_order_that_agrees_with_the_items_of_freshbooks_is_accepted() -> None:
    fake = FakeWorld()
    set_up(fake, policy="compare")
    fake.freshbooks.items = items("2.50")
    put(fake, "out/1.json", order())
    come(fake)
    assert [told_of(one) for one in sent(fake)] == [("AD", "00")]


@pytest.mark.parametrize(
    ("known", "code"),
    [([], "no_items"), ([("V-9", "2.50")], "item_unknown"), ([("V-1", "2.60")], "price_off")],
)
def test_an_order_that_does_not_agree_is_held_with_what_differs(known: list[Any], code: str) -> None:
    fake = FakeWorld()
    set_up(fake, policy="compare")
    fake.freshbooks.items = [item for sku, price in known for item in items(price, sku)]
    put(fake, "out/1.json", order())
    come(fake)
    assert ack(fake).reason["code"] == "decision_needed"
    assert [finding["code"] for finding in ack(fake).findings] == [code]
    fake.freshbooks.items = items("2.50")
    replay_ack(fake)
    put(fake, "out/2.json", order())
    come(fake)
    assert fake.sps.uploads == [] or told_of(sent(fake)[0]) == ("AD", "00")


def items(price: str, sku: str = "V-1") -> list[dict[str, Any]]:
    return [{"id": 1, "name": "Bowl", "sku": sku, "unit_cost": {"amount": price, "code": "USD"}}]


def replay_ack(fake: FakeWorld) -> None:
    replay(fake.world, ACK, who="clerk")
    drain(fake)


# --- by a person ------------------------------------------------------------------------------------------


def test_a_person_decides_and_the_decision_is_shown_with_the_order() -> None:
    fake = world(policy="ask")
    assert ack(fake).reason["code"] == "decision_needed"
    acknowledge(
        fake.world, ORDER, decided(LineDecision(line="1", quantity=Decimal(30), backorder=Decimal(10)))
    )
    drain(fake)
    assert [told_of(one) for one in sent(fake)] == [("AC", "00")]
    assert fake.ledger.records[ORDER].fulfilment["ack/0045001234"]["lines"] == {"1": "40"}
    shown = story(fake.ledger, fake.archive, ORDER)["acknowledgement"]
    assert (shown["state"], shown["decision"]["who"]) == ("DELIVERED", "clerk")
    assert shown["decision"]["lines"] == [{"line": "1", "quantity": "30", "backorder": "10"}]


def test_the_order_is_shown_with_its_decision_and_what_is_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = world(policy="ask")
    with stack_of(monkeypatch, tmp_path / "before", fake):
        assert "HELD, nobody has decided yet" in connector("show", ORDER.id).stdout
    acknowledge(
        fake.world, ORDER, decided(LineDecision(line="1", quantity=Decimal(30), backorder=Decimal(10)))
    )
    drain(fake)
    with stack_of(monkeypatch, tmp_path / "after", fake):
        shown = connector("show", ORDER.id).stdout
    assert "DELIVERED, decided line by line by clerk; line 1: 30 accepted, 10 later" in shown
    [row] = [line.split("│") for line in shown.splitlines() if "│ V-1" in line]
    assert [cell.strip() for cell in row[5:]] == ["40", "40", "0", "0", "0", "40", ""]


def test_another_decision_replaces_what_was_sent() -> None:
    fake = world(policy="ask")
    for verdict in ("accept", "reject"):
        acknowledge(fake.world, ORDER, decided(verdict=verdict))
        drain(fake)
    assert [told_of(one) for one in sent(fake)] == [("AD", "00"), ("RD", "05")]
    acknowledge(fake.world, ORDER, decided(verdict="reject"))
    drain(fake)
    assert len(fake.sps.uploads) == 2


def test_another_decision_before_anything_was_sent_is_the_only_one() -> None:
    fake = world(policy="ask")
    acknowledge(fake.world, ORDER, decided(verdict="reject"))
    acknowledge(fake.world, ORDER, decided(verdict="accept"))
    drain(fake)
    assert [told_of(one) for one in sent(fake)] == [("AD", "00")]


def test_the_policy_does_not_override_a_person() -> None:
    fake = world(policy="ask")
    acknowledge(fake.world, ORDER, decided(verdict="reject"))
    drain(fake)
    set_up(fake, policy="accept")
    put(fake, "out/2.json", order())
    come(fake)
    assert [told_of(one) for one in sent(fake)] == [("RD", "00")]


def test_a_changed_order_needs_an_acknowledgement_of_its_own() -> None:
    fake = world()
    changed = order(TsetPurposeCode="05")
    changed["LineItem"][0]["OrderLine"]["OrderQty"] = 30
    put(fake, "out/2.json", changed)
    come(fake)
    assert [told_of(one) for one in sent(fake)] == [("AD", "00"), ("AD", "05")]
    assert sent(fake)[1]["LineItem"][0]["LineItemAcknowledgement"][0]["ItemScheduleQty"] == 30


def test_a_cancelled_order_needs_no_decision_any_more() -> None:
    fake = world(policy="ask")
    put(fake, "out/2.json", order(TsetPurposeCode="01"))
    come(fake)
    put(fake, "out/3.json", order(TsetPurposeCode="01"))
    come(fake)
    assert ack(fake).state is State.CANCELLED
    with pytest.raises(errors.BadUse):
        acknowledge(fake.world, ORDER, decided(verdict="accept"))


def test_what_cannot_be_decided_is_refused_at_once() -> None:
    fake = world(policy="ask")
    with pytest.raises(errors.BadUse, match="no line 9"):
        acknowledge(fake.world, ORDER, decided(LineDecision(line="9")))
    with pytest.raises(errors.BadUse, match="there is no order"):
        acknowledge(fake.world, ORDER._replace(number="1"), decided(verdict="accept"))
    with pytest.raises(errors.BadUse) as caught:
        decision_of({"lines": [{"line": "1", "quantity": "many"}], "at": "2026-03-03"})
    assert caught.value.place == "lines[0].quantity"


def test_a_decision_can_be_looked_at_again_from_the_archive() -> None:
    fake = world()
    assert preview(fake.world, ACK)["differences"] == []


# --- before the deadline ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("otherwise", "code"), [("accept", ""), ("hold", "decision_due")])
def test_the_deadline_decides_as_the_pack_says(otherwise: str, code: str) -> None:
    fake = world(policy="ask", otherwise=otherwise)
    fake.clock.pass_(20 * 3600)
    assert resolve_in_doubt(fake.world)["acknowledged"] == 0
    assert ack(fake).reason["code"] == "decision_needed"
    fake.clock.pass_(2.1 * 3600)
    assert resolve_in_doubt(fake.world)["acknowledged"] == 1
    drain(fake)
    assert ack(fake).reason.get("code", "") == code
    assert [told_of(one) for one in sent(fake)] == ([("AD", "00")] if otherwise == "accept" else [])
    assert resolve_in_doubt(fake.world)["acknowledged"] == 0


def test_a_lost_reply_to_an_acknowledgement_sends_nothing_a_second_time() -> None:
    fake = FakeWorld()
    set_up(fake)
    fake.sps.outcomes = [(errors.OutcomeUnknown("read timeout"), True)]
    put(fake, "out/1.json", order())
    with pytest.raises(errors.OutcomeUnknown):
        come(fake)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert len(fake.sps.uploads) == 1
    assert ack(fake).state is State.DELIVERED


# --- the command ------------------------------------------------------------------------------------------


def test_decisions_are_read_from_csv_and_json_alike(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfline,quantity,price,reject\r\n1, 3 ,,\r\n2,,,ROS\r\n")
    (tmp_path / "a.json").write_text('[{"line": "1", "quantity": "3"}, {"line": "2", "reject": "ROS"}]')
    assert read_lines(str(tmp_path / "a.csv")) == read_lines(str(tmp_path / "a.json"))


@pytest.mark.parametrize(
    ("arguments", "content", "words"),
    [
        ([], "", "say one of --accept, --reject and --lines FILE"),
        (["--accept", "--reject"], "", "say one of"),
        (["--lines", "a.csv"], "", "no line is decided"),
        (["--lines", "a.csv"], "[1]", "no line is decided"),
        (["--lines", "a.csv"], "line,quantity\n1,many", "is not a number"),
        (["--lines", "a.csv"], "line,colour\n1,red", "colour"),
        (["--lines", "none.csv"], "", "none.csv"),
    ],
)
def test_a_bad_decision_is_one_line_and_2(
    arguments: list[str], content: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(content)
    ran = CliRunner().invoke(app, ["acknowledge", ORDER.id, *arguments])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1
