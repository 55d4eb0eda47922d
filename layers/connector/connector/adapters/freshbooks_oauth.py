"""FreshBooks' OAuth: an authorization code or a refresh token for a new pair of tokens.

A refresh token works once. Each method makes exactly one POST and never repeats it; `OutcomeUnknown` means
that the old refresh token may be spent. Source: reference/freshbooks.md, section 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from connector.adapters.freshbooks_errors import VENDOR, read_problem
from connector.adapters.http import HttpClient, describe, read_json
from connector.errors import ConnectorError, Refused, Stranded


@dataclass(frozen=True, slots=True)
class TokenSet:
    """A pair of tokens; `expires_at` in epoch seconds is told by FreshBooks, not counted from our clock."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: int
    scope: str

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())


class OAuthClient:
    """Our FreshBooks app; `redirect_uri` must equal the registered one (https, no query)."""

    def __init__(
        self,
        *,
        api_url: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        http: HttpClient,
        total_seconds: float = 20.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token_url = f"{api_url.rstrip('/')}/auth/oauth/token"
        self._app = {"client_id": client_id, "client_secret": client_secret, "redirect_uri": redirect_uri}
        self._http = http
        self._total_seconds = total_seconds
        self._clock = clock

    def exchange_code(self, code: str) -> TokenSet:
        """The first pair of tokens; a code lives five minutes. A code that is no good is `Refused`."""
        return self._post({"grant_type": "authorization_code", "code": code})

    def refresh(self, refresh_token: str) -> TokenSet:
        """The next pair of tokens; `Stranded` where the refresh token was used before or revoked."""
        return self._post({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _post(self, grant: dict[str, str]) -> TokenSet:
        asked_at = int(self._clock())
        response = self._http.request(
            "POST",
            self._token_url,
            vendor=VENDOR,
            path="/auth/oauth/token",
            safe=False,
            tries=1,
            total_seconds=self._total_seconds,
            data={**grant, **self._app},
        )
        try:
            answer = read_json(response.body)
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        if not response.ok or "error" in answer:
            problem = read_problem(answer)
            reason = problem.message if problem and problem.message else "no reason given"
            text = describe(response.call, reason, response.status, response.request_id)
            raise _refused(text, str(answer.get("error")), grant["grant_type"])
        access, refresh = answer.get("access_token"), answer.get("refresh_token")
        if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
            raise response.unreadable("there are no tokens in the answer")
        created, life = _seconds(answer.get("created_at"), asked_at), _seconds(answer.get("expires_in"), 3600)
        return TokenSet(access, refresh, created + life, str(answer.get("scope") or ""))


def _refused(text: str, error: str, grant_type: str) -> ConnectorError:
    if error == "invalid_grant" and grant_type == "refresh_token":
        return Stranded(
            text, fix="authorize FreshBooks again; until then the queues wait and nothing is lost"
        )
    if error == "invalid_grant":
        return Refused(text, code="code_spent", fix="authorize again; a code works once and for five minutes")
    return Refused(text, fix="check the FreshBooks app's client id, secret and redirect address")


def _seconds(value: object, otherwise: int) -> int:
    return int(str(value)) if str(value).isascii() and str(value).isdigit() else otherwise
