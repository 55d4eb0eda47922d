"""`make build`'s result, and a stack whose functions are the built ones in processes of their own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

from local.lambda_runtime import ROOT, BuiltFunction, Packages, local_layers, reason_not_to_run
from tests.functions.conftest import acme, freshbooks, served, sps  # noqa: F401 - fixtures
from tests.functions.stack import Process, Stack
from tests.functions.template import CONSUMERS, FUNCTIONS, TEMPLATE

SCRATCH = ROOT / ".aws-sam/packaging"


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder that `make build` fills, as it is for AWS."""
    if not (ROOT / ".venv-sam/.installed").exists():
        pytest.skip("SAM is not installed: run `make setup`")
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with (SCRATCH / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest-xdist's workers build one after another
        subprocess.run(["make", "--silent", "build"], cwd=ROOT, check=True, capture_output=True)
    return ROOT / ".aws-sam/build"


@pytest.fixture(scope="session")
def packages(built: Path) -> Packages:
    """The built functions and layers, as far as this machine can run them."""
    if reason := reason_not_to_run():
        pytest.skip(reason)
    with (SCRATCH / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Packages(ROOT / "functions", local_layers(built, SCRATCH))


class BuiltStack(Stack):
    """The stack of tests/functions, whose AWS also answers at an address, for processes that are not this one."""

    def __init__(self, packages: Packages, aws: str, *fixtures: Any) -> None:
        self._packages, self._aws = packages, aws
        self.started: list[BuiltFunction] = []
        super().__init__(*fixtures)

    def _start(self, function: str) -> Process:
        environment = self.environment(function) | {
            "AWS_ENDPOINT_URL": self._aws,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
        timeout = FUNCTIONS[function].get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])
        started = BuiltFunction(self._packages, function, environment, timeout=timeout).start()
        self.started.append(started)
        return Process(lambda event, context: started.invoke(event))

    def settle(self) -> list[dict[str, Any]]:
        """Deliver until every queue is empty; the messages that failed."""
        failed: list[dict[str, Any]] = []
        while batches := [batch for queue in CONSUMERS if (batch := self.deliver(queue)).records]:
            failed += [message for batch in batches for message in batch.failed_messages]
        return failed


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """Where moto answers. What it holds is every test's own, as `mock_aws` begins with nothing."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def stack(
    packages: Packages, aws: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[BuiltStack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setitem(os.environ, "no_proxy", "127.0.0.1,localhost")
    with mock_aws(), warnings.catch_warnings():
        stack = BuiltStack(packages, aws, monkeypatch, capsys)
        try:
            yield stack
        finally:
            for function in stack.started:
                function.stop()
