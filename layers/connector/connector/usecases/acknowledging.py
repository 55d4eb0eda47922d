"""Order acknowledgements (855): what is decided about an order, by the pack or by a person, goes to SPS.

A new or changed order asks for its acknowledgement. The pack's policy decides at once, or the acknowledgement
is held for a person until its deadline is near. A decision is archived with the order that it is about, so it
can be mapped again; a later one replaces it, after sending as a revision with purpose 05. What the policy says
of an order never overrides what a person said of the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from connector import errors
from connector.documents.freshbooks_fields import bad_input
from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.findings import Finding, Trace, as_json
from connector.ledger import DocumentKey, Record, State, delivered_before, revision_began
from connector.mapping.order_lines import ordered_lines
from connector.mapping.order_to_ack import Decision, accepted_quantities, order_to_ack
from connector.rules.catalogue_check import compare_with_items
from connector.usecases.arrivals import Planned, hold, settle
from connector.usecases.fulfilment import approved
from connector.usecases.orders import blocked, stored_order
from connector.usecases.summaries import state_words
from connector.usecases.world import as_text

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

WHO = "map_outbound"
SOURCE = "order"
NEAR = timedelta(hours=2)
_FIX = "connector acknowledge ORDER --accept, --reject or --lines FILE"
_OVER = frozenset({State.CANCELLED, State.SKIPPED, State.SUPERSEDED})


def ask_for(world: World, order: Record) -> None:
    """Have the acknowledgement of an order made, where its partner is sent any."""
    pack = world.packs().get(order.key.partner)
    if pack is not None and pack.acknowledgements.send:
        message = {
            "connection": world.id,
            "correlation_id": order.correlation_id,
            "acknowledge": order.key.id,
        }
        world.queues.records_to_map.send([message])


def ack_key(order: DocumentKey) -> DocumentKey:
    return order._replace(direction="out", type="ack")


def take(world: World, order_id: str) -> None:
    """Acknowledge an order as the pack's policy says, or hold the acknowledgement for a person."""
    order_record = world.ledger.get(DocumentKey.of(order_id))
    if order_record is None:
        world.report("no order to acknowledge", document=order_id)
        return
    pack = world.pack(order_record.key.partner)
    known = world.ledger.get(ack_key(order_record.key))
    if not pack.acknowledgements.send or (order_record.state in _OVER and known is None):
        return
    read = _read(world, _pointer(order_record))
    if read.kind != "order":  # a change of an order that has not come
        return
    if known is not None:
        kept = decided(world, known)
        if (
            kept["decision"]
            and kept["content"] == read.digest
            and kept["over"] == (order_record.state in _OVER)
        ):
            map_again(world, known)
            return
    at = revision_began(order_record)
    decision, findings = _by_policy(world, order_record, read, pack, date.fromisoformat(at[:10]))
    _settle(world, order_record, decision, findings, rank=at, who=WHO)


def acknowledge(world: World, order_key: DocumentKey, decision: Decision) -> Record:
    """What a person decided about an order; the acknowledgement's record. BadUse where it cannot be."""
    order_record = world.ledger.get(order_key)
    if order_record is None or order_key.type != "order" or order_key.direction != "in":
        raise errors.BadUse(f"there is no order {order_key.id}", code="no_such_document")
    if order_record.state in _OVER:
        raise errors.BadUse(
            f"the order is {state_words(order_record.state)}: nothing is to be acknowledged",
            code="order_over",
        )
    mapped = order_to_ack(stored_order(world, order_record), decision)
    wrong = next((finding for finding in mapped.findings if finding.code == "decision_impossible"), None)
    if wrong is not None:
        raise errors.BadUse(wrong.message, code="decision_impossible", place=wrong.place)
    return _settle(world, order_record, decision, [], rank=world.clock.now(), who=decision.who)


def map_again(world: World, record: Record) -> None:
    """Map a stored decision again, as a replay asks."""
    _settle_ack(
        world,
        record.key,
        digest=record.digest,
        rank=record.rank,
        source=record.source,
        received=record.payloads["received"],
        correlation_id=record.correlation_id,
        who=WHO,
    )


def plan_ack(world: World, record: Record, trace: Trace | None = None) -> Planned:
    """The acknowledgement that the archived decision and order make; CheckFailed while nobody has decided."""
    kept = decided(world, record)
    order = _order_of(world, kept)
    if kept["over"]:
        if not delivered_before(record):
            return Planned(state=State.CANCELLED, note="the order was cancelled before it was acknowledged")
        return Planned(state=State.SKIPPED, note="the order was cancelled")
    if kept["decision"] is None:
        error = errors.CheckFailed(
            "the order waits for somebody to accept or reject it", code="decision_needed", fix=_FIX
        )
        error.findings = tuple(kept["findings"])
        raise error
    decision = Decision.model_validate(kept["decision"])
    mapped = order_to_ack(order, decision, purpose="05" if delivered_before(record) else "00", trace=trace)
    if mapped.blocked:
        raise blocked(mapped)
    prices = {line.line: line.unit_price for line in ordered_lines(order)}
    promised = accepted_quantities(order, decision)
    pack = world.packs().get(record.key.partner)
    known = [quantity * price for line, quantity in promised.items() if (price := prices[line]) is not None]
    return Planned(
        document=mapped.document,
        note=f"{decision.verdict} by {decision.who}" if decision.who else decision.verdict,
        findings=tuple(as_json(mapped.findings)),
        amount=as_text(sum(known)) if known else "",
        currency=order.Header.OrderHeader.BuyersCurrency or (pack.freshbooks.currency if pack else ""),
        date=decision.at.isoformat(),
    )


def decided(world: World, record: Record) -> dict[str, Any]:
    """The archived input of an acknowledgement: `{"order", "content", "over", "decision", "findings"}`."""
    kept: dict[str, Any] = json.loads(world.archive.get(world.id, record.payloads["received"]))
    return kept


def mind_deadlines(world: World) -> int:
    """Decide what nobody has decided as its deadline comes near, as the pack says; how many that were."""
    count = 0
    if not any("acknowledgement" in pack.deadlines for pack in world.packs().values()):
        return count
    now = datetime.fromisoformat(world.clock.now())
    for record in world.ledger.in_states(world.id, "out", {State.HELD}):
        pack = world.packs().get(record.key.partner)
        deadline = pack.deadlines.get("acknowledgement") if pack is not None else None
        waiting = record.key.type == "ack" and record.reason.get("code") == "decision_needed"
        if pack is None or deadline is None or not waiting:
            continue
        order = world.ledger.get(DocumentKey.of(record.source.partition(":")[2]))
        if order is None:
            continue
        allowed = timedelta(hours=deadline.hours)
        if now < datetime.fromisoformat(revision_began(order)) + allowed - min(NEAR, allowed / 4):
            continue
        count += 1
        if pack.acknowledgements.otherwise == "accept":
            decision = Decision(at=now.date(), who="deadline", note="nobody decided before the deadline")
            _settle(world, order, decision, [], rank=now.isoformat(), who="resolve_in_doubt")
            continue
        error = errors.CheckFailed(
            f"the order must be acknowledged within {deadline.hours} hours, and nobody has decided",
            code="decision_due",
            fix=_FIX,
        )
        world.ledger.save(hold(record, error, now=world.clock.now(), who="resolve_in_doubt"), record.version)
        world.report("acknowledgement due", document=record.key.id)
    return count


def _by_policy(
    world: World, order: Record, read: Read, pack: PartnerPack, at: date
) -> tuple[Decision | None, list[Finding]]:
    policy = pack.acknowledgements.policy
    if policy == "ask" or not isinstance(read.document, Order):
        return None, []
    if order.state is State.HELD:
        message = f"the order itself is held: {order.reason.get('message', '')}"
        return None, [Finding("order_held", "error", message, "", order.reason.get("fix", ""))]
    if policy == "compare":
        try:
            findings = compare_with_items(read.document, world.freshbooks.list_items(), pack)
        except errors.Refused as error:
            findings = [Finding("items_unreadable", "error", error.message, "", error.fix)]
        if findings:
            return None, findings
    return Decision(at=at, who=f"policy {policy}"), []


def _settle(
    world: World,
    order: Record,
    decision: Decision | None,
    findings: list[Finding],
    *,
    rank: str,
    who: str,
) -> Record:
    pointer = _pointer(order)
    kept = {
        "content": _read(world, pointer).digest,
        "over": order.state in _OVER,
        "decision": decision.model_dump(mode="json", exclude_defaults=True) if decision is not None else None,
        "findings": as_json(findings),
    }
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    body = json.dumps({**kept, "order": pointer}, sort_keys=True).encode()
    return _settle_ack(
        world,
        ack_key(order.key),
        digest=digest,
        rank=rank,
        source=f"{SOURCE}:{order.key.id}",
        received=world.archive.put(world.id, body),
        correlation_id=order.correlation_id,
        who=who,
    )


def _settle_ack(world: World, key: DocumentKey, **keywords: Any) -> Record:
    plan = approved(world, partial(plan_ack, world), who=keywords["who"])
    return settle(world, key, plan=plan, queue=world.queues.rsx_to_push, **keywords)


def _pointer(order: Record) -> str:
    """Where the order in force is in the archive: with its changes, else as it came."""
    return order.payloads.get("order") or order.payloads["received"]


def _read(world: World, pointer: str) -> Read:
    body, _, index = pointer.partition("#")
    read = read_documents(world.archive.get(world.id, body))[int(index or 0)]
    if isinstance(read, errors.BadInput):
        raise errors.CheckFailed("the stored order can no longer be read", code="stored_order_unreadable")
    return read


def _order_of(world: World, kept: Mapping[str, Any]) -> Order:
    document = _read(world, kept["order"]).document
    if not isinstance(document, Order):
        raise errors.CheckFailed("the stored order can no longer be read", code="stored_order_unreadable")
    return document


def decision_of(values: Mapping[str, Any]) -> Decision:
    """The decision in plain values; BadUse names what is wrong with it."""
    try:
        return Decision.model_validate(values)
    except ValidationError as error:
        complaint = bad_input(error, "")
        raise errors.BadUse(complaint.message, code="decision_impossible", place=complaint.place) from None
