"""An order's lines as every mapping sees them: who the item is, how many, in what unit, for how much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from connector.documents.order import Order, OrderLineItem
from connector.documents.parts import PhysicalDetail, Price
from connector.findings import Finding
from connector.mapping.money import BASIS_WORDS, CENT, DIGITS, ZERO, cents, shown, too_large, units_priced
from connector.rules.packs import PartnerPack

_COST_PRICES = ("UCP", "AAA", "CON", "WHL")  # PriceTypeIDCodes of what the buyer pays, most exact first
_PRICE_TERMS = ("UnitPriceBasisMultiplier", "PriceMultiplier", "MultiplePriceQuantity")
_ROUNDING = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
_UNITS = ("EA", "UN", "PC", None)


@dataclass(frozen=True, slots=True)
class OrderedLine:
    """One line of an order; `line` is its LineSequenceNumber, or its place (1, 2, ...), unique in the order.

    `codes` are its UPC, EAN, GTIN and case code; `unit_price` is as printed, for `basis`.
    """

    position: int
    line: str
    vendor_part: str
    buyer_part: str
    codes: tuple[str, ...]
    quantity: Decimal
    uom: str
    unit_price: Decimal | None
    basis: str
    pack_size: Decimal | None
    description: str
    item: OrderLineItem

    @property
    def upc(self) -> str:
        return self.codes[0] if self.codes else ""


class Priced(NamedTuple):
    """What a line comes to: `amount` in cents, `unit` the price of one ordered unit where there is one."""

    quantity: Decimal
    unit: Decimal | None
    amount: Decimal
    rule: str


def ordered_lines(order: Order) -> list[OrderedLine]:
    """The order's lines in order."""
    names = [item.OrderLine.LineSequenceNumber or str(n) for n, item in enumerate(order.LineItem, 1)]
    twice = {name for name, count in Counter(names).items() if count > 1}
    lines = []
    for index, (name, item) in enumerate(zip(names, order.LineItem, strict=True)):
        line = item.OrderLine
        codes = (line.ConsumerPackageCode, line.GTIN, line.EAN, line.UPCCaseCode)
        quantity = ordered_quantity(item)
        lines.append(
            OrderedLine(
                position=index,
                line=f"{name}#{index + 1}" if name in twice else name,
                vendor_part=line.VendorPartNumber or "",
                buyer_part=line.BuyerPartNumber or "",
                codes=tuple(code for code in codes if code),
                quantity=ZERO if quantity is None or too_large(quantity) else quantity,
                uom=line.OrderQtyUOM or "",
                unit_price=line.PurchasePrice,
                basis=line.PurchasePriceBasis or "",
                pack_size=pack_size(item),
                description=item_text(item),
                item=item,
            )
        )
    return lines


def extended_amount(item: OrderLineItem, pack: PartnerPack) -> Decimal:
    """What the line comes to, in cents, before its charges and allowances."""
    return price_line(item, 0, pack, []).amount


def price_line(item: OrderLineItem, index: int, pack: PartnerPack, findings: list[Finding]) -> Priced:
    """Quantity x price of one unit, rounded half up to cents; what is unclear is added to `findings`."""
    line = item.OrderLine
    quantity, price, basis = line.OrderQty, line.PurchasePrice, line.PurchasePriceBasis
    if quantity is None or item.QuantitiesSchedulesLocations:
        quantity = _quantity(item, index, findings)
    rule = "quantity x PurchasePrice"
    if price is None:
        price, basis, rule = _other_price(item, index, findings)
        if price is None:
            return _without_price(item, index, quantity, findings)
    if quantity.adjusted() >= DIGITS or price.adjusted() >= DIGITS:
        return _out_of_bounds(index, findings)
    exact, unit = quantity * price, price
    if basis is not None and basis not in ("PE", "UM"):
        per = units_priced(basis, line.OrderQtyUOM, pack_size(item), pack.prices_per)
        if per is None:
            return _unclear_basis(item, index, quantity, price, findings)
        exact, unit = exact / per, price / per
        rule = f"{rule} {BASIS_WORDS.get(basis, basis)}"
    if exact.adjusted() >= DIGITS:
        return _out_of_bounds(index, findings)
    amount = exact.quantize(CENT, _ROUNDING[pack.rounding]) or ZERO  # no negative zero
    if line.ExtendedItemTotal is not None and line.ExtendedItemTotal != amount:
        findings.append(
            Finding(
                "extension_differs",
                "warning",
                f"quantity x price is {amount}, the line states {shown(line.ExtendedItemTotal)}",
                f"LineItem[{index}].OrderLine.ExtendedItemTotal",
                "ask the trading partner which is right",
            )
        )
    return Priced(quantity, unit, amount, rule)


def ordered_quantity(item: OrderLineItem) -> Decimal | None:
    """OrderQty, or where that is missing what the stores' quantities add up to."""
    if item.OrderLine.OrderQty is not None:
        return item.OrderLine.OrderQty
    schedules = item.QuantitiesSchedulesLocations
    stores = [place.Qty for entry in schedules for place in entry.LocationQuantity if place.Qty is not None]
    parts = stores or [entry.TotalQty for entry in schedules if entry.TotalQty is not None]
    return sum(parts, Decimal()) if parts else None


def store_quantities(item: OrderLineItem) -> list[tuple[str, Decimal]]:
    """(store, quantity) of a line that is split over stores."""
    return [
        (place.Location or "?", place.Qty)
        for entry in item.QuantitiesSchedulesLocations
        for place in entry.LocationQuantity
        if place.Qty is not None
    ]


def pack_size(item: OrderLineItem) -> Decimal | None:
    """How many units a case holds by the line's PhysicalDetails (the outer pack's first), None where unsaid.

    PackValue inner packs of PackSize each; a PackSize in pounds or ounces describes one unit, not a number.
    """
    details = [detail for detail in map(_physical_detail, item.PhysicalDetails) if detail is not None]
    details.sort(key=lambda detail: detail.PackQualifier != "OU")
    for detail in details:
        number = Decimal(1 if detail.PackValue is None else detail.PackValue)
        if detail.PackSize is not None and detail.PackUOM in _UNITS:
            if too_large(number, detail.PackSize):
                continue
            number *= detail.PackSize
        elif detail.PackValue is None:
            continue
        if 1 <= number < 1_000_000:
            return number
    return None


def item_text(item: OrderLineItem) -> str:
    """The product description, with colour and size where the line states them."""
    described = ""
    for entry in item.ProductOrItemDescription:
        if entry.ProductDescription and entry.ProductCharacteristicCode in ("08", None):
            described = entry.ProductDescription
            break
    else:
        for entry in item.ProductOrItemDescription:
            if entry.ProductDescription:
                described = entry.ProductDescription
                break
    line = item.OrderLine
    if line.ProductColorDescription or line.ProductSizeDescription:
        texts = (described, line.ProductColorDescription, line.ProductSizeDescription)
        return ", ".join(text for text in texts if text)
    return described


def _physical_detail(raw: Any) -> PhysicalDetail | None:
    try:
        return raw if isinstance(raw, PhysicalDetail) else PhysicalDetail.model_validate(raw)
    except ValidationError:
        return None


def _quantity(item: OrderLineItem, index: int, findings: list[Finding]) -> Decimal:
    """The ordered quantity, compared with what its stores add up to; 0 with a finding where there is none."""
    quantity = ordered_quantity(item)
    if quantity is None:
        findings.append(
            Finding(
                "no_quantity",
                "warning",
                "the line has no quantity: 0 is taken",
                f"LineItem[{index}].OrderLine.OrderQty",
                "correct the bill, or ask the trading partner for a corrected order",
            )
        )
        return ZERO
    stores = store_quantities(item)
    if stores and not too_large(quantity, *(split for _, split in stores)):
        total = sum((split for _, split in stores), Decimal())
        if total != quantity:
            findings.append(
                Finding(
                    "store_quantities_differ",
                    "warning",
                    f"the stores' quantities come to {shown(total)}, the line orders {shown(quantity)}",
                    f"LineItem[{index}].QuantitiesSchedulesLocations",
                    "ask the trading partner which is right",
                )
            )
    return quantity


def _other_price(
    item: OrderLineItem, index: int, findings: list[Finding]
) -> tuple[Decimal | None, str | None, str]:
    """(price, basis, rule) from PriceInformation, for lines without a PurchasePrice; never a retail price."""
    prices: dict[str, Price] = {}
    for raw in item.PriceInformation:
        try:
            price = raw if isinstance(raw, Price) else Price.model_validate(raw)
        except ValidationError:
            continue
        if price.UnitPrice is not None and price.PriceTypeIDCode:
            prices.setdefault(price.PriceTypeIDCode, price)
    for code in _COST_PRICES:
        if code in prices:
            price = prices[code]
            told = [
                f"{name} {shown(value)}"
                for name in _PRICE_TERMS
                if (value := getattr(price, name)) not in (None, 1)
            ]
            if told:
                findings.append(
                    Finding(
                        "price_terms_unclear",
                        "warning",
                        f"the price comes with {', '.join(told)}, which is not applied",
                        f"LineItem[{index}].PriceInformation",
                        "compare the line's amount with what was agreed, or ask the trading partner",
                    )
                )
            return price.UnitPrice, price.UnitPriceBasis, f"quantity x {code} price"
    return None, None, ""


def _without_price(item: OrderLineItem, index: int, quantity: Decimal, findings: list[Finding]) -> Priced:
    stated = item.OrderLine.ExtendedItemTotal
    if stated is not None and not too_large(quantity, stated):
        return Priced(quantity, None, cents(stated), "ExtendedItemTotal as stated")
    findings.append(
        Finding(
            "no_price",
            "warning",
            "the line has no price: 0.00 is billed",
            f"LineItem[{index}].OrderLine.PurchasePrice",
            "set the price on the bill, or ask the trading partner for a corrected order",
        )
    )
    return Priced(ZERO if too_large(quantity) else quantity, ZERO, ZERO, "no price: 0.00")


def _out_of_bounds(index: int, findings: list[Finding]) -> Priced:
    findings.append(
        Finding(
            "number_too_large",
            "error",
            "a quantity or price of this line is out of all bounds",
            f"LineItem[{index}].OrderLine",
            "ask the trading partner for a corrected order",
        )
    )
    return Priced(ZERO, None, ZERO, "out of all bounds")


def _unclear_basis(
    item: OrderLineItem, index: int, quantity: Decimal, price: Decimal, findings: list[Finding]
) -> Priced:
    line = item.OrderLine
    basis = line.PurchasePriceBasis or ""
    words, unit = BASIS_WORDS.get(basis, f"on basis {basis[:10]!r}"), (line.OrderQtyUOM or "units")[:10]
    stated = None if too_large(line.ExtendedItemTotal) else line.ExtendedItemTotal
    done = f"{shown(price, 2)} a unit is taken" if stated is None else "the line's own total is taken"
    findings.append(
        Finding(
            "price_basis_unclear",
            "warning",
            f"the price is {words}, the quantity in {unit}: {done}",
            f"LineItem[{index}].OrderLine.PurchasePriceBasis",
            f"set prices_per.{basis[:10] or 'BASIS'} in the partner pack: how many {unit} the price is for",
        )
    )
    if stated is not None:
        return Priced(quantity, None, cents(stated), "ExtendedItemTotal as stated")
    amount = quantity * price
    if too_large(amount):
        return _out_of_bounds(index, findings)
    return Priced(quantity, price, cents(amount), "quantity x PurchasePrice, its basis being unclear")


def item_description(item: OrderLineItem, folded: str) -> str:
    """`VN V-1 / BP B-1 / UPC 859563003863 / 12.5 LB @ 3.20 / Bowl / stores 0123: 4, 0124: 6`."""
    line = item.OrderLine
    parts = []
    if line.VendorPartNumber:
        parts.append(f"VN {line.VendorPartNumber}")
    if line.BuyerPartNumber:
        parts.append(f"BP {line.BuyerPartNumber}")
    if line.ConsumerPackageCode:
        parts.append(f"UPC {line.ConsumerPackageCode}")
    elif line.GTIN or line.EAN:
        parts.append(f"GTIN {line.GTIN or line.EAN}")
    if folded:
        parts.append(folded)
    if text := item_text(item):
        parts.append(text)
    if item.QuantitiesSchedulesLocations and (stores := store_quantities(item)):
        parts.append("stores " + ", ".join(f"{store}: {shown(quantity)}" for store, quantity in stores))
    return " / ".join(parts) or f"Line {line.LineSequenceNumber or '?'}"


def arithmetic(item: OrderLineItem, priced: Priced) -> str:
    """`12.5 LB @ 3.20`, `250 EA @ 12.355 per 100`; without a price the quantity alone."""
    line = item.OrderLine
    quantity = f"{shown(priced.quantity)} {line.OrderQtyUOM or ''}".rstrip()
    if priced.unit is None:
        return quantity
    price, basis = line.PurchasePrice, BASIS_WORDS.get(line.PurchasePriceBasis or "", "")
    if price is None:
        price, basis = priced.unit, ""
    return f"{quantity} @ {shown(price, 2)} {basis}".rstrip()
