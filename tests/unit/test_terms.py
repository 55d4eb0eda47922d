"""Payment terms on an invoice: days from the date that counts, discounts on its own merchandise, nothing made up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.findings import Finding
from connector.mapping.terms import due_date_differs, order_terms, own_terms, terms_discount
from tests.outbound import order

INVOICED, SHIPPED = date(2026, 3, 11), date(2026, 3, 9)


class Marks:
    """What is explained: (field, rule, source)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, str]] = []

    def mark(self, field: str, rule: str, source: str) -> None:
        self.all.append((field, rule, source))

    def copy(self, field: str, source: str) -> None:
        """What is carried over as it is."""

    def of(self, end: str) -> list[tuple[str, str]]:
        return [(rule, source) for field, rule, source in self.all if field.endswith(end)]


def made(
    *terms: dict[str, Any],
    invoiced: date | None = INVOICED,
    shipped: date | None = SHIPPED,
    merchandise: str = "200.00",
    header: dict[str, Any] | None = None,
    marks: Any = None,
) -> tuple[list[dict[str, Any]], list[Finding]]:
    return order_terms(
        order(header=header, PaymentTerms=list(terms)),
        invoiced,
        shipped,
        Decimal(merchandise),
        marks,
        ("create_date", "fulfillment_date"),
    )


def one(terms: dict[str, Any], **how: Any) -> dict[str, Any]:
    [found], findings = made(terms, **how)
    assert findings == []
    return found


@pytest.mark.parametrize(
    ("basis", "due"),
    [
        ({}, "2026-04-10"),
        ({"TermsBasisDateCode": "3"}, "2026-04-10"),
        ({"TermsBasisDateCode": "1"}, "2026-04-08"),
        ({"TermsBasisDateCode": "09"}, "2026-04-01"),
        ({"TermsBasisDateCode": "4", "TermsStartDate": "2026-05-01"}, "2026-05-31"),
    ],
    ids=["no code", "invoice date", "ship date", "order date", "named date"],
)
def test_days_count_from_the_date_that_the_basis_names(basis: dict[str, str], due: str) -> None:
    assert one({"TermsNetDueDays": 30, **basis})["TermsNetDueDate"] == due


@pytest.mark.parametrize("code", ["2", "5", "6", "7", "8", "15"])
def test_a_date_that_we_cannot_know_is_not_made_up_and_the_orders_own_is_not_repeated(code: str) -> None:
    found = one({"TermsBasisDateCode": code, "TermsNetDueDays": 30, "TermsNetDueDate": "2026-01-01"})
    assert "TermsNetDueDate" not in found
    assert found["TermsNetDueDays"] == 30


@pytest.mark.parametrize(
    "missing",
    [
        {"invoiced": None},
        {"terms": {"TermsBasisDateCode": "1"}, "shipped": None},
        {"terms": {"TermsBasisDateCode": "4"}},
        {"terms": {"TermsBasisDateCode": "09"}, "header": {"PurchaseOrderDate": "soon"}},
    ],
    ids=["not invoiced", "not shipped", "no date named", "order date unreadable"],
)
def test_without_the_date_to_count_from_there_is_no_due_date(missing: dict[str, Any]) -> None:
    terms = {"TermsNetDueDays": 30, **missing.pop("terms", {})}
    assert "TermsNetDueDate" not in one(terms, **missing)


def test_a_date_without_days_was_agreed_on_and_stays() -> None:
    found = one({"TermsNetDueDate": "2026-06-30", "TermsDiscountDate": "2026-05-15"})
    assert (found["TermsNetDueDate"], found["TermsDiscountDate"]) == ("2026-06-30", "2026-05-15")


@pytest.mark.parametrize(
    ("days", "due"),
    [(0, "2026-03-11"), (1, "2026-03-12"), (3650, "2036-03-08"), (3651, None), (-1, None)],
)
def test_days_are_taken_from_none_to_ten_years(days: int, due: str | None) -> None:
    assert one({"TermsNetDueDays": days}).get("TermsNetDueDate") == due


def test_a_due_date_beyond_the_calendar_is_left_out() -> None:
    assert "TermsNetDueDate" not in one({"TermsNetDueDays": 1}, invoiced=date(9999, 12, 31))


def test_net_and_discount_days_each_have_their_date_and_say_where_it_comes_from() -> None:
    marks = Marks()
    found = one({"TermsDiscountDueDays": 10, "TermsNetDueDays": 30}, marks=marks)
    assert (found["TermsDiscountDate"], found["TermsNetDueDate"]) == ("2026-03-21", "2026-04-10")
    assert marks.of("PaymentTerms[0].TermsDiscountDate") == [
        ("days from the basis date (TermsDiscountDueDays)", "create_date")
    ]
    assert marks.of("PaymentTerms[0].TermsNetDueDate") == [
        ("days from the basis date (TermsNetDueDays)", "create_date")
    ]
    by_shipment = Marks()
    one({"TermsNetDueDays": 30, "TermsBasisDateCode": "1"}, marks=by_shipment)
    assert by_shipment.of("TermsNetDueDate") == [
        ("days from the basis date (TermsNetDueDays)", "fulfillment_date")
    ]


# --- discounts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "merchandise", "amount"),
    [(2, "200.00", 4), (2.5, "99.99", 2.5), (100, "200.00", 200), (0.5, "1.00", 0.01), (2, "0.00", 0)],
)
def test_a_percent_is_taken_of_this_invoices_merchandise_to_the_cent_half_up(
    percent: float, merchandise: str, amount: float
) -> None:
    found = one({"TermsDiscountPercentage": percent, "TermsDiscountAmount": 999}, merchandise=merchandise)
    assert found["TermsDiscountAmount"] == amount
    assert found["TermsDiscountPercentage"] == percent


def test_a_discount_says_what_it_was_made_of() -> None:
    marks = Marks()
    one({"TermsDiscountPercentage": 2}, marks=marks)
    assert marks.of("PaymentTerms[0].TermsDiscountAmount") == [
        ("percent of the merchandise less allowances", "order.Header.PaymentTerms[0]")
    ]


@pytest.mark.parametrize("percent", [0, 100.01, -2])
def test_a_percent_that_makes_no_sense_makes_no_amount(percent: float) -> None:
    found = one({"TermsDiscountPercentage": percent, "TermsNetDueDays": 30})
    assert "TermsDiscountAmount" not in found


@pytest.mark.parametrize("name", ["AmountSubjectToDiscount", "DiscountAmountDue", "TermsDeferredAmountDue"])
def test_amounts_of_the_orders_own_total_are_left_out_without_a_word(name: str) -> None:
    found = one({"TermsNetDueDays": 30, name: 12})
    assert name not in found


def test_an_amount_without_a_percent_is_left_out_and_told_with_its_place() -> None:
    found, [finding] = made({"TermsNetDueDays": 30}, {"TermsDiscountAmount": 5, "TermsNetDueDays": 10})
    assert [terms.get("TermsDiscountAmount") for terms in found] == [None, None]
    assert (finding.code, finding.severity) == ("terms_not_recomputed", "warning")
    assert finding.place == "Header.PaymentTerms[1].TermsDiscountAmount"
    assert finding.fix


def test_terms_of_which_nothing_is_left_are_left_out() -> None:
    found, [finding] = made({"TermsDiscountAmount": 5})
    assert found == []
    assert finding.code == "terms_not_recomputed"


def test_what_early_payment_saves_is_the_first_discount_offered() -> None:
    assert terms_discount([]) is None
    assert terms_discount([{"TermsNetDueDays": 30}]) is None
    terms = [{"TermsNetDueDays": 30}, {"TermsDiscountAmount": 4.25}, {"TermsDiscountAmount": 9}]
    assert terms_discount(terms) == Decimal("4.25")


# --- FreshBooks' own terms -----------------------------------------------------------------------------


def own(**given: Any) -> list[dict[str, Any]]:
    how = {"invoiced": INVOICED, "due": date(2026, 4, 10), "days": 30, "text": ""} | given
    return own_terms(how["invoiced"], how["due"], how["days"], how["text"])


def test_freshbooks_terms_are_net_days_from_the_invoice_date() -> None:
    assert own() == [
        {
            "TermsType": "01",
            "TermsBasisDateCode": "3",
            "TermsNetDueDate": "2026-04-10",
            "TermsNetDueDays": 30,
            "TermsDescription": "Net 30",
        }
    ]


def test_days_and_due_date_are_worked_out_from_each_other() -> None:
    assert own(due=None)[0]["TermsNetDueDate"] == "2026-04-10"
    assert own(days=None)[0]["TermsNetDueDays"] == 30
    assert own(due=INVOICED, days=0)[0]["TermsNetDueDays"] == 0
    assert own(due=INVOICED, days=None)[0]["TermsDescription"] == "Net 0"


@pytest.mark.parametrize(
    "given",
    [
        {"due": None, "days": None},
        {"days": None, "invoiced": None},
        {"due": None, "invoiced": None},
        {"days": -1},
        {"days": None, "due": date(2026, 3, 10)},
    ],
)
def test_without_both_there_are_no_terms(given: dict[str, Any]) -> None:
    assert own(**given) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  Due \n on  receipt ", "Due on receipt"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "Net 30"),
        (" ", "Net 30"),
        ("x", "x"),
    ],
)
def test_the_words_of_the_terms_go_out_where_they_fit(text: str, told: str) -> None:
    assert own(text=text)[0]["TermsDescription"] == told


# --- two due dates -------------------------------------------------------------------------------------


def test_a_due_date_that_differs_from_all_of_the_orders_terms_is_told() -> None:
    terms = [{"TermsNetDueDate": "2026-04-10"}, {"TermsNetDueDate": "2026-05-10"}]
    assert due_date_differs(terms, date(2026, 5, 10)) == []
    assert due_date_differs(terms, None) == []
    assert due_date_differs([{"TermsNetDueDays": 30}], date(2026, 5, 10)) == []
    [finding] = due_date_differs(terms, date(2026, 4, 11))
    assert (finding.code, finding.severity, finding.place) == ("due_date_differs", "info", "due_date")
    assert "2026-04-11" in finding.message
    assert "2026-04-10" in finding.message
    assert finding.fix
