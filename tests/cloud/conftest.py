from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.cloud import ROOT, Cloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """The one-machine cloud with this project's template deployed, for all tests that need it."""
    if not (ROOT / ".venv-cloud/.installed").exists():
        pytest.skip("the emulator is not installed: run `make setup`")
    with Cloud() as cloud:
        cloud.deploy("tests", {"FreshBooksConcurrency": "3"})
        yield cloud
