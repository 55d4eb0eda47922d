"""Receive FreshBooks' webhooks: verify, enqueue a hint, answer."""

from typing import Any

from connector.answers import http_answer
from connector.receiving import receiver, telemetry, webhook_delivery
from connector.usecases.webhooks import receive


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event` is an HTTP API request (payload 2.0) on /webhooks/freshbooks/{connection}/{event}."""
    delivery = webhook_delivery(event)
    telemetry.correlate(context.aws_request_id, delivery.connection)
    status = receive(
        delivery,
        verifiers=receiver.verifiers,
        registering=receiver.registering,
        enqueue=receiver.enqueue,
        report=telemetry.report,
        correlation_id=context.aws_request_id,
    )
    return http_answer(status)
