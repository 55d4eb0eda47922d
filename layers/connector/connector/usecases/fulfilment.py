"""What our documents do to their order's lines, kept with the order's record; and the over-invoice guard.

A document's quantities are reserved with its order before the document counts as mapped: the check against
what is open and the reservation are one conditional write on the order's record, so of two invoices for the
last pieces only one gets them. Everything may be repeated: a document's entry goes by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.findings import Finding, Mapped, as_json
from connector.ledger import AT_TARGET, DEALT_WITH, IN_FLIGHT, DocumentKey, Record, State, delivered_before
from connector.rules.checks import check
from connector.rules.open_quantities import (
    INVOICES,
    OpenLine,
    as_row,
    as_texts,
    header_of,
    lines_of,
    open_lines,
    orders_named,
)
from connector.rules.rule import Case
from connector.usecases.arrivals import TRIES, Plan, Planned
from connector.usecases.cut_over import is_registered
from connector.usecases.orders import blocked, is_cancelled, order_key, stored_order

if TYPE_CHECKING:
    from connector.documents.order import Order
    from connector.ports import Ledger
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World


def note_fulfilment(
    world: World,
    order_key: DocumentKey,
    name: str,
    entry: Mapping[str, Any] | None,
    *,
    who: str,
    judge: Callable[[Record], None] | None = None,
    known: Record | None = None,
) -> None:
    """Keep (or with None take out) a document's entry with its order, if there is one.

    `entry` needs `lines` and may say `rank` and `revision`, by which a slow worker with an older revision is
    told Busy instead of overwriting a newer one. `judge` sees the very record that the entry is written after,
    and may raise to stop it. `known` is the order's record as read a moment ago: where it has moved on since, it is
    read again. The same entry again writes nothing.
    """
    order = known or world.ledger.get(order_key)
    for _ in range(TRIES):
        if order is None:
            return
        if judge is not None:
            judge(order)
        kept = order.fulfilment.get(name)
        if _same(kept, entry):
            return
        if kept is not None and entry is not None and _order_of(kept) > _order_of(entry):
            raise errors.Busy("a newer revision of the document is there", code="record_moved", retry_after=2)
        others = {other: each for other, each in order.fulfilment.items() if other != name}
        now = world.clock.now()
        stepped = order.step(
            "fulfilment",
            now=now,
            who=who,
            note=f"{name}: {_in_words(entry)}",
            fulfilment=others if entry is None else {**others, name: {"at": now, **entry}},
        )
        order = world.ledger.save(stepped, order.version)
        if order is None:
            return
    raise errors.Busy("the order's record keeps changing", retry_after=5)


def approved(world: World, plan: Plan, *, who: str, keep: bool = True, credited: str = "") -> Plan:
    """The plan of an outbound document, with every rule run on what it wants to send.

    CheckFailed with all findings where one is an error. Otherwise what the document does to its orders' lines is
    reserved with them; `keep=False` only looks. What an order keeps as `credited` counts as taken back already.
    """

    def checked(record: Record) -> Planned:
        planned = plan(record)
        if planned.document is None:
            return planned
        findings = [Finding(**finding) for finding in planned.findings]  # type: ignore[arg-type]
        orders, mine = _read(world, record, planned)
        keeping = keep and _is_ours_to_keep(record, mine)
        for order, stored in orders:
            findings = _approve(
                world, record, planned, findings, order, stored, who=who, keep=keeping, credited=credited
            )
        if not orders:
            findings = check(_case(world, record, planned), findings)
            stop_if_blocked(planned.document, findings)
        return replace(planned, findings=tuple(as_json(findings)))

    return checked


def _approve(
    world: World,
    record: Record,
    planned: Planned,
    findings: list[Finding],
    order: Order,
    order_record: Record,
    *,
    who: str,
    keep: bool,
    credited: str,
) -> list[Finding]:
    document, kind = planned.document or {}, kind_of(record, planned)
    pack = world.pack(record.key.partner)
    name = f"{kind}/{_number_of(document, record)}"
    approved_: list[Finding] = findings

    def look(stored: Record, fulfilment: Mapping[str, Any]) -> list[Finding]:
        fulfilment = {one: entry for one, entry in fulfilment.items() if one != credited}
        open_ = open_lines(order, fulfilment, stored.shipments, but=name, cancelled=is_cancelled(stored))
        case = _case(world, record, planned, order, open_)
        alike = next((one for one in fulfilment if one != name and one.casefold() == name.casefold()), "")
        if alike and not case.used_by:  # X12 readers know no small letters
            case = replace(case, used_by=f"{alike.replace('/', ' ', 1)}, which differs in capitals only,")
        return check(case, findings)

    def judge(stored: Record) -> None:
        nonlocal approved_
        if stored.digest != order_record.digest:
            raise errors.Busy("the order has just changed", code="record_moved", retry_after=2)
        approved_ = look(stored, stored.fulfilment)
        if is_blocked(approved_):
            approved_ = look(stored, standing(world.ledger, stored.fulfilment))
        stop_if_blocked(document, approved_)
        if kind in INVOICES:
            sent, freeing = _as_sent(world.ledger, stored.fulfilment, but=name)
            if freeing and is_blocked(now := look(stored, standing(world.ledger, sent))):
                raise _not_free_yet(now, freeing)

    if not keep:
        judge(order_record)
        return approved_
    entry = _entry(record, document, kind, order, pack)
    had = _had(record, order_record.fulfilment.get(name, {})) if kind in INVOICES else {}
    if _most(had, entry["lines"]) != entry["lines"]:
        entry["had"] = had
    note_fulfilment(world, order_record.key, name, entry, who=who, judge=judge, known=order_record)
    return approved_


def note_registered(world: World, record: Record, planned: Planned, who: str) -> None:
    """Count a document from before the cut-over with its orders: it was done, so no rule is asked."""
    document, kind = planned.document or {}, kind_of(record, planned)
    for order, order_record in _read(world, record, planned)[0]:
        entry = _entry(record, document, kind, order, world.pack(record.key.partner))
        name = f"{kind}/{_number_of(document, record)}"
        note_fulfilment(world, order_record.key, name, entry, who=who, known=order_record)


def _entry(
    record: Record, document: Mapping[str, Any], kind: str, order: Order, pack: PartnerPack
) -> dict[str, Any]:
    return {
        "document": record.key.id,
        "rank": record.rank,
        "revision": record.revision,
        "lines": as_texts(lines_of(document, kind, order, pack)),
    }


def _case(
    world: World, record: Record, planned: Planned, order: Order | None = None, open_: Sequence[OpenLine] = ()
) -> Case:
    pack = world.pack(record.key.partner)
    return Case(
        kind_of(record, planned), planned.document or {}, pack, order, open_, used_by=_used_by(record)
    )


def _used_by(record: Record) -> str:
    """The other FreshBooks record that has the document's number, unless this one had it delivered before."""
    delivered = {past.get("source") for past in record.revisions if past["state"] in AT_TARGET}
    if record.source in delivered:
        return ""
    gave_up = (State.SUPERSEDED, State.CANCELLED)  # its number, or it is below as one that was delivered
    others = (past.get("source", "") for past in record.revisions if past["state"] not in gave_up)
    return next((one.replace(":", " ") for one in others if one not in ("", record.source)), "")


def _read(world: World, record: Record, planned: Planned) -> tuple[list[tuple[Order, Record]], Record | None]:
    """The stored orders that a document is for, with their records; and the document's own, if it looks new."""
    named = orders_named(planned.document or {}, kind_of(record, planned))
    keys = [[order_key(world.id, record.key.partner, number) for number in names] for names in named]
    mine = [record.key] if _looks_new(record) else []
    records = world.ledger.get_many([*mine, *(key for each in keys for key in each)])
    found = [next((key for key in each if key in records), None) for each in keys]
    orders = [(stored_order(world, records[key]), records[key]) for key in found if key is not None]
    return orders, records.get(record.key)


def _number_of(document: Mapping[str, Any], record: Record) -> str:
    """The number the partner sees: a correction may go out under another one than the record's."""
    return str(header_of(document, record.key.type).get("InvoiceNumber") or record.key.number)


def kind_of(record: Record, planned: Planned) -> str:
    """What a document is to its order: a credit that is taken back is an invoice, whatever its record's type."""
    type_code = header_of(planned.document or {}, "invoice").get("InvoiceTypeCode")
    if type_code == "CR":
        return "credit"
    return "invoice" if record.key.type == "credit" else record.key.type


def standing(ledger: Ledger, fulfilment: Mapping[str, Any]) -> dict[str, Any]:
    """The entries without those of documents that ended without ever reaching the partner.

    Refused and resolved documents keep their entries: asking here, where it matters, cannot be missed by a crash.
    """
    keys = {
        name: DocumentKey.of(entry["document"]) for name, entry in fulfilment.items() if "document" in entry
    }
    records = ledger.get_many(keys.values())
    ended = {name for name, key in keys.items() if key in records and _never_arrived(records[key])}
    return {name: entry for name, entry in fulfilment.items() if name not in ended}


def _as_sent(
    ledger: Ledger, fulfilment: Mapping[str, Any], but: str
) -> tuple[dict[str, Any], list[DocumentKey]]:
    """The entries without the pieces that come free only when a document has arrived; and those documents.

    They are credits, and invoices that were lowered after they had been sent: one that is refused or held
    frees nothing, and what was invoiced anew in the meantime would be invoiced twice.
    """
    keys = {
        name: DocumentKey.of(entry["document"])
        for name, entry in fulfilment.items()
        if name != but and "document" in entry and ("had" in entry or name.startswith("credit/"))
    }
    records = ledger.get_many(keys.values())
    freeing = {
        name: key
        for name, key in keys.items()
        if not _reached(records.get(key), int(fulfilment[name]["revision"]))
    }
    entries = dict(fulfilment)
    for name in freeing:
        entry = entries[name]
        if "had" in entry:
            entries[name] = {**entry, "lines": _most(entry["had"], entry["lines"])}
        else:
            del entries[name]
    return entries, list(freeing.values())


def _had(record: Record, kept: Mapping[str, Any]) -> Mapping[str, str]:
    """What the partner was sent of an invoice before its present revision, by its kept entry."""
    revision = int(kept.get("revision", record.revision))
    sent = revision < record.revision and _reached(record, revision)
    had: Mapping[str, str] = kept["lines"] if sent else kept.get("had", {})
    return had


def _reached(record: Record | None, revision: int) -> bool:
    """Whether a revision of a document is at the partner, or a person said that it is dealt with."""
    if record is None:
        return False
    now = {"revision": record.revision, "state": record.state}
    return any(one["revision"] == revision and one["state"] in DEALT_WITH for one in (*record.revisions, now))


def _most(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """The greater quantity of each line."""
    return {
        line: max(one.get(line, "0"), other.get(line, "0"), key=Decimal)
        for line in dict.fromkeys([*other, *one])
    }


def _not_free_yet(findings: list[Finding], freeing: Sequence[DocumentKey]) -> errors.Waiting:
    finding = next(finding for finding in findings if finding.severity == "error")
    named = " and ".join(f"{key.type} {key.number}" for key in freeing[:3])
    return errors.Waiting(
        f"{finding.message}, and the pieces come free when {named} is at the partner",
        code="pieces_not_free",
        waits_for=freeing[0].id,
        fix="nothing: it goes on by itself then",
    )


def open_quantities(ledger: Ledger, order: Order, record: Record) -> list[dict[str, str]]:
    """The order's account for people: per line what was ordered, acknowledged, shipped, invoiced, what is open."""
    fulfilment = standing(ledger, record.fulfilment)
    lines = open_lines(order, fulfilment, record.shipments, cancelled=is_cancelled(record))
    return [as_row(line) for line in lines]


def stop_if_blocked(document: Mapping[str, Any], findings: list[Finding]) -> None:
    if is_blocked(findings):
        raise blocked(Mapped(dict(document), findings))


def is_blocked(findings: list[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _never_arrived(record: Record) -> bool:
    ended = record.state in (State.REJECTED, State.SKIPPED, State.CANCELLED, State.SUPERSEDED)
    return ended and not delivered_before(record) and not is_registered(record)


def _looks_new(record: Record) -> bool:
    return record.version == 1


def _is_ours_to_keep(record: Record, stored: Record | None) -> bool:
    """Not what is on its way already, and not what only looks new: settling plans before it reads the ledger."""
    return stored is None if _looks_new(record) else record.state not in IN_FLIGHT


def _same(kept: Mapping[str, Any] | None, entry: Mapping[str, Any] | None) -> bool:
    if kept is None or entry is None:
        return kept is entry
    return {name: value for name, value in kept.items() if name != "at"} == dict(entry)


def _order_of(entry: Mapping[str, Any]) -> tuple[int, str]:
    return int(entry.get("revision", 0)), str(entry.get("rank", ""))


def _in_words(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "taken out"
    lines = entry.get("lines", {})
    shown = ", ".join(f"{quantity} of line {line}" for line, quantity in list(lines.items())[:3])
    more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return f"{shown}{more}" or "nothing"
