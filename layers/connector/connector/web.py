"""The way to FreshBooks' consent and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from connector import errors
from connector.answers import Answer, refusal
from connector.runtime import telemetry, wiring
from connector.usecases.tokens import authorize_finish, authorize_start, connection_of_state, scopes_for


def authorization(event: Mapping[str, Any]) -> Answer:
    """Send a person to FreshBooks (start), or take the code that comes back (callback)."""
    query = event.get("queryStringParameters") or {}
    try:
        key = wiring.oauth_state_key()
        if event["rawPath"].endswith("/start"):
            connection = wiring.connection(query.get("connection", ""))
            kept = wiring.secrets.read(connection.id, "freshbooks") or {}
            if not kept.get("client_id"):
                text = "the FreshBooks credentials are not stored"
                raise errors.NotConfigured(
                    text, code="no_freshbooks_credentials", fix="connector connections add"
                )
            address = authorize_start(
                connection.id,
                client_id=kept["client_id"],
                redirect_uri=connection.freshbooks.redirect_uri,
                key=key,
                clock=wiring.clock,
                url=connection.freshbooks.authorize_url,
                scopes=scopes_for(wiring.world(connection.id).packs().values()),
            )
            return 302, None, {"location": address}
        if "error" in query:
            return 400, {"error": "FreshBooks did not allow the connection", "code": "not_allowed"}, {}
        connection = wiring.connection(
            connection_of_state(query.get("state", ""), key=key, clock=wiring.clock)
        )
        if not query.get("code"):
            raise errors.BadUse("say which code", code="no_code", fix="add ?code=ID")
        authorize_finish(
            connection.id,
            query["code"],
            secrets=wiring.secrets,
            leases=wiring.leases,
            notes=wiring.notes,
            oauth=wiring.oauth(connection),
            clock=wiring.clock,
        )
        if wiring.settings.console_url:
            back = urlencode({"authorized": connection.id})
            return 302, None, {"location": f"{wiring.settings.console_url}#/connect?{back}"}
        return 200, {"authorized": connection.id}, {}
    except errors.ConnectorError as error:
        telemetry.failed("request refused", error)
        return refusal(error)
