"""An RSX Invoice (810) made of what a FreshBooks invoice or bill says, and of the stored order.

Per field the order is trusted first (it is what the retailer matches by), then FreshBooks (what was billed),
then the partner pack. Header notes are the invoice's own, as one GEN note; the order's notes are instructions
to us and are not sent back, nor are its requested dates. Totals:

    TotalSalesAmount       the line items, before allowances
    TotalAllowancesAmount  discount and negative lines        TotalChargesAmount   freight and the like
    TotalTaxesAndCharges   all taxes + all charges
    TotalAmount            FreshBooks' own total = sales - allowances + taxes and charges, or it is blocked
    InvoiceAmtDueByTermsDate = TotalAmount - TotalTermsDiscountAmount
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.documents.invoice import HeaderFields, InvoiceHeaderGroup
from connector.documents.order import Order
from connector.documents.parts import Carrier, plain_number
from connector.findings import Finding, Mapped
from connector.mapping.carry import Explainer, carry, once
from connector.mapping.charges import Charges
from connector.mapping.conform import conform, in_schema_order
from connector.mapping.consignment import Dispatch
from connector.mapping.items import Fields, line_item, price_basis, put_quantity
from connector.mapping.lines import Role, SaleLine, roles
from connector.mapping.money import CENT, ZERO, cents
from connector.mapping.sale import Sale, does_not_foot, extension_differs, lacks
from connector.mapping.shapes import names
from connector.mapping.taxes import Taxation, tax_elements, tax_lines
from connector.mapping.terms import due_date_differs, order_terms, own_terms, terms_discount
from connector.rules.packs import PartnerPack

_ECHOED_HEADER = names("""
    PurchaseOrderDate PrimaryPOTypeCode PrimaryPOTypeDescription AdditionalPOTypeCodes ReleaseNumber
    SellersCurrency ExchangeRate Department DepartmentDescription Vendor JobNumber Division
    CustomerAccountNumber CustomerOrderNumber
""")
_ECHOED_GROUPS = names("Contacts References Commodity FOBRelatedInstruction CarrierInformation")
_SUMMARY_RULES = {
    "TotalSalesAmount": "sum of the line items",
    "TotalLineItemNumber": "number of line items",
    "TotalAllowancesAmount": "sum of the allowances",
    "TotalChargesAmount": "sum of the charges",
    "TotalTaxesAndCharges": "sum of all taxes and charges",
    "TotalTermsDiscountAmount": "discount of the payment terms",
    "InvoiceAmtDueByTermsDate": "total less terms discount",
}
_NEVER_DEFAULTED = frozenset({"TradingPartnerId", "InvoiceNumber", "PurchaseOrderNumber"})


@dataclass(slots=True)
class _Money:
    """What the lines and the discount come to, once."""

    settled: list[Role]
    taxation: Taxation
    charges: Charges
    sales: Decimal = ZERO
    findings: list[Finding] = field(default_factory=list)


def compose(
    sale: Sale,
    parties: list[Fields],
    order: Order | None,
    pack: PartnerPack,
    purpose: str,
    type_code: str,
    explain: Explainer | None,
    findings: list[Finding],
    dispatch: Dispatch | None = None,
) -> Mapped:
    """The RSX Invoice of a sale whose parties are known already; `dispatch` is the shipment that it bills."""
    header = _header(sale, order, pack, purpose, type_code, explain, findings)
    groups = _header_groups(sale, order, pack, explain, findings)
    if dispatch is not None:
        _put_dispatch(header, groups, dispatch, explain, findings)
    money = _money(sale, order, pack, explain)
    items = _items(sale, money, order, pack, explain)
    allowances, charged = money.charges.allowances, money.charges.charges
    merchandise = money.sales - allowances
    if order is not None and order.Header.PaymentTerms:
        dates = (sale.path("issued"), sale.path("shipped"))
        terms, found = order_terms(order, sale.issued, sale.shipped, merchandise, explain, dates)
        findings += found + due_date_differs(terms, sale.due)
    else:
        terms = own_terms(sale.issued, sale.due, sale.due_days, sale.terms)
        if explain is not None:
            explain.mark("Header.PaymentTerms", "no terms on the order: FreshBooks' own", sale.path("due"))
    taxes_and_charges = money.taxation.total + charged
    computed = merchandise + taxes_and_charges
    total = sale.total if sale.total is not None else computed
    discount = terms_discount(terms)
    summary = {
        "TotalAmount": plain_number(total),
        "TotalSalesAmount": plain_number(money.sales),
        "TotalLineItemNumber": len(items),
    }
    if allowances:
        summary["TotalAllowancesAmount"] = plain_number(allowances)
    if charged:
        summary["TotalChargesAmount"] = plain_number(charged)
    if taxes_and_charges:
        summary["TotalTaxesAndCharges"] = plain_number(taxes_and_charges)
    if discount is not None:
        summary["TotalTermsDiscountAmount"] = plain_number(discount)
        summary["InvoiceAmtDueByTermsDate"] = plain_number(total - discount)
    if explain is not None:
        for name, rule in _SUMMARY_RULES.items():
            explain.mark(f"Summary.{name}", rule, f"{sale.source}.lines")
        explain.mark("Summary.TotalAmount", "FreshBooks' total", sale.path("total"))
        explain.mark("Header.QuantityTotals", "sum of the lines, which have one unit", f"{sale.source}.lines")
    named: dict[str, list[Fields]] = {
        "Address": parties,
        "PaymentTerms": terms,
        "ChargesAllowances": money.charges.elements,
        "QuantityTotals": _quantity_totals(items),
    }
    groups |= {name: value for name, value in named.items() if value}
    document: dict[str, Any] = {
        "Header": {"InvoiceHeader": header} | groups,
        "LineItem": items,
        "Summary": summary,
    }
    if not items:
        del document["LineItem"]
    if computed != total:
        findings.append(does_not_foot(computed, total))
    findings += money.findings + list(lacks(sale, order, items, total))
    document = in_schema_order(document, "Invoice")
    if explain is not None:
        explain.finish(document)
    return Mapped(document, once(findings + conform(document, "Invoice")))


def _header(
    sale: Sale,
    order: Order | None,
    pack: PartnerPack,
    purpose: str,
    type_code: str,
    explain: Explainer | None,
    findings: list[Finding],
) -> Fields:
    to = "Header.InvoiceHeader"
    header: Fields = {}
    if order is not None:
        header, found = carry(
            order.Header.OrderHeader,
            HeaderFields,
            place="Header.OrderHeader",
            only=_ECHOED_HEADER,
            explain=explain,
            to=to,
        )
        findings += found
    ordered = order.Header.OrderHeader if order is not None else None
    po_number = (ordered.PurchaseOrderNumber if ordered is not None else "") or sale.po_number
    fields = {
        "TradingPartnerId": (ordered.TradingPartnerId if ordered is not None else "")
        or pack.trading_partner_id,
        "InvoiceNumber": sale.number,
        "InvoiceDate": sale.issued.isoformat() if sale.issued is not None else "",
        "PurchaseOrderNumber": po_number,
        "InvoiceTypeCode": type_code,
        "TsetPurposeCode": purpose,
        "BuyersCurrency": sale.currency,
        "ShipDate": sale.shipped.isoformat() if sale.shipped is not None else "",
    }
    header |= {name: text for name, text in fields.items() if text}
    defaults, found = carry(pack.header, HeaderFields, place="pack.header")
    findings += found
    missing = [name for name in defaults if name not in header and name not in _NEVER_DEFAULTED]
    header |= {name: defaults[name] for name in missing}
    if explain is not None:
        theirs = "as on the order"
        explain.mark(f"{to}.InvoiceNumber", "FreshBooks", sale.path("number"))
        explain.mark(f"{to}.InvoiceDate", "FreshBooks", sale.path("issued"))
        explain.mark(f"{to}.BuyersCurrency", "FreshBooks", sale.path("currency"))
        explain.mark(f"{to}.ShipDate", "FreshBooks", sale.path("shipped"))
        explain.mark(f"{to}.InvoiceTypeCode", "kind of document", sale.source)
        explain.mark(f"{to}.TsetPurposeCode", "why it is sent")
        explain.mark(f"{to}.TradingPartnerId", "no order: partner pack", "pack.trading_partner_id")
        explain.mark(f"{to}.PurchaseOrderNumber", "no order: FreshBooks", sale.path("po_number"))
        if ordered is not None:
            for name in ("TradingPartnerId", "PurchaseOrderNumber"):
                explain.mark(f"{to}.{name}", theirs, f"order.Header.OrderHeader.{name}")
        for name in missing:
            explain.mark(f"{to}.{name}", "default of the partner pack", f"pack.header.{name}")
    return header


def _header_groups(
    sale: Sale, order: Order | None, pack: PartnerPack, explain: Explainer | None, findings: list[Finding]
) -> Fields:
    groups: Fields = {}
    if order is not None:
        groups, found = carry(
            order.Header,
            InvoiceHeaderGroup,
            place="Header",
            only=_ECHOED_GROUPS,
            explain=explain,
            to="Header",
        )
        findings += found
    if "CarrierInformation" not in groups and (carrier := carrier_of(pack, findings)):
        groups["CarrierInformation"] = [carrier]
        if explain is not None:
            explain.mark("Header.CarrierInformation", "default of the partner pack", "pack.carrier")
    if sale.original is not None:
        references = [*groups.get("References", ()), sale.original]
        groups["References"] = references
        if explain is not None:
            place = f"Header.References[{len(references) - 1}]"
            explain.mark(place, "the invoice that the credit names", sale.path("notes"))
    notes = " ".join(sale.notes.split())
    if notes:
        groups["Notes"] = [{"NoteCode": "GEN", "Note": notes}]
        if explain is not None:
            explain.mark("Header.Notes", "the invoice's own notes", sale.path("notes"))
    return groups


def _put_dispatch(
    header: Fields, groups: Fields, dispatch: Dispatch, explain: Explainer | None, findings: list[Finding]
) -> None:
    """How the goods really went, before what the order or the pack had in mind."""
    told = {
        "BillOfLadingNumber": dispatch.bill_of_lading,
        "CarrierProNumber": dispatch.pro_number,
        "ShipDate": dispatch.shipped.isoformat() if dispatch.shipped is not None else "",
    }
    header |= {name: text for name, text in told.items() if text}
    carrier, found = carry(dict(dispatch.carrier), Carrier, place="shipment.carrier")
    findings += found
    if carrier:
        groups["CarrierInformation"] = [carrier]
    if explain is not None:
        rule = f"shipment {dispatch.shipment_id}"
        for name, field_ in (("BillOfLadingNumber", "bill_of_lading"), ("CarrierProNumber", "pro_number")):
            explain.mark(f"Header.InvoiceHeader.{name}", rule, f"shipment.{field_}")
        if dispatch.shipped is not None:
            explain.mark("Header.InvoiceHeader.ShipDate", rule, "shipment.ship_date")
        if carrier:
            explain.mark("Header.CarrierInformation[0]", rule, "shipment.scac")


def carrier_of(pack: PartnerPack, findings: list[Finding]) -> Fields:
    """The carrier that the pack names for all shipments to this partner."""
    own = pack.carrier
    raw = {
        "CarrierTransMethodCode": own.method,
        "CarrierAlphaCode": own.scac,
        "CarrierRouting": own.routing,
    }
    carrier, found = carry(raw, Carrier, place="pack.carrier")
    findings += found
    return carrier


def _money(sale: Sale, order: Order | None, pack: PartnerPack, explain: Explainer | None) -> _Money:
    settled, findings = roles(sale.lines, order, pack)
    subtotal = sum((line.amount for line in sale.lines), ZERO)
    shares = [1 - sale.discount_percent / 100] if sale.discount_percent else []
    shares += [1 + sale.discount / subtotal] if sale.discount and subtotal else []
    expected = sale.total - subtotal - sale.discount if sale.total is not None else None
    taxation = tax_lines(sale.lines, shares or [Decimal(1)], expected)
    charges = Charges(order, pack, explain)
    money = _Money(settled, taxation, charges)
    for line, role, taxes in zip(sale.lines, settled, taxation.amounts, strict=True):
        if role.kind == "charge":
            charges.add_line(line, role, taxes, f"{sale.source}.{line.place}")
        elif role.kind == "item":
            money.sales += line.amount
    if sale.discount:
        charges.add_discount(
            -sale.discount,
            sale.discount_percent,
            (money.sales, subtotal),
            sale.discount_words,
            sale.path("discount"),
        )
    money.findings = findings + charges.findings + charges.not_invoiced()
    return money


def _items(
    sale: Sale, money: _Money, order: Order | None, pack: PartnerPack, explain: Explainer | None
) -> list[Fields]:
    items: list[Fields] = []
    for line, role, taxes in zip(sale.lines, money.settled, money.taxation.amounts, strict=True):
        if role.kind != "item":
            continue
        to, source = f"LineItem[{len(items)}]", f"{sale.source}.{line.place}"
        item, found = line_item(line, role, order, "Invoice", pack, explain, to, source)
        money.findings += found
        fields = item["InvoiceLine"]
        ordered = (
            order.LineItem[role.order_index] if order is not None and role.order_index is not None else None
        )
        inner = f"{to}.InvoiceLine"
        put_quantity(fields, "InvoiceQty", line, role, explain, inner)
        if not sale.credit:
            put_quantity(fields, "ShipQty", line, role, explain, inner)
        price = _sent_price(line)
        fields["PurchasePrice"] = plain_number(price)
        basis = price_basis(ordered, pack) if ordered is not None else None
        if basis:
            fields["PurchasePriceBasis"] = basis
        fields["ExtendedItemTotal"] = plain_number(line.amount)
        if abs(cents(line.quantity * price) - line.amount) > CENT:
            money.findings.append(extension_differs(line, price))
        if line.taxes:
            item["Taxes"] = tax_elements(line, taxes, pack)
        if explain is not None:
            quantity = f"{source}.{sale.paths['quantity']}"
            explain.mark(f"{inner}.InvoiceQty", "FreshBooks", quantity)
            explain.mark(f"{inner}.ShipQty", "what is invoiced was shipped", quantity)
            explain.mark(f"{inner}.PurchasePrice", "FreshBooks", f"{source}.unit_cost")
            explain.mark(f"{inner}.ExtendedItemTotal", "FreshBooks", f"{source}.amount")
            explain.mark(f"{to}.Taxes", f"after discount; {money.taxation.rule}", source)
        items.append(item)
    return items


def _sent_price(line: SaleLine) -> Decimal:
    """Up to four places, more only where the line's total needs them."""
    short = line.price.quantize(Decimal("0.0001"))
    return short if cents(short * line.quantity) == cents(line.price * line.quantity) else line.price


def _quantity_totals(items: list[Fields]) -> list[Fields]:
    """One total where one unit counts all lines; apples and cases are not added up."""
    units = {item["InvoiceLine"].get("InvoiceQtyUOM") for item in items}
    unit = units.pop() if len(units) == 1 else None
    if unit is None:
        return []
    quantity = sum((Decimal(str(item["InvoiceLine"]["InvoiceQty"])) for item in items), ZERO)
    return [{"QuantityTotalsQualifier": "SQT", "Quantity": plain_number(quantity), "QuantityUOM": unit}]
