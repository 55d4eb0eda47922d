"""Push bills, and the shipment events of bills, to FreshBooks."""

from typing import Any

from connector.runtime import consume, telemetry
from connector.usecases.targets import push_document


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Consume an SQS batch; the answer names the records to be tried again."""
    return consume(event, context, push_document)
