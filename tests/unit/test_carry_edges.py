"""Carry-over at its edges: what a person reads of what was left out, and where the rest came from."""

from __future__ import annotations

from typing import Any

import pytest

from connector.documents import parts
from connector.documents.invoice import InvoiceLineItem
from connector.findings import Source, Trace
from connector.mapping.carry import Explainer, carry, carry_all, number_of
from connector.mapping.shapes import Document
from tests.outbound import order


def said(raw: Any, model: Any, **more: Any) -> list[tuple[str, str]]:
    """(place, message) of each finding."""
    return [(one.place, one.message) for one in carry(raw, model, **more)[1]]


# --- what is left out -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "raw", "place", "message"),
    [
        (
            parts.Terms,
            {"TermsNetDueDays": "soon"},
            "TermsNetDueDays",
            "TermsNetDueDays is left out: it is not a number that can be sent",
        ),
        (
            parts.Terms,
            {"TermsNetDueDays": 2.5},
            "TermsNetDueDays",
            "TermsNetDueDays is left out: it is not a number that can be sent",
        ),
        (
            parts.Terms,
            {"TermsType": "9" * 41},
            "TermsType",
            f"TermsType is left out: the RSX Invoice has no code {'9' * 40!r} for it",
        ),
        (parts.DateTime, {"Date": "soon"}, "Date", "Date is left out: it is not a date"),
        (parts.DateTime, {"Time": "14.22"}, "Time", "Time is left out: it is not a time"),
        (parts.DateTime, {"Time": "99:99"}, "Time", "Time is left out: it is not a time"),
        (
            parts.Contact,
            {"ContactName": {"a": 1}},
            "ContactName",
            "ContactName is left out: it is not a text",
        ),
        (
            parts.Contact,
            {"AdditionalContactDetails": [{}, "x"]},
            "AdditionalContactDetails[1]",
            "AdditionalContactDetails is left out: it is not a group of elements",
        ),
        (
            parts.Contact,
            {"Mood": "good"},
            "Mood",
            "Mood is left out: an RSX Invoice has no such element in this place",
        ),
    ],
)
def test_a_person_reads_what_is_left_out_and_why(model: Any, raw: Any, place: str, message: str) -> None:
    assert said(raw, model) == [(place, message)]
    assert said(raw, model, place="Header.X[3]") == [(f"Header.X[3].{place}", message)]


def test_what_has_no_place_is_called_a_group() -> None:
    assert said("text", parts.Party) == [("", "a group is left out: it is not a group of elements")]
    assert said("text", parts.Party, place="Header.Address[2]") == [
        ("Header.Address[2]", "Address is left out: it is not a group of elements")
    ]


def test_a_group_of_a_list_without_a_place_is_counted() -> None:
    _, findings = carry_all([{"ContactName": "Ann"}, {"Mood": "good"}], parts.Contact)
    assert [one.place for one in findings] == ["[1].Mood"]


@pytest.mark.parametrize(
    ("model", "raw"),
    [
        (parts.Terms, {"TermsNetDueDays": " "}),
        (parts.Terms, {"TermsNetDueDays": [None]}),
        (parts.Contact, {"ContactName": [None]}),
        (parts.Contact, {"ContactName": " "}),
        (parts.Contact, {"Mood": ""}),
        (parts.Contact, {"Mood": []}),
        (parts.Contact, [{}]),
    ],
)
def test_what_says_nothing_goes_without_a_word(model: Any, raw: Any) -> None:
    assert carry(raw, model) == ({}, [])


@pytest.mark.parametrize("document", ["Invoice", "Shipment"])
def test_an_element_by_its_other_name_is_not_also_told_as_unknown(document: Document) -> None:
    assert carry({"TransitTimeQual": "CD"}, parts.Carrier, document=document)[1] == []


def test_no_days_are_days() -> None:
    assert carry({"TermsNetDueDays": 0}, parts.Terms) == ({"TermsNetDueDays": 0}, [])


def test_a_list_of_one_is_the_group_in_it() -> None:
    assert carry([{"ContactName": "Ann"}], parts.Contact) == ({"ContactName": "Ann"}, [])
    assert carry_all([[{"ContactName": "Ann"}]], parts.Contact) == ([{"ContactName": "Ann"}], [])


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("14:22:14", "14:22:14"),
        ("14:22:14Z", "14:22:14Z"),
        ("14:22-05:00", "14:22:00-05:00"),
        ("14:22Z", "14:22:00Z"),
    ],
)
def test_a_time_gets_its_seconds_and_keeps_its_zone(text: str, sent: str) -> None:
    assert carry({"Time": text}, parts.DateTime) == ({"Time": sent}, [])


@pytest.mark.parametrize("value", [True, "NaN", "Infinity", 10**13, -(10**13), [7], {"7": 7}])
def test_what_is_no_number_that_can_be_sent_is_none(value: Any) -> None:
    assert number_of(value) is None


def test_a_number_of_thousands_of_digits_is_none_and_never_raises() -> None:
    assert number_of(10**5000) is None
    assert number_of([10**5000]) is None


# --- where it came from ---------------------------------------------------------------------------------


def explained(document: dict[str, Any], *marks: Any) -> Trace:
    trace: Trace = {}
    explain = Explainer(trace)
    for mark in marks:
        mark(explain)
    explain.finish(document)
    return trace


def test_what_nobody_spoke_of_is_called_mapped() -> None:
    assert explained({"Own": 1, "Notes": [{"Note": "a"}]}) == {
        "Own": Source((), "mapped"),
        "Notes[0].Note": Source((), "mapped"),
    }


def test_a_mark_on_a_group_names_its_sources_and_a_copy_the_same_field_of_its_source() -> None:
    document = {"Header": {"Notes": [{"Note": "a"}, {"Note": "b"}]}}
    marked = explained(document, lambda explain: explain.mark("Header", "as noted", "invoice.notes"))
    assert set(marked.values()) == {Source(("invoice.notes",), "as noted")}
    copied = explained(document, lambda explain: explain.copy("Header", "order.Header"))
    assert copied["Header.Notes[1].Note"] == Source(("order.Header.Notes[1].Note",), "as on the order")


def test_what_is_carried_to_the_top_is_explained_group_by_group() -> None:
    raw = {"ReferenceQual": "CT", "ReferenceIDs": [{"ReferenceQual": "VN", "ReferenceID": "2"}]}
    trace: Trace = {}
    explain = Explainer(trace)
    carried, _ = carry(raw, parts.Reference, place="Header.References[0]", explain=explain)
    explain.finish(carried | {"Own": 1})
    assert trace["ReferenceIDs[0].ReferenceID"].paths == (
        "order.Header.References[0].ReferenceIDs[0].ReferenceID",
    )
    assert trace["Own"] == Source((), "mapped")


def test_a_group_of_which_nothing_was_carried_explains_nothing() -> None:
    trace: Trace = {}
    explain = Explainer(trace)
    carry({"Mood": "good"}, parts.Contact, place="Header.Contacts[0]", explain=explain, to="Contacts[0]")
    explain.finish({"Contacts": [{"ContactName": "Ann"}]})
    assert trace == {"Contacts[0].ContactName": Source((), "mapped")}


def test_a_group_that_the_connector_never_repeats_is_told() -> None:
    line = order(
        {"OrderLine": {"LineSequenceNumber": "1"}, "RegulatoryCompliances": [{"RegulatoryAgency": "FDA"}]}
    ).LineItem[0]
    found = said(line, InvoiceLineItem, place="LineItem[0]", only=frozenset({"RegulatoryCompliances"}))
    assert found == [
        (
            "LineItem[0].RegulatoryCompliances[0]",
            "RegulatoryCompliances is left out: the connector does not repeat it",
        )
    ]
