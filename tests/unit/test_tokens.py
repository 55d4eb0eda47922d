"""The rotating refresh token: one POST a lifetime, and a crash never leads to a blind second one."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connector import errors
from connector.usecases.tokens import authorize_finish, authorize_start, connection_of_state, refresh_token
from tests.fakes import FakeClock, FakeLeases, FakeNotes


class FakeSecrets:
    def __init__(self, clock: FakeClock) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {
            ("acme", "freshbooks"): {
                "client_id": "c",
                "client_secret": "s",
                "access_token": "A1",
                "refresh_token": "R1",
                "expires_at": clock.epoch() + 43_200,
            }
        }
        self.fail_writes_of = ""

    def read(self, connection: str, secret: str) -> dict[str, Any] | None:
        found = self.kept.get((connection, secret))
        return dict(found) if found else None

    def write(self, connection: str, secret: str, value: dict[str, Any], token: str | None = None) -> None:
        if value.get("refresh_token") == self.fail_writes_of:
            raise ConnectionError("no answer")
        self.kept[connection, secret] = dict(value)


class FakeOAuth:
    """FreshBooks' token endpoint: a refresh token works once."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.valid = {"R1"}
        self.posts = 0
        self.reply_lost = False

    def refresh(self, token: str) -> Any:
        self.posts += 1
        if token not in self.valid:
            raise errors.Stranded("invalid_grant", code="invalid_grant")
        number = int(token[1:]) + 1
        self.valid = {f"R{number}"}
        if self.reply_lost:
            raise errors.OutcomeUnknown("read timed out")
        return self._pair(number)

    def exchange_code(self, code: str) -> Any:
        return self._pair(90)

    def _pair(self, number: int) -> Any:
        return SimpleNamespace(
            access_token=f"A{number}",
            refresh_token=f"R{number}",
            scope="x",
            expires_at=self.clock.epoch() + 43_200,
        )


@pytest.fixture
def fakes() -> Any:
    clock = FakeClock()
    return SimpleNamespace(
        clock=clock,
        secrets=FakeSecrets(clock),
        leases=FakeLeases(clock),
        notes=FakeNotes(),
        oauth=FakeOAuth(clock),
    )


def renew(fakes: Any) -> bool:
    return refresh_token(
        "acme",
        secrets=fakes.secrets,
        leases=fakes.leases,
        notes=fakes.notes,
        oauth=fakes.oauth,
        clock=fakes.clock,
        report=lambda message, **keys: None,
    )


def stored(fakes: Any) -> dict[str, Any]:
    return fakes.secrets.read("acme", "freshbooks") or {}


def test_a_token_is_left_alone_for_half_its_life_and_then_renewed_once(fakes: Any) -> None:
    assert not renew(fakes)
    fakes.clock.pass_(22_000)
    assert renew(fakes)
    assert not renew(fakes)
    assert fakes.oauth.posts == 1
    assert (stored(fakes)["access_token"], stored(fakes)["refresh_token"]) == ("A2", "R2")
    assert stored(fakes)["client_secret"] == "s"


def test_a_token_that_freshbooks_refuses_is_renewed_early(fakes: Any) -> None:
    fakes.notes.write("acme", "token", "refused", {"digest": hashlib.sha256(b"A1").hexdigest()})
    assert renew(fakes)
    assert not renew(fakes)


def test_only_one_refresher_runs_at_a_time(fakes: Any) -> None:
    fakes.clock.pass_(22_000)
    with fakes.leases.hold("acme/freshbooks-token", 60):
        assert not renew(fakes)
    assert fakes.oauth.posts == 0


def test_a_store_that_cannot_be_written_stops_before_the_post(fakes: Any) -> None:
    fakes.clock.pass_(22_000)
    fakes.secrets.fail_writes_of = "R1"
    with pytest.raises(ConnectionError):
        renew(fakes)
    assert fakes.oauth.posts == 0


def test_a_reply_lost_after_the_token_was_used_up_ends_stranded_and_posts_no_more(fakes: Any) -> None:
    fakes.clock.pass_(22_000)
    fakes.oauth.reply_lost = True
    with pytest.raises(errors.OutcomeUnknown):
        renew(fakes)
    fakes.oauth.reply_lost = False
    for _ in range(3):
        with pytest.raises(errors.Stranded):
            renew(fakes)
    assert fakes.oauth.posts == 2


def test_a_person_who_authorizes_again_ends_the_stranding(fakes: Any) -> None:
    test_a_reply_lost_after_the_token_was_used_up_ends_stranded_and_posts_no_more(fakes)
    authorize_finish(
        "acme",
        "code",
        secrets=fakes.secrets,
        leases=fakes.leases,
        notes=fakes.notes,
        oauth=fakes.oauth,
        clock=fakes.clock,
    )
    assert stored(fakes)["refresh_token"] == "R90"
    assert not renew(fakes)


def test_the_state_of_an_authorization_is_ours_for_ten_minutes_and_cannot_be_forged() -> None:
    clock = FakeClock()
    address = authorize_start(
        "acme",
        client_id="c",
        redirect_uri="https://x.example/cb",
        key="k",
        clock=clock,
        url="https://auth.example/a/",
    )
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"] == ["https://x.example/cb"]
    assert "user:bills:write" in query["scope"][0].split()
    [state] = query["state"]
    assert connection_of_state(state, key="k", clock=clock) == "acme"
    for forged in (state.replace("acme", "evil"), state[:-1] + ("0" if state[-1] != "0" else "1"), "", "a.b"):
        with pytest.raises(errors.Forbidden):
            connection_of_state(forged, key="k", clock=clock)
    clock.pass_(601)
    with pytest.raises(errors.Forbidden):
        connection_of_state(state, key="k", clock=clock)
