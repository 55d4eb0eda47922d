"""Changes of orders at their edges: what the history says of them, what a person is asked, and what is let through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector import errors
from connector.ledger import State
from connector.rules.packs import PartnerPack
from connector.usecases.orders import stored_order
from connector.usecases.replaying import replay
from tests.builders import PARTNER, change_line, order, order_change, order_line, shipment, shipment_line
from tests.fakes import FakeWorld
from tests.unit.test_inbound import drain
from tests.unit.test_order_lifecycles import FEWER, billed, record, take, world

HOLD = {"changes": "hold"}


def notes(fake: FakeWorld) -> list[str]:
    return [event.note for event in record(fake).history if event.note]


def with_invoice(fake: FakeWorld, lines: dict[str, str]) -> None:
    """The fulfilment of the order by an invoice of these lines; none where it was taken back."""
    before = record(fake)
    sent = {"invoice/0000421": {"lines": lines}, "asn/1": {"lines": {"1": "5"}}}
    after = before.step("invoiced", now=fake.clock.now(), who="test", fulfilment=sent)
    assert fake.ledger.save(after, before.version) is None


def test_an_order_whose_invoice_was_taken_back_may_change_again() -> None:
    fake = world()
    take(fake, order())
    with_invoice(fake, {})
    take(fake, order_change([FEWER]))
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["160.00"])


def test_the_history_says_in_words_what_each_document_did() -> None:
    fake = world()
    take(fake, order(), order_change([FEWER]))
    lines = "1 line changes, -40.00 USD; line 1 (V-1): quantity 5 -> 3, -40.00 USD"
    assert notes(fake)[-1] == f"change: {lines}"
    take(fake, order_change([], Department="031"))
    assert notes(fake)[-1] == "change: no line changes (Department)"
    take(fake, order(TsetPurposeCode="01"))
    assert notes(fake)[-1].startswith("cancellation: 2 lines change, -160.00 USD; line 1 (V-1): deleted")
    early = world()
    take(early, order(TsetPurposeCode="01"))
    assert record(early).state is State.CANCELLED
    assert notes(early)[-1] == "cancelled before it was billed"
    copy = world()
    take(copy, order(PrimaryPOTypeCode="IN"))
    assert notes(copy)[-1] == "information copy: not to be fulfilled"


def test_a_document_that_says_nothing_new_leaves_the_order_as_it_was_and_says_so() -> None:
    fake = world()
    take(fake, order(), order_change([FEWER]))
    take(fake, order_change([], PrimaryPOTypeCode="IN"))
    assert (record(fake).state, record(fake).revision) == (State.DELIVERED, 3)
    assert notes(fake)[-1] == "information: nothing changes"
    assert billed(fake) == ["160.00"]
    assert (record(fake).amount, record(fake).currency) == ("160.00", "USD")


def test_what_a_person_is_asked_says_what_would_change_and_what_to_do() -> None:
    fake = world(orders=HOLD)
    take(fake, order(), order_change([FEWER]))
    reason = record(fake).reason
    assert (reason["code"], reason["fix"]) == (
        "change_held",
        "accept it by force with a reason, or mark it resolved",
    )
    assert reason["message"] == (
        "the partner pack holds changes of orders: "
        "1 line changes, -40.00 USD; line 1 (V-1): quantity 5 -> 3, -40.00 USD"
    )
    assert record(fake).findings[0]["code"] == "change_held", "the question comes first"
    assert reason.get("place", "") == ""


def test_an_unclear_change_says_where_it_is_unclear_and_what_to_do() -> None:
    fake = world()
    take(fake, order(), order_change([change_line(1, "XX", OrderQty=3)]))
    reason = record(fake).reason
    [finding] = [one for one in record(fake).findings if one["code"] == "change_code_unknown"]
    assert (reason["place"], reason["fix"]) == (finding["place"], finding["fix"])
    assert reason["place"]
    assert reason["fix"]
    replay(fake.world, record(fake).key, who="clerk", reason="a decrease", force=True)
    drain(fake)
    [finding] = [one for one in record(fake).findings if one["code"] == "change_code_unknown"]
    assert finding["severity"] == "warning", "a person has decided about it"


@pytest.mark.parametrize(
    "after",
    [
        order_change([FEWER]),
        order_change([], Department="031"),
        order(1, TsetPurposeCode="05"),
        order([order_line(1, OrderQty=9)]),
        order(TsetPurposeCode="01"),
    ],
    ids=["change", "change of a word", "replacement", "sent again otherwise", "cancellation"],
)
def test_a_partner_whose_changes_are_held_changes_nothing_by_itself(after: dict[str, Any]) -> None:
    fake = world(orders=HOLD)
    take(fake, order())
    take(fake, after)
    assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "change_held")
    assert billed(fake) == ["200.00"]
    assert [item.OrderLine.OrderQty for item in stored_order(fake.world, record(fake)).LineItem] == [5, 5]


def test_of_a_partner_whose_changes_are_held_orders_and_copies_pass() -> None:
    fake = world(orders=HOLD)
    take(fake, order(), order(Department="031"), order(PrimaryPOTypeCode="IN"))
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["200.00"])


def test_a_person_accepts_one_change_and_not_the_next() -> None:
    fake = world(orders=HOLD)
    take(fake, order(), order_change([FEWER], ChangeOrderSeqNumber="1"))
    replay(fake.world, record(fake).key, who="clerk", reason="agreed by phone", force=True)
    drain(fake)
    assert billed(fake) == ["160.00"]
    take(fake, order_change([change_line(2, "QD", OrderQty=1)], ChangeOrderSeqNumber="2"))
    assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "change_held")
    assert billed(fake) == ["160.00"]


def test_a_changed_order_keeps_letters_of_every_alphabet() -> None:
    fake = world()
    take(fake, order(Department="Käse 食"), order_change([FEWER]))
    kept = stored_order(fake.world, record(fake)).Header.OrderHeader.plain()
    assert kept["Department"] == "Käse 食"
    diff = json.loads(fake.archive.get("acme", record(fake).payloads["diff"]))
    assert diff["effect"] == "-40.00"


def test_the_third_of_a_file_is_read_again_as_the_third() -> None:
    fake = world()
    other = [order(PurchaseOrderNumber=f"{n}") for n in (1, 2)]
    take(fake, [*other, order()])  # type: ignore[arg-type]
    assert stored_order(fake.world, record(fake)).number == record(fake).key.number
    take(fake, order_change([FEWER]))
    assert sorted(billed(fake)) == ["160.00", "200.00", "200.00"]


def test_what_was_made_into_a_bill_stays_one_when_the_pack_changes_its_mind_and_its_cancellation_deletes_it() -> (
    None
):
    fake = world()
    take(fake, order())
    fake.set_up(PartnerPack.model_validate({"trading_partner_id": PARTNER, "orders": {"target": "estimate"}}))
    take(fake, order(TsetPurposeCode="01"))
    assert (record(fake).state, billed(fake)) == (State.CANCELLED, [])


def test_a_held_change_of_a_word_is_not_let_through_by_a_copy_that_comes_after_it() -> None:
    fake = world(orders=HOLD)
    take(fake, order(), order_change([], Department="031", ChangeOrderSeqNumber="1"))
    take(fake, order_change([], ChangeOrderSeqNumber="2", PrimaryPOTypeCode="IN"))
    assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "change_held")


def test_a_change_without_effect_touches_no_bill_though_the_pack_would_make_something_else_now() -> None:
    fake = world()
    take(fake, order())
    fake.set_up(PartnerPack.model_validate({"trading_partner_id": PARTNER, "orders": {"target": "estimate"}}))
    take(fake, order_change([], Department="031"))
    changed = record(fake)
    assert (changed.state, changed.revision) == (State.DELIVERED, 2)
    assert [event.what for event in changed.history if event.revision == 2] == ["revised", "delivered"]


@pytest.mark.parametrize("content", [b"ISA*00*  ~", json.dumps(shipment()).encode()])
def test_an_order_that_can_no_longer_be_read_says_so(content: bytes) -> None:
    fake = world()
    take(fake, order())
    pointer = record(fake).payloads["received"].partition("#")[0]
    fake.archive.objects["acme", pointer.partition(".")[0]] = content
    with pytest.raises(errors.CheckFailed) as failed:
        stored_order(fake.world, record(fake))
    assert failed.value.code == "stored_order_unreadable"


@pytest.mark.parametrize("content", [b"ISA*00*  ~", json.dumps(order()).encode()])
def test_a_changed_bill_is_what_was_ordered_where_its_shipments_can_no_longer_be_read(content: bytes) -> None:
    fake = world(shipments={"adjust_bill": True})
    take(fake, order(), shipment([shipment_line(1, ShipQty=2), shipment_line(2, ShipQty=2)]))
    assert billed(fake) == ["80.00"]
    [advice] = [one for key, one in fake.ledger.records.items() if key.type == "shipment"]
    pointer = advice.payloads["received"].partition("#")[0]
    fake.archive.objects["acme", pointer.partition(".")[0]] = content
    take(fake, order_change([FEWER]))
    assert (record(fake).state, billed(fake)) == (State.DELIVERED, ["160.00"])
