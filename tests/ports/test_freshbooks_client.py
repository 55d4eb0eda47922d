"""`adapters.freshbooks`: the accounting API and OAuth, against a scripted server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from connector import errors
from connector.adapters.freshbooks import FreshBooksClient, FreshBooksSettings, OAuthClient
from connector.adapters.freshbooks_errors import Problem, read_problem
from connector.adapters.http import HttpClient
from tests.ports.scripted_server import ScriptedServer, drip, hang, reply, reset, truncated

Call = Callable[[FreshBooksClient], Any]


class Tokens:
    """Hands out A1, then A2 for whoever found A1 stale, and so on."""

    def __init__(self) -> None:
        self.stale: list[str | None] = []

    def access_token(self, stale: str | None = None) -> str:
        if stale is not None:
            self.stale.append(stale)
        return f"A{len(self.stale) + 1}"


@contextmanager
def account(*script: Any, **changes: Any) -> Iterator[tuple[FreshBooksClient, ScriptedServer]]:
    with ScriptedServer(script) as server:
        settings = FreshBooksSettings(
            **{"api_url": server.url, "account_id": "xZ1", "total_seconds": 5.0, **changes}
        )
        http = HttpClient(sleep=lambda _: None, random=lambda: 0.0)
        yield FreshBooksClient(settings, Tokens(), http), server


def result(**content: Any) -> dict[str, Any]:
    return {"response": {"result": content}}


def rows(
    key: str, *found: dict[str, Any], page: int = 1, pages: Any = 1, total: Any = None, size: int = 100
) -> Any:
    count = len(found) if total is None else total
    return reply(
        200, result(**{key: list(found), "page": page, "pages": pages, "per_page": size, "total": count})
    )


def accounting(errno: int, message: str, field: str = "") -> dict[str, Any]:
    return {
        "response": {
            "errors": [{"errno": errno, "field": field, "message": message, "object": "bill", "value": "v"}]
        }
    }


BILL = {"id": 1141, "bill_number": "PO-1", "vendorid": 5, "lines": []}
VENDOR = {"vendorid": 5, "vendor_name": "Big", "account_number": "TP1"}
CALLBACK = {"callbackid": 2001, "event": "invoice.create", "uri": "https://h.example/x", "verified": False}

CALLS: dict[str, Call] = {
    "get_invoice": lambda client: client.get_invoice(7),
    "list_invoices": lambda client: list(client.list_invoices()),
    "get_client": lambda client: client.get_client(7),
    "list_items": lambda client: list(client.list_items()),
    "get_bill": lambda client: client.get_bill(7),
    "list_bills": lambda client: list(client.list_bills()),
    "find_bills": lambda client: client.find_bills(5, "PO-1"),
    "create_bill": lambda client: client.create_bill({"vendorid": 5}),
    "update_bill": lambda client: client.update_bill(7, {"issue_date": "2026-01-01"}),
    "delete_bill": lambda client: client.delete_bill(7),
    "get_sale": lambda client: client.get_sale("estimate", 7),
    "find_sales": lambda client: client.find_sales("invoice", 5, "PO-1"),
    "create_sale": lambda client: client.create_sale("estimate", {"customerid": 5}),
    "update_sale": lambda client: client.update_sale("invoice", 7, {"create_date": "2026-01-01"}),
    "delete_sale": lambda client: client.delete_sale("estimate", 7),
    "list_vendors": lambda client: list(client.list_vendors()),
    "create_vendor": lambda client: client.create_vendor({"vendor_name": "Big"}),
    "list_categories": lambda client: list(client.list_categories()),
    "list_callbacks": lambda client: list(client.list_callbacks()),
    "create_callback": lambda client: client.create_callback("bill.update", "https://h.example/x"),
    "verify_callback": lambda client: client.verify_callback(2001, "v"),
    "resend_callback": lambda client: client.resend_callback(2001),
    "delete_callback": lambda client: client.delete_callback(2001),
    "users_me": lambda client: client.users_me(),
}
DELETING = {"delete_callback", "delete_sale"}
WRITING = {
    "create_bill",
    "update_bill",
    "delete_bill",
    "create_sale",
    "update_sale",
    "create_vendor",
    "create_callback",
}
YES: dict[str, Any] = {
    "get_invoice": reply(200, result(invoice={"id": 7, "lines": []})),
    "list_invoices": rows("invoices"),
    "get_client": reply(200, result(client={"id": 7})),
    "list_items": rows("items"),
    "get_bill": reply(200, result(bill=BILL)),
    "list_bills": rows("bills"),
    "find_bills": rows("bills"),
    "create_bill": reply(200, result(bill=BILL)),
    "update_bill": reply(200, result(bill=BILL)),
    "delete_bill": reply(200, result(bill={**BILL, "vis_state": 1})),
    "get_sale": reply(200, result(estimate={"id": 7, "lines": []})),
    "find_sales": rows("invoices"),
    "create_sale": reply(200, result(estimate={"id": 7})),
    "update_sale": reply(200, result(invoice={"id": 7})),
    "delete_sale": reply(200, {"response": {}}),
    "list_vendors": rows("bill_vendors"),
    "create_vendor": reply(200, result(bill_vendor=VENDOR)),
    "list_categories": rows("categories"),
    "list_callbacks": rows("callbacks", pages=0),
    "create_callback": reply(200, result(callback=CALLBACK)),
    "verify_callback": reply(200, result(callback=CALLBACK)),
    "resend_callback": reply(200, result(callback=CALLBACK)),
    "delete_callback": reply(204),
    "users_me": reply(200, {"response": {"id": 1, "business_memberships": []}}),
}


# ------------------------------------------------------------------------------------------ what is asked


@pytest.mark.parametrize(
    ("call", "asked", "body"),
    [
        ("get_invoice", "GET /accounting/account/xZ1/invoices/invoices/7", None),
        ("get_client", "GET /accounting/account/xZ1/users/clients/7", None),
        ("get_bill", "GET /accounting/account/xZ1/bills/bills/7", None),
        ("list_vendors", "GET /accounting/account/xZ1/bill_vendors/bill_vendors", None),
        ("list_categories", "GET /accounting/account/xZ1/expenses/categories", None),
        ("list_items", "GET /accounting/account/xZ1/items/items", None),
        ("create_bill", "POST /accounting/account/xZ1/bills/bills", {"bill": {"vendorid": 5}}),
        ("update_bill", "PUT /accounting/account/xZ1/bills/bills/7", {"bill": {"issue_date": "2026-01-01"}}),
        ("delete_bill", "PUT /accounting/account/xZ1/bills/bills/7", {"bill": {"vis_state": 1}}),
        (
            "create_vendor",
            "POST /accounting/account/xZ1/bill_vendors/bill_vendors",
            {"bill_vendor": {"vendor_name": "Big"}},
        ),
        ("get_sale", "GET /accounting/account/xZ1/estimates/estimates/7", None),
        (
            "create_sale",
            "POST /accounting/account/xZ1/estimates/estimates",
            {"estimate": {"customerid": 5}},
        ),
        (
            "update_sale",
            "PUT /accounting/account/xZ1/invoices/invoices/7",
            {"invoice": {"create_date": "2026-01-01"}},
        ),
        ("delete_sale", "DELETE /accounting/account/xZ1/estimates/estimates/7", None),
        ("list_callbacks", "GET /events/account/xZ1/events/callbacks", None),
        (
            "create_callback",
            "POST /events/account/xZ1/events/callbacks",
            {"callback": {"event": "bill.update", "uri": "https://h.example/x"}},
        ),
        (
            "verify_callback",
            "PUT /events/account/xZ1/events/callbacks/2001",
            {"callback": {"callback_id": 2001, "verifier": "v"}},
        ),
        (
            "resend_callback",
            "PUT /events/account/xZ1/events/callbacks/2001",
            {"callback": {"callback_id": 2001, "resend": True}},
        ),
        ("delete_callback", "DELETE /events/account/xZ1/events/callbacks/2001", None),
        ("users_me", "GET /auth/api/v1/users/me", None),
    ],
)
def test_every_call_goes_to_its_address_with_a_bearer_and_no_version_header(
    call: str, asked: str, body: dict[str, Any] | None
) -> None:
    with account(YES[call]) as (client, server):
        CALLS[call](client)
    assert server.paths() == [asked]
    headers = server.requests[0].headers
    assert headers["Authorization"] == "Bearer A1"
    assert not [name for name in headers if "version" in name.lower()]
    assert (server.requests[0].json() if body else server.requests[0].body) == (body or b"")


def test_a_body_that_is_wrapped_in_its_name_already_is_not_wrapped_again() -> None:
    with account(YES["create_bill"], YES["update_bill"], YES["create_vendor"]) as (client, server):
        client.create_bill({"bill": {"a": 1}})
        client.update_bill(7, {"bill": {"a": 1}})
        client.create_vendor({"bill_vendor": {"a": 1}})
    assert [list(request.json()) for request in server.requests] == [["bill"], ["bill"], ["bill_vendor"]]


@pytest.mark.parametrize(
    "body", [{"vis_state": 1, "issue_date": "x"}, {"bill": {"vis_state": 0, "lines": []}}]
)
def test_data_beside_vis_state_is_bad_use_since_freshbooks_would_drop_it(body: dict[str, Any]) -> None:
    with account() as (client, server), pytest.raises(errors.BadUse):
        client.update_bill(7, body)
    assert server.requests == []


def test_a_draft_is_looked_for_by_client_number_and_po_number_and_filters_are_not_trusted() -> None:
    ours = {"id": 1, "customerid": 5, "invoice_number": "PO-1", "po_number": "PO-1"}
    others = [
        {**ours, "id": 2, "customerid": 6},
        {**ours, "id": 3, "invoice_number": "421"},
        {**ours, "id": 4, "po_number": ""},
        {**ours, "id": 5, "vis_state": 1},
    ]
    with account(rows("invoices", *others, ours)) as (client, server):
        assert [found.id for found in client.find_sales("invoice", 5, "PO-1")] == [1]
    assert ("search[customerid]", "5") in server.requests[0].query
    estimate = {"id": 1, "customerid": 5, "estimate_number": "PO-1", "po_number": "PO-1"}
    with account(rows("estimates", estimate)) as (client, _):
        assert [found.id for found in client.find_sales("estimate", 5, "PO-1")] == [1]


def test_a_draft_that_is_gone_already_is_deleted() -> None:
    with account(reply(404, accounting(1012, "Invoice not found."))) as (client, _):
        client.delete_sale("invoice", 7)


def test_answers_become_documents() -> None:
    with account(
        reply(
            200,
            result(
                invoice={"id": 7, "po_number": 45, "lines": [{"qty": "2", "unit_cost": {"amount": "1.5"}}]}
            ),
        ),
        reply(200, result(bill=BILL)),
        reply(200, result(bill_vendor=VENDOR)),
        reply(200, result(callback=CALLBACK)),
    ) as (client, _):
        invoice = client.get_invoice(7)
        assert (invoice.po_number, invoice.lines[0].qty) == ("45", Decimal(2))
        assert client.create_bill({}).id == 1141
        assert client.create_vendor({}).vendorid == 5
        assert client.create_callback("a", "b").callbackid == 2001


# ------------------------------------------------------------------------------------------ lists


def invoices(*ids: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": one, "updated": "2026-04-16 10:31:19", **more} for one in ids]


def test_a_text_that_was_cut_within_an_emoji_can_be_kept_and_a_whole_one_is_left_as_it_is() -> None:
    lines = [
        {
            "name": "Bowl \ud83c",
            "description": "\U0001f963 two \udf7d",
            "qty": "1",
            "unit_cost": {"amount": "2.50", "code": "USD"},
        }
    ]
    answer = reply(200, result(invoice={"id": 7, "notes": "\ud83c", "lines": lines}))
    with account(answer) as (client, _):
        kept = client.get_invoice(7).model_dump_json(exclude_unset=True)
    assert '"notes":"?"' in kept
    assert '"name":"Bowl ?","description":"\U0001f963 two ?"' in kept


def test_every_page_is_read_with_lines_and_the_day() -> None:
    first = rows("invoices", *invoices(*range(100)), page=1, pages=2, total=101)
    second = rows("invoices", *invoices(100), page=2, pages=2, total=101)
    with account(first, second) as (client, server):
        found = [invoice.id for invoice in client.list_invoices(date(2026, 4, 15))]
    assert found == list(range(101))
    common = [("include[]", "lines"), ("search[updated_min]", "2026-04-15")]
    assert [request.query for request in server.requests] == [
        [*common, ("page", "1"), ("per_page", "100")],
        [*common, ("page", "2"), ("per_page", "100")],
    ]


def test_the_page_size_never_exceeds_what_freshbooks_silently_caps_it_to() -> None:
    with account(rows("invoices"), page_size=500) as (client, server):
        list(client.list_invoices())
    assert ("per_page", "100") in server.requests[0].query


@pytest.mark.parametrize("pages", [None, "", "x"])
def test_without_a_page_count_a_short_page_is_the_last(pages: Any) -> None:
    with account(
        rows("bill_vendors", {"vendorid": 1}, {"vendorid": 2}, pages=pages, total=3),
        rows("bill_vendors", {"vendorid": 3}, pages=pages, total=3),
        page_size=2,
    ) as (client, _):
        assert [vendor.vendorid for vendor in client.list_vendors()] == [1, 2, 3]


def test_a_short_page_in_the_middle_does_not_end_the_list() -> None:
    with account(
        rows("categories", {"id": 1}, pages=2, total=2),
        rows("categories", {"id": 2}, page=2, pages=2, total=2),
    ) as (client, _):
        assert [category.categoryid for category in client.list_categories()] == [1, 2]


def test_an_empty_page_ends_the_list_whatever_it_says() -> None:
    with account(rows("invoices", pages=9)) as (client, server):
        assert list(client.list_invoices()) == []
    assert len(server.requests) == 1


def test_a_list_whose_total_changed_between_pages_is_read_once_more_and_gives_nothing_twice() -> None:
    moved = {"id": 2, "updated": "2026-05-01 00:00:00"}
    with account(
        rows("invoices", *invoices(1, 2), pages=2, total=4),
        rows("invoices", *invoices(4), page=2, pages=2, total=3),
        rows("invoices", *invoices(1), moved, pages=2, total=4),
        rows("invoices", *invoices(3, 4), page=2, pages=2, total=4),
        page_size=2,
    ) as (client, server):
        found = [(invoice.id, invoice.change_token[:10]) for invoice in client.list_invoices()]
    assert found == [
        (1, "2026-04-16"),
        (2, "2026-04-16"),
        (4, "2026-04-16"),
        (2, "2026-05-01"),
        (3, "2026-04-16"),
    ]
    assert len(server.requests) == 4


def test_a_list_that_never_settles_is_read_twice_and_no_more() -> None:
    pair = [
        rows("invoices", *invoices(1, 2), pages=2, total=4),
        rows("invoices", *invoices(3), page=2, pages=2, total=3),
    ]
    with account(*pair, *pair, *pair, page_size=2) as (client, server):
        assert len(list(client.list_invoices())) == 3
    assert len(server.requests) == 4


def test_deleted_records_are_asked_for_and_checked_since_filters_may_be_ignored() -> None:
    mixed = [{"id": 1, "vis_state": 0}, {"id": 2, "vis_state": 1}]
    with account(rows("invoices", *mixed), rows("bills", *mixed)) as (client, server):
        assert [invoice.id for invoice in client.list_invoices(deleted=True)] == [2]
        assert [bill.id for bill in client.list_bills(deleted=True)] == [2]
    assert all(("search[vis_state]", "1") in request.query for request in server.requests)


def test_a_row_that_cannot_be_read_does_not_stop_its_neighbours() -> None:
    bad = {"id": 2, "lines": [{"qty": "two", "unit_cost": "1"}]}
    with account(rows("invoices", *invoices(1), bad, *invoices(3))) as (client, _):
        found = client.list_invoices()
        assert [next(found).id, next(found).id] == [1, 3]
        with pytest.raises(errors.BadInput) as caught:
            next(found)
    assert caught.value.place == "invoices[id=2].lines[0].qty"


@pytest.mark.parametrize("content", [{}, {"invoices": {}}, {"invoices": None}, {"invoices": ["x"]}])
def test_a_list_answer_without_a_list_is_not_an_empty_list(content: dict[str, Any]) -> None:
    answer = reply(200, result(**content))
    with account(answer, answer) as (client, _), pytest.raises(errors.Unreachable):
        list(client.list_invoices())


# ------------------------------------------------------------------------------------------ finding bills


def bill(bill_id: int, number: str, vendor: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": bill_id, "bill_number": number, **({"vendorid": vendor} if vendor else {}), **more}


def test_bills_are_found_by_vendor_and_exact_number_even_if_the_filter_is_ignored() -> None:
    everything = [
        bill(1, "PO-1", 5),
        bill(2, "PO-1", 6),
        bill(3, "PO-10", 5),
        bill(4, "PO-1", 5, vis_state=1),
    ]
    with account(rows("bills", *everything)) as (client, server):
        assert [one.id for one in client.find_bills(5, "PO-1")] == [1]
    assert ("search[vendorid]", "5") in server.requests[0].query


def test_a_vendor_object_names_the_vendor_too() -> None:
    with account(
        rows("bills", bill(1, "PO-1", vendor={"vendorid": 6}) | {"vendorid": None, "vendor": {"vendorid": 6}})
    ) as (
        client,
        _,
    ):
        assert client.find_bills(5, "PO-1") == []


def test_bills_that_name_no_vendor_are_found_if_the_filter_is_seen_to_work() -> None:
    with account(rows("bills", bill(1, "PO-1")), rows("bills", pages=0)) as (client, server):
        assert [one.id for one in client.find_bills(5, "PO-1")] == [1]
    assert ("search[vendorid]", "2147483647") in server.requests[1].query


def test_a_filter_that_refuses_an_unknown_vendor_works_too() -> None:
    unknown = reply(404, accounting(1012, "Vendor not found.", "vendorid"))
    with account(rows("bills", bill(1, "PO-1")), unknown) as (client, _):
        assert len(client.find_bills(5, "PO-1")) == 1


def test_bills_that_name_no_vendor_are_left_to_a_person_if_the_filter_is_ignored() -> None:
    with (
        account(rows("bills", bill(1, "PO-1")), rows("bills", bill(1, "PO-1"))) as (client, _),
        pytest.raises(errors.CheckFailed) as caught,
    ):
        client.find_bills(5, "PO-1")
    assert caught.value.code == "vendor_unknown"


def test_no_bill_of_that_number_needs_no_second_question() -> None:
    with account(rows("bills", bill(1, "PO-2"))) as (client, server):
        assert client.find_bills(5, "PO-1") == []
    assert len(server.requests) == 1


def test_one_vendors_bills_are_listed_only_if_it_is_known_whose_they_are() -> None:
    ours = rows("bills", bill(1, "a", 5), bill(2, "b", 6), bill(3, "c"))
    with account(ours, rows("bills", pages=0), ours) as (client, server):
        assert [one.id for one in client.list_bills(5)] == [1, 3]
        assert [one.id for one in client.list_bills(5)] == [1, 3]
    assert len(server.requests) == 3  # the filter was tried once
    with account(ours, ours) as (client, _), pytest.raises(errors.CheckFailed):
        list(client.list_bills(5))


# ------------------------------------------------------------------------------------------ faults, on every call

FAULTS: dict[str, Any] = {
    "500": reply(500),
    "502 web page": reply(502, "<html>"),
    "503": reply(503),
    "504": reply(504, accounting(500, "Internal")),
    "reset": reset(),
    "truncated": truncated(),
    "a web page with 200": reply(200, "<html>Sign in</html>"),
    "nothing with 200": reply(200),
    "another object with 200": reply(200, {"fine": True}),
    "a list with 200": reply(200, [1]),
    "internal error with 200": reply(200, accounting(500, "Internal")),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_without_a_clear_answer_may_have_happened_if_it_writes(call: str, fault: str) -> None:
    expected = errors.OutcomeUnknown if call in WRITING else errors.Unreachable
    if call in DELETING and fault in ("nothing with 200", "another object with 200"):
        return  # 200 and 204 both mean deleted
    with account(FAULTS[fault], FAULTS[fault]) as (client, server), pytest.raises(expected) as caught:
        CALLS[call](client)
    assert type(caught.value) is expected
    assert len(server.requests) <= (1 if call in WRITING else 2)


@pytest.mark.parametrize("call", ["get_bill", "create_bill"])
@pytest.mark.parametrize("stall", [hang(), drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" ")])
def test_a_stalled_call_ends_at_its_deadline(call: str, stall: Any) -> None:
    expected = errors.OutcomeUnknown if call in WRITING else errors.Unreachable
    with account(stall, total_seconds=0.2) as (client, _), pytest.raises(expected, match="in time"):
        CALLS[call](client)


@pytest.mark.parametrize("call", CALLS)
def test_an_unauthorized_call_is_repeated_once_with_the_token_read_again(call: str) -> None:
    with account(reply(401, {"error": "unauthenticated"}), YES[call]) as (client, server):
        CALLS[call](client)
        assert client._tokens.stale == ["A1"]  # type: ignore[attr-defined]
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer A1", "Bearer A2"]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_stays_unauthorized_was_certainly_not_sent(call: str) -> None:
    no = reply(401, {"error": "unauthenticated", "error_description": "This action requires authentication."})
    with (
        account(no, no) as (client, server),
        pytest.raises(errors.Unauthenticated, match="requires auth") as caught,
    ):
        CALLS[call](client)
    assert isinstance(caught.value, errors.NotSent)
    assert len(server.requests) == 2


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, "slow down", errors.Throttled),
        (404, accounting(1012, "Bill not found."), errors.NotFound),
        (404, "<html>", errors.NotFound),
        (403, "", errors.Forbidden),
        (403, accounting(1003, "Access denied."), errors.Forbidden),
        (403, accounting(1038, "Write access denied", "due_date"), errors.Forbidden),
        (403, accounting(41001, "You do not have access to bills."), errors.PlanLacksFeature),
        (200, accounting(41001, "You do not have access to bills."), errors.PlanLacksFeature),
        (200, accounting(31001, "You do not have access to bill vendors."), errors.PlanLacksFeature),
        (200, accounting(41101, "No bill payments."), errors.PlanLacksFeature),
        (200, accounting(12001, "No items."), errors.PlanLacksFeature),
        (200, accounting(1012, "Bill not found."), errors.NotFound),
        (422, accounting(1011, "Deleted."), errors.NotFound),
        (409, "", errors.Busy),
        (422, accounting(409, "Being modified."), errors.Busy),
        (400, "", errors.Refused),
        (422, accounting(1001, "due_offset_days is a required field", "due_offset_days"), errors.Refused),
        (418, "?", errors.Refused),
    ],
)
def test_a_refusal_is_told_apart_by_errno_then_by_status(
    call: str, status: int, body: Any, expected: type[Exception]
) -> None:
    if call in DELETING and status == 404:
        return  # gone already
    with account(reply(status, body)) as (client, server), pytest.raises(expected) as caught:
        CALLS[call](client)
    assert type(caught.value) is expected
    assert len(server.requests) == 1


def test_a_refusal_names_errno_field_message_and_request() -> None:
    no = reply(422, accounting(1004, "Invalid  value\n", "language"), {"X-Request-ID": "r-9"})
    with account(no) as (client, _), pytest.raises(errors.Refused) as caught:
        client.create_bill({})
    assert (
        caught.value.message
        == "FreshBooks POST /bills/bills: HTTP 422, Invalid value (errno 1004) (request r-9)"
    )
    assert caught.value.place == "language"


def test_retry_after_on_a_success_means_nothing() -> None:
    with account(reply(200, result(bill=BILL), {"Retry-After": "59", "X-RateLimit-Remaining": "599"})) as (
        client,
        _,
    ):
        assert client.get_bill(1).id == 1141


@pytest.mark.parametrize(("header", "wait"), [({"Retry-After": "59"}, 59.0), ({}, None)])
def test_a_throttled_create_was_not_sent(header: dict[str, str], wait: float | None) -> None:
    with account(reply(429, headers=header)) as (client, _), pytest.raises(errors.Throttled) as caught:
        client.create_bill({})
    assert caught.value.retry_after == wait


def test_a_record_with_a_bad_value_is_bad_input_with_its_place() -> None:
    with (
        account(reply(200, result(invoice={"id": 7, "lines": [{"qty": "x", "unit_cost": "1"}]}))) as (
            client,
            _,
        ),
        pytest.raises(errors.BadInput) as caught,
    ):
        client.get_invoice(7)
    assert caught.value.place == "invoice.lines[0].qty"


def test_a_created_bill_that_cannot_be_read_may_exist() -> None:
    odd = reply(200, result(bill={"id": 7, "lines": [{"quantity": "x", "unit_cost": "1"}]}))
    with account(odd) as (client, _), pytest.raises(errors.OutcomeUnknown):
        client.create_bill({})


def test_a_deleted_callback_is_deleted_however_often() -> None:
    with account(reply(204), reply(200, {}), reply(404, {"errno": 404, "message": "gone"})) as (
        client,
        server,
    ):
        for _ in range(3):
            client.delete_callback(1)
    assert len(server.requests) == 3


# ------------------------------------------------------------------------------------------ the seven envelopes


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (accounting(1012, "Client not found.", "userid"), Problem(1012, "Client not found.", "userid")),
        ({"response": {"errors": {"errno": 1003, "message": "No."}}}, Problem(1003, "No.", "")),
        (
            {"response": {"errors": {"language": ["Invalid value"]}}},
            Problem(None, "Invalid value", "language"),
        ),
        ({"response": {"errors": {"bill": {"errno": "1001", "message": "m"}}}}, Problem(1001, "m", "bill")),
        ({"response": {"errors": ["plain"]}}, Problem(None, "plain", "")),
        ({"response": {"errors": [{}]}}, Problem(None, "", "")),
        (
            {
                "error": "unauthenticated",
                "error_description": "This action requires authentication to continue.",
            },
            Problem(None, "This action requires authentication to continue.", ""),
        ),
        (
            {"errno": 422, "message": "Semantic errors.", "details": ["event: Unrecognized event."]},
            Problem(422, "event: Unrecognized event.", ""),
        ),
        ({"errno": 404, "message": "Could not be found."}, Problem(404, "Could not be found.", "")),
        (
            {
                "errors": {
                    "message": "Bad",
                    "status": 400,
                    "details": [{"reason": "X", "metadata": {"field": "name", "message": "too long"}}],
                }
            },
            Problem(None, "too long", "name"),
        ),
        (
            {
                "code": 5,
                "message": "Request failed",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "1012",
                        "metadata": {
                            "object": "client",
                            "message": "Client not found.",
                            "value": "1",
                            "field": "userid",
                        },
                    }
                ],
            },
            Problem(1012, "Client not found.", "userid"),
        ),
        (
            {
                "code": 3,
                "message": "m",
                "details": [
                    {"@type": "BadRequest", "fieldViolations": [{"field": "uri", "description": "not a URL"}]}
                ],
            },
            Problem(None, "not a URL", "uri"),
        ),
        ({"errno": 2001, "error": {"message": "Not yours", "field": "id"}}, Problem(2001, "Not yours", "id")),
        ({"error": "nope"}, Problem(None, "nope", "")),
        ({"message": "nope"}, Problem(None, "nope", "")),
        (result(bill=BILL), None),
        ({"response": {"errors": [], "result": {"bill": {}}}}, None),
        ({"response": {"message": "a user's word"}}, None),
        ({}, None),
        ([], None),
        ("text", None),
        (None, None),
    ],
)
def test_every_known_error_envelope_is_read(payload: Any, problem: Problem | None) -> None:
    assert read_problem(payload) == problem


# ------------------------------------------------------------------------------------------ OAuth


def oauth(server: ScriptedServer, **changes: Any) -> OAuthClient:
    return OAuthClient(
        **{
            "api_url": server.url,
            "client_id": "app",
            "client_secret": "hush",
            "redirect_uri": "https://app.example/cb",
            "http": HttpClient(sleep=lambda _: None),
            "clock": lambda: 1_000.0,
            **changes,
        }
    )


PAIR = {
    "access_token": "A2",
    "token_type": "Bearer",
    "expires_in": 43200,
    "created_at": 1790000000,
    "refresh_token": "R2",
    "scope": "user:profile:read user:bills:read",
    "direct_buy_tokens": {},
}


def test_a_refresh_sends_one_form_and_counts_expiry_from_freshbooks_own_stamp() -> None:
    with ScriptedServer([reply(200, PAIR)]) as server:
        fresh = oauth(server).refresh("R1")
    assert (fresh.access_token, fresh.refresh_token, fresh.expires_at) == ("A2", "R2", 1790000000 + 43200)
    assert fresh.scopes == {"user:profile:read", "user:bills:read"}
    assert server.paths() == ["POST /auth/oauth/token"]
    assert dict(parse_qsl(server.requests[0].body.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": "R1",
        "client_id": "app",
        "client_secret": "hush",
        "redirect_uri": "https://app.example/cb",
    }
    assert server.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_code_is_exchanged_for_the_first_pair() -> None:
    with ScriptedServer([reply(200, {**PAIR, "created_at": None})]) as server:
        assert oauth(server).exchange_code("C1").expires_at == 1_000 + 43200
    sent = dict(parse_qsl(server.requests[0].body.decode()))
    assert (sent["grant_type"], sent["code"]) == ("authorization_code", "C1")


def test_a_used_refresh_token_leaves_the_connection_stranded() -> None:
    no = reply(400, {"error": "invalid_grant", "error_description": "The refresh token was used."})
    with ScriptedServer([no]) as server, pytest.raises(errors.Stranded, match="was used") as caught:
        oauth(server).refresh("R1")
    assert "R1" not in str(caught.value)
    with ScriptedServer([no]) as server, pytest.raises(errors.Refused) as refused:
        oauth(server).exchange_code("C1")
    assert refused.value.code == "code_spent"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 200])
def test_a_wrong_app_secret_is_refused(status: int) -> None:
    with (
        ScriptedServer([reply(status, {"error": "invalid_client"})]) as server,
        pytest.raises(errors.Refused),
    ):
        oauth(server).refresh("R1")


@pytest.mark.parametrize(
    "answer",
    [
        reply(500),
        reply(502, "<html>"),
        reset(),
        truncated(),
        reply(200),
        reply(200, "<html>"),
        reply(200, []),
        reply(200, {**PAIR, "refresh_token": ""}),
        reply(200, {**PAIR, "access_token": None}),
    ],
)
def test_a_refresh_without_a_clear_answer_may_have_spent_its_token_and_is_not_repeated(answer: Any) -> None:
    with ScriptedServer([answer, answer]) as server, pytest.raises(errors.OutcomeUnknown):
        oauth(server).refresh("R1")
    assert len(server.requests) == 1


def test_a_refresh_that_is_never_answered_may_have_spent_its_token() -> None:
    with ScriptedServer([hang()]) as server, pytest.raises(errors.OutcomeUnknown):
        oauth(server, total_seconds=0.2).refresh("R1")


def test_a_refresh_that_could_not_be_sent_has_spent_nothing() -> None:
    with ScriptedServer() as server:
        gone = server.url
    with pytest.raises(errors.Unreachable):
        oauth(server, api_url=gone).refresh("R1")


def test_tokens_do_not_show_when_printed() -> None:
    with ScriptedServer([reply(200, PAIR)]) as server:
        assert "A2" not in repr(oauth(server).refresh("R1"))
