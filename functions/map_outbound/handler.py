"""Fetch the FreshBooks records that hints name, and map them to RSX; finish webhook handshakes."""

from collections.abc import Mapping
from typing import Any

from connector.runtime import consume, telemetry, wiring
from connector.usecases.outbound import map_outbound
from connector.usecases.registering import confirm_callback
from connector.usecases.together import Steps
from connector.usecases.world import World


def work(world: World, message: Mapping[str, Any]) -> Steps[None]:
    """A handshake is the one message here that names no record."""
    if message.get("noun") == "callback":
        confirm_callback(
            world.id,
            message,
            secrets=wiring.secrets,
            leases=world.leases,
            notes=world.notes,
            freshbooks=wiring.freshbooks(world.connection),
            report=world.report,
        )
    else:
        yield from map_outbound(world, message)


@telemetry.logger.inject_lambda_context
@telemetry.metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Consume an SQS batch; the answer names the records to be tried again."""
    return consume(event, context, work)
