"""Every price basis, what a charge or tax was computed from, and how charges are called."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.documents.parts import ChargeAllowance, Tax
from connector.mapping.money import (
    BASIS_WORDS,
    Charged,
    charge_amount,
    charge_name,
    percent_text,
    shown,
    tax_amount,
    too_large,
    units_priced,
)
from connector.mapping.taxes import tax_type
from connector.rules.packs import PartnerPack

GROSS = Decimal("270.00")
NET = Decimal("250.00")


@pytest.mark.parametrize(
    ("basis", "words", "units"),
    [
        ("PD", "per dozen", {"EA": 12, "DZ": 1}),
        ("PN", "per 10", {"EA": 10}),
        ("HP", "per 100", {"EA": 100, "HU": 1}),
        ("HT", "per 1000", {"EA": 1000, "TH": 1}),
        ("TT", "per 10000", {"EA": 10000}),
        ("HTH", "per 100000", {"EA": 100000}),
        ("CA", "per case", {"CA": 1, "EA": 24}),
        ("PP", "per pound", {"LB": 1, "01": 1, "OZ": 16, "EA": None}),
        ("PK", "per kilogram", {"KG": 1, "50": 1, "GR": 1000, "EA": None}),
        ("PO", "per ounce", {"OZ": 1, "LB": None}),
        ("PG", "per gram", {"GR": 1, "KG": None}),
        ("PF", "per foot", {"FT": 1, "LF": 1, "EA": None}),
        ("HF", "per 100 feet", {"FT": 100, "LF": 100, "EA": None}),
        ("TF", "per 1000 feet", {"FT": 1000, "LF": 1000, "T4": 1, "EA": None}),
        ("PS", "per 1000 square feet", {"SF": 1000, "EA": None}),
        ("PT", "per ton", {"NS": 1, "LB": 2000, "01": 2000, "EA": None}),
    ],
)
def test_each_basis_prices_so_many_of_each_unit_in_a_case_of_24(
    basis: str, words: str, units: dict[str, int | None]
) -> None:
    assert BASIS_WORDS[basis] == words
    assert {uom: units_priced(basis, uom, Decimal(24), {}) for uom in units} == units


def test_the_partner_pack_comes_before_the_usual_number_and_after_a_unit_that_says_it_all() -> None:
    assert units_priced("PD", "EA", None, {"PD": Decimal(13)}) == 13
    assert units_priced("PD", "DZ", None, {"PD": Decimal(13)}) == 1
    assert units_priced("ZZ", "EA", None, {"ZZ": Decimal(1)}) == 1
    assert units_priced("ZZ", "EA", None, {"ZZ": Decimal("0.5")}) == Decimal("0.5")
    assert units_priced("ZZ", "EA", None, {"ZZ": Decimal(-1)}) is None


def test_ten_million_million_is_the_first_number_that_is_too_large() -> None:
    assert too_large(Decimal("10000000000000")) is True
    assert too_large(Decimal("-10000000000000")) is True
    assert too_large(Decimal("-9999999999999.99"), Decimal("9999999999999.99"), None) is False


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("100", "100"),
        ("0.00", "0"),
        ("1E+12", "1000000000000"),
        ("-2.50", "-2.5"),
        ("1E-12", "0.000000000001"),
    ],
)
def test_whole_numbers_and_exponents_are_shown_in_full(value: str, text: str) -> None:
    assert shown(Decimal(value)) == text


def charged(quantity: str | None = "4", **elements: Any) -> Charged:
    charge = ChargeAllowance.model_validate({"AllowChrgIndicator": "A", **elements})
    return charge_amount(charge, GROSS, NET, None if quantity is None else Decimal(quantity))


@pytest.mark.parametrize(
    ("elements", "amount", "computed_from"),
    [
        ({"AllowChrgAmt": 7.25}, "-7.25", ("AllowChrgAmt",)),
        (
            {"AllowChrgPercent": 5, "PercentDollarBasis": 80},
            "-4.00",
            ("AllowChrgPercent", "PercentDollarBasis"),
        ),
        ({"AllowChrgPercent": 10}, "-27.00", ("AllowChrgPercent",)),
        ({"AllowChrgPercent": 10, "AllowChrgPercentQual": "1"}, "-27.00", ("AllowChrgPercent",)),
        (
            {"AllowChrgPercent": 10, "AllowChrgPercentQual": "2"},
            "-25.00",
            ("AllowChrgPercent", "AllowChrgPercentQual"),
        ),
        (
            {"AllowChrgPercent": 10, "AllowChrgPercentQual": "4"},
            "-25.00",
            ("AllowChrgPercent", "AllowChrgPercentQual"),
        ),
        (
            {"AllowChrgPercent": 10, "AllowChrgPercentQual": "7"},
            "-25.00",
            ("AllowChrgPercent", "AllowChrgPercentQual"),
        ),
        ({"AllowChrgRate": 0.5, "AllowChrgQty": 3}, "-1.50", ("AllowChrgRate", "AllowChrgQty")),
        ({"AllowChrgRate": 0.5}, "-2.00", ("AllowChrgRate",)),
        ({"AllowChrgRate": 0.5, "PercentDollarBasis": 80}, "-2.00", ("AllowChrgRate",)),
    ],
)
def test_an_allowance_tells_from_which_elements_it_was_computed(
    elements: dict[str, Any], amount: str, computed_from: tuple[str, ...]
) -> None:
    found = charged(**elements)
    assert (str(found.amount), found.elements, found.clear) == (amount, computed_from, True)


@pytest.mark.parametrize(
    ("elements", "because_of", "clear"),
    [
        ({"AllowChrgIndicator": "N", "AllowChrgAmt": 5}, ("AllowChrgIndicator",), True),
        ({"AllowChrgIndicator": "X", "AllowChrgAmt": 5}, ("AllowChrgIndicator",), False),
        ({"AllowChrgHandlingCode": "05", "AllowChrgAmt": 5}, ("AllowChrgHandlingCode",), True),
        ({"AllowChrgAmt": 1e15}, ("AllowChrgAmt",), False),
        ({"AllowChrgAmt": 5, "AllowChrgRate": 1e15}, ("AllowChrgAmt",), False),
        ({"AllowChrgRate": 1e12, "AllowChrgQty": 1e12}, ("AllowChrgRate", "AllowChrgQty"), False),
        ({"AllowChrgQty": 3}, (), False),
        ({"PercentDollarBasis": 80}, (), False),
    ],
)
def test_what_does_not_count_tells_which_element_says_so(
    elements: dict[str, Any], because_of: tuple[str, ...], clear: bool
) -> None:
    found = charged(**elements)
    assert (found.amount, found.elements, found.clear) == (None, because_of, clear)


def test_an_allowance_is_doubtful_only_where_its_amount_is_negative() -> None:
    assert charged(AllowChrgAmt=0.01).clear
    assert not charged(AllowChrgAmt=-0.01).clear
    assert charged(AllowChrgIndicator="C", AllowChrgAmt=-5).clear


def test_an_allowance_of_nothing_is_a_plain_zero_and_clear() -> None:
    assert str(charged(AllowChrgAmt=0).amount) == "0.00"
    assert charged(AllowChrgAmt=0).clear


@pytest.mark.parametrize(
    ("elements", "amount", "computed_from", "clear"),
    [
        ({"TaxAmount": 5.405}, "5.41", ("TaxAmount",), True),
        ({"TaxPercent": 10, "PercentDollarBasis": 80}, "8.00", ("TaxPercent", "PercentDollarBasis"), True),
        ({"TaxPercent": 10}, "None", ("TaxPercent",), True),
        ({"PercentDollarBasis": 80}, "None", ("TaxPercent",), True),
        ({"TaxAmount": 5, "RelationshipCode": "I"}, "None", ("RelationshipCode",), True),
        ({"TaxAmount": 5, "RelationshipCode": "O"}, "None", ("RelationshipCode",), True),
        ({"TaxAmount": 5, "RelationshipCode": "D"}, "None", ("RelationshipCode",), True),
        ({"TaxAmount": 5, "RelationshipCode": "A"}, "5.00", ("TaxAmount",), True),
        ({"TaxAmount": 5, "TaxHandlingCode": "05"}, "None", ("TaxHandlingCode",), True),
        ({"TaxAmount": 5, "TaxHandlingCode": "02"}, "5.00", ("TaxAmount",), True),
        ({"TaxAmount": 1e15}, "None", ("TaxAmount",), False),
        ({"TaxPercent": 1e12, "PercentDollarBasis": 1e12}, "None", ("TaxPercent",), False),
    ],
)
def test_a_tax_tells_from_which_elements_it_was_computed_or_why_not(
    elements: dict[str, Any], amount: str, computed_from: tuple[str, ...], clear: bool
) -> None:
    found = tax_amount(Tax.model_validate(elements))
    assert (str(found.amount), found.elements, found.clear) == (amount, computed_from, clear)


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ({"AllowChrgIndicator": "C", "AllowChrgCode": "D240"}, "Charge D240 Freight"),
        ({"AllowChrgIndicator": "A", "AllowChrgCode": "C310"}, "Allowance C310 Discount"),
        ({"AllowChrgIndicator": "A", "AllowChrgCode": "B800"}, "Allowance B800 Credit"),
        ({"AllowChrgIndicator": "A", "AllowChrgCode": "CA00"}, "Allowance CA00 Cash discount"),
        ({"AllowChrgIndicator": "C", "AllowChrgCode": "D500"}, "Charge D500 Handling"),
        ({"AllowChrgIndicator": "C", "AllowChrgCode": "G821"}, "Charge G821 Shipping"),
        ({"AllowChrgIndicator": "C", "AllowChrgCode": "ZZZZ"}, "Charge ZZZZ"),
        ({"AllowChrgIndicator": "A"}, "Allowance"),
        (
            {
                "AllowChrgIndicator": "A",
                "AllowChrgCode": "C310",
                "AllowChrgHandlingDescription": "Spring deal",
            },
            "Allowance C310 Spring deal",
        ),
        (
            {"AllowChrgIndicator": "A", "AllowChrgCode": "C310", "AllowChrgPercent": 2.5},
            "Allowance C310 Discount 2.5%",
        ),
    ],
)
def test_a_charge_is_called_by_its_kind_code_and_the_partners_words_or_ours(
    elements: dict[str, Any], name: str
) -> None:
    assert charge_name(ChargeAllowance.model_validate(elements)) == name


def test_an_impossible_percent_is_not_shown() -> None:
    assert percent_text(Decimal("1E+20")) == ""
    assert percent_text(None) == ""


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("HST (ON)", "BE"),
        ("TVH", "BE"),
        ("QST 9.975%", "QST"),
        ("tvq", "QST"),
        ("PST", "ST"),
        ("RST Manitoba", "ST"),
        ("GST", "GS"),
        ("TPS", "GS"),
        ("VAT", "VA"),
        ("County", "TX"),
    ],
)
def test_a_tax_is_known_by_its_name_unless_the_pack_says_more(name: str, code: str) -> None:
    assert tax_type(name, PartnerPack(trading_partner_id="P")) == code
    assert tax_type(name, PartnerPack(trading_partner_id="P", taxes={name: "SP"})) == "SP"
