"""Money: rounding to cents (half up), price bases, what a charge or an allowance comes to.

Every number that goes in is finite; whoever calls checks `too_large` first, so nothing here can overflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from connector.documents.parts import ChargeAllowance, Tax

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
DIGITS = 13
LARGEST = Decimal(10) ** DIGITS  # beyond any retailer's amount or quantity; keeps 28 digits enough everywhere

# How many units each PurchasePriceBasis prices, and the units of measure it speaks of: an order quantity in
# one of the latter is in units of the price already (12 DZ at a price per dozen: 12 times the price).
_BASES: dict[str, tuple[Decimal, frozenset[str]]] = {
    "PD": (Decimal(12), frozenset({"DZ"})),
    "PN": (Decimal(10), frozenset()),
    "HP": (Decimal(100), frozenset({"HU"})),
    "HT": (Decimal(1000), frozenset({"TH"})),
    "TT": (Decimal(10000), frozenset()),
    "HTH": (Decimal(100000), frozenset()),
}
# Bases of a measure: the units of measure with how many of them the price is for.
_MEASURED: dict[str, dict[str, Decimal]] = {
    "CA": {"CA": Decimal(1)},
    "PP": {"LB": Decimal(1), "01": Decimal(1), "OZ": Decimal(16)},
    "PK": {"KG": Decimal(1), "50": Decimal(1), "GR": Decimal(1000)},
    "PO": {"OZ": Decimal(1)},
    "PG": {"GR": Decimal(1)},
    "PF": {"FT": Decimal(1), "LF": Decimal(1)},
    "HF": {"FT": Decimal(100), "LF": Decimal(100)},
    "TF": {"FT": Decimal(1000), "LF": Decimal(1000), "T4": Decimal(1)},
    "PS": {"SF": Decimal(1000)},
    "PT": {"NS": Decimal(1), "LB": Decimal(2000), "01": Decimal(2000)},
}
BASIS_WORDS = {
    "PD": "per dozen",
    "PN": "per 10",
    "HP": "per 100",
    "HT": "per 1000",
    "TT": "per 10000",
    "HTH": "per 100000",
    "CA": "per case",
    "PP": "per pound",
    "PK": "per kilogram",
    "PO": "per ounce",
    "PG": "per gram",
    "PF": "per foot",
    "HF": "per 100 feet",
    "TF": "per 1000 feet",
    "PS": "per 1000 square feet",
    "PT": "per ton",
}

# What an AllowChrgHandlingCode takes out of the order's own money.
SETTLED_ELSEWHERE = {
    "01": "it is billed back later",
    "03": "the vendor pays it by check",
    "04": "it is credited to the customer's account",
    "05": "the vendor pays it",
    "09": "the vendor issues it",
    "13": "its amount is still asked for",
    "15": "it is only informational",
}
CHARGE_NAMES = {
    "B800": "Credit",
    "C300": "Additional discount",
    "C310": "Discount",
    "CA00": "Cash discount",
    "D240": "Freight",
    "D500": "Handling",
    "G740": "Service fee",
    "G821": "Shipping",
    "G830": "Shipping and handling",
    "H090": "Special handling",
    "I530": "Volume discount",
}
_OF_NET = frozenset({"2", "4", "7"})  # AllowChrgPercentQual: of what is left after earlier allowances


def cents(value: Decimal) -> Decimal:
    """Rounded half up to cents; never a negative zero."""
    return value.quantize(CENT, ROUND_HALF_UP) or ZERO


def too_large(*values: Decimal | None) -> bool:
    for value in values:  # noqa: SIM110 - a generator would cost more than the comparisons
        if value is not None and not -LARGEST < value < LARGEST:
            return True
    return False


def shown(value: Decimal, places: int = 0) -> str:
    """For people: `12.5` for 12.50, `20` for 2E+1; at least `places` decimals."""
    if too_large(value):
        return "an impossible number"
    text = str(value)
    if "E" in text:
        text = f"{value:.12f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    decimals = decimals.ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def units_priced(
    basis: str, uom: str | None, pack_size: Decimal | None, prices_per: Mapping[str, Decimal]
) -> Decimal | None:
    """How many ordered units the price is for: 12 for a price per dozen and an order in each.

    None where basis and unit of measure don't tell. `pack_size` is the number of units in a case as the order
    describes it, `prices_per` the partner pack's word, which comes first.
    """
    measured = _MEASURED.get(basis)
    if measured is not None and uom in measured:
        return measured[uom]
    counted = _BASES.get(basis)
    if counted is not None and uom in counted[1]:
        return Decimal(1)
    if basis in prices_per:
        return prices_per[basis] if prices_per[basis] > 0 else None
    if counted is not None:
        return counted[0]
    return pack_size if basis == "CA" else None


class Charged(NamedTuple):
    """What a charge (positive) or an allowance (negative) comes to; `amount` is None where it does not count.

    `elements` names what it was computed from, `rule` says how, or why it does not count; `clear` is False
    where a person should look at it.
    """

    amount: Decimal | None
    elements: tuple[str, ...]
    rule: str
    clear: bool = True


def charge_amount(charge: ChargeAllowance, gross: Decimal, net: Decimal, quantity: Decimal | None) -> Charged:
    """The amount in cents; `gross` is the base before and `net` after earlier allowances.

    The stated amount comes first, then percent of the base, then rate x quantity (`quantity` is the ordered
    one, for a line). An allowance is always taken off, whatever sign its amount has.
    """
    indicator = charge.AllowChrgIndicator
    if indicator == "N":
        return Charged(None, ("AllowChrgIndicator",), "neither allowance nor charge")
    if indicator not in ("A", "C"):
        return Charged(
            None, ("AllowChrgIndicator",), "it does not say whether it is charge or allowance", False
        )
    elsewhere = SETTLED_ELSEWHERE.get(charge.AllowChrgHandlingCode or "")
    if elsewhere:
        return Charged(None, ("AllowChrgHandlingCode",), elsewhere)
    found = _stated(charge, gross, net, quantity)
    if found.amount is None:
        return found
    if too_large(found.amount):
        return Charged(None, found.elements, "its amount is out of all bounds", False)
    amount = cents(found.amount)
    if indicator == "A":
        return Charged(-abs(amount) or ZERO, found.elements, found.rule, amount >= 0)
    return Charged(amount, found.elements, found.rule)


def _stated(charge: ChargeAllowance, gross: Decimal, net: Decimal, quantity: Decimal | None) -> Charged:
    stated, percent, rate = charge.AllowChrgAmt, charge.AllowChrgPercent, charge.AllowChrgRate
    base, times = charge.PercentDollarBasis, charge.AllowChrgQty
    if too_large(stated, percent, rate, base, times, gross, net, quantity):
        return Charged(None, ("AllowChrgAmt",), "a number in it is out of all bounds", False)
    if stated is not None:
        return Charged(stated, ("AllowChrgAmt",), "amount as stated")
    if percent is not None and base is not None:
        return Charged(
            base * percent / 100, ("AllowChrgPercent", "PercentDollarBasis"), "percent of the stated base"
        )
    if percent is not None:
        if charge.AllowChrgPercentQual in _OF_NET:
            rule = "percent of the lines less earlier allowances"
            return Charged(net * percent / 100, ("AllowChrgPercent", "AllowChrgPercentQual"), rule)
        return Charged(gross * percent / 100, ("AllowChrgPercent",), "percent of the lines")
    if rate is not None and times is not None:
        return Charged(rate * times, ("AllowChrgRate", "AllowChrgQty"), "rate x quantity")
    if rate is not None and quantity is not None:
        return Charged(rate * quantity, ("AllowChrgRate",), "rate x ordered quantity")
    return Charged(None, (), "it states no amount, percent or rate with quantity", False)


def tax_amount(tax: Tax) -> Charged:
    """The tax that is added to an order's money: the stated amount, or percent of the stated base."""
    if tax.RelationshipCode in ("I", "O", "D"):
        return Charged(None, ("RelationshipCode",), "it is included, deleted or only informational")
    elsewhere = SETTLED_ELSEWHERE.get(tax.TaxHandlingCode or "")
    if elsewhere:
        return Charged(None, ("TaxHandlingCode",), elsewhere)
    if too_large(tax.TaxAmount, tax.TaxPercent, tax.PercentDollarBasis):
        return Charged(None, ("TaxAmount",), "a number in it is out of all bounds", False)
    if tax.TaxAmount is not None:
        return Charged(cents(tax.TaxAmount), ("TaxAmount",), "amount as stated")
    if tax.TaxPercent is None or tax.PercentDollarBasis is None:
        return Charged(None, ("TaxPercent",), "it states no amount")
    amount = tax.PercentDollarBasis * tax.TaxPercent / 100
    if too_large(amount):
        return Charged(None, ("TaxPercent",), "its amount is out of all bounds", False)
    return Charged(cents(amount), ("TaxPercent", "PercentDollarBasis"), "percent of the stated base")


def charge_name(charge: ChargeAllowance) -> str:
    kind = "Charge" if charge.AllowChrgIndicator == "C" else "Allowance"
    code = charge.AllowChrgCode or ""
    name = charge.AllowChrgHandlingDescription or CHARGE_NAMES.get(code, "")
    return " ".join(text for text in (kind, code, name) if text) + percent_text(charge.AllowChrgPercent)


def percent_text(percent: Decimal | None) -> str:
    return "" if percent is None or too_large(percent) else f" {shown(percent)}%"
