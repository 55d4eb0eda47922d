"""`tests.mutation`: which small mistakes it makes in a module, and that it puts everything back."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.points import points


def mutants(source: str) -> list[str]:
    return [point.text for point in points(ast.parse(source))]


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a < b", ["a <= b"]),
        ("a and not b", ["a or not b", "not b", "a", "a and b"]),
        ("a + 1", ["a - 1", "a + 2"]),
        ("-a", ["a"]),
        ("'HELD'", ["'XXHELD'"]),
        ("'08'", ["'09'"]),
        ("a if b else c", ["a if not b else c"]),
        ("max(a, b)", ["min(a, b)"]),
        ("f(a, b=c)", ["f(... b=None)"]),
        ("[a for a in b if c(a)]", ["[a for a in b if not c(a)]"]),
        ("'the order has no lines'", []),
    ],
)
def test_an_expression_is_changed_in_every_way_that_a_slip_of_the_pen_would(
    line: str, changed: list[str]
) -> None:
    assert mutants(f"x = {line}") == [f"x = {text}" if "..." not in text else text for text in changed]


def test_statements_are_left_out_and_results_lost() -> None:
    source = "def f(a):\n g(a)\n for b in a:\n  if b:\n   continue\n  return b\n raise E\n"
    assert mutants(source) == [
        "without `g(a)`", "if not b:", "break", "return None", "without `raise E`",
    ]  # fmt: skip


def test_docstrings_annotations_imports_and_assertions_are_left_alone() -> None:
    source = (
        'import a\n\ndef f(x: "int" = None) -> "str":\n    """Words."""\n    assert x > 1\n    return None\n'
    )
    assert mutants(source) == []


def test_every_mutant_has_a_name_of_its_own_and_leaves_the_tree_as_it_was() -> None:
    tree = ast.parse("def f(a):\n    if a > 0 and a < 9:\n        return a + 1\n    return g(1, b=a + 1)\n")
    before = ast.unparse(tree)
    found = points(tree)
    assert len({point.name for point in found}) == len(found) == 15
    for point in found:
        old = point.apply()
        assert ast.unparse(ast.fix_missing_locations(tree)) != before
        point.apply(old)
        assert ast.unparse(tree) == before


def test_what_runs_at_import_has_no_lines_and_what_runs_in_a_function_has() -> None:
    found = points(ast.parse("A = 1\n\ndef f(a=2):\n    return A + (\n        3)\n"))
    assert [(point.text, list(point.lines)) for point in found] == [
        ("A = 2", []), ("a=3", []), ("return None", [4, 5]), ("return A - 3", [4, 5]), ("return A + 4", [4, 5]),
    ]  # fmt: skip
