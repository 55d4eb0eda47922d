"""One suite for the ledger, notes and leases: the fakes and the DynamoDB adapters keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from connector import errors
from connector.adapters.dynamodb import DynamoLeases, DynamoLedger, DynamoNotes
from connector.adapters.items import events_in
from connector.ledger import HISTORY_IN_RECORD, ON_THE_WAY, DocumentKey, Record, State, verify_history
from tests.fakes import FakeClock, FakeLeases, FakeLedger, FakeNotes
from tests.functions.template import TABLE

KEY = DocumentKey("acme", "in", "123ALLSUPPLIER", "order", "PO/1 ä")


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    clock = FakeClock()
    if request.param == "fake":
        yield SimpleNamespace(ledger=FakeLedger(), notes=FakeNotes(), leases=FakeLeases(clock), clock=clock)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(TableName="documents", **TABLE)
        yield SimpleNamespace(
            ledger=DynamoLedger(client, "documents"),
            notes=DynamoNotes(client, "documents"),
            leases=DynamoLeases(client, "documents", clock),
            clock=clock,
            client=client,
        )


on_dynamodb = pytest.mark.parametrize("table", ["dynamodb"], indirect=True)


def received(key: DocumentKey = KEY, now: str = "2026-04-16T10:00:00.000000+00:00", **changes: Any) -> Record:
    record = Record(key, State.RECEIVED, now, now, digest="d1", payloads={"received": "p1"}, **changes)
    return record.step("received", now=now, who="test", to=State.RECEIVED)


def test_a_record_comes_back_as_it_was_saved(table: Any) -> None:
    record = received(
        reason={"code": "x", "message": "y"},
        findings=({"code": "f"},),
        lease_until=12.5,
        amount="10.00",
        revisions=({"revision": 1, "digest": "d0", "state": "DELIVERED", "remote_id": "7"},),
        shipments={"S1": {"lines": []}},
        waits_for="",
    )
    assert table.ledger.save(record, 0) is None
    assert table.ledger.get(KEY) == record


def test_what_was_never_saved_is_not_there(table: Any) -> None:
    assert table.ledger.get(KEY) is None
    assert table.ledger.get_many([KEY]) == {}
    assert table.ledger.history(KEY) == []


def test_of_two_writers_one_gets_through_and_the_other_is_handed_what_is_stored(table: Any) -> None:
    first = received()
    assert table.ledger.save(first, 0) is None
    assert table.ledger.save(received(now="2026-04-16T10:00:01.000000+00:00"), 0) == first
    claimed = first.step("claimed", now="2026-04-16T10:01:00.000000+00:00", who="a", to=State.CLAIMED)
    other = first.step("claimed", now="2026-04-16T10:01:01.000000+00:00", who="b", to=State.CLAIMED)
    assert table.ledger.save(claimed, first.version) is None
    assert table.ledger.save(other, first.version) == claimed
    assert table.ledger.get(KEY) == claimed


def test_an_update_of_a_record_that_is_gone_says_so(table: Any) -> None:
    with pytest.raises(errors.Busy) as gone:
        table.ledger.save(received(), 3)
    assert gone.value.code == "record_gone"


def test_records_are_found_by_state_oldest_first_and_only_of_their_connection(table: Any) -> None:
    late = received(KEY._replace(number="2"), "2026-04-16T12:00:00.000000+00:00")
    early = received(KEY._replace(number="1"), "2026-04-16T09:00:00.000000+00:00")
    foreign = received(KEY._replace(connection="other"))
    for record in (late, early, foreign):
        table.ledger.save(record, 0)
    assert [r.key.number for r in table.ledger.in_states("acme", "in", {State.RECEIVED})] == ["1", "2"]
    assert [
        r.key.number for r in table.ledger.in_states("acme", "in", {State.RECEIVED}, "2026-04-16T10")
    ] == ["1"]
    assert list(table.ledger.in_states("acme", "out", {State.RECEIVED})) == []


def test_a_waiting_document_is_found_by_what_it_waits_for(table: Any) -> None:
    held = received().step(
        "held", now="2026-04-16T10:01:00.000000+00:00", who="t", to=State.HELD, waits_for="acme/pack/X"
    )
    table.ledger.save(held, 0)
    assert table.ledger.waiting_for("acme/pack/X") == [KEY]
    assert table.ledger.waiting_for("acme/pack/Y") == []
    assert table.ledger.awaited("acme", KEY.direction) == {"acme/pack/X"}
    assert table.ledger.awaited("birch", KEY.direction) == table.ledger.awaited("acme", "out") == set()
    table.ledger.save(held.step("released", now=held.updated, who="t", to=State.MAPPED, waits_for=""), 2)
    assert table.ledger.awaited("acme", KEY.direction) == set()


def test_many_records_are_read_in_one_go(table: Any) -> None:
    keys = [KEY._replace(number=str(n)) for n in range(130)]
    for key in keys[:120]:
        table.ledger.save(received(key), 0)
    assert set(table.ledger.get_many(keys)) == set(keys[:120])


def test_a_long_history_is_kept_whole_and_its_chain_holds(table: Any) -> None:
    record = received()
    table.ledger.save(record, 0)
    count = HISTORY_IN_RECORD * 2 + 5
    for n in range(1, count):
        record = table.ledger.get(KEY)
        stepped = record.step("duplicate", now=f"2026-04-17T00:00:{n:03d}", who="test")
        assert table.ledger.save(stepped, record.version) is None
    history = table.ledger.history(KEY)
    assert [event.n for event in history] == list(range(1, count + 1))
    assert verify_history(tuple(history)) is None


def test_notes_are_kept_by_connection_and_topic(table: Any) -> None:
    table.notes.write("acme", "pack", "A", {"name": "Ä"})
    table.notes.write("acme", "pack", "B", {"name": "b"})
    table.notes.write("other", "pack", "A", {"name": "foreign"})
    assert table.notes.read("acme", "pack", "A") == {"name": "Ä"}
    assert table.notes.read("acme", "pack", "C") is None
    assert table.notes.read_all("acme", "pack") == {"A": {"name": "Ä"}, "B": {"name": "b"}}
    table.notes.remove("acme", "pack", "A")
    assert set(table.notes.read_all("acme", "pack")) == {"B"}


def test_the_topics_of_a_connection_are_told_apart_from_those_of_others(table: Any) -> None:
    for connection, topic in (
        ("acme", "pack"),
        ("acme", "early-invoices/1"),
        ("acme2", "vendor"),
        ("", "pack"),
    ):
        table.notes.write(connection, topic, "A", {})
    assert table.notes.topics("acme") == {"pack", "early-invoices/1"}


def test_a_record_with_a_long_history_is_stored_in_one_go(table: Any) -> None:
    record = received()
    for n in range(1, HISTORY_IN_RECORD * 3):
        record = record.step("duplicate", now=f"2026-04-17T00:00:{n:03d}", who="test")
    assert table.ledger.save(record, 0) is None
    assert table.ledger.history(KEY) == list(record.history)


def test_many_notes_are_read_in_one_go(table: Any) -> None:
    for n in range(120):
        table.notes.write("acme", "seen", f"invoice:{n}", {"n": n})
    table.notes.write("other", "seen", "invoice:200", {"n": 200})
    names = [f"invoice:{n}" for n in (*range(10, 250), 10)]
    assert table.notes.read_many("acme", "seen", names) == {f"invoice:{n}": {"n": n} for n in range(10, 120)}
    assert table.notes.read_many("acme", "seen", []) == {}


def test_records_are_found_by_when_they_came_to_their_state(table: Any) -> None:
    for hour in range(9, 14):
        table.ledger.save(
            received(KEY._replace(number=str(hour)), f"2026-04-16T{hour:02d}:00:00.000000+00:00"), 0
        )

    def numbers(before: str = "", since: str = "") -> list[str]:
        found = table.ledger.in_states("acme", "in", {State.RECEIVED}, before, since)
        return [record.key.number for record in found]

    ten, twelve = "2026-04-16T10:00:00.000000+00:00", "2026-04-16T12:00:00.000000+00:00"
    assert numbers(since=ten) == ["10", "11", "12", "13"]
    assert numbers(before=twelve) == ["9", "10", "11"]
    assert numbers(before=twelve, since=ten) == ["10", "11"]


def at(minute: int) -> str:
    return f"2026-04-16T10:{minute:02d}:00.000000+00:00"


def moved(table: Any, key: DocumentKey, minute: int, to: State | None) -> None:
    record = table.ledger.get(key) or received(key, at(minute))
    if record.version == 1:
        table.ledger.save(record, 0)
    assert table.ledger.save(record.step("moved", now=at(minute), who="t", to=to), record.version) is None


def test_documents_on_their_way_are_listed_by_when_they_came_and_told_apart_by_state(table: Any) -> None:
    one, two, three = (KEY._replace(number=number) for number in "123")
    for minute, key in enumerate((one, two, three)):
        table.ledger.save(received(key, at(minute)), 0)
    moved(table, one, 30, State.MAPPED)
    moved(table, one, 31, State.CLAIMED)
    moved(table, two, 32, State.MAPPED)

    def numbers(*states: State) -> list[str]:
        return [record.key.number for record in table.ledger.in_states("acme", "in", set(states))]

    assert numbers(*ON_THE_WAY) == ["1", "2", "3"]
    assert [numbers(state) for state in (State.CLAIMED, State.MAPPED, State.RECEIVED)] == [
        ["1"],
        ["2"],
        ["3"],
    ]
    assert numbers(State.DELIVERED) == []


def test_what_is_still_on_its_way_is_not_looked_for_before_the_instant_up_to_which_all_is_settled(
    table: Any,
) -> None:
    for minute, number in enumerate("1234"):
        moved(table, KEY._replace(number=number), minute, State.DELIVERED if number in "12" else State.MAPPED)
    table.ledger.save(received(KEY._replace(direction="out"), at(0)), 0)

    def numbers(before: str = "", way: str = "in") -> list[str]:
        return [record.key.number for record in table.ledger.in_states("acme", way, ON_THE_WAY, before)]

    assert numbers() == ["3", "4"]
    table.ledger.settled("acme", "in", at(3))
    assert numbers() == ["4"]
    assert numbers(before=at(2)) == []
    assert [record.key.number for record in table.ledger.newest("acme", "in", ON_THE_WAY)] == ["4"]
    assert numbers(way="out") == [KEY.number]
    everything = [record.key.number for record in table.ledger.in_states("acme", "in", set(State))]
    assert everything == ["1", "2", "3", "4"], "who asks for the delivered, too, is shown all"


def test_an_event_that_changes_no_state_moves_no_document_in_the_lists(table: Any) -> None:
    one, two = (KEY._replace(number=number) for number in "12")
    moved(table, one, 1, State.DELIVERED)
    moved(table, two, 2, State.DELIVERED)
    moved(table, one, 50, None)
    states = {State.DELIVERED}
    assert [record.key.number for record in table.ledger.newest("acme", "in", states)] == ["2", "1"]
    assert [record.key.number for record in table.ledger.in_states("acme", "in", states, at(2))] == ["1"]


def test_a_document_that_comes_back_to_a_state_is_the_newest_there(table: Any) -> None:
    one, two = (KEY._replace(number=number) for number in "12")
    moved(table, one, 1, State.DELIVERED)
    moved(table, two, 2, State.DELIVERED)
    moved(table, one, 50, State.MAPPED)
    moved(table, one, 51, State.DELIVERED)
    assert [record.key.number for record in table.ledger.newest("acme", "in", {State.DELIVERED})] == [
        "1",
        "2",
    ]


def test_states_are_listed_together_in_one_sequence_and_none_twice(table: Any) -> None:
    states = [State.HELD, State.MAPPED, State.DELIVERED, State.CLAIMED, State.REJECTED]
    for n in range(130):  # more than are read at a time, and five at each instant
        moved(table, KEY._replace(number=f"{n:03d}"), n // 5 % 60, states[n % 5])
    oldest = [record.key.number for record in table.ledger.in_states("acme", "in", set(states))]
    newest = [record.key.number for record in table.ledger.newest("acme", "in", set(states))]
    assert oldest == [f"{n:03d}" for n in range(130)]
    assert newest == oldest[::-1]
    until = [record.key.number for record in table.ledger.newest("acme", "in", set(states), at(3))]
    assert until == newest[-20:]
    assert len(list(table.ledger.newest("acme", "in", {State.CLAIMED}))) == 26


def test_a_note_is_written_new_only_once(table: Any) -> None:
    assert table.notes.write_new("acme", "vendor", "A", {"n": 1})
    assert not table.notes.write_new("acme", "vendor", "A", {"n": 2})
    assert table.notes.read("acme", "vendor", "A") == {"n": 1}


def test_a_note_is_replaced_only_by_who_has_read_what_it_says(table: Any) -> None:
    place = ("acme", "seen", "invoice:1")
    assert table.notes.replace(*place, {"version": "1", "what": "Ä"}, None)
    assert not table.notes.replace(*place, {"version": "2"}, None)
    read = table.notes.read(*place)
    assert table.notes.replace(*place, {"version": "2", "documents": {"invoice": "x", "asn": "y"}}, read)
    assert not table.notes.replace(*place, {"version": "3"}, read)
    again = table.notes.read(*place)
    assert again["version"] == "2"
    assert table.notes.replace(*place, {"version": "3"}, again)
    assert not table.notes.replace("acme", "seen", "invoice:2", {"version": "1"}, again)


def test_a_lease_has_one_holder_and_its_fence_only_rises(table: Any) -> None:
    with table.leases.hold("x", 60) as first:
        assert first == 1
        with table.leases.hold("x", 60) as second, table.leases.hold("y", 60) as other:
            assert second is None
            assert other == 1
    with table.leases.hold("x", 60) as third:
        assert third == 2


def test_a_lease_that_ran_out_is_taken_over_and_not_given_back_by_its_old_holder(table: Any) -> None:
    with table.leases.hold("x", 60):
        table.clock.pass_(61)
        newer = table.leases.hold("x", 60)
        assert newer.__enter__() == 2
    with table.leases.hold("x", 60) as third:
        assert third is None
    newer.__exit__(None, None, None)


def test_a_lease_whose_work_may_still_go_on_lasts_as_long_again(table: Any) -> None:
    def work(trouble: Exception) -> None:
        with table.leases.hold("x", 60, (errors.OutcomeUnknown,)):
            table.clock.pass_(50)
            raise trouble

    with pytest.raises(errors.OutcomeUnknown):
        work(errors.OutcomeUnknown("read timed out"))
    table.clock.pass_(50)
    with table.leases.hold("x", 60) as held:
        assert held is None
    table.clock.pass_(20)
    with pytest.raises(errors.NotSent):
        work(errors.NotSent("connection refused"))
    with table.leases.hold("x", 60) as free:
        assert free == 3


# --- as it lies in DynamoDB ---------------------------------------------------------------------------


def everything(table: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = table.client.scan(TableName="documents")["Items"]
    return items


@on_dynamodb
def test_everything_lies_where_the_releases_before_put_it(table: Any) -> None:
    record = received()
    for n in range(HISTORY_IN_RECORD):
        record = record.step("duplicate", now=at(n % 60), who="test")
    table.ledger.save(record, 0)
    table.ledger.settled("acme", "in", at(0))
    table.notes.write("acme", "pack", "A", {"name": "b"})
    with table.leases.hold("acme/poll", 60):
        keys = {(item["pk"]["S"], item["sk"]["S"]) for item in everything(table)}
    document = "D#acme/in/123ALLSUPPLIER/order/PO%2F1%20%C3%A4"
    assert keys == {
        (document, "RECORD"),
        (document, "HISTORY#00000001"),
        ("N#acme#pack", "A"),
        ("S#acme#in", "SETTLED"),
        ("L#acme/poll", "LEASE"),
    }
    assert [item["state_key"] for item in everything(table) if "state_key" in item] == [
        {"S": "acme#in#GOING_WELL"}
    ]


@on_dynamodb
def test_what_something_is_decided_by_is_never_an_old_copy(table: Any) -> None:
    asked: list[dict[str, Any]] = []
    events = table.client.meta.events
    events.register("provide-client-params.dynamodb.*", lambda params, **_: asked.append(params))
    table.ledger.get(KEY)
    table.ledger.get_many([KEY])
    table.ledger.history(KEY)
    table.notes.read("acme", "pack", "A")
    table.notes.read_many("acme", "pack", ["A"])
    table.notes.read_all("acme", "pack")
    reads = [each.get("RequestItems", {}).get("documents", each) for each in asked]
    assert [each.get("ConsistentRead") for each in reads] == [True] * 6


@on_dynamodb
def test_no_event_of_a_long_history_is_stored_twice(table: Any) -> None:
    record = received()
    for n in range(1, HISTORY_IN_RECORD * 3):
        record = record.step("duplicate", now=f"2026-04-17T00:00:{n:03d}", who="test")
    table.ledger.save(record, 0)
    stored = [event.n for item in everything(table) for event in events_in(item)]
    assert sorted(stored) == list(range(1, HISTORY_IN_RECORD * 3 + 1))
    assert len(table.ledger.get(KEY).history) <= HISTORY_IN_RECORD


@on_dynamodb
def test_what_the_table_puts_off_is_asked_for_again_and_each_time_later(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("connector.adapters.dynamodb.time.sleep", pauses.append)
    for n in range(120):
        table.notes.write("acme", "seen", f"invoice:{n}", {"n": n})
    asked: list[int] = []
    get = table.client.batch_get_item

    def busy(RequestItems: dict[str, Any]) -> dict[str, Any]:
        keys = RequestItems["documents"]["Keys"]
        asked.append(len(keys))
        now, later = keys[:30], keys[30:]
        answer: dict[str, Any] = get(RequestItems={"documents": {**RequestItems["documents"], "Keys": now}})
        put_off = {"documents": {**RequestItems["documents"], "Keys": later}} if later else {}
        return {**answer, "UnprocessedKeys": put_off}

    table.client.batch_get_item = busy
    found = table.notes.read_many("acme", "seen", [f"invoice:{n}" for n in range(120)])
    assert found == {f"invoice:{n}": {"n": n} for n in range(120)}
    assert asked == [100, 70, 40, 10, 20], "a hundred at a time"
    assert pauses == [0.05, 0.1, 0.2]


@on_dynamodb
def test_notes_and_their_topics_are_read_whole_beyond_a_megabyte(table: Any) -> None:
    for n in range(5):
        table.notes.write("acme", "pack", f"{n}", {"long": "x" * 300_000})
    table.notes.write("acme", "vendor", "A", {})
    assert set(table.notes.read_all("acme", "pack")) == set("01234")
    assert table.notes.topics("acme") == {"pack", "vendor"}
