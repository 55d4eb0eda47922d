"""Shadow mode on fakes: everything is mapped and checked, nothing is sent, and going live sends each once."""

from __future__ import annotations

import json

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State, verify_history
from connector.rules.packs import PartnerPack
from connector.usecases import packs, replaying
from connector.usecases.polling import poll_sps
from connector.usecases.upkeep import resolve_in_doubt
from tests.alone import map_inbound, push_document
from tests.fakes import FakeWorld
from tests.unit.test_inbound import PARTNER, order

LIVE = f"acme/live/{PARTNER}"
LOST = errors.OutcomeUnknown("read timed out")


def world(mode: str = "shadow") -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", mode=mode))  # type: ignore[arg-type]
    return fake


def offer(fake: FakeWorld, *numbers: str) -> None:
    for number in numbers:
        fake.sps.files[f"out/{number}.json"] = json.dumps(order(number)).encode()


def run(fake: FakeWorld) -> None:
    """Poll, then work all queues until nothing is left to do now."""
    poll_sps(fake.world)
    for _ in range(20):
        files, bills = fake.files.take(), fake.bills.take()
        for message in files:
            map_inbound(fake.world, message)
        for message in bills:
            push_document(fake.world, message)
        if not files and not bills:
            return


def stored(fake: FakeWorld, number: str = "1") -> Record:
    record = fake.ledger.get(DocumentKey("acme", "in", PARTNER, "order", number))
    assert record is not None
    return record


def test_in_shadow_an_order_is_mapped_and_checked_and_no_bill_made() -> None:
    fake = world()
    offer(fake, "1")
    run(fake)
    record = stored(fake)
    assert (record.state, record.reason["code"], record.waits_for) == (State.HELD, "shadow_mode", LIVE)
    assert (record.amount, record.currency) == ("100.00", "USD")
    assert record.history[-1].who == "map_inbound"
    assert fake.freshbooks.posts == 0
    assert "would be sent" in record.reason["fix"]


def test_what_the_check_noticed_is_told_in_shadow_as_it_is_live() -> None:
    shadow, live = world(), world("live")
    for fake in (shadow, live):
        odd = order("1") | {"Summary": {"TotalLineItemNumber": 2}}
        fake.sps.files["out/1.json"] = json.dumps(odd).encode()
        run(fake)
    assert stored(shadow).findings == stored(live).findings != ()


def test_what_would_be_sent_can_be_looked_at() -> None:
    fake = world()
    offer(fake, "1")
    run(fake)
    planned = replaying.preview(fake.world, stored(fake).key)
    assert planned["document"]["bill"]["bill_number"] == "1"


def test_going_live_sends_what_was_held_and_each_once() -> None:
    fake = world()
    offer(fake, "1", "2", "3")
    run(fake)
    assert packs.switch(fake.world, PARTNER, "live", who="test") == {"resumed": 3, "skipped": 0}
    run(fake)
    run(fake)
    assert [stored(fake, n).state for n in "123"] == [State.DELIVERED] * 3
    assert sorted(bill["bill_number"] for bill in fake.freshbooks.bills.values()) == ["1", "2", "3"]
    assert fake.freshbooks.posts == 3


def test_replaying_in_shadow_sends_nothing_either() -> None:
    fake = world()
    offer(fake, "1")
    run(fake)
    replaying.replay(fake.world, stored(fake).key, who="test")
    run(fake)
    assert stored(fake).reason["code"] == "shadow_mode"
    assert fake.freshbooks.posts == 0


def test_what_came_before_the_chosen_day_is_closed_and_never_sent() -> None:
    fake = world()
    offer(fake, "1")
    run(fake)
    fake.clock.pass_(3 * 86400)
    offer(fake, "2")
    run(fake)
    day = stored(fake, "2").created[:10]
    assert packs.switch(fake.world, PARTNER, "live", since=day, who="test") == {"resumed": 1, "skipped": 1}
    run(fake)
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    run(fake)
    assert stored(fake, "1").state is State.SKIPPED
    assert day in stored(fake, "1").history[-1].note
    assert stored(fake, "2").state is State.DELIVERED
    assert fake.freshbooks.posts == 1


def test_a_document_that_was_mapped_before_the_switch_is_not_sent_after_it() -> None:
    fake = world("live")
    offer(fake, "1")
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    packs.switch(fake.world, PARTNER, "shadow", who="test")
    run(fake)
    assert (stored(fake).state, stored(fake).waits_for) == (State.HELD, LIVE)
    assert stored(fake).history[-1].who == "push_freshbooks"
    assert ("document parked", {"document": stored(fake).key.id, "error": "shadow_mode"}) in fake.reports
    assert fake.freshbooks.posts == 0


@pytest.mark.parametrize("acted", [True, False])
def test_what_was_in_doubt_at_the_switch_is_asked_about_and_never_sent_again(acted: bool) -> None:
    fake = world("live")
    offer(fake, "1")
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    [message] = fake.bills.take()
    fake.freshbooks.outcomes = [(LOST, acted)]
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    packs.switch(fake.world, PARTNER, "shadow", who="test")
    busy = 0
    for _ in range(4):
        try:
            push_document(fake.world, message)
        except errors.Busy:
            busy += 1
            fake.clock.pass_(600)
    assert stored(fake).state is (State.DELIVERED if acted else State.HELD)
    assert busy == (0 if acted else 1), "while it settles, and then it is decided"
    assert stored(fake).history[-1].at == stored(fake).updated > stored(fake).created
    assert len(fake.freshbooks.bills) == int(acted)


def test_a_document_that_was_held_while_its_partner_went_live_is_woken() -> None:
    fake = world()
    offer(fake, "1")
    run(fake)
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail"))  # nobody resumed it
    resolve_in_doubt(fake.world)
    run(fake)
    assert stored(fake).state is State.DELIVERED


def test_the_history_tells_of_the_shadow_and_holds_together() -> None:
    fake = world()
    offer(fake, "1")
    run(fake)
    packs.switch(fake.world, PARTNER, "live", who="test")
    run(fake)
    record = stored(fake)
    assert [event.what for event in record.history][:2] == ["received", "held"]
    assert verify_history(record.history) is None


def test_other_partners_go_on_while_one_is_in_shadow() -> None:
    fake = world()
    fake.set_up(PartnerPack(trading_partner_id="OTHER", name="Other"))
    offer(fake, "1")
    fake.sps.files["out/other.json"] = json.dumps(order("9", TradingPartnerId="OTHER")).encode()
    run(fake)
    assert stored(fake).state is State.HELD
    assert [bill["bill_number"] for bill in fake.freshbooks.bills.values()] == ["9"]


def test_a_document_that_a_person_holds_back_is_not_sent_until_somebody_replays_it() -> None:
    fake = world("live")
    offer(fake, "1")
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    replaying.hold_back(fake.world, stored(fake).key, who="somebody", reason="price is being talked about")
    run(fake)
    assert (stored(fake).state, stored(fake).reason["code"]) == (State.HELD, "held_by_person")
    assert fake.freshbooks.posts == 0
    replaying.replay(fake.world, stored(fake).key, who="somebody")
    run(fake)
    assert stored(fake).state is State.DELIVERED
    assert fake.freshbooks.posts == 1


def test_what_is_delivered_can_no_longer_be_held_back() -> None:
    fake = world("live")
    offer(fake, "1")
    run(fake)
    with pytest.raises(errors.CheckFailed, match="is delivered: it can no longer be held back"):
        replaying.hold_back(fake.world, stored(fake).key, who="somebody", reason="too late")
    with pytest.raises(errors.BadUse):
        replaying.hold_back(fake.world, stored(fake).key, who="somebody", reason=" ")
