"""One supplier: its connection in the stack, its accounts at both vendors, and what its people do there."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import requests

from connector.ledger import DocumentKey, Record, State
from local.simulators import RunningSimulator
from tests import builders
from tests.functions.gateway import Gateway
from tests.functions.stack import Stack

PARTNER = builders.PARTNER
REDIRECT_URI = "http://127.0.0.1:9/oauth/freshbooks/callback"
HOUR = 3600


@dataclass(frozen=True)
class Names:
    """What tells two suppliers apart; each has secrets of its own, all recognisable in any text."""

    id: str
    account_id: str
    business_id: int

    @property
    def sps_client(self) -> str:
        return f"sps-client-{self.id}"

    @property
    def freshbooks_secret(self) -> str:
        return f"planted-freshbooks-secret-of-{self.id}"

    @property
    def sps_secret(self) -> str:
        return f"planted-sps-secret-of-{self.id}"


ACME = Names("acme", "xZNQ1X", 77128)
BIRCH = Names("birch", "bRcH22", 88999)


class Business:
    """`expires_in` is what is left of the FreshBooks token's life when the test begins."""

    def __init__(
        self,
        names: Names,
        stack: Stack,
        sps: RunningSimulator,
        freshbooks: RunningSimulator,
        *,
        packs: tuple[dict[str, Any], ...] | None = None,
        expires_in: float = 12 * HOUR,
    ) -> None:
        self.names, self.id, self.stack = names, names.id, stack
        self.sps, self.freshbooks = sps.simulator, freshbooks.simulator
        self._url = freshbooks.url
        stack.vendors = [self.sps, self.freshbooks]
        self.tokens = freshbooks.simulator.add_account(
            {
                "account_id": names.account_id,
                "business_id": names.business_id,
                "client_id": f"app-{names.id}",
                "client_secret": names.freshbooks_secret,
            }
        )
        sps.simulator.add_account({"client_id": names.sps_client, "client_secret": names.sps_secret})
        self.settings: dict[str, Any] = {
            "id": names.id,
            "category": "Purchases",
            "freshbooks": {
                "account_id": names.account_id,
                "api_url": freshbooks.url,
                "authorize_url": f"{freshbooks.url}/oauth/authorize/",
                "redirect_uri": REDIRECT_URI,
            },
            "sps": {
                "api_url": f"{sps.url}/transactions/v5",
                "auth_check_url": f"{sps.url}/auth-check",
                "token_url": f"{sps.url}/oauth/token",
            },
            "profile": {
                "name": f"{names.id.title()} Supply LLC",
                "remit_to": "REMIT1",
                "Address1": "9 Factory Ln",
                "City": "Duluth",
                "State": "MN",
                "PostalCode": "55802",
                "Country": "USA",
            },
        }
        secrets = {
            "freshbooks": {
                "client_id": f"app-{names.id}",
                "client_secret": names.freshbooks_secret,
                "access_token": self.tokens["access_token"],
                "refresh_token": self.tokens["refresh_token"],
                "expires_at": time.time() + expires_in,
            },
            "sps": {"client_id": names.sps_client, "client_secret": names.sps_secret},
        }
        own = ({"trading_partner_id": PARTNER, "name": "Example Retail"},) if packs is None else packs
        stack.add_connection(self.settings, secrets, *own)

    # ------------------------------------------------------------------------------------------ at SPS

    def offer(self, name: str, content: Any) -> None:
        """SPS puts a file into the mailbox's `out/`."""
        data = content if isinstance(content, bytes) else builders.as_bytes(content)
        box = self.sps.mailboxes[self.names.sps_client]
        with self.sps.lock:
            self.sps._store(box, f"out/{name}", data, "http://127.0.0.1")

    @property
    def mailbox(self) -> dict[str, Any]:
        box: dict[str, Any] = self.sps.state()["accounts"][self.names.sps_client]
        return box

    @property
    def waiting(self) -> list[str]:
        """Paths that are in the mailbox now."""
        return [file["path"] for file in self.mailbox["files"]]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Every document that was uploaded."""
        return [json.loads(upload["content"]) for upload in self.mailbox["uploads"]]

    # ----------------------------------------------------------------------------------- at FreshBooks

    @property
    def books(self) -> dict[str, Any]:
        account: dict[str, Any] = self.freshbooks.state()["accounts"][self.names.account_id]
        return account

    @property
    def bills(self) -> list[dict[str, Any]]:
        bills: list[dict[str, Any]] = self.books["bills"]
        return bills

    def person(self, method: str, path: str, body: Any = None) -> Any:
        """A person at work in FreshBooks' web application."""
        grants = self.freshbooks.grants
        with self.freshbooks.lock:
            token = grants.admit(grants.mint(self.names.account_id), self.names.account_id)
        url = f"{self._url}/accounting/account/{self.names.account_id}/{path}"
        answer = requests.request(
            method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=5
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]["result"]

    def invoice(self, number: str = "0000421", **changes: Any) -> int:
        """Write and send an invoice of the order `PO_NUMBER`, all of its two lines; its id."""
        body = {"client": {"organization": "Example Retail Inc"}}
        customer = self.person("POST", "users/clients", body)["client"]["userid"]
        lines = [
            {
                "name": f"V-{n}",
                "description": f"Item {n}",
                "qty": "5",
                "unit_cost": {"amount": "20.00", "code": "USD"},
            }
            for n in (1, 2)
        ]
        invoice = {
            "customerid": customer,
            "create_date": "2026-03-11",
            "invoice_number": number,
            "lines": lines,
            "po_number": builders.PO_NUMBER,
            "due_offset_days": 30,
            "action_mark_as_sent": True,
            **changes,
        }
        made: int = self.person("POST", "invoices/invoices", {"invoice": invoice})["invoice"]["id"]
        return made

    def subscribe(self, gateway: Gateway, event: str = "invoice") -> int:
        """Register a callback and let its handshake through, as `connections add` does; the callback's id.

        The handshake is held back until the callback is on the list: what is written here meanwhile would pass for
        a call of the function that takes it.
        """
        admin = self.stack.admin
        client = admin.freshbooks(admin.connection(self.id))
        uri = f"{gateway.url}/webhooks/freshbooks/{self.id}/{event}"
        self.freshbooks.webhooks.arrange({"pause": True})
        callback = client.create_callback(event, uri)
        kept = admin.secrets.read(self.id, "webhooks") or {}
        admin.secrets.write(self.id, "webhooks", {**kept, event: {"callback_id": callback.callbackid}})
        self.freshbooks.webhooks.arrange({"pause": False})
        assert self.freshbooks.drain()
        self.stack.settle()
        return int(callback.callbackid)

    # ---------------------------------------------------------------------------------------- the stack

    def poll(self) -> list[dict[str, Any]]:
        """Poll the mailbox and let everything run to its end; the messages that failed."""
        self.stack.invoke("poll_sps", {"connection": self.id})
        return self.stack.settle()

    def record(
        self, type_: str = "order", number: str = builders.PO_NUMBER, way: Any = "in", partner: str = PARTNER
    ) -> Record:
        record = self.stack.admin.ledger.get(DocumentKey(self.id, way, partner, type_, number))
        assert record is not None, f"there is no {type_} {number}"
        return record

    def documents(self) -> dict[str, State]:
        """Every document that the ledger has of this connection, with its state."""
        return {
            record.key.id: record.state
            for way in ("in", "out")
            for record in self.stack.admin.ledger.in_states(self.id, way, frozenset(State))
        }
