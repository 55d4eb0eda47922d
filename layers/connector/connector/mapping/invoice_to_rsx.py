"""A FreshBooks invoice as an RSX Invoice (810); `rsx_invoice` says what comes from where."""

from __future__ import annotations

from dataclasses import replace

from connector.documents.freshbooks import Client, Invoice
from connector.documents.order import Order
from connector.findings import Finding, Mapped, Trace
from connector.mapping.carry import Explainer
from connector.mapping.consignment import Dispatch
from connector.mapping.items import Fields
from connector.mapping.lines import LineTax, SaleLine
from connector.mapping.money import ZERO, cents
from connector.mapping.parties import (
    client_billing,
    client_shipping,
    invoice_address,
    is_multi_store,
    order_parties,
    put_party,
    remit_to,
)
from connector.mapping.rsx_invoice import compose
from connector.mapping.sale import Sale, as_credit, bounded, missing_parties, percent
from connector.mapping.shapes import Document
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile

_PATHS = {
    "number": "invoice_number",
    "issued": "create_date",
    "po_number": "po_number",
    "currency": "currency_code",
    "total": "amount",
    "discount": "discount_total",
    "shipped": "fulfillment_date",
    "due": "due_date",
    "quantity": "qty",
}


def invoice_to_rsx(
    invoice: Invoice,
    *,
    order: Order | None = None,
    client: Client | None = None,
    pack: PartnerPack,
    profile: BusinessProfile | None = None,
    purpose: str = "00",
    number: str = "",
    original: Fields | None = None,
    dispatch: Dispatch | None = None,
    trace: Trace | None = None,
) -> Mapped:
    """The RSX Invoice as plain JSON values in schema order, and what a person should know.

    `order` is the stored order that the invoice's PO number names, `client` its FreshBooks client, `purpose`
    the TsetPurposeCode (00 original, 05 replace), `number` what is sent instead of FreshBooks' number. An invoice
    that is negative in all is a credit (CR); `original` is the reference to the invoice that it is for. `dispatch`
    is the shipment that it bills: its day counts before FreshBooks' own. Never raises on what the models admit.
    """
    findings: list[Finding] = []
    explain = Explainer(trace) if trace is not None else None
    sale = sale_of_invoice(invoice, pack, profile, findings)
    parties, found = sale_parties(invoice, order, client, pack, "Invoice", explain)
    found += remit_to(parties, pack, profile, "Invoice", explain)
    kinds = {"RI": "whom to pay (RI)", "BT": "who is billed (BT)"}
    if not is_multi_store(order):
        kinds["ST"] = "where the goods went (ST)"
    found += missing_parties(parties, kinds)
    updated = purpose == "05" and pack.invoices.correction == "update"
    type_code = "U5" if updated else "DR"
    if is_credit(invoice):
        sale, type_code = as_credit(sale, original), "CR"
    if number:
        sale = replace(sale, number=number)
    if dispatch is not None and dispatch.shipped is not None:
        sale = replace(sale, shipped=dispatch.shipped)
    return compose(sale, parties, order, pack, purpose, type_code, explain, findings + found, dispatch)


def is_credit(invoice: Invoice) -> bool:
    """Whether it gives money back: a credit note, or an invoice that is negative in all."""
    return invoice.amount is not None and invoice.amount.amount < 0


def sale_parties(
    invoice: Invoice,
    order: Order | None,
    client: Client | None,
    pack: PartnerPack,
    document: Document,
    explain: Explainer | None,
) -> tuple[list[Fields], list[Finding]]:
    """The order's parties, with BT and ST of FreshBooks and the pack where the order has none.

    A multi-store order has its places on its lines: a header ST would be a wrong one.
    """
    parties, findings = order_parties(order, document, explain)
    billing = (
        {"client": client_billing(client)} if client is not None else {"invoice": invoice_address(invoice)}
    )
    shipping = {"client": client_shipping(client)} if client is not None else {}
    layers = {"BT": billing} if is_multi_store(order) else {"BT": billing, "ST": shipping}
    for kind, layer in layers.items():
        layer[f"pack.addresses.{kind}"] = dict(pack.addresses.get(kind, {}))
        findings += put_party(parties, kind, layer, document, explain)
    return parties, findings


def sale_of_invoice(
    invoice: Invoice, pack: PartnerPack, profile: BusinessProfile | None, findings: list[Finding]
) -> Sale:
    """What the invoice says; a number beyond all bounds becomes 0 with an error."""
    lines = []
    for index, line in enumerate(invoice.lines):
        place = f"lines[{index}]"
        quantity, price = bounded(line.qty, place, findings), bounded(line.unit_cost.amount, place, findings)
        amount = bounded(line.amount.amount, place, findings) if line.amount is not None else quantity * price
        numbers = {line.taxName1: line.taxNumber1, line.taxName2: line.taxNumber2}
        lines.append(
            SaleLine(
                place=place,
                name=line.name,
                description=line.description,
                quantity=quantity,
                price=price,
                amount=cents(bounded(amount, place, findings)),
                taxes=tuple(
                    LineTax(tax.name, percent(tax.percent, place, findings), number=numbers.get(tax.name, ""))
                    for tax in line.taxes
                ),
                compounded=bool(line.compounded_tax),
            )
        )
    discount = invoice.discount_total.amount if invoice.discount_total is not None else ZERO
    off = percent(invoice.discount_value, "discount_value", findings)
    discount = -abs(cents(bounded(discount, "discount_total", findings)))
    if not discount and off > 0:
        discount = -cents(sum((line.amount for line in lines), ZERO) * off / 100)
    total = invoice.amount.amount if invoice.amount is not None else None
    currency = invoice.currency_code or (invoice.amount.code if invoice.amount is not None else "")
    words = (invoice.__pydantic_extra__ or {}).get("discount_description")
    return Sale(
        source="invoice",
        number=invoice.invoice_number.strip(),
        issued=invoice.create_date,
        po_number=invoice.po_number.strip(),
        currency=currency.strip() or (profile.currency if profile is not None else pack.freshbooks.currency),
        lines=lines,
        total=cents(bounded(total, "amount", findings)) if total is not None else None,
        paths=_PATHS,
        discount=discount,
        discount_percent=off or None,
        discount_words=words.strip()[:80] if isinstance(words, str) else "",
        shipped=invoice.fulfillment_date,
        due=invoice.due_date,
        due_days=invoice.due_offset_days,
        terms=invoice.terms,
        notes=invoice.notes,
    )
