"""The page of promises names tests and commands that are there."""

from __future__ import annotations

import re
from pathlib import Path

from cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/promises.md").read_text()


def test_every_test_and_target_that_a_promise_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", PAGE)
    assert len(named) > 12
    assert [path for path in named if not (ROOT / path).exists()] == []
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in re.findall(r"`make (\w+)", PAGE) if f"\n{target}:" not in makefile] == []


def test_every_command_that_the_readme_shows_is_there() -> None:
    shown = re.findall(r"bin/connector ([a-z-]+)", (ROOT / "README.md").read_text())
    assert len(shown) > 10
    assert [command for command in shown if command not in COMMANDS] == []
