"""The demo: a whole day of business through the deployed template, and an account of it at the end.

Everything between the two vendors is the stack's own work: EventBridge schedules poll, SQS queues carry,
the HTTP API receives. The demo only plays the people and companies around it - retailers that put files
into the mailbox, clerks who write invoices in FreshBooks - and it asks the vendors, not the ledger, what
arrived there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests

from cli.connections import add_connection, poll_now
from cli.stack import Stack
from connector.ledger import FINAL, State
from connector.rules.packs import pack_of
from connector.settings import connection_of
from connector.usecases import packs, people
from connector.usecases.shipping import upload_shipments
from local.account import Account, Reckoning, Sent
from local.cloud import Cloud
from local.day import Supplier, make_day
from local.lifecycles import Step
from local.simulators.freshbooks import FreshBooksSimulator
from local.simulators.server import serve
from local.simulators.sps import SpsSimulator
from local.trade import Partner

STACK = "demo"
PHASE_SECONDS = 300.0  # most machines need a tenth of it
ANSWER_SECONDS = (
    60.0  # a vendor delivers its webhooks while it is asked to; functions start slowly on a busy machine
)
GROUPS = ("operator", "viewer")  # one person of each, called the same
PASSWORD = "Only-on-this-machine-1"  # noqa: S105 - of a stack that ends with the demo
CATEGORY = {"id": 65773, "category": "Retail purchase orders"}
Say = Callable[[str], None]


class DemoFailed(Exception):
    """A phase of the day did not come to its end in time."""


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
                STACK,
                {"ResolveInDoubtRate": "rate(1 minute)", "RefreshTokenRate": "rate(1 minute)"},
                progress=say,
            )
            self.stack = Stack(STACK, self.cloud.client, outputs)
            for group in GROUPS:
                self.cloud.add_person(group, PASSWORD, group)
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
            self.freshbooks_url,
            "/_control/accounts",
            {
                "account_id": supplier.account_id,
                "business_id": supplier.business_id,
                "name": supplier.name,
                "categories": [CATEGORY],
                **app,
            },
        )
        token = self._post(self.freshbooks_url, "/_control/token", {"account_id": supplier.account_id})
        person = self._person[supplier.id] = requests.Session()
        person.headers["Authorization"] = f"Bearer {token['access_token']}"
        for partner in supplier.all_partners:
            client = {"organization": partner.name, "email": "", "currency_code": "USD", "language": "en"}
            partner.client_id = self.api(supplier, "POST", "users/clients", {"client": client})["client"][
                "userid"
            ]
        for plan in supplier.invoices:
            plan.body["customerid"] = plan.partner.client_id if plan.partner else self._walk_in(supplier)
        for path, body in supplier.morning:
            self.deliver_file(supplier, path, body)
        connection = connection_of(
            {
                "id": supplier.id,
                "name": supplier.name,
                "category": CATEGORY["category"],
                "freshbooks": {
                    "account_id": supplier.account_id,
                    "api_url": self.freshbooks_url,
                    "authorize_url": f"{self.freshbooks_url}/oauth/authorize/",
                    "redirect_uri": f"{self.cloud.api_url}/oauth/freshbooks/callback",
                },
                "sps": {
                    "api_url": f"{self.sps_url}/transactions/v5",
                    "auth_check_url": f"{self.sps_url}/auth-check",
                    "token_url": f"{self.sps_url}/oauth/token",
                },
                "profile": {"name": supplier.name, "currency": "USD"},
            }
        )
        add_connection(
            self.stack,
            connection,
            sps=sps,
            sps_every="rate(1 minute)",
            freshbooks_every="rate(1 minute)",
            freshbooks={
                **app,
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
                "expires_at": time.time() + 43_200,
            },
            say=lambda text: say(f"connection {supplier.id}: {text}"),
        )
        world = self.stack.world(supplier.id)
        for partner in supplier.all_partners:
            if partner is not supplier.late_partner:
                packs.set_up_partner(world, pack_of(_pack(partner)))
        poll_now(self.stack, supplier.id)

    def _walk_in(self, supplier: Supplier) -> int:
        client = {"organization": "Corner shop", "email": "", "currency_code": "USD", "language": "en"}
        return int(self.api(supplier, "POST", "users/clients", {"client": client})["client"]["userid"])

    def deliver_file(self, supplier: Supplier, path: str, body: bytes) -> None:
        requests.put(
            f"{self.sps_url}/_control/mailbox/sps-{supplier.id}/{path}", data=body, timeout=ANSWER_SECONDS
        ).raise_for_status()

    def api(self, supplier: Supplier, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What a person does in FreshBooks."""
        url = f"{self.freshbooks_url}/accounting/account/{supplier.account_id}/{path}"
        response = self._person[supplier.id].request(method, url, json=body, timeout=ANSWER_SECONDS)
        response.raise_for_status()
        result: dict[str, Any] = response.json()["response"]["result"]
        return result

    @staticmethod
    def _post(url: str, path: str, body: Any) -> Any:
        response = requests.post(url + path, json=body, timeout=ANSWER_SECONDS)
        response.raise_for_status()
        return response.json()

    # ------------------------------------------------------------------ the day

    def play(self, say: Say, watch: Callable[[str], None] = lambda phase: None) -> Account:
        """The whole day; the account of it. `watch` is called about twice a second while something is awaited."""
        began = time.monotonic()
        say(
            "morning: orders and shipment advices wait in both mailboxes; "
            "FreshBooks is busy (429), refuses a token (401), and loses a reply"
        )
        self._post(
            self.freshbooks_url,
            "/_control/faults",
            [
                {"route": "POST .*/bills/bills", "kind": "429_seconds", "retry_after": 2, "count": 5},
                {"route": "POST .*/bills/bills", "kind": "401", "count": 1},
                {"route": "POST .*/bills/bills", "kind": "reset_after", "count": 1},
            ],
        )
        self._await(
            "orders become bills",
            lambda: all(self._billed(s) >= len(s.billed) for s in self.suppliers),
            watch,
        )
        say("SPS forgets all tokens; somebody sets up the partner whose order was parked")
        self._post(self.sps_url, "/_control/expire_tokens", {})
        for supplier in self.suppliers:
            if supplier.late_partner:
                packs.set_up_partner(self.stack.world(supplier.id), pack_of(_pack(supplier.late_partner)))
        say("noon: invoices and bills are written in FreshBooks; one webhook comes three times, one never")
        self._write_documents()
        self._await(
            "invoices reach SPS",
            lambda: all(not s.expected(noon=True) - self._sent(s) for s in self.suppliers),
            watch,
        )
        say(
            "afternoon: an order again under another name, more shipments, an invoice corrected after it was sent"
        )
        for supplier in self.suppliers:
            for path, body in supplier.afternoon:
                self.deliver_file(supplier, path, body)
            for plan in supplier.invoices:
                if plan.later is not None:
                    self.api(supplier, "PUT", f"invoices/invoices/{plan.body['id']}", {"invoice": plan.later})
            for bill in supplier.bills:
                self.api(supplier, "PUT", f"bills/bills/{bill.body['id']}", {"bill": bill.later})
            if supplier.lifecycles:
                self._do(supplier, supplier.lifecycles.partner, supplier.lifecycles.evening)
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
            if supplier.lifecycles:
                world, upload = self.stack.world(supplier.id), supplier.lifecycles.upload
                told = upload_shipments(world, upload, who="warehouse")
                if any(shipment["state"] == State.HELD for shipment in told["shipments"]):
                    raise DemoFailed(f"the warehouse's shipment is held: {told['shipments'][0]['reason']}")
                self._do(supplier, supplier.lifecycles.partner, supplier.lifecycles.noon)
            for bill in supplier.bills:
                body = {"bill": {**bill.body, "vendorid": vendors[bill.partner.id]}}
                bill.body["id"] = self.api(supplier, "POST", "bills/bills", body)["bill"]["id"]

    def _do(self, supplier: Supplier, partner: Partner, steps: list[Step]) -> None:
        """What clerks do with the invoices of the partner whose documents change."""
        ids = {row["invoice_number"]: row["id"] for row in self._books(supplier)["invoices"]}
        for step in steps:
            body = {"invoice": {"customerid": partner.client_id, **step.body}}
            match step.do:
                case "write":
                    self.api(supplier, "POST", "invoices/invoices", body)
                case "change":
                    self.api(supplier, "PUT", f"invoices/invoices/{ids[step.number]}", body)
                case "delete":
                    gone = {"invoice": {"vis_state": 1}}
                    self.api(supplier, "PUT", f"invoices/invoices/{ids[step.number]}", gone)

    def _await(self, phase: str, done: Callable[[], bool], watch: Callable[[str], None]) -> None:
        until = time.monotonic() + PHASE_SECONDS
        while not done():
            if time.monotonic() > until:
                raise DemoFailed(
                    f"{phase}: not within {PHASE_SECONDS:.0f} s; {self._unfinished()}see {self.cloud.log}"
                )
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
        numbers = {order.number for order in supplier.billed}
        return len({b["bill_number"] for b in self._books(supplier)["bills"] if b["bill_number"] in numbers})

    def _sent(self, supplier: Supplier) -> Counter[tuple[str, str]]:
        return Counter((one.kind, one.number) for one in map(Sent.of, self._uploads(supplier)))

    def _settled(self) -> bool:
        """Both mailboxes empty, the corrections sent, nothing on its way, and the last events taken in."""
        for supplier in self.suppliers:
            files = self.sps.state()["accounts"][f"sps-{supplier.id}"]["files"]
            if any(file["path"].lstrip("/").startswith("out/") for file in files):
                return False
            if supplier.expected() - self._sent(supplier):
                return False
            held = {order.number for order in supplier.orders if order.held}
            unfinished = self._records(supplier, set(State) - FINAL)
            if any(record["type"] != "file" and record["number"] not in held for record in unfinished):
                return False
            if {record["number"] for record in self._records(supplier, {State.HELD})} & held != held:
                return False
            if sum(
                r["type"] == "shipment" and r["state"] == "DELIVERED" for r in self.ledger(supplier)
            ) < len(supplier.shipments):
                return False
        return True

    def _records(self, supplier: Supplier, states: set[State]) -> Iterator[dict[str, Any]]:
        return people.documents(self.stack.wiring.ledger, supplier.id, states=states)

    def ledger(self, supplier: Supplier) -> list[dict[str, Any]]:
        return list(self._records(supplier, set(State)))

    def states(self) -> dict[str, Counter[str]]:
        """How many documents of each connection are in which state."""
        return {s.id: Counter(record["state"] for record in self.ledger(s)) for s in self.suppliers}

    def account(self) -> Account:
        """Every document of the day, counted at the vendors."""
        account = Account()
        for supplier in self.suppliers:
            Reckoning(
                account, supplier, self._books(supplier), self._uploads(supplier), self.ledger(supplier)
            ).count()
        return account


def _pack(partner: Any) -> dict[str, Any]:
    return {
        "trading_partner_id": partner.id,
        "name": partner.name,
        "freshbooks": {"client_ids": [partner.client_id]},
        "addresses": {
            "SF": {
                "AddressName": "Warehouse",
                "Address1": "9 Factory Lane",
                "City": "Duluth",
                "State": "MN",
                "PostalCode": "55802",
                "Country": "USA",
            }
        },
        **partner.pack,
    }
