"""FreshBooks bills and bill vendors (reference/freshbooks.md 2.4 and 2.5).

What nobody has seen on a real account can be set for each account (first the default):

    bill_update         "works" or "ignored": a PUT of data is a 200 that changes nothing
    bill_vendor_filter  "works" or "ignored": search[vendorid]
    bills_show_vendor   false or true: responses say whose bill it is
    bill_quantity       "decimal" or "integer": fractions are refused
    bill_price_places   null or the decimals that a unit cost is rounded to
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import cast

from local.simulators.accounting import (
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


class Bills(Resource):
    group, plural, singular, noun, scope, title = "bills", "bills", "bill", "bill", "bills", "Bill"
    first_id, plan_errno = 1001, 41001
    read_only = frozenset({"due_date", "overall_description"})
    stamped = {"created_at": (UTC, False), "updated_at": (UTC, True)}
    writable = {
        **dict.fromkeys(("vendorid", "bill_number", "issue_date", "due_offset_days", "currency_code")),
        "language": "en",
        "attachment": None,
    }

    last_line = 2600

    def fresh(self) -> Row:
        return {"bill_payments": [], "lines": []}

    def show(self, row: Row, includes: set[str]) -> Row:
        """No vendor: a response does not say whose bill it is, in any capture (2.4)."""
        shown = dict(row)
        vendorid = shown.pop("vendorid")
        if self.books.config["bills_show_vendor"]:
            vendors = self.books.by_plural["bill_vendors"]
            shown |= {"vendorid": vendorid, "vendor": vendors.show(vendors.rows[vendorid], set())}
        shown["status"] = "overdue" if self.late(row) else "unpaid"
        return shown

    def late(self, row: Row) -> bool:
        return bool(row["due_date"] < self.books.stamp(UTC)[:10])

    def keeps(self, row: Row, single: dict[str, str], several: dict[str, list[str]]) -> bool:
        wanted = single.get("vendorid") if self.books.config["bill_vendor_filter"] == "works" else None
        return super().keeps(row, single, several) and wanted in (None, str(row["vendorid"]))

    def update(self, row: Row, data: Row) -> str:
        if self.books.config["bill_update"] == "ignored" and "vis_state" not in data:
            self._refuse_read_only(data)
            return ""
        return super().update(row, data)

    def fill(self, row: Row, data: Row, new: bool) -> None:
        if new:
            self.require(data, "vendorid", "issue_date", "due_offset_days", "currency_code", "lines")
        super().fill(row, data, new)
        row["vendorid"] = number(row["vendorid"], "vendorid", "bill")
        if row["vendorid"] not in self.books.by_plural["bill_vendors"].rows:
            value = row["vendorid"]
            raise refusal(
                422, error(1012, "Bill Vendor not found.", field="vendorid", on="bill", value=value)
            )
        row["issue_date"] = day(row["issue_date"], "issue_date", "bill")
        row["due_offset_days"] = number(row["due_offset_days"], "due_offset_days", "bill")
        row["due_date"] = later(row["issue_date"], row["due_offset_days"])
        if "lines" in data:
            self.require(data, "lines")
            row["lines"] = [self._line(row, spec, n) for n, spec in enumerate(data["lines"], 1)]
        self._total(row)

    def _line(self, row: Row, spec: Row, place: int) -> Row:
        """snake_case taxes, unlike an invoice's; the category comes back as an object and not as an id."""
        self.require(spec, "categoryid")
        config, code = self.books.config, row["currency_code"]
        categoryid = number(spec["categoryid"], "categoryid", "bill")
        category = self.books.by_plural["categories"].rows.get(categoryid)
        if category is None:
            message = "Category not found."
            raise refusal(422, error(1012, message, field="categoryid", on="bill", value=categoryid))
        quantity = decimal(spec.get("quantity", 1), "quantity", "bill")
        if config["bill_quantity"] == "integer" and quantity != int(quantity):
            value = spec["quantity"]
            raise refusal(422, error(1004, "Invalid value.", field="quantity", on="bill", value=value))
        cost = price(spec.get("unit_cost", 0), "unit_cost", "bill")
        if config["bill_price_places"] is not None:
            cost = Decimal(money(cost, code, config["bill_price_places"])["amount"])
        amount = total = cents(quantity * cost)
        base = amount
        taxes: Row = {}
        for n in "12":
            name, percent = spec.get(f"tax_name{n}"), spec.get(f"tax_percent{n}")
            tax = (
                cents(base * decimal(percent, f"tax_percent{n}", "bill") / 100)
                if percent is not None
                else None
            )
            taxes |= {
                f"tax_name{n}": name,
                f"tax_percent{n}": None
                if percent is None
                else plain(decimal(percent, f"tax_percent{n}", "bill")),
                f"tax_authorityid{n}": spec.get(f"tax_authorityid{n}"),
                f"tax_amount{n}": None if tax is None else money(tax, code),
            }
            total += tax or 0
            if spec.get("compounded_tax"):
                base = total
        self.last_line += 1
        return {
            "id": self.last_line,
            "list_index": place,
            "description": spec.get("description"),
            "quantity": plain(quantity),
            "unit_cost": money(cost, code, 6),
            "amount": money(amount, code),
            "total_amount": money(total, code),
            "category": dict(category),
            **taxes,
        }

    def _total(self, row: Row) -> None:
        code, lines = row["currency_code"], row["lines"]
        amount = sum((Decimal(line["amount"]["amount"]) for line in lines), Decimal(0))
        total = sum((Decimal(line["total_amount"]["amount"]) for line in lines), Decimal(0))
        names = {line["category"]["category"] for line in lines}
        texts = (line["description"] for line in lines if line["description"] is not None)
        row |= {
            "amount": money(amount, code),
            "tax_amount": money(total - amount, code),
            "total_amount": money(total, code),
            "outstanding": money(total, code),
            "paid": money(Decimal(0), code),
            "overall_category": names.pop() if len(names) == 1 else "Split",
            "overall_description": next(texts, None),
        }


class BillVendors(Resource):
    """Vendors. No filter works on their list, not even vis_state: it is all that are not deleted (2.5)."""

    group, plural, singular, noun = "bill_vendors", "bill_vendors", "bill_vendor", "bill_vendor"
    scope, title, key, first_id, plan_errno = "bill_vendors", "Bill Vendor", "vendorid", 501, 31001
    stamped = {"created_at": (UTC, False), "updated_at": (UTC, True)}
    filters_vis_state = False
    required = ("vendor_name", "currency_code", "language")
    writable = {
        **dict.fromkeys(required),
        **{f"primary_contact_{part}": None for part in ("first_name", "last_name", "email")},
        **dict.fromkeys(("street", "street2", "city", "province", "postal_code", "country")),
        **dict.fromkeys(("account_number", "phone", "website")),
        "is_1099": False,
        "tax_defaults": [],
    }

    def fresh(self) -> Row:
        return {}

    def fill(self, row: Row, data: Row, new: bool) -> None:
        super().fill(row, data, new)
        missing = [field for field in self.required if not row[field]]
        if missing:
            raise refusal(
                422, *(error(1004, 'Invalid value ""', field=f, on="bill_vendor", value="") for f in missing)
            )

    def show(self, row: Row, includes: set[str]) -> Row:
        """Balances are lists with one amount a currency, and empty lists where nothing is owed (2.5)."""
        bills = cast(Bills, self.books.by_plural["bills"])
        owed = [b for b in bills.rows.values() if b["vendorid"] == row["vendorid"] and b["vis_state"] == 0]

        def balance(chosen: list[Row]) -> list[Row]:
            sums: dict[str, Decimal] = {}
            for bill in chosen:
                code = bill["currency_code"]
                sums[code] = sums.get(code, Decimal(0)) + Decimal(bill["outstanding"]["amount"])
            return [{"amount": money(amount, code)} for code, amount in sums.items()]

        late = [bill for bill in owed if bills.late(bill)]
        return {**row, "outstanding_balance": balance(owed), "overdue_balance": balance(late)}
