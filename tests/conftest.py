"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with official samples and schemas, which lies beside the repository on some machines."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not (folder / "rsx").is_dir():
        pytest.skip("../shared with the official samples is not on this machine")
    return folder
