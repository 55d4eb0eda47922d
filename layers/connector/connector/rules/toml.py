"""Partner packs written as TOML, as `read_pack` reads them: what is at its default is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack


def pack_text(pack: PartnerPack) -> str:
    """The pack as a TOML text; reading it again gives the same pack."""
    values = pack.model_dump(mode="json", exclude_defaults=True)
    return "\n".join(_table(values, ())) + "\n"


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {
        name: value for name, value in values.items() if not isinstance(value, Mapping) and value is not None
    }
    inner = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    if path and (plain or not inner):
        yield f"\n[{'.'.join(_key(part) for part in path)}]"
    for name, value in plain.items():
        yield f"{_key(name)} = {_value(value)}"
    for name, value in inner.items():
        yield from _table(value, (*path, name))


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    """A JSON text is TOML for text, numbers, booleans and lists of them; DEL is the one letter it lets through."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
