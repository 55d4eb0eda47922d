"""A FreshBooks invoice as an RSX Shipment (856, ASN): what was invoiced was shipped.

An invoice knows the day (`fulfillment_date`) and the lines; carrier and addresses come from the order and the
partner pack. That makes a notice of order and items, without cartons: those need a shipment upload. Without a ship
date, a carrier, both addresses or an order no retailer can receive by it: nothing is sent, and `asn_data_missing`
says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from connector.documents.freshbooks import Client, Invoice
from connector.documents.order import Order
from connector.findings import Finding, Mapped, Trace
from connector.mapping.carry import Explainer
from connector.mapping.consignment import Consigned, Consignment, Piece
from connector.mapping.invoice_to_rsx import sale_of_invoice, sale_parties
from connector.mapping.lateness import outside_window
from connector.mapping.lines import roles
from connector.mapping.order_lines import ordered_lines
from connector.mapping.parties import put_dock
from connector.mapping.rsx_shipment import compose
from connector.mapping.shapes import names
from connector.rules.packs import PartnerPack
from connector.rules.profile import BusinessProfile

# An article that is not on the order, or twice, is wrong in a notice too; a price is not in it.
_OF_LINES = names("line_not_on_order line_ambiguous order_line_twice over_invoiced")


def invoice_to_shipment(
    invoice: Invoice,
    *,
    order: Order | None,
    client: Client | None = None,
    pack: PartnerPack,
    profile: BusinessProfile | None = None,
    purpose: str = "00",
    before: Mapping[str, Decimal] | None = None,
    trace: Trace | None = None,
) -> Mapped:
    """The RSX Shipment as plain JSON values in schema order, and what a person should know.

    Its id is the invoice number. `before` is what other shipments shipped of the order's lines. Never raises on
    what the models admit.
    """
    findings: list[Finding] = []
    explain = Explainer(trace) if trace is not None else None
    consignment = consignment_of_invoice(invoice, order, pack, profile, before, findings)
    if order is not None and consignment.shipped is not None:
        pieces = consignment.orders[0].pieces
        lines = sorted({p.role.order_index for p in pieces if p.role.order_index is not None})
        findings += outside_window(order, consignment.shipped, None, pack, lines=lines)
    parties, found = sale_parties(invoice, order, client, pack, "Shipment", explain)
    findings += found + put_dock(parties, {}, pack, profile, explain)
    return compose(consignment, parties, pack, purpose, explain, findings)


def consignment_of_invoice(
    invoice: Invoice,
    order: Order | None,
    pack: PartnerPack,
    profile: BusinessProfile | None,
    before: Mapping[str, Decimal] | None,
    findings: list[Finding],
) -> Consignment:
    """What the invoice says was shipped: its articles, on the day it names."""
    sale = sale_of_invoice(invoice, pack, profile, findings)
    settled, found = roles(sale.lines, order, pack)
    findings += [finding for finding in found if finding.code in _OF_LINES]
    pieces = [
        Piece(
            line,
            role,
            f"invoice.{line.place}",
            f"invoice.{line.place}.{sale.paths['quantity']}",
            "what is invoiced was shipped",
        )
        for line, role in zip(sale.lines, settled, strict=True)
        if role.kind == "item" and line.quantity > 0
    ]
    consigned = Consigned(
        order,
        sale.po_number,
        sale.path("po_number"),
        tuple(pieces),
        before=before or {},
        ordered=tuple(ordered_lines(order)) if order is not None else (),
    )
    return Consignment(
        "invoice",
        sale.number,
        (consigned,),
        sale.shipped,
        {
            "number": sale.path("number"),
            "shipped": sale.path("shipped"),
            "noticed": sale.path("issued"),
            "items": "invoice.lines",
        },
        noticed=sale.issued or sale.shipped,
    )
