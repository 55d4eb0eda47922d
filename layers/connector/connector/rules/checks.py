"""Rules before sending: what SPS or the retailer would refuse, said at once and in words for a finance clerk.

SPS answers 201 to any file and says days later, by e-mail, what was wrong with it. A rule looks at the document
as it would be sent, its order, and what of the order is still open. How severe it is each partner's pack says
(`rules.price_differs = "warning"`), but for firm rules, without which no document can be processed at all.
Findings of the mappings go by the same catalogue: a finding whose code is a rule's id has the rule's severity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from connector.documents.order import Order
from connector.findings import Finding, Severity
from connector.mapping.money import shown
from connector.mapping.order_lines import ordered_lines
from connector.rules.open_quantities import OpenLine, line_of, lines_of, open_lines
from connector.rules.packs import PartnerPack

INVOICES = ("invoice", "bill")


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at: the document as it would be sent (plain RSX values) and all that it has to fit.

    `kind` is invoice, bill (self-billed invoice), credit, asn or ack. `open` is the order's account without
    this document; empty without an order.
    """

    kind: str
    document: dict[str, Any]
    pack: PartnerPack
    order: Order | None = None
    open: Sequence[OpenLine] = field(default=())


class Remark(NamedTuple):
    """What a rule has to say: one plain sentence, and where."""

    message: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `text` says what must hold, `protects` what goes wrong otherwise, `fix` what a person can do.

    `check` is None where a mapping finds it. A `firm` rule cannot be relaxed by a pack.
    """

    id: str
    text: str
    protects: str
    fix: str
    severity: Severity
    documents: tuple[str, ...]
    check: Callable[[Case], Iterator[Remark]] | None = None
    firm: bool = False


def check(case: Case, found: Sequence[Finding] = ()) -> list[Finding]:
    """All findings on a document: what its mapping found and what the rules find, as severe as the pack says."""
    findings = [*found]
    for rule in RULES.values():
        if rule.check is not None and case.kind in rule.documents and severity(rule, case.pack) != "off":
            findings += [
                Finding(rule.id, rule.severity, remark.message, remark.place, rule.fix)
                for remark in rule.check(case)
            ]
    return list(dict.fromkeys(_judged(findings, case.pack)))


def severity(rule: Rule, pack: PartnerPack) -> str:
    """How severe a rule is for a partner: error, warning, info or off."""
    return rule.severity if rule.firm else pack.rules.get(rule.id, rule.severity)


def _judged(findings: Sequence[Finding], pack: PartnerPack) -> Iterator[Finding]:
    for finding in findings:
        rule = RULES.get(finding.code)
        if rule is None or rule.firm or rule.id not in pack.rules:
            yield finding
        elif (level := pack.rules[rule.id]) != "off":
            yield replace(finding, severity=level)


# --- against the order ------------------------------------------------------------------------------


def _over_invoiced(case: Case) -> Iterator[Remark]:
    """Invoiced so far and by this document, against what was ordered."""
    if case.order is None:
        return
    slack = 1 + case.pack.tolerances.quantity / 100
    now = lines_of(case.document, case.kind, case.order, case.pack)
    for line in case.open or open_lines(case.order, {}):
        quantity = now.get(line.line)
        if not quantity:
            continue
        before = line.invoiced - line.credited
        if before + quantity > line.ordered * slack:
            already = f", {shown(before)} invoiced already" if before else ""
            message = (
                f"order line {line.line}: {shown(quantity)} invoiced, {shown(line.ordered)} ordered{already}"
            )
            yield Remark(message, _place(case, line.line))


def _place(case: Case, line: str) -> str:
    """Where the document's own line for an order line is."""
    ordered = ordered_lines(case.order) if case.order is not None else []
    for index, item in enumerate(case.document.get("LineItem", ())):
        match = line_of(item.get("InvoiceLine", {}), ordered)
        if match is not None and match.line == line:
            return f"LineItem[{index}].InvoiceLine.InvoiceQty"
    return ""


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule(
            "over_invoiced",
            "No more is invoiced of an order line than was ordered and not invoiced yet (tolerances.quantity)",
            "a short payment or a chargeback for what was never ordered, or was invoiced twice",
            "reduce the quantity in FreshBooks, or have the retailer change the order",
            "error",
            INVOICES,
            _over_invoiced,
        ),
    )
}
