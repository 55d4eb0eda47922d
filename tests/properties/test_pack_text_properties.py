"""A partner pack written as TOML and read again is the same pack, whatever words are in it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import errors
from connector.rules.packs import PartnerPack, Tolerances, read_pack
from connector.rules.toml import pack_text

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
packs = st.builds(
    PartnerPack,
    trading_partner_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15),
    name=words,
    mode=st.sampled_from(["live", "shadow"]),
    header=st.dictionaries(names, words, max_size=3),
    addresses=st.dictionaries(
        st.sampled_from(["BT", "RI", "SF", "ST", "VN"]), st.dictionaries(names, words, max_size=3), max_size=3
    ),
    aliases=st.dictionaries(names, words, max_size=3),
    charges=st.dictionaries(names, st.sampled_from(["D240", "C310"]), max_size=3),
    prices_per=st.dictionaries(names, st.decimals(1, 1000, places=2), max_size=3),
    uom=st.dictionaries(
        names, st.dictionaries(names, st.decimals(1, 1000, places=2), max_size=2), max_size=2
    ),
)


@given(packs)
def test_writing_and_reading_a_pack_changes_nothing(pack: PartnerPack) -> None:
    assert read_pack(pack_text(pack)) == pack


@given(packs)
def test_writing_is_stable(pack: PartnerPack) -> None:
    assert pack_text(read_pack(pack_text(pack))) == pack_text(pack)


@given(packs)
def test_what_is_wrong_is_said_with_its_line_whatever_stands_above_it(pack: PartnerPack) -> None:
    written = pack_text(pack.model_copy(update={"tolerances": Tolerances(quantity=Decimal(7))}))
    wrong = written.replace('quantity = "7"', 'quantity = "many"').replace(
        "quantity = 7", 'quantity = "many"'
    )
    with pytest.raises(errors.BadUse) as told:
        read_pack(wrong)
    line = wrong.splitlines().index('quantity = "many"') + 1
    assert told.value.place == f"line {line}: tolerances.quantity"
