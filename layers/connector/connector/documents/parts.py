"""Groups that RSX 7.7.7 Orders, Invoices and Shipments share, in schema order (which is XML order).

A `Number` is a Decimal in Python and a JSON number on the wire; identifiers and codes are strings with
their leading zeros; dates and times stay the text they came as, because a bad date is a finding, never
a crash (`as_date`). Elements that no mapping knows are kept and written back.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer


def plain_number(value: Decimal) -> int | float:
    """The Decimal as the JSON number a reader expects: 20 for 20.00, 1.5 for 1.50.

    Exact for the 15 significant digits that a double holds, which is more than any EDI amount has.
    """
    return int(value) if value == value.to_integral_value() else float(value)


Number = Annotated[Decimal, PlainSerializer(plain_number, return_type=int | float, when_used="json")]


def as_date(text: str | None) -> date | None:
    """The date, or None where there is none or it is broken (`22020-12-20` is in an official sample)."""
    if not text or len(text) < 10 or text[10:11] not in ("", "T"):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


class _Empty(list[Any]):
    """An empty list that all documents share: a plain [] would be copied for every element that lacks one.

    Being hashable spares the copy; what has no elements is not added to but replaced.
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def append(self, _: Any) -> None:
        raise TypeError("replace the shared empty list instead of adding to it")

    extend = insert = __iadd__ = append  # type: ignore[assignment]


EMPTY: Any = _Empty()


class Element(BaseModel):
    """One RSX element: declared children first, unknown ones kept as they came."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, defer_build=True)

    def plain(self) -> dict[str, Any]:
        """The element as plain JSON values: only what was set, no nulls."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)


class ReferenceId(Element):
    ReferenceQual: str | None = None
    ReferenceID: str | None = None


class Reference(Element):
    ReferenceQual: str | None = None
    ReferenceID: str | None = None
    Description: str | None = None
    Date: str | None = None
    Time: str | None = None
    ReferenceIDs: list[ReferenceId] = EMPTY


class DateTime(Element):
    DateTimeQualifier: str | None = None
    Date: str | None = None
    Time: str | None = None
    DateTimePeriod: str | None = None


class ContactDetail(Element):
    ContactQual: str | None = None
    ContactID: str | None = None


class Contact(Element):
    ContactTypeCode: str | None = None
    ContactName: str | None = None
    PrimaryPhone: str | None = None
    PrimaryFax: str | None = None
    PrimaryEmail: str | None = None
    AdditionalContactDetails: list[ContactDetail] = EMPTY
    ContactReference: str | None = None


class Party(Element):
    AddressTypeCode: str | None = None
    LocationCodeQualifier: str | None = None
    AddressLocationNumber: str | None = None
    AddressName: str | None = None
    AddressAlternateName: str | None = None
    AddressAlternateName2: str | None = None
    Address1: str | None = None
    Address2: str | None = None
    Address3: str | None = None
    Address4: str | None = None
    City: str | None = None
    State: str | None = None
    PostalCode: str | None = None
    Country: str | None = None
    LocationID: str | None = None
    CountrySubDivision: str | None = None
    AddressTaxIdNumber: str | None = None
    AddressTaxExemptNumber: str | None = None
    References: list[Reference] = EMPTY
    Contacts: list[Contact] = EMPTY
    Dates: list[DateTime] = EMPTY


class Terms(Element):
    TermsType: str | None = None
    TermsBasisDateCode: str | None = None
    TermsTimeRelationCode: str | None = None
    TermsDiscountPercentage: Number | None = None
    TermsDiscountDate: str | None = None
    TermsDiscountDueDays: int | None = None
    TermsNetDueDate: str | None = None
    TermsNetDueDays: int | None = None
    TermsDiscountAmount: Number | None = None
    TermsDeferredDueDate: str | None = None
    TermsDeferredAmountDue: Number | None = None
    PercentOfInvoicePayable: Number | None = None
    TermsDescription: str | None = None
    TermsDueDay: int | None = None
    PaymentMethodCode: str | None = None
    PaymentMethodID: str | None = None
    LatePaymentChargePercent: Number | None = None
    TermsStartDate: str | None = None
    TermsDueDateQual: str | None = None
    AmountSubjectToDiscount: Number | None = None
    DiscountAmountDue: Number | None = None


class Note(Element):
    NoteCode: str | None = None
    Note: str | None = None
    LanguageCode: str | None = None


class Tax(Element):
    TaxTypeCode: str | None = None
    TaxAmount: Number | None = None
    TaxPercentQual: str | None = None
    TaxPercent: Number | None = None
    JurisdictionQual: str | None = None
    JurisdictionCode: str | None = None
    TaxExemptCode: str | None = None
    RelationshipCode: str | None = None
    PercentDollarBasis: Number | None = None
    TaxHandlingCode: str | None = None
    TaxID: str | None = None
    AssignedID: str | None = None
    Description: str | None = None


class ChargeAllowance(Element):
    AllowChrgIndicator: str | None = None
    AllowChrgCode: str | None = None
    AllowChrgAgencyCode: str | None = None
    AllowChrgAgency: str | None = None
    AllowChrgAmt: Number | None = None
    AllowChrgPercentQual: str | None = None
    AllowChrgPercent: Number | None = None
    PercentDollarBasis: Number | None = None
    AllowChrgRate: Number | None = None
    AllowChrgQtyUOM: str | None = None
    AllowChrgQty: Number | None = None
    AllowChrgHandlingCode: str | None = None
    ReferenceIdentification: str | None = None
    AllowChrgHandlingDescription: str | None = None
    OptionNumber: str | None = None
    ExceptionNumber: str | None = None
    AllowChrgQty2: Number | None = None
    LanguageCode: str | None = None
    CalculationSequence: int | None = None
    Taxes: list[Tax] = EMPTY


class FobInstruction(Element):
    FOBPayCode: str | None = None
    FOBLocationQualifier: str | None = None
    FOBLocationDescription: str | None = None
    FOBTitlePassageCode: str | None = None
    FOBTitlePassageLocation: str | None = None
    TransportationTermsType: str | None = None
    TransportationTerms: str | None = None
    RiskOfLossCode: str | None = None
    Description: str | None = None


class ServiceLevel(Element):
    ServiceLevelCode: str | None = None


class Seal(Element):
    SealStatusCode: str | None = None
    SealNumber: str | None = None


class Carrier(Element):
    StatusCode: str | None = None
    CarrierTransMethodCode: str | None = None
    CarrierAlphaCode: str | None = None
    CarrierRouting: str | None = None
    EquipmentDescriptionCode: str | None = None
    CarrierEquipmentInitial: str | None = None
    CarrierEquipmentNumber: str | None = None
    EquipmentType: str | None = None
    OwnershipCode: str | None = None
    RoutingSequenceCode: str | None = None
    TransitDirectionCode: str | None = None
    TransitTimeQualifier: str | None = None
    TransitTime: Number | None = None
    ServiceLevelCodes: list[ServiceLevel] = EMPTY
    Address: list[Party] = EMPTY
    SealNumbers: list[Seal] = EMPTY


class QuantityTotal(Element):
    QuantityTotalsQualifier: str | None = None
    Quantity: Number | None = None
    QuantityUOM: str | None = None
    WeightQualifier: str | None = None
    Weight: Number | None = None
    WeightUOM: str | None = None
    Volume: Number | None = None
    VolumeUOM: str | None = None
    Description: str | None = None


class LadingWeight(Element):
    PackingMedium: str | None = None
    PackingMaterial: str | None = None
    LadingQuantity: int | None = None
    LadingDescription: str | None = None
    WeightQualifier: str | None = None
    Weight: Number | None = None
    WeightUOM: str | None = None
    Volume: Number | None = None
    VolumeUOM: str | None = None
    PalletExchangeCode: str | None = None


class ProductId(Element):
    PartNumberQual: str | None = None
    PartNumber: str | None = None


class Price(Element):
    ChangeReasonCode: str | None = None
    EffectiveDate: str | None = None
    PriceTypeIDCode: str | None = None
    UnitPrice: Number | None = None
    UnitPriceBasis: str | None = None
    UnitPriceBasisMultiplier: Number | None = None
    Currency: str | None = None
    PriceMultiplierQual: str | None = None
    PriceMultiplier: Number | None = None
    RebateAmount: Number | None = None
    Quantity: Number | None = None
    QuantityUOM: str | None = None
    MultiplePriceQuantity: Number | None = None
    ClassOfTradeCode: str | None = None
    ConditionValue: str | None = None
    Description: str | None = None


class ItemDescription(Element):
    ProductCharacteristicCode: str | None = None
    AgencyQualifierCode: str | None = None
    ProductDescriptionCode: str | None = None
    ProductDescription: str | None = None
    SurfaceLayerPositionCode: str | None = None
    SourceSubqualifier: str | None = None
    YesOrNoResponse: str | None = None
    LanguageCode: str | None = None


class PhysicalDetail(Element):
    PackQualifier: str | None = None
    PackValue: int | None = None
    PackSize: Number | None = None
    PackUOM: str | None = None
    PackingMedium: str | None = None
    PackingMaterial: str | None = None
    WeightQualifier: str | None = None
    PackWeight: Number | None = None
    PackWeightUOM: str | None = None
    PackVolume: Number | None = None
    PackVolumeUOM: str | None = None
    PackLength: Number | None = None
    PackWidth: Number | None = None
    PackHeight: Number | None = None
    DimensionUOM: str | None = None
    Description: str | None = None
    SurfaceLayerPositionCode: str | None = None
    AssignedID: str | None = None


class LocationQty(Element):
    Location: str | None = None
    Qty: Number | None = None


class QuantitySchedule(Element):
    QuantityQualifier: str | None = None
    TotalQty: Number | None = None
    TotalQtyUOM: str | None = None
    QuantityDescription: str | None = None
    LocationCodeQualifier: str | None = None
    LocationDescription: str | None = None
    LocationQuantity: list[LocationQty] = EMPTY
    Dates: list[DateTime] = EMPTY
    AssignedID: str | None = None
    LeadTimeCode: str | None = None
    LeadTimeQuantity: Number | None = None
    LeadTimePeriodInterval: str | None = None
    LeadTimeDate: str | None = None
