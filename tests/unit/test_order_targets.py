"""An order becomes what its partner pack says: a bill, an invoice draft, an estimate, or nothing but a record."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector import errors
from connector.documents.freshbooks import Invoice
from connector.documents.order import Order
from connector.findings import Trace, explained
from connector.ledger import DocumentKey, Record, State
from connector.mapping.order_to_sale import map_order
from connector.rules.packs import PartnerPack, pack_of
from connector.usecases.reconcile import reconcile
from connector.usecases.tokens import scopes_for
from tests import builders
from tests.builders import (
    PARTNER,
    PO_NUMBER,
    allowance,
    change_line,
    order,
    order_change,
    order_line,
    shipment,
)
from tests.fakes import FakeWorld
from tests.unit.test_inbound import drain, put, run
from tests.unit.test_outbound import drain as drain_outbound
from tests.unit.test_outbound import told

CLIENT = 12345
TODAY = date(2026, 11, 25)
SALES = ("invoice_draft", "estimate")


def world(target: str, **freshbooks: Any) -> FakeWorld:
    fake = FakeWorld()
    counterpart = {"client_ids": [CLIENT], **freshbooks}
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, orders={"target": target}, freshbooks=counterpart))  # type: ignore[arg-type]
    fake.freshbooks.clients[CLIENT] = {"id": CLIENT, "organization": "Example Retail Inc"}
    return fake


def take(fake: FakeWorld, *documents: dict[str, Any]) -> None:
    for document in documents:
        put(fake, f"out/{fake.ledger.writes}.json", document)
        run(fake)


def record(fake: FakeWorld) -> Record:
    found = fake.ledger.get(DocumentKey("acme", "in", PARTNER, "order", PO_NUMBER))
    assert found is not None
    return found


def made(fake: FakeWorld, target: str) -> list[dict[str, Any]]:
    rows = fake.freshbooks.invoices if target == "invoice_draft" else fake.freshbooks.estimates
    return [row for row in rows.values() if row["vis_state"] == 0]


@pytest.mark.parametrize("target", SALES)
def test_an_order_becomes_one_draft_for_the_partners_client(target: str) -> None:
    fake = world(target)
    take(fake, order(), order())
    [draft] = made(fake, target)
    assert (draft["customerid"], draft["po_number"], draft["create_date"]) == (
        CLIENT,
        PO_NUMBER,
        "2026-03-02",
    )
    assert [(line["name"], line["qty"], line["unit_cost"]["amount"]) for line in draft["lines"]] == [
        ("V-1", "5", "20.00"),
        ("V-2", "5", "20.00"),
    ]
    assert fake.freshbooks.bills == {}
    done = record(fake)
    assert (done.state, done.amount, fake.freshbooks.posts) == (State.DELIVERED, "200.00", 1)
    assert done.remote_id == ("invoice:20001" if target == "invoice_draft" else "estimate:20001")


@pytest.mark.parametrize("target", SALES)
def test_a_draft_follows_the_changes_of_its_order_and_goes_with_its_cancellation(target: str) -> None:
    fake = world(target)
    take(fake, order(), order_change([change_line(1, "QD", OrderQty=3)]))
    assert [draft["amount"]["amount"] for draft in made(fake, target)] == ["160.00"]
    take(fake, order(TsetPurposeCode="01"))
    assert (made(fake, target), record(fake).state) == ([], State.CANCELLED)


@pytest.mark.parametrize("target", SALES)
def test_a_lost_reply_is_found_again_by_number_and_po_number_and_nothing_is_made_twice(target: str) -> None:
    fake = world(target)
    fake.freshbooks.outcomes = [(errors.OutcomeUnknown("reply lost"), True)]
    put(fake, "out/1.json", order())
    with pytest.raises(errors.OutcomeUnknown):
        run(fake)
    assert record(fake).state is State.IN_DOUBT
    put(fake, "out/2.json", order())
    run(fake)
    assert (record(fake).state, fake.freshbooks.posts, len(made(fake, target))) == (State.DELIVERED, 1, 1)


def test_an_invoice_of_a_person_for_the_same_po_is_not_taken_for_our_draft() -> None:
    fake = world("invoice_draft")
    fake.freshbooks.invoices[7] = builders.fb_invoice(id=7, customerid=CLIENT)
    assert fake.freshbooks.find_sales("invoice", CLIENT, PO_NUMBER) == []


def test_a_draft_is_not_sent_to_the_partner_and_the_invoice_is_when_a_person_sends_it() -> None:
    fake = world("invoice_draft")
    take(fake, order(charges=[allowance()]))
    told(fake, object_id=20001)
    assert fake.sps.uploads == []
    fake.freshbooks.invoices[20001] |= {
        "status": 2,
        "v3_status": "sent",
        "version": "2026-03-11 10:31:19.9",
        "invoice_number": "0000421",
    }
    told(fake, object_id=20001)
    drain_outbound(fake)
    [path] = fake.sps.uploads
    document = json.loads(fake.sps.files[path])
    assert document["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == PO_NUMBER
    assert [item["InvoiceLine"]["BuyerPartNumber"] for item in document["LineItem"]] == ["B-1", "B-2"]
    assert document["Summary"]["TotalAmount"] == 192.75


def test_a_draft_that_a_person_sent_is_not_changed_any_more() -> None:
    fake = world("invoice_draft")
    take(fake, order())
    fake.freshbooks.invoices[20001] |= {"status": 2, "v3_status": "sent"}
    take(fake, order_change([change_line(1, "QD", OrderQty=3)]))
    held = record(fake)
    assert (held.state, held.reason["code"]) == (State.HELD, "draft_already_sent")
    assert fake.freshbooks.invoices[20001]["amount"]["amount"] == "200.00"


def test_a_draft_that_was_deleted_stops_a_change_but_not_a_cancellation() -> None:
    fake = world("estimate")
    take(fake, order())
    fake.freshbooks.delete_sale("estimate", 20001)
    take(fake, order_change([change_line(1, "QD", OrderQty=3)]))
    assert record(fake).reason["code"] == "draft_gone"
    take(fake, order(TsetPurposeCode="01"))
    assert record(fake).state is State.CANCELLED


def test_a_change_that_freshbooks_ignores_is_seen() -> None:
    fake = world("estimate")
    take(fake, order())
    fake.freshbooks.updates_ignored = True
    take(fake, order_change([change_line(1, "QD", OrderQty=3)]))
    assert (record(fake).state, record(fake).reason["code"]) == (State.REJECTED, "change_ignored")


def test_without_a_client_in_the_pack_a_draft_waits_for_one() -> None:
    fake = world("invoice_draft", client_ids=[])
    take(fake, order())
    assert (record(fake).state, record(fake).reason["code"]) == (State.HELD, "no_client")


def test_an_order_keeps_what_it_was_made_into_when_the_pack_changes_its_mind() -> None:
    fake = world("bill")
    take(fake, order())
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, orders={"target": "estimate"}))  # type: ignore[arg-type]
    take(fake, order_change([change_line(1, "QD", OrderQty=3)]))
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "160.00"
    assert fake.freshbooks.estimates == {}


def test_an_order_that_is_only_recorded_touches_nothing_and_still_takes_changes_and_shipments() -> None:
    fake = world("record_only")
    take(fake, shipment(), order(), order_change([change_line(1, "QD", OrderQty=3)]))
    drain(fake)
    kept = record(fake)
    assert (kept.state, kept.remote_id, kept.revision) == (State.DELIVERED, "", 2)
    assert list(kept.shipments) == ["ASN-100200"]
    assert (fake.freshbooks.bills, fake.freshbooks.invoices, fake.freshbooks.posts) == ({}, {}, 0)
    take(fake, order(TsetPurposeCode="01"))
    assert record(fake).state is State.CANCELLED


@pytest.mark.parametrize("target", ["bill", *SALES, "record_only"])
def test_the_nightly_account_explains_every_target_and_misses_what_is_gone(target: str) -> None:
    fake = world(target)
    take(fake, order())
    assert reconcile(fake.world)["unexplained"] == 0
    if target in SALES:
        fake.freshbooks.delete_sale("invoice" if target == "invoice_draft" else "estimate", 20001)
        [verdict] = [one for one in reconcile(fake.world)["verdicts"] if not one["explained"]]
        assert verdict["verdict"] == "deleted at FreshBooks"


def test_only_who_makes_drafts_is_asked_for_the_right_to() -> None:
    def packs(*targets: str) -> list[PartnerPack]:
        return [pack_of({"trading_partner_id": "P", "orders": {"target": target}}) for target in targets]

    assert "invoices:write" not in scopes_for(packs("bill", "record_only"))
    assert "user:invoices:write" in scopes_for(packs("bill", "invoice_draft"))
    assert "user:estimates:write" in scopes_for(packs("estimate"))


@pytest.mark.parametrize("sale", ["invoice", "estimate"])
def test_a_draft_has_the_bills_money_and_every_field_a_source(sale: str) -> None:
    lines = [
        order_line(1, OrderQty=12.5, OrderQtyUOM="LB", PurchasePrice=3.2),
        order_line(2, OrderQty=7, PurchasePrice=1.2345),
        order_line(3, OrderQty=10, PurchasePrice=1, PurchasePriceBasis="PD"),
    ]
    source = Order.model_validate(order(lines, charges=[allowance()]))
    target = "invoice_draft" if sale == "invoice" else "estimate"
    pack = pack_of(
        {"trading_partner_id": PARTNER, "orders": {"target": target}, "freshbooks": {"client_ids": [1]}}
    )
    trace: Trace = {}
    document = map_order(source, pack, TODAY, trace).document
    sold = [Decimal(x["qty"]) * Decimal(x["unit_cost"]["amount"]) for x in document[sale]["lines"]]
    # 12.5 x 3.2 = 40; 7 x 1.2345 = 8.6415; ten at 1 a dozen = 0.8333
    assert [round(amount, 2) for amount in sold] == [
        Decimal("40.00"),
        Decimal("8.64"),
        Decimal("0.83"),
        Decimal("-7.25"),
    ]
    assert [x["qty"] for x in document[sale]["lines"][:2]] == ["12.5", "7"]
    assert all(found.rule for _, _, found in explained(document, trace))


@pytest.mark.parametrize("target", ["bill", *SALES])
def test_a_deletion_that_freshbooks_ignores_is_seen(target: str) -> None:
    fake = world(target)
    take(fake, order())
    fake.freshbooks.updates_ignored = True
    take(fake, order(TsetPurposeCode="01"))
    assert (record(fake).state, record(fake).reason["code"]) == (State.REJECTED, "change_ignored")


@pytest.mark.parametrize("left_out", ["status", "lines", "amount"])
def test_what_freshbooks_leaves_out_of_its_answer_is_taken_for_as_it_should_be(left_out: str) -> None:
    fake = world("estimate")
    take(fake, order())
    get = fake.freshbooks.get_sale

    def leaves_out(sale: Any, sale_id: int) -> Any:
        found = get(sale, sale_id).model_dump(exclude_unset=True)
        return Invoice.model_validate({name: one for name, one in found.items() if name != left_out})

    fake.freshbooks.get_sale = leaves_out  # type: ignore[method-assign]
    take(fake, order_change([change_line(1, "QD", OrderQty=3)]))
    assert (record(fake).state, record(fake).revision) == (State.DELIVERED, 2)
