"""What takes an RSX invoice back that a partner already has: a credit over it, or its cancellation.

Both are made of the very document that was sent, not of what FreshBooks says now: what is taken back must be
what the partner booked, to the cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from connector.findings import Mapped, Trace
from connector.mapping.carry import Explainer
from connector.mapping.conform import conform, in_schema_order

Fields = dict[str, Any]
INVOICE_NUMBER = "INV"
_AS_SENT = "as on the invoice that was sent"


def credit_over(sent: Mapping[str, Any], *, number: str, issued: date, trace: Trace | None = None) -> Mapped:
    """A credit (CR) of everything on the invoice `sent`, with its positive numbers and a reference to it.

    Over a credit it is a debit (DR): what was credited by mistake is owed again.
    """
    header = sent["Header"]["InvoiceHeader"]
    taken_back: Fields = {
        **header,
        "InvoiceNumber": number,
        "InvoiceDate": issued.isoformat(),
        "InvoiceTypeCode": "DR" if header.get("InvoiceTypeCode") == "CR" else "CR",
        "TsetPurposeCode": "00",
    }
    references = [one for one in sent["Header"].get("References", ()) if not _names_an_invoice(one)]
    references.append(reference_to(header["InvoiceNumber"], header.get("InvoiceDate")))
    document = _with_header(sent, InvoiceHeader=taken_back, References=references)
    if trace is not None:
        to, explain = "Header.InvoiceHeader", Explainer(trace)
        explain.copy("", "sent", _AS_SENT)
        explain.mark(f"{to}.InvoiceNumber", "number of what is taken back, and which credit over it this is")
        explain.mark(f"{to}.InvoiceDate", "the day the credit was made")
        explain.mark(f"{to}.InvoiceTypeCode", "the opposite of what was sent", f"sent.{to}.InvoiceTypeCode")
        explain.mark(f"{to}.TsetPurposeCode", "a document of its own")
        explain.mark(
            f"Header.References[{len(references) - 1}]", "what is taken back", f"sent.{to}.InvoiceNumber"
        )
        explain.finish(document)
    return Mapped(document, conform(document, "Invoice"))


def cancellation_of(sent: Mapping[str, Any], trace: Trace | None = None) -> Mapped:
    """The same invoice once more, with purpose 01: it is void."""
    header = {**sent["Header"]["InvoiceHeader"], "TsetPurposeCode": "01"}
    document = _with_header(sent, InvoiceHeader=header)
    if trace is not None:
        explain = Explainer(trace)
        explain.copy("", "sent", _AS_SENT)
        explain.mark("Header.InvoiceHeader.TsetPurposeCode", "deleted in FreshBooks: it is cancelled")
        explain.finish(document)
    return Mapped(document, conform(document, "Invoice"))


def reference_to(number: str, issued: str | None = None) -> Fields:
    """The reference by which a credit names the invoice that it is for."""
    dated = {"Date": issued} if issued else {}
    return {
        "ReferenceQual": INVOICE_NUMBER,
        "ReferenceID": number,
        "Description": "Original invoice",
        **dated,
    }


def _with_header(sent: Mapping[str, Any], **groups: Any) -> Fields:
    return in_schema_order({**sent, "Header": {**sent["Header"], **groups}}, "Invoice")


def _names_an_invoice(reference: Mapping[str, Any]) -> bool:
    return reference.get("ReferenceQual") == INVOICE_NUMBER
