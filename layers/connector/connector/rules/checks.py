"""The rule pack: what SPS or the retailer would refuse, said before it is sent and in words for a finance clerk.

SPS answers 201 to any file and says days later, by e-mail, what was wrong with it. A rule looks at the document
as it would be sent, its order, and what of the order is still open. How severe it is each partner's pack says
(`rules.price_differs = "warning"`), but for firm rules, without which nobody can process a document at all.
What the mappings find goes by the same table: a finding whose code is a rule's id is as severe as the pack says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from connector.findings import Finding
from connector.rules import invoices
from connector.rules.packs import PartnerPack
from connector.rules.rule import DEBITS, EVERY, INVOICES, Case, Rule

_IN_FRESHBOOKS = "correct it in FreshBooks"


def check(case: Case, found: Iterable[Finding] = ()) -> list[Finding]:
    """All findings on a document: what its mapping found and what the rules find, as severe as the pack says.

    A cancellation repeats what was sent, right or wrong: only what it is made of is looked at.
    """
    findings = [*found]
    if case.header.get("TsetPurposeCode") != "01":
        for rule in RULES.values():
            if rule.check is not None and case.kind in rule.documents:
                findings += [
                    Finding(rule.id, rule.severity, remark.message, remark.place, rule.fix)
                    for remark in rule.check(case)
                ]
    return list(dict.fromkeys(as_severe_as_told(findings, case.pack)))


def as_severe_as_told(findings: Sequence[Finding], pack: PartnerPack) -> Iterator[Finding]:
    """The findings with the partner's severities, without those that its pack turned off."""
    for finding in findings:
        rule = RULES.get(finding.code)
        if rule is None or rule.firm or rule.id not in pack.rules:
            yield finding
            continue
        level = pack.rules[rule.id]
        if level != "off":
            yield replace(finding, severity=level)


def severity(rule: Rule, pack: PartnerPack | None = None) -> str:
    """How severe a rule is, for a partner: error, warning, info or off."""
    return rule.severity if rule.firm or pack is None else pack.rules.get(rule.id, rule.severity)


def _rules() -> Iterator[Rule]:
    # money
    yield Rule(
        "total_differs",
        "Lines less allowances, plus charges and taxes, are the total (tolerances.total)",
        "a short payment, or a refusal by the retailer's own arithmetic",
        "open the record in FreshBooks, check discount and taxes, save it again",
        "error",
        INVOICES,
        invoices.total_differs,
        firm=True,
        settings=("tolerances.total",),
    )
    yield Rule(
        "does_not_foot",
        "FreshBooks' own total is what its lines, discount and taxes come to",
        "an invoice that says something else than the books",
        "open the record in FreshBooks, check discount and taxes, save it again",
        "error",
        INVOICES,
        firm=True,
    )
    yield Rule(
        "extension_differs",
        "Quantity x price of every line is the line's amount, to the cent",
        "a refusal: the retailer multiplies again",
        "correct quantity or price of the line in FreshBooks",
        "error",
        INVOICES,
        firm=True,
    )
    yield Rule(
        "line_count",
        "TotalLineItemNumber is the number of lines",
        "a refusal by SPS",
        "map the document again; if it stays, report it",
        "error",
        INVOICES,
        invoices.line_count,
        firm=True,
    )
    yield Rule(
        "zero_line",
        "No line has a quantity or an amount of zero",
        "a refusal by partners that forbid free lines",
        "take the line out in FreshBooks",
        "warning",
        INVOICES,
        invoices.zero_line,
    )
    yield Rule(
        "currency_differs",
        "The currency is the order's",
        "a payment of another amount",
        "invoice in the order's currency, or have the retailer change the order",
        "error",
        INVOICES,
    )
    # against the order
    yield Rule(
        "line_not_on_order",
        "Every line is on the order",
        "a deduction for what was not ordered",
        "name the line like the order's vendor part number or UPC, or add an alias for it (`connector partners alias`)",
        "error",
        INVOICES,
        settings=("match", "aliases", "charges"),
    )
    yield Rule(
        "line_ambiguous",
        "It is clear which order line a line is",
        "a payment that is booked against another article",
        "write the UPC or the buyer's part number into the line, or add an alias",
        "error",
        INVOICES,
        firm=True,
    )
    yield Rule(
        "matched_by_price",
        "An order line is found by more than its quantity and price",
        "an article that is taken for another one that costs the same",
        "say once which article it is (`connector partners alias`): it is learned",
        "info",
        INVOICES,
        settings=("match", "aliases"),
    )
    yield Rule(
        "order_line_twice",
        "No two lines of an invoice together exceed one order line",
        "a deduction for a line that is there twice",
        "take the line out that is there twice, or name the lines apart",
        "error",
        INVOICES,
    )
    yield Rule(
        "over_invoiced",
        "No more is invoiced of an order line than was ordered and not invoiced yet (tolerances.quantity)",
        "a deduction or a chargeback for what was never ordered, or was invoiced twice",
        "reduce the quantity in FreshBooks, or have the retailer change the order",
        "error",
        DEBITS,
        invoices.over_invoiced,
        settings=("tolerances.quantity",),
    )
    yield Rule(
        "order_cancelled",
        "Nothing is shipped for a cancelled order, and no more invoiced than was shipped before",
        "an invoice that is refused, or goods that come back at your cost",
        "ask the buyer; take the document back in FreshBooks, or correct its PO number",
        "error",
        (*DEBITS, "asn"),
        invoices.order_cancelled,
    )
    yield Rule(
        "over_acknowledged",
        "No more is invoiced of an order line than was acknowledged",
        "a dispute over what was confirmed",
        "check what was shipped",
        "warning",
        DEBITS,
        invoices.over_acknowledged,
    )
    yield Rule(
        "over_credited",
        "No more is credited of an order line than was invoiced",
        "money given back that was never owed",
        "check the quantity of the credit in FreshBooks",
        "warning",
        ("credit",),
        invoices.over_credited,
    )
    yield Rule(
        "price_differs",
        "Prices are the order's (tolerances.price)",
        "a price deduction, the most frequent of all",
        "correct the price in FreshBooks, or have the retailer change the order",
        "error",
        DEBITS,
        invoices.price_differs,
        settings=("tolerances.price", "prices_per"),
    )
    yield Rule(
        "price_rounded",
        "A price that has more places than FreshBooks keeps costs no money",
        "a small deduction: the retailer multiplies with its own price",
        "bill the line with quantity 1 at its amount, or agree on prices in cents",
        "warning",
        DEBITS,
        invoices.price_rounded,
        settings=("tolerances.price",),
    )
    yield Rule(
        "unit_differs",
        "The unit of a line is the order's, or the pack knows how many one is of the other",
        "a quantity that the retailer reads as another",
        "invoice in the order's unit, or set uom in the partner pack",
        "error",
        INVOICES,
        invoices.unit_differs,
        settings=("uom",),
    )
    yield Rule(
        "dated_before_order",
        "The invoice is not dated before its order",
        "a refusal by the retailer",
        "correct the date, or the PO number, in FreshBooks",
        "error",
        DEBITS,
        invoices.dated_before_order,
    )
    yield Rule(
        "order_charge_not_invoiced",
        "Allowances and charges of the order are on the invoice",
        "a deduction for an allowance that was not given",
        "add it in FreshBooks as a discount or a line, unless it was agreed to leave it out",
        "warning",
        INVOICES,
    )
    yield Rule(
        "po_number_differs",
        "The PO number in FreshBooks is the order's",
        "a payment against another order",
        "check that this is the right order; the order's number is sent",
        "warning",
        INVOICES,
    )
    yield Rule(
        "po_number_missing",
        "The document names its purchase order",
        "a refusal: the retailer pays by PO number",
        "enter the PO number in FreshBooks",
        "error",
        INVOICES,
    )
    yield Rule(
        "no_order",
        "The order is here, so that its identifiers can be repeated",
        "a refusal for what only the order knows (buyer parts, UPC, department)",
        "check the PO number, or have SPS send the order again",
        "info",
        EVERY,
    )
    # numbers and names
    yield Rule(
        "number_reused",
        "An invoice number is used once per partner",
        "a refusal as a duplicate, or two invoices paid as one",
        "give one of the two another number in FreshBooks",
        "error",
        INVOICES,
        invoices.number_reused,
        firm=True,
    )
    yield Rule(
        "number_form",
        "The number has the partner's length and form (invoices.number_max, invoices.number_pattern)",
        "a refusal by the retailer's system",
        "renumber it in FreshBooks",
        "error",
        INVOICES,
        invoices.number_form,
        settings=("invoices.number_max", "invoices.number_pattern"),
    )
    yield Rule(
        "credit_incomplete",
        "A credit has the type CR, positive numbers, and names its invoice",
        "a credit that is booked as an invoice",
        "write the number of the invoice into the credit's notes: Credit for invoice 1234",
        "error",
        ("credit",),
        invoices.credit_incomplete,
        firm=True,
    )
    yield Rule(
        "required_missing",
        "Everything that the partner needs is there (required)",
        "a refusal, or a chargeback for missing data",
        "set it in FreshBooks, or as a default in the partner pack (header, addresses)",
        "error",
        EVERY,
        invoices.required_missing,
        settings=("required",),
    )
    yield Rule(
        "party_missing",
        "Whom to pay, who is billed and where the goods went are told",
        "a refusal by most retailers",
        "set the address in the partner pack, or in FreshBooks",
        "warning",
        INVOICES,
        settings=("addresses",),
    )
    yield Rule(
        "too_long",
        "No text is longer than X12 has room for (numbers 22, names 60, address lines 55)",
        "a number that is cut off, and so another number",
        "shorten it in FreshBooks or in the partner pack",
        "warning",
        EVERY,
        firm=True,
    )
    yield Rule(
        "unknown_code",
        "Every code is in its RSX list",
        "a refusal of the whole document by SPS",
        "use a code of the RSX list; the pack maps taxes and charges",
        "error",
        EVERY,
        firm=True,
        settings=("taxes", "charges"),
    )
    yield Rule(
        "missing_element",
        "Everything that RSX itself demands is there",
        "a refusal of the whole document by SPS",
        _IN_FRESHBOOKS,
        "error",
        EVERY,
        firm=True,
    )
    # shipments
    yield Rule(
        "over_shipped",
        "No more is shipped of an order line than was ordered",
        "goods that are sent back at our cost",
        "check the quantity that was shipped",
        "warning",
        ("asn",),
    )


RULES: dict[str, Rule] = {rule.id: rule for rule in _rules()}
