"""What an outbound document may hold, element by element: the models and code lists compiled for walking.

`carry` and `conform` walk plain JSON values a hundred lines at a time; reading a pydantic model's annotations
at each step would be most of their work, so each group is compiled once and kept.
"""

import types
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import Field

from connector.documents import codes
from connector.documents.invoice import Invoice
from connector.documents.order_ack import OrderAck
from connector.documents.parts import (
    Carrier,
    Element,
    ItemDescription,
    Number,
    Party,
    PhysicalDetail,
    Price,
    ProductId,
)
from connector.documents.shipment import Shipment

Document = Literal["Invoice", "Shipment", "OrderAck"]
Kind = Literal["text", "date", "time", "number", "whole", "group", "free"]

ROOTS: dict[Document, type[Element]] = {"Invoice": Invoice, "Shipment": Shipment, "OrderAck": OrderAck}


class Child(NamedTuple):
    """One element of a group; `model` is set for a group, `free` is what no model describes."""

    kind: Kind
    many: bool = False
    required: bool = False
    codes: frozenset[str] | None = None
    model: type[Element] | None = None


Shape = dict[str, Child]


def names(text: str) -> frozenset[str]:
    """The words of a text as a set: element names, codes."""
    return frozenset(text.split())


# Groups that the documents keep untyped but that an invoice or a shipment may have to send back.


class _PoType(Element):
    POTypeCode: str | None = None
    POTypeDescription: str | None = None


class _Commodity(Element):
    CommodityCodeQualifier: str | None = None
    CommodityCode: str | None = None


class _NrfColorSize(Element):
    NRFColorCode: str | None = None
    ColorCategoryName: str | None = None
    ColorPrimaryDescription: str | None = None
    NRFSizeCode: str | None = None
    SizeCategoryName: str | None = None
    SizePrimaryDescription: str | None = None
    SizeSecondaryDescription: str | None = None
    SizeTableName: str | None = None
    SizeHeading1: str | None = None
    SizeHeading2: str | None = None
    SizeHeading3: str | None = None
    SizeHeading4: str | None = None


class _SublineDetail(Element):
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
    ProductSizeCode: str | None = None
    ProductSizeDescription: str | None = None
    ProductColorCode: str | None = None
    ProductColorDescription: str | None = None
    ProductMaterialCode: str | None = None
    ProductMaterialDescription: str | None = None
    ProductProcessCode: str | None = None
    ProductProcessDescription: str | None = None
    QtyPer: Number | None = None
    QtyPerUOM: str | None = None
    PurchasePriceType: str | None = None
    PurchasePrice: Number | None = None
    PurchasePriceBasis: str | None = None
    NRFStandardColorAndSize: _NrfColorSize | None = None


class _ShipmentSubline(Element):
    SublineItemDetail: _SublineDetail | None = None
    PriceInformation: list[Price] = Field(default_factory=list)
    ProductOrItemDescription: list[ItemDescription] = Field(default_factory=list)
    Commodity: list[_Commodity] = Field(default_factory=list)
    RegulatoryCompliances: list[Any] = Field(default_factory=list)


class _InvoiceSubline(Element):
    SublineItemDetail: _SublineDetail | None = None
    PriceInformation: list[Price] = Field(default_factory=list)
    ProductOrItemDescription: list[ItemDescription] = Field(default_factory=list)
    PhysicalDetails: list[PhysicalDetail] = Field(default_factory=list)
    Commodity: list[_Commodity] = Field(default_factory=list)
    RegulatoryCompliances: list[Any] = Field(default_factory=list)


_UNTYPED: dict[str, dict[Document, type[Element]]] = {
    "AdditionalPOTypeCodes": {"Invoice": _PoType, "OrderAck": _PoType},
    "Commodity": {"Invoice": _Commodity, "Shipment": _Commodity, "OrderAck": _Commodity},
    "NRFStandardColorAndSize": {
        "Invoice": _NrfColorSize,
        "Shipment": _NrfColorSize,
        "OrderAck": _NrfColorSize,
    },
    "Subline": {"Invoice": _InvoiceSubline, "Shipment": _ShipmentSubline},
}

# The same thing is called differently in an Invoice and in a Shipment; orders call it like shipments do.
SYNONYMS = {"TransitTimeQualifier": "TransitTimeQual", "TransitTimeQual": "TransitTimeQualifier"}

_ALSO_CODED = {
    "POTypeCode": codes.CODES["PrimaryPOTypeCode"],
    "QtyPerUOM": codes.CODES["OrderQtyUOM"],
    "ItemScheduleUOM": codes.CODES["OrderQtyUOM"],
    "ItemScheduleQualifier": codes.CODES["DateTimeQualifier"],
    "CommodityCodeQualifier": names("A F I J N NFT Q S T U V"),
    "TransitTimeQual": names("CD CW HO WD"),
}


class _CarrierParty(Party):
    """A party inside CarrierInformation has neither references nor contacts."""


@cache
def shape_of(model: type[Element], document: Document) -> Shape:
    """The elements that `document` may have in the group `model`, in schema order."""
    model.model_rebuild()  # levels of a shipment name each other before they are all defined
    shape: Shape = {}
    for name, field in model.model_fields.items():
        if model is _CarrierParty and name in ("References", "Contacts"):
            continue
        if model is Carrier and document != "Invoice" and name == "TransitTimeQualifier":
            name = "TransitTimeQual"
        if model is Carrier and name == "Address":
            shape[name] = Child("group", many=True, model=_CarrierParty)
            continue
        shape[name] = _child(name, field.annotation, field.is_required(), document)
    return shape


def _child(name: str, annotation: Any, required: bool, document: Document) -> Child:
    many = False
    while True:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = inner[0]
        elif origin is list:
            many, annotation = True, inner[0]
        elif origin in (Union, types.UnionType):
            annotation = next(option for option in inner if option is not type(None))
        else:
            break
    untyped = _UNTYPED.get(name, {}).get(document)
    if untyped is not None and (origin is dict or annotation is Any):
        return Child("group", many, required, model=untyped)
    if isinstance(annotation, type) and issubclass(annotation, Element):
        return Child("group", many, required, model=annotation)
    if annotation is Decimal:
        return Child("number", many, required)
    if annotation is int:
        return Child("whole", many, required)
    if annotation is str:
        return Child(_text_kind(name), many, required, codes=_codes(name, document))
    return Child("free", many, required)


def _text_kind(name: str) -> Kind:
    """RSX names its dates and times so, without exception."""
    return "date" if name.endswith("Date") else "time" if name.endswith("Time") else "text"


@cache
def _codes(name: str, document: Document) -> frozenset[str] | None:
    listed = codes.CODES.get(name)
    if listed is None:
        return _ALSO_CODED.get(name)
    return frozenset(code for code in listed if codes.allowed(document, name, code))
