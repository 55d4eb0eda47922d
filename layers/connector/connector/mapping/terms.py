"""Payment terms: the order's, with its dates and amounts made anew from the invoice.

Days count from what `TermsBasisDateCode` says. Known when we invoice: `3` invoice date (also where no code
is given), `1` ship date, `09` purchase order date, `4` the date that the terms themselves name. Not known:
delivery, receipt, transmission (`2` `5` `6` `7` `8` `15`); the terms go out with their days, without a date
made up.
The terms discount is taken on the merchandise less allowances: not on freight, not on tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connector.documents.order import Order
from connector.documents.parts import Terms, as_date, plain_number
from connector.findings import Finding
from connector.mapping.carry import Explainer, carry_all, number_of
from connector.mapping.money import cents

PLACE = "Header.PaymentTerms"
_LONGEST = 3650

# Amounts of the order's own total; they say nothing about this invoice.
_STALE = ("TermsDiscountAmount", "AmountSubjectToDiscount", "DiscountAmountDue", "TermsDeferredAmountDue")


def order_terms(
    order: Order,
    invoiced: date | None,
    shipped: date | None,
    merchandise: Decimal,
    explain: Explainer | None,
    names: tuple[str, str],
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The order's terms for this invoice; `names` are the FreshBooks paths of invoice date and ship date."""
    carried, findings = carry_all(order.Header.PaymentTerms, Terms, place=PLACE, explain=explain, to=PLACE)
    ordered = as_date(order.Header.OrderHeader.PurchaseOrderDate)
    for index, terms in enumerate(carried):
        base = _base(terms, invoiced, shipped, ordered)
        for days, day in (
            ("TermsDiscountDueDays", "TermsDiscountDate"),
            ("TermsNetDueDays", "TermsNetDueDate"),
        ):
            if days not in terms:
                continue  # a date without days is a date that was agreed on
            terms.pop(day, None)
            falls_on = _after(base, terms[days])
            if falls_on is not None:
                terms[day] = falls_on.isoformat()
                if explain is not None:
                    source = names[1] if terms.get("TermsBasisDateCode") == "1" else names[0]
                    explain.mark(f"{PLACE}[{index}].{day}", f"days from the basis date ({days})", source)
        stale = [name for name in _STALE if terms.pop(name, None) is not None]
        percent = number_of(terms.get("TermsDiscountPercentage"))
        if percent and 0 < percent <= 100:
            terms["TermsDiscountAmount"] = plain_number(cents(merchandise * percent / 100))
            if explain is not None:
                rule = "percent of the merchandise less allowances"
                explain.mark(f"{PLACE}[{index}].TermsDiscountAmount", rule, f"order.{PLACE}[{index}]")
        elif "TermsDiscountAmount" in stale:
            message = "the terms discount is an amount without a percent; it is left out of this invoice"
            fix = "ask the retailer for a percent, or add the discount as a line in FreshBooks"
            findings.append(
                Finding(
                    "terms_not_recomputed", "warning", message, f"{PLACE}[{index}].TermsDiscountAmount", fix
                )
            )
    return [terms for terms in carried if terms], findings


def own_terms(invoiced: date | None, due: date | None, days: int | None, text: str) -> list[dict[str, Any]]:
    """FreshBooks' terms: net so many days from the invoice date; nothing where FreshBooks says neither."""
    due = due or _after(invoiced, days)
    if days is None and due is not None and invoiced is not None:
        days = (due - invoiced).days
    if due is None or days is None or days < 0:
        return []
    words = " ".join(text.split())
    return [
        {
            "TermsType": "01",
            "TermsBasisDateCode": "3",
            "TermsNetDueDate": due.isoformat(),
            "TermsNetDueDays": days,
            "TermsDescription": words if 0 < len(words) <= 80 else f"Net {days}",
        }
    ]


def terms_discount(terms: Sequence[dict[str, Any]]) -> Decimal | None:
    """What early payment saves: the first discount that the terms offer."""
    return next((number_of(t["TermsDiscountAmount"]) for t in terms if "TermsDiscountAmount" in t), None)


def due_date_differs(terms: Sequence[dict[str, Any]], due: date | None) -> list[Finding]:
    """The retailer pays by the order's terms; FreshBooks' reminders go by its own due date."""
    nets = [day for day in (as_date(t.get("TermsNetDueDate")) for t in terms) if day]
    if due is None or not nets or due in nets:
        return []
    message = f"FreshBooks expects payment by {due}, the order's terms say {nets[0]}"
    return [Finding("due_date_differs", "info", message, "due_date", "set the terms in FreshBooks alike")]


def _base(
    terms: dict[str, Any], invoiced: date | None, shipped: date | None, ordered: date | None
) -> date | None:
    code = terms.get("TermsBasisDateCode", "3")
    known = {"3": invoiced, "1": shipped, "09": ordered, "4": as_date(terms.get("TermsStartDate"))}
    return known.get(code)


def _after(day: date | None, days: int | None) -> date | None:
    if day is None or days is None or not 0 <= days <= _LONGEST:
        return None
    try:
        return day + timedelta(days=days)
    except OverflowError:  # the year 9999
        return None
