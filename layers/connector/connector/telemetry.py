"""Logs and metrics: constant messages with keys, never payloads, tokens or addresses."""

from __future__ import annotations

import warnings
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from connector.errors import ConnectorError

# what may be logged; anything else under another key is dropped, so a payload cannot slip in
_KEYS = """
    connection correlation_id document arrival state path index error error_code partner vendor_id remote_id files
    hints run noun id event object_id waited_for count resumed picked_up woken expires_in callback_id function
    attempt retry_after what status
"""
KEYS = frozenset(_KEYS.split())
_COUNTED = {
    "document arrived": "DocumentsArrived",
    "document delivered": "DocumentsDelivered",
    "document parked": "DocumentsParked",
    "document refused": "DocumentsRefused",
    "outcome unknown": "OutcomesUnknown",
    "token refreshed": "TokensRefreshed",
    "token stranded": "TokensStranded",
    "upstream paused": "UpstreamPauses",
    "document unexplained": "DocumentsUnexplained",
    "document long in doubt": "DocumentsLongInDoubt",
    "poll overdue": "PollsOverdue",
    "webhook taken": "WebhooksTaken",
    "webhook refused": "WebhooksRefused",
    "error unexpected": "UnexpectedErrors",
}


# an invocation with nothing to count is no reason to warn
warnings.filterwarnings("ignore", message="No application metrics to publish")


class Telemetry:
    """Powertools' Logger and Metrics behind `ports.Report`.

    Metrics have one dimension, `service`, which is the stack: a series costs money, and what counts a document
    is the whole stack's. Which function and which connection it was is in the log.
    """

    def __init__(self, stack: str) -> None:
        self.logger = Logger(log_uncaught_exceptions=False)
        self.metrics = Metrics(service=stack)

    def report(self, message: str, **keys: Any) -> None:
        self.logger.info(message, extra={name: value for name, value in keys.items() if name in KEYS})
        metrics = [_COUNTED.get(message)]
        if message == "document arrived" and keys.get("state") == "HELD":
            metrics.append("DocumentsParked")
        for metric in filter(None, metrics):
            self.metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)

    def correlate(self, correlation_id: str, connection: str) -> None:
        """Put the ids on every line that follows."""
        self.logger.append_keys(correlation_id=correlation_id, connection=connection)

    def failed(self, message: str, error: BaseException) -> None:
        """Say that work failed, with the error's class and code: its text may hold what the vendor said.

        What is none of the connector's own errors was foreseen by nobody, and is counted.
        """
        name = type(error).__name__
        self.logger.warning(message, extra={"error": name, "error_code": getattr(error, "code", "")})
        if not isinstance(error, ConnectorError):
            self.report("error unexpected", error=name)
