"""The docs tell the truth: their commands exist and run, their tables are the code's, their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from connector.ledger import State
from connector.usecases.summaries import state_words
from tests import builders
from tests.docs import mapping_tables

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMAND = re.compile(r"(?:\.venv/bin/)?connector ((?:[a-z][a-z-]+)(?: [^`#\n]*)?)")
MAKE = re.compile(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z-]+)", re.M)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


def fenced_and_inline(text: str) -> Iterator[str]:
    fences = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.M | re.S)
    for fence in fences:
        yield from (line.partition("  #")[0] for line in fence.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def commands() -> list[tuple[str, str]]:
    return sorted(
        {
            (page.name, found[1].strip())
            for page in PAGES
            for piece in fenced_and_inline(page.read_text())
            if (found := re.match(r"\s*(?:\.venv/bin/)?connector ([a-z][^`#\n]*)", piece))
        }
    )


@pytest.mark.parametrize(("page", "words"), commands())
def test_every_command_in_the_docs_exists_with_its_options(page: str, words: str) -> None:
    command: Any = typer.main.get_command(app)
    context = command.make_context("connector", [], resilient_parsing=True)
    parts = shlex.split(words)
    while parts and hasattr(command, "get_command"):
        found = command.get_command(context, parts[0])
        if found is None:
            alternatives = parts[0].split("|")  # `sps|freshbooks`, where a page lists them
            found = command.get_command(context, alternatives[0])
        assert found is not None, f"{page}: connector {words}"
        command, parts = found, parts[1:]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for part in parts:
        if part.startswith("--"):
            assert part.partition("=")[0] in known | {"--help"}, f"{page}: connector {words}"


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        for piece in fenced_and_inline(page.read_text()):
            for target in MAKE.findall(piece):
                assert target in targets, f"{page.name}: make {target}"


def test_the_console_calls_each_state_as_messages_do() -> None:
    """Somebody who reads that a document is closed looks for the badge that says so."""
    text = (ROOT / "console/page/js/format.js").read_text()
    labels = dict(re.findall(r"([A-Z_]+): \['([\w ]+)', '\w*'\]", text))
    assert {name: label.lower() for name, label in labels.items()} == {
        str(state): state_words(state) for state in State
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_mapping_tables_are_what_the_code_does_today() -> None:
    assert (ROOT / "docs/mapping-tables.md").read_text() == mapping_tables.page(), "run `make docs`"


@pytest.mark.parametrize(
    "words",
    [
        "map ORDER.json",
        "map INVOICE.json --order ORDER.json",
        "map ORDER.json --explain",
        "check ORDER.json",
        "errors order_not_there",
    ],
)
def test_the_readmes_offline_commands_run(tmp_path: Path, words: str) -> None:
    assert any(words.split()[0] in told for _, told in commands())
    (tmp_path / "ORDER.json").write_bytes(builders.as_bytes(builders.order()))
    lines = [builders.fb_line(n, name=f"V-{n}") for n in (1, 2)]
    invoice = builders.fb_invoice(lines, po_number=builders.PO_NUMBER)
    (tmp_path / "INVOICE.json").write_text(json.dumps(invoice, default=str))
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words.split()],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/connector'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()
