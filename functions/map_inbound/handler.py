"""Take in the files that poll_sps listed: archive, read, map, send on, delete at SPS."""

from typing import Any

from connector.runtime import consume, telemetry
from connector.usecases.inbound import map_inbound


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Consume an SQS batch; the answer names the records to be tried again."""
    return consume(event, context, map_inbound)
