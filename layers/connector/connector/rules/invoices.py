"""The rules on invoices, self-billed invoices and credits: numbers that a retailer checks, and refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from connector.mapping.money import CENT, ZERO, cents, shown, units_priced
from connector.mapping.order_lines import OrderedLine, ordered_lines, price_line
from connector.mapping.units import factor
from connector.rules.open_quantities import OpenLine, line_of, lines_of, number, open_lines
from connector.rules.rule import Case, Remark, elements

_HALF_CENT = Decimal("0.005")


# --- the document in itself ---------------------------------------------------------------------------


def line_count(case: Case) -> Iterator[Remark]:
    stated = case.document.get("Summary", {}).get("TotalLineItemNumber")
    if stated is not None and number(stated) != len(case.items):
        yield Remark(f"{len(case.items)} lines, {stated} stated", "Summary.TotalLineItemNumber")


def total_differs(case: Case) -> Iterator[Remark]:
    """Lines less allowances, plus charges and taxes; a tax stands where it arose, or in the header."""
    header = case.document.get("Header", {})
    sales = charged = taxed = ZERO
    for item in case.document.get("LineItem", ()):
        line = item.get("InvoiceLine", {})
        sales += _amount(line, case)
        charged += _charges(item.get("ChargesAllowances", ()))
        taxed += _taxes(item)
    charged += _charges(header.get("ChargesAllowances", ()))
    taxed += _taxes(header) + sum(map(_taxes, header.get("ChargesAllowances", ())), ZERO)
    stated = number(case.document.get("Summary", {}).get("TotalAmount"))
    computed = sales + charged + taxed
    if abs(stated - computed) > case.pack.tolerances.total:
        message = f"lines {sales:.2f}, charges less allowances {charged:.2f}, taxes {taxed:.2f} come to {computed:.2f}"
        yield Remark(f"{message}; {stated:.2f} is stated", "Summary.TotalAmount")


def _amount(line: Mapping[str, Any], case: Case) -> Decimal:
    """The line's own amount where it is quantity x price to the cent, else quantity x price."""
    quantity, price = number(line.get("InvoiceQty")), number(line.get("PurchasePrice"))
    basis = line.get("PurchasePriceBasis")
    per = Decimal(1)
    if basis not in (None, "PE", "UM"):
        per = units_priced(basis, line.get("InvoiceQtyUOM"), None, case.pack.prices_per) or per
    amount = cents(quantity * price / per)
    stated = line.get("ExtendedItemTotal")
    return number(stated) if stated is not None and abs(number(stated) - amount) <= CENT else amount


def _charges(charges: Iterable[Mapping[str, Any]]) -> Decimal:
    signs = {"A": -1, "C": 1}
    return sum(
        (
            signs.get(str(one.get("AllowChrgIndicator")), 0) * number(one.get("AllowChrgAmt"))
            for one in charges
        ),
        ZERO,
    )


def _taxes(group: Mapping[str, Any]) -> Decimal:
    return sum((number(tax.get("TaxAmount")) for tax in group.get("Taxes", ())), ZERO)


def zero_line(case: Case) -> Iterator[Remark]:
    for place, line in case.items:
        if not number(line.get("InvoiceQty")):
            yield Remark("the quantity of the line is 0", f"{place}.InvoiceQty")
        elif not number(line.get("ExtendedItemTotal", 1)):
            yield Remark("the amount of the line is 0.00", f"{place}.ExtendedItemTotal")


def number_form(case: Case) -> Iterator[Remark]:
    told, place = str(case.header.get("InvoiceNumber") or ""), "Header.InvoiceHeader.InvoiceNumber"
    policy = case.pack.invoices
    if len(told) > policy.number_max:
        yield Remark(
            f"the number {told[:40]!r} has {len(told)} characters, {policy.number_max} are allowed", place
        )
    if policy.number_pattern and not re.fullmatch(policy.number_pattern, told):
        yield Remark(f"the number {told[:40]!r} is not of the form {policy.number_pattern}", place)


def number_reused(case: Case) -> Iterator[Remark]:
    if case.used_by:
        told = str(case.header.get("InvoiceNumber") or "")[:40]
        message = f"the number {told!r} was used before, for {case.used_by} in FreshBooks"
        yield Remark(message, "Header.InvoiceHeader.InvoiceNumber")


def required_missing(case: Case) -> Iterator[Remark]:
    kinds: dict[str, Any] = {"asn": "asn", "ack": "acknowledgement"}
    for path in case.pack.required.get(kinds.get(case.kind, "invoice"), ()):
        for place, value in elements(case.document, path):
            if value in (None, "", [], {}):
                yield Remark(f"the partner needs {path}", place)


def credit_incomplete(case: Case) -> Iterator[Remark]:
    """Type CR, positive numbers, and the invoice that it is for."""
    if case.header.get("InvoiceTypeCode") != "CR":
        yield Remark("a credit has the type CR", "Header.InvoiceHeader.InvoiceTypeCode")
    references = case.document.get("Header", {}).get("References", ())
    if not any(
        one.get("ReferenceQual") in ("INV", "IV", "OI") and one.get("ReferenceID") for one in references
    ):
        yield Remark("the credit does not name the invoice that it is for", "Header.References")
    if number(case.document.get("Summary", {}).get("TotalAmount")) < 0:
        yield Remark("the total of a credit is positive", "Summary.TotalAmount")
    for place, line in case.items:
        for name in ("InvoiceQty", "PurchasePrice", "ExtendedItemTotal"):
            if number(line.get(name)) < 0:
                yield Remark(f"{name} of a credit is positive", f"{place}.{name}")


# --- against the order --------------------------------------------------------------------------------


def dated_before_order(case: Case) -> Iterator[Remark]:
    ordered = case.order.Header.OrderHeader.PurchaseOrderDate if case.order is not None else None
    dated = str(case.header.get("InvoiceDate") or "")
    if ordered and dated and dated < ordered[:10]:
        yield Remark(f"dated {dated}, ordered on {ordered[:10]}", "Header.InvoiceHeader.InvoiceDate")


def over_invoiced(case: Case) -> Iterator[Remark]:
    slack = 1 + case.pack.tolerances.quantity / 100
    for line, quantity, place in _by_line(case):
        before = line.invoiced - line.credited
        if before + quantity > line.ordered * slack:
            already = f", {shown(before)} invoiced already" if before else ""
            message = (
                f"order line {line.line}: {shown(quantity)} invoiced, {shown(line.ordered)} ordered{already}"
            )
            yield Remark(message, place)


def order_cancelled(case: Case) -> Iterator[Remark]:
    """Nothing is shipped for a cancelled order any more, and only what was shipped before is invoiced."""
    for line, quantity, place in _by_line(case):
        billed = line.invoiced - line.credited + quantity
        cancelled = f"order {case.order.number if case.order else ''} was cancelled"
        if line.cancelled and case.kind == "asn":
            yield Remark(cancelled)
        elif line.cancelled and billed > line.shipped:
            message = f"line {line.line}: {shown(billed)} invoiced, {shown(line.shipped)} shipped"
            yield Remark(f"{cancelled}; {message}", place)


def over_credited(case: Case) -> Iterator[Remark]:
    for line, quantity, place in _by_line(case):
        left = line.invoiced - line.credited
        if quantity > left:
            yield Remark(f"order line {line.line}: {shown(quantity)} credited, {shown(left)} invoiced", place)


def over_acknowledged(case: Case) -> Iterator[Remark]:
    for line, quantity, place in _by_line(case):
        told = line.acknowledged
        if told is not None and line.invoiced - line.credited + quantity > told:
            message = f"order line {line.line}: {shown(line.invoiced + quantity)} invoiced, {shown(told)} acknowledged"
            yield Remark(message, place)


def price_differs(case: Case) -> Iterator[Remark]:
    """Beyond half a cent, which FreshBooks' cents cannot tell from an order's four places."""
    for difference, ordered, remark in _prices(case):
        if difference > _HALF_CENT and difference > ordered * case.pack.tolerances.price / 100:
            yield remark


def price_rounded(case: Case) -> Iterator[Remark]:
    for difference, ordered, remark in _prices(case):
        if difference <= _HALF_CENT and difference > ordered * case.pack.tolerances.price / 100:
            yield remark


def _prices(case: Case) -> Iterator[tuple[Decimal, Decimal, Remark]]:
    """(difference, ordered price, remark) of every line whose price, per unit that is invoiced, is not the order's."""
    for line, fields, place in _matched(case):
        priced = price_line(line.item, line.position, case.pack, [])
        found = factor(str(fields.get("InvoiceQtyUOM") or ""), line.uom, case.pack, line.pack_size)
        if priced.unit is None or found is None:
            continue
        times, by = found
        ordered = priced.unit * times / by
        quantity, price = number(fields.get("InvoiceQty")), number(fields.get("PurchasePrice"))
        difference = abs(price - ordered)
        if difference * quantity > CENT:
            shown_ = shown(ordered.quantize(Decimal("0.0001")), 2)
            currency = str(case.header.get("BuyersCurrency", "")).strip()
            off = f"{cents(difference * quantity)} {currency}".strip()
            message = (
                f"order line {line.line} costs {shown(price, 2)} each, {shown_} on the order: "
                f"{off} {'more' if price > ordered else 'less'} in all"
            )
            yield difference, ordered, Remark(message, f"{place}.PurchasePrice")


def unit_differs(case: Case) -> Iterator[Remark]:
    for line, fields, place in _matched(case):
        unit = str(fields.get("InvoiceQtyUOM") or "")
        if factor(unit, line.uom, case.pack, line.pack_size) is None:
            message = f"order line {line.line} is ordered in {line.uom}, invoiced in {unit}"
            yield Remark(f"{message}; nothing says how many that is", f"{place}.InvoiceQtyUOM")


def _matched(case: Case) -> Iterator[tuple[OrderedLine, Mapping[str, Any], str]]:
    """(order line, InvoiceLine, place) of every line that is on the order."""
    ordered = ordered_lines(case.order) if case.order is not None else []
    for place, fields in case.items:
        line = line_of(fields, ordered)
        if line is not None:
            yield line, fields, place


def _by_line(case: Case) -> Iterator[tuple[OpenLine, Decimal, str]]:
    """(the order line's account, what this document does to it, where) of every order line that it touches."""
    if case.order is None:
        return
    now = lines_of(case.document, case.kind, case.order, case.pack)
    if not now:
        return
    places = {line.line: place for line, _, place in reversed(list(_matched(case)))}
    for line in case.open or open_lines(case.order, {}):
        if quantity := now.get(line.line):
            yield line, quantity, f"{places.get(line.line, '')}.InvoiceQty".lstrip(".")
