"""The console's routes about shipments: the form, an upload tried or taken in, one taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.documents.upload_reading import template
from connector.usecases.shipping import cancel_shipment, upload_shipments

if TYPE_CHECKING:
    from connector.console.routes import Request


def _form(request: Request) -> Any:
    return {"csv": template()}


def _upload(request: Request) -> Any:
    """The file's text, CSV or JSON; with `dry_run` nothing is sent or kept."""
    return upload_shipments(
        request.world(),
        request.text("text", needed=True).encode("utf-8", "replace"),
        who=request.person.who,
        name=request.text("name")[:80],
        dry_run=request.given.get("dry_run") is True,
    )


def _cancel(request: Request) -> Any:
    record = cancel_shipment(
        request.world(),
        request.text("shipment", needed=True),
        who=request.person.who,
        reason=request.text("reason", needed=True),
        partner=request.text("partner"),
    )
    return {"id": record.key.id, "state": str(record.state)}


ROUTES = {
    ("GET", "shipment/form"): _form,
    ("POST", "shipment/upload"): _upload,
    ("POST", "shipment/cancel"): _cancel,
}
