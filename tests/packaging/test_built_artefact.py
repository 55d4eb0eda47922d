"""What `make build` makes is what should be deployed: complete, byte-compiled, and nothing besides."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.functions.template import FUNCTIONS, ROOT, TEMPLATE

LAYERS = ("Dependencies", "Connector")
UNCHECKED_HASH = 0b01  # PEP 552: by hash, and never compared with the source
FUNCTION_BYTES = 4_000


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="only Python 3.13 makes byte-code for Lambda")
@pytest.mark.parametrize("layer", LAYERS)
def test_every_module_has_byte_code_that_is_never_compared_with_its_source(built: Path, layer: str) -> None:
    sources = [path for path in files(built / layer) if path.suffix == ".py"]
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert compiled.exists(), f"{source} is not compiled"
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, source


def test_compiled_code_is_for_the_clouds_processor(built: Path) -> None:
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == ["arm64"]
    compiled = [path.name for path in files(built / "Dependencies") if path.suffix == ".so"]
    assert compiled
    for name in compiled:
        assert "cpython-313-aarch64" in name or "abi3" in name, name


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_shipped_that_only_developers_or_browsers_read(built: Path, layer: str) -> None:
    for path in files(built / layer):
        assert path.suffix not in (".pyi", ".js", ".css", ".c", ".h"), path
        assert not {"tests", "test", "bin"} & set(path.relative_to(built).parts), path


def test_the_layers_hold_no_aws_sdk_and_no_tool_of_this_project(built: Path) -> None:
    for layer in LAYERS:
        packages = {path.name for path in (built / layer / "python").iterdir()}
        assert not packages & {"boto3", "botocore", "aws_xray_sdk", "cli", "local", "tests", "typer", "rich"}
    # the runtime has it, and the layer does without
    assert importlib.util.find_spec("boto3") is not None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_its_handler_and_nothing_else(name: str) -> None:
    there = [path for path in files(ROOT / "functions" / name) if "__pycache__" not in path.parts]
    assert [path.name for path in there] == ["handler.py"]
    assert there[0].stat().st_size < FUNCTION_BYTES


def test_the_layers_are_a_tenth_of_what_lambda_takes(built: Path) -> None:
    unpacked = sum(path.stat().st_size for layer in LAYERS for path in files(built / layer))
    assert unpacked < 262_144_000 / 10
