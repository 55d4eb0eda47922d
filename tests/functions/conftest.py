"""The stack, both vendors' simulators and two connections, new for every test."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import pytest
from moto import mock_aws

from local.simulators import FreshBooksSimulator, RunningSimulator, SpsSimulator, serve
from tests.functions.business import ACME, BIRCH, Business
from tests.functions.gateway import Gateway
from tests.functions.stack import MODULES_OF_A_PROCESS, Stack


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Stack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws(), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="No application metrics"
        )  # pytest undoes the functions' own filter
        yield Stack(monkeypatch, capsys)
    for name in MODULES_OF_A_PROCESS:
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[RunningSimulator, RunningSimulator]]:
    with serve(SpsSimulator()) as sps, serve(FreshBooksSimulator()) as freshbooks:
        yield sps, freshbooks


@pytest.fixture
def sps(served: tuple[RunningSimulator, RunningSimulator]) -> RunningSimulator:
    served[0].simulator.reset()
    return served[0]


@pytest.fixture
def freshbooks(served: tuple[RunningSimulator, RunningSimulator]) -> RunningSimulator:
    served[1].simulator.reset()
    served[1].simulator.settings["retry_seconds"] = [0, 0, 0]
    return served[1]


@pytest.fixture
def acme(stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator) -> Business:
    return Business(ACME, stack, sps, freshbooks)


@pytest.fixture
def birch(stack: Stack, sps: RunningSimulator, freshbooks: RunningSimulator) -> Business:
    return Business(BIRCH, stack, sps, freshbooks)


@pytest.fixture
def gateway(stack: Stack) -> Iterator[Gateway]:
    with Gateway(stack) as served:
        yield served
