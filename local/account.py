"""The demo's closing account: every document of the day, counted at the vendors and not in our own ledger."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.ledger import FINAL, State
from local.day import Supplier
from local.trade import PurchaseOrder


@dataclass
class Row:
    """One document of the day in the closing account."""

    connection: str
    kind: str
    number: str
    expected: int
    found: int
    state: str
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.expected == self.found and not self.note.startswith("!")


@dataclass
class Account:
    """What the day came to: a row a document, and what the vendors say of duplicates and losses."""

    rows: list[Row] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    absorbed: int = 0
    seconds: float = 0.0

    @property
    def duplicates(self) -> int:
        return sum(max(0, row.found - row.expected) for row in self.rows)

    @property
    def lost(self) -> int:
        return sum(max(0, row.expected - row.found) for row in self.rows)

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows) and not self.foreign and not self.open

    def figures(self) -> dict[str, Any]:
        return {
            "documents": len(self.rows),
            "duplicates": self.duplicates,
            "losses": self.lost,
            "wrong": sum(not row.ok for row in self.rows),
            "foreign": len(self.foreign),
            "open": len(self.open),
            "repeats_absorbed": self.absorbed,
            "seconds": round(self.seconds, 1),
        }


class Reckoning:
    """Counts one supplier's day into an account.

    `books` and `uploads` are what the FreshBooks and SPS simulators hold, `records` the ledger's summaries:
    those only name each document's state, and stand for shipments and unreadable files, which lead to no
    document at a vendor.
    """

    def __init__(
        self,
        account: Account,
        supplier: Supplier,
        books: Mapping[str, Any],
        uploads: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
    ) -> None:
        self.account = account
        self.supplier = supplier
        self.books = books
        self.uploads = uploads
        self.records = {(record["type"], record["number"]): record for record in records}

    def count(self) -> None:
        records = self.records.values()
        self.account.absorbed += sum(record["duplicates"] for record in records)
        self.account.open += [r["id"] for r in records if State(r["state"]) not in FINAL | {State.HELD}]
        self._bills()
        self._files_sent()
        for number in self.supplier.shipments:
            self._row("shipment", number, 1, int(self._state("shipment", number) == "DELIVERED"))
        unreadable = [record for record in records if record["type"] == "file"]
        for record in unreadable:
            parked = int(record["state"] == "HELD")
            self._row("file", record["number"], 1, parked, record["reason"].get("message", ""))
        if len(unreadable) != self.supplier.unreadable:
            self._foreign(f"{len(unreadable)} unreadable files, {self.supplier.unreadable} expected")

    def _state(self, kind: str, number: str) -> str:
        return str(self.records.get((kind, number), {"state": "-"})["state"])

    def _row(self, kind: str, number: str, expected: int, found: int, note: str = "") -> None:
        state = self._state(kind, number)
        self.account.rows.append(Row(self.supplier.id, kind, number, expected, found, state, note))

    def _foreign(self, text: str) -> None:
        self.account.foreign.append(f"{self.supplier.id}: {text}")

    def _bills(self) -> None:
        bills = [bill for bill in self.books["bills"] if not bill["vis_state"]]
        orders = {order.number: order for order in self.supplier.orders}
        known = {*orders, *(bill.number for bill in self.supplier.bills)}
        for bill in bills:
            if bill["bill_number"] not in known:
                self._foreign(f"bill {bill['bill_number']}")
        for number, order in orders.items():
            found = [bill for bill in bills if bill["bill_number"] == number]
            note = "stated total is wrong, flagged" if order.stated_total is not None else ""
            wanted = expected_bill(order)
            if found and Decimal(str(found[0]["amount"]["amount"])) != wanted:
                note = f"! bill of {found[0]['amount']['amount']}, {wanted} expected"
            self._row("order", number, 1, len(found), note)

    def _files_sent(self) -> None:
        sent: Counter[tuple[str, str]] = Counter()
        totals: dict[tuple[str, str], Decimal] = {}
        own = {partner.id for partner in self.supplier.all_partners}
        for upload in self.uploads:
            document = json.loads(upload["content"], parse_float=Decimal, parse_int=Decimal)
            kind, number, partner = _identity(document)
            sent[kind, number] += 1
            totals[kind, number] = document["Summary"].get("TotalAmount")
            if partner not in own:
                self._foreign(f"{kind} {number} of {partner}")
        invoices = {row["invoice_number"]: row for row in self.books["invoices"]}
        for plan in self.supplier.sent_invoices:
            wanted = Decimal(str(invoices[plan.number]["amount"]["amount"]))
            note = f"sent {plan.revisions} times: corrected" if plan.revisions > 1 else ""
            if (total := totals.get(("invoice", plan.number), wanted)) != wanted:
                note = f"! total of {total}, {wanted} in FreshBooks"
            self._row("invoice", plan.number, plan.revisions, sent.pop(("invoice", plan.number), 0), note)
        for plan in self.supplier.asns:
            self._row("asn", plan.number, 1, sent.pop(("asn", plan.number), 0))
        for bill in self.supplier.bills:
            self._row("bill", bill.number, 1, sent.pop(("bill", bill.number), 0))
        for (kind, number), count in sent.items():
            self._foreign(f"{kind} {number} sent {count} times")


def _identity(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """(kind, number, TradingPartnerId) of an RSX document that was sent."""
    header = document["Header"]
    if "ShipmentHeader" in header:
        shipment = header["ShipmentHeader"]
        return "asn", shipment["ShipmentIdentification"], shipment["TradingPartnerId"]
    invoice = header["InvoiceHeader"]
    kind = "bill" if invoice["InvoiceTypeCode"] == "SELF" else "invoice"
    return kind, invoice["InvoiceNumber"], invoice["TradingPartnerId"]


def expected_bill(order: PurchaseOrder) -> Decimal:
    """The bill's total; where shipments adjust it, the first order of a partner was shipped by half."""
    if not (order.shipped_half and order.partner.pack.get("shipments", {}).get("adjust_bill")):
        return order.total
    shipped = (
        line.item.extended(line.quantity // 2 if line.item.whole else line.quantity) for line in order.lines
    )
    return sum(shipped, Decimal()) - order.allowance
