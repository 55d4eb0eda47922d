"""Order against shipment against invoice against bill, line by line, with the money that each difference risks.

Retailers deduct what does not match and tell the supplier weeks later. What is within the partner's tolerances
(`tolerances` of the pack) is no variance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from connector.rules.packs import PartnerPack
from connector.usecases.cut_over import is_registered
from connector.usecases.reports.trades import ZERO, Line, Trade, cents, worth

COLUMNS = (
    "purchase_order",
    "partner",
    "variance",
    "line",
    "part",
    "ordered",
    "shipped",
    "invoiced",
    "money",
    "currency",
    "detail",
    "document",
)
KINDS = {
    "over_invoiced": "more invoiced than ordered: the retailer deducts the rest",
    "not_on_order": "invoiced, but on no line of the order",
    "price": "invoiced at another price than ordered",
    "invoiced_not_shipped": "more invoiced than shipped: the retailer pays what it received",
    "shipped_not_invoiced": "shipped and not invoiced: money nobody asked for yet",
    "over_shipped": "more shipped than ordered: it may be refused or not paid",
    "charges": "freight, charges or allowances differ from the order's",
    "asn_missing": "invoiced without the ASN that the partner asks for",
    "bill_differs": "the bill in FreshBooks is not what was ordered",
    "bill_missing": "the order's bill is not in FreshBooks",
}
"""What each variance is, in words; in the order in which ties are shown."""


def variances(trades: Iterable[Trade], *, bills_known: bool = True) -> dict[str, Any]:
    """`{"variances": [...], "money": {currency: total}, "kinds": {kind: {currency: total}}}`, most money first."""
    rows = [row for trade in trades for row in _of(trade, bills_known)]
    rows.sort(key=lambda row: (-Decimal(row["money"]), list(KINDS).index(row["variance"]), row["document"]))
    money: defaultdict[str, Decimal] = defaultdict(Decimal)
    kinds: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        money[row["currency"]] += Decimal(row["money"])
        kinds[row["variance"]][row["currency"]] += Decimal(row["money"])
    return {
        "variances": rows,
        "money": {currency: str(total) for currency, total in sorted(money.items())},
        "kinds": {
            kind: {currency: str(total) for currency, total in sorted(kinds[kind].items())}
            for kind in KINDS
            if kind in kinds
        },
    }


def _of(trade: Trade, bills_known: bool) -> Iterator[dict[str, Any]]:
    pack = trade.pack or PartnerPack(trading_partner_id=trade.record.key.partner[:15] or "-")
    for line in trade.lines:
        yield from _line(trade, line, pack)
    for paper in trade.counting("invoice"):
        for part in paper.besides:
            detail = f"invoice {paper.record.key.number}, {_quantity(part.quantity)} pieces"
            yield _row(trade, "not_on_order", part.amount, detail=detail)
    yield from _charges(trade, pack)
    yield from _asn(trade, pack)
    if bills_known and not trade.cancelled:
        yield from _bill(trade, pack)


def _line(trade: Trade, line: Line, pack: PartnerPack) -> Iterator[dict[str, Any]]:
    """No piece is counted twice: what goes beyond the order is the order's variance, the rest the shipment's."""
    ordered, shipped, invoiced = line.quantity, trade.shipped(line.line), trade.invoiced(line.line)
    allowed = ordered * (1 + pack.tolerances.quantity / 100)
    if invoiced > allowed:
        yield _row(trade, "over_invoiced", worth(line, invoiced - ordered), line)
    off = _price_off(trade, line, pack)
    if off:
        detail = f"{'more' if off > 0 else 'less'} than at the order's price, over all invoices"
        yield _row(trade, "price", abs(off), line, detail)
    if not trade.any_shipment:
        return
    if shipped > allowed:
        yield _row(trade, "over_shipped", worth(line, shipped - ordered), line)
    between = min(invoiced, ordered) - min(shipped, ordered)
    if between > 0:
        yield _row(trade, "invoiced_not_shipped", worth(line, between), line)
    elif between < 0:
        yield _row(trade, "shipped_not_invoiced", worth(line, -between), line)


def _price_off(trade: Trade, line: Line, pack: PartnerPack) -> Decimal:
    """What the invoices ask for this line beyond the order's price of the same quantity; 0 within tolerance."""
    if line.price is None:
        return ZERO
    off = ZERO
    for paper in trade.counting("invoice"):
        part = paper.parts.get(line.line)
        if part is None:
            continue
        expected = worth(line, part.quantity)
        if abs(part.amount - expected) > expected * pack.tolerances.price / 100 + Decimal("0.005"):
            off += part.amount - expected
    return cents(off)


def _charges(trade: Trade, pack: PartnerPack) -> Iterator[dict[str, Any]]:
    """Compared once all is invoiced: until then nobody can tell which invoice carries the freight."""
    invoices = trade.counting("invoice")
    if not trade.lines or not invoices or not trade.fully_invoiced or trade.counting("credit"):
        return
    ordered = trade.total - sum((line.amount for line in trade.lines), ZERO)
    # a tax that the order does not state is the supplier's to add, and is not compared
    invoiced = sum(
        (paper.charges + (paper.taxes if trade.states_taxes else ZERO) for paper in invoices), ZERO
    )
    off = cents(invoiced - ordered)
    if abs(off) > pack.tolerances.total:
        told = f"{_money(trade, invoiced)} invoiced, {_money(trade, ordered)} on the order"
        yield _row(trade, "charges", abs(off), detail=told)


def _asn(trade: Trade, pack: PartnerPack) -> Iterator[dict[str, Any]]:
    deadline = pack.deadlines.get("asn")
    wanted = pack.invoices.asn or pack.invoices.asn_first or deadline is not None
    invoices = [paper for paper in trade.counting("invoice") if not is_registered(paper.record)]
    if not wanted or not invoices or trade.counting("asn"):
        return
    penalty = penalty_of(deadline, trade) if deadline is not None else ZERO
    total = sum((paper.total for paper in invoices), ZERO)
    numbers = ", ".join(paper.record.key.number for paper in invoices)
    words = "the penalty" if penalty else "what was invoiced"
    yield _row(trade, "asn_missing", penalty or total, detail=f"invoice {numbers}; at risk: {words}")


def penalty_of(deadline: Any, trade: Trade) -> Decimal:
    """What being late costs: an amount, and percent of the order."""
    return cents(deadline.penalty + trade.total * deadline.penalty_percent / 100)


def _bill(trade: Trade, pack: PartnerPack) -> Iterator[dict[str, Any]]:
    if not trade.was_billed:
        return
    if trade.bill is None:
        yield _row(trade, "bill_missing", trade.total, detail=f"bill {trade.record.remote_id}")
        return
    billed = trade.bill.amount or trade.bill.total_amount
    expected = trade.total
    if pack.shipments.adjust_bill and trade.any_shipment:
        expected += trade.shipped_total - sum((line.amount for line in trade.lines), ZERO)
    if billed is not None and abs(billed.amount - expected) > pack.tolerances.total:
        yield _row(
            trade,
            "bill_differs",
            abs(billed.amount - expected),
            detail=f"bill {trade.bill.id}: {_money(trade, billed.amount)}, expected {_money(trade, expected)}",
        )


def _row(
    trade: Trade, kind: str, money: Decimal, line: Line | None = None, detail: str = ""
) -> dict[str, Any]:
    quantities = {"ordered": "", "shipped": "", "invoiced": ""}
    if line is not None:
        quantities = {
            "ordered": _quantity(line.quantity),
            "shipped": _quantity(trade.shipped(line.line)),
            "invoiced": _quantity(trade.invoiced(line.line)),
        }
    return {
        "purchase_order": trade.number,
        "partner": trade.record.key.partner,
        "variance": kind,
        "line": line.line if line is not None else "",
        "part": line.part if line is not None else "",
        **quantities,
        "money": f"{money:.2f}",
        "currency": trade.record.currency,
        "detail": detail or KINDS[kind],
        "document": trade.record.key.id,
    }


def _quantity(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _money(trade: Trade, amount: Decimal) -> str:
    return f"{amount:,.2f} {trade.record.currency}"
