"""Order changes, their sequence and their diff at the edges: codes, numbers, dates, and what is only remarked."""

from __future__ import annotations

from typing import Any

import pytest

from connector.documents.order import Order
from connector.mapping.order_change import apply_change, whole_order
from connector.mapping.order_diff import order_diff
from connector.mapping.order_history import Version, in_force, is_issued_again
from tests.builders import PARTNER, change_line, order, order_change, order_line
from tests.unit.test_order_changes import PACK, diff, folded, read


def test_an_added_or_deleted_line_is_told_with_all_that_it_states() -> None:
    new = change_line(3, "AI", VendorPartNumber="V-3", OrderQty=2, OrderQtyUOM="EA", PurchasePrice=4.25)
    gone, added = diff(order(), order_change([change_line(2, "DI"), new])).lines
    assert (
        gone.text
        == "line 2 (V-2): deleted: quantity 5, unit EA, price 20.00, description Item 2, -100.00 USD"
    )
    assert added.text == "line 3 (V-3): added: quantity 2, unit EA, price 4.25, +8.50 USD"
    assert ("item", "V-2", "") in gone.fields


def test_an_order_that_comes_anew_or_goes_is_all_of_its_lines() -> None:
    whole = Order.model_validate(order(2, Department="031"))
    come, gone = order_diff(None, whole, PACK), order_diff(whole, None, PACK)
    assert [(line.line, line.what, line.effect) for line in come.lines] == [
        ("1", "added", 100),
        ("2", "added", 100),
    ]
    assert [(line.line, line.what, line.effect) for line in gone.lines] == [
        ("1", "deleted", -100),
        ("2", "deleted", -100),
    ]
    assert (come.effect, gone.effect, come.header, gone.header) == (200, -200, (), ())


def test_a_line_is_called_by_the_suppliers_number_else_the_buyers_else_its_code() -> None:
    def called(**line: Any) -> str:
        return (
            diff(order([order_line(1, **line)]), order_change([change_line(1, "QD", OrderQty=4)]))
            .lines[0]
            .item
        )

    assert called() == "V-1"
    assert called(VendorPartNumber=None) == "B-1"
    assert called(VendorPartNumber=None, BuyerPartNumber=None) == "859563003001"
    nameless = order([order_line(1, VendorPartNumber=None, BuyerPartNumber=None, ConsumerPackageCode=None)])
    told = diff(nameless, order_change([change_line(1, "QD", OrderQty=4)]))
    assert told.lines[0].text == "line 1: quantity 5 -> 4, -20.00 USD"


def test_a_change_of_what_is_not_compared_is_still_told() -> None:
    told = diff(order(), order_change([change_line(1, "CT", item={"Notes": [{"Note": "Mind the glass"}]})]))
    [line] = told.lines
    assert (line.what, line.effect) == ("changed", 0)
    assert line.text == "line 1 (V-1): details as before -> as in the change"


def test_the_summary_counts_and_names_the_first_three_lines() -> None:
    def told(count: int) -> str:
        return diff(
            order(5), order_change([change_line(n, "QD", OrderQty=4) for n in range(1, count + 1)])
        ).summary()

    assert told(1) == "1 line changes, -20.00 USD; line 1 (V-1): quantity 5 -> 4, -20.00 USD"
    assert told(3).startswith("3 lines change, -60.00 USD; line 1 (V-1)")
    assert told(3).endswith("line 3 (V-3): quantity 5 -> 4, -20.00 USD")
    assert (
        told(4)
        == told(3).replace("3 lines change, -60.00 USD", "4 lines change, -80.00 USD") + "; and 1 more"
    )


def test_a_change_outside_the_lines_or_of_nothing_says_so() -> None:
    other = order_change(Department="031", ChangeOrderSeqNumber="7")
    told = diff(order(), other)
    assert told.summary() == "no line changes (Department)"
    assert [(one.code, one.severity, one.message) for one in told.findings()] == [
        ("header_changed", "info", "changed outside the lines: Department")
    ]
    nothing = order_diff(Order.model_validate(order()), Order.model_validate(order()), PACK)
    assert (nothing.summary(), nothing.findings(), nothing.effect) == ("nothing changes", [], 0)


def test_changed_groups_of_the_header_are_named_after_its_elements() -> None:
    before = Order.model_validate(order())
    after = Order.model_validate(
        order(
            Department="031",
            header={"Dates": [{"DateTimeQualifier": "010", "Date": "2026-03-12"}], "References": None},
        )
    )
    assert order_diff(before, after, PACK).header == ("Department", "Dates", "References")


def test_what_a_document_says_of_itself_is_no_change_of_the_order() -> None:
    again = order(TsetPurposeCode="06", ChangeOrderSeqNumber="3", POChangeDate="2026-03-09")
    assert order_diff(Order.model_validate(order()), Order.model_validate(again), PACK).header == ()


def test_fifty_changes_are_all_shown() -> None:
    told = diff(order(50), order_change([change_line(n, "QD", OrderQty=1) for n in range(1, 51)]))
    assert [one.code for one in told.findings()] == ["line_changed"] * 50
    assert told.findings()[-1].message == "line 50 (V-50): quantity 5 -> 1, -80.00 USD"


def test_the_diff_as_json_has_both_sides_of_every_field() -> None:
    told = diff(order(), order_change([change_line(1, "QD", OrderQty=3)], Department="031"))
    assert told.as_json() == {
        "lines": [
            {
                "line": "1",
                "item": "V-1",
                "what": "changed",
                "fields": {"quantity": ["5", "3"]},
                "effect": "-40.00",
            }
        ],
        "header": ["Department"],
        "effect": "-40.00",
    }


# --- the order in force, at its edges -------------------------------------------------------------------


def cancellation(**changes: Any) -> dict[str, Any]:
    return order_change(TsetPurposeCode="01", **changes)


def anew(*documents: dict[str, Any], accepted: bool = False) -> tuple[bool, bool]:
    """Whether the order is cancelled after these, and whether a person has to say that the last issues it anew."""
    versions = [Version(read(document)) for document in documents]
    versions[-1] = Version(read(documents[-1]), accepted)
    return in_force(versions).cancelled, is_issued_again(versions)


def test_an_order_again_after_its_cancellation_is_in_force_by_its_date_or_by_a_person() -> None:
    assert anew(order(), cancellation(), order()) == (True, True)
    assert anew(order(), cancellation(), order(PurchaseOrderDate="2026-03-01")) == (True, True)
    assert anew(order(), cancellation(), order(PurchaseOrderDate="2026-03-03")) == (False, False)
    assert anew(order(), cancellation(), order(), accepted=True) == (False, False)


def test_only_an_order_after_order_and_cancellation_is_a_persons_to_judge() -> None:
    assert anew(order(), order()) == (False, False)
    assert anew(cancellation(), order()) == (True, False), "the order was overtaken by its cancellation"
    assert anew(order(), cancellation(), cancellation()) == (True, False)
    back = order_change([change_line(1, "QD", OrderQty=4)], TsetPurposeCode="05", POChangeDate="2026-03-09")
    assert anew(order(), cancellation(), back, order()) == (False, False), "it is in force again"


def test_an_order_without_a_date_does_not_issue_itself_anew() -> None:
    assert anew(order(), cancellation(), order(PurchaseOrderDate=None)) == (True, True)
    undated = cancellation(PurchaseOrderDate=None)
    assert anew(order(PurchaseOrderDate=None), undated, order()) == (True, True)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (order(), "original"),
        (order(TsetPurposeCode=None), "original"),
        (order(TsetPurposeCode="06"), "original"),
        (order(TsetPurposeCode="07"), "original"),
        (order(TsetPurposeCode="20"), "replacement"),
        (order(TsetPurposeCode="05"), "replacement"),
        (order(TsetPurposeCode="01"), "cancellation"),
        (order(TsetPurposeCode="CN"), "information"),
        (order(PrimaryPOTypeCode="IN"), "information"),
        (order_change(), "change"),
        (order_change(TsetPurposeCode="05"), "replacement"),
        (order_change(TsetPurposeCode="01"), "cancellation"),
        (order_change(TsetPurposeCode="CN"), "information"),
        (order_change(TsetPurposeCode="20"), "change"),
    ],
)
def test_what_a_document_is_to_its_order(document: dict[str, Any], kind: str) -> None:
    assert Version(read(document)).kind == kind


def test_explanations_call_a_change_by_its_number_where_it_has_one() -> None:
    label = lambda **changes: Version(read(order_change(**changes))).label  # noqa: E731
    assert label(ChangeOrderSeqNumber="2") == label(ChangeOrderSeqNumber=" 2 ") == "change 2"
    assert label() == label(ChangeOrderSeqNumber="2a") == "change"
    assert Version(read(order())).label == "original"


def test_a_number_decides_before_a_date_and_a_date_before_the_kind() -> None:
    def before(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return Version(read(one)).is_before(Version(read(other)))

    early = order_change(POChangeDate="2026-03-05", ChangeOrderSeqNumber="2")
    late = order_change(POChangeDate="2026-03-07", ChangeOrderSeqNumber="1")
    assert before(late, early)
    assert not before(early, late)
    same = order_change(POChangeDate="2026-03-07", ChangeOrderSeqNumber="2")
    assert before(early, same)
    assert not before(same, early)
    ends_early = cancellation(POChangeDate="2026-03-05")
    assert before(ends_early, order_change(POChangeDate="2026-03-07"))
    assert before(order_change(POChangeDate="2026-03-05"), ends_early)
    assert not before(ends_early, order_change(POChangeDate="2026-03-05"))
    assert not before(early, early)


def test_a_replacement_that_states_no_day_is_before_the_cancellation() -> None:
    assert folded(order(), cancellation(), order(TsetPurposeCode="05")).cancelled


def test_findings_are_on_the_documents_that_are_decided_about() -> None:
    unclear = order_change([change_line(7, "QD", OrderQty=1)], ChangeOrderSeqNumber="1")
    clear = order_change([change_line(1, "QD", OrderQty=2)], ChangeOrderSeqNumber="2")
    versions = [Version(read(document)) for document in (order(), unclear, clear)]
    assert [finding.code for finding in in_force(versions, 1).findings] == ["line_not_there"]
    assert in_force(versions, 2).findings == ()


def test_a_change_alone_is_no_order_yet() -> None:
    state = folded(order_change([change_line(1, "QD", OrderQty=2)]))
    assert (state.order, state.cancelled) == (None, False)
    assert state.is_same(folded())
    assert not state.is_same(folded(order()))
    assert not folded(order()).is_same(folded(order(), cancellation()))
    assert not folded(order()).is_same(folded(order(3)))
    assert folded(order()).is_same(folded(order(), order()))


# --- one change, at its edges ---------------------------------------------------------------------------


def applied(
    change: dict[str, Any], before: dict[str, Any] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines as changed, and (code, severity) of the findings as words."""
    whole, findings = apply_change(whole_order(before or order()), order_change([change]))
    return [one.raw["OrderLine"] for one in whole.lines], [f"{one.code} {one.severity}" for one in findings]


def test_a_deleted_line_that_is_of_another_item_is_told_and_gone() -> None:
    lines, found = applied(change_line(1, "DI", VendorPartNumber="V-2"))
    assert [one["VendorPartNumber"] for one in lines] == ["V-2"]
    assert found == ["other_item error"]


def test_a_line_that_is_to_be_added_where_it_is_already_takes_what_is_stated() -> None:
    lines, found = applied(change_line(1, "AI", VendorPartNumber="V-1", OrderQty=8))
    assert (len(lines), lines[0]["OrderQty"], found) == (2, 8, [])


def test_an_item_once_more_under_a_new_number_is_a_new_line() -> None:
    lines, found = applied(change_line(3, "AI", VendorPartNumber="V-1", OrderQty=8))
    assert ([one["OrderQty"] for one in lines], found) == ([5, 5, 8], [])
    lines, found = applied(change_line(3, None, VendorPartNumber="V-1", OrderQty=8))
    assert ([one["OrderQty"] for one in lines], found) == ([5, 5, 8], ["line_not_there error"])
    lines, found = applied(change_line(3, "QI", VendorPartNumber="V-1", OrderQty=8))
    assert ([one["OrderQty"] for one in lines], found) == ([8, 5], []), "a change is of a line that is there"


def test_in_an_order_without_line_numbers_the_part_number_finds_the_line() -> None:
    before = order([order_line(n, LineSequenceNumber=None) for n in (1, 2)])
    lines, found = applied(change_line(3, None, VendorPartNumber="V-1", OrderQty=8), before)
    assert ([one["OrderQty"] for one in lines], found) == ([8, 5], [])


def test_a_part_number_that_two_lines_have_finds_neither() -> None:
    before = order([order_line(n, VendorPartNumber="V-1", BuyerPartNumber=None) for n in (1, 2)])
    named = change_line(None, "QI", VendorPartNumber="V-1", OrderQty=8)
    assert applied(named, before)[1] == ["line_not_there error"]
    named = change_line(None, "QI", VendorPartNumber="V-1", ConsumerPackageCode="859563003002", OrderQty=8)
    lines, found = applied(named, before)
    assert ([one["OrderQty"] for one in lines], found) == ([5, 8], [])


@pytest.mark.parametrize("name", ["GTIN", "EAN", "UPCCaseCode", "BuyerPartNumber"])
def test_a_line_is_found_by_any_number_of_its_item(name: str) -> None:
    before = order([order_line(1), order_line(2, **{name: "4006381333931"})])
    lines, found = applied(change_line(None, "QI", OrderQty=8, **{name: "4006381333931"}), before)
    assert ([one["OrderQty"] for one in lines], found) == ([5, 8], [])


def test_the_exact_line_number_comes_before_one_with_other_zeros() -> None:
    before = order([order_line(1, LineSequenceNumber="01"), order_line(2, LineSequenceNumber="1")])
    assert [one["OrderQty"] for one in applied(change_line(1, "QI", OrderQty=8), before)[0]] == [5, 8]


def test_one_number_of_the_item_that_agrees_is_enough() -> None:
    change = change_line(1, "QI", VendorPartNumber="V-1B", BuyerPartNumber="B-1", OrderQty=8)
    lines, found = applied(change)
    assert (lines[0]["VendorPartNumber"], lines[0]["OrderQty"], found) == ("V-1B", 8, [])


def test_a_line_replaced_in_all_may_be_of_another_item() -> None:
    lines, found = applied(change_line(1, "RZ", VendorPartNumber="V-9", OrderQty=1, PurchasePrice=3))
    assert (lines[0]["VendorPartNumber"], found) == ("V-9", [])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (change_line(1, "QD", OrderQty=5), []),
        (change_line(1, "QI", OrderQty=5), []),
        (change_line(1, "QD", OrderQty=0), []),
        (change_line(1, "QD", VarianceQty=5), []),
        (change_line(1, "CA", OrderQty=-1), ["change_contradicts error"]),
        (change_line(1, "CA", VarianceQty=-6), ["change_contradicts error"]),
        (change_line(1, "CT", OrderQty=5, PurchasePrice=20), []),
        (change_line(1, "CT", OrderQty=6), ["change_contradicts error"]),
        (change_line(1, "CT", PurchasePrice=21), ["change_contradicts error"]),
        (change_line(1, "AI", VendorPartNumber="V-1", PurchasePrice=21), []),
        (change_line(1, "XX", OrderQty=6, PurchasePrice=21), ["change_code_unknown error"]),
        (change_line(1, None, OrderQty=6, PurchasePrice=21), []),
        (change_line(1, "QD", OrderQty=3, PreviousOrderQty=5), []),
        (change_line(1, "QD", OrderQty=3, PreviousOrderQty=3), []),
        (change_line(1, "QD", OrderQty=3, PreviousOrderQty=4), ["previous_quantity_differs warning"]),
    ],
)
def test_what_a_code_allows_is_nothing_to_remark(change: dict[str, Any], found: list[str]) -> None:
    assert applied(change)[1] == found


def test_a_rejected_change_is_told_apart_from_a_code_that_nobody_knows() -> None:
    def message(code: str) -> str:
        return apply_change(whole_order(order()), order_change([change_line(1, code)]))[1][0].message

    assert message("RC") == "line 1: the code RC rejects a change"
    assert message("XX") == "line 1: the code XX is unknown"


def test_a_line_that_the_order_lacks_is_told_by_what_was_to_be_done_with_it() -> None:
    def message(code: str | None) -> str:
        return apply_change(whole_order(order()), order_change([change_line(7, code)]))[1][0].message

    assert message("QD") == "line 7 is to be changed, but the order does not have it"
    assert message("DI") == "line 7 is to be deleted, but the order does not have it"
    assert message(None) == "line 7 is not in the order, and nothing says that it is added"


def test_a_change_by_a_number_is_of_what_was_ordered() -> None:
    assert applied(change_line(1, "CA", VarianceQty=-2))[0][0]["OrderQty"] == 3
    assert applied(change_line(1, "QI", VarianceQty=-2))[0][0]["OrderQty"] == 7
    assert applied(change_line(1, "QI", VarianceQty=2, OrderQty=9))[0][0]["OrderQty"] == 9
    assert applied(change_line(1, "QI", VarianceQty=1e14))[0][0]["OrderQty"] == 5
    unquantified = order([order_line(1, OrderQty=None)])
    assert "OrderQty" not in applied(change_line(1, "QI", VarianceQty=2), unquantified)[0][0]


def test_a_line_total_is_dropped_only_where_what_it_is_made_of_moved() -> None:
    before = order([order_line(ExtendedItemTotal=100.0)])
    assert (
        applied(change_line(1, "CA", OrderQty=5, OrderQtyUOM="EA"), before)[0][0]["ExtendedItemTotal"] == 100
    )
    for moved in ({"OrderQty": 4}, {"PurchasePrice": 19}, {"PurchasePriceBasis": "PD"}):
        assert "ExtendedItemTotal" not in applied(change_line(1, "CA", **moved), before)[0][0]
    restated = change_line(1, "CA", OrderQty=4, ExtendedItemTotal=80)
    assert applied(restated, before)[0][0]["ExtendedItemTotal"] == 80


def test_the_words_of_the_change_itself_are_not_the_lines() -> None:
    lines, _ = applied(change_line(1, "QD", OrderQty=3, PreviousOrderQty=5, VarianceQty=2))
    assert not {"LineChangeCode", "PreviousOrderQty", "VarianceQty"} & set(lines[0])
    lines, _ = applied(change_line(3, "AI", OrderQty=3, PreviousOrderQty=0))
    assert not {"LineChangeCode", "PreviousOrderQty"} & set(lines[2])


def test_what_names_the_order_stays_as_the_order_has_it() -> None:
    change = order_change(
        ReleaseNumber="9", PrimaryPOTypeCode="KN", ChangeOrderSeqNumber="2", TradingPartnerId="X", Vendor="V2"
    )
    whole, _ = apply_change(whole_order(order(ReleaseNumber="7")), change)
    own = whole.raw["Header"]["OrderHeader"]
    assert (own["ReleaseNumber"], own["PrimaryPOTypeCode"], own["TsetPurposeCode"]) == ("7", "SA", "00")
    assert (own["TradingPartnerId"], own["Vendor"]) == (PARTNER, "V2")
    assert not {"ChangeOrderSeqNumber", "POChangeDate"} & set(own)


def test_quantities_of_the_order_before_go_and_other_groups_stay_until_they_are_restated() -> None:
    before = order(header={"QuantityTotals": [{"Quantity": 10}], "Notes": [{"Note": "old"}]})
    whole, _ = apply_change(whole_order(before), order_change())
    assert "QuantityTotals" not in whole.raw["Header"]
    assert whole.raw["Header"]["Notes"] == [{"Note": "old"}]
    whole, _ = apply_change(whole_order(before), order_change(header={"Notes": [{"Note": "new"}]}))
    assert whole.raw["Header"]["Notes"] == [{"Note": "new"}]


def test_applying_a_change_leaves_the_order_it_was_given_alone() -> None:
    before = whole_order(order())
    apply_change(
        before, order_change([change_line(1, "QD", OrderQty=3), change_line(2, "DI")], Department="9")
    )
    assert before.raw == whole_order(order()).raw
    assert before.header_sources == {}
    assert [one.sources for one in before.lines] == [{"": "LineItem[0]"}, {"": "LineItem[1]"}]


def test_a_replacement_keeps_the_header_elements_that_it_leaves_out() -> None:
    change = order_change([change_line(4, None, OrderQty=8)], TsetPurposeCode="05", ChangeOrderSeqNumber="3")
    state = folded(order(Department="031"), change)
    assert state.order is not None
    own = state.order.raw["Header"]["OrderHeader"]
    assert (own["Department"], own["TsetPurposeCode"]) == ("031", "05")
    assert not {"ChangeOrderSeqNumber", "POChangeDate"} & set(own)
    alone = folded(change)
    assert alone.order is not None
    assert "POChangeDate" not in alone.order.raw["Header"]["OrderHeader"]
    assert (
        alone.order.source_of("LineItem[0].OrderLine.OrderQty")
        == "replacement 3: LineItem[0].OrderLine.OrderQty"
    )


def test_a_code_that_changes_no_price_and_one_that_does_is_told_with_both_prices() -> None:
    _, findings = apply_change(
        whole_order(order([order_line(1, PurchasePrice=20)])),
        order_change([change_line(1, "CT", PurchasePrice=21.5)]),
    )
    [finding] = findings
    assert finding.message.endswith("the code CT changes no price, but 20.00 is ordered, 21.50 stated")


def test_a_change_of_stores_is_told_store_by_store() -> None:
    def stores(*quantities: int) -> dict[str, Any]:
        places = [{"Location": f"010{n}", "Qty": quantity} for n, quantity in enumerate(quantities, 1)]
        return {"QuantitiesSchedulesLocations": [{"LocationQuantity": places}]}

    before = order([order_line(1, item=stores(2, 3))])
    [line] = diff(before, order_change([change_line(1, "CL", item=stores(1, 4))])).lines
    assert line.fields == (("stores", "0101: 2, 0102: 3", "0101: 1, 0102: 4"),)
