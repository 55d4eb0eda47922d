"""FreshBooks' rotating token: one refresher, a lease, a mark written ahead, and never a blind second POST.

A refresh token works once. A crash between the exchange and its storing would lock the account out, so the
refresher writes down that it is about to refresh; whoever finds that mark tries the old token exactly once
more and, if it was used up, says STRANDED: a person must authorize again. Queues wait meanwhile.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random_secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from connector import errors

if TYPE_CHECKING:
    from connector.ports import Clock, Leases, Notes, Report
    from connector.rules.packs import PartnerPack
    from connector.settings import Connection

REFRESH_LEASE_SECONDS = 120.0
STATE_SECONDS = 600
LIFETIME_SECONDS = 43200.0
AUTHORIZE = "authorize it: the console's Connect page, or `connector authorize`"
SCOPES = (
    "user:profile:read user:invoices:read user:clients:read user:bills:read user:bills:write "
    "user:bill_vendors:read user:bill_vendors:write user:expenses:read user:taxes:read user:billable_items:read"
)
_SCOPES_OF = {
    "invoice_draft": "user:invoices:write",
    "estimate": "user:estimates:read user:estimates:write",
}


class TokenSet(Protocol):
    access_token: str
    refresh_token: str
    expires_at: float
    scope: str


class OAuth(Protocol):
    """The FreshBooks token endpoint (`adapters.freshbooks.OAuthClient`)."""

    def refresh(self, refresh_token: str) -> Any: ...

    def exchange_code(self, code: str) -> Any: ...


class SecretStore(Protocol):
    def read(self, connection: str, secret: str) -> dict[str, Any] | None: ...

    def write(
        self, connection: str, secret: str, value: dict[str, Any], token: str | None = None
    ) -> None: ...


def refresh_token(
    connection: str,
    *,
    secrets: SecretStore,
    leases: Leases,
    notes: Notes,
    oauth: OAuth,
    clock: Clock,
    report: Report,
) -> bool:
    """Renew the token once half its life is over, or FreshBooks refused it; whether it was renewed.

    Stranded where a person is needed.
    """
    with leases.hold(f"{connection}/freshbooks-token", REFRESH_LEASE_SECONDS) as fence:
        if fence is None:
            report("refresh skipped, another one is running")
            return False
        kept = secrets.read(connection, "freshbooks") or {}
        old = kept.get("refresh_token", "")
        if not old:
            raise errors.Stranded("FreshBooks is not authorized", code="not_authorized", fix=AUTHORIZE)
        refused = (notes.read(connection, "token", "refused") or {}).get("digest")
        good = refused != hashlib.sha256(kept.get("access_token", "").encode()).hexdigest()
        if good and float(kept.get("expires_at", 0)) - clock.epoch() > LIFETIME_SECONDS / 2:
            return False
        mark = hashlib.sha256(old.encode()).hexdigest()
        earlier = notes.read(connection, "token", "refresh") or {}
        if earlier.get("stranded") == mark:
            report("token stranded")  # at every run, so that the alarm stays on
            raise errors.Stranded("the refresh token was used up", code="stranded", fix=AUTHORIZE)
        if earlier.get("old") == mark:
            report("an earlier refresh did not finish, trying its token once")
        notes.write(connection, "token", "refresh", {"old": mark, "fence": fence, "at": clock.now()})
        secrets.write(
            connection, "freshbooks", kept, None
        )  # a store that can't be written must fail before the POST
        try:
            fresh = oauth.refresh(old)
        except errors.Stranded:
            notes.write(connection, "token", "refresh", {"stranded": mark, "at": clock.now()})
            report("token stranded")
            raise
        _store(connection, kept, fresh, secrets)
        notes.write(connection, "token", "refresh", {"done": clock.now(), "fence": fence})
        report("token refreshed", expires_in=int(fresh.expires_at - clock.epoch()))
        return True


def _store(connection: str, kept: Mapping[str, Any], fresh: Any, secrets: SecretStore) -> None:
    value = {
        **kept,
        "access_token": fresh.access_token,
        "refresh_token": fresh.refresh_token,
        "expires_at": fresh.expires_at,
        "scope": fresh.scope,
    }
    # the same content under the same token is the same version: repeating after a lost reply is harmless
    token = hashlib.sha256(fresh.refresh_token.encode()).hexdigest()[:48]
    for last in (False, False, True):
        try:
            secrets.write(connection, "freshbooks", value, token)
            return
        except Exception:
            if last:
                raise


def scopes_for(packs: Iterable[PartnerPack]) -> str:
    """What a connection is allowed: to write invoices or estimates only where a pack has them made of orders."""
    targets = {pack.orders.target for pack in packs}
    more = [scope for target, scope in _SCOPES_OF.items() if target in targets]
    return " ".join([SCOPES, *more])


def consent_address(
    connection: Connection, packs: Iterable[PartnerPack], *, secrets: SecretStore, key: str, clock: Clock
) -> str:
    """Where a person allows a connection that is set up; NotConfigured where its credentials are not stored."""
    kept = secrets.read(connection.id, "freshbooks") or {}
    if not kept.get("client_id"):
        text = "the FreshBooks credentials are not stored"
        raise errors.NotConfigured(text, code="no_freshbooks_credentials", fix="`connector connections add`")
    return authorize_start(
        connection.id,
        client_id=kept["client_id"],
        redirect_uri=connection.freshbooks.redirect_uri,
        key=key,
        clock=clock,
        url=connection.freshbooks.authorize_url,
        scopes=scopes_for(packs),
    )


def authorize_start(
    connection: str,
    *,
    client_id: str,
    redirect_uri: str,
    key: str,
    clock: Clock,
    url: str,
    scopes: str = SCOPES,
) -> str:
    """The address at which a person allows the connection; its `state` is signed and lives ten minutes."""
    until = int(clock.epoch()) + STATE_SECONDS
    state = _signed(f"{connection}.{until}.{random_secrets.token_urlsafe(12)}", key)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scopes,
        "state": state,
    }
    return f"{url}?{urlencode(query)}"


def connection_of_state(state: str, *, key: str, clock: Clock) -> str:
    """The connection that a callback's `state` was made for; Forbidden where it is forged or too old."""
    text, _, _ = state.rpartition(".")
    if not text or not hmac.compare_digest(_signed(text, key), state):
        raise errors.Forbidden("the state is not ours", code="state_forged", fix="begin authorizing again")
    connection, until, _ = text.split(".", 2)
    if clock.epoch() > float(until):
        raise errors.Forbidden("the state is too old", code="state_expired", fix="begin authorizing again")
    return connection


def authorize_finish(
    connection: str,
    code: str,
    *,
    secrets: SecretStore,
    leases: Leases,
    notes: Notes,
    oauth: OAuth,
    clock: Clock,
) -> None:
    """Exchange the code that FreshBooks sent back and store the first token pair."""
    with leases.hold(f"{connection}/freshbooks-token", REFRESH_LEASE_SECONDS) as fence:
        if fence is None:
            raise errors.Busy("a refresh is running", retry_after=5)
        fresh = oauth.exchange_code(code)
        _store(connection, secrets.read(connection, "freshbooks") or {}, fresh, secrets)
        notes.write(connection, "token", "refresh", {"done": clock.now(), "fence": fence})


def _signed(text: str, key: str) -> str:
    return f"{text}.{hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}"
