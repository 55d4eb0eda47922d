"""A record of FreshBooks that gets another number: what a person sees of its earlier document, and of the new one."""

from __future__ import annotations

from datetime import date
from typing import Any

from connector.ledger import State
from connector.usecases.backfilling import set_cut_over
from connector.usecases.replaying import replay
from connector.usecases.upkeep import resolve_in_doubt
from tests.unit.test_corrections import LATEST, changed, renumbered, told_of
from tests.unit.test_outbound import drain, invoice, sent, stored, told, world

DOES_NOT_FOOT = {"amount": "99.00", "code": "USD"}


def test_what_was_never_sent_ends_as_its_successor_and_asks_nobody_for_anything() -> None:
    fake = world()
    fake.freshbooks.invoices[987654] = invoice(amount=DOES_NOT_FOOT)
    told(fake)
    before = fake.clock.now()
    renumbered(fake, "0000999")
    ended = stored(fake)
    assert (ended.state, ended.reason, ended.waits_for) == (State.SUPERSEDED, {}, "")
    last = ended.history[-1]
    assert (last.what, last.who, last.note) == ("superseded", "map_outbound", "now invoice 0000999")
    assert before <= last.at == ended.updated


def test_what_waited_for_its_order_under_the_old_number_waits_no_more() -> None:
    fake = world(ordered=False, freshbooks={"client_ids": [12345]})
    told(fake)
    assert stored(fake).waits_for
    renumbered(fake, "0000999")
    assert (stored(fake).state, stored(fake).waits_for) == (State.SUPERSEDED, "")
    assert stored(fake, "0000999").waits_for


def test_who_is_asked_about_a_number_given_after_sending_reads_which_one_to_give_back() -> None:
    fake = world()
    told(fake)
    renumbered(fake, "0000999")
    reason = stored(fake, "0000999").reason
    assert reason["message"] == "FreshBooks' record was sent as 0000421 before"
    assert reason["fix"] == (
        "give it the number and the order of 0000421 back; or take 0000421 back with the partner,"
        " and write a new one"
    )
    fake.freshbooks.invoices[987654] = invoice(version=LATEST)
    told(fake)
    assert [told_of(one)[0] for one in sent(fake)] == ["0000421"]


def test_a_held_correction_replayed_after_its_invoice_was_numbered_anew_sends_nothing() -> None:
    """No webhook told of the number: the replay is the first to see it."""
    fake = world()
    told(fake)
    fake.freshbooks.invoices[987654] = changed("39", "99.00")
    told(fake)
    assert stored(fake).state is State.HELD
    fake.freshbooks.invoices[987654] = invoice("0000999", version=LATEST)
    replay(fake.world, stored(fake).key, who="clerk")
    before = fake.clock.now()
    drain(fake)
    assert stored(fake, "0000999").reason["code"] == "renumbered_after_sending"
    assert (stored(fake).state, stored(fake).reason["code"]) == (State.HELD, "renumbered_after_sending")
    assert stored(fake).history[-1].who == "map_outbound"
    assert before <= stored(fake).history[-1].at == stored(fake).updated
    versions = stored(fake).version, stored(fake, "0000999").version
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert (stored(fake).version, stored(fake, "0000999").version) == versions, "it is left to the person"
    assert [told_of(one)[0] for one in sent(fake)] == ["0000421"]


def test_what_was_invoiced_before_the_cut_over_is_not_sent_under_another_number_and_date() -> None:
    fake = world()
    set_cut_over(fake.world, date(2026, 3, 20))
    told(fake)
    assert stored(fake).state is State.SKIPPED
    renumbered(fake, "0000999", create_date="2026-03-21")
    held = stored(fake, "0000999")
    assert (held.state, held.reason["code"]) == (State.HELD, "renumbered_after_sending")
    assert sent(fake) == []


def test_what_came_again_under_another_number_is_not_billed_twice_when_it_gets_its_first_number_back() -> (
    None
):
    """Its first number was cancelled with the partner, so that the second one is what the partner pays."""
    fake = world(invoices={"deletion": "cancel"})
    few = changed("10", "25.00")  # of 40 ordered: that both were invoiced would not be noticed
    versions = iter(range(1, 9))

    def seen(number: str, **changes: Any) -> None:
        fake.freshbooks.invoices[987654] = few | {
            "invoice_number": number,
            "version": f"2026-03-12 08:00:0{next(versions)}.000000",
            **changes,
        }
        told(fake)

    seen("0000421")
    seen("0000421", vis_state=1)
    seen("0000999")
    seen("0000421")
    assert [told_of(one)[::2] for one in sent(fake)] == [
        ("0000421", "00"),
        ("0000421", "01"),
        ("0000999", "00"),
    ]
    assert (stored(fake).state, stored(fake).reason["code"]) == (State.HELD, "renumbered_after_sending")
