"""Arrivals, claims and the history chain: the pure steps of the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector import errors
from connector.ledger import (
    LEASE_SECONDS,
    Arrival,
    Claim,
    DocumentKey,
    Record,
    State,
    arrive,
    claim,
    delivered_before,
    verify_history,
)

KEY = DocumentKey("acme", "in", "123ALLSUPPLIER", "order", "0045001234")
NOW = "2026-04-16T10:00:00.000000+00:00"


def coming(
    stored: Record | None, digest: str = "d1", rank: str = "0", now: str = NOW
) -> tuple[Arrival, Record]:
    return arrive(
        stored,
        KEY,
        digest=digest,
        rank=rank,
        now=now,
        who="test",
        correlation_id="c1",
        source="out/PO1.json",
        received=f"payload-of-{digest}",
    )


def in_state(state: State, **changes: Any) -> Record:
    _, record = coming(None)
    return record.step("moved", now=NOW, who="test", to=state, **changes)


def test_an_id_keeps_slashes_spaces_and_leading_zeros() -> None:
    key = DocumentKey("acme", "out", "A/B", "invoice", "00 1/2 ü")
    assert DocumentKey.of(key.id) == key
    assert key.id.count("/") == 4


@pytest.mark.parametrize("text", ["", "a/b", "acme/up/x/order/1", "a/in/b/c/d/e"])
def test_what_is_no_document_id_is_refused(text: str) -> None:
    with pytest.raises(errors.BadUse):
        DocumentKey.of(text)


def test_the_first_arrival_is_new_and_on_record_with_its_source() -> None:
    arrival, record = coming(None)
    assert (arrival, record.state, record.revision, record.version) == (Arrival.NEW, State.RECEIVED, 1, 1)
    assert record.source == "out/PO1.json"
    assert record.history[0].what == "received"


@pytest.mark.parametrize(
    "state", [State.DELIVERED, State.REJECTED, State.SKIPPED, State.CANCELLED, State.PICKED_UP]
)
def test_the_same_content_again_is_counted_and_changes_nothing_else(state: State) -> None:
    stored = in_state(state, remote_id="7")
    arrival, record = coming(stored)
    assert arrival is Arrival.DUPLICATE
    assert (record.state, record.revision, record.remote_id, record.duplicates) == (state, 1, "7", 1)


@pytest.mark.parametrize("state", [State.RECEIVED, State.MAPPED, State.HELD, State.CLAIMED, State.IN_DOUBT])
def test_the_same_content_is_worked_on_again_while_it_has_not_got_through(state: State) -> None:
    stored = in_state(state)
    arrival, record = coming(stored)
    assert arrival is Arrival.AGAIN
    assert record.version == stored.version


def test_other_content_is_a_revision_that_keeps_the_earlier_one_in_its_list() -> None:
    stored = in_state(State.DELIVERED, remote_id="7", reference="PO1")
    arrival, record = coming(stored, "d2")
    assert (arrival, record.revision, record.state, record.digest) == (
        Arrival.REVISION,
        2,
        State.RECEIVED,
        "d2",
    )
    assert record.revisions[0]["remote_id"] == "7"
    assert record.revisions[0]["state"] == State.DELIVERED
    assert delivered_before(record)


def test_a_revision_of_what_was_never_delivered_supersedes_it() -> None:
    _, record = coming(in_state(State.HELD), "d2")
    assert record.revisions[0]["state"] == State.SUPERSEDED
    assert not delivered_before(record)


def test_a_lower_revision_never_overwrites_a_higher_one() -> None:
    _, replaced = coming(None, "d2", rank="1")
    arrival, record = coming(replaced, "d1", rank="0")
    assert arrival is Arrival.STALE
    assert (record.digest, record.revision) == ("d2", 1)


def test_the_content_of_an_earlier_revision_coming_again_is_stale() -> None:
    _, second = coming(in_state(State.DELIVERED), "d2")
    arrival, record = coming(second, "d1")
    assert arrival is Arrival.STALE
    assert record.revision == 2


@pytest.mark.parametrize("state", [State.CLAIMED, State.IN_DOUBT])
def test_a_revision_waits_while_the_earlier_one_is_on_its_way(state: State) -> None:
    with pytest.raises(errors.Busy):
        coming(in_state(state), "d2")


def test_a_mapped_document_is_claimed_with_a_rising_fence_and_a_lease() -> None:
    verdict, record = claim(in_state(State.MAPPED, fence=4, attempt=1), 1, now=NOW, clock=100.0, who="t")
    assert verdict is Claim.MINE
    assert (record.state, record.fence, record.attempt) == (State.CLAIMED, 5, 2)
    assert record.lease_until == 100.0 + LEASE_SECONDS


def test_a_live_lease_keeps_others_out_and_an_expired_one_makes_them_ask_first() -> None:
    stored = in_state(State.CLAIMED, lease_until=150.0)
    with pytest.raises(errors.Busy) as busy:
        claim(stored, 1, now=NOW, clock=100.0, who="t")
    assert busy.value.retry_after == 50.0
    assert claim(stored, 1, now=NOW, clock=151.0, who="t")[0] is Claim.ASK


def test_nothing_is_pushed_twice_or_in_an_earlier_revision() -> None:
    assert claim(in_state(State.DELIVERED), 1, now=NOW, clock=0.0, who="t")[0] is Claim.DONE
    assert claim(replace(in_state(State.MAPPED), revision=2), 1, now=NOW, clock=0.0, who="t")[0] is Claim.DONE


def test_a_changed_history_line_breaks_the_chain_at_that_line() -> None:
    record = in_state(State.MAPPED).step("held", now=NOW, who="t", to=State.HELD)
    assert verify_history(record.history) is None
    forged = list(record.history)
    forged[1] = replace(forged[1], note="nothing happened")
    assert verify_history(tuple(forged)) == 2
    assert verify_history((*record.history[:1], *record.history[2:])) == 3
