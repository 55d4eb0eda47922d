"""The template as CloudFormation gets it: SAM names resources of its own, which no look at the template shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cfnlint.api import lint_file

from local.gradual import WAYS, gradual, read
from tests.template.sam import translated

PLAIN = read(Path(__file__).resolve().parents[2] / "template.yaml")


@pytest.mark.parametrize("template", [PLAIN, gradual(PLAIN, WAYS[0])], ids=["all at once", "by and by"])
def test_cfn_lint_finds_nothing(tmp_path: Path, template: dict[str, object]) -> None:
    made = tmp_path / "template.json"
    made.write_text(json.dumps(translated(template)))
    assert [str(match) for match in lint_file(made)] == []
