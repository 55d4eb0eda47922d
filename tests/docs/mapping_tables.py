# ruff: noqa: T201 - it prints the page
"""`make docs`: docs/mapping-tables.md, made by running each mapping with its recorder on full documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from connector.documents.freshbooks import read_record
from connector.documents.order import Order
from connector.documents.reading import read_documents
from connector.findings import Mapped, Trace, explained
from connector.mapping.bill_to_rsx import bill_to_rsx
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.invoice_to_shipment import invoice_to_shipment
from connector.mapping.order_to_bill import order_to_bill
from connector.mapping.shipment_to_events import shipment_to_events
from connector.rules.packs import pack_of
from connector.rules.profile import BusinessProfile
from tests import builders

TODAY = date(2026, 3, 11)
PACK = pack_of(
    {
        "trading_partner_id": builders.PARTNER,
        "name": "Example Retail",
        "freshbooks": {"category": "Purchases", "category_id": 7, "vendor_id": 5},
        "invoices": {"asn": True},
        "bills": {"send": True},
        "carrier": {"scac": "RBTC", "routing": "Ground", "method": "M"},
        "addresses": {"RI": {"AddressLocationNumber": "REMIT1"}},
    }
)
PROFILE = BusinessProfile.model_validate(
    {
        "name": "Acme Supply",
        "remit_to": "R1",
        "Address1": "9 Factory Ln",
        "City": "Duluth",
        "State": "MN",
        "PostalCode": "55802",
        "Country": "USA",
    }
)
HEAD = """# Mapping tables

Made by `make docs` from the code: each mapping was run with its recorder on full documents, so this is what it does
and not what somebody remembers. A row is a field that is produced, where its value comes from, and the rule.
`connector map FILE --explain` says the same of your own document. A field that your document has nothing for is left
out; every element of an order that the target's schema has and that is not named here is carried over as it is.
"""
INDEX = re.compile(r"\[\d+\]")


def order() -> Order:
    lines = [builders.order_line(n) for n in (1, 2)]
    header = {
        "Address": [builders.address("ST"), builders.address("BT")],
        "ChargesAllowances": [builders.allowance(), builders.charge()],
    }
    [read] = read_documents(builders.as_bytes(builders.order(lines, header=header)))
    return read.document  # type: ignore[union-attr, return-value]


def record(document: dict[str, Any]) -> Any:
    _, [read] = read_record(builders.as_bytes(document))
    return read


def tables() -> list[tuple[str, Callable[[Trace], Mapped]]]:
    ordered = order()
    [shipped] = read_documents(builders.as_bytes(builders.shipment()))
    lines = [builders.fb_line(n, name=f"V-{n}") for n in (1, 2)]
    invoice = record(builders.fb_invoice(lines, po_number=ordered.number))
    bill = record(builders.bill())
    return [
        ("RSX Order to FreshBooks bill", lambda trace: order_to_bill(ordered, PACK, TODAY, trace)),
        (
            "RSX Shipment to events of the bill",
            lambda trace: shipment_to_events(shipped.document, {ordered.number: ordered}, PACK, trace=trace),  # type: ignore[union-attr, arg-type]
        ),
        (
            "FreshBooks invoice to RSX Invoice",
            lambda trace: invoice_to_rsx(invoice, order=ordered, pack=PACK, profile=PROFILE, trace=trace),
        ),
        (
            "FreshBooks invoice to RSX Shipment (ASN)",
            lambda trace: invoice_to_shipment(
                invoice, order=ordered, pack=PACK, profile=PROFILE, trace=trace
            ),
        ),
        (
            "FreshBooks bill to RSX Invoice (self-billed)",
            lambda trace: bill_to_rsx(bill, order=ordered, pack=PACK, profile=PROFILE, trace=trace),
        ),
    ]


def page() -> str:
    parts = [HEAD]
    for title, mapping in tables():
        trace: Trace = {}
        mapped = mapping(trace)
        rows: dict[tuple[str, str, str], None] = {}
        for path, _, source in explained(mapped.document, trace):
            sources = ", ".join(dict.fromkeys(f"`{INDEX.sub('[]', one)}`" for one in source.paths))
            rows[INDEX.sub("[]", path), sources, source.rule] = None
        cells = [f"| `{path}` | {sources} | {rule.replace('|', '/')} |" for path, sources, rule in rows]
        parts += [f"\n## {title}\n", "| field | from | rule |", "|---|---|---|", *cells]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(page(), end="")
