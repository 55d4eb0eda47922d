"""A partner pack written as TOML and read again is the same pack, whatever words are in it."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from connector.console.partners import line_of
from connector.rules.packs import PartnerPack, read_pack
from connector.rules.toml import pack_text

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
packs = st.builds(
    PartnerPack,
    trading_partner_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15),
    name=words,
    mode=st.sampled_from(["live", "shadow"]),
    header=st.dictionaries(names, words, max_size=3),
    addresses=st.dictionaries(names, st.dictionaries(names, words, max_size=3), max_size=3),
    aliases=st.dictionaries(names, words, max_size=3),
    charges=st.dictionaries(names, words, max_size=3),
    prices_per=st.dictionaries(names, st.decimals(0, 1000, places=2), max_size=3),
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


@given(packs, names, names)
def test_looking_for_a_line_never_fails_and_names_one_that_is_there(
    pack: PartnerPack, table: str, name: str
) -> None:
    text = pack_text(pack)
    assert tomllib.loads(text)
    assert 0 <= line_of(text, f"{table}.{name}") <= len(text.splitlines())
