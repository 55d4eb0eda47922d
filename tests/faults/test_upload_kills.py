"""R2 for shipment uploads: killed at any call, uploaded again by the person who saw it fail, it is one notice."""

from __future__ import annotations

from contextlib import suppress

from connector.ledger import State
from connector.usecases.shipping import cancel_shipment, upload_shipments
from connector.usecases.upkeep import resolve_in_doubt
from local.faults.engine import Killed
from tests.fakes import FakeWorld
from tests.faults.test_kills import Mortal
from tests.unit.test_outbound import drain, sent
from tests.unit.test_shipping import file, purposes, shipped, ssccs, stored, world

QUARTER = 900.0


def calls_of(act: str) -> int:
    """How many calls to ports it takes."""
    fake = world()
    mortal = Mortal(fake, set())
    begin(fake, mortal, act)
    return mortal.calls


def begin(fake: FakeWorld, mortal: Mortal, act: str) -> None:
    if act == "upload":
        upload_shipments(mortal.world, file(25, 15), who="cli/ann")
        return
    upload_shipments(fake.world, file(25, 15), who="cli/ann")
    drain(fake)
    cancel_shipment(mortal.world, "SH-1", who="cli/ann", reason="wrong truck")


def recover(fake: FakeWorld) -> None:
    """The upkeep of an hour, in which a dead worker's lease runs out."""
    for _ in range(3):
        fake.clock.pass_(QUARTER)
        resolve_in_doubt(fake.world)
        drain(fake)


def test_an_upload_killed_at_any_call_is_one_notice_with_labels_of_its_own() -> None:
    points = 2 * calls_of("upload")
    assert points > 20
    for point in range(points):
        fake = world()
        with suppress(Killed):
            begin(fake, Mortal(fake, {point}), "upload")
        recover(fake)
        upload_shipments(fake.world, file(25, 15), who="cli/ann")
        recover(fake)
        assert purposes(fake) == ["00"], point
        [document] = sent(fake)
        assert len(set(ssccs(document))) == 2, point
        assert shipped(fake) == {"asn/SH-1": "40"}, point
        other = upload_shipments(fake.world, file(1, shipment="SH-2"), who="cli/ann")
        taken = {label["sscc"] for label in other["shipments"][0]["labels"]}
        assert taken.isdisjoint(ssccs(document)), point


def test_a_cancellation_killed_at_any_call_takes_the_notice_back_once() -> None:
    points = 2 * calls_of("cancel")
    for point in range(points):
        fake = world()
        with suppress(Killed):
            begin(fake, Mortal(fake, {point}), "cancel")
        recover(fake)
        if stored(fake).revision == 1:  # it died before anything was kept: the person asks again
            cancel_shipment(fake.world, "SH-1", who="cli/ann", reason="wrong truck")
            recover(fake)
        assert purposes(fake) == ["00", "01"], point
        assert stored(fake).state in (State.DELIVERED, State.PICKED_UP), point
        assert shipped(fake) == {}, point
