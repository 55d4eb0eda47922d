"""RSX 7.7.7 Order (X12 850).

Typed is what a mapping reads; groups typed `Any` ride along as they came, which keeps parsing fast, and
are read through the invoice's or shipment's own types when they are carried over.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from connector.documents.parts import (
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


class HeaderFields(Element):
    TradingPartnerId: str
    PurchaseOrderNumber: str
    DepositorOrderNumber: str | None = None
    TsetPurposeCode: str | None = None
    PrimaryPOTypeCode: str | None = None
    PrimaryPOTypeDescription: str | None = None
    AdditionalPOTypeCodes: list[Any] = Field(default_factory=list)
    ReleaseNumber: str | None = None
    PurchaseOrderDate: str | None = None
    PurchaseOrderTime: str | None = None
    ContractType: str | None = None
    SalesRequirementCode: str | None = None
    AcknowledgementType: str | None = None
    InvoiceTypeCode: str | None = None
    ShipCompleteCode: str | None = None
    BuyersCurrency: str | None = None
    SellersCurrency: str | None = None
    ExchangeRate: Number | None = None
    Department: str | None = None
    DepartmentDescription: str | None = None
    Vendor: str | None = None
    JobNumber: str | None = None
    Division: str | None = None
    CustomerAccountNumber: str | None = None
    CustomerOrderNumber: str | None = None
    DocumentVersion: str | None = None
    DocumentRevision: str | None = None


class OrderHeaderGroup(Element):
    OrderHeader: HeaderFields
    PaymentTerms: list[Terms] = Field(default_factory=list)
    Dates: list[DateTime] = Field(default_factory=list)
    Contacts: list[Any] = Field(default_factory=list)
    Address: list[Any] = Field(default_factory=list)
    FOBRelatedInstruction: list[Any] = Field(default_factory=list)
    Commodity: list[Any] = Field(default_factory=list)
    Measurements: list[Any] = Field(default_factory=list)
    Paperwork: list[Any] = Field(default_factory=list)
    Packaging: list[Any] = Field(default_factory=list)
    QuantityAndWeight: list[Any] = Field(default_factory=list)
    CarrierInformation: list[Any] = Field(default_factory=list)
    CarrierSpecialHandlingDetail: list[Any] = Field(default_factory=list)
    MarksAndNumbersCollection: list[Any] = Field(default_factory=list)
    RestrictionsOrConditions: list[Any] = Field(default_factory=list)
    LeadTime: list[Any] = Field(default_factory=list)
    References: list[Any] = Field(default_factory=list)
    Notes: list[Any] = Field(default_factory=list)
    Taxes: list[Tax] = Field(default_factory=list)
    ChargesAllowances: list[ChargeAllowance] = Field(default_factory=list)
    MonetaryAmounts: list[Any] = Field(default_factory=list)
    QuantityTotals: list[QuantityTotal] = Field(default_factory=list)
    RegulatoryCompliances: list[Any] = Field(default_factory=list)


class LineFields(Element):
    LineSequenceNumber: str | None = None
    ApplicationId: str | None = None
    BuyerPartNumber: str | None = None
    VendorPartNumber: str | None = None
    ConsumerPackageCode: str | None = None
    EAN: str | None = None
    GTIN: str | None = None
    UPCCaseCode: str | None = None
    NatlDrugCode: str | None = None
    InternationalStandardBookNumber: str | None = None
    ProductID: list[Any] = Field(default_factory=list)
    OrderQty: Number | None = None
    OrderQtyUOM: str | None = None
    PurchasePriceType: str | None = None
    PurchasePrice: Number | None = None
    PurchasePriceBasis: str | None = None
    BuyersCurrency: str | None = None
    SellersCurrency: str | None = None
    ExchangeRate: Number | None = None
    ShipDate: str | None = None
    ExtendedItemTotal: Number | None = None
    ProductSizeCode: str | None = None
    ProductSizeDescription: str | None = None
    ProductColorCode: str | None = None
    ProductColorDescription: str | None = None
    ProductMaterialCode: str | None = None
    ProductMaterialDescription: str | None = None
    ProductProcessCode: str | None = None
    ProductProcessDescription: str | None = None
    Department: str | None = None
    DepartmentDescription: str | None = None
    Class: str | None = None
    Gender: str | None = None
    SellerDateCode: str | None = None
    NRFStandardColorAndSize: dict[str, Any] | None = None


class OrderLineItem(Element):
    OrderLine: LineFields = LineFields()
    Contacts: list[Any] = Field(default_factory=list)
    Dates: list[Any] = Field(default_factory=list)
    Measurements: list[Any] = Field(default_factory=list)
    PriceInformation: list[Any] = Field(default_factory=list)
    ProductOrItemDescription: list[ItemDescription] = Field(default_factory=list)
    MasterItemAttribute: list[Any] = Field(default_factory=list)
    Paperwork: list[Any] = Field(default_factory=list)
    PhysicalDetails: list[Any] = Field(default_factory=list)
    PalletInformation: list[Any] = Field(default_factory=list)
    References: list[Any] = Field(default_factory=list)
    Notes: list[Any] = Field(default_factory=list)
    FloorReady: list[Any] = Field(default_factory=list)
    Address: list[Any] = Field(default_factory=list)
    Subline: list[Any] = Field(default_factory=list)
    QuantitiesSchedulesLocations: list[QuantitySchedule] = Field(default_factory=list)
    Taxes: list[Tax] = Field(default_factory=list)
    ChargesAllowances: list[ChargeAllowance] = Field(default_factory=list)
    PaymentTerms: list[Any] = Field(default_factory=list)
    ConditionOfSale: list[Any] = Field(default_factory=list)
    FOBRelatedInstruction: list[Any] = Field(default_factory=list)
    Commodity: list[Any] = Field(default_factory=list)
    CarrierInformation: list[Any] = Field(default_factory=list)
    CarrierSpecialHandlingDetail: list[Any] = Field(default_factory=list)
    MarksAndNumbersCollection: list[Any] = Field(default_factory=list)
    RestrictionsOrConditions: list[Any] = Field(default_factory=list)
    Packaging: list[Any] = Field(default_factory=list)
    MonetaryAmounts: list[Any] = Field(default_factory=list)
    RegulatoryCompliances: list[Any] = Field(default_factory=list)


class OrderSummary(Element):
    TotalAmount: Number | None = None
    TotalLineItemNumber: int | None = None
    Description: str | None = None


class Order(Element):
    Meta: Any = None
    Header: OrderHeaderGroup
    LineItem: list[OrderLineItem] = Field(default_factory=list)
    Summary: OrderSummary | None = None

    @property
    def number(self) -> str:
        """The order's number at its partner: PO number, with the release where it is one of a blanket order.

        Releases of one blanket order are orders of their own; elsewhere a release number is only a remark.
        """
        header = self.Header.OrderHeader
        if header.ReleaseNumber and header.PrimaryPOTypeCode in ("BK", "RL"):
            return f"{header.PurchaseOrderNumber}-{header.ReleaseNumber}"
        return header.PurchaseOrderNumber
