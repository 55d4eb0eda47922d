"""What both simulators share: HTTP on 127.0.0.1, faults, the request log and the control endpoints.

    POST|GET|DELETE /_control/faults     arm, list, disarm (see `faults`)
    GET  /_control/requests[?since=n]    every request to the vendor's own paths, never a token
    GET  /_control/state                 everything that is stored, never a token or a client secret
    POST|GET /_control/settings          {name: value}, as listed in `default_settings`
    POST /_control/accounts              one account or a list
    POST /_control/expire_tokens         the next call of every client is a 401
    POST /_control/clock                 {"advance_seconds": n}: time passes without waiting for it
    POST /_control/reset                 as new: no accounts, no data, no faults, no log

Control endpoints take no credentials: the server listens on 127.0.0.1 only and answers no other Host.
"""

from __future__ import annotations

import copy
import hashlib
import socket
import struct
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast
from urllib.parse import unquote

from local.simulators.faults import Fault, Faults, spoilt
from local.simulators.messages import Refusal, Request, Response, answer

LOG_LENGTH = 100_000
SECRET_PARAMETERS = frozenset(
    {"code", "state", "token", "verifier", "access_token", "refresh_token", "client_secret"}
)
CONTROL = "/_control/"


class Simulator:
    """A vendor in memory. Subclasses answer `handle` and `control`; every call runs under the one lock."""

    vendor = ""
    default_settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.advanced = 0.0
            self.settings = dict(self.default_settings)
            self.faults = Faults()
            self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
            self.seen = 0
            self.clear()

    # What a vendor provides

    def clear(self) -> None:
        """Forget every account and record."""
        raise NotImplementedError

    def handle(self, request: Request) -> Response:
        """Answer a request to the vendor's own paths."""
        raise NotImplementedError

    def control(self, verb: str, parts: list[str], request: Request) -> Any:
        """Answer a control call of this vendor's own; None if there is no such call."""
        raise NotImplementedError

    def stored(self) -> dict[str, Any]:
        raise NotImplementedError

    def account_of(self, request: Request) -> str | None:
        """Whose call this is, for the log."""
        raise NotImplementedError

    def add_account(self, spec: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def expire_tokens(self) -> int:
        raise NotImplementedError

    def vendor_error(self, status: int) -> Response:
        """This vendor's body for a failure that a fault asks for."""
        raise NotImplementedError

    # What every vendor has

    def now(self) -> float:
        return self.clock() + self.advanced

    def stamp(self, at: float | None = None) -> str:
        return datetime.fromtimestamp(self.now() if at is None else at, UTC).isoformat(timespec="seconds")

    def state(self) -> dict[str, Any]:
        with self.lock:
            told = {"vendor": self.vendor, "settings": self.settings, **self.stored()}
            return copy.deepcopy(told)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(entry) for entry in self.log if entry["n"] > since]

    def opened(self, request: Request) -> tuple[dict[str, Any], Fault | None]:
        """Log a request as it arrives, so that one which is held for a minute is seen meanwhile."""
        with self.lock:
            self.seen += 1
            fault = self.faults.pick(request.method, request.path)
            entry = {
                "n": self.seen,
                "at": self.stamp(),
                "method": request.method,
                "path": request.path,
                "query": {k: "***" if k in SECRET_PARAMETERS else v for k, v in request.query},
                "status": None,
                "fault": fault.kind if fault else None,
                "account": None,
                "body_digest": None,
                "bytes": 0,
            }
            self.log.append(entry)
            return entry, fault

    def work(self, request: Request) -> Response:
        with self.lock:
            try:
                return self.handle(request)
            except Refusal as refusal:
                return refusal.response
            except Exception:  # a bug here must look like no vendor's answer, and be seen
                traceback.print_exc(file=sys.stderr)
                return answer(500, {"simulator_bug": traceback.format_exc(limit=-3)})

    def command(self, request: Request) -> Response:
        """Answer a control call. Bad input is a 400 with one sentence."""
        parts = [unquote(part) for part in request.path.removeprefix(CONTROL).split("/")]
        try:
            result = self._shared(f"{request.method} {parts[0]}", request)
            if result is None:
                result = self.control(request.method, parts, request)
        except Refusal as refusal:
            return refusal.response
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return answer(400, {"error": f"{type(error).__name__}: {error}"})
        return answer(404, {"error": "no such control call"}) if result is None else answer(200, result)

    def _shared(self, call: str, request: Request) -> Any:
        body = request.json()
        with self.lock:
            match call:
                case "POST faults":
                    self.faults.add(body)
                    return self.faults.told()
                case "GET faults":
                    return self.faults.told()
                case "DELETE faults":
                    self.faults = Faults()
                    return []
                case "GET requests":
                    return self.requests(int(request.first("since", "0") or 0))
                case "GET state":
                    return self.state()
                case "GET settings":
                    return self.settings
                case "POST settings":
                    if unknown := set(body) - set(self.settings):
                        raise ValueError(f"no setting {sorted(unknown)}; there are {sorted(self.settings)}")
                    self.settings |= body
                    return self.settings
                case "POST accounts":
                    many = isinstance(body, list)
                    return [self.add_account(spec) for spec in body] if many else self.add_account(body)
                case "POST expire_tokens":
                    return {"expired": self.expire_tokens()}
                case "POST clock":
                    self.advanced += float(body["advance_seconds"])
                    return {"now": self.stamp()}
                case "POST reset":
                    self.reset()
                    return {}
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, simulator: Simulator) -> None:
        self.simulator = simulator
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; faults make it happen all the time."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        simulator = self.server.simulator
        request = Request(self.command, self.path, cast("Mapping[str, str]", self.headers))
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if not (host in ("127.0.0.1", "localhost") or host.endswith(".localhost")):
            self._send(answer(421, {"error": "this simulator answers on 127.0.0.1 and localhost only"}))
        elif request.path.startswith(CONTROL):
            self._send(simulator.command(self._complete(request)))
        else:
            entry, fault = simulator.opened(request)
            if fault is not None and fault.kind == "reset_before":
                return self._reset()
            request = self._complete(request)
            entry.update(
                account=simulator.account_of(request),
                body_digest=hashlib.sha256(request.body).hexdigest() if request.body else None,
                bytes=len(request.body),
            )
            done = simulator.work(request) if fault is None or fault.after else None
            if fault is not None:
                self._spoil(fault, done, entry)
            elif done is not None:
                entry["status"] = done.status
                self._send(done)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

    def _complete(self, request: Request) -> Request:
        length = int(self.headers.get("Content-Length") or 0)
        return Request(request.method, request.target, request.headers, self.rfile.read(length))

    def _send(self, response: Response) -> None:
        raw = response.raw()
        self.wfile.write(raw[: -len(response.body)] if self.command == "HEAD" and response.body else raw)

    def _reset(self) -> None:
        """Close with RST: linger zero throws away what is unsent and unread."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())

    def _spoil(self, fault: Fault, done: Response | None, entry: dict[str, Any]) -> None:
        stopping, options = self.server.simulator.stopping, fault.options
        seconds = float(options.get("seconds", 60))
        if fault.kind == "refuse":
            self.close_connection = True
        elif fault.kind == "reset_after":
            self._reset()
        elif fault.kind == "read_timeout":
            self.close_connection = True
            stopping.wait(seconds)
        elif fault.kind == "truncated" and done is not None:
            entry["status"] = done.status
            self._truncate(done, bool(options.get("framed")))
        elif fault.kind == "slow_drip" and done is not None:
            entry["status"] = done.status
            self._drip(done, seconds, bool(options.get("headers")), stopping)
        elif fault.kind == "oversize":
            entry["status"] = 200
            self._flood(int(options.get("bytes", 64 << 20)), bool(options.get("chunked")))
        else:
            response = spoilt(fault, self.server.simulator.vendor_error)
            entry["status"] = response.status
            self._send(response)

    def _truncate(self, done: Response, framed: bool) -> None:
        half = Response(done.status, done.body[: len(done.body) // 2], done.content_type, done.headers)
        raw = half.raw(length=None if framed else len(done.body))
        self.close_connection = not framed
        # Without a body (204) only the head can break off, and it has to do so in the status line: Python's
        # client takes any later end of file for the end of the headers.
        self.wfile.write(raw if done.body else raw[: len("HTTP/1.1 2")])

    def _drip(self, done: Response, seconds: float, headers: bool, stopping: threading.Event) -> None:
        raw = done.raw(close=True)
        self.close_connection = True
        told = 0 if headers or not done.body else len(raw) - len(done.body)
        self.wfile.write(raw[:told])
        rest = raw[told:]
        step = max(1, -(-len(rest) // 300))
        pause = seconds / -(-len(rest) // step)
        for start in range(0, len(rest), step):
            if stopping.wait(pause):
                return
            self.wfile.write(rest[start : start + step])

    def _flood(self, size: int, chunked: bool) -> None:
        """A JSON text of `size` bytes, made on the way out so that it costs no memory."""
        self.close_connection = True
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{length}\r\n\r\n"
        self.wfile.write(head.encode())
        left = size
        while left > 0 and not self.server.simulator.stopping.is_set():
            piece = min(left, 1 << 16)
            content = bytearray(b" " * piece)
            if left == size:
                content[:1] = b"["
            if left == piece:
                content[-1:] = b"]"
            left -= piece
            self.wfile.write(b"%x\r\n%b\r\n" % (piece, bytes(content)) if chunked else content)
        if chunked and left == 0:
            self.wfile.write(b"0\r\n\r\n")


class RunningSimulator:
    """A simulator that is being served; `stop` also releases every connection that a fault holds."""

    def __init__(self, simulator: Simulator, server: _Server) -> None:
        self.simulator = simulator
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = server
        simulator.stopping.clear()
        name = f"{simulator.vendor}-simulator"
        self._thread = threading.Thread(target=server.serve_forever, args=(0.02,), name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.simulator.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def __enter__(self) -> RunningSimulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(simulator: Simulator, port: int = 0) -> RunningSimulator:
    """Serve on 127.0.0.1 in the background; port 0 takes any free one. OSError where the port is taken."""
    return RunningSimulator(simulator, _Server(port, simulator))
