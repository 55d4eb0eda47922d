"""Finding documents on fakes: newest first, page by page, each exactly once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases import searching
from connector.usecases.searching import Wanted, search
from tests.fakes import FakeWorld


def world(*documents: tuple[str, State]) -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id="P"))
    for number, state in documents:
        keep(fake, number, state)
    return fake


def keep(fake: FakeWorld, number: str, state: State, partner: str = "P", **changes: object) -> None:
    now = fake.clock.now()
    made = Record(DocumentKey("acme", "in", partner, "order", number), State.RECEIVED, now, now)
    record = made.step("made", now=now, who="test", to=state, **changes)  # type: ignore[arg-type]
    assert fake.ledger.save(record, 0) is None


def numbers(found: dict[str, object]) -> list[str]:
    return [one["number"] for one in found["documents"]]  # type: ignore[attr-defined]


def test_the_newest_change_comes_first_across_all_states() -> None:
    fake = world(("1", State.HELD), ("2", State.DELIVERED), ("3", State.HELD), ("4", State.REJECTED))
    assert numbers(search(fake.world, Wanted())) == ["4", "3", "2", "1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_together_are_the_whole_list_with_nothing_twice(limit: int) -> None:
    states = list(State)
    fake = world(*((str(n), states[n % len(states)]) for n in range(25)))
    cursor, seen = "", []
    for _ in range(60):
        page = search(fake.world, Wanted(), cursor=cursor, limit=limit)
        seen += numbers(page)
        cursor = page["cursor"]
        if not cursor:
            break
    assert seen == [str(n) for n in reversed(range(25))]


def test_what_changes_between_two_pages_does_not_hide_others() -> None:
    fake = world(*((str(n), State.HELD) for n in range(6)))
    first = search(fake.world, Wanted(), limit=3)
    keep(fake, "new", State.HELD)
    rest = search(fake.world, Wanted(), cursor=first["cursor"], limit=10)
    assert numbers(first) + numbers(rest) == ["5", "4", "3", "2", "1", "0"]


def test_a_page_ends_after_so_many_records_and_says_how_far_it_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 10)
    fake = world(*((str(n), State.DELIVERED) for n in range(25)))
    keep(fake, "old-and-wanted", State.DELIVERED, partner="Q")
    fake.clock.pass_(60)
    for n in range(12):
        keep(fake, f"later{n}", State.DELIVERED)
    wanted = Wanted(text="wanted")
    page = search(fake.world, wanted)
    assert (numbers(page), page["looked_until"] != "") == ([], True)
    page = search(fake.world, wanted, cursor=page["cursor"])
    assert numbers(page) == ["old-and-wanted"]


def test_a_whole_number_is_found_however_long_ago_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 3)
    fake = world(("4500012345", State.DELIVERED), *((str(n), State.DELIVERED) for n in range(20)))
    assert numbers(search(fake.world, Wanted(text="4500012345"))) == ["4500012345"]


def test_a_whole_number_comes_first_and_not_once_more_on_a_later_page() -> None:
    fake = world(*((number, State.HELD) for number in ("7", "71", "72", "73")))
    cursor, seen = "", []
    while True:
        page = search(fake.world, Wanted(text="7"), cursor=cursor, limit=2)
        seen += numbers(page)
        cursor = page["cursor"]
        if not cursor:
            break
    assert seen == ["7", "73", "72", "71"]


def test_amounts_are_compared_as_decimals() -> None:
    fake = world()
    for number, amount in (("1", "9.99"), ("2", "10.00"), ("3", "100.5"), ("4", "")):
        keep(fake, number, State.DELIVERED, amount=amount)
    found = search(fake.world, Wanted(least=Decimal("10"), most=Decimal("100.50")))
    assert numbers(found) == ["3", "2"]


def test_what_needs_a_person_leaves_out_what_waits_for_another_document() -> None:
    fake = world(("1", State.REJECTED))
    keep(fake, "2", State.HELD)
    keep(fake, "3", State.HELD, waits_for="acme/in/P/order/9")
    assert numbers(search(fake.world, Wanted.of({"state": "person"}))) == ["2", "1"]


def test_another_connections_documents_are_never_among_them() -> None:
    fake = world(("1", State.HELD))
    now = fake.clock.now()
    foreign = Record(DocumentKey("birch", "in", "P", "order", "2"), State.RECEIVED, now, now)
    fake.ledger.save(foreign.step("made", now=now, who="test", to=State.HELD), 0)
    assert numbers(search(fake.world, Wanted())) == ["1"]
    assert numbers(search(fake.world, Wanted(text="2"))) == []


@pytest.mark.parametrize(
    "query",
    [{"state": "lost"}, {"direction": "up"}, {"type": "invoise"}, {"least": "x"}, {"most": "inf"}],
)
def test_what_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(errors.BadUse) as refused:
        Wanted.of(query)
    assert refused.value.fix, "it says what makes sense"


def test_one_state_on_the_way_is_told_from_the_others_and_a_page_of_it_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 4)
    fake = world(("mapped", State.MAPPED), *((str(n), State.CLAIMED) for n in range(5)))
    first = search(fake.world, Wanted(states=frozenset({State.MAPPED})))
    assert (numbers(first), first["looked_until"] != "") == ([], True)
    rest = search(fake.world, Wanted(states=frozenset({State.MAPPED})), cursor=first["cursor"])
    assert numbers(rest) == ["mapped"]


def test_an_event_that_changes_no_state_neither_hides_nor_repeats_a_document_on_the_next_page() -> None:
    fake = world(*((str(n), State.DELIVERED) for n in range(6)))
    first = search(fake.world, Wanted(), limit=3)
    for number in ("1", "4"):
        record = fake.ledger.get(DocumentKey("acme", "in", "P", "order", number))
        assert record is not None
        fake.ledger.save(record.step("shipment", now=fake.clock.now(), who="test"), record.version)
    rest = search(fake.world, Wanted(), cursor=first["cursor"])
    assert numbers(first) + numbers(rest) == ["5", "4", "3", "2", "1", "0"]
