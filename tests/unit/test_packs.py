"""Partner packs: read with every mistake in its line, kept with their history, and aliases learned beside them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import partners
from cli.main import app
from connector import errors
from connector.ledger import State
from connector.mapping.order_lines import extended_amount
from connector.rules.packs import PartnerPack, read_pack
from connector.rules.toml import pack_text
from connector.usecases import packs
from connector.usecases.packs import set_up_partner, switch
from tests import outbound as documents
from tests.fakes import FakeWorld
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER

FULL = f"""
mode = "live"
trading_partner_id = "{PARTNER}"
name = "Prairie \\"Best\\" Outfitters"

[freshbooks]
client_ids = [12345]
currency = "CAD"

[orders]
target = "record_only"
total_tolerance = 0.05

[tolerances]
price = 1.5

[deadlines.asn]
hours = 24
penalty = 150

[rules]
zero_line = "error"

[required]
invoice = ["Header.InvoiceHeader.Department", "LineItem.InvoiceLine.GTIN"]

[addresses.ST]
AddressName = "Dépôt 12"

[aliases]
"Widget, blue" = "V-1"

[prices_per]
CA = 12

[uom.CA]
EA = 12
"""


def mistake(text: str) -> errors.BadUse:
    with pytest.raises(errors.BadUse) as caught:
        read_pack(text)
    assert caught.value.code == "pack_invalid"
    return caught.value


# --- reading and writing ------------------------------------------------------------------------------


def test_a_pack_written_and_read_again_is_the_same() -> None:
    pack = read_pack(FULL)
    assert (pack.tolerances.price, pack.uom["CA"]["EA"]) == (Decimal("1.5"), 12)
    text = pack_text(pack)
    assert read_pack(text) == pack
    assert pack_text(read_pack(text)) == text
    assert tomllib.loads(text)["addresses"]["ST"]["AddressName"] == "Dépôt 12"


def test_every_mistake_is_told_at_once_with_its_line_and_a_guess() -> None:
    text = f'trading_partner_id = "{PARTNER}"\n[orders]\ntraget = "bill"\ndue_days = -1\n\n[invoicse]\nsend = true\n'
    error = mistake(text)
    assert error.place == "line 3: orders.traget"
    assert "did you mean target?" in error.message
    assert "line 4: orders.due_days: must be greater than or equal to 0" in error.message
    assert "line 6: invoicse: there is no such setting, did you mean invoices?" in error.message


@pytest.mark.parametrize(
    ("setting", "place", "words"),
    [
        ('[orders]\ntarget = "bil"', "line 3: orders.target", "must be 'bill', 'invoice_draft'"),
        ('[rules]\nprice_differ = "off"', "line 3: rules.price_differ", "did you mean price_differs?"),
        ('[rules]\ntotal_differs = "off"', "line 3: rules.total_differs", "firm"),
        ('[taxes]\n"State tax" = "QQ"', "line 3: taxes.State tax", "no TaxTypeCode"),
        ('charges.Freight = "NOPE"', "line 2: charges.Freight", "no AllowChrgCode"),
        ("[uom.CA]\nEA = 0", "line 3: uom.CA.EA", "more than 0"),
        ('[invoices]\nnumber_pattern = "["', "line 3: invoices.number_pattern", "regular expression"),
        ("[addresses.XX]\nCity = 'A'", "line 2: addresses.XX", "no AddressTypeCode"),
        ("[tolerances]\nprice = -1", "line 3: tolerances.price", "negative"),
    ],
)
def test_what_would_only_show_when_a_document_is_mapped_is_told_too(
    setting: str, place: str, words: str
) -> None:
    error = mistake(f'trading_partner_id = "{PARTNER}"\n{setting}\n')
    assert error.place == place
    assert words in error.message


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert "line 2" in mistake('name = "A"\n= broken').message
    assert mistake("name = 'A'").message == "is missing"


# --- history ------------------------------------------------------------------------------------------


def test_every_version_of_a_pack_says_who_changed_what() -> None:
    fake = FakeWorld()
    first = PartnerPack(trading_partner_id=PARTNER, name="Prairie")
    set_up_partner(fake.world, first, who="Ana")
    set_up_partner(fake.world, first, who="Ben")
    set_up_partner(fake.world, first.model_copy(update={"format": "xml"}), who="Ben")
    switch(fake.world, PARTNER, "shadow", who="Cleo")
    packs.remove(fake.world, PARTNER, who="Dora")
    told = packs.history(fake.world, PARTNER)
    assert [(one["who"], one["what"], [each["field"] for each in one["changes"]]) for one in told] == [
        ("Ana", "stored", ["trading_partner_id", "name"]),
        ("Ben", "stored", ["format"]),
        ("Cleo", "stored", ["mode"]),
        ("Dora", "removed", ["trading_partner_id", "name", "mode", "format"]),
    ]
    assert told[1]["changes"] == [{"field": "format", "sent": None, "now": "xml"}]
    assert fake.world.packs() == {}
    set_up_partner(fake.world, PartnerPack.model_validate(told[0]["pack"]), who="Dora")
    assert fake.world.packs()[PARTNER] == first


def test_what_a_rule_stopped_goes_on_when_the_pack_is_set_right() -> None:
    fake = outbound.world(rules={"zero_line": "error"}, required={"invoice": ["Header.InvoiceHeader.Vendor"]})
    outbound.told(fake)
    assert outbound.stored(fake).reason["code"] == "required_missing"
    right = PartnerPack(trading_partner_id=PARTNER, name="Example Retail", header={"Vendor": "VEND6174"})
    assert set_up_partner(fake.world, right, who="Ana") == 1
    assert set_up_partner(fake.world, right, who="Ana") == 0
    outbound.drain(fake)
    assert outbound.stored(fake).state is State.DELIVERED


# --- aliases ------------------------------------------------------------------------------------------


def held_for_its_name() -> FakeWorld:
    """An invoice for the order's V-1, under a name, a quantity and a price that are nobody's."""
    fake = outbound.world(tolerances={"price": "50"})
    [line] = outbound.invoice()["lines"]
    odd = {**line, "name": "Blue bowl", "description": "", "qty": "20"}
    odd |= {"unit_cost": {"amount": "2.60", "code": "USD"}, "amount": {"amount": "52.00", "code": "USD"}}
    total = {"amount": "52.00", "code": "USD"}
    fake.freshbooks.invoices[987654] = outbound.invoice(lines=[odd], amount=total)
    outbound.told(fake)
    assert outbound.stored(fake).reason["code"] == "line_not_on_order"
    return fake


def test_what_a_person_says_of_a_line_is_learned_and_the_document_goes_by_itself() -> None:
    fake = held_for_its_name()
    assert packs.learn_alias(fake.world, PARTNER, " blue  BOWL ", "V-1", who="clerk") == 1
    outbound.drain(fake)
    assert outbound.stored(fake).state is State.DELIVERED
    [document] = outbound.sent(fake)
    assert document["LineItem"][0]["InvoiceLine"]["BuyerPartNumber"] == "B-1"
    [learned] = packs.learned_aliases(fake.world, PARTNER)
    assert (learned["part"], learned["who"]) == ("V-1", "clerk")


def test_a_match_by_price_can_wait_for_a_person_whose_word_is_then_learned() -> None:
    fake = outbound.world(rules={"matched_by_price": "error"})
    [line] = outbound.invoice()["lines"]
    nameless = [{**line, "name": "Blue bowl", "description": ""}]
    fake.freshbooks.invoices[987654] = outbound.invoice(lines=nameless)
    outbound.told(fake)
    held = outbound.stored(fake)
    assert (held.state, held.reason["code"]) == (State.HELD, "matched_by_price")
    assert "V-1" in held.reason["message"]
    packs.learn_alias(fake.world, PARTNER, "Blue bowl", "V-1", who="clerk")
    outbound.drain(fake)
    assert outbound.stored(fake).state is State.DELIVERED


def test_an_alias_can_be_forgotten() -> None:
    fake = held_for_its_name()
    packs.learn_alias(fake.world, PARTNER, "Blue bowl", "V-1", who="clerk")
    packs.forget_alias(fake.world, PARTNER, "blue bowl", who="clerk")
    outbound.drain(fake)
    assert outbound.stored(fake).reason["code"] == "line_not_on_order"
    with pytest.raises(errors.BadUse):
        packs.forget_alias(fake.world, PARTNER, "blue bowl", who="clerk")


def test_learned_aliases_are_exported_and_not_made_the_packs_own() -> None:
    fake = held_for_its_name()
    packs.learn_alias(fake.world, PARTNER, "Blue bowl", "V-1", who="clerk")
    text = pack_text(fake.world.packs()[PARTNER])
    assert '[aliases]\n"Blue bowl" = "V-1"' in text
    set_up_partner(fake.world, read_pack(text), who="Ana")
    packs.forget_alias(fake.world, PARTNER, "Blue bowl", who="clerk")
    assert fake.world.packs()[PARTNER].aliases == {}


def test_an_alias_of_one_partner_is_nobody_elses() -> None:
    fake = held_for_its_name()
    fake.set_up(PartnerPack(trading_partner_id="OTHER"))
    packs.learn_alias(fake.world, "OTHER", "Blue bowl", "V-1", who="clerk")
    outbound.drain(fake)
    assert outbound.stored(fake).state is State.HELD
    with pytest.raises(errors.Waiting):
        packs.learn_alias(fake.world, "NOBODY", "Blue bowl", "V-1", who="clerk")


def test_the_packs_own_word_on_a_name_is_not_overruled() -> None:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, aliases={"Blue bowl": "V-2"}))
    with pytest.raises(errors.BadUse, match="another part"):
        packs.learn_alias(fake.world, PARTNER, "blue bowl", "V-1", who="clerk")


@pytest.mark.parametrize(("rounding", "amount"), [("half_up", "0.13"), ("half_even", "0.12")])
def test_the_pack_says_how_an_order_line_is_rounded(rounding: str, amount: str) -> None:
    pack = PartnerPack.model_validate({"trading_partner_id": PARTNER, "rounding": rounding})
    item = documents.order(documents.order_line("1", 0.5, 0.25)).LineItem[0]  # 0.125
    assert extended_amount(item, pack) == Decimal(amount)


def test_the_pack_says_by_what_lines_are_matched() -> None:
    fake = outbound.world(match=["sku"])
    [line] = outbound.invoice()["lines"]
    fake.freshbooks.invoices[987654] = outbound.invoice(lines=[{**line, "name": "Bowl for V-1"}])
    outbound.told(fake)
    assert outbound.stored(fake).reason["code"] == "line_not_on_order"


# --- the commands -------------------------------------------------------------------------------------


class StackOf:
    def __init__(self, fake: FakeWorld) -> None:
        self.fake = fake

    def __call__(self, name: str) -> StackOf:
        return self

    def world(self, connection: str) -> Any:
        assert connection == "acme"
        return self.fake.world


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeWorld:
    world = FakeWorld()
    monkeypatch.setattr(partners, "Stack", StackOf(world))
    monkeypatch.chdir(tmp_path)
    return world


def run(*arguments: str) -> tuple[int, Any]:
    ran = CliRunner().invoke(app, ["partners", *arguments])
    try:
        return ran.exit_code, json.loads(ran.stdout)
    except ValueError:
        return ran.exit_code, ran.stdout


def test_packs_go_in_and_come_out_the_same(fake: FakeWorld, tmp_path: Path) -> None:
    (tmp_path / "in.toml").write_text(FULL)
    assert run("import", "acme", "in.toml", "--who", "Ana", "--json") == (0, {"partners": {PARTNER: 0}})
    assert run("export", "acme", "--to", "out", "--json") == (0, {"files": [f"out/{PARTNER}.toml"]})
    assert read_pack((tmp_path / f"out/{PARTNER}.toml").read_text()) == read_pack(FULL)
    code, told = run("history", "acme", PARTNER, "--json")
    assert (code, [one["who"] for one in told["versions"]]) == (0, ["Ana"])
    assert read_pack(str(run("history", "acme", PARTNER, "--version", "1")[1])) == read_pack(FULL)
    assert run("remove", "acme", PARTNER, "--yes", "--json") == (0, {"removed": PARTNER})
    assert run("list", "acme", "--json") == (0, {"partners": []})


def test_of_several_packs_none_is_stored_where_one_is_wrong(fake: FakeWorld, tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(FULL)
    (tmp_path / "bad.toml").write_text("nmae = 1")
    assert run("import", "acme", "good.toml", "bad.toml")[0] == 2
    assert fake.world.packs() == {}


def test_aliases_by_command(fake: FakeWorld) -> None:
    fake.set_up(PartnerPack(trading_partner_id=PARTNER))
    told = {"name": "Blue bowl", "part": "V-1", "resumed": 0}
    assert run("alias", "acme", PARTNER, "Blue bowl", "V-1", "--json") == (0, told)
    code, shown = run("show", "acme", PARTNER, "--json")
    assert (code, shown["pack"]["aliases"], shown["learned"][0]["name"]) == (
        0,
        {"Blue bowl": "V-1"},
        "Blue bowl",
    )
    assert run("alias", "acme", PARTNER, "Blue bowl", "--forget", "--json") == (0, {"forgotten": "Blue bowl"})
    assert run("alias", "acme", PARTNER, "Blue bowl")[0] == 2
    assert run("show", "acme", "NOBODY")[0] == 2


def test_the_schema_knows_every_setting() -> None:
    code, schema = run("schema")
    assert code == 0
    assert isinstance(schema, Mapping)
    assert set(schema["properties"]) == set(PartnerPack.model_fields)
