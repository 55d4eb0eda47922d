"""What the template tells a function: read from its environment once, at init."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector import errors
from connector.adapters.pace import seconds_between

# work queues, as settings name them
QUEUES = ("sps_files_to_map", "bills_to_push", "records_to_map", "rsx_to_push")

VENDORS = ("FreshBooks", "SPS")


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
    console_files: str = ""
    login_url: str = ""
    login_client_id: str = ""
    console_url: str = ""
    api_url: str = ""
    digest_topic: str = ""
    chat_secret: str = ""
    failed_queues: Mapping[str, str] = field(default_factory=dict)
    kms_key: str = ""
    seconds_between: Mapping[str, float] = field(default_factory=dict)  # two requests to a vendor

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
            console_files=environment.get("CONSOLE_FILES", ""),
            login_url=environment.get("LOGIN_URL", ""),
            login_client_id=environment.get("LOGIN_CLIENT_ID", ""),
            console_url=environment.get("CONSOLE_URL", ""),
            api_url=environment.get("API_URL", ""),
            digest_topic=environment.get("DIGEST_TOPIC", ""),
            chat_secret=environment.get("CHAT_SECRET", ""),
            failed_queues={
                queue: environment[f"{queue.upper()}_FAILED_URL"]
                for queue in QUEUES
                if environment.get(f"{queue.upper()}_FAILED_URL")
            },
            kms_key=environment.get("KMS_KEY_ARN", ""),
            seconds_between={
                vendor: seconds_between(
                    float(environment.get(f"{vendor.upper()}_PER_MINUTE") or 0),
                    int(environment.get(f"{vendor.upper()}_CONCURRENCY") or 1),
                )
                for vendor in VENDORS
            },
        )
