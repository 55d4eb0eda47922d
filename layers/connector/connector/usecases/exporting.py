"""A connection written whole, in open formats, and read back: documents, histories, payloads, packs, settings.

    connection.json       the connection's settings; never a secret, those are in Secrets Manager alone
    notes.jsonl           a note a line: {"topic", "name", "value"}; packs are the notes of topic `pack`
    documents.jsonl       a document a line: {"id", "record": {...}, "history": [event, ...]}, oldest event first
    payloads/ab/abcd...   payloads as they went over the wire, each named by the SHA-256 of its bytes
    manifest.json         written last: the files' digests and what there is of each; without it an export is torn

Reading back checks every digest and every history's hash chain before anything is written, puts a document's
payloads before its record, and overwrites nothing, so that it may be repeated at any point.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol

from connector import errors
from connector.ledger import (
    IN_FLIGHT,
    ON_THE_WAY,
    DocumentKey,
    Event,
    Record,
    State,
    content_of,
    verify_history,
)
from connector.settings import Connection, connection_of

if TYPE_CHECKING:
    from connector.ports import Archive, Clock, Ledger, Notes

FORMAT = "connector-export/1"
PASSING = frozenset({"token", "upstream"})  # the state of one stack's token and breaker, of no use in another
_NAMES_PAYLOAD = ("file", "order")
_POINTER = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{32}\.\d+\.\d+)?")
_TUPLES = frozenset({"findings", "revisions"})


class Bundle(Protocol):
    """A folder or zip file that is read from (`adapters.bundles`)."""

    def names(self) -> Iterable[str]: ...

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, each with its line end; BadInput where there is no such file."""

    def read(self, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a connection is kept; it need not be set up yet."""

    ledger: Ledger
    notes: Notes
    archive: Archive
    clock: Clock


def export(
    stores: Stores, connection: str, progress: Callable[[str], None] = lambda what: None
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """`(file name, its bytes in pieces)` of every file, to be written in this order and read as they come.

    Whatever moves on meanwhile is in as it was at some instant of the export.
    """
    settings = stores.notes.read("", "connection", connection)
    if settings is None:
        raise errors.BadUse(f"there is no connection {connection}", code="no_such_connection")
    digests: dict[str, dict[str, Any]] = {}
    payloads: dict[str, str] = {}
    gone: list[str] = []
    for name, parts in (
        ("connection.json", iter([_line(settings)])),
        ("notes.jsonl", _notes(stores.notes, connection)),
        ("documents.jsonl", _documents(stores.ledger, connection, payloads, progress)),
    ):
        yield name, _digested(parts, name, digests)
    left = sorted(payloads, reverse=True)
    while left:
        digest = left.pop()
        progress("payload")
        try:
            body = stores.archive.get(connection, payloads[digest])
        except errors.NotFound:  # its retention is over: the history still tells of it
            gone.append(digest)
            continue
        yield payload_name(digest), iter([body])
        for inner in pointers_in(body):
            if content_of(inner) not in payloads:
                payloads[content_of(inner)] = inner
                left.append(content_of(inner))
    manifest = {
        "format": FORMAT,
        "connection": connection,
        "at": stores.clock.now(),
        "files": digests,
        "payloads": len(payloads) - len(gone),
        "payloads_gone": gone,
    }
    yield "manifest.json", iter([json.dumps(manifest, indent=1).encode()])


def payload_name(digest: str) -> str:
    return f"payloads/{digest[:2]}/{digest}"


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _digested(parts: Iterator[bytes], name: str, digests: dict[str, dict[str, Any]]) -> Iterator[bytes]:
    digest, lines = hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        lines += 1
        yield part
    digests[name] = {"sha256": digest.hexdigest(), "lines": lines}


def _notes(notes: Notes, connection: str) -> Iterator[bytes]:
    for topic in sorted(set(notes.topics(connection)) - PASSING):
        for name, value in sorted(notes.read_all(connection, topic).items()):
            yield _line({"topic": topic, "name": name, "value": value})


def _documents(
    ledger: Ledger, connection: str, payloads: dict[str, str], progress: Callable[[str], None]
) -> Iterator[bytes]:
    for key in sorted(set(keys_of(ledger, connection))):
        record = ledger.get(key)
        if record is None:
            continue
        last = record.history[-1].n if record.history else 0
        history = [event for event in ledger.history(key) if event.n <= last]  # it may have moved on between
        for pointer in pointers(record):
            payloads[content_of(pointer)] = pointer
        progress("document")
        yield _line(document_as_json(record, history))


def keys_of(ledger: Ledger, connection: str) -> Iterator[DocumentKey]:
    """All documents of a connection; one that changes its state meanwhile may come twice."""
    for direction in ("in", "out"):
        for record in ledger.in_states(connection, direction, frozenset(State)):
            yield record.key


def pointers(record: Record) -> Iterator[str]:
    """The archived payloads of a record and its earlier revisions, without the place in their file."""
    for kept in (record.payloads, *(past.get("payloads", {}) for past in record.revisions)):
        for pointer in kept.values():
            yield pointer.partition("#")[0]


def pointers_in(body: bytes) -> Iterator[str]:
    """The payloads that a payload of ours names: the file that an upload came in, the order that was acknowledged."""
    if not body.startswith(b"{"):
        return
    try:
        value = json.loads(body)
    except ValueError:
        return
    for name in _NAMES_PAYLOAD:
        pointer = str(value.get(name, "")).partition("#")[0]
        if _POINTER.fullmatch(pointer):
            yield pointer


def document_as_json(record: Record, history: Iterable[Event]) -> dict[str, Any]:
    values = {
        spec.name: getattr(record, spec.name)
        for spec in fields(Record)
        if spec.name not in ("key", "history")
    }
    values = {name: value for name, value in values.items() if value not in ("", 0, (), {})}
    return {"id": record.key.id, "record": values, "history": [asdict(event) for event in history]}


def document_from_json(line: Mapping[str, Any]) -> Record:
    """The record of a line, its history whole; BadInput where the line is no such thing."""
    try:
        values = dict(line["record"])
        for name in _TUPLES & values.keys():
            values[name] = tuple(values[name])
        history = tuple(Event(**event) for event in line["history"])
        values["state"] = State(values["state"])
        return Record(DocumentKey.of(line["id"]), **values, history=history)
    except (KeyError, TypeError, ValueError, errors.BadUse) as error:
        text = f"no document can be read: {type(error).__name__}"
        raise errors.BadInput(text, code="export_damaged", place=str(line.get("id", ""))[:80]) from None


# --- reading back -------------------------------------------------------------------------------------


def check(bundle: Bundle, progress: Callable[[str], None] = lambda what: None) -> dict[str, Any]:
    """The manifest of an export that is whole; BadInput names what is not as it was written."""
    manifest = _manifest(bundle)
    for name, told in manifest["files"].items():
        digest = hashlib.sha256()
        for line in bundle.lines(name):
            digest.update(line)
        if digest.hexdigest() != told["sha256"]:
            raise _damaged(name, "is not as it was written")
    there = {name.rpartition("/")[2] for name in bundle.names() if name.startswith("payloads/")}
    missing: set[str] = set()
    for record in _records(bundle):
        broken = verify_history(record.history)
        if broken is not None:
            raise _damaged(record.key.id, f"its history was changed at line {broken}")
        progress("document")
        missing |= set(map(content_of, pointers(record))) - there
    missing -= set(manifest["payloads_gone"])
    if missing or len(there) < manifest["payloads"]:
        raise _damaged(min(missing, default="payloads"), "payloads are missing")
    return manifest


def bring_in(
    stores: Stores,
    bundle: Bundle,
    *,
    into: str = "",
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Write a checked export into the stores: `{"connection", "counts": {...}, "conflicts": [id, ...]}`.

    What is there already is left alone: the same, or moved on since, is counted; anything else is a conflict.
    `into` gives the connection another id. That is refused while a document is on its way, since what it is
    called at the target is made of its id.
    """
    manifest = check(bundle)
    origin = manifest["connection"]
    connection = into or origin
    records = [record.key.id for record in _records(bundle) if record.state in IN_FLIGHT]
    if connection != origin and records:
        raise errors.BadInput(
            f"{len(records)} documents were on their way when the export was made",
            code="export_in_flight",
            place=records[0],
            fix="import it under its own id, or export again when they are delivered",
        )
    counts: Counter[str] = Counter()
    conflicts: list[str] = []
    settings = _settings(bundle, connection)
    _write_note(stores, "", "connection", connection, settings, counts, conflicts)
    for line in bundle.lines("notes.jsonl"):
        note = json.loads(line)
        _write_note(stores, connection, note["topic"], note["name"], note["value"], counts, conflicts)
    gone = set(manifest["payloads_gone"])
    for record in _records(bundle):
        _write_document(stores, bundle, _moved(record, origin, connection), gone, counts, conflicts)
        progress("document")
    return {"connection": connection, "counts": dict(sorted(counts.items())), "conflicts": conflicts}


def _manifest(bundle: Bundle) -> dict[str, Any]:
    try:
        manifest = json.loads(bundle.read("manifest.json"))
        known = manifest["format"] == FORMAT and set(manifest["files"]) and manifest["connection"]
    except (errors.BadInput, ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise errors.BadInput(
            "this is no whole export: it has no manifest that can be read",
            code="export_damaged",
            place="manifest.json",
            fix="export again; the manifest is written last",
        )
    return dict(manifest)


def _damaged(place: str, text: str) -> errors.BadInput:
    return errors.BadInput(text, code="export_damaged", place=place, fix="export again, or copy it again")


def _records(bundle: Bundle) -> Iterator[Record]:
    for line in bundle.lines("documents.jsonl"):
        yield document_from_json(json.loads(line))


def _settings(bundle: Bundle, connection: str) -> dict[str, Any]:
    settings: Connection = connection_of({**json.loads(bundle.read("connection.json")), "id": connection})
    return settings.model_dump(mode="json", exclude_defaults=True)


def _moved(record: Record, origin: str, connection: str) -> Record:
    if connection == origin:
        return record
    waits_for = record.waits_for
    if waits_for.startswith(f"{origin}/"):
        waits_for = connection + waits_for.removeprefix(origin)
    return replace(record, key=record.key._replace(connection=connection), waits_for=waits_for)


def _write_note(
    stores: Stores,
    connection: str,
    topic: str,
    name: str,
    value: Mapping[str, Any],
    counts: Counter[str],
    conflicts: list[str],
) -> None:
    if stores.notes.write_new(connection, topic, name, value):
        counts["notes written"] += 1
    elif stores.notes.read(connection, topic, name) == value:
        counts["notes there already"] += 1
    else:
        counts["notes differ"] += 1
        conflicts.append(f"{topic} {name}")


def _write_document(
    stores: Stores,
    bundle: Bundle,
    record: Record,
    gone: set[str],
    counts: Counter[str],
    conflicts: list[str],
) -> None:
    stored = stores.ledger.get(record.key)
    if stored is None:
        for digest in dict.fromkeys(map(content_of, pointers(record))):
            _write_payload(stores, bundle, record.key.connection, digest, gone)
        stored = stores.ledger.save(record, 0)
        if record.state in ON_THE_WAY:  # the upkeep has to find it, however old it is
            stores.ledger.settled(record.key.connection, record.key.direction, "0")
    if stored is None:
        counts["documents written"] += 1
        return
    last = record.history[-1].hash if record.history else ""
    known = [event.hash for event in stores.ledger.history(record.key)]
    if known[-1:] == [last]:
        counts["documents there already"] += 1
    elif last in known:
        counts["documents moved on"] += 1
    else:
        counts["documents differ"] += 1
        conflicts.append(record.key.id)


def _write_payload(stores: Stores, bundle: Bundle, connection: str, digest: str, gone: set[str]) -> None:
    if digest in gone:
        return
    body = bundle.read(payload_name(digest))
    if stores.archive.put(connection, body) != digest:
        raise _damaged(payload_name(digest), "is not as it was written")
    for inner in pointers_in(body):
        _write_payload(stores, bundle, connection, content_of(inner), gone)
