"""S3 archive, SQS queues and Secrets Manager: the rest of AWS behind the ports."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connector import errors

if TYPE_CHECKING:
    from connector.ports import Archive, Clock, Leases, Notes

MESSAGE_LIMIT = 200_000
BATCH_LIMIT = 1_000_000
BUNDLE_LIMIT = 8_000_000
BUNDLE_NAME = 32  # hex digits
READ_AHEAD = 256 * 1024
KEPT_OBJECTS = 8


class S3Archive:
    """`ports.Archive`: payloads below their connection's prefix, compressed.

    One by itself is an object named by its digest. Several share an object, one gzip member after the other, so
    that `gunzip` shows them all; a pointer to one of them reads `digest.object.offset.length`. What came together is
    often read together, so an object is read to the end unless it is large, and the last few are kept.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._beginning = lru_cache(KEPT_OBJECTS)(self._read_beginning)

    def put(self, connection: str, body: bytes) -> str:
        return self.put_all(connection, [body])[0]

    def put_all(self, connection: str, bodies: Sequence[bytes]) -> list[str]:
        # no time in it: the same bytes for the same payload
        members = {body: gzip.compress(body, mtime=0) for body in dict.fromkeys(bodies)}
        pointers = {body: hashlib.sha256(body).hexdigest() for body in members}
        whole = b"".join(members.values())
        if len(members) == 1 or len(whole) > BUNDLE_LIMIT:
            for body, member in members.items():
                self._put(connection, pointers[body], member)
        else:
            name = hashlib.sha256(whole).hexdigest()[:BUNDLE_NAME]
            self._put(connection, name, whole)
            offset = 0
            for body, member in members.items():
                pointers[body] += f".{name}.{offset}.{len(member)}"
                offset += len(member)
        return [pointers[body] for body in bodies]

    def get(self, connection: str, pointer: str) -> bytes:
        digest, *bundled = pointer.partition("#")[0].split(".")
        # what was exported and brought into another stack is by itself there
        packed = self._member(connection, *bundled) if bundled else None
        packed = packed or self._get(connection, digest)
        if packed is None:
            raise errors.NotFound("the payload is no longer in the archive", code="payload_gone")
        return gzip.decompress(packed)

    def _member(self, connection: str, name: str, offset: str, length: str) -> bytes | None:
        first, end = int(offset), int(offset) + int(length)
        if end > READ_AHEAD:
            return self._get(connection, name, Range=f"bytes={first}-{end - 1}")
        beginning = self._beginning(connection, name)
        return beginning and beginning[first:end]

    def _read_beginning(self, connection: str, name: str) -> bytes | None:
        return self._get(connection, name, Range=f"bytes=0-{READ_AHEAD - 1}")

    def _get(self, connection: str, name: str, **part: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=_object(connection, name), **part)
        except self._client.exceptions.NoSuchKey:
            return None
        body: bytes = answer["Body"].read()
        return body

    def _put(self, connection: str, name: str, packed: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=_object(connection, name), Body=packed)


def _object(connection: str, name: str) -> str:
    return f"{connection}/{name[:2]}/{name}.gz"


class SqsQueue:
    """`ports.Queue`: batches of ten within the size limit; what is too large travels by archive pointer.

    Without an archive it takes only what is small: hints.
    """

    def __init__(self, client: Any, url: str, archive: Archive | None = None) -> None:
        self._client = client
        self._url = url
        self._archive = archive

    def send(self, messages: list[dict[str, Any]], delay: int = 0) -> None:
        entries: list[dict[str, Any]] = []
        size = 0
        for message in messages:
            body = json.dumps(message, separators=(",", ":"))
            if self._archive is not None and len(body) > MESSAGE_LIMIT:
                pointer = self._archive.put(message["connection"], body.encode())
                body = json.dumps({"connection": message["connection"], "pointer": pointer})
            if len(entries) == 10 or size + len(body) > BATCH_LIMIT:
                self._send(entries)
                entries, size = [], 0
            entries.append({"Id": str(len(entries)), "MessageBody": body, "DelaySeconds": delay})
            size += len(body)
        if entries:
            self._send(entries)

    def depth(self) -> int:
        names = ("", "NotVisible", "Delayed")
        answer = self._client.get_queue_attributes(
            QueueUrl=self._url, AttributeNames=[f"ApproximateNumberOfMessages{name}" for name in names]
        )
        return sum(int(count) for count in answer["Attributes"].values())

    def _send(self, entries: list[dict[str, Any]]) -> None:
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        failed = {one["Id"] for one in answer.get("Failed", ())}
        if failed:
            raise errors.Busy(f"SQS did not take {len(failed)} of {len(entries)} messages", retry_after=5)


class Secrets:
    """Secrets Manager, one JSON object a secret, named `<stack>/<connection>/<name>`.

    `kms_key` encrypts what is made here; without one AWS's own key does.
    """

    def __init__(self, client: Any, stack: str, kms_key: str = "") -> None:
        self._client = client
        self._stack = stack
        self._key = {"KmsKeyId": kms_key} if kms_key else {}

    def name(self, connection: str, secret: str) -> str:
        return f"{self._stack}/{connection}/{secret}"

    def read(self, connection: str, secret: str) -> dict[str, Any] | None:
        try:
            # asked for by stage: after a promotion some stores hand out a stale version without it
            answer = self._client.get_secret_value(
                SecretId=self.name(connection, secret), VersionStage="AWSCURRENT"
            )
        except (
            self._client.exceptions.ResourceNotFoundException,
            self._client.exceptions.InvalidRequestException,  # it was deleted, and can be restored for a week
        ):
            return None
        value: dict[str, Any] = json.loads(answer["SecretString"])
        return value

    def write(self, connection: str, secret: str, value: dict[str, Any], token: str | None = None) -> None:
        """Store a new version; `token` makes a repeated write of the same content the same version."""
        self._client.put_secret_value(
            SecretId=self.name(connection, secret),
            SecretString=json.dumps(value),
            ClientRequestToken=token or str(uuid.uuid4()),
        )

    def create(self, connection: str, secret: str, value: dict[str, Any], description: str) -> None:
        """Make the secret; one that is there, or was deleted within the week, gets a new version."""
        try:
            self._client.create_secret(
                Name=self.name(connection, secret),
                SecretString=json.dumps(value),
                Description=description,
                **self._key,
            )
        except self._client.exceptions.ResourceExistsException:
            self.write(connection, secret, value)
        except self._client.exceptions.InvalidRequestException:
            self._client.restore_secret(SecretId=self.name(connection, secret))
            self.write(connection, secret, value)

    def delete(self, connection: str, secret: str) -> None:
        gone = self._client.exceptions.ResourceNotFoundException
        with suppress(gone, self._client.exceptions.InvalidRequestException):
            self._client.delete_secret(SecretId=self.name(connection, secret), RecoveryWindowInDays=7)


class SharedSpsToken:
    """One SPS access token for all functions: kept in Secrets Manager, renewed by whoever holds the lease."""

    def __init__(self, secrets: Secrets, leases: Leases, connection: str) -> None:
        self._secrets = secrets
        self._leases = leases
        self._connection = connection

    def read(self) -> tuple[str, float] | None:
        kept = self._secrets.read(self._connection, "sps-token")
        return (kept["access_token"], kept["expires_at"]) if kept and kept.get("access_token") else None

    def write(self, token: str, expires_at: float) -> None:
        self._secrets.write(self._connection, "sps-token", {"access_token": token, "expires_at": expires_at})

    @contextmanager
    def lease(self) -> Iterator[bool]:
        with self._leases.hold(f"{self._connection}/sps-token", 60) as fence:
            yield fence is not None


class FreshBooksTokens:
    """The access token that the single refresher keeps in Secrets Manager; read here, never renewed here.

    A token that FreshBooks refuses although it is the one stored is noted down for the refresher.
    """

    CACHE_SECONDS = 300.0

    def __init__(self, secrets: Secrets, notes: Notes, connection: str, clock: Clock) -> None:
        self._secrets = secrets
        self._notes = notes
        self._connection = connection
        self._clock = clock
        self._token = ""
        self._until = 0.0

    def access_token(self, stale: str | None = None) -> str:
        if not self._token or self._token == stale or self._clock.epoch() >= self._until:
            kept = self._secrets.read(self._connection, "freshbooks") or {}
            self._token = kept.get("access_token", "")
            self._until = self._clock.epoch() + self.CACHE_SECONDS
            if stale and self._token == stale:
                refused = {"digest": hashlib.sha256(stale.encode()).hexdigest()}
                self._notes.write(self._connection, "token", "refused", refused)
        if not self._token:
            raise errors.Stranded(
                "FreshBooks is not authorized for this connection",
                code="not_authorized",
                fix="authorize the connection with `connector authorize`",
            )
        return self._token
