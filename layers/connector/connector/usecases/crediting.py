"""Which invoice a credit note of FreshBooks is for: what it says itself, else the only invoice of its order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import DocumentKey, Record
from connector.mapping.reversal import reference_to
from connector.usecases.corrections import last_delivered

if TYPE_CHECKING:
    from connector.documents.freshbooks import Invoice
    from connector.usecases.world import World

_NAMED = re.compile(
    r"\binv(?:oice)?\.?\s*(?:no\.?|number|num\.?|#)?\s*[:#]?\s*(?P<number>[A-Z0-9][\w./-]*)", re.I
)


def original_of(
    world: World, credit: Invoice, partner: str, order: Record | None
) -> tuple[dict[str, Any], str]:
    """The reference to the invoice that `credit` is for, and its PO number ("" where it is not known).

    CheckFailed where it cannot be told.
    """
    named = list(dict.fromkeys(_named(credit)))
    if not named and order is not None:
        entries = (entry for name, entry in order.fulfilment.items() if name.startswith("invoice/"))
        named = list(dict.fromkeys(DocumentKey.of(entry["document"]).number for entry in entries))
    if len(named) != 1:
        several = " and ".join(named[:5])
        raise errors.CheckFailed(
            f"the credit could be for invoice {several}"
            if named
            else "nothing says which invoice the credit is for",
            code="original_unknown",
            fix="write the number of the one invoice into the credit's notes: Credit for invoice 1234",
        )
    sent = _as_sent(world, DocumentKey(world.id, "out", partner, "invoice", named[0]))
    if sent is None:  # from before the connector's time, perhaps: the clerk's word is good
        return reference_to(named[0]), ""
    reference = reference_to(sent["InvoiceNumber"], sent.get("InvoiceDate"))
    return reference, sent.get("PurchaseOrderNumber", "")


def _named(credit: Invoice) -> Iterator[str]:
    """Every invoice number in the credit's words; a number has a digit in it."""
    words = [credit.notes, credit.terms, *(f"{line.name}\n{line.description}" for line in credit.lines)]
    for match in _NAMED.finditer("\n".join(words)):
        number = match["number"].rstrip(".-/")
        if any(character.isdigit() for character in number):
            yield number


def _as_sent(world: World, key: DocumentKey) -> dict[str, Any] | None:
    """The header under which the partner has the invoice: after a credit it has another number."""
    record = world.ledger.get(key)
    document = last_delivered(world, record) if record is not None else None
    header: dict[str, Any] | None = document["Header"]["InvoiceHeader"] if document is not None else None
    return header
