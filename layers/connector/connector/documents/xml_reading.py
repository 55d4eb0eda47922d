"""RSX 7.7 XML as the very JSON document it stands for: the same names, lists and numbers.

No element of RSX is a list in one place and a value in another, nor a number in one and a text in another, so
three sets of names say it all.
"""

from __future__ import annotations

import math
from typing import Any
from xml.parsers import expat

from connector.errors import BadInput

MAX_DEPTH = 64

_LISTS = """
    AdditionalContactDetails AdditionalPOTypeCodes Address CarrierInformation CarrierSpecialHandlingDetail
    ChargesAllowances Commodity ConditionOfSale Contacts ContainerLevel Dates FOBRelatedInstruction
    FloorReady ItemAttribute ItemLevel ItemLoadInfo LeadTime LineItem LineItemAcknowledgement
    LocationQuantity MarksAndNumbersCollection MasterItemAttribute Measurements MonetaryAmounts Notes
    OrderLevel PackLevel Packaging PalletInformation Paperwork PaymentTerms PhysicalDetails PriceInformation
    ProductID ProductOrItemDescription QuantitiesSchedulesLocations QuantityAndWeight QuantityTotals
    ReferenceIDs References RegulatoryCompliances RestrictionsOrConditions SealNumbers ServiceLevelCodes
    Subline Taxes
"""
_NUMBERS = """
    AllowChrgAmt AllowChrgPercent AllowChrgQty AllowChrgQty2 AllowChrgRate Amount AmountSubjectToDiscount
    BatchTotal CalculationSequence CumulativeQty DiscountAmountDue ExchangeRate ExtendedItemTotal Height
    InvoiceAmtDueByTermsDate InvoiceQty ItemScheduleQty LadingQuantity LatePaymentChargePercent
    LeadTimeQuantity Length LoadSize MeasurementValue MonetaryAmount MultiplePriceQuantity NumberOfLoads
    OrderQty PackHeight PackLength PackSize PackValue PackVolume PackWeight PackWidth PalletBlocks
    PalletTiers PalletValue PalletVolume PalletWeight PercentDollarBasis PercentOfInvoicePayable
    PreviousOrderQty PriceMultiplier PurchasePrice Qty QtyLeftToReceive QtyPer Quantity Quantity1
    RangeMaximum RangeMinimum RebateAmount ReportCopiesNeeded ShipQty TaxAmount TaxPercent
    TermsDeferredAmountDue TermsDiscountAmount TermsDiscountDueDays TermsDiscountPercentage TermsDueDay
    TermsNetDueDays TotalAllowancesAmount TotalAmount TotalCartonCount TotalChargesAmount TotalFreightCharges
    TotalLineItemNumber TotalNonFreightCharges TotalOrders TotalQty TotalSalesAmount TotalTaxesAndCharges
    TotalTermsDiscountAmount TransitTime UnitPrice UnitPriceBasisMultiplier UnitWeight UnitsShipped
    UnloadedHeight Value VarianceQty Volume Weight Width
"""
LISTS = frozenset(_LISTS.split())
NUMBERS = frozenset(_NUMBERS.split())
BOOLEANS = frozenset({"IsDropShip"})


def number(text: str) -> int | float | str:
    """A JSON number without a difference between 20 and 20.0; one beyond a double's bounds stays text."""
    value = float(text)
    if value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value if math.isfinite(value) else text


def read_xml(data: bytes) -> tuple[str, dict[str, Any]]:
    """(root element's name, its content); BadInput says where the XML is wrong.

    Namespaces, prefixes and attributes are ignored, empty elements are left out.
    """
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "broken")
        raise BadInput(
            f"not well-formed XML: {reason}",
            code="not_xml",
            place=f"line {error.lineno} column {error.offset + 1}",
            fix="ask for the file again",
        ) from None
    except (ValueError, LookupError):
        raise BadInput("the XML's encoding is unknown", code="not_xml", fix="send it as UTF-8") from None
    return builder.root, builder.content


def _refuse_doctype(*_: object) -> None:
    raise BadInput(
        "the XML has a DOCTYPE, which RSX never has", code="not_rsx", fix="send RSX 7.7 as JSON or XML"
    )


class _Builder:
    """Collects elements; `stack` holds the open ones: name, children, text."""

    def __init__(self) -> None:
        self.root = ""
        self.content: dict[str, Any] = {}
        self.stack: list[tuple[str, dict[str, Any], list[str]]] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise BadInput("the XML is nested too deeply", code="too_deep", fix="send RSX 7.7")
        self.stack.append((name.rpartition(":")[2], {}, []))

    def text(self, text: str) -> None:
        self.stack[-1][2].append(text)

    def end(self, _: str) -> None:
        name, children, texts = self.stack.pop()
        if not self.stack:
            self.root, self.content = name, children
            return
        text = "" if children else "".join(texts).strip()
        if not children and not text:
            return
        value = children or _value(name, text)
        siblings = self.stack[-1][1]
        if name not in siblings:
            siblings[name] = [value] if name in LISTS else value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]


def _value(name: str, text: str) -> Any:
    if name in NUMBERS:
        try:
            return number(text)
        except ValueError:
            return text  # the models say where it is
    if name in BOOLEANS and text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    return text
