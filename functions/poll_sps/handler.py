"""List a connection's SPS mailbox and send every file's path on."""

from typing import Any

from connector.runtime import telemetry, wiring
from connector.usecases.polling import poll_sps


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """`event` is what the connection's schedule sends: {"connection": "acme"}."""
    telemetry.correlate(context.aws_request_id, event["connection"])
    return {"files": poll_sps(wiring.world(event["connection"]))}
