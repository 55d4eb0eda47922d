"""Keeping partner packs: every version with who made it, partners set up and switched, aliases learned beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from connector import errors
from connector.ledger import State
from connector.rules.checks import RULES
from connector.usecases.arrivals import resume, resume_held
from connector.usecases.summaries import differences
from connector.usecases.world import ALIASES, alias_name, category_name, live_name, pack_name

if TYPE_CHECKING:
    from connector.ledger import DocumentKey
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


def introduced(world: World, pack: PartnerPack) -> PartnerPack:
    """The pack as somebody hands it in; of a new partner in shadow mode, unless it says otherwise."""
    world.forget_packs()
    if "mode" in pack.model_fields_set or pack.trading_partner_id in world.packs():
        return pack
    return pack.model_copy(update={"mode": "shadow"})


def set_up_partner(world: World, pack: PartnerPack, *, who: str = "") -> int:
    """Store a partner pack and resume what waited for it, or was stopped by a rule; how many documents that was."""
    partner = pack.trading_partner_id
    stopped = resume_held(world, partner, RULES) if store(world, pack, who=who) else 0
    resumed = resume(world, pack_name(world.id, partner)) + resume(world, category_name(world.id, partner))
    return stopped + resumed + (resume(world, live_name(world.id, partner)) if pack.mode == "live" else 0)


def switch(
    world: World, partner: str, mode: Literal["live", "shadow"], *, since: str = "", who: str
) -> dict[str, int]:
    """Set a partner live or to shadow: `{"resumed": n, "skipped": n}`.

    Going live sends what was held, except what came before `since` (an ISO date), which ends skipped: it was
    done elsewhere while the partner ran in shadow. Other workers follow within a minute.
    """
    pack = world.pack(partner)
    waited = live_name(world.id, partner)
    skipped: set[DocumentKey] = set()
    if mode == "live" and since:
        for key in world.ledger.waiting_for(waited):
            record = world.ledger.get(key)
            if record is not None and record.waits_for == waited and record.created < since:
                ended = record.step(
                    "skipped",
                    now=world.clock.now(),
                    who=who,
                    to=State.SKIPPED,
                    note=f"came before {since}, from when this partner is live",
                    reason={},
                    waits_for="",
                )
                if world.ledger.save(ended, record.version) is None:
                    skipped.add(key)
    store(world, pack.model_copy(update={"mode": mode}), who=who)
    resumed = resume(world, waited, but=skipped) if mode == "live" else 0
    world.report("partner switched", partner=partner, what=mode, count=resumed)
    return {"resumed": resumed, "skipped": len(skipped)}


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
