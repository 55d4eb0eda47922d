from __future__ import annotations

import pytest

from local.account import Account
from local.cloud import Cloud
from local.demo import Demo


@pytest.fixture
def cloud(day: tuple[Demo, Account]) -> Cloud:
    return day[0].cloud


@pytest.fixture
def another(cloud: Cloud) -> Cloud:
    """The same cloud, for a second stack."""
    return Cloud(port=cloud.port)
