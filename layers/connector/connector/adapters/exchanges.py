"""The deadline of an HTTP request, down at the socket: how long each read may wait, and whether a byte was sent."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection


@dataclass(slots=True)
class Exchange:
    """One try under way: when it must end (`time.monotonic`), and whether a byte of it was sent."""

    deadline: float
    sent: bool = False

    def seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


under_way: ContextVar[Exchange] = ContextVar("under_way")


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, each time with no more patience than the deadline leaves."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._sock = sock
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.seconds_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        reader = _DeadlineReader(self.fp.detach(), sock, under_way.get())
        self.fp = io.BufferedReader(reader)


class _Noting:
    """Mixed into a connection: notes that bytes go out, and gives them the whole remaining time."""

    sock: Any
    response_class: Any = _Answer

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        exchange = under_way.get()
        self.sock.settimeout(exchange.seconds_left())
        exchange.sent = True
        super().send(data)  # type: ignore[misc]


class _PlainConnection(_Noting, HTTPConnection):
    pass


class _SecureConnection(_Noting, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Adapter(HTTPAdapter):
    used_at = 0.0

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, **keywords)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
