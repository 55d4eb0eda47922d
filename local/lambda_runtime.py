"""A function as Lambda runs it: built code in a process of its own, driven through the Lambda Runtime API.

    with BuiltFunction(packages, "map_inbound", environment, timeout=60) as function:
        answer = function.invoke(event)

The process runs AWS's runtime client (`.venv-lambda`: awslambdaric and boto3, nothing else), imports the function
and the layers from `packages`, and sees no other environment than the given one. What Lambda does to a function,
this does: one event at a time, frozen settings, an error where the handler raises, another where the process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-lambda/bin/python"
COLD_START_SECONDS = 60.0


class FunctionError(Exception):
    """The function did not answer: its handler or its import raised, or its process ended."""


@dataclass(frozen=True)
class Packages:
    """Where the code is: the folder with one folder a function, and the layers' contents (`/opt/python`)."""

    functions: Path
    layers: tuple[Path, ...]


def reason_not_to_run() -> str:
    """Why built functions cannot be run on this machine; empty where they can."""
    if not (ROOT / ".venv-lambda/.installed").exists():
        return "Lambda's runtime client is not installed: run `make setup`"
    if sys.version_info[:2] != (3, 13):
        return f"the layers are compiled for Python 3.13, and this is {platform.python_version()}"
    return ""


def local_layers(built: Path, scratch: Path) -> tuple[Path, ...]:
    """The built layers; on another processor than the cloud's the dependencies are installed for this one.

    Those are the same pins and hashes by the same makefile; only what is compiled differs.
    """
    connector = built / "Connector/python"
    if platform.machine() in ("aarch64", "arm64"):
        return built / "Dependencies/python", connector
    dependencies = scratch / "dependencies"
    sources = [ROOT / "layers/dependencies" / name for name in ("requirements.txt", "Makefile")]
    made_of = b"".join(source.read_bytes() for source in sources)
    stamp = dependencies / "made_of"
    if not stamp.exists() or stamp.read_bytes() != made_of:
        shutil.rmtree(dependencies, ignore_errors=True)
        dependencies.mkdir(parents=True)
        subprocess.run(
            ["make", "--silent", "build-Dependencies", f"ARTIFACTS_DIR={dependencies}"],  # noqa: S607 - as in `make`
            cwd=ROOT / "layers/dependencies",
            env={
                **os.environ,
                "LAYER_TARGET": "local",
                "LAYER_PYTHON": str(PYTHON),
                "LAYER_UV": str(ROOT / ".venv/bin/uv"),
            },
            check=True,
        )
        stamp.write_bytes(made_of)
    return dependencies / "python", connector


class BuiltFunction:
    """One execution environment of a function. `environment` is what the template sets, and where AWS answers."""

    def __init__(
        self, packages: Packages, function: str, environment: Mapping[str, str], *, timeout: float
    ) -> None:
        self.function = function
        self.timeout = timeout
        self._packages = packages
        self._environment = environment
        self._events: queue.Queue[tuple[dict[str, str], bytes] | None] = queue.Queue()
        self._outcomes: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._waiting = threading.Event()
        self._log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - as long as the process
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.process: subprocess.Popen[bytes]

    def start(self) -> BuiltFunction:
        """The cold start: until the function asks for its first event."""
        self._thread.start()
        task = self._packages.functions / self.function
        began = time.monotonic()
        self.process = subprocess.Popen(
            [PYTHON, "-s", "-m", "awslambdaric", "handler.handler"],
            cwd=task,
            env={
                "LANG": "en_US.UTF-8",
                "TZ": ":UTC",
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PYTHONPATH": os.pathsep.join(str(path) for path in (task, *self._packages.layers)),
                "PYTHONDONTWRITEBYTECODE": "1",
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_address[1]}",
                "AWS_LAMBDA_FUNCTION_NAME": self.function,
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                "LAMBDA_TASK_ROOT": str(task),
                **self._environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        while not self._waiting.wait(0.005):
            ended = self.process.poll() is not None
            if ended or time.monotonic() - began > COLD_START_SECONDS:
                why = self._why()
                self.stop()
                raise FunctionError(f"{self.function} did not start: {why}")
        return self

    def invoke(self, event: Any) -> Any:
        """What the handler returns; FunctionError where it raises or where the process ends."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:us-east-1:123456789012:function:{self.function}",
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        }
        self._events.put((headers, json.dumps(event).encode()))
        ends = time.monotonic() + self.timeout
        while True:
            try:
                kind, body = self._outcomes.get(timeout=0.05)
                break
            except queue.Empty:
                if self.process.poll() is not None:
                    raise FunctionError(f"{self.function} ended: {self._why()}") from None
                if time.monotonic() > ends:
                    self.stop()
                    raise FunctionError(f"{self.function} timed out") from None
        if kind == "error":
            raise FunctionError(f"{self.function} raised: {body.decode()}")
        return json.loads(body)

    def printed(self) -> str:
        """Everything that the function has printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def resident_bytes(self) -> int:
        """Memory that the process has in use now (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Processor time that the process has used so far (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End the process. Stopping twice is no error."""
        self._events.put(None)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> BuiltFunction:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _why(self) -> str:
        with contextlib.suppress(queue.Empty):
            return self._outcomes.get(timeout=0.5)[1].decode()
        return f"exit {self.process.poll()}\n{self.printed()[-2000:]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        function = self

        class Handler(BaseHTTPRequestHandler):
            """GET .../invocation/next; POST .../invocation/<id>/response, .../error and .../init/error."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                function._waiting.set()
                if work := function._events.get():
                    self._answer(200, *work)
                self.close_connection = work is None

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(202, {}, b"{}")
                function._outcomes.put((self.path.rpartition("/")[2], body))

            def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
