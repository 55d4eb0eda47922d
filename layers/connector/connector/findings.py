"""What a mapping or a check noticed, in words for a finance clerk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["info", "warning", "error"]
_LAST_STEP = re.compile(r"(\.?[^.\[]+|\[\d+\])$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a document. `error` blocks sending, `warning` and `info` do not.

    `code` is stable (`total_differs`), `place` a path in the source (`LineItem[2].OrderLine.OrderQty`),
    `message` one plain sentence, `fix` what a person can do about it.
    """

    code: str
    severity: Severity
    message: str
    place: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one produced field came from: source paths, and the rule that made it of them."""

    paths: tuple[str, ...]
    rule: str


Trace = dict[str, Source]


@dataclass(slots=True)
class Mapped:
    """What a mapping produced: the document as the target's own plain JSON values, and the findings."""

    document: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)

    @property
    def blocked(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def as_json(findings: Sequence[Finding]) -> list[Mapping[str, str]]:
    """The findings as plain dicts without empty fields, as kept in the ledger and shown by `--json`."""
    names = ("code", "severity", "message", "place", "fix")
    return [
        {name: getattr(finding, name) for name in names if getattr(finding, name)} for finding in findings
    ]


def explained(document: Any, trace: Trace) -> Iterator[tuple[str, Any, Source]]:
    """Every value of a produced document with its source: its own, or that of the group it is in."""
    for path, value in _leaves(document, ""):
        group = path
        while group not in trace and group:
            group = _LAST_STEP.sub("", group)
        yield path, value, trace.get(group, Source((), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{n}]")
    else:
        yield path, value
