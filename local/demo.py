"""The demo: a whole day of business through the deployed template, and an account of it at the end.

Everything between the two vendors is the stack's own work: EventBridge schedules poll, SQS queues carry,
the HTTP API receives. The demo only plays the people and companies around it - retailers that put files
into the mailbox, clerks who write invoices in FreshBooks - and it asks the vendors, not the ledger, what
arrived there.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests

from cli.connections import add_connection, poll_now
from cli.stack import Stack
from connector.ledger import FINAL, State
from connector.rules.packs import pack_of
from connector.settings import connection_of
from connector.usecases import people
from local.cloud import Cloud
from local.day import Supplier, make_day
from local.simulators.freshbooks import FreshBooksSimulator
from local.simulators.server import serve
from local.simulators.sps import SpsSimulator

STACK = "demo"
PHASE_SECONDS = 120.0
CATEGORY = {"id": 65773, "category": "Retail purchase orders"}
Say = Callable[[str], None]


class DemoFailed(Exception):
    """A phase of the day did not come to its end in time."""


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


class Demo:
    """The running demo: two simulated vendors, the one-machine cloud, and the stack with two connections."""

    def __init__(self, seed: int, cloud: Cloud | None = None) -> None:
        self.suppliers = make_day(seed, datetime.now(UTC).date())
        self.sps, self.freshbooks = SpsSimulator(), FreshBooksSimulator()
        self.cloud = cloud or Cloud()
        self._exits = ExitStack()
        self._person: dict[str, requests.Session] = {}
        self.stack: Stack

    @contextmanager
    def running(self, say: Say) -> Iterator[Demo]:
        """Start everything; on leaving, however that happens, nothing of it is left behind."""
        with self._exits:
            say("starting the vendors' simulators")
            self.sps_url = self._exits.enter_context(serve(self.sps)).url
            self.freshbooks_url = self._exits.enter_context(serve(self.freshbooks)).url
            say("starting the one-machine cloud")
            self._exits.enter_context(self.cloud)
            outputs = self.cloud.deploy(
                STACK, {"ResolveInDoubtRate": "rate(1 minute)", "RefreshTokenRate": "rate(1 minute)"}, progress=say
            )
            self.stack = Stack(STACK, self.cloud.client, outputs)
            for supplier in self.suppliers:
                self._connect(supplier, say)
            yield self

    # ------------------------------------------------------------------ the companies and people around it

    def _connect(self, supplier: Supplier, say: Say) -> None:
        """Open the supplier's accounts at both vendors, write its clients, then add the connection."""
        sps = {"client_id": f"sps-{supplier.id}", "client_secret": f"sps-secret-of-{supplier.id}"}
        self._post(self.sps_url, "/_control/accounts", sps)
        app = {"client_id": f"fb-{supplier.id}", "client_secret": f"fb-secret-of-{supplier.id}"}
        tokens = self._post(
            self.freshbooks_url, "/_control/accounts",
            {"account_id": supplier.account_id, "business_id": supplier.business_id, "categories": [CATEGORY], **app},
        )  # fmt: skip
        token = self._post(self.freshbooks_url, "/_control/token", {"account_id": supplier.account_id})
        person = self._person[supplier.id] = requests.Session()
        person.headers["Authorization"] = f"Bearer {token['access_token']}"
        for partner in [*supplier.partners, *([supplier.late_partner] if supplier.late_partner else [])]:
            client = {"organization": partner.name, "email": "", "currency_code": "USD", "language": "en"}
            partner.client_id = self.api(supplier, "POST", "users/clients", {"client": client})["client"]["userid"]
        for plan in supplier.invoices:
            plan.body["customerid"] = plan.partner.client_id if plan.partner else self._walk_in(supplier)
        for path, body in supplier.morning:
            self.deliver_file(supplier, path, body)
        connection = connection_of(
            {
                "id": supplier.id, "name": supplier.name, "category": CATEGORY["category"],
                "freshbooks": {"account_id": supplier.account_id, "api_url": self.freshbooks_url,
                               "redirect_uri": "https://localhost/oauth/freshbooks/callback"},
                "sps": {"api_url": f"{self.sps_url}/transactions/v5", "auth_check_url": f"{self.sps_url}/auth-check",
                        "token_url": f"{self.sps_url}/oauth/token"},
                "profile": {"name": supplier.name, "currency": "USD"},
            }
        )  # fmt: skip
        add_connection(
            self.stack, connection, sps=sps, sps_every="rate(1 minute)", freshbooks_every="rate(1 minute)",
            freshbooks={**app, "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"],
                        "expires_at": time.time() + 43_200},
            say=lambda text: say(f"connection {supplier.id}: {text}"),
        )  # fmt: skip
        world = self.stack.world(supplier.id)
        for partner in supplier.partners:
            people.set_up_partner(world, pack_of(_pack(partner)))
        poll_now(self.stack, supplier.id)

    def _walk_in(self, supplier: Supplier) -> int:
        client = {"organization": "Corner shop", "email": "", "currency_code": "USD", "language": "en"}
        return int(self.api(supplier, "POST", "users/clients", {"client": client})["client"]["userid"])

    def deliver_file(self, supplier: Supplier, path: str, body: bytes) -> None:
        requests.put(f"{self.sps_url}/_control/mailbox/sps-{supplier.id}/{path}", data=body, timeout=10).raise_for_status()

    def api(self, supplier: Supplier, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What a person does in FreshBooks."""
        url = f"{self.freshbooks_url}/accounting/account/{supplier.account_id}/{path}"
        response = self._person[supplier.id].request(method, url, json=body, timeout=10)
        response.raise_for_status()
        result: dict[str, Any] = response.json()["response"]["result"]
        return result

    @staticmethod
    def _post(url: str, path: str, body: Any) -> Any:
        response = requests.post(url + path, json=body, timeout=10)
        response.raise_for_status()
        return response.json()

    # ------------------------------------------------------------------ the day

    def play(self, say: Say, watch: Callable[[str], None] = lambda phase: None) -> Account:
        """The whole day; the account of it. `watch` is called about twice a second while something is awaited."""
        began = time.monotonic()
        say("morning: orders and shipment advices wait in both mailboxes; FreshBooks is busy (429) and forgets a token (401)")
        self._post(self.freshbooks_url, "/_control/faults", [
            {"route": "POST .*/bills/bills", "kind": "429_seconds", "retry_after": 2, "count": 5},
            {"route": "POST .*/bills/bills", "kind": "401", "count": 1},
            {"route": "POST .*/bills/bills", "kind": "reset_after", "count": 1},
        ])  # fmt: skip
        due = [s for s in self.suppliers]
        self._await("orders become bills", lambda: all(self._billed(s) >= len(_own_orders(s)) for s in due), watch)
        say("SPS forgets all tokens; somebody sets up the partner whose order was parked")
        self._post(self.sps_url, "/_control/expire_tokens", {})
        for supplier in self.suppliers:
            if supplier.late_partner:
                people.set_up_partner(self.stack.world(supplier.id), pack_of(_pack(supplier.late_partner)))
        say("noon: invoices and bills are written in FreshBooks; one webhook comes three times, one never")
        self._write_documents()
        self._await("invoices reach SPS", lambda: all(self._sent(s) >= self._expected_now(s) for s in self.suppliers), watch)
        say("afternoon: an order again under another name, more shipments, an invoice corrected after it was sent")
        for supplier in self.suppliers:
            for path, body in supplier.afternoon:
                self.deliver_file(supplier, path, body)
            for plan in supplier.invoices:
                if plan.later is not None:
                    self.api(supplier, "PUT", f"invoices/invoices/{plan.body['id']}", {"invoice": plan.later})
            poll_now(self.stack, supplier.id)
        self._await("everything is settled", lambda: self._settled(), watch)
        say("evening: SPS takes what was sent")
        for supplier in self.suppliers:
            self._post(self.sps_url, f"/_control/pickup/sps-{supplier.id}", {})
        account = self.account()
        account.seconds = time.monotonic() - began
        return account

    def _write_documents(self) -> None:
        first = True
        for supplier in self.suppliers:
            vendors = {v["account_number"]: v["vendorid"] for v in self._books(supplier)["bill_vendors"]}
            for plan in supplier.invoices:
                if first:
                    self._post(self.freshbooks_url, "/_control/webhooks", {"repeat_next": 3, "count": 1})
                elif plan is supplier.invoices[1]:
                    self._post(self.freshbooks_url, "/_control/drain", {})
                    self._post(self.freshbooks_url, "/_control/webhooks", {"drop_next": 1})
                first = False
                made = self.api(supplier, "POST", "invoices/invoices", {"invoice": plan.body})["invoice"]
                plan.body["id"], plan.total = made["id"], Decimal(made["amount"]["amount"])
            for bill in supplier.bills:
                body = {"bill": {**bill.body, "vendorid": vendors[bill.partner.id]}}
                self.api(supplier, "POST", "bills/bills", body)

    def _await(self, phase: str, done: Callable[[], bool], watch: Callable[[str], None]) -> None:
        until = time.monotonic() + PHASE_SECONDS
        while not done():
            if time.monotonic() > until:
                raise DemoFailed(f"{phase}: not within {PHASE_SECONDS:.0f} s; {self._unfinished()}see {self.cloud.log}")
            watch(phase)
            time.sleep(0.4)

    def _unfinished(self) -> str:
        told = [
            f"{record['id']} is {record['state']} {record['reason'].get('message', '')}"
            for supplier in self.suppliers
            for record in self._records(supplier, set(State) - FINAL)
        ]
        return "".join(f"{line}; " for line in told)

    # ------------------------------------------------------------------ what the vendors have

    def _books(self, supplier: Supplier) -> dict[str, Any]:
        books: dict[str, Any] = self.freshbooks.state()["accounts"][supplier.account_id]
        return books

    def _uploads(self, supplier: Supplier) -> list[dict[str, Any]]:
        uploads: list[dict[str, Any]] = self.sps.state()["accounts"][f"sps-{supplier.id}"]["uploads"]
        return uploads

    def _billed(self, supplier: Supplier) -> int:
        numbers = {order.number for order in _own_orders(supplier)}
        return len({b["bill_number"] for b in self._books(supplier)["bills"] if b["bill_number"] in numbers})

    def _sent(self, supplier: Supplier) -> int:
        return len(self._uploads(supplier))

    def _expected_now(self, supplier: Supplier) -> int:
        return len(supplier.sent_invoices) + len(supplier.asns) + len(supplier.bills)

    def _settled(self) -> bool:
        """Both mailboxes empty, the corrections sent, nothing on its way, and the last events taken in."""
        for supplier in self.suppliers:
            files = self.sps.state()["accounts"][f"sps-{supplier.id}"]["files"]
            if any(file["path"].lstrip("/").startswith("out/") for file in files):
                return False
            if self._sent(supplier) < self._expected_now(supplier) + sum(p.revisions - 1 for p in supplier.sent_invoices):
                return False
            if any(record["type"] != "file" for record in self._records(supplier, set(State) - FINAL)):
                return False
            if sum(r["type"] == "shipment" and r["state"] == "DELIVERED" for r in self.ledger(supplier)) < len(supplier.shipments):
                return False
        return True

    def _records(self, supplier: Supplier, states: set[State]) -> Iterator[dict[str, Any]]:
        return people.documents(self.stack.wiring.ledger, supplier.id, states=states)

    def ledger(self, supplier: Supplier) -> list[dict[str, Any]]:
        return list(self._records(supplier, set(State)))

    def states(self) -> dict[str, Counter[str]]:
        """How many documents of each connection are in which state."""
        return {s.id: Counter(record["state"] for record in self.ledger(s)) for s in self.suppliers}

    # ------------------------------------------------------------------ the account

    def account(self) -> Account:
        account = Account()
        for supplier in self.suppliers:
            records = {(r["type"], r["number"]): r for r in self.ledger(supplier)}
            account.absorbed += sum(record["duplicates"] for record in records.values())
            account.open += [r["id"] for r in records.values() if State(r["state"]) not in FINAL | {State.HELD}]
            self._count_bills(account, supplier, records)
            self._count_uploads(account, supplier, records)
            for number in supplier.shipments:
                record = records.get(("shipment", number), {"state": "-"})
                account.rows.append(Row(supplier.id, "shipment", number, 1, int(record["state"] == "DELIVERED"), record["state"]))
            unreadable = [r for r in records.values() if r["type"] == "file"]
            account.rows += [
                Row(supplier.id, "file", r["number"], 1, int(r["state"] == "HELD"), r["state"], r["reason"].get("message", ""))
                for r in unreadable
            ]
            if len(unreadable) != supplier.unreadable:
                account.foreign.append(f"{supplier.id}: {len(unreadable)} unreadable files, {supplier.unreadable} expected")
        return account

    def _count_bills(self, account: Account, supplier: Supplier, records: dict[tuple[str, str], Any]) -> None:
        bills = [bill for bill in self._books(supplier)["bills"] if not bill["vis_state"]]
        ours = {order.number: order for order in supplier.orders}
        by_hand = {bill.number for bill in supplier.bills}
        account.foreign += [f"{supplier.id}: bill {b['bill_number']}" for b in bills if b["bill_number"] not in {*ours, *by_hand}]
        for number, order in ours.items():
            found = [bill for bill in bills if bill["bill_number"] == number]
            wanted = _expected_bill(order)
            note = "stated total is wrong, flagged" if order.stated_total is not None else ""
            if found and Decimal(str(found[0]["amount"]["amount"])) != wanted:
                note = f"! bill of {found[0]['amount']['amount']}, {wanted} expected"
            account.rows.append(Row(supplier.id, "order", number, 1, len(found), records.get(("order", number), {"state": "-"})["state"], note))

    def _count_uploads(self, account: Account, supplier: Supplier, records: dict[tuple[str, str], Any]) -> None:
        sent: Counter[tuple[str, str]] = Counter()
        totals: dict[str, Decimal] = {}
        own = {partner.id for partner in supplier.partners} | ({supplier.late_partner.id} if supplier.late_partner else set())
        for upload in self._uploads(supplier):
            document = json.loads(upload["content"], parse_float=Decimal, parse_int=Decimal)
            header = document["Header"]
            if "InvoiceHeader" in header:
                kind = "bill" if header["InvoiceHeader"]["InvoiceTypeCode"] == "SELF" else "invoice"
                number = header["InvoiceHeader"]["InvoiceNumber"]
                totals[number] = document["Summary"]["TotalAmount"]
                partner = header["InvoiceHeader"]["TradingPartnerId"]
            else:
                kind, number = "asn", document["OrderLevel"][0]["OrderHeader"]["PurchaseOrderNumber"]
                partner = header["ShipmentHeader"]["TradingPartnerId"]
            sent[kind, number] += 1
            if partner not in own:
                account.foreign.append(f"{supplier.id}: {kind} {number} of {partner}")
        for plan in supplier.sent_invoices:
            books = {row["invoice_number"]: row for row in self._books(supplier)["invoices"]}
            wanted = Decimal(str(books[plan.number]["amount"]["amount"]))
            note = f"sent {plan.revisions} times: corrected" if plan.revisions > 1 else ""
            if plan.number in totals and totals[plan.number] != wanted:
                note = f"! total of {totals[plan.number]}, {wanted} in FreshBooks"
            account.rows.append(Row(supplier.id, "invoice", plan.number, plan.revisions, sent.pop(("invoice", plan.number), 0),
                                    records.get(("invoice", plan.number), {"state": "-"})["state"], note))  # fmt: skip
        for plan in supplier.asns:
            assert plan.order is not None
            account.rows.append(Row(supplier.id, "asn", plan.number, 1, sent.pop(("asn", plan.order.number), 0),
                                    records.get(("asn", plan.number), {"state": "-"})["state"]))  # fmt: skip
        for bill in supplier.bills:
            account.rows.append(Row(supplier.id, "bill", bill.number, 1, sent.pop(("bill", bill.number), 0),
                                    records.get(("bill", bill.number), {"state": "-"})["state"]))  # fmt: skip
        account.foreign += [f"{supplier.id}: {kind} {number} sent {n} times" for (kind, number), n in sent.items()]


def _own_orders(supplier: Supplier) -> list[Any]:
    return [order for order in supplier.orders if order.partner is not supplier.late_partner]


def _pack(partner: Any) -> dict[str, Any]:
    return {
        "trading_partner_id": partner.id,
        "name": partner.name,
        "freshbooks": {"client_ids": [partner.client_id]},
        "addresses": {"SF": {"AddressName": "Warehouse", "Address1": "9 Factory Lane", "City": "Duluth", "State": "MN",
                             "PostalCode": "55802", "Country": "USA"}},
        **partner.pack,
    }  # fmt: skip


def _expected_bill(order: Any) -> Decimal:
    """The bill's total; where shipments adjust it, the first order of a partner was shipped by half."""
    if order.shipped_half and order.partner.pack.get("shipments", {}).get("adjust_bill"):
        shipped = (
            line.item.extended(line.quantity // 2 if line.item.whole else line.quantity) for line in order.lines
        )
        return sum(shipped, Decimal()) - order.allowance
    total: Decimal = order.total
    return total
