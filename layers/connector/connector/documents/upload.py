"""A shipment as our user's warehouse tells it: the connector's own document, uploaded as CSV or JSON.

One upload is one shipment to one trading partner, for one or more of its orders. What it says is trusted before
the order and the partner pack; what it leaves out comes from them. Contents are named by the order's own line
number, or by part number or UPC.
"""

import re
from collections import Counter
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connector.documents import codes
from connector.documents.gs1 import sscc_of

MAX_CARTONS = 5000
MAX_CONTENTS = 20_000
_LARGEST = Decimal(10) ** 9


def _code(element: str) -> AfterValidator:
    """The value is in the RSX list of `element`."""

    def check(text: str) -> str:
        if text and text not in codes.CODES[element]:
            raise ValueError(f"{text[:20]!r} is not in the RSX list of {element}")
        return text

    return AfterValidator(check)


def _stripped(value: Any) -> Any:
    """Texts without outer blanks; numbers of a JSON file where a text belongs, as long as they are whole."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    """JSON's floats by their shortest text, so that 0.1 is a tenth."""
    return str(value) if isinstance(value, float) else value


def _day(value: Any) -> Any:
    """Only 2026-03-10: day and month are never guessed at."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        raise ValueError(f"{value[:20]!r} is no date like 2026-03-10")
    if isinstance(value, int | float):
        raise ValueError("write the date as a text like 2026-03-10")
    return value.strip() if isinstance(value, str) else value


def _clock(value: Any) -> Any:
    if isinstance(value, int | float) or (
        isinstance(value, str) and not re.fullmatch(r"\d\d:\d\d(:\d\d)?", value.strip())
    ):
        raise ValueError(f"{str(value)[:20]!r} is no time like 14:30")
    return value.strip() if isinstance(value, str) else value


def _zone(text: str) -> str:
    try:
        zone_of(text)
    except (ValueError, KeyError, OSError):
        example = "America/Chicago or -06:00"
        raise ValueError(f"{text[:30]!r} is no time zone; write it like {example}") from None
    return text


def zone_of(text: str) -> tzinfo | None:
    """The time zone named or written as an offset; None for none."""
    if not text:
        return None
    if text[0] in "+-" or text == "Z":
        return datetime.fromisoformat(f"2000-01-01T00:00:00{text}").tzinfo
    return ZoneInfo(text)


Text = Annotated[str, BeforeValidator(_stripped), Field(max_length=80)]
Sscc = Annotated[str, BeforeValidator(_stripped), AfterValidator(lambda text: sscc_of(text) if text else "")]
Amount = Annotated[
    Decimal, BeforeValidator(_number), Field(gt=0, lt=_LARGEST, allow_inf_nan=False, max_digits=15)
]
Day = Annotated[date, BeforeValidator(_day), Field(ge=date(2000, 1, 1), le=date(2099, 12, 31))]
Packaging = Annotated[Text, _code("PackingMedium")]
Unit = Annotated[Text, _code("ShipQtyUOM")]
WeightUnit = Annotated[Text, _code("WeightUOM")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Content(_Part):
    """How many of one article of one order. `line` is the order's LineSequenceNumber; `uom` empty: as ordered."""

    purchase_order: Annotated[Text, Field(min_length=1, max_length=45)]
    line: Text = ""
    sku: Text = ""
    upc: Text = ""
    quantity: Amount
    uom: Unit = ""
    lot: Text = ""
    expires: Day | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not (self.line or self.sku or self.upc):
            raise ValueError("say which article it is: line, sku or upc")
        return self


class Carton(_Part):
    """One carton. `carton` is the shipper's own name for it: under it a made SSCC stays the same in a revision.

    `store` is the store it is marked for, where the order is for several. `packaging` is a PackingMedium code.
    """

    carton: Text = ""
    sscc: Sscc = ""
    tracking: Text = ""
    packaging: Packaging = ""
    weight: Amount | None = None
    marks: Text = ""
    store: Text = ""
    contents: Annotated[tuple[Content, ...], Field(min_length=1)]


class Pallet(_Part):
    """A pallet with its cartons; `weight` is that of all of it."""

    pallet: Text = ""
    sscc: Sscc = ""
    packaging: Packaging = ""
    weight: Amount | None = None
    cartons: Annotated[tuple[Carton, ...], Field(min_length=1)]


class ShipFrom(_Part):
    """The dock that the goods left, where it is not the partner pack's or the business itself."""

    name: Text = ""
    location: Text = ""
    address: Text = ""
    city: Text = ""
    state: Text = ""
    postal_code: Text = ""
    country: Text = ""


class Upload(_Part):
    """One shipment. Either `cartons` and `pallets`, or `items` that travel without cartons of their own.

    `scac` names the carrier, `method` is a CarrierTransMethodCode, `fob` a FOBPayCode. `ship_time` is local to
    `time_zone`. `agreed` says who at the retailer agreed to a date outside of the order's window.
    """

    shipment_id: Annotated[Text, Field(min_length=1, max_length=30)]
    partner: Annotated[Text, Field(max_length=15)] = ""
    ship_date: Day
    ship_time: Annotated[time, BeforeValidator(_clock)] | None = None
    time_zone: Annotated[Text, AfterValidator(_zone)] = ""
    delivery_date: Day | None = None
    scac: Annotated[Text, Field(pattern=r"^([A-Z]{2,4})?$")] = ""
    method: Annotated[Text, _code("CarrierTransMethodCode")] = ""
    routing: Text = ""
    trailer: Text = ""
    bill_of_lading: Text = ""
    pro_number: Text = ""
    weight: Amount | None = None
    weight_uom: WeightUnit = "LB"
    fob: Annotated[Text, _code("FOBPayCode")] = ""
    seals: tuple[Text, ...] = ()
    ship_from: ShipFrom = ShipFrom()
    agreed: Text = ""
    pallets: tuple[Pallet, ...] = ()
    cartons: tuple[Carton, ...] = ()
    items: tuple[Content, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        cartons = self.all_cartons()
        if bool(cartons) == bool(self.items):
            raise ValueError("a shipment has either cartons or loose items")
        if len(cartons) > MAX_CARTONS or sum(len(c.contents) for c in cartons) > MAX_CONTENTS:
            raise ValueError(f"a shipment has at most {MAX_CARTONS} cartons with {MAX_CONTENTS} contents")
        names = [("SSCC", pallet.sscc) for pallet in self.pallets]
        names += [("SSCC", carton.sscc) for carton in cartons]
        names += [("carton", carton.carton) for carton in cartons]
        names += [("pallet", pallet.pallet) for pallet in self.pallets]
        twice = [f"{kind} {name}" for (kind, name), count in Counter(names).items() if name and count > 1]
        if twice:
            raise ValueError(f"{twice[0]} is there twice")
        return self

    def all_cartons(self) -> tuple[Carton, ...]:
        """Every carton, those on pallets first."""
        return (*(carton for pallet in self.pallets for carton in pallet.cartons), *self.cartons)

    def all_contents(self) -> tuple[Content, ...]:
        return (*(content for carton in self.all_cartons() for content in carton.contents), *self.items)

    def purchase_orders(self) -> list[str]:
        """The PO numbers, each once, in order."""
        return list(dict.fromkeys(content.purchase_order for content in self.all_contents()))
