"""Stored documents say of every field where it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.ledger import DocumentKey, Record
from connector.usecases.explaining import explain
from tests.fakes import FakeWorld
from tests.stack_of_fakes import connector, stack_of
from tests.unit import test_inbound, test_outbound
from tests.unit.test_inbound import PARTNER, order, put, shipment

CHANGE = {
    "Header": {
        "OrderHeader": {
            "TradingPartnerId": PARTNER,
            "PurchaseOrderNumber": "0045001234",
            "TsetPurposeCode": "04",
            "ChangeOrderSeqNumber": "1",
        }
    },
    "LineItem": [{"OrderLine": {"LineSequenceNumber": "1", "LineChangeCode": "PC", "PurchasePrice": 3}}],
}


@pytest.fixture
def fake() -> FakeWorld:
    """An order and its change, a shipment that adjusts the bill, and an invoice with its ASN."""
    places = {"SF": {"AddressName": "Example Works"}, "ST": {"AddressName": "Example Retail DC"}}
    made = test_outbound.world(
        invoices={"asn": True},
        shipments={"adjust_bill": True},
        carrier={"scac": "RBTC"},
        addresses=places,
        rules={"price_differs": "warning"},  # the order changes its price, the invoice does not
    )
    made.freshbooks.invoices[987654]["fulfillment_date"] = "2026-03-10"
    put(made, "out/2.json", CHANGE)
    put(made, "out/3.json", shipment())
    test_inbound.run(made)
    test_outbound.told(made)
    return made


def told(fake: FakeWorld, direction: str, type_: str, number: str) -> dict[str, Any]:
    return explain(fake.world, DocumentKey("acme", direction, PARTNER, type_, number))  # type: ignore[arg-type]


def test_no_field_of_any_stored_document_is_without_a_source(fake: FakeWorld) -> None:
    explained = 0
    for key in list(fake.ledger.records):
        result = explain(fake.world, key)
        assert all(field["rule"] for field in result["fields"]), key.id
        explained += bool(result["fields"])
    assert explained == 4


def test_a_changed_order_names_the_change_for_what_it_changed_and_itself_for_the_rest(
    fake: FakeWorld,
) -> None:
    fields = {field["field"]: field for field in told(fake, "in", "order", "0045001234")["fields"]}
    cost = fields["bill.lines[0].unit_cost.amount"]
    assert cost["value"] == "3.00"
    assert "change 1: LineItem[0].OrderLine.PurchasePrice" in cost["from"]
    assert "LineItem[0].OrderLine.OrderQty" in cost["from"]
    assert fields["bill.bill_number"]["from"] == ["Header.OrderHeader.PurchaseOrderNumber"]


def test_an_invoice_names_what_it_has_from_the_order(fake: FakeWorld) -> None:
    fields = {field["field"]: field for field in told(fake, "out", "invoice", "0000421")["fields"]}
    assert fields["LineItem[0].InvoiceLine.BuyerPartNumber"]["value"] == "B-1"
    assert any("order" in path for path in fields["LineItem[0].InvoiceLine.BuyerPartNumber"]["from"])


def test_what_cannot_be_explained_says_why(fake: FakeWorld) -> None:
    put(fake, "out/9.json", order("77", PrimaryPOTypeCode="IN"))
    put(fake, "out/8.json", b"{")
    test_inbound.run(fake)
    assert told(fake, "in", "order", "77")["reason"]["message"] == "for information only"
    bad = explain(fake.world, DocumentKey("acme", "in", "-", "file", "8.json"))
    assert (bad["fields"], bad["reason"]["code"]) == ([], "not_json")


def test_a_cancelled_order_is_explained_by_its_cancellation(fake: FakeWorld) -> None:
    put(fake, "out/9.json", order(TsetPurposeCode="01"))
    test_inbound.run(fake)
    [field] = told(fake, "in", "order", "0045001234")["fields"]
    assert (field["field"], field["from"]) == ("cancel", ["Header.OrderHeader.TsetPurposeCode"])


def test_explaining_changes_nothing(fake: FakeWorld) -> None:
    before: dict[DocumentKey, Record] = dict(fake.ledger.records)
    objects = len(fake.archive.objects)
    for key in before:
        explain(fake.world, key)
    assert fake.ledger.records == before
    assert len(fake.archive.objects) == objects


def test_the_command_shows_field_value_source_and_rule(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with stack_of(monkeypatch, tmp_path, fake):
        key = f"acme/in/{PARTNER}/order/0045001234"
        shown = connector("show", key, "--explain")
        told = json.loads(connector("show", key, "--explain", "--json").stdout)
    assert shown.exit_code == 0
    assert "bill.bill_number" in shown.stdout
    assert told["explain"]["document"]["bill"]["bill_number"] == "0045001234"
    assert told["changes"]["lines"][0]["fields"] == {"price": ["2.50", "3.00"]}
