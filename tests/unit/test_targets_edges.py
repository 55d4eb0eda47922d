"""What goes over the wire and what is kept of the answers, whose bill or vendor is whose, and who may change what."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connector import errors
from connector.documents.freshbooks import Bill
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.closing import close_out
from connector.usecases.polling import poll_sps
from tests.alone import map_inbound, push_document
from tests.builders import PARTNER as SELLER
from tests.builders import PO_NUMBER, change_line, order_change
from tests.builders import order as po
from tests.fakes import FakeMailbox, FakeWorld
from tests.unit import test_order_targets as sales
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER, drain, order, put, run, shipment, stored, world

LOST = errors.OutcomeUnknown("read timed out")
FEWER = order_change([change_line(1, "QD", OrderQty=3)])


def billed(**pack: Any) -> FakeWorld:
    fake = world(**pack)
    put(fake, "out/1.json", order())
    run(fake)
    return fake


def exchange(fake: FakeWorld, record: Record) -> Any:
    """What an auditor finds of the last delivery: mapped, sent, answered."""
    return json.loads(fake.archive.get("acme", record.payloads["exchange"]))


def test_of_a_bill_the_request_and_freshbooks_answer_are_kept_as_they_were() -> None:
    fake = billed()
    kept = exchange(fake, stored(fake))
    assert kept["sent"]["bill"]["vendorid"] == 500
    assert [line["categoryid"] for line in kept["sent"]["bill"]["lines"]] == [77]
    assert kept["answer"] == fake.freshbooks.bills[1000] | {
        "paid": {"amount": kept["answer"]["paid"]["amount"], "code": "USD"},
        "amount": {"amount": kept["answer"]["amount"]["amount"], "code": "USD"},
        "lines": kept["answer"]["lines"],
    }
    assert stored(fake).reference == "0045001234"


def test_of_a_cancelled_bill_the_deletion_and_the_deleted_bill_are_kept() -> None:
    fake = billed()
    put(fake, "out/2.json", order(TsetPurposeCode="01"))
    run(fake)
    kept = exchange(fake, stored(fake))
    assert kept["sent"] == {"bill": {"vis_state": 1}}
    assert (kept["answer"]["id"], kept["answer"]["vis_state"]) == (1000, 1)
    assert "vendorid" not in kept["answer"], "what FreshBooks did not say is not there"
    assert stored(fake).reference == "1000"


def test_of_a_closed_out_bill_the_deletion_and_the_deleted_bill_are_kept() -> None:
    fake = billed()
    close_out(fake.world, stored(fake).key, who="a person", why="it is invoiced")
    drain(fake)
    closing = stored(fake, "close_out")
    kept = exchange(fake, closing)
    assert kept["sent"] == {"bill": {"vis_state": 1}}
    assert (kept["answer"]["id"], kept["answer"]["vis_state"]) == (1000, 1)
    assert "vendorid" not in kept["answer"], "what FreshBooks did not say is not there"
    assert closing.reference == "bill 1000"


def test_of_a_shipment_the_bills_that_it_is_kept_with_are_named() -> None:
    fake = world()
    put(fake, "out/1.json", [order("1"), order("2")])
    run(fake)
    put(fake, "out/2.json", shipment("S9", "1", "2"))
    run(fake)
    done = stored(fake, "shipment", "S9")
    assert (done.remote_id, done.reference) == ("1000,1001", "S9")
    assert exchange(fake, done)["answer"] == {"events": 2}
    assert len(exchange(fake, done)["sent"]["events"]) == 2
    last = stored(fake, number="2").history[-1]
    assert (last.what, last.note.partition(":")[0]) == ("shipment", "S9")


@pytest.mark.parametrize(("target", "sale"), [("invoice_draft", "invoice"), ("estimate", "estimate")])
def test_of_a_draft_what_was_sent_answered_and_deleted_is_kept(target: str, sale: str) -> None:
    fake = sales.world(target)
    sales.take(fake, po())
    kept = exchange(fake, sales.record(fake))
    assert (kept["sent"][sale]["customerid"], kept["answer"]["amount"]["code"]) == (sales.CLIENT, "USD")
    assert "due_date" not in kept["answer"], "what FreshBooks did not say is not there"
    assert sales.record(fake).reference == PO_NUMBER
    sales.take(fake, FEWER)
    kept = exchange(fake, sales.record(fake))
    assert {"customerid", "status"} & kept["sent"][sale].keys() == set(), "they are given at creation only"
    sales.take(fake, po(TsetPurposeCode="01"))
    assert exchange(fake, sales.record(fake))["sent"] == {"delete": f"{sale}:20001"}
    assert sales.record(fake).reference == PO_NUMBER


@pytest.mark.parametrize("after", [po(TsetPurposeCode="01"), FEWER], ids=["cancelled", "changed"])
def test_a_draft_that_a_person_sent_is_neither_changed_nor_deleted(after: dict[str, Any]) -> None:
    fake = sales.world("invoice_draft")
    sales.take(fake, po())
    fake.freshbooks.invoices[20001] |= {"status": 2, "v3_status": "sent"}
    sales.take(fake, after)
    held = sales.record(fake)
    assert (held.state, held.reason["code"]) == (State.HELD, "draft_already_sent")
    assert held.reason["fix"] == "change the invoice in FreshBooks by hand, then mark this document resolved"
    assert fake.freshbooks.invoices[20001]["vis_state"] == 0


def test_a_change_that_freshbooks_ignores_says_what_it_kept() -> None:
    for target, sale in (("bill", "bill"), ("invoice_draft", "invoice"), ("estimate", "estimate")):
        fake = sales.world(target)
        sales.take(fake, po())
        fake.freshbooks.updates_ignored = True
        sales.take(fake, FEWER)
        text = f"FreshBooks did not take the change of the {sale} (160.00 sent, 200.00 kept)"
        assert sales.record(fake).reason["message"] == text


def test_of_two_of_its_bills_the_one_that_is_as_sent_is_taken_for_the_lost_one() -> None:
    fake = world()
    fake.freshbooks.outcomes = [(LOST, True)]
    put(fake, "out/1.json", order())
    with pytest.raises(errors.OutcomeUnknown):
        run(fake)
    sent = fake.freshbooks.bills.pop(1000)
    other = {**sent, "amount": {"amount": "90.00", "code": "USD"}}
    fake.freshbooks.bills |= {998: {**other, "id": 998}, 1000: sent, 1002: {**other, "id": 1002}}
    fake.freshbooks.vendor_of_bill |= {998: 500, 1002: 500}
    put(fake, "out/2.json", order())
    run(fake)
    assert (stored(fake).state, stored(fake).remote_id) == (State.DELIVERED, "1000")
    assert (exchange(fake, stored(fake))["answer"]["id"], fake.freshbooks.posts) == (1000, 1)


def test_of_two_of_its_drafts_the_one_that_is_as_sent_is_taken_for_the_lost_one() -> None:
    fake = sales.world("estimate")
    fake.freshbooks.outcomes = [(LOST, True)]
    put(fake, "out/1.json", po())
    with pytest.raises(errors.OutcomeUnknown):
        run(fake)
    sent = fake.freshbooks.estimates.pop(20001)
    other = {**sent, "amount": {"amount": "90.00", "code": "USD"}}
    fake.freshbooks.estimates |= {7: {**other, "id": 7}, 20001: sent, 20002: {**other, "id": 20002}}
    put(fake, "out/2.json", po())
    run(fake)
    assert (sales.record(fake).state, sales.record(fake).remote_id) == (State.DELIVERED, "estimate:20001")


def test_a_new_bill_that_freshbooks_keeps_otherwise_is_shown_to_a_person() -> None:
    fake = world()
    keep = fake.freshbooks._keep

    def without_lines(bill_id: int, sent: dict[str, Any]) -> None:
        keep(bill_id, {**sent, "lines": []})

    fake.freshbooks._keep = without_lines  # type: ignore[method-assign]
    put(fake, "out/1.json", order())
    run(fake)
    assert (stored(fake).state, stored(fake).reason["code"]) == (State.HELD, "kept_differently")
    assert "1 lines sent, 0 kept" in stored(fake).reason["message"]


@pytest.mark.parametrize("paid", ["0.01", "0.50", "100.00"])
def test_a_bill_of_which_the_least_is_paid_is_not_changed(paid: str) -> None:
    fake = billed()
    fake.freshbooks.bills[1000]["paid"]["amount"] = paid
    put(fake, "out/2.json", order(price=3.0))
    run(fake)
    assert (stored(fake).state, stored(fake).reason["code"]) == (State.HELD, "bill_already_paid")
    assert Decimal(fake.freshbooks.bills[1000]["amount"]["amount"]) == 100


@pytest.mark.parametrize(
    "after", [order(price=3.0), order(TsetPurposeCode="01")], ids=["changed", "cancelled"]
)
def test_a_bill_that_says_nothing_of_payments_is_taken_for_unpaid(after: dict[str, Any]) -> None:
    fake = billed()
    del fake.freshbooks.bills[1000]["paid"]
    put(fake, "out/2.json", after)
    run(fake)
    assert stored(fake).state in (State.DELIVERED, State.CANCELLED)
    assert stored(fake).revision == 2


def test_a_vendor_without_an_account_number_is_known_by_its_name_and_a_stranger_is_not() -> None:
    def vendor_of(*vendors: dict[str, Any]) -> int:
        fake = world()
        for n, one in enumerate(vendors):
            fake.freshbooks.vendors[600 + n] = {"vendorid": 600 + n, "vis_state": 0, **one}
        put(fake, "out/1.json", order())
        run(fake)
        [vendor] = fake.freshbooks.vendor_of_bill.values()
        learned = [keys for text, keys in fake.reports if text == "vendor learned"]
        assert learned == [{"partner": PARTNER, "vendor_id": vendor}]
        return vendor

    same = {"vendor_name": "EXAMPLE RETAIL", "account_number": ""}
    nameless = {"vendor_name": None, "account_number": None}
    stranger = {"vendor_name": "Somebody Else", "account_number": None}
    assert vendor_of(nameless, stranger, same) == 602
    assert vendor_of({**same, "account_number": "OTHER"}) == 501, "another partner's vendor of the same name"
    assert vendor_of({**same, "vis_state": 1}) == 501, "a deleted one"
    assert vendor_of(same, {"vendor_name": "Whatever", "account_number": PARTNER}) == 601


def test_vendor_and_category_are_asked_for_once() -> None:
    fake = world()
    fake.freshbooks.categories = {76: None, 77: "Cost of Goods Sold"}  # type: ignore[dict-item]
    asked: list[str] = []
    vendors, categories = fake.freshbooks.list_vendors, fake.freshbooks.list_categories
    fake.freshbooks.list_vendors = lambda: (asked.append("vendors"), vendors())[1]  # type: ignore[method-assign]
    fake.freshbooks.list_categories = lambda: (asked.append("categories"), categories())[1]  # type: ignore[method-assign]
    put(fake, "out/1.json", [order("1"), order("2")])
    run(fake)
    assert (sorted(asked), len(fake.freshbooks.bills)) == (["categories", "vendors"], 2)


def test_where_the_pack_names_the_categorys_id_none_is_looked_for() -> None:
    fake = world(freshbooks={"category_id": 5})
    fake.freshbooks.categories.clear()
    put(fake, "out/1.json", order())
    run(fake)
    assert [line["categoryid"] for line in fake.freshbooks.bills[1000]["lines"]] == [5]


def test_who_finds_the_vendor_or_the_bill_in_others_hands_comes_again_soon() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    with fake.leases.hold(f"acme/vendor/{PARTNER}", 60), pytest.raises(errors.Busy) as busy:
        run(fake)
    assert (busy.value.code, busy.value.retry_after) == ("vendor_busy", 20)
    put(fake, "out/2.json", order())
    run(fake)
    put(fake, "out/3.json", order(price=3.0))
    with fake.leases.hold("acme/bill/1000", 60), pytest.raises(errors.Busy) as busy:
        run(fake)
    assert (busy.value.code, busy.value.retry_after) == ("bill_busy", 20)


def test_a_file_is_json_in_utf_8_or_xml_as_the_partner_wants_it() -> None:
    json_, xml = outbound.world(), outbound.world(format="xml")
    for fake in (json_, xml):
        fake.freshbooks.invoices[987654]["lines"][0]["description"] = "Schüssel"
        outbound.told(fake)
    [as_json], [as_xml] = json_.sps.uploads, xml.sps.uploads
    assert (as_json.rpartition(".")[2], as_xml.rpartition(".")[2]) == ("json", "xml")
    assert "Schüssel" in json_.sps.files[as_json].decode()
    assert b"\n" in json_.sps.files[as_json], "a person may have to read it"
    assert xml.sps.files[as_xml].decode().startswith("<")
    mark = as_json.rpartition(".")[0].rpartition("-")[2]
    assert len(mark) == 8


def test_what_may_have_been_sent_as_json_is_not_sent_again_as_xml() -> None:
    fake = outbound.world()
    fake.sps.outcomes = [(LOST, True)]
    with pytest.raises(errors.OutcomeUnknown):
        outbound.told(fake)
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail", format="xml"))
    outbound.told(fake)
    assert [path.rpartition(".")[2] for path in fake.sps.uploads] == ["json"]
    assert outbound.stored(fake).state is State.DELIVERED


def test_a_file_that_sps_took_at_once_is_found_in_its_history_though_its_clock_is_behind() -> None:
    fake = outbound.world()
    box = FakeMailbox(clock=lambda: fake.clock.epoch() - 20 * 3600)
    fake.sps.__dict__.update(box.__dict__)
    fake.sps.outcomes = [(LOST, True)]
    with pytest.raises(errors.OutcomeUnknown):
        outbound.told(fake)
    fake.sps.pick_up()
    outbound.told(fake)
    assert outbound.stored(fake).state is State.DELIVERED
    assert len(fake.sps.uploads) == 1


def test_a_change_before_the_bills_shipment_was_kept_leaves_the_bill_at_what_was_shipped() -> None:
    fake = billed(shipments={"adjust_bill": True})
    put(fake, "out/2.json", shipment(quantity=30))
    run(fake)
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "75.00"
    put(fake, "out/3.json", order(price=3.0))
    run(fake)
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "90.00"
    plain = billed()
    put(plain, "out/2.json", shipment(quantity=30))
    run(plain)
    put(plain, "out/3.json", order(price=3.0))
    run(plain)
    assert plain.freshbooks.bills[1000]["amount"]["amount"] == "120.00"


def test_a_shipment_of_a_draft_or_of_a_recorded_order_changes_no_bill() -> None:
    for target in ("estimate", "record_only"):
        fake = sales.world(target)
        pack = {
            "orders": {"target": target},
            "shipments": {"adjust_bill": True},
            "freshbooks": {"client_ids": [1]},
        }
        fake.set_up(PartnerPack.model_validate({"trading_partner_id": SELLER, **pack}))
        sales.take(fake, po(), sales.shipment())
        done = fake.ledger.get(DocumentKey("acme", "in", SELLER, "shipment", "ASN-100200"))
        assert done is not None
        assert done.state is State.DELIVERED


def test_a_document_whose_order_is_gone_meanwhile_is_shown_to_a_person() -> None:
    fake = billed()
    put(fake, "out/2.json", shipment())
    for message in _mapped(fake):
        del fake.ledger.records[stored(fake).key]
        push_document(fake.world, message)
    assert stored(fake, "shipment", "S1").reason["code"] == "order_gone"


def _mapped(fake: FakeWorld) -> list[dict[str, Any]]:
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    return fake.bills.take()


@pytest.mark.parametrize("way", ["in", "out"])
def test_nothing_is_claimed_before_the_vendor_can_be_asked(way: str) -> None:
    """What was claimed and not sent has to be asked about; what was only prepared is just tried again."""
    fake = outbound.world() if way == "out" else world()
    side: Any = fake.sps if way == "out" else fake.freshbooks

    def not_yet() -> None:
        raise errors.Busy("the token is being renewed", retry_after=5)

    side.ready = not_yet
    if way == "in":
        put(fake, "out/1.json", order())
    with pytest.raises(errors.Busy):
        run(fake) if way == "in" else outbound.told(fake)
    record = stored(fake) if way == "in" else outbound.stored(fake)
    assert (record.state, record.attempt) == (State.MAPPED, 0)


def test_a_bill_that_does_not_say_what_it_comes_to_is_compared_by_its_lines_alone() -> None:
    fake = billed()
    get = fake.freshbooks.get_bill

    def without_amount(bill_id: int) -> Bill:
        found = get(bill_id).model_dump(exclude_unset=True)
        return Bill.model_validate({name: one for name, one in found.items() if name != "amount"})

    fake.freshbooks.get_bill = without_amount  # type: ignore[method-assign]
    put(fake, "out/2.json", order(price=3.0))
    run(fake)
    assert (stored(fake).state, stored(fake).revision) == (State.DELIVERED, 2)


def test_a_closed_out_bill_that_says_nothing_of_payments_is_taken_for_unpaid() -> None:
    fake = billed()
    del fake.freshbooks.bills[1000]["paid"]
    close_out(fake.world, stored(fake).key, who="a person", why="it is invoiced")
    drain(fake)
    assert stored(fake, "close_out").state is State.DELIVERED
