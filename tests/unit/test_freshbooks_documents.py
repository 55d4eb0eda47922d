"""`documents.freshbooks`: what FreshBooks sends, read without losing or inventing anything."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.documents.freshbooks import (
    Bill,
    BillLine,
    BillVendor,
    Business,
    Callback,
    Client,
    ExpenseCategory,
    Invoice,
    InvoiceLine,
    Item,
    Money,
    Tax,
    eastern_date,
    eastern_instant,
    read_businesses,
    read_record,
    utc_instant,
)
from connector.errors import BadInput

SAMPLES = Path(__file__).parents[3] / "shared" / "freshbooks" / "samples"
with_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the vendor's samples are not beside this clone"
)

INVOICE: dict[str, Any] = {
    "id": 987654,
    "invoiceid": 987654,
    "invoice_number": "ACM0002",
    "customerid": 12345,
    "create_date": "2026-04-16",
    "due_date": "2026-05-16",
    "due_offset_days": 30,
    "po_number": "0045",
    "status": 2,
    "v3_status": "sent",
    "amount": {"amount": "62.60", "code": "USD"},
    "updated": "2026-04-16 10:31:19",
    "version": "2026-04-16 10:31:19.000001",
    "vis_state": 0,
    "new_key": {"kept": True},
    "lines": [
        {
            "lineid": 1,
            "name": "SKU-1",
            "qty": "4",
            "unit_cost": {"amount": "15.65", "code": "USD"},
            "taxName1": "HST",
            "taxAmount1": "13",
            "taxName2": "",
            "taxAmount2": "0",
            "modern_project_id": None,
        }
    ],
}
BILL: dict[str, Any] = {
    "id": 1141,
    "bill_number": "PO-4500012345",
    "issue_date": "2026-04-16",
    "updated_at": "2026-04-16 14:31:19",
    "lines": [
        {
            "id": 2621,
            "quantity": "40",
            "unit_cost": {"amount": "2.50", "code": "USD"},
            "category": {"categoryid": 3696445, "id": 3696445, "category": "Equipment"},
            "tax_name1": None,
            "tax_percent1": None,
        }
    ],
}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def changed(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(record))
    copy["lines"][0].update(changes)
    return copy


# ------------------------------------------------------------------------------------------ values


def test_an_invoice_keeps_money_exact_dates_plain_and_leading_zeros() -> None:
    invoice = Invoice.model_validate(INVOICE)
    assert invoice.amount == Money(amount=Decimal("62.60"), code="USD")
    assert (invoice.create_date, invoice.due_date) == (date(2026, 4, 16), date(2026, 5, 16))
    assert invoice.po_number == "0045"
    assert invoice.lines[0].qty * invoice.lines[0].unit_cost.amount == Decimal("62.60")


def test_unknown_keys_are_kept_and_written_back() -> None:
    written = Invoice.model_validate(INVOICE).model_dump(mode="json", exclude_unset=True)
    assert written == INVOICE


@pytest.mark.parametrize(
    ("sent", "read"), [(2, "2"), (2.5, "2.5"), ("12.50", "12.50"), ({"amount": "3"}, "3"), (" 7 ", "7")]
)
def test_money_comes_as_object_number_or_text(sent: Any, read: str) -> None:
    assert str(Money.model_validate(sent).amount) == read


def test_long_decimals_lose_nothing() -> None:
    assert (
        str(Money.model_validate({"amount": "7.60133524082021936099189318"}).amount)
        == "7.60133524082021936099189318"
    )


@pytest.mark.parametrize(
    "bad", ["abc", "", None, True, "NaN", "Infinity", "1e15", [], {}, {"amount": None}, "1,50"]
)
def test_what_is_no_amount_is_not_money(bad: Any) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate(bad)


def test_null_texts_are_empty_and_numbers_in_texts_are_text() -> None:
    invoice = Invoice.model_validate(
        {"id": 1, "invoice_number": 1005, "po_number": None, "notes": None, "terms": ""}
    )
    assert (invoice.invoice_number, invoice.po_number, invoice.notes, invoice.terms) == ("1005", "", "", "")


def test_a_po_number_that_looks_like_a_date_stays_text() -> None:
    assert Invoice.model_validate({"id": 1, "po_number": "20240115"}).po_number == "20240115"


@pytest.mark.parametrize("blank", [None, "", " "])
def test_blank_dates_and_numbers_are_absent(blank: Any) -> None:
    invoice = Invoice.model_validate(
        {"id": 1, "create_date": blank, "discount_value": blank, "status": blank}
    )
    assert (invoice.create_date, invoice.discount_value, invoice.status) == (None, None, None)


@pytest.mark.parametrize("bad", [20260416, 0, "2026-13-01", "16/04/2026", True])
def test_what_is_no_date_is_refused(bad: Any) -> None:
    with pytest.raises(ValidationError):
        Invoice.model_validate({"id": 1, "create_date": bad})


def test_ids_come_under_either_of_their_names() -> None:
    assert Invoice.model_validate({"invoiceid": 3}).id == 3
    assert Client.model_validate({"userid": "4"}).id == 4
    assert Item.model_validate({"itemid": 5}).id == 5
    assert ExpenseCategory.model_validate({"id": 6}).categoryid == 6
    assert Callback.model_validate({"id": 7}).callbackid == 7
    assert BillVendor.model_validate({"vendorid": "8"}).vendorid == 8


def test_taxes_are_those_with_a_percent() -> None:
    assert Invoice.model_validate(INVOICE).lines[0].taxes == [Tax("HST", Decimal(13))]
    bare = InvoiceLine.model_validate({"qty": "1", "unit_cost": "1", "taxName1": None, "taxAmount1": ""})
    assert bare.taxes == []
    line = BillLine.model_validate({"quantity": 1, "unit_cost": 1, "tax_name2": "VAT", "tax_percent2": "6.5"})
    assert line.taxes == [Tax("VAT", Decimal("6.5"))]


@pytest.mark.parametrize(
    ("line", "category"),
    [
        ({"category": {"categoryid": 5, "id": 5, "category": "Ads"}}, 5),
        ({"category": {"id": 5}}, 5),
        ({"category": "Ads", "categoryid": "5"}, 5),
        ({"categoryid": 5}, 5),
        ({"category": 5}, 5),
        ({"category": "5"}, 5),
        ({"category": "Ads"}, None),
        ({"category": {}}, None),
        ({"category": None}, None),
        ({}, None),
    ],
)
def test_the_category_of_a_bill_line_is_found_in_every_shape(
    line: dict[str, Any], category: int | None
) -> None:
    assert BillLine.model_validate({"quantity": 1.5, "unit_cost": "1", **line}).category_id == category


@pytest.mark.parametrize(
    ("bill", "vendor"),
    [
        ({}, None),
        ({"vendorid": "5"}, 5),
        ({"vendor": {"vendorid": 5}}, 5),
        ({"vendor": "Big Co"}, None),
        ({"vendor": None}, None),
    ],
)
def test_a_bill_says_whose_it_is_or_none(bill: dict[str, Any], vendor: int | None) -> None:
    assert Bill.model_validate({"id": 1, **bill}).vendorid == vendor


# ------------------------------------------------------------------------------------------ states, stamps


@pytest.mark.parametrize(
    ("fields", "draft"),
    [
        ({"status": 1}, True),
        ({"v3_status": "draft"}, True),
        ({"status": "1"}, True),
        ({"status": 2, "v3_status": "sent"}, False),
        ({}, False),
    ],
)
def test_a_draft_is_known_by_either_status(fields: dict[str, Any], draft: bool) -> None:
    assert Invoice.model_validate({"id": 1, **fields}).is_draft is draft


@pytest.mark.parametrize(("vis_state", "deleted"), [(0, False), (1, True), (2, False)])
def test_archived_is_not_deleted(vis_state: int, deleted: bool) -> None:
    assert Invoice.model_validate({"id": 1, "vis_state": vis_state}).is_deleted is deleted
    assert Bill.model_validate({"id": 1, "vis_state": vis_state}).is_deleted is deleted


def test_the_change_token_is_the_finest_stamp_there_is() -> None:
    assert Invoice.model_validate(INVOICE).change_token == "2026-04-16 10:31:19.000001"
    assert Invoice.model_validate({**INVOICE, "version": None}).change_token == "2026-04-16 10:31:19"
    assert Bill.model_validate(BILL).change_token == "2026-04-16 14:31:19"


def test_invoices_tell_new_york_time_and_bills_utc() -> None:
    same = datetime(2026, 4, 16, 14, 31, 19, tzinfo=UTC)
    assert Invoice.model_validate(INVOICE).updated_instant == same
    assert Bill.model_validate(BILL).updated_instant == same
    stamp = "2026-04-16 10:31:19"
    assert ExpenseCategory.model_validate({"id": 1, "updated_at": stamp}).updated_instant == same
    assert Client.model_validate({"id": 1, "updated": stamp}).updated_instant == same
    assert (
        BillVendor.model_validate({"vendorid": 1, "updated_at": "2026-04-16 14:31:19"}).updated_instant
        == same
    )


@pytest.mark.parametrize(
    ("stamp", "instant"),
    [
        ("2019-04-19 08:09:32", datetime(2019, 4, 19, 12, 9, 32, tzinfo=UTC)),
        ("2026-01-15 08:00:00", datetime(2026, 1, 15, 13, 0, tzinfo=UTC)),
        ("2026-11-01 01:30:00", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # twice that night: the first
        ("2026-01-15T08:00:00Z", datetime(2026, 1, 15, 8, 0, tzinfo=UTC)),
        ("2026-01-15 08:00:00.480684", datetime(2026, 1, 15, 13, 0, 0, 480684, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
    ],
)
def test_new_york_stamps_become_instants(stamp: str, instant: datetime | None) -> None:
    assert eastern_instant(stamp) == instant


def test_utc_stamps_become_instants() -> None:
    assert utc_instant("2020-10-09 15:28:49") == datetime(2020, 10, 9, 15, 28, 49, tzinfo=UTC)
    assert utc_instant("0000-00-00 00:00:00") is None


def test_the_day_in_new_york_is_still_yesterday_in_the_utc_night() -> None:
    assert eastern_date(datetime(2026, 4, 16, 3, 0, tzinfo=UTC)) == date(2026, 4, 15)


# ------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(("kind", "record"), [("invoice", INVOICE), ("bill", BILL)])
def test_a_file_may_hold_the_whole_answer_the_named_or_the_bare_object_or_lists(
    kind: str, record: dict[str, Any]
) -> None:
    shapes = [
        {"response": {"result": {kind: record}}},
        {"response": {"result": {f"{kind}s": [record], "page": 1, "pages": 1}}},
        {kind: record},
        {f"{kind}s": [record]},
        record,
        [record],
        [{kind: record}],
    ]
    for shape in shapes:
        found, records = read_record(b"\xef\xbb\xbf" + as_json(shape))
        assert (found, [one.id for one in records]) == (kind, [record["id"]])


def test_an_empty_list_is_of_its_kind_and_empty() -> None:
    assert read_record(b'{"invoices": []}') == ("invoice", [])


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"", "line 1", "not JSON"),
        (b"PO,4500", "line 1", "not JSON"),
        (b'{"invoice": {\n"id": }}', "line 2", "not JSON"),
        (b"\xff\xfe{", "", "not JSON"),
        (b"[" * 100_000, "", "not JSON"),
        (b'{"amount": NaN}', "", "not JSON"),
        (b"{}", "", "neither"),
        (b"[]", "", "no record"),
        (b"[[]]", "[0]", "neither"),
        (b"7", "", "neither"),
        (b'{"Header": {}, "LineItem": [], "Summary": {}}', "", "neither"),
        (b'{"invoice": "x"}', "", "neither"),
        (b'{"invoices": ["x"]}', "[0]", "not invoice data"),
        (b'{"response": {"errors": [{"errno": 1012}]}}', "", "error answer"),
        (as_json([INVOICE, BILL]), "", "mixed"),
        (as_json(changed(INVOICE, qty="four")), "lines[0].qty", "not a number"),
        (as_json(changed(INVOICE, qty=True)), "lines[0].qty", "not a number"),
        (as_json(changed(INVOICE, qty="1e400")), "lines[0].qty", "out of range"),
        (as_json(changed(INVOICE, unit_cost={"amount": "x"})), "lines[0].unit_cost.amount", "not a number"),
        (as_json(changed(INVOICE, unit_cost={})), "lines[0].unit_cost.amount", "missing"),
        (as_json(changed(INVOICE, unit_cost=[])), "lines[0].unit_cost", "not an object"),
        (as_json(changed(BILL, quantity="")), "lines[0].quantity", "not a number"),
        (as_json({**INVOICE, "create_date": "16.4.2026"}), "create_date", "not a date"),
        (as_json({**INVOICE, "create_date": 20260416}), "create_date", "not a date"),
        (as_json({**INVOICE, "lines": "x"}), "lines", "not a list"),
        (as_json({**INVOICE, "notes": {}}), "notes", "not text"),
        (as_json([INVOICE, changed(INVOICE, qty="x")]), "[1].lines[0].qty", "not a number"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong_and_where(data: bytes, place: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_record(data)
    assert caught.value.place == place
    assert "\n" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "response",
                        "result",
                        "invoice",
                        "bills",
                        "lines",
                        "qty",
                        "id",
                        "errors",
                        "vendor",
                        "customerid",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_whatever_json_a_file_holds_it_is_read_or_refused(value: Any) -> None:
    try:
        kind, _ = read_record(as_json(value))
    except BadInput:
        return
    assert kind in ("invoice", "bill")


@given(st.binary())
def test_whatever_bytes_a_file_holds_it_is_read_or_refused(data: bytes) -> None:
    with suppress(BadInput):
        read_record(data)


# ------------------------------------------------------------------------------------------ who we are


def test_businesses_are_read_with_their_account() -> None:
    business = {"id": 77128, "account_id": "xZNQ1X", "name": "Acme"}
    me = {"business_memberships": [{"role": "owner", "business": business}, {"role": "x", "business": None}]}
    assert read_businesses(me) == [Business("xZNQ1X", 77128, "Acme", "owner")]


def test_a_business_without_an_account_is_looked_up_among_the_roles() -> None:
    me = {
        "business_memberships": [{"role": "owner", "business": {"id": 1, "account_id": None, "name": None}}],
        "roles": [{"accountid": None}, {"accountid": "aB1"}],
    }
    assert read_businesses(me) == [Business("aB1", 1, "", "owner")]
    assert read_businesses({"business_memberships": None}) == []


# ------------------------------------------------------------------------------------------ the vendor's samples


@with_samples
def test_the_full_invoice_sample_foots_and_comes_back_unchanged() -> None:
    data = (SAMPLES / "InvoiceTest.sampleInvoiceData.L17.json").read_bytes()
    kind, (invoice,) = read_record(data)
    assert kind == "invoice"
    assert isinstance(invoice, Invoice)
    assert invoice.discount_total is not None
    assert invoice.discount_total.amount == Decimal("-4.40")
    assert not invoice.is_draft
    assert sum(line.qty * line.unit_cost.amount for line in invoice.lines) == 44
    sent, back = json.loads(data)["invoice"], invoice.model_dump(mode="json", exclude_unset=True)
    assert back.keys() == sent.keys()
    differing = {key for key in sent if back[key] != sent[key]}
    assert differing == {"discount_value", "lines", "po_number", "terms"}  # number as text, nulls as ""


@with_samples
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("invoices_list_records.json", "invoice", 2),
        ("bill_create_response.json", "bill", 1),
        ("bill_create_request.json", "bill", 1),
        ("bill_delete_response.json", "bill", 1),
        ("bill_archive_response.json", "bill", 1),
    ],
)
def test_the_vendors_samples_are_read(name: str, kind: str, count: int) -> None:
    found, records = read_record((SAMPLES / name).read_bytes())
    assert (found, len(records)) == (kind, count)


@with_samples
@pytest.mark.parametrize(
    "name", ["client_get.json", "error_accounting_404.json", "oauth_token.json", "auth_me_response.json"]
)
def test_other_answers_are_not_taken_for_invoices_or_bills(name: str) -> None:
    with pytest.raises(BadInput):
        read_record((SAMPLES / name).read_bytes())


@with_samples
def test_the_sample_of_who_we_are_names_both_businesses() -> None:
    me = json.loads((SAMPLES / "auth_me_response.json").read_bytes())["response"]
    assert [business.account_id for business in read_businesses(me)] == ["ABC123", "ABC124"]
