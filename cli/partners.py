"""`connector partners`: the settings of trading partners, as files under version control and in a stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import partner_cases
from cli.offline import read_pack_file
from cli.output import JsonOption, console, counted, guarded, show_json
from cli.stack import DEFAULT_STACK, Stack, StackOption, person
from cli.switching import live, pack_named, shadow
from connector import errors
from connector.rules.packs import PartnerPack
from connector.rules.toml import pack_text
from connector.usecases import packs as keeping

app = typer.Typer(
    help="Partner packs: the settings of one trading partner.", no_args_is_help=True, add_completion=False
)
ConnectionArgument = Annotated[str, typer.Argument(metavar="CONNECTION")]
PartnerArgument = Annotated[str, typer.Argument(metavar="PARTNER", help="The TradingPartnerId.")]
WhoOption = Annotated[str, typer.Option("--who", help="Who does it, for the history.", show_default="you")]


@app.command("import")
@guarded
def import_(
    connection: ConnectionArgument,
    packs: Annotated[list[Path], typer.Argument(metavar="PACK.toml...")],
    who: WhoOption = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Store partner packs, all of them or none; documents that waited for their partner go on by themselves.

    A new partner starts in shadow mode unless its pack says otherwise: nothing is sent until `partners live`.
    """
    world = Stack(stack).world(connection)
    read = [keeping.introduced(world, pack) for pack in [read_pack_file(str(path)) for path in packs]]
    resumed = {
        pack.trading_partner_id: keeping.set_up_partner(world, pack, who=who or person()) for pack in read
    }
    if as_json:
        show_json({"partners": resumed})
        return
    for pack in read:
        count = resumed[pack.trading_partner_id]
        console.print(
            f"{pack.trading_partner_id} is set up"
            + (", in shadow mode: nothing is sent" if pack.mode == "shadow" else "")
            + (f"; {count} waiting documents go on" if count else "")
        )


@app.command("list")
@guarded
def list_(
    connection: ConnectionArgument, stack: StackOption = DEFAULT_STACK, as_json: JsonOption = False
) -> None:
    """The partner packs of a connection."""
    packs = Stack(stack).world(connection).packs()
    if as_json:
        show_json({"partners": [_values(pack) for pack in packs.values()]})
        return
    table = Table(
        "partner",
        "name",
        "mode",
        "orders become",
        "sends invoices",
        "ASN",
        "sends bills",
        "shipments adjust bills",
    )
    for partner, pack in packs.items():
        flags = (pack.invoices.send, pack.invoices.asn, pack.bills.send, pack.shipments.adjust_bill)
        words = ("yes" if flag else "no" for flag in flags)
        table.add_row(partner, pack.name, pack.mode, pack.orders.target, *words)
    console.print(table if packs else f"No partner yet: `connector partners import {connection} PACK.toml`.")


@app.command("show")
@guarded
def show(
    connection: ConnectionArgument,
    partner: PartnerArgument,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """One partner's settings as TOML, and the aliases that were learned."""
    world = Stack(stack).world(connection)
    pack = pack_named(world.packs(), connection, partner)
    learned = keeping.learned_aliases(world, partner)
    if as_json:
        show_json({"pack": _values(pack), "learned": learned})
        return
    console.print(pack_text(pack), highlight=False, soft_wrap=True, end="")
    for one in learned:
        console.print(f"# learned: {one['name']!r} is {one['part']!r} ({one['who']}, {one['at'][:10]})")


@app.command("export")
@guarded
def export(
    connection: ConnectionArgument,
    partner: Annotated[str, typer.Argument(metavar="[PARTNER]", help="One; else all.")] = "",
    folder: Annotated[Path, typer.Option("--to", help="Where the files go, named PARTNER.toml.")] = Path(),
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Write packs to TOML files; importing them again gives the same packs. Learned aliases are among its aliases."""
    packs = Stack(stack).world(connection).packs()
    chosen = {partner: pack_named(packs, connection, partner)} if partner else packs
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for pack in chosen.values():
        path = folder / f"{pack.trading_partner_id}.toml"
        path.write_text(pack_text(pack), encoding="utf-8")
        written.append(str(path))
    if as_json:
        show_json({"files": written})
    else:
        console.print("\n".join(written) or "No partner yet.", soft_wrap=True)


@app.command("remove")
@guarded
def remove(
    connection: ConnectionArgument,
    partner: PartnerArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    who: WhoOption = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Take a partner's pack away: its documents are then held until it is set up again. Its history stays."""
    world = Stack(stack).world(connection)
    pack_named(world.packs(), connection, partner)
    if not yes:
        typer.confirm(f"Take the pack of {partner} away?", abort=True)
    keeping.remove(world, partner, who=who or person())
    show_json({"removed": partner}) if as_json else console.print(f"{partner} is removed")


@app.command("history")
@guarded
def history(
    connection: ConnectionArgument,
    partner: PartnerArgument,
    version: Annotated[int, typer.Option("--version", min=0, help="Print this version as TOML.")] = 0,
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Every version of a partner's pack: when, by whom, what changed."""
    world = Stack(stack).world(connection)
    versions = keeping.history(world, partner)
    if not versions:
        pack_named(world.packs(), connection, partner)
    if version:
        if version > len(versions) or versions[version - 1]["pack"] is None:
            raise errors.BadUse(f"there is no version {version} of {partner}", code="no_such_version")
        print(pack_text(PartnerPack.model_validate(versions[version - 1]["pack"])), end="")
        return
    if as_json:
        show_json({"versions": versions})
        return
    table = Table("#", "when (UTC)", "who", "what changed")
    for n, one in enumerate(versions, 1):
        changes = [
            f"{each['field']}: {_short(each['sent'])} -> {_short(each['now'])}" for each in one["changes"]
        ]
        table.add_row(str(n), one["at"][:19], one["who"], "\n".join([one["what"], *changes]))
    console.print(table if versions else f"Nothing has changed since {partner} was set up.")


@app.command("alias")
@guarded
def alias(
    connection: ConnectionArgument,
    partner: PartnerArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The line's name in FreshBooks.")],
    part: Annotated[
        str, typer.Argument(metavar="[PART]", help="The order's vendor or buyer part number.")
    ] = "",
    forget: Annotated[bool, typer.Option("--forget", help="Unlearn it.")] = False,
    who: WhoOption = "",
    stack: StackOption = DEFAULT_STACK,
    as_json: JsonOption = False,
) -> None:
    """Say which article a FreshBooks line name is; documents that were held for it go on by themselves."""
    if bool(part) == forget:
        raise errors.BadUse("give the part number, or --forget", code="bad_use")
    world = Stack(stack).world(connection)
    if forget:
        keeping.forget_alias(world, partner, name, who=who or person())
        show_json({"forgotten": name}) if as_json else console.print(f"{name!r} is forgotten")
        return
    resumed = keeping.learn_alias(world, partner, name, part, who=who or person())
    if as_json:
        show_json({"name": name, "part": part, "resumed": resumed})
    else:
        more = f"; {counted(resumed, 'held document')} mapped again" if resumed else ""
        console.print(f"{name!r} is {part!r}{more}")


app.command("test")(partner_cases.run_cases)
app.command("live")(live)
app.command("shadow")(shadow)


@app.command("schema")
@guarded
def schema() -> None:
    """The JSON Schema of a partner pack, for editors that check TOML."""
    print(json.dumps(PartnerPack.model_json_schema(), indent=2))


def _values(pack: PartnerPack) -> dict[str, Any]:
    return pack.model_dump(mode="json", exclude_defaults=True)


def _short(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)[:60]
