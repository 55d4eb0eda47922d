"""Tell people what is new among the things that need somebody: one message, by e-mail and chat."""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.alerts import alerts, digest, queue_alerts


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs for every connection; the answer counts what is new and what is open."""
    found = each_connection(lambda connection: alerts(wiring.world(connection)))
    pairs = [(connection, alert) for connection, all_ in found.items() for alert in all_]
    pairs += [("", alert) for alert in queue_alerts(wiring.dead_letters.waiting())]
    done = digest(wiring.notes, pairs, wiring.settings.console_url, wiring.notifier.send)
    telemetry.report("digest done", count=done["new"])
    return done
