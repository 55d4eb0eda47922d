"""A trading partner whose orders and invoices change after they were first sent: each lifecycle once, in XML.

What comes of it is worked out here from prices and quantities, as in `trade`.
"""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from local.trade import Item, Line, Partner, PurchaseOrder

RSX = "http://www.spscommerce.com/RSX"
PACK = {
    "format": "xml",
    "acknowledgements": {"send": True},
    "asn": {"gs1_prefix": "0777747"},
    "invoices": {"correction": "credit", "deletion": "cancel"},
}


@dataclass
class Step:
    """One thing that a clerk does in FreshBooks: write, change or delete an invoice (by its number)."""

    do: str
    number: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass
class Lifecycles:
    """The partner's day: files in the morning and afternoon, the clerks' steps, and what SPS has to get.

    `sent` holds (kind, number) -> (how many, total of the last, or None where a document has no total).
    """

    partner: Partner
    orders: list[PurchaseOrder]
    morning: list[tuple[str, bytes]]
    afternoon: list[tuple[str, bytes]]
    noon: list[Step]
    evening: list[Step]
    shipment: str
    upload: bytes
    sent: dict[tuple[str, str], tuple[int, Decimal | None]]

    def totals(self) -> dict[tuple[str, str], Decimal]:
        return {key: total for key, (_, total) in self.sent.items() if total is not None}

    def at_noon(self) -> Counter[tuple[str, str]]:
        """What SPS has to have before the clerks go on to change it."""
        return Counter({("invoice", step.number): 1 for step in self.noon} | {("asn", self.shipment): 1})


def lifecycles(partner: Partner, items: list[Item], rng: random.Random, today: date) -> Lifecycles:
    """Changed, replaced, cancelled, for information only, shipped and invoiced, corrected, deleted, credited."""

    def order(number: str, **more: Any) -> PurchaseOrder:
        lines = [Line(item, Decimal(rng.randrange(2, 30)) * 2) for item in rng.sample(items, 3)]
        return PurchaseOrder(number, partner, today, lines, **more)

    changed, replaced, cancelled = order("M-1001"), order("M-1002"), order("M-1003")
    shown, whole, credited = order("M-1004", po_type="IN"), order("M-1005"), order("M-1006")
    deleted, late = order("M-1007"), order("M-1008")
    released = order("M-1009-2", po_type="RL", release="2")
    orders = [changed, replaced, cancelled, shown, whole, credited, deleted, late, released]
    # a file may hold several documents
    morning = [("out/PO-M-batch.xml", orders_xml([one.rsx() for one in orders]))]

    first, second, third = changed.lines
    fewer, added = second.quantity - 1, Line(next(i for i in items if i not in _items(changed)), Decimal(6))
    more = Line(late.lines[0].item, late.lines[0].quantity + 5)
    too_late = late.change(today, [(1, more, {"LineChangeCode": "QI"})])
    change = changed.change(
        today,
        [
            (
                2,
                Line(second.item, fewer),
                {"LineChangeCode": "QD", "PreviousOrderQty": float(second.quantity)},
            ),
            (4, added, {"LineChangeCode": "AI"}),
        ],
    )
    changed.now = [first, Line(second.item, fewer), third, added]
    replaced.now = [Line(line.item, line.quantity * 2) for line in replaced.lines]
    replacement = PurchaseOrder(replaced.number, partner, today, replaced.now, purpose="05")
    cancellation = PurchaseOrder(cancelled.number, partner, today, cancelled.lines, purpose="01")
    cancelled.now = []
    shown.now = []
    afternoon = [
        ("out/PC-M-1001.xml", _xml("OrderChange", [change])),
        ("out/PC-M-1008.xml", _xml("OrderChange", [too_late])),
        ("out/PO-M-1002-R.xml", orders_xml([replacement.rsx()])),
        ("out/PO-M-1003-C.xml", orders_xml([cancellation.rsx()])),
    ]

    wrong = [Line(line.item, line.quantity - 1) for line in credited.lines]
    noon = [
        Step("write", "MDW-1", _invoice("MDW-1", whole, whole.lines, today)),
        Step("write", "MDW-2", _invoice("MDW-2", credited, wrong, today)),
        Step("write", "MDW-3", _invoice("MDW-3", deleted, deleted.lines[:1], today)),
        Step("write", "MDW-4", _invoice("MDW-4", late, late.lines, today)),
    ]
    returned = Line(whole.lines[0].item, Decimal(1))
    credit = _invoice("MDW-CR", whole, [returned], today, sign=-1)
    evening = [
        Step("change", "MDW-2", {"lines": _invoice("MDW-2", credited, credited.lines, today)["lines"]}),
        Step("delete", "MDW-3"),
        Step("write", "MDW-CR", credit | {"notes": "Credit for invoice MDW-1: one piece came back"}),
    ]
    shipment = "MDW-SHIP-1"
    sent = {
        ("invoice", "MDW-1"): (1, _total(whole.lines)),
        ("invoice", "MDW-2"): (1, _total(wrong)),
        ("credit", "MDW-2C1"): (1, _total(wrong)),
        ("invoice", "MDW-2R2"): (1, _total(credited.lines)),
        ("invoice", "MDW-3"): (2, _total(deleted.lines[:1])),  # and once more as a cancellation
        ("invoice", "MDW-4"): (1, _total(late.lines)),
        ("credit", "MDW-CR"): (1, _total([returned])),
        ("asn", shipment): (1, None),
        **{
            ("ack", one.number): (2 if one in (changed, replaced) else 1, None)
            for one in orders
            if one is not shown
        },
    }
    upload = _upload(shipment, whole, today)
    late.held = True
    return Lifecycles(partner, orders, morning, afternoon, noon, evening, shipment, upload, sent)


def orders_xml(orders: list[dict[str, Any]]) -> bytes:
    return _xml("Order", orders)


def _xml(kind: str, documents: list[dict[str, Any]]) -> bytes:
    root = ElementTree.Element(f"{kind}s", xmlns=RSX)
    for document in documents:
        _add(root, kind, document)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _add(parent: ElementTree.Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            _add(parent, name, each)
        return
    element = ElementTree.SubElement(parent, name)
    if isinstance(value, dict):
        for child, inner in value.items():
            _add(element, child, inner)
    else:
        element.text = str(value)


def _items(order: PurchaseOrder) -> list[Item]:
    return [line.item for line in order.lines]


def _total(lines: list[Line]) -> Decimal:
    return sum((line.item.extended(line.quantity) for line in lines), Decimal())


def _invoice(
    number: str, order: PurchaseOrder, lines: list[Line], when: date, *, sign: int = 1
) -> dict[str, Any]:
    return {
        "invoice_number": number,
        "create_date": when.isoformat(),
        "po_number": order.number,
        "due_offset_days": 45,
        "currency_code": "USD",
        "language": "en",
        "status": 2,
        "lines": [
            {
                "type": 0,
                "name": line.item.part,
                "description": line.item.text,
                "qty": str(line.quantity),
                "unit_cost": {"amount": str(line.item.price * sign), "code": "USD"},
            }
            for line in lines
        ],
    }


def _upload(number: str, order: PurchaseOrder, when: date) -> bytes:
    """What the warehouse's own program writes: a carton a line, the last one on a carton of its own with the rest."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(
        [
            "shipment_id",
            "partner",
            "ship_date",
            "scac",
            "bill_of_lading",
            "carton",
            "carton_weight",
            "purchase_order",
            "sku",
            "quantity",
        ]
    )
    for n, line in enumerate(order.lines, 1):
        carton = [f"{number}-{n}", "12.5", order.number, line.item.part, str(line.quantity)]
        rows.writerow([number, order.partner.id, when.isoformat(), "RBTC", "BOL-M-77", *carton])
    return written.getvalue().encode()
