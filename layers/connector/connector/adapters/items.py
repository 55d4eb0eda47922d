"""How a document's record lies in the table: a usual one in less than a kilobyte, the unit that DynamoDB bills.

What is looked for, compared or read by whoever opens the table are attributes, the key tells connection, direction,
partner, type and number, and the rest is one compressed attribute. Of an event only what its own position does not
tell is kept. Nothing is lost by it: an item gives back the very record, and the hashes of its history.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from connector.ledger import GENESIS, DocumentKey, Event, Record, State, place_of

_TEXTS = ("updated", "entered", "amount", "waits_for")
_APART = frozenset({"key", "state", "version", *_TEXTS})
_BLANK = Record(DocumentKey("", "in", "", "", ""), State.RECEIVED, "", "")
_PACKED = tuple(spec.name for spec in fields(Record) if spec.name not in _APART)
_EVENT = tuple(spec.name for spec in fields(Event))
_HALF = 16  # bytes of half a digest: names of shared objects are so long
_DIGEST = re.compile(rb"[0-9a-f]{%d}" % (2 * _HALF))
_HERE = b"\0"  # stands where half a digest was: JSON has no such byte

# What a packed record usually says, so that it need not say it again. A record names its words by their checksum:
# these must stay as they are for as long as a table has records of them, and better ones are added as a second entry.
_WORDS = {
    zlib.adler32(words): words
    for words in (
        rb'"code":"order_not_there","message":"the order  that the invoice names has not arrived"'
        rb'"fix":"correct the quantity, or agree on it with the partner first"'
        rb'"code":"more_than_ordered","message":" are invoiced and  ordered"'
        rb'"code":"value_not_carried","severity":"info","message":"the order line  costs  each,  on the order ( in all)'
        rb'","place":"LineItem[0].OrderLine.PurchasePrice","fix":"check the bill'
        rb'"code":"price_rounded","severity":"warning","message":"LineItem[0].InvoiceLine.PurchasePrice"'
        rb'"fix":"bill the line with quantity 1 at its amount, or agree on prices in cents"}'
        rb'{"code":"party_missing","severity":"warning","message":"nothing says whom to pay (RI); most retailers need"'
        rb',"place":"Header.Address[RI]","fix":"set addresses.RI in the partner pack, or the address in FreshBooks"}]'
        rb',"IN_DOUBT","REJECTED","HELD","SUPERSEDED","CANCELLED","SKIPPED","PICKED_UP"'
        rb'"asked, not found","held","in doubt","not sent","refused","superseded","picked up","duplicate","revised"'
        rb',"fulfilment":{"invoice/1":{"at":"2026-01-01T00:00:00.000000+00:00","document":"/out/ALL/invoice/1",'
        rb'"rank":"2026-01-01 00:00:00.000000","revision":1,"lines":{"1":"12","2":"24","3":"6","4":"1"}}}'
        rb'"shipments":{"1":{"lines":[{"line":"1","shipped":"12"},{"line":"2"'
        rb'"revisions":[{"revision":1,"digest":"'
        rb'{"created":"2026-01-01T00:00:00.000000+00:00","revision":1,"digest":"\0\0",'
        rb'"rank":"2026-01-01 00:00:00.000000","attempt":1,"fence":1,'
        rb'"lease_until":1790000000.000000,"reference":"in/IN1-.json","remote_id":"in/IN1-.json",'
        rb'"reason":{"code":"","message":"","place":"","fix":""},'
        rb'"findings":[{"code":"","severity":"warning","message":"the ","place":"LineItem[0].","fix":"check the "}],'
        rb'"payloads":{"received":"\0\0.\0.0.1000","exchange":"\0\0.\0.0.1000","order":"\0\0.\0.0","diff":"\0\0.\0.0"},'
        rb'"source":"out/PO1.json","source":"invoice:2","currency":"USD","date":"2026-01-01",'
        rb'"correlation_id":"-4000-a000-.1","duplicates":1,"history":['
        rb'[1,null,"map_inbound","map_outbound","received",null,"RECEIVED",null,0,null,null,null,null,"\0\0"],'
        rb'[2,null,null,"mapped",null,"MAPPED",null,null,null,null,null,null,"\0\0"],'
        rb'[3,"2026-01-01T00:00:00.000000+00:00","push_freshbooks","push_sps","claimed",null,"CLAIMED",null,1,'
        rb'null,null,null,null,"\0\0"],'
        rb'[4,"2026-01-01T00:00:00.000000+00:00",null,"delivered",null,"DELIVERED",null,null,null,null,null,null,"\0\0"],'
        rb'[5,"2026-01-01T00:00:00.000000+00:00","map_outbound","fulfilment",null,null,null,null,null,null,'
        rb'"invoice/1: 12 of line 1, 24 of line 2, 6 of line 3 and 1 more",null,"\0\0"]]}',
    )
}
_NEWEST_WORDS = list(_WORDS.values())[-1]


def record_key(key: DocumentKey) -> dict[str, Any]:
    return {"pk": {"S": f"D#{key.id}"}, "sk": {"S": "RECORD"}}


def key_of(item: Mapping[str, Any]) -> DocumentKey:
    return DocumentKey.of(item["pk"]["S"].removeprefix("D#"))


def state_key(connection: str, direction: str, place: str) -> str:
    """What the index lists a document under."""
    return f"{connection}#{direction}#{place}"


def to_item(record: Record) -> dict[str, Any]:
    """The record as a DynamoDB item (low-level form)."""
    key = record.key
    packed = {name: value for name in _PACKED if (value := getattr(record, name)) != getattr(_BLANK, name)}
    if record.history:
        packed["history"] = _lines(record.history, _before_the_first(packed))
    return {
        **record_key(key),
        "state_key": {"S": state_key(key.connection, key.direction, place_of(record.state))},
        "state": {"S": str(record.state)},
        "version": {"N": str(record.version)},
        **{name: {"S": value} for name in _TEXTS if (value := getattr(record, name))},
        "packed": {"B": pack(packed)},
    }


def from_item(item: Mapping[str, Any]) -> Record:
    """The record in a DynamoDB item (low-level form)."""
    values = unpack(item["packed"]["B"])
    texts = {name: item[name]["S"] for name in _TEXTS if name in item}
    if "history" in values:
        values["history"] = _events(values["history"], _before_the_first(values))
    for name in ("findings", "revisions"):
        if name in values:
            values[name] = tuple(values[name])
    return Record(
        key=key_of(item),
        state=State(item["state"]["S"]),
        version=int(item["version"]["N"]),
        **texts,
        **{name: values[name] for name in _PACKED if name in values},  # a newer version may have written more
    )


def to_page(key: DocumentKey, events: Sequence[Event]) -> dict[str, Any]:
    """Events that no longer fit into their record, as an item of their own."""
    return {
        "pk": {"S": f"D#{key.id}"},
        "sk": {"S": f"HISTORY#{events[0].n:08d}"},
        "packed": {"B": pack({"history": _lines(events, {})})},
    }


def events_in(item: Mapping[str, Any]) -> tuple[Event, ...]:
    """The events of a record's item or of a page of its history."""
    if item["sk"]["S"] == "RECORD":
        return from_item(item).history
    return _events(unpack(item["packed"]["B"])["history"], {})


def pack(values: Mapping[str, Any]) -> bytes:
    """Compressed JSON, and behind it the digests it has, as bytes: they don't get smaller."""
    text = json.dumps(values, separators=(",", ":")).encode()
    digests = [bytes.fromhex(digest.decode()) for digest in _DIGEST.findall(text)]
    writer = zlib.compressobj(9, zdict=_NEWEST_WORDS)
    return b"".join((writer.compress(_DIGEST.sub(_HERE, text)), writer.flush(), *digests))


def unpack(packed: bytes) -> dict[str, Any]:
    reader = zlib.decompressobj(zdict=_WORDS[int.from_bytes(packed[2:6])])
    text, *rest = (reader.decompress(packed) + reader.flush()).split(_HERE)
    digests = reader.unused_data
    for n, part in enumerate(rest):
        text += digests[_HALF * n : _HALF * (n + 1)].hex().encode() + part
    values: dict[str, Any] = json.loads(text)
    return values


def _before_the_first(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the first event of a record has in common with it."""
    common = {name: values.get(name, "") for name in ("digest", "correlation_id")}
    return {**common, "at": values.get("created"), "revision": 1, "previous": GENESIS}


def _lines(events: Iterable[Event], expected: Mapping[str, Any]) -> list[list[Any]]:
    """The events, each a list of its values; None where it is what the event before lets expect."""
    lines = []
    for event in events:
        values = asdict(event)
        lines.append([value if value != expected.get(name, "") else None for name, value in values.items()])
        expected = _after(values)
    return lines


def _events(lines: Iterable[Sequence[Any]], expected: Mapping[str, Any]) -> tuple[Event, ...]:
    events = []
    for line in lines:
        values = {
            name: expected.get(name, "") if value is None else value
            for name, value in zip(_EVENT, line, strict=True)
        }
        events.append(Event(**values))
        expected = _after(values)
    return tuple(events)


def _after(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the next event is expected to say: the same of the same document, from where this one ended."""
    return {**values, "from_state": values["to_state"], "note": "", "previous": values["hash"]}
