"""What of a FreshBooks record a trading partner would see: payments, views and reminders change none of it."""

from __future__ import annotations

import hashlib
import json

from connector.documents.freshbooks import Bill, Invoice

_INVOICE_CONTENT = (
    "invoice_number",
    "customerid",
    "create_date",
    "due_offset_days",
    "currency_code",
    "amount",
    "po_number",
    "terms",
    "notes",
    "discount_value",
    "fulfillment_date",
    "organization",
    "street",
    "street2",
    "city",
    "province",
    "code",
    "country",
    "lines",
)
_INVOICE_LINE = (
    "name",
    "description",
    "qty",
    "unit_cost",
    "taxName1",
    "taxAmount1",
    "taxName2",
    "taxAmount2",
)
_BILL_CONTENT = ("bill_number", "issue_date", "due_offset_days", "currency_code", "total_amount", "lines")
_BILL_LINE = (
    "description",
    "quantity",
    "unit_cost",
    "tax_name1",
    "tax_percent1",
    "tax_name2",
    "tax_percent2",
)


def content_digest(record: Invoice | Bill) -> str:
    """The digest of what a trading partner would see of a record; payments and views don't change it."""
    fields, line_fields = (
        (_INVOICE_CONTENT, _INVOICE_LINE) if isinstance(record, Invoice) else (_BILL_CONTENT, _BILL_LINE)
    )
    values = record.model_dump(mode="json", include=set(fields))
    values["lines"] = [{name: line.get(name) for name in line_fields} for line in values.get("lines") or ()]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
