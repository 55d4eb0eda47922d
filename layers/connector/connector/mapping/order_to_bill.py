"""An RSX order (850) as a FreshBooks bill, and the vendor it is owed to.

FreshBooks documents a bill line's quantity as an integer, and unit costs finer than cents are unproven: a line
that fits is sent as quantity x unit cost, any other as quantity 1 at its extended amount with the arithmetic
in its text (`12.5 LB @ 3.20`). Charges, allowances and taxes that the order states become lines of their own,
allowances with a negative unit cost. Totals are computed from the lines and compared with the stated ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from connector.documents.order import Order, OrderLineItem
from connector.documents.parts import ChargeAllowance, Tax, as_date
from connector.findings import Finding, Mapped, Source, Trace
from connector.mapping.money import (
    CENT,
    ZERO,
    Charged,
    charge_amount,
    charge_name,
    percent_text,
    shown,
    tax_amount,
)
from connector.mapping.order_lines import (
    OrderedLine,
    Priced,
    arithmetic,
    extended_amount,
    item_description,
    ordered_lines,
    price_line,
)
from connector.rules.packs import PartnerPack

__all__ = [
    "CANCELLED",
    "OrderedLine",
    "extended_amount",
    "order_to_bill",
    "ordered_lines",
]

LONGEST_TEXT = 500  # FreshBooks documents no limit; another integration has lived with this one
MOST_DUE_DAYS = 3650
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_CURRENCY = re.compile("[A-Z]{3}")

CANCELLED: Trace = {"cancel": Source(("Header.OrderHeader.TsetPurposeCode",), "the order is cancelled")}

_DESCRIBING = (
    "VendorPartNumber",
    "BuyerPartNumber",
    "ConsumerPackageCode",
    "GTIN",
    "EAN",
    "ProductColorDescription",
    "ProductSizeDescription",
    "ProductOrItemDescription",
    "QuantitiesSchedulesLocations",
)
_PRICING = (
    "OrderQty",
    "OrderQtyUOM",
    "PurchasePrice",
    "PurchasePriceBasis",
    "ExtendedItemTotal",
    "PriceInformation",
    "PhysicalDetails",
    "QuantitiesSchedulesLocations",
)


def order_to_bill(
    order: Order,
    pack: PartnerPack,
    today: date,
    trace: Trace | None = None,
    lines: type[BillLines] | None = None,
) -> Mapped:
    """The requests that book the order: `{"bill_vendor": {...}, "bill": {...}}`, and what was noticed.

    `vendorid` and `categoryid` are there only where the pack names them; `bill_number` is the PO number (for
    a release against a blanket order PO number and release, `4500-12`). `today` is the issue date of an order
    without a usable one. Never raises on what the order's schema admits; only an order without lines, or with
    numbers beyond all bounds, is blocked.
    """
    findings: list[Finding] = []
    own = pack.freshbooks
    partner = order.Header.OrderHeader.TradingPartnerId
    currency = _currency(order, pack, findings, trace)
    issued = _issue_date(order, today, findings, trace)
    due_days = _due_days(order, issued, pack, findings, trace)
    bill_lines = (lines or BillLines)(currency, own.category_id, findings, trace)
    gross = ZERO
    for index, item in enumerate(order.LineItem):
        priced = price_line(item, index, pack, findings)
        gross += priced.amount
        bill_lines.add_item(item, index, priced)
        if item.ChargesAllowances:
            bill_lines.add_charges(
                item.ChargesAllowances,
                f"LineItem[{index}]",
                priced.amount,
                priced.amount,
                priced.quantity,
                of=f"Line {item.OrderLine.LineSequenceNumber or index + 1}: ",
            )
    header = order.Header
    if header.ChargesAllowances:
        bill_lines.add_charges(header.ChargesAllowances, "Header", gross, gross + bill_lines.charged, None)
    if header.Taxes:
        bill_lines.add_taxes(header.Taxes, "Header")
    else:
        for index, item in enumerate(order.LineItem):
            if item.Taxes:
                bill_lines.add_taxes(item.Taxes, f"LineItem[{index}]")
    _foot(order, gross, gross + bill_lines.charged, pack, findings)

    bill: dict[str, Any] = {}
    if own.vendor_id is not None:
        bill["vendorid"] = own.vendor_id
    bill["bill_number"] = order.number
    bill["issue_date"] = issued.isoformat()
    bill["due_offset_days"] = due_days
    bill["currency_code"] = currency
    bill["language"] = own.language
    bill["lines"] = bill_lines.lines
    vendor = {
        "vendor_name": pack.vendor_name,
        "account_number": partner,
        "currency_code": currency,
        "language": own.language,
        "is_1099": False,
    }
    if trace is not None:
        _explain(order, pack, trace)
    return Mapped({"bill_vendor": vendor, "bill": bill}, findings)


class BillLines:
    """The bill's lines as they grow; `charged` is what charges, allowances and taxes added up to."""

    def __init__(
        self, currency: str, category_id: int | None, findings: list[Finding], trace: Trace | None
    ) -> None:
        self.currency = currency
        self.category_id = category_id
        self.findings = findings
        self.trace = trace
        self.lines: list[dict[str, Any]] = []
        self.charged = ZERO

    def add_item(self, item: OrderLineItem, index: int, priced: Priced) -> None:
        quantity, unit, cost, rule = priced
        count, folded = int(quantity), ""
        if unit is not None and 0 < count == quantity and (rounded := unit.quantize(CENT)) == unit:
            cost = rounded
        else:
            count, folded = 1, arithmetic(item, priced)
        self._add(item_description(item, folded), Decimal(count), cost, index)
        if self.trace is not None:
            self._trace_item(item, f"LineItem[{index}]", rule, bool(folded))

    def add_charges(
        self,
        charges: Iterable[ChargeAllowance],
        parent: str,
        gross: Decimal,
        net: Decimal,
        quantity: Decimal | None,
        of: str = "",
    ) -> None:
        for n, charge in enumerate(charges):
            place = f"{parent}.ChargesAllowances[{n}]"
            charged = charge_amount(charge, gross, net, quantity)
            net += charged.amount or ZERO
            self._add_charged(f"{of}{charge_name(charge)}", charged, place)

    def add_taxes(self, taxes: Iterable[Tax], parent: str) -> None:
        for n, tax in enumerate(taxes):
            name = " ".join(text for text in ("Tax", tax.TaxTypeCode, tax.Description) if text)
            self._add_charged(name + percent_text(tax.TaxPercent), tax_amount(tax), f"{parent}.Taxes[{n}]")

    def _add_charged(self, name: str, charged: Charged, place: str) -> None:
        amount = charged.amount
        if not charged.clear:
            done = "it is not billed" if amount is None else "it is taken off"
            reason = charged.rule if amount is None else "the allowance has a negative amount"
            message = f"{name}: {reason}, {done}"
            fix = "correct the bill, or ask the trading partner what is meant"
            self.findings.append(Finding("charge_unclear", "warning", message, place, fix))
        elif amount is None and charged.elements != ("AllowChrgIndicator",):
            message = f"{name} is not billed: {charged.rule}"
            self.findings.append(Finding("charge_not_billed", "info", message, place))
        if not amount:
            return
        self.charged += amount
        self._add(name, Decimal(1), amount, place)
        if self.trace is not None:
            field = f"bill.lines[{len(self.lines) - 1}]"
            paths = tuple(f"{place}.{element}" for element in charged.elements)
            self.trace[f"{field}.description"] = Source((place,), "kind, code, name and percent")
            self.trace[f"{field}.quantity"] = Source((), "1: an amount of its own")
            self.trace[f"{field}.unit_cost.amount"] = Source(paths, charged.rule)

    def _add(self, description: str, quantity: Decimal, cost: Decimal, place: str | int) -> None:
        """`place` is the path in the order, or the index of the order's line."""
        if not description.isascii():
            description = _BEYOND_BMP.sub("\ufffd", description)  # FreshBooks refuses such characters
        if len(description) > LONGEST_TEXT:
            description = f"{description[: LONGEST_TEXT - 1]}…"
            message = f"the description is cut to {LONGEST_TEXT} characters"
            path = place if isinstance(place, str) else f"LineItem[{place}]"
            self.findings.append(Finding("text_cut", "info", message, path))
        self.lines.append(self._line(description, quantity, {"amount": str(cost), "code": self.currency}))
        if self.trace is not None:
            field = f"bill.lines[{len(self.lines) - 1}]"
            if self.category_id is not None:
                self.trace[f"{field}.categoryid"] = Source((), "partner pack: freshbooks.category_id")
            self.trace[f"{field}.unit_cost.code"] = self.trace["bill.currency_code"]

    def _line(self, description: str, quantity: Decimal, unit_cost: dict[str, str]) -> dict[str, Any]:
        line: dict[str, Any] = {} if self.category_id is None else {"categoryid": self.category_id}
        return {**line, "description": description, "quantity": int(quantity), "unit_cost": unit_cost}

    def _trace_item(self, item: OrderLineItem, place: str, rule: str, folded: bool) -> None:
        assert self.trace is not None  # noqa: S101 - for the type checker
        field = f"bill.lines[{len(self.lines) - 1}]"
        texts = _present(item, place, _DESCRIBING)
        money = _present(item, place, _PRICING)
        self.trace[f"{field}.description"] = Source(texts, "part numbers, UPC and description")
        if folded:
            quantity, cost = "1: no whole number of units at whole cents", f"{rule}, rounded half up to cents"
        else:
            quantity, cost = "as ordered", "price of one unit"
        self.trace[f"{field}.quantity"] = Source(money, quantity)
        self.trace[f"{field}.unit_cost.amount"] = Source(money, cost)


def _present(item: OrderLineItem, place: str, names: Iterable[str]) -> tuple[str, ...]:
    """The paths of those of the elements that the line has."""
    line, group = item.OrderLine.model_fields_set, item.model_fields_set
    return tuple(
        f"{place}.OrderLine.{name}" if name in line else f"{place}.{name}"
        for name in names
        if name in line or name in group
    )


# --- header ---------------------------------------------------------------------------------------------


def _currency(order: Order, pack: PartnerPack, findings: list[Finding], trace: Trace | None) -> str:
    header = order.Header.OrderHeader
    default = pack.freshbooks.currency
    currency = (header.BuyersCurrency or "").strip().upper()
    place = "Header.OrderHeader.BuyersCurrency"
    if currency and not _CURRENCY.fullmatch(currency):
        message = f"the currency is no three-letter code: {default} is taken"
        findings.append(Finding("currency_unknown", "warning", message, place, "check the bill's currency"))
        currency = ""
    for index, item in enumerate(order.LineItem):
        other = (item.OrderLine.BuyersCurrency or "").strip().upper()
        if other and other != (currency or default):
            message = f"the line is in another currency than the order ({currency or default})"
            path = f"LineItem[{index}].OrderLine.BuyersCurrency"
            fix = "ask the trading partner for one order per currency"
            findings.append(Finding("currencies_differ", "warning", message, path, fix))
            break
    if trace is not None:
        source = (
            Source((place,), "as ordered") if currency else Source((), "partner pack: freshbooks.currency")
        )
        trace["bill.currency_code"] = trace["bill_vendor.currency_code"] = source
    return currency or default


def _issue_date(order: Order, today: date, findings: list[Finding], trace: Trace | None) -> date:
    text = order.Header.OrderHeader.PurchaseOrderDate
    place = "Header.OrderHeader.PurchaseOrderDate"
    issued = as_date(text)
    if issued is None:
        code = "bad_date" if text else "order_date_missing"
        words = "the order date is no date" if text else "the order has no date"
        message = f"{words}: the bill is dated {today.isoformat()}"
        findings.append(Finding(code, "warning" if text else "info", message, place, "check the bill's date"))
    if trace is not None:
        trace["bill.issue_date"] = (
            Source((place,), "order date") if issued else Source((), "the day of mapping")
        )
    return issued or today


def _due_days(
    order: Order, issued: date, pack: PartnerPack, findings: list[Finding], trace: Trace | None
) -> int:
    days, place, rule = _terms_days(order, issued, findings)
    if days is None:
        days, rule = pack.orders.due_days, "partner pack: orders.due_days"
    if trace is not None:
        trace["bill.due_offset_days"] = Source((place,) if place else (), rule)
    return days


def _terms_days(order: Order, issued: date, findings: list[Finding]) -> tuple[int | None, str, str]:
    """TermsNetDueDays, else TermsNetDueDate less the issue date; the first of the terms that has one."""
    terms = order.Header.PaymentTerms
    for n, term in enumerate(terms):
        if term.TermsNetDueDays is not None:
            place = f"Header.PaymentTerms[{n}].TermsNetDueDays"
            if 0 <= term.TermsNetDueDays <= MOST_DUE_DAYS:
                return term.TermsNetDueDays, place, "as stated"
            message = "the net days of the terms make no sense: they are ignored"
            findings.append(Finding("terms_unusable", "warning", message, place, "check the bill's due date"))
    for n, term in enumerate(terms):
        if term.TermsNetDueDate is not None:
            place = f"Header.PaymentTerms[{n}].TermsNetDueDate"
            due = as_date(term.TermsNetDueDate)
            if due is not None and 0 <= (due - issued).days <= MOST_DUE_DAYS:
                return (due - issued).days, place, "days from issue_date to the net due date"
            words = "is no date" if due is None else "makes no sense with the order date"
            message = f"the net due date of the terms {words}: it is ignored"
            findings.append(Finding("terms_unusable", "warning", message, place, "check the bill's due date"))
    return None, "", ""


def _explain(order: Order, pack: PartnerPack, trace: Trace) -> None:
    """The fields that are the same for every order."""
    header = "Header.OrderHeader"
    own = pack.freshbooks
    trace["bill_vendor.vendor_name"] = Source(
        () if own.vendor_name or pack.name else (f"{header}.TradingPartnerId",),
        "partner pack: freshbooks.vendor_name, else name, else the trading partner id",
    )
    trace["bill_vendor.account_number"] = Source((f"{header}.TradingPartnerId",), "as received")
    language = Source((), "partner pack: freshbooks.language")
    trace["bill_vendor.language"] = trace["bill.language"] = language
    trace["bill_vendor.is_1099"] = Source((), "constant")
    if own.vendor_id is not None:
        trace["bill.vendorid"] = Source((), "partner pack: freshbooks.vendor_id")
    number = Source((f"{header}.PurchaseOrderNumber",), "as received")
    if order.number != order.Header.OrderHeader.PurchaseOrderNumber:
        number = Source(
            (f"{header}.PurchaseOrderNumber", f"{header}.ReleaseNumber"), "release of a blanket order"
        )
    trace["bill.bill_number"] = number


# --- footing --------------------------------------------------------------------------------------------


def _foot(order: Order, gross: Decimal, net: Decimal, pack: PartnerPack, findings: list[Finding]) -> None:
    """Compares what the lines come to with what the order states; a stated total may leave allowances out."""
    if not order.LineItem:
        fix = "ask the trading partner for the whole order"
        findings.append(Finding("no_lines", "error", "the order has no lines", "LineItem", fix))
    summary = order.Summary
    ask = "ask the trading partner which is right"
    if summary is not None and summary.TotalAmount is not None:
        _foot_total(summary.TotalAmount, gross, net, pack.orders.total_tolerance, findings)
    count = None if summary is None else summary.TotalLineItemNumber
    if count is not None and count != len(order.LineItem):
        stated = shown(Decimal(count))
        count = len(order.LineItem)
        message = f"the order has {count} line{'s'[: count != 1]}, it states {stated}"
        findings.append(Finding("line_count_differs", "warning", message, "Summary.TotalLineItemNumber", ask))
    for n, total in enumerate(order.Header.QuantityTotals):
        if total.Quantity is None or total.QuantityTotalsQualifier not in ("SQT", None):
            continue
        uoms = {item.OrderLine.OrderQtyUOM for item in order.LineItem}
        if total.QuantityUOM and uoms != {total.QuantityUOM}:
            continue  # another unit than the lines': nothing to compare
        quantities = [line.quantity for line in ordered_lines(order)]
        ordered = sum(quantities, Decimal())
        if ordered != total.Quantity:
            message = f"the lines order {shown(ordered)}, the order states {shown(total.Quantity)}"
            place = f"Header.QuantityTotals[{n}].Quantity"
            findings.append(Finding("quantity_total_differs", "warning", message, place, ask))


def _foot_total(
    total: Decimal, gross: Decimal, net: Decimal, tolerance: Decimal, findings: list[Finding]
) -> None:
    place = "Summary.TotalAmount"
    if abs(total - net) <= tolerance:
        return
    if abs(total - gross) <= tolerance:
        message = f"the stated total {gross} leaves out charges and allowances: with them it is {net}"
        findings.append(Finding("total_before_allowances", "info", message, place))
        return
    come_to = f"{net}" if gross == net else f"{gross}, with charges and allowances {net}"
    message = f"the lines come to {come_to}, the order states {shown(total, 2)}"
    fix = "ask the trading partner which is right; the bill has what its lines come to"
    findings.append(Finding("total_differs", "warning", message, place, fix))
