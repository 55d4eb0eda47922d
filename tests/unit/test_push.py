"""Claim - effect - confirm, on fakes: every outcome ends in exactly one object at the target."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import LEASE_SECONDS, DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.arrivals import Planned, settle
from tests.alone import push_document
from tests.fakes import FakeWorld

ORDER = DocumentKey("acme", "in", "123ALLSUPPLIER", "order", "0045001234")
INVOICE = DocumentKey("acme", "out", "123ALLSUPPLIER", "invoice", "00/421")
LOST = errors.OutcomeUnknown("read timed out")


def bill(amount: str = "20.00") -> dict[str, Any]:
    return {
        "bill_vendor": {
            "vendor_name": "Example Retail",
            "account_number": "123ALLSUPPLIER",
            "currency_code": "USD",
            "language": "en",
            "is_1099": False,
        },
        "bill": {
            "bill_number": "0045001234",
            "issue_date": "2026-03-02",
            "due_offset_days": 30,
            "currency_code": "USD",
            "language": "en",
            "lines": [{"description": "V-1", "quantity": 5, "unit_cost": {"amount": amount, "code": "USD"}}],
        },
    }


RSX = {"Header": {"InvoiceHeader": {"TradingPartnerId": "123ALLSUPPLIER", "InvoiceNumber": "00/421"}}}


def world() -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id="123ALLSUPPLIER", name="Example Retail"))
    return fake


def arrived(
    fake: FakeWorld, key: DocumentKey = ORDER, document: Any = None, digest: str = "d1"
) -> dict[str, Any]:
    """Register a document as a mapper does; the push message that it sends."""
    queue = fake.bills if key.direction == "in" else fake.rsx
    settle(
        fake.world,
        key,
        digest=digest,
        rank="",
        source="out/x.json",
        received="p#0",
        correlation_id="c1",
        who="test",
        plan=lambda record: Planned(document=document or (bill() if key is ORDER else RSX)),
        queue=queue,
    )
    return queue.take()[-1]


def stored(fake: FakeWorld, key: DocumentKey = ORDER) -> Record:
    record = fake.ledger.get(key)
    assert record is not None
    return record


def test_an_order_becomes_one_bill_of_the_partners_vendor_in_three_ledger_writes() -> None:
    fake = world()
    push_document(fake.world, arrived(fake))
    record = stored(fake)
    assert (record.state, record.attempt) == (State.DELIVERED, 1)
    assert fake.freshbooks.posts == 1
    assert fake.freshbooks.bills[int(record.remote_id)]["lines"][0]["categoryid"] == 77
    assert fake.freshbooks.vendors[500]["account_number"] == "123ALLSUPPLIER"
    assert fake.ledger.writes == 3


def test_the_same_message_again_pushes_nothing() -> None:
    fake = world()
    message = arrived(fake)
    for _ in range(3):
        push_document(fake.world, message)
    assert fake.freshbooks.posts == 1


@pytest.mark.parametrize("acted", [True, False], ids=["the bill was made", "the bill was not made"])
def test_a_lost_reply_is_resolved_by_asking_and_ends_in_one_bill(acted: bool) -> None:
    fake = world()
    fake.freshbooks.outcomes = [(LOST, acted)]
    message = arrived(fake)
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    assert stored(fake).state is State.IN_DOUBT
    for _ in range(2):
        if stored(fake).state is not State.DELIVERED:
            try:
                push_document(fake.world, message)
            except errors.Busy as busy:
                fake.clock.pass_((busy.retry_after or 0) + 1)
    push_document(fake.world, message)
    assert stored(fake).state is State.DELIVERED
    assert len(fake.freshbooks.bills) == 1


def test_nobody_posts_before_the_second_look_a_settle_time_later() -> None:
    fake = world()
    fake.freshbooks.outcomes = [(LOST, False)]
    message = arrived(fake)
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    for _ in range(3):
        with pytest.raises(errors.Busy):
            push_document(fake.world, message)
    assert fake.freshbooks.posts == 0


def test_a_worker_that_died_after_the_post_leaves_one_bill() -> None:
    class Killed(BaseException):
        pass

    fake = world()
    fake.freshbooks.outcomes = [(Killed(), True)]  # type: ignore[list-item]
    message = arrived(fake)
    with pytest.raises(Killed):
        push_document(fake.world, message)
    assert stored(fake).state is State.CLAIMED
    with pytest.raises(errors.Busy):
        push_document(fake.world, message)
    fake.clock.pass_(LEASE_SECONDS + 1)
    push_document(fake.world, message)
    assert stored(fake).state is State.DELIVERED
    assert fake.freshbooks.posts == 1


def test_a_request_that_was_not_sent_frees_the_claim_and_is_tried_again() -> None:
    fake = world()
    fake.freshbooks.outcomes = [(errors.Throttled("slow down", retry_after=30), False)]
    message = arrived(fake)
    with pytest.raises(errors.Throttled):
        push_document(fake.world, message)
    assert stored(fake).state is State.MAPPED
    push_document(fake.world, message)
    assert (stored(fake).state, stored(fake).attempt, fake.freshbooks.posts) == (State.DELIVERED, 2, 1)


def test_a_refusal_parks_the_document_at_the_first_attempt_with_its_reason() -> None:
    fake = world()
    fake.freshbooks.outcomes = [(errors.Refused("currency_code is not valid", code="errno_1004"), False)]
    push_document(fake.world, arrived(fake))
    assert stored(fake).state is State.REJECTED
    assert stored(fake).reason["message"] == "currency_code is not valid"


def test_a_missing_category_parks_the_document_and_posts_nothing() -> None:
    fake = world()
    fake.freshbooks.categories = {}
    push_document(fake.world, arrived(fake))
    assert stored(fake).state is State.HELD
    assert stored(fake).reason["code"] == "no_such_category"
    assert fake.freshbooks.posts == 0


def test_the_vendor_is_found_by_account_number_then_by_name_before_one_is_made() -> None:
    by_number, by_name = world(), world()
    by_number.freshbooks.vendors = {
        1: {"vendorid": 1, "vendor_name": "Example Retail", "vis_state": 0},
        2: {"vendorid": 2, "vendor_name": "Somebody", "account_number": "123ALLSUPPLIER", "vis_state": 0},
    }
    by_name.freshbooks.vendors = {1: {"vendorid": 1, "vendor_name": "EXAMPLE  retail", "vis_state": 0}}
    for fake, vendor_id in ((by_number, 2), (by_name, 1)):
        push_document(fake.world, arrived(fake))
        assert list(fake.freshbooks.vendor_of_bill.values()) == [vendor_id]


def test_a_revision_updates_the_bill_that_is_there() -> None:
    fake = world()
    push_document(fake.world, arrived(fake))
    push_document(fake.world, arrived(fake, document=bill("25.00"), digest="d2"))
    assert fake.freshbooks.posts == 1
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "125.00"
    assert stored(fake).revision == 2


def test_an_update_that_freshbooks_ignores_is_noticed_and_parked() -> None:
    fake = world()
    push_document(fake.world, arrived(fake))
    fake.freshbooks.updates_ignored = True
    push_document(fake.world, arrived(fake, document=bill("25.00"), digest="d2"))
    assert stored(fake).state is State.REJECTED
    assert stored(fake).reason["code"] == "change_ignored"


def test_a_paid_bill_is_not_changed_behind_peoples_backs() -> None:
    fake = world()
    push_document(fake.world, arrived(fake))
    fake.freshbooks.bills[1000]["paid"] = {"amount": "10.00", "code": "USD"}
    push_document(fake.world, arrived(fake, document=bill("25.00"), digest="d2"))
    assert stored(fake).state is State.HELD
    assert stored(fake).reason["code"] == "bill_already_paid"


def test_a_cancelled_order_closes_its_bill() -> None:
    fake = world()
    push_document(fake.world, arrived(fake))
    push_document(fake.world, arrived(fake, document={"cancel": True}, digest="d2"))
    assert stored(fake).state is State.CANCELLED
    assert fake.freshbooks.bills[1000]["vis_state"] == 1


def test_an_earlier_revision_is_dropped_when_a_later_one_is_there() -> None:
    fake = world()
    first = arrived(fake)
    second = arrived(fake, document=bill("25.00"), digest="d2")
    push_document(fake.world, first)
    assert fake.freshbooks.posts == 0
    push_document(fake.world, second)
    push_document(fake.world, first)
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "125.00"


def test_an_invoice_becomes_one_file_whose_name_says_its_number_and_content() -> None:
    fake = world()
    push_document(fake.world, arrived(fake, INVOICE))
    [path] = fake.sps.uploads
    assert path.startswith("in/IN00_421-")
    assert path.endswith(".json")
    assert stored(fake, INVOICE).remote_id == path


@pytest.mark.parametrize("acted", [True, False])
def test_an_upload_whose_reply_was_lost_is_found_in_the_mailbox_or_in_its_history(acted: bool) -> None:
    fake = world()
    fake.sps.outcomes = [(LOST, acted)]
    message = arrived(fake, INVOICE)
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    fake.sps.pick_up()
    for _ in range(3):
        try:
            push_document(fake.world, message)
        except errors.Busy as busy:
            fake.clock.pass_((busy.retry_after or 0) + 1)
    assert stored(fake, INVOICE).state is State.DELIVERED
    assert len(fake.sps.uploads) == 1


def test_a_payload_exchange_is_kept_for_every_delivery() -> None:
    fake = world()
    push_document(fake.world, arrived(fake))
    exchange = fake.archive.get("acme", stored(fake).payloads["exchange"])
    assert b'"sent"' in exchange
    assert b'"answer"' in exchange
