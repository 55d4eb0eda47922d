"""RSX 7.7.7 OrderAck (X12 855)."""

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
    LadingWeight,
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
    PurchaseOrderNumber: str
    TsetPurposeCode: str | None = None
    PrimaryPOTypeCode: str | None = None
    PrimaryPOTypeDescription: str | None = None
    AdditionalPOTypeCodes: list[Any] = EMPTY
    PurchaseOrderDate: str | None = None
    PurchaseOrderTime: str | None = None
    ReleaseNumber: str | None = None
    AcknowledgementNumber: str | None = None
    AcknowledgementType: str | None = None
    ShipCompleteCode: str | None = None
    InternalOrderNumber: str | None = None
    InternalOrderDate: str | None = None
    AcknowledgementDate: str | None = None
    AcknowledgementTime: str | None = None
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


class OrderAckHeaderGroup(Element):
    OrderHeader: HeaderFields
    PaymentTerms: list[Terms] = EMPTY
    Dates: list[DateTime] = EMPTY
    Contacts: list[Contact] = EMPTY
    Address: list[Party] = EMPTY
    FOBRelatedInstruction: list[FobInstruction] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Commodity: list[Any] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    MonetaryAmounts: list[Any] = EMPTY
    QuantityAndWeight: list[LadingWeight] = EMPTY
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


class LineAcknowledgement(Element):
    LineSequenceNumber: str | None = None
    ItemStatusCode: str | None = None
    ItemScheduleQty: Number | None = None
    ItemScheduleUOM: str | None = None
    ItemScheduleQualifier: str | None = None
    ItemScheduleDate: str | None = None
    BuyerPartNumber: str | None = None
    VendorPartNumber: str | None = None
    ConsumerPackageCode: str | None = None
    EAN: str | None = None
    GTIN: str | None = None
    UPCCaseCode: str | None = None
    NatlDrugCode: str | None = None
    InternationalStandardBookNumber: str | None = None
    ProductID: list[ProductId] = EMPTY
    PurchasePriceType: str | None = None
    PurchasePrice: Number | None = None
    PurchasePriceBasis: str | None = None
    BuyersCurrency: str | None = None
    SellersCurrency: str | None = None
    ExchangeRate: Number | None = None
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
    IndustryCode: str | None = None


class OrderAckLineItem(Element):
    OrderLine: LineFields = LineFields()
    LineItemAcknowledgement: list[LineAcknowledgement] = EMPTY
    Dates: list[DateTime] = EMPTY
    Measurements: list[Any] = EMPTY
    PriceInformation: list[Price] = EMPTY
    ProductOrItemDescription: list[ItemDescription] = EMPTY
    MasterItemAttribute: list[Any] = EMPTY
    PhysicalDetails: list[PhysicalDetail] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Commodity: list[Any] = EMPTY
    Address: list[Party] = EMPTY
    Subline: list[Any] = EMPTY
    QuantitiesSchedulesLocations: list[QuantitySchedule] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    FOBRelatedInstruction: list[FobInstruction] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY


class OrderAckSummary(Element):
    TotalAmount: Number | None = None
    TotalLineItemNumber: int | None = None


class OrderAck(Element):
    Meta: Any = None
    Header: OrderAckHeaderGroup
    LineItem: list[OrderAckLineItem] = EMPTY
    Summary: OrderAckSummary | None = None
