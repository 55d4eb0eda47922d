"""A FreshBooks bill as a self-billed RSX Invoice (810, type SELF); `rsx_invoice` says what comes from where.

Self-billed: we, who owe the money, write the invoice that the vendor would have sent. So the vendor is to be
paid (RI) and we are billed (BT), unless the stored order says otherwise. A bill knows no purchase order but the
one that its number names, and a bill without a number goes by `bill-<id>`. A line that the connector once folded
(quantity 1, `12.5 LB @ 3.20` in its text) is unfolded again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from connector.documents.freshbooks import Bill, BillLine, BillVendor, Money
from connector.documents.order import Order
from connector.findings import Finding, Mapped, Trace
from connector.mapping.carry import Explainer
from connector.mapping.lines import LineTax, SaleLine
from connector.mapping.money import ZERO, cents
from connector.mapping.parties import is_multi_store, order_parties, put_party, vendor_address
from connector.mapping.rsx_invoice import compose
from connector.mapping.sale import Sale, bounded, missing_parties, percent
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile

_PATHS = {
    "number": "bill_number",
    "issued": "issue_date",
    "po_number": "bill_number",
    "currency": "currency_code",
    "total": "total_amount",
    "due": "due_date",
    "quantity": "quantity",
}
_VENDOR_PART = re.compile(r"(?:^| / )VN (.+?)(?= / |$)")
_FOLDED = re.compile(
    r"(?:^| / )(?P<quantity>\d+(?:\.\d+)?) (?P<unit>[A-Z0-9]{1,4}) @ (?P<price>\d+(?:\.\d+)?)"
    r"(?P<basis> per [^/]+)?(?= / |$)"
)
_PLACES = Decimal("0.0001")


def bill_to_rsx(
    bill: Bill,
    *,
    vendor: BillVendor | None = None,
    order: Order | None = None,
    pack: PartnerPack,
    profile: BusinessProfile | None = None,
    purpose: str = "00",
    number: str = "",
    trace: Trace | None = None,
) -> Mapped:
    """The RSX Invoice as plain JSON values in schema order, and what a person should know.

    `vendor` is whom the bill is from (else what the bill itself says of it), `order` the stored order that the
    bill's number names, `number` what is sent instead of FreshBooks' number. Never raises on what the models admit.
    """
    findings: list[Finding] = []
    explain = Explainer(trace) if trace is not None else None
    sale = sale_of_bill(bill, pack, profile, findings)
    parties, found = order_parties(order, "Invoice", explain)
    if vendor is None and isinstance(bill.vendor, BillVendor):
        vendor = bill.vendor
    payee = vendor_address(vendor) if vendor is not None else {}
    ours = profile.party() if profile is not None else {}
    layers = {"BT": {"profile": ours}, "RI": {"vendor": payee}}
    if not is_multi_store(order):
        layers["ST"] = {}
    for kind, layer in layers.items():
        layer[f"pack.addresses.{kind}"] = dict(pack.addresses.get(kind, {}))
        found += put_party(parties, kind, layer, "Invoice", explain)
    found += missing_parties(parties, {"RI": "whom to pay (RI)", "BT": "who is billed (BT)"})
    if number:
        sale = replace(sale, number=number)
    return compose(sale, parties, order, pack, purpose, "SELF", explain, findings + found)


def sale_of_bill(
    bill: Bill, pack: PartnerPack, profile: BusinessProfile | None, findings: list[Finding]
) -> Sale:
    """What the bill says; a number beyond all bounds becomes 0 with an error."""
    lines = [_line(line, f"lines[{index}]", findings) for index, line in enumerate(bill.lines)]
    total = _amount(bill.total_amount, "total_amount", findings)
    before_tax = _amount(bill.amount, "amount", findings)
    if total is None and before_tax is not None:
        total = before_tax + (_amount(bill.tax_amount, "tax_amount", findings) or ZERO)
    currency = bill.currency_code or next(
        (money.code for money in (bill.total_amount, bill.amount) if money), ""
    )
    number = bill.bill_number.strip()
    if not number and bill.id:
        number = f"bill-{bill.id}"
        message = f"the bill has no number; {number} is sent"
        findings.append(
            Finding("number_missing", "warning", message, "bill_number", "number it in FreshBooks")
        )
    return Sale(
        source="bill",
        number=number,
        issued=bill.issue_date,
        po_number="",
        currency=currency.strip() or (profile.currency if profile is not None else pack.freshbooks.currency),
        lines=lines,
        total=total,
        paths=_PATHS,
        due=bill.due_date,
        due_days=bill.due_offset_days,
    )


def _line(line: BillLine, place: str, findings: list[Finding]) -> SaleLine:
    quantity = bounded(line.quantity, place, findings)
    price = bounded(line.unit_cost.amount, place, findings)
    amount = _amount(line.amount, place, findings)
    if amount is None:
        amount = cents(bounded(quantity * price, place, findings))
    part = _VENDOR_PART.search(line.description)
    quantity, price, unit = _unfolded(line.description, quantity, price, amount)
    taxes = (
        (line.tax_name1, line.tax_percent1, line.tax_amount1),
        (line.tax_name2, line.tax_percent2, line.tax_amount2),
    )
    extra = line.__pydantic_extra__ or {}
    return SaleLine(
        place=place,
        name=part[1] if part else "",
        description=line.description,
        quantity=quantity,
        price=price,
        amount=amount,
        taxes=tuple(
            LineTax(name, percent(rate, place, findings), _amount(told, place, findings))
            for name, rate, told in taxes
            if rate or (told is not None and told.amount)
        ),
        compounded=extra.get("compounded_tax") is True,
        unit=unit,
    )


def _unfolded(text: str, quantity: Decimal, price: Decimal, amount: Decimal) -> tuple[Decimal, Decimal, str]:
    """The quantity, price and unit in the text of a line of quantity 1, where they come to its amount."""
    folded = _FOLDED.search(text) if quantity == 1 else None
    if folded is None:
        return quantity, price, ""
    try:
        counted, each = Decimal(folded["quantity"]), Decimal(folded["price"])
        if folded["basis"]:  # a price per dozen or hundred: that of one unit is what the amount says
            each = (amount / counted).quantize(_PLACES)
        comes_to = cents(counted * each)
    except ArithmeticError:  # none counted, or more digits than anything has
        return quantity, price, ""
    return (counted, each, folded["unit"]) if comes_to == amount and counted else (quantity, price, "")


def _amount(money: Money | None, place: str, findings: list[Finding]) -> Decimal | None:
    return cents(bounded(money.amount, place, findings)) if money is not None else None
