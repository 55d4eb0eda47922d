from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.account import Account
from local.cloud import ROOT, Cloud
from local.demo import Demo


@pytest.fixture(scope="session")
def day() -> Iterator[tuple[Demo, Account]]:
    """One cloud for all tests that need it: this project's template, at the end of the demo's day."""
    if not (ROOT / ".venv-cloud/.installed").exists():
        pytest.skip("the emulator is not installed: run `make setup`")
    with Demo(seed=11, cloud=Cloud()).running(lambda text: None) as demo:
        yield demo, demo.play(lambda text: None)


@pytest.fixture
def cloud(day: tuple[Demo, Account]) -> Cloud:
    return day[0].cloud


@pytest.fixture
def another(cloud: Cloud) -> Cloud:
    """The same cloud, for a second stack."""
    return Cloud(port=cloud.port)
