"""The way to FreshBooks' consent and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from connector import errors
from connector.answers import Answer, refusal
from connector.runtime import telemetry, wiring
from connector.usecases.tokens import authorize_finish, connection_of_state, consent_address


def authorization(event: Mapping[str, Any]) -> Answer:
    """Send a person to FreshBooks (start), or take the code that comes back (callback).

    Whoever comes back sits at a browser: the console's Connect page tells them how it went.
    """
    query = event.get("queryStringParameters") or {}
    is_back = not event["rawPath"].endswith("/start")
    try:
        return _to(_connect_page({"authorized": _finish(query)}) if is_back else _start(query))
    except errors.ConnectorError as error:
        telemetry.failed("request refused", error)
        return _to(_connect_page({"refused": error.code})) if is_back else refusal(error)


def _to(address: str) -> Answer:
    return 302, None, {"location": address}


def _connect_page(told: Mapping[str, str]) -> str:
    return f"{wiring.settings.console_url}#/connect?{urlencode(told)}"


def _start(query: Mapping[str, str]) -> str:
    """The address at which a person allows the connection."""
    connection = wiring.connection(query.get("connection", ""))
    packs = wiring.world(connection.id).packs().values()
    return consent_address(
        connection, packs, secrets=wiring.secrets, key=wiring.oauth_state_key(), clock=wiring.clock
    )


def _finish(query: Mapping[str, str]) -> str:
    """Exchange the code that came back for tokens; the connection that has them now."""
    if "error" in query:
        raise errors.BadUse(
            "FreshBooks did not allow the connection", code="not_allowed", fix="authorize again, and allow it"
        )
    state = query.get("state", "")
    connection = wiring.connection(
        connection_of_state(state, key=wiring.oauth_state_key(), clock=wiring.clock)
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
    return connection.id
