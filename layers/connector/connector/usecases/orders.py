"""What becomes of an order as its documents come in: first, again, changed, replaced, cancelled, issued anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.findings import Finding, Mapped, Trace, as_json
from connector.ledger import DocumentKey, Record, State, content_of
from connector.mapping.money import CENT
from connector.mapping.order_diff import order_diff
from connector.mapping.order_history import (
    InForce,
    Version,
    in_force,
    is_issued_again,
    is_of_an_earlier_issue,
)
from connector.mapping.order_to_bill import CANCELLED
from connector.mapping.order_to_sale import Target, map_order
from connector.usecases.arrivals import Planned

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

ACCEPTED, RESENT = "accepted", "resent"  # a person's word, by `replaying.replay`
_DECIDE = "accept it by force with a reason, or mark it resolved"
_AGAIN = "the order was cancelled and comes again with other content, not dated later"
_BY_HAND = "a person dealt with an earlier document of this order, which counts as carried out"
_EARLIER = "the cancellation is of an order dated earlier than the one in force"
_MADE = (
    ("bill", "quantity", "issue_date"),
    ("invoice", "qty", "create_date"),
    ("estimate", "qty", "create_date"),
)
_SETTLED = frozenset({State.DELIVERED, State.PICKED_UP, State.CANCELLED, State.SKIPPED})


def order_key(connection: str, partner: str, number: str) -> DocumentKey:
    return DocumentKey(connection, "in", partner, "order", number)


def stored_order(world: World, record: Record) -> Order:
    """The order in force, with all its changes, from the archive."""
    pointer = record.payloads.get("order") or record.payloads["received"]
    return world.order(pointer, lambda: _read_order(world, record))


def _read_order(world: World, record: Record) -> Order:
    pointer = record.payloads.get("order")
    if pointer:
        return Order.model_validate(json.loads(world.archive.get(record.key.connection, pointer)))
    read = read_again(world, record)
    if isinstance(read, errors.BadInput) or not isinstance(read.document, Order):
        raise errors.CheckFailed("the stored order can no longer be read", code="stored_order_unreadable")
    if read.kind == "order_change":
        raise _not_there(world, record, read)
    return read.document


def read_again(world: World, record: Record, received: str = "") -> Read | errors.BadInput:
    """A document of the record as it came: the present revision's, or that which a pointer names."""
    pointer, _, index = (received or record.payloads["received"]).partition("#")
    return read_documents(world.archive.get(record.key.connection, pointer))[int(index or 0)]


def known_remote_id(record: Record) -> str:
    """The id of what was made of the order at FreshBooks, "" where nothing was, or where it is cancelled."""
    if record.remote_id:
        return record.remote_id
    for past in reversed(record.revisions):
        if past["state"] == State.CANCELLED:
            return ""
        if past["remote_id"]:
            return str(past["remote_id"])
    return ""


def target_of(record: Record, pack: PartnerPack) -> Target:
    """What the order is made into: what it was made into before, else what the pack says.

    The id of what was made tells: `1000` a bill, `invoice:20001`, `estimate:40001`.
    """
    known = known_remote_id(record)
    kind, colon, _ = known.partition(":")
    if not known:
        return pack.orders.target
    if not colon:
        return "bill"
    return "invoice_draft" if kind == "invoice" else "estimate"


def has_come(record: Record | None) -> bool:
    """Whether the order itself is there, and not only changes that came before it."""
    return (
        record is not None
        and record.state is not State.SUPERSEDED
        and record.reason.get("code") != "order_not_there"
    )


def is_plain(world: World, order: Record | None) -> bool:
    """Whether the order is there, and a release number is no more than a remark to it."""
    if order is None or not has_come(order):
        return False
    try:
        return not stored_order(world, order).is_blanket
    except (errors.Parked, errors.NotFound):
        return True


def is_booked(record: Record) -> bool:
    """Whether the order is where it belongs, so that its shipments can be kept with it."""
    return bool(record.remote_id) or record.state is State.DELIVERED


def is_invoiced(record: Record) -> bool:
    """Whether an invoice of the order was sent, or is on its way, and not taken back by cancelling it."""
    return any(name.startswith("invoice/") and each["lines"] for name, each in record.fulfilment.items())


def is_cancelled(record: Record) -> bool:
    """Whether the order is cancelled; what a person has not decided about yet leaves it as it was."""
    states = [record.state, *(past["state"] for past in reversed(record.revisions))]
    undecided = (State.HELD, State.REJECTED)
    return next((state for state in states if state not in undecided), "") == State.CANCELLED


def _was_by_hand(record: Record) -> bool:
    """Whether a person resolved a document of the order, and nothing was made or changed by us since."""
    resolved = {event.revision for event in record.history if event.what == "resolved"}
    for past in reversed(record.revisions):
        if past["state"] in (State.DELIVERED, State.PICKED_UP, State.CANCELLED):
            return False
        if past["state"] == State.SKIPPED and past["revision"] in resolved:
            return True
    return False


def versions_of(world: World, record: Record, read: Read) -> tuple[list[Version], int]:
    """Every document on the order in the sequence of arrival, `read` last, and how many of them are settled."""
    current = content_of(record.payloads["received"])
    states: dict[str, tuple[str, str]] = {}
    for past in record.revisions:
        pointer = past["payloads"].get("received", "")
        if content_of(pointer) != current:
            states[content_of(pointer)] = pointer, past["state"]
    versions = []
    settled = 0
    for pointer, state in states.values():
        earlier = read_again(world, record, pointer)
        if not isinstance(earlier, errors.BadInput):
            versions.append(Version(earlier, accepted=state == State.DELIVERED))
            settled = len(versions) if state in _SETTLED else settled
    accepted = is_accepted(record)  # with it a person accepts what waited before it
    waiting = [replace(one, accepted=one.accepted or accepted) for one in versions[settled:]]
    return [*versions[:settled], *waiting, Version(read, accepted=accepted)], settled


def plan_order(world: World, read: Read, record: Record) -> Planned:
    """What an arrived order, change, replacement or cancellation does, given all that came before it."""
    pack = world.pack(read.partner)
    today = date.fromisoformat(world.clock.now()[:10])
    version = Version(read)
    if not record.revisions and version.kind == "original":
        assert isinstance(read.document, Order)  # noqa: S101 - for the type checker
        return planned(map_order(read.document, pack, today))
    return _plan_revision(world, read, record, pack, today)


def _plan_revision(world: World, read: Read, record: Record, pack: PartnerPack, today: date) -> Planned:
    arrived, settled = versions_of(world, record, read)
    before, after = in_force(arrived[:settled]), in_force(arrived, settled)
    if after.order is None and not after.cancelled:
        if any(one.kind == "change" for one in arrived):
            raise _not_there(world, record, read)
        return Planned(state=State.SKIPPED, note="information copy: not to be fulfilled")
    label, kept = arrived[-1].label, _kept(after, read.raw)
    past = record.revisions[-1]["state"] if record.revisions else ""
    news = settled == len(arrived) - 1  # all that came before is done
    if any(is_issued_again(arrived[: n + 1]) for n in range(settled, len(arrived))):
        raise blocked(Mapped({}, [Finding("order_issued_again", "error", _AGAIN, "", _DECIDE)]), kept)
    if any(is_of_an_earlier_issue(arrived[: n + 1]) for n in range(settled, len(arrived))):
        raise blocked(Mapped({}, [Finding("order_issued_again", "error", _EARLIER, "", _DECIDE)]), kept)
    if news and past and after.is_same(before):
        return Planned(
            state=State(past),
            note=f"{label}: nothing changes",
            keeps=kept,
            amount=record.amount,
            currency=record.currency,
            date=record.date,
        )
    if not arrived[-1].accepted and _was_by_hand(record):
        diff = order_diff(_order_of(before), _order_of(after), pack)
        raise blocked(
            Mapped({}, [Finding("order_resolved", "error", f"{_BY_HAND}: {diff.summary()}", "", _DECIDE)]),
            kept,
        )
    if after.cancelled and not known_remote_id(record):
        return Planned(state=State.CANCELLED, note="cancelled before it was billed", keeps=kept)
    order = _order_of(after)
    target = target_of(record, pack)
    mapped = Mapped({"cancel": target}) if order is None else map_order(order, pack, today, target=target)
    if not record.revisions:  # a replacement, and nothing before it
        return planned(mapped, kept)
    base = before if before.order else in_force([one for one in arrived if one.kind == "original"])
    diff = order_diff(_order_of(base), order, pack)
    note = f"{label}: {diff.summary()}"
    unclear = [_noted(one) for one in after.findings] if arrived[-1].accepted else list(after.findings)
    mapped.findings = [*unclear, *diff.findings(), *mapped.findings]
    kept["diff"] = json.dumps(diff.as_json(), sort_keys=True).encode()
    if not arrived[-1].accepted:
        question = _question(record, arrived, settled, bool(before.order and diff.lines), pack)
        if question is not None:
            mapped.findings.insert(0, replace(question, message=f"{question.message}: {diff.summary()}"))
    if mapped.blocked:  # meanwhile the order is in force as it was
        raise blocked(mapped, kept | _kept(base))
    resent = arrived[-1].accepted  # whatever was made of it, a person wants it as it is said here
    if (
        news
        and not resent
        and past == State.DELIVERED
        and mapped.document == _made_of(before, pack, today, target)
    ):
        state = State.DELIVERED
        return replace(planned(mapped, kept), document=None, state=state, note=note)
    return replace(planned(mapped, kept), note=note)


def explain_order(world: World, record: Record, trace: Trace) -> Mapping[str, Any] | None:
    """What is made of the order in force and, in `trace`, where it came from; None where nothing states it."""
    read = read_again(world, record)
    if isinstance(read, errors.BadInput):
        raise read
    pack = world.pack(record.key.partner)
    after = in_force(versions_of(world, record, read)[0])
    order = _order_of(after)
    if order is None or after.order is None:
        trace.update(CANCELLED)
        return {"cancel": target_of(record, pack)} if after.cancelled else None
    found: Trace = {}
    today = date.fromisoformat(world.clock.now()[:10])
    mapped = map_order(order, pack, today, found, target_of(record, pack))
    trace.update(after.order.sourced(found))
    return mapped.document


def planned(mapped: Mapped, kept: Mapping[str, bytes] | None = None) -> Planned:
    """A mapped order on its way; CheckFailed where a finding blocks it."""
    if mapped.blocked:
        raise blocked(mapped, kept)
    done = Planned(
        document=mapped.document or None,
        state=State.MAPPED if mapped.document else State.DELIVERED,
        findings=tuple(as_json(mapped.findings)),
        keeps=kept or {},
    )
    for kind, quantity, dated in _MADE:
        made = mapped.document.get(kind)
        if made is not None:
            total = sum(
                (Decimal(x["unit_cost"]["amount"]) * Decimal(x[quantity]) for x in made["lines"]), Decimal()
            )
            amount = str(total.quantize(CENT, ROUND_HALF_UP))
            return replace(done, amount=amount, currency=made["currency_code"], date=made[dated])
    return done


def blocked(mapped: Mapped, kept: Mapping[str, bytes] | None = None) -> errors.CheckFailed:
    """The error that parks a document whose mapping found something that must not be sent."""
    first = next(finding for finding in mapped.findings if finding.severity == "error")
    error = errors.CheckFailed(first.message, code=first.code, place=first.place, fix=first.fix)
    error.findings = tuple(as_json(mapped.findings))
    error.document, error.keeps = mapped.document, dict(kept or {})
    return error


def _question(
    record: Record, arrived: list[Version], settled: int, moves: bool, pack: PartnerPack
) -> Finding | None:
    """What only a person can decide, None where the change may be applied."""
    if moves and is_invoiced(record):
        message = "the order changes after it was invoiced"
        fix = f"correct the invoice or agree with the partner; then {_DECIDE}"
        return Finding("order_already_invoiced", "error", message, "", fix)
    changes = any(one.kind not in ("original", "information") for one in arrived[settled:])
    if pack.orders.changes == "hold" and (changes or moves):
        return Finding("change_held", "error", "the partner pack holds changes of orders", "", _DECIDE)
    return None


def _kept(state: InForce, received: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """The order in force for the archive, unless it is the very document that came."""
    if state.order is None or state.order.raw == received:
        return {}
    return {"order": json.dumps(state.order.raw, ensure_ascii=False).encode()}


def _made_of(state: InForce, pack: PartnerPack, today: date, target: Target) -> Mapping[str, Any] | None:
    order = _order_of(state)
    return None if order is None else map_order(order, pack, today, target=target).document


def _order_of(state: InForce) -> Order | None:
    return None if state.order is None or state.cancelled else Order.model_validate(state.order.raw)


def is_accepted(record: Record) -> bool:
    """Whether a person had the present revision go by force."""
    return any(
        event.what in (ACCEPTED, RESENT) and event.revision == record.revision for event in record.history
    )


def _noted(finding: Finding) -> Finding:
    return replace(finding, severity="warning") if finding.severity == "error" else finding


def _not_there(world: World, record: Record, read: Read) -> errors.Waiting:
    """Where nothing says that the order is a release, it may still come under its plain number."""
    waits_for = record.key._replace(number=read.number)
    plain = world.ledger.get(waits_for) if waits_for != record.key else None
    if has_come(plain) and not is_plain(world, plain):  # only the blanket order is there
        waits_for = record.key
    return errors.Waiting(
        f"the order {record.key.number} that is to be changed has not arrived",
        code="order_not_there",
        waits_for=waits_for.id,
        fix="nothing to do if the order is on its way: its change is applied when it is there",
    )
