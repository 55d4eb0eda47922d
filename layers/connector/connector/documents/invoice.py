"""RSX 7.7.7 Invoice (X12 810)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from connector.documents.parts import (
    Carrier,
    ChargeAllowance,
    Contact,
    DateTime,
    Element,
    FobInstruction,
    ItemDescription,
    Note,
    Number,
    Party,
    PhysicalDetail,
    Price,
    ProductId,
    QuantitySchedule,
    QuantityTotal,
    Reference,
    Tax,
    Terms,
)


class HeaderFields(Element):
    TradingPartnerId: str
    InvoiceNumber: str
    InvoiceDate: str | None = None
    InvoiceTime: str | None = None
    PurchaseOrderDate: str | None = None
    PurchaseOrderNumber: str | None = None
    PrimaryPOTypeCode: str | None = None
    PrimaryPOTypeDescription: str | None = None
    AdditionalPOTypeCodes: list[Any] = Field(default_factory=list)
    ReleaseNumber: str | None = None
    InvoiceTypeCode: str | None = None
    TsetPurposeCode: str | None = None
    ActionCode: str | None = None
    BuyersCurrency: str | None = None
    SellersCurrency: str | None = None
    ExchangeRate: Number | None = None
    InternalOrderNumber: str | None = None
    InternalOrderDate: str | None = None
    Department: str | None = None
    DepartmentDescription: str | None = None
    Vendor: str | None = None
    JobNumber: str | None = None
    Division: str | None = None
    CustomerAccountNumber: str | None = None
    CustomerOrderNumber: str | None = None
    CarrierProNumber: str | None = None
    BillOfLadingNumber: str | None = None
    ShipDate: str | None = None
    ShipTime: str | None = None
    ShipDeliveryDate: str | None = None
    ShipDeliveryTime: str | None = None
    LanguageCode: str | None = None
    DocumentVersion: str | None = None
    DocumentRevision: str | None = None


class InvoiceHeaderGroup(Element):
    InvoiceHeader: HeaderFields
    PaymentTerms: list[Terms] = Field(default_factory=list)
    Dates: list[DateTime] = Field(default_factory=list)
    Contacts: list[Contact] = Field(default_factory=list)
    Address: list[Party] = Field(default_factory=list)
    References: list[Reference] = Field(default_factory=list)
    Notes: list[Note] = Field(default_factory=list)
    Commodity: list[Any] = Field(default_factory=list)
    Taxes: list[Tax] = Field(default_factory=list)
    ChargesAllowances: list[ChargeAllowance] = Field(default_factory=list)
    FOBRelatedInstruction: list[FobInstruction] = Field(default_factory=list)
    CarrierInformation: list[Carrier] = Field(default_factory=list)
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
    ProductID: list[ProductId] = Field(default_factory=list)
    InvoiceQty: Number | None = None
    InvoiceQtyUOM: str | None = None
    OrderQty: Number | None = None
    OrderQtyUOM: str | None = None
    PurchasePriceType: str | None = None
    PurchasePrice: Number | None = None
    PurchasePriceBasis: str | None = None
    ShipQty: Number | None = None
    ShipQtyUOM: str | None = None
    ShipDate: str | None = None
    QtyLeftToReceive: Number | None = None
    QtyLeftToReceiveStatus: str | None = None
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
    SellerDateCode: str | None = None
    CashDiscount: str | None = None
    SaleOrService: str | None = None
    NRFStandardColorAndSize: dict[str, Any] | None = None


class InvoiceLineItem(Element):
    InvoiceLine: LineFields = LineFields()
    Measurements: list[Any] = Field(default_factory=list)
    PriceInformation: list[Price] = Field(default_factory=list)
    ProductOrItemDescription: list[ItemDescription] = Field(default_factory=list)
    MasterItemAttribute: list[Any] = Field(default_factory=list)
    PhysicalDetails: list[PhysicalDetail] = Field(default_factory=list)
    References: list[Reference] = Field(default_factory=list)
    Notes: list[Note] = Field(default_factory=list)
    Commodity: list[Any] = Field(default_factory=list)
    Dates: list[DateTime] = Field(default_factory=list)
    CarrierInformation: list[Carrier] = Field(default_factory=list)
    Subline: list[Any] = Field(default_factory=list)
    Address: list[Party] = Field(default_factory=list)
    QuantitiesSchedulesLocations: list[QuantitySchedule] = Field(default_factory=list)
    Taxes: list[Tax] = Field(default_factory=list)
    ChargesAllowances: list[ChargeAllowance] = Field(default_factory=list)
    RegulatoryCompliances: list[Any] = Field(default_factory=list)


class InvoiceSummary(Element):
    TotalAmount: Number | None = None
    TotalSalesAmount: Number | None = None
    TotalFreightCharges: Number | None = None
    TotalNonFreightCharges: Number | None = None
    TotalTaxesAndCharges: Number | None = None
    TotalTermsDiscountAmount: Number | None = None
    TotalAllowancesAmount: Number | None = None
    TotalCartonCount: Number | None = None
    TotalLineItemNumber: int | None = None
    InvoiceAmtDueByTermsDate: Number | None = None
    TotalChargesAmount: Number | None = None
    SignatureIdentification: str | None = None
    SignatureName: str | None = None
    IntegrityCheckValue: str | None = None


class Invoice(Element):
    Meta: Any = None
    Header: InvoiceHeaderGroup
    LineItem: list[InvoiceLineItem] = Field(default_factory=list)
    Summary: InvoiceSummary | None = None

    @property
    def number(self) -> str:
        return self.Header.InvoiceHeader.InvoiceNumber
