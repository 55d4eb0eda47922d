"""Where every field of a stored document came from: its mapping once more, with a recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector import errors
from connector.findings import Trace, explained
from connector.usecases import inbound, outbound_plans
from connector.usecases.orders import explain_order
from connector.usecases.replaying import found

if TYPE_CHECKING:
    from connector.ledger import DocumentKey, Record
    from connector.usecases.world import World


def explain(world: World, key: DocumentKey) -> dict[str, Any]:
    """`{"id", "state", "document", "fields": [{"field", "value", "from": [paths], "rule"}]}`, nothing written.

    The archived input goes through today's mapping and settings. Paths name the element of the source: of the
    RSX document that came, or of the FreshBooks record; `order.` before one is the stored order, `change 2: `
    the order change that stated it. A document that is held, or is not for sending, has a `reason`, and fields only
    where it was mapped before a rule held it.
    """
    record = found(world, key)
    trace: Trace = {}
    told: dict[str, Any] = {"id": key.id, "state": str(record.state), "document": None, "fields": []}
    try:
        document, note = _document(world, record, trace)
    except errors.Parked as error:
        told["reason"] = {"code": error.code, "message": error.message, "fix": error.fix}
        document, note = getattr(error, "document", None), ""
        if document is None:
            return told
    if document is None:
        return {**told, "reason": {"code": "not_for_sending", "message": note, "fix": ""}}
    fields = [
        {"field": path, "value": value, "from": list(source.paths), "rule": source.rule}
        for path, value, source in explained(document, trace)
    ]
    return {**told, "document": document, "fields": fields}


def _document(world: World, record: Record, trace: Trace) -> tuple[Any, str]:
    if record.key.direction == "in" and record.key.type == "order":
        return explain_order(world, record, trace), "for information only"
    plan_again = inbound.plan_again if record.key.direction == "in" else outbound_plans.plan_again
    planned = plan_again(world, record, trace)
    return planned.document, planned.note
