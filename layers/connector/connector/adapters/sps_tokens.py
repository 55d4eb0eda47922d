"""SPS Commerce's access token: one for all functions of a connection, fetched once per life.

SPS limits how often one may be fetched, so a token is kept in the process, then in a shared store, and
fetched under a lease. Source: reference/sps.md, section 1.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from connector.adapters.http import HttpClient, describe, read_json
from connector.errors import Busy, NotConfigured

VENDOR = "SPS"


@dataclass(frozen=True, slots=True)
class SpsSettings:
    """Where the mailbox is and who we are; the defaults are SPS's production addresses."""

    client_id: str
    client_secret: str = field(repr=False)
    api_url: str = "https://api.spscommerce.com/transactions/v5"
    auth_check_url: str = "https://api.spscommerce.com/auth-check"
    token_url: str = "https://auth.spscommerce.com/oauth/token"  # noqa: S105
    audience: str = "https://spscommerce.com"
    inbox: str = "out/"
    outbox: str = "in/"
    page_limit: int = 1000
    total_seconds: float = 20.0


class SharedToken(Protocol):
    """Where functions share one SPS token. `expires` is the epoch second until which it may be used."""

    def read(self) -> tuple[str, float] | None: ...

    def write(self, token: str, expires: float) -> None: ...

    def lease(self) -> AbstractContextManager[bool]:
        """Yields True to the one caller who may fetch a token now, False to the others, without waiting."""
        ...


class MemoryToken:
    """A `SharedToken` within one process, for the command line and for tests."""

    def __init__(self) -> None:
        self._held: tuple[str, float] | None = None
        self._lock = threading.Lock()

    def read(self) -> tuple[str, float] | None:
        return self._held

    def write(self, token: str, expires: float) -> None:
        self._held = (token, expires)

    @contextmanager
    def lease(self) -> Iterator[bool]:
        held = self._lock.acquire(blocking=False)
        try:
            yield held
        finally:
            if held:
                self._lock.release()


class SpsTokens:
    """One token for everybody: kept in the process, else read from the store, else fetched under its lease.

    A fetched token is used for its `expires_in` less a margin: a minute, or a tenth of it if that is less.
    Raises `Busy` (again in 2 s) while somebody else fetches, `NotConfigured` where SPS refuses us one.
    """

    def __init__(
        self,
        settings: SpsSettings,
        shared: SharedToken,
        http: HttpClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._shared = shared
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: tuple[str, float] | None = None

    def token(self) -> str:
        return self._current(stale=None)

    def renew(self, stale: str) -> str:
        """Another token than `stale`, which the API answered with 401; fetched only if nobody has yet."""
        return self._current(stale)

    def _current(self, stale: str | None) -> str:
        with self._lock:
            if found := self._usable(self._cached, stale) or self._from_store(stale):
                return found
            with self._shared.lease() as held:
                if not held:
                    raise Busy("another worker is fetching the SPS token", retry_after=2)
                if found := self._from_store(stale):
                    return found
                self._cached = self._fetch()
                with suppress(Exception):  # one that cannot be shared is good all the same
                    self._shared.write(*self._cached)
                return self._cached[0]

    def _usable(self, entry: tuple[str, float] | None, stale: str | None) -> str | None:
        if entry is None or entry[0] == stale or entry[1] <= self._clock():
            return None
        return entry[0]

    def _from_store(self, stale: str | None) -> str | None:
        entry = self._shared.read()
        token = self._usable(entry, stale)
        if token is not None:
            self._cached = entry
        return token

    def _fetch(self) -> tuple[str, float]:
        settings = self._settings
        asked_at = self._clock()
        response = self._http.request(
            "POST",
            settings.token_url,
            vendor=VENDOR,
            path="/oauth/token",
            safe=True,  # a second token does no harm
            total_seconds=settings.total_seconds,
            json={
                "grant_type": "client_credentials",
                "client_id": settings.client_id,
                "client_secret": settings.client_secret,
                "audience": settings.audience,
            },
        )
        if not response.ok:
            _, message = read_message(response.body)
            raise NotConfigured(
                describe(response.call, message or "no token", response.status, response.request_id),
                fix="check client id, secret and audience; the SPS app must be of type Machine-to-Machine",
            )
        answer = response.json()
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise response.unreadable("there is no token in the answer")
        try:
            life = min(max(0.0, float(answer.get("expires_in", 300))), 86400.0)
        except (TypeError, ValueError):
            life = 300.0
        return token, asked_at + life - min(60.0, life / 10)


def read_message(body: bytes) -> tuple[str, str]:
    """(code, text) of any error body SPS is known to send; ("", "") for an empty one or HTML.

    `{"status":"error","error":{"error","errorDescription"}}`, `{"error","error_description"}` (OAuth), and
    problem+json `{"title","status","detail","context":[{"code","message"}]}`.
    """
    try:
        payload = read_json(body)
    except ValueError:
        return "", ""
    if not isinstance(payload, dict):
        return "", ""
    error = payload.get("error")
    if isinstance(error, dict):
        return _short(error.get("error")), _short(error.get("errorDescription"))
    if error:
        return _short(error), _short(payload.get("error_description") or error)
    context = payload.get("context")
    first = context[0] if isinstance(context, list) and context and isinstance(context[0], dict) else {}
    text = payload.get("detail") or payload.get("title") or payload.get("message")
    return _short(first.get("code")), _short(first.get("message") or text)


def _short(value: Any) -> str:
    return " ".join(value.split())[:200] if isinstance(value, str) else ""
