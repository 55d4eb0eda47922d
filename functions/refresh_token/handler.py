"""Renew FreshBooks' rotating tokens, well ahead of their end: the only function that does."""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.tokens import refresh_token


def renew(connection: str) -> bool:
    """Renew one connection's token once half its life is over."""
    return refresh_token(
        connection,
        secrets=wiring.secrets,
        leases=wiring.leases,
        notes=wiring.notes,
        oauth=wiring.oauth(wiring.connection(connection)),
        clock=wiring.clock,
        report=telemetry.report,
    )


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs for every connection; a stranded one raises after the others had their turn."""
    return each_connection(context, renew)
