"""The demo's closing account: every document of the day, counted at the vendors and not in our own ledger."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from xml.etree import ElementTree

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
        """The ledger's state; what followed a credit under a suffixed number is a revision of its first number."""
        first = self.records.get((kind, number)) or self.records.get((kind, re.sub(r"R\d+$", "", number)))
        return str(first["state"]) if first else "-"

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
            if order.now == []:
                word = (
                    "cancelled: its bill is deleted" if order.po_type != "IN" else "information only: no bill"
                )
                self._row("order", number, 0, len(found), word)
                continue
            note = "stated total is wrong, flagged" if order.stated_total is not None else ""
            note = "changed after it was billed" if order.now else note
            note = "its change came after its invoice: held for a person" if order.held else note
            if order.held and self._state("order", number) != "HELD":
                note = "! its change came after its invoice and was not held"
            wanted = expected_bill(order)
            if found and Decimal(str(found[0]["amount"]["amount"])) != wanted:
                note = f"! bill of {found[0]['amount']['amount']}, {wanted} expected"
            self._row("order", number, 1, len(found), note)

    def _files_sent(self) -> None:
        sent: Counter[tuple[str, str]] = Counter()
        totals: dict[tuple[str, str], Decimal | None] = {}
        own = {partner.id for partner in self.supplier.all_partners}
        for upload in self.uploads:
            one = Sent.of(upload)
            sent[one.kind, one.number] += 1
            totals[one.kind, one.number] = one.total
            if one.partner not in own:
                self._foreign(f"{one.kind} {one.number} of {one.partner}")
        wanted = self._invoiced() | dict(
            self.supplier.lifecycles.totals() if self.supplier.lifecycles else {}
        )
        for (kind, number), count in self.supplier.expected().items():
            note = f"sent {count} times: corrected or cancelled" if count > 1 else ""
            want = wanted.get((kind, number))
            if want is not None and (total := totals.get((kind, number), want)) != want:
                note = f"! total of {total}, {want} expected"
            self._row(kind, number, count, sent.pop((kind, number), 0), note)
        for (kind, number), count in sent.items():
            self._foreign(f"{kind} {number} sent {count} times")

    def _invoiced(self) -> dict[tuple[str, str], Decimal]:
        """What FreshBooks says of the invoices of the day."""
        amounts = {row["invoice_number"]: row["amount"]["amount"] for row in self.books["invoices"]}
        plans = self.supplier.sent_invoices
        return {("invoice", plan.number): Decimal(str(amounts[plan.number])) for plan in plans}


class Sent(NamedTuple):
    """An RSX document that SPS was sent, JSON or XML, as far as it is counted."""

    kind: str
    number: str
    partner: str
    total: Decimal | None

    @staticmethod
    def of(upload: Mapping[str, Any]) -> Sent:
        values = _values(upload["content"])
        partner = values["TradingPartnerId"]
        if "ShipmentIdentification" in values:
            return Sent("asn", values["ShipmentIdentification"], partner, None)
        if "InvoiceNumber" not in values:
            release = values.get("ReleaseNumber")
            number = values["PurchaseOrderNumber"] + (f"-{release}" if release else "")
            return Sent("ack", number, partner, None)
        kind = {"SELF": "bill", "CR": "credit"}.get(values["InvoiceTypeCode"], "invoice")
        return Sent(kind, values["InvoiceNumber"], partner, Decimal(values["TotalAmount"]))


def _values(content: str) -> dict[str, str]:
    """The elements of the document's main header, and its total."""
    if content.lstrip().startswith("<"):
        found: dict[str, str] = {}
        for element in ElementTree.fromstring(content.encode()).iter():  # noqa: S314 - written here
            if element.text and element.text.strip():
                found.setdefault(element.tag.rpartition("}")[2], element.text)
        return found
    document = json.loads(content, parse_float=str, parse_int=str)
    headers = [group for name, group in document["Header"].items() if name.endswith("Header")]
    return {**headers[0], **document.get("Summary", {})}


def expected_bill(order: PurchaseOrder) -> Decimal:
    """The bill's total; where shipments adjust it, the first order of a partner was shipped by half."""
    if not (order.shipped_half and order.partner.pack.get("shipments", {}).get("adjust_bill")):
        return order.total_now
    shipped = (
        line.item.extended(line.quantity // 2 if line.item.whole else line.quantity) for line in order.lines
    )
    return sum(shipped, Decimal()) - order.allowance
