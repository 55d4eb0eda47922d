"""How a credit note of FreshBooks tells which invoice it is for, whatever the clerk wrote."""

from __future__ import annotations

from typing import Any

import pytest

from connector.ledger import State
from tests.fakes import FakeWorld
from tests.unit.test_corrections import credit_note, credited, told_of
from tests.unit.test_outbound import invoice, sent, stored, told, world

SOLD_WITHOUT_ORDER: dict[str, Any] = {"freshbooks": {"client_ids": [12345]}}


def of_no_order(fake: FakeWorld) -> None:
    """An invoice to a client whose partner orders nothing by EDI."""
    fake.freshbooks.clients[12345] = {"id": 12345, "organization": "Example Retail", "currency_code": "USD"}
    fake.freshbooks.invoices[987654] = invoice(po_number=None)
    told(fake)


def named(fake: FakeWorld) -> str:
    document = sent(fake)[-1]
    assert told_of(document) == ("CN-7", "CR", "00", 5)
    return str(document["Header"]["References"][-1]["ReferenceID"])


@pytest.mark.parametrize(
    "notes",
    [
        "Credit for invoice 0000421.",
        "See inv# 0000421-",
        "invoice no. 0000421; please pay the rest",
        "Invoice total was wrong, see invoice 0000421",
        "invoice 0000421, that is Invoice 0000421",
    ],
)
def test_the_invoice_is_told_from_the_words_around_its_number(notes: str) -> None:
    fake = world()
    told(fake)
    credited(fake, notes=notes)
    assert named(fake) == "0000421"


def test_a_number_with_letters_is_a_number() -> None:
    fake = world()
    fake.freshbooks.invoices[987654] = invoice("A-421X")
    told(fake)
    credited(fake, notes="Credit for invoice A-421X")
    assert named(fake) == "A-421X"


@pytest.mark.parametrize("where", ["terms", "name", "description"])
def test_the_invoice_may_be_named_in_the_terms_or_a_line(where: str) -> None:
    """Of two invoices of one order, so that only the words tell."""
    fake = world()
    half = invoice(amount={"amount": "50.00", "code": "USD"})
    half["lines"][0] |= {"qty": "20", "amount": {"amount": "50.00", "code": "USD"}}
    for number, object_id in (("0000421", 987654), ("0000422", 987655)):
        fake.freshbooks.invoices[object_id] = half | {"id": object_id, "invoice_number": number}
        told(fake, object_id=object_id)
    note = credit_note(notes="")
    if where == "terms":
        note["terms"] = "Invoice 0000422"
    else:
        note["lines"][0] |= {"name": "V-1", where: "V-1 of invoice 0000422"}
    fake.freshbooks.invoices[987700] = note
    told(fake, object_id=987700)
    assert named(fake) == "0000422"


def test_where_the_partner_pays_without_orders_a_credit_note_goes_out_without_one() -> None:
    fake = world(ordered=False, rules={"po_number_missing": "info"}, **SOLD_WITHOUT_ORDER)
    of_no_order(fake)
    credited(fake, po_number=None)
    assert named(fake) == "0000421"
    assert "PurchaseOrderNumber" not in sent(fake)[-1]["Header"]["InvoiceHeader"]


def test_an_invoice_from_before_the_connector_is_named_as_the_clerk_named_it() -> None:
    fake = world(ordered=False, rules={"po_number_missing": "info"}, **SOLD_WITHOUT_ORDER)
    of_no_order(fake)
    credited(fake, po_number=None, notes="Credit for invoice 98-7")
    assert sent(fake)[-1]["Header"]["References"][-1] == {
        "ReferenceQual": "INV",
        "ReferenceID": "98-7",
        "Description": "Original invoice",
    }


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ("Goodwill", "nothing says which invoice the credit is for"),
        ("for inv. 421 and inv. 422", "the credit could be for invoice 421 and 422"),
        (
            " ".join(f"inv. {n}" for n in range(1, 8)),
            "the credit could be for invoice 1 and 2 and 3 and 4 and 5",
        ),
    ],
)
def test_a_credit_note_that_could_be_for_any_says_what_it_found(notes: str, message: str) -> None:
    fake = world(ordered=False, **SOLD_WITHOUT_ORDER)
    of_no_order(fake)
    credited(fake, po_number=None, notes=notes)
    held = stored(fake, "CN-7", "credit")
    assert (held.state, held.reason["code"]) == (State.HELD, "original_unknown")
    assert held.reason["message"] == message
    assert "Credit for invoice 1234" in held.reason["fix"]
