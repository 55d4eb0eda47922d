"""The console's routes about one document: its story, and what to do about it."""

from __future__ import annotations

import base64
import io
from datetime import date
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.adapters.bundles import write_zip
from connector.catalogue import explain
from connector.console.redaction import redacted
from connector.ledger import DocumentKey, State
from connector.usecases import acknowledging, explaining, packs, people, replaying
from connector.usecases.chains import chain, order_diff
from connector.usecases.evidence import evidence, file_name

if TYPE_CHECKING:
    from connector.console.routes import Request
    from connector.usecases.world import World

MOST_BYTES = 4_000_000  # what Lambda lets an answer be, less what base64 adds


def _named(request: Request) -> tuple[World, DocumentKey]:
    key = DocumentKey.of(request.text("id"))
    return request.wiring.world(key.connection), key


def _document(request: Request) -> Any:
    """The story with its chain, what its reason means, and who may do what about it now."""
    world, key = _named(request)
    told = people.story(world.ledger, world.archive, key)
    entry = explain(told["reason"].get("code", ""))
    pack = world.packs().get(key.partner)
    actions = replaying.possible(told["state"]) | ({"acknowledge"} if key.type == "order" else set())
    fix = told["reason"].get("fix") or (entry.fix if entry else "")
    if told["state"] == State.HELD and "by force" in fix:
        actions |= {"accept"}
    linked = chain(world, key)
    if told["state"] == State.HELD and told["reason"].get("code") in packs.UNMATCHED:
        actions |= {"alias"}
    return {
        **told,
        "partner_name": pack.name if pack else "",
        "open": people.open_quantities(world, DocumentKey.of(linked[0]["id"])),
        "meaning": {"meaning": entry.meaning, "cause": entry.cause, "fix": entry.fix} if entry else None,
        "chain": linked,
        "actions": sorted(actions) if request.person.is_operator else [],
    }


def _payloads(request: Request) -> Any:
    """Payloads by stage, as received, mapped, sent and answered; personal data is kept from viewers."""
    world, key = _named(request)
    stages = people.contents(world.ledger, world.archive, key)
    if not request.person.is_operator:
        stages = redacted(stages)
    return {"stages": stages, "redacted": not request.person.is_operator}


def _difference(request: Request) -> Any:
    world, key = _named(request)
    told = order_diff(world, key)
    return told if request.person.is_operator else redacted(told)


def _preview(request: Request) -> Any:
    world, key = _named(request)
    told = replaying.preview(world, key)
    return told if request.person.is_operator else redacted(told)


def _explain(request: Request) -> Any:
    world, key = _named(request)
    told = explaining.explain(world, key)
    return told if request.person.is_operator else redacted(told)


def _evidence(request: Request) -> Any:
    """The evidence pack of the document's order, as a zip file in base64. A POST, as its payloads are whole: it is
    for operators."""
    world, key = _named(request)
    order = DocumentKey.of(str(chain(world, key)[0]["id"]))
    if order.type != "order":
        raise errors.BadUse("no order is known of it", code="no_such_document")
    packed = io.BytesIO()
    write_zip(packed, evidence(world, order.number, order.partner))
    if packed.tell() > MOST_BYTES:
        raise errors.BadUse(
            "the pack is too large for a browser",
            code="pack_too_large",
            fix=f"`connector evidence {order.number}` writes it",
        )
    return {
        "name": file_name(order.number, order.partner),
        "zip": base64.b64encode(packed.getvalue()).decode(),
    }


def _replay(request: Request) -> Any:
    world, key = _named(request)
    reason, force = request.text("reason"), request.given.get("force") is True
    again = replaying.replay(world, key, who=request.person.who, reason=reason, force=force)
    return {"id": key.id, "state": again.state}


def _resolve(request: Request) -> Any:
    world, key = _named(request)
    return {
        "id": key.id,
        "state": replaying.resolve(world, key, who=request.person.who, reason=request.text("reason")).state,
    }


def _acknowledge(request: Request) -> Any:
    """Accept or reject an order, whole or line by line (`lines` as `connector acknowledge --lines` takes them)."""
    world, key = _named(request)
    decision = acknowledging.decision_of(
        {
            "verdict": request.text("verdict", needed=True),
            "lines": request.given.get("lines", ()),
            "who": request.person.who,
            "at": date.fromisoformat(world.clock.now()[:10]),
            "note": request.text("reason"),
        }
    )
    record = acknowledging.acknowledge(world, key, decision)
    return {"id": record.key.id, "state": record.state, "reason": dict(record.reason)}


def _hold(request: Request) -> Any:
    world, key = _named(request)
    held = replaying.hold_back(world, key, who=request.person.who, reason=request.text("reason"))
    return {"id": key.id, "state": held.state}


ROUTES = {
    ("GET", "document"): _document,
    ("GET", "document/payloads"): _payloads,
    ("GET", "document/preview"): _preview,
    ("GET", "document/difference"): _difference,
    ("GET", "document/explain"): _explain,
    ("POST", "document/evidence"): _evidence,
    ("POST", "document/replay"): _replay,
    ("POST", "document/resolve"): _resolve,
    ("POST", "document/hold"): _hold,
    ("POST", "document/acknowledge"): _acknowledge,
}
