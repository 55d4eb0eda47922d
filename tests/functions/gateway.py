"""The stack's HTTP API on 127.0.0.1, so that FreshBooks' simulator can deliver its webhooks to it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.functions.stack import Stack


class Gateway:
    """Serves `Stack.http`; bodies arrive in base64 where `encodes` says so, as API Gateway may do it."""

    def __init__(self, stack: Stack) -> None:
        self.encodes = False
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = stack.http("POST", self.path, body, headers=headers, encoded=gateway.encodes)
                self.send_response(answer["statusCode"])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = (
            False  # closing it waits for what it has begun, or that would run into the next test
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Gateway:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
