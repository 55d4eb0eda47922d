"""An RSX invoice footed: what its lines, charges, allowances and taxes come to against what it states."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connector.documents.invoice import Invoice, InvoiceLineItem
from connector.documents.order import Order
from connector.documents.parts import ChargeAllowance, Tax
from connector.findings import Finding
from connector.mapping.money import ZERO, cents, charge_amount, shown, tax_amount, too_large, units_priced
from connector.mapping.order_lines import OrderedLine, ordered_lines
from connector.rules.packs import PartnerPack

_ASK = "correct the invoice before it is sent"


def foot_invoice(
    invoice: Invoice, pack: PartnerPack, order: Order | None = None
) -> tuple[Decimal, list[Finding]]:
    """(what the invoice comes to, findings); with its order also lines, quantities and prices against that."""
    findings: list[Finding] = []
    gross = charged = taxed = ZERO
    for n, item in enumerate(invoice.LineItem):
        amount = _line_amount(item, n, pack, findings)
        gross += amount
        charged += _charges(item.ChargesAllowances, amount, item.InvoiceLine.InvoiceQty)
        taxed += _taxes(item.Taxes)
    header = invoice.Header
    charged += _charges(header.ChargesAllowances, gross + charged, None)
    if header.Taxes:
        taxed = _taxes(header.Taxes)  # the lines' taxes are a breakdown of these
    total = gross + charged + taxed
    _compare(invoice, gross, total, pack, findings)
    if order is not None:
        _against_order(invoice, order, findings)
    return total, findings


def _line_amount(item: InvoiceLineItem, n: int, pack: PartnerPack, findings: list[Finding]) -> Decimal:
    line = item.InvoiceLine
    place = f"LineItem[{n}].InvoiceLine"
    stated = line.ExtendedItemTotal
    if too_large(line.InvoiceQty, line.PurchasePrice, stated):
        findings.append(Finding("number_too_large", "error", "a number is out of all bounds", place, _ASK))
        return ZERO
    if line.InvoiceQty is None or line.PurchasePrice is None:
        if stated is None:
            findings.append(
                Finding("no_price", "warning", "the line has no quantity or no price", place, _ASK)
            )
        return cents(stated or ZERO)
    per: Decimal | None = Decimal(1)
    if line.PurchasePriceBasis not in (None, "PE", "UM"):
        per = units_priced(line.PurchasePriceBasis or "", line.InvoiceQtyUOM, None, pack.prices_per)
    amount = line.InvoiceQty * line.PurchasePrice / (per or 1)
    if too_large(amount):
        findings.append(Finding("number_too_large", "error", "a number is out of all bounds", place, _ASK))
        return ZERO
    amount = cents(amount)
    if stated is not None and stated != amount:
        message = f"quantity x price is {amount}, the line states {shown(stated, 2)}"
        findings.append(Finding("extension_differs", "error", message, f"{place}.ExtendedItemTotal", _ASK))
    return amount


def _charges(charges: Iterable[ChargeAllowance], base: Decimal, quantity: Decimal | None) -> Decimal:
    total = ZERO
    for charge in charges:
        total += charge_amount(charge, base, base + total, quantity).amount or ZERO
    return total


def _taxes(taxes: Iterable[Tax]) -> Decimal:
    return sum((tax_amount(tax).amount or ZERO for tax in taxes), ZERO)


def _compare(
    invoice: Invoice, gross: Decimal, total: Decimal, pack: PartnerPack, findings: list[Finding]
) -> None:
    summary = invoice.Summary
    if not invoice.LineItem:
        findings.append(Finding("no_lines", "error", "the invoice has no lines", "LineItem", _ASK))
    if summary is None:
        return
    tolerance = pack.orders.total_tolerance
    for name, computed in (("TotalAmount", total), ("TotalSalesAmount", gross)):
        stated: Decimal | None = getattr(summary, name)
        if stated is not None and abs(stated - computed) > tolerance:
            message = f"{name} is {shown(stated, 2)}, the lines come to {computed}"
            findings.append(Finding("total_differs", "error", message, f"Summary.{name}", _ASK))
    count = summary.TotalLineItemNumber
    if count is not None and count != len(invoice.LineItem):
        message = f"the invoice has {len(invoice.LineItem)} lines, it states {shown(Decimal(count))}"
        findings.append(Finding("line_count_differs", "error", message, "Summary.TotalLineItemNumber", _ASK))


def _against_order(invoice: Invoice, order: Order, findings: list[Finding]) -> None:
    header = invoice.Header.InvoiceHeader
    if header.PurchaseOrderNumber not in (order.number, order.Header.OrderHeader.PurchaseOrderNumber):
        message = f"the invoice is for order {header.PurchaseOrderNumber}, compared with {order.number}"
        findings.append(
            Finding("wrong_order", "error", message, "Header.InvoiceHeader.PurchaseOrderNumber", _ASK)
        )
        return
    ordered = ordered_lines(order)
    for n, item in enumerate(invoice.LineItem):
        line, place = item.InvoiceLine, f"LineItem[{n}].InvoiceLine"
        match = _line_of(item, ordered)
        if match is None:
            findings.append(Finding("not_on_order", "error", "the item is not on the order", place, _ASK))
            continue
        if line.InvoiceQty is not None and line.InvoiceQty > match.quantity:
            message = f"{shown(line.InvoiceQty)} invoiced, {shown(match.quantity)} ordered"
            findings.append(Finding("more_than_ordered", "warning", message, f"{place}.InvoiceQty", _ASK))
        if None not in (line.PurchasePrice, match.unit_price) and line.PurchasePrice != match.unit_price:
            message = f"price {shown(line.PurchasePrice or ZERO, 2)}, ordered at {shown(match.unit_price or ZERO, 2)}"
            findings.append(Finding("price_differs", "warning", message, f"{place}.PurchasePrice", _ASK))
        if line.InvoiceQtyUOM and match.uom and line.InvoiceQtyUOM != match.uom:
            message = f"invoiced in {line.InvoiceQtyUOM}, ordered in {match.uom}"
            findings.append(Finding("uom_differs", "warning", message, f"{place}.InvoiceQtyUOM", _ASK))


def _line_of(item: InvoiceLineItem, ordered: list[OrderedLine]) -> OrderedLine | None:
    line = item.InvoiceLine
    same = [
        candidate
        for candidate in ordered
        if (line.VendorPartNumber and candidate.vendor_part == line.VendorPartNumber)
        or (line.BuyerPartNumber and candidate.buyer_part == line.BuyerPartNumber)
        or (line.ConsumerPackageCode and line.ConsumerPackageCode in candidate.codes)
    ]
    numbered = [one for one in same if one.item.OrderLine.LineSequenceNumber == line.LineSequenceNumber]
    return next(iter(numbered or same), None)
