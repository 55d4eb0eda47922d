"""FreshBooks' OAuth: single-use refresh tokens above all (reference/freshbooks.md 1)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from local.simulators.messages import Request, Response, answer, html, jwt_like

CODE_LASTS = 300  # seconds
DEFAULT_SCOPE = " ".join(
    ["user:profile:read"]
    + [
        f"user:{noun}:{access}"
        for noun in (
            "invoices",
            "estimates",
            "clients",
            "bills",
            "bill_vendors",
            "expenses",
            "taxes",
            "billable_items",
        )
        for access in ("read", "write")
    ]
)


@dataclass
class Grant:
    """What a token stands for; `spent` is for refresh tokens, `redirect_uri` for codes."""

    account_id: str
    client_id: str
    scope: str
    expires: float = 0.0
    spent: bool = False
    redirect_uri: str = ""


def _redirectable(uri: str) -> bool:
    """https without a query, as the portal demands; plain http only to this machine."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    local = host in ("127.0.0.1", "localhost") or host.endswith(".localhost")
    secure = parts.scheme == "https" or (parts.scheme == "http" and local)
    return bool(host) and secure and not parts.query and uri.isprintable()


def denied(status: int, code: str, text: str) -> Response:
    return answer(status, {"error": code, "error_description": text})


class Grants:
    """Every token in circulation, and how often each account's chain moved on or broke."""

    def __init__(
        self, accounts: dict[str, dict[str, Any]], settings: dict[str, Any], now: Callable[[], float]
    ) -> None:
        self.accounts, self.settings, self.now = accounts, settings, now
        self.access: dict[str, Grant] = {}
        self.refresh: dict[str, Grant] = {}
        self.codes: dict[str, Grant] = {}
        self.counts: dict[str, dict[str, int]] = {}
        self.consenting: str | None = None
        self.allowing = True

    def count(self, account_id: str, what: str) -> None:
        kept = self.counts.setdefault(
            account_id, {"refreshes": 0, "refused_refreshes": 0, "authorizations": 0}
        )
        kept[what] += 1

    def told(self, account_id: str) -> dict[str, int]:
        live = [g for g in self.access.values() if g.account_id == account_id and g.expires > self.now()]
        unspent = [g for g in self.refresh.values() if g.account_id == account_id and not g.spent]
        zero = {"refreshes": 0, "refused_refreshes": 0, "authorizations": 0}
        return (
            zero | self.counts.get(account_id, {}) | {"live_access": len(live), "live_refresh": len(unspent)}
        )

    def holder(self, token: str) -> Grant | None:
        """Whose access token this is, if it still is one."""
        grant = self.access.get(token)
        return grant if grant is not None and grant.expires > self.now() else None

    def admit(self, token: str, account_id: str, scope: str | None = None) -> str:
        """Put an access token into circulation, for people or for a connection that was set up beforehand."""
        config = self.accounts[account_id]
        expires = self.now() + self.settings["expires_in"]
        self.access[token] = Grant(account_id, config["client_id"], scope or config["scope"], expires)
        return token

    def mint(self, account_id: str) -> str:
        config = self.accounts[account_id]
        claims = {"sub": config["identity_id"], "scope": config["scope"], "iat": int(self.now())}
        return jwt_like(claims, 1006)

    def authorize(self, request: Request) -> Response:
        """Log a person in and send the browser straight back. Who it is, and whether they allow it:
        `POST /_control/consent`, else the application's first account, which does."""
        asked = dict(request.query)
        client_id, redirect_uri = asked.get("client_id", ""), asked.get("redirect_uri", "")
        owned = [a for a, config in self.accounts.items() if config["client_id"] == client_id]
        if not owned or asked.get("response_type") != "code":
            return html(
                500, "Something went wrong"
            )  # an unknown client is a 500 page, not an OAuth error (1.5)
        if not _redirectable(redirect_uri):
            return html(400, "The redirect uri included is not valid.")
        account_id = self.consenting if self.consenting in owned else owned[0]
        held = set(self.accounts[account_id]["scope"].split())
        scope = asked.get("scope") or " ".join(sorted(held))
        if not set(scope.split()) <= held:  # one scope that is not enabled fails the whole consent (1.5)
            return html(400, "The requested scope is invalid, unknown, or malformed.")
        if self.allowing:
            code = secrets.token_hex(32)
            expires = self.now() + CODE_LASTS
            self.codes[code] = Grant(account_id, client_id, scope, expires, redirect_uri=redirect_uri)
            back = {"code": code}
        else:  # nobody has published FreshBooks' words for this; these are RFC 6749's (4.1.2.1)
            back = {"error": "access_denied"}
        back |= {"state": asked["state"]} if "state" in asked else {}
        return Response(302, headers={"Location": f"{redirect_uri}?{urlencode(back)}"})

    def token(self, request: Request) -> Response:
        fields = self._credentials(request)
        client_id = fields.get("client_id", "")
        if not self._knows(client_id, fields.get("client_secret", "")):
            return denied(401, "invalid_client", "Client authentication failed due to unknown client.")
        match fields.get("grant_type"):
            case "refresh_token":
                old = self.refresh.get(fields.get("refresh_token", ""))
                if old is None or old.spent or old.client_id != client_id:
                    if old is not None:
                        self.count(old.account_id, "refused_refreshes")
                    return self._invalid()
                old.spent = True
                self.count(old.account_id, "refreshes")
                return self._issue(old)
            case "authorization_code":
                code = self.codes.pop(fields.get("code", ""), None)
                if code is None or code.expires <= self.now() or code.client_id != client_id:
                    return self._invalid()
                if code.redirect_uri != fields.get("redirect_uri"):
                    return self._invalid()
                self.count(code.account_id, "authorizations")
                return self._issue(code)
        return denied(400, "unsupported_grant_type", "The authorization grant type is not supported.")

    def revoke(self, request: Request) -> Response:
        """The token dies at once; the answer is an empty object whether or not there was one."""
        fields = self._credentials(request)
        if not self._knows(fields.get("client_id", ""), fields.get("client_secret", "")):
            return denied(401, "invalid_client", "Client authentication failed due to unknown client.")
        self.access.pop(fields.get("token", ""), None)
        if (grant := self.refresh.get(fields.get("token", ""))) is not None:
            grant.spent = True
        return answer(200, {})

    def _issue(self, grant: Grant) -> Response:
        """A new pair. It ends at created_at + expires_in, and created_at may lie in the past (1.3)."""
        if self.settings["revoke_old_access"]:
            self.access = {t: g for t, g in self.access.items() if g.account_id != grant.account_id}
        created, lasts = int(self.now()) - self.settings["created_at_age"], self.settings["expires_in"]
        access, refresh = self.mint(grant.account_id), secrets.token_hex(32)
        self.access[access] = Grant(grant.account_id, grant.client_id, grant.scope, created + lasts)
        self.refresh[refresh] = Grant(grant.account_id, grant.client_id, grant.scope)
        return answer(
            200,
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": lasts,
                "created_at": created,
                "refresh_token": refresh,
                "scope": grant.scope,
                "direct_buy_tokens": {},
            },
        )

    def _invalid(self) -> Response:
        text = (
            "The provided authorization grant is invalid, expired, revoked, or was issued to another client."
        )
        return denied(400, "invalid_grant", text)

    def _knows(self, client_id: str, client_secret: str) -> bool:
        return any(
            (c["client_id"], c["client_secret"]) == (client_id, client_secret) for c in self.accounts.values()
        )

    def _credentials(self, request: Request) -> dict[str, str]:
        """The body, with the client's id and secret from a Basic header where it has none of its own."""
        fields = request.fields()
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic" and "client_secret" not in fields:
            try:
                client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
            except ValueError:
                return fields
            fields |= {"client_id": client_id, "client_secret": secret}
        return fields
