"""R8: every fault of an upstream, at every method of the vendors' clients, ends in the one outcome of this table.

The clients are real and speak HTTP to the simulators. Besides the outcome each case checks what it stands for:
NotSent and Parked mean that nothing was done, no request is repeated that must not be, and nothing outlasts the
total deadline (the upstream would keep silent for a minute).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from connector import errors
from connector.adapters.freshbooks import FreshBooksClient, FreshBooksSettings, OAuthClient
from connector.adapters.http import HttpClient
from connector.adapters.sps import MemoryToken, SpsClient, SpsSettings, SpsTokens
from local.simulators import FreshBooksSimulator, SpsSimulator, serve
from local.simulators.faults import port_never_answering, port_refusing
from local.simulators.oauth import DEFAULT_SCOPE, Grant

DONE = "done"
UNREACHABLE, UNKNOWN, THROTTLED = errors.Unreachable, errors.OutcomeUnknown, errors.Throttled
UNAUTHENTICATED, FORBIDDEN, REFUSED = errors.Unauthenticated, errors.Forbidden, errors.Refused
PLAN, NOT_CONFIGURED = errors.PlanLacksFeature, errors.NotConfigured

PATIENT, SHORT = 10.0, 0.3  # total deadlines: of a case that is answered, of one that is not
MAX_BYTES = 100_000

# fault: what the simulator is told, the outcome of a safe request, of one that must not be repeated
FAULTS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "429 with seconds": ({"kind": "429_seconds", "retry_after": 7}, THROTTLED, THROTTLED),
    "429 with a date": ({"kind": "429_date", "retry_after": 7}, THROTTLED, THROTTLED),
    "429 without": ({"kind": "429"}, THROTTLED, THROTTLED),
    "500": ({"kind": "500"}, UNREACHABLE, UNKNOWN),
    "502": ({"kind": "502"}, UNREACHABLE, UNKNOWN),
    "503": ({"kind": "503"}, UNREACHABLE, UNKNOWN),
    "504": ({"kind": "504"}, UNREACHABLE, UNKNOWN),
    "500 after the work": ({"kind": "500", "after": True}, UNREACHABLE, UNKNOWN),
    "401 once": ({"kind": "401", "count": 1}, DONE, DONE),
    "401 always": ({"kind": "401"}, UNAUTHENTICATED, UNAUTHENTICATED),
    "403": ({"kind": "403"}, FORBIDDEN, FORBIDDEN),
    "closed without a word": ({"kind": "refuse"}, UNREACHABLE, UNKNOWN),
    "connection refused": ({"kind": "port_refusing"}, UNREACHABLE, UNREACHABLE),
    "connect timeout": ({"kind": "port_never_answering"}, UNREACHABLE, UNREACHABLE),
    "read timeout": ({"kind": "read_timeout"}, UNREACHABLE, UNKNOWN),
    "reset before the body": ({"kind": "reset_before"}, UNREACHABLE, UNKNOWN),
    "reset after the body": ({"kind": "reset_after"}, UNREACHABLE, UNKNOWN),
    "truncated JSON": ({"kind": "truncated"}, UNREACHABLE, UNKNOWN),
    "HTML with 200": ({"kind": "html200"}, UNREACHABLE, UNKNOWN),
    "empty 200": ({"kind": "empty200"}, UNREACHABLE, UNKNOWN),
    "200 with an error envelope": ({"kind": "error_envelope_200"}, UNREACHABLE, UNKNOWN),
    "slow drip past the deadline": ({"kind": "slow_drip"}, UNREACHABLE, UNKNOWN),
    "slow drip of the headers": ({"kind": "slow_drip", "headers": True}, UNREACHABLE, UNKNOWN),
    "oversize": ({"kind": "oversize", "bytes": 2 * MAX_BYTES}, REFUSED, UNKNOWN),
}
UNANSWERED = {"connect timeout", "read timeout", "slow drip past the deadline", "slow drip of the headers"}

# an error in FreshBooks' envelope is read, whatever the status; SPS's with 200 is taken for no answer
FRESHBOOKS = {"200 with an error envelope": PLAN}
# an empty answer is all that these ever give
NO_BODY = {"empty 200": DONE}
# and the second try hears that it is gone already: by the status, though the rest of the answer breaks off
DELETE = {**NO_BODY, "truncated JSON": DONE}
# who is refused a token needs a person: there is no other token to try
SPS_TOKEN = {"401 once": NOT_CONFIGURED, "401 always": NOT_CONFIGURED, "403": NOT_CONFIGURED}
OAUTH = {"401 once": REFUSED, "401 always": REFUSED, "403": REFUSED}


@dataclass(frozen=True)
class Method:
    """`route` is what the fault hits; `made` counts what an unsafe method makes."""

    call: Callable[[Any], Any]
    route: str
    otherwise: dict[str, Any]
    safe: bool = True
    made: Callable[[Bench], int] | None = None


class Bench:
    """Both simulators with something of everything, and clients of them."""

    def __init__(self) -> None:
        self.sps, self.books = SpsSimulator(), FreshBooksSimulator()

    def fresh(self) -> None:
        self.sps.reset()
        self.sps.add_account({"client_id": "me", "client_secret": "s"})
        self.box = self.sps.mailboxes["me"]
        self.sps._store(self.box, "out/PO1.json", b'{"a": 1}', "")
        self.books.reset()
        account = {"account_id": "ACC", "business_id": 1, "client_id": "app", "client_secret": "s"}
        self.tokens = self.books.add_account({**account, "categories": [{"id": 77, "category": "Goods"}]})
        rows = self.rows
        rows("clients").create({"organization": "Example Retail"})
        rows("invoices").create({"customerid": 30001, "create_date": "2026-03-11", "invoice_number": "421"})
        rows("estimates").create(SALE)
        rows("bill_vendors").create(VENDOR)
        rows("bills").create(BILL)
        self.books.webhooks._create({"event": "invoice", "uri": URI}, self.books.accounts["ACC"])

    def rows(self, plural: str) -> Any:
        return self.books.books["ACC"].by_plural[plural]

    def clients(self, sps: str, books: str, total_seconds: float) -> dict[str, Any]:
        http = HttpClient(sleep=lambda _: None, random=lambda: 0.0, max_bytes=MAX_BYTES)
        settings = SpsSettings(
            client_id="me",
            client_secret="s",
            api_url=f"{sps}/transactions/v5",
            auth_check_url=f"{sps}/auth-check",
            token_url=f"{sps}/oauth/token",
            total_seconds=total_seconds,
        )
        # the token is there already, and a second one can be had, unless fetching it is what is tried
        good = replace(settings, token_url=f"{self.url}/oauth/token", total_seconds=PATIENT)
        tokens = SpsTokens(good, MemoryToken(), http)
        tokens.token()
        return {
            "sps": SpsClient(settings, tokens, http),
            "sps token": SpsTokens(settings, MemoryToken(), http),
            "freshbooks": FreshBooksClient(
                FreshBooksSettings("ACC", api_url=books, total_seconds=total_seconds), self, http
            ),
            "oauth": OAuthClient(
                api_url=books,
                client_id="app",
                client_secret="s",
                redirect_uri="https://us.example/cb",
                http=http,
                total_seconds=total_seconds,
            ),
            "refresh token": self.tokens["refresh_token"],
        }

    def access_token(self, stale: str | None = None) -> str:
        """`AccessTokens`: FreshBooks' token as it is stored."""
        return str(self.tokens["access_token"])

    url = ""


URI = "https://hooks.example/x"
VENDOR = {"vendor_name": "Example Retail", "currency_code": "USD", "language": "en"}
SALE = {"customerid": 30001, "create_date": "2026-03-11", "po_number": "PO1"}
BILL = {
    "vendorid": 501,
    "bill_number": "PO1",
    "issue_date": "2026-03-02",
    "due_offset_days": 30,
    "currency_code": "USD",
    "lines": [
        {
            "categoryid": 77,
            "description": "Bowl",
            "quantity": 40,
            "unit_cost": {"amount": "2.50", "code": "USD"},
        }
    ],
}


def sps(call: Callable[[SpsClient], Any], route: str, **more: Any) -> Method:
    return Method(lambda clients: call(clients["sps"]), route, more.pop("otherwise", {}), **more)


def books(call: Callable[[FreshBooksClient], Any], route: str, **more: Any) -> Method:
    return Method(
        lambda clients: call(clients["freshbooks"]),
        route,
        {**FRESHBOOKS, **more.pop("otherwise", {})},
        **more,
    )


def refreshes(bench: Bench) -> int:
    return bench.books.grants.told("ACC")["refreshes"]


METHODS: dict[str, Method] = {
    "sps.list": sps(lambda c: c.list("out/"), "GET .*/data/"),
    "sps.download": sps(lambda c: c.download("out/PO1.json"), "GET .*/data/"),
    "sps.upload": sps(
        lambda c: c.upload("in/IN1.json", b"{}"),
        "POST .*/data/",
        safe=False,
        made=lambda b: len(b.box.uploads),
    ),
    "sps.delete": sps(lambda c: c.delete("out/PO1.json"), "DELETE", otherwise=DELETE),
    "sps.history": sps(lambda c: list(c.history()), "GET .*/history"),
    "sps.auth_check": sps(lambda c: c.auth_check(), "GET /auth-check", otherwise=NO_BODY),
    "sps_tokens.token": Method(lambda c: c["sps token"].token(), "POST /oauth/token", SPS_TOKEN),
    "get_invoice": books(lambda c: c.get_invoice(20001), "GET .*/invoices/"),
    "list_invoices": books(lambda c: list(c.list_invoices()), "GET .*/invoices/"),
    "get_client": books(lambda c: c.get_client(30001), "GET .*/clients/"),
    "list_items": books(lambda c: list(c.list_items()), "GET .*/items"),
    "get_bill": books(lambda c: c.get_bill(1001), "GET .*/bills/"),
    "list_bills": books(lambda c: list(c.list_bills()), "GET .*/bills"),
    "find_bills": books(lambda c: c.find_bills(501, "PO1"), "GET .*/bills"),
    "create_bill": books(
        lambda c: c.create_bill({"bill": BILL}),
        "POST .*/bills",
        safe=False,
        made=lambda b: len(b.rows("bills").rows) - 1,
    ),
    "update_bill": books(lambda c: c.update_bill(1001, {"bill": BILL}), "PUT .*/bills", safe=False),
    "delete_bill": books(lambda c: c.delete_bill(1001), "PUT .*/bills", safe=False),
    "get_sale": books(lambda c: c.get_sale("estimate", 40001), "GET .*/estimates/"),
    "find_sales": books(lambda c: c.find_sales("invoice", 30001, "421"), "GET .*/invoices/"),
    "create_sale": books(
        lambda c: c.create_sale("invoice", {"invoice": SALE}),
        "POST .*/invoices",
        safe=False,
        made=lambda b: len(b.rows("invoices").rows) - 1,
    ),
    "update_sale": books(
        lambda c: c.update_sale("estimate", 40001, {"estimate": SALE}), "PUT .*/estimates", safe=False
    ),
    "delete_sale": books(lambda c: c.delete_sale("invoice", 20001), "DELETE .*/invoices", otherwise=NO_BODY),
    "list_vendors": books(lambda c: list(c.list_vendors()), "GET .*/bill_vendors"),
    "create_vendor": books(
        lambda c: c.create_vendor({"bill_vendor": VENDOR}),
        "POST .*/bill_vendors",
        safe=False,
        made=lambda b: len(b.rows("bill_vendors").rows) - 1,
    ),
    "list_categories": books(lambda c: list(c.list_categories()), "GET .*/categories"),
    "list_callbacks": books(lambda c: list(c.list_callbacks()), "GET .*/callbacks"),
    "create_callback": books(
        lambda c: c.create_callback("bill", URI),
        "POST .*/callbacks",
        safe=False,
        made=lambda b: len(b.books.webhooks.callbacks) - 1,
    ),
    "verify_callback": books(lambda c: c.verify_callback(2001, verifier()), "PUT .*/callbacks"),
    "resend_callback": books(lambda c: c.resend_callback(2001), "PUT .*/callbacks"),
    "delete_callback": books(lambda c: c.delete_callback(2001), "DELETE .*/callbacks", otherwise=DELETE),
    "users_me": books(lambda c: c.users_me(), "GET .*/users/me"),
    "oauth.refresh": Method(
        lambda c: c["oauth"].refresh(c["refresh token"]), "POST .*/oauth/token", OAUTH, False, refreshes
    ),
    "oauth.exchange_code": Method(
        lambda c: c["oauth"].exchange_code("code"),
        "POST .*/oauth/token",
        OAUTH,
        False,
        lambda b: b.books.grants.told("ACC")["authorizations"],
    ),
}

BENCH = Bench()


def verifier() -> str:
    return BENCH.books.webhooks.callbacks[2001].verifier


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, tuple[str, str]]]:
    """The simulators' addresses, and those at which nobody answers."""
    with ExitStack() as stack:
        sps_server, books_server = (
            stack.enter_context(serve(BENCH.sps)),
            stack.enter_context(serve(BENCH.books)),
        )
        refusing, silent = stack.enter_context(port_refusing()), stack.enter_context(port_never_answering())
        BENCH.url = sps_server.url
        yield {
            "": (sps_server.url, books_server.url),
            "port_refusing": (refusing, refusing),
            "port_never_answering": (silent, silent),
        }


def outcome(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """How `work` ended; fails where it hangs. The error's class is the outcome, or DONE."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    assert ended, "it hangs"
    return (DONE if ended[0] is None else type(ended[0])), ended[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_in_its_one_outcome(fault: str, method: str, urls: dict[str, tuple[str, str]]) -> None:
    tried, (spec, safe, unsafe) = METHODS[method], FAULTS[fault]
    BENCH.fresh()
    BENCH.books.grants.codes["code"] = _code()
    addresses = urls[spec["kind"] if spec["kind"].startswith("port_") else ""]
    clients = BENCH.clients(*addresses, SHORT if fault in UNANSWERED else PATIENT)
    if not spec["kind"].startswith("port_"):
        for simulator in (BENCH.sps, BENCH.books):
            simulator.faults.add({"route": f"^{tried.route}", "count": None, **spec})
    before = len(BENCH.sps.requests()) + len(BENCH.books.requests())

    found, error = outcome(lambda: tried.call(clients))

    expected = tried.otherwise.get(fault, safe if tried.safe else unsafe)
    assert found is expected, error
    asked = len(BENCH.sps.requests()) + len(BENCH.books.requests()) - before
    made = tried.made(BENCH) if tried.made else 0
    if isinstance(error, (errors.NotSent, errors.Parked)):
        assert made == 0
    if error is None and tried.made:
        assert made == 1
    assert made <= 1
    if isinstance(error, errors.OutcomeUnknown):
        assert asked == 1
    if isinstance(error, THROTTLED):
        assert asked == 1
        assert error.retry_after is None if fault == "429 without" else 5 <= error.retry_after <= 9
    assert asked <= 3  # two tries, or one with a new token that had to be fetched


def _code() -> Grant:
    return Grant("ACC", "app", DEFAULT_SCOPE, expires=9e9, redirect_uri="https://us.example/cb")


@pytest.mark.parametrize("method", METHODS)
def test_without_a_fault_every_method_does_its_work_with_one_request(
    method: str, urls: dict[str, tuple[str, str]]
) -> None:
    tried = METHODS[method]
    BENCH.fresh()
    BENCH.books.grants.codes["code"] = _code()
    clients = BENCH.clients(*urls[""], PATIENT)
    before = len(BENCH.sps.requests()) + len(BENCH.books.requests())
    assert outcome(lambda: tried.call(clients)) == (DONE, None)
    # whose a bill is, FreshBooks may not say: then one more request asks whether it filters
    assert len(BENCH.sps.requests()) + len(BENCH.books.requests()) - before == (
        2 if method == "find_bills" else 1
    )


def test_every_method_of_the_clients_is_tried() -> None:
    tried = {name.rpartition(".")[2] for name in METHODS} | {"ready"}  # which asks nobody
    for client in (SpsClient, FreshBooksClient, OAuthClient):
        assert {name for name in vars(client) if not name.startswith("_")} <= tried
