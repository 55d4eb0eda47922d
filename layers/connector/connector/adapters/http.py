"""HTTP with a total deadline, and one table from what happened to what to do next.

    answer 2xx, 4xx                                             returned to the vendor's client
    429                                                         Throttled (`retry_after`: seconds or None)
    no byte was sent: DNS, refused, TLS, connect timeout        Unreachable
    sent, then timeout, reset, truncated, 3xx, 408, 5xx, unreadable
        a safe request (may be repeated with no harm)           Unreachable
        any other                                               OutcomeUnknown
    answer longer than the cap
        a safe request                                          Refused (again would be as long)
        any other                                               OutcomeUnknown

Whether a byte was sent is known, not guessed from the exception: the connection notes it. The deadline covers
both tries, the body sent and a slow drip of headers or body; only the system's name look-up, and a host whose
several addresses are all dead, can exceed it. Redirects are never followed, cookies never kept, netrc never
read. Messages hold the vendor, the verb, the path's template, the status and the request id; never bodies,
tokens or full addresses.
"""

from __future__ import annotations

import copy
import json as json_codec
import random as random_numbers
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

from connector import __version__
from connector.adapters.exchanges import Adapter, Exchange, under_way
from connector.errors import BadUse, ConnectorError, OutcomeUnknown, Refused, Throttled, Unreachable

MAX_BYTES = 50 * 1024 * 1024
MAX_RETRY_AFTER = 6 * 3600.0  # half of what SQS can postpone a message
CONNECT_SECONDS = 4.0
IDLE_SECONDS = 15.0  # a kept connection unused for longer is not trusted with a request
QUICK_WAIT_SECONDS = 1.0  # the wait before the second try is a random part of this
_JUDGED = {408: "it gave up waiting for the request", 429: "too many requests"}

Params = Sequence[tuple[str, str | int]]


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked of whom, in words fit for a log: `path` is a template such as `/bills/bills/{id}`."""

    vendor: str
    method: str
    path: str
    safe: bool

    def __str__(self) -> str:
        return f"{self.vendor} {self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One try, for counting: `status` is None where no complete answer came."""

    call: Call
    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer, 2xx or 4xx. `body` is as decoded by its Content-Encoding, nothing else."""

    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, fractions as `Decimal`. Raises as the table says where it cannot be read."""
        try:
            return read_json(self.body)
        except ValueError as error:
            raise self.unreadable("the answer is not JSON") from error

    def unreadable(self, what: str) -> ConnectorError:
        """The error for an answer that came whole but does not say what it must."""
        return failure(self.call, what, status=self.status, request_id=self.request_id)


def read_json(body: bytes) -> Any:
    """JSON with fractions as `Decimal`; ValueError for what is not JSON (HTML, empty, NaN, too deep).

    Half a character (a text that was cut within an emoji) reads `?`: it could be neither archived nor sent on.
    """
    try:
        value = json_codec.loads(
            body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant
        )
        return _whole(value) if b"\\ud" in body or b"\\uD" in body else value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _whole(value: Any) -> Any:
    """The value with `?` for every lone surrogate."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return value


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def failure(
    call: Call,
    what: str,
    *,
    sent: bool = True,
    status: int | None = None,
    request_id: str = "",
    retry_after: float | None = None,
    oversize: bool = False,
) -> ConnectorError:
    """The table of the module's head, as code; every failed request goes through here."""
    text = describe(call, what, status, request_id)
    if status == 429:
        return Throttled(text, retry_after=retry_after)
    if sent and not call.safe:
        return OutcomeUnknown(text)
    if oversize:
        return Refused(text, code="too_large")
    return Unreachable(text, retry_after=retry_after)


def describe(call: Call, what: str, status: int | None, request_id: str) -> str:
    """`SPS GET /data/{path}: HTTP 502, the server failed (request 1-ab)`."""
    http_status = f"HTTP {status}, " if status is not None else ""
    request = f" (request {request_id})" if request_id else ""
    return f"{call}: {http_status}{what}{request}"


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by `Retry-After` (seconds or an HTTP date), 0 to six hours; None where it says nothing.

    A date is compared with the answer's own `Date` where there is one, so that skewed clocks do no harm.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    until = _epoch(text)
    if until is None:
        return None
    start = _epoch(headers.get("Date", ""))
    return min(max(0.0, until - (now if start is None else start)), MAX_RETRY_AFTER)


def _epoch(http_date: str) -> float | None:
    try:
        return parsedate_to_datetime(http_date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


_until: ContextVar[float] = ContextVar("_until", default=float("inf"))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All requests of the block together end so many seconds from now, whatever time each was given."""
    held = _until.set(min(_until.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(held)


Gate = Callable[[Callable[[], Response]], Response]


class HttpClient:
    """Sends requests as the module's head promises. Make one at init, share it between the vendors' clients.

    `on_request` is called once per try, whatever came of it. `sleep` and `random` are for tests. `trust_env`:
    use the environment's proxies and certificate bundle, which a command line wants and a function does not.
    """

    def __init__(
        self,
        *,
        on_request: Callable[[Sent], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
        now: Callable[[], float] = time.time,
        trust_env: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._on_request = on_request
        self._sleep = sleep
        self._random = random
        self._now = now
        self._max_bytes = max_bytes
        self._gate: Gate = lambda attempt: attempt()
        self.ready: Callable[[], None] = lambda: None
        self._session = requests.Session()
        self._session.trust_env = trust_env
        self._session.auth = _leave_alone  # otherwise netrc could replace our Authorization
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"freshbooks-sps-connector/{__version__}"
        self._adapter = Adapter(pool_connections=4, pool_maxsize=16, max_retries=0)
        self._adapter.used_at = now()
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)

    def behind(self, gate: Gate, ready: Callable[[], None] = lambda: None) -> HttpClient:
        """This client on the same connections, with each try made by `gate` (a circuit breaker) or not at all.

        `ready` raises while `gate` would let nothing through.
        """
        view = copy.copy(self)
        view._gate, view.ready = gate, ready
        return view

    def request(
        self,
        method: str,
        url: str,
        *,
        vendor: str,
        path: str,
        safe: bool,
        total_seconds: float,
        headers: Mapping[str, str] | None = None,
        params: Params = (),
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        tries: int = 2,
    ) -> Response:
        """The answer, if it is 2xx or 4xx (but 408 and 429); everything else raises as the table says.

        `safe`: repeating does no harm (GET, DELETE, a PUT of the whole). `path`: the template for messages.
        A second try follows within a second, only where the first certainly did not act or may be repeated,
        no `Retry-After` was given and `total_seconds` leaves time.
        """
        call = Call(vendor, method, path, safe)
        headers = dict(headers or {})
        if json is not None:
            data = json_codec.dumps(json, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        deadline = min(time.monotonic() + total_seconds, _until.get())
        for left in reversed(range(tries)):
            try:
                return self._gate(
                    lambda: self._try(call, deadline, url, headers=headers, params=list(params), data=data)
                )
            except Unreachable as error:
                wait = self._random() * QUICK_WAIT_SECONDS
                if not left or error.retry_after is not None or time.monotonic() + wait >= deadline:
                    raise
                self._sleep(wait)
        raise AssertionError("unreachable")

    def _try(self, call: Call, deadline: float, url: str, **request: Any) -> Response:
        started = time.monotonic()
        if started >= deadline:
            raise failure(call, "no time was left to send it", sent=False)
        if self._now() - self._adapter.used_at > IDLE_SECONDS:
            self._adapter.close()  # the function was frozen meanwhile, or the server is about to close
        self._adapter.used_at = self._now()
        exchange = Exchange(deadline)
        held = under_way.set(exchange)
        status: int | None = None
        request_id = request["headers"].get("X-Request-ID", "")
        try:
            with self._session.request(
                call.method,
                url,
                **request,
                stream=True,
                allow_redirects=False,
                timeout=(min(CONNECT_SECONDS, deadline - started), deadline - started),
            ) as answer:
                request_id = _request_id(answer.headers) or request_id
                status = answer.status_code
                self._judge(call, status, answer.headers, request_id)
                body = self._read(call, answer, request_id)
                return Response(call, status, answer.headers, body, request_id)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if not exchange.sent and isinstance(error, ValueError):
                raise BadUse(describe(call, "the address or a header makes no sense", None, "")) from error
            what = _words(error, exchange.sent)
            raise failure(call, what, sent=exchange.sent, request_id=request_id) from error
        finally:
            under_way.reset(held)
            self._adapter.used_at = self._now()
            if self._on_request:
                self._on_request(Sent(call, status, time.monotonic() - started))

    def _judge(self, call: Call, status: int, headers: Mapping[str, str], request_id: str) -> None:
        if 200 <= status < 300 or (400 <= status < 500 and status not in (408, 429)):
            return
        wait = read_retry_after(headers, self._now())
        what = (
            "the server failed" if status >= 500 else _JUDGED.get(status, "a redirect, which is not followed")
        )
        raise failure(call, what, status=status, request_id=request_id, retry_after=wait)

    def _read(self, call: Call, answer: requests.Response, request_id: str) -> bytes:
        status = answer.status_code
        chunks = bytearray()
        try:
            for chunk in answer.iter_content(65536):
                chunks += chunk
                if len(chunks) > self._max_bytes:
                    what = f"the answer is longer than {self._max_bytes} bytes"
                    raise failure(call, what, status=status, request_id=request_id, oversize=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            if status < 400:
                raise
            return b""  # a refusal is one by its status, though its reason broke off
        return bytes(chunks)


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _request_id(headers: Mapping[str, str]) -> str:
    for name in ("X-Request-ID", "X-Amzn-RequestId", "Request-Id", "CF-Ray"):
        if value := headers.get(name):
            return "".join(letter for letter in value if letter.isalnum() or letter in "-_:.=")[:80]
    return ""


def _words(error: Exception, sent: bool) -> str:
    """What went wrong, without the address, header or body that the library's own text may hold."""
    cause = getattr(error.args[0], "reason", error) if error.args else error
    kind = type(cause).__name__
    if not sent:
        words = {"NameResolutionError": "the host's name was not found", "SSLError": "no secure connection"}
        return words.get(kind, "no connection in time" if "Timeout" in kind else "no connection")
    in_time = "Timeout" not in kind and "timed out" not in str(error)
    return "the connection broke before the answer was complete" if in_time else "no complete answer in time"
