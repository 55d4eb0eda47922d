from __future__ import annotations

from tests.functions.conftest import acme, birch, freshbooks, gateway, served, sps, stack  # noqa: F401 - fixtures
