"""Two FreshBooks records with one number: the first keeps it, the second waits aside for a person."""

from __future__ import annotations

from typing import Any

import pytest

from connector.ledger import State
from connector.usecases.replaying import preview, replay
from tests.fakes import FakeWorld
from tests.outbound import written_bill
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import order, put
from tests.unit.test_inbound import run as run_inbound


def world() -> FakeWorld:
    return outbound.world(freshbooks={"client_ids": [12345]})


def save(fake: FakeWorld, record: int, number: str, quantity: int, minute: int, **changes: Any) -> None:
    """Somebody saves an invoice, `minute` after ten, and FreshBooks tells of it."""
    money = {"amount": f"{quantity * 2.5:.2f}", "code": "USD"}
    made = outbound.invoice(
        number, id=record, invoiceid=record, amount=money, version=f"2026-03-11 10:{minute:02d}:00.000000"
    )
    made["lines"][0] |= {"qty": str(quantity), "amount": money}
    fake.freshbooks.invoices[record] = made | changes
    outbound.told(fake, object_id=record)


def ends(fake: FakeWorld) -> dict[str, str]:
    """The state of each outbound document by its number, with the reason where it is held."""
    return {
        record.key.number: record.reason.get("code") or str(record.state)
        for record in fake.ledger.records.values()
        if record.key.direction == "out"
    }


def sent(fake: FakeWorld) -> list[tuple[str, float]]:
    return [
        (one["Header"]["InvoiceHeader"]["InvoiceNumber"], one["LineItem"][0]["InvoiceLine"]["InvoiceQty"])
        for one in outbound.sent(fake)
    ]


@pytest.mark.parametrize("minutes", [(1, 2), (2, 1)], ids=["saved later", "saved earlier"])
def test_the_second_record_of_a_number_is_held_whichever_was_saved_first(minutes: tuple[int, int]) -> None:
    fake = world()
    save(fake, 2, "A", 5, minutes[0])
    save(fake, 3, "A", 20, minutes[1])
    assert ends(fake) == {"A": "DELIVERED", "A (invoice 3)": "number_reused"}
    assert sent(fake) == [("A", 5)]


def test_two_records_with_one_number_and_the_same_content_are_told_too() -> None:
    fake = world()
    save(fake, 2, "A", 5, 1)
    save(fake, 3, "A", 5, 2)
    assert ends(fake) == {"A": "DELIVERED", "A (invoice 3)": "number_reused"}
    [held] = [one for one in fake.ledger.records.values() if one.key.number == "A (invoice 3)"]
    assert held.reason["message"] == "the number 'A' is that of invoice 2 in FreshBooks, too"
    assert held.reason["place"] == "Header.InvoiceHeader.InvoiceNumber"


def test_with_a_number_of_its_own_the_second_record_is_sent_and_the_first_can_be_corrected() -> None:
    fake = world()
    save(fake, 2, "A", 5, 1)
    save(fake, 3, "A", 20, 2)
    save(fake, 3, "D", 20, 3)
    save(fake, 2, "A", 6, 4)
    assert ends(fake) == {"A": "DELIVERED", "A (invoice 3)": "SUPERSEDED", "D": "DELIVERED"}
    assert sent(fake) == [("A", 5), ("D", 20), ("A", 6)]


def test_a_record_that_waits_for_its_order_is_not_lost_to_another_of_its_number() -> None:
    fake = world()
    save(fake, 2, "A", 5, 1, po_number="LATER")
    save(fake, 3, "A", 20, 2)
    save(fake, 3, "D", 20, 3)
    put(fake, "out/later.json", order("LATER"))
    run_inbound(fake)
    outbound.drain(fake)
    assert sent(fake) == [("D", 20), ("A", 5)]


def test_where_the_first_gives_up_its_number_unsent_the_second_is_sent_by_a_replay() -> None:
    fake = world()
    save(fake, 2, "A", 5, 1, po_number="LATER")
    save(fake, 3, "A", 20, 2)
    [aside] = [record for record in fake.ledger.records.values() if record.key.number == "A (invoice 3)"]
    assert preview(fake.world, aside.key)["reason"]["code"] == "number_reused"
    replay(fake.world, aside.key, who="cli/somebody")
    outbound.drain(fake)
    assert ends(fake)["A (invoice 3)"] == "number_reused"
    save(fake, 2, "E", 5, 3, po_number="LATER")
    assert preview(fake.world, aside.key)["outcome"] == "sent"
    replay(fake.world, aside.key, who="cli/somebody")
    outbound.drain(fake)
    assert ends(fake) == {"A": "DELIVERED", "A (invoice 3)": "SUPERSEDED", "E": "order_not_there"}
    assert sent(fake) == [("A", 20)]


def test_a_second_record_that_is_deleted_needs_nobody() -> None:
    fake = world()
    save(fake, 2, "A", 5, 1)
    save(fake, 3, "A", 20, 2)
    save(fake, 3, "A", 20, 3, vis_state=1)
    assert ends(fake) == {"A": "DELIVERED", "A (invoice 3)": "CANCELLED"}


@pytest.mark.parametrize("again", ["INV-1", " inv-1 ", "inv-1 "])
def test_a_number_that_differs_in_capitals_or_blanks_only_is_the_same_to_the_partner(again: str) -> None:
    fake = world()
    save(fake, 2, "inv-1", 5, 1)
    save(fake, 3, again, 20, 2)
    assert sent(fake) == [("inv-1", 5)]
    assert "number_reused" in ends(fake).values()


def test_a_blank_behind_a_sent_number_is_no_new_number() -> None:
    fake = world()
    save(fake, 2, "A", 5, 1)
    save(fake, 2, "A ", 6, 2)
    assert sent(fake) == [("A", 5), ("A", 6)]


@pytest.mark.parametrize("po_number", ["", "45-mistyped"])
@pytest.mark.parametrize("change", [{"vis_state": 1}, {}], ids=["deleted", "lowered"])
def test_a_sent_invoice_that_loses_its_order_is_still_its_partners(
    po_number: str, change: dict[str, Any]
) -> None:
    fake = outbound.world()
    save(fake, 2, "A", 40, 1)
    save(fake, 2, "A", 40, 2, po_number=po_number)
    save(fake, 2, "A", 10, 3, po_number=po_number, **change)
    assert outbound.stored(fake, "A").state is State.HELD
    save(fake, 2, "A", 10, 4)
    assert sent(fake) == [("A", 40), ("A", 10)]


def test_a_sent_bill_that_gets_another_vendor_is_still_its_partners() -> None:
    fake = outbound.world(bills={"send": True})
    fake.freshbooks.create_bill({"bill": written_bill()})
    outbound.told(fake, "bill", 1001)
    [first] = outbound.sent(fake)
    for change in ({"vendorid": 999999}, {"vis_state": 1}):
        hour = 11 if "vis_state" in change else 10
        fake.freshbooks.bills[1001] |= {**change, "updated_at": f"2027-03-12 {hour}:00:00"}
        outbound.told(fake, "bill", 1001)
    number = first["Header"]["InvoiceHeader"]["InvoiceNumber"]
    assert outbound.stored(fake, number, "bill").state in (State.HELD, State.CANCELLED)
