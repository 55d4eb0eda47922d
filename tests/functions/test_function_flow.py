"""Both directions through the handlers, each fed with what the one before it put into its queue."""

from __future__ import annotations

import boto3
import pytest

from connector.ledger import State
from tests import builders
from tests.functions.business import Business
from tests.functions.gateway import Gateway
from tests.functions.stack import Stack
from tests.functions.template import CONSUMERS
from tests.functions.test_function_rights import missing
from tests.outbound import assert_official


def test_an_order_file_ends_as_one_bill_and_leaves_the_mailbox(acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []
    [bill] = acme.bills
    assert (bill["bill_number"], bill["amount"]["amount"]) == (builders.PO_NUMBER, "200.00")
    assert acme.record().state is State.DELIVERED
    assert acme.record().remote_id == str(bill["id"])
    assert acme.waiting == []


@pytest.mark.parametrize("queue", ["SpsFilesToMap", "BillsToPush"])
def test_a_message_that_comes_twice_makes_no_second_bill(stack: Stack, acme: Business, queue: str) -> None:
    acme.offer("PO1.json", builders.order())
    stack.invoke("poll_sps", {"connection": "acme"})
    if queue == "BillsToPush":
        stack.deliver("SpsFilesToMap")
    [record] = stack.receive(queue)
    for _ in range(2):
        assert stack.invoke(CONSUMERS[queue], {"Records": [record]}) == {"batchItemFailures": []}
        stack.settle()
    assert len(acme.bills) == 1


def test_a_shipment_that_comes_before_its_order_ends_on_the_orders_bill(acme: Business) -> None:
    acme.offer("a-ship.json", builders.shipment())
    assert acme.poll() == []
    assert acme.record("shipment", "ASN-100200").state is State.HELD
    acme.offer("b-order.json", builders.order())
    assert acme.poll() == []
    assert acme.record("shipment", "ASN-100200").state is State.DELIVERED
    assert list(acme.record().shipments) == ["ASN-100200"]


def test_an_invoice_ends_as_one_valid_rsx_file_in_the_partners_words(
    acme: Business, gateway: Gateway
) -> None:
    acme.offer("PO1.json", builders.order())
    acme.poll()
    acme.subscribe(gateway)
    acme.invoice()
    assert acme.freshbooks.drain()
    assert acme.stack.settle() == []
    [sent] = acme.sent
    header = sent["Header"]["InvoiceHeader"]
    assert (header["TradingPartnerId"], header["InvoiceNumber"], header["PurchaseOrderNumber"]) == (
        builders.PARTNER,
        "0000421",
        builders.PO_NUMBER,
    )
    assert (header["Vendor"], sent["Summary"]["TotalAmount"]) == ("VEND6174", 200)
    assert [line["InvoiceLine"]["BuyerPartNumber"] for line in sent["LineItem"]] == ["B-1", "B-2"]
    assert acme.record("invoice", "0000421", "out").state is State.DELIVERED
    assert_official(sent, "Invoice")


def test_an_invoice_that_comes_before_its_order_is_sent_once_that_is_there(
    stack: Stack, acme: Business, gateway: Gateway
) -> None:
    acme.subscribe(gateway)
    acme.invoice()
    assert acme.freshbooks.drain()
    assert stack.settle() == []
    assert acme.sent == []
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []
    assert len(acme.sent) == 1
    assert missing(stack.calls) == set()


def test_an_invoice_whose_webhook_was_lost_is_found_by_the_poll_and_sent_once(
    stack: Stack, acme: Business
) -> None:
    acme.offer("PO1.json", builders.order())
    acme.poll()
    acme.invoice()
    for hints in (1, 0):
        assert stack.invoke("poll_freshbooks", {"connection": "acme"}) == {"hints": hints}
        stack.settle()
    assert len(acme.sent) == 1


def test_what_sps_picked_up_is_noticed_by_the_upkeep(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    acme.poll()
    acme.invoice()
    stack.invoke("poll_freshbooks", {"connection": "acme"})
    stack.settle()
    acme.sps.pick_up(acme.names.sps_client)
    assert stack.invoke("resolve_in_doubt", {})["acme"]["picked_up"] == 1
    assert acme.record("invoice", "0000421", "out").state is State.PICKED_UP


def test_two_connections_share_no_document_secret_or_archived_payload(
    stack: Stack, acme: Business, birch: Business
) -> None:
    for business, lines in ((acme, 2), (birch, 3)):
        business.offer("PO1.json", builders.order(lines))
        business.poll()
        business.invoice(f"of-{business.id}")
        stack.invoke("poll_freshbooks", {"connection": business.id})
        stack.settle()
    assert [bill["amount"]["amount"] for bill in acme.bills] == ["200.00"]
    assert [bill["amount"]["amount"] for bill in birch.bills] == ["300.00"]
    assert [sent["Header"]["InvoiceHeader"]["InvoiceNumber"] for sent in acme.sent] == ["of-acme"]
    assert [sent["Header"]["InvoiceHeader"]["InvoiceNumber"] for sent in birch.sent] == ["of-birch"]
    for business in (acme, birch):
        listed = stack.json("GET", f"/api/documents?connection={business.id}")[1]["documents"]
        assert {one["id"].split("/")[0] for one in listed} == {business.id}
    archived = {
        one["Key"].split("/")[0] for one in boto3.client("s3").list_objects_v2(Bucket="archive")["Contents"]
    }
    assert archived == {"acme", "birch"}
    read = {
        one.parameters["SecretId"] for one in stack.calls if one.action == "secretsmanager:GetSecretValue"
    }
    assert {name.split("/")[1] for name in read} == {"acme", "birch"}
    strangers = [
        one for one in acme.freshbooks.requests() + acme.sps.requests() if one["status"] in (401, 403)
    ]
    assert strangers == []


def test_a_poll_of_one_connection_works_with_that_ones_secrets_alone(
    stack: Stack, acme: Business, birch: Business
) -> None:
    acme.offer("PO1.json", builders.order())
    acme.poll()
    read = {one.parameters["SecretId"] for one in stack.calls if one.action.startswith("secretsmanager")}
    assert {name.split("/")[1] for name in read} == {"acme"}
    assert birch.documents() == {}


def test_a_shipment_uploaded_in_the_console_ends_as_one_valid_notice(stack: Stack, acme: Business) -> None:
    acme.offer("PO1.json", builders.order())
    acme.poll()
    columns = "shipment_id,ship_date,scac,sscc,purchase_order,sku,quantity,ship_from_name,ship_from_address\n"
    row = f"SH-1,2026-03-10,RBTC,000777747600006920,{builders.PO_NUMBER},V-1,5,Dock,9 Factory Ln\n"
    given = {"connection": "acme", "text": columns + row, "name": "today.csv"}
    assert stack.json("POST", "/api/shipment/upload", given | {"dry_run": True})[1]["taken"] is False
    for _ in range(2):
        status, told = stack.json("POST", "/api/shipment/upload", given)
        assert (status, told["taken"], told["problems"]) == (200, True, [])
    assert stack.settle() == []
    [sent] = acme.sent
    assert sent["OrderLevel"][0]["PackLevel"][0]["Pack"]["ShippingSerialID"] == "00000777747600006920"
    assert_official(sent, "Shipment")
    assert acme.record("asn", "SH-1", "out").state is State.DELIVERED
    assert list(acme.record().fulfilment) == ["asn/SH-1"]
    cancel = {"connection": "acme", "shipment": "SH-1", "reason": "wrong truck"}
    assert stack.json("POST", "/api/shipment/cancel", cancel)[0] == 200
    assert stack.settle() == []
    assert [each["Header"]["ShipmentHeader"]["TsetPurposeCode"] for each in acme.sent] == ["00", "01"]
    assert missing(stack.calls) == set()
