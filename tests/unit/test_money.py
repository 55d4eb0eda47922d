"""Rounding, price bases, and what charges and allowances come to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.documents.parts import ChargeAllowance, Tax
from connector.mapping.money import cents, charge_amount, shown, tax_amount, too_large, units_priced
from tests import builders

GROSS = Decimal("270.00")
NET = Decimal("250.00")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("1.005", "1.01"),
        ("1.004", "1.00"),
        ("-1.005", "-1.01"),
        ("2.5", "2.50"),
        ("-0.001", "0.00"),
        ("1E+3", "1000.00"),
    ],
)
def test_cents_are_rounded_half_up_and_never_a_negative_zero(value: str, rounded: str) -> None:
    assert str(cents(Decimal(value))) == rounded


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("12.50", 0, "12.5"),
        ("2E+1", 0, "20"),
        ("3.2", 2, "3.20"),
        ("5", 2, "5.00"),
        ("1E-7", 0, "0.0000001"),
        ("1E+300", 0, "an impossible number"),
        ("0.12345", 2, "0.12345"),
    ],
)
def test_numbers_are_shown_without_needless_zeros(value: str, places: int, text: str) -> None:
    assert shown(Decimal(value), places) == text


def test_what_no_retailer_orders_is_too_large() -> None:
    assert too_large(Decimal("1E+13"))
    assert too_large(None, Decimal("-1E+999999"))
    assert not too_large(Decimal("9999999999999.99"), None)


@pytest.mark.parametrize(
    ("basis", "uom", "pack_size", "prices_per", "units"),
    [
        ("PD", "EA", None, {}, "12"),
        ("PD", "DZ", None, {}, "1"),
        ("PN", "EA", None, {}, "10"),
        ("HP", "EA", None, {}, "100"),
        ("HP", "HU", None, {}, "1"),
        ("HT", "EA", None, {}, "1000"),
        ("TT", "EA", None, {}, "10000"),
        ("HTH", "EA", None, {}, "100000"),
        ("CA", "CA", "12", {}, "1"),
        ("CA", "EA", "24", {}, "24"),
        ("CA", "EA", "24", {"CA": Decimal(6)}, "6"),
        ("CA", "EA", None, {}, None),
        ("PP", "LB", None, {}, "1"),
        ("PP", "EA", None, {}, None),
        ("HF", "FT", None, {}, "100"),
        ("PT", "LB", None, {}, "2000"),
        ("ZZ", "EA", None, {}, None),
        ("ZZ", "EA", None, {"ZZ": Decimal(3)}, "3"),
        ("ZZ", "EA", None, {"ZZ": Decimal(0)}, None),
    ],
)
def test_a_price_basis_says_how_many_ordered_units_the_price_is_for(
    basis: str, uom: str, pack_size: str | None, prices_per: dict, units: str | None
) -> None:
    found = units_priced(basis, uom, Decimal(pack_size) if pack_size else None, prices_per)
    assert found == (Decimal(units) if units else None)


@pytest.mark.parametrize(
    ("charge", "amount"),
    [
        (builders.allowance(13.5), "-13.50"),
        (builders.charge(10), "10.00"),
        (builders.allowance(-13.5), "-13.50"),
        (builders.charge(-10), "-10.00"),
        (builders.allowance(None, AllowChrgPercent=5), "-13.50"),
        (builders.allowance(None, AllowChrgPercent=5, AllowChrgPercentQual="7"), "-12.50"),
        (builders.allowance(None, AllowChrgPercent=5, PercentDollarBasis=100), "-5.00"),
        (builders.charge(None, AllowChrgRate=0.25, AllowChrgQty=30), "7.50"),
        (builders.charge(None, AllowChrgRate=0.25), "1.00"),
        (builders.allowance(13.5, AllowChrgPercent=99), "-13.50"),
    ],
)
def test_a_charge_is_its_amount_else_percent_of_its_base_else_rate_times_quantity(
    charge: dict, amount: str
) -> None:
    charged = charge_amount(ChargeAllowance.model_validate(charge), GROSS, NET, Decimal(4))
    assert str(charged.amount) == amount


@pytest.mark.parametrize("code", ["01", "03", "04", "05", "09", "13", "15"])
def test_what_is_settled_elsewhere_does_not_count(code: str) -> None:
    charge = ChargeAllowance.model_validate(builders.allowance(AllowChrgHandlingCode=code))
    charged = charge_amount(charge, GROSS, NET, None)
    assert charged.amount is None
    assert charged.clear


@pytest.mark.parametrize(
    "charge",
    [
        builders.allowance(AllowChrgIndicator=None),
        builders.allowance(None),
        builders.charge(None, AllowChrgRate=0.25),
        builders.charge(1e300),
        builders.charge(None, AllowChrgPercent=1e12, PercentDollarBasis=1e12),
    ],
)
def test_an_unclear_charge_does_not_count_and_says_so(charge: dict) -> None:
    charged = charge_amount(ChargeAllowance.model_validate(charge), GROSS, NET, None)
    assert charged.amount is None
    assert not charged.clear


def test_neither_allowance_nor_charge_is_nothing_to_remark() -> None:
    charge = ChargeAllowance.model_validate(builders.allowance(AllowChrgIndicator="N"))
    assert charge_amount(charge, GROSS, NET, None)[0] is None


@pytest.mark.parametrize(
    ("tax", "amount"),
    [
        ({"TaxAmount": 5.4, "TaxPercent": 2.0}, "5.40"),
        ({"TaxPercent": 2.0, "PercentDollarBasis": 270}, "5.40"),
        ({"TaxPercent": 2.0}, "None"),
        ({"TaxAmount": 5.4, "RelationshipCode": "I"}, "None"),
        ({"TaxAmount": 5.4, "TaxHandlingCode": "15"}, "None"),
        ({"TaxAmount": 1e300}, "None"),
    ],
)
def test_a_tax_counts_where_its_amount_is_stated_and_added(tax: dict, amount: str) -> None:
    assert str(tax_amount(Tax.model_validate(tax)).amount) == amount
