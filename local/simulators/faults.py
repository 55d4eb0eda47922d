"""Failures on demand: every fault of the reliability table (R8), by route, count and probability.

A fault stands in for the vendor's work unless `after` is true, in which case the work is done first and only
the answer is spoilt. Some kinds need an answer to spoil and so always come after: `reset_after`, `truncated`,
`slow_drip`. Two failures lie below HTTP and have ports of their own: `port_refusing`, `port_never_answering`.

    kind                 what the client sees                          options
    429_seconds          429 with Retry-After in seconds               retry_after (2)
    429_date             429 with Retry-After as an HTTP date          retry_after (2)
    429 500 503 504      that status, no Retry-After                   body
    502                  a proxy's HTML page                           body
    401 403              the vendor's own refusal; count 1 is "once"   body
    refuse               connection closed cleanly, nothing said
    reset_before         connection reset before the body was read
    reset_after          work done, connection reset instead of an answer
    truncated            work done, half of the body                   framed: whole HTTP, half JSON
    html200              200 with a page
    empty200             200 with nothing
    error_envelope_200   200 with the vendor's error envelope          body
    read_timeout         silence                                       seconds (60)
    slow_drip            the real answer, spread over `seconds` (60)   headers: drip from the first byte
    oversize             200 with `bytes` (64 MiB) of JSON             chunked: no Content-Length
"""

from __future__ import annotations

import json
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from local.simulators.messages import Response, html

STATUSES = frozenset({"429_seconds", "429_date", "429", "500", "502", "503", "504", "401", "403"})
PAGES = frozenset({"html200", "empty200", "error_envelope_200"})
CUTS = frozenset(
    {"refuse", "reset_before", "reset_after", "truncated", "read_timeout", "slow_drip", "oversize"}
)
KINDS = STATUSES | PAGES | CUTS
ALWAYS_AFTER = frozenset({"reset_after", "truncated", "slow_drip"})
OPTIONS = frozenset({"retry_after", "body", "framed", "seconds", "headers", "bytes", "chunked"})


@dataclass
class Fault:
    """`count` None means forever. The generator belongs to the fault: the same seed fails the same calls."""

    route: re.Pattern[str]
    kind: str
    count: int | None
    probability: float
    seed: int
    after: bool
    options: dict[str, Any]
    fired: int = 0
    chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def remaining(self) -> int | None:
        return None if self.count is None else self.count - self.fired

    def told(self) -> dict[str, Any]:
        return {
            "route": self.route.pattern,
            "kind": self.kind,
            "count": self.count,
            "remaining": self.remaining,
            "fired": self.fired,
            "probability": self.probability,
            "seed": self.seed,
            "after": self.after,
            **self.options,
        }


def parse(spec: Any) -> Fault:
    """A fault from its JSON form; ValueError says in one sentence what is wrong with it."""
    if not isinstance(spec, dict):
        raise ValueError("a fault is an object with at least 'route' and 'kind'")
    unknown = set(spec) - OPTIONS - {"route", "kind", "count", "probability", "seed", "after"}
    if unknown:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
    kind = str(spec.get("kind"))
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    try:
        route = re.compile(spec.get("route", ".*"))
    except (re.error, TypeError) as error:
        raise ValueError(f"route is no regular expression: {error}") from None
    count = spec.get("count", 1)
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError("count must be a number of at least 1, or null for ever")
    return Fault(
        route,
        kind,
        count,
        float(spec.get("probability", 1)),
        int(spec.get("seed", 0)),
        bool(spec.get("after", False)) or kind in ALWAYS_AFTER,
        {k: v for k, v in spec.items() if k in OPTIONS},
    )


class Faults:
    """The faults that are armed, in order; the first that matches a request is spent on it."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []

    def add(self, specs: Any) -> None:
        self.armed += [parse(spec) for spec in (specs if isinstance(specs, list) else [specs])]

    def pick(self, method: str, path: str) -> Fault | None:
        for fault in self.armed:
            matches = fault.remaining != 0 and fault.route.search(f"{method} {path}")
            if matches and fault.chance.random() < fault.probability:
                fault.fired += 1
                return fault
        return None

    def told(self) -> list[dict[str, Any]]:
        return [fault.told() for fault in self.armed]


def spoilt(fault: Fault, vendor_error: Callable[[int], Response]) -> Response:
    """The answer of a fault that is an ordinary HTTP response; `vendor_error` gives each vendor's wording."""
    kind, options = fault.kind, fault.options
    if kind == "html200":
        return html(200, "Scheduled maintenance")
    if kind == "empty200":
        return Response(200)
    status = 200 if kind == "error_envelope_200" else int(kind[:3])
    response = html(502, "502 Bad Gateway") if status == 502 else vendor_error(status)
    if "body" in options:
        given = options["body"]
        response = Response(status, given.encode() if isinstance(given, str) else json.dumps(given).encode())
    wait = float(options.get("retry_after", 2))
    if kind == "429_seconds":
        response.headers["Retry-After"] = f"{wait:g}"
    elif kind == "429_date":
        response.headers["Retry-After"] = formatdate(time.time() + wait, usegmt=True)
    return response


@contextmanager
def port_refusing() -> Iterator[str]:
    """A URL that refuses every connection: the port is bound, so nobody else gets it, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def port_never_answering() -> Iterator[str]:
    """A URL on which connecting times out: the accept queue is full, so Linux drops each further SYN."""
    waiting: list[socket.socket] = []
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        try:
            for _ in range(8):
                caller = socket.socket()
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
                waiting.append(caller)
            yield f"http://127.0.0.1:{full.getsockname()[1]}"
        finally:
            for caller in waiting:
                caller.close()
