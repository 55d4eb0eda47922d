"""Closing out a bill that has done its work: asked for by a person, done once, looked at afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector import errors
from connector.ledger import Record, State
from connector.usecases.closing import close_out
from connector.usecases.people import story
from connector.usecases.reconcile import reconcile
from connector.usecases.replaying import preview, replay, resolve
from connector.usecases.upkeep import resolve_in_doubt
from tests.fakes import FakeWorld
from tests.stack_of_fakes import connector, stack_of
from tests.unit import test_inbound as inbound
from tests.unit.test_exporting import ORDER
from tests.unit.test_reports import bills, found, invoiced, traded

CLOSING = ORDER._replace(type="close_out")


def done() -> FakeWorld:
    """An order that is billed and invoiced."""
    fake = traded()
    invoiced(fake, "INV-1", "40", "2.50", "100.00")
    return fake


def asked(fake: FakeWorld) -> None:
    close_out(fake.world, ORDER, who="a person", why="the order is invoiced")


def record(fake: FakeWorld) -> Record:
    return fake.ledger.records[CLOSING]


def test_the_bill_is_deleted_once_however_often_it_is_asked_for() -> None:
    fake = done()
    deleted: list[int] = []
    delete = fake.freshbooks.delete_bill
    fake.freshbooks.delete_bill = lambda bill_id: (deleted.append(bill_id), delete(bill_id))[1]  # type: ignore[method-assign]
    asked(fake)
    asked(fake)
    inbound.drain(fake)
    asked(fake)
    inbound.drain(fake)
    assert deleted == [1000]
    assert (record(fake).state, record(fake).remote_id, record(fake).amount) == (
        State.DELIVERED,
        "1000",
        "100.00",
    )
    assert story(fake.ledger, fake.archive, CLOSING)["history_broken_at"] is None


def test_a_closed_bill_is_neither_open_nor_missing_nor_unexplained() -> None:
    fake = done()
    assert bills(fake)["close_out"] == [ORDER.id]
    asked(fake)
    inbound.drain(fake)
    assert bills(fake)["bills"] == []
    assert found(fake) == []
    result = reconcile(fake.world)
    assert result["unexplained"] == 0
    assert result["counts"]["closed out"] == 1


def test_a_bill_that_is_paid_meanwhile_is_left_and_a_person_is_told() -> None:
    fake = done()
    asked(fake)
    fake.freshbooks.bills[1000]["paid"] = {"amount": "1.00", "code": "USD"}
    inbound.drain(fake)
    assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "bill_already_paid")
    assert fake.freshbooks.bills[1000]["vis_state"] == 0
    fake.freshbooks.bills[1000]["paid"] = {"amount": "0.00", "code": "USD"}
    assert preview(fake.world, CLOSING)["document"] == {"close_out": "1000"}
    replay(fake.world, CLOSING, who="a person")
    inbound.drain(fake)
    assert record(fake).state is State.DELIVERED


def test_a_deletion_that_freshbooks_ignores_is_noticed() -> None:
    fake = done()
    fake.freshbooks.delete_bill = lambda bill_id: fake.freshbooks.get_bill(bill_id)  # type: ignore[method-assign]
    asked(fake)
    inbound.drain(fake)
    assert (record(fake).state, record(fake).reason["code"]) == (State.REJECTED, "change_ignored")


@pytest.mark.parametrize("acted", [True, False])
def test_a_lost_reply_ends_in_one_deleted_bill(acted: bool) -> None:
    fake = done()
    delete = fake.freshbooks.delete_bill

    def loses_its_reply(bill_id: int) -> Any:
        fake.freshbooks.delete_bill = delete  # type: ignore[method-assign]
        if acted:
            delete(bill_id)
        raise errors.OutcomeUnknown("no answer")

    fake.freshbooks.delete_bill = loses_its_reply  # type: ignore[method-assign]
    asked(fake)
    with pytest.raises(errors.OutcomeUnknown):
        inbound.drain(fake)
    assert record(fake).state is State.IN_DOUBT
    for _ in range(3):
        fake.clock.pass_(3600)
        resolve_in_doubt(fake.world)
        try:
            inbound.drain(fake)
        except errors.Busy:  # asked once, asking again
            continue
    assert (record(fake).state, fake.freshbooks.bills[1000]["vis_state"]) == (State.DELIVERED, 1)


def test_a_change_of_an_order_whose_bill_is_closed_out_is_held() -> None:
    fake = traded()
    asked(fake)
    inbound.drain(fake)
    inbound.put(fake, "out/2.json", inbound.order(price=3.0, TsetPurposeCode="05"))
    inbound.run(fake)
    order = fake.ledger.records[ORDER]
    assert (order.state, order.reason["code"]) == (State.HELD, "bill_deleted")
    assert fake.freshbooks.posts == 1


def brought_back() -> FakeWorld:
    """A bill that was closed out, and that somebody brought back in FreshBooks."""
    fake = done()
    asked(fake)
    inbound.drain(fake)
    fake.freshbooks.bills[1000]["vis_state"] = 0
    return fake


def test_a_bill_that_somebody_brought_back_is_offered_again_and_asked_about_before_it_is_closed_again() -> (
    None
):
    fake = brought_back()
    assert bills(fake)["close_out"] == [ORDER.id]
    for _ in range(2):
        asked(fake)
        inbound.drain(fake)
        assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "bill_brought_back")
        assert fake.freshbooks.bills[1000]["vis_state"] == 0
    replay(fake.world, CLOSING, who="a person", reason="it was a mistake", force=True)
    inbound.drain(fake)
    assert (record(fake).state, record(fake).revision) == (State.DELIVERED, 2)
    assert fake.freshbooks.bills[1000]["vis_state"] == 1
    assert bills(fake)["bills"] == []
    assert story(fake.ledger, fake.archive, CLOSING)["history_broken_at"] is None


def test_a_bill_that_is_brought_back_once_more_is_asked_about_once_more() -> None:
    fake = brought_back()
    asked(fake)
    inbound.drain(fake)
    replay(fake.world, CLOSING, who="a person", reason="it was a mistake", force=True)
    inbound.drain(fake)
    fake.freshbooks.bills[1000]["vis_state"] = 0
    asked(fake)
    inbound.drain(fake)
    assert record(fake).reason["code"] == "bill_brought_back"


def test_a_bill_that_a_person_chose_to_keep_is_not_offered_for_closing_any_more() -> None:
    fake = brought_back()
    asked(fake)
    inbound.drain(fake)
    resolve(fake.world, CLOSING, who="a person", reason="it is owed after all")
    told = bills(fake)
    assert ([row["purchase_order"] for row in told["bills"]], told["close_out"]) == (["0045001234"], [])
    asked(fake)
    inbound.drain(fake)
    assert (record(fake).state, fake.freshbooks.bills[1000]["vis_state"]) == (State.SKIPPED, 0)


def test_the_bill_of_an_order_that_was_issued_anew_is_closed_without_asking() -> None:
    fake = traded()
    asked(fake)
    inbound.drain(fake)
    inbound.put(fake, "out/2.json", inbound.order(TsetPurposeCode="01"))
    inbound.run(fake)
    inbound.put(fake, "out/3.json", inbound.order(PurchaseOrderDate="2026-04-02"))
    inbound.run(fake)
    asked(fake)
    inbound.drain(fake)
    assert (record(fake).state, record(fake).remote_id) == (State.DELIVERED, "1001")
    assert fake.freshbooks.bills[1001]["vis_state"] == 1


def test_an_order_without_a_bill_has_nothing_to_close() -> None:
    fake = inbound.world()
    fake.freshbooks.categories = {}
    inbound.put(fake, "out/1.json", inbound.order())
    inbound.run(fake)
    with pytest.raises(errors.CheckFailed, match="which bill"):
        asked(fake)
    with pytest.raises(errors.BadUse):
        close_out(fake.world, ORDER._replace(number="none"), who="a person", why="x")


def test_the_command_asks_before_it_closes_and_says_what_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stack_of(monkeypatch, tmp_path, done()) as stack:
        # FreshBooks cannot be reached from here: then nothing is offered for closing
        told = connector("report", "open-bills", "--close-out", "--yes", "--json", "--days", "3650")
        assert told.exit_code == 0, told.output
        assert json.loads(told.stdout)["bills_known"] is False
        assert stack.wiring.ledger.get(CLOSING) is None
