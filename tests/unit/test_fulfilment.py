"""What an order keeps of our documents: who wrote it, what stands, and what nobody may write over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.usecases.arrivals import Planned
from connector.usecases.fulfilment import approved, note_fulfilment
from connector.usecases.replaying import preview
from tests.fakes import FakeWorld
from tests.unit.test_inbound import PARTNER, order, put
from tests.unit.test_inbound import run as run_inbound
from tests.unit.test_open_quantities import ORDER, account, invoiced, part
from tests.unit.test_outbound import stored, world

BILL = DocumentKey("acme", "out", PARTNER, "bill", "SB-1")
SELF = {
    "Header": {"InvoiceHeader": {"TradingPartnerId": PARTNER, "InvoiceNumber": "SB-1", "InvoiceDate": "2026-03-11"}},
    "LineItem": [{"InvoiceLine": {"LineSequenceNumber": "1", "InvoiceQty": 1, "PurchasePrice": 5}}],
    "Summary": {"TotalAmount": 5, "TotalLineItemNumber": 1},
}  # fmt: skip


def note(fake: FakeWorld, entry: Mapping[str, Any] | None, name: str = "invoice/1") -> list[str]:
    """Keep an entry; what the order's history then says of fulfilment."""
    note_fulfilment(fake.world, ORDER, name, entry, who="test")
    return [event.note for event in fake.ledger.history(ORDER) if event.what == "fulfilment"]


# --- the entries --------------------------------------------------------------------------------------


def test_an_entry_says_which_document_it_is_of_which_revision_and_since_when() -> None:
    fake = world()
    invoiced(fake, part("101", "30", "75.00"))
    record = stored(fake, "101")
    [event] = [event for event in fake.ledger.history(ORDER) if event.what == "fulfilment"]
    assert fake.ledger.records[ORDER].fulfilment["invoice/101"] == {
        "at": event.at,
        "document": record.key.id,
        "rank": record.rank,
        "revision": 1,
        "lines": {"1": "30"},
    }
    assert record.rank
    assert event.who == "map_outbound"


def test_the_same_entry_again_writes_nothing_and_the_same_revision_counted_otherwise_does() -> None:
    """A unit factor that was corrected in the pack, for one."""
    fake = world()
    entry = {"rank": "a", "revision": 1, "lines": {"1": "5"}}
    assert len(note(fake, entry)) == 1
    assert len(note(fake, entry)) == 1
    assert note(fake, {**entry, "lines": {"1": "60"}})[1:] == ["invoice/1: 60 of line 1"]
    assert account(fake)["invoiced"] == "60"


def test_an_entry_is_taken_out_once_whatever_revision_it_was_of() -> None:
    fake = world()
    note(fake, {"rank": "b", "revision": 2, "lines": {"1": "5"}})
    note(fake, {"lines": {"1": "3"}}, "invoice/2")
    assert note(fake, None)[-1] == "invoice/1: taken out"
    assert len(note(fake, None)) == 3
    assert account(fake)["invoiced"] == "3"


def test_what_is_done_for_an_order_that_is_not_there_is_kept_nowhere() -> None:
    fake = world(ordered=False)
    assert note(fake, {"lines": {"1": "5"}}) == []
    assert fake.ledger.records == {}


@pytest.mark.parametrize(("revision", "rank"), [(1, "c"), (2, "a")])
def test_an_older_revision_or_rank_is_told_to_come_again(revision: int, rank: str) -> None:
    fake = world()
    note(fake, {"rank": "b", "revision": 2, "lines": {"1": "5"}})
    with pytest.raises(errors.Busy) as told_:
        note(fake, {"rank": rank, "revision": revision, "lines": {"1": "9"}})
    assert told_.value.code == "record_moved"
    assert account(fake)["invoiced"] == "5"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({}, "nothing"),
        ({"1": "4", "2": "5", "3": "6"}, "4 of line 1, 5 of line 2, 6 of line 3"),
        (dict.fromkeys("1234", "4"), "4 of line 1, 4 of line 2, 4 of line 3 and 1 more"),
    ],
)
def test_the_history_names_three_lines_and_counts_the_rest(lines: dict[str, str], words: str) -> None:
    assert note(world(), {"lines": lines}) == [f"invoice/1: {words}"]


def test_an_invoice_asks_for_its_order_twice() -> None:
    """To find whose it is, and for what is open; the reservation is written after the second look."""
    fake = world()
    asked: list[DocumentKey] = []
    get, get_many = fake.ledger.get, fake.ledger.get_many
    fake.ledger.get = lambda key: asked.append(key) or get(key)  # type: ignore[method-assign,func-returns-value]
    fake.ledger.get_many = lambda keys: get_many(asked.append(key) or key for key in keys)  # type: ignore[method-assign,func-returns-value]
    invoiced(fake, part("101", "40", "100.00"))
    assert asked.count(ORDER) == 2


@pytest.mark.parametrize(("others", "written"), [(5, True), (6, False)])
def test_an_entry_is_tried_six_times_while_others_write_to_the_order(others: int, written: bool) -> None:
    fake = world()
    save = fake.ledger.save

    def busy(record: Record, after: int) -> Record | None:
        nonlocal others
        if others:
            others -= 1
            return fake.ledger.get(record.key)
        return save(record, after)

    fake.ledger.save = busy  # type: ignore[method-assign]
    if written:
        assert note(fake, {"lines": {"1": "5"}}) == ["invoice/1: 5 of line 1"]
    else:
        with pytest.raises(errors.Busy):
            note(fake, {"lines": {"1": "5"}})


# --- what stands --------------------------------------------------------------------------------------


def test_a_correction_that_is_refused_leaves_standing_what_was_sent_before() -> None:
    fake = world()
    invoiced(fake, part("101", "40", "100.00"))
    fake.sps.outcomes = [(errors.Refused("not today"), False)]
    invoiced(fake, part("101", "25", "62.50", version="2026-03-12 08:00:00.000000"))
    assert stored(fake, "101").state is State.REJECTED
    assert account(fake)["invoiced"] == "25"


def test_nothing_is_open_of_a_cancelled_order_but_what_was_shipped() -> None:
    fake = world()
    put(fake, "out/2.json", order(TsetPurposeCode="01"))
    run_inbound(fake)
    assert (account(fake)["ordered"], account(fake)["open"]) == ("40", "0")


def test_a_look_at_what_a_replay_would_do_tells_that_it_would_be_stopped() -> None:
    fake = world()
    invoiced(fake, part("101", "30", "75.00"))
    note(fake, {"lines": {"1": "20"}}, "invoice/by-hand")
    seen = preview(fake.world, stored(fake, "101").key)
    assert (seen["outcome"], seen["reason"]["code"]) == ("held", "over_invoiced")


# --- without an order ---------------------------------------------------------------------------------


def found(document: Mapping[str, Any], *revisions: Mapping[str, str], source: str = "bill:7") -> set[str]:
    """The errors that the rules find in a document that names no order."""
    record = Record(BILL, State.RECEIVED, "t", "t", version=1, source=source, revisions=revisions)
    plan = approved(world().world, lambda record: Planned(document=document), who="test")
    try:
        plan(record)
    except errors.CheckFailed as error:
        return {finding["code"] for finding in error.findings if finding["severity"] == "error"}
    return set()


def test_a_document_without_an_order_is_checked_as_well() -> None:
    assert found(SELF) == set()
    assert found(SELF | {"Summary": {"TotalAmount": 6, "TotalLineItemNumber": 1}}) == {"total_differs"}


MINE, OTHER = {"source": "bill:7"}, {"source": "bill:6"}
SENT, PARKED, TAKEN = {"state": "DELIVERED"}, {"state": "HELD"}, {"state": "PICKED_UP"}


@pytest.mark.parametrize(
    ("revisions", "reused"),
    [
        ([OTHER | SENT], True),
        ([OTHER | PARKED], True),
        ([OTHER | SENT, MINE | PARKED], True),
        ([OTHER | SENT, MINE | SENT], False),
        ([OTHER | SENT, MINE | TAKEN], False),
        ([MINE | PARKED], False),
        ([SENT], False),
        ([SENT | {"source": ""}, OTHER | SENT], True),
    ],
)
def test_a_number_is_another_records_until_this_one_was_sent_under_it(
    revisions: list[dict[str, str]], reused: bool
) -> None:
    assert found(SELF, *revisions) == ({"number_reused"} if reused else set())
