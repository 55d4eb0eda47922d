"""What the ledger tells of a credit that the connector makes, and what comes after one invoice was taken back."""

from __future__ import annotations

from connector import errors
from connector.ledger import State
from connector.usecases.replaying import replay
from tests.unit.test_corrections import LATER, LATEST, changed, corrected, credited, deleted, told_of
from tests.unit.test_notices import billed, kinds
from tests.unit.test_outbound import drain, invoice, sent, stored, told, world
from tests.unit.test_shipping import file, uploaded
from tests.unit.test_shipping import world as world_that_ships


def test_a_credit_tells_what_it_takes_back_who_made_it_and_what_it_is_worth() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake)
    credit, new = stored(fake, "0000421C1", "credit"), stored(fake)
    assert credit.source == f"reversal:{new.key.id}"
    assert credit.correlation_id == "request-1", "the webhook that told of the change"
    assert credit.history[0].who == credit.history[1].who == "map_outbound"
    assert (credit.amount, credit.currency) == ("-100", "USD")
    assert credit.date == sent(fake)[1]["Header"]["InvoiceHeader"]["InvoiceDate"] == credit.created[:10]
    assert [event.note for event in credit.history if event.what == "mapped"] == [""]


def test_a_refused_credit_that_is_replayed_is_the_same_credit() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    fake.sps.outcomes = [(errors.Refused("bad"), False)]
    corrected(fake)
    refused = stored(fake, "0000421C1", "credit")
    assert refused.state is State.REJECTED
    replay(fake.world, refused.key, who="clerk")
    drain(fake)
    credit = stored(fake, "0000421C1", "credit")
    assert (credit.state, credit.revision, credit.source) == (State.DELIVERED, 1, refused.source)
    assert {event.who for event in credit.history[len(refused.history) + 1 :]} == {"map_outbound", "push_sps"}
    assert [told_of(one)[0] for one in sent(fake)] == ["0000421", "0000421C1", "0000421R2"]


def test_a_cancellation_tells_what_it_was_worth() -> None:
    fake = world(invoices={"deletion": "cancel"})
    told(fake)
    deleted(fake)
    record = stored(fake)
    assert (record.amount, record.currency, record.date) == ("100", "USD", "2026-03-11")
    assert [event.note for event in record.history if event.what == "mapped"] == ["", "cancellation"]


def test_what_was_cancelled_needs_no_credit_before_it_comes_again() -> None:
    fake = world(invoices={"deletion": "cancel", "correction": "credit"})
    told(fake)
    deleted(fake)
    fake.freshbooks.invoices[987654] = invoice(version=LATEST)
    told(fake)
    assert [told_of(one)[::2] for one in sent(fake)] == [
        ("0000421", "00"),
        ("0000421", "01"),
        ("0000421R3", "00"),
    ]


def test_what_was_credited_and_is_deleted_ends_there() -> None:
    fake = world(invoices={"deletion": "credit"})
    told(fake)
    deleted(fake)
    assert [told_of(one)[:2] for one in sent(fake)] == [("0000421", "DR"), ("0000421C1", "CR")]
    assert (stored(fake).state, stored(fake).history[-1].note) == (
        State.CANCELLED,
        "0000421 was taken back",
    )


def test_a_resend_by_force_is_not_repeated_by_a_change_that_is_changed_back() -> None:
    fake = world()
    told(fake)
    replay(fake.world, stored(fake).key, who="clerk", reason="lost by the partner", force=True)
    drain(fake)
    assert len(fake.sps.uploads) == 2
    fake.freshbooks.invoices[987654] = changed("39", "99.00", LATER)  # does not foot
    told(fake)
    fake.freshbooks.invoices[987654] = invoice(version=LATEST)
    told(fake)
    assert len(fake.sps.uploads) == 2
    assert (stored(fake).state, stored(fake).history[-1].note) == (
        State.SKIPPED,
        "changed back to what the partner has",
    )
    assert (stored(fake).amount, stored(fake).currency) == ("100.00", "USD")


def test_what_was_taken_back_by_a_credit_may_come_again_under_another_number() -> None:
    fake = world(invoices={"deletion": "credit"})
    told(fake)
    deleted(fake)
    fake.freshbooks.invoices[987654] = invoice("0000500", version=LATEST)
    told(fake)
    assert [told_of(one)[:2] for one in sent(fake)] == [
        ("0000421", "DR"),
        ("0000421C1", "CR"),
        ("0000500", "DR"),
    ]


def test_a_credit_note_names_the_invoice_as_the_partner_has_it_while_its_correction_is_held() -> None:
    fake = world()
    told(fake)
    corrected(fake, "39", "99.00")  # does not foot
    assert stored(fake).state is State.HELD
    credited(fake)
    assert sent(fake)[-1]["Header"]["References"][-1] == {
        "ReferenceQual": "INV",
        "ReferenceID": "0000421",
        "Description": "Original invoice",
        "Date": "2026-03-11",
    }


def test_no_credit_goes_out_for_a_correction_that_cannot_go_itself() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake, "41", "102.50")  # 40 were ordered
    held = stored(fake)
    assert (held.state, held.reason["code"]) == (State.HELD, "over_invoiced")
    assert "over_invoiced" in {finding["code"] for finding in held.findings}
    assert [told_of(one)[0] for one in sent(fake)] == ["0000421"]
    corrected(fake, "39", "97.50", LATEST)
    assert [told_of(one) for one in sent(fake)][1:] == [
        ("0000421C1", "CR", "00", 100),
        ("0000421R2", "DR", "00", 97.5),
    ]
    assert stored(fake).state is State.DELIVERED


def test_what_other_invoices_bill_leaves_nothing_for_a_correction_and_so_no_credit_goes_out() -> None:
    fake = world(invoices={"correction": "credit"})
    fake.freshbooks.invoices[987654] = changed("30", "75.00", "2026-03-11 08:00:00.000000")
    told(fake)
    other = changed("10", "25.00") | {"id": 987655, "invoiceid": 987655, "invoice_number": "0000422"}
    fake.freshbooks.invoices[987655] = other
    told(fake, object_id=987655)
    corrected(fake, "31", "77.50")
    assert stored(fake).reason["code"] == "over_invoiced"
    assert [told_of(one)[0] for one in sent(fake)] == ["0000421", "0000422"]
    corrected(fake, "29", "72.50", LATEST)
    assert [told_of(one)[0] for one in sent(fake)][2:] == ["0000421C1", "0000421R2"]


def test_a_correction_that_has_to_wait_for_its_notice_is_not_credited_before() -> None:
    fake = world_that_ships(invoices={"correction": "credit", "asn_first": True})
    uploaded(fake, file(39))
    billed(fake, 39)
    billed(fake, 40)
    assert stored(fake).reason["code"] == "notice_first"
    assert "40 invoiced in all, 39 noticed" in stored(fake).reason["message"]
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader"]
    uploaded(fake, file(1, shipment="SH-2"))
    assert [told_of(one) for one in sent(fake) if "InvoiceHeader" in one["Header"]] == [
        ("0000421", "DR", "00", 97.5),
        ("0000421C1", "CR", "00", 97.5),
        ("0000421R2", "DR", "00", 100),
    ]
