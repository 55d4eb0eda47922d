"""What every FreshBooks accounting resource does alike: envelopes, paging, filters, update phases, zones.

Facts: reference/freshbooks.md 2.1, 2.10, 3 and 5. Money is Decimal inside and a string of decimals outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from local.simulators.messages import Refusal, Request, answer

EASTERN = ZoneInfo("America/New_York")
PER_PAGE, MOST_PER_PAGE = 15, 100
CENT = Decimal("0.01")
Row = dict[str, Any]


def error(errno: int, message: str, *, field: str | None = None, on: str = "", value: Any = None) -> Row:
    return {"errno": errno, "field": field, "message": message, "object": on, "value": value}


def refusal(status: int, *errors: dict[str, Any]) -> Refusal:
    return Refusal(answer(status, {"response": {"errors": list(errors)}}))


def result(content: dict[str, Any]) -> dict[str, Any]:
    return {"response": {"result": content}}


# Values


def number(value: Any, field: str, on: str) -> int:
    """An id or count, also as a quoted string: the documentation's own examples quote them (2.4)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    raise refusal(422, error(1015, "Value is not a number.", field=field, on=on, value=value))


def decimal(value: Any, field: str, on: str) -> Decimal:
    try:
        found = Decimal(str(value).strip())
        if found.is_finite() and not isinstance(value, bool):
            return found
    except InvalidOperation:
        pass
    raise refusal(422, error(1015, "Value is not a number.", field=field, on=on, value=value))


def day(value: Any, field: str, on: str) -> str:
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "").isoformat()
    except ValueError:
        raise refusal(422, error(1033, "Value is not a date.", field=field, on=on, value=value)) from None


def later(issued: str, days: int) -> str:
    return (date.fromisoformat(issued) + timedelta(days=days)).isoformat()


def price(value: Any, field: str, on: str) -> Decimal:
    """The amount of a money object; its currency is ignored, the document's own is put in its place (2.7)."""
    return decimal(value.get("amount") if isinstance(value, dict) else value, field, on)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def money(amount: Decimal, code: str, places: int = 2) -> dict[str, str]:
    """At least two decimals; further ones only where the caller says that the vendor keeps them."""
    kept = max(2, min(places, -int(amount.normalize().as_tuple().exponent)))
    return {"amount": f"{amount.quantize(Decimal(1).scaleb(-kept), ROUND_HALF_UP):f}", "code": code}


def plain(amount: Decimal) -> str:
    """A quantity or percentage as FreshBooks writes it: a string without trailing zeros."""
    return f"{amount.normalize():f}"


# Lists


def page_of(rows: list[Any], request: Request) -> tuple[list[Any], dict[str, int]]:
    """One page and its four figures. 0 is page 1, past the end is empty, above 100 is silently 100 (3.1)."""
    given, size = request.first("page") or "1", request.first("per_page") or str(PER_PAGE)
    if not re.fullmatch(r"\d+", given):
        raise refusal(422, error(1014, "Invalid page.", field="page", value=given))
    if not re.fullmatch(r"\d+", size) or int(size) == 0:
        raise refusal(422, error(1013, "Invalid per_page.", field="per_page", value=size))
    page, per_page = max(1, int(given)), min(int(size), MOST_PER_PAGE)
    pages = -(-len(rows) // per_page)
    figures = {"page": page, "pages": pages, "per_page": per_page, "total": len(rows)}
    return rows[(page - 1) * per_page : page * per_page], figures


def searched(request: Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """`search[key]=v` and `search[keys][]=v`."""
    single: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for name, value in request.query:
        if found := re.fullmatch(r"search\[(\w+)\](\[\])?", name):
            if found[2]:
                several.setdefault(found[1], []).append(value)
            else:
                single[found[1]] = value
    return single, several


class Books:
    """One account's records. `config` is what the control endpoint was given for it."""

    def __init__(self, config: Row, now: Callable[[], float], resources: Iterable[type[Resource]]) -> None:
        self.config = config
        self.now = now
        made = [resource(self) for resource in resources]
        self.by_path = {(r.group, r.plural): r for r in made}
        self.by_plural = {r.plural: r for r in made}

    def eastern(self) -> datetime:
        return datetime.fromtimestamp(self.now(), EASTERN)

    def stamp(self, zone: Any = EASTERN) -> str:
        return datetime.fromtimestamp(self.now(), zone).strftime("%Y-%m-%d %H:%M:%S")


class Resource:
    """A kind of record. Ids start elsewhere for each kind and alike in each account, so that mix-ups show."""

    group = plural = singular = noun = scope = title = ""
    key = "id"
    first_id = 1
    plan_errno: int | None = None
    verbs = frozenset({"list", "get", "create", "update"})
    read_only = frozenset[str]()
    writable: dict[str, Any] = {}
    stamped: dict[str, tuple[Any, bool]] = {}  # field -> (zone, also at each change)
    equal: dict[str, str] = {}  # search key -> field
    any_of: dict[str, str] = {}
    days: dict[str, str] = {}  # without _min and _max
    like: dict[str, str] = {}
    filters_vis_state = True
    sorts: dict[str, str] = {}

    def __init__(self, books: Books) -> None:
        self.books = books
        self.rows: dict[int, Row] = {}
        self.next_id = self.first_id

    # Reading

    def show(self, row: Row, includes: set[str]) -> Row:
        return dict(row)

    def find(self, given: str) -> Row:
        row = self.rows.get(int(given)) if re.fullmatch(r"\d{1,18}", given) else None
        if row is None:
            message = f"{self.title} not found."
            raise refusal(404, error(1012, message, field=self.key, on=self.singular, value=given))
        return row

    def listing(self, request: Request) -> dict[str, Any]:
        """A page of what is not deleted, oldest first. An unknown search or sort key changes nothing."""
        single, several = searched(request)
        rows = [row for row in self.rows.values() if self.keeps(row, single, several)]
        field, _, direction = (request.first("sort") or "").rpartition("_")
        if field in self.sorts and direction in ("asc", "desc"):
            rows.sort(key=lambda row: row[self.sorts[field]], reverse=direction == "desc")
        shown, figures = page_of(rows, request)
        includes = {value for name, value in request.query if name == "include[]"}
        return {self.plural: [self.show(row, includes) for row in shown], **figures}

    def keeps(self, row: Row, single: dict[str, str], several: dict[str, list[str]]) -> bool:
        if self.filters_vis_state and "vis_state" in single:
            if str(row["vis_state"]) != single["vis_state"]:
                return False
        elif row.get("vis_state") == 1:
            return False
        return (
            all(str(row[field]) == single[name] for name, field in self.equal.items() if name in single)
            and all(
                str(row[field]) in several[name] for name, field in self.any_of.items() if name in several
            )
            and all(
                single[f"{name}_like"].lower() in str(row[field] or "").lower()
                for name, field in self.like.items()
                if f"{name}_like" in single
            )
            and all(self._within(str(row[field])[:10], name, single) for name, field in self.days.items())
        )

    def _within(self, found: str, name: str, single: dict[str, str]) -> bool:
        """Day granularity, from `_min` on and below `_max`, in the zone of the stamp itself (3.2)."""
        bounds = {}
        for end in ("min", "max"):
            if (given := single.get(f"{name}_{end}")) is not None:
                try:
                    bounds[end] = date.fromisoformat(given[:10]).isoformat()
                except ValueError:
                    bad = error(1023, "Bad date filter.", field=f"{name}_{end}", value=given)
                    raise refusal(422, bad) from None
        return bounds.get("min", "") <= found and ("max" not in bounds or found < bounds["max"])

    # Writing

    def create(self, data: Row) -> Row:
        self._refuse_read_only(data)
        row: Row = {self.key: self.next_id, "vis_state": 0, **self.fresh()}
        self.fill(row, data, new=True)
        self.touch(row, new=True)
        self.rows[self.next_id] = row
        self.next_id += 1
        return row

    def update(self, row: Row, data: Row) -> str:
        """Change a record and say which event that is.

        The phases come in this order and the first one present discards everything else in the body, without
        a word and even where its value is the old one (2.10).
        """
        if "ext_vis_state" in data:
            verb = "update"
        elif "vis_state" in data:
            state = number(data["vis_state"], "vis_state", self.singular)
            if state not in (0, 1, 2):
                bad = error(1004, "Invalid value.", field="vis_state", on=self.singular, value=state)
                raise refusal(422, bad)
            row["vis_state"] = state
            verb = "delete" if state == 1 else "update"
        elif actions := {key: value for key, value in data.items() if key.startswith("action_")}:
            self.act(row, actions)
            verb = "update"
        else:
            self._refuse_read_only(data)
            changed = dict(row)
            self.fill(changed, data, new=False)
            row.update(changed)
            verb = "update"
        self.touch(row, new=False)
        return verb

    def delete(self, row: Row) -> None:
        row["vis_state"] = 1
        self.touch(row, new=False)

    def _refuse_read_only(self, data: Row) -> None:
        for field in sorted(self.read_only & data.keys()):
            message = f"Write access denied to field {field}."
            raise refusal(403, error(1038, message, field=field, on=self.singular))

    def require(self, data: Row, *fields: str) -> None:
        missing = [field for field in fields if data.get(field) in (None, "", [])]
        errors = [
            error(1001, f"{name} is a required field", field=name, on=self.singular) for name in missing
        ]
        if errors:
            raise refusal(422, *errors)

    def fresh(self) -> Row:
        """The fields of a new record that its creator did not give."""
        return {"accounting_systemid": self.books.config["account_id"]}

    def fill(self, row: Row, data: Row, new: bool) -> None:
        """Merge what may be written; keys that are not known are dropped without a word (2.1)."""
        for field, default in self.writable.items():
            if new:
                row[field] = data.get(field, default)
            elif field in data:
                row[field] = data[field]

    def act(self, row: Row, actions: Row) -> None:
        """Do what an `action_` key asks for; most kinds know none."""

    def touch(self, row: Row, new: bool) -> None:
        for field, (zone, always) in self.stamped.items():
            if new or always:
                row[field] = self.books.stamp(zone)


class Clients(Resource):
    group, plural, singular, noun, scope, title = "users", "clients", "client", "client", "clients", "Client"
    key, first_id = "userid", 30001
    stamped = {"signup_date": (UTC, False), "updated": (EASTERN, True)}  # two zones in one record (3.4)
    days = {"updated": "updated"}
    equal = {"email": "email", "userid": "userid"}
    like = {name: name for name in ("email", "organization", "fname", "lname")}
    sorts = {"updated": "updated"}
    writable = {
        **dict.fromkeys(("fname", "lname", "organization", "email"), ""),
        **dict.fromkeys(("bus_phone", "home_phone", "mob_phone", "fax", "vat_name", "vat_number", "note")),
        **{f"p_{part}": "" for part in ("street", "street2", "city", "province", "code", "country")},
        **{f"s_{part}": "" for part in ("street", "street2", "city", "province", "code", "country")},
        "currency_code": "USD",
        "language": "en",
        "pref_email": True,
        "allow_late_fees": True,
        "allow_late_notifications": True,
    }

    def fresh(self) -> Row:
        uuid = f"00000000-0000-4000-8000-{self.next_id:012d}"
        return {**super().fresh(), "id": self.next_id, "uuid": uuid, "role": "client", "num_logins": 0}


class Categories(Resource):
    """Expense categories, set when the account is added; the API is said not to create any (2.7)."""

    group, plural, singular, noun = "expenses", "categories", "category", "category"
    scope, title, key = "expenses", "Category", "categoryid"
    verbs = frozenset({"list", "get"})

    def add(self, spec: Row) -> None:
        given = {"parentid": None, "is_editable": False, "is_cogs": False, **spec}
        at = self.books.stamp()
        number_ = int(spec["id"])
        self.rows[number_] = {
            **given,
            "id": number_,
            "categoryid": number_,
            "created_at": at,
            "updated_at": at,
            "vis_state": 0,
        }


class Taxes(Resource):
    group, plural, singular, noun, scope, title = "taxes", "taxes", "tax", "tax", "taxes", "Tax"
    key, first_id = "taxid", 701
    verbs = Resource.verbs | {"delete"}
    stamped = {"updated": (EASTERN, True)}
    writable = {"name": "", "amount": "0", "number": None, "compound": False}

    def fill(self, row: Row, data: Row, new: bool) -> None:
        super().fill(row, data, new)
        row["id"] = row["taxid"]
        row["amount"] = plain(decimal(row["amount"], "amount", "tax"))

    def delete(self, row: Row) -> None:
        del self.rows[row["taxid"]]  # hard: a later GET is a 404 (2.7)


class Items(Resource):
    group, plural, singular, noun, scope = "items", "items", "item", "item", "billable_items"
    title, key, first_id = "Item", "itemid", 59001
    stamped = {"updated": (EASTERN, True)}
    writable = {
        "name": "",
        "description": None,
        "qty": "0",
        "inventory": None,
        "sku": None,
        "unit_cost": None,
        "tax1": 0,
        "tax2": 0,
    }

    def fill(self, row: Row, data: Row, new: bool) -> None:
        super().fill(row, data, new)
        row["id"] = row["itemid"]
        row["qty"] = plain(decimal(row["qty"], "qty", "item"))
        cost = price(row["unit_cost"] or 0, "unit_cost", "item")
        # Whatever currency was asked for, the account's own is what is stored (2.7).
        row["unit_cost"] = money(cost, self.books.config["currency_code"], 4)
