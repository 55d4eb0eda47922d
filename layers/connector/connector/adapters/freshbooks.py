"""FreshBooks' accounting API: invoices, clients, bills, vendors, categories, webhooks, and who we are.

Errors come in seven envelopes, some with HTTP 200 (`read_problem`), and are told apart by errno first:

    1011 1012 404 410       NotFound            41001 31001 41101 12001   PlanLacksFeature
    1003 1038 403           Forbidden           409                       Busy (NotSent): again later
    500 (an errno too)      as a 5xx            other errno, other 4xx    Refused, with errno, field, message
    401                     the token is read again once, then Unauthenticated
    all else                the table of `adapters.http`; what writes a record is not safe to repeat

Unknown keys and filters are ignored by FreshBooks without a word, so filters are checked on the rows.
Source: reference/freshbooks.md, sections 2 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from connector.adapters.freshbooks_errors import VENDOR, object_of, read_problem, refusal, rows_of
from connector.adapters.freshbooks_oauth import OAuthClient, TokenSet
from connector.adapters.http import HttpClient, Params, Response
from connector.documents.freshbooks import (
    Bill,
    BillVendor,
    Callback,
    Client,
    Estimate,
    ExpenseCategory,
    Invoice,
    Item,
    Record,
    Sale,
    bad_input,
)
from connector.errors import BadInput, BadUse, CheckFailed, NotFound

__all__ = [
    "AccessTokens",
    "FreshBooksClient",
    "FreshBooksSettings",
    "OAuthClient",
    "TokenSet",
]

T = TypeVar("T", bound=Record)

MAX_PAGE_SIZE = 100  # FreshBooks' own silent cap
_LINES = [("include[]", "lines")]
_SALES: dict[Sale, tuple[type[Invoice], str]] = {
    "invoice": (Invoice, "/invoices/invoices"),
    "estimate": (Estimate, "/estimates/estimates"),
}


@dataclass(frozen=True, slots=True)
class FreshBooksSettings:
    """Where the API is, and whose account. `bill_includes`: what bills are asked to come with."""

    account_id: str
    api_url: str = "https://api.freshbooks.com"
    page_size: int = 100
    total_seconds: float = 20.0
    bill_includes: tuple[str, ...] = ("lines", "vendor")


class AccessTokens(Protocol):
    def access_token(self, stale: str | None = None) -> str:
        """A token to use; with `stale`, one that was read again because that one was answered with 401."""
        ...


class FreshBooksClient:
    """One FreshBooks account."""

    def __init__(self, settings: FreshBooksSettings, tokens: AccessTokens, http: HttpClient) -> None:
        self._settings = settings
        self._tokens = tokens
        self._http = http
        api_url = settings.api_url.rstrip("/")
        self._accounting = f"{api_url}/accounting/account/{settings.account_id}"
        self._events = f"{api_url}/events/account/{settings.account_id}"
        self._me = f"{api_url}/auth/api/v1/users/me"
        self._bill_includes = [("include[]", name) for name in settings.bill_includes]
        self._filters_vendors: bool | None = None

    def ready(self) -> None:
        """Raises while FreshBooks is left alone, without asking it."""
        self._http.ready()

    # ------------------------------------------------------------------------------------- money in

    def get_invoice(self, invoice_id: int) -> Invoice:
        """The invoice with its lines; a deleted one is answered too (`is_deleted`)."""
        params = [("include[]", "lines")]
        return self._get(Invoice, "invoice", "/invoices/invoices", invoice_id, params)

    def list_invoices(self, updated_min: date | None = None, *, deleted: bool = False) -> Iterator[Invoice]:
        """All invoices with lines, changed on or after a day in New York; `deleted`: those alone."""
        params = [("include[]", "lines")]
        if updated_min is not None:
            params.append(("search[updated_min]", updated_min.isoformat()))
        if deleted:
            params.append(("search[vis_state]", "1"))
        rows = self._pages(Invoice, "invoices", "/invoices/invoices", params)
        return (row for row in rows if row.is_deleted or not deleted)

    # What an order may become instead of a bill. Of estimates only their existence is known (scope, events, the
    # DELETE verb): they are taken to be like invoices, and what was written is read back by the caller.

    def get_sale(self, sale: Sale, sale_id: int) -> Invoice:
        """An invoice or estimate with its lines; a deleted one is answered too (`is_deleted`)."""
        model, path = _SALES[sale]
        return self._get(model, sale, path, sale_id, _LINES)

    def find_sales(self, sale: Sale, customer_id: int, number: str) -> list[Invoice]:
        """The client's invoices or estimates, not deleted, that have `number` as their own and as PO number."""
        model, path = _SALES[sale]
        params = [*_LINES, ("search[customerid]", str(customer_id)), (f"search[{sale}_number]", number)]
        return [
            row
            for row in self._pages(model, f"{sale}s", path, params)
            if not row.is_deleted
            and row.customerid == customer_id
            and row.invoice_number == row.po_number == number
        ]

    def create_sale(self, sale: Sale, body: dict[str, Any]) -> Invoice:
        """Creates at each call, like `create_bill`."""
        model, path = _SALES[sale]
        return self._write(model, sale, "POST", path, None, body, _LINES)

    def update_sale(self, sale: Sale, sale_id: int, body: dict[str, Any]) -> Invoice:
        """Changes the keys given; `lines` are replaced as a set."""
        model, path = _SALES[sale]
        return self._write(model, sale, "PUT", path, sale_id, body, _LINES)

    def delete_sale(self, sale: Sale, sale_id: int) -> None:
        """One that is gone already is fine."""
        path = _SALES[sale][1]
        response = self._send("DELETE", f"{self._accounting}{path}/{sale_id:d}", f"{path}/{{id}}")
        if response.status != 404 and (response.body.strip() or not response.ok):
            self._payload(response)

    def get_client(self, client_id: int) -> Client:
        return self._get(Client, "client", "/users/clients", client_id)

    def list_items(self) -> Iterator[Item]:
        return self._pages(Item, "items", "/items/items")

    # ------------------------------------------------------------------------------------- money out

    def get_bill(self, bill_id: int) -> Bill:
        """The bill; a deleted one is answered too (`is_deleted`)."""
        return self._get(Bill, "bill", "/bills/bills", bill_id, self._bill_includes)

    def list_bills(self, vendor_id: int | None = None, *, deleted: bool = False) -> Iterator[Bill]:
        """All bills or one vendor's, not deleted, or the deleted ones alone.

        FreshBooks may not say whose a bill is, and may ignore the vendor filter. If it does both, nobody can
        tell: `CheckFailed` leaves the answer to a person.
        """
        for bill in self._bills(vendor_id, deleted):
            if vendor_id is not None and bill.vendorid is None:
                self._must_filter_vendors()
            yield bill

    def find_bills(self, vendor_id: int, bill_number: str) -> list[Bill]:
        """The vendor's bills, not deleted, of exactly that number; `CheckFailed` as for `list_bills`."""
        number = bill_number.strip()
        bills = (bill for bill in self._bills(vendor_id, deleted=False) if not bill.is_deleted)
        found = [bill for bill in bills if bill.bill_number.strip() == number]
        if any(bill.vendorid is None for bill in found):
            self._must_filter_vendors()
        return found

    def _bills(self, vendor_id: int | None, deleted: bool) -> Iterator[Bill]:
        params = list(self._bill_includes)
        if vendor_id is not None:
            params.append(("search[vendorid]", str(vendor_id)))
        if deleted:
            params.append(("search[vis_state]", "1"))
        for bill in self._pages(Bill, "bills", "/bills/bills", params):
            if (bill.is_deleted or not deleted) and vendor_id in (None, bill.vendorid or vendor_id):
                yield bill

    def _must_filter_vendors(self) -> None:
        """Asks once for the bills of a vendor that cannot exist: any row says: ignored."""
        if self._filters_vendors is None:
            params: Params = [("search[vendorid]", "2147483647"), ("page", 1), ("per_page", 1)]
            try:
                asked = self._ask("GET", f"{self._accounting}/bills/bills", "/bills/bills", params=params)
                self._filters_vendors = not rows_of(*asked, "bills")
            except NotFound:
                self._filters_vendors = True  # it looked for the vendor
        if not self._filters_vendors:
            raise CheckFailed(
                "FreshBooks does not tell whose this bill is",
                code="vendor_unknown",
                fix="look the bill up in FreshBooks, then confirm or repeat this document by hand",
            )

    def create_bill(self, body: dict[str, Any]) -> Bill:
        """Creates at each call: FreshBooks knows no idempotency key and no unique numbers.

        As everywhere here `body` is the object, or the object below its name: `{"bill": {...}}`.
        """
        return self._write(Bill, "bill", "POST", "/bills/bills", None, body, self._bill_includes)

    def update_bill(self, bill_id: int, body: dict[str, Any]) -> Bill:
        """Changes the keys given; `lines` are replaced as a set. Unproven there: compare afterwards."""
        change = body.get("bill", body)
        if "vis_state" in change and len(change) > 1:
            raise BadUse("FreshBooks would drop all the rest beside vis_state: send it alone")
        return self._write(Bill, "bill", "PUT", "/bills/bills", bill_id, body, self._bill_includes)

    def delete_bill(self, bill_id: int) -> Bill:
        return self.update_bill(bill_id, {"vis_state": 1})

    def list_vendors(self) -> Iterator[BillVendor]:
        """All vendors, not deleted; FreshBooks has no filter for them that works."""
        return self._pages(BillVendor, "bill_vendors", "/bill_vendors/bill_vendors")

    def create_vendor(self, body: dict[str, Any]) -> BillVendor:
        """`vendor_name`, `currency_code` and `language` are required."""
        return self._write(BillVendor, "bill_vendor", "POST", "/bill_vendors/bill_vendors", None, body)

    def list_categories(self) -> Iterator[ExpenseCategory]:
        return self._pages(ExpenseCategory, "categories", "/expenses/categories")

    # ------------------------------------------------------------------------------------- webhooks, account

    def list_callbacks(self) -> Iterator[Callback]:
        return self._pages(Callback, "callbacks", "/events/callbacks", base=self._events)

    def create_callback(self, event: str, uri: str) -> Callback:
        """Registers one event; FreshBooks then sends a verifier to the uri, see `verify_callback`."""
        body = {"event": event, "uri": uri}
        return self._write(Callback, "callback", "POST", "/events/callbacks", None, body, base=self._events)

    def verify_callback(self, callback_id: int, verifier: str) -> Callback:
        return self._change_callback(callback_id, {"verifier": verifier})

    def resend_callback(self, callback_id: int) -> Callback:
        """Asks FreshBooks to send the verifier again."""
        return self._change_callback(callback_id, {"resend": True})

    def delete_callback(self, callback_id: int) -> None:
        """One that is gone already is fine."""
        url, path = f"{self._events}/events/callbacks/{callback_id}", "/events/callbacks/{id}"
        response = self._send("DELETE", url, path)
        if response.status != 404 and (response.body.strip() or not response.ok):
            self._payload(response)

    def users_me(self) -> dict[str, Any]:
        """The signed-in user; `documents.freshbooks.read_businesses` finds the accounts in it."""
        response, payload = self._ask("GET", self._me, "/users/me")
        answer = payload.get("response")
        if not isinstance(answer, dict):
            raise response.unreadable("there is no user in the answer")
        return answer

    def _change_callback(self, callback_id: int, change: dict[str, Any]) -> Callback:
        body = {"callback_id": callback_id, **change}
        path = "/events/callbacks"
        return self._write(Callback, "callback", "PUT", path, callback_id, body, base=self._events)

    # ------------------------------------------------------------------------------------- how it is asked

    def _get(self, model: type[T], key: str, path: str, record_id: int, params: Params = ()) -> T:
        url = f"{self._accounting}{path}/{record_id:d}"
        response, payload = self._ask("GET", url, f"{path}/{{id}}", params=params)
        try:
            return model.model_validate(object_of(response, payload, key))
        except ValidationError as error:
            raise bad_input(error, key) from error

    def _write(
        self,
        model: type[T],
        key: str,
        method: str,
        path: str,
        record_id: int | None,
        body: dict[str, Any],
        params: Params = (),
        base: str | None = None,
    ) -> T:
        url, template = f"{base or self._accounting}{path}", path
        if record_id is not None:
            url, template = f"{url}/{record_id:d}", f"{path}/{{id}}"
        response, payload = self._ask(
            method, url, template, params=params, json=body if key in body else {key: body}
        )
        try:
            return model.model_validate(object_of(response, payload, key))
        except ValidationError as error:  # it acted, but with what we cannot read
            raise response.unreadable(f"the {key} in the answer cannot be read") from error

    def _pages(
        self, model: type[T], key: str, path: str, params: Params = (), base: str | None = None
    ) -> Iterator[T]:
        """Every row of every page, once; read again from the start, once, if rows shifted meanwhile.

        A row that cannot be read does not stop its neighbours: it is raised as `BadInput` after them all.
        """
        given: dict[Any, Any] = {}
        unreadable: BadInput | None = None
        for _ in (1, 2):
            totals: list[int | None] = []
            count = 0
            for page, (rows, total) in enumerate(self._each_page(key, path, params, base), 1):
                totals.append(total)
                count += len(rows)
                for index, row in enumerate(rows):
                    name = row.get("id") or row.get(f"{key[:-1]}id") or row.get("vendorid") or (page, index)
                    if given.get(name) == row:
                        continue
                    given[name] = row
                    try:
                        record = model.model_validate(row)
                    except ValidationError as error:
                        unreadable = unreadable or bad_input(error, f"{key}[id={name}]")
                    else:
                        yield record
            if len(totals) < 2 or (len(set(totals)) == 1 and totals[0] in (None, count)):
                break
        if unreadable is not None:
            raise unreadable

    def _each_page(
        self, key: str, path: str, params: Params, base: str | None
    ) -> Iterator[tuple[list[dict[str, Any]], int | None]]:
        url = f"{base or self._accounting}{path}"
        size = min(self._settings.page_size, MAX_PAGE_SIZE)
        page = 1
        while True:
            asked: Params = [*params, ("page", page), ("per_page", size)]
            response, payload = self._ask("GET", url, path, params=asked)
            rows = rows_of(response, payload, key)
            result = payload["response"]["result"]
            yield rows, _count(result.get("total"))
            pages = _count(result.get("pages"))
            # The page count decides: a short page is the last one only where nobody says how many there are.
            if not rows or (page >= pages if pages is not None else len(rows) < size):
                return
            page += 1

    def _ask(
        self, method: str, url: str, path: str, *, params: Params = (), json: Any = None
    ) -> tuple[Response, dict[str, Any]]:
        response = self._send(method, url, path, params=params, json=json)
        return response, self._payload(response)

    def _payload(self, response: Response) -> dict[str, Any]:
        """The answer's JSON object, if it holds no error."""
        if not response.ok:
            raise refusal(response)
        payload = response.json()
        if read_problem(payload) is not None:
            raise refusal(response)
        if not isinstance(payload, dict):
            raise response.unreadable("the answer is not what it should be")
        return payload

    def _send(self, method: str, url: str, path: str, *, params: Params = (), json: Any = None) -> Response:
        """An answer that is not 401: that is asked once more with a token that was read again."""
        token = self._tokens.access_token()
        # a change of a record that acts late undoes what was changed since; a callback's may be repeated
        safe = method in ("GET", "DELETE") or (method == "PUT" and path.startswith("/events/"))
        for again in (False, True):
            response = self._http.request(
                method,
                url,
                vendor=VENDOR,
                path=path,
                safe=safe,
                total_seconds=self._settings.total_seconds,
                headers={"Authorization": f"Bearer {token}"},
                params=params,
                json=json,
            )
            if response.status != 401:
                return response
            if not again:
                token = self._tokens.access_token(stale=token)
        raise refusal(response)


def _count(value: Any) -> int | None:
    return int(value) if str(value).isascii() and str(value).isdigit() else None
