"""What trading partners write: articles, purchase orders and shipment advices, as RSX 7.7.7 JSON values.

Every amount that is expected at the end of a day is worked out here, from prices and quantities, and never
by the connector's own code. All names and numbers are made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Item:
    """One article: prices are for `per` units of `uom`, as the price basis says."""

    part: str
    buyer_part: str
    upc: str
    text: str
    uom: str
    price: Decimal
    basis: str | None = None
    per: int = 1
    whole: bool = True

    def extended(self, quantity: Decimal) -> Decimal:
        return (quantity * self.price / self.per).quantize(CENT, ROUND_HALF_UP)

    def unit_cost(self) -> Decimal:
        """The price of one unit, for a FreshBooks invoice line."""
        return self.price / self.per


@dataclass(frozen=True)
class Line:
    item: Item
    quantity: Decimal


@dataclass
class PurchaseOrder:
    number: str
    partner: Partner
    when: date
    lines: list[Line]
    allowance: Decimal = Decimal()
    stores: tuple[str, ...] = ()
    stated_total: Decimal | None = None
    shipped_half: bool = False
    purpose: str = "00"
    po_type: str = "SA"
    release: str = ""  # of a blanket order; `number` has it as a suffix
    held: bool = False  # its change came after its invoice, and waits for a person
    now: list[Line] | None = None  # what is left of it after changes; none of it means no bill

    @property
    def total(self) -> Decimal:
        return sum((line.item.extended(line.quantity) for line in self.lines), Decimal()) - self.allowance

    @property
    def total_now(self) -> Decimal:
        lines = self.lines if self.now is None else self.now
        return sum((line.item.extended(line.quantity) for line in lines), Decimal()) - self.allowance

    def change(self, when: date, lines: list[tuple[int, Line, dict[str, Any]]]) -> dict[str, Any]:
        """An OrderChange (860) of some lines: their sequence numbers, as they are now, and what kind of change."""
        made = []
        for number, line, kind in lines:
            changed = self._line(number, line)
            changed["OrderLine"] |= kind
            made.append(changed)
        return {
            "Header": {
                "OrderHeader": {
                    "TradingPartnerId": self.partner.id,
                    "PurchaseOrderNumber": self.number,
                    "TsetPurposeCode": "04",
                    "PrimaryPOTypeCode": self.po_type,
                    "PurchaseOrderDate": self.when.isoformat(),
                    "ChangeOrderSeqNumber": "1",
                    "POChangeDate": when.isoformat(),
                }
            },
            "LineItem": made,
            "Summary": {"TotalLineItemNumber": len(made)},
        }

    def rsx(self) -> dict[str, Any]:
        """The order as RSX 7.7.7 JSON values."""
        header: dict[str, Any] = {
            "OrderHeader": {
                "TradingPartnerId": self.partner.id,
                "PurchaseOrderNumber": self.number.removesuffix(f"-{self.release}"),
                **({"ReleaseNumber": self.release} if self.release else {}),
                "TsetPurposeCode": self.purpose,
                "PrimaryPOTypeCode": self.po_type,
                "PurchaseOrderDate": self.when.isoformat(),
                "BuyersCurrency": "USD",
                "Department": "026",
                "Vendor": f"V{self.partner.id[:6]}",
            },
            "PaymentTerms": [
                {
                    "TermsType": "01",
                    "TermsBasisDateCode": "3",
                    "TermsDiscountPercentage": 2.0,
                    "TermsDiscountDueDays": 10,
                    "TermsNetDueDays": 45,
                    "TermsDescription": "2% 10 Net 45",
                }
            ],
            "Dates": [{"DateTimeQualifier": "010", "Date": (self.when + timedelta(days=7)).isoformat()}],
            "Address": [
                self.partner.address("BT", "0001"),
                *([] if self.stores else [self.partner.address("ST", "0123")]),
            ],
            "References": [{"ReferenceQual": "CT", "ReferenceID": f"C-{self.partner.id[:3]}-7"}],
        }
        if self.allowance:
            header["ChargesAllowances"] = [
                {
                    "AllowChrgIndicator": "A",
                    "AllowChrgCode": "C310",
                    "AllowChrgAmt": float(self.allowance),
                    "AllowChrgHandlingCode": "02",
                    "AllowChrgHandlingDescription": "Promotional allowance",
                }
            ]
        return {
            "Header": header,
            "LineItem": [self._line(n, line) for n, line in enumerate(self.lines, 1)],
            "Summary": {
                "TotalAmount": float(self.stated_total if self.stated_total is not None else self.total),
                "TotalLineItemNumber": len(self.lines),
            },
        }

    def _line(self, number: int, line: Line) -> dict[str, Any]:
        item = line.item
        order_line: dict[str, Any] = {
            "LineSequenceNumber": str(number),
            "BuyerPartNumber": item.buyer_part,
            "VendorPartNumber": item.part,
            "ConsumerPackageCode": item.upc,
            "OrderQty": float(line.quantity),
            "OrderQtyUOM": item.uom,
            "PurchasePrice": float(item.price),
        }
        if item.basis:
            order_line["PurchasePriceBasis"] = item.basis
        made: dict[str, Any] = {
            "OrderLine": order_line,
            "ProductOrItemDescription": [
                {"ProductCharacteristicCode": "08", "ProductDescription": item.text}
            ],
        }
        if self.stores:
            share, rest = divmod(int(line.quantity), len(self.stores))
            made["QuantitiesSchedulesLocations"] = [
                {
                    "TotalQty": share + (rest if n == 0 else 0),
                    "TotalQtyUOM": item.uom,
                    "LocationCodeQualifier": "92",
                    "LocationQuantity": [{"Location": store, "Qty": share + (rest if n == 0 else 0)}],
                }
                for n, store in enumerate(self.stores)
            ]
        return made


@dataclass
class Partner:
    id: str
    name: str
    groceries: bool = False
    pack: dict[str, Any] = field(default_factory=dict)
    client_id: int = 0

    def address(self, kind: str, location: str) -> dict[str, str]:
        return {
            "AddressTypeCode": kind,
            "LocationCodeQualifier": "92",
            "AddressLocationNumber": location,
            "AddressName": f"{self.name} {location}",
            "Address1": "1 Main Street",
            "City": "Minneapolis",
            "State": "MN",
            "PostalCode": "55402",
            "Country": "USA",
        }


def upc(body: str) -> str:
    """Twelve digits: eleven and their check digit (GS1)."""
    odd, even = sum(map(int, body[::2])), sum(map(int, body[1::2]))
    return body + str(-(3 * odd + even) % 10)


def shipment(
    number: str, partner: Partner, orders: list[PurchaseOrder], when: date, *, half: bool
) -> dict[str, Any]:
    """A shipment advice as RSX JSON values: one carton an order line, half of each quantity where `half`."""
    serial = int("".join(x for x in number if x.isdigit()) + "00000")
    levels = []
    for order in orders:
        packs = []
        for n, line in enumerate(order.lines, 1):
            serial += 1
            quantity = line.quantity // 2 if half and line.item.whole else line.quantity
            packs.append(
                {
                    "Pack": {
                        "PackLevelType": "P",
                        "ShippingSerialID": f"00{_sscc(serial)}",
                        "CarrierPackageID": f"1Z{serial:016d}",
                    },
                    "ItemLevel": [
                        {
                            "ShipmentLine": {
                                "LineSequenceNumber": str(n),
                                "VendorPartNumber": line.item.part,
                                "ConsumerPackageCode": line.item.upc,
                                "ItemStatusCode": "AC",
                                "ShipQty": float(quantity),
                                "ShipQtyUOM": line.item.uom,
                            }
                        }
                    ],
                }
            )
        levels.append(
            {
                "OrderHeader": {
                    "PurchaseOrderNumber": order.number,
                    "PurchaseOrderDate": order.when.isoformat(),
                },
                "PackLevel": packs,
            }
        )
    return {
        "Header": {
            "ShipmentHeader": {
                "TradingPartnerId": partner.id,
                "ShipmentIdentification": number,
                "ShipDate": when.isoformat(),
                "TsetPurposeCode": "00",
                "ShipNoticeDate": when.isoformat(),
                "ASNStructureCode": "0001",
                "BillOfLadingNumber": f"BOL{serial}",
                "CarrierProNumber": f"PRO{serial}",
                "CurrentScheduledDeliveryDate": (when + timedelta(days=4)).isoformat(),
            },
            "CarrierInformation": [
                {"CarrierTransMethodCode": "M", "CarrierAlphaCode": "RBTC", "CarrierRouting": "Ground"}
            ],
        },
        "OrderLevel": levels,
        "Summary": {
            "TotalOrders": len(orders),
            "TotalLineItemNumber": sum(len(order.lines) for order in orders),
        },
    }


def _sscc(serial: int) -> str:
    body = f"00777747{serial % 10**9:09d}"
    odd, even = sum(map(int, body[::2])), sum(map(int, body[1::2]))
    return body + str(-(3 * odd + even) % 10)
