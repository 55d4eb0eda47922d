"""One suite for the archive: the fake and the S3 adapter keep the same promises."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from connector import errors
from connector.adapters.storage import BUNDLE_LIMIT, READ_AHEAD, S3Archive
from connector.ledger import content_of
from tests.fakes import FakeArchive

BODIES = [b'{"order": 1}', "Größe".encode(), b"", b'{"order": 1}']


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="archive")
        yield client


@pytest.fixture(params=["fake", "s3"])
def archive(request: pytest.FixtureRequest, s3: Any) -> Any:
    return FakeArchive() if request.param == "fake" else S3Archive(s3, "archive")


def test_payloads_kept_together_are_read_one_by_one_and_named_by_their_own_digests(archive: Any) -> None:
    pointers = archive.put_all("acme", BODIES)
    assert [archive.get("acme", pointer) for pointer in pointers] == BODIES
    assert [content_of(pointer) for pointer in pointers] == [
        hashlib.sha256(body).hexdigest() for body in BODIES
    ]
    assert archive.get("acme", f"{pointers[1]}#7") == BODIES[1]
    assert content_of(f"{pointers[1]}#7") == hashlib.sha256(BODIES[1]).hexdigest() + "#7"


def test_the_same_payloads_have_the_same_pointers_again(archive: Any) -> None:
    assert archive.put_all("acme", BODIES) == archive.put_all("acme", BODIES)
    assert archive.put_all("acme", [b"alone"]) == [archive.put("acme", b"alone")]


def test_another_connection_sees_none_of_it(archive: Any) -> None:
    for pointer in (*archive.put_all("acme", BODIES), archive.put("acme", b"alone")):
        with pytest.raises(errors.NotFound) as caught:
            archive.get("birch", pointer)
        assert caught.value.code == "payload_gone"


def test_a_payload_that_was_brought_into_another_stack_by_itself_is_found_by_its_old_pointer(s3: Any) -> None:
    pointers = S3Archive(s3, "archive").put_all("acme", BODIES)
    s3.create_bucket(Bucket="other")
    other = S3Archive(s3, "other")
    other.put("acme", BODIES[1])
    assert other.get("acme", pointers[1]) == BODIES[1]


def test_several_payloads_are_one_object_that_gunzip_reads(s3: Any) -> None:
    S3Archive(s3, "archive").put_all("acme", BODIES)
    [kept] = s3.list_objects_v2(Bucket="archive")["Contents"]
    assert kept["Key"].startswith("acme/")
    body = s3.get_object(Bucket="archive", Key=kept["Key"])["Body"].read()
    assert gzip.decompress(body) == b"".join(BODIES[:3])


def test_what_is_long_is_kept_by_itself(s3: Any) -> None:
    noise = hashlib.shake_128(b"seed").digest(BUNDLE_LIMIT)
    archive = S3Archive(s3, "archive")
    pointers = archive.put_all("acme", [noise, b"short"])
    assert [archive.get("acme", pointer) for pointer in pointers] == [noise, b"short"]
    assert s3.list_objects_v2(Bucket="archive")["KeyCount"] == 2


def test_what_came_together_is_read_by_one_request_unless_it_is_large(s3: Any) -> None:
    noise = hashlib.shake_128(b"seed").digest(2 * READ_AHEAD)
    pointers = S3Archive(s3, "archive").put_all("acme", [b"first", b"second", noise, b"last"])
    asked: list[str] = []
    s3.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: asked.append(params["headers"]["Range"])
    )
    archive = S3Archive(s3, "archive")
    assert [archive.get("acme", pointer) for pointer in pointers[:2]] == [b"first", b"second"]
    assert len(asked) == 1
    assert [archive.get("acme", pointer) for pointer in pointers[2:]] == [noise, b"last"]
    assert len(asked) == 3, "what lies further on is read by itself, and only that"
