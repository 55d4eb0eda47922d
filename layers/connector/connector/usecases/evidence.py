"""The evidence pack of a purchase order: everything that was received, mapped, sent and answered, in one zip file.

    index.html         to read: what was ordered, shipped and invoiced, and every document's timeline; no scripts
    index.json         the same for machines, with the SHA-256 of every file in the pack
    documents/01-order-4500012345/history.json
    documents/01-order-4500012345/revision-1/received.json, mapped.json, sent.json, answer.json

Made for the other side of a dispute: of a file that held several documents only this order's is in it. The same
state of the ledger makes the same bytes, so that two packs can be compared by their digest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.reading import read_documents
from connector.ledger import DocumentKey, Record, content_of, verify_history
from connector.mapping.money import shown
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.evidence_page import page
from connector.usecases.reports.gathering import gather
from connector.usecases.reports.trades import Trade

if TYPE_CHECKING:
    from connector.usecases.world import World

STAGES = ("received", "mapped", "sent", "answer")


def evidence(world: World, number: str, partner: str = "") -> list[tuple[str, list[bytes]]]:
    """`(file name, [bytes])` of every file, `index.html` first. BadUse where the order is not there, or not one."""
    found = gather(world, number=number, partner=partner).trades
    if not found:
        raise errors.BadUse(f"there is no order {number}", code="no_such_document")
    if len(found) > 1:
        partners = ", ".join(trade.record.key.partner for trade in found)
        raise errors.BadUse(
            f"several partners have an order {number}",
            code="order_not_one",
            fix=f"say which partner: {partners}",
        )
    trade = found[0]
    files: dict[str, bytes] = {}
    documents = [
        _document(
            world, record, f"documents/{n:02d}-{_plain(record.key.type)}-{_plain(record.key.number)}", files
        )
        for n, record in enumerate(_records(world, trade), 1)
    ]
    index: dict[str, Any] = {
        "purchase_order": trade.number,
        "partner": trade.record.key.partner,
        "partner_name": trade.pack.name if trade.pack is not None else "",
        "connection": world.id,
        "currency": trade.record.currency,
        "ordered": f"{trade.total:.2f}",
        "invoiced": f"{trade.invoiced_total:.2f}",
        "as_of": max(record["updated"] for record in documents),
        "histories_intact": all(record["history_intact"] for record in documents),
        "lines": [_line(trade, line) for line in trade.lines],
        "documents": documents,
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
    }
    return [
        ("index.html", [page(index).encode()]),
        ("index.json", [_pretty(index)]),
        *((name, [body]) for name, body in sorted(files.items())),
    ]


def _records(world: World, trade: Trade) -> list[Record]:
    """The order, what came for it, and what we sent, each in the sequence in which they came."""
    order = trade.record
    keys = [order.key._replace(type="shipment", number=number) for number in order.shipments]
    keys.append(order.key._replace(type=CLOSE_OUT))
    # an upload and the like are named by the order's own account of what became of it
    named = (entry.get("document", "") for entry in order.fulfilment.values())
    keys += [DocumentKey.of(name) for name in named if name]
    around = world.ledger.get_many(keys)
    around.update((paper.record.key, paper.record) for paper in trade.papers)
    around.pop(order.key, None)
    return [order, *sorted(around.values(), key=lambda record: (record.created, record.key))]


def _document(world: World, record: Record, folder: str, files: dict[str, bytes]) -> dict[str, Any]:
    history = world.ledger.history(record.key)
    broken = verify_history(tuple(history))
    files[f"{folder}/history.json"] = _pretty([asdict(event) for event in history])
    revisions = [*record.revisions, {"revision": record.revision, "payloads": dict(record.payloads)}]
    payloads: list[dict[str, Any]] = []
    for revision in revisions:
        n = int(revision.get("revision", len(payloads) + 1))
        for stage, told in _stages(world, revision.get("payloads", {})):
            row = {"revision": n, "stage": stage, **{name: told[name] for name in told if name != "body"}}
            if "body" in told:
                name = f"{folder}/revision-{n}/{stage}.{told['kind']}"
                files[name] = told["body"]
                row |= {"file": name, "sha256": hashlib.sha256(told["body"]).hexdigest()}
            payloads.append(row)
    return {
        "id": record.key.id,
        "direction": record.key.direction,
        "type": record.key.type,
        "number": record.key.number,
        "state": str(record.state),
        "revision": record.revision,
        "amount": record.amount,
        "currency": record.currency,
        "date": record.date,
        "reason": dict(record.reason),
        "findings": list(record.findings),
        "created": record.created,
        "updated": record.updated,
        "at_the_target": record.reference,
        "remote_id": record.remote_id,
        "duplicates": record.duplicates,
        "history_intact": broken is None,
        "history_broken_at": broken,
        "last_hash": history[-1].hash if history else "",
        "timeline": [
            {
                "at": event.at,
                "who": event.who,
                "what": event.what,
                "state": event.to_state,
                "note": event.note,
            }
            for event in history
        ],
        "payloads": payloads,
    }


def _stages(world: World, payloads: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pointer in sorted(payloads.items(), reverse=True):  # received before exchange
        try:
            body = world.archive.get(world.id, pointer)
        except errors.NotFound:
            yield name, {"kind": "", "note": "its retention is over", "archived": content_of(pointer)}
            continue
        if name != "exchange":
            yield name, _received(body, pointer)
            continue
        exchange = json.loads(body)
        for stage in STAGES[1:]:
            if exchange.get(stage) is not None:
                yield (
                    stage,
                    {"kind": "json", "archived": content_of(pointer), "body": _pretty(exchange[stage])},
                )


def _received(body: bytes, pointer: str) -> dict[str, Any]:
    """As it came; cut out of its file where other documents came in it, which are nobody's business here."""
    where, _, index = content_of(pointer).partition("#")
    told = {"kind": _kind(body), "archived": where, "body": body}
    if not index.isdigit():
        return told
    read = read_documents(body)
    if len(read) == 1 or int(index) >= len(read):
        return told
    one = read[int(index)]
    if isinstance(one, errors.BadInput):
        return {"kind": "", "archived": where, "note": "unreadable, in a file with other documents"}
    note = f"document {int(index) + 1} of {len(read)} of the file as received"
    return {"kind": "json", "archived": where, "note": note, "body": _pretty(one.raw)}


def _kind(body: bytes) -> str:
    start = body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    return {b"{": "json", b"[": "json", b"<": "xml"}.get(start, "txt")


def _line(trade: Trade, line: Any) -> dict[str, str]:
    return {
        "line": line.line,
        "part": line.part or line.buyer_part,
        "description": line.description,
        "uom": line.uom,
        "price": "" if line.price is None else shown(line.price, 2),
        "ordered": _quantity(line.quantity),
        "shipped": _quantity(trade.shipped(line.line)),
        "invoiced": _quantity(trade.invoiced(line.line)),
    }


def _quantity(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _plain(name: str) -> str:
    """A name that every file system takes; two that differ only in odd characters are told apart by their place."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60] or "_"


def _pretty(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str).encode() + b"\n"


def file_name(number: str, partner: str) -> str:
    return f"evidence-{_plain(partner)}-{_plain(number)}.zip"


def digests(files: Iterable[tuple[str, list[bytes]]]) -> Mapping[str, Any]:
    """The index of a pack that was just made."""
    index: Mapping[str, Any] = json.loads(b"".join(dict(files)["index.json"]))
    return index
