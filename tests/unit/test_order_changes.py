"""An order change gives the whole order as changed; what it leaves unclear is said and stops it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.mapping.order_change import apply_change, whole_order
from connector.mapping.order_diff import OrderDiff, order_diff
from connector.mapping.order_history import InForce, Version, in_force
from connector.rules.packs import PartnerPack
from tests.builders import PARTNER, address, as_bytes, change_line, charge, order, order_change, order_line

PACK = PartnerPack(trading_partner_id=PARTNER)


def read(document: dict[str, Any]) -> Read:
    [one] = read_documents(as_bytes(document))
    assert isinstance(one, Read)
    return one


def changed(document: dict[str, Any], change: dict[str, Any]) -> tuple[Order, list[str]]:
    """The order as changed and the codes of the findings."""
    whole, findings = apply_change(whole_order(document), change)
    return Order.model_validate(whole.raw), [finding.code for finding in findings]


def line(of: Order, index: int = 0) -> tuple[Decimal | None, Decimal | None]:
    return of.LineItem[index].OrderLine.OrderQty, of.LineItem[index].OrderLine.PurchasePrice


def folded(*documents: dict[str, Any]) -> InForce:
    return in_force([Version(read(document)) for document in documents])


def quantities(state: InForce) -> dict[str, Any]:
    assert state.order is not None
    lines = [line["OrderLine"] for line in state.order.raw["LineItem"]]
    return {one["LineSequenceNumber"]: one["OrderQty"] for one in lines}


@pytest.mark.parametrize(
    ("code", "stated", "expected"),
    [
        ("QD", {"OrderQty": 3}, (3, 20)),
        ("QI", {"OrderQty": 9}, (9, 20)),
        ("PC", {"PurchasePrice": 18.5}, (5, Decimal("18.5"))),
        ("PQ", {"OrderQty": 6, "PurchasePrice": 18}, (6, 18)),
        ("RQ", {"OrderQty": 6}, (6, 20)),
        ("CA", {"OrderQty": 6, "PurchasePrice": 19}, (6, 19)),
        ("NCH", {"OrderQty": 5}, (5, 20)),
        ("QD", {"VarianceQty": 2}, (3, 20)),
        ("QD", {"VarianceQty": -2}, (3, 20)),
        ("QI", {"VarianceQty": 2}, (7, 20)),
        (None, {"OrderQty": 6}, (6, 20)),
    ],
)
def test_a_line_takes_what_its_change_states(code: str | None, stated: dict, expected: tuple) -> None:
    after, findings = changed(order(), order_change([change_line(1, code, **stated)]))
    assert line(after) == expected
    assert line(after, 1) == (5, 20)
    assert findings == []


def test_a_line_is_added_and_one_is_deleted() -> None:
    after, findings = changed(
        order(),
        order_change(
            [change_line(1, "DI"), change_line(3, "AI", VendorPartNumber="V-3", OrderQty=7, PurchasePrice=2)]
        ),
    )
    assert [item.OrderLine.VendorPartNumber for item in after.LineItem] == ["V-2", "V-3"]
    assert line(after, 1) == (7, 2)
    assert findings == []


def test_a_line_whose_values_are_all_replaced_keeps_only_its_number() -> None:
    new = change_line(2, "RZ", VendorPartNumber="V-9", OrderQty=1, OrderQtyUOM="CA", PurchasePrice=100)
    after, findings = changed(order(), order_change([new]))
    assert after.LineItem[1].OrderLine.plain() == {
        "LineSequenceNumber": "2",
        "VendorPartNumber": "V-9",
        "OrderQty": 1,
        "OrderQtyUOM": "CA",
        "PurchasePrice": 100,
    }
    assert after.LineItem[1].ProductOrItemDescription == []
    assert findings == []


def test_a_line_without_a_number_is_found_by_its_part_or_upc_and_zeros_do_not_matter() -> None:
    for named in (
        change_line(None, "QD", VendorPartNumber="V-2", OrderQty=1),
        change_line(None, "QD", ConsumerPackageCode="859563003002", OrderQty=1),
        change_line(None, "QD", LineSequenceNumber="002", OrderQty=1),
    ):
        after, findings = changed(order(), order_change([named]))
        assert [line(after, 0)[0], line(after, 1)[0]] == [5, 1]
        assert findings == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (change_line(1, "XX", OrderQty=5), "change_code_unknown"),
        (change_line(1, "RC"), "change_code_unknown"),
        (change_line(1, "QD", OrderQty=9), "change_contradicts"),
        (change_line(1, "QI", OrderQty=1), "change_contradicts"),
        (change_line(1, "PC", OrderQty=9, PurchasePrice=20), "change_contradicts"),
        (change_line(1, "QI", OrderQty=9, PurchasePrice=21), "change_contradicts"),
        (change_line(1, "QD", VarianceQty=6), "change_contradicts"),
        (change_line(7, "QD", OrderQty=1), "line_not_there"),
        (change_line(7, None, OrderQty=1), "line_not_there"),
        (change_line(1, "QD", VendorPartNumber="V-2", OrderQty=1), "other_item"),
        (change_line(1, "DI", VendorPartNumber="V-2"), "other_item"),
        (change_line(1, "AI", VendorPartNumber="V-7", OrderQty=1), "line_already_there"),
    ],
)
def test_a_change_that_is_not_clear_stops_for_a_person(change: dict, code: str) -> None:
    _, findings = apply_change(whole_order(order()), order_change([change]))
    assert [(finding.code, finding.severity) for finding in findings] == [(code, "error")]
    assert findings[0].place.startswith("LineItem[0].OrderLine.")
    assert findings[0].fix


def test_deleting_a_line_that_is_gone_and_another_previous_quantity_are_only_remarks() -> None:
    lines = [change_line(7, "DI"), change_line(1, "QD", OrderQty=3, PreviousOrderQty=12)]
    _, findings = apply_change(whole_order(order()), order_change(lines))
    assert [(finding.code, finding.severity) for finding in findings] == [
        ("line_not_there", "warning"),
        ("previous_quantity_differs", "warning"),
    ]


def test_header_groups_are_changed_by_their_kind_and_the_stale_total_is_dropped() -> None:
    change = order_change(
        header={
            "Dates": [{"DateTimeQualifier": "001", "Date": "2026-04-01"}],
            "Address": [address("ST", "0999", "Example Retail DC 999")],
            "PaymentTerms": [{"TermsNetDueDays": 60}],
            "ChargesAllowances": [charge(12)],
        },
        Department="031",
    )
    after, _ = changed(order(), change)
    header = after.Header
    assert [(one.DateTimeQualifier, one.Date) for one in header.Dates] == [
        ("010", "2026-03-10"),
        ("001", "2026-04-01"),
    ]
    assert [one["AddressLocationNumber"] for one in header.Address] == ["0001", "0999"]
    assert [one.TermsNetDueDays for one in header.PaymentTerms] == [60]
    assert header.OrderHeader.plain()["Department"] == "031"
    assert header.OrderHeader.TsetPurposeCode == "00"
    assert after.Summary is None


def test_what_an_order_states_beyond_the_change_is_kept_for_the_invoice() -> None:
    whole, _ = apply_change(whole_order(order()), order_change([change_line(1, "QD", OrderQty=3)]))
    before = order()
    assert whole.raw["LineItem"][0] == {
        **before["LineItem"][0],
        "OrderLine": {**before["LineItem"][0]["OrderLine"], "OrderQty": 3},
    }
    assert whole.raw["Header"]["References"] == before["Header"]["References"]


def test_a_line_total_that_the_change_does_not_restate_is_dropped() -> None:
    after, _ = changed(
        order([order_line(ExtendedItemTotal=100.0)]), order_change([change_line(1, "QD", OrderQty=3)])
    )
    assert after.LineItem[0].OrderLine.ExtendedItemTotal is None


# --- several documents ----------------------------------------------------------------------------------


def test_changes_are_put_in_order_by_their_number_whatever_came_first() -> None:
    first = order_change(
        [change_line(1, "QD", OrderQty=4), change_line(2, "QD", OrderQty=4)], ChangeOrderSeqNumber="1"
    )
    second = order_change([change_line(1, "QD", OrderQty=2)], ChangeOrderSeqNumber="2")
    for arrival in (
        (order(), first, second),
        (order(), second, first),
        (second, first, order()),
        (first, order(), second),
    ):
        assert quantities(folded(*arrival)) == {"1": 2, "2": 4}


def test_changes_without_a_number_are_put_in_order_by_their_date() -> None:
    first = order_change([change_line(1, "QD", OrderQty=4)], POChangeDate="2026-03-05")
    second = order_change([change_line(1, "QD", OrderQty=2)], POChangeDate="2026-03-07")
    assert quantities(folded(order(), second, first)) == {"1": 2, "2": 5}


def test_ten_comes_after_nine() -> None:
    ninth = order_change([change_line(1, "QD", OrderQty=4)], ChangeOrderSeqNumber="9")
    tenth = order_change([change_line(1, "QD", OrderQty=2)], ChangeOrderSeqNumber="10")
    assert quantities(folded(order(), tenth, ninth)) == {"1": 2, "2": 5}


def test_a_replacement_states_the_lines_anew_and_keeps_the_header_it_leaves_out() -> None:
    change = order_change(
        [change_line(4, None, VendorPartNumber="V-4", OrderQty=8, PurchasePrice=1), change_line(5, "DI")],
        TsetPurposeCode="05",
    )
    state = folded(order(), change)
    assert quantities(state) == {"4": 8}
    assert state.order is not None
    assert state.order.raw["Header"]["Address"] == order()["Header"]["Address"]


def test_a_cancellation_ends_the_order_and_an_earlier_change_does_not_bring_it_back() -> None:
    cancel = order_change(TsetPurposeCode="01", ChangeOrderSeqNumber="4")
    late = order_change([change_line(1, "QD", OrderQty=2)], ChangeOrderSeqNumber="3")
    assert folded(order(), cancel).cancelled
    assert folded(order(), cancel, late).cancelled
    after = order_change([change_line(1, "QD", OrderQty=2)], ChangeOrderSeqNumber="5")
    assert [finding.code for finding in folded(order(), cancel, after).findings] == ["order_was_cancelled"]


def test_deleting_the_last_line_cancels_the_order() -> None:
    assert folded(order(1), order_change([change_line(1, "DI")])).cancelled


def test_information_copies_change_nothing() -> None:
    copy = order_change([change_line(1, "QD", OrderQty=2)], PrimaryPOTypeCode="IN")
    notice = order(TsetPurposeCode="CN", lines=1)
    assert quantities(folded(order(), copy, notice)) == {"1": 5, "2": 5}


def test_every_value_of_the_changed_order_knows_the_document_that_stated_it() -> None:
    first = order_change(
        [change_line(1, "DI"), change_line(2, "PC", PurchasePrice=18)], ChangeOrderSeqNumber="1"
    )
    second = order_change([change_line(2, "QD", OrderQty=3)], header={"Dates": [{"Date": "2026-04-01"}]})
    whole = folded(order(), first, second).order
    assert whole is not None
    assert (
        whole.source_of("LineItem[0].OrderLine.PurchasePrice")
        == "change 1: LineItem[1].OrderLine.PurchasePrice"
    )
    assert whole.source_of("LineItem[0].OrderLine.OrderQty") == "change: LineItem[0].OrderLine.OrderQty"
    assert whole.source_of("LineItem[0].OrderLine.OrderQtyUOM") == "LineItem[1].OrderLine.OrderQtyUOM"
    assert whole.source_of("Header.Dates[0].Date") == "change: Header.Dates"
    assert whole.source_of("Header.OrderHeader.BuyersCurrency") == "Header.OrderHeader.BuyersCurrency"


# --- the diff -------------------------------------------------------------------------------------------


def diff(before: dict[str, Any], *changes: dict[str, Any]) -> OrderDiff:
    whole = whole_order(before)
    for change in changes:
        whole, _ = apply_change(whole, change)
    return order_diff(Order.model_validate(before), Order.model_validate(whole.raw), PACK)


def test_the_diff_says_what_each_line_changes_and_what_money_that_moves() -> None:
    told = diff(
        order(),
        order_change(
            [
                change_line(1, "PQ", OrderQty=3, PurchasePrice=21.5),
                change_line(2, "DI"),
                change_line(
                    3, "AI", VendorPartNumber="V-3", OrderQty=2, OrderQtyUOM="EA", PurchasePrice=4.25
                ),
            ],
            Department="031",
        ),
    )
    first, second, third = told.lines
    assert first.text == "line 1 (V-1): quantity 5 -> 3, price 20.00 -> 21.50, -35.50 USD"
    assert (second.what, second.effect) == ("deleted", Decimal("-100.00"))
    assert (third.what, third.effect) == ("added", Decimal("8.50"))
    assert told.effect == Decimal("-127.00")
    assert told.header == ("Department",)
    assert told.summary().startswith("3 lines change, -127.00 USD; line 1 (V-1): quantity 5 -> 3")


def test_a_change_of_dates_alone_is_told_and_moves_no_money() -> None:
    told = diff(
        order(),
        order_change(
            [change_line(1, "CT", item={"Dates": [{"DateTimeQualifier": "002", "Date": "2026-05-01"}]})]
        ),
    )
    assert [(line.line, line.effect) for line in told.lines] == [("1", 0)]
    assert told.lines[0].text == "line 1 (V-1): dates - -> 002 2026-05-01"


def test_a_long_diff_is_cut_for_people() -> None:
    told = diff(order(80), order_change([change_line(n, "QD", OrderQty=1) for n in range(1, 81)]))
    assert len(told.findings()) == 51
    assert told.findings()[-1].message == "and 30 more lines"
    assert len(told.as_json()["lines"]) == 80
