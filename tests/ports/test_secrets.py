"""Secrets Manager: what it does with a secret that was deleted and can still be restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from connector.adapters.storage import Secrets


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Moto, but for what AWS does and moto does not: no secret is made in the place of a deleted one."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        create = client.create_secret

        def refused(**given: Any) -> Any:
            listed = client.list_secrets(IncludePlannedDeletion=True)["SecretList"]
            if any(one["Name"] == given["Name"] and "DeletedDate" in one for one in listed):
                told = {"Error": {"Code": "InvalidRequestException", "Message": "scheduled for deletion"}}
                raise client.exceptions.InvalidRequestException(told, "CreateSecret")
            return create(**given)

        client.create_secret = refused
        yield client


def test_a_connection_that_was_removed_is_added_again_within_the_week(client: Any) -> None:
    secrets = Secrets(client, "stack")
    secrets.create("acme", "sps", {"client_id": "old"}, "SPS application")
    secrets.delete("acme", "sps")
    assert secrets.read("acme", "sps") is None, "nobody works with the credentials of a removed connection"
    secrets.create("acme", "sps", {"client_id": "new"}, "SPS application")
    assert secrets.read("acme", "sps") == {"client_id": "new"}


def test_a_removal_that_was_cut_short_is_done_again(client: Any) -> None:
    secrets = Secrets(client, "stack")
    secrets.create("acme", "sps", {}, "SPS application")
    secrets.delete("acme", "sps")
    secrets.delete("acme", "sps")
    secrets.delete("acme", "sps-token")
    assert secrets.read("acme", "sps") is None
