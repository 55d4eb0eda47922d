"""What a FreshBooks invoice or bill says, in one shape, and what a retailer could not process of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from connector.documents.order import Order
from connector.findings import Finding, Severity
from connector.mapping.items import Fields
from connector.mapping.lines import SaleLine
from connector.mapping.money import LARGEST, ZERO

_LARGEST_PERCENT = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Sale:
    """An invoice or a bill in one shape; `discount` is 0 or negative, `total` what FreshBooks says is owed.

    A `credit` is what is given back, in positive numbers; `original` the reference to the invoice it is for.
    `paths` tells, for explaining, what FreshBooks calls a field.
    """

    source: Literal["invoice", "bill"]
    number: str
    issued: date | None
    po_number: str
    currency: str
    lines: list[SaleLine]
    total: Decimal | None
    paths: Mapping[str, str]
    discount: Decimal = ZERO
    discount_percent: Decimal | None = None
    discount_words: str = ""
    shipped: date | None = None
    due: date | None = None
    due_days: int | None = None
    terms: str = ""
    notes: str = ""
    credit: bool = False
    original: Fields | None = None

    def path(self, name: str) -> str:
        return f"{self.source}.{self.paths.get(name, name)}"


def as_credit(sale: Sale, original: Fields | None) -> Sale:
    """A sale that is negative in all as the credit that it is: what it gives back is positive.

    FreshBooks has the sign at the quantity or at the price. A positive line (a restocking fee) is negative then,
    and so becomes an allowance of the credit.
    """
    lines = [
        replace(
            line,
            quantity=abs(line.quantity),
            price=-abs(line.price) if line.amount > 0 else abs(line.price),
            amount=-line.amount,
            taxes=tuple(
                replace(tax, amount=-tax.amount if tax.amount is not None else None) for tax in line.taxes
            ),
        )
        for line in sale.lines
    ]
    total = -sale.total if sale.total is not None else None
    return replace(sale, lines=lines, total=total, credit=True, original=original)


def bounded(value: Decimal, place: str, findings: list[Finding], limit: Decimal = LARGEST) -> Decimal:
    """The number, or 0 with an error where it is beyond anything that can be computed with."""
    if -limit < value < limit:
        return value
    message = "a number is out of all bounds"
    findings.append(Finding("number_too_large", "error", message, place, "correct it in FreshBooks"))
    return ZERO


def percent(value: Decimal | None, place: str, findings: list[Finding]) -> Decimal:
    return bounded(value or ZERO, place, findings, _LARGEST_PERCENT)


def lacks(sale: Sale, order: Order | None, items: list[Fields], total: Decimal) -> Iterator[Finding]:
    """What the retailer could not process, or would not match."""
    if not sale.number:
        yield _error("number_missing", f"the {sale.source} has no number", sale.paths["number"])
    if sale.issued is None:
        yield _error("date_missing", f"the {sale.source} has no date", sale.paths["issued"])
    if not items:
        yield _error("no_lines", f"the {sale.source} has no line that is an article", "lines")
    if total < 0:
        message = f"the total is {total}: what is owed or given back cannot be negative"
        yield _error("negative_total", message, "amount", "correct it in FreshBooks")
    if sale.credit and sale.original is None:
        message = "nothing says which invoice the credit is for"
        fix = "write the number of the invoice into the credit's notes: Credit for invoice 1234"
        yield _error("original_unknown", message, sale.path("notes"), fix)
    for line in sale.lines:
        if line.quantity < 0 <= line.amount:
            yield _error(
                "negative_quantity", "the quantity is negative", line.place, "correct it in FreshBooks"
            )
    yield from _without_order(sale) if order is None else _against_order(sale, order)


def _without_order(sale: Sale) -> Iterator[Finding]:
    message = "no stored order: identifiers, units and addresses are FreshBooks' and the partner pack's alone"
    fix = "check the PO number, or have SPS send the order again"
    yield Finding("no_order", "info", message, sale.paths["po_number"], fix)
    if not sale.po_number:
        # Nobody orders what is self-billed by number; an invoice without one is refused everywhere.
        severity: Severity = "error" if sale.source == "invoice" else "warning"
        message = f"the {sale.source} names no purchase order"
        yield Finding(
            "po_number_missing",
            severity,
            message,
            sale.paths["po_number"],
            "enter the PO number in FreshBooks",
        )


def _against_order(sale: Sale, order: Order) -> Iterator[Finding]:
    header = order.Header.OrderHeader
    known = {_fold(header.PurchaseOrderNumber), _fold(order.number)}
    if sale.po_number and _fold(sale.po_number) not in known:
        message = (
            f"the {sale.source} names PO {sale.po_number!r}, the order is {header.PurchaseOrderNumber!r}"
        )
        fix = "check that this is the right order; the order's number is sent"
        yield Finding("po_number_differs", "warning", message, sale.paths["po_number"], fix)
    if header.BuyersCurrency and sale.currency and header.BuyersCurrency.strip() != sale.currency:
        message = f"invoiced in {sale.currency}, ordered in {header.BuyersCurrency}"
        fix = "invoice in the order's currency, or have the retailer change the order"
        yield _error("currency_differs", message, sale.paths["currency"], fix)


def missing_parties(parties: list[Fields], kinds: Mapping[str, str]) -> list[Finding]:
    """A warning for each of `kinds` (RSX address type -> what it is) that nothing told."""
    there = {party.get("AddressTypeCode") for party in parties}
    return [
        Finding(
            "party_missing",
            "warning",
            f"nothing says {words}; most retailers need it",
            f"Header.Address[{kind}]",
            f"set addresses.{kind} in the partner pack, or the address in FreshBooks",
        )
        for kind, words in kinds.items()
        if kind not in there
    ]


def does_not_foot(computed: Decimal, total: Decimal) -> Finding:
    message = (
        f"FreshBooks' total is {total:.2f}; its lines, discount and taxes come to {computed:.2f}"
        f" ({total - computed:+.2f})"
    )
    fix = "open the record in FreshBooks, check discount and taxes, save it again"
    return _error("does_not_foot", message, "amount", fix)


def extension_differs(line: SaleLine, price: Decimal) -> Finding:
    message = (
        f"{line.quantity:f} x {price:f} is {line.quantity * price:.2f}, FreshBooks says {line.amount:.2f};"
        " the retailer multiplies again"
    )
    return _error(
        "extension_differs", message, line.place, "correct quantity or price of the line in FreshBooks"
    )


def _error(code: str, message: str, place: str, fix: str = "") -> Finding:
    return Finding(code, "error", message, place, fix)


def _fold(text: str) -> str:
    return text.strip().casefold()
