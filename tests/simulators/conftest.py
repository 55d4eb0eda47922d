"""Both simulators served on free ports, and thin clients that say in one line what a call is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import requests

from local.simulators import FreshBooksSimulator, SpsSimulator, serve

TIMEOUT = 5


class Caller:
    """A simulator as a client sees it; `headers` carry the token once there is one."""

    def __init__(self, running: Any) -> None:
        self.simulator = running.simulator
        self.url = running.url
        self.headers: dict[str, str] = {}

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        options.setdefault("allow_redirects", False)
        options.setdefault("timeout", TIMEOUT)
        return requests.request(method, f"{self.url}{path}", headers=headers, **options)

    def control(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        response = requests.request(
            method, f"{self.url}/_control/{path}", json=body, timeout=TIMEOUT, **options
        )
        assert response.status_code == 200, response.text
        return response.json()

    def fault(self, kind: str, route: str = ".*", **options: Any) -> None:
        self.control("POST", "faults", {"route": route, "kind": kind, **options})


class Sps(Caller):
    CREDENTIALS: ClassVar[dict[str, Any]] = {"client_id": "shop", "client_secret": "s3cret"}

    def token(self, **changes: Any) -> requests.Response:
        body = {
            **self.CREDENTIALS,
            "grant_type": "client_credentials",
            "audience": "https://spscommerce.com",
            **changes,
        }
        return self.call("POST", "/oauth/token", json=body)

    def sign_in(self) -> None:
        self.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def offer(self, path: str, content: bytes = b"{}") -> None:
        url = f"{self.url}/_control/mailbox/shop/{path}"
        assert requests.put(url, data=content, timeout=TIMEOUT).status_code == 200

    def upload(self, path: str, content: bytes = b"{}", **headers: str) -> requests.Response:
        headers = {"Content-Type": "application/octet-stream", **headers}
        return self.call("POST", f"/transactions/v5/data/{path}", data=content, headers=headers)

    def listing(self, directory: str, **query: Any) -> requests.Response:
        return self.call("GET", f"/transactions/v5/data/{directory}", params=query)

    def account(self) -> dict[str, Any]:
        return self.control("GET", "state")["accounts"]["shop"]


class FreshBooks(Caller):
    ACCOUNT: ClassVar[dict[str, Any]] = {
        "account_id": "xZNQ1X",
        "business_id": 77128,
        "client_id": "app",
        "client_secret": "s3cret",
        "refresh_token": "first",
        "categories": [
            {"id": 3696445, "category": "Equipment"},
            {"id": 3696446, "category": "Advertising"},
        ],
    }

    def sign_in(self, account_id: str = "xZNQ1X") -> None:
        token = self.control("POST", "token", {"account_id": account_id})["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"

    def refresh(self, token: str, **changes: Any) -> requests.Response:
        body = {
            "grant_type": "refresh_token",
            "client_id": "app",
            "client_secret": "s3cret",
            "refresh_token": token,
        }
        return self.call("POST", "/auth/oauth/token", data={**body, **changes})

    def books(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        params = {key.replace("__", "[") + "]" if "__" in key else key: value for key, value in query.items()}
        return self.call(method, f"/accounting/account/xZNQ1X/{path}", json=body, params=params)

    def result(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        response = self.books(method, path, body, **query)
        assert response.status_code == 200, response.text
        return response.json()["response"]["result"]

    def client(self, **fields: Any) -> int:
        body = {"client": {"organization": "Example Retailer", **fields}}
        return self.result("POST", "users/clients", body)["client"]["userid"]

    def invoice(self, **fields: Any) -> dict[str, Any]:
        body = {"customerid": fields.pop("customerid", None) or self.client(), "create_date": "2026-04-16"}
        return self.result("POST", "invoices/invoices", {"invoice": body | fields})["invoice"]

    def vendor(self, **fields: Any) -> int:
        body = {"vendor_name": "Example Vendor", "currency_code": "USD", "language": "en", **fields}
        created = self.result("POST", "bill_vendors/bill_vendors", {"bill_vendor": body})
        return created["bill_vendor"]["vendorid"]

    def bill_body(self, **fields: Any) -> dict[str, Any]:
        line = {
            "categoryid": 3696445,
            "description": "Bowl",
            "quantity": 40,
            "unit_cost": {"amount": "2.50", "code": "USD"},
        }
        body = {
            "issue_date": "2026-04-16",
            "due_offset_days": 30,
            "currency_code": "USD",
            "lines": [line],
            **fields,
        }
        return {"bill": body}

    def bill(self, **fields: Any) -> dict[str, Any]:
        fields.setdefault("vendorid", None)
        fields["vendorid"] = fields["vendorid"] or self.vendor()
        return self.result("POST", "bills/bills", self.bill_body(**fields))["bill"]


@pytest.fixture
def sps() -> Iterator[Sps]:
    with serve(SpsSimulator()) as running:
        caller = Sps(running)
        caller.control("POST", "accounts", caller.CREDENTIALS)
        caller.sign_in()
        yield caller


@pytest.fixture
def freshbooks() -> Iterator[FreshBooks]:
    with serve(FreshBooksSimulator()) as running:
        caller = FreshBooks(running)
        caller.control("POST", "accounts", caller.ACCOUNT)
        caller.control("POST", "settings", {"retry_seconds": [0, 0, 0]})
        caller.sign_in()
        yield caller
