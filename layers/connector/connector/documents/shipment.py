"""RSX 7.7.7 Shipment (X12 856).

Each node holds at most one of its child levels: shipment, container, order, pack (tare and pack), item.
"""

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
    QuantityTotal,
    Reference,
    Tax,
)


class HeaderFields(Element):
    TradingPartnerId: str
    ShipmentIdentification: str
    ShipDate: str | None = None
    ShipmentTime: str | None = None
    TsetPurposeCode: str | None = None
    TsetTypeCode: str | None = None
    ShipNoticeDate: str | None = None
    ShipNoticeTime: str | None = None
    ASNStructureCode: str | None = None
    BuyersCurrency: str | None = None
    SellersCurrency: str | None = None
    ExchangeRate: Number | None = None
    StatusReasonCode: str | None = None
    BillOfLadingNumber: str | None = None
    CarrierProNumber: str | None = None
    AppointmentNumber: str | None = None
    PickupNumber: str | None = None
    RequestedPickupDate: str | None = None
    RequestedPickupTime: str | None = None
    ScheduledShipDate: str | None = None
    ScheduledShipTime: str | None = None
    CurrentScheduledDeliveryDate: str | None = None
    CurrentScheduledDeliveryTime: str | None = None
    CurrentScheduledShipDate: str | None = None
    CurrentScheduledShipTime: str | None = None
    DocumentVersion: str | None = None
    DocumentRevision: str | None = None


class ShipmentHeaderGroup(Element):
    ShipmentHeader: HeaderFields
    Dates: list[DateTime] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Contacts: list[Contact] = EMPTY
    Address: list[Party] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    QuantityAndWeight: list[LadingWeight] = EMPTY
    Commodity: list[Any] = EMPTY
    CarrierSpecialHandlingDetail: list[Any] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    FOBRelatedInstruction: list[FobInstruction] = EMPTY
    QuantityTotals: list[QuantityTotal] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY


class ContainerFields(Element):
    BillOfLadingNumber: str | None = None
    CarrierProNumber: str | None = None


class OrderFields(Element):
    InternalOrderNumber: str | None = None
    InternalOrderDate: str | None = None
    InvoiceNumber: str | None = None
    InvoiceDate: str | None = None
    PurchaseOrderNumber: str | None = None
    ReleaseNumber: str | None = None
    PurchaseOrderDate: str | None = None
    Department: str | None = None
    DepartmentDescription: str | None = None
    Vendor: str | None = None
    JobNumber: str | None = None
    Division: str | None = None
    CustomerAccountNumber: str | None = None
    CustomerOrderNumber: str | None = None
    DeliveryDate: str | None = None
    DeliveryTime: str | None = None


class PackFields(Element):
    PackLevelType: str | None = None
    ShippingSerialID: str | None = None
    CarrierPackageID: str | None = None


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
    ItemStatusCode: str | None = None
    ShipQty: Number | None = None
    ShipQtyUOM: str | None = None
    CumulativeQty: Number | None = None
    ShipDate: str | None = None
    QtyLeftToReceive: Number | None = None
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
    NRFStandardColorAndSize: dict[str, Any] | None = None


class ContainerLevelGroup(Element):
    Container: ContainerFields | None = None
    Dates: list[DateTime] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    QuantityAndWeight: list[LadingWeight] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    Address: list[Party] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY
    OrderLevel: list["OrderLevelGroup"] = EMPTY
    PackLevel: list["PackLevelGroup"] = EMPTY
    ItemLevel: list["ItemLevelGroup"] = EMPTY


class OrderLevelGroup(Element):
    OrderHeader: OrderFields = OrderFields()
    QuantityAndWeight: list[LadingWeight] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    Dates: list[DateTime] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Address: list[Party] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    Commodity: list[Any] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY
    PackLevel: list["PackLevelGroup"] = EMPTY
    ItemLevel: list["ItemLevelGroup"] = EMPTY
    ContainerLevel: list[ContainerLevelGroup] = EMPTY


class PackLevelGroup(Element):
    Pack: PackFields = PackFields()
    PhysicalDetails: list[PhysicalDetail] = EMPTY
    MarksAndNumbersCollection: list[Any] = EMPTY
    PalletInformation: list[Any] = EMPTY
    Dates: list[DateTime] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Address: list[Party] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    Packaging: list[Any] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY
    ItemLevel: list["ItemLevelGroup"] = EMPTY
    PackLevel: list["PackLevelGroup"] = EMPTY


class ItemLevelGroup(Element):
    ShipmentLine: LineFields = LineFields()
    PhysicalDetails: list[PhysicalDetail] = EMPTY
    CarrierSpecialHandlingDetail: list[Any] = EMPTY
    CarrierInformation: list[Carrier] = EMPTY
    Measurements: list[Any] = EMPTY
    PriceInformation: list[Price] = EMPTY
    ProductOrItemDescription: list[ItemDescription] = EMPTY
    MasterItemAttribute: list[Any] = EMPTY
    Dates: list[DateTime] = EMPTY
    References: list[Reference] = EMPTY
    Notes: list[Note] = EMPTY
    Commodity: list[Any] = EMPTY
    Address: list[Party] = EMPTY
    Subline: list[Any] = EMPTY
    Taxes: list[Tax] = EMPTY
    ChargesAllowances: list[ChargeAllowance] = EMPTY
    ItemLoadInfo: list[Any] = EMPTY
    RegulatoryCompliances: list[Any] = EMPTY
    PackLevel: list[PackLevelGroup] = EMPTY
    OrderLevel: list[OrderLevelGroup] = EMPTY


class ShipmentSummary(Element):
    TotalOrders: int | None = None
    TotalLineItemNumber: int | None = None


class Shipment(Element):
    Meta: Any = None
    Header: ShipmentHeaderGroup
    ContainerLevel: list[ContainerLevelGroup] = EMPTY
    OrderLevel: list[OrderLevelGroup] = EMPTY
    PackLevel: list[PackLevelGroup] = EMPTY
    ItemLevel: list[ItemLevelGroup] = EMPTY
    Summary: ShipmentSummary | None = None

    @property
    def number(self) -> str:
        return self.Header.ShipmentHeader.ShipmentIdentification
