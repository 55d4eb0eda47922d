"""Tell people what is new among the things that need somebody: one message, by e-mail and chat."""

from typing import Any

from connector.runtime import each_connection, telemetry, wiring
from connector.usecases.alerts import Alert, alerts, digest, queue_alerts


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs for every connection; the answer counts what is new and what is open."""
    found: dict[str, list[Alert]] = {}
    trouble: Exception | None = None
    try:
        each_connection(
            context, lambda connection: found.update({connection: alerts(wiring.world(connection))})
        )
    except Exception as error:  # the others' people are told all the same
        trouble = error
    pairs = [(connection, alert) for connection, all_ in found.items() for alert in all_]
    pairs += [("", alert) for alert in queue_alerts(wiring.dead_letters.waiting())]
    done = digest(
        wiring.notes, pairs, wiring.settings.console_url, wiring.notifier.send, whole=trouble is None
    )
    telemetry.report("digest done", count=done["new"])
    if trouble is not None:
        raise trouble
    return done
