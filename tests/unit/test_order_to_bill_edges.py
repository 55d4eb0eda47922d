"""What is said of charges that a bill cannot simply take over, and where its vendor's fields came from."""

from __future__ import annotations

import pytest

from connector.findings import Finding, Trace
from tests import builders
from tests.builders import allowance
from tests.unit.test_order_to_bill import lines, mapped

PLACE = "Header.ChargesAllowances[0]"
FIX = "correct the bill, or ask the trading partner what is meant"
NAME = "Allowance C310 Discount"


@pytest.mark.parametrize(
    ("stated", "finding", "billed"),
    [
        (
            allowance(None),
            Finding(
                "charge_unclear",
                "warning",
                f"{NAME}: it states no amount, percent or rate with quantity, it is not billed",
                PLACE,
                FIX,
            ),
            [],
        ),
        (
            allowance(-5),
            Finding(
                "charge_unclear",
                "warning",
                f"{NAME}: the allowance has a negative amount, it is taken off",
                PLACE,
                FIX,
            ),
            [(1, "-5.00")],
        ),
        (
            allowance(13.5, AllowChrgHandlingCode="01"),
            Finding("charge_not_billed", "info", f"{NAME} is not billed: it is billed back later", PLACE),
            [],
        ),
    ],
)
def test_a_charge_that_is_odd_is_told_with_what_was_done_about_it(
    stated: dict, finding: Finding, billed: list[tuple[int, str]]
) -> None:
    document = builders.order(lines=1, charges=[stated], summary={})
    assert mapped(document).findings == [finding]
    assert lines(document) == [(5, "20.00"), *billed]


def test_each_field_of_a_bills_vendor_is_explained() -> None:
    trace: Trace = {}
    mapped(builders.order(), trace=trace)
    vendor = {
        name.removeprefix("bill_vendor."): (source.paths, source.rule)
        for name, source in trace.items()
        if name.startswith("bill_vendor.")
    }
    partner = ("Header.OrderHeader.TradingPartnerId",)
    assert vendor == {
        "vendor_name": (
            partner,
            "partner pack: freshbooks.vendor_name, else name, else the trading partner id",
        ),
        "account_number": (partner, "as received"),
        "currency_code": (("Header.OrderHeader.BuyersCurrency",), "as ordered"),
        "language": ((), "partner pack: freshbooks.language"),
        "is_1099": ((), "constant"),
    }
