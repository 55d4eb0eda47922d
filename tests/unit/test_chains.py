"""A document's lines beside its order's."""

from __future__ import annotations

from connector.documents.xml_writing import write_xml
from connector.ledger import DocumentKey
from connector.usecases.chains import chain, order_diff
from connector.usecases.explaining import explain
from connector.usecases.replaying import preview
from tests import builders
from tests.unit import test_inbound as inbound
from tests.unit import test_order_targets as targets
from tests.unit import test_outbound as outbound

INVOICE = DocumentKey("acme", "out", inbound.PARTNER, "invoice", "0000421")


def test_a_held_invoice_is_compared_with_its_order_in_prices_of_one_unit() -> None:
    fake = outbound.world(ordered=False)
    order = inbound.order(price=24)
    order["LineItem"][0]["OrderLine"]["PurchasePriceBasis"] = "PD"  # of a dozen
    inbound.put(fake, "out/1.json", order)
    inbound.run(fake)
    outbound.told(fake)
    assert outbound.stored(fake).reason["code"] == "price_differs"
    told = order_diff(fake.world, INVOICE)
    assert told["order"] == f"acme/in/{inbound.PARTNER}/order/0045001234"
    assert told["lines"] == [
        {"line": "1", "item": "V-1", "ordered": "40", "here": "40", "order_price": "2", "price": "2.5"}
    ]


def test_an_invoice_is_compared_with_an_order_that_came_as_xml() -> None:
    fake = outbound.world(ordered=False)
    inbound.put(fake, "out/1.xml", write_xml([inbound.order(price=2.4)], "Order"))
    inbound.run(fake)
    outbound.told(fake)
    [line] = order_diff(fake.world, INVOICE)["lines"]
    assert (line["ordered"], line["order_price"], line["price"]) == ("40", "2.4", "2.5")


def test_a_changed_order_is_compared_with_what_it_was_and_not_with_the_change_alone() -> None:
    fake = targets.world("bill")
    targets.take(fake, builders.order(), builders.order_change([builders.change_line(2, "QD", OrderQty=3)]))
    told = order_diff(fake.world, targets.record(fake).key)
    [change] = [one for one in told["revisions"] if one["field"].startswith(("Header", "LineItem"))]
    assert (change["field"], change["now"]) == ("LineItem[1].OrderLine.OrderQty", 3)


def test_what_would_be_sent_is_shown_of_a_document_that_a_rule_holds() -> None:
    fake = outbound.world(ordered=False)
    inbound.put(fake, "out/1.json", inbound.order(price=2.4))
    inbound.run(fake)
    outbound.told(fake)
    planned = preview(fake.world, INVOICE)
    assert planned["outcome"] == "held"
    assert planned["document"]["LineItem"][0]["InvoiceLine"]["PurchasePrice"] == 2.5
    told = explain(fake.world, INVOICE)
    assert told["reason"]["code"] == "price_differs"
    [price] = [one for one in told["fields"] if one["field"] == "LineItem[0].InvoiceLine.PurchasePrice"]
    assert price["from"] == ["invoice.lines[0].unit_cost"]


def test_an_order_leads_to_its_bill_its_acknowledgement_and_its_invoice() -> None:
    fake = outbound.world(acknowledgements={"send": True})
    outbound.told(fake)
    links = chain(fake.world, DocumentKey("acme", "in", inbound.PARTNER, "order", "0045001234"))
    assert [link["type"] for link in links] == ["order", "bill in FreshBooks", "ack", "invoice"]
    assert links[1]["remote_id"] == "1000"
    assert chain(fake.world, INVOICE) == links


def test_an_order_that_became_a_draft_says_so() -> None:
    fake = targets.world("invoice_draft")
    targets.take(fake, builders.order())
    links = chain(fake.world, targets.record(fake).key)
    assert [(link["type"], link["remote_id"]) for link in links[1:]] == [("draft in FreshBooks", "20001")]
