"""Whatever FreshBooks' calls do: the books end as if nothing had gone wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector import errors
from connector.usecases.inbound import map_inbound
from connector.usecases.polling import poll_sps
from connector.usecases.targets import push_document
from connector.usecases.upkeep import resolve_in_doubt
from tests.alone import take_turn
from tests.fakes import FakeWorld
from tests.properties.test_order_sequences import DOCUMENTS, PACKS, POLLS
from tests.unit.test_inbound import put
from tests.unit.test_order_lifecycles import world

ACTS = (
    "create_bill",
    "update_bill",
    "delete_bill",
    "create_vendor",
    "create_sale",
    "update_sale",
    "delete_sale",
)
READS = ("get_bill", "find_bills", "list_vendors", "get_sale", "find_sales", "get_client")
FAULTS = st.lists(st.sampled_from(["", "", "not sent", "lost", "stored"]), max_size=12)


class Faulty:
    """FreshBooks as it is, but for the calls that fail: not sent, lost on the way, or stored with the answer lost."""

    def __init__(self, books: Any, faults: list[str]) -> None:
        self._books, self._faults = books, list(faults)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._books, name)
        if name not in ACTS + READS:
            return method

        def call(*arguments: Any, **keywords: Any) -> Any:
            fault = self._faults.pop(0) if self._faults else ""
            if fault and (name in READS or fault == "not sent"):
                raise errors.Unreachable("connection refused")
            if fault == "lost":
                raise errors.OutcomeUnknown("read timeout")
            answer = method(*arguments, **keywords)
            if fault == "stored":
                raise errors.OutcomeUnknown("read timeout")
            return answer

        return call


def work(fake: FakeWorld) -> None:
    """Work until the queues are empty; what failed comes again later."""
    for _ in range(40):
        for queue, use_case in ((fake.files, map_inbound), (fake.bills, push_document)):
            take_turn(fake.world, queue, use_case)
        if not fake.files.messages + fake.bills.messages:
            return
        fake.clock.pass_(120)
        resolve_in_doubt(fake.world)
    raise AssertionError("it never ends")


def end(polls: list[list[list[str]]], pack: dict[str, Any], faults: list[str]) -> tuple[Any, ...]:
    """What is left of it all in the books and in the ledger."""
    fake = world(**pack)
    fake.world.freshbooks = Faulty(fake.world.freshbooks, faults)  # type: ignore[assignment]
    for n, files in enumerate(polls):
        for file, names in enumerate(files):
            put(fake, f"out/{n}-{file}.json", [DOCUMENTS[name] for name in names])
        poll_sps(fake.world)
        work(fake)
        fake.clock.pass_(900)
        resolve_in_doubt(fake.world)
        work(fake)
    fake.clock.pass_(900)
    resolve_in_doubt(fake.world)
    work(fake)
    books: list[Any] = []
    for rows in (fake.freshbooks.bills, fake.freshbooks.invoices):
        for row in rows.values():
            if row["vis_state"] == 0:
                number = row.get("bill_number") or row.get("invoice_number")
                books.append(
                    (
                        number,
                        row["amount"]["amount"],
                        [(x.get("quantity", x.get("qty"))) for x in row["lines"]],
                    )
                )
    records = {
        key.id: (record.state, record.reason.get("code"), sorted(record.shipments), record.amount)
        for key, record in fake.ledger.records.items()
    }
    return sorted(map(repr, books)), len(fake.freshbooks.vendors), records


@settings(max_examples=300)
@given(polls=POLLS, pack=st.sampled_from(PACKS), faults=FAULTS)
def test_the_books_end_as_if_nothing_had_gone_wrong(
    polls: list[list[list[str]]], pack: dict[str, Any], faults: list[str]
) -> None:
    assert end(polls, pack, faults) == end(polls, pack, [])
