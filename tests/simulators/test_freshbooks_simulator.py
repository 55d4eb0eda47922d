"""FreshBooks as simulated: facts of reference/freshbooks.md, sections 1 to 3 and 5."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

SAMPLES = Path(__file__).parents[3] / "shared" / "freshbooks" / "samples"
REDIRECT = "https://localhost/callback"


def errnos(response) -> list[int]:
    return [error["errno"] for error in response.json()["response"]["errors"]]


def sample(name: str) -> dict:
    if not SAMPLES.is_dir():
        pytest.skip("the vendors' samples are not here")
    return json.loads((SAMPLES / name).read_text())


# OAuth


def test_a_refresh_token_works_once(freshbooks):
    first = freshbooks.refresh("first")
    assert first.status_code == 200
    again = freshbooks.refresh("first")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert freshbooks.refresh(first.json()["refresh_token"]).status_code == 200
    tokens = freshbooks.control("GET", "state")["accounts"]["xZNQ1X"]["tokens"]
    assert (tokens["refreshes"], tokens["refused_refreshes"], tokens["live_refresh"]) == (2, 1, 1)


def test_a_token_response_has_created_at_scope_and_keys_nobody_asked_for(freshbooks):
    body = freshbooks.refresh("first").json()
    assert set(body) == set(sample("oauth_token.json"))
    assert (body["expires_in"], body["direct_buy_tokens"]) == (43200, {})
    assert len(body["refresh_token"]) == 64
    assert "user:bills:write" in body["scope"].split()


def test_the_token_endpoint_takes_json_and_basic_credentials_too(freshbooks):
    body = {
        "grant_type": "refresh_token",
        "refresh_token": "first",
        "client_id": "app",
        "client_secret": "s3cret",
    }
    second = freshbooks.call("POST", "/auth/oauth/token", json=body).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": second}
    basic = freshbooks.call("POST", "/auth/oauth/token", data=form, auth=("app", "s3cret"), headers={})
    assert basic.status_code == 200


def test_a_bad_client_secret_is_a_401_and_leaves_the_refresh_token_alone(freshbooks):
    response = freshbooks.refresh("first", client_secret="wrong")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert freshbooks.refresh("first").status_code == 200


def test_the_old_access_token_outlives_a_refresh_unless_told_otherwise(freshbooks):
    old = freshbooks.refresh("first").json()
    freshbooks.headers["Authorization"] = f"Bearer {old['access_token']}"
    new = freshbooks.refresh(old["refresh_token"]).json()
    assert freshbooks.books("GET", "users/clients").status_code == 200
    freshbooks.control("POST", "settings", {"revoke_old_access": True})
    freshbooks.refresh(new["refresh_token"])
    assert freshbooks.books("GET", "users/clients").status_code == 401


def test_an_access_token_ends_at_created_at_plus_expires_in_and_not_from_now(freshbooks):
    freshbooks.control("POST", "settings", {"expires_in": 100, "created_at_age": 60})
    token = freshbooks.refresh("first").json()["access_token"]
    freshbooks.headers["Authorization"] = f"Bearer {token}"
    assert freshbooks.books("GET", "users/clients").status_code == 200
    freshbooks.control("POST", "clock", {"advance_seconds": 41})
    response = freshbooks.books("GET", "users/clients")
    assert (response.status_code, response.json()) == (401, sample("error_401_gateway.json"))


def test_authorizing_redirects_straight_back_with_code_and_state(freshbooks):
    asked = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "state": "abc",
        "scope": "user:profile:read user:bills:read",
    }
    response = freshbooks.call("GET", "/oauth/authorize/", params=asked)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{REDIRECT}?")
    back = parse_qs(urlsplit(response.headers["Location"]).query)
    assert back["state"] == ["abc"]
    exchange = {"grant_type": "authorization_code", "code": back["code"][0]}
    wrong = freshbooks.refresh("", **exchange, redirect_uri="https://localhost/other")
    assert wrong.json()["error"] == "invalid_grant"


def test_a_code_is_exchanged_once_for_the_scopes_that_were_asked_for(freshbooks):
    asked = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "scope": "user:bills:read",
    }
    location = freshbooks.call("GET", "/oauth/authorize/", params=asked).headers["Location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    tokens = freshbooks.refresh("", **exchange).json()
    assert tokens["scope"] == "user:bills:read"
    assert freshbooks.refresh("", **exchange).status_code == 400
    freshbooks.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert freshbooks.books("GET", "bills/bills").status_code == 200
    refused = freshbooks.books("GET", "invoices/invoices")
    assert refused.status_code == 403
    assert "user:invoices:read" in refused.json()["response"]["errors"][0]["message"]


def test_a_person_who_does_not_allow_it_is_sent_back_without_a_code(freshbooks):
    freshbooks.control("POST", "consent", {"account_id": "xZNQ1X", "allow": False})
    asked = {"response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, "state": "s"}
    location = freshbooks.call("GET", "/oauth/authorize/", params=asked).headers["Location"]
    assert location == f"{REDIRECT}?error=access_denied&state=s"
    freshbooks.control("POST", "consent", {"account_id": "xZNQ1X"})
    assert "code=" in freshbooks.call("GET", "/oauth/authorize/", params=asked).headers["Location"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_id": "nobody"}, 500),
        ({"redirect_uri": "http://elsewhere.example/cb"}, 400),
        ({"scope": "user:bills:read user:nothing:read"}, 400),
    ],
)
def test_a_consent_that_cannot_be_given_is_a_page_and_not_a_redirect(freshbooks, changes, status):
    asked = {"response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, **changes}
    response = freshbooks.call("GET", "/oauth/authorize/", params=asked)
    assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html")


def test_a_revoked_token_dies_at_once(freshbooks):
    token = freshbooks.headers["Authorization"].removeprefix("Bearer ")
    form = {"client_id": "app", "client_secret": "s3cret", "token": token}
    assert freshbooks.call("POST", "/auth/oauth/revoke", data=form).json() == {}
    assert freshbooks.books("GET", "users/clients").status_code == 401


def test_a_persons_token_does_not_disturb_the_refresh_chain(freshbooks):
    freshbooks.sign_in()
    assert freshbooks.refresh("first").status_code == 200


def test_me_has_no_result_level_and_tells_the_business_id_from_the_account_id(freshbooks):
    me = freshbooks.call("GET", "/auth/api/v1/users/me").json()["response"]
    business = me["business_memberships"][0]["business"]
    assert (business["id"], business["account_id"]) == (77128, "xZNQ1X")
    assert me["roles"][0]["accountid"] == "xZNQ1X"


# Envelopes, limits, tenants


def test_every_answer_carries_retry_after_and_rate_limits_the_good_ones_too(freshbooks):
    headers = freshbooks.books("GET", "users/clients").headers
    assert headers["Retry-After"] == "59"
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(headers)
    assert headers["X-RateLimit-Limit"] == "600"
    assert freshbooks.call("GET", "/auth/api/v1/users/me").headers["X-RateLimit-Limit"] == "20"


def test_a_rate_limit_is_kept_only_where_it_was_set(freshbooks):
    freshbooks.control("POST", "settings", {"rate_limit": 0})
    assert freshbooks.books("GET", "users/clients").status_code == 429


def test_a_record_that_is_not_there_is_errno_1012(freshbooks):
    response = freshbooks.books("GET", "users/clients/12345")
    assert (response.status_code, response.json()) == (404, sample("error_accounting_404.json"))


def test_the_business_id_in_place_of_the_account_id_is_a_404_and_anothers_account_a_403(freshbooks):
    other = {**freshbooks.ACCOUNT, "account_id": "other", "refresh_token": "other"}
    freshbooks.control("POST", "accounts", other)
    assert freshbooks.call("GET", "/accounting/account/77128/bills/bills").status_code == 404
    assert freshbooks.call("GET", "/accounting/account/other/bills/bills").status_code == 403


def test_a_plan_without_bills_answers_200_with_errors_and_no_result(freshbooks):
    freshbooks.control("POST", "accounts", {"account_id": "xZNQ1X", "plan_has_bills": False})
    bills = freshbooks.books("GET", "bills/bills")
    assert (bills.status_code, errnos(bills)) == (200, [41001])
    assert "result" not in bills.json()["response"]
    assert errnos(freshbooks.books("GET", "bill_vendors/bill_vendors")) == [31001]
    assert freshbooks.books("GET", "invoices/invoices").status_code == 200


def test_a_body_that_cannot_be_read_is_errno_1005(freshbooks):
    response = freshbooks.books("POST", "bills/bills", {"bill": {"lines": "none"}})
    assert (response.status_code, errnos(response)) == (400, [1005])


# Lists


def test_a_page_has_15_rows_unless_told_otherwise_and_never_more_than_100(freshbooks):
    for _ in range(101):
        freshbooks.client()
    default = freshbooks.result("GET", "users/clients")
    assert (default["per_page"], default["pages"], default["total"]) == (15, 7, 101)
    capped = freshbooks.result("GET", "users/clients", per_page=200)
    assert (capped["per_page"], capped["pages"], len(capped["clients"])) == (100, 2, 100)


def test_page_0_is_page_1_and_a_page_past_the_end_is_empty(freshbooks):
    freshbooks.client()
    assert freshbooks.result("GET", "users/clients", page=0)["page"] == 1
    past = freshbooks.result("GET", "users/clients", page=9)
    assert (past["clients"], past["page"], past["total"]) == ([], 9, 1)


@pytest.mark.parametrize(
    ("query", "errno"), [({"page": "-1"}, 1014), ({"per_page": "x"}, 1013), ({"per_page": "0"}, 1013)]
)
def test_an_invalid_page_is_an_error_of_its_own(freshbooks, query, errno):
    assert errnos(freshbooks.books("GET", "users/clients", **query)) == [errno]


def test_unknown_search_and_sort_keys_change_nothing(freshbooks):
    for _ in range(3):
        freshbooks.invoice()
    everything = freshbooks.result("GET", "invoices/invoices")
    for query in (
        {"search__status": "4"},
        {"search__create_date": "1999-01-01"},
        {"search__payment_status": "paid"},
        {"sort": "updated_desc"},
    ):
        assert freshbooks.result("GET", "invoices/invoices", **query) == everything


def test_vendor_filters_are_ignored_all_of_them(freshbooks):
    ids = [freshbooks.vendor(vendor_name=name) for name in ("One", "Two")]
    for query in ({"search__vendor_name": "One"}, {"search__vis_state": "1"}):
        rows = freshbooks.result("GET", "bill_vendors/bill_vendors", **query)["bill_vendors"]
        assert [row["vendorid"] for row in rows] == ids


def test_invoices_can_be_filtered_by_what_works(freshbooks):
    one, two = freshbooks.invoice(invoice_number="A"), freshbooks.invoice(invoice_number="B", status=2)

    def found(**query):
        rows = freshbooks.result("GET", "invoices/invoices", **query)["invoices"]
        return [row["id"] for row in rows]

    assert found(search__invoice_number="B") == [two["id"]]
    assert found(search__customerid=one["customerid"]) == [one["id"]]
    assert found(search__v3_status="draft") == [one["id"]]
    assert found(search__date_min="2026-04-17") == []
    assert found(search__date_min="2026-04-16", search__date_max="2026-04-17") == [one["id"], two["id"]]
    assert found(sort="invoice_date_desc") == [one["id"], two["id"]]


def test_updated_min_counts_days_of_new_york(freshbooks):
    now = datetime.now(UTC)
    late = now.astimezone(ZoneInfo("America/New_York")).replace(hour=23, minute=30) + timedelta(days=1)
    freshbooks.control("POST", "clock", {"advance_seconds": (late - now).total_seconds()})
    freshbooks.control("POST", "settings", {"expires_in": 10**6})
    freshbooks.sign_in()
    freshbooks.invoice()  # the next day already in UTC
    today, tomorrow = late.date().isoformat(), (late.date() + timedelta(days=1)).isoformat()
    invoices = freshbooks.result("GET", "invoices/invoices", search__updated_min=today)["invoices"]
    assert [row["updated"][:10] for row in invoices] == [today]
    assert freshbooks.result("GET", "invoices/invoices", search__updated_min=tomorrow)["total"] == 0
    assert errnos(freshbooks.books("GET", "invoices/invoices", search__updated_min="soon")) == [1023]


def test_deleted_records_leave_the_list_but_are_found_by_vis_state_and_id(freshbooks):
    bill = freshbooks.bill()
    freshbooks.result("PUT", f"bills/bills/{bill['id']}", {"bill": {"vis_state": 1}})
    assert freshbooks.result("GET", "bills/bills")["bills"] == []
    assert freshbooks.result("GET", "bills/bills", search__vis_state=1)["total"] == 1
    assert freshbooks.result("GET", f"bills/bills/{bill['id']}")["bill"]["vis_state"] == 1


# Invoices and clients


def test_an_invoice_totals_as_the_documented_sample_does(freshbooks):
    expected = sample("InvoiceTest.sampleInvoiceData.L17.json")["invoice"]
    names = ("name", "description", "qty", "unit_cost", "taxName1", "taxAmount1", "taxNumber1")
    lines = [{name: line[name] for name in names} for line in expected["lines"]]
    created = freshbooks.invoice(currency_code="CAD", discount_value=10, lines=lines)
    shown = freshbooks.result("GET", f"invoices/invoices/{created['id']}", **{"include[]": "lines"})[
        "invoice"
    ]
    assert {k: shown[k] for k in ("amount", "discount_total", "discount_value")} == {
        "amount": expected["amount"],
        "discount_total": expected["discount_total"],
        "discount_value": 10,
    }
    assert set(expected) - {"presentation"} == set(shown)
    for mine, theirs in zip(shown["lines"], expected["lines"], strict=True):
        assert set(mine) == set(theirs)
        assert (mine["qty"], mine["amount"]) == (theirs["qty"], theirs["amount"])
    assert shown["description"] == expected["description"]


def test_lines_come_only_with_the_include(freshbooks):
    invoice = freshbooks.invoice(lines=[{"name": "SKU-1", "qty": 1, "unit_cost": {"amount": "5"}}])
    assert "lines" not in invoice
    rows = freshbooks.result("GET", "invoices/invoices", **{"include[]": "lines"})["invoices"]
    assert [line["name"] for line in rows[0]["lines"]] == ["SKU-1"]


def test_both_taxes_are_taken_after_the_discount(freshbooks):
    line = {
        "name": "A",
        "qty": "3",
        "unit_cost": {"amount": "33.33"},
        "taxName1": "GST",
        "taxAmount1": "5",
        "taxName2": "PST",
        "taxAmount2": "9.975",
    }
    assert freshbooks.invoice(discount_value=10, lines=[line])["amount"]["amount"] == "103.47"


def test_the_due_date_of_an_invoice_is_computed_and_refused_when_written(freshbooks):
    invoice = freshbooks.invoice(due_offset_days=30)
    assert invoice["due_date"] == "2026-05-16"
    body = {"invoice": {"due_date": "2026-06-01"}}
    response = freshbooks.books("PUT", f"invoices/invoices/{invoice['id']}", body)
    assert (response.status_code, errnos(response)) == (403, [1038])


def test_an_invoice_needs_customer_and_date(freshbooks):
    response = freshbooks.books("POST", "invoices/invoices", {"invoice": {}})
    assert response.status_code == 422
    missing = [(e["errno"], e["field"]) for e in response.json()["response"]["errors"]]
    assert missing == [(1001, "customerid"), (1001, "create_date")]


def test_the_status_of_an_invoice_is_a_number_and_a_string_is_errno_1015(freshbooks):
    assert freshbooks.invoice()["status"] == 1
    invoice = freshbooks.invoice(status=2)
    assert (invoice["status"], invoice["display_status"]) == (2, "sent")
    response = freshbooks.books("PUT", f"invoices/invoices/{invoice['id']}", {"invoice": {"status": "sent"}})
    assert (response.status_code, errnos(response)) == (422, [1015])


def test_a_sent_invoice_past_its_date_is_overdue_in_one_status_and_sent_in_the_others(freshbooks):
    invoice = freshbooks.invoice(create_date="2020-01-01", status=2)
    shown = [invoice[k] for k in ("status", "v3_status", "display_status", "payment_status")]
    assert shown == [2, "overdue", "sent", "unpaid"]


def test_an_update_merges_but_lines_are_replaced_as_a_set(freshbooks):
    lines = [{"name": n, "qty": 1, "unit_cost": {"amount": "5"}} for n in "ab"]
    invoice = freshbooks.invoice(lines=lines, po_number="4500012345")
    path = f"invoices/invoices/{invoice['id']}?include[]=lines"
    changed = freshbooks.result("PUT", path, {"invoice": {"lines": [{"name": "c", "qty": 2}]}})["invoice"]
    assert [line["name"] for line in changed["lines"]] == ["c"]
    assert (changed["po_number"], changed["amount"]["amount"]) == ("4500012345", "0.00")


@pytest.mark.parametrize("first", [{"vis_state": 0}, {"action_mark_as_sent": True}])
def test_an_update_with_an_earlier_phase_discards_the_data_without_a_word(freshbooks, first):
    invoice = freshbooks.invoice(notes="old")
    body = {"invoice": {**first, "notes": "new"}}
    changed = freshbooks.result("PUT", f"invoices/invoices/{invoice['id']}", body)["invoice"]
    assert changed["notes"] == "old"
    assert changed["status"] == (2 if "action_mark_as_sent" in first else 1)


def test_the_version_moves_with_every_change_also_within_one_microsecond(freshbooks):
    freshbooks.simulator.clock = lambda: 1_790_000_000.0
    freshbooks.sign_in()
    invoice = freshbooks.invoice()
    path = f"invoices/invoices/{invoice['id']}"
    versions = [freshbooks.result("PUT", path, {"invoice": {"notes": n}})["invoice"]["version"] for n in "ab"]
    assert invoice["version"] < versions[0] < versions[1]
    assert invoice["version"].startswith(invoice["updated"])


def test_an_invoice_copies_the_clients_address_when_it_is_made(freshbooks):
    userid = freshbooks.client(organization="Old Name", p_street="1 First St", p_code="12345")
    invoice = freshbooks.invoice(customerid=userid)
    freshbooks.result("PUT", f"users/clients/{userid}", {"client": {"organization": "New Name"}})
    shown = freshbooks.result("GET", f"invoices/invoices/{invoice['id']}")["invoice"]
    assert (shown["organization"], shown["street"], shown["code"]) == ("Old Name", "1 First St", "12345")


def test_deleting_an_invoice_is_soft(freshbooks):
    invoice = freshbooks.invoice()
    path = f"invoices/invoices/{invoice['id']}"
    assert freshbooks.books("DELETE", path).json() == {"response": {}}
    assert freshbooks.result("GET", path)["invoice"]["vis_state"] == 1


def test_a_client_has_its_signup_in_utc_and_its_update_in_new_york(freshbooks):
    freshbooks.simulator.clock = lambda: datetime(2026, 8, 22, 4, 32, 55, tzinfo=UTC).timestamp()
    freshbooks.sign_in()
    client = freshbooks.result("GET", f"users/clients/{freshbooks.client()}")["client"]
    assert (client["signup_date"], client["updated"]) == ("2026-08-22 04:32:55", "2026-08-22 00:32:55")
    assert set(sample("client_get.json")["response"]["result"]["client"]) <= set(client)


# Bills and vendors


def test_a_bill_comes_back_as_in_the_capture_and_without_its_vendor(freshbooks):
    request, captured = sample("bill_create_request.json"), sample("bill_create_response.json")
    expected = captured["response"]["result"]["bill"]
    freshbooks.control(
        "POST",
        "accounts",
        {
            "account_id": "xZNQ1X",
            "categories": [{"id": 65773, "category": "Office Expenses & Postage"}],
        },
    )
    request["bill"]["vendorid"] = str(freshbooks.vendor())
    response = freshbooks.books("POST", "bills/bills", request)
    bill = response.json()["response"]["result"]["bill"]
    assert response.status_code == 200
    assert set(bill) == set(expected)
    assert "vendorid" not in json.dumps(bill)
    for key in (
        "amount",
        "tax_amount",
        "total_amount",
        "due_date",
        "overall_category",
        "overall_description",
    ):
        assert bill[key] == expected[key]
    for mine, theirs in zip(bill["lines"], expected["lines"], strict=True):
        assert set(mine) == set(theirs)
        assert set(mine["category"]) == set(theirs["category"])
        assert {k: v for k, v in mine.items() if k not in ("id", "category")} == {
            k: v for k, v in theirs.items() if k not in ("id", "category")
        }


def test_a_bill_says_everything_that_it_misses(freshbooks):
    response = freshbooks.books("POST", "bills/bills", {"bill": {}})
    errors = response.json()["response"]["errors"]
    assert response.status_code == 422
    assert {e["errno"] for e in errors} == {1001}
    assert [e["field"] for e in errors] == [
        "vendorid",
        "issue_date",
        "due_offset_days",
        "currency_code",
        "lines",
    ]
    assert errors[2]["message"] == "due_offset_days is a required field"


@pytest.mark.parametrize(
    ("changes", "status", "errno"),
    [
        ({"vendorid": 999}, 422, 1012),
        ({"lines": [{"quantity": 1}]}, 422, 1001),
        ({"lines": [{"categoryid": 1, "quantity": 1}]}, 422, 1012),
        ({"issue_date": "16/04/2026"}, 422, 1033),
        ({"due_offset_days": "soon"}, 422, 1015),
        ({"due_date": "2026-06-01"}, 403, 1038),
        ({"overall_description": "x"}, 403, 1038),
    ],
)
def test_a_wrong_bill_is_refused_and_not_stored(freshbooks, changes, status, errno):
    body = freshbooks.bill_body(**{"vendorid": freshbooks.vendor(), **changes})
    response = freshbooks.books("POST", "bills/bills", body)
    assert (response.status_code, errnos(response)) == (status, [errno])
    assert freshbooks.result("GET", "bills/bills")["total"] == 0


def test_two_bills_of_one_number_are_both_accepted(freshbooks):
    vendor = freshbooks.vendor()
    bills = [freshbooks.bill(vendorid=vendor, bill_number="PO-1")["id"] for _ in range(2)]
    assert len(set(bills)) == 2


def test_unknown_keys_of_a_bill_are_dropped_without_a_word(freshbooks):
    assert not {"notes", "po_number"} & set(freshbooks.bill(notes="x", po_number="1"))


def test_bills_are_found_by_vendor_unless_that_filter_is_switched_off(freshbooks):
    bills = [freshbooks.bill() for _ in range(2)]
    query = {"search__vendorid": 501}
    found = freshbooks.result("GET", "bills/bills", **query)["bills"]
    assert [bill["id"] for bill in found] == [bills[0]["id"]]
    freshbooks.control("POST", "accounts", {"account_id": "xZNQ1X", "bill_vendor_filter": "ignored"})
    assert freshbooks.result("GET", "bills/bills", **query)["total"] == 2


def test_amounts_are_rounded_to_cents_and_quantities_are_strings(freshbooks):
    line = {"categoryid": 3696445, "quantity": 12.5, "unit_cost": {"amount": "0.3333", "code": "EUR"}}
    shown = freshbooks.bill(lines=[line])["lines"][0]
    assert (shown["quantity"], shown["amount"]) == ("12.5", {"amount": "4.17", "code": "USD"})
    assert shown["unit_cost"] == {"amount": "0.3333", "code": "USD"}


def test_a_bills_tax_is_beside_its_amount_and_inside_its_total(freshbooks):
    line = {"categoryid": "3696445", "quantity": 1, "unit_cost": {"amount": "100"}}
    bill = freshbooks.bill(lines=[line | {"tax_name1": "HST", "tax_percent1": 13}])
    amounts = [bill[k]["amount"] for k in ("amount", "tax_amount", "total_amount", "outstanding")]
    assert amounts == ["100.00", "13.00", "113.00", "113.00"]


def test_the_category_is_split_where_the_lines_differ(freshbooks):
    lines = [{"categoryid": n, "quantity": 1} for n in (3696445, 3696446)]
    assert freshbooks.bill(lines=lines)["overall_category"] == "Split"


def test_updating_a_bill_merges_and_replaces_its_lines(freshbooks):
    bill = freshbooks.bill(bill_number="PO-1")
    line = {"categoryid": 3696446, "quantity": 1, "unit_cost": {"amount": "7"}}
    changed = freshbooks.result("PUT", f"bills/bills/{bill['id']}", {"bill": {"lines": [line]}})["bill"]
    assert (changed["bill_number"], changed["amount"]["amount"]) == ("PO-1", "7.00")
    assert [line["category"]["categoryid"] for line in changed["lines"]] == [3696446]


def test_updating_a_bill_can_be_set_to_do_nothing_and_say_200(freshbooks):
    freshbooks.control("POST", "accounts", {"account_id": "xZNQ1X", "bill_update": "ignored"})
    bill = freshbooks.bill(bill_number="PO-1")
    path = f"bills/bills/{bill['id']}"
    assert freshbooks.result("PUT", path, {"bill": {"bill_number": "PO-2"}})["bill"] == bill
    assert freshbooks.result("PUT", path, {"bill": {"vis_state": 2}})["bill"]["vis_state"] == 2


def test_vis_state_discards_the_rest_of_a_bills_update(freshbooks):
    bill = freshbooks.bill(bill_number="PO-1")
    body = {"bill": {"vis_state": 0, "bill_number": "PO-2"}}
    assert freshbooks.result("PUT", f"bills/bills/{bill['id']}", body)["bill"]["bill_number"] == "PO-1"


def test_a_failed_update_leaves_the_bill_as_it_was(freshbooks):
    bill = freshbooks.bill(bill_number="PO-1")
    path = f"bills/bills/{bill['id']}"
    assert freshbooks.books("PUT", path, {"bill": {"bill_number": "PO-2", "lines": []}}).status_code == 422
    assert freshbooks.result("GET", path)["bill"] == bill


def test_a_bill_is_stamped_in_utc(freshbooks):
    freshbooks.simulator.clock = lambda: datetime(2026, 4, 16, 14, 31, 19, tzinfo=UTC).timestamp()
    freshbooks.sign_in()
    assert freshbooks.bill()["created_at"] == "2026-04-16 14:31:19"


def test_a_vendor_has_balances_as_lists_and_no_id(freshbooks):
    vendorid = freshbooks.vendor()
    path = f"bill_vendors/bill_vendors/{vendorid}"
    vendor = freshbooks.result("GET", path)["bill_vendor"]
    expected = sample("vendor_create_response.json")["response"]["result"]["bill_vendor"]
    assert set(vendor) == set(expected)
    assert (vendor["outstanding_balance"], vendor["overdue_balance"]) == ([], [])
    freshbooks.bill(vendorid=vendorid)
    owed = freshbooks.result("GET", path)["bill_vendor"]["outstanding_balance"]
    assert owed == [{"amount": {"amount": "100.00", "code": "USD"}}]


def test_a_vendor_needs_name_currency_and_language(freshbooks):
    body = {"bill_vendor": {"vendor_name": "Example", "currency_code": "USD"}}
    response = freshbooks.books("POST", "bill_vendors/bill_vendors", body)
    (error,) = response.json()["response"]["errors"]
    assert (response.status_code, error["field"], error["message"]) == (422, "language", 'Invalid value ""')


# Supporting lists


def test_categories_are_those_of_the_account_and_cannot_be_created(freshbooks):
    listed = freshbooks.result("GET", "expenses/categories")["categories"]
    assert [row["category"] for row in listed] == ["Equipment", "Advertising"]
    assert set(listed[0]) == set(
        sample("expense_categories_list.json")["response"]["result"]["categories"][0]
    )
    assert freshbooks.books("POST", "expenses/categories", {"category": {}}).status_code == 405


def test_a_deleted_tax_is_gone_for_good(freshbooks):
    body = {"tax": {"name": "HST", "amount": 13}}
    tax = freshbooks.result("POST", "taxes/taxes", body)["tax"]
    assert tax["amount"] == "13"
    assert freshbooks.books("DELETE", f"taxes/taxes/{tax['taxid']}").status_code == 200
    assert freshbooks.books("GET", f"taxes/taxes/{tax['taxid']}").status_code == 404


def test_an_item_gets_the_accounts_currency_whatever_was_asked_for(freshbooks):
    body = sample("item_create_request.json")
    item = freshbooks.result("POST", "items/items", {"item": {**body["item"], "sku": "SKU-1"}})["item"]
    assert (item["unit_cost"], item["sku"]) == ({"amount": "750.00", "code": "USD"}, "SKU-1")
