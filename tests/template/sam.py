"""What SAM makes of a template: what CloudFormation gets."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

SAM = Path(__file__).resolve().parents[2] / ".venv-sam/bin/python"
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
class NoManagedPolicies:
    def load(self): return {}
print(json.dumps(transform(json.load(sys.stdin), {}, NoManagedPolicies())))
"""


def translated(template: dict[str, Any], **contents: str) -> dict[str, Any]:
    """The template as SAM hands it to CloudFormation, its code uploaded; `contents` of layers that changed."""
    if not SAM.exists():
        pytest.skip("the SAM CLI is not installed: run `make setup`")
    uploaded = copy.deepcopy(template)
    for name, resource in uploaded["Resources"].items():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://packages/{contents.get(name, name)}"
    done = subprocess.run(
        [SAM, "-c", TRANSLATE],
        input=json.dumps(uploaded),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told
