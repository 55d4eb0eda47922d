"""Settings: of a function (from its environment, once, at init) and of a connection (from the table)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector import errors
from connector.rules.profile import BusinessProfile


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What every function is told by the template. Queue addresses may be empty where a function sends nothing."""

    stack: str
    table: str
    archive_bucket: str
    sps_files_to_map: str = ""
    bills_to_push: str = ""
    records_to_map: str = ""
    rsx_to_push: str = ""
    oauth_state_secret: str = ""

    @staticmethod
    def of(environment: Mapping[str, str]) -> FunctionSettings:
        """Read the environment; BadUse names every variable that is missing."""
        missing = [
            name for name in ("STACK_NAME", "TABLE_NAME", "ARCHIVE_BUCKET") if not environment.get(name)
        ]
        if missing:
            raise errors.BadUse(f"environment lacks {', '.join(missing)}", code="settings_missing")
        return FunctionSettings(
            stack=environment["STACK_NAME"],
            table=environment["TABLE_NAME"],
            archive_bucket=environment["ARCHIVE_BUCKET"],
            sps_files_to_map=environment.get("SPS_FILES_TO_MAP_URL", ""),
            bills_to_push=environment.get("BILLS_TO_PUSH_URL", ""),
            records_to_map=environment.get("RECORDS_TO_MAP_URL", ""),
            rsx_to_push=environment.get("RSX_TO_PUSH_URL", ""),
            oauth_state_secret=environment.get("OAUTH_STATE_SECRET", ""),
        )


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


class Connection(_Section):
    """One FreshBooks business paired with one SPS account.

    `category` is the FreshBooks expense category of bill lines where the partner's pack names none.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
    name: str = ""
    freshbooks: FreshBooksSide
    sps: SpsSide = SpsSide()
    profile: BusinessProfile = BusinessProfile()
    category: str | None = None


def connection_of(values: Mapping[str, object]) -> Connection:
    """The connection made of plain values; BadUse names the setting that is wrong."""
    try:
        return Connection.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise errors.BadUse(f"{first['msg']} ({place})", code="connection_invalid", place=place) from None
