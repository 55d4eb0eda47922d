"""What belongs together: an order with its bill, shipments, acknowledgement and invoices; and their differences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import DocumentKey, Record
from connector.mapping.money import shown, units_priced
from connector.usecases.orders import read_again
from connector.usecases.partners import orders_meant
from connector.usecases.replaying import found, preview
from connector.usecases.summaries import differences

if TYPE_CHECKING:
    from connector.usecases.world import World

# what fulfils an order, and what an order was made into, as its remote id begins
_KINDS = ("ack", "asn", "invoice", "credit")
_MADE = {"": "bill in FreshBooks", "invoice": "draft in FreshBooks", "estimate": "estimate in FreshBooks"}


def chain(world: World, key: DocumentKey) -> list[dict[str, Any]]:
    """The documents around this one, the order first: `[{"id", "type", "number", "state", "amount", ...}]`.

    An order knows its shipments and what fulfilled it; any other document names its order.
    """
    record = found(world, key)
    order = record if key.type == "order" else _order_of(world, record)
    if order is None:
        return [_link(record)]
    keys = [DocumentKey(world.id, "in", order.key.partner, "shipment", number) for number in order.shipments]
    for name in order.fulfilment:
        kind, _, number = name.partition("/")
        if kind in _KINDS:
            keys.append(DocumentKey(world.id, "out", order.key.partner, kind, number))
    if key not in (*keys, order.key):
        keys.append(key)
    links = [_link(order)]
    if order.remote_id:
        made, _, number = order.remote_id.rpartition(":")
        links.append(
            {
                "type": _MADE.get(made, made),
                "number": order.reference,
                "remote_id": number,
                "state": "",
                "amount": order.amount,
                "currency": order.currency,
            }
        )
    around = world.ledger.get_many(keys)
    return links + [_link(around[one]) for one in keys if one in around]


def order_diff(world: World, key: DocumentKey) -> dict[str, Any]:
    """A document's lines beside its order's, and its present revision beside the one before.

    `{"lines": [{"line", "item", "ordered", "here", "order_price", "price"}], "revisions": [{"field", "before",
    "now"}]}`; either is empty where there is nothing to compare.
    """
    record = found(world, key)
    here = _mapped(world, record) or _rsx(preview(world, key).get("document"))
    order = record if key.type == "order" else _order_of(world, record)
    lines: list[dict[str, Any]] = []
    if order is not None and key.type != "order":
        pack = world.packs().get(key.partner)
        per = pack.prices_per if pack else {}
        ordered = {line["line"]: line for line in _lines(_received(world, order), per)}
        lines = [_beside(line, ordered.get(line["line"], {})) for line in _lines(here, per)]
    return {
        "order": order.key.id if order else "",
        "lines": lines,
        "revisions": list(_revisions(world, record)),
    }


def _beside(line: Mapping[str, str], ordered: Mapping[str, str]) -> dict[str, str]:
    return {
        "line": line["line"],
        "item": line["item"] or ordered.get("item", ""),
        "ordered": ordered.get("quantity", ""),
        "here": line["quantity"],
        "order_price": ordered.get("price", ""),
        "price": line["price"],
    }


def _revisions(world: World, record: Record) -> Iterator[dict[str, Any]]:
    if not record.revisions:
        return
    before = record.revisions[-1].get("payloads", {})
    if "received" in before and "received" in record.payloads and record.key.direction == "in":
        old, new = _received(world, record, before), _received(world, record)
    elif "exchange" in before and "exchange" in record.payloads:
        old, new = _exchange(world, before["exchange"]), _exchange(world, record.payloads["exchange"])
    else:
        return
    for one in differences(old, new):
        yield {"field": one["field"], "before": one["sent"], "now": one["now"]}


def _order_of(world: World, record: Record) -> Record | None:
    number = _purchase_order(_mapped(world, record)) or _purchase_order(_received(world, record))
    return next(iter(orders_meant(world, [record.key.partner], number)), None) if number else None


def _purchase_order(value: Any) -> str:
    """The first PO number that a document names, wherever it stands."""
    if isinstance(value, Mapping):
        for name in ("PurchaseOrderNumber", "po_number"):
            if isinstance(value.get(name), str) and value[name]:
                return str(value[name])
        value = list(value.values())
    if isinstance(value, list):
        return next((number for inner in value if (number := _purchase_order(inner))), "")
    return ""


def _lines(value: Any, prices_per: Mapping[str, Decimal]) -> list[dict[str, str]]:
    """Order or invoice lines of an RSX document: sequence, item, quantity, and the price of one unit."""
    found_lines = value.get("LineItem") if isinstance(value, Mapping) else None
    told = []
    for line in found_lines if isinstance(found_lines, list) else []:
        head: Mapping[str, Any] = next(
            (line[name] for name in ("OrderLine", "InvoiceLine", "ShipmentLine") if name in line), {}
        )
        uom = head.get("OrderQtyUOM", head.get("InvoiceQtyUOM"))
        per = units_priced(str(head.get("PurchasePriceBasis", "")), uom, None, prices_per)
        told.append(
            {
                "line": str(head.get("LineSequenceNumber", "")).lstrip("0"),
                "item": str(head.get("VendorPartNumber") or head.get("BuyerPartNumber") or ""),
                "quantity": _number(head.get("InvoiceQty", head.get("OrderQty", head.get("ShipQty")))),
                "price": _number(head.get("PurchasePrice"), per or Decimal(1)),
            }
        )
    return told


def _number(value: Any, per: Decimal = Decimal(1)) -> str:
    """As people write it; what is no number as it was written."""
    try:
        return shown(round(Decimal(str(value)) / per, 4)) if value is not None else ""
    except ArithmeticError:
        return str(value)


def _mapped(world: World, record: Record) -> Any:
    pointer = record.payloads.get("exchange")
    return _rsx(_exchange(world, pointer) if pointer else None)


def _rsx(mapped: Any) -> Any:
    return mapped["rsx"] if isinstance(mapped, Mapping) and "rsx" in mapped else mapped


def _exchange(world: World, pointer: str) -> Any:
    content = _content(world, pointer)
    return content.get("mapped") if isinstance(content, Mapping) else None


def _received(world: World, record: Record, payloads: Mapping[str, str] | None = None) -> Any:
    """What came, in this revision or in that of `payloads`: of an order the whole of it, where a change came last."""
    payloads = record.payloads if payloads is None else payloads
    if "received" not in payloads:
        return None
    if record.key.direction == "out" or "order" in payloads:  # FreshBooks' records and what we keep are JSON
        return _content(world, payloads.get("order") or payloads["received"])
    try:
        read = read_again(world, record, payloads["received"])
    except (IndexError, errors.NotFound):
        return None
    return None if isinstance(read, errors.BadInput) else read.raw


def _content(world: World, pointer: str) -> Any:
    where, _, index = pointer.partition("#")
    try:
        content = json.loads(world.archive.get(world.id, where).decode("utf-8-sig"))
    except (ValueError, errors.NotFound):
        return None
    if isinstance(content, list) and index.isdigit() and int(index) < len(content):
        content = content[int(index)]
    if isinstance(content, Mapping) and len(content) == 1:
        inner = next(iter(content.values()))
        return inner if isinstance(inner, Mapping) else content
    return content


def _link(record: Record) -> dict[str, Any]:
    return {
        "id": record.key.id,
        "direction": record.key.direction,
        "type": record.key.type,
        "number": record.key.number,
        "state": str(record.state),
        "amount": record.amount,
        "currency": record.currency,
        "revision": record.revision,
    }
