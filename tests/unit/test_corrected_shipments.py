"""A corrected shipment that no longer ships one of its orders: that order's record and bill are as if it never had."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import State
from connector.usecases.replaying import replay, resolve
from connector.usecases.upkeep import resolve_in_doubt
from tests.fakes import FakeWorld
from tests.unit.test_inbound import drain, order, put, run, shipment, stored, world


def corrected(*purchase_orders: str, number: str = "S1", quantity: int = 30) -> dict[str, Any]:
    made = shipment(number, *purchase_orders, quantity=quantity)
    made["Header"]["ShipmentHeader"]["TsetPurposeCode"] = "05"
    return made


def take(fake: FakeWorld, *documents: dict[str, Any]) -> None:
    for document in documents:
        put(fake, f"out/{fake.world.new_id()}.json", document)
        run(fake)


def shipped(**pack: Any) -> FakeWorld:
    """Orders 1 and 2 of 40 pieces at 2.50, and 30 of each shipped with S1."""
    fake = world(**pack or {"shipments": {"adjust_bill": True}})
    take(fake, order("1"), order("2"), shipment("S1", "1", "2"))
    return fake


def billed(fake: FakeWorld) -> list[str]:
    return [bill["amount"]["amount"] for bill in fake.freshbooks.bills.values()]


def kept(fake: FakeWorld, number: str = "2") -> list[str]:
    return list(stored(fake, number=number).shipments)


def state(fake: FakeWorld) -> tuple[State, str, str]:
    record = stored(fake, "shipment", "S1")
    return record.state, record.reason.get("code", ""), record.reason.get("place", "")


def test_an_order_that_is_no_longer_shipped_is_billed_as_ordered_again() -> None:
    fake = shipped()
    assert billed(fake) == ["75.00", "75.00"]
    take(fake, corrected("1", quantity=20))
    assert billed(fake) == ["50.00", "100.00"]
    assert (kept(fake, "1"), kept(fake)) == (["S1"], [])
    assert state(fake) == (State.DELIVERED, "", "")
    assert "S1: no longer ships this order" in [event.note for event in stored(fake, number="2").history]


def test_what_other_shipments_shipped_of_it_stays_on_its_bill() -> None:
    fake = shipped()
    take(fake, shipment("S2", "2", quantity=8))
    assert billed(fake) == ["75.00", "95.00"]
    take(fake, corrected("1"))
    assert (billed(fake), kept(fake)) == (["75.00", "20.00"], ["S2"])


def test_an_order_that_comes_in_its_place_is_taken_up_and_the_first_let_go() -> None:
    fake = shipped()
    take(fake, order("3"), corrected("1", "3"))
    assert billed(fake) == ["75.00", "100.00", "75.00"]
    assert (kept(fake), kept(fake, "3")) == ([], ["S1"])
    take(fake, corrected("1", "2"))
    assert billed(fake) == ["75.00", "75.00", "100.00"]


def test_a_bill_that_was_let_go_is_not_touched_by_later_corrections() -> None:
    fake = shipped()
    take(fake, corrected("1"))
    fake.freshbooks.bills[1001]["paid"] = {"amount": "100.00", "code": "USD"}
    take(fake, corrected("1", quantity=10))
    assert state(fake) == (State.DELIVERED, "", "")
    assert billed(fake) == ["25.00", "100.00"]


@pytest.mark.parametrize(
    ("changed", "before", "code"),
    [
        ({"paid": {"amount": "75.00", "code": "USD"}}, {"paid": None}, "bill_already_paid"),
        ({"vis_state": 1}, {"vis_state": 0}, "bill_deleted"),
    ],
)
def test_a_bill_that_cannot_be_changed_any_more_is_for_a_person_and_what_was_shipped_is_right(
    changed: dict[str, Any], before: dict[str, Any], code: str
) -> None:
    fake = shipped()
    fake.freshbooks.bills[1001] |= changed
    take(fake, corrected("1", quantity=20))
    assert state(fake) == (State.HELD, code, "order 2")
    assert billed(fake) == ["50.00", "75.00"]
    assert [event["lines"] for event in stored(fake, number="2").shipments.values()] == [[]]
    fake.freshbooks.bills[1001] |= before
    replay(fake.world, stored(fake, "shipment", "S1").key, who="clerk")
    drain(fake)
    assert (state(fake)[0], billed(fake), kept(fake)) == (State.DELIVERED, ["50.00", "100.00"], [])


def test_what_a_person_settled_by_hand_counts_no_shipment_any_more() -> None:
    fake = world(shipments={"adjust_bill": True})
    take(fake, order("1"), order("2"), shipment("S0", "2", quantity=8), shipment("S1", "1", "2"))
    fake.freshbooks.bills[1001]["paid"] = {"amount": "75.00", "code": "USD"}
    take(fake, corrected("1"))
    resolve(fake.world, stored(fake, "shipment", "S1").key, who="clerk", reason="the vendor owes it")
    fake.freshbooks.bills[1001]["paid"] = None
    take(fake, order("2", price=3.0))
    assert billed(fake) == ["75.00", "24.00"], "8 x 3.00 by the shipment that is left"


def test_of_a_cancelled_order_only_the_event_goes() -> None:
    fake = shipped()
    take(fake, order("2", TsetPurposeCode="01"), corrected("1"))
    assert (state(fake), kept(fake)) == ((State.DELIVERED, "", ""), [])
    assert fake.freshbooks.bills[1001]["vis_state"] == 1


@pytest.mark.parametrize("pack", [{"orders": {"target": "record_only"}}, {"name": "Example"}])
def test_where_shipments_set_no_bill_only_the_event_goes(pack: dict[str, Any]) -> None:
    fake = world(**{name: value for name, value in pack.items() if name != "name"})
    take(fake, order("1"), order("2"), shipment("S1", "1", "2"))
    before = billed(fake)
    take(fake, corrected("1"))
    assert (kept(fake, "1"), kept(fake), billed(fake)) == (["S1"], [], before)
    assert state(fake) == (State.DELIVERED, "", "")


def test_a_bill_is_not_set_by_shipments_that_could_not_be_counted() -> None:
    fake = shipped()
    uncounted = shipment("S0", "2", quantity=8)
    uncounted["OrderLevel"][0]["ItemLevel"][0]["ShipmentLine"]["ShipQtyUOM"] = "PL"
    take(fake, uncounted, corrected("1"))
    assert state(fake) == (State.HELD, "bill_not_adjusted", "order 2")
    assert billed(fake) == ["75.00", "75.00"]


def test_a_lost_reply_on_the_way_is_made_good() -> None:
    fake = shipped()
    update, calls = fake.freshbooks.update_bill, list[int]()

    def lost(bill_id: int, body: dict[str, Any]) -> Any:
        calls.append(bill_id)
        if bill_id == 1001 and calls.count(1001) == 1:
            raise errors.OutcomeUnknown("no answer")
        return update(bill_id, body)

    fake.freshbooks.update_bill = lost  # type: ignore[method-assign]
    with pytest.raises(errors.OutcomeUnknown):
        take(fake, corrected("1"))
    assert state(fake)[0] is State.IN_DOUBT
    for _ in range(3):
        fake.clock.pass_(3600)
        resolve_in_doubt(fake.world)
        try:
            drain(fake)
        except errors.Busy:  # asked once, asking again
            continue
    assert (state(fake)[0], billed(fake), kept(fake)) == (State.DELIVERED, ["75.00", "100.00"], [])
