"""The digest on fakes: what is new is told once, everything else only counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.alerts import Alert, alerts, digest, message, queue_alerts
from connector.usecases.packs import switch
from tests.fakes import FakeWorld

CONSOLE = "https://console.example.com/"
PARTNER = "123ALLSUPPLIER"
REFUSED = {"code": "refused", "message": "FreshBooks says no", "fix": "correct it"}


class Inbox:
    """What somebody was sent."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def __call__(self, subject: str, text: str) -> None:
        self.messages.append((subject, text))


def world() -> FakeWorld:
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example Retail"))
    return fake


def keep(fake: FakeWorld, number: str, state: State, partner: str = PARTNER, **changes: object) -> Record:
    """A document in a state, as its last change left it."""
    key = DocumentKey("acme", "in", partner, "order", number)
    now = fake.clock.now()
    record = Record(key, State.RECEIVED, now, now).step("made", now=now, who="test", to=state, **changes)  # type: ignore[arg-type]
    stored = fake.ledger.get(key)
    if stored is not None:
        record = stored.step("moved", now=now, who="test", to=state, **changes)  # type: ignore[arg-type]
    assert fake.ledger.save(record, stored.version if stored else 0) is None
    return record


def tell(fake: FakeWorld, inbox: Inbox, failed: dict[str, int] | None = None) -> dict[str, int]:
    pairs = [("acme", alert) for alert in alerts(fake.world)]
    pairs += [("", alert) for alert in queue_alerts(failed or {})]
    return digest(fake.notes, pairs, CONSOLE, inbox)


def test_nothing_to_tell_sends_nothing() -> None:
    fake, inbox = world(), Inbox()
    keep(fake, "1", State.DELIVERED)
    keep(fake, "2", State.HELD, waits_for="acme/in/P/order/9", reason={"code": "order_not_there"})
    assert tell(fake, inbox) == {"new": 0, "open": 0}
    assert inbox.messages == []


def test_a_document_that_waits_for_somebodys_setting_is_told_and_one_in_shadow_is_not() -> None:
    fake, inbox = world(), Inbox()
    keep(fake, "1", State.HELD, waits_for="acme/pack/9", reason={"code": "partner_not_set_up"})
    keep(fake, "2", State.HELD, waits_for=f"acme/live/{PARTNER}", reason={"code": "shadow_mode"})
    assert tell(fake, inbox)["new"] == 1
    assert "order 1 of" in inbox.messages[0][1]


def test_a_held_document_is_told_with_its_reason_its_fix_and_a_link() -> None:
    fake, inbox = world(), Inbox()
    keep(
        fake,
        "45/1",
        State.HELD,
        reason={"code": "no_such_category", "message": "no category X", "fix": "name it"},
    )
    tell(fake, inbox)
    [(subject, text)] = inbox.messages
    assert "1 document needs a person" in subject
    assert "order 45/1" in text
    assert "no category X" in text
    assert "name it" in text
    assert f"{CONSOLE}#/document?id=acme%2Fin%2F{PARTNER}%2Forder%2F45%252F1" in text


def test_a_link_leads_to_the_connection_that_it_is_about() -> None:
    late, queue = (Alert(f"{kind}/x", kind, "it", "why", "fix", "#/connect") for kind in ("poll", "queue"))
    subject, text = message([("birch", late), ("", queue)], [late, queue], CONSOLE)
    assert subject == "Connector: 1 poll is late, 1 queue with failed messages"
    links = [line.strip() for line in text.splitlines() if CONSOLE in line]
    assert links == [f"{CONSOLE}#/connect?connection=birch", f"{CONSOLE}#/connect"]


def test_what_was_told_is_not_told_again_and_what_is_new_is() -> None:
    fake, inbox = world(), Inbox()
    keep(fake, "1", State.REJECTED, reason=REFUSED)
    assert tell(fake, inbox) == {"new": 1, "open": 1}
    assert tell(fake, inbox) == {"new": 0, "open": 1}
    keep(fake, "2", State.REJECTED, reason=REFUSED)
    assert tell(fake, inbox) == {"new": 1, "open": 2}
    assert len(inbox.messages) == 2
    assert "order 1 of" not in inbox.messages[1][1]
    assert "Open in all: 2" in inbox.messages[1][1]


def test_a_document_that_was_mended_and_fails_again_is_told_again() -> None:
    fake, inbox = world(), Inbox()
    keep(fake, "1", State.HELD, reason=REFUSED)
    tell(fake, inbox)
    keep(fake, "1", State.DELIVERED, reason={})
    tell(fake, inbox)
    keep(fake, "1", State.HELD, reason=REFUSED)
    tell(fake, inbox)
    assert len(inbox.messages) == 2


def test_a_thousand_documents_at_once_are_one_message_that_can_be_read() -> None:
    fake, inbox = world(), Inbox()
    for number in range(1000):
        keep(fake, str(number), State.HELD, reason=REFUSED)
    assert tell(fake, inbox)["new"] == 1000
    [(subject, text)] = inbox.messages
    assert len(subject) <= 100
    assert subject.isascii()
    assert len(text) < 20_000
    assert "985 more" in text


def test_a_message_that_was_not_sent_is_sent_the_next_time() -> None:
    fake, inbox = world(), Inbox()
    keep(fake, "1", State.HELD, reason=REFUSED)

    def broken(subject: str, text: str) -> None:
        raise ConnectionError

    pairs = [("acme", alert) for alert in alerts(fake.world)]
    with pytest.raises(ConnectionError):
        digest(fake.notes, pairs, CONSOLE, broken)
    assert tell(fake, inbox)["new"] == 1


def test_a_poll_is_late_after_three_intervals_and_not_before() -> None:
    fake, inbox = world(), Inbox()
    fake.notes.write("acme", "poll", "every", {"sps": 15, "freshbooks": 60})
    fake.notes.write("acme", "poll", "sps", {"at": fake.clock.now(), "files": 0})
    fake.clock.pass_(44 * 60)
    assert tell(fake, inbox)["open"] == 0
    fake.clock.pass_(2 * 60)
    assert tell(fake, inbox)["new"] == 1
    assert "SPS was not looked at" in inbox.messages[0][1]


def test_a_side_that_was_never_looked_at_is_late_as_well() -> None:
    fake = FakeWorld()
    fake.notes.write("acme", "poll", "every", {"sps": 15, "freshbooks": 60, "since": fake.clock.now()})
    fake.clock.pass_(46 * 60)
    assert [alert.key.split("/")[1] for alert in alerts(fake.world)] == ["sps"]


@pytest.mark.parametrize("known", [("poll", "every", "since"), ("reconcile", "last", "at")])
def test_a_nightly_comparison_that_stopped_is_told_after_two_days(known: tuple[str, str, str]) -> None:
    fake, inbox = world(), Inbox()
    kind, name, instant = known
    fake.notes.write("acme", kind, name, {"sps": 0, "freshbooks": 0, instant: fake.clock.now()})
    fake.clock.pass_(47 * 3600)
    assert tell(fake, inbox)["open"] == 0
    fake.clock.pass_(2 * 3600)
    assert tell(fake, inbox)["new"] == 1
    assert "were not compared since" in inbox.messages[0][1]


def test_what_was_told_of_thousands_of_documents_fits_into_one_item() -> None:
    fake = FakeWorld()
    names = [f"document/acme/in/{PARTNER}/order/{n:022d}/1/price_differs" for n in range(5000)]
    many = [("acme", Alert(name, "document", "", "", "")) for name in names]
    assert digest(fake.notes, many, "", lambda subject, text: None)["new"] == 5000
    assert digest(fake.notes, many, "", lambda subject, text: None)["new"] == 0
    assert len(json.dumps(fake.notes.read("", "digest", "told"))) < 200_000


def test_a_stranded_token_unexplained_documents_and_failed_queues_are_told() -> None:
    fake, inbox = world(), Inbox()
    fake.notes.write("acme", "token", "refresh", {"stranded": "digest"})
    fake.notes.write("acme", "reconcile", "last", {"at": fake.clock.now(), "unexplained": 2})
    assert tell(fake, inbox, {"rsx_to_push": 3, "bills_to_push": 0})["new"] == 3
    text = inbox.messages[0][1]
    assert "FreshBooks has to be authorized again" in text
    assert "2 documents are unexplained" in text
    assert "3 messages of rsx to push gave up" in text


def test_webhooks_that_are_silent_are_told_once_with_what_that_costs() -> None:
    fake, inbox = world(), Inbox()
    fake.notes.write("acme", "poll", "every", {"freshbooks": 120})
    fake.notes.write("acme", "reconcile", "callbacks", {"silent": {"bill": "FreshBooks has switched it off"}})
    assert [tell(fake, inbox)["new"] for _ in range(2)] == [1, 0]
    [(subject, text)] = inbox.messages
    assert subject == "Connector: 1 connection without webhooks"
    assert "FreshBooks does not call when bills change" in text
    assert "up to 120 minutes later" in text
    assert f"{CONSOLE}#/connect?connection=acme" in text


def test_a_partner_whose_refusals_leave_its_band_stops_and_the_others_go_on() -> None:
    fake, inbox = world(), Inbox()
    fake.set_up(PartnerPack(trading_partner_id="OTHER", name="Other"))
    for number in range(6):
        keep(fake, f"r{number}", State.REJECTED, reason=REFUSED)
        keep(fake, f"d{number}", State.DELIVERED)
        keep(fake, f"o{number}", State.DELIVERED, partner="OTHER")
    tell(fake, inbox)
    fake.world.forget_packs()
    assert {name: pack.mode for name, pack in fake.world.packs().items()} == {
        PARTNER: "shadow",
        "OTHER": "live",
    }
    assert "Example Retail is stopped: 6 of 12" in inbox.messages[0][1]
    assert tell(fake, inbox)["new"] == 0


def test_a_partner_that_is_often_refused_is_not_stopped_for_being_as_usual() -> None:
    fake, inbox = world(), Inbox()
    for number in range(100):
        keep(fake, f"old{number}", State.REJECTED if number % 2 else State.DELIVERED, reason=REFUSED)
    fake.clock.pass_(2 * 86400)
    for number in range(12):
        keep(fake, f"new{number}", State.REJECTED if number % 2 else State.DELIVERED, reason=REFUSED)
    tell(fake, inbox)
    fake.world.forget_packs()
    assert fake.world.packs()[PARTNER].mode == "live"


def test_a_few_refusals_stop_nobody_and_have_nothing_else_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, inbox = world(), Inbox()
    for number in range(4):
        keep(fake, str(number), State.REJECTED, reason=REFUSED)
        keep(fake, f"d{number}", State.DELIVERED)
    read: set[State] = set()
    newest = fake.ledger.newest

    def noted(connection: str, way: Any, states: Any, until: str = "") -> Any:
        read.update(states)
        return newest(connection, way, states, until)

    monkeypatch.setattr(fake.ledger, "newest", noted)
    tell(fake, inbox)
    fake.world.forget_packs()
    assert fake.world.packs()[PARTNER].mode == "live"
    assert read == {State.REJECTED, State.HELD}


def test_a_partner_stays_told_of_until_it_is_live_again_however_long_that_takes() -> None:
    fake, inbox = world(), Inbox()
    for number in range(6):
        keep(fake, str(number), State.REJECTED, reason=REFUSED)
    tell(fake, inbox)
    fake.clock.pass_(40 * 86400)
    assert [one.kind for one in alerts(fake.world) if one.kind == "partner"] == ["partner"]


def test_a_stopped_partner_that_was_switched_live_again_is_not_stopped_for_the_same_refusals() -> None:
    fake, inbox = world(), Inbox()
    for number in range(6):
        keep(fake, str(number), State.REJECTED, reason=REFUSED)
    tell(fake, inbox)
    switch(fake.world, PARTNER, "live", who="somebody")
    tell(fake, inbox)
    fake.world.forget_packs()
    assert fake.world.packs()[PARTNER].mode == "live"
