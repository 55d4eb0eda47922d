"""A real HTTP server on 127.0.0.1 that answers from a script, a step per request, and can break the wire.

    with ScriptedServer([reply(200, {"results": []}), hang(), reset()]) as server: ...

Requests are kept in `server.requests`. A request beyond the script is answered with 599: no test expects it.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Step = Callable[["_Wire"], None]


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class _Wire:
    socket: socket.socket
    over: threading.Event
    open: bool = True

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError:
            self.open = False


def reply(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> Step:
    """A whole answer; `body` is bytes, text, or anything that JSON can hold."""
    data = _bytes(body)

    def step(wire: _Wire) -> None:
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        length = "" if status == 204 else f"Content-Length: {len(data)}\r\n"
        wire.send(f"HTTP/1.1 {status} Scripted\r\n{length}{extra}\r\n".encode() + data)

    return step


def truncated(status: int = 200, body: Any = b'{"half":') -> Step:
    """Promises more than it sends, then closes."""
    data = _bytes(body)

    def step(wire: _Wire) -> None:
        wire.send(f"HTTP/1.1 {status} Scripted\r\nContent-Length: {len(data) + 100}\r\n\r\n".encode() + data)
        wire.open = False

    return step


def reset() -> Step:
    """Takes the request and answers with a TCP reset."""

    def step(wire: _Wire) -> None:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.open = False

    return step


def hang() -> Step:
    """Takes the request and never says a word."""

    def step(wire: _Wire) -> None:
        wire.over.wait(30)
        wire.open = False

    return step


def drip(start: bytes, piece: bytes, every: float = 0.02) -> Step:
    """Sends `start`, then one piece after the other for ever, so that no single read ever times out."""

    def step(wire: _Wire) -> None:
        wire.send(start)
        while wire.open and not wire.over.wait(every):
            wire.send(piece)
        wire.open = False

    return step


def raw(data: bytes) -> Step:
    """These bytes, whatever they are, then the end."""

    def step(wire: _Wire) -> None:
        wire.send(data)
        wire.open = False

    return step


class ScriptedServer:
    def __init__(self, script: Iterable[Step] = (), greeting: bytes = b"") -> None:
        self.greeting = greeting  # sent before any request: no TLS client will understand it
        self.script = list(script)
        self.requests: list[Request] = []
        self.connections = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ScriptedServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def then(self, *steps: Step) -> None:
        self.script.extend(steps)

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.01)
        wire = _Wire(connection, self._over)
        unread = b""
        with connection:
            if self.greeting:
                wire.send(self.greeting)
            while wire.open:
                request, unread = self._read(connection, unread)
                if request is None:
                    return
                with self._lock:
                    self.requests.append(request)
                    step = self.script.pop(0) if self.script else reply(599)
                connection.settimeout(5)
                step(wire)
                connection.settimeout(0.01)

    def _read(self, connection: socket.socket, data: bytes) -> tuple[Request | None, bytes]:
        while b"\r\n\r\n" not in data:
            more = self._receive(connection)
            if not more:
                return None, b""
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("Content-Length", "0"))
        while len(data) < length:
            more = self._receive(connection)
            if not more:
                return None, b""
            data += more
        method, target, _ = first.split(" ")
        return Request(method, target, headers, data[:length]), data[length:]

    def _receive(self, connection: socket.socket) -> bytes:
        while not self._over.is_set():
            try:
                return connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return b""
        return b""


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
