"""Whatever documents of an order come, in whatever sequence: the work ends, and nothing is left on its way."""

from __future__ import annotations

from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from connector.ledger import OPEN, State
from connector.usecases.inbound import map_inbound
from connector.usecases.polling import poll_sps
from connector.usecases.targets import push_document
from connector.usecases.together import together
from connector.usecases.upkeep import resolve_in_doubt
from tests.builders import change_line, order, order_change, order_line, shipment, shipment_line
from tests.fakes import FakeWorld
from tests.unit.test_inbound import put
from tests.unit.test_order_lifecycles import world

RELEASE = {"PrimaryPOTypeCode": "RL"}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "order": order(),
    "order with a release as a remark": order(ReleaseNumber="7"),
    "blanket order": order(PrimaryPOTypeCode="BK"),
    "release 7": order(ReleaseNumber="7", **RELEASE),
    "release 8": order(ReleaseNumber="8", **RELEASE),
    "order again": order(TsetPurposeCode="07"),
    "replacement": order([order_line(1, OrderQty=7)], TsetPurposeCode="05"),
    "cancellation": order(TsetPurposeCode="01"),
    "first change": order_change([change_line(1, "QD", OrderQty=3)], ChangeOrderSeqNumber="1"),
    "second change": order_change([change_line(2, "QD", OrderQty=4)], ChangeOrderSeqNumber="2"),
    "change of release 7": order_change([change_line(1, "QD", OrderQty=3)], ReleaseNumber="7"),
    "change of release 8": order_change([change_line(2, "DI")], ReleaseNumber="8"),
    "change that cancels": order_change([], TsetPurposeCode="01"),
    "shipment": shipment([shipment_line(1, ShipQty=3)]),
    "another shipment": shipment([shipment_line(1, ShipQty=2)], ShipmentIdentification="ASN-2"),
}
PACKS: list[dict[str, Any]] = [
    {},
    {"shipments": {"adjust_bill": True}},
    {"orders": {"target": "invoice_draft"}, "freshbooks": {"client_ids": [12345]}},
]
# what came with one poll, file by file: several documents may be in one
POLLS = st.lists(
    st.lists(st.lists(st.sampled_from(list(DOCUMENTS)), min_size=1, max_size=2), min_size=1, max_size=3),
    min_size=1,
    max_size=4,
)
MESSAGES = 100  # a chain of all that may wait for each other takes about twenty


def work(fake: FakeWorld) -> int:
    """Work until the queues are empty; how many messages that took."""
    done = 0
    while (fake.files.messages or fake.bills.messages) and done < MESSAGES:
        for queue, use_case in ((fake.files, map_inbound), (fake.bills, push_document)):
            messages = queue.take()
            assert together(fake.world, messages, use_case) == {}
            done += len(messages)
    return done


@example([[["change of release 7"]], [["release 7"]]], {})
@example([[["blanket order"]], [["change of release 7"], ["release 7"]]], {})
@settings(max_examples=500)
@given(polls=POLLS, pack=st.sampled_from(PACKS))
def test_the_documents_of_an_order_come_to_an_end_in_whatever_sequence_they_come(
    polls: list[list[list[str]]], pack: dict[str, Any]
) -> None:
    fake, done = world(**pack), 0
    for n, files in enumerate(polls):
        for file, names in enumerate(files):
            put(fake, f"out/{n}-{file}.json", [DOCUMENTS[name] for name in names])
        poll_sps(fake.world)
        done += work(fake)
    for _ in range(2):  # what was left to the upkeep, and that it then is quiet
        before = fake.ledger.writes
        fake.clock.pass_(900)
        resolve_in_doubt(fake.world)
        done += work(fake)
    assert done < MESSAGES
    assert fake.ledger.writes == before
    assert not [path for path in fake.sps.files if path.startswith("out/")]
    states = {record.state for record in fake.ledger.records.values()}
    assert states & OPEN <= {State.HELD, State.REJECTED}
    for state in states:
        event(str(state))
