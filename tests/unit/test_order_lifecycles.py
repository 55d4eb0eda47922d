"""Orders that are changed, replaced, cancelled and issued anew, from the mailbox to the bill, on fakes."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.orders import stored_order
from connector.usecases.people import story
from connector.usecases.replaying import replay, resolve
from connector.usecases.upkeep import resolve_in_doubt
from tests.builders import (
    PARTNER,
    PO_NUMBER,
    change_line,
    order,
    order_change,
    order_line,
    shipment,
    shipment_line,
)
from tests.fakes import FakeWorld
from tests.unit.test_inbound import drain, put, run

FEWER = change_line(1, "QD", OrderQty=3)


def world(**pack: Any) -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", **pack))
    return fake


def take(fake: FakeWorld, *documents: dict[str, Any]) -> None:
    """Each document in a file and a poll of its own, worked until nothing is left to do."""
    for document in documents:
        put(fake, f"out/{fake.ledger.writes}.json", document)
        run(fake)


def record(fake: FakeWorld, number: str = PO_NUMBER) -> Record:
    found = fake.ledger.get(DocumentKey("acme", "in", PARTNER, "order", number))
    assert found is not None
    return found


def billed(fake: FakeWorld) -> list[str]:
    """What the bills that are not deleted come to."""
    return [bill["amount"]["amount"] for bill in fake.freshbooks.bills.values() if bill["vis_state"] == 0]


def invoiced(fake: FakeWorld) -> None:
    """The connector sent an invoice of the order to the partner."""
    before = record(fake)
    sent = {"invoice/0000421": {"lines": {"1": "5"}}}
    after = before.step("invoiced", now=fake.clock.now(), who="test", fulfilment=sent)
    assert fake.ledger.save(after, before.version) is None


def test_a_change_is_applied_to_the_order_and_its_bill_and_the_line_diff_is_kept() -> None:
    fake = world()
    take(fake, order(), order_change([FEWER, change_line(2, "PC", PurchasePrice=21)]))
    assert (billed(fake), fake.freshbooks.posts) == (["165.00"], 1)
    changed = record(fake)
    assert (changed.state, changed.revision, changed.amount) == (State.DELIVERED, 2, "165.00")
    told = story(fake.ledger, fake.archive, changed.key)
    assert [finding["message"] for finding in told["findings"]] == [
        "line 1 (V-1): quantity 5 -> 3, -40.00 USD",
        "line 2 (V-2): price 20.00 -> 21.00, +5.00 USD",
    ]
    assert told["changes"]["effect"] == "-35.00"
    assert "2 lines change, -35.00 USD" in next(
        event.note for event in changed.history if event.revision == 2 and event.what == "mapped"
    )


def test_whoever_asks_for_the_order_later_gets_it_as_changed() -> None:
    fake = world()
    take(fake, order(), order_change([FEWER]))
    changed = stored_order(fake.world, record(fake))
    assert [item.OrderLine.OrderQty for item in changed.LineItem] == [3, 5]
    assert changed.LineItem[0].OrderLine.BuyerPartNumber == "B-1"


def test_a_change_that_comes_first_waits_and_is_in_the_orders_first_bill() -> None:
    fake = world()
    take(fake, order_change([FEWER]))
    waiting = record(fake)
    assert (waiting.state, waiting.reason["code"]) == (State.HELD, "order_not_there")
    assert waiting.waits_for
    resolve_in_doubt(fake.world)
    drain(fake)
    with pytest.raises(errors.Waiting):
        stored_order(fake.world, record(fake))
    take(fake, order())
    assert (record(fake).state, billed(fake), fake.freshbooks.posts) == (State.DELIVERED, ["160.00"], 1)


def test_whatever_sequence_they_come_in_an_order_and_its_changes_end_the_same() -> None:
    first = order_change([FEWER, change_line(2, "QD", OrderQty=4)], ChangeOrderSeqNumber="1")
    second = order_change([change_line(1, "QD", OrderQty=2)], ChangeOrderSeqNumber="2")
    for arrival in permutations([order(), first, second]):
        fake = world()
        take(fake, *arrival)
        assert billed(fake) == ["120.00"]
        assert record(fake).state is State.DELIVERED
        take(fake, *reversed(arrival))  # everything once more
        assert (billed(fake), fake.freshbooks.posts) == (["120.00"], 1)


def test_a_change_twice_or_declared_a_duplicate_is_applied_once() -> None:
    fake = world()
    change = order_change([change_line(1, "QI", VarianceQty=2)])
    again = json.loads(json.dumps(change))
    again["Header"]["OrderHeader"]["TsetPurposeCode"] = "07"
    take(fake, order(), change, change, again)
    assert billed(fake) == ["240.00"]
    assert (record(fake).revision, record(fake).duplicates) == (2, 2)


def test_a_change_that_changes_nothing_for_freshbooks_is_kept_without_touching_the_bill() -> None:
    fake = world()
    take(fake, order())
    bill = dict(fake.freshbooks.bills[1000])
    take(fake, order_change([], Department="031"))
    assert fake.freshbooks.bills[1000] == bill
    changed = record(fake)
    assert (changed.state, changed.revision) == (State.DELIVERED, 2)
    assert stored_order(fake.world, changed).Header.OrderHeader.plain()["Department"] == "031"
    assert fake.bills.messages == []


def test_an_unclear_change_is_held_and_the_order_stays_in_force_as_it_was() -> None:
    fake = world()
    take(fake, order(), order_change([change_line(1, "XX", OrderQty=3)]))
    held = record(fake)
    assert (held.state, held.reason["code"], billed(fake)) == (State.HELD, "change_code_unknown", ["200.00"])
    assert stored_order(fake.world, held).LineItem[0].OrderLine.OrderQty == 5
    replay(fake.world, held.key, who="clerk", reason="the partner means a decrease", force=True)
    drain(fake)
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["160.00"])


def test_replaying_a_held_change_without_force_holds_it_again() -> None:
    fake = world(orders={"changes": "hold"})
    take(fake, order(), order_change([FEWER]))
    held = record(fake)
    assert (held.state, held.reason["code"]) == (State.HELD, "change_held")
    assert "line 1 (V-1): quantity 5 -> 3, -40.00 USD" in held.reason["message"]
    replay(fake.world, held.key, who="clerk")
    drain(fake)
    assert (record(fake).state, billed(fake)) == (State.HELD, ["200.00"])
    with pytest.raises(errors.BadUse):
        replay(fake.world, held.key, who="clerk", force=True)
    replay(fake.world, held.key, who="clerk", reason="agreed by phone", force=True)
    drain(fake)
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["160.00"])


def test_a_held_change_is_not_let_through_by_what_comes_after_it() -> None:
    fake = world(orders={"changes": "hold"})
    take(fake, order(), order_change([FEWER], ChangeOrderSeqNumber="1"))
    take(fake, order_change([], ChangeOrderSeqNumber="2", PrimaryPOTypeCode="IN"))
    assert (record(fake).state, billed(fake)) == (State.HELD, ["200.00"])
    assert "quantity 5 -> 3" in record(fake).reason["message"]


@pytest.mark.parametrize(
    "after",
    [
        order_change([FEWER]),
        order(1, TsetPurposeCode="05"),
        order(TsetPurposeCode="01"),
        order_change(TsetPurposeCode="01"),
        order([order_line(1, OrderQty=9)]),
    ],
    ids=["change", "replacement", "cancellation", "cancelling change", "sent again otherwise"],
)
def test_nothing_changes_an_order_that_was_invoiced_before_a_person_says_so(after: dict[str, Any]) -> None:
    fake = world()
    take(fake, order())
    invoiced(fake)
    take(fake, after)
    held = record(fake)
    assert (held.state, held.reason["code"], billed(fake)) == (
        State.HELD,
        "order_already_invoiced",
        ["200.00"],
    )
    assert "line 1 (V-1)" in held.reason["message"] or "line 2 (V-2)" in held.reason["message"]
    assert any(finding["code"] == "line_changed" for finding in held.findings)
    resolve(fake.world, held.key, who="clerk", reason="the partner withdrew it")
    assert record(fake).state is State.SKIPPED


def test_a_change_outside_the_lines_of_an_invoiced_order_needs_nobody() -> None:
    fake = world()
    take(fake, order())
    invoiced(fake)
    take(fake, order_change(header={"Notes": [{"NoteCode": "GEN", "Note": "Call ahead"}]}))
    assert record(fake).state is State.DELIVERED


def test_a_change_after_the_bill_was_paid_is_held_with_its_diff() -> None:
    fake = world()
    take(fake, order())
    fake.freshbooks.bills[1000]["paid"] = {"amount": "50.00", "code": "USD"}
    take(fake, order_change([FEWER]))
    held = record(fake)
    assert (held.state, held.reason["code"], billed(fake)) == (State.HELD, "bill_already_paid", ["200.00"])
    assert [finding["message"] for finding in held.findings] == ["line 1 (V-1): quantity 5 -> 3, -40.00 USD"]


def test_a_replacement_with_other_lines_replaces_them_and_a_change_may_follow() -> None:
    fake = world()
    take(fake, order(3), order([order_line(7, OrderQty=2)], TsetPurposeCode="05"))
    assert billed(fake) == ["40.00"]
    take(fake, order_change([change_line(7, "QI", OrderQty=4)]))
    assert (billed(fake), fake.freshbooks.posts) == (["80.00"], 1)


def test_a_replacing_order_change_without_its_order_is_the_order() -> None:
    fake = world()
    take(
        fake,
        order_change([change_line(1, None, OrderQty=4, PurchasePrice=2.5)], TsetPurposeCode="05"),
        order(),
    )
    assert (billed(fake), record(fake).state) == (["10.00"], State.DELIVERED)


def test_a_cancellation_before_the_bill_prevents_it_and_after_it_deletes_it() -> None:
    early, late = world(), world()
    take(early, order_change(TsetPurposeCode="01"), order())
    assert (early.freshbooks.posts, record(early).state) == (0, State.CANCELLED)
    take(late, order(), order_change(TsetPurposeCode="01"))
    assert (billed(late), record(late).state) == ([], State.CANCELLED)


def test_an_order_issued_anew_after_its_cancellation_gets_a_bill_of_its_own() -> None:
    fake = world()
    take(fake, order(), order(TsetPurposeCode="01"), order(3, PurchaseOrderDate="2026-03-20"))
    assert (billed(fake), fake.freshbooks.posts, record(fake).state) == (["300.00"], 2, State.DELIVERED)
    take(fake, order_change([change_line(3, "DI")]))
    assert billed(fake) == ["200.00"]


def test_other_content_after_a_cancellation_without_a_later_date_is_for_a_person_to_judge() -> None:
    fake = world()
    take(fake, order(), order(TsetPurposeCode="01"), order(3))
    held = record(fake)
    assert (held.state, held.reason["code"], billed(fake)) == (State.HELD, "order_issued_again", [])
    replay(fake.world, held.key, who="clerk", reason="it is a new order", force=True)
    drain(fake)
    assert (billed(fake), record(fake).state) == (["300.00"], State.DELIVERED)
    take(fake, order_change([change_line(3, "DI")]))
    assert billed(fake) == ["200.00"]


def test_the_original_again_after_its_cancellation_stays_cancelled() -> None:
    fake = world()
    take(fake, order(), order(TsetPurposeCode="01"), order())
    assert (billed(fake), record(fake).state) == ([], State.CANCELLED)


@pytest.mark.parametrize("header", [{"PrimaryPOTypeCode": "IN"}, {"TsetPurposeCode": "CN"}])
def test_an_information_copy_neither_makes_nor_changes_a_bill(header: dict[str, str]) -> None:
    fake = world()
    take(fake, order(4, **header))
    assert (record(fake).state, fake.freshbooks.posts) == (State.SKIPPED, 0)
    take(fake, order())
    take(fake, order(5, **header))
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["200.00"])
    assert len(stored_order(fake.world, record(fake)).LineItem) == 2


@pytest.mark.parametrize("purpose", ["06", "07"])
def test_a_confirmation_or_duplicate_repeats_the_order_and_is_the_order_where_none_came(purpose: str) -> None:
    fake, alone = world(), world()
    take(fake, order(), order(TsetPurposeCode=purpose))
    assert (record(fake).revision, record(fake).duplicates, billed(fake)) == (1, 1, ["200.00"])
    take(alone, order(TsetPurposeCode=purpose))
    assert billed(alone) == ["200.00"]


def test_releases_of_a_blanket_order_are_changed_each_by_its_own_change() -> None:
    fake = world()
    for release in ("1", "2"):
        take(fake, order(ReleaseNumber=release, PrimaryPOTypeCode="RL"))
    take(fake, order_change([FEWER], ReleaseNumber="2"))  # a change need not say that it is of a release
    take(fake, order_change([change_line(2, "DI")], ReleaseNumber="1", PrimaryPOTypeCode="RL"))
    assert billed(fake) == ["100.00", "160.00"]
    assert record(fake, f"{PO_NUMBER}-2").revision == 2


def test_changes_that_come_before_their_releases_each_wait_for_their_own() -> None:
    fake = world()
    take(
        fake,
        order_change([FEWER], ReleaseNumber="7"),
        order_change([change_line(2, "DI")], ReleaseNumber="8"),
    )
    for release in ("8", "7"):
        take(fake, order(ReleaseNumber=release, PrimaryPOTypeCode="RL"))
    assert billed(fake) == ["100.00", "160.00"]
    assert [record(fake, f"{PO_NUMBER}-{n}").state for n in "78"] == [State.DELIVERED] * 2


def test_a_change_of_a_release_leaves_its_blanket_order_alone() -> None:
    fake = world()
    take(fake, order(PrimaryPOTypeCode="BK"), order_change([FEWER], ReleaseNumber="7"))
    assert billed(fake) == ["200.00"]
    take(fake, order(ReleaseNumber="7", PrimaryPOTypeCode="RL"))
    assert billed(fake) == ["200.00", "160.00"]


def test_changes_that_come_before_an_order_whose_release_is_only_a_remark_are_applied_to_it() -> None:
    first = order_change([FEWER], ReleaseNumber="7", ChangeOrderSeqNumber="1")
    second = order_change([change_line(2, "DI")], ReleaseNumber="7", ChangeOrderSeqNumber="2")
    for changes in ([first, second], [second, first]):
        fake = world()
        take(fake, *changes, order(ReleaseNumber="7"))
        assert (billed(fake), record(fake).state) == (["60.00"], State.DELIVERED)
        early = record(fake, f"{PO_NUMBER}-7")
        assert (early.state, early.waits_for) == (State.SUPERSEDED, "")
        assert early.history[-1].note == f"now order {PO_NUMBER}"
        take(fake, *changes)  # everything once more
        assert (billed(fake), fake.freshbooks.posts) == (["60.00"], 1)
        assert record(fake, f"{PO_NUMBER}-7").state is State.SUPERSEDED


def test_the_stores_of_an_order_and_of_its_change_are_kept_for_what_follows() -> None:
    def stores(*quantities: int) -> dict[str, Any]:
        spread = [{"Location": f"010{n}", "Qty": quantity} for n, quantity in enumerate(quantities)]
        return {"QuantitiesSchedulesLocations": [{"TotalQty": sum(quantities), "LocationQuantity": spread}]}

    fake = world()
    take(fake, order([order_line(1, OrderQty=10, item=stores(4, 6))]))
    take(fake, order_change([change_line(1, "QD", OrderQty=7, item=stores(4, 3))]))
    [item] = stored_order(fake.world, record(fake)).LineItem
    assert [(one.Location, one.Qty) for one in item.QuantitiesSchedulesLocations[0].LocationQuantity] == [
        ("0100", 4),
        ("0101", 3),
    ]
    [line] = fake.freshbooks.bills[1000]["lines"]
    assert "stores 0100: 4, 0101: 3" in line["description"]


def test_a_change_of_one_partners_order_leaves_the_other_partners_same_number_alone() -> None:
    fake = world()
    fake.set_up(PartnerPack(trading_partner_id="OTHERALLSUPPLI", name="Other Retail"))
    take(fake, order(), order(TradingPartnerId="OTHERALLSUPPLI"), order_change([FEWER]))
    assert billed(fake) == ["160.00", "200.00"]


def test_a_changed_bill_stays_at_what_was_shipped_where_shipments_set_it() -> None:
    fake = world(shipments={"adjust_bill": True})
    take(fake, order(), shipment([shipment_line(1, ShipQty=3), shipment_line(2, ShipQty=5)]))
    assert billed(fake) == ["160.00"]
    take(fake, order_change([change_line(1, "PC", PurchasePrice=10)]))
    assert billed(fake) == ["130.00"]
