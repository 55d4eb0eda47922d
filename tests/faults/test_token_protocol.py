"""R6: FreshBooks' single-use refresh token under concurrency and kills.

A thousand expiries with 50 readers and two refreshers: one POST each, and everybody holds a good token afterwards.
The second refresher and the readers run *inside* the first one, at a step of it that the seed chooses. Killed at
any of its steps the refresher recovers alone, or ends stranded where FreshBooks leaves no other way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector import errors
from connector.adapters.freshbooks import OAuthClient
from connector.adapters.http import HttpClient
from connector.adapters.storage import FreshBooksTokens
from connector.usecases.tokens import LIFETIME_SECONDS, refresh_token
from local.faults.fakes import FakeLeases, FakeNotes
from local.simulators import FreshBooksSimulator, serve
from tests.faults.killing import Clock, Killed, Machine, machine

EXPIRIES, READERS = 1_000, 50
TEN_MINUTES = 600.0  # how often the refresher runs


# ------------------------------------------------------------------------------------------- concurrency


class Store:
    """Secrets Manager's part in it."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self._kept = kept

    def read(self, connection: str, secret: str) -> dict[str, Any]:
        return dict(self._kept)

    def write(self, connection: str, secret: str, value: dict[str, Any], token: str | None = None) -> None:
        self._kept = dict(value)


class Stepping:
    """Something the refresher uses; before each use it lets the others run."""

    def __init__(self, real: Any, meanwhile: Callable[[], None]) -> None:
        self._real, self._meanwhile = real, meanwhile

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)

        def stepped(*values: Any, **named: Any) -> Any:
            self._meanwhile()
            return real(*values, **named)

        return stepped


def test_readers_and_refreshers_at_once_make_one_post_an_expiry_and_all_have_a_good_token() -> None:
    clock, rng = Clock(), random.Random(6)
    books = FreshBooksSimulator(clock.epoch)
    with serve(books) as server:
        books.settings["revoke_old_access"] = True  # the hardest case: the old token dies with the refresh
        told = books.add_account(
            {"account_id": "ACC", "business_id": 1, "client_id": "fb", "client_secret": "s"}
        )
        store = Store({**told, "expires_at": clock.epoch() + LIFETIME_SECONDS})
        notes, leases = FakeNotes(), FakeLeases(clock)
        oauth = OAuthClient(
            api_url=server.url,
            client_id="fb",
            client_secret="s",
            redirect_uri="",
            http=HttpClient(),
            clock=clock.epoch,
        )
        readers = [FreshBooksTokens(store, notes, "acme", clock) for _ in range(READERS)]
        reports: list[str] = []

        def is_good(token: str) -> bool:
            return books.grants.holder(token) is not None

        def read(reader: FreshBooksTokens) -> bool:
            """What the client does: with a 401 the token is read again, once."""
            token = reader.access_token()
            return is_good(token) or is_good(reader.access_token(stale=token))

        def refresh(meanwhile: Callable[[], None]) -> bool:
            return refresh_token(
                "acme",
                secrets=Stepping(store, meanwhile),
                leases=Stepping(leases, meanwhile),
                notes=Stepping(notes, meanwhile),
                oauth=Stepping(oauth, meanwhile),
                clock=clock,
                report=lambda message, **_: reports.append(message),
            )

        unlucky = 0
        for _ in range(EXPIRIES):
            clock.pass_(LIFETIME_SECONDS / 2 + rng.uniform(0, 600))
            when, steps = rng.randrange(12), 0

            def meanwhile(when: int = when) -> None:
                nonlocal steps, unlucky
                steps += 1
                if steps == when:
                    refresh(lambda: None)
                if steps >= when:
                    unlucky += sum(not read(reader) for reader in rng.sample(readers, 3))

            before = books.grants.told("ACC")["refreshes"]
            refresh(meanwhile)
            refresh(lambda: None)
            assert books.grants.told("ACC")["refreshes"] == before + 1
            assert all(read(reader) for reader in readers)
        assert len([1 for entry in books.requests() if entry["path"].endswith("/oauth/token")]) == EXPIRIES
        assert books.grants.told("ACC")["refused_refreshes"] == 0
        assert "refresh skipped, another one is running" in reports
        assert unlucky > 0  # some did meet the moment between the refresh and its storing; they come again


# ----------------------------------------------------------------------------------------------- kills


@pytest.fixture(scope="module")
def cloud() -> Iterator[Machine]:
    with machine() as made:
        yield made


# the seven steps, and before which call of the function each ends: nth of a name
STEPS = {
    "1 due, the lease not taken": ("UpdateItem", 1, "before"),
    "2 lease taken": ("UpdateItem", 1, "after"),
    "3 token read again inside the lease": ("PutItem", 1, "before"),
    "4 mark written ahead": ("PutItem", 1, "after"),
    "4 store found writable": ("PutSecretValue", 1, "after"),
    "5 before the POST acted": ("POST /auth/oauth/token", 1, "before"),
    "5 after the POST acted": ("POST /auth/oauth/token", 1, "after"),
    "6 before the store acted": ("PutSecretValue", 2, "before"),
    "6 after the store acted": ("PutSecretValue", 2, "after"),
    "7 mark cleared": ("PutItem", 2, "after"),
    "7 lease given back": ("UpdateItem", 2, "after"),
}
LOST = {"5 after the POST acted", "6 before the store acted"}


def due(cloud: Machine) -> None:
    cloud.fresh()
    cloud.clock.pass_(LIFETIME_SECONDS / 2 + 1)


def run(cloud: Machine) -> str:
    """One run of the schedule; how it ended."""
    cloud.clock.pass_(TEN_MINUTES)
    try:
        return str(cloud.invoke("refresh_token", {})["acme"])
    except (Killed, Exception) as error:
        return type(error).__name__


def place(cloud: Machine, call: str, nth: int) -> int:
    """The number of that call in an undisturbed run."""
    due(cloud)
    cloud.killer.arm(None)
    assert run(cloud) == "True"
    places = [n for n, point in enumerate(cloud.killer.points, 1) if point.call == call]
    return places[nth - 1]


@pytest.mark.parametrize("step", STEPS)
def test_a_refresher_killed_at_a_step_recovers_alone_or_says_that_it_is_stranded(
    cloud: Machine, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call, nth, side = STEPS[step]
    at = place(cloud, call, nth)
    due(cloud)
    cloud.killer.arm((at, side))
    assert run(cloud) == "Killed"
    capsys.readouterr()
    ends = [run(cloud) for _ in range(4)]
    tokens, posts = cloud.books.grants.told("ACC"), cloud.posts("/oauth/token")
    stored = cloud.wiring.secrets.read("acme", "freshbooks") or {}
    assert tokens["refreshes"] == 1
    counted = capsys.readouterr().out
    if step in LOST:
        assert set(ends) == {"Stranded"}
        assert (posts, tokens["refused_refreshes"]) == (2, 1)  # the one try that is allowed, and no other
        assert '"TokensStranded":[1.0]' in counted
    else:
        assert set(ends) <= {"True", "False"}
        assert (posts, tokens["refused_refreshes"]) == (1, 0)
        assert cloud.books.grants.holder(stored["access_token"]) is not None
        assert "TokensStranded" not in counted


def test_an_outage_of_the_token_endpoint_is_waited_out(cloud: Machine) -> None:
    """Each run asks once with the same token; nobody is stranded by that."""
    due(cloud)
    cloud.books.faults.add({"route": "POST .*/oauth/token", "kind": "503", "count": 5})
    assert [run(cloud) for _ in range(6)] == ["OutcomeUnknown"] * 5 + ["True"]
    assert cloud.posts("/oauth/token") == 6


def test_a_token_endpoint_that_throttles_is_asked_again_by_the_next_run(cloud: Machine) -> None:
    due(cloud)
    cloud.books.faults.add(
        {"route": "POST .*/oauth/token", "kind": "429_seconds", "retry_after": 60, "count": 2}
    )
    assert [run(cloud) for _ in range(3)] == ["Throttled", "Throttled", "True"]


def test_a_stranded_connection_goes_on_once_a_person_has_authorized_it(cloud: Machine) -> None:
    from connector.usecases.tokens import authorize_finish
    from local.simulators.oauth import Grant

    due(cloud)
    cloud.books.faults.add({"route": "POST .*/oauth/token", "kind": "reset_after"})
    assert [run(cloud) for _ in range(3)] == ["OutcomeUnknown", "Stranded", "Stranded"]
    scope = cloud.books.accounts["ACC"]["scope"]
    cloud.books.grants.codes["code"] = Grant("ACC", "fb", scope, expires=9e9, redirect_uri="")
    wiring = cloud.wiring
    authorize_finish(
        "acme",
        "code",
        secrets=wiring.secrets,
        leases=wiring.leases,
        notes=wiring.notes,
        oauth=wiring.oauth(wiring.connection("acme")),
        clock=cloud.clock,
    )
    assert run(cloud) == "False"
    assert (
        cloud.books.grants.holder(wiring.freshbooks(wiring.connection("acme"))._tokens.access_token())
        is not None
    )


def test_the_store_is_tried_again_within_the_run_that_has_the_new_token(cloud: Machine) -> None:
    """From the POST to the store nothing may be given up lightly: here the store fails twice."""
    due(cloud)
    failures = iter([False, True, True])  # the first write of a run only finds out whether it can be written

    def fail(**_: Any) -> None:
        if cloud.killer.function and next(failures, False):
            raise errors.Unreachable("Secrets Manager is away")

    client = cloud.wiring._client("secretsmanager")
    client.meta.events.register("before-call.secretsmanager.PutSecretValue", fail)
    try:
        assert run(cloud) == "True"
    finally:
        client.meta.events.unregister("before-call.secretsmanager.PutSecretValue", fail)
    assert cloud.posts("/oauth/token") == 1
