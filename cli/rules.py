"""`connector rules`: the rules before sending, what each protects from, and how severe it is for a partner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.offline import read_pack_file
from cli.output import JsonOption, console, guarded, show_json, tinted
from connector import errors
from connector.rules.checks import RULES, severity
from connector.rules.packs import PartnerPack
from connector.rules.rule import EVERY, Rule

_COLOURS = {"error": "red", "warning": "yellow", "info": "dim", "off": "dim"}


@guarded
def rules(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Only this rule, by its id.")] = "",
    partner: Annotated[
        str | None, typer.Option("--partner", help="A partner pack (TOML): its severities.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The rules that every document is held to before it is sent to a trading partner."""
    if rule and rule not in RULES:
        raise errors.BadUse(
            f"there is no rule {rule}", code="no_such_rule", fix="`connector rules` lists them"
        )
    pack = None if partner is None else read_pack_file(partner)
    rows = [_row(each, pack) for each in RULES.values() if rule in ("", each.id)]
    if as_json:
        show_json({"rules": rows})
        return
    table = Table("rule", "severity", "of", "what must hold", "protects from", "what to do")
    for row in rows:
        table.add_row(
            row["id"],
            tinted(row["severity"], _COLOURS[row["severity"]], " (firm)" if row["firm"] else ""),
            _documents(row["documents"]),
            row["text"],
            row["protects"],
            row["fix"],
        )
    console.print(table)


def page() -> Iterator[str]:
    """The lines of docs/rules.md."""
    yield "# Rules before sending"
    yield ""
    yield "Every document for a trading partner is held to these rules before it is sent. An *error* parks it, with"
    yield "the reason and the fix; a *warning* and an *info* are noted with it. A partner's pack sets the severity:"
    yield ""
    yield "```toml"
    yield "[rules]"
    yield 'price_differs = "warning"   # error, warning, info or off'
    yield "```"
    yield ""
    yield "*Firm* rules cannot be relaxed: without them nobody can process the document. `connector rules` lists all,"
    yield "`connector rules --partner PACK.toml` with a partner's severities. `python -m cli.rules > docs/rules.md`"
    yield "makes this page of the code."
    yield ""
    yield "| rule | severity | documents | what must hold | protects from | what to do |"
    yield "|---|---|---|---|---|---|"
    for rule in RULES.values():
        firm = ", firm" if rule.firm else ""
        cells = (f"`{rule.id}`", f"{rule.severity}{firm}", _documents(rule.documents))
        yield f"| {' | '.join((*cells, rule.text, rule.protects, rule.fix))} |"


def _row(rule: Rule, pack: PartnerPack | None) -> dict[str, Any]:
    return {
        "id": rule.id,
        "severity": severity(rule, pack),
        "default": rule.severity,
        "firm": rule.firm,
        "documents": list(rule.documents),
        "text": rule.text,
        "protects": rule.protects,
        "fix": rule.fix,
        "settings": list(rule.settings),
    }


def _documents(kinds: tuple[str, ...] | list[str]) -> str:
    return "all" if set(kinds) == set(EVERY) else ", ".join(kinds)


if __name__ == "__main__":
    print("\n".join(page()))
