"""Orders that were billed twice, left unbilled or changed without anybody being told, each as its smallest story."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.polling import poll_sps
from connector.usecases.replaying import replay, resolve
from connector.usecases.upkeep import resolve_in_doubt
from tests.alone import map_inbound, push_document
from tests.builders import PARTNER, change_line, order, order_change, order_line, shipment, shipment_line
from tests.fakes import FakeWorld
from tests.unit.test_inbound import drain, put
from tests.unit.test_order_lifecycles import FEWER, billed, record, take, world

LOST = errors.OutcomeUnknown("read timed out")
NEW = order(3, PurchaseOrderDate="2026-03-20")
CANCELLATION = order_change(TsetPurposeCode="01")
BEFORE = 1_772_000_000.0  # 2026-02-25, before the cut-over


def advised(fake: FakeWorld) -> Record:
    found = fake.ledger.get(DocumentKey("acme", "in", PARTNER, "shipment", "ASN-100200"))
    assert found is not None
    return found


def cut_over(fake: FakeWorld) -> None:
    fake.world.connection = fake.world.connection.model_copy(update={"cut_over": date(2026, 3, 15)})


def undated(document: dict[str, Any]) -> dict[str, Any]:
    header = {
        name: value
        for name, value in document["Header"]["OrderHeader"].items()
        if name != "PurchaseOrderDate"
    }
    return {**document, "Header": {**document["Header"], "OrderHeader": header}}


def upkeep(fake: FakeWorld) -> None:
    fake.clock.pass_(400)
    resolve_in_doubt(fake.world)
    work_on_files(fake)


def mapped(fake: FakeWorld, path: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    """What is to be pushed of a file that came."""
    put(fake, path, document)
    poll_sps(fake.world)
    work_on_files(fake)
    return fake.bills.take()


def work_on_files(fake: FakeWorld) -> None:
    for message in fake.files.take():
        map_inbound(fake.world, message)


# --- what was done by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["registered", "held as it came late"])
@pytest.mark.parametrize(
    "then",
    [
        order(3, TsetPurposeCode="05", PurchaseOrderDate="2026-03-20"),
        undated(order_change([FEWER])),
        order_change([FEWER], PurchaseOrderDate="2026-03-20"),
        undated(CANCELLATION),
        NEW,
        order_change([FEWER]),
    ],
    ids=["replaced", "changed, undated", "changed", "cancelled, undated", "sent again", "changed, same date"],
)
def test_what_was_billed_by_hand_before_the_cut_over_is_not_billed_by_what_follows(
    then: dict[str, Any], late: bool
) -> None:
    fake = world()
    if not late:
        fake.clock._epoch = BEFORE
    cut_over(fake)
    take(fake, order())
    assert record(fake).state is (State.HELD if late else State.SKIPPED)
    take(fake, then)
    assert (fake.freshbooks.posts, record(fake).state) == (0, State.HELD)


def test_a_shipment_that_came_before_its_registered_order_goes_on_when_that_is_there() -> None:
    fake = world()
    fake.clock._epoch = BEFORE
    cut_over(fake)
    take(fake, shipment(ShipDate="2026-03-20"))
    assert advised(fake).state is State.HELD
    take(fake, order())
    assert (record(fake).state, advised(fake).state) == (State.SKIPPED, State.DELIVERED)


@pytest.mark.parametrize(
    "then",
    [order_change([FEWER]), CANCELLATION, order([order_line(1, OrderQty=9)])],
    ids=["changed", "cancelled", "sent again"],
)
def test_an_order_that_a_person_dealt_with_is_not_billed_by_what_follows(then: dict[str, Any]) -> None:
    fake = world()
    fake.freshbooks._refuses = lambda bill: True
    take(fake, order())
    resolve(fake.world, record(fake).key, who="cli/clerk", reason="made the bill by hand")
    fake.freshbooks._refuses = lambda bill: False
    take(fake, then)
    assert (fake.freshbooks.posts, record(fake).reason["code"]) == (0, "order_resolved")


def test_a_change_that_a_person_declined_is_not_applied_by_the_next_one() -> None:
    fake = world()
    take(fake, order(), order_change([change_line(1, "XX", OrderQty=3)], ChangeOrderSeqNumber="1"))
    resolve(fake.world, record(fake).key, who="cli/clerk", reason="the partner says it was a mistake")
    take(fake, order_change([change_line(2, "PC", PurchasePrice=21)], ChangeOrderSeqNumber="2"))
    assert (record(fake).state, billed(fake)) == (State.HELD, ["200.00"])


# --- sequence -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrival", [(order(), NEW), (NEW, order())], ids=["in turn", "the older one last"])
def test_of_two_orders_of_one_number_the_later_dated_is_in_force(arrival: tuple[dict[str, Any], ...]) -> None:
    fake = world()
    take(fake, *arrival)
    assert billed(fake) == ["300.00"]


@pytest.mark.parametrize(
    "arrival",
    [(CANCELLATION, NEW, order()), (order(), NEW, CANCELLATION), (NEW, order(), CANCELLATION)],
    ids=["order last", "cancellation last", "issued anew first"],
)
def test_an_order_issued_anew_is_billed_or_asked_about_in_whatever_sequence(
    arrival: tuple[dict[str, Any], ...],
) -> None:
    fake = world()
    take(fake, *arrival)
    assert billed(fake) == ["300.00"] or record(fake).state is State.HELD


def test_force_gets_past_an_order_issued_again_that_a_change_followed() -> None:
    fake = world()
    take(fake, order(), order(TsetPurposeCode="01"), order(3), order_change([change_line(3, "DI")]))
    assert record(fake).reason["code"] == "order_issued_again"
    replay(fake.world, record(fake).key, who="cli/clerk", reason="it is a new order", force=True)
    drain(fake)
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["200.00"])


def test_a_change_that_names_a_release_and_is_kept_with_its_order_can_be_replayed() -> None:
    fake = world(orders={"changes": "hold"})
    release = order(ReleaseNumber="7", PrimaryPOTypeCode="RL")
    take(fake, order(), order_change([FEWER], ReleaseNumber="7"), release)
    replay(fake.world, record(fake).key, who="cli/clerk", reason="agreed", force=True)
    drain(fake)
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["160.00", "200.00"])


# --- told to be done ----------------------------------------------------------------------------------


def test_a_forced_resend_sets_the_bill_though_the_last_change_did_not_touch_it() -> None:
    fake = world()
    take(fake, order(), order_change([], Department="031"))
    fake.freshbooks.bills[1000] |= {"amount": {"amount": "1.00", "code": "USD"}}
    replay(fake.world, record(fake).key, who="cli/clerk", reason="somebody changed the bill", force=True)
    drain(fake)
    assert billed(fake) == ["200.00"]


def test_a_cancelled_shipment_is_shown_to_a_person_as_the_bill_still_counts_it() -> None:
    fake = world(shipments={"adjust_bill": True})
    take(fake, order(), shipment([shipment_line(1, ShipQty=3)]))
    take(fake, shipment([shipment_line(1, ShipQty=3)], TsetPurposeCode="01"))
    assert (advised(fake).state, advised(fake).reason["code"]) == (State.HELD, "kind_not_mapped")


# --- lost replies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pack",
    [
        {"orders": {"target": "invoice_draft"}, "freshbooks": {"client_ids": [9]}},
        {"freshbooks": {"vendor_id": 777}},
    ],
    ids=["another kind", "another vendor"],
)
def test_what_may_have_been_made_is_looked_for_where_it_went_though_the_pack_is_another_now(
    pack: dict[str, Any],
) -> None:
    fake = world()
    fake.freshbooks.outcomes = [(LOST, True)]
    [first] = mapped(fake, "out/1.json", order())
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, first)
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", **pack))
    upkeep(fake)
    for again in fake.bills.take():
        with pytest.raises(errors.Busy) as stopped:
            push_document(fake.world, again)
        assert stopped.value.code == "sent_otherwise"
    push_document(fake.world, first)
    assert (fake.freshbooks.posts, record(fake).state) == (1, State.DELIVERED)


def test_a_cancellation_waits_for_a_change_of_its_bill_that_may_act_late() -> None:
    fake = world(shipments={"adjust_bill": True})
    take(fake, order())
    update, late = fake.freshbooks.update_bill, list[tuple[int, dict[str, Any]]]()

    def lost(bill_id: int, body: dict[str, Any]) -> Any:
        late.append((bill_id, body))
        raise LOST

    fake.freshbooks.update_bill = lost  # type: ignore[method-assign]
    for message in mapped(fake, "out/s.json", shipment([shipment_line(1, ShipQty=3)])):
        with pytest.raises(errors.OutcomeUnknown):
            push_document(fake.world, message)
    fake.freshbooks.update_bill = update  # type: ignore[method-assign]
    [cancelling] = mapped(fake, "out/c.json", CANCELLATION)
    with pytest.raises(errors.Busy):
        push_document(fake.world, cancelling)
    update(*late[0])
    fake.clock.pass_(100)
    push_document(fake.world, cancelling)
    assert (record(fake).state, billed(fake)) == (State.CANCELLED, [])
