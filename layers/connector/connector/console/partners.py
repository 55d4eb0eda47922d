"""The console's routes about trading partners: packs as TOML, checked and rehearsed before they are saved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.ledger import State
from connector.rules.packs import PartnerPack, read_pack
from connector.rules.toml import pack_text
from connector.usecases import packs
from connector.usecases.rehearsing import archived, rehearse

if TYPE_CHECKING:
    from connector.console.routes import Request

LAST = 100
MOST = 500


def _partners(request: Request) -> Any:
    world = request.world()
    world.forget_packs()
    counts = {
        name: sum(1 for _ in world.ledger.waiting_for(f"{world.id}/live/{name}")) for name in world.packs()
    }
    return {
        "partners": [
            {
                "id": name,
                "name": pack.name,
                "mode": pack.mode,
                "held": counts[name],
                "target": pack.orders.target,
                "invoices": pack.invoices.send,
                "toml": pack_text(pack),
            }
            for name, pack in world.packs().items()
        ],
        "unknown": _unknown(world),
    }


def _unknown(world: Any) -> list[str]:
    """Partners whose documents wait because nobody has set them up."""
    held = world.ledger.in_states(world.id, "in", {State.HELD})
    return sorted({r.key.partner for r in held if r.reason.get("code") == "partner_not_set_up"})


def _read(request: Request) -> PartnerPack:
    """The pack in the request; BadUse says in which line a mistake is."""
    return read_pack(request.text("toml", needed=True))


def _check(request: Request) -> Any:
    pack = _read(request)
    return {"partner": pack.trading_partner_id, "toml": pack_text(pack)}


def _save(request: Request) -> Any:
    pack = _read(request)
    named = request.text("partner")
    if named and named != pack.trading_partner_id:
        raise errors.BadUse(
            f"this is the pack of {named}; trading_partner_id names another one",
            code="pack_invalid",
            place="trading_partner_id",
        )
    world = request.world()
    pack = packs.introduced(world, pack)
    return {
        "partner": pack.trading_partner_id,
        "mode": pack.mode,
        "resumed": packs.set_up_partner(world, pack, who=request.person.who),
    }


def _alias(request: Request) -> Any:
    """Teach which article a FreshBooks line name is; what was held for it is mapped again."""
    names = {name: request.text(name, needed=True) for name in ("partner", "name", "part")}
    return {"resumed": packs.learn_alias(request.world(), **names, who=request.person.who)}


def _rehearse(request: Request) -> Any:
    pack = _read(request)
    world = request.world()
    last = request.given.get("last", LAST)
    last = min(last, MOST) if isinstance(last, int) and last > 0 else LAST
    return rehearse(world, pack, archived(world, partner=pack.trading_partner_id, last=last))


def _switch(request: Request) -> Any:
    mode = request.text("mode")
    if mode not in ("live", "shadow"):
        raise errors.BadUse("the mode is live or shadow", code="no_such_mode")
    since = request.text("since")
    if since and not re.fullmatch(r"\d{4}-\d\d-\d\d", since):
        raise errors.BadUse("the date reads YYYY-MM-DD", code="bad_date", place="since")
    world = request.world()
    partner = request.text("partner", needed=True)
    if partner not in world.packs():
        raise errors.BadUse(f"there is no partner {partner[:20]}", code="no_such_partner")
    return packs.switch(world, partner, mode, since=since, who=request.person.who)  # type: ignore[arg-type]


ROUTES = {
    ("GET", "partners"): _partners,
    ("POST", "partner/check"): _check,
    ("PUT", "partner"): _save,
    ("POST", "partner/alias"): _alias,
    ("POST", "partner/rehearse"): _rehearse,
    ("POST", "partner/switch"): _switch,
}
