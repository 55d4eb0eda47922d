"""What upkeep notices and says, so that an alarm can: long doubts, and polls that no longer come."""

from __future__ import annotations

import pytest

from connector import errors
from connector.ledger import State
from connector.usecases.polling import poll_sps
from connector.usecases.upkeep import resolve_in_doubt
from tests.fakes import FakeWorld
from tests.unit import test_outbound as outbound

LOST = errors.OutcomeUnknown("read timed out")


def told(fake: FakeWorld, message: str) -> list[dict[str, object]]:
    return [keys for said, keys in fake.reports if said == message]


def test_a_document_that_is_in_doubt_for_a_quarter_of_an_hour_is_named() -> None:
    fake = outbound.world()
    fake.sps.outcomes = [(LOST, False)]
    with pytest.raises(errors.OutcomeUnknown):
        outbound.told(fake)
    [doubted] = fake.ledger.in_states("acme", "out", {State.IN_DOUBT})
    fake.clock.pass_(14 * 60 + 30)
    resolve_in_doubt(fake.world)
    assert told(fake, "document long in doubt") == []
    fake.clock.pass_(60)
    resolve_in_doubt(fake.world)
    assert told(fake, "document long in doubt") == [{"document": doubted.key.id}]


@pytest.mark.parametrize(("minutes", "overdue"), [(44, []), (46, ["sps"])])
def test_a_mailbox_that_was_not_polled_for_three_intervals_is_overdue(
    minutes: int, overdue: list[str]
) -> None:
    fake = FakeWorld()
    poll_sps(fake.world)
    fake.clock.pass_(minutes * 60)
    resolve_in_doubt(fake.world)
    assert [keys["what"] for keys in told(fake, "poll overdue")] == overdue


def test_a_connection_that_is_polled_every_two_hours_is_not_overdue_after_one() -> None:
    fake = FakeWorld()
    fake.notes.write("acme", "poll", "every", {"sps": 120, "freshbooks": 60, "since": fake.clock.now()})
    poll_sps(fake.world)
    fake.clock.pass_(170 * 60)
    resolve_in_doubt(fake.world)
    assert told(fake, "poll overdue") == []
    fake.clock.pass_(200 * 60)
    resolve_in_doubt(fake.world)
    assert {keys["what"] for keys in told(fake, "poll overdue")} == {"sps", "freshbooks"}
