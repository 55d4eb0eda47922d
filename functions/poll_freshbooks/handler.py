"""Compare a connection's FreshBooks invoices and bills with the ledger; send hints for what differs."""

from typing import Any

from connector.runtime import telemetry, wiring
from connector.usecases.polling import poll_freshbooks


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """`event` is what the connection's schedule sends: {"connection": "acme"}."""
    telemetry.correlate(context.aws_request_id, event["connection"])
    return {"hints": poll_freshbooks(wiring.world(event["connection"]))}
