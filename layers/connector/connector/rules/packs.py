"""Partner packs: everything that is particular to one trading partner, as a TOML file.

A pack needs only `trading_partner_id`; everything else has a default that suits a plain relationship.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector import errors
from connector.documents import codes

PartyFields = dict[str, str]
Match = Literal["sku", "vendor_part", "upc", "alias", "price"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counterpart(_Section):
    """Who the trading partner is in FreshBooks: its client (money in) and its bill vendor (money out).

    Empty: the vendor is found by `account_number` = TradingPartnerId, then by name, or created; the client
    by the order that an invoice's PO number names.
    """

    client_ids: list[int] = []
    client_names: list[str] = []
    vendor_id: int | None = None
    vendor_name: str | None = None
    category: str | None = None
    category_id: int | None = None
    currency: str = "USD"
    language: str = "en"


class OrderPolicy(_Section):
    """What an order becomes in FreshBooks, and how its changes are taken.

    `target`: a `bill` (books a payable at once), an `invoice_draft` or `estimate` for the partner's client, or
    `record_only` (kept and carried over, nothing in FreshBooks). `changes`: `apply` order changes to what was
    made of the order, or `hold` each for a person. `due_days` is used where an order carries no usable terms.
    """

    target: Literal["bill", "invoice_draft", "estimate", "record_only"] = "bill"
    changes: Literal["apply", "hold"] = "apply"
    due_days: Annotated[int, Field(ge=0, le=3650)] = 30
    total_tolerance: Decimal = Decimal("0.01")


class AcknowledgementPolicy(_Section):
    """Whether and how an order is acknowledged (855): `accept` as it is, `compare` with what the pack can
    check (unknown items, prices), or `ask` a person; `otherwise` is what happens when the deadline is near and
    nobody has decided."""

    send: bool = False
    policy: Literal["accept", "compare", "ask"] = "accept"
    otherwise: Literal["accept", "hold"] = "hold"


class ShipmentPolicy(_Section):
    """`adjust_bill`: set the bill's quantities to what was shipped; otherwise the bill stays as ordered."""

    adjust_bill: bool = False


class AsnPolicy(_Section):
    """How a shipment notice (856) is laid out and what is checked before it goes.

    `structure`: `pick_and_pack` (order, carton, item), `standard` (order, item, the cartons of it) or `items`
    (cartons are only counted); `structure_code` replaces the ASNStructureCode that belongs to it. `pallets` are
    sent `as_told`, are `required`, or are `never` sent. `partial`: what is left of an order line is on
    `backorder`, or the line is `complete` as shipped. `upload`: `expected` where only a shipment upload makes a
    notice, `optional` where an invoice's own data may. `lateness`: what a date outside of the order's window
    does, and `penalty`, `penalty_percent` (of the order) what it costs. `gs1_prefix` is the GS1 company prefix
    of SSCCs that are made here, instead of the business profile's.
    """

    structure: Literal["pick_and_pack", "standard", "items"] = "pick_and_pack"
    structure_code: Literal["0000", "0001", "0004", "SOTPI"] | None = None
    pallets: Literal["as_told", "required", "never"] = "as_told"
    partial: Literal["backorder", "complete"] = "backorder"
    upload: Literal["optional", "expected"] = "optional"
    lateness: Literal["off", "warn", "hold"] = "warn"
    penalty: Decimal = Decimal(0)
    penalty_percent: Decimal = Decimal(0)
    gs1_prefix: Annotated[str, Field(pattern=r"^(\d{7,10})?$")] = ""
    extension: Annotated[str, Field(pattern=r"^\d$")] = "0"


class InvoicePolicy(_Section):
    """`asn`: send a Shipment (856) with each invoice whose shipping data suffices.

    `correction` of an invoice that was sent: `replace` it (purpose 05), `update` it (type U5), or send a
    `credit` note over it and the new one under a number with a suffix. `deletion` of one that was sent: `hold`
    it for a person, `cancel` it (purpose 01), or `credit` it.
    """

    send: bool = True
    asn: bool = False
    asn_first: bool = False
    correction: Literal["replace", "update", "credit"] = "replace"
    deletion: Literal["hold", "cancel", "credit"] = "hold"
    number_pattern: str | None = None
    number_max: Annotated[int, Field(ge=1, le=22)] = 22


class BillPolicy(_Section):
    send: bool = False
    deletion: Literal["hold", "cancel", "credit"] = "hold"


class Tolerances(_Section):
    """How far an invoice may be from its order: `quantity` and `price` in percent, `total` in the currency."""

    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    total: Decimal = Decimal("0.01")


class Deadline(_Section):
    """When a document is due, counted in hours, and what being late costs: an amount, or percent of the order.

    An acknowledgement is counted from the order's arrival, an ASN and an invoice from the day shipped.
    """

    hours: Annotated[int, Field(ge=0, le=24 * 366)]
    penalty: Decimal = Decimal(0)
    penalty_percent: Decimal = Decimal(0)


class Carrier(_Section):
    """Used where neither the order nor the shipment says who carries."""

    scac: str | None = None
    routing: str | None = None
    method: str | None = None


class PartnerPack(_Section):
    """The settings of one trading partner.

    `header` holds default header elements by RSX name (`Department`, `Division`, `Vendor`);
    `addresses` default parties by RSX address type (`RI`, `SF`, `BT`, `ST`) with RSX element names;
    `taxes` maps FreshBooks tax names to RSX TaxTypeCode, `charges` line names to AllowChrgCode (a line so
    named is a charge, or an allowance where its amount is negative); `aliases` FreshBooks line names to the
    order's VendorPartNumber; `prices_per` how many units a PurchasePriceBasis prices (`CA` = 12); `uom` how
    many of a unit another one holds (`uom.CA.EA = 12`: a case is twelve each). `match` is the order in which an
    invoice line's order line is looked for. `format` is what is written for SPS. `rules` sets the severity of a
    rule by its id, `required` names elements that a document must have by their paths. In `shadow` mode
    everything is mapped and checked and nothing is sent.
    """

    trading_partner_id: Annotated[str, Field(min_length=1, max_length=15)]
    name: str = ""
    mode: Literal["live", "shadow"] = "live"
    format: Literal["json", "xml"] = "json"
    rounding: Literal["half_up", "half_even"] = "half_up"
    freshbooks: Counterpart = Counterpart()
    orders: OrderPolicy = OrderPolicy()
    acknowledgements: AcknowledgementPolicy = AcknowledgementPolicy()
    shipments: ShipmentPolicy = ShipmentPolicy()
    asn: AsnPolicy = AsnPolicy()
    invoices: InvoicePolicy = InvoicePolicy()
    bills: BillPolicy = BillPolicy()
    carrier: Carrier = Carrier()
    tolerances: Tolerances = Tolerances()
    deadlines: dict[Literal["acknowledgement", "asn", "invoice"], Deadline] = {}
    rules: dict[str, Literal["off", "info", "warning", "error"]] = {}
    required: dict[Literal["invoice", "asn", "acknowledgement"], list[str]] = {}
    match: list[Match] = ["sku", "vendor_part", "upc", "alias", "price"]
    header: dict[str, str] = {}
    addresses: dict[str, PartyFields] = {}
    taxes: dict[str, str] = {}
    charges: dict[str, str] = {}
    aliases: dict[str, str] = {}
    prices_per: dict[str, Decimal] = {}
    uom: dict[str, dict[str, Decimal]] = {}

    @property
    def vendor_name(self) -> str:
        return self.freshbooks.vendor_name or self.name or self.trading_partner_id


class Mistake(NamedTuple):
    """One thing that is wrong in a pack: the setting as a path, and what is wrong with it."""

    place: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(self.place)}: {self.message}" if self.place else self.message


def read_pack(text: str) -> PartnerPack:
    """The pack in a TOML text; BadUse names every mistake in it with its line."""
    try:
        settings = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise errors.BadUse(f"not TOML: {error}", code="pack_invalid") from None
    mistakes = mistakes_in(settings)
    if not mistakes:
        return PartnerPack.model_validate(settings)
    lines = _lines(text)
    told = sorted((_line_of(mistake.place, lines), mistake) for mistake in mistakes)
    first, *others = (
        (f"line {n}: {'.'.join(m.place)}" if n else ".".join(m.place), m.message) for n, m in told
    )
    message = "; ".join([first[1], *(f"{place}: {words}" for place, words in others)])
    raise errors.BadUse(message, code="pack_invalid", place=first[0])


def pack_of(settings: dict[str, Any]) -> PartnerPack:
    """The pack made of plain values, as kept in the table; BadUse names the settings that are wrong."""
    try:
        return PartnerPack.model_validate(settings)
    except ValidationError as error:
        mistakes = list(_mistakes(error))
        place = ".".join(mistakes[0].place)
        raise errors.BadUse("; ".join(map(str, mistakes)), code="pack_invalid", place=place) from None


def mistakes_in(settings: Mapping[str, Any]) -> list[Mistake]:
    """Everything that is wrong with the settings of a pack; empty where nothing is.

    Beyond types also what would only show when a document is mapped: codes that RSX does not list, rules that
    there are not. What is stored already is not held to these, so that a stricter release stops nobody.
    """
    try:
        pack = PartnerPack.model_validate(settings)
    except ValidationError as error:
        return list(_mistakes(error))
    return list(_senseless(pack))


# what pydantic says in a programmer's words
_PLAIN = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "decimal_parsing": "must be a number, such as 5 or 2.5",
    "decimal_type": "must be a number, such as 5 or 2.5",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "dict_type": "must be a table of its own",
    "model_type": "must be a table of its own",
    "list_type": "must be a list, such as [1, 2]",
    "tuple_type": "must be a list, such as [1, 2]",
}


def _mistakes(error: ValidationError) -> Iterator[Mistake]:
    for each in error.errors(include_url=False):
        place = tuple(str(step) for step in each["loc"] if step != "[key]")
        if each["type"] == "extra_forbidden":
            close = get_close_matches(place[-1], _settings_at(place[:-1]), n=1)
            yield Mistake(
                place, "there is no such setting" + (f", did you mean {close[0]}?" if close else "")
            )
        elif each["type"] == "missing":
            yield Mistake(place, "is missing")
        else:
            plain = _PLAIN.get(each["type"]) or each["msg"].replace("Input should be", "must be")
            yield Mistake(place, plain)


def _settings_at(path: tuple[str, ...]) -> list[str]:
    model: Any = PartnerPack
    for name in path:
        found = model.model_fields.get(name)
        model = found.annotation if found is not None else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return list(model.model_fields)


def _senseless(pack: PartnerPack) -> Iterator[Mistake]:
    from connector.rules.checks import RULES  # it needs the mappings, which need this module

    for name in pack.rules:
        if name not in RULES:
            close = get_close_matches(name, RULES, n=1)
            yield Mistake(
                ("rules", name), "there is no such rule" + (f", did you mean {close[0]}?" if close else "")
            )
        elif RULES[name].firm:
            yield Mistake(("rules", name), "this rule is firm: it cannot be relaxed")
    for section, element, document in (
        ("taxes", "TaxTypeCode", "Invoice"),
        ("charges", "AllowChrgCode", "Invoice"),
    ):
        for name, code in getattr(pack, section).items():
            if not codes.allowed(document, element, code):
                yield Mistake((section, name), f"{code!r} is no {element} of RSX")
    for kind in pack.addresses:
        if not codes.allowed("Invoice", "AddressTypeCode", kind):
            yield Mistake(("addresses", kind), "is no AddressTypeCode of RSX")
    for basis, units in pack.prices_per.items():
        if units <= 0:
            yield Mistake(("prices_per", basis), "must be more than 0")
    for unit, holds in pack.uom.items():
        for other, times in holds.items():
            if times <= 0:
                yield Mistake(("uom", unit, other), "must be more than 0")
    for path in ("quantity", "price", "total"):
        if getattr(pack.tolerances, path) < 0:
            yield Mistake(("tolerances", path), "must not be negative")
    if pack.invoices.number_pattern is not None:
        try:
            re.compile(pack.invoices.number_pattern)
        except re.error as error:
            yield Mistake(("invoices", "number_pattern"), f"is no regular expression: {error}")


_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_TABLE = re.compile(rf"\s*\[\[?\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_SETTING = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The line in which each table and setting of a TOML text begins."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for n, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = _names(found[1])
            lines.setdefault(table, n)
        elif found := _SETTING.match(line):
            lines.setdefault((*table, *_names(found[1])), n)
    return lines


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_KEY, dotted))


def _line_of(place: tuple[str, ...], lines: Mapping[tuple[str, ...], int]) -> int:
    """The line of a setting, or of the nearest one around it; 0 where nothing is."""
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 0)
