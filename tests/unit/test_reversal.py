"""What takes an invoice back repeats it, says which one it is for, and can be explained field by field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.findings import Trace
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.reversal import cancellation_of, credit_over
from tests.outbound import PACK, PROFILE, fb_line, invoice, order
from tests.unit.test_invoice_to_rsx import leaves

DAY = date(2026, 3, 20)


def sent(**changes: Any) -> dict[str, Any]:
    record = invoice([fb_line("V-1", "5", "20.00", "100.00")], "100.00")
    document = invoice_to_rsx(record, order=order(), pack=PACK, profile=PROFILE).document
    document["Header"]["InvoiceHeader"].update(changes)
    return document


def test_a_credit_repeats_the_invoice_under_its_own_number_and_names_it() -> None:
    before = sent()
    credit = credit_over(before, number="0000421C1", issued=DAY).document
    own = before["Header"]["InvoiceHeader"]
    assert credit["Header"]["InvoiceHeader"] == own | {
        "InvoiceNumber": "0000421C1",
        "InvoiceDate": "2026-03-20",
        "InvoiceTypeCode": "CR",
    }
    assert (credit["LineItem"], credit["Summary"]) == (before["LineItem"], before["Summary"])
    [reference] = [one for one in credit["Header"]["References"] if one["ReferenceQual"] == "INV"]
    assert (reference["ReferenceID"], reference["Date"]) == ("0000421", "2026-03-11")
    assert before == sent(), "what was sent is left alone"


def test_over_a_credit_it_is_a_debit_that_names_the_credit_alone() -> None:
    credit = credit_over(sent(), number="0000421C1", issued=DAY).document
    again = credit_over(credit, number="0000421C2", issued=DAY).document
    assert again["Header"]["InvoiceHeader"]["InvoiceTypeCode"] == "DR"
    named = [one["ReferenceID"] for one in again["Header"]["References"] if one["ReferenceQual"] == "INV"]
    assert named == ["0000421C1"]


def test_a_cancellation_is_the_same_invoice_with_another_purpose() -> None:
    before = sent()
    after = cancellation_of(before).document
    assert after["Header"]["InvoiceHeader"] == before["Header"]["InvoiceHeader"] | {"TsetPurposeCode": "01"}
    assert {**after, "Header": None} == {**before, "Header": None}


@pytest.mark.parametrize("purpose", ["credit", "cancellation"])
def test_every_field_names_what_was_sent_or_why_it_is_new(purpose: str) -> None:
    trace: Trace = {}
    before = sent()
    mapped = (
        credit_over(before, number="C1", issued=DAY, trace=trace)
        if purpose == "credit"
        else cancellation_of(before, trace)
    )
    assert set(trace) == leaves("", mapped.document)
    head = "Header.InvoiceHeader"
    new = {f"{head}.TsetPurposeCode"}
    if purpose == "credit":
        new |= {f"{head}.InvoiceNumber", f"{head}.InvoiceDate"}
        assert trace[f"{head}.InvoiceTypeCode"].paths == (f"sent.{head}.InvoiceTypeCode",)
        last = len(mapped.document["Header"]["References"]) - 1
        assert trace[f"Header.References[{last}].ReferenceID"].paths == (f"sent.{head}.InvoiceNumber",)
    rules = {trace[path].rule for path in new}
    assert all(trace[path].paths == () for path in new)
    assert len(rules) == len(new)
    assert trace[f"{head}.PurchaseOrderNumber"].paths == (f"sent.{head}.PurchaseOrderNumber",)
    assert trace["LineItem[0].InvoiceLine.InvoiceQty"].paths == ("sent.LineItem[0].InvoiceLine.InvoiceQty",)
