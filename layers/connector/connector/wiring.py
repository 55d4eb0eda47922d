"""Where ports meet adapters: builds one connection's `World` for a function or the command line."""

from __future__ import annotations

import time
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.adapters import aws
from connector.adapters.breaker import Breaker
from connector.adapters.clock import AwsClock
from connector.adapters.dead_letters import DeadLetters
from connector.adapters.dynamodb import DynamoLeases, DynamoLedger, DynamoNotes
from connector.adapters.freshbooks import FreshBooksClient, FreshBooksSettings, OAuthClient
from connector.adapters.http import HttpClient
from connector.adapters.notify import Notifier
from connector.adapters.pace import Pace
from connector.adapters.sps import SpsClient, SpsSettings, SpsTokens
from connector.adapters.sps_tokens import MemoryToken
from connector.adapters.storage import FreshBooksTokens, S3Archive, Secrets, SharedSpsToken, SqsQueue
from connector.environment import QUEUES
from connector.settings import Connection, FunctionSettings, connection_of
from connector.usecases.world import Queues, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.ports import Report

CONNECTION_SECONDS = 60.0


class Wiring:
    """AWS clients made once, connections' worlds kept for a minute so that settings changes take effect."""

    def __init__(
        self, settings: FunctionSettings, report: Report, client: Callable[[str], Any] | None = None
    ) -> None:
        self.settings = settings
        self.report = report
        self.clock = AwsClock()
        self.http = HttpClient()
        self._client = client or aws.client
        self._worlds: dict[str, tuple[float, World]] = {}
        self._sps: dict[str, tuple[SpsSettings, SpsTokens]] = {}
        self._freshbooks_tokens: dict[str, FreshBooksTokens] = {}
        self._polite: dict[tuple[str, str], HttpClient] = {}

    @cached_property
    def dynamodb(self) -> Any:
        client = self._client("dynamodb")
        self.clock.listen(client)  # the table holds the leases: its time is everybody's
        return client

    @cached_property
    def sqs(self) -> Any:
        return self._client("sqs")

    @cached_property
    def notes(self) -> DynamoNotes:
        return DynamoNotes(self.dynamodb, self.settings.table)

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.dynamodb, self.settings.table)

    @cached_property
    def leases(self) -> DynamoLeases:
        return DynamoLeases(self.dynamodb, self.settings.table, self.clock)

    @cached_property
    def archive(self) -> S3Archive:
        return S3Archive(self._client("s3"), self.settings.archive_bucket)

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self._client("secretsmanager"), self.settings.stack, self.settings.kms_key)

    def queue(self, url: str) -> SqsQueue:
        return SqsQueue(self.sqs, url, self.archive)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        sources = {name: getattr(self.settings, name) for name in QUEUES}
        return DeadLetters(self.sqs, sources, self.settings.failed_queues)

    @cached_property
    def notifier(self) -> Notifier:
        chat = ""
        if self.settings.chat_secret:
            answer = self._client("secretsmanager").get_secret_value(SecretId=self.settings.chat_secret)
            chat = str(answer["SecretString"])
        return Notifier(self._client("sns"), self.settings.digest_topic, self.http, chat)

    def connections(self) -> list[str]:
        """The ids of all connections of this stack."""
        return sorted(self.notes.read_all("", "connection"))

    def connection(self, connection_id: str) -> Connection:
        if not connection_id:
            raise errors.BadUse("say which connection", code="no_connection", fix="add ?connection=ID")
        kept = self.notes.read("", "connection", connection_id)
        if kept is None:
            raise errors.BadUse(f"there is no connection {connection_id}", code="no_such_connection")
        return connection_of(kept)

    def world(self, connection_id: str) -> World:
        """The world of a connection, its settings at most a minute old."""
        until, world = self._worlds.get(connection_id, (0.0, None))
        if world is None or time.monotonic() >= until:
            world = self._world(self.connection(connection_id))
            self._worlds[connection_id] = (time.monotonic() + CONNECTION_SECONDS, world)
        return world

    def _world(self, connection: Connection) -> World:
        settings = self.settings
        return World(
            connection=connection,
            ledger=self.ledger,
            notes=self.notes,
            leases=self.leases,
            archive=self.archive,
            queues=Queues(
                sps_files_to_map=self.queue(settings.sps_files_to_map),
                bills_to_push=self.queue(settings.bills_to_push),
                records_to_map=self.queue(settings.records_to_map),
                rsx_to_push=self.queue(settings.rsx_to_push),
            ),
            sps=Lazy(lambda: self.sps(connection)),
            freshbooks=self.freshbooks(connection),
            clock=self.clock,
            report=self.report,
            new_id=lambda: str(uuid.uuid4()),
        )

    def sps(self, connection: Connection) -> SpsClient:
        kept = self.secrets.read(connection.id, "sps")
        if kept is None:
            raise errors.NotConfigured("the SPS credentials are not stored", code="no_sps_credentials")
        settings = _sps_settings(connection, kept)
        held = self._sps.get(connection.id)
        if held is None or held[0] != settings:
            shared = SharedSpsToken(self.secrets, self.leases, connection.id)
            tokens = SpsTokens(settings, shared, self.polite(connection.id, "SPS"), self.clock.epoch)
            held = self._sps[connection.id] = (settings, tokens)
        return SpsClient(settings, held[1], self.polite(connection.id, "SPS"))

    def try_sps(self, connection: Connection, credentials: Mapping[str, str]) -> None:
        """Have SPS look at credentials that are not stored yet; raises what it says against them."""
        settings = _sps_settings(connection, credentials)
        tokens = SpsTokens(settings, MemoryToken(), self.http, self.clock.epoch)
        SpsClient(settings, tokens, self.http).auth_check()

    def forget(self, connection_id: str) -> None:
        """Read the connection's settings and credentials again when they are next needed."""
        self._worlds.pop(connection_id, None)

    def freshbooks(self, connection: Connection) -> FreshBooksClient:
        tokens = self._freshbooks_tokens.setdefault(
            connection.id, FreshBooksTokens(self.secrets, self.notes, connection.id, self.clock)
        )
        side = connection.freshbooks
        settings = FreshBooksSettings(api_url=side.api_url, account_id=side.account_id)
        return FreshBooksClient(settings, tokens, self.polite(connection.id, "FreshBooks"))

    def polite(self, connection_id: str, vendor: str) -> HttpClient:
        """The HTTP client with the circuit breaker that a connection's workers share for a vendor, and our own pace.

        OAuth's token endpoint goes without: the refresher asks once in ten minutes, and must when it is time.
        """
        held = self._polite.get((connection_id, vendor))
        if held is None:
            breaker = Breaker(self.notes, self.leases, self.clock, self.report, connection_id, vendor)
            pace = Pace(self.settings.seconds_between.get(vendor, 0.0))
            held = self.http.behind(lambda attempt: breaker(lambda: pace(attempt)), breaker.ready)
            self._polite[connection_id, vendor] = held
        return held

    def oauth_state_key(self) -> str:
        """The key that signs OAuth's `state`; a secret that the stack made for itself."""
        answer = self._client("secretsmanager").get_secret_value(SecretId=self.settings.oauth_state_secret)
        return str(answer["SecretString"])

    def oauth(self, connection: Connection) -> OAuthClient:
        kept = self.secrets.read(connection.id, "freshbooks")
        if kept is None:
            raise errors.NotConfigured(
                "the FreshBooks credentials are not stored", code="no_freshbooks_credentials"
            )
        return OAuthClient(
            api_url=connection.freshbooks.api_url,
            client_id=kept["client_id"],
            client_secret=kept["client_secret"],
            redirect_uri=connection.freshbooks.redirect_uri,
            http=self.http,
            clock=self.clock.epoch,
        )


def _sps_settings(connection: Connection, credentials: Mapping[str, str]) -> SpsSettings:
    side = connection.sps
    return SpsSettings(
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        audience=side.audience,
        api_url=side.api_url,
        auth_check_url=side.auth_check_url,
        token_url=side.token_url,
        inbox=side.inbox,
        outbox=side.outbox,
        page_limit=side.page_limit,
    )


class Lazy:
    """A port that is built when first used: a function that never talks to SPS never reads its secret."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> Any:
        built = self._build()
        self.__dict__.update(
            (method, getattr(built, method)) for method in dir(built) if not method.startswith("_")
        )
        return getattr(built, name)
