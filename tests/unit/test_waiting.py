"""Parked documents go on by themselves when what they waited for is there, and nobody asks too often until then."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey, Record, State
from connector.rules.packs import PartnerPack
from connector.usecases.packs import set_up_partner
from connector.usecases.polling import poll_freshbooks, poll_sps
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.waiting import what_it_waits_for
from connector.usecases.world import LONG_QUEUE
from tests.alone import map_outbound, push_document
from tests.fakes import FakeWorld
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit import test_push as pushing
from tests.unit.test_inbound import PARTNER, order, put, stored

NO_BILLS = errors.PlanLacksFeature("the plan has no bills")
REFUSED_TOKEN = errors.Unauthenticated("FreshBooks POST /bills/bills: HTTP 401")
STRANDED = errors.Stranded("FreshBooks is not authorized", code="not_authorized")


class Trouble:
    """FreshBooks refuses everything with `error` until it is None; `asked` counts what it was asked."""

    def __init__(self, fake: FakeWorld, error: Exception | None) -> None:
        self.error = error
        self.asked: Counter[str] = Counter()
        for name in (
            "create_bill",
            "list_vendors",
            "list_categories",
            "find_bills",
            "get_bill",
            "list_bills",
        ):
            setattr(fake.freshbooks, name, self._watched(name, getattr(fake.freshbooks, name)))

    def _watched(self, name: str, call: Any) -> Any:
        def asked(*arguments: Any, **keywords: Any) -> Any:
            self.asked[name] += 1
            if self.error is not None:
                raise self.error
            return call(*arguments, **keywords)

        return asked


def orders(fake: FakeWorld, *numbers: str) -> None:
    for number in numbers:
        put(fake, f"out/{number}.json", order(number))
    inbound.run(fake)


def states(fake: FakeWorld) -> Counter[str]:
    return Counter(str(record.state) for record in fake.ledger.records.values())


@pytest.mark.parametrize("error", [NO_BILLS, REFUSED_TOKEN, STRANDED], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("learned", [False, True], ids=["first bill", "vendor known"])
def test_orders_wait_for_the_plan_or_the_token_and_all_go_on_once_it_is_there(
    error: Exception, learned: bool
) -> None:
    fake = inbound.world()
    if learned:
        orders(fake, "0")
    trouble = Trouble(fake, error)
    orders(fake, "1", "2", "3")
    assert states(fake)["HELD"] == 3
    trouble.asked.clear()
    for _ in range(4):
        fake.clock.pass_(300)
        assert resolve_in_doubt(fake.world)["woken"] == 0
        inbound.drain(fake)
    assert trouble.asked == {"list_vendors": 4}, "one look a run, however many documents wait"
    trouble.error = None
    assert resolve_in_doubt(fake.world)["woken"] == 3
    inbound.drain(fake)
    assert states(fake) == {"DELIVERED": 3 + learned}
    assert sorted(bill["bill_number"] for bill in fake.freshbooks.bills.values()) == [
        *(["0"] if learned else []),
        *"123",
    ]


def test_a_token_that_works_wakes_nobody_who_waits_for_a_plan() -> None:
    fake = inbound.world()
    trouble = Trouble(fake, NO_BILLS)
    orders(fake, "1")
    trouble.error = REFUSED_TOKEN
    orders(fake, "2")
    trouble.error = NO_BILLS  # authorized again, the plan as before
    assert resolve_in_doubt(fake.world)["woken"] == 1
    inbound.drain(fake)
    assert stored(fake, number="1").waits_for == stored(fake, number="2").waits_for == "acme/plan/bills"


def test_nothing_that_waits_costs_a_vendor_no_question() -> None:
    fake = inbound.world()
    orders(fake, "1")
    put(fake, "out/odd.json", b"{")
    inbound.run(fake)
    trouble = Trouble(fake, None)
    resolve_in_doubt(fake.world)
    assert trouble.asked == {}


def test_what_may_have_acted_is_not_parked_for_a_token_but_asked_about_later() -> None:
    fake = pushing.world()
    fake.freshbooks.outcomes = [(errors.OutcomeUnknown("read timed out"), True)]
    message = pushing.arrived(fake)
    with pytest.raises(errors.OutcomeUnknown):
        push_document(fake.world, message)
    trouble = Trouble(fake, STRANDED)
    fake.world._learned.clear()
    fake.notes.remove("acme", "vendor", pushing.ORDER.partner)
    with pytest.raises(errors.Busy) as waits:
        push_document(fake.world, message)
    assert waits.value.retry_after == 300
    assert held(fake, pushing.ORDER).state is State.IN_DOUBT
    trouble.error = None
    push_document(fake.world, message)
    assert (held(fake, pushing.ORDER).state, fake.freshbooks.posts) == (State.DELIVERED, 1)


def held(fake: FakeWorld, key: DocumentKey) -> Record:
    record = fake.ledger.get(key)
    assert record is not None
    return record


# --- categories ----------------------------------------------------------------------------------------


def test_bills_wait_for_a_category_that_appears_in_freshbooks_whatever_its_case() -> None:
    fake = inbound.world()
    fake.freshbooks.categories = {}
    orders(fake, "1", "2")
    assert stored(fake, number="1").reason["code"] == "no_such_category"
    assert resolve_in_doubt(fake.world)["woken"] == 0
    fake.freshbooks.categories = {77: "cost of goods  sold"}
    assert resolve_in_doubt(fake.world)["woken"] == 2
    inbound.drain(fake)
    assert states(fake) == {"DELIVERED": 2}


def test_bills_wait_for_a_category_to_be_named_and_the_pack_that_names_it_wakes_them_at_once() -> None:
    fake = inbound.world()
    fake.world.connection = fake.world.connection.model_copy(update={"category": None})
    orders(fake, "1")
    assert stored(fake, number="1").reason["code"] == "no_category"
    assert resolve_in_doubt(fake.world)["woken"] == 0
    pack = {
        "trading_partner_id": PARTNER,
        "name": "Example",
        "freshbooks": {"category": "Cost of Goods Sold"},
    }
    assert set_up_partner(fake.world, PartnerPack.model_validate(pack)) == 1
    inbound.drain(fake)
    assert states(fake) == {"DELIVERED": 1}


def test_a_category_named_for_the_connection_wakes_its_bills() -> None:
    fake = inbound.world()
    settings = fake.world.connection
    fake.world.connection = settings.model_copy(update={"category": "Gone"})
    orders(fake, "1")
    assert resolve_in_doubt(fake.world)["woken"] == 0
    fake.world.connection = settings
    assert resolve_in_doubt(fake.world)["woken"] == 1
    inbound.drain(fake)
    assert states(fake) == {"DELIVERED": 1}


# --- SPS -----------------------------------------------------------------------------------------------


def test_invoices_wait_for_credentials_that_sps_takes() -> None:
    fake = outbound.world()
    wrong = errors.NotConfigured("no token", code="not_configured")
    fake.sps.outcomes = [(wrong, False)]
    outbound.told(fake)
    assert outbound.stored(fake).waits_for == "acme/token/SPS"

    def refused() -> None:
        raise wrong

    fake.sps.auth_check, works = refused, fake.sps.auth_check  # type: ignore[method-assign]
    assert resolve_in_doubt(fake.world)["woken"] == 0
    fake.sps.auth_check = works  # type: ignore[method-assign]
    assert resolve_in_doubt(fake.world)["woken"] == 1
    outbound.drain(fake)
    assert (outbound.stored(fake).state, len(fake.sps.uploads)) == (State.DELIVERED, 1)


def test_a_refused_token_of_sps_is_tried_again_and_parks_nothing() -> None:
    fake = outbound.world()
    fake.sps.outcomes = [(errors.Unauthenticated("401"), False)]
    with pytest.raises(errors.Unauthenticated):
        outbound.told(fake)
    assert outbound.stored(fake).state is State.MAPPED


@pytest.mark.parametrize(
    "error",
    [
        errors.Refused("no"),
        errors.Forbidden("no scope"),
        errors.CheckFailed("no"),
        errors.NotConfigured("no", code="not_configured"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_only_a_person_can_help_waits_for_nothing(error: errors.ConnectorError) -> None:
    assert what_it_waits_for(DocumentKey("acme", "in", "P", "order", "1"), error) == ""


# --- the polls -----------------------------------------------------------------------------------------


def test_a_plan_without_bills_does_not_keep_the_poll_from_invoices() -> None:
    fake = outbound.world(bills={"send": True})
    fake.freshbooks.invoices[987654] = outbound.invoice()

    def refused(*_: Any, **__: Any) -> Any:
        raise NO_BILLS

    def unlisted(*_: Any, **__: Any) -> Any:
        yield refused()

    fake.freshbooks.list_bills = unlisted  # type: ignore[method-assign]
    assert poll_freshbooks(fake.world) == 1
    assert ("the plan lacks what the poll asks for", {"error": NO_BILLS.code}) in fake.reports
    outbound.drain(fake)
    assert len(fake.sps.uploads) == 1
    fake.freshbooks.get_bill = refused  # type: ignore[method-assign]
    map_outbound(fake.world, outbound.hint("acme", "bill", 1000, "bill.create", "c"))
    assert ("acme", "seen") not in fake.notes.notes or "bill:1000" not in fake.notes.notes["acme", "seen"]


def test_a_poll_reads_of_what_it_saw_before_only_what_is_listed() -> None:
    fake = outbound.world()
    outbound.told(fake)
    for n in range(50):
        fake.notes.write("acme", "seen", f"invoice:{n}", {"version": "1", "what": "draft"})
    fake.notes.read_all, read_all = None, fake.notes.read_all  # type: ignore[method-assign, assignment]
    assert polled(fake) == (0, ["invoice:987654"])
    fake.notes.read_all = read_all  # type: ignore[method-assign]


def polled(fake: FakeWorld) -> tuple[int, list[str]]:
    """One more poll: how many records it showed, and of which it read what was last seen."""
    asked: list[str] = []
    read_many = fake.notes.read_many

    def watched(connection: str, topic: str, names: Any) -> Any:
        names = list(names)
        asked.extend(names)
        return read_many(connection, topic, names)

    fake.notes.read_many = watched  # type: ignore[method-assign]
    shown = poll_freshbooks(fake.world)
    fake.notes.read_many = read_many  # type: ignore[method-assign]
    return shown, asked


TODAY = "2026-09-21 10:31:19"  # of the clock in `tests.fakes`


def of_ids(*ids: int) -> FakeWorld:
    fake = outbound.world()
    fake.freshbooks.invoices = {
        n: outbound.invoice(f"I{n}", id=n, invoiceid=n, po_number="", updated=TODAY) for n in ids
    }
    return fake


def test_a_poll_reads_nothing_of_what_is_as_it_was_when_all_of_it_had_been_looked_at() -> None:
    fake = of_ids(1000, 1001, 2000)
    assert polled(fake)[0] == 3
    outbound.drain(fake)
    assert polled(fake) == (0, ["invoice:1000", "invoice:1001", "invoice:2000"])
    assert polled(fake) == (0, [])
    fake.freshbooks.invoices[1001] |= {"version": "2026-03-12 08:00:00.000000"}
    assert polled(fake) == (1, ["invoice:1000", "invoice:1001"])


def test_a_record_whose_message_is_lost_is_shown_by_every_poll_until_it_is_looked_at() -> None:
    fake = of_ids(1000, 1001)
    for _ in range(3):
        assert polled(fake)[0] == 2
        fake.records.messages.clear()
    fake.freshbooks.invoices[1002] = outbound.invoice(
        "I1002", id=1002, invoiceid=1002, po_number="", updated=TODAY
    )
    assert polled(fake)[0] == 3
    outbound.drain(fake)
    assert [polled(fake)[0], len(polled(fake)[1])] == [0, 0]


def test_a_deleted_invoice_that_was_looked_at_late_is_shown_by_the_next_poll() -> None:
    fake = of_ids(1000)
    alive = dict(fake.freshbooks.invoices[1000])
    fake.freshbooks.invoices[1000] |= {"vis_state": 1, "version": "2026-03-12 08:00:00.000000"}
    assert [polled(fake)[0] for _ in range(2)] == [0, 0]
    fake.notes.write("acme", "seen", "invoice:1000", {"version": f"{alive['version']}/0", "what": "late"})
    assert polled(fake)[0] == 1


# --- bounded work --------------------------------------------------------------------------------------


def test_schedules_add_nothing_to_a_queue_that_is_long_already() -> None:
    fake = outbound.world()
    put(fake, "out/1.json", order("1"))
    poll_sps(fake.world)
    for message in fake.files.take():
        inbound.map_inbound(fake.world, message)
    fake.clock.pass_(3600)
    fake.freshbooks.invoices[987654] = outbound.invoice()
    idle = [{"connection": "acme"}] * (LONG_QUEUE - 1)
    fake.bills.messages, fake.records.messages = idle.copy(), [*idle, {"connection": "acme"}]
    assert resolve_in_doubt(fake.world)["resumed"] == 1
    assert len(fake.files.messages) == 1
    assert resolve_in_doubt(fake.world)["resumed"] == 0, "with the one message just sent the queues are long"
    assert poll_freshbooks(fake.world) == 0
    assert fake.reports[-1][0] == "poll skipped, the queue is long"
    fake.records.messages = idle.copy()
    assert poll_freshbooks(fake.world) == 1, "what the skipped poll did not send, the next one does"


def test_the_upkeep_sends_on_so_much_at_a_time_oldest_first() -> None:
    fake = inbound.world()
    for n in range(LONG_QUEUE + 5):
        key = DocumentKey("acme", "in", PARTNER, "order", f"{n:05d}")
        now = fake.clock.now()
        fake.ledger.save(Record(key, State.MAPPED, now, now, version=1), 0)
    fake.clock.pass_(3600)
    assert resolve_in_doubt(fake.world)["resumed"] == LONG_QUEUE
    numbers = [message["replay"].rpartition("/")[2] for message in fake.files.take()]
    assert numbers == [f"{n:05d}" for n in range(LONG_QUEUE)]
