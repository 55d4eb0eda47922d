"""Shipment uploads from file to mailbox, on fakes: once, revised, cancelled, waiting, with SSCCs made once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector import errors
from connector.documents.gs1 import make_sscc
from connector.documents.reading import Read, read_documents
from connector.ledger import DocumentKey, Record, State, verify_history
from connector.rules.packs import PartnerPack
from connector.usecases import labels, shipping
from connector.usecases.people import documents
from connector.usecases.reconcile import reconcile
from connector.usecases.replaying import preview, replay
from tests.fakes import FakeNotes, FakeWorld
from tests.unit.test_inbound import PARTNER, order, put
from tests.unit.test_inbound import run as run_inbound
from tests.unit.test_outbound import drain, sent

PO = "0045001234"
PREFIX = "0614141"
PLACES = {
    kind: {
        "AddressName": name,
        "Address1": "9 Factory Ln",
        "City": "Duluth",
        "State": "MN",
        "PostalCode": "55802",
    }
    for kind, name in (("SF", "Warehouse"), ("ST", "DC 123"))
}


def world(*, ordered: bool = True, **pack: Any) -> FakeWorld:
    fake = FakeWorld()
    settings = {"asn": {"gs1_prefix": PREFIX}, "addresses": PLACES} | pack
    fake.set_up(
        PartnerPack.model_validate({"trading_partner_id": PARTNER, "name": "Example Retail"} | settings)
    )
    if ordered:
        put(fake, "out/1.json", order())
        run_inbound(fake)
    return fake


def file(*quantities: int, shipment: str = "SH-1", po: str = PO, **more: str) -> bytes:
    """A CSV of one carton for each quantity of the order's one line (40 bowls)."""
    columns = ["shipment_id", "ship_date", "scac", "carton", "purchase_order", "sku", "quantity", *more]
    rows = [
        [shipment, "2026-03-10", "RBTC", str(n), po, "V-1", str(quantity), *more.values()]
        for n, quantity in enumerate(quantities, 1)
    ]
    return "\n".join(",".join(row) for row in [columns, *rows]).encode()


def uploaded(fake: FakeWorld, data: bytes, **more: Any) -> dict[str, Any]:
    told = shipping.upload_shipments(fake.world, data, who="cli/ann", name="today.csv", **more)
    drain(fake)
    [shipment] = told["shipments"]
    return dict(shipment)


def stored(fake: FakeWorld, number: str = "SH-1") -> Record:
    record = fake.ledger.get(DocumentKey("acme", "out", PARTNER, "asn", number))
    assert record is not None
    return record


def shipped(fake: FakeWorld) -> dict[str, str]:
    """What the order's record says that our shipments took, by shipment (40 were ordered)."""
    record = fake.ledger.get(DocumentKey("acme", "in", PARTNER, "order", PO))
    assert record is not None
    entries = {name: entry["lines"] for name, entry in record.fulfilment.items() if name.startswith("asn/")}
    return {name: lines["1"] for name, lines in entries.items() if lines}


def purposes(fake: FakeWorld) -> list[str]:
    return [document["Header"]["ShipmentHeader"]["TsetPurposeCode"] for document in sent(fake)]


def ssccs(document: dict[str, Any]) -> list[str]:
    return [pack["Pack"]["ShippingSerialID"][2:] for pack in document["OrderLevel"][0]["PackLevel"]]


def test_an_upload_becomes_a_notice_in_the_mailbox_with_a_history_and_its_labels() -> None:
    fake = world()
    told = uploaded(fake, file(25, 15))
    [document] = sent(fake)
    assert fake.sps.uploads[0].startswith("in/SHSH-1-")
    assert document["Header"]["ShipmentHeader"]["ShipmentIdentification"] == "SH-1"
    assert (
        document["OrderLevel"][0]["PackLevel"][0]["ItemLevel"][0]["ShipmentLine"]["BuyerPartNumber"] == "B-1"
    )
    assert ssccs(document) == [make_sscc(PREFIX, 0), make_sscc(PREFIX, 1)]
    assert [label["sscc"] for label in told["labels"]] == ssccs(document)
    record = stored(fake)
    assert (record.state, record.history[0].who, record.source) == (
        State.DELIVERED,
        "cli/ann",
        "upload:today.csv",
    )
    assert verify_history(record.history) is None
    assert shipping.uploaded_of(fake.world, record).upload.shipment_id == "SH-1"
    assert fake.archive.get("acme", shipping.uploaded_of(fake.world, record).file) == file(25, 15)
    assert shipped(fake) == {"asn/SH-1": "40"}


def test_the_same_file_twice_sends_one_notice_and_makes_no_new_ssccs() -> None:
    fake = world()
    first = uploaded(fake, file(40))
    again = uploaded(fake, file(40))
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert len(fake.sps.uploads) == 1
    assert again["labels"] == first["labels"]
    assert labels.take_serials(fake.world, f"0{PREFIX}", 1, "next") == 1


def test_a_changed_file_replaces_the_notice_and_keeps_the_labels_that_are_on_the_cartons() -> None:
    fake = world()
    uploaded(fake, file(20))
    uploaded(fake, file(20, 5))
    uploaded(fake, file(20))
    assert purposes(fake) == ["00", "05", "05"]
    first, second, third = map(ssccs, sent(fake))
    assert first == third == second[:1]
    assert shipped(fake) == {"asn/SH-1": "20"}
    assert stored(fake).revision == 3


def test_a_cancelled_shipment_is_taken_back_and_may_come_again_as_an_original() -> None:
    fake = world()
    uploaded(fake, file(40))
    shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="truck broke down")
    drain(fake)
    assert purposes(fake) == ["00", "01"]
    assert shipped(fake) == {}
    with pytest.raises(errors.CheckFailed):
        shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="again")
    uploaded(fake, file(40))
    assert purposes(fake) == ["00", "01", "00"]
    assert shipped(fake) == {"asn/SH-1": "40"}


def test_a_shipment_that_was_never_told_is_cancelled_silently() -> None:
    fake = world(asn={})
    told = uploaded(fake, file(40))
    assert told["reason"]["code"] == "asn_data_missing"
    cancelled = shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="wrong file")
    drain(fake)
    assert (cancelled.state, fake.sps.uploads, shipped(fake)) == (State.CANCELLED, [], {})
    with pytest.raises(errors.BadUse):
        shipping.cancel_shipment(fake.world, "SH-9", who="cli/ann", reason="x")
    with pytest.raises(errors.BadUse):
        shipping.cancel_shipment(fake.world, "SH-1", who="cli/ann", reason=" ")


def test_a_dry_run_shows_the_notice_and_leaves_nothing_behind() -> None:
    fake = world()
    before = (fake.ledger.writes, dict(fake.archive.objects), json.dumps(fake.notes.notes.__repr__()))
    told = uploaded(fake, file(40), dry_run=True)
    assert told["document"]["OrderLevel"][0]["PackLevel"]
    assert (fake.ledger.writes, dict(fake.archive.objects), json.dumps(fake.notes.notes.__repr__())) == before
    uploaded(fake, file(40))
    assert uploaded(fake, file(40), dry_run=True)["duplicate"] is True
    changed = uploaded(fake, file(39), dry_run=True)
    assert changed["document"]["Header"]["ShipmentHeader"]["TsetPurposeCode"] == "05"
    assert len(fake.sps.uploads) == 1


def test_a_shipment_waits_for_its_order_and_goes_on_when_that_comes() -> None:
    fake = world(ordered=False)
    told = uploaded(fake, file(40))
    assert (told["state"], told["reason"]["code"]) == ("HELD", "order_not_there")
    put(fake, "out/1.json", order())
    run_inbound(fake)
    drain(fake)
    assert stored(fake).state is State.DELIVERED
    assert ssccs(sent(fake)[0]) == [told["labels"][0]["sscc"]]


def test_what_lacks_a_company_prefix_goes_on_with_one_when_it_is_replayed() -> None:
    fake = world(asn={})
    uploaded(fake, file(40))
    assert stored(fake).state is State.HELD
    settings = {"trading_partner_id": PARTNER, "asn": {"gs1_prefix": PREFIX}, "addresses": PLACES}
    fake.set_up(PartnerPack.model_validate(settings))
    assert preview(fake.world, stored(fake).key)["outcome"] == "sent"
    assert fake.notes.read("acme", "sscc", f"{PARTNER}/SH-1") is None

    replay(fake.world, stored(fake).key, who="cli/ann")
    drain(fake)
    assert ssccs(sent(fake)[0]) == [make_sscc(PREFIX, 0)]


def test_shipments_together_cannot_ship_more_than_was_ordered() -> None:
    fake = world()
    uploaded(fake, file(30))
    told = uploaded(fake, file(11, shipment="SH-2"))
    assert (told["state"], told["reason"]["code"]) == ("HELD", "over_shipped")
    uploaded(fake, file(10, shipment="SH-2"))
    assert shipped(fake) == {"asn/SH-1": "30", "asn/SH-2": "10"}
    first, second = (d["OrderLevel"][0]["PackLevel"][0]["ItemLevel"][0]["ShipmentLine"] for d in sent(fake))
    assert (first["ItemStatusCode"], first["QtyLeftToReceive"], second["ItemStatusCode"]) == ("BP", 10, "AC")


def test_a_file_with_a_mistake_takes_nothing_in() -> None:
    fake = world()
    broken = file(40) + b"\nSH-2,2026-03-10,RBTC,1,0045001234,V-1,many"
    told = shipping.upload_shipments(fake.world, broken, who="cli/ann")
    assert (told["taken"], told["shipments"]) == (False, [])
    assert told["problems"][0]["place"] == "line 3, quantity"
    assert list(documents(fake.ledger, "acme", type_="asn")) == []


def test_the_partner_is_the_one_whose_order_it_is_or_has_to_be_named() -> None:
    fake = world()
    fake.set_up(PartnerPack(trading_partner_id="ANOTHER"))
    unclear = shipping.upload_shipments(fake.world, file(40, po="999"), who="cli/ann")
    assert [problem["code"] for problem in unclear["problems"]] == ["partner_unclear"]
    assert uploaded(fake, file(40))["partner"] == PARTNER
    named = uploaded(fake, file(40, shipment="SH-2", po="999", partner="ANOTHER"))
    assert (named["partner"], named["reason"]["code"]) == ("ANOTHER", "order_not_there")


def test_a_cancelled_order_gets_no_notice() -> None:
    fake = world()
    put(fake, "out/2.json", order(TsetPurposeCode="01"))
    run_inbound(fake)
    reason = uploaded(fake, file(40))["reason"]
    assert (reason["code"], reason["message"]) == ("order_cancelled", f"order {PO} was cancelled")


def test_serial_numbers_are_given_once_whoever_lost_the_hint_and_end_with_a_clear_word() -> None:
    fake = world()
    series = f"0{PREFIX}"
    taken = [labels.take_serials(fake.world, series, n, "x") for n in (3, 1, 7)]
    fake.notes.remove("acme", f"sscc-blocks/{series}/hint", "next")
    taken.append(labels.take_serials(fake.world, series, 2, "x"))
    assert taken == [0, 3, 4, 11]
    assert labels.take_serials(fake.world, series, 5, "x", keep=False) == 13
    assert labels.take_serials(fake.world, series, 1, "x") == 13
    with pytest.raises(errors.NotConfigured):
        labels.take_serials(fake.world, "00614141000", 10**6 + 1, "x")


def test_a_worker_that_loses_the_race_for_a_block_takes_the_next() -> None:
    fake = world()
    rival: list[int] = []

    class Raced(FakeNotes):
        def write_new(self, connection: str, topic: str, name: str, value: Any) -> bool:
            if not rival:
                rival.append(-1)
                rival[0] = labels.take_serials(fake.world, f"0{PREFIX}", 3, "rival")
            return super().write_new(connection, topic, name, value)

    notes = Raced()
    notes.notes = fake.notes.notes
    fake.world.notes = notes
    assert (labels.take_serials(fake.world, f"0{PREFIX}", 2, "ours"), rival) == (3, [0])


def test_a_partner_that_takes_xml_gets_its_notice_so() -> None:
    fake = world(format="xml")
    uploaded(fake, file(40))
    [path] = fake.sps.uploads
    [read] = read_documents(fake.sps.files[path])
    assert isinstance(read, Read)
    assert (path.rpartition(".")[2], read.kind, read.number) == ("xml", "shipment", "SH-1")


def test_releases_against_one_blanket_order_are_counted_apart() -> None:
    fake = world(ordered=False)
    for n, release in enumerate(("7", "8")):
        put(fake, f"out/{n}.json", order(ReleaseNumber=release, PrimaryPOTypeCode="RL"))
    run_inbound(fake)
    both = file(40, po=f"{PO}-7") + f"\nSH-1,,RBTC,2,{PO}-8,V-1,30".encode()
    told = uploaded(fake, both)
    assert told["orders"] == [f"{PO}-7", f"{PO}-8"]
    entries = [
        fake.ledger.records[DocumentKey("acme", "in", PARTNER, "order", f"{PO}-{release}")].fulfilment
        for release in ("7", "8")
    ]
    assert [entry["asn/SH-1"]["lines"] for entry in entries] == [{"1": "40"}, {"1": "30"}]


def test_in_shadow_mode_a_notice_is_made_and_not_sent() -> None:
    fake = world(mode="shadow")
    told = uploaded(fake, file(40))
    assert (told["state"], told["reason"]["code"], fake.sps.uploads) == ("HELD", "shadow_mode", [])


def test_two_uploads_of_a_shipment_at_once_are_told_to_wait() -> None:
    fake = world()
    fake.leases.take(f"acme/shipment/{PARTNER}/SH-1", 60)
    assert uploaded(fake, file(40))["reason"]["code"] == "shipment_busy"
    assert fake.sps.uploads == []


def test_connections_never_see_each_others_shipments() -> None:
    fake = world()
    uploaded(fake, file(40))
    assert list(documents(fake.ledger, "other", type_="asn")) == []
    assert {connection for connection, _ in fake.notes.notes} == {"acme"}


def test_the_nightly_proof_knows_uploads_whatever_became_of_them() -> None:
    fake = world()
    uploaded(fake, file(10))
    uploaded(fake, file(10, shipment="SH-2"))
    uploaded(fake, file(21, shipment="SH-3"))
    shipping.cancel_shipment(fake.world, "SH-2", who="cli/ann", reason="wrong truck")
    drain(fake)
    result = reconcile(fake.world)
    verdicts = {row["document"].rpartition("/")[2]: row["verdict"] for row in result["verdicts"]}
    assert verdicts["SH-1"] == verdicts["SH-2"] == "delivered"
    assert verdicts["SH-3"] == "needs a person"
    assert result["unexplained"] == 0
