"""Quantities are put into the order's unit only where somebody says how, and never rounded for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.documents.order import Order
from connector.findings import Finding
from connector.mapping.order_lines import OrderedLine, ordered_lines
from connector.mapping.units import counted_in, factor, in_unit_of
from connector.rules.packs import PartnerPack
from tests.builders import PARTNER, order, order_line


def pack(**uom: dict[str, Any]) -> PartnerPack:
    return PartnerPack.model_validate({"trading_partner_id": PARTNER, "uom": uom})


def line(unit: str, size: Any = None) -> OrderedLine:
    """An order line in the unit, of cases that hold `size`."""
    details = {"PhysicalDetails": [{"PackQualifier": "OU", "PackValue": size}]} if size else {}
    return ordered_lines(Order.model_validate(order([order_line(1, item=details, OrderQtyUOM=unit)])))[0]


def put(quantity: Any, unit: str, of: OrderedLine, with_: PartnerPack) -> tuple[Decimal, str, list[str]]:
    findings: list[Finding] = []
    amount, own = in_unit_of(of, Decimal(str(quantity)), unit, with_, "line[0]", findings)
    return amount, own, [f"{one.code} {one.severity} {one.place}" for one in findings]


@pytest.mark.parametrize(
    ("have", "want", "size", "expected"),
    [
        ("EA", "EA", None, (1, 1)),
        ("", "EA", None, (1, 1)),
        ("EA", "", None, (1, 1)),
        ("UN", "PC", None, (1, 1)),
        ("EA", "CA", None, (1, 12)),
        ("CA", "EA", None, (12, 1)),
        ("EA", "CA", 24, (1, 12)),
        ("PC", "BX", 24, (1, 24)),
        ("CT", "UN", 24, (24, 1)),
        ("EA", "PK", 24, (1, 24)),
        ("PK", "EA", 24, (24, 1)),
        ("EA", "LB", 24, None),
        ("LB", "EA", 24, None),
        ("PC", "BX", None, None),
        ("LB", "CA", 24, None),
        ("CA", "LB", 24, None),
        ("CA", "BX", 24, None),
    ],
)
def test_the_packs_factor_comes_before_the_orders_own_case(
    have: str, want: str, size: int | None, expected: tuple[int, int] | None
) -> None:
    assert factor(have, want, pack(CA={"EA": 12}), Decimal(size) if size else None) == expected


@pytest.mark.parametrize("holds", ["0", "-12", "0.00009", "1000000"])
def test_a_factor_that_is_none_counts_for_nothing(holds: str) -> None:
    assert factor("EA", "CA", pack(CA={"EA": holds}), None) is None
    assert factor("CA", "EA", pack(CA={"EA": holds}), None) is None
    assert factor("EA", "CA", pack(CA={"EA": "0.0001"}), None) == (1, Decimal("0.0001"))


def test_a_quantity_is_put_into_the_orders_unit() -> None:
    assert put(24, "EA", line("CA"), pack(CA={"EA": 12})) == (2, "", [])
    assert put(2, "CA", line("EA"), pack(CA={"EA": 12})) == (24, "", [])
    assert put("2.5", "LB", line("LB"), pack()) == (Decimal("2.5"), "", [])
    assert put("2.5", "CA", line("EA"), pack(CA={"EA": 12})) == (30, "", [])
    assert put(24, "EA", line("CA", 8), pack()) == (3, "", [])


def test_what_is_no_whole_number_of_the_orders_unit_stays_and_is_an_error() -> None:
    assert put(25, "EA", line("CA"), pack(CA={"EA": 12})) == (
        25,
        "EA",
        ["unit_not_whole error line[0].quantity"],
    )


def test_a_person_reads_which_units_do_not_fit_and_what_to_do() -> None:
    def told(quantity: int, of: OrderedLine, with_: PartnerPack) -> list[tuple[str, str]]:
        findings: list[Finding] = []
        in_unit_of(of, Decimal(quantity), "EA", with_, "line[0]", findings)
        return [(one.message, one.fix) for one in findings]

    assert told(25, line("CA"), pack(CA={"EA": 12})) == [
        ("25 EA are no whole number of CA (12 each)", "give the quantity in CA; the retailer counts in it")
    ]
    assert told(24, line("CA"), pack()) == [
        (
            "line 1 is ordered in CA, shipped in EA; nothing says how many that is",
            "give the quantity in CA, or set uom.CA.EA in the partner pack",
        )
    ]


def test_a_unit_that_nobody_converts_stays_and_is_an_error() -> None:
    assert put(24, "EA", line("CA"), pack()) == (24, "EA", ["unit_unknown error line[0].uom"])


def counted(quantity: Any, price: Any, unit: str = "CA", ordered: Any = 12) -> tuple[Any, ...] | None:
    numbers = [Decimal(str(number)) for number in (ordered, quantity, price)]
    return counted_in(unit, *numbers, pack(CA={"EA": 12}), Decimal("0.005"))


def test_a_price_by_a_factor_of_the_pack_tells_the_unit() -> None:
    assert counted(120, 1) == ("EA", 10, 12)
    assert counted(10, 12, "EA", 1) == ("CA", 120, 1)
    assert counted(120, "1.004", ordered="12.05") == ("EA", 10, Decimal("12.048"))


def test_nothing_is_converted_where_the_price_is_the_orders_or_nobodys() -> None:
    assert counted(120, 12) is counted(120, "12.005") is None
    assert counted(120, "1.1") is counted(120, "0.9") is None
    assert counted(121, 1) is None, "ten cases and a piece"
    assert counted(120, 1, "DZ") is None


def test_the_slack_of_a_price_is_that_of_the_unit_it_is_quoted_for() -> None:
    assert counted(120, "1.005") == ("EA", 10, Decimal("12.06")), "half a cent a piece is six a case"
    assert counted(120, "1.006") is None
    assert counted(10, "12.005", "EA", 1) is None, "half a cent a case is not half a cent a piece"
    assert counted(10, "12.06", "EA", 1) is None


def test_a_line_at_the_orders_price_is_left_alone_though_a_factor_fits_as_well() -> None:
    numbers = [Decimal(number) for number in ("1.000", "120", "1.005")]
    assert counted_in("CA", *numbers, pack(CA={"EA": 1}), Decimal("0.005")) is None
    free = [Decimal(number) for number in ("0", "120", "0")]
    assert counted_in("CA", *free, pack(CA={"EA": 12}), Decimal("0.005")) is None
