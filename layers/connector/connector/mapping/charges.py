"""Allowances and charges: FreshBooks' discount and the lines that are no items, in the order's words.

FreshBooks knows what was charged, the order what the retailer calls it: where the order states an allowance
or charge of the same kind, its code, agency and handling are repeated with FreshBooks' amount. Amounts are
positive; `AllowChrgIndicator` says which way they go (A allowance, C charge).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connector.documents.order import Order
from connector.documents.parts import ChargeAllowance, plain_number
from connector.findings import Finding
from connector.mapping.carry import Explainer, carry
from connector.mapping.lines import DISCOUNT, Role, SaleLine
from connector.mapping.money import CHARGE_NAMES, SETTLED_ELSEWHERE, cents
from connector.mapping.shapes import names
from connector.mapping.taxes import tax_elements
from connector.rules.packs import PartnerPack

PLACE = "Header.ChargesAllowances"
OFF_INVOICE, PAID_BY_CUSTOMER = "02", "06"

_WORDS = names("""
    AllowChrgCode AllowChrgAgencyCode AllowChrgAgency AllowChrgHandlingCode AllowChrgHandlingDescription
    ReferenceIdentification OptionNumber ExceptionNumber LanguageCode
""")


class Charges:
    """The header's ChargesAllowances as they grow; `allowances` and `charges` are their sums."""

    def __init__(self, order: Order | None, pack: PartnerPack, explain: Explainer | None) -> None:
        self.elements: list[dict[str, Any]] = []
        self.allowances = self.charges = Decimal("0.00")
        self.findings: list[Finding] = []
        self._pack = pack
        self._explain = explain
        self._stated = list(order.Header.ChargesAllowances) if order is not None else []
        self._repeated: set[int] = set()

    def add_discount(
        self,
        amount: Decimal,
        percent: Decimal | None,
        bases: tuple[Decimal, Decimal],
        words: str,
        source: str,
    ) -> None:
        """FreshBooks' discount on the whole invoice; `amount` is positive.

        `bases` are the merchandise and the sum of all lines. FreshBooks discounts all lines, freight too; a
        reader takes the percent of the merchandise. The percent is sent where both mean the same amount, or
        with its base where only FreshBooks' does.
        """
        open_ = self._open("A")
        same = [i for i in open_ if percent is not None and self._stated[i].AllowChrgPercent == percent]
        index = same[0] if same else open_[0] if len(open_) == 1 else None
        element = self._element("A", DISCOUNT, amount, words, index, source)
        base = next((b for b in bases if percent is not None and cents(b * percent / 100) == amount), None)
        if percent is not None and base is not None:
            element |= {"AllowChrgPercentQual": "6", "AllowChrgPercent": plain_number(percent)}
            if base != bases[0]:
                element["PercentDollarBasis"] = plain_number(base)

    def add_line(self, line: SaleLine, role: Role, taxes: Sequence[Decimal], source: str) -> None:
        """A FreshBooks line that is a charge, or an allowance where its amount is negative."""
        if line.amount == 0:
            return
        indicator = "A" if line.amount < 0 else "C"
        index = next((i for i in self._open(indicator) if self._stated[i].AllowChrgCode == role.code), None)
        element = self._element(
            indicator, role.code, abs(line.amount), line.title[:80], index, source, role.rule
        )
        if line.taxes:
            element["Taxes"] = tax_elements(line, taxes, self._pack)

    def not_invoiced(self) -> list[Finding]:
        """What the order states and FreshBooks does not have: the retailer's own arithmetic will differ."""
        kinds = {"A": "allowance", "C": "charge"}
        return [
            Finding(
                "order_charge_not_invoiced",
                "warning",
                f"the order's {kinds[self._stated[i].AllowChrgIndicator or 'A']}"
                f" {self._stated[i].AllowChrgCode or 'without code'} is not on the invoice",
                f"{PLACE}[{i}]",
                "add it in FreshBooks as a discount or a line, unless it was agreed to leave it out",
            )
            for i in sorted(self._open("A") + self._open("C"))
        ]

    def _open(self, indicator: str) -> list[int]:
        """What the order states for its own invoice and FreshBooks has not shown yet; no bill-backs."""
        return [
            i
            for i, charge in enumerate(self._stated)
            if charge.AllowChrgIndicator == indicator
            and i not in self._repeated
            and charge.AllowChrgHandlingCode not in SETTLED_ELSEWHERE
        ]

    def _element(
        self,
        indicator: str,
        code: str,
        amount: Decimal,
        words: str,
        index: int | None,
        source: str,
        rule: str = "FreshBooks' discount",
    ) -> dict[str, Any]:
        to = f"{PLACE}[{len(self.elements)}]"
        element: dict[str, Any] = {
            "AllowChrgIndicator": indicator,
            "AllowChrgCode": code,
            "AllowChrgHandlingCode": OFF_INVOICE if indicator == "A" else PAID_BY_CUSTOMER,
            "AllowChrgHandlingDescription": words or CHARGE_NAMES.get(code, "Charge"),
        }
        if self._explain is not None:
            self._explain.mark(to, rule, source)
        if index is not None:
            self._repeated.add(index)
            repeated, findings = carry(
                self._stated[index], ChargeAllowance, place=f"{PLACE}[{index}]", only=_WORDS
            )
            element |= repeated
            self.findings += findings
            if self._explain is not None:
                for name in repeated:
                    self._explain.mark(f"{to}.{name}", "as on the order", f"order.{PLACE}[{index}].{name}")
        element["AllowChrgAmt"] = plain_number(amount)
        if indicator == "A":
            self.allowances += amount
        else:
            self.charges += amount
        self.elements.append(element)
        return element
