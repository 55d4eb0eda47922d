"""The catalogue of errors is complete, and its page says the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from connector import errors
from connector.catalogue import CATALOGUE, leaves
from connector.rules.checks import RULES

ROOT = Path(__file__).parents[2]
# what only the command line or a developer meets: its own message says it all
SPOKEN_FOR = {
    "alias_in_pack",
    "alias_incomplete",
    "no_such_alias",
    "error",
    "bad_use",
    "bad_amount",
    "bad_body",
    "bad_cursor",
    "bad_date",
    "bad_document_id",
    "chat_not_https",
    "connection_invalid",
    "foreign_document",
    "no_code",
    "no_connection",
    "no_secret",
    "no_cut_over",
    "no_such_account",
    "no_such_connection",
    "no_such_direction",
    "no_such_document",
    "no_such_mode",
    "no_such_partner",
    "no_such_queue",
    "no_such_report",
    "report_too_large",
    "no_such_route",
    "no_such_state",
    "no_such_type",
    "no_such_zone",
    "not_signed_in",
    "order_not_one",
    "order_over",
    "pack_too_large",
    "reason_missing",
    "settings_missing",
    "window_reversed",
}


def raised_codes() -> set[str]:
    sources = (ROOT / "layers/connector/connector").rglob("*.py")
    literal = re.compile(
        r"errors\.\w+\([^#]*?code=\"([a-z0-9_]+)\"|BadInput\([^#]*?code=\"([a-z0-9_]+)\"", re.S
    )
    found: set[str] = set()
    for source in sources:
        for call in re.findall(r"raise (?:errors\.)?\w+\((?:[^()]|\([^()]*\))*\)", source.read_text()):
            found |= set(re.findall(r"code=\"([a-z0-9_]+)\"", call))
        found |= {code for pair in literal.findall(source.read_text()) for code in pair if code}
    return found


@pytest.mark.parametrize(
    "kind", [kind for kind in leaves() if kind.code not in SPOKEN_FOR], ids=lambda k: k.__name__
)
def test_every_error_class_is_explained(kind: type[errors.ConnectorError]) -> None:
    entry = CATALOGUE[kind.code]
    assert entry.meaning
    assert entry.cause
    assert entry.fix
    assert entry.retries == issubclass(kind, (errors.NotSent, errors.OutcomeUnknown, errors.Waiting))


def test_every_code_that_the_package_raises_is_explained() -> None:
    codes = raised_codes()
    assert len(codes) > 30
    assert codes - set(CATALOGUE) - SPOKEN_FOR == set()


def blocking_codes() -> set[str]:
    """The codes of findings that stop a document, as the code makes them."""
    found = set()
    for source in (ROOT / "layers/connector/connector").rglob("*.py"):
        for call in ast.walk(ast.parse(source.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args:
                made = call.func.id == "Finding" and ast.unparse(call.args[1]) in ("'error'", "severity")
                code = call.args[0]
                made = made or call.func.id in ("_error", "_Bound")
                if made and isinstance(code, ast.Constant):
                    found.add(code.value)
    return found


def test_every_finding_that_stops_a_document_is_explained() -> None:
    codes = blocking_codes()
    assert {"unit_unknown", "number_missing", "po_number_missing", "shipped_too_late"} <= codes
    assert codes - set(CATALOGUE) - set(RULES) == set()


def test_the_page_of_errors_is_made_of_the_catalogue() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    for code, entry in CATALOGUE.items():
        row = f"| `{code}` | {entry.meaning} | {entry.cause} | {entry.fix} | {'yes' if entry.retries else 'no'} |"
        assert row in page
    assert page.count("\n| `") == len(CATALOGUE)
