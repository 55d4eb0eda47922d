"""What the ledger's steps leave behind: history lines, past revisions, reasons; and claims on the boundary."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from connector import errors
from connector.ledger import (
    FINAL,
    IN_FLIGHT,
    OPEN,
    Arrival,
    Claim,
    DocumentKey,
    Event,
    Record,
    State,
    arrive,
    claim,
    delivered_before,
    reason_of,
    revision_began,
    verify_history,
)

KEY = DocumentKey("acme", "in", "123ALLSUPPLIER", "order", "0045001234")
T0, T1, T2, T3 = (f"2026-04-16T10:0{minute}:00.000000+00:00" for minute in range(4))


def coming(
    stored: Record | None,
    digest: str = "d1",
    rank: str = "0",
    now: str = T0,
    source: str = "out/PO1.json",
    correlation: str = "c1",
) -> tuple[Arrival, Record]:
    return arrive(
        stored,
        KEY,
        digest=digest,
        rank=rank,
        now=now,
        who="map_inbound",
        correlation_id=correlation,
        source=source,
        received=f"payload-of-{digest}",
    )


def in_state(state: State, **changes: Any) -> Record:
    return coming(None)[1].step("moved", now=T1, who="test", to=state, **changes)


def last_line(record: Record) -> tuple[str, str, str, str]:
    event = record.history[-1]
    return event.at, event.who, event.what, event.note


def test_a_history_line_says_when_who_what_from_where_to_where_and_of_which_content() -> None:
    record = in_state(State.MAPPED, revision=3, attempt=2)
    event = replace(record.history[1], previous="", hash="")
    assert asdict(event) == {
        "n": 2,
        "at": T1,
        "who": "test",
        "what": "moved",
        "from_state": "RECEIVED",
        "to_state": "MAPPED",
        "revision": 3,
        "attempt": 2,
        "correlation_id": "c1",
        "digest": "d1",
        "note": "",
        "previous": "",
        "hash": "",
    }


def test_the_first_line_comes_from_no_state_and_follows_a_hash_of_zeros() -> None:
    [event] = coming(None)[1].history
    assert (event.n, event.from_state, event.to_state) == (1, "", "RECEIVED")
    assert event.previous == "0000000000000000000000000000000000000000000000000000000000000000"
    assert last_line(coming(None)[1]) == (T0, "map_inbound", "received", "")


def test_a_lines_hash_is_sha256_of_its_sorted_json_as_in_every_history_written_so_far() -> None:
    event = Event(1, "t", "w", "x", "", "RECEIVED", 1, 0, "c", "d", "n", "p")
    text = (
        b'{"at":"t","attempt":0,"correlation_id":"c","digest":"d","from_state":"","hash":"","n":1,"note":"n",'
        b'"previous":"p","revision":1,"to_state":"RECEIVED","what":"x","who":"w"}'
    )
    assert event.hash == ""
    assert event.sealed().hash == hashlib.sha256(text).hexdigest()


def test_a_history_whose_first_lines_are_archived_is_verified_from_the_hash_before() -> None:
    history = in_state(State.MAPPED).history
    assert verify_history(history[1:], history[0].hash) is None
    assert verify_history(history[1:]) == 2


def test_a_document_that_has_just_come_is_filled_with_nothing_it_does_not_say() -> None:
    record = Record(KEY, State.RECEIVED, T0, T0)
    filled = {entry.name for entry in fields(record)[4:] if getattr(record, entry.name)}
    assert filled == {"revision"}
    assert record.revision == 1
    assert (record.reason, record.payloads, record.shipments) == ({}, {}, {})


def test_an_arrival_is_created_and_updated_now_with_its_payload_and_correlation() -> None:
    _, record = coming(None, rank="7")
    assert (record.created, record.updated, record.rank) == (T0, T0, "7")
    assert (record.payloads, record.correlation_id) == ({"received": "payload-of-d1"}, "c1")


def test_every_step_is_one_version_and_one_line_on_and_keeps_its_state_unless_told() -> None:
    record = in_state(State.HELD).step("noted", now=T2, who="somebody")
    assert (record.state, record.version, record.updated) == (State.HELD, 3, T2)
    assert [event.n for event in record.history] == [1, 2, 3]


def test_a_repeat_goes_on_under_the_correlation_id_of_what_is_being_worked_on_now() -> None:
    assert coming(in_state(State.HELD), correlation="c2")[1].correlation_id == "c2"


def test_a_duplicate_is_in_the_history_with_its_source_and_never_lowers_the_rank() -> None:
    stored = in_state(State.DELIVERED, rank="5")
    _, lower = coming(stored, rank="3", now=T2, source="out/again.json")
    _, higher = coming(stored, rank="8", now=T2)
    assert last_line(lower) == (T2, "map_inbound", "duplicate", "out/again.json")
    assert (lower.rank, higher.rank) == ("5", "8")


def test_a_stale_arrival_is_in_the_history_with_its_source() -> None:
    _, record = coming(in_state(State.DELIVERED, rank="5"), "d0", rank="3", now=T2, source="out/old.json")
    assert last_line(record) == (T2, "map_inbound", "stale", "out/old.json")


def test_earlier_content_sent_again_under_a_higher_rank_is_a_revision() -> None:
    _, second = coming(in_state(State.DELIVERED, rank="0"), "d2", rank="1")
    arrival, record = coming(second, "d1", rank="2")
    assert (arrival, record.revision, record.digest) == (Arrival.REVISION, 3, "d1")


def test_a_revision_starts_afresh_and_keeps_all_of_the_one_before() -> None:
    stored = in_state(
        State.REJECTED,
        remote_id="7",
        reference="PO1",
        attempt=4,
        waits_for="acme/pack/X",
        reason={"code": "refused"},
        findings=({"code": "bad"},),
    )
    _, record = coming(stored, "d2", rank="1", now=T2, source="out/PO2.json", correlation="c2")
    assert record.revisions == (
        {
            "revision": 1,
            "digest": "d1",
            "state": State.REJECTED,
            "remote_id": "7",
            "reference": "PO1",
            "source": "out/PO1.json",
            "payloads": {"received": "payload-of-d1"},
        },
    )
    assert (record.state, record.attempt, record.waits_for) == (State.RECEIVED, 0, "")
    assert (record.reason, record.findings) == ({}, ())
    assert (record.source, record.correlation_id, record.rank) == ("out/PO2.json", "c2", "1")
    assert record.payloads == {"received": "payload-of-d2"}
    assert last_line(record) == (T2, "map_inbound", "revised", "out/PO2.json")


def test_a_revision_that_must_wait_says_why_and_asks_for_a_later_time() -> None:
    with pytest.raises(errors.Busy) as busy:
        coming(in_state(State.IN_DOUBT), "d2")
    assert busy.value.code == "earlier_revision_in_flight"
    assert busy.value.retry_after


@pytest.mark.parametrize(("state", "there"), [("PICKED_UP", True), ("DELIVERED", True), ("REJECTED", False)])
def test_only_what_the_target_took_was_delivered_before(state: str, there: bool) -> None:
    _, record = coming(in_state(State(state)), "d2")
    assert delivered_before(record) is there


def test_a_revision_began_when_it_came_and_the_first_one_when_the_document_did() -> None:
    first = in_state(State.DELIVERED)
    _, second = coming(first, "d2", now=T2)
    assert revision_began(first) == T0
    assert revision_began(second) == T2
    assert revision_began(second.step("moved", now=T3, who="test", to=State.MAPPED)) == T2


def test_a_revision_whose_first_line_is_no_longer_in_the_record_began_at_the_latest_when_the_document_did() -> (
    None
):
    record = replace(in_state(State.MAPPED), created="2026-01-01T00:00:00+00:00")
    assert revision_began(record) == "2026-01-01T00:00:00+00:00"
    assert revision_began(replace(record, history=record.history[1:])) == "2026-01-01T00:00:00+00:00"
    assert revision_began(replace(record, history=())) == "2026-01-01T00:00:00+00:00"


def test_a_lease_ends_at_its_last_second() -> None:
    stored = in_state(State.CLAIMED, lease_until=150.0)
    assert claim(stored, 1, now=T2, clock=150.0, who="t") == (Claim.ASK, stored)


def test_what_is_in_doubt_may_be_asked_for_by_anybody_while_it_settles() -> None:
    stored = in_state(State.IN_DOUBT, lease_until=150.0)
    assert claim(stored, 1, now=T2, clock=100.0, who="t") == (Claim.ASK, stored)


def test_a_claim_is_in_the_history_with_its_worker_and_lasts_three_minutes() -> None:
    _, record = claim(in_state(State.MAPPED), 1, now=T2, clock=1000.0, who="push_freshbooks")
    assert last_line(record) == (T2, "push_freshbooks", "claimed", "")
    assert record.lease_until == 1180.0


@pytest.mark.parametrize("state", sorted(set(State) - {State.MAPPED, State.CLAIMED, State.IN_DOUBT}))
def test_nothing_but_a_mapped_document_is_claimed(state: State) -> None:
    stored = in_state(state)
    assert claim(stored, 1, now=T2, clock=1000.0, who="t") == (Claim.DONE, stored)


def test_a_reason_has_the_errors_code_message_place_and_fix_and_no_empty_ones() -> None:
    full = errors.BadInput("no total", code="no_total", place="Summary", fix="ask the sender")
    assert reason_of(full) == {
        "code": "no_total",
        "message": "no total",
        "place": "Summary",
        "fix": "ask the sender",
    }
    assert reason_of(errors.BadInput("no total")) == {"code": "bad_input", "message": "no total"}


def test_the_words_kept_in_the_table_and_asked_for_by_people_stay_what_they_are() -> None:
    assert sorted(FINAL) == ["CANCELLED", "DELIVERED", "PICKED_UP", "REJECTED", "SKIPPED", "SUPERSEDED"]
    assert sorted(OPEN) == ["CLAIMED", "HELD", "IN_DOUBT", "MAPPED", "RECEIVED"]
    assert sorted(IN_FLIGHT) == ["CLAIMED", "IN_DOUBT"]


def test_a_bad_document_id_is_quoted_in_the_error_up_to_80_characters() -> None:
    with pytest.raises(errors.BadUse) as refused:
        DocumentKey.of("acme/in/x/order/1/" + "2" * 100)
    assert refused.value.code == "bad_document_id"
    assert refused.value.place == "acme/in/x/order/1/" + "2" * 62


def test_since_when_a_document_is_in_its_state_is_kept_by_events_and_while_it_goes_well() -> None:
    mapped = in_state(State.MAPPED)
    assert mapped.entered == T0
    delivered = mapped.step("claimed", now=T1, who="t", to=State.CLAIMED).step(
        "delivered", now=T2, who="t", to=State.DELIVERED
    )
    assert delivered.entered == T0
    assert delivered.step("fulfilment", now=T3, who="t").entered == T0
    assert coming(delivered, "d2", now=T3)[1].entered == T3, "a revision sets off anew"


@pytest.mark.parametrize(
    "state", sorted(set(State) - {State.RECEIVED, State.MAPPED, State.CLAIMED, State.DELIVERED})
)
def test_every_other_state_is_entered_when_it_begins(state: State) -> None:
    assert in_state(State.MAPPED).step("moved", now=T2, who="t", to=state).entered == T2
