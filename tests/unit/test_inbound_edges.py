"""The mailbox at its edges: what comes late, what could not be taken in, and what a replay does and leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.arrivals import replay_message
from connector.usecases.closing import close_out
from connector.usecases.offers import leave
from connector.usecases.polling import poll_sps
from connector.usecases.replaying import replay, resolve
from tests import builders
from tests.alone import map_inbound
from tests.builders import order_change
from tests.fakes import FakeWorld
from tests.unit import test_order_lifecycles as changes
from tests.unit.test_inbound import PARTNER, drain, order, put, run, shipment, stored, world
from tests.unit.test_offers import FILE, PATH, TOO_LARGE, Box


def advice(purpose: str | None, quantity: int) -> dict[str, Any]:
    made = shipment(quantity=quantity)
    if purpose is not None:
        made["Header"]["ShipmentHeader"]["TsetPurposeCode"] = purpose
    return made


def shipped(fake: FakeWorld, *advices: dict[str, Any]) -> str:
    """What of the order's line was shipped in the end, by these advices as they came."""
    put(fake, "out/order.json", order())
    run(fake)
    for n, one in enumerate(advices):
        put(fake, f"out/{n}.json", one)
        run(fake)
    [line] = stored(fake).shipments["S1"]["lines"]
    return str(line["shipped"])


@pytest.mark.parametrize(
    ("first", "late"), [("05", "00"), ("04", "00"), ("05", None), ("04", "06"), ("05", "ZZ")]
)
def test_a_corrected_shipment_is_not_undone_by_the_original_that_comes_late(
    first: str, late: str | None
) -> None:
    fake = world()
    assert shipped(fake, advice(first, 30), advice(late, 40)) == "30"
    assert stored(fake, "shipment", "S1").revision == 1


@pytest.mark.parametrize(("first", "next_"), [("00", "04"), ("04", "05"), ("05", "04"), (None, "05")])
def test_a_shipment_is_corrected_by_what_comes_later(first: str | None, next_: str) -> None:
    fake = world()
    assert shipped(fake, advice(first, 30), advice(next_, 20)) == "20"
    assert stored(fake, "shipment", "S1").revision == 2


@pytest.mark.parametrize("late", ["00", "04", "05"])
def test_a_cancelled_shipment_is_not_taken_up_again_by_what_comes_late(late: str) -> None:
    fake = world()
    put(fake, "out/order.json", order())
    put(fake, "out/1.json", advice("01", 30))
    run(fake)
    before = stored(fake, "shipment", "S1")
    put(fake, "out/2.json", advice(late, 40))
    run(fake)
    assert (stored(fake, "shipment", "S1").revision, stored(fake, "shipment", "S1").state) == (
        1,
        before.state,
    )


def test_a_shipment_is_listed_by_its_day_of_shipment_and_has_no_amount_of_its_own() -> None:
    fake = world()
    undated = shipment("S2")
    del undated["Header"]["ShipmentHeader"]["ShipDate"]
    put(fake, "out/1.json", [order(), shipment(), undated])
    run(fake)
    first, second = stored(fake, "shipment", "S1"), stored(fake, "shipment", "S2")
    assert (first.date, first.amount, first.currency, second.date) == ("2026-03-09", "", "", "")


def test_a_shipment_waits_for_an_order_that_came_but_has_no_bill_yet() -> None:
    fake = world()
    fake.freshbooks.categories.clear()
    put(fake, "out/1.json", order())
    run(fake)
    assert stored(fake).state is State.HELD
    put(fake, "out/2.json", shipment())
    run(fake)
    waiting = stored(fake, "shipment", "S1")
    assert (waiting.state, waiting.reason["code"], waiting.waits_for) == (
        State.HELD,
        "order_not_there",
        stored(fake).key.id,
    )
    assert stored(fake).shipments == {}


def test_of_a_file_of_two_the_bad_one_is_named_by_its_place_in_it() -> None:
    fake = world()
    bad = order("2")
    bad["LineItem"][0]["OrderLine"]["OrderQty"] = "many"
    put(fake, "out/two.json", [order("1"), bad])
    run(fake)
    parked = stored(fake, "file", "two.json[1]", "-")
    assert (parked.state, parked.source, parked.correlation_id) == (State.HELD, "out/two.json", "run-1.1")


def test_a_file_that_cannot_be_read_comes_twice_and_is_one_document() -> None:
    fake = world()
    for _ in range(2):
        put(fake, "out/odd.bin", b"ISA*00*  ~")
        run(fake)
    parked = stored(fake, "file", "odd.bin", "-")
    assert (parked.revision, [event.what for event in parked.history]) == (1, ["received", "held"])
    put(fake, "out/odd.bin", b"ISA*01*  ~")
    run(fake)
    assert stored(fake, "file", "odd.bin", "-").revision == 2


def failing(fake: FakeWorld, trouble: Exception) -> None:
    """Whatever is to be written of an order fails like this."""
    save = fake.ledger.save

    def fails(record: Record, after: int) -> Record | None:
        if record.key.type == "order":
            raise trouble
        return save(record, after)

    fake.ledger.save = fails  # type: ignore[method-assign]


def test_what_is_only_down_is_never_taken_for_a_fault_of_the_file() -> None:
    box = Box(None)
    failing(box.fake, errors.Busy("DynamoDB is down"))
    poll_sps(box.fake.world)
    [message] = box.fake.files.take()
    for _ in range(8):
        with pytest.raises(errors.Busy):
            map_inbound(box.fake.world, message)
        box.fake.clock.pass_(1800)
    assert (box.file(), list(box.fake.sps.files)) == (None, [PATH])


def test_a_fault_at_a_file_is_logged_with_its_place_and_tried_again_before_a_person_is_asked() -> None:
    box = Box(None)
    put(box.fake, PATH, [order("1"), order("2")])
    failing(box.fake, KeyError("a fault"))
    poll_sps(box.fake.world)
    [message] = box.fake.files.take()
    for _ in range(4):
        with pytest.raises(KeyError):
            map_inbound(box.fake.world, message)
        box.fake.clock.pass_(600)
    assert box.file() is None
    troubles = [keys for text, keys in box.fake.reports if text == "document not taken in, the file stays"]
    assert troubles[:2] == [{"path": PATH, "index": n, "error": "KeyError"} for n in (0, 1)]
    map_inbound(box.fake.world, message)
    record = box.file()
    assert record is not None
    assert record.correlation_id == message["correlation_id"]
    assert record.reason["fix"].startswith("show the file to whoever looks after the connector")


def test_a_file_that_still_cannot_be_read_when_a_person_asks_for_it_keeps_its_reason() -> None:
    box = Box(TOO_LARGE)
    box.hours(1)
    replay(box.fake.world, FILE, who="a person")
    box.work()
    record = box.file()
    assert record is not None
    assert (record.state, record.reason["code"]) == (State.HELD, "too_large")
    box.error = None
    replay(box.fake.world, FILE, who="a person")
    box.work()
    record = box.file()
    assert record is not None
    assert (record.state, record.history[-1].what) == (State.SKIPPED, "taken in")


def test_a_file_that_a_person_dealt_with_is_not_fetched_by_a_replay_that_comes_late() -> None:
    box = Box(TOO_LARGE)
    box.hours(1)
    resolve(box.fake.world, FILE, who="clerk", reason="entered by hand")
    downloads = box.downloads
    map_inbound(box.fake.world, replay_message(FILE, "late"))
    record = box.file()
    assert record is not None
    assert (record.state, box.downloads) == (State.SKIPPED, downloads)


def test_a_replay_of_what_nobody_knows_or_what_is_done_does_nothing_and_says_so() -> None:
    fake = world()
    put(fake, "out/1.json", [order(), shipment()])
    run(fake)
    unknown = DocumentKey("acme", "in", PARTNER, "order", "no such")
    for key in (unknown, stored(fake, "shipment", "S1").key):
        before, fake.reports[:] = dict(fake.ledger.records), []
        map_inbound(fake.world, replay_message(key, "late"))
        assert fake.reports == [("nothing to replay", {"document": key.id})]
        assert (fake.ledger.records, fake.bills.messages, fake.files.messages) == (before, [], [])


def test_a_replay_goes_by_the_pack_that_another_process_saved_a_moment_ago() -> None:
    fake = world(orders={"changes": "hold"})
    put(fake, "out/1.json", order())
    run(fake)
    put(fake, "out/2.json", order(price=3.0))
    run(fake)
    assert stored(fake).reason["code"] == "change_held"
    pack = PartnerPack(trading_partner_id=PARTNER, name="Example Retail")
    fake.notes.write("acme", "pack", PARTNER, pack.model_dump(mode="json", exclude_defaults=True))
    map_inbound(fake.world, replay_message(stored(fake).key, "late"))
    drain(fake)
    assert (stored(fake).state, stored(fake).amount) == (State.DELIVERED, "120.00")


def test_a_left_file_is_looked_at_again_later_each_time() -> None:
    fake = world()
    waits = []
    for _ in range(3):
        leave(fake.world, PATH, "it cannot be read", code="odd")
        waits.append(fake.notes.read_all("acme", "left")[PATH]["until"] - fake.clock.epoch())
    assert waits == [600, 1200, 2400]


def test_a_parked_file_that_is_replayed_keeps_its_name_and_goes_on_with_the_replays_story() -> None:
    fake = world()
    put(fake, "out/odd.bin", b"ISA*00*  ~")
    run(fake)
    before = stored(fake, "file", "odd.bin", "-")
    key = before.key
    map_inbound(fake.world, replay_message(key, "asked-by-a-person"))
    assert [record.key for record in fake.ledger.records.values()] == [key]
    assert (stored(fake, "file", "odd.bin", "-").state, fake.sps.files) == (State.HELD, {})
    kept = stored(fake, "file", "odd.bin", "-")
    assert kept.reason == before.reason, "it is read again from the archive, and is not missed at SPS"
    assert {event.who for event in kept.history} == {"map_inbound"}


def test_an_early_change_that_is_moved_to_its_order_keeps_where_it_came_from() -> None:
    fake = changes.world()
    put(fake, "out/early.json", order_change([changes.FEWER], ReleaseNumber="7"))
    run(fake)
    put(fake, "out/order.json", builders.order(ReleaseNumber="7"))
    run(fake)
    moved = changes.record(fake)
    assert (moved.source, moved.revision, changes.billed(fake)) == ("out/early.json", 2, ["160.00"])
    assert all(event.correlation_id.startswith("run-") for event in moved.history)


def test_a_closing_that_is_done_is_not_done_again_by_a_late_replay() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    run(fake)
    close_out(fake.world, stored(fake).key, who="a person", why="it is invoiced")
    drain(fake)
    done = stored(fake, "close_out")
    fake.reports[:] = []
    map_inbound(fake.world, replay_message(done.key, "late"))
    assert fake.reports == [("nothing to replay", {"document": done.key.id})]
    assert (stored(fake, "close_out"), fake.bills.messages) == (done, [])


def test_a_change_under_its_full_release_number_belongs_to_that_release() -> None:
    fake = changes.world()
    put(fake, "out/1.json", builders.order(ReleaseNumber="7", PrimaryPOTypeCode="RL"))
    run(fake)
    named = order_change([changes.FEWER], ReleaseNumber="7", PrimaryPOTypeCode="RL")
    put(fake, "out/2.json", named)
    run(fake)
    assert (changes.billed(fake), len(fake.ledger.records)) == (["160.00"], 1)


def test_a_change_that_names_a_release_goes_to_the_plain_order_where_only_that_is_there() -> None:
    fake = changes.world()
    put(fake, "out/1.json", builders.order())
    run(fake)
    put(fake, "out/2.json", order_change([changes.FEWER], ReleaseNumber="7"))
    run(fake)
    assert (changes.billed(fake), len(fake.ledger.records)) == (["160.00"], 1)


def test_an_acknowledgement_that_comes_in_is_named_in_words() -> None:
    fake = world()
    put(fake, "out/1.json", {"OrderAck": order()})
    run(fake)
    reason = stored(fake, "order_ack").reason
    assert reason["message"] == "an inbound order ack is not mapped automatically"


def test_a_shipment_that_missed_its_orders_bill_is_mapped_within_the_same_message() -> None:
    fake = world()
    put(fake, "out/1.json", order())
    run(fake)
    look = fake.ledger.get_many

    def too_early(keys: Any) -> dict[DocumentKey, Record]:
        fake.ledger.get_many = look  # type: ignore[method-assign]
        return {}

    fake.ledger.get_many = too_early  # type: ignore[method-assign]
    put(fake, "out/2.json", shipment())
    poll_sps(fake.world)
    [message] = fake.files.take()
    map_inbound(fake.world, message)
    assert (stored(fake, "shipment", "S1").state, len(fake.bills.messages)) == (State.MAPPED, 1)


def test_of_a_file_that_could_not_be_read_nothing_is_shown_as_its_content() -> None:
    box = Box(TOO_LARGE)
    box.hours(1)
    record = box.file()
    assert record is not None
    assert box.fake.archive.get("acme", record.payloads["received"]) == b""


def test_an_order_whose_worker_died_is_acknowledged_by_a_late_replay() -> None:
    fake = world(acknowledgements={"send": True})
    put(fake, "out/1.json", order())
    run(fake)
    asked = len(fake.rsx.messages) + len(fake.records.messages)
    fake.records.take()
    fake.rsx.take()
    map_inbound(fake.world, replay_message(stored(fake).key, "late"))
    assert len(fake.rsx.messages) + len(fake.records.messages) == asked > 0
