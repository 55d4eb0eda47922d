"""Which order line a FreshBooks line is: by its words first, never by a guess, and never twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.mapping.lines import SaleLine, roles
from connector.rules.packs import PartnerPack
from tests.outbound import order, order_line


def sold(name: str, quantity: Any = 5, price: Any = 20, description: str = "", **more: Any) -> SaleLine:
    quantity, price = Decimal(str(quantity)), Decimal(str(price))
    return SaleLine(
        "lines[0]", name, description, quantity, price, more.pop("amount", quantity * price), **more
    )


def settled(
    lines: list[SaleLine], *ordered: dict[str, Any], **settings: Any
) -> tuple[list[int | str | None], list[str]]:
    """The order line (from 0), the charge's code, or nothing, of each line; the findings' codes."""
    pack = PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID", **settings})
    found, findings = roles(lines, order(*ordered), pack)
    told = [role.code if role.kind == "charge" else role.order_index for role in found]
    return told, [finding.code for finding in findings]  # type: ignore[return-value]


TWO = (order_line("1"), order_line("2", 3, 10))


# --- by words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (sold("V-2", 1, 1), 1),
        (sold(" v-2 ", 1, 1), 1),
        (sold("Bowl", 1, 1, "UPC 859563000002"), 1),
        (sold("Bowl", 1, 1, "GTIN 00859563000002, blue"), 1),
        (sold("B-2", 1, 1), 1),
        (sold("Sample item 2", 1, 1), 1),
        (sold("Bowl", 1, 1, "sample  ITEM 2"), 1),
        (sold("Bowl", 1, 1, "Blue / Sample item 2"), 1),
        (sold("Bowl", 1, 1, "Sample item 2 in blue"), None),
        (sold("V-22", 1, 1), None),
        (sold("Bowl", 1, 1, "8595630000021234"), None),
    ],
)
def test_a_line_is_the_one_that_its_words_name(line: SaleLine, found: int | None) -> None:
    assert settled([line], *TWO)[0] == [found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Bowl HD-20, blue", 0),
        ("HD-20", 0),
        ("Bowl (HD-20)", 0),
        ("Bowl HD-20", 0),
        ("Bowl HD-20-RED", None),
        ("Bowl XHD-20", None),
        ("Bowl HD-201", None),
        ("Bowl _HD-20", None),
        ("Bowl HD-20-RED, once HD-20", 0),
    ],
)
def test_a_part_number_counts_in_a_text_only_as_a_word(text: str, found: int | None) -> None:
    line = sold("Bowl of clay", 1, 1, text)
    assert settled([line], order_line("1", VendorPartNumber="HD-20"), order_line("2"))[0] == [found]
    assert settled([line], order_line("1", BuyerPartNumber="HD-20"), order_line("2"))[0] == [found]


@pytest.mark.parametrize(("part", "found"), [("123", 0), ("A12", 0), ("12", None), ("BOWL", None)])
def test_a_short_or_plain_word_proves_nothing_in_a_text_but_is_a_name(part: str, found: int | None) -> None:
    ordered = (order_line("1", VendorPartNumber=part), order_line("2"))
    assert settled([sold("Clay", 1, 1, f"No {part} here")], *ordered)[0] == [found]
    assert settled([sold(part, 1, 1)], *ordered)[0] == [0]


@pytest.mark.parametrize(
    ("qualifier", "text"),
    [
        ("VA", "XX-77"),
        ("SK", "XX-77"),
        ("ZVP", "XX-77"),
        ("IT", "XX-77"),
        ("CB", "XX-77"),
        ("ZUPC", "400638133393"),
    ],
)
def test_a_part_number_of_any_kind_that_the_order_lists_counts(qualifier: str, text: str) -> None:
    listed = order_line("2", ProductID=[{"PartNumberQual": qualifier, "PartNumber": text}])
    assert settled([sold("Bowl", 1, 1, text)], order_line("1"), listed)[0] == [1]


def test_a_part_number_of_an_unknown_kind_does_not_count() -> None:
    listed = order_line("2", ProductID=[{"PartNumberQual": "ZZ", "PartNumber": "XX-77"}])
    assert settled([sold("Bowl", 1, 1, "XX-77")], order_line("1"), listed) == ([None], ["line_not_on_order"])


def test_aliases_name_a_line_by_the_suppliers_or_the_buyers_number() -> None:
    for part in ("V-2", "b-2"):
        assert settled([sold("Blue bowl", 1, 1)], *TWO, aliases={"blue  BOWL": part})[0] == [1]
        assert settled([sold("", 1, 1, "Blue bowl")], *TWO, aliases={"Blue bowl": part})[0] == [1]
    assert settled([sold("Blue bowl", 1, 1)], *TWO, aliases={"Blue bowl": "V-9"})[0] == [None]


def test_the_pack_decides_what_counts_and_in_what_sequence() -> None:
    contradicting = sold("V-1", 1, 1, "859563000002")
    assert settled([contradicting], *TWO)[0] == [0]
    assert settled([contradicting], *TWO, match=["upc", "sku"])[0] == [1]
    assert settled([sold("Bowl", 1, 1, "859563000002")], *TWO, match=["sku"])[0] == [None]
    assert settled([sold("B-2", 1, 1)], *TWO, match=["sku"])[0] == [None]
    assert settled([sold("Bowl", 3, 10)], *TWO)[0] == [1]
    assert settled([sold("Bowl", 3, 10)], *TWO, match=["sku"])[0] == [None]


def test_later_words_narrow_what_earlier_ones_leave_open() -> None:
    same_part = (order_line("1"), order_line("2", VendorPartNumber="V-1"))
    assert settled([sold("V-1", 1, 1, "859563000002")], *same_part) == ([1], [])
    assert settled([sold("V-1", 1, 1, "400638133393")], *same_part) == ([None], ["line_ambiguous"])
    pack = PartnerPack(trading_partner_id="SPSALLTESTID")
    [role], _ = roles([sold("V-1", 1, 1, "859563000002")], order(*same_part), pack)
    assert role.rule == "vendor part number", "the first to speak of it"


# --- one article on several lines -------------------------------------------------------------------------


SAME = {"VendorPartNumber": "V-1", "BuyerPartNumber": "B-1", "ConsumerPackageCode": "859563000001"}


def test_one_article_on_two_lines_goes_by_quantity_and_price_then_price_then_sequence() -> None:
    ordered = (order_line("1", 5, 20, **SAME), order_line("2", 3, 20, **SAME), order_line("3", 3, 18, **SAME))
    assert settled([sold("V-1", 3, 18), sold("V-1", 3, 20), sold("V-1", 5, 20)], *ordered) == ([2, 1, 0], [])
    assert settled([sold("V-1", 1, 18), sold("V-1", 2, 20)], *ordered) == ([2, 0], [])
    assert settled([sold("V-1", 1, 7), sold("V-1", 1, 7), sold("V-1", 1, 7)], *ordered) == ([0, 1, 2], [])


def test_different_articles_under_one_name_are_told_apart_by_price_or_not_at_all() -> None:
    ordered = (order_line("1", 5, 20), order_line("2", 3, 18, VendorPartNumber="V-1"))
    assert settled([sold("V-1", 1, 18)], *ordered) == ([1], [])
    assert settled([sold("V-1", 1, 7)], *ordered) == ([None], ["line_ambiguous"])


def test_what_names_one_line_only_takes_it_before_what_could_be_several() -> None:
    ordered = (order_line("1", 5, 20), order_line("2", 5, 20, VendorPartNumber="V-1"))
    lines = [sold("V-1", 5, 20), sold("B-1", 5, 20)]
    assert settled(lines, *ordered) == ([1, 0], [])


def test_a_split_quantity_is_one_order_line_up_to_what_was_ordered() -> None:
    assert settled([sold("V-1", 2), sold("V-1", 3)], *TWO) == ([0, 0], [])
    assert settled([sold("V-1", 2), sold("V-1", 4)], *TWO) == ([0, 0], ["order_line_twice"])
    assert settled([sold("V-1", 6)], *TWO) == ([0], []), "too many on one line is a rule's to judge"


# --- by quantity and price alone --------------------------------------------------------------------------


def test_what_nothing_names_is_the_only_free_line_of_its_quantity_and_price() -> None:
    assert settled([sold("Bowl", 3, 10)], *TWO) == ([1], ["matched_by_price"])
    assert settled([sold("Bowl", 3, 10.005)], *TWO)[0] == [1]
    for quantity, price in ((3, 10.006), (3, 9.99), (4, 10)):
        assert settled([sold("Bowl", quantity, price)], *TWO) == ([None], ["line_not_on_order"])
    assert settled([sold("Bowl", 3, 10), sold("V-2", 3, 10)], *TWO)[0] == [None, 1], "it is taken already"


def test_two_that_fit_one_line_or_one_that_fits_two_are_nobodys() -> None:
    assert settled([sold("Bowl", 3, 10), sold("Dish", 3, 10)], *TWO)[0] == [None, None]
    alike = (order_line("1", 3, 10), order_line("2", 3, 10))
    assert settled([sold("Bowl", 3, 10)], *alike)[0] == [None]


def test_a_line_without_a_price_on_the_order_is_not_found_by_price() -> None:
    assert settled([sold("Bowl", 5, 20)], order_line("1", 5, None))[0] == [None]


# --- charges, and nothing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Shipping & handling", "G830"),
        ("S&H", "G830"),
        ("Freight", "D240"),
        ("Shipping", "G821"),
        ("Handling", "D500"),
        ("Discount taken back", "C310"),
        ("Freighter model", None),
    ],
)
def test_a_charge_is_called_so_by_its_name(name: str, code: str | None) -> None:
    assert settled([sold(name, 1, 9)], *TWO)[0] == [code]


def test_a_negative_line_is_an_allowance_whatever_it_names() -> None:
    assert settled([sold("V-1", 1, -9)], *TWO)[0] == ["C310"]
    assert settled([sold("Freight", 1, -9)], *TWO)[0] == ["D240"]


def test_the_packs_word_on_charges_comes_before_any_match() -> None:
    assert settled([sold("V-1", 1, 9)], *TWO, charges={" v-1": "F050"})[0] == ["F050"]
    assert settled([sold("", 1, 9, "Pallets\nof oak")], *TWO, charges={"Pallets": "F050"})[0] == ["F050"]


def test_an_article_of_the_order_is_no_charge_and_a_charge_is_no_article_by_its_price() -> None:
    assert settled([sold("Freight scale V-1", 5, 20)], *TWO)[0] == [0]
    assert settled([sold("Freight", 3, 10)], *TWO)[0] == ["D240"]


def test_what_is_worth_nothing_and_not_ordered_is_left_out_and_told() -> None:
    pack = PartnerPack(trading_partner_id="SPSALLTESTID")
    [role], [finding] = roles([sold("Thank you!", 1, 0)], order(*TWO), pack)
    assert (role.kind, finding.code, finding.severity) == ("nothing", "line_without_value", "warning")
    [role], [finding] = roles([sold("Gift box", 1, 1)], order(*TWO), pack)
    assert (role.kind, finding.code, finding.severity) == ("item", "line_not_on_order", "error")


def test_without_an_order_every_line_is_an_article_or_a_charge() -> None:
    lines = [sold("Bowl"), sold("Freight", 1, 9), sold("Rebate", 1, -5), sold("Thanks", 1, 0)]
    found, findings = roles(lines, None, PartnerPack(trading_partner_id="SPSALLTESTID"))
    assert [(role.kind, role.code) for role in found] == [
        ("item", ""),
        ("charge", "D240"),
        ("charge", "C310"),
        ("item", ""),
    ]
    assert findings == []


# --- in the order's unit ----------------------------------------------------------------------------------


def converted(line: SaleLine, unit: str | None = "CA", price: Any = 12) -> tuple[Decimal, Decimal, list[str]]:
    pack = PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID", "uom": {"CA": {"EA": 12}}})
    lines = [line]
    _, findings = roles(lines, order(order_line("1", 10, price, OrderQtyUOM=unit)), pack)
    return lines[0].quantity, lines[0].price, [f"{one.code} {one.severity}" for one in findings]


def test_a_line_that_counts_pieces_is_put_into_the_orders_cases() -> None:
    assert converted(sold("V-1", 120, 1)) == (10, 12, ["unit_converted info"])
    assert converted(sold("V-1", 10, 12)) == (10, 12, [])


@pytest.mark.parametrize(
    ("line", "unit", "price"),
    [
        (sold("V-1", 120, 1, unit="EA"), "CA", 12),  # its text tells its unit
        (sold("V-1", 120, 1), None, 12),
        (sold("V-1", 120, 1), "CA", None),
        (sold("V-1", 121, 1), "CA", 12),
        (sold("V-1", 120, 1.1), "CA", 12),
    ],
)
def test_a_line_stays_as_it_is_where_nothing_says_what_it_counts(
    line: SaleLine, unit: Any, price: Any
) -> None:
    assert converted(line, unit, price) == (line.quantity, line.price, [])
