"""Taxes of the lines, rounded the way that gives FreshBooks' own total.

FreshBooks taxes each line after the invoice's discount (20.00 less 10 % at 13 % is 2.34) and tells percents,
not amounts, for invoices. How it rounds is written nowhere, so the plausible ways are tried in turn and the
first that foots to the cent is taken:

    1 FreshBooks' own amounts (bills)            2 each tax of each line rounded to cents, half up
    3 the same on the discounted line in cents   4 each tax rounded once on its sum over the lines
    5 all taxes rounded once on their sum

In 4 and 5 the lines' amounts are the steps of the running, rounded sum: they add up to it exactly. Each tax
stands where it arose, in its line (or in the charge that was taxed), and nowhere else: a second list in the
header would be counted twice by whoever adds up both. `TotalTaxesAndCharges` has the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connector.documents.parts import plain_number
from connector.mapping.lines import LineTax, SaleLine
from connector.mapping.money import ZERO, cents
from connector.rules.packs import PartnerPack

Amounts = list[list[Decimal]]
"""Per line, per tax of the line, in cents."""

# The first word that is in the tax's name decides.
TAX_TYPES = (
    ("HST", "BE"),
    ("TVH", "BE"),
    ("QST", "QST"),
    ("TVQ", "QST"),
    ("PST", "ST"),
    ("RST", "ST"),
    ("GST", "GS"),
    ("TPS", "GS"),
    ("VAT", "VA"),
)


class Taxation(NamedTuple):
    """The taxes of all lines, the way they were rounded, and whether that gives the expected sum."""

    amounts: Amounts
    rule: str
    foots: bool

    @property
    def total(self) -> Decimal:
        return sum((amount for line in self.amounts for amount in line), ZERO)


def tax_lines(lines: Sequence[SaleLine], shares: Sequence[Decimal], expected: Decimal | None) -> Taxation:
    """The taxes of `lines` whose sum is `expected`; the usual way, not footing, where none gives it.

    A share is what the discount leaves of each line (0.9 of it at 10 %); several are tried, best first.
    """
    usual: Taxation | None = None
    for share in shares:
        for rule, amounts in _ways(lines, share):
            taxation = Taxation(amounts, rule, True)
            usual = usual or taxation
            if expected is None or taxation.total == expected:
                return taxation
    return (usual or Taxation([[] for _ in lines], "no tax", True))._replace(foots=False)


def tax_elements(line: SaleLine, amounts: Sequence[Decimal], pack: PartnerPack) -> list[dict[str, Any]]:
    """The RSX taxes of one line."""
    return [
        {
            "TaxTypeCode": tax_type(tax.name, pack),
            "TaxAmount": plain_number(amount),
        }
        | ({"TaxPercent": plain_number(tax.percent)} if tax.percent else {})
        | ({"TaxID": tax.number.strip()} if tax.number.strip() else {})
        | ({"Description": tax.name.strip()} if tax.name.strip() else {})
        for tax, amount in zip(line.taxes, amounts, strict=True)
    ]


def tax_type(name: str, pack: PartnerPack) -> str:
    """The TaxTypeCode of a FreshBooks tax: the partner pack's, else by the words in its name, else TX."""
    named = {known.casefold().strip(): code for known, code in pack.taxes.items()}
    code = named.get(name.casefold().strip())
    return code or next((code for word, code in TAX_TYPES if word in name.upper()), "TX")


def _ways(lines: Sequence[SaleLine], share: Decimal) -> Iterator[tuple[str, Amounts]]:
    exact = [_exact(line, line.amount * share) for line in lines]
    if any(tax.amount is not None for line in lines for tax in line.taxes):
        own = [
            [
                cents(part) if tax.amount is None else cents(tax.amount)
                for tax, part in zip(line.taxes, parts, strict=True)
            ]
            for line, parts in zip(lines, exact, strict=True)
        ]
        yield "FreshBooks' own amounts", own
    yield "each tax of each line in cents", [[cents(part) for part in parts] for parts in exact]
    rounded = [_exact(line, cents(line.amount * share)) for line in lines]
    yield "each tax of each discounted line in cents", [[cents(part) for part in parts] for parts in rounded]
    yield "each tax in cents on its sum", _running(lines, exact, lambda tax: tax.name)
    yield "all taxes in cents on their sum", _running(lines, exact, lambda tax: "")


def _exact(line: SaleLine, net: Decimal) -> list[Decimal]:
    """The unrounded taxes of a discounted line; a compounded second tax is taken on the first one, too."""
    parts: list[Decimal] = []
    for tax in line.taxes:
        base = net + parts[0] if line.compounded and parts else net
        parts.append(base * tax.percent / 100)
    return parts


def _running(
    lines: Sequence[SaleLine], exact: Sequence[Sequence[Decimal]], together: Callable[[LineTax], str]
) -> Amounts:
    sums: dict[str, Decimal] = {}
    amounts: Amounts = []
    for line, parts in zip(lines, exact, strict=True):
        steps = []
        for tax, part in zip(line.taxes, parts, strict=True):
            before = sums.get(together(tax), ZERO)
            sums[together(tax)] = before + part
            steps.append(cents(before + part) - cents(before))
        amounts.append(steps)
    return amounts
