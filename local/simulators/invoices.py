"""FreshBooks invoices (reference/freshbooks.md 2.2), and estimates as if they were invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from local.simulators.accounting import (
    EASTERN,
    Resource,
    Row,
    cents,
    day,
    decimal,
    error,
    later,
    money,
    number,
    plain,
    price,
    refusal,
)

DISPUTED, DRAFT, SENT, VIEWED = range(4)
NAMES = {DISPUTED: "disputed", DRAFT: "draft", SENT: "sent", VIEWED: "viewed"}
COPIED = {  # from the client at creation; a later change of the client does not reach the invoice
    **{name: name for name in ("fname", "lname", "organization", "vat_name", "vat_number")},
    **{name: f"p_{name}" for name in ("street", "street2", "city", "province", "code", "country")},
}
LINE = {
    "type": 0,
    "name": "",
    "description": "",
    "taxName1": "",
    "taxAmount1": "0",
    "taxNumber1": None,
    "taxName2": None,
    "taxAmount2": "0",
    "taxNumber2": None,
    "compounded_tax": False,
}


class Invoices(Resource):
    group, plural, singular, noun = "invoices", "invoices", "invoice", "invoice"
    scope, title, key, first_id = "invoices", "Invoice", "invoiceid", 20001
    verbs = Resource.verbs | {"delete"}
    read_only = frozenset({"due_date"})
    stamped = {"created_at": (EASTERN, False), "updated": (EASTERN, True)}
    equal = {n: n for n in ("customerid", "invoiceid", "invoice_number")}
    any_of = {"customerids": "customerid", "invoiceids": "invoiceid"}
    days = {"updated": "updated", "date": "create_date"}
    sorts = {"invoice_date": "create_date"}
    writable = {
        **dict.fromkeys(
            ("invoice_number", "create_date", "currency_code", "po_number", "terms", "return_uri")
        ),
        **dict.fromkeys(("discount_description", "fulfillment_date", "generation_date")),
        **dict.fromkeys(("notes", "address", "payment_details"), ""),
        "due_offset_days": 0,
        "discount_value": "0",
        "language": "en",
        "template": "clean-grouped",
        "show_attachments": False,
    }

    def fresh(self) -> Row:
        account = self.books.config["account_id"]
        zeros = dict.fromkeys(("basecampid", "estimateid", "ext_archive", "parent"), 0)
        nulls = ("autobill_status", "date_paid", "deposit_amount", "deposit_percentage", "dispute_status")
        return {
            **super().fresh(),
            **zeros,
            **dict.fromkeys((*nulls, "last_order_status", "net_paid_amount")),
            "id": self.next_id,
            "uuid": f"00000000-0000-4000-8000-{self.next_id:012d}",
            "accountid": account,
            "ownerid": 1,
            "sentid": 1,
            "auto_bill": False,
            "gmail": False,
            "status": DRAFT,
            "payment_status": "unpaid",
            "deposit_status": "none",
            "version": "",
            "lines": [],
        }

    def show(self, row: Row, includes: set[str]) -> Row:
        """Four status fields that need not agree, the lines only where they were asked for."""
        shown = dict(row)
        lines = shown.pop("lines")
        late = row["status"] in (SENT, VIEWED) and row["due_date"] < self.books.eastern().date().isoformat()
        shown["v3_status"] = "overdue" if late else NAMES[row["status"]]
        shown["display_status"] = NAMES[row["status"]]
        if "lines" in includes:
            shown["lines"] = lines
        if "presentation" in includes:
            shown["presentation"] = {
                "invoiceid": row["id"],
                "date_format": "mm/dd/yyyy",
                "theme_layout": "simple",
            }
        return shown

    def keeps(self, row: Row, single: dict[str, str], several: dict[str, list[str]]) -> bool:
        wanted = single.get("v3_status")
        return super().keeps(row, single, several) and wanted in (None, self.show(row, set())["v3_status"])

    def fill(self, row: Row, data: Row, new: bool) -> None:
        if new:
            self.require(data, "customerid", "create_date")
        super().fill(row, data, new)
        row["create_date"] = day(row["create_date"], "create_date", "invoice")
        row["due_offset_days"] = number(row["due_offset_days"], "due_offset_days", "invoice")
        row["due_date"] = later(row["create_date"], row["due_offset_days"])
        numbered = f"{self.singular}_number"
        row[numbered] = row[numbered] or f"{row['id'] - self.first_id + 1:07d}"
        if "customerid" in data:
            self._copy_client(row, data)
        row.update({key: data[key] for key in COPIED if key in data})
        if "status" in data:
            row["status"] = self._status(data["status"])
        if "lines" in data:  # a set: what is not sent again is gone (2.1)
            row["lines"] = self._lines(row, data["lines"] or [])
        if new:
            self.act(row, data)
        self._total(row)

    def act(self, row: Row, actions: Row) -> None:
        if actions.get("action_email") or actions.get("action_mark_as_sent"):
            row["status"] = SENT

    def touch(self, row: Row, new: bool) -> None:
        """`version` is `updated` with microseconds: the one token that tells two changes of a second apart."""
        super().touch(row, new)
        stamp = self.books.eastern()
        version = stamp.strftime("%Y-%m-%d %H:%M:%S.%f")
        if version <= row["version"] < version[:20] + "999999":
            version = f"{row['version'][:20]}{int(row['version'][20:]) + 1:06d}"
        row["version"] = version
        for line in row["lines"]:
            line["updated"] = line.get("updated") or row["updated"]

    def _copy_client(self, row: Row, data: Row) -> None:
        userid = number(data["customerid"], "customerid", "invoice")
        client = self.books.by_plural["clients"].rows.get(userid)
        if client is None:
            raise refusal(
                422, error(1012, "Client not found.", field="customerid", on="invoice", value=userid)
            )
        row.update({field: client[source] for field, source in COPIED.items()})
        row["customerid"], row["current_organization"] = userid, client["organization"]
        row["currency_code"] = row["currency_code"] or client["currency_code"]

    def _status(self, value: Any) -> int:
        """A number of 0 to 3; unlike an id it is not taken as a string (2.2)."""
        if isinstance(value, int) and not isinstance(value, bool):
            if value in NAMES:
                return value
            errno, text = 1030, "Value is out of range."
        else:
            errno, text = 1015, "Value is not a number."
        raise refusal(422, error(errno, text, field="status", on="invoice", value=value))

    def _lines(self, row: Row, given: list[Row]) -> list[Row]:
        """Lines with camelCase tax keys and quantities as strings; ids are kept where they are sent back."""
        known = {line["lineid"] for line in row["lines"]}
        following = max(known, default=0) + 1
        lines: list[Row] = []
        for spec in given:
            line = {field: spec.get(field, default) for field, default in LINE.items()}
            line["lineid"] = spec.get("lineid")
            if line["lineid"] not in known:
                line["lineid"], following = following, following + 1
            quantity = decimal(spec.get("qty", 1), "qty", "line")
            cost = price(spec.get("unit_cost", 0), "unit_cost", "line")
            for n in "12":
                line[f"taxAmount{n}"] = plain(decimal(line[f"taxAmount{n}"] or 0, f"taxAmount{n}", "line"))
            code = row["currency_code"]
            line |= {
                "invoiceid": row["id"],
                "qty": plain(quantity),
                "unit_cost": money(cost, code, 6),
                "amount": money(cents(quantity * cost), code),
                "basecampid": 0,
                "date": None,
                "expenseid": 0,
                "modern_project_id": None,
                "modern_time_entries": [],
                "retainer_id": None,
                "retainer_period_id": None,
                "taskno": len(lines) + 1,
            }
            lines.append(line)
        return lines

    def _total(self, row: Row) -> None:
        """Discount first, then tax on what is left of each line; the discount is shown negative (2.2)."""
        percent, code = decimal(row["discount_value"] or 0, "discount_value", "invoice"), row["currency_code"]
        left = 1 - percent / 100
        subtotal = tax = Decimal(0)
        for line in row["lines"]:
            amount = Decimal(line["amount"]["amount"])
            first = amount * left * Decimal(line["taxAmount1"]) / 100
            base = amount * left + (first if line["compounded_tax"] else 0)
            subtotal += amount
            tax += cents(first) + cents(base * Decimal(line["taxAmount2"]) / 100)
        discount = cents(subtotal * percent / 100)
        row["discount_value"] = (
            (int(percent) if percent == int(percent) else float(percent)) if percent else "0"
        )
        row["discount_total"] = money(-discount if discount else discount, code)
        row["amount"] = row["outstanding"] = money(subtotal - discount + tax, code)
        row["paid"] = money(Decimal(0), code)
        row["description"] = row["lines"][0]["description"] if row["lines"] else ""


class Estimates(Invoices):
    """Nobody has seen one's JSON; the reference knows of them by scope, events and the DELETE verb alone (2.10)."""

    plural, singular, noun, group = "estimates", "estimate", "estimate", "estimates"
    scope, title, key, first_id = "estimates", "Estimate", "estimateid", 40001
    read_only = frozenset()
    equal = {n: n for n in ("customerid", "estimateid", "estimate_number")}
    any_of: dict[str, str] = {}
    writable = {
        **{name: default for name, default in Invoices.writable.items() if name != "invoice_number"},
        "estimate_number": None,
    }
