"""Whatever a clerk does with an order's invoices and whatever fails: no more is invoiced than was ordered."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from connector import errors
from connector.ledger import OPEN, State
from connector.usecases.outbound import map_outbound
from connector.usecases.targets import push_document
from connector.usecases.upkeep import resolve_in_doubt
from connector.usecases.webhooks import hint
from tests.alone import take_turn
from tests.fakes import FakeWorld
from tests.unit.test_corrections import credit_note
from tests.unit.test_open_quantities import part
from tests.unit.test_outbound import world

ORDERED = 40
FAULTS: dict[str, tuple[Exception, bool]] = {
    "not sent": (errors.Unreachable("down"), False),
    "lost": (errors.OutcomeUnknown("read timeout"), False),
    "stored, and the answer lost": (errors.OutcomeUnknown("read timeout"), True),
    "refused": (errors.Refused("no"), False),
}
# (what, which invoice, how many pieces, the fault of the next upload)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["save", "save", "save", "delete", "credit"]),
        st.sampled_from([101, 102, 103]),
        st.sampled_from([2, 10, 20, 40]),
        st.sampled_from(["", "", *FAULTS]),
        st.booleans(),
    ),
    min_size=2,
    max_size=8,
)


def work(fake: FakeWorld) -> None:
    """Work until the queues are empty, or hold only what fails again and again."""
    for _ in range(20):
        for queue, use_case in ((fake.records, map_outbound), (fake.rsx, push_document)):
            take_turn(fake.world, queue, use_case)
        if not fake.records.messages + fake.rsx.messages:
            return


def uploads(fake: FakeWorld) -> dict[str, list[dict[str, Any]]]:
    """What reached SPS, by invoice number."""
    found: dict[str, list[dict[str, Any]]] = {}
    for content in fake.sps.contents:
        document = json.loads(content)
        found.setdefault(document["Header"]["InvoiceHeader"]["InvoiceNumber"], []).append(document)
    return found


def invoiced(fake: FakeWorld) -> Decimal:
    """How many pieces the partner has invoices for now, without those that it has credits for."""
    return sum((pieces(sent[-1]) for sent in uploads(fake).values()), Decimal())


def pieces(document: dict[str, Any]) -> Decimal:
    header = document["Header"]["InvoiceHeader"]
    if header["TsetPurposeCode"] == "01":
        return Decimal()
    total = sum((Decimal(str(line["InvoiceLine"]["InvoiceQty"])) for line in document["LineItem"]), Decimal())
    return -total if header["InvoiceTypeCode"] == "CR" else total


@settings(max_examples=400)
@given(
    steps=STEPS,
    correction=st.sampled_from(["replace", "credit"]),
    deletion=st.sampled_from(["hold", "cancel", "credit"]),
)
def test_no_more_is_invoiced_than_was_ordered_whatever_comes_and_fails(
    steps: list[tuple[str, int, int, str, bool]], correction: str, deletion: str
) -> None:
    fake = world(invoices={"correction": correction, "deletion": deletion})
    books = fake.freshbooks.invoices
    books.clear()

    for n, (what, which, many, fault, finish) in enumerate(steps):
        version = f"2026-03-{12 + n} 08:00:00.000000"
        if what == "save":
            books[which] = part(str(which), str(many), f"{many * Decimal('2.5'):.2f}", version=version)
        elif which not in books:
            continue
        elif what == "delete":
            books[which] = books[which] | {"vis_state": 1, "version": version}
        else:
            note = credit_note(
                f"Credit for invoice {which}", id=which * 10, invoiceid=which * 10, version=version
            )
            which *= 10
            books[which] = note | {"invoice_number": f"CN-{which}"}
        fake.records.send([hint("acme", "invoice", which, "invoice.update", "request-1")])
        if fault:
            fake.sps.outcomes = [FAULTS[fault]]
        work(fake)
        assert invoiced(fake) <= ORDERED
        fake.sps.outcomes = []
        if finish:
            fake.clock.pass_(3600)
            resolve_in_doubt(fake.world)
            work(fake)
            assert invoiced(fake) <= ORDERED
    for _ in range(4):
        fake.clock.pass_(3600)
        resolve_in_doubt(fake.world)
        work(fake)
        assert invoiced(fake) <= ORDERED
    states = {record.state for record in fake.ledger.records.values()}
    assert states & OPEN <= {State.HELD, State.REJECTED}
    assert not [number for number, sent in uploads(fake).items() if any(a == b for a, b in pairwise(sent))]
    for state in states:
        event(str(state))
