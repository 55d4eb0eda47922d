"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the one-machine cloud stays with one worker, whose stack it then shares."""
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
