"""RSX 7.7.7 Invoice (X12 810)."""

from typing import Any

from connector.documents.parts import (
    EMPTY,
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
    AdditionalPOTypeCodes: list[Any] = EMPTY
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
    PaymentTerms: list[Terms] = EMPTY
    Dates: list[DateTime] = EMPTY
    Contacts: list[Contact] = EMPTY
    Address: list[Party] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Commodity: list[Any] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    FOBRelatedInstruction: list[FobInstruction] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    QuantityTotals: list[QuantityTotal] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY


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
    ProductID: list[ProductId] = EMPTY
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
    Measurements: list[Any] = EMPTY
    PriceInformation: list[Price] = EMPTY
    ProductOrItemDescription: list[ItemDescription] = EMPTY
    MasterItemAttribute: list[Any] = EMPTY
    PhysicalDetails: list[PhysicalDetail] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Commodity: list[Any] = EMPTY
    Dates: list[DateTime] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    Subline: list[Any] = EMPTY
    Address: list[Party] = EMPTY
    QuantitiesSchedulesLocations: list[QuantitySchedule] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY


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
    LineItem: list[InvoiceLineItem] = EMPTY
    Summary: InvoiceSummary | None = None

    @property
    def number(self) -> str:
        return self.Header.InvoiceHeader.InvoiceNumber
