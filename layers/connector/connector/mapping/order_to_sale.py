"""An RSX order (850) as a FreshBooks invoice draft or estimate for the partner's client.

The same money as the bill of `order_to_bill`, line by line, but in a sale's own form: a line is named by the
part number, by which the invoice finds its order line again when a person sends it, and its quantity is text and
may have decimals.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from connector.documents.freshbooks import Sale
from connector.documents.order import Order, OrderLineItem
from connector.findings import Finding, Mapped, Source, Trace
from connector.mapping.money import cents
from connector.mapping.order_lines import Priced, item_text
from connector.mapping.order_to_bill import BillLines, order_to_bill
from connector.rules.packs import PartnerPack

DRAFT = 1
PRICE_PLACES = Decimal("0.0001")
_SAME = ("currency_code", "language")


Target = Literal["bill", "invoice_draft", "estimate", "record_only"]


def map_order(
    order: Order, pack: PartnerPack, today: date, trace: Trace | None = None, target: Target | None = None
) -> Mapped:
    """What the order becomes in FreshBooks: as the pack says, or as `target`; nothing for `record_only`."""
    target = target or pack.orders.target
    if target == "invoice_draft":
        return order_to_sale(order, pack, today, "invoice", trace)
    if target == "estimate":
        return order_to_sale(order, pack, today, "estimate", trace)
    mapped = order_to_bill(order, pack, today, trace)
    if target == "record_only" and not mapped.blocked:
        kept = Finding("record_only", "info", "the order is kept, and nothing is made of it in FreshBooks")
        return Mapped({}, [*mapped.findings, kept])
    return mapped


def order_to_sale(
    order: Order, pack: PartnerPack, today: date, sale: Sale, trace: Trace | None = None
) -> Mapped:
    """`{"invoice": {...}}` or `{"estimate": {...}}`, and what was noticed.

    Number and `po_number` are the order's number: by both it is looked for before any second attempt.
    `customerid` is the first of the pack's `freshbooks.client_ids`, and is not there where the pack names none.
    """
    own: Trace | None = None if trace is None else {}
    mapped = order_to_bill(order, pack, today, own, SaleLines)
    bill = mapped.document["bill"]
    document: dict[str, Any] = {}
    if pack.freshbooks.client_ids:
        document["customerid"] = pack.freshbooks.client_ids[0]
    document[f"{sale}_number"] = document["po_number"] = bill["bill_number"]
    document["create_date"] = bill["issue_date"]
    if sale == "invoice":
        document |= {"due_offset_days": bill["due_offset_days"], "status": DRAFT}
    document |= {name: bill[name] for name in (*_SAME, "lines")}
    if trace is not None and own is not None:
        _explain(own, sale, document, trace)
    return Mapped({sale: document}, mapped.findings)


class SaleLines(BillLines):
    """Lines with a name and a quantity as text; unit prices finer than cents are kept to four places."""

    def add_item(self, item: OrderLineItem, index: int, priced: Priced) -> None:
        line = item.OrderLine
        self._name = line.VendorPartNumber or line.BuyerPartNumber or line.ConsumerPackageCode or ""
        unit = None if priced.unit is None else priced.unit.quantize(PRICE_PLACES)
        if unit is None or priced.quantity <= 0 or cents(priced.quantity * unit) != priced.amount:
            super().add_item(item, index, priced)
        else:
            cost = cents(unit) if cents(unit) == unit else unit
            self._add(
                item_text(item) or self._name or f"Line {line.LineSequenceNumber or index + 1}",
                priced.quantity,
                cost,
                index,
            )
            if self.trace is not None:
                self._trace_item(item, f"LineItem[{index}]", priced.rule, folded=False)
        self._name = ""

    def _line(self, description: str, quantity: Decimal, unit_cost: dict[str, str]) -> dict[str, Any]:
        name = self._name or description
        text = description if self._name else ""
        return {
            "type": 0,
            "name": name,
            "description": text,
            "qty": f"{quantity.normalize():f}",
            "unit_cost": unit_cost,
        }

    _name = ""


def _explain(own: Trace, sale: Sale, document: dict[str, Any], trace: Trace) -> None:
    """The bill's trace under the sale's names."""
    renamed = {"bill.bill_number": f"{sale}.po_number", "bill.issue_date": f"{sale}.create_date"}
    for name, source in own.items():
        if name.startswith("bill."):
            field = renamed.get(name, f"{sale}.{name.removeprefix('bill.')}")
            trace[field.replace("].quantity", "].qty")] = source
    trace[f"{sale}.{sale}_number"] = trace[f"{sale}.po_number"]
    trace[f"{sale}.customerid"] = Source((), "partner pack: the first of freshbooks.client_ids")
    trace[f"{sale}.status"] = Source((), "constant: a draft")
    for n in range(len(document["lines"])):
        line = f"{sale}.lines[{n}]"
        trace[f"{line}.type"] = Source((), "constant: an item")
        trace[f"{line}.name"] = trace[f"{line}.description"]
