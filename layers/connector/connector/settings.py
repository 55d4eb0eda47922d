"""Settings of a connection, as kept in the table; those of a function are in `environment`."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector import errors
from connector.environment import FunctionSettings
from connector.rules.profile import BusinessProfile

__all__ = ["Connection", "FreshBooksSide", "FunctionSettings", "SpsSide", "connection_of"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FreshBooksSide(_Section):
    account_id: Annotated[str, Field(min_length=1)]
    api_url: str = "https://api.freshbooks.com"
    authorize_url: str = "https://auth.freshbooks.com/oauth/authorize/"
    redirect_uri: str = ""


class SpsSide(_Section):
    """`inbox` is where SPS puts files for us (its `out/`), `outbox` where it takes ours from (its `in/`)."""

    api_url: str = "https://api.spscommerce.com/transactions/v5"
    auth_check_url: str = "https://api.spscommerce.com/auth-check"
    token_url: str = "https://auth.spscommerce.com/oauth/token"  # noqa: S105 - an address
    audience: str = "https://spscommerce.com"
    inbox: str = "out/"
    outbox: str = "in/"
    page_limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    invoice_prefix: str = "IN"
    shipment_prefix: str = "SH"
    acknowledgement_prefix: str = "PR"


class Connection(_Section):
    """One FreshBooks business paired with one SPS account.

    `category` is the FreshBooks expense category of bill lines where the partner's pack names none. What is dated
    before `cut_over` is registered and never sent (`usecases.cut_over`).
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
    name: str = ""
    freshbooks: FreshBooksSide
    sps: SpsSide = SpsSide()
    profile: BusinessProfile = BusinessProfile()
    category: str | None = None
    cut_over: date | None = None


def connection_of(values: Mapping[str, object]) -> Connection:
    """The connection made of plain values; BadUse names the setting that is wrong."""
    try:
        return Connection.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        text = "it must be a-z, 0-9 and dashes, at most 31" if place == "id" else first["msg"]
        raise errors.BadUse(text, code="connection_invalid", place=place) from None
