"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local.account import Account
    from local.demo import Demo


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the one-machine cloud stays with one worker, whose stack it then shares.

    The browser's tests come last: they go on where the day ended, and change what is there.
    """
    items.sort(key=lambda item: "tests/browser" in item.path.as_posix())
    for item in items:
        if item.get_closest_marker("cloud"):
            item.add_marker(pytest.mark.xdist_group("cloud"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with official samples and schemas, which lies beside the repository on some machines."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not (folder / "rsx").is_dir():
        pytest.skip("../shared with the official samples is not on this machine")
    return folder


@pytest.fixture(scope="session")
def day() -> Iterator[tuple[Demo, Account]]:
    """One cloud for all tests that need it: this project's template, at the end of the demo's day."""
    from local.cloud import ROOT, Cloud
    from local.demo import Demo

    if not (ROOT / ".venv-cloud/.installed").exists():
        pytest.skip("the emulator is not installed: run `make setup`")
    with Demo(seed=11, cloud=Cloud()).running(lambda text: None) as demo:
        yield demo, demo.play(lambda text: None)
