"""RSX 7.7.7 Order (X12 850).

Declared is what a mapping reads. All else rides along as it came, which nearly halves the time of parsing, and
is read through the invoice's or shipment's own types when it is carried over; `RIDES_ALONG` names what RSX
7.7.7 has there, to tell it from what it does not have.
"""

from typing import Any

from connector.documents.parts import (
    EMPTY,
    ChargeAllowance,
    DateTime,
    Element,
    ItemDescription,
    Number,
    QuantitySchedule,
    QuantityTotal,
    Tax,
    Terms,
)

_RIDES_ALONG = """
    AcknowledgementType AdditionalPOTypeCodes ApplicationId CarrierSpecialHandlingDetail Class Commodity
    ConditionOfSale Contacts ContractType CustomerAccountNumber CustomerOrderNumber Department
    DepartmentDescription DepositorOrderNumber Division DocumentRevision DocumentVersion ExchangeRate
    FOBRelatedInstruction FloorReady Gender InternationalStandardBookNumber JobNumber LeadTime
    MarksAndNumbersCollection MasterItemAttribute Measurements MonetaryAmounts NRFStandardColorAndSize
    NatlDrugCode Packaging PalletInformation Paperwork PaymentTerms PrimaryPOTypeDescription
    ProductColorCode ProductMaterialCode ProductMaterialDescription ProductProcessCode
    ProductProcessDescription ProductSizeCode PurchaseOrderTime PurchasePriceType RegulatoryCompliances
    RestrictionsOrConditions SalesRequirementCode SellerDateCode SellersCurrency ShipCompleteCode ShipDate
    Subline Vendor
"""
RIDES_ALONG = frozenset(_RIDES_ALONG.split())


class HeaderFields(Element):
    TradingPartnerId: str
    PurchaseOrderNumber: str
    TsetPurposeCode: str | None = None
    PrimaryPOTypeCode: str | None = None
    ReleaseNumber: str | None = None
    PurchaseOrderDate: str | None = None
    InvoiceTypeCode: str | None = None
    BuyersCurrency: str | None = None


class OrderHeaderGroup(Element):
    OrderHeader: HeaderFields
    PaymentTerms: list[Terms] = EMPTY
    Dates: list[DateTime] = EMPTY
    Address: list[Any] = EMPTY
    QuantityAndWeight: list[Any] = EMPTY
    CarrierInformation: list[Any] = EMPTY
    References: list[Any] = EMPTY
    Notes: list[Any] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    QuantityTotals: list[QuantityTotal] = EMPTY


class LineFields(Element):
    LineSequenceNumber: str | None = None
    BuyerPartNumber: str | None = None
    VendorPartNumber: str | None = None
    ConsumerPackageCode: str | None = None
    EAN: str | None = None
    GTIN: str | None = None
    UPCCaseCode: str | None = None
    ProductID: list[Any] = EMPTY
    OrderQty: Number | None = None
    OrderQtyUOM: str | None = None
    PurchasePrice: Number | None = None
    PurchasePriceBasis: str | None = None
    BuyersCurrency: str | None = None
    ExtendedItemTotal: Number | None = None
    ProductSizeDescription: str | None = None
    ProductColorDescription: str | None = None


class OrderLineItem(Element):
    OrderLine: LineFields = LineFields()
    Dates: list[Any] = EMPTY
    PriceInformation: list[Any] = EMPTY
    ProductOrItemDescription: list[ItemDescription] = EMPTY
    PhysicalDetails: list[Any] = EMPTY
    References: list[Any] = EMPTY
    Notes: list[Any] = EMPTY
    Address: list[Any] = EMPTY
    QuantitiesSchedulesLocations: list[QuantitySchedule] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    CarrierInformation: list[Any] = EMPTY


class OrderSummary(Element):
    TotalAmount: Number | None = None
    TotalLineItemNumber: int | None = None
    Description: str | None = None


class Order(Element):
    Meta: Any = None
    Header: OrderHeaderGroup
    LineItem: list[OrderLineItem] = EMPTY
    Summary: OrderSummary | None = None

    @property
    def is_blanket(self) -> bool:
        """Whether it is a blanket order, or one of its releases."""
        return self.Header.OrderHeader.PrimaryPOTypeCode in ("BK", "RL")

    @property
    def number(self) -> str:
        """The order's number at its partner: PO number, with the release where it is one of a blanket order.

        Releases of one blanket order are orders of their own; elsewhere a release number is only a remark.
        """
        header = self.Header.OrderHeader
        if header.ReleaseNumber and self.is_blanket:
            return f"{header.PurchaseOrderNumber}-{header.ReleaseNumber}"
        return header.PurchaseOrderNumber
