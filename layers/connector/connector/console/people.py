"""Who is asking, and what they may do: read from the claims of a token that API Gateway has verified."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector import errors

if TYPE_CHECKING:
    from connector.console.routes import Request

GROUPS = ("viewer", "operator")


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person; `name` goes onto the history of whatever they do."""

    name: str
    groups: frozenset[str]

    @property
    def is_operator(self) -> bool:
        return "operator" in self.groups

    @property
    def who(self) -> str:
        return f"console/{self.name}"


def person_of(event: Mapping[str, Any]) -> Person:
    """The person behind a request; BadUse without verified claims, Forbidden for one of no group.

    API Gateway has checked signature, issuer, audience and expiry. Only access tokens are taken: an ID token
    is for the page and not for us. API Gateway hands lists over as text: `[viewer operator]`.
    """
    claims = (event.get("requestContext", {}).get("authorizer") or {}).get("jwt", {}).get("claims") or {}
    name = str(claims.get("username") or "")
    if not name or claims.get("token_use") != "access":
        raise errors.BadUse("sign in first", code="not_signed_in")
    groups = frozenset(re.findall(r"[\w-]+", str(claims.get("cognito:groups", "")))) & frozenset(GROUPS)
    if not groups:
        raise errors.Forbidden(
            "you belong to no group of this console",
            code="no_group",
            fix="an administrator runs `connector people add NAME --group viewer`",
        )
    return Person(name[:60], groups)


def _me(request: Request) -> Any:
    """Who is signed in, and which connections there are."""
    wiring = request.wiring
    return {
        "name": request.person.name,
        "operator": request.person.is_operator,
        "connections": [
            {"id": one, "name": wiring.connection(one).name, "polls": wiring.notes.read_all(one, "poll")}
            for one in wiring.connections()
        ],
    }


ROUTES = {("GET", "me"): _me}
