"""Connect a FreshBooks account: send the person there, and take the code that comes back."""

from typing import Any

from connector.answers import http_answer
from connector.runtime import telemetry
from connector.web import authorization


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """GET /oauth/freshbooks/start?connection=... redirects; GET /oauth/freshbooks/callback?code=&state= ends it."""
    return http_answer(*authorization(event))
