"""RSX documents as 7.7 XML: `<Invoices xmlns="..."><Invoice>...`, what `xml_reading` reads back as they were.

XML's element order is the schema's, and the documents come in that order already (`mapping.conform`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

NAMESPACE = "http://www.spscommerce.com/RSX"
# what XML 1.0 cannot hold in any spelling: control characters, lone surrogates, two non-characters
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CARRIAGE_RETURN = {"\r": "&#13;"}  # a bare one would be read as a line feed


def write_xml(documents: Sequence[Mapping[str, Any]], kind: str) -> bytes:
    """The documents, all of one RSX kind ("Invoice"), as one UTF-8 file that ends with a line feed.

    Elements keep the order of the documents, lists become siblings; nothing is written for a null or an empty
    group. Characters that XML cannot hold are left out.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{kind}s xmlns="{NAMESPACE}">']
    for document in documents:
        lines += _element(kind, document, 1)
    return "\n".join([*lines, f"</{kind}s>", ""]).encode()


def _element(name: str, value: Any, depth: int) -> Iterator[str]:
    indent = " " * depth
    if isinstance(value, Mapping):
        inner = [line for child, each in value.items() for line in _element(child, each, depth + 1)]
        if inner:
            yield f"{indent}<{name}>"
            yield from inner
            yield f"{indent}</{name}>"
    elif isinstance(value, list):
        for each in value:
            yield from _element(name, each, depth)
    elif value is not None:
        yield f"{indent}<{name}>{_text(value)}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{Decimal(str(value)):f}"  # RSX decimals have no exponents
    return escape(_UNWRITABLE.sub("", str(value)), _CARRIAGE_RETURN)
