"""Keeping partner packs: every version with who made it, and the aliases that are learned beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector import errors
from connector.usecases.arrivals import resume_held
from connector.usecases.replaying import differences
from connector.usecases.world import ALIASES, alias_name

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

UNMATCHED = frozenset({"line_not_on_order", "line_ambiguous", "matched_by_price"})


def store(world: World, pack: PartnerPack, *, who: str = "", what: str = "stored") -> bool:
    """Store a pack as its next version; the same pack again is none, and False.

    The history comes first: a crash in between leaves a version that is not in force, never one in force that
    nobody knows of.
    """
    partner = pack.trading_partner_id
    learned = {one["name"]: one["part"] for one in learned_aliases(world, partner)}
    own = {name: part for name, part in pack.aliases.items() if learned.get(name) != part}
    values = pack.model_copy(update={"aliases": own}).model_dump(mode="json", exclude_defaults=True)
    before = world.notes.read(world.id, "pack", partner)
    if before != values:
        _note(world, partner, before, values, who, what)
        world.notes.write(world.id, "pack", partner, values)
    world.forget_packs()
    return before != values


def remove(world: World, partner: str, *, who: str) -> None:
    """Take a pack out of force; its history stays, and importing it again brings it back."""
    _note(world, partner, world.notes.read(world.id, "pack", partner), None, who, "removed")
    world.notes.remove(world.id, "pack", partner)
    world.forget_packs()


def history(world: World, partner: str) -> list[dict[str, Any]]:
    """Every version, oldest first: `{"at", "who", "what", "changes": [{"field", "sent", "now"}], "pack"}`."""
    versions = world.notes.read_all(world.id, _topic(partner))
    return [versions[at] for at in sorted(versions)]


def _note(world: World, partner: str, before: Any, after: Any, who: str, what: str) -> None:
    now = world.clock.now()
    changes = list(differences(before or {}, after or {}))
    version = {"at": now, "who": who, "what": what, "changes": changes, "pack": after}
    world.notes.write(world.id, _topic(partner), now, version)


def _topic(partner: str) -> str:
    return f"pack-history/{partner}"


# --- aliases ------------------------------------------------------------------------------------------


def learn_alias(world: World, partner: str, name: str, part: str, *, who: str) -> int:
    """Remember that FreshBooks' line `name` is the article `part` of this partner's orders.

    How many parked documents with lines that nothing matched go through their mapping again.
    """
    name, part = name.strip(), part.strip()
    if not name or not part:
        raise errors.BadUse("an alias has a name and a part number", code="alias_incomplete")
    own = (world.notes.read(world.id, "pack", partner) or {}).get("aliases", {})
    if any(alias_name(partner, one) == alias_name(partner, name) and own[one] != part for one in own):
        raise errors.BadUse(
            f"the pack of {partner} has another part for {name[:60]!r}", code="alias_in_pack",
            fix="change it under [aliases] in the pack",
        )  # fmt: skip
    world.pack(partner)
    alias = {"partner": partner, "name": name, "part": part, "who": who, "at": world.clock.now()}
    world.notes.write(world.id, ALIASES, alias_name(partner, name), alias)
    world.forget_packs()
    world.report("alias learned", partner=partner)
    return resume_held(world, partner, UNMATCHED)


def forget_alias(world: World, partner: str, name: str, *, who: str) -> None:
    """Unlearn an alias; what was sent with it stays sent."""
    if world.notes.read(world.id, ALIASES, alias_name(partner, name)) is None:
        raise errors.BadUse(
            f"no alias {name[:60]!r} was learned for {partner}", code="no_such_alias",
            fix="those of the pack itself are taken out of its [aliases]",
        )  # fmt: skip
    world.notes.remove(world.id, ALIASES, alias_name(partner, name))
    world.forget_packs()
    world.report("alias forgotten", partner=partner, who=who)


def learned_aliases(world: World, partner: str) -> list[dict[str, Any]]:
    """The aliases that were learned for a partner, by name: `{"name", "part", "who", "at"}`."""
    kept = world.notes.read_all(world.id, ALIASES)
    return [one for _, one in sorted(kept.items()) if one["partner"] == partner]
