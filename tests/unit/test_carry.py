"""Carry-over: what an order's group becomes in an outbound document."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connector.documents import invoice, parts
from connector.findings import Trace
from connector.mapping.carry import Explainer, carry, carry_all, number_of, once
from connector.mapping.shapes import ROOTS, shape_of
from tests.outbound import SHARED, codes, order


def test_declared_elements_are_carried_in_schema_order() -> None:
    raw = {"Description": "Contract", "ReferenceID": "5987-1", "ReferenceQual": "CT"}
    carried, findings = carry(raw, parts.Reference)
    assert list(carried.items()) == [
        ("ReferenceQual", "CT"),
        ("ReferenceID", "5987-1"),
        ("Description", "Contract"),
    ]
    assert findings == []


def test_an_unknown_element_is_left_out_and_told_with_its_place() -> None:
    carried, findings = carry(
        {"ContactName": "Ann", "Mood": "good"}, parts.Contact, place="Header.Contacts[0]"
    )
    assert carried == {"ContactName": "Ann"}
    assert [(f.code, f.severity, f.place) for f in findings] == [
        ("element_not_carried", "info", "Header.Contacts[0].Mood")
    ]


def test_nulls_and_empties_go_without_a_word() -> None:
    raw = {"ContactTypeCode": "IC", "ContactName": "", "PrimaryPhone": None, "AdditionalContactDetails": [{}]}
    assert carry(raw, parts.Contact) == ({"ContactTypeCode": "IC"}, [])


def test_numbers_of_xml_become_numbers_and_numbered_ids_become_text() -> None:
    raw = {
        "TermsNetDueDays": "31",
        "TermsDiscountPercentage": " 2.50 ",
        "PaymentMethodID": 7,
        "TermsDueDay": 5.0,
    }
    carried, findings = carry(raw, parts.Terms)
    assert carried == {
        "TermsDiscountPercentage": 2.5,
        "TermsNetDueDays": 31,
        "TermsDueDay": 5,
        "PaymentMethodID": "7",
    }
    assert findings == []


@pytest.mark.parametrize(
    "value", ["abc", True, float("nan"), float("inf"), 10**400, [], {"a": 1}, "1E+99999", 2.5]
)
def test_what_is_no_whole_number_is_left_out(value: Any) -> None:
    carried, findings = carry({"TermsType": "01", "TermsNetDueDays": value}, parts.Terms)
    assert carried == {"TermsType": "01"}
    assert codes(findings) in ([], ["value_not_carried"])


def test_a_single_child_of_xml_is_a_list_and_a_list_of_one_a_child() -> None:
    raw = {
        "ReferenceQual": ["CT"],
        "ReferenceID": "1",
        "ReferenceIDs": {"ReferenceQual": "VN", "ReferenceID": "2"},
    }
    carried, _ = carry(raw, parts.Reference)
    assert carried["ReferenceQual"] == "CT"
    assert carried["ReferenceIDs"] == [{"ReferenceQual": "VN", "ReferenceID": "2"}]


def test_a_reference_whose_qualifier_an_invoice_lacks_is_left_out_whole() -> None:
    raws = [{"ReferenceQual": "IA", "ReferenceID": "1"}, {"ReferenceQual": "CT", "ReferenceID": "2"}]
    carried, findings = carry_all(raws, parts.Reference, place="Header.References")
    assert carried == [{"ReferenceQual": "CT", "ReferenceID": "2"}]
    assert [(f.code, f.place) for f in findings] == [
        ("code_not_carried", "Header.References[0].ReferenceQual")
    ]


def test_a_bad_code_beside_the_point_costs_only_itself() -> None:
    carried, findings = carry({"TermsType": "ZZ", "TermsNetDueDays": 30}, parts.Terms)
    assert carried == {"TermsNetDueDays": 30}
    assert codes(findings, "warning") == ["code_not_carried"]


def test_the_shipment_has_its_own_code_lists() -> None:
    raw = {"ReferenceQual": "SI", "ReferenceID": "1"}
    assert carry(raw, parts.Reference)[0] == raw
    assert carry(raw, parts.Reference, document="Shipment")[0] == {}


def test_transit_time_is_called_differently_in_the_two_documents() -> None:
    of_order = {"TransitTimeQual": "CD", "TransitTime": 3}
    assert carry(of_order, parts.Carrier)[0] == {"TransitTimeQualifier": "CD", "TransitTime": 3}
    assert carry(of_order, parts.Carrier, document="Shipment")[0] == of_order


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ({"Date": "2026-03-02T10:00:00"}, {"Date": "2026-03-02"}),
        ({"Date": "22020-12-20", "DateTimePeriod": "x"}, {"DateTimePeriod": "x"}),
        ({"Time": "14:22"}, {"Time": "14:22:00"}),
        ({"Time": "14:22:14-05:00"}, {"Time": "14:22:14-05:00"}),
        ({"Time": "99:99:99"}, {}),
    ],
)
def test_dates_and_times_are_good_or_gone(raw: dict[str, str], kept: dict[str, str]) -> None:
    carried, findings = carry(raw, parts.DateTime)
    assert carried == kept
    assert len(findings) == len(raw) - len(kept)


def test_a_carriers_address_has_neither_references_nor_contacts() -> None:
    raw = {
        "CarrierAlphaCode": "RBTC",
        "Address": [{"AddressTypeCode": "SF", "Contacts": [{"ContactName": "A"}]}],
    }
    carried, findings = carry(raw, parts.Carrier)
    assert carried["Address"] == [{"AddressTypeCode": "SF"}]
    assert codes(findings) == ["element_not_carried"]


@pytest.mark.parametrize("raw", ["text", 5, None, [], [1, 2], [[]], True])
def test_what_is_no_group_carries_nothing(raw: Any) -> None:
    assert carry(raw, parts.Party)[0] == {}


def test_typed_and_untyped_groups_carry_alike() -> None:
    raw = {"TermsType": "01", "TermsDiscountPercentage": 2.0, "Odd": "x"}
    typed = parts.Terms.model_validate(raw)
    assert carry(typed, parts.Terms) == carry(raw, parts.Terms)


def test_only_the_wanted_elements_are_carried_and_the_rest_is_no_finding() -> None:
    header = order(header={"Odd": "x"}).Header.OrderHeader
    assert carry(header, invoice.HeaderFields, only=frozenset({"Department"})) == ({"Department": "026"}, [])


def test_where_there_are_several_orders_explanations_say_which_one() -> None:
    trace: Trace = {}
    explain = Explainer(trace)
    explain.order = "orders[1]"
    explain.mark("Number", "as asked", "order.Header.Number", "invoice.number")
    explain.finish({"Number": "7"})
    assert trace["Number"].paths == ("orders[1].Header.Number", "invoice.number")


def test_the_same_remark_is_told_once() -> None:
    raws = [{"ContactName": "A", "Mood": "x"}, {"ContactName": "B", "Mood": "y"}]
    _, findings = carry_all(raws, parts.Contact, place="Contacts")
    assert len(findings) == 2
    assert [f.place for f in once(findings)] == ["Contacts[0].Mood"]


def test_explaining_follows_what_moved_up_because_something_was_left_out() -> None:
    trace: dict[str, Any] = {}
    explain = Explainer(trace)
    raws = [{"ReferenceQual": "IA", "ReferenceID": "1"}, {"ReferenceQual": "CT", "ReferenceID": "2"}]
    carried, _ = carry_all(raws, parts.Reference, place="Header.References", explain=explain, to="References")
    explain.finish({"References": carried})
    assert trace["References[0].ReferenceID"].paths == ("order.Header.References[1].ReferenceID",)


def test_numbers_beyond_all_bounds_are_none() -> None:
    assert number_of("1E+13") is None
    assert number_of(Decimal("9999999999999")) == Decimal("9999999999999")
    assert number_of("") is None


@pytest.mark.skipif(
    not SHARED.exists(), reason="the official RSX schemas are not beside this repository (../shared)"
)
@pytest.mark.parametrize("kind", ["Invoice", "Shipment"])
def test_the_compiled_shapes_are_the_official_schema(kind: Any) -> None:
    """Names, order, lists, types and codes of everything but the groups that are never sent."""
    schema = json.loads((SHARED / "rsx" / "schema" / f"{kind}s.json").read_text())

    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = schema["definitions"][node["$ref"].rsplit("/", 1)[-1]]
        return node

    kinds = {"number": "number", "integer": "whole", "object": "group"}
    seen: set[type] = set()
    compared = 0

    def compare(model: Any, node: dict[str, Any]) -> None:
        nonlocal compared
        if model in seen:
            return
        seen.add(model)
        shape, properties = shape_of(model, kind), node["properties"]
        assert list(shape) == list(properties), model
        assert {name for name, child in shape.items() if child.required} == set(node.get("required", [])), (
            model
        )
        for name, child in shape.items():
            found = resolve(properties[name])
            assert (found.get("type") == "array") is child.many, name
            found = resolve(found["items"]) if child.many else found
            if child.kind == "free":
                continue
            text = {"date": "date", "time": "time"}.get(found.get("format", ""), "text")
            assert child.kind == kinds.get(found["type"], text), name
            assert set(found.get("enum", ())) == set(child.codes or ()), name
            compared += 1
            if child.model is not None:
                compare(child.model, found)

    root = resolve(schema["oneOf"][0])
    compare(ROOTS[kind], resolve(root["items"]) if root.get("type") == "array" else root)
    assert compared > 300
