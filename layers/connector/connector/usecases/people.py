"""What people ask for: the list of documents, one document's whole story, and doing one again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from connector import errors
from connector.ledger import DocumentKey, Record, State, verify_history
from connector.rules.checks import RULES
from connector.usecases import fulfilment, packs
from connector.usecases.acknowledging import ack_key
from connector.usecases.arrivals import resume, resume_held
from connector.usecases.orders import stored_order
from connector.usecases.waiting import category_name
from connector.usecases.world import live_name, pack_name

if TYPE_CHECKING:
    from connector.ports import Archive, Ledger
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

ALL_STATES = tuple(State)


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
    """Summaries of a connection's documents, state by state, oldest change first.

    `text` is looked for in the document number, the reference, and the reason; `code` is the reason's code;
    `since` and `until` (ISO 8601 in UTC) bound the last change.
    """
    for way in ("in", "out"):
        if direction in ("", way):
            for state in states:
                for record in ledger.in_state(connection, way, state, until, since):
                    if (
                        partner in ("", record.key.partner)
                        and type_ in ("", record.key.type)
                        and code in ("", record.reason.get("code"))
                    ):
                        summary = summary_of(record)
                        if not text or text.casefold() in json.dumps(summary, ensure_ascii=False).casefold():
                            yield summary


def needs_person(record: Record) -> bool:
    """Refused for good, or held for a decision or a setting that somebody has to make.

    What waits for another document goes on by itself, and what shadow mode holds is as it was asked for. But an
    invoice or a shipment of ours whose order is not there may name it wrong.
    """
    alone = record.waits_for.split("/")[1:2] in (["live"], [record.key.direction])
    return record.state is State.REJECTED or (record.state is State.HELD and not alone)


def summary_of(record: Record) -> dict[str, Any]:
    key = record.key
    return {
        "id": key.id,
        "connection": key.connection,
        "direction": key.direction,
        "partner": key.partner,
        "type": key.type,
        "number": key.number,
        "state": str(record.state),
        "revision": record.revision,
        "amount": record.amount,
        "currency": record.currency,
        "date": record.date,
        "updated": record.updated,
        "attempts": record.attempt,
        "duplicates": record.duplicates,
        "remote_id": record.remote_id,
        "reference": record.reference,
        "reason": dict(record.reason),
        "waits_for": record.waits_for,
    }


def story(ledger: Ledger, archive: Archive, key: DocumentKey, *, payloads: bool = False) -> dict[str, Any]:
    """Everything known of one document: summary, findings, history (checked), shipments, payloads if asked for."""
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
        "history": [asdict(event) for event in history],
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


def introduced(world: World, pack: PartnerPack) -> PartnerPack:
    """The pack as somebody hands it in; of a new partner in shadow mode, unless it says otherwise."""
    world.forget_packs()
    if "mode" in pack.model_fields_set or pack.trading_partner_id in world.packs():
        return pack
    return pack.model_copy(update={"mode": "shadow"})


def set_up_partner(world: World, pack: PartnerPack, *, who: str = "") -> int:
    """Store a partner pack and resume what waited for it, or was stopped by a rule; how many documents that was."""
    partner = pack.trading_partner_id
    stopped = resume_held(world, partner, RULES) if packs.store(world, pack, who=who) else 0
    resumed = resume(world, pack_name(world.id, partner)) + resume(world, category_name(world.id, partner))
    return stopped + resumed + (resume(world, live_name(world.id, partner)) if pack.mode == "live" else 0)


def switch(
    world: World, partner: str, mode: Literal["live", "shadow"], *, since: str = "", who: str
) -> dict[str, int]:
    """Set a partner live or to shadow: `{"resumed": n, "skipped": n}`.

    Going live sends what was held, except what came before `since` (an ISO date), which ends skipped: it was
    done elsewhere while the partner ran in shadow. Other workers follow within a minute.
    """
    pack = world.pack(partner)
    waited = live_name(world.id, partner)
    skipped: set[DocumentKey] = set()
    if mode == "live" and since:
        for key in world.ledger.waiting_for(waited):
            record = world.ledger.get(key)
            if record is not None and record.waits_for == waited and record.created < since:
                ended = record.step(
                    "skipped",
                    now=world.clock.now(),
                    who=who,
                    to=State.SKIPPED,
                    note=f"came before {since}, from when this partner is live",
                    reason={},
                    waits_for="",
                )
                if world.ledger.save(ended, record.version) is None:
                    skipped.add(key)
    packs.store(world, pack.model_copy(update={"mode": mode}), who=who)
    resumed = resume(world, waited, but=skipped) if mode == "live" else 0
    world.report("partner switched", partner=partner, what=mode, count=resumed)
    return {"resumed": resumed, "skipped": len(skipped)}
