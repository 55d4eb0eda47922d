"""SSCCs for cartons and pallets that came without: made once, kept with their shipment, never used twice.

Serial numbers are taken in blocks, each a note that only one worker can write. The blocks form a chain: a block
says where the next one begins, so losing the hint where to start looking costs a walk and never a number twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.gs1 import make_sscc, serials

if TYPE_CHECKING:
    from connector.documents.upload import Carton, Pallet, Upload
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World


def label(world: World, upload: Upload, pack: PartnerPack, *, keep: bool = True) -> Upload:
    """The upload with an SSCC on every carton and pallet, as far as there is a company prefix to make it of.

    What was made for a carton of this shipment before is found by its name, or place, and given again. The caller
    holds the shipment's lease; without `keep` nothing is written, and new ones are only what they might be.
    """
    prefix = pack.asn.gs1_prefix or world.connection.profile.gs1_prefix
    name = f"{pack.trading_partner_id}/{upload.shipment_id}"
    known: dict[str, Any] = (world.notes.read(world.id, "sscc", name) or {}).get("made", {})
    wanted = _unlabelled(upload, known)
    if wanted and prefix and pack.asn.structure != "items":
        series = f"{pack.asn.extension}{prefix}"
        first = take_serials(world, series, len(wanted), name, keep=keep)
        known = {**known, **_made(wanted, prefix, pack.asn.extension, first)}
        if keep:
            world.notes.write(world.id, "sscc", name, {"made": known})
    return _labelled(upload, known)


def example_labels(upload: Upload, pack: PartnerPack) -> Upload:
    """The upload with SSCCs as they might be, for trying a mapping where nobody knows which are used already."""
    wanted = _unlabelled(upload, {})
    if not wanted or not pack.asn.gs1_prefix or pack.asn.structure == "items":
        return upload
    return _labelled(upload, _made(wanted, pack.asn.gs1_prefix, pack.asn.extension, 0))


def take_serials(world: World, series: str, count: int, purpose: str, *, keep: bool = True) -> int:
    """The first of `count` serial numbers in a row that nobody has had; NotConfigured where they have run out."""
    topic, hint = f"sscc-blocks/{series}", "next"
    start = int((world.notes.read(world.id, f"{topic}/hint", hint) or {}).get("serial", 0))
    while True:
        if start + count > serials(series[1:]):
            raise errors.NotConfigured(
                f"the SSCCs of company prefix {series[1:]} with extension digit {series[0]} are used up",
                code="ssccs_used_up",
                fix="set another asn.extension in the partner pack",
            )
        taken = world.notes.read(world.id, topic, str(start))
        if taken is None:
            block: dict[str, Any] = {"next": start + count, "for": purpose}
            if not keep:
                return start
            if world.notes.write_new(world.id, topic, str(start), block):
                world.notes.write(world.id, f"{topic}/hint", hint, {"serial": start + count})
                return start
            taken = world.notes.read(world.id, topic, str(start)) or block
        start = int(taken["next"])


def _unlabelled(upload: Upload, known: Mapping[str, str]) -> list[str]:
    return [mark for mark, parcel in _marks(upload).items() if not parcel.sscc and mark not in known]


def _made(wanted: list[str], prefix: str, extension: str, first: int) -> dict[str, str]:
    return {mark: make_sscc(prefix, first + n, extension) for n, mark in enumerate(wanted)}


def _marks(upload: Upload) -> dict[str, Carton | Pallet]:
    """Every carton and pallet by what it is called: the shipper's name, else its place."""
    marks: dict[str, Carton | Pallet] = {}
    for n, carton in enumerate(upload.all_cartons(), 1):
        marks[f"carton {carton.carton or f'#{n}'}"] = carton
    for n, pallet in enumerate(upload.pallets, 1):
        marks[f"pallet {pallet.pallet or f'#{n}'}"] = pallet
    return marks


def _labelled(upload: Upload, known: dict[str, Any]) -> Upload:
    ssccs = {id(p): p.sscc or known.get(mark, "") for mark, p in _marks(upload).items()}

    def carton(each: Carton) -> Carton:
        return each.model_copy(update={"sscc": ssccs[id(each)]})

    pallets = tuple(
        pallet.model_copy(update={"sscc": ssccs[id(pallet)], "cartons": tuple(map(carton, pallet.cartons))})
        for pallet in upload.pallets
    )
    return upload.model_copy(update={"pallets": pallets, "cartons": tuple(map(carton, upload.cartons))})
