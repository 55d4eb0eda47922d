"""An order's lines at their edges: quantities, prices and their bases, case sizes, and what a bill line says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.documents.order import OrderLineItem
from connector.findings import Finding
from connector.mapping.order_lines import (
    Priced,
    arithmetic,
    extended_amount,
    item_description,
    item_text,
    ordered_lines,
    ordered_quantity,
    pack_size,
    price_line,
    store_quantities,
)
from connector.rules.packs import PartnerPack
from tests.outbound import order

PACK = PartnerPack(trading_partner_id="P", name="Example")


def item(line: dict[str, Any] | None = None, **groups: Any) -> OrderLineItem:
    plain = {"LineSequenceNumber": "1", "OrderQty": 5, "OrderQtyUOM": "EA", "PurchasePrice": 20}
    fields = {name: value for name, value in (plain | (line or {})).items() if value is not None}
    return order({"OrderLine": fields, **groups}).LineItem[0]


def priced(line: dict[str, Any], pack: PartnerPack = PACK, **groups: Any) -> tuple[Priced, list[Finding]]:
    findings: list[Finding] = []
    return price_line(item(line, **groups), 3, pack, findings), findings


def stores(*quantities: Any, total: Any = None) -> list[dict[str, Any]]:
    places = [{"Location": f"{n:04d}", "Qty": qty} for n, qty in enumerate(quantities, 1)]
    return [
        {"TotalQty": total, "LocationQuantity": places} if total is not None else {"LocationQuantity": places}
    ]


# --- who and how many ----------------------------------------------------------------------------------


def test_lines_are_named_by_their_number_else_by_their_place_and_never_twice_alike() -> None:
    numbers = ["7", None, "7", "9"]
    rows = [
        {"OrderLine": {"OrderQty": 1, **({"LineSequenceNumber": number} if number else {})}}
        for number in numbers
    ]
    lines = ordered_lines(order(*rows))
    assert [(line.position, line.line) for line in lines] == [(0, "7#1"), (1, "2"), (2, "7#3"), (3, "9")]


def test_a_line_tells_all_the_codes_of_its_item_upc_first() -> None:
    codes = {"ConsumerPackageCode": "111", "GTIN": "222", "EAN": "333", "UPCCaseCode": "444"}
    [line] = ordered_lines(order({"OrderLine": {**codes, "OrderQty": 2}}))
    assert (line.codes, line.upc) == (("111", "222", "333", "444"), "111")
    [bare] = ordered_lines(order({"OrderLine": {"OrderQty": 2}}))
    assert (bare.codes, bare.upc, bare.vendor_part, bare.buyer_part, bare.uom, bare.basis) == (
        (),
        "",
        "",
        "",
        "",
        "",
    )


@pytest.mark.parametrize(
    ("quantity", "taken"), [(None, 0), (10**13, 0), (10**13 - 1, 10**13 - 1), (12.5, "12.5")]
)
def test_an_impossible_or_missing_quantity_counts_as_none(quantity: Any, taken: Any) -> None:
    [line] = ordered_lines(
        order({"OrderLine": {"OrderQty": quantity} if quantity else {"VendorPartNumber": "V"}})
    )
    assert line.quantity == Decimal(str(taken))


def test_without_a_quantity_of_its_own_a_line_orders_what_its_stores_do() -> None:
    assert ordered_quantity(item({"OrderQty": None}, QuantitiesSchedulesLocations=stores(4, 6))) == 10
    assert ordered_quantity(item({"OrderQty": None}, QuantitiesSchedulesLocations=stores(total=7))) == 7
    both = item({"OrderQty": None}, QuantitiesSchedulesLocations=stores(4, 6, total=99))
    assert ordered_quantity(both) == 10, "what each store gets is more exact than the total"
    assert ordered_quantity(item({"OrderQty": 3}, QuantitiesSchedulesLocations=stores(4))) == 3
    assert ordered_quantity(item({"OrderQty": None})) is None


def test_quantities_of_stores_are_told_by_store() -> None:
    split = item(
        QuantitiesSchedulesLocations=[{"LocationQuantity": [{"Location": "0123", "Qty": 4}, {"Qty": 6}]}]
    )
    assert store_quantities(split) == [("0123", Decimal(4)), ("?", Decimal(6))]


# --- what a line comes to ------------------------------------------------------------------------------


def test_quantity_times_price_is_rounded_half_up_to_cents() -> None:
    found, findings = priced({"OrderQty": 3, "PurchasePrice": 0.335})
    assert (found.quantity, found.unit, found.amount) == (3, Decimal("0.335"), Decimal("1.01"))
    assert (found.rule, findings) == ("quantity x PurchasePrice", [])
    assert extended_amount(item({"OrderQty": 3, "PurchasePrice": 0.335}), PACK) == Decimal("1.01")
    assert str(priced({"OrderQty": 0, "PurchasePrice": -1})[0].amount) == "0.00", "no negative zero"


@pytest.mark.parametrize(
    ("line", "amount", "unit"),
    [
        ({"PurchasePriceBasis": "PE"}, "100.00", "20"),
        ({"PurchasePriceBasis": "UM"}, "100.00", "20"),
        ({"PurchasePriceBasis": "PN"}, "10.00", "2"),
        ({"PurchasePriceBasis": "HP", "OrderQty": 250, "PurchasePrice": 12.355}, "30.89", "0.12355"),
        ({"PurchasePriceBasis": "PD", "OrderQtyUOM": "DZ"}, "100.00", "20"),
        ({"PurchasePriceBasis": "PD", "OrderQty": 24}, "40.00", None),
    ],
)
def test_a_price_is_for_as_many_as_its_basis_says(
    line: dict[str, Any], amount: str, unit: str | None
) -> None:
    found, findings = priced(line)
    assert (found.amount, findings) == (Decimal(amount), [])
    if unit is not None:
        assert found.unit == Decimal(unit)
    if line["PurchasePriceBasis"] not in ("PE", "UM"):
        assert found.rule.startswith("quantity x PurchasePrice per ")


def test_a_price_per_case_is_for_what_the_case_holds_or_the_pack_says() -> None:
    per_case = {"PurchasePriceBasis": "CA", "OrderQty": 24}
    case = {"PackQualifier": "OU", "PackValue": 1, "PackSize": 12, "PackUOM": "EA"}
    assert priced(per_case, PhysicalDetails=[case])[0].amount == Decimal("40.00")
    told = PartnerPack.model_validate({"trading_partner_id": "P", "name": "E", "prices_per": {"CA": 6}})
    assert priced(per_case, told)[0].amount == Decimal("80.00")


def test_an_unclear_basis_takes_the_price_for_one_and_says_what_to_set() -> None:
    found, [finding] = priced({"PurchasePriceBasis": "CA"})
    assert (found.amount, found.unit) == (Decimal("100.00"), Decimal(20))
    assert found.rule == "quantity x PurchasePrice, its basis being unclear"
    assert (finding.code, finding.severity) == ("price_basis_unclear", "warning")
    assert finding.place == "LineItem[3].OrderLine.PurchasePriceBasis"
    assert finding.message == "the price is per case, the quantity in EA: 20.00 a unit is taken"
    assert "prices_per.CA" in finding.fix
    assert "EA" in finding.fix


def test_an_unclear_basis_is_told_in_words_that_fit_where_it_and_the_unit_are_unknown() -> None:
    _, [finding] = priced({"PurchasePriceBasis": "ABCDEFGHIJKLM", "OrderQtyUOM": None})
    assert (
        finding.message == "the price is on basis 'ABCDEFGHIJ', the quantity in units: 20.00 a unit is taken"
    )
    assert finding.fix.startswith("set prices_per.ABCDEFGHIJ in the partner pack: how many units ")


def test_an_unclear_basis_takes_the_lines_own_total_where_it_states_one() -> None:
    found, [finding] = priced({"PurchasePriceBasis": "CA", "ExtendedItemTotal": 12.345})
    assert found == Priced(Decimal(5), None, Decimal("12.35"), "ExtendedItemTotal as stated")
    assert finding.message.endswith("the line's own total is taken")
    odd, [told] = priced({"PurchasePriceBasis": "CA", "ExtendedItemTotal": 10**13})
    assert odd.amount == Decimal("100.00")
    assert "a unit is taken" in told.message


def test_a_stated_total_that_differs_is_told_and_quantity_times_price_stands() -> None:
    found, [finding] = priced({"ExtendedItemTotal": 99.5})
    assert found.amount == Decimal("100.00")
    assert (finding.code, finding.severity) == ("extension_differs", "warning")
    assert finding.place == "LineItem[3].OrderLine.ExtendedItemTotal"
    assert finding.message == "quantity x price is 100.00, the line states 99.5"
    assert priced({"ExtendedItemTotal": 100})[1] == []


def test_without_a_price_the_stated_total_is_taken_else_nothing_is_billed_and_that_is_told() -> None:
    found, findings = priced({"PurchasePrice": None, "ExtendedItemTotal": 33.335})
    assert (found, findings) == (
        Priced(Decimal(5), None, Decimal("33.34"), "ExtendedItemTotal as stated"),
        [],
    )
    found, [finding] = priced({"PurchasePrice": None})
    assert found == Priced(Decimal(5), Decimal(0), Decimal(0), "no price: 0.00")
    assert (finding.code, finding.severity, finding.place) == (
        "no_price",
        "warning",
        "LineItem[3].OrderLine.PurchasePrice",
    )


def test_another_price_of_the_line_is_taken_if_it_is_a_cost_the_most_exact_first() -> None:
    def with_prices(*prices: dict[str, Any]) -> Priced:
        return priced({"PurchasePrice": None}, PriceInformation=list(prices))[0]

    whole, cost = {"PriceTypeIDCode": "WHL", "UnitPrice": 3}, {"PriceTypeIDCode": "UCP", "UnitPrice": 2}
    assert with_prices(whole, cost) == Priced(
        Decimal(5), Decimal(2), Decimal("10.00"), "quantity x UCP price"
    )
    assert with_prices(whole).amount == Decimal("15.00")
    assert with_prices({"PriceTypeIDCode": "MSR", "UnitPrice": 9}).amount == 0, "never a retail price"
    assert with_prices({"PriceTypeIDCode": "UCP"}, {"UnitPrice": 4}).amount == 0
    assert with_prices({"PriceTypeIDCode": "UCP"}, whole).amount == Decimal("15.00")
    assert with_prices(cost, {"PriceTypeIDCode": "UCP", "UnitPrice": 7}).amount == Decimal("10.00")
    per_ten = {"PriceTypeIDCode": "CON", "UnitPrice": 30, "UnitPriceBasis": "PN"}
    assert with_prices(per_ten) == Priced(
        Decimal(5), Decimal(3), Decimal("15.00"), "quantity x CON price per 10"
    )


def test_terms_of_another_price_that_are_not_applied_are_told() -> None:
    terms = {"PriceMultiplierQual": "DIS", "PriceMultiplier": 0.9, "UnitPriceBasisMultiplier": 1}
    price = {"PriceTypeIDCode": "UCP", "UnitPrice": 2, **terms}
    found, [finding] = priced({"PurchasePrice": None}, PriceInformation=[price])
    assert found.amount == Decimal("10.00")
    assert (finding.code, finding.severity) == ("price_terms_unclear", "warning")
    assert finding.message == "the price comes with PriceMultiplier 0.9, which is not applied"
    assert finding.place == "LineItem[3].PriceInformation"


@pytest.mark.parametrize(
    "line",
    [
        {"OrderQty": 10**13},
        {"PurchasePrice": 10**13},
        {"OrderQty": 10**7, "PurchasePrice": 10**7},
        {"OrderQty": 10**13, "PurchasePrice": 0.01},
    ],
    ids=["quantity", "price", "amount", "quantity though cheap"],
)
def test_numbers_out_of_all_bounds_stop_the_line(line: dict[str, Any]) -> None:
    found, [finding] = priced(line)
    assert found == Priced(Decimal(0), None, Decimal(0), "out of all bounds")
    assert (finding.code, finding.severity, finding.place) == (
        "number_too_large",
        "error",
        "LineItem[3].OrderLine",
    )
    assert priced({"OrderQty": 10**12 * 9, "PurchasePrice": 1})[1] == []


def test_a_line_without_any_quantity_is_billed_at_nothing_and_told() -> None:
    found, [finding] = priced({"OrderQty": None})
    assert (found.quantity, found.amount) == (0, 0)
    assert (finding.code, finding.severity, finding.place) == (
        "no_quantity",
        "warning",
        "LineItem[3].OrderLine.OrderQty",
    )


def test_stores_that_do_not_add_up_are_told_with_both_figures() -> None:
    found, [finding] = priced({}, QuantitiesSchedulesLocations=stores(2, 2))
    assert found.amount == Decimal("100.00")
    assert (finding.code, finding.severity) == ("store_quantities_differ", "warning")
    assert finding.place == "LineItem[3].QuantitiesSchedulesLocations"
    assert finding.message == "the stores' quantities come to 4, the line orders 5"
    assert priced({}, QuantitiesSchedulesLocations=stores(2, 3))[1] == []
    assert priced({}, QuantitiesSchedulesLocations=stores(total=9))[1] == []


# --- cases ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("details", "size"),
    [
        ([], None),
        ([{"PackValue": 4}], 4),
        ([{"PackSize": 6}], 6),
        ([{"PackValue": 4, "PackSize": 6}], 24),
        ([{"PackValue": 4, "PackSize": 6, "PackUOM": "EA"}], 24),
        ([{"PackValue": 4, "PackSize": 6, "PackUOM": "LB"}], 4),
        ([{"PackSize": 6, "PackUOM": "LB"}], None),
        ([{"PackQualifier": "IN", "PackValue": 2}, {"PackQualifier": "OU", "PackValue": 8}], 8),
        ([{"PackValue": 0}], None),
        ([{"PackValue": 1}], 1),
        ([{"PackValue": 999_999}], 999_999),
        ([{"PackValue": 1_000_000}], None),
        ([{"PackValue": 1_000_000}, {"PackValue": 3}], 3),
        ([{"PackSize": 10**13}, {"PackValue": 3}], 3),
        ([{"PackSize": 6, "PackUOM": "LB"}, {"PackValue": 3}], 3),
    ],
)
def test_how_many_a_case_holds(details: list[dict[str, Any]], size: int | None) -> None:
    assert pack_size(item(PhysicalDetails=details)) == size


# --- words ---------------------------------------------------------------------------------------------


def described(*texts: tuple[str | None, str | None], **line: Any) -> str:
    rows = [
        {
            name: value
            for name, value in (("ProductCharacteristicCode", code), ("ProductDescription", text))
            if value is not None
        }
        for code, text in texts
    ]
    return item_text(item(line, ProductOrItemDescription=rows))


def test_an_item_is_described_by_its_product_text_before_any_other() -> None:
    assert described(("75", "Blue"), ("08", "Bowl")) == "Bowl"
    assert described(("75", "Blue"), (None, "Bowl")) == "Bowl"
    assert described(("75", "Blue"), ("91", "Small")) == "Blue"
    assert described(("08", None), ("75", "Blue")) == "Blue"
    assert described() == ""


def test_colour_and_size_follow_the_description() -> None:
    assert described(("08", "Bowl"), ProductColorDescription="Blue") == "Bowl, Blue"
    assert described(("08", "Bowl"), ProductSizeDescription="XL") == "Bowl, XL"
    assert described(ProductColorDescription="Blue", ProductSizeDescription="XL") == "Blue, XL"


def test_a_bill_line_says_whose_parts_they_are_what_was_folded_and_for_which_stores() -> None:
    parts = {"VendorPartNumber": "V-1", "BuyerPartNumber": "B-1", "ConsumerPackageCode": "111", "GTIN": "222"}
    whole = item(
        parts,
        ProductOrItemDescription=[{"ProductCharacteristicCode": "08", "ProductDescription": "Bowl"}],
        QuantitiesSchedulesLocations=stores(4, 1.5),
    )
    told = "VN V-1 / BP B-1 / UPC 111 / 12.5 LB @ 3.20 / Bowl / stores 0001: 4, 0002: 1.5"
    assert item_description(whole, "12.5 LB @ 3.20") == told
    assert item_description(item({"GTIN": "222", "EAN": "333"}), "") == "GTIN 222"
    assert item_description(item({"EAN": "333"}), "") == "GTIN 333"
    assert item_description(item(), "") == "Line 1"
    assert item_description(item({"LineSequenceNumber": None}), "") == "Line ?"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"OrderQty": 12.5, "OrderQtyUOM": "LB", "PurchasePrice": 3.2}, "12.5 LB @ 3.20"),
        ({"OrderQty": 250, "PurchasePrice": 12.355, "PurchasePriceBasis": "HP"}, "250 EA @ 12.355 per 100"),
        ({"OrderQtyUOM": None}, "5 @ 20.00"),
        ({"PurchasePrice": None, "ExtendedItemTotal": 7}, "5 EA"),
        ({"PurchasePrice": None}, "5 EA @ 0.00"),
    ],
)
def test_the_arithmetic_of_a_folded_line_can_be_read(line: dict[str, Any], told: str) -> None:
    assert arithmetic(item(line), priced(line)[0]) == told
