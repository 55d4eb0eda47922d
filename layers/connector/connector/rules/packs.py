"""Partner packs: everything that is particular to one trading partner, as a TOML file.

A pack needs only `trading_partner_id`; everything else has a default that suits a plain relationship.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector import errors

PartyFields = dict[str, str]


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
    """`due_days` is used where an order carries no usable payment terms."""

    due_days: Annotated[int, Field(ge=0, le=3650)] = 30
    total_tolerance: Decimal = Decimal("0.01")


class ShipmentPolicy(_Section):
    """`adjust_bill`: set the bill's quantities to what was shipped; otherwise the bill stays as ordered."""

    adjust_bill: bool = False


class InvoicePolicy(_Section):
    """`asn`: send a Shipment (856) with each invoice whose shipping data suffices."""

    send: bool = True
    asn: bool = False
    correction: Literal["replace", "update"] = "replace"


class BillPolicy(_Section):
    send: bool = False


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
    order's VendorPartNumber; `prices_per` how many units a PurchasePriceBasis prices (`CA` = 12).
    """

    trading_partner_id: Annotated[str, Field(min_length=1, max_length=15)]
    name: str = ""
    freshbooks: Counterpart = Counterpart()
    orders: OrderPolicy = OrderPolicy()
    shipments: ShipmentPolicy = ShipmentPolicy()
    invoices: InvoicePolicy = InvoicePolicy()
    bills: BillPolicy = BillPolicy()
    carrier: Carrier = Carrier()
    header: dict[str, str] = {}
    addresses: dict[str, PartyFields] = {}
    taxes: dict[str, str] = {}
    charges: dict[str, str] = {}
    aliases: dict[str, str] = {}
    prices_per: dict[str, Decimal] = {}

    @property
    def vendor_name(self) -> str:
        return self.freshbooks.vendor_name or self.name or self.trading_partner_id


def read_pack(text: str) -> PartnerPack:
    """The pack in a TOML text; BadUse names the line or the setting that is wrong."""
    try:
        return pack_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise errors.BadUse(f"not TOML: {error}", code="pack_invalid") from None


def pack_of(settings: dict[str, Any]) -> PartnerPack:
    """The pack made of plain values, as kept in the table; BadUse names the setting that is wrong."""
    try:
        return PartnerPack.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise errors.BadUse(f"{first['msg']} ({place})", code="pack_invalid", place=place) from None
