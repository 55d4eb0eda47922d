"""FreshBooks -> SPS where it is not the plain case: late packs, drafts that go, records without a number or token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector import errors
from connector.documents.freshbooks import Invoice
from connector.documents.freshbooks_content import content_digest
from connector.findings import Trace
from connector.ledger import DocumentKey, State
from connector.usecases.arrivals import replay_message
from connector.usecases.outbound_plans import plan_again
from connector.usecases.polling import poll_freshbooks
from connector.usecases.replaying import replay
from connector.usecases.sightings import Sighting
from connector.usecases.webhooks import hint
from tests.alone import map_outbound
from tests.fakes import FakeWorld
from tests.outbound import written_bill
from tests.unit.test_corrections import LATER, LATEST, changed, credited, told_of
from tests.unit.test_inbound import PARTNER, order, put
from tests.unit.test_inbound import run as run_inbound
from tests.unit.test_invoice_to_rsx import leaves
from tests.unit.test_notices import CARRIER, billed, kinds
from tests.unit.test_outbound import drain, invoice, sent, stored, told, world
from tests.unit.test_shipping import file, uploaded
from tests.unit.test_shipping import world as world_that_ships

TODAY = "2026-09-21 10:31:19"


def with_bill(fake: FakeWorld, **changes: Any) -> None:
    fake.freshbooks.create_bill({"bill": written_bill() | changes})
    told(fake, "bill", 1001)


def test_a_sent_invoice_that_is_a_draft_when_it_is_deleted_is_for_a_person_like_any_other() -> None:
    fake = world()
    told(fake)
    fake.freshbooks.invoices[987654] = invoice(vis_state=1, status=1, v3_status="draft", version=LATER)
    told(fake)
    assert stored(fake).reason["code"] == "deleted_after_sending"


@pytest.mark.parametrize("po_number", ["", "45-mistyped"])
@pytest.mark.parametrize("changes", [{}, {"vis_state": 1}], ids=["sent again", "deleted"])
def test_a_sent_invoice_that_was_a_draft_meanwhile_is_still_its_partners(
    po_number: str, changes: dict[str, Any]
) -> None:
    fake = world()
    told(fake)
    fake.freshbooks.invoices[987654] = invoice(status=1, v3_status="draft", version=LATER)
    told(fake)
    fake.freshbooks.clients[12345] = {"id": 12345, "organization": "Stores Inc"}
    fake.freshbooks.invoices[987654] = invoice(po_number=po_number, version=LATEST, **changes)
    told(fake)
    assert stored(fake).state is State.HELD
    assert len(sent(fake)) == 1


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({}, {"status": 1, "v3_status": "draft"}),
        ({"invoices": {"send": False}}, {}),
        ({}, {"po_number": None}),
    ],
    ids=["draft", "not sent", "nobody's"],
)
def test_what_is_not_sent_is_looked_at_once(settings: dict[str, Any], changes: dict[str, Any]) -> None:
    fake = world(**settings)
    fake.freshbooks.invoices[987654] |= {"updated": TODAY, **changes}
    assert poll_freshbooks(fake.world) == 1
    drain(fake)
    assert poll_freshbooks(fake.world) == 0
    assert sent(fake) == []


def test_bills_that_were_looked_at_are_not_shown_by_the_next_poll() -> None:
    """One from an order, one written by hand."""
    fake = world(bills={"send": True})
    fake.freshbooks.invoices.clear()
    fake.freshbooks.create_bill({"bill": written_bill()})
    poll_freshbooks(fake.world)
    drain(fake)
    assert [told_of(one)[:2] for one in sent(fake)] == [("SB-1", "SELF")]
    assert poll_freshbooks(fake.world) == 0


def test_a_pack_that_came_since_the_packs_were_read_is_found() -> None:
    fake = world()
    [pack] = fake.notes.read_all("acme", "pack").values()
    fake.notes.remove("acme", "pack", PARTNER)
    fake.world.forget_packs()
    assert fake.world.packs() == {}
    fake.notes.write("acme", "pack", PARTNER, pack)
    told(fake)
    assert stored(fake).state is State.DELIVERED


def test_a_credit_note_ships_nothing_and_repeats_no_shipment() -> None:
    fake = world_that_ships(invoices={"asn": True, "asn_first": True})
    uploaded(fake, file(40, bill_of_lading="BOL-7"))
    billed(fake)
    credited(fake)
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader", "InvoiceHeader"]
    assert "BillOfLadingNumber" in sent(fake)[1]["Header"]["InvoiceHeader"]
    assert "BillOfLadingNumber" not in sent(fake)[2]["Header"]["InvoiceHeader"]
    assert fake.ledger.get(DocumentKey("acme", "out", PARTNER, "asn", "CN-7")) is None


def test_an_invoice_that_is_mapped_twice_before_it_is_sent_is_weighed_without_itself() -> None:
    fake = world_that_ships(invoices={"asn_first": True})
    uploaded(fake, file(40))
    fake.freshbooks.invoices[987654] = invoice()
    for _ in range(2):
        map_outbound(fake.world, hint("acme", "invoice", 987654, "invoice.create", "c"))
    assert stored(fake).state is State.MAPPED
    drain(fake)
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader"]


def test_an_invoice_that_changes_has_its_notice_replaced() -> None:
    fake = world(
        invoices={"asn": True}, carrier=CARRIER, addresses=world_that_ships().world.pack(PARTNER).addresses
    )
    billed(fake)
    fewer = changed("39", "97.50") | {"fulfillment_date": "2026-03-10"}
    fake.freshbooks.invoices[987654] = fewer
    told(fake)
    notices = [one["Header"]["ShipmentHeader"] for one in sent(fake) if "ShipmentHeader" in one["Header"]]
    assert [(one["ShipmentIdentification"], one["TsetPurposeCode"]) for one in notices] == [
        ("0000421", "00"),
        ("0000421", "05"),
    ]


def test_a_worker_that_dies_between_an_invoice_and_its_notice_leaves_both_to_the_next_poll() -> None:
    fake = world_that_ships(invoices={"asn": True}, carrier=CARRIER)
    fake.freshbooks.invoices[987654] = invoice(fulfillment_date="2026-03-10", updated=TODAY)
    save = fake.ledger.save

    def dies(record: Any, after: int) -> Any:
        if record.key.type == "asn":
            raise RuntimeError("killed")
        return save(record, after)

    fake.ledger.save = dies  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        map_outbound(fake.world, hint("acme", "invoice", 987654, "invoice.create", "c"))
    fake.ledger.save = save  # type: ignore[method-assign]
    assert poll_freshbooks(fake.world) == 1
    drain(fake)
    assert sorted(kinds(fake)) == ["InvoiceHeader", "ShipmentHeader"]
    assert poll_freshbooks(fake.world) == 0


def test_a_bill_without_a_number_is_known_by_freshbooks_own() -> None:
    fake = world(bills={"send": True})
    with_bill(fake, bill_number=None)
    assert stored(fake, "bill-1001", "bill").source == "bill:1001"


def test_a_bill_that_goes_unseen_is_nobodys() -> None:
    fake = world(bills={"send": True})
    fake.freshbooks.create_bill({"bill": written_bill()})
    fake.freshbooks.delete_bill(1001)
    told(fake, "bill", 1001)
    assert sent(fake) == []


def test_a_bill_whose_answer_has_no_date_of_change_is_sent_once() -> None:
    fake = world(bills={"send": True})
    fake.freshbooks.create_bill({"bill": written_bill()})
    fake.freshbooks.bills[1001].pop("updated_at", None)
    told(fake, "bill", 1001)
    told(fake, "bill", 1001)
    assert (stored(fake, "SB-1", "bill").rank, len(sent(fake))) == ("", 1)


def test_a_document_is_worth_what_freshbooks_says() -> None:
    fake = world(bills={"send": True})
    told(fake)
    with_bill(fake)
    for record, worth in (
        (stored(fake), ("100.00", "USD", "2026-03-11")),
        (stored(fake, "SB-1", "bill"), ("12.34", "USD", "2026-03-11")),
    ):
        assert (record.amount, record.currency, record.date) == worth


def test_what_is_stored_of_a_record_reads_the_same_after_an_upgrade() -> None:
    """Other digests, or names of its documents, would make a revision of everything that was ever sent."""
    fake = world(invoices={"asn": True, "deletion": "cancel"}, carrier=CARRIER)
    told(fake)
    there = Invoice.model_validate(fake.freshbooks.invoices[987654])
    assert stored(fake).digest == content_digest(there)
    documents = Sighting.of(fake.world, "invoice", there).documents
    assert documents == {
        "invoice": f"acme/out/{PARTNER}/invoice/0000421",
        "asn": f"acme/out/{PARTNER}/asn/0000421",
    }
    fake.freshbooks.invoices[987654] = gone = invoice(vis_state=1, version=LATER)
    told(fake)
    assert stored(fake).digest == content_digest(Invoice.model_validate(gone)) + "-deleted"


def test_looking_again_makes_the_document_that_was_sent_and_writes_nothing() -> None:
    fake = world(bills={"send": True})
    told(fake)
    with_bill(fake)
    before = {key: record.version for key, record in fake.ledger.records.items()}
    documents = [plan_again(fake.world, one).document for one in (stored(fake), stored(fake, "SB-1", "bill"))]
    assert documents == sent(fake)
    for record, document in zip((stored(fake), stored(fake, "SB-1", "bill")), documents, strict=True):
        trace: Trace = {}
        plan_again(fake.world, record, trace)
        assert set(trace) == leaves("", document), "every field is explained"
    assert {key: record.version for key, record in fake.ledger.records.items()} == before


def test_a_bill_that_names_an_order_repeats_what_the_order_says() -> None:
    fake = world(bills={"send": True})
    [line] = written_bill("2.50")["lines"]
    with_bill(fake, bill_number="0045001234", lines=[line | {"description": "V-1", "quantity": 10}])
    [document] = sent(fake)
    assert document["Header"]["InvoiceHeader"]["PurchaseOrderDate"] == "2026-03-02"
    assert document["LineItem"][0]["InvoiceLine"]["BuyerPartNumber"] == "B-1"
    assert document["Summary"]["TotalAmount"] == 25


def test_without_an_order_the_client_says_where_the_bill_goes() -> None:
    fake = world(ordered=False, rules={"po_number_missing": "info"}, freshbooks={"client_ids": [12345]})
    fake.freshbooks.clients[12345] = {"id": 12345, "organization": "Stores Inc", "p_street": "1 Main St"}
    fake.freshbooks.invoices[987654] = invoice(po_number=None)
    told(fake)
    [address] = [one for one in sent(fake)[0]["Header"]["Address"] if one["AddressTypeCode"] == "BT"]
    assert address["Address1"] == "1 Main St"


def test_a_bill_without_a_date_or_currency_is_worth_its_amount() -> None:
    fake = world(bills={"send": True})
    fake.freshbooks.create_bill({"bill": written_bill()})
    fake.freshbooks.bills[1001] |= {"issue_date": None, "currency_code": None}
    told(fake, "bill", 1001)
    record = stored(fake, "SB-1", "bill")
    assert (record.amount, record.currency, record.date) == ("12.34", "", "")


def test_the_history_says_which_function_mapped_a_document_and_took_of_its_order() -> None:
    fake = world()
    told(fake)
    assert stored(fake).history[0].who == stored(fake).history[1].who == "map_outbound"
    assert stored(fake).correlation_id == "request-1"
    order = fake.ledger.get(DocumentKey("acme", "in", PARTNER, "order", "0045001234"))
    assert order is not None
    assert order.history[-1].who == "map_outbound"


def test_a_credit_note_whose_order_has_not_come_waits_for_it() -> None:
    fake = world(ordered=False, freshbooks={"client_ids": [12345]})
    credited(fake, notes="Credit for invoice 98-7")
    held = stored(fake, "CN-7", "credit")
    assert (held.state, held.reason["code"]) == (State.HELD, "order_not_there")
    assert held.waits_for == f"acme/in/{PARTNER}/order/0045001234"


def test_what_is_replayed_is_mapped_by_its_own_kind_alone() -> None:
    """Each kind's replay says nothing of records that nobody knows."""
    fake = world_that_ships(ordered=False, invoices={"correction": "credit"})
    uploaded(fake, file(40))
    put(fake, "out/1.json", order())
    run_inbound(fake)
    drain(fake)
    fake.freshbooks.invoices[987654] = invoice()
    told(fake)
    fake.sps.outcomes = [(errors.Refused("bad"), False)]
    fake.freshbooks.invoices[987654] = changed("39", "97.50")
    told(fake)
    replay(fake.world, stored(fake, "0000421C1", "credit").key, who="clerk")
    drain(fake)
    assert kinds(fake) == ["ShipmentHeader", "InvoiceHeader", "InvoiceHeader", "InvoiceHeader"]
    assert "no work for this kind of record" not in [message for message, _ in fake.reports]


def test_what_freshbooks_does_not_have_is_reported_and_makes_nothing() -> None:
    fake = world(bills={"send": True})
    told(fake, "invoice", 4242)
    told(fake, "bill", 4243)
    told(fake, "expense", 4244)
    map_outbound(fake.world, replay_message(DocumentKey("acme", "out", PARTNER, "invoice", "none"), "c"))
    assert fake.reports[-4:] == [
        ("record is not in FreshBooks", {"noun": "invoice", "id": 4242}),
        ("record is not in FreshBooks", {"noun": "bill", "id": 4243, "error": "not_found"}),
        ("no work for this kind of record", {"noun": "expense"}),
        ("nothing to replay", {"document": f"acme/out/{PARTNER}/invoice/none"}),
    ]
    assert sent(fake) == []


def test_a_replay_that_was_asked_for_twice_sends_nothing_the_second_time() -> None:
    fake = world()
    told(fake)
    map_outbound(fake.world, replay_message(stored(fake).key, "c"))
    drain(fake)
    assert fake.reports[-1] == ("nothing to replay", {"document": stored(fake).key.id})
    assert (len(sent(fake)), stored(fake).duplicates) == (1, 0)


def test_a_replay_of_what_is_in_doubt_asks_once_about_what_was_sent_whatever_freshbooks_has_now() -> None:
    fake = world()
    fake.sps.outcomes = [(errors.OutcomeUnknown("read timeout"), True)]
    with pytest.raises(errors.OutcomeUnknown):
        told(fake)
    fake.rsx.messages.clear()
    map_outbound(fake.world, replay_message(stored(fake).key, "c"))
    [asked] = fake.rsx.messages
    assert asked["document"] == sent(fake)[0]
    assert stored(fake).state is State.IN_DOUBT


def test_a_bills_pack_that_came_since_the_packs_were_read_is_found() -> None:
    fake = world(bills={"send": True}, freshbooks={"vendor_id": 999})
    fake.freshbooks.create_bill({"bill": written_bill()})
    [pack] = fake.notes.read_all("acme", "pack").values()
    fake.notes.write("acme", "pack", PARTNER, {**pack, "freshbooks": {"vendor_id": 500}})
    told(fake, "bill", 1001)
    assert [told_of(one)[:2] for one in sent(fake)] == [("SB-1", "SELF")]


def test_a_bill_is_worth_its_total_with_tax_and_its_amount_where_it_has_no_total() -> None:
    for total, worth in (({"amount": "12.34", "code": "USD"}, "12.34"), (None, "11.00")):
        fake = world(bills={"send": True})
        fake.freshbooks.create_bill({"bill": written_bill()})
        fake.freshbooks.bills[1001] |= {
            "amount": {"amount": "11.00", "code": "USD"},
            "total_amount": total,
        }
        told(fake, "bill", 1001)
        assert stored(fake, "SB-1", "bill").amount == worth


def test_what_was_received_is_kept_without_what_freshbooks_did_not_say() -> None:
    fake = world()
    told(fake)
    kept = json.loads(fake.archive.get("acme", stored(fake).payloads["received"]))
    assert kept.keys() <= invoice().keys()
    assert kept["po_number"] == "0045001234"
