"""Orders and their changes: the money foots, arrival decides nothing, and no document of the schemas breaks it."""

from __future__ import annotations

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.order import Order
from connector.documents.reading import Read, read_documents
from connector.documents.xml_writing import write_xml
from connector.findings import Trace, explained
from connector.mapping.order_diff import order_diff
from connector.mapping.order_history import InForce, Version, in_force
from connector.mapping.order_to_sale import map_order
from connector.rules.packs import pack_of
from tests import builders
from tests.builders import PARTNER, PO_NUMBER, change_line, order_change, order_line
from tests.schema_strategies import WILD_NUMBERS, admitted, schema_of

TODAY = date(2026, 11, 25)
FEWER = settings(max_examples=25)
NONCHARACTERS = {0xFFFE: None, 0xFFFF: None}
TARGETS = ("bill", "invoice_draft", "estimate")
PACKS = {
    target: pack_of(
        {"trading_partner_id": PARTNER, "orders": {"target": target}, "freshbooks": {"client_ids": [7]}}
    )
    for target in TARGETS
}
Lines = dict[str, tuple[int, Decimal]]

quantities = st.integers(1, 500)
prices = st.decimals("0.01", "900", places=2, allow_nan=False, allow_infinity=False)
ordered = st.lists(st.tuples(quantities, prices), min_size=1, max_size=4)
codes = st.sampled_from(["CA", "PQ", "RZ", "PC", "RQ", "DI", "NCH", None])


def read(document: dict[str, Any]) -> Read:
    [found] = read_documents(json.dumps(document, default=float).encode())
    assert isinstance(found, Read), found
    return found


def stated(lines: list[tuple[int, Decimal]]) -> tuple[dict[str, Any], Lines]:
    items = [order_line(n, OrderQty=q, PurchasePrice=p) for n, (q, p) in enumerate(lines, 1)]
    return builders.order(items, summary={}), {str(n): line for n, line in enumerate(lines, 1)}


@st.composite
def changes(
    draw: st.DrawFn, lines: int, number: int
) -> tuple[dict[str, Any], list[tuple[str, Any, int, Decimal]]]:
    """An order change, and what it does in plain words: (line, code, quantity, price)."""
    items, words = [], []
    for n in draw(st.sets(st.integers(1, lines))):
        code, quantity, price = draw(codes), draw(quantities), draw(prices)
        said: dict[str, Any] = {"OrderQty": quantity, "PurchasePrice": price}
        if code == "PC":
            del said["OrderQty"]
        elif code == "RQ":
            del said["PurchasePrice"]
        items.append(change_line(n, code, **said))
        words.append((str(n), code, quantity, price))
    if draw(st.booleans()):
        quantity, price, name = draw(quantities), draw(prices), str(100 + number)
        items.append(change_line(100 + number, "AI", OrderQty=quantity, PurchasePrice=price))
        words.append((name, "AI", quantity, price))
    return order_change(items, ChangeOrderSeqNumber=str(number)), words


def changed(before: Lines, words: list[tuple[str, Any, int, Decimal]]) -> Lines:
    """The lines after a change, worked out without the code under test."""
    after = dict(before)
    for name, code, quantity, price in words:
        if code == "DI":
            after.pop(name, None)
        elif code == "PC":
            after[name] = (after[name][0], price)
        elif code == "RQ":
            after[name] = (quantity, after[name][1])
        elif code != "NCH":
            after[name] = (quantity, price)
    return after


def worth(lines: Lines) -> Decimal:
    return sum((quantity * price for quantity, price in lines.values()), Decimal())


def billed(state: InForce, target: str = "bill") -> Decimal:
    assert state.order is not None
    document = map_order(Order.model_validate(state.order.raw), PACKS[target], TODAY).document
    [made] = [document[kind] for kind in ("bill", "invoice", "estimate") if kind in document]
    amounts = [
        Decimal(str(line["qty" if "qty" in line else "quantity"])) * Decimal(line["unit_cost"]["amount"])
        for line in made["lines"]
    ]
    return sum((amount.quantize(Decimal("0.01"), ROUND_HALF_UP) for amount in amounts), Decimal())


@given(st.data(), ordered, st.sampled_from(TARGETS))
def test_what_is_made_of_a_changed_order_comes_to_the_changed_money(
    data: st.DataObject, lines: list[tuple[int, Decimal]], target: str
) -> None:
    document, before = stated(lines)
    change, words = data.draw(changes(len(lines), 1))
    after = changed(before, words)
    state = in_force([Version(read(document)), Version(read(change))])
    if not after:
        assert state.cancelled
        return
    assert billed(state, target) == worth(after)
    assert state.order is not None
    diff = order_diff(Order.model_validate(document), Order.model_validate(state.order.raw), PACKS["bill"])
    assert diff.effect == worth(after) - worth(before)
    assert {line.line for line in diff.lines} >= {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    }


@given(st.data(), ordered)
def test_an_order_and_its_numbered_changes_end_the_same_in_whatever_sequence_they_arrive(
    data: st.DataObject, lines: list[tuple[int, Decimal]]
) -> None:
    document, expected = stated(lines)
    documents = [document]
    for number in (1, 2):
        kept = [name for name in expected if int(name) < 100]
        if len(kept) < len(lines):
            break  # a change of a line that is gone would be unclear
        change, words = data.draw(changes(len(lines), number))
        documents.append(change)
        expected = changed(expected, words)
    states = [in_force([Version(read(one)) for one in arrival]) for arrival in permutations(documents)]
    assert all(state.is_same(states[0]) for state in states)
    if expected:
        assert billed(states[0]) == worth(expected)


@FEWER
@given(st.data(), st.sampled_from(TARGETS))
def test_no_order_or_change_that_the_schema_admits_breaks_the_mapping(
    shared: Path, data: st.DataObject, target: str
) -> None:
    documents = [
        data.draw(admitted(shared, name, WILD_NUMBERS)) for name in ("Orders", "OrderChanges", "OrderChanges")
    ]
    for document in documents:
        header = document["Header"]["OrderHeader"]
        header |= {"TradingPartnerId": PARTNER, "PurchaseOrderNumber": PO_NUMBER}
    reads = [
        _as(read(document), kind)
        for document, kind in zip(documents, ("order", "order_change", "order_change"), strict=True)
    ]
    state = in_force([Version(one) for one in reads])
    if state.order is None:
        return
    after = Order.model_validate(state.order.raw)
    trace: Trace = {}
    mapped = map_order(after, PACKS[target], TODAY, trace)
    assert map_order(after, PACKS[target], TODAY).document == mapped.document
    json.dumps(mapped.document, allow_nan=False)
    order_diff(Order.model_validate(documents[0]), after, PACKS[target]).as_json()
    for path, _, source in explained(mapped.document, state.order.sourced(trace)):
        assert source.rule, path


@FEWER
@given(st.data())
def test_an_order_as_changed_is_an_order_that_the_schema_admits(shared: Path, data: st.DataObject) -> None:
    order, change = data.draw(admitted(shared, "Orders")), data.draw(admitted(shared, "OrderChanges"))
    order["Header"]["OrderHeader"] |= {"TsetPurposeCode": "00", "PrimaryPOTypeCode": "SA"}
    change["Header"]["OrderHeader"] |= {"TsetPurposeCode": "04", "PrimaryPOTypeCode": "SA"}
    state = in_force([Version(_as(read(order), "order")), Version(_as(read(change), "order_change"))])
    assert state.order is not None
    schema = schema_of(shared, "Orders")
    jsonschema.Draft7Validator(
        {**schema["definitions"]["Order"], "definitions": schema["definitions"]}
    ).validate(state.order.raw)


@FEWER
@given(st.data())
@pytest.mark.parametrize("name", ["Orders", "OrderChanges", "OrderAcks", "Invoices", "Shipments"])
def test_what_is_read_and_written_as_json_reads_the_same(
    shared: Path, name: str, data: st.DataObject
) -> None:
    document = data.draw(admitted(shared, name))
    [first] = read_documents(json.dumps({name: [document]}).encode())
    if not isinstance(first, Read):
        assert first.code in ("bad_input",)  # an empty number, or one of white space
        return
    [again] = read_documents(json.dumps({name: [first.document.plain()]}).encode())
    assert isinstance(again, Read)
    assert (again.kind, again.digest) == (first.kind, first.digest)


@FEWER
@given(st.data())
@pytest.mark.parametrize("name", ["Orders", "OrderChanges", "OrderAcks", "Invoices", "Shipments"])
def test_whatever_the_schema_admits_reads_the_same_from_xml_as_from_json(
    shared: Path, name: str, data: st.DataObject
) -> None:
    document = held(data.draw(admitted(shared, name, WILD_NUMBERS)))
    [of_json] = read_documents(json.dumps({name: [document]}).encode())
    [of_xml] = read_documents(write_xml([document], name.removesuffix("s")))
    if not isinstance(of_json, Read):
        assert not isinstance(of_xml, Read)
        assert (of_xml.code, of_xml.message) == (of_json.code, of_json.message)
        return
    assert isinstance(of_xml, Read), of_xml
    assert (of_xml.kind, of_xml.digest) == (of_json.kind, of_json.digest)


def held(value: Any) -> Any:
    """What XML can hold of it: no empty group, no white space around a text, and none of Unicode's noncharacters."""
    if isinstance(value, dict):
        return {name: kept for name, each in value.items() if (kept := held(each)) not in ({}, [], "")}
    if isinstance(value, list):
        return [kept for each in value if (kept := held(each)) not in ({}, [], "")]
    return value.translate(NONCHARACTERS).strip() if isinstance(value, str) else value


def _as(found: Read, kind: str) -> Read:
    """Read as what it was drawn as: with so few elements nothing else may tell the two apart."""
    [again] = read_documents(json.dumps({"Order" if kind == "order" else "OrderChange": found.raw}).encode())
    assert isinstance(again, Read)
    return again
