"""A day of business, made from a seed: what four trading partners order, what two suppliers ship and invoice.

All names and numbers are made up; amounts are worked out in `trade`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from local.lifecycles import PACK, Lifecycles, lifecycles
from local.trade import CENT, Item, Line, Partner, PurchaseOrder, shipment, upc

WORDS = (
    "Stoneware bowl",
    "Glass pitcher",
    "Linen napkin",
    "Oak tray",
    "Enamel mug",
    "Steel ladle",
    "Cotton apron",
    "Bamboo spoon",
    "Cast iron pan",
    "Ceramic vase",
    "Wool throw",
    "Beeswax candle",
    "Copper kettle",
    "Rice paper lamp",
)
GROCERIES = ("Rolled oats", "Dried figs", "Arborio rice", "Wildflower honey", "Red lentils", "Almond flour")


@dataclass
class InvoicePlan:
    """An invoice that somebody at the supplier writes in FreshBooks; `revisions` is how often it is sent."""

    number: str
    partner: Partner | None
    order: PurchaseOrder | None
    body: dict[str, Any]
    total: Decimal
    draft: bool = False
    revisions: int = 1
    later: dict[str, Any] | None = None


@dataclass
class BillPlan:
    """A bill that somebody writes by hand and sends on; `later` is what becomes of it, which is sent too."""

    number: str
    partner: Partner
    body: dict[str, Any]
    later: dict[str, Any]


@dataclass
class Supplier:
    """One connection: the supplier's accounts and its part of the day."""

    id: str
    name: str
    account_id: str
    business_id: int
    partners: list[Partner]
    orders: list[PurchaseOrder] = field(default_factory=list)
    shipments: list[str] = field(default_factory=list)
    morning: list[tuple[str, bytes]] = field(default_factory=list)
    afternoon: list[tuple[str, bytes]] = field(default_factory=list)
    invoices: list[InvoicePlan] = field(default_factory=list)
    bills: list[BillPlan] = field(default_factory=list)
    late_partner: Partner | None = None
    lifecycles: Lifecycles | None = None
    unreadable: int = 0

    @property
    def all_partners(self) -> list[Partner]:
        changing = [self.lifecycles.partner] if self.lifecycles else []
        return [*self.partners, *changing, *([self.late_partner] if self.late_partner else [])]

    @property
    def billed(self) -> list[PurchaseOrder]:
        """The orders that become bills in the morning."""
        known = (order for order in self.orders if order.partner is not self.late_partner)
        return [order for order in known if order.po_type != "IN"]

    @property
    def asns(self) -> list[InvoicePlan]:
        return [
            x
            for x in self.invoices
            if x.partner and x.partner.pack.get("invoices", {}).get("asn") and not x.draft
        ]

    @property
    def sent_invoices(self) -> list[InvoicePlan]:
        return [x for x in self.invoices if x.partner and not x.draft]

    def expected(self, noon: bool = False) -> Counter[tuple[str, str]]:
        """What SPS has to have of this supplier, by kind and number: in all, or before the afternoon."""
        sent = Counter(("invoice", plan.number) for plan in self.sent_invoices)
        sent.update(("asn", plan.number) for plan in self.asns)
        sent.update(("bill", bill.number) for bill in self.bills)
        if not noon:
            sent.update({("invoice", plan.number): plan.revisions - 1 for plan in self.sent_invoices})
            sent.update(("bill", bill.number) for bill in self.bills)
        if self.lifecycles:
            story = self.lifecycles
            sent.update(story.at_noon() if noon else {key: count for key, (count, _) in story.sent.items()})
        return sent


def make_day(seed: int, today: date) -> list[Supplier]:
    """The day of two suppliers with two trading partners each; the same seed and date give the same day."""
    rng = random.Random(seed)
    birch = Supplier(
        "birch",
        "Birch Goods",
        "BIR001",
        77101,
        [
            Partner(
                "201ALLBIRCH",
                "Harbor Home Stores",
                pack={
                    "invoices": {"asn": True},
                    "carrier": {"scac": "RBTC", "routing": "Ground", "method": "M"},
                },
            ),
            Partner("202ALLBIRCH", "Prairie Outfitters", pack={"shipments": {"adjust_bill": True}}),
        ],
    )
    cedar = Supplier(
        "cedar",
        "Cedar Pantry",
        "CED002",
        77102,
        [
            Partner(
                "301ALLCEDAR",
                "Summit Grocers",
                groceries=True,
                pack={"taxes": {"State tax": "SP", "City tax": "CS"}},
            ),
            Partner(
                "302ALLCEDAR",
                "River Markets",
                groceries=True,
                pack={"bills": {"send": True, "deletion": "cancel"}},
            ),
        ],
    )
    for supplier in (birch, cedar):
        for partner in supplier.partners:
            _trade(supplier, partner, rng, today)
    _trouble(birch, cedar, rng, today)
    _changes(cedar, rng, today)
    return [birch, cedar]


def _changes(cedar: Supplier, rng: random.Random, today: date) -> None:
    meadow = Partner("303ALLCEDAR", "Meadow Department Stores", pack=PACK)
    plain = [item for item in _catalogue(meadow, rng) if item.whole and item.per == 1]
    story = cedar.lifecycles = lifecycles(meadow, plain, rng, today)
    cedar.orders += story.orders
    cedar.morning += story.morning
    cedar.afternoon += story.afternoon


def _catalogue(partner: Partner, rng: random.Random) -> list[Item]:
    items = []
    for n, text in enumerate(rng.sample(GROCERIES if partner.groceries else WORDS, 6)):
        code = upc(f"0{rng.randrange(10**10):010d}")
        part, buyer = f"{partner.id[:3]}-{1040 + n}", f"{rng.randrange(10**6):06d}"
        price = Decimal(rng.randrange(150, 4900)) / 100
        kind = ("each", "dozen", "case", "each", "hundred", "weight" if partner.groceries else "each")[n]
        uom, basis, per = {
            "each": ("EA", "PE", 1),
            "dozen": ("EA", "PD", 12),
            "case": ("CA", None, 1),
            "hundred": ("EA", "HP", 100),
            "weight": ("LB", None, 1),
        }[kind]
        items.append(Item(part, buyer, code, text, uom, price, basis, per, kind != "weight"))
    return items


def _trade(supplier: Supplier, partner: Partner, rng: random.Random, today: date) -> None:
    """Five orders, two shipment advices and three invoices with one partner."""
    items = _catalogue(partner, rng)
    orders = []
    for n in range(5):
        lines = []
        for item in rng.sample(items, rng.randrange(2, 6)):
            quantity = (
                Decimal(rng.randrange(1, 40)) * 12 if item.whole else Decimal(rng.randrange(200, 4000)) / 100
            )
            lines.append(Line(item, quantity))
        # both suppliers have an order of the same number: only the connection tells them apart
        number = (
            f"00{45001000 + n}"
            if partner is supplier.partners[0]
            else f"PO-{partner.id[:3]}-{rng.randrange(1000, 9999)}{n}"
        )
        order = PurchaseOrder(number, partner, today - timedelta(days=1 + n), lines)
        if n == 1:
            order.allowance = (order.total * Decimal("0.05")).quantize(CENT, ROUND_HALF_UP)
        if n == 2 and all(line.item.whole for line in lines) and not partner.pack.get("invoices"):
            order.stores = ("0101", "0102", "0117")
        orders.append(order)
    supplier.orders += orders
    together = partner is supplier.partners[1]
    if together:
        supplier.morning.append((f"out/PO-{partner.id}-batch.json", _json([order.rsx() for order in orders])))
    else:
        for order in orders:
            # half of the real mailboxes' files begin with a byte order mark and end their lines in CRLF
            body = b"\xef\xbb\xbf" + json.dumps(order.rsx(), indent=1).replace("\n", "\r\n").encode()
            supplier.morning.append((f"out/PO{order.number}.json", body))
    for n, shipped in enumerate((orders[:1], orders[1:3])):
        number = f"SH-{partner.id[:3]}-{n + 1}"
        supplier.shipments.append(number)
        part_of = n == 0
        shipped[0].shipped_half = part_of or shipped[0].shipped_half
        # the first advice is in the mailbox before its order is: it has to wait for it
        when = supplier.morning if n == 0 else supplier.afternoon
        when.insert(
            0, (f"out/ASN-{number}.json", _json(shipment(number, partner, shipped, today, half=part_of)))
        )
    for n, order in enumerate(orders[:3]):
        plan = invoice(
            f"{supplier.id[:3].upper()}-{partner.id[:3]}-{n + 1:03d}",
            order,
            rng,
            today,
            taxed=partner.pack.get("taxes"),
        )
        supplier.invoices.append(plan)


def invoice(
    number: str, order: PurchaseOrder, rng: random.Random, when: date, *, taxed: dict[str, str] | None
) -> InvoicePlan:
    """An invoice for a whole order, sometimes with a discount, sometimes with two taxes a line."""
    discount = Decimal(rng.choice(("0", "0", "10", "2.5")))
    taxes = list(zip(taxed, ("4.225", "1.5"), strict=False)) if taxed else []
    lines, net, tax_base = [], Decimal(), Decimal()
    for line in order.lines:
        cost = line.item.unit_cost().quantize(CENT, ROUND_HALF_UP)
        amount = (cost * line.quantity).quantize(CENT, ROUND_HALF_UP)
        made: dict[str, Any] = {
            "type": 0,
            "name": line.item.part,
            "description": f"{line.item.text} UPC {line.item.upc}",
            "qty": str(line.quantity.normalize().to_integral() if line.item.whole else line.quantity),
            "unit_cost": {"amount": str(cost), "code": "USD"},
        }
        for slot, (name, percent) in enumerate(taxes, 1):
            made |= {f"taxName{slot}": name, f"taxAmount{slot}": percent}
        lines.append(made)
        net += amount
        tax_base += amount
    body = {
        "customerid": order.partner.client_id,
        "create_date": when.isoformat(),
        "invoice_number": number,
        "po_number": order.number,
        "due_offset_days": 45,
        "currency_code": "USD",
        "language": "en",
        "status": 2,
        "discount_value": str(discount),
        "fulfillment_date": when.isoformat(),
        "lines": lines,
    }
    return InvoicePlan(number, order.partner, order, body, net)


def _trouble(birch: Supplier, cedar: Supplier, rng: random.Random, today: date) -> None:
    """What goes wrong on an ordinary day."""
    # a purchase order whose stated total is wrong
    wrong = birch.orders[3]
    wrong.stated_total = wrong.total + Decimal("13.37")
    birch.morning = [
        (path, _json(wrong.rsx()) if path.endswith(f"PO{wrong.number}.json") else body)
        for path, body in birch.morning
    ]
    # a purchase order sent a second time under another file name
    again = birch.orders[4]
    birch.afternoon.append((f"out/PO{again.number}-redrop.json", _json(again.rsx())))
    # files that nobody can read
    birch.morning.append(
        ("out/ED0000017.edi", b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER~")
    )
    cedar.morning.append(("out/PO-broken.json", b'{"Header": {"OrderHeader": {"TradingPartnerId": "301ALL'))
    birch.unreadable = cedar.unreadable = 1
    # an order from a partner whom nobody has set up yet
    late = Partner("203ALLBIRCH", "Lakeside Gifts")
    order = PurchaseOrder("LG-77001", late, today, [Line(_catalogue(late, rng)[0], Decimal(24))])
    birch.orders.append(order)
    birch.morning.append((f"out/PO{order.number}.json", _json(order.rsx())))
    birch.late_partner = late
    # an invoice that is changed after it was sent: one piece fewer on its first line
    changed = cedar.invoices[0]
    lines = [dict(line) for line in changed.body["lines"]]
    lines[0]["qty"] = str(Decimal(lines[0]["qty"]) - 1)
    changed.later, changed.revisions = {"lines": lines}, 2
    # a draft, and an invoice for a customer who has nothing to do with SPS
    draft = invoice("BIR-DRAFT-1", birch.orders[0], rng, today, taxed=None)
    draft.draft = True
    draft.body["status"] = 1
    birch.invoices.append(draft)
    walk_in = invoice("BIR-SHOP-1", birch.orders[0], rng, today, taxed=None)
    walk_in.partner = None
    walk_in.body["po_number"] = None
    birch.invoices.append(walk_in)
    # bills that somebody at the supplier wrote by hand, sent on as self-billed invoices: one is changed, one deleted
    river = cedar.partners[1]
    for n in (1, 2):
        amount = Decimal(rng.randrange(5000, 90000)) / 100
        fee = {"categoryid": 65773, "description": "Slotting fee", "quantity": 1}
        lines = [{**fee, "unit_cost": {"amount": str(amount), "code": "USD"}}]
        body = {
            "bill_number": f"SB-{n:04d}",
            "issue_date": today.isoformat(),
            "due_offset_days": 30,
            "currency_code": "USD",
            "language": "en",
            "lines": lines,
        }
        more = [*lines, {**fee, "description": "Late fee", "unit_cost": {"amount": "12.50", "code": "USD"}}]
        later = {"lines": more} if n == 1 else {"vis_state": 1}
        cedar.bills.append(BillPlan(f"SB-{n:04d}", river, body, later))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()
