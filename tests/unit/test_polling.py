"""What the poll of FreshBooks asks for and says, on fakes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.documents.freshbooks import Invoice
from connector.rules.packs import PartnerPack
from connector.usecases.polling import poll_freshbooks
from tests.fakes import FakeWorld
from tests.outbound import written_bill
from tests.unit import test_outbound as outbound


def asked_since(fake: FakeWorld) -> list[date | None]:
    """From which day on each following poll asks for invoices; the deleted ones from the same day."""
    asked: list[date | None] = []
    list_invoices = fake.freshbooks.list_invoices

    def watched(updated_min: date | None = None, *, deleted: bool = False) -> Any:
        assert deleted is False or asked[-1] == updated_min
        if not deleted:
            asked.append(updated_min)
        return list_invoices(updated_min, deleted=deleted)

    fake.freshbooks.list_invoices = watched  # type: ignore[method-assign]
    return asked


def at(fake: FakeWorld, text: str) -> None:
    fake.clock.pass_(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - fake.clock.epoch())


def hints(fake: FakeWorld) -> list[tuple[str, int, str]]:
    return [(one["noun"], one["id"], one["event"]) for one in fake.records.take()]


def test_a_poll_asks_from_the_day_before_the_last_one_began_as_days_are_in_new_york() -> None:
    fake = outbound.world()
    asked = asked_since(fake)
    for moment in ("2026-10-01T12:00", "2026-10-02T03:30", "2026-10-02T04:30", "2026-10-05T12:00"):
        at(fake, moment)
        poll_freshbooks(fake.world)
    assert asked == [None, date(2026, 9, 30), date(2026, 9, 30), date(2026, 10, 1)]


def test_what_changes_while_a_poll_runs_is_asked_for_by_the_next_one() -> None:
    """The mark is when the poll began: one that runs for two days overlaps all that it may have missed."""
    fake = outbound.world()
    asked = asked_since(fake)
    at(fake, "2026-10-01T12:00")
    list_bills = fake.freshbooks.list_bills
    fake.set_up(PartnerPack.model_validate({"trading_partner_id": "B", "bills": {"send": True}}))

    def slow(*arguments: Any, **keywords: Any) -> Any:
        fake.clock.pass_(86_400)
        return list_bills(*arguments, **keywords)

    fake.freshbooks.list_bills = slow  # type: ignore[method-assign]
    poll_freshbooks(fake.world)
    poll_freshbooks(fake.world)
    assert asked == [None, date(2026, 9, 30)]


def test_bills_are_asked_for_where_one_of_several_partners_is_sent_them() -> None:
    fake = outbound.world()
    fake.freshbooks.create_bill({"bill": written_bill()})
    poll_freshbooks(fake.world)
    assert hints(fake) == [("invoice", 987654, "invoice.polled")]
    fake.set_up(PartnerPack.model_validate({"trading_partner_id": "B", "bills": {"send": True}}))
    poll_freshbooks(fake.world)
    assert ("bill", 1001, "bill.polled") in hints(fake)


def test_a_bill_that_was_looked_at_and_is_deleted_is_shown_once_more() -> None:
    fake = outbound.world(bills={"send": True})
    fake.freshbooks.create_bill({"bill": written_bill()})
    poll_freshbooks(fake.world)
    outbound.drain(fake)
    poll_freshbooks(fake.world)
    assert hints(fake) == []
    fake.freshbooks.delete_bill(1001)
    poll_freshbooks(fake.world)
    assert hints(fake) == [("bill", 1001, "bill.polled")]


def test_a_second_poll_of_the_connection_is_skipped_while_one_runs() -> None:
    fake = outbound.world()
    with fake.leases.hold("acme/poll-freshbooks", 60):
        assert poll_freshbooks(fake.world) == 0
    assert (fake.reports[-1][0], hints(fake)) == ("poll skipped, another one is running", [])
    assert poll_freshbooks(fake.world) == 1


def test_every_hint_has_a_story_of_its_own_that_the_log_of_the_poll_leads_to() -> None:
    fake = outbound.world(bills={"send": True})
    assert poll_freshbooks(fake.world) == 2
    [told] = [keys for said, keys in fake.reports if said == "books polled"]
    assert told["hints"] == 2
    stories = [one["correlation_id"] for one in fake.records.take()]
    assert stories == [f"{told['run']}.1", f"{told['run']}.2"]


def test_what_is_noted_of_a_large_business_fits_in_the_table_wherever_its_records_lie() -> None:
    fake = outbound.world()
    one = Invoice.model_validate(outbound.invoice(po_number="", updated="2026-09-21 10:31:19"))
    ids = range(10**9, 10**9 + 20_000_000, 1000)
    listed = [one.model_copy(update={"id": n, "invoiceid": n}) for n in ids]
    fake.freshbooks.list_invoices = lambda since=None, *, deleted=False: iter(() if deleted else listed)  # type: ignore[method-assign]
    for n in ids:
        fake.notes.write("acme", "seen", f"invoice:{n}", {"version": f"{one.version}/0", "what": "ours"})
    assert poll_freshbooks(fake.world) == 0
    notes = [text for topic in fake.notes.notes.values() for text in topic.values()]
    assert max(map(len, notes)) < 400_000  # an item's limit
    fake.notes.read_many = lambda connection, topic, names: pytest.fail("it was all looked at")  # type: ignore[method-assign]
    assert poll_freshbooks(fake.world) == 0
