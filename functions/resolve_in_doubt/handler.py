"""Send on what nobody works on any more, ask about what is in doubt, notice what SPS picked up."""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.upkeep import resolve_in_doubt


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs for every connection; one that fails does not keep the others from their turn."""
    return each_connection(context, lambda connection: resolve_in_doubt(wiring.world(connection)))
