"""What people ask for: the list of documents, one document's whole story, and doing one again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.catalogue import explain
from connector.ledger import State, verify_history
from connector.usecases import fulfilment
from connector.usecases.acknowledging import ack_key
from connector.usecases.orders import stored_order
from connector.usecases.summaries import summary_of

if TYPE_CHECKING:
    from connector.ledger import DocumentKey
    from connector.ports import Archive, Ledger
    from connector.usecases.world import World

ALL_STATES = frozenset(State)


def documents(
    ledger: Ledger,
    connection: str,
    *,
    states: Iterable[State] = ALL_STATES,
    direction: str = "",
    partner: str = "",
    type_: str = "",
    text: str = "",
    code: str = "",
    since: str = "",
    until: str = "",
) -> Iterator[dict[str, Any]]:
    """Summaries of a connection's documents, inbound first, the longest in its state first.

    `text` is looked for in the document number, the reference, and the reason; `code` is the reason's code;
    `since` and `until` (ISO 8601 in UTC) bound when it came to its state.
    """
    for way in ("in", "out"):
        if direction in ("", way):
            for record in ledger.in_states(connection, way, frozenset(states), until, since):
                if (
                    partner in ("", record.key.partner)
                    and type_ in ("", record.key.type)
                    and code in ("", record.reason.get("code"))
                ):
                    summary = summary_of(record)
                    if not text or text.casefold() in json.dumps(summary, ensure_ascii=False).casefold():
                        yield summary


def story(ledger: Ledger, archive: Archive, key: DocumentKey, *, payloads: bool = False) -> dict[str, Any]:
    """Everything known of one document: summary, findings, history (checked), shipments, payloads if asked for.

    Each event `means` what its note stands for, where that is an error's code.
    """
    record = ledger.get(key)
    if record is None:
        raise errors.BadUse(f"there is no document {key.id}", code="no_such_document")
    history = ledger.history(key)
    told: dict[str, Any] = {
        **summary_of(record),
        "source": record.source,
        "findings": list(record.findings),
        "revisions": list(record.revisions),
        "shipments": dict(record.shipments),
        "fulfilment": dict(record.fulfilment),
        "history": [
            {**asdict(event), "means": entry.meaning if (entry := explain(event.note)) else ""}
            for event in history
        ],
        "history_broken_at": verify_history(tuple(history)),
        "payloads": dict(record.payloads),
    }
    if "diff" in record.payloads:
        told["changes"] = _content(archive, key.connection, record.payloads["diff"])
    if key.direction == "in" and key.type == "order" and (ack := ledger.get(ack_key(key))) is not None:
        kept = _content(archive, key.connection, ack.payloads["received"])
        told["acknowledgement"] = {
            "id": ack.key.id,
            "state": str(ack.state),
            "decision": kept["decision"],
            "findings": kept["findings"],
        }
    if payloads:
        told["contents"] = {
            stage: _content(archive, key.connection, at) for stage, at in record.payloads.items()
        }
    return told


def contents(ledger: Ledger, archive: Archive, key: DocumentKey) -> dict[str, Any]:
    """The payloads by what they were: received, mapped, sent, answered; only the stages that were reached."""
    record = ledger.get(key)
    if record is None:
        raise errors.BadUse(f"there is no document {key.id}", code="no_such_document")
    stages: dict[str, Any] = {}
    for stage, at in record.payloads.items():
        content = _content(archive, key.connection, at)
        if stage == "exchange" and isinstance(content, dict):
            stages |= {"mapped": content.get("mapped"), "sent": content.get("sent")}
            stages["answered"] = content.get("answer")
        else:
            stages[stage] = content
    return {name: content for name, content in stages.items() if content is not None}


def open_quantities(world: World, key: DocumentKey) -> list[dict[str, str]]:
    """An order's account, line by line; nothing for other documents or an order that can't be read."""
    record = world.ledger.get(key) if (key.direction, key.type) == ("in", "order") else None
    if record is None:
        return []
    try:
        return fulfilment.open_quantities(world.ledger, stored_order(world, record), record)
    except (errors.CheckFailed, errors.NotFound):
        return []


def _content(archive: Archive, connection: str, pointer: str) -> Any:
    body = archive.get(connection, pointer)
    try:
        return json.loads(body.decode("utf-8-sig"))
    except ValueError:
        return body.decode("utf-8", "replace")
