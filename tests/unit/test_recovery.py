"""What the fault simulation found, each as the smallest story that shows it."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from connector import errors
from connector.adapters.clock import AwsClock
from connector.ledger import LEASE_SECONDS, Arrival, DocumentKey, Record, State, arrive, claim, revision_began
from connector.rules.packs import PartnerPack
from connector.usecases.packs import set_up_partner
from connector.usecases.people import story
from connector.usecases.polling import poll_sps
from connector.usecases.upkeep import resolve_in_doubt
from tests.alone import map_inbound, map_outbound, push_document
from tests.fakes import FakeWorld
from tests.outbound import written_bill
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit import test_push as pushing
from tests.unit.test_inbound import PARTNER, order, put, shipment

LOST = errors.OutcomeUnknown("read timed out")


def stored(fake: FakeWorld, key: DocumentKey) -> Record:
    record = fake.ledger.get(key)
    assert record is not None
    return record


def test_an_invoice_that_came_before_its_order_is_sent_once_the_order_is_there() -> None:
    fake = outbound.world(ordered=False)
    outbound.told(fake)
    assert fake.sps.uploads == []
    put(fake, "out/1.json", order())
    inbound.run(fake)
    outbound.drain(fake)
    assert len(fake.sps.uploads) == 1


def test_an_invoice_that_came_before_its_order_and_its_pack_is_sent_once_both_are_there() -> None:
    fake = FakeWorld()
    fake.world.packs()
    fake.freshbooks.invoices[987654] = outbound.invoice()
    outbound.told(fake)
    put(fake, "out/1.json", order())
    inbound.run(fake)
    set_up_partner(fake.world, PartnerPack(trading_partner_id=PARTNER, name="Example Retail"))
    inbound.drain(fake)
    outbound.drain(fake)
    assert len(fake.sps.uploads) == 1


def test_early_invoices_are_asked_for_again_by_a_replay_that_comes_too_late_to_map() -> None:
    fake = outbound.world(ordered=False)
    outbound.told(fake)
    put(fake, "out/1.json", order())
    inbound.run(fake)
    fake.records.take()  # the worker died after the mapping and before it could send this
    map_inbound(fake.world, {"connection": "acme", "correlation_id": "c", "replay": pushing.ORDER.id})
    outbound.drain(fake)
    assert len(fake.sps.uploads) == 1


def test_a_bill_of_a_partner_set_up_a_moment_ago_is_sent_by_a_worker_that_had_not_looked_since() -> None:
    fake = outbound.world(bills={"send": True})
    fake.world.packs()
    other = PartnerPack.model_validate({"trading_partner_id": "NEW", "name": "New", "bills": {"send": True}})
    fake.notes.write("acme", "pack", "NEW", other.model_dump(mode="json", exclude_defaults=True))
    fake.freshbooks.vendors[501] = {
        "vendorid": 501,
        "vendor_name": "New",
        "account_number": "NEW",
        "vis_state": 0,
    }
    fake.notes.write("acme", "vendor", "NEW", {"vendorid": 501})
    made = fake.freshbooks.create_bill({"bill": written_bill(vendor=501)})
    outbound.told(fake, "bill", made.id)
    assert len(fake.sps.uploads) == 1


def test_an_invoice_changed_while_its_first_content_was_in_doubt_is_sent_in_both() -> None:
    fake = outbound.world()
    fake.sps.outcomes = [(LOST, False)]
    fake.records.send([outbound.hint("acme", "invoice", 987654, "invoice.create", "r")])
    [message] = fake.records.take()
    map_outbound(fake.world, message)
    [push] = fake.rsx.take()
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, push)
    # from here on the first message is gone for good, as from a queue that gave up on it
    changed = outbound.invoice(version="2026-03-12 08:00:00.000000", create_date="2026-03-12")
    fake.freshbooks.invoices[987654] = changed
    with pytest.raises(errors.Busy):
        map_outbound(fake.world, message)
    for _ in range(3):
        resolve_in_doubt(fake.world)
        for replay in fake.records.take():
            map_outbound(fake.world, replay)
        for again in fake.rsx.take():
            try:
                push_document(fake.world, again)
            except errors.Busy as busy:
                fake.clock.pass_((busy.retry_after or 0) + 1)
    assert len(fake.sps.uploads) == 1
    map_outbound(fake.world, message)
    outbound.drain(fake)
    assert [d["Header"]["InvoiceHeader"]["TsetPurposeCode"] for d in outbound.sent(fake)] == ["00", "05"]


def two_shipments_mapped() -> FakeWorld:
    """Two shipments of one order that were mapped at the same time and are to change its bill."""
    fake = inbound.world(shipments={"adjust_bill": True})
    put(fake, "out/1.json", order())
    inbound.run(fake)
    put(fake, "out/2.json", shipment("S1", quantity=30))
    put(fake, "out/3.json", shipment("S2", quantity=8))
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    return fake


def test_two_shipments_mapped_at_the_same_time_both_count_in_the_bill() -> None:
    fake = two_shipments_mapped()
    inbound.drain(fake)
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "95.00"


def test_one_bill_is_changed_by_one_worker_at_a_time() -> None:
    fake = pushing.world()
    push_document(fake.world, pushing.arrived(fake))
    message = pushing.arrived(fake, document=pushing.bill("25.00"), digest="d2")
    with fake.leases.hold("acme/bill/1000", 60), pytest.raises(errors.Busy):
        push_document(fake.world, message)
    assert stored(fake, pushing.ORDER).state is State.MAPPED
    push_document(fake.world, message)
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "125.00"


def test_a_change_of_a_bill_whose_reply_was_lost_may_act_late_and_undoes_no_other_change() -> None:
    fake = two_shipments_mapped()
    first, second = fake.bills.take()
    update, late = fake.freshbooks.update_bill, list[dict[str, Any]]()

    def lost(bill_id: int, body: dict[str, Any]) -> Any:
        late.append(body)
        raise LOST

    fake.freshbooks.update_bill = lost  # type: ignore[method-assign]
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, first)
    fake.freshbooks.update_bill = update  # type: ignore[method-assign]
    with pytest.raises(errors.Busy):
        push_document(fake.world, second)
    update(1000, late[0])
    waiting = [first, second]
    while waiting:
        message = waiting.pop(0)
        try:
            push_document(fake.world, message)
        except errors.Busy as busy:
            fake.clock.pass_((busy.retry_after or 0) + 1)
            waiting.append(message)
    assert fake.freshbooks.bills[1000]["amount"]["amount"] == "95.00"
    states = [stored(fake, DocumentKey("acme", "in", PARTNER, "shipment", one)).state for one in ("S1", "S2")]
    assert states == [State.DELIVERED, State.DELIVERED]


def test_a_vendor_that_is_created_late_is_not_created_a_second_time() -> None:
    fake = inbound.world()
    put(fake, "out/1.json", order())
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    [message] = fake.bills.take()
    create, late = fake.freshbooks.create_vendor, list[dict[str, Any]]()

    def lost(body: dict[str, Any]) -> Any:
        late.append(body)
        raise LOST

    fake.freshbooks.create_vendor = lost  # type: ignore[method-assign]
    with pytest.raises(errors.Busy):
        push_document(fake.world, message)
    fake.freshbooks.create_vendor = create  # type: ignore[method-assign]
    fake.clock.pass_(60)
    with pytest.raises(errors.Busy):  # by now FreshBooks may be at it
        push_document(fake.world, message)
    create(late[0])
    fake.clock.pass_(60)
    push_document(fake.world, message)
    assert (len(fake.freshbooks.vendors), len(fake.freshbooks.bills)) == (1, 1)


def test_what_is_in_doubt_is_not_parked_by_a_setting_that_is_gone() -> None:
    fake = pushing.world()
    fake.freshbooks.outcomes = [(LOST, True)]
    message = pushing.arrived(fake)
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    fake.notes.remove("acme", "category", "Cost of Goods Sold")
    categories, fake.freshbooks.categories = fake.freshbooks.categories, {}
    with pytest.raises(errors.Busy):
        push_document(fake.world, message)
    assert stored(fake, pushing.ORDER).state is State.IN_DOUBT
    fake.freshbooks.categories = categories
    push_document(fake.world, message)
    assert (stored(fake, pushing.ORDER).state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_a_bill_in_doubt_that_freshbooks_keeps_otherwise_is_found_and_shown_to_a_person() -> None:
    fake = pushing.world()
    fake.freshbooks.outcomes = [(LOST, True)]
    message = pushing.arrived(fake)
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    fake.freshbooks.bills[1000]["lines"] = []
    push_document(fake.world, message)
    record = stored(fake, pushing.ORDER)
    assert (record.state, record.reason["code"], record.remote_id) == (State.HELD, "kept_differently", "1000")
    assert fake.freshbooks.posts == 1


def test_a_lease_begins_when_the_work_begins_and_not_when_it_was_prepared() -> None:
    fake = pushing.world()
    listed = fake.freshbooks.list_vendors

    def slow() -> Any:
        fake.clock.pass_(100)
        return listed()

    fake.freshbooks.list_vendors = slow  # type: ignore[method-assign]

    class Killed(BaseException):
        pass

    fake.freshbooks.outcomes = [(Killed(), False)]  # type: ignore[list-item]
    with pytest.raises(Killed):
        push_document(fake.world, pushing.arrived(fake))
    left = stored(fake, pushing.ORDER).lease_until - fake.clock.epoch()
    assert LEASE_SECONDS - 1 < left <= LEASE_SECONDS


def test_a_missed_wake_up_is_made_good_for_numbers_with_any_character() -> None:
    fake = inbound.world()
    put(fake, "out/1.json", shipment("S1", "PO 1/2 ä"))
    inbound.run(fake)
    put(fake, "out/2.json", order("PO 1/2 ä"))
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    for message in fake.bills.take():
        push_document(fake.world, message)
    fake.files.take()  # the wake-up is lost
    assert resolve_in_doubt(fake.world)["woken"] == 1
    inbound.drain(fake)
    assert inbound.stored(fake, "shipment", "S1").state is State.DELIVERED


def test_an_invoice_that_missed_its_orders_arrival_is_mapped_within_the_same_message() -> None:
    fake = outbound.world(ordered=False, freshbooks={"client_ids": [12345]})
    look = fake.ledger.get_many
    looks: list[Any] = []
    another = replace(fake.world)  # another worker's, with queues of its own

    def late(keys: Any) -> dict[DocumentKey, Record]:
        """The order arrives right after the first look for it."""
        looks.append(keys)
        found = look(keys)
        if len(looks) == 1:
            put(fake, "out/1.json", order())
            mine, fake.world = fake.world, another
            inbound.run(fake)
            fake.world = mine
        return found

    fake.ledger.get_many = late  # type: ignore[method-assign]
    outbound.told(fake)
    assert len(fake.sps.uploads) == 1


def test_upkeep_sends_what_it_found_in_one_go() -> None:
    fake = inbound.world()
    put(fake, "out/1.json", [order(str(n)) for n in range(30)])
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    fake.clock.pass_(3600)
    sends: list[int] = []
    fake.files.send = lambda messages, delay=0: sends.append(len(messages))  # type: ignore[method-assign]
    resolve_in_doubt(fake.world)
    assert sends == [30]


def test_the_upkeep_looks_only_once_at_what_is_done_and_never_loses_sight_of_what_is_not() -> None:
    """The second of three orders loses its message for a day, and is sent on then all the same."""
    fake = inbound.world()
    for n in range(3):
        put(fake, f"out/{n}.json", order(str(n)))
        poll_sps(fake.world)
        for message in fake.files.take():
            map_inbound(fake.world, message)
        pushes = fake.bills.take()
        for message in pushes if n != 1 else ():
            push_document(fake.world, message)
        fake.clock.pass_(60)
    looked: list[str] = []
    in_states = fake.ledger.in_states

    def looking(connection: str, direction: str, *what: Any, **bounds: str) -> Any:
        for record in in_states(connection, direction, *what, **bounds):
            looked.append(record.key.number)
            yield record

    fake.ledger.in_states = looking  # type: ignore[method-assign]
    fake.clock.pass_(3600)
    fake.files.send = lambda messages, delay=0: None  # type: ignore[method-assign]  # lost once more
    assert [resolve_in_doubt(fake.world)["resumed"] for _ in range(3)] == [1, 1, 1]
    assert looked == ["1"] * 3
    del fake.files.send  # type: ignore[attr-defined]
    fake.clock.pass_(86_400)
    assert resolve_in_doubt(fake.world)["resumed"] == 1
    inbound.drain(fake)
    assert inbound.stored(fake, "order", "1").state is State.DELIVERED
    fake.clock.pass_(3600)
    assert resolve_in_doubt(fake.world)["resumed"] == 0


def test_an_old_document_that_sets_off_again_is_in_the_upkeeps_sight() -> None:
    fake = inbound.world()
    put(fake, "out/1.json", order("1"))
    inbound.run(fake)
    fake.clock.pass_(86_400)
    resolve_in_doubt(fake.world)
    put(fake, "out/2.json", order("1", 9.0))
    poll_sps(fake.world)
    for message in fake.files.take():
        map_inbound(fake.world, message)
    fake.bills.take()  # lost
    fake.clock.pass_(3600)
    assert resolve_in_doubt(fake.world)["resumed"] == 1


def test_a_repeated_content_keeps_older_ones_from_coming_back() -> None:
    key = pushing.ORDER

    def coming(record: Record | None, digest: str, rank: str) -> tuple[Arrival, Record]:
        return arrive(
            record,
            key,
            digest=digest,
            rank=rank,
            now="t",
            who="w",
            correlation_id="c",
            source="s",
            received="p",
        )

    _, record = coming(None, "a", "1")
    record = record.step("delivered", now="t", who="w", to=State.DELIVERED)
    _, record = coming(record, "a", "3")  # a payment: other change stamp, same content
    assert coming(record, "b", "2")[0] is Arrival.STALE


def test_nothing_of_a_revision_is_looked_for_before_it_began() -> None:
    fake = pushing.world()
    push_document(fake.world, pushing.arrived(fake))
    first = stored(fake, pushing.ORDER)
    assert revision_began(first) == first.created
    fake.clock.pass_(86_400)
    push_document(fake.world, pushing.arrived(fake, document=pushing.bill("25.00"), digest="d2"))
    second = stored(fake, pushing.ORDER)
    assert first.updated < revision_began(second) < second.updated


def test_a_clock_that_is_wrong_is_set_by_awss_answers_and_a_right_one_is_left_alone() -> None:
    now = 1_790_000_000.0
    for wrong in (-600.0, 600.0):
        clock = AwsClock(lambda wrong=wrong: now + wrong)  # type: ignore[misc]
        assert clock.epoch() == now + wrong
        clock.heard(formatdate(now, usegmt=True))
        assert abs(clock.epoch() - now) <= 1
        assert clock.now().startswith("2026-09-21T14:13:2")
    right = AwsClock(lambda: now + 0.25)
    right.heard(formatdate(now - 2, usegmt=True))
    assert right.epoch() == now + 0.25


def test_a_clock_hears_every_answer_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    heard: list[str] = []
    clock = AwsClock()
    clock.heard = heard.append  # type: ignore[method-assign]
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        clock.listen(client)
        client.meta.events.register_first(
            "after-call",
            lambda http_response, **_: http_response.headers.update(
                {"date": "Mon, 21 Sep 2026 14:13:20 GMT"}
            ),
        )
        client.list_tables()
    assert heard == ["Mon, 21 Sep 2026 14:13:20 GMT"]
    clock._after_call(SimpleNamespace(headers={}))
    assert len(heard) == 1


def test_two_clocks_ten_minutes_apart_agree_on_a_lease_once_they_heard_aws() -> None:
    now = 1_790_000_000.0
    slow, fast = AwsClock(lambda: now - 600), AwsClock(lambda: now + 600)
    for clock in (slow, fast):
        clock.heard(formatdate(now, usegmt=True))
    fake = pushing.world()
    pushing.arrived(fake)
    _, claimed = claim(stored(fake, pushing.ORDER), 1, now="t", clock=slow.epoch(), who="slow")
    with pytest.raises(errors.Busy):
        claim(claimed, 1, now="t", clock=fast.epoch(), who="fast")


def test_a_worker_that_was_overtaken_cannot_undo_what_its_successor_did() -> None:
    fake = pushing.world()
    message = pushing.arrived(fake)
    create = fake.freshbooks.create_bill

    def frozen(body: dict[str, Any]) -> Any:
        """The first worker stands still for so long that another one asks twice, and delivers."""
        fake.freshbooks.create_bill = create  # type: ignore[method-assign]
        fake.clock.pass_(LEASE_SECONDS + 1)
        with pytest.raises(errors.Busy):
            push_document(fake.world, message)
        fake.clock.pass_(61)
        push_document(fake.world, message)
        assert stored(fake, pushing.ORDER).state is State.DELIVERED
        raise errors.Unreachable("connection refused")

    fake.freshbooks.create_bill = frozen  # type: ignore[method-assign]
    with pytest.raises(errors.Busy) as busy:
        push_document(fake.world, message)
    assert busy.value.code == "fence_lost"
    assert (stored(fake, pushing.ORDER).state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def test_what_was_claimed_a_moment_ago_is_left_alone_however_long_it_waited_for_that() -> None:
    fake = FakeWorld()
    key = DocumentKey("acme", "in", PARTNER, "order", "1")
    now = fake.clock.now()
    record = Record(key, State.RECEIVED, now, now).step("mapped", now=now, who="t", to=State.MAPPED)
    fake.ledger.save(record, 0)
    fake.clock.pass_(3600)
    claimed = record.step("claimed", now=fake.clock.now(), who="t", to=State.CLAIMED)
    fake.ledger.save(claimed, record.version)
    assert resolve_in_doubt(fake.world)["resumed"] == 0
    fake.clock.pass_(3600)
    assert resolve_in_doubt(fake.world)["resumed"] == 1


def test_a_history_says_what_the_code_of_an_error_means() -> None:
    fake = pushing.world()
    message = pushing.arrived(fake)
    with fake.leases.hold("acme/vendor/123ALLSUPPLIER", 60), pytest.raises(errors.Busy):
        push_document(fake.world, message)
    fake.freshbooks.outcomes = [(errors.NotSent("paused", code="circuit_open"), False)]
    with pytest.raises(errors.NotSent):
        push_document(fake.world, message)
    told = story(fake.ledger, fake.archive, pushing.ORDER)["history"][-1]
    assert (told["note"], told["means"]) == ("circuit_open", "the vendor is left alone for a while")
