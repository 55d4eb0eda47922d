"""Tell people what is new among the things that need somebody: one message, by e-mail and chat."""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.alerts import Alert, alerts, digest, queue_alerts


def look(connection: str) -> list[Alert]:
    """What of one connection needs somebody."""
    return alerts(wiring.world(connection))


def tell(found: dict[str, list[Alert]], whole: bool) -> dict[str, int]:
    """Send what is new of all that was found, also where a connection could not be looked at."""
    pairs = [(connection, alert) for connection, all_ in found.items() for alert in all_]
    pairs += [("", alert) for alert in queue_alerts(wiring.dead_letters.waiting())]
    done = digest(wiring.notes, pairs, wiring.settings.console_url, wiring.notifier.send, whole=whole)
    telemetry.report("digest done", count=done["new"])
    return done


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs for every connection; the answer counts what is new and what is open."""
    return each_connection(context, look, tell)
