"""The readable page of an evidence pack: plain HTML that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from connector.usecases.summaries import state_words

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid currentColor; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8886; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .85em; overflow-wrap: anywhere; }
.broken { color: #c00; font-weight: 600; }
@media print { body { max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def page(index: Mapping[str, Any]) -> str:
    """The page of an index as `evidence.evidence` makes it."""
    title = f"Purchase order {index['purchase_order']}"
    whose = " ".join(part for part in (index["partner_name"], f"({index['partner']})") if part)
    money = index["currency"]
    intact = (
        "Every history's hash chain holds: no line was changed or taken out after it was written."
        if index["histories_intact"]
        else '<span class="broken">A history was changed after it was written; see below.</span>'
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f"<p>{escape(whose)} · ordered {escape(index['ordered'])} {escape(money)}"
            f" · invoiced {escape(index['invoiced'])} {escape(money)} · as of {_instant(index['as_of'])}</p>",
            f"<p>{intact}</p>",
            _lines(index["lines"]),
            _overview(index["documents"]),
            *(_document(document) for document in index["documents"]),
            '<p>The digests of all files are in <a href="index.json">index.json</a>.</p>',
            "</body></html>\n",
        ]
    )


def _lines(lines: list[Mapping[str, str]]) -> str:
    if not lines:
        return "<p>The order itself is no longer in the archive.</p>"
    numbers = {"price", "ordered", "shipped", "invoiced"}
    columns = ("line", "part", "description", "uom", "price", "ordered", "shipped", "invoiced")
    return _table("What was ordered, and what became of it", columns, lines, numbers)


def _overview(documents: list[Mapping[str, Any]]) -> str:
    rows = [
        {
            "document": f"{_words(one['type'])} {one['number']}",
            "way": "received" if one["direction"] == "in" else "sent",
            "state": state_words(one["state"]),
            "revision": str(one["revision"]),
            "date": one["date"],
            "amount": f"{one['amount']} {one['currency']}" if one["amount"] else "",
        }
        for one in documents
    ]
    return _table("Its documents", tuple(rows[0]), rows, {"amount", "revision"})


def _document(one: Mapping[str, Any]) -> str:
    chain = (
        f"The hash chain of its history holds, up to <code>{escape(one['last_hash'])}</code>."
        if one["history_intact"]
        else f'<span class="broken">Its history was changed at line {one["history_broken_at"]}.</span>'
    )
    parts = [f"<h2>{escape(_words(one['type']))} {escape(one['number'])}</h2>", f"<p>{chain}</p>"]
    if one["at_the_target"]:
        parts.append(f"<p>At the target: <code>{escape(one['at_the_target'])}</code></p>")
    if one["reason"]:
        parts.append(
            f"<p>{escape(one['reason'].get('message', ''))} {escape(one['reason'].get('fix', ''))}</p>"
        )
    timeline = [
        {**event, "at": _instant(event["at"]), "state": state_words(event["state"])}
        for event in one["timeline"]
    ]
    parts.append(_table("Timeline (UTC)", ("at", "what", "state", "who", "note"), timeline))
    parts.append(_files(one["payloads"]))
    return "\n".join(parts)


def _files(payloads: list[Mapping[str, Any]]) -> str:
    rows = []
    for one in payloads:
        named = f"revision {one['revision']}, {_words(one['stage'])}"
        link = f'<a href="{quote(one["file"])}">{escape(named)}</a>' if one.get("file") else escape(named)
        digest = f"<code>{escape(one.get('sha256', ''))}</code>"
        rows.append(f"<tr><td>{link}</td><td>{digest}</td><td>{escape(one.get('note', ''))}</td></tr>")
    head = '<tr><th scope="col">file</th><th scope="col">SHA-256</th><th scope="col">note</th></tr>'
    return f"<table><caption>Its contents</caption>{head}{''.join(rows)}</table>"


def _table(
    caption: str,
    columns: tuple[str, ...],
    rows: Iterable[Mapping[str, str]],
    numbers: Iterable[str] = (),
) -> str:
    marks = dict.fromkeys(numbers, ' class="number"')
    head = "".join(f'<th scope="col"{marks.get(name, "")}>{escape(_words(name))}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{marks.get(name, '')}>{escape(row[name])}</td>" for name in columns) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _instant(text: str) -> str:
    return escape(text[:19].replace("T", " "))
