"""What FreshBooks says: invoices, clients, bills, vendors and the like, as its accounting API sends them.

Field names are the wire's (`qty` and `taxName1` on invoice lines, `quantity` and `tax_name1` on bill lines).
Keys not named here are kept as extras (`record.model_extra`) and written back by
`model_dump(mode="json", exclude_unset=True)`. Money and quantities are `Decimal`, percents too (13 means
13 %), plain dates stay dates, ids are ints (0: not stored yet), numbers of documents are strings. A null or
absent text is "". Anything else raises pydantic's `ValidationError`, which `bad_input` turns into one line
with its place. Zones of stamps: see `freshbooks_fields`.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationError, model_validator

from connector.documents.freshbooks_fields import (
    EasternRecord,
    MaybeDate,
    MaybeInt,
    MaybeNumber,
    Money,
    Number,
    Record,
    Text,
    UtcRecord,
    bad_input,
    eastern_date,
    eastern_instant,
    none_is_empty,
    utc_instant,
)
from connector.errors import BadInput

__all__ = [
    "Bill",
    "BillLine",
    "BillVendor",
    "Business",
    "Callback",
    "Client",
    "ExpenseCategory",
    "Invoice",
    "InvoiceLine",
    "Item",
    "Money",
    "Record",
    "Tax",
    "bad_input",
    "eastern_date",
    "eastern_instant",
    "read_businesses",
    "read_record",
    "utc_instant",
]


class Tax(NamedTuple):
    """One tax of a line; `percent` 13 means 13 %."""

    name: str
    percent: Decimal


def _taxes(*pairs: tuple[str, Decimal | None]) -> list[Tax]:
    return [Tax(name, percent) for name, percent in pairs if percent]


# ------------------------------------------------------------------------------------------ money in


class InvoiceLine(EasternRecord):
    """One line of an invoice; `amount` = qty x unit_cost, before discount and tax. There is no SKU field."""

    lineid: MaybeInt = None
    type: int = 0
    name: Text = ""
    description: Text = ""
    qty: Number
    unit_cost: Money
    amount: Money | None = None
    taxName1: Text = ""
    taxAmount1: MaybeNumber = None
    taxNumber1: Text = ""
    taxName2: Text = ""
    taxAmount2: MaybeNumber = None
    taxNumber2: Text = ""
    compounded_tax: bool | None = None

    @property
    def taxes(self) -> list[Tax]:
        """The line's taxes, without the "0", "" and null that mean none."""
        return _taxes((self.taxName1, self.taxAmount1), (self.taxName2, self.taxAmount2))


class Invoice(EasternRecord):
    """An invoice. `lines` come only where they were asked for: see `has_lines`. The address is the buyer's.

    `discount_total` is negative. `code` is the postal code, `status` the integer 0..8 (1 is draft).
    """

    id: int = Field(default=0, validation_alias=AliasChoices("id", "invoiceid"))
    invoice_number: Annotated[Text, AfterValidator(str.strip)] = ""
    customerid: MaybeInt = None
    create_date: MaybeDate = None
    due_date: MaybeDate = None
    due_offset_days: MaybeInt = None
    fulfillment_date: MaybeDate = None
    currency_code: Text = ""
    po_number: Text = ""
    terms: Text = ""
    notes: Text = ""
    status: MaybeInt = None
    v3_status: Text = ""
    payment_status: Text = ""
    amount: Money | None = None
    outstanding: Money | None = None
    paid: Money | None = None
    discount_total: Money | None = None
    discount_value: MaybeNumber = None
    fname: Text = ""
    lname: Text = ""
    organization: Text = ""
    current_organization: Text = ""
    street: Text = ""
    street2: Text = ""
    city: Text = ""
    province: Text = ""
    code: Text = ""
    country: Text = ""
    version: Text = ""
    lines: Annotated[list[InvoiceLine], BeforeValidator(none_is_empty)] = Field(default_factory=list)

    @property
    def has_lines(self) -> bool:
        return "lines" in self.model_fields_set

    @property
    def is_draft(self) -> bool:
        return self.status == 1 or self.v3_status == "draft"

    @property
    def change_token(self) -> str:
        """Differs between two contents: `version`, or `updated` (whole seconds) where that is missing."""
        return self.version or self.updated


Sale = Literal["invoice", "estimate"]


class Estimate(Invoice):
    """An estimate, read as the invoice it may become. Unproven: no captured answer was at hand."""

    id: int = Field(default=0, validation_alias=AliasChoices("id", "estimateid"))
    invoice_number: Text = Field(
        default="", validation_alias=AliasChoices("estimate_number", "invoice_number")
    )


class Client(EasternRecord):
    """A customer; `p_*` is the billing address, `s_*` the secondary one (the only ship-to-like data)."""

    id: int = Field(default=0, validation_alias=AliasChoices("id", "userid"))
    fname: Text = ""
    lname: Text = ""
    organization: Text = ""
    email: Text = ""
    p_street: Text = ""
    p_street2: Text = ""
    p_city: Text = ""
    p_province: Text = ""
    p_code: Text = ""
    p_country: Text = ""
    s_street: Text = ""
    s_street2: Text = ""
    s_city: Text = ""
    s_province: Text = ""
    s_code: Text = ""
    s_country: Text = ""
    currency_code: Text = ""
    note: Text = ""


class Item(EasternRecord):
    """A billable item: the only place where FreshBooks holds a SKU; lines refer to it by name alone."""

    id: int = Field(default=0, validation_alias=AliasChoices("id", "itemid"))
    name: Text = ""
    description: Text = ""
    sku: Text = ""
    qty: MaybeNumber = None
    unit_cost: Money | None = None


# ------------------------------------------------------------------------------------------ money out


class ExpenseCategory(Record):
    """What a bill line is booked under; every bill line needs one."""

    categoryid: int = Field(default=0, validation_alias=AliasChoices("categoryid", "id"))
    category: Text = ""
    parentid: MaybeInt = None
    is_cogs: bool | None = None
    is_editable: bool | None = None
    updated_at: Text = ""
    vis_state: int = 0

    @property
    def updated_instant(self) -> datetime | None:
        return eastern_instant(self.updated_at)


class BillVendor(UtcRecord):
    """A supplier that bills us; `account_number` is where the connector keeps the SPS trading partner id."""

    vendorid: int = Field(default=0, validation_alias=AliasChoices("vendorid", "id"))
    vendor_name: Text = ""
    account_number: Text = ""
    street: Text = ""
    street2: Text = ""
    city: Text = ""
    province: Text = ""
    postal_code: Text = ""
    country: Text = ""
    phone: Text = ""
    currency_code: Text = ""


class BillLine(Record):
    """One line of a bill. `category` is an object in answers, a name beside `categoryid` in some of them."""

    id: MaybeInt = None
    list_index: MaybeInt = None
    description: Text = ""
    quantity: Number
    unit_cost: Money
    amount: Money | None = None
    total_amount: Money | None = None
    category: ExpenseCategory | int | str | None = None
    categoryid: MaybeInt = None
    tax_name1: Text = ""
    tax_percent1: MaybeNumber = None
    tax_amount1: Money | None = None
    tax_name2: Text = ""
    tax_percent2: MaybeNumber = None
    tax_amount2: Money | None = None

    @property
    def category_id(self) -> int | None:
        if self.categoryid is not None:
            return self.categoryid
        if isinstance(self.category, ExpenseCategory):
            return self.category.categoryid or None
        text = str(self.category or "")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def taxes(self) -> list[Tax]:
        return _taxes((self.tax_name1, self.tax_percent1), (self.tax_name2, self.tax_percent2))


class Bill(UtcRecord):
    """A bill. FreshBooks often does not say whose it is: `vendorid` is None then."""

    id: int = 0
    vendorid: MaybeInt = None
    vendor: BillVendor | int | str | None = None
    bill_number: Text = ""
    issue_date: MaybeDate = None
    due_date: MaybeDate = None
    due_offset_days: MaybeInt = None
    currency_code: Text = ""
    status: Text = ""
    amount: Money | None = None
    tax_amount: Money | None = None
    total_amount: Money | None = None
    paid: Money | None = None
    outstanding: Money | None = None
    lines: Annotated[list[BillLine], BeforeValidator(none_is_empty)] = Field(default_factory=list)

    @property
    def has_lines(self) -> bool:
        return "lines" in self.model_fields_set

    @model_validator(mode="after")
    def _name_vendor(self) -> Self:
        if self.vendorid is None and isinstance(self.vendor, BillVendor):
            self.vendorid = self.vendor.vendorid or None
        return self

    @property
    def change_token(self) -> str:
        """`updated_at`: whole seconds, so two changes within one second look alike."""
        return self.updated_at


# ------------------------------------------------------------------------------------------ account


class Callback(Record):
    """A webhook registration; unverified until its verifier was sent back."""

    callbackid: int = Field(default=0, validation_alias=AliasChoices("callbackid", "id"))
    event: Text = ""
    uri: Text = ""
    verified: bool = False


class Business(NamedTuple):
    """One business that the signed-in user belongs to; accounting paths want `account_id`."""

    account_id: str
    business_id: int | None
    name: str
    role: str


def read_businesses(me: dict[str, Any]) -> list[Business]:
    """The businesses in an answer of `/users/me`; a null account id is looked up among the `roles`."""
    roles = [role for role in me.get("roles") or [] if isinstance(role, dict)]
    found = []
    for membership in me.get("business_memberships") or []:
        business = (membership or {}).get("business") or {}
        account = business.get("account_id")
        if not account and len(me["business_memberships"]) == 1:
            account = next((role["accountid"] for role in roles if role.get("accountid")), None)
        if account:
            name, role = business.get("name") or "", membership.get("role") or ""
            found.append(Business(str(account), business.get("id"), str(name), str(role)))
    return found


# ------------------------------------------------------------------------------------------ reading files

_INVOICE_KEYS = {"invoice_number", "invoiceid", "customerid", "create_date", "po_number", "qty"}
_BILL_KEYS = {"bill_number", "issue_date", "vendorid", "vendor", "overall_category", "quantity"}
_MODELS: dict[str, type[Invoice] | type[Bill]] = {"invoice": Invoice, "bill": Bill}


def read_record(data: bytes) -> tuple[str, list[Invoice | Bill]]:
    """Reads what somebody saved of FreshBooks: (`"invoice"` or `"bill"`, the records).

    Takes the API's whole answer, `{"invoice": {...}}`, the bare object, or arrays of these. Raises `BadInput`
    with one line, and the place where a value is wrong.
    """
    try:
        payload = json.loads(data.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        at = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadInput("this is not JSON", place=at) from error
    found = list(_unwrap(payload, ""))
    kinds = {kind for kind, _, _ in found}
    if len(kinds) != 1:
        raise BadInput("invoices and bills are mixed in one file" if kinds else "there is no record in it")
    kind = kinds.pop()
    rows = [(place, value) for _, place, value in found if value is not None]
    records: list[Invoice | Bill] = []
    for place, value in rows:
        try:
            records.append(_MODELS[kind].model_validate(value))
        except ValidationError as error:
            raise bad_input(error, place if len(rows) > 1 else "") from error
    return kind, records


def _unwrap(payload: Any, place: str) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """(kind, place, object) of every record; the object is None for a list that holds none."""
    if isinstance(payload, list):
        for index, entry in enumerate(payload):
            yield from _unwrap(None if isinstance(entry, list) else entry, f"[{index}]")
        return
    if not isinstance(payload, dict):
        raise BadInput("this is neither a FreshBooks invoice nor a bill", place=place)
    for envelope in ("response", "result"):
        if isinstance(payload.get(envelope), dict):
            payload = payload[envelope]
    if "errors" in payload:
        raise BadInput("this is an error answer of FreshBooks, not a record", place=place)
    for kind in _MODELS:
        if isinstance(payload.get(kind), dict):
            yield kind, place, payload[kind]
            return
        if isinstance(payload.get(f"{kind}s"), list):
            rows = payload[f"{kind}s"]
            yield kind, place, None
            for index, row in enumerate(rows):
                if not isinstance(row, dict):
                    raise BadInput(f"is not {kind} data", place=f"{place}[{index}]")
                yield kind, f"{place}[{index}]", row
            return
    lines = payload.get("lines")
    keys = set(payload)
    if isinstance(lines, list) and lines and isinstance(lines[0], dict):
        keys |= set(lines[0])
    invoice, bill = len(keys & _INVOICE_KEYS), len(keys & _BILL_KEYS)
    if invoice == bill:
        raise BadInput("this is neither a FreshBooks invoice nor a bill", place=place)
    yield ("invoice" if invoice > bill else "bill"), place, payload


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
