"""The console's JSON routes: connections, documents, one document's story, replay, partners, ping."""

from typing import Any

from connector.runtime import telemetry
from connector.web import console, http_answer


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event` is an HTTP API request (payload 2.0); IAM has decided who may call."""
    telemetry.correlate(context.aws_request_id, (event.get("pathParameters") or {}).get("connection", ""))
    return http_answer(*console(event))
