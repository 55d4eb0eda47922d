"""How a record lies in the table: nothing of it is lost, a usual one is small, and an edit shows."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters import items
from connector.adapters.items import from_item, pack, to_item, to_page, unpack
from connector.ledger import DocumentKey, Event, Record, State, verify_history

KEY = DocumentKey("northwind-eu", "in", "123ALLEVERGREENMARKETS", "order", "4500012345-0001")
UNIT = 1024


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def at(second: int) -> str:
    return f"2026-04-16T10:00:{second:02d}.{second * 31337:06d}+00:00"


def steps(key: DocumentKey = KEY) -> list[Record]:
    """A document on its usual way, with two findings and pointers into a shared object of the archive."""
    pointer = f"{sha('payload')}.{sha('object')[:32]}.1048576.12345"
    findings = tuple(
        {
            "code": "quantity_total_differs",
            "severity": "warning",
            "message": f"the order's quantities are {n} in all, its summary says {n + 1}",
            "place": f"Summary.Quantity[{n}]",
            "fix": "ask the buyer which of the two is meant",
        }
        for n in range(2)
    )
    new = Record(
        key,
        State.RECEIVED,
        at(1),
        at(1),
        digest=sha("content"),
        rank="2026-04-16 05:59:58.123456",
        source="out/PO4500012345.json",
        correlation_id="0b1f6c1e-7d0c-4f5f-9c38-6c2b8f1f2f61.17",
        payloads={"received": f"{pointer}#0"},
    )
    received = new.step("received", now=at(1), who="map_inbound", to=State.RECEIVED)
    mapped = received.step(
        "mapped",
        now=at(1),
        who="map_inbound",
        to=State.MAPPED,
        amount="123456.78",
        currency="USD",
        date="2026-04-16",
        findings=findings,
    )
    claimed = mapped.step(
        "claimed",
        now=at(20),
        who="push_freshbooks",
        to=State.CLAIMED,
        attempt=1,
        fence=1,
        lease_until=1790000140.204169,
        reference="4500012345-0001",
    )
    delivered = claimed.step(
        "delivered",
        now=at(21),
        who="push_freshbooks",
        to=State.DELIVERED,
        lease_until=0.0,
        remote_id="1234567",
        payloads={**claimed.payloads, "exchange": pointer},
    )
    return [mapped, claimed, delivered]


def size(item: dict[str, Any]) -> int:
    """As DynamoDB counts it: names and values, a number at no more than its digits."""
    values = {name: next(iter(typed.values())) for name, typed in item.items()}
    return sum(
        len(name.encode()) + len(value if isinstance(value, bytes) else value.encode())
        for name, value in values.items()
    )


@pytest.mark.parametrize("n", range(3))
def test_a_usual_document_is_written_within_one_unit_at_each_step(n: int) -> None:
    assert size(to_item(steps()[n])) <= UNIT


def test_an_order_that_was_invoiced_still_takes_one_unit() -> None:
    entry = {
        "at": at(40),
        "document": "northwind-eu/out/123ALLEVERGREENMARKETS/invoice/INV-10234",
        "rank": "2026-04-18 05:59:58.123456",
        "revision": 1,
        "lines": {str(n): "12" for n in range(1, 13)},
    }
    invoiced = steps()[-1].step(
        "fulfilment",
        now=at(40),
        who="map_outbound",
        note="invoice/INV-10234: 12 of line 1, 12 of line 2, 12 of line 3 and 9 more",
        fulfilment={"invoice/INV-10234": entry},
    )
    assert size(to_item(invoiced)) <= UNIT


digits = "".join(f"{n:x}" for n in range(16)) * 5
texts = st.text(max_size=12) | st.sampled_from(
    [digits[:63], digits[:64], digits[:70], digits[:33], f"é{digits[:62]}", "\0"]
)
values = st.dictionaries(texts, texts, max_size=3)
events = st.builds(
    Event,
    n=st.integers(0, 99),
    at=texts,
    who=texts,
    what=texts,
    from_state=texts,
    to_state=texts,
    revision=st.integers(0, 3),
    attempt=st.integers(0, 3),
    correlation_id=texts,
    digest=texts,
    note=texts,
    previous=texts,
    hash=texts,
)
records = st.builds(
    Record,
    key=st.builds(DocumentKey, texts, st.sampled_from(["in", "out"]), texts, texts, texts),
    state=st.sampled_from(State),
    created=st.just(at(1)) | st.just(at(2)),
    updated=st.just(at(3)),
    entered=st.just(at(2)),
    version=st.integers(0, 99),
    revision=st.integers(0, 3),
    digest=texts,
    rank=texts,
    lease_until=st.floats(0, 2e9),
    waits_for=texts,
    amount=texts,
    reason=values,
    findings=st.lists(values, max_size=2).map(tuple),
    payloads=values,
    revisions=st.lists(values, max_size=2).map(tuple),
    history=st.lists(events, max_size=3).map(tuple),
)


@given(records)
def test_an_item_gives_back_the_very_record_whatever_it_says(record: Record) -> None:
    assert from_item(to_item(record)) == record


def test_what_the_key_and_the_events_before_tell_is_not_said_again() -> None:
    item = to_item(steps()[-1])
    read_as_they_are = {"state", "version", "updated", "amount"}
    assert set(item) == {"pk", "sk", "state_key", "entered", "packed"} | read_as_they_are
    told = unpack(item["packed"]["B"])["history"]
    assert [len([value for value in line if value is not None]) for line in told] == [6, 4, 7, 5]


EDITS = {
    "an instant": (1, "2026-04-16T10:00:02.000000+00:00"),
    "who": (2, "somebody"),
    "what": (3, "resolved"),
    "a state": (5, "SKIPPED"),
    "an attempt": (7, 9),
    "a digest": (9, sha("other content")),
    "a note": (10, "agreed on the telephone"),
    "a hash": (12, sha("other hash")),
}


@pytest.mark.parametrize(("place", "value"), EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("line", range(4))
def test_an_edited_event_of_a_stored_item_is_noticed(line: int, place: int, value: Any) -> None:
    item = to_item(steps()[-1])
    packed = unpack(item["packed"]["B"])
    packed["history"][line][place] = value
    assert verify_history(from_item({**item, "packed": {"B": pack(packed)}}).history) == line + 1


@pytest.mark.parametrize("line", range(3))
def test_an_event_taken_out_of_a_stored_item_is_noticed(line: int) -> None:
    item = to_item(steps()[-1])
    packed = unpack(item["packed"]["B"])
    del packed["history"][line]
    assert verify_history(from_item({**item, "packed": {"B": pack(packed)}}).history) == line + 2


def test_a_chain_that_was_broken_before_is_kept_as_it_is() -> None:
    record = steps()[-1]
    odd = replace(record.history[2], previous=sha("elsewhere"))
    broken = replace(record, history=(*record.history[:2], odd, record.history[3]))
    assert verify_history(from_item(to_item(broken)).history) == 3


def test_a_page_of_history_keeps_what_its_chain_goes_on_from() -> None:
    older = steps()[-1].history[1:3]
    assert items.events_in(to_page(KEY, older)) == older


def test_a_field_that_only_a_newer_version_knows_does_not_keep_a_record_from_being_read() -> None:
    record = Record(
        DocumentKey("acme", "in", "P", "order", "1"), State.MAPPED, "d1", "1", source="out/1.json"
    )
    item = to_item(record)
    later = {**item, "packed": {"B": pack({**unpack(item["packed"]["B"]), "of_tomorrow": [1]})}}
    assert from_item(later) == record


def test_damaged_bytes_are_no_record() -> None:
    item = to_item(steps()[-1])
    packed = bytearray(item["packed"]["B"])
    packed[40] ^= 1
    with pytest.raises((zlib.error, ValueError)):
        from_item({**item, "packed": {"B": bytes(packed)}})


OF_THE_FIRST_RELEASE = (
    "ePm5yf6+tZfJboMwEIZ5FJQeeqktj1fIW1TttYoSFysoRZEKUZRD3702ExaxpYrSmwXjWfDM558xuiQB/Q6YNVAmQAjT0byhVRQN"
    "WRX2xUytVbpWCQUupNKzrOqzSCr/XWp7EhYDHKEjs5pmSiMxNtWx2n5twtT6++1vpKnH/rlsZEruRUjQfOwqvV5qxVKeimL7fUFR"
    "AT04veEL+nrNwEOqZZS/n1F7nS5eH5z3ud2HwwiPqvMxzsu4yPyu+qb5v0JgvhC+VAjcUcg8iaOIRh60MlFGY1c8DXg8tpiAbdck"
    "DXWXARu6cQqwloTab3L0JjhXbAdOW8iI+WSWSKccSa1IiLZ8lzhw3GmgYEbTHCbnIWxFPy1Ze2PLGdVcG7lE1ntwihHlVESgWiXM"
    "mIfBFGOpiViC0VQygK466wX9ARVvNu0Yjx2X9Y9HmxHG0X3bnhReTnKQ7sfPLzqfnWXtcAK0OemshF8iNX2CK6wURHMPvbYBbT7J"
    "QyKXueyfcyOfWe1V5zfHcUfPVa0MGwMLbX7nSKdCaVL5uFLVqTXlKVjUFtCKpaRy17UJA2y36iOfWe1V5zfHcUfPVa0MGwMLbX7n"
    "SKdCaVL5uFLVqTXlKVjUFtCKpaRy17UJA2y36k7HqBnJXnpLveApq7EJ1pfNc/s7xoT/3kmKCvSjgp43lAN40Cli9BDAKxspIN0/"
    "NhmtpwxK0n+0rByBc3/Asicij+BiohuFHzPK5+1zck/guzRhsWYF0EIbyjr+YdvPN92s8BKtgrNEm3f9Id4S6Y7VWrlPBjXH85KU"
    "S5uirn0cGgrAkRyuiu9aWRwZMSKHrHpTcOvijo5EdfK3koGvbeIwc24Nfq0xkMzKUwAk3N3n8mCs8qb5IV08wOac9Yiisg=="
)


def test_a_record_that_the_first_release_wrote_is_read_by_every_later_one() -> None:
    """Its history's hashes cover every word of it, so that one which is expected otherwise shows."""
    item = {
        "pk": {"S": "D#northwind-eu/in/123ALLEVERGREENMARKETS/order/4500012345-0001"},
        "sk": {"S": "RECORD"},
        "state_key": {"S": "northwind-eu#in#GOING_WELL"},
        "state": {"S": "DELIVERED"},
        "version": {"N": "6"},
        "updated": {"S": "2026-04-16T10:00:30.940110+00:00"},
        "entered": {"S": "2026-04-16T10:00:01.031337+00:00"},
        "amount": {"S": "123456.78"},
        "packed": {"B": base64.b64decode("".join(OF_THE_FIRST_RELEASE))},
    }
    record = from_item(item)
    assert verify_history(record.history) is None
    assert [(event.who, event.what, event.note) for event in record.history] == [
        ("map_inbound", "received", ""),
        ("map_inbound", "mapped", ""),
        ("push_freshbooks", "claimed", ""),
        ("push_freshbooks", "delivered", ""),
        ("clerk", "note", "agreed"),
        ("clerk", "duplicate", ""),
    ]
    assert (record.key, record.state, record.remote_id) == (KEY, State.DELIVERED, "1234567")
    assert to_item(record) | {"packed": ""} == item | {"packed": ""}


def test_the_words_of_stored_records_are_never_changed() -> None:
    assert next(iter(items._WORDS)) == 3117022910  # only add to this, once a table has records
