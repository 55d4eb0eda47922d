"""The one table: document records (ledger), notes, leases.

    pk D#<document id>            sk RECORD          a document (`adapters.items`)
    pk D#<document id>            sk HISTORY#00000001 older events, rolled over
    pk N#<connection>#<topic>     sk <name>          a note
    pk S#<connection>#<direction> sk SETTLED         from when on documents may still be on their way
    pk L#<name>                   sk LEASE           a lease with its fence

Index `by_state` (state_key = connection#direction#place_of(state), entered) lists; `waiting` (waits_for) is sparse.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import replace
from heapq import merge
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.adapters.items import events_in, from_item, key_of, record_key, state_key, to_item, to_page
from connector.ledger import HISTORY_IN_RECORD, DocumentKey, Event, Record, State, place_of

if TYPE_CHECKING:
    from connector.ports import Clock

NEWEST_AT_A_TIME = 50


class DynamoLedger:
    """`ports.Ledger` on the table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, key: DocumentKey) -> Record | None:
        found = self._client.get_item(TableName=self._table, Key=record_key(key), ConsistentRead=True)
        return from_item(found["Item"]) if "Item" in found else None

    def get_many(self, keys: Iterable[DocumentKey]) -> dict[DocumentKey, Record]:
        items = _batch(self._client, self._table, (record_key(key) for key in dict.fromkeys(keys)))
        return {record.key: record for record in map(from_item, items)}

    def save(self, record: Record, after: int) -> Record | None:
        while len(record.history) > HISTORY_IN_RECORD:
            record = self._roll_over(record)
        condition = (
            {"ConditionExpression": "attribute_not_exists(pk)"}
            if after == 0
            else {
                "ConditionExpression": "version = :before",
                "ExpressionAttributeValues": {":before": {"N": str(after)}},
            }
        )
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item(record),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            stored = error.response.get("Item")
            if not stored:
                raise errors.Busy("the record is gone", code="record_gone", retry_after=5) from None
            return from_item(stored)
        return None

    def _roll_over(self, record: Record) -> Record:
        """Move the older half to a page of its own, first: a crash in between leaves it in both, never in none."""
        older, kept = record.history[: HISTORY_IN_RECORD // 2], record.history[HISTORY_IN_RECORD // 2 :]
        self._client.put_item(TableName=self._table, Item=to_page(record.key, older))
        return replace(record, history=kept)

    def in_states(
        self, connection: str, direction: str, states: Set[State], before: str = "", since: str = ""
    ) -> Iterator[Record]:
        for record in self._listed(connection, direction, states, since or "0", before or "~"):
            if not before or record.entered < before:  # BETWEEN takes both ends in
                yield record

    def newest(
        self, connection: str, direction: str, states: Set[State], until: str = ""
    ) -> Iterator[Record]:
        return self._listed(connection, direction, states, "0", until or "~", newest_first=True)

    def _listed(
        self,
        connection: str,
        direction: str,
        states: Set[State],
        since: str,
        until: str,
        *,
        newest_first: bool = False,
    ) -> Iterator[Record]:
        """The records of these states in the sequence of the index, as the table has them now; both ends are in.

        The index holds keys only: a copy of every record in it would double what each step costs to write.
        """
        order = {"ScanIndexForward": False, "Limit": NEWEST_AT_A_TIME} if newest_first else {}

        def of(place: str) -> Iterator[dict[str, Any]]:
            first = since
            if place == place_of(State.DELIVERED) and State.DELIVERED not in states:
                first = max(since, self._settled(connection, direction))
            if first > until:
                return iter(())
            bounds = {":key": state_key(connection, direction, place), ":since": first, ":until": until}
            question = {
                "TableName": self._table,
                "IndexName": "by_state",
                "KeyConditionExpression": "state_key = :key AND entered BETWEEN :since AND :until",
                "ExpressionAttributeValues": {name: {"S": bound} for name, bound in bounds.items()},
            }
            return _pages(self._client.query, {**question, **order})

        places = sorted({place_of(state) for state in states})
        found = merge(*map(of, places), key=_entered, reverse=newest_first)
        keys = (
            key_of(item)
            for _, entered_together in groupby(found, _entered)
            for item in sorted(entered_together, key=lambda item: item["pk"]["S"], reverse=newest_first)
        )
        while some := list(islice(keys, order.get("Limit", 100))):
            records = self.get_many(some)
            yield from (records[key] for key in some if key in records and records[key].state in states)

    def settled(self, connection: str, direction: str, before: str) -> None:
        self._client.put_item(
            TableName=self._table, Item={**_settled_key(connection, direction), "before": {"S": before}}
        )

    def _settled(self, connection: str, direction: str) -> str:
        found = self._client.get_item(TableName=self._table, Key=_settled_key(connection, direction))
        return str(found["Item"]["before"]["S"]) if "Item" in found else "0"

    def waiting_for(self, what: str) -> list[DocumentKey]:
        question = {
            "TableName": self._table,
            "IndexName": "waiting",
            "KeyConditionExpression": "waits_for = :what",
            "ExpressionAttributeValues": {":what": {"S": what}},
        }
        return [key_of(item) for item in _pages(self._client.query, question)]

    def awaited(self, connection: str, direction: str) -> set[str]:
        question = {"TableName": self._table, "IndexName": "waiting"}
        found = ((key_of(item), item["waits_for"]["S"]) for item in _pages(self._client.scan, question))
        return {what for key, what in found if (key.connection, key.direction) == (connection, direction)}

    def history(self, key: DocumentKey) -> list[Event]:
        question = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": f"D#{key.id}"}},
            "ConsistentRead": True,
        }
        events = {
            event.n: event for item in _pages(self._client.query, question) for event in events_in(item)
        }
        return [events[n] for n in sorted(events)]


class DynamoNotes:
    """`ports.Notes` on the table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, connection: str, topic: str, name: str) -> dict[str, Any] | None:
        found = self._client.get_item(
            TableName=self._table, Key=_note_key(connection, topic, name), ConsistentRead=True
        )
        return json.loads(found["Item"]["value"]["S"]) if "Item" in found else None

    def read_many(self, connection: str, topic: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        keys = (_note_key(connection, topic, name) for name in dict.fromkeys(names))
        return {
            item["sk"]["S"]: json.loads(item["value"]["S"])
            for item in _batch(self._client, self._table, keys)
        }

    def read_all(self, connection: str, topic: str) -> dict[str, dict[str, Any]]:
        question: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": f"N#{connection}#{topic}"}},
            "ConsistentRead": True,
        }
        return {
            item["sk"]["S"]: json.loads(item["value"]["S"]) for item in _pages(self._client.query, question)
        }

    def topics(self, connection: str) -> set[str]:
        begin = f"N#{connection}#"
        question: dict[str, Any] = {
            "TableName": self._table,
            "FilterExpression": "begins_with(pk, :begin)",
            "ProjectionExpression": "pk",
            "ExpressionAttributeValues": {":begin": {"S": begin}},
        }
        return {item["pk"]["S"].removeprefix(begin) for item in _pages(self._client.scan, question)}

    def write(self, connection: str, topic: str, name: str, value: Mapping[str, Any]) -> None:
        self._client.put_item(TableName=self._table, Item=_note(connection, topic, name, value))

    def write_new(self, connection: str, topic: str, name: str, value: Mapping[str, Any]) -> bool:
        return self.replace(connection, topic, name, value, None)

    def replace(
        self,
        connection: str,
        topic: str,
        name: str,
        value: Mapping[str, Any],
        before: Mapping[str, Any] | None,
    ) -> bool:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#value = :before",
                "ExpressionAttributeNames": {"#value": "value"},
                "ExpressionAttributeValues": {":before": _note(connection, topic, name, before)["value"]},
            }
        try:
            self._client.put_item(
                TableName=self._table, Item=_note(connection, topic, name, value), **condition
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def remove(self, connection: str, topic: str, name: str) -> None:
        self._client.delete_item(TableName=self._table, Key=_note_key(connection, topic, name))


class DynamoLeases:
    """`ports.Leases` on the table: one conditional write takes a lease and raises its fence."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    @contextmanager
    def hold(
        self, name: str, seconds: float, unsure: tuple[type[Exception], ...] = ()
    ) -> Iterator[int | None]:
        fence = self._take(name, seconds)
        until = 0.0
        try:
            yield fence
        except unsure:
            until = self._clock.epoch() + seconds
            raise
        finally:
            if fence is not None:
                self._release(name, fence, until)

    def _take(self, name: str, seconds: float) -> int | None:
        now = self._clock.epoch()
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"L#{name}"}, "sk": {"S": "LEASE"}},
                UpdateExpression="SET fence = if_not_exists(fence, :zero) + :one, lease_until = :until",
                ConditionExpression="attribute_not_exists(lease_until) OR lease_until < :now",
                ExpressionAttributeValues={
                    ":zero": {"N": "0"},
                    ":one": {"N": "1"},
                    ":until": {"N": repr(now + seconds)},
                    ":now": {"N": repr(now)},
                },
                ReturnValues="UPDATED_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return int(answer["Attributes"]["fence"]["N"])

    def _release(self, name: str, fence: int, until: float) -> None:
        # somebody may have taken it over after it had run out: it is theirs now
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"L#{name}"}, "sk": {"S": "LEASE"}},
                UpdateExpression="SET lease_until = :until",
                ConditionExpression="fence = :fence",
                ExpressionAttributeValues={":until": {"N": repr(until)}, ":fence": {"N": str(fence)}},
            )


def _pages(ask: Callable[..., dict[str, Any]], question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The items of all pages."""
    while True:
        page = ask(**question)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        question = {**question, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def _batch(client: Any, table: str, keys: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The items of these keys that are there, a hundred a call; what the table puts off is asked for again, later."""
    remaining = iter(keys)
    while some := list(islice(remaining, 100)):
        wanted: dict[str, Any] = {table: {"Keys": some, "ConsistentRead": True}}
        pause = 0.05
        while wanted:
            answer = client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(table, ())
            wanted = answer.get("UnprocessedKeys") or {}
            if wanted:
                time.sleep(pause)
                pause = min(2 * pause, 1.0)


def _entered(item: Mapping[str, Any]) -> str:
    entered: str = item["entered"]["S"]
    return entered


def _settled_key(connection: str, direction: str) -> dict[str, Any]:
    return {"pk": {"S": f"S#{connection}#{direction}"}, "sk": {"S": "SETTLED"}}


def _note_key(connection: str, topic: str, name: str) -> dict[str, Any]:
    return {"pk": {"S": f"N#{connection}#{topic}"}, "sk": {"S": name}}


def _note(connection: str, topic: str, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {**_note_key(connection, topic, name), "value": {"S": json.dumps(value, separators=(",", ":"))}}
