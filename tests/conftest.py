"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from local.account import Account
    from local.demo import Demo


# What `make demo KEEP=1` has people export leads to that stack, or to none.
for name in [name for name in os.environ if name.startswith(("AWS_", "CONNECTOR_"))]:
    del os.environ[name]

# The same examples in every run, however busy the machine; `make test THOROUGH=1` draws others.
settings.register_profile(
    "project",
    deadline=None,
    derandomize=not os.environ.get("THOROUGH"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what takes longest: the one-machine cloud's day, then the browser's tests, which go on where it ended.

    A connection is removed when both are done.
    """
    after_the_day = ("tests/browser", "test_removal")
    items.sort(
        key=lambda item: (
            not item.get_closest_marker("cloud"),
            *(part in item.path.as_posix() for part in reversed(after_the_day)),
        )
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`-n` spreads files over the processes, the faults one by one; what needs the cloud shares one in one process."""
    from xdist.scheduler import LoadScopeScheduling

    class Spread(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = nodeid.split("/")[1]
            if folder in ("cloud", "browser"):
                return "cloud"
            return nodeid if folder == "faults" else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return Spread(config, log)


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
