"""Any RSX document that the connector can produce, drawn from the very models that say what one may hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from connector.documents.parts import plain_number
from connector.mapping.shapes import ROOTS, Child, Document, shape_of

# what XML can hold; a reader takes no notice of white space around a text
TEXTS = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=("Cs",),
        exclude_characters="".join(map(chr, [*range(32), 127, 0xFFFE, 0xFFFF])),
    )
    | st.sampled_from("<>&\"'\r\n\té✓"),
    min_size=1,
    max_size=12,
).filter(lambda text: text == text.strip())
NUMBERS = st.decimals(-99999, 99999, places=4, allow_nan=False, allow_infinity=False).map(plain_number)
DEEPEST = 4
LEVELS = ("ContainerLevel", "OrderLevel", "PackLevel", "ItemLevel")


@st.composite
def rsx(draw: st.DrawFn, kind: Document) -> dict[str, Any]:
    """A document of `kind` in schema order: few elements, but any of them."""
    return _group(draw, ROOTS[kind], kind, 0)


def _group(draw: st.DrawFn, model: Any, kind: Document, depth: int) -> dict[str, Any]:
    shape = {name: child for name, child in shape_of(model, kind).items() if child.kind != "free"}
    required = [name for name, child in shape.items() if child.required]
    simple = [name for name, child in shape.items() if child.model is None or depth < DEEPEST]
    wanted = {*required, *draw(st.sets(st.sampled_from(simple), max_size=3))} if simple else set()
    wanted -= set([name for name in LEVELS if name in wanted][1:])  # a node has one kind of child level
    values = {name: _value(draw, child, kind, depth) for name, child in shape.items() if name in wanted}
    return {name: value for name, value in values.items() if value not in ({}, [])}


def _value(draw: st.DrawFn, child: Child, kind: Document, depth: int) -> Any:
    if child.many:
        some = [_one(draw, child, kind, depth) for _ in range(draw(st.integers(1, 2)))]
        return [value for value in some if value != {}]
    return _one(draw, child, kind, depth)


def _one(draw: st.DrawFn, child: Child, kind: Document, depth: int) -> Any:
    if child.model is not None:
        return _group(draw, child.model, kind, depth + 1)
    if child.codes is not None:
        return draw(st.sampled_from(sorted(child.codes)))
    return draw(
        {
            "number": NUMBERS,
            "whole": st.integers(-9999, 9999),
            "date": st.dates().map(str),
            "time": st.times().map(lambda time: time.isoformat()[:8]),
        }.get(child.kind, TEXTS)
    )
