"""A deployed stack as the command line reaches it: through the user's own AWS credentials."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from connector import errors
from connector.environment import QUEUES
from connector.settings import FunctionSettings
from connector.usecases.world import World
from connector.wiring import Wiring

DEFAULT_STACK = "freshbooks-sps"
StackOption = Annotated[
    str, typer.Option("--stack", envvar="CONNECTOR_STACK", help="Name of the deployed CloudFormation stack.")
]


class Stack:
    """Outputs, clients and worlds of one deployed stack."""

    def __init__(
        self, name: str, client: Callable[[str], Any] | None = None, outputs: Mapping[str, str] | None = None
    ) -> None:
        """`client` and `outputs` are given where the stack is not in the user's own AWS account."""
        self.name = name
        self.client = client or _client()
        self._outputs = outputs

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        if self._outputs is not None:
            return self._outputs
        try:
            found = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        except (ClientError, BotoCoreError) as error:
            why = error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)
            raise errors.BadUse(
                f"stack {self.name} can't be read: {why.rstrip('.')[:200]}",
                code="no_stack",
                fix="name it with --stack, and check AWS_PROFILE and AWS_REGION",
            ) from None
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
        # an emulator's API has another address than AWS would give it
        api = os.environ.get("CONNECTOR_API_URL")
        return {**outputs, "ApiUrl": api} if api else outputs

    @cached_property
    def wiring(self) -> Wiring:
        out = self.outputs
        settings = FunctionSettings(
            stack=self.name,
            # another one is a copy that was restored beside it (docs/runbook.md)
            table=os.environ.get("CONNECTOR_TABLE") or out["TableName"],
            archive_bucket=out["ArchiveBucket"],
            sps_files_to_map=out["SpsFilesToMapUrl"],
            bills_to_push=out["BillsToPushUrl"],
            records_to_map=out["RecordsToMapUrl"],
            rsx_to_push=out["RsxToPushUrl"],
            oauth_state_secret=out.get("OAuthStateSecret", ""),
            kms_key=out.get("KmsKeyArn", ""),
            failed_queues={
                name: out[output]
                for name in QUEUES
                if (output := f"{name.title().replace('_', '')}FailedUrl") in out
            },
        )
        return Wiring(settings, lambda message, **keys: None, self.client)

    def connections(self, named: str) -> list[str]:
        """The connection named; where none is, all there are."""
        return [named] if named else self.wiring.connections()

    def world(self, connection: str) -> World:
        """The world of the connection named; where none is, of the only one there is."""
        if not connection:
            there = self.wiring.connections()
            if len(there) != 1:
                fix = f"say which with -c: {', '.join(there)}" if there else "`connector connections add`"
                text = f"the stack has {len(there) or 'no'} connections"
                raise errors.BadUse(text, code="no_connection", fix=fix)
            connection = there[0]
        return self.wiring.world(connection)


def _client() -> Callable[[str], Any]:
    try:
        return boto3.Session(region_name=os.environ.get("AWS_REGION")).client
    except BotoCoreError as error:  # a profile that there is not
        raise errors.BadUse(
            f"no AWS session: {str(error).rstrip('.')}",
            code="no_stack",
            fix="check AWS_PROFILE and AWS_REGION",
        ) from None


def person() -> str:
    """Whom histories name for what is done at the command line: `cli/` and the name in the operating system."""
    try:
        return f"cli/{getpass.getuser()}"
    except (OSError, KeyError):  # a container without users
        return "cli"
