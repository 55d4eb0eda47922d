"""The ground that FreshBooks' documents stand on: stamps with their zones, lenient field types, `Money`.

Stamps carry no zone on the wire and differ by object: invoices, clients, items, lines and categories tell
New York wall-clock time, bills and vendors UTC. `updated_instant` is aware and in UTC. New York's repeated
hour each November is read as its first pass (fold=0), so an instant may be one hour early: pollers overlap by
a day.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from connector.errors import BadInput

# ------------------------------------------------------------------------------------------ stamps


@cache
def _new_york() -> ZoneInfo:
    return ZoneInfo("America/New_York")


def eastern_instant(stamp: str) -> datetime | None:
    """`2021-04-16 10:31:19[.480684]`, New York wall clock -> the instant in UTC; None if it is no stamp."""
    return _instant(stamp, _new_york())


def utc_instant(stamp: str) -> datetime | None:
    """`2020-10-09 15:28:49` in UTC (bills, vendors) -> the instant; None where it is no stamp."""
    return _instant(stamp, UTC)


def eastern_date(instant: datetime) -> date:
    """The day in New York of an aware instant: what `search[updated_min]` of invoices counts in."""
    return instant.astimezone(_new_york()).date()


def _instant(stamp: str, zone: tzinfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone, fold=0)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# ------------------------------------------------------------------------------------------ field types


def _text(value: Any) -> Any:
    return "" if value is None else value


def _blank_is_none(value: Any) -> Any:
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is not a number")  # pydantic would read True as 1
    return _blank_is_none(value)


def _date(value: Any) -> Any:
    if value is not None and not isinstance(value, str | date):
        raise ValueError("is not a date (YYYY-MM-DD)")  # pydantic would read a number as seconds since 1970
    return _blank_is_none(value)


Text = Annotated[str, BeforeValidator(_text)]
_Bounded = Annotated[Decimal, Field(gt=-(10**15), lt=10**15)]
Number = Annotated[_Bounded, BeforeValidator(_number)]
MaybeNumber = Annotated[_Bounded | None, BeforeValidator(_number)]
MaybeInt = Annotated[int | None, BeforeValidator(_number)]
MaybeDate = Annotated[date | None, BeforeValidator(_date)]


def none_is_empty(value: Any) -> Any:
    return [] if value is None else value


class Record(BaseModel):
    """Any FreshBooks object: unknown keys are kept, numbers where text belongs become text."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, defer_build=True)


class EasternRecord(Record):
    """An object whose `updated` tells New York time."""

    updated: Text = ""
    vis_state: int = 0

    @property
    def is_deleted(self) -> bool:
        return self.vis_state == 1

    @property
    def updated_instant(self) -> datetime | None:
        return eastern_instant(self.updated)


class UtcRecord(Record):
    """An object whose `created_at` and `updated_at` tell UTC."""

    created_at: Text = ""
    updated_at: Text = ""
    vis_state: int = 0

    @property
    def is_deleted(self) -> bool:
        return self.vis_state == 1

    @property
    def updated_instant(self) -> datetime | None:
        return utc_instant(self.updated_at)


class Money(Record):
    """`{"amount": "375.00", "code": "USD"}`, or the bare amount as number or string (then `code` is "")."""

    amount: Number
    code: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _accept_bare(cls, value: Any) -> Any:
        return {"amount": value} if isinstance(value, int | float | Decimal | str) else value


# ------------------------------------------------------------------------------------------ complaints


def bad_input(error: ValidationError, prefix: str = "") -> BadInput:
    """The first complaint in one line, at a place like `lines[0].qty`; never the value itself."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = _place(prefix, first["loc"])
    kind = first["type"]
    if kind == "missing":
        message = "is missing"
    elif kind.startswith(("decimal", "int", "float", "finite")):
        message = "is not a number"
    elif kind in ("greater_than", "less_than"):
        message = "is out of range"
    elif kind.startswith("date"):
        message = "is not a date (YYYY-MM-DD)"
    elif kind == "string_type":
        message = "is not text"
    elif kind == "list_type":
        message = "is not a list"
    elif kind == "model_type":
        message = "is not an object"
    else:
        message = first["msg"].removeprefix("Value error, ")
    return BadInput(message, place=place)


def _place(prefix: str, location: Sequence[int | str]) -> str:
    place = prefix
    for step in location:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
    return place
