"""Compare FreshBooks, SPS and the ledger for every connection: the nightly proof of no loss and no duplicate.

Whether FreshBooks still calls about changes is looked at, too.
"""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.reconcile import reconcile
from connector.usecases.registering import compare_callbacks


def compare(connection: str) -> Any:
    """One connection's verdicts by kind."""
    world = wiring.world(connection)
    counts = reconcile(world)["counts"]
    compare_callbacks(
        connection,
        secrets=wiring.secrets,
        leases=wiring.leases,
        notes=wiring.notes,
        freshbooks=wiring.freshbooks(world.connection),
        report=telemetry.report,
    )
    return counts


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The verdicts of each connection's last week by kind; the whole account is kept as a note."""
    return each_connection(context, compare)
