"""From the mailbox to the push queue, on fakes: taken in once, in any order, and nothing lost on the way."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from connector import errors
from connector.documents.reading import Read
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.inbound import map_inbound as map_inbound_steps
from connector.usecases.packs import set_up_partner
from connector.usecases.polling import poll_sps
from connector.usecases.together import together
from connector.usecases.upkeep import resolve_in_doubt
from tests.alone import map_inbound, push_document
from tests.fakes import FakeWorld

PARTNER = "123ALLSUPPLIER"


def order(number: str = "0045001234", price: float = 2.5, **header: Any) -> dict[str, Any]:
    return {
        "Header": {
            "OrderHeader": {
                "TradingPartnerId": PARTNER,
                "PurchaseOrderNumber": number,
                "TsetPurposeCode": "00",
                "PurchaseOrderDate": "2026-03-02",
                **header,
            },
            "PaymentTerms": [{"TermsNetDueDays": 30}],
        },
        "LineItem": [
            {
                "OrderLine": {
                    "LineSequenceNumber": "1",
                    "VendorPartNumber": "V-1",
                    "BuyerPartNumber": "B-1",
                    "OrderQty": 40,
                    "OrderQtyUOM": "EA",
                    "PurchasePrice": price,
                }
            }
        ],
    }


def shipment(number: str = "S1", *purchase_orders: str, quantity: int = 30) -> dict[str, Any]:
    return {
        "Header": {
            "ShipmentHeader": {
                "TradingPartnerId": PARTNER,
                "ShipmentIdentification": number,
                "ShipDate": "2026-03-09",
            }
        },
        "OrderLevel": [
            {
                "OrderHeader": {"PurchaseOrderNumber": po},
                "ItemLevel": [
                    {
                        "ShipmentLine": {
                            "LineSequenceNumber": "1",
                            "VendorPartNumber": "V-1",
                            "ShipQty": quantity,
                            "ShipQtyUOM": "EA",
                        }
                    }
                ],
            }
            for po in purchase_orders or ("0045001234",)
        ],
    }


def world(**pack: Any) -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", **pack))
    return fake


def put(fake: FakeWorld, path: str, document: Any) -> None:
    fake.sps.files[path] = document if isinstance(document, bytes) else json.dumps(document).encode()


def run(fake: FakeWorld) -> None:
    """Poll once, then work until every queue is empty."""
    poll_sps(fake.world)
    drain(fake)


def drain(fake: FakeWorld) -> None:
    while fake.files.messages or fake.bills.messages:
        for message in fake.files.take():
            map_inbound(fake.world, message)
        for message in fake.bills.take():
            push_document(fake.world, message)


def stored(
    fake: FakeWorld, type_: str = "order", number: str = "0045001234", partner: str = PARTNER
) -> Record:
    record = fake.ledger.get(DocumentKey("acme", "in", partner, type_, number))
    assert record is not None
    return record


def test_of_the_files_of_a_batch_only_one_at_a_time_is_in_memory_as_documents() -> None:
    """A file takes fifteen times its size while it is read, of the 512 MB that a function has for ten of them."""
    fake = world()
    for n in range(3):
        put(fake, f"out/{n}.json", order(f"PO{n}"))
    counts = []

    def work(world: Any, message: Any) -> Any:
        counts.append(sum(isinstance(one, Read) for one in gc.get_objects()))
        yield from map_inbound_steps(world, message)
        counts.append(sum(isinstance(one, Read) for one in gc.get_objects()))

    messages = [{"path": path, "correlation_id": "c"} for path in fake.sps.files]
    assert together(fake.world, messages, work) == {}
    assert (fake.sps.files, len(counts), set(counts)) == ({}, 6, {counts[0]})


def test_an_order_file_becomes_a_bill_and_is_then_deleted() -> None:
    fake = world()
    put(fake, "out/PO1.json", order())
    run(fake)
    assert stored(fake).state is State.DELIVERED
    [bill] = fake.freshbooks.bills.values()
    assert (bill["bill_number"], bill["amount"]["amount"], bill["due_offset_days"]) == (
        "0045001234",
        "100.00",
        30,
    )
    assert stored(fake).amount == "100.00"
    assert fake.sps.files == {}
    assert fake.archive.get("acme", stored(fake).payloads["received"]) == json.dumps(order()).encode()


def test_the_same_order_under_three_names_makes_one_bill() -> None:
    fake = world()
    for name in ("PO1", "PO1-again", "PO1-third"):
        put(fake, f"out/{name}.json", order())
    run(fake)
    put(fake, "out/PO1-next-day.json", json.dumps(order(), indent=3).encode())
    run(fake)
    assert fake.freshbooks.posts == 1
    assert stored(fake).revision == 1


def test_everything_delivered_twice_and_in_the_wrong_order_ends_the_same() -> None:
    fake = world()
    put(fake, "out/a-ship.json", shipment())
    put(fake, "out/b-order.json", order())
    poll_sps(fake.world)
    poll_sps(fake.world)
    for message in reversed(fake.files.take() * 2):
        map_inbound(fake.world, message)
    for message in reversed(fake.bills.take() * 2):
        push_document(fake.world, message)
    drain(fake)
    assert fake.freshbooks.posts == 1
    assert stored(fake, "shipment", "S1").state is State.DELIVERED
    assert list(stored(fake).shipments) == ["S1"]


def test_an_order_with_other_content_updates_the_bill_and_its_first_content_coming_late_does_not() -> None:
    fake = world()
    put(fake, "out/1.json", order(price=2.5))
    run(fake)
    put(fake, "out/2.json", order(price=3.0))
    run(fake)
    put(fake, "out/3.json", order(price=2.5))
    run(fake)
    assert fake.freshbooks.posts == 1
    assert [bill["amount"]["amount"] for bill in fake.freshbooks.bills.values()] == ["120.00"]
    assert stored(fake).revision == 2


def test_a_replacement_that_came_first_is_not_undone_by_the_original() -> None:
    fake = world()
    put(fake, "out/1.json", order(price=3.0, TsetPurposeCode="05"))
    run(fake)
    put(fake, "out/2.json", order(price=2.5))
    run(fake)
    assert [bill["amount"]["amount"] for bill in fake.freshbooks.bills.values()] == ["120.00"]


def test_a_cancellation_closes_the_bill_and_one_that_came_first_prevents_it() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    run(fake)
    put(fake, "out/2.json", order(TsetPurposeCode="01"))
    run(fake)
    assert stored(fake).state is State.CANCELLED
    assert fake.freshbooks.bills[1000]["vis_state"] == 1
    early = world()
    put(early, "out/1.json", order(TsetPurposeCode="01"))
    run(early)
    put(early, "out/2.json", order())
    run(early)
    assert early.freshbooks.posts == 0


def test_an_information_copy_makes_no_bill() -> None:
    fake = world()
    put(fake, "out/1.json", order(PrimaryPOTypeCode="IN"))
    run(fake)
    assert (stored(fake).state, fake.freshbooks.posts) == (State.SKIPPED, 0)


def test_a_file_of_several_orders_is_taken_apart_and_one_bad_one_parks_alone() -> None:
    fake = world()
    bad = order("2")
    bad["LineItem"][0]["OrderLine"]["OrderQty"] = "many"
    put(fake, "out/batch.json", [order("1"), bad, order("3")])
    run(fake)
    assert fake.freshbooks.posts == 2
    parked = stored(fake, "file", "batch.json[1]", "-")
    assert parked.state is State.HELD
    assert "OrderQty" in parked.reason["place"]
    assert fake.sps.files == {}


@pytest.mark.parametrize(
    "content", [b"", b"ISA*00*  ~", b"{", b'{"Header": {}}', b"\x00\x01\x02", b'[{"a": 1}]']
)
def test_an_unreadable_file_is_parked_with_a_reason_and_its_bytes_are_kept(content: bytes) -> None:
    fake = world()
    put(fake, "out/odd.bin", content)
    run(fake)
    [record] = fake.ledger.records.values()
    assert (record.key.type, record.state) == ("file", State.HELD)
    assert record.reason["message"]
    assert fake.archive.get("acme", record.payloads["received"]) == content


def test_an_order_from_an_unknown_partner_waits_for_its_pack_and_then_goes_on() -> None:
    fake = FakeWorld()
    put(fake, "out/1.json", order())
    run(fake)
    assert stored(fake).state is State.HELD
    assert set_up_partner(fake.world, PartnerPack(trading_partner_id=PARTNER, name="Example Retail")) == 1
    drain(fake)
    assert (stored(fake).state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_a_shipment_waits_for_its_order_and_is_resumed_by_the_orders_bill() -> None:
    fake = world()
    put(fake, "out/1.json", shipment())
    run(fake)
    assert stored(fake, "shipment", "S1").state is State.HELD
    put(fake, "out/2.json", order())
    run(fake)
    assert stored(fake, "shipment", "S1").state is State.DELIVERED
    [line] = stored(fake).shipments["S1"]["lines"]
    assert [str(line[name]) for name in ("ordered", "shipped", "remaining")] == ["40", "30", "10"]


def test_a_shipment_whose_wake_up_was_missed_is_found_by_the_upkeep() -> None:
    fake = world()
    put(fake, "out/1.json", shipment())
    run(fake)
    put(fake, "out/2.json", order())
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    for message in fake.bills.take():
        push_document(fake.world, message)
    fake.files.take()  # the wake-up is lost
    assert stored(fake, "shipment", "S1").state is State.HELD
    resolve_in_doubt(fake.world)
    drain(fake)
    assert stored(fake, "shipment", "S1").state is State.DELIVERED


def test_shipments_adjust_the_bill_only_where_the_pack_says_so() -> None:
    plain, adjusted = world(), world(shipments={"adjust_bill": True})
    for fake in (plain, adjusted):
        put(fake, "out/1.json", order())
        run(fake)
        put(fake, "out/2.json", shipment())
        run(fake)
    assert plain.freshbooks.bills[1000]["amount"]["amount"] == "100.00"
    assert adjusted.freshbooks.bills[1000]["amount"]["amount"] == "75.00"


def test_one_shipment_of_several_orders_is_kept_with_each_of_them() -> None:
    fake = world()
    put(fake, "out/1.json", [order("1"), order("2")])
    run(fake)
    put(fake, "out/2.json", shipment("S9", "1", "2"))
    run(fake)
    assert [list(stored(fake, number=number).shipments) for number in ("1", "2")] == [["S9"], ["S9"]]


def test_a_crash_before_the_message_is_sent_is_made_good_by_the_file_still_being_there() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    poll_sps(fake.world)
    [message] = fake.files.take()
    send = fake.bills.send

    def crash(messages: Any, delay: int = 0) -> None:
        fake.bills.send = send  # type: ignore[method-assign]
        raise errors.Busy("SQS is down")

    fake.bills.send = crash  # type: ignore[method-assign]
    with pytest.raises(errors.Busy):
        map_inbound(fake.world, message)
    assert "out/1.json" in fake.sps.files
    run(fake)
    assert (stored(fake).state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_a_message_for_a_file_that_is_gone_is_no_error() -> None:
    fake = world()
    map_inbound(fake.world, {"connection": "acme", "correlation_id": "c", "path": "out/gone.json"})
    assert fake.ledger.records == {}


def test_only_one_poller_lists_at_a_time() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    with fake.leases.hold("acme/poll-sps", 60):
        assert poll_sps(fake.world) == 0
    assert poll_sps(fake.world) == 1


def test_the_correlation_id_of_the_poll_is_on_every_line_of_the_history() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    run(fake)
    assert {event.correlation_id for event in stored(fake).history} == {"run-1.1"}


def test_kinds_that_nobody_maps_yet_are_parked_for_a_person() -> None:
    fake = world()
    put(
        fake, "out/1.json", {"Header": {"InvoiceHeader": {"TradingPartnerId": PARTNER, "InvoiceNumber": "7"}}}
    )
    run(fake)
    assert stored(fake, "invoice", "7").reason["code"] == "kind_not_mapped"


def test_an_order_declared_a_duplicate_is_one_and_counts_as_the_order_where_the_first_never_came() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    run(fake)
    put(fake, "out/2.json", order(TsetPurposeCode="07"))
    run(fake)
    assert (fake.freshbooks.posts, stored(fake).revision, stored(fake).duplicates) == (1, 1, 1)
    alone = world()
    put(alone, "out/2.json", order(TsetPurposeCode="07"))
    run(alone)
    assert alone.freshbooks.posts == 1


def test_a_shipment_against_a_release_finds_the_blanket_orders_release() -> None:
    fake = world()
    released = shipment("S7", "4500")
    released["OrderLevel"][0]["OrderHeader"]["ReleaseNumber"] = "7"
    put(fake, "out/1.json", released)
    run(fake)
    assert stored(fake, "shipment", "S7").state is State.HELD
    put(fake, "out/2.json", order("4500", PrimaryPOTypeCode="RL", ReleaseNumber="7"))
    run(fake)
    assert stored(fake, "shipment", "S7").state is State.DELIVERED
    assert list(stored(fake, number="4500-7").shipments) == ["S7"]
