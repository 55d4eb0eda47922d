"""Reports, close-out, evidence and the cut-over on the deployed stack, with both vendors' simulators."""

from __future__ import annotations

import json
from datetime import date

from connector.ledger import State
from connector.usecases.backfilling import Window, backfill, set_cut_over, told
from connector.usecases.closing import close_out
from connector.usecases.evidence import evidence
from connector.usecases.reconcile import reconcile
from connector.usecases.rehearsing import archived, rehearse
from connector.usecases.reports.gathering import gather
from connector.usecases.reports.open_bills import open_bills
from connector.usecases.reports.variances import variances
from tests import builders
from tests.functions.business import Business
from tests.functions.stack import Stack
from tests.functions.test_function_rights import missing


def traded(stack: Stack, acme: Business) -> None:
    """The order billed, and its invoice sent."""
    acme.offer("PO1.json", builders.order())
    acme.poll()
    acme.invoice()
    stack.invoke("poll_freshbooks", {"connection": "acme"})
    stack.settle()


def test_an_invoiced_orders_bill_is_closed_out_in_freshbooks_and_explained(
    stack: Stack, acme: Business
) -> None:
    traded(stack, acme)
    world = stack.admin.world("acme")
    found = gather(world)
    assert found.bills_known
    assert variances(found.trades)["variances"] == []
    report = open_bills(found.trades, date(2026, 4, 1))
    [row] = report["bills"]
    assert (row["amount"], row["invoiced"], row["status"]) == ("200.00", "200.00", "invoiced")
    [order] = report["close_out"]
    close_out(world, acme.record().key, who="a person", why="the order is invoiced")
    assert order == acme.record().key.id
    assert stack.settle() == []
    assert acme.record("close_out").state is State.DELIVERED
    assert [bill["vis_state"] for bill in acme.bills] == [1]
    assert open_bills(gather(world).trades, date(2026, 4, 1))["bills"] == []
    assert reconcile(world)["unexplained"] == 0
    assert missing(stack.calls) == set()


def test_the_evidence_of_an_order_holds_what_both_vendors_answered(stack: Stack, acme: Business) -> None:
    traded(stack, acme)
    files = {name: b"".join(parts) for name, parts in evidence(stack.admin.world("acme"), builders.PO_NUMBER)}
    index = json.loads(files["index.json"])
    assert [one["type"] for one in index["documents"]] == ["order", "invoice"]
    answer = next(name for name in files if name.endswith("answer.json"))
    assert json.loads(files[answer])["bill_number"] == builders.PO_NUMBER
    assert index["histories_intact"]


def test_a_rehearsal_of_the_present_code_changes_nothing(stack: Stack, acme: Business) -> None:
    traded(stack, acme)
    world = stack.admin.world("acme")
    assert rehearse(world, None, archived(world))["counts"] == {"same": 2}


def test_polls_after_a_backfill_bill_and_send_nothing_of_the_past(stack: Stack, acme: Business) -> None:
    acme.invoice()
    world = stack.admin.world("acme")
    set_cut_over(world, date(2026, 6, 1))
    result = told(
        backfill(world, [("1.json", builders.as_bytes(builders.order()))], Window(date(2026, 1, 1)))
    )
    assert result["counts"] == {"no bill found": 1, "registered": 2}
    acme.offer("PO1.json", builders.order())
    assert acme.poll() == []
    stack.invoke("poll_freshbooks", {"connection": "acme"})
    assert stack.settle() == []
    assert (acme.bills, acme.sent) == ([], [])
    assert set(acme.documents().values()) == {State.SKIPPED}
