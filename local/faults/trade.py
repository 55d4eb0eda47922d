"""What a batch trades: orders, shipments, invoices and bills, when each is sent, and what must come of it.

Every expected amount is worked out here from quantities and prices, never by the connector's own code.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connector.rules.packs import PartnerPack

HOUR = 3600.0
TRADING_SECONDS = 5 * HOUR
REFUSED = "REFUSED"
_EASTERN = ZoneInfo("America/New_York")

# by the order alone, by client and with bills of its own, with bills adjusted to what is shipped
PLAIN, CLIENT, ADJUSTED = "101ALLPLAIN", "102ALLCLIENT", "103ALLADJUSTED"
# set up hours late, never set up
LATE, NEVER = "104ALLLATE", "105ALLNEVER"
PACKS = {
    PLAIN: PartnerPack(trading_partner_id=PLAIN, name="Plain Stores"),
    CLIENT: PartnerPack.model_validate(
        {
            "trading_partner_id": CLIENT,
            "name": "Client Stores",
            "freshbooks": {"client_ids": [12]},
            "bills": {"send": True},
        }
    ),
    ADJUSTED: PartnerPack.model_validate(
        {"trading_partner_id": ADJUSTED, "name": "Adjusted Stores", "shipments": {"adjust_bill": True}}
    ),
    LATE: PartnerPack(trading_partner_id=LATE, name="Late Stores"),
}
BILL_VENDOR = {"vendorid": 400, "vendor_name": "Client Stores", "account_number": CLIENT, "vis_state": 0}

ORDER_KINDS = {
    "plain": 60,
    "again": 12,
    "revised": 6,
    "replaced": 9,
    "cancelled": 6,
    "refused": 3,
    "copy": 2,
    "late": 2,
    "never": 1,
}


@dataclass
class Line:
    part: str
    quantity: int
    price: Decimal

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.price


@dataclass
class Drop:
    """A file that SPS puts into the mailbox at an instant."""

    at: float
    path: str
    content: bytes


@dataclass
class OrderPlan:
    number: str
    partner: str
    kind: str
    at: float
    lines: list[Line]
    total: Decimal
    shipments: list[str] = field(default_factory=list)

    @property
    def billed(self) -> bool:
        return self.kind in ("plain", "again", "revised", "replaced", "late")


@dataclass
class ShipmentPlan:
    number: str
    partner: str
    orders: list[str]


@dataclass
class RecordPlan:
    """An invoice or a hand-written bill: its versions as (when, record), and the total that must be sent last."""

    noun: str
    id: int
    number: str
    partner: str
    versions: list[tuple[float, dict[str, Any]]]
    totals: list[Decimal]
    deleted: bool = False


@dataclass
class Trade:
    orders: dict[str, OrderPlan] = field(default_factory=dict)
    shipments: list[ShipmentPlan] = field(default_factory=list)
    records: list[RecordPlan] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return len(self.orders) + len(self.shipments) + len(self.records) + len(self.unreadable)


def make_trade(documents: int, rng: random.Random, start: float) -> Trade:
    """At least so many documents, a few more at most; their files and records are spread over five hours."""
    trade, bundle = Trade(), []
    while trade.documents < documents:
        order = _order(f"00{45000000 + len(trade.orders)}", rng, start)
        trade.orders[order.number] = order
        bundle += _order_files(order, trade, rng)
        if len(bundle) >= 6:
            trade.drops.append(_drop(order.at, f"batch-{order.number}", [document for _, document in bundle]))
            bundle = []
        if order.kind in ("plain", "again"):
            for _ in range(rng.choice((0, 0, 1, 1, 2))):
                _shipment(order, trade, rng)
        if order.kind in ("plain", "again", "late") and rng.random() < 0.6:
            trade.records.append(_invoice(order, len(trade.records), rng))
        if rng.random() < 0.08:
            trade.records.append(_bill(len(trade.records), rng, start))
        if rng.random() < 0.03:
            trade.unreadable.append(f"odd-{order.number}.txt")
            trade.drops.append(
                Drop(order.at, f"out/{trade.unreadable[-1]}", b"ISA*00*" + order.number.encode())
            )
    if bundle:
        trade.drops.append(_drop(start, "batch-last", [document for _, document in bundle]))
    return trade


def _order(number: str, rng: random.Random, start: float) -> OrderPlan:
    kind = rng.choices(list(ORDER_KINDS), list(ORDER_KINDS.values()))[0]
    partner = {"late": LATE, "never": NEVER}.get(kind) or rng.choice((PLAIN, PLAIN, CLIENT, ADJUSTED))
    lines = [
        Line(f"V-{n}", rng.randrange(10, 100), Decimal(rng.randrange(100, 5000)) / 100)
        for n in range(1, rng.randint(1, 3) + 1)
    ]
    if kind == "refused":
        number = f"{REFUSED}-{number}"
    at = start + rng.uniform(0.0, TRADING_SECONDS)
    return OrderPlan(number, partner, kind, at, lines, sum((x.amount for x in lines), Decimal()))


def _order_files(
    order: OrderPlan, trade: Trade, rng: random.Random
) -> list[tuple[OrderPlan, dict[str, Any]]]:
    """The order's files; an order that is to travel with others in one file is given back instead."""
    extra = {"PrimaryPOTypeCode": "IN"} if order.kind == "copy" else {}
    if order.kind == "plain" and rng.random() < 0.2:
        return [(order, order_rsx(order, order.lines))]
    trade.drops.append(_drop(order.at, f"PO{order.number}", order_rsx(order, order.lines, **extra)))
    if order.kind == "again":
        for n in range(rng.randint(1, 3)):
            body = order_rsx(order, order.lines)
            trade.drops.append(
                _drop(order.at + rng.uniform(0.0, 3 * HOUR), f"PO{order.number}-again-{n}", body)
            )
    if order.kind in ("revised", "replaced"):
        lines = [Line(x.part, x.quantity + rng.randint(1, 9), x.price) for x in order.lines]
        order.total = sum((x.amount for x in lines), Decimal())
        # only its purpose says that a replacement is the later one, so that it may also come first
        revised = order.kind == "revised"
        when = order.at + (rng.uniform(3 * HOUR, 4 * HOUR) if revised else rng.uniform(-HOUR, HOUR))
        body = order_rsx(order, lines, **({} if revised else {"TsetPurposeCode": "05"}))
        trade.drops.append(_drop(when, f"PO{order.number}-new", body))
    if order.kind == "cancelled":
        body = order_rsx(order, order.lines, TsetPurposeCode="01")
        trade.drops.append(_drop(order.at + rng.uniform(-HOUR, HOUR), f"PO{order.number}-off", body))
    return []


def order_rsx(order: OrderPlan, lines: list[Line], **header: str) -> dict[str, Any]:
    """The order as RSX JSON values."""
    return {
        "Header": {
            "OrderHeader": {
                "TradingPartnerId": order.partner,
                "PurchaseOrderNumber": order.number,
                "TsetPurposeCode": "00",
                "PurchaseOrderDate": "2026-09-20",
                **header,
            },
            "PaymentTerms": [{"TermsNetDueDays": 30}],
        },
        "LineItem": [
            {
                "OrderLine": {
                    "LineSequenceNumber": str(n),
                    "VendorPartNumber": line.part,
                    "OrderQty": line.quantity,
                    "BuyerPartNumber": f"B-{n}",
                    "OrderQtyUOM": "EA",
                    "PurchasePrice": float(line.price),
                }
            }
            for n, line in enumerate(lines, 1)
        ],
    }


def _shipment(order: OrderPlan, trade: Trade, rng: random.Random) -> None:
    """One shipment of a part of an order, at times of an earlier order too, at times ahead of its order."""
    number = f"S{len(trade.shipments)}"
    both = [order]
    if rng.random() < 0.15:
        other = rng.choice(list(trade.orders.values())[-10:])
        if other.kind == "plain" and other.partner == order.partner and other is not order:
            both.append(other)
    levels = []
    for one in both:
        one.shipments.append(number)
        items = [
            {
                "ShipmentLine": {
                    "LineSequenceNumber": str(n),
                    "VendorPartNumber": line.part,
                    "ShipQty": 3,
                    "ShipQtyUOM": "EA",
                }
            }
            for n, line in enumerate(one.lines, 1)
        ]
        levels.append({"OrderHeader": {"PurchaseOrderNumber": one.number}, "ItemLevel": items})
        if one.partner == ADJUSTED:
            one.total = sum((3 * len(one.shipments) * line.price for line in one.lines), Decimal())
    header = {"TradingPartnerId": order.partner, "ShipmentIdentification": number, "ShipDate": "2026-09-25"}
    body = {"Header": {"ShipmentHeader": header}, "OrderLevel": levels}
    trade.shipments.append(ShipmentPlan(number, order.partner, [one.number for one in both]))
    trade.drops.append(_drop(order.at + rng.uniform(-HOUR, 3 * HOUR), f"SH{number}", body))


def _invoice(order: OrderPlan, n: int, rng: random.Random) -> RecordPlan:
    """An invoice of a whole order: at times ahead of it, first a draft, changed, paid, or deleted."""
    at = order.at + rng.uniform(-HOUR, 2 * HOUR)
    plan = RecordPlan("invoice", 9000 + n, f"I-{n}", order.partner, [], [])
    if rng.random() < 0.1:
        plan.versions.append((at, _invoice_record(plan, order, order.lines, at, status=1, v3_status="draft")))
        at += rng.uniform(1.0, HOUR)
    lines = order.lines
    for more in range(2 if rng.random() < 0.15 else 1):
        lines = [Line(line.part, line.quantity - more, line.price) for line in lines]
        plan.versions.append((at, _invoice_record(plan, order, lines, at)))
        plan.totals.append(sum((line.amount for line in lines), Decimal()))
        at += rng.choice((1.0, 60.0, HOUR)) * rng.uniform(0.5, 2.0)
    chance = rng.random()
    if chance < 0.2:
        paid = {
            "status": 4,
            "payment_status": "paid",
            "paid": {"amount": str(plan.totals[-1]), "code": "USD"},
        }
        plan.versions.append((at, _invoice_record(plan, order, lines, at, **paid)))
    elif chance < 0.23:
        plan.versions.append((at, _invoice_record(plan, order, lines, at, vis_state=1)))
        plan.deleted = True
    return plan


def _invoice_record(
    plan: RecordPlan, order: OrderPlan, lines: list[Line], at: float, **changes: Any
) -> dict[str, Any]:
    eastern = datetime.fromtimestamp(at, UTC).astimezone(_EASTERN)
    total = sum((line.amount for line in lines), Decimal())
    return {
        "id": plan.id,
        "invoiceid": plan.id,
        "invoice_number": plan.number,
        "customerid": 12 if order.partner == CLIENT else 10,
        "create_date": "2026-09-26",
        "due_date": "2026-10-26",
        "due_offset_days": 30,
        "currency_code": "USD",
        "po_number": order.number,
        "status": 2,
        "v3_status": "sent",
        "amount": {"amount": str(total), "code": "USD"},
        "discount_value": "0",
        "organization": "Stores",
        "discount_total": {"amount": "0.00", "code": "USD"},
        "updated": eastern.strftime("%Y-%m-%d %H:%M:%S"),
        "version": eastern.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "vis_state": 0,
        "lines": [
            {
                "lineid": n,
                "type": 0,
                "name": line.part,
                "description": "Bowl",
                "qty": str(line.quantity),
                "unit_cost": {"amount": str(line.price), "code": "USD"},
                "amount": {"amount": str(line.amount), "code": "USD"},
                "taxName1": "",
                "taxAmount1": "0",
            }
            for n, line in enumerate(lines, 1)
        ],
        **changes,
    }


def _bill(n: int, rng: random.Random, start: float) -> RecordPlan:
    """A bill that somebody wrote by hand, at times corrected later."""
    at = start + rng.uniform(0.0, TRADING_SECONDS)
    plan = RecordPlan("bill", 0, f"SB-{n}", CLIENT, [], [])
    for _ in range(2 if rng.random() < 0.15 else 1):
        amount = Decimal(rng.randrange(1000, 90000)) / 100
        line = {
            "categoryid": 77,
            "description": "Fee",
            "quantity": 1,
            "unit_cost": {"amount": str(amount), "code": "USD"},
        }
        plan.versions.append(
            (
                at,
                {
                    "vendorid": 400,
                    "bill_number": plan.number,
                    "issue_date": "2026-09-20",
                    "due_offset_days": 30,
                    "currency_code": "USD",
                    "language": "en",
                    "lines": [line],
                },
            )
        )
        plan.totals.append(amount)
        at += rng.uniform(60.0, 2 * HOUR)
    return plan


def _drop(at: float, name: str, body: Any) -> Drop:
    return Drop(at, f"out/{name}.json", json.dumps(body).encode())
