"""Which order line a FreshBooks line is: the rarer marks of an article, and what a person reads of a doubt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.findings import Finding
from connector.mapping.lines import LineTax, Role, SaleLine, roles
from connector.rules.packs import PartnerPack
from tests.outbound import order, order_line
from tests.unit.test_line_matching import SAME, TWO, settled, sold


def matched(lines: list[SaleLine], *ordered: dict[str, Any], **settings: Any) -> tuple[list[Role], list[Any]]:
    pack = PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID", **settings})
    found, findings = roles(lines, order(*ordered), pack)
    return found, [told(one) for one in findings]


def told(finding: Finding) -> tuple[str, str, str, str, str]:
    return finding.code, finding.severity, finding.message, finding.place, finding.fix


def at(place: int, line: SaleLine) -> SaleLine:
    return SaleLine(
        f"lines[{place}]", line.name, line.description, line.quantity, line.price, line.amount, unit=line.unit
    )


# --- by words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qualifier", ["MG", "MN", "SK", "VA", "VC", "ZVP", "CB", "IT", "ZBP"])
def test_each_kind_of_part_number_names_its_line(qualifier: str) -> None:
    listed = order_line("2", ProductID=[{"PartNumberQual": qualifier, "PartNumber": "XX-77"}])
    assert settled([sold("XX-77", 1, 1)], order_line("1"), listed)[0] == [1]


@pytest.mark.parametrize("qualifier", ["ZEAN", "ZGTIN", "ZUPC"])
def test_each_kind_of_code_names_its_line(qualifier: str) -> None:
    listed = order_line("2", ProductID=[{"PartNumberQual": qualifier, "PartNumber": "400638133393"}])
    assert settled([sold("Bowl", 1, 1, "400638133393")], order_line("1"), listed)[0] == [1]


@pytest.mark.parametrize("name", ["None", "XX", ""])
@pytest.mark.parametrize("part", [None, "", " "])
def test_a_part_number_that_is_empty_names_nothing(name: str, part: str | None) -> None:
    listed = [{"PartNumberQual": kind, "PartNumber": part} for kind in ("VA", "IT", "ZUPC")]
    bare: dict[str, Any] = {"ProductID": listed, "BuyerPartNumber": part, "ConsumerPackageCode": "none yet"}
    ordered = (order_line("1", VendorPartNumber=part, **bare), order_line("2"))
    assert settled([sold(name, 1, 1)], *ordered) == ([None], ["line_not_on_order"])


@pytest.mark.parametrize("text", ["HD-20", "HD-20 of clay", "clay HD-20", "HD-2HD-20 HD-20", "1111 111"])
def test_a_part_number_is_found_wherever_it_stands_as_a_word(text: str) -> None:
    part = "111" if text.startswith("1") else "HD-20"
    assert settled([sold("", 1, 1, text)], order_line("1", VendorPartNumber=part), order_line("2"))[0] == [0]


@pytest.mark.parametrize("text", ["aHD-20", "1HD-20", "HD-20_", "HD-20-"])
def test_a_part_number_that_goes_on_is_another(text: str) -> None:
    assert settled([sold(text, 1, 1)], order_line("1", VendorPartNumber="HD-20"), order_line("2")) == (
        [None],
        ["line_not_on_order"],
    )


def test_a_buyers_part_number_without_a_digit_is_a_name_all_the_same() -> None:
    assert settled([sold("Bowl", 1, 1)], order_line("1", BuyerPartNumber="BOWL"), order_line("2"))[0] == [0]


def test_an_alias_counts_only_where_the_pack_asks_for_it_and_is_named_as_the_rule() -> None:
    named: dict[str, Any] = {"aliases": {"Blue bowl": "V-2"}}
    [role], _ = matched([sold("Blue bowl", 1, 1)], *TWO, **named)
    assert (role.order_index, role.rule) == (1, "alias")
    assert settled([sold("Blue bowl", 1, 1)], *TWO, match=["sku"], **named)[0] == [None]


def test_a_code_counts_only_where_the_pack_asks_for_it() -> None:
    assert settled([sold("Bowl", 1, 1, "859563000002")], *TWO, match=["sku", "vendor_part"])[0] == [None]


def test_the_first_words_that_name_one_line_are_enough() -> None:
    [role], _ = matched([sold("V-1", 1, 1, "Sample item 2")], *TWO)
    assert (role.order_index, role.rule) == (0, "vendor part number")


# --- what a person reads --------------------------------------------------------------------------------

LONG = "Bowl " + "x" * 60


def test_a_line_that_could_be_several_names_them_and_the_way_out() -> None:
    ordered = [order_line(str(n), 5, 20, VendorPartNumber="V-1") for n in range(1, 8)]
    lines = [sold("V-1", 1, 7, LONG)]
    [role], [finding] = matched(lines, *ordered)
    assert (role.kind, role.order_index) == ("item", None)
    assert finding == (
        "line_ambiguous",
        "error",
        "line 'V-1' could be line 1 or 2 or 3 or 4 or 5 of the order, which are different articles",
        "lines[0]",
        "write the UPC or the buyer's part number into the line, or add an alias to the partner pack",
    )
    same = [order_line(str(n), 5, 20) for n in (1, 2)]
    for row in same:
        row["ProductOrItemDescription"][0]["ProductDescription"] = LONG
    _, [finding] = matched([sold(LONG, 1, 7)], *same)
    assert finding[2] == f"line {LONG[:60]!r} could be line 1 or 2 of the order, which are different articles"


def test_a_line_taken_by_its_price_names_what_it_is_taken_for() -> None:
    fix = "say that it is: `connector partners alias`, or the line's name in the pack's aliases"

    def said(**ordered: Any) -> Any:
        return matched([sold(LONG, 3, 10)], order_line("1"), order_line("2", 3, 10, **ordered))[1]

    def expected(taken: str) -> Any:
        message = f"line {LONG[:60]!r} is taken for {taken} by quantity and price alone"
        return [("matched_by_price", "info", message, "lines[0]", fix)]

    assert said() == expected("V-2")
    assert said(VendorPartNumber=None) == expected("B-2")
    assert said(VendorPartNumber=None, BuyerPartNumber=None) == expected("an order line")


def test_a_line_that_nobody_ordered_is_told_with_the_ways_to_name_it() -> None:
    assert matched([sold(LONG, 1, 0)], *TWO)[1] == [
        (
            "line_without_value",
            "warning",
            f"line {LONG[:60]!r} is worth nothing and not on the order; it is left out",
            "lines[0]",
            "",
        )
    ]
    assert matched([sold(LONG, 1, 1)], *TWO)[1] == [
        (
            "line_not_on_order",
            "error",
            f"line {LONG[:60]!r} is on no line of the order; retailers refuse what they did not order",
            "lines[0]",
            "name the line like the order's vendor part number or UPC, add an alias for it to the partner pack,"
            " or name it under charges if it is a charge",
        )
    ]
    _, [finding] = matched([sold("", 1, 0)], *TWO)
    assert finding[2] == "line '' is worth nothing and not on the order; it is left out"


@pytest.mark.parametrize(("number", "called"), [("7", "7"), (None, "2")])
def test_a_line_that_is_billed_twice_names_the_order_line_and_both_places(
    number: str | None, called: str
) -> None:
    ordered = (order_line("1"), order_line("2", 5, 20, LineSequenceNumber=number))
    lines = [sold("V-1", 5), at(1, sold("V-2", 2)), at(2, sold("V-2", 4))]
    assert matched(lines, *ordered)[1] == [
        (
            "order_line_twice",
            "error",
            f"order line {called}: 6 invoiced, 5 ordered, by lines[1] and lines[2] together",
            "lines[1] and lines[2]",
            "take the line out that is there twice, or name the lines apart",
        )
    ]


# --- charges --------------------------------------------------------------------------------------------


def test_an_article_that_is_called_like_a_charge_is_the_article_though_it_costs_nothing_or_little() -> None:
    for price in (0, "0.50"):
        assert settled([sold("Freight scale V-1", 1, price)], *TWO)[0] == [0]


def test_without_an_order_the_packs_word_on_charges_still_counts() -> None:
    pack = PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID", "charges": {"Pallets": "F050"}})
    [role], _ = roles([sold("Pallets", 1, 9)], None, pack)
    assert (role.kind, role.code) == ("charge", "F050")


# --- in the order's unit --------------------------------------------------------------------------------


def in_units(lines: list[SaleLine], *ordered: dict[str, Any], **uom: Any) -> list[tuple[Decimal, Decimal]]:
    matched(lines, *ordered, uom=uom)
    return [(line.quantity, line.price) for line in lines]


def test_lines_that_stay_as_they_are_do_not_keep_the_next_from_its_unit() -> None:
    cases = [order_line(str(n), 10, 12, OrderQtyUOM="CA") for n in (1, 2, 3)]
    lines = [
        sold("Freight", 1, 9),
        sold("V-1", 5, 12, unit="CA"),
        sold("V-2", 120, 1),
    ]
    assert in_units(lines, *cases, CA={"EA": 12}) == [(1, 9), (5, 12), (10, 12)]


def test_what_was_put_into_another_unit_is_told_in_both() -> None:
    ordered = order_line("1", 10, 12, OrderQtyUOM="CA")
    assert matched([at(4, sold("V-1", 120, 1))], ordered, uom={"CA": {"EA": 12}})[1] == [
        ("unit_converted", "info", "120 EA are 10 CA, as ordered", "lines[4]", "")
    ]


def test_a_line_of_the_order_without_a_unit_is_not_converted() -> None:
    ordered = order_line("1", 10, 12, OrderQtyUOM=None)
    for unit in ("", "XX"):
        assert in_units([sold("V-1", 120, 1)], ordered, **{unit or "CA": {"EA": 12}}) == [(120, 1)]


# --- the line itself ------------------------------------------------------------------------------------


def test_a_line_is_called_by_its_name_else_the_first_line_of_its_text_else_nothing() -> None:
    assert sold(" Bowl ", description="Blue").title == "Bowl"
    assert sold(" ", description="\n Blue bowl \nof clay").title == "Blue bowl"
    assert sold("", description=" \n ").title == ""


def test_what_freshbooks_does_not_say_of_taxes_is_not_made_up() -> None:
    assert LineTax("GST", Decimal(5)).number == ""
    assert not sold("Bowl").compounded


def test_one_article_twice_beside_one_that_is_unsure_is_settled_all_the_same() -> None:
    ordered = (
        order_line("1", 5, 20),
        order_line("2", 5, 20, VendorPartNumber="V-1"),
        order_line("3", 5, 20, **(SAME | {"VendorPartNumber": "V-3"})),
        order_line("4", 2, 20, **(SAME | {"VendorPartNumber": "V-3"})),
    )
    assert settled([sold("V-1", 1, 7), sold("V-3", 1, 7), sold("V-3", 1, 7)], *ordered)[0] == [None, 2, 3]
