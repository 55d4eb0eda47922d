"""Replay with a look ahead, and the nightly account."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from connector import errors
from connector.ledger import DocumentKey, State
from connector.rules.packs import PartnerPack
from connector.usecases import packs
from connector.usecases.polling import poll_sps
from connector.usecases.reconcile import reconcile
from connector.usecases.replaying import preview, replay, resolve
from tests.fakes import FakeWorld
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER

ORDER = DocumentKey("acme", "in", PARTNER, "order", "0045001234")
INVOICE = DocumentKey("acme", "out", PARTNER, "invoice", "0000421")


def delivered() -> FakeWorld:
    fake = outbound.world()
    outbound.told(fake)
    return fake


def test_a_preview_of_a_delivered_document_shows_no_difference_and_sends_nothing() -> None:
    fake = delivered()
    writes = fake.ledger.writes
    for key in (ORDER, INVOICE):
        told = preview(fake.world, key)
        assert told["differences"] == []
        assert told["outcome"].startswith("nothing")
    assert (fake.ledger.writes, len(fake.sps.uploads)) == (writes, 1)


def test_a_preview_shows_field_by_field_what_a_changed_pack_would_change() -> None:
    fake = delivered()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", header={"Division": "019"}))
    assert preview(fake.world, INVOICE)["differences"] == [
        {"field": "Header.InvoiceHeader.Division", "sent": None, "now": "019"}
    ]


def test_a_preview_of_a_correction_that_is_parked_compares_with_what_the_partner_has() -> None:
    fake = outbound.world()
    inbound.put(fake, "out/2.json", inbound.order(price=3.25, TsetPurposeCode="05"))
    fake.freshbooks.bills[1000]["paid"] = {"amount": "100.00", "code": "USD"}
    inbound.run(fake)
    assert inbound.stored(fake).state is State.HELD
    assert preview(fake.world, ORDER)["differences"] == [
        {"field": "bill.lines[0].unit_cost.amount", "sent": "2.50", "now": "3.25"}
    ]


def test_a_preview_says_why_a_document_would_still_be_held() -> None:
    fake = FakeWorld()
    inbound.put(fake, "out/1.json", inbound.order())
    inbound.run(fake)
    told = preview(fake.world, ORDER)
    assert (told["outcome"], told["reason"]["code"]) == ("held", "partner_not_set_up")


def test_a_held_document_is_replayed_after_its_cause_is_gone() -> None:
    fake = inbound.world()
    fake.freshbooks.categories = {}
    inbound.put(fake, "out/1.json", inbound.order())
    inbound.run(fake)
    assert inbound.stored(fake).state is State.HELD
    fake.freshbooks.categories = {77: "Cost of Goods Sold"}
    replay(fake.world, ORDER, who="a person")
    inbound.drain(fake)
    assert (inbound.stored(fake).state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_replaying_a_delivered_document_sends_nothing() -> None:
    fake = delivered()
    with pytest.raises(errors.CheckFailed):
        replay(fake.world, INVOICE, who="a person")
    with pytest.raises(errors.BadUse):
        replay(fake.world, INVOICE, who="a person", force=True)
    outbound.drain(fake)
    assert len(fake.sps.uploads) == 1


def test_a_forced_resend_is_a_new_revision_with_its_reason_on_the_history() -> None:
    fake = delivered()
    replay(fake.world, INVOICE, who="a person", force=True, reason="the partner lost it")
    outbound.drain(fake)
    record = outbound.stored(fake)
    assert (record.state, record.revision) == (State.DELIVERED, 2)
    assert "the partner lost it" in [event.note for event in record.history]
    first, second = fake.sps.uploads
    assert first != second
    purposes = [
        json.loads(fake.sps.files[path])["Header"]["InvoiceHeader"]["TsetPurposeCode"]
        for path in (first, second)
    ]
    assert purposes == ["00", "05"]


def test_a_forced_resend_of_an_order_updates_its_one_bill() -> None:
    fake = delivered()
    replay(fake.world, ORDER, who="a person", force=True, reason="the bill was edited by mistake")
    inbound.drain(fake)
    assert (fake.freshbooks.posts, len(fake.freshbooks.bills)) == (1, 1)


def verdicts(fake: FakeWorld) -> dict[str, tuple[str, bool]]:
    return {one["document"]: (one["verdict"], one["explained"]) for one in reconcile(fake.world)["verdicts"]}


def test_a_day_in_order_leaves_nothing_unexplained() -> None:
    fake = delivered()
    result = reconcile(fake.world)
    assert result["unexplained"] == 0
    assert result["documents"] == 2
    assert verdicts(fake) == {ORDER.id: ("delivered", True), INVOICE.id: ("delivered", True)}


def test_an_invoice_whose_po_number_no_order_has_is_told_as_not_sent() -> None:
    fake = delivered()
    for object_id, number, po_number in ((2, "MISTYPED", "45001234"), (3, "PRIVATE", "")):
        other = outbound.invoice(number, po_number=po_number) | {"id": object_id, "invoiceid": object_id}
        fake.freshbooks.invoices[object_id] = other
        outbound.told(fake, object_id=object_id)
    result = reconcile(fake.world, days=365)
    [row] = [one for one in result["verdicts"] if one["where"] == "FreshBooks"]
    assert (row["document"], row["verdict"], row["explained"]) == ("invoice MISTYPED", "names no order", True)
    assert "45001234" in row["detail"]


def test_a_bill_that_is_gone_or_there_twice_is_unexplained() -> None:
    fake = delivered()
    fake.freshbooks.bills[1001] = {**fake.freshbooks.bills[1000], "id": 1001}
    fake.freshbooks.vendor_of_bill[1001] = 500
    assert verdicts(fake)["bill 1001"] == ("twice at FreshBooks", False)
    fake.freshbooks.bills[1000]["vis_state"] = 1
    assert verdicts(fake)[ORDER.id] == ("deleted at FreshBooks", False)
    del fake.freshbooks.bills[1000]
    assert verdicts(fake)[ORDER.id] == ("missing at FreshBooks", False)


def test_a_file_that_sps_does_not_know_or_that_nobody_sent_is_unexplained() -> None:
    fake = delivered()
    [path] = fake.sps.uploads
    del fake.sps.files[path], fake.sps.log[path]
    assert verdicts(fake)[INVOICE.id] == ("missing at SPS", False)
    fake.sps.files["in/IN-by-somebody.json"] = b"{}"
    assert verdicts(fake)["in/IN-by-somebody.json"] == ("unknown file at SPS", False)


def test_what_waits_for_a_person_is_explained_and_what_is_stuck_is_not() -> None:
    fake = delivered()
    inbound.put(fake, "out/odd.json", b"{")
    inbound.run(fake)
    inbound.put(fake, "out/2.json", inbound.order("2"))
    poll_sps(fake.world)
    for message in fake.files.take():
        inbound.map_inbound(fake.world, message)
    assert verdicts(fake)["acme/in/-/file/odd.json"] == ("needs a person", True)
    stuck = ORDER._replace(number="2").id
    assert verdicts(fake)[stuck] == ("on its way", True)
    fake.clock.pass_(3 * 3600)
    assert verdicts(fake)[stuck] == ("on its way", False)


def test_a_document_that_a_person_dealt_with_is_closed_and_its_content_is_not_taken_up_again() -> None:
    fake = delivered()
    inbound.put(fake, "out/odd.json", b"{")
    inbound.run(fake)
    key = DocumentKey("acme", "in", "-", "file", "odd.json")
    with pytest.raises(errors.BadUse):
        resolve(fake.world, key, who="a person", reason=" ")
    resolve(fake.world, key, who="a person", reason="it was a test file")
    inbound.put(fake, "out/odd.json", b"{")
    inbound.run(fake)
    record = fake.ledger.get(key)
    assert record is not None
    assert (record.state, record.duplicates) == (State.SKIPPED, 1)
    with pytest.raises(errors.CheckFailed):
        resolve(fake.world, ORDER, who="a person", reason="x")


def test_what_a_rule_stopped_goes_on_by_the_pack_that_somebody_saved_in_another_process() -> None:
    fake = outbound.world(ordered=False)
    inbound.put(fake, "out/1.json", inbound.order(price=2.4))
    inbound.run(fake)
    outbound.told(fake)
    assert outbound.stored(fake).reason["code"] == "price_differs"
    console = dataclasses.replace(fake.world)
    pack = console.pack(PARTNER)
    tolerant = pack.model_copy(
        update={"tolerances": pack.tolerances.model_copy(update={"price": Decimal(5)})}
    )
    assert packs.set_up_partner(console, tolerant) == 1
    assert preview(fake.world, INVOICE)["outcome"] == "sent"
    outbound.drain(fake)
    assert (outbound.stored(fake).state, len(fake.sps.uploads)) == (State.DELIVERED, 1)
