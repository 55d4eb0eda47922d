"""The console: its static page for anybody, its JSON routes for whoever is signed in."""

from typing import Any

from connector.console.pages import Pages
from connector.console.routes import serve
from connector.runtime import telemetry, wiring

settings = wiring.settings
pages = Pages(settings.console_files, login_url=settings.login_url, client_id=settings.login_client_id)


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event` is an HTTP API request (payload 2.0); the API's authorizer has verified tokens below /api/."""
    telemetry.correlate(context.aws_request_id, "")
    return serve(event, wiring, pages, telemetry.failed)
