"""Any document that a JSON schema admits: what it requires, and a few of the rest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=15)
NUMBERS = st.one_of(
    st.integers(0, 5000),
    st.decimals(0, 9999, places=4, allow_nan=False, allow_infinity=False).map(float),
    st.sampled_from([-1, 0, 0.005, 999999999999999]),
)
WILD_NUMBERS = NUMBERS | st.sampled_from([1e15, -1e300, 1e300, 1e-300])
DEEPEST = 6


@cache
def schema_of(shared: Path, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((shared / f"rsx/schema/{name}.json").read_text())
    return schema


def admitted(
    shared: Path, name: str, numbers: st.SearchStrategy[Any] = NUMBERS
) -> st.SearchStrategy[dict[str, Any]]:
    """Single documents of `name` (Orders, OrderChanges, ...)."""
    definitions = schema_of(shared, name)["definitions"]
    return _document(definitions[name.removesuffix("s")], definitions, numbers)


@st.composite
def _document(
    draw: st.DrawFn, schema: dict[str, Any], definitions: dict[str, Any], numbers: st.SearchStrategy[Any]
) -> Any:
    return _Drawing(draw, definitions, numbers).value(schema, 0)


class _Drawing:
    def __init__(self, draw: st.DrawFn, definitions: dict[str, Any], numbers: st.SearchStrategy[Any]) -> None:
        self.draw = draw
        self.definitions = definitions
        self.numbers = numbers

    def value(self, schema: dict[str, Any], depth: int) -> Any:
        draw = self.draw
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        if "enum" in schema:
            return draw(st.sampled_from(schema["enum"]))
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return [self.value(schema["items"], depth + 1) for _ in range(draw(st.integers(1, 2)))]
            case "number":
                return draw(self.numbers)
            case "integer":
                return draw(st.integers(-5, 500))
            case "boolean":
                return draw(st.booleans())
        if schema.get("format") == "date":
            return draw(st.dates()).isoformat()
        if schema.get("format") == "time":
            return draw(st.times()).isoformat()[:8]
        return draw(TEXTS)[: schema.get("maxLength", 15)]

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        names = list(schema["properties"])
        wanted = set(schema.get("required", []))
        if depth < DEEPEST and names:
            wanted |= self.draw(st.sets(st.sampled_from(names), max_size=5))
        return {
            name: self.value(inner, depth + 1)
            for name, inner in schema["properties"].items()
            if name in wanted
        }
