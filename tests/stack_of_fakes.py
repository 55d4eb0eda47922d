"""A stack in moto that holds what a `FakeWorld` holds, for commands that are tried as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli.main import app
from cli.stack import DEFAULT_STACK, Stack
from connector.adapters.bundles import Folder, write_bundle
from connector.usecases.exporting import Stores, bring_in, export
from tests.fakes import FakeWorld
from tests.functions.template import QUEUES, TABLE

REGION = "us-east-1"
API_URL = "https://api.example.com"


def stores_of(fake: FakeWorld) -> Stores:
    """The fake's stores, with the settings of its connection among the notes as `connections add` puts them."""
    fake.notes.write(
        "", "connection", "acme", fake.world.connection.model_dump(mode="json", exclude_defaults=True)
    )
    return Stores(fake.ledger, fake.notes, fake.archive, fake.clock)


@contextmanager
def stack_of(monkeypatch: pytest.MonkeyPatch, folder: Path, *fakes: FakeWorld) -> Iterator[Stack]:
    """A deployed stack with the documents, notes and payloads of these fakes."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        template = {
            "Resources": {
                "Documents": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE},
                "Archive": {"Type": "AWS::S3::Bucket"},
                **{queue: {"Type": "AWS::SQS::Queue"} for queue in QUEUES},
            },
            "Outputs": {
                "TableName": {"Value": {"Ref": "Documents"}},
                "ArchiveBucket": {"Value": {"Ref": "Archive"}},
                "ApiUrl": {"Value": API_URL},
                **{f"{queue}Url": {"Value": {"Ref": queue}} for queue in QUEUES},
            },
        }
        boto3.client("cloudformation", region_name=REGION).create_stack(
            StackName=DEFAULT_STACK, TemplateBody=json.dumps(template)
        )
        stack = Stack(DEFAULT_STACK)
        wiring = stack.wiring
        for n, fake in enumerate(fakes):
            write_bundle(folder / f"seed{n}", export(stores_of(fake), "acme"))
            bring_in(
                Stores(wiring.ledger, wiring.notes, wiring.archive, wiring.clock), Folder(folder / f"seed{n}")
            )
        yield stack


def connector(*arguments: Any) -> Result:
    """The command as a user runs it."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
