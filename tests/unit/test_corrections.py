"""An invoice or bill that changes, or goes, after the trading partner got it."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.outbound_plans import plan_again
from connector.usecases.replaying import replay, resolve
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.webhooks import hint
from tests.alone import map_outbound
from tests.fakes import FakeWorld
from tests.outbound import assert_official, written_bill
from tests.unit.test_inbound import PARTNER
from tests.unit.test_outbound import drain, invoice, sent, stored, told, world

LATER = "2026-03-12 08:00:00.000000"
LATEST = "2026-03-13 08:00:00.000000"


def changed(quantity: str, total: str, version: str = LATER) -> dict[str, Any]:
    again = invoice(version=version, amount={"amount": total, "code": "USD"})
    again["lines"][0] |= {"qty": quantity, "amount": {"amount": total, "code": "USD"}}
    return again


def corrected(fake: FakeWorld, quantity: str = "39", total: str = "97.50", version: str = LATER) -> None:
    fake.freshbooks.invoices[987654] = changed(quantity, total, version)
    told(fake)


def deleted(fake: FakeWorld, version: str = LATER) -> None:
    fake.freshbooks.invoices[987654] = invoice(vis_state=1, version=version)
    told(fake)


def told_of(document: dict[str, Any]) -> tuple[str, str, str, float]:
    header = document["Header"]["InvoiceHeader"]
    return (
        header["InvoiceNumber"],
        header["InvoiceTypeCode"],
        header["TsetPurposeCode"],
        document["Summary"]["TotalAmount"],
    )


ORDER = DocumentKey("acme", "in", PARTNER, "order", "0045001234")
FIRST = ("0000421", "DR", "00", 100)
CREDIT = ("0000421C1", "CR", "00", 100)


@pytest.mark.parametrize(("style", "kind"), [("replace", "DR"), ("update", "U5")])
def test_a_correction_goes_out_under_the_same_number_as_a_replacement(style: str, kind: str) -> None:
    fake = world(invoices={"correction": style})
    told(fake)
    corrected(fake)
    corrected(fake, "38", "95.00", LATEST)
    assert [told_of(one) for one in sent(fake)] == [
        FIRST,
        ("0000421", kind, "05", 97.5),
        ("0000421", kind, "05", 95),
    ]


def test_a_correction_by_credit_takes_back_what_was_sent_and_invoices_anew() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, CREDIT, ("0000421R2", "DR", "00", 97.5)]
    credit = sent(fake)[1]
    assert credit["Header"]["References"][-1] == {
        "ReferenceQual": "INV",
        "ReferenceID": "0000421",
        "Description": "Original invoice",
        "Date": "2026-03-11",
    }
    assert credit["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == "0045001234"
    assert credit["LineItem"] == sent(fake)[0]["LineItem"]
    assert stored(fake, "0000421C1", "credit").amount == "-100"
    assert stored(fake).revision == 2
    for document in sent(fake):
        assert_official(document, "Invoice")


def test_every_further_correction_takes_back_the_last_invoice_that_was_sent() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake)
    corrected(fake, "38", "95.00", LATEST)
    assert [told_of(one) for one in sent(fake)][3:] == [
        ("0000421C2", "CR", "00", 97.5),
        ("0000421R3", "DR", "00", 95),
    ]
    assert sent(fake)[3]["Header"]["References"][-1]["ReferenceID"] == "0000421R2"


def test_the_new_invoice_waits_until_its_credit_is_delivered() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    fake.sps.outcomes = [(errors.OutcomeUnknown("read timeout"), False)]
    with pytest.raises(errors.OutcomeUnknown):
        corrected(fake)
    drain(fake)
    assert stored(fake, "0000421C1", "credit").state is State.IN_DOUBT
    assert stored(fake).reason["code"] == "credit_first"
    resolve_in_doubt(fake.world)  # the invoice is not woken by it
    with pytest.raises(errors.Busy):
        drain(fake)
    assert len(fake.sps.uploads) == 1
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, CREDIT, ("0000421R2", "DR", "00", 97.5)]


def test_a_change_while_the_credit_is_on_its_way_is_in_the_one_new_invoice() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    fake.sps.outcomes = [(errors.Unreachable("down"), False)]
    with pytest.raises(errors.Unreachable):
        corrected(fake)
    corrected(fake, "38", "95.00", LATEST)
    assert stored(fake).state is State.HELD
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, CREDIT, ("0000421R2", "DR", "00", 95)]


def test_a_correction_whose_worker_died_before_it_made_the_credit_goes_on() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    put = fake.archive.put
    fake.archive.put = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        corrected(fake)
    fake.archive.put = put  # type: ignore[method-assign]
    told(fake)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert [told_of(one) for one in sent(fake)][1:] == [CREDIT, ("0000421R2", "DR", "00", 97.5)]


def test_a_refused_credit_keeps_the_new_invoice_back_until_a_person_dealt_with_it() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    fake.sps.outcomes = [(errors.Refused("no"), False)]
    corrected(fake)
    credit = stored(fake, "0000421C1", "credit")
    assert credit.state is State.REJECTED
    resolve_in_doubt(fake.world)
    drain(fake)
    assert len(fake.sps.uploads) == 1
    resolve(fake.world, credit.key, who="clerk", reason="credited by mail")
    resolve_in_doubt(fake.world)
    drain(fake)
    assert told_of(sent(fake)[-1]) == ("0000421R2", "DR", "00", 97.5)


def test_the_credit_that_was_begun_is_finished_though_the_pack_changes() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    fake.sps.outcomes = [(errors.Unreachable("down"), False)]
    with pytest.raises(errors.Unreachable):
        corrected(fake)
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail"))
    told(fake)
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, CREDIT, ("0000421R2", "DR", "00", 97.5)]


def test_what_is_changed_back_is_not_sent_again() -> None:
    fake = world(invoices={"correction": "credit", "deletion": "hold"})
    told(fake)
    deleted(fake)
    assert stored(fake).reason["code"] == "deleted_after_sending"
    fake.freshbooks.invoices[987654] = invoice(version=LATEST)
    told(fake)
    assert stored(fake).state is State.SKIPPED
    assert len(fake.sps.uploads) == 1


@pytest.mark.parametrize(("style", "purpose"), [("replace", "05"), ("credit", "00")])
def test_a_forced_resend_is_the_same_invoice_and_no_credit(style: str, purpose: str) -> None:
    fake = world(invoices={"correction": style})
    told(fake)
    replay(fake.world, stored(fake).key, who="clerk", reason="the partner lost it", force=True)
    drain(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, ("0000421", "DR", purpose, 100)]


def test_a_deleted_invoice_is_cancelled_where_the_partner_takes_cancellations() -> None:
    fake = world(invoices={"deletion": "cancel"})
    told(fake)
    deleted(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, ("0000421", "DR", "01", 100)]
    assert_official(sent(fake)[1], "Invoice")
    assert stored(fake).state is State.DELIVERED
    assert any(event.note == "cancellation" for event in stored(fake).history)


def test_a_deleted_invoice_is_credited_where_the_partner_takes_credits() -> None:
    fake = world(invoices={"deletion": "credit"})
    told(fake)
    deleted(fake)
    assert [told_of(one) for one in sent(fake)] == [FIRST, CREDIT]
    assert stored(fake).state is State.CANCELLED


@pytest.mark.parametrize("style", ["cancel", "credit"])
def test_what_was_taken_back_comes_again_under_a_number_that_the_partner_has_not_seen(style: str) -> None:
    fake = world(invoices={"deletion": style})
    told(fake)
    deleted(fake)
    fake.freshbooks.invoices[987654] = invoice(version=LATEST)
    told(fake)
    number = "0000421R2" if style == "credit" else "0000421R3"
    assert told_of(sent(fake)[-1]) == (number, "DR", "00", 100)


@pytest.mark.parametrize(
    ("style", "last"), [("cancel", ("SB-1", "SELF", "01", 12.34)), ("credit", ("SB-1C1", "CR", "00", 12.34))]
)
def test_a_bill_that_goes_is_taken_back_as_the_pack_says(style: str, last: tuple[Any, ...]) -> None:
    fake = with_bill(deletion=style)
    fake.freshbooks.delete_bill(1001)
    told(fake, "bill", 1001)
    assert told_of(sent(fake)[-1]) == last
    assert len(fake.sps.uploads) == 2


def test_a_bill_that_changes_is_replaced() -> None:
    fake = with_bill()
    fake.freshbooks.update_bill(1001, {"bill": written_bill("12.00")})
    fake.freshbooks.bills[1001]["updated_at"] = "2027-01-01 00:00:00"
    told(fake, "bill", 1001)
    assert [told_of(one) for one in sent(fake)] == [
        ("SB-1", "SELF", "00", 12.34),
        ("SB-1", "SELF", "05", 12),
    ]


def with_bill(**policy: Any) -> FakeWorld:
    fake = world(bills={"send": True, **policy})
    fake.freshbooks.create_bill({"bill": written_bill("12.34")})
    told(fake, "bill", 1001)
    return fake


def test_a_credit_is_explained_field_by_field() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake)
    trace: dict[str, Any] = {}
    plan_again(fake.world, stored(fake, "0000421C1", "credit"), trace)
    assert trace["LineItem[0].InvoiceLine.BuyerPartNumber"].paths == (
        "sent.LineItem[0].InvoiceLine.BuyerPartNumber",
    )
    assert trace["Header.InvoiceHeader.InvoiceNumber"].rule
    assert all(source.rule != "mapped" for source in trace.values())


# --- credit notes of FreshBooks ---------------------------------------------------------------------------


def credit_note(notes: str = "Credit for invoice #0000421", **changes: Any) -> dict[str, Any]:
    note = invoice("CN-7", id=987700, amount={"amount": "-5.00", "code": "USD"}, notes=notes) | changes
    note["lines"][0] |= {"qty": "-2", "amount": {"amount": "-5.00", "code": "USD"}}
    return note


def credited(fake: FakeWorld, **note: Any) -> None:
    fake.freshbooks.invoices[987700] = credit_note(**note)
    told(fake, "invoice", 987700)


def test_a_credit_note_goes_out_as_a_credit_of_its_invoice_and_order() -> None:
    fake = world(invoices={"asn": True})
    told(fake)
    credited(fake)
    document = sent(fake)[-1]
    assert told_of(document) == ("CN-7", "CR", "00", 5)
    assert document["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == "0045001234"
    assert document["Header"]["References"][-1] == {
        "ReferenceQual": "INV",
        "ReferenceID": "0000421",
        "Description": "Original invoice",
        "Date": "2026-03-11",
    }
    assert document["LineItem"][0]["InvoiceLine"]["InvoiceQty"] == 2
    assert_official(document, "Invoice")
    assert stored(fake, "CN-7", "credit").state is State.DELIVERED


def test_a_credit_note_without_a_po_number_is_for_the_order_of_its_invoice() -> None:
    fake = world(freshbooks={"client_ids": [12345]})
    told(fake)
    credited(fake, po_number=None)
    document = sent(fake)[-1]
    assert told_of(document) == ("CN-7", "CR", "00", 5)
    assert document["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == "0045001234"
    assert document["LineItem"][0]["InvoiceLine"]["BuyerPartNumber"] == "B-1"


def test_a_credit_note_names_the_number_under_which_the_partner_has_the_invoice() -> None:
    fake = world(invoices={"correction": "credit"})
    told(fake)
    corrected(fake)
    credited(fake)
    assert sent(fake)[-1]["Header"]["References"][-1]["ReferenceID"] == "0000421R2"


def test_a_credit_note_that_names_no_invoice_is_for_the_only_one_of_its_order() -> None:
    fake = world()
    told(fake)
    credited(fake, notes="Goodwill")
    assert sent(fake)[-1]["Header"]["References"][-1]["ReferenceID"] == "0000421"


def test_a_credit_note_that_names_no_one_invoice_is_held_until_it_does() -> None:
    fake = world()
    told(fake)
    credited(fake, notes="for inv. 0000421 and inv. 0000422")
    held = stored(fake, "CN-7", "credit")
    assert (held.state, held.reason["code"]) == (State.HELD, "original_unknown")
    credited(fake, notes="for inv. 0000421", version=LATER)
    assert told_of(sent(fake)[-1]) == ("CN-7", "CR", "00", 5)


def test_a_deleted_credit_note_is_taken_back_by_an_invoice() -> None:
    fake = world(invoices={"deletion": "credit"})
    told(fake)
    credited(fake)
    credited(fake, vis_state=1, version=LATER)
    assert told_of(sent(fake)[-1]) == ("CN-7C1", "DR", "00", 5)


# --- another number -----------------------------------------------------------------------------------------


def renumbered(fake: FakeWorld, number: str, **changes: Any) -> None:
    fake.freshbooks.invoices[987654] = invoice(number, version=LATER, **changes)
    told(fake)


def test_an_invoice_that_is_numbered_anew_after_sending_is_held_and_billed_once() -> None:
    fake = world()
    told(fake)
    renumbered(fake, "0000999")
    held = stored(fake, "0000999")
    assert (held.state, held.reason["code"]) == (State.HELD, "renumbered_after_sending")
    assert "0000421" in held.reason["message"]
    resolve_in_doubt(fake.world)
    replay(fake.world, held.key, who="clerk")
    drain(fake)
    assert len(fake.sps.uploads) == 1


def test_an_invoice_that_is_numbered_anew_before_sending_goes_out_under_the_new_number() -> None:
    fake = world()
    fake.freshbooks.invoices[987654] = invoice(amount={"amount": "99.00", "code": "USD"})
    told(fake)
    assert stored(fake).reason["code"] == "does_not_foot"
    renumbered(fake, "0000999")
    assert [told_of(one)[0] for one in sent(fake)] == ["0000999"]
    assert stored(fake).state is State.SUPERSEDED


def test_what_was_cancelled_with_the_partner_may_come_again_under_another_number() -> None:
    fake = world(invoices={"deletion": "cancel"})
    told(fake)
    deleted(fake)
    fake.freshbooks.invoices[987654] = invoice("0000999", version=LATEST)
    told(fake)
    assert told_of(sent(fake)[-1]) == ("0000999", "DR", "00", 100)


def test_an_invoice_that_is_numbered_anew_while_it_waits_to_be_sent_goes_out_under_the_new_number() -> None:
    """Its pieces of the order were reserved under the old one."""
    fake = world()
    map_outbound(fake.world, hint("acme", "invoice", 987654, "invoice.create", "c"))
    assert stored(fake).state is State.MAPPED
    fake.rsx.messages.clear()
    renumbered(fake, "0000999")
    assert [told_of(one)[0] for one in sent(fake)] == ["0000999"]
    assert stored(fake).state is State.SUPERSEDED


def test_of_two_workers_that_see_one_invoice_under_two_numbers_only_one_sends_it() -> None:
    """The slow one has read the invoice and its note before it got another number, and stores its document after."""
    fake = world()
    few = changed("10", "25.00")  # of 40 ordered: that both were invoiced would not be noticed
    fake.freshbooks.invoices[987654] = few
    slow: list[str] = []
    save = fake.ledger.save

    def saving(record: Record, after: int) -> Record | None:
        if record.key.number == "0000421" and not slow:
            slow.append("between its look and its save")
            renumbered(fake, "0000999", lines=few["lines"], amount=few["amount"])
        return save(record, after)

    fake.ledger.save = saving  # type: ignore[method-assign]
    with pytest.raises(errors.Busy):
        map_outbound(fake.world, hint("acme", "invoice", 987654, "invoice.create", "c"))
    drain(fake)
    assert [told_of(one)[0] for one in sent(fake)] == ["0000999"]
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert len(fake.sps.uploads) == 1
    assert stored(fake).state is State.SUPERSEDED


def test_what_a_worker_stored_and_died_before_it_noted_is_not_sent_beside_its_new_number() -> None:
    fake = world()
    replace = fake.notes.replace

    def dies(*_: Any) -> bool:
        raise RuntimeError("killed")

    fake.notes.replace = dies  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        map_outbound(fake.world, hint("acme", "invoice", 987654, "invoice.create", "c"))
    assert (stored(fake).state, fake.rsx.messages) == (State.MAPPED, [])
    fake.notes.replace = replace  # type: ignore[method-assign]
    renumbered(fake, "0000999")
    fake.clock.pass_(3600)
    resolve_in_doubt(fake.world)
    drain(fake)
    assert stored(fake).state is State.SUPERSEDED
    assert [told_of(one)[0] for one in sent(fake)] == ["0000999"]
