"""Compare FreshBooks, SPS and the ledger for every connection: the nightly proof of no loss and no duplicate."""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.reconcile import reconcile


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The verdicts of each connection's last week by kind; the whole account is kept as a note."""
    return each_connection(context, lambda connection: reconcile(wiring.world(connection))["counts"])
