"""The events of events/*.json through the built functions, each in its own process under Lambda's runtime client.

Nothing of this project's environments is on their path: a dependency that is missing in a layer is missing here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.ledger import State
from local.lambda_runtime import BuiltFunction, FunctionError, Packages
from tests import builders
from tests.functions.business import Business
from tests.functions.test_function_events import (  # noqa: F401 - the same events and what they come to
    acme,
    test_an_empty_batch_is_no_failure,
    test_an_http_event_gets_an_answer_with_the_security_headers,
    test_map_inbound_takes_its_file_in,
    test_map_outbound_is_done_with_a_hint_for_a_record_that_is_not_there,
    test_push_freshbooks_makes_its_bill,
    test_push_sps_uploads_its_file,
    test_the_digest_tells_what_a_schedule_finds_open,
    test_the_polls_take_a_schedules_input,
    test_upkeep_takes_any_schedules_input,
)
from tests.packaging.conftest import BuiltStack


def test_an_order_becomes_a_bill_and_its_invoice_a_file(stack: BuiltStack, acme: Business) -> None:  # noqa: F811
    acme.offer("1.json", builders.order(PurchaseOrderNumber="77", TradingPartnerId="123ALLSUPPLIER"))
    assert acme.poll() == []
    acme.invoice(po_number="77")
    stack.invoke("poll_freshbooks", {"connection": acme.id})
    assert stack.settle() == []
    assert acme.record(number="77", partner="123ALLSUPPLIER").state is State.DELIVERED
    [sent] = acme.sent
    assert sent["Header"]["InvoiceHeader"]["PurchaseOrderNumber"] == "77"


@pytest.mark.parametrize("function", ["receive_webhook", "push_sps"])
def test_a_function_that_the_template_tells_nothing_says_what_it_lacks(
    packages: Packages, function: str
) -> None:
    with pytest.raises(FunctionError, match=r"environment lacks .*TABLE_NAME"):
        BuiltFunction(packages, function, {"AWS_REGION": "us-east-1"}, timeout=5).start()


def test_nothing_of_this_projects_environment_is_on_a_functions_path(
    stack: BuiltStack,
    acme: Business,  # noqa: F811
) -> None:
    stack.process("poll_sps")
    maps = Path(f"/proc/{stack.started[0].process.pid}/maps").read_text()
    assert "/.venv/" not in maps
    assert "pydantic_core" in maps
