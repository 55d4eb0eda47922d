"""docs/partner-packs.md knows every setting, and its example passes its own cases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from cli.main import app
from connector.rules.packs import PartnerPack, read_pack

ROOT = Path(__file__).parents[2]
PACK = ROOT / "docs/examples/packs/prairie.toml"


def settings(model: type[BaseModel] = PartnerPack, prefix: str = "") -> dict[str, tuple[str, str]]:
    """Every setting as `orders.target` with its type and default in words."""
    schema, found = model.model_json_schema(), {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= settings(kind, f"{prefix}{name}.")
        else:
            default = "" if field.is_required() else _default(field.default)
            found[prefix + name] = (_type(schema["properties"][name]), default)
    return found


def _type(schema: Mapping[str, Any]) -> str:
    choices = schema.get("enum") or [one for each in schema.get("anyOf", ()) for one in each.get("enum", ())]
    if choices:
        return ", ".join(f"`{one}`" for one in choices)
    kinds = {str(each.get("type")) for each in schema.get("anyOf", [schema])} - {"null"}
    if "number" in kinds:
        return "number"
    return {
        "array": "list",
        "object": "table",
        "boolean": "true, false",
        "string": "text",
        "integer": "whole number",
    }[kinds.pop()]


def _default(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)


def test_the_page_has_a_row_for_every_setting_with_its_type_and_default() -> None:
    page = (ROOT / "docs/partner-packs.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 5]
    told = {
        row.split("|")[1].strip(" `"): tuple(part.strip() for part in row.split("|")[2:4]) for row in rows
    }
    wanted = settings()
    assert {name: told.get(name) for name in wanted} == wanted
    assert all(row.split("|")[4].strip() for row in rows)


def run(*arguments: str) -> tuple[int, Any]:
    ran = CliRunner().invoke(app, ["partners", "test", *arguments, "--json"])
    return ran.exit_code, json.loads(ran.stdout) if ran.stdout.startswith("{") else ran.stderr


def test_the_example_passes_its_cases() -> None:
    code, told = run(str(PACK))
    assert [(case["case"], case["differences"]) for case in told["cases"]] == [
        ("more-than-ordered", []),
        ("order-becomes-a-bill", []),
        ("part-of-the-order", []),
    ]
    assert code == 0
    assert read_pack(PACK.read_text()).name == "Prairie Outfitters"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PACK.parent, tmp_path / "packs")
    return tmp_path / "packs" / "prairie.toml"


def test_a_changed_pack_shows_every_field_that_differs(copy: Path) -> None:
    copy.write_text(copy.read_text().replace('"State tax" = "SP"', '"State tax" = "ST"'))
    code, told = run(str(copy), "--case", "part-of-the-order")
    assert code == 1
    [case] = told["cases"]
    assert case["differences"] == [{"field": "LineItem[0].Taxes[0].TaxTypeCode", "sent": "SP", "now": "ST"}]
    assert run(str(copy), "--update")[0] == 0
    assert run(str(copy))[0] == 0
    expected = json.loads((copy.parent / "prairie/part-of-the-order/expected.json").read_text())
    assert expected["LineItem"][0]["Taxes"][0]["TaxTypeCode"] == "ST"


def test_a_field_may_be_left_out_of_the_comparison(copy: Path) -> None:
    copy.write_text(copy.read_text().replace('"State tax" = "SP"', '"State tax" = "ST"'))
    about = copy.parent / "prairie/part-of-the-order/case.toml"
    about.write_text(about.read_text() + 'ignore = ["LineItem[0].Taxes"]\n')
    assert run(str(copy))[0] == 0


def test_a_finding_that_is_gone_is_a_difference(copy: Path) -> None:
    copy.write_text(copy.read_text().replace("price = 1 ", "price = 1\nquantity = 10 "))
    code, told = run(str(copy))
    assert code == 1
    [case] = [case for case in told["cases"] if case["differences"]]
    assert case["differences"] == [{"field": "findings", "sent": ["error over_invoiced"], "now": []}]


def test_cases_are_kept_in_the_partners_own_format(copy: Path) -> None:
    text = copy.read_text().replace('name = "Prairie', 'format = "xml"\nname = "Prairie')
    copy.write_text(text)
    assert run(str(copy), "--update")[0] == 0
    assert (copy.parent / "prairie/part-of-the-order/expected.xml").read_bytes().startswith(b"<?xml")
    assert run(str(copy))[0] == 0
    copy.write_text(text.replace("VEND6174", "VEND9999"))
    code, told = run(str(copy), "--case", "part-of-the-order")
    assert code == 1
    assert told["cases"][0]["differences"][0]["field"] == "Header.InvoiceHeader.Vendor"


def test_a_pack_without_cases_is_bad_use(tmp_path: Path) -> None:
    (tmp_path / "lone.toml").write_text('trading_partner_id = "A"\n')
    code, told = run(str(tmp_path / "lone.toml"))
    assert code == 2
    assert "no cases" in told
