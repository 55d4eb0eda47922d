"""`adapters.sps`: the mailbox and its shared token, against a scripted server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connector import errors
from connector.adapters.http import HttpClient
from connector.adapters.sps import Entry, HistoryEntry, MemoryToken, SpsClient, SpsSettings, SpsTokens
from connector.adapters.sps_tokens import read_message
from tests.ports.scripted_server import ScriptedServer, hang, reply, reset, truncated

Call = Callable[[SpsClient], Any]


def settings(server: ScriptedServer, **changes: Any) -> SpsSettings:
    return SpsSettings(
        **{
            "client_id": "me",
            "client_secret": "hush",
            "api_url": f"{server.url}/transactions/v5",
            "auth_check_url": f"{server.url}/auth-check",
            "token_url": f"{server.url}/oauth/token",
            "total_seconds": 5.0,
            **changes,
        }
    )


def quick() -> HttpClient:
    return HttpClient(sleep=lambda _: None, random=lambda: 0.0)


@contextmanager
def mailbox(*script: Any, **changes: Any) -> Iterator[tuple[SpsClient, ScriptedServer]]:
    """A client whose token is known already, and the server that plays the script."""
    with ScriptedServer(script) as server:
        shared, http = MemoryToken(), quick()
        shared.write("T0", 9e9)
        ours = settings(server, **changes)
        yield SpsClient(ours, SpsTokens(ours, shared, http), http), server


def token(value: str, expires_in: Any = 3600) -> Any:
    return reply(200, {"access_token": value, "token_type": "Bearer", "expires_in": expires_in})


def page(*paths: str, cursor: str | None = None, **following: Any) -> Any:
    rows = [
        {"path": path, "type": "directory" if path.endswith("/") else "file", "url": "x"} for path in paths
    ]
    after = {"cursor": cursor, **following} if cursor or following else None
    return reply(200, {"results": rows, "paging": {"limit": 1000, "next": after}})


def envelope(code: str, text: str) -> dict[str, Any]:
    return {"status": "error", "error": {"error": code, "errorDescription": text}}


# ------------------------------------------------------------------------------------------ the token


def tokens(server: ScriptedServer, shared: MemoryToken, now: list[float]) -> SpsTokens:
    return SpsTokens(settings(server), shared, quick(), clock=lambda: now[0])


def test_a_token_is_asked_for_with_our_credentials_and_audience_as_json() -> None:
    with ScriptedServer([token("T1")]) as server:
        assert tokens(server, MemoryToken(), [0.0]).token() == "T1"
    assert server.paths() == ["POST /oauth/token"]
    assert server.requests[0].json() == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": "hush",
        "audience": "https://spscommerce.com",
    }


@pytest.mark.parametrize(
    ("expires_in", "usable"), [(3600, 3540), (60, 54), ("3600", 3540), (None, 270), ("x", 270)]
)
def test_a_token_is_used_for_its_life_less_a_minute_or_a_tenth(expires_in: Any, usable: float) -> None:
    now = [1000.0]
    with ScriptedServer([token("T1", expires_in), token("T2")]) as server:
        ours = tokens(server, MemoryToken(), now)
        assert ours.token() == "T1"
        now[0] = 1000.0 + usable - 1
        assert ours.token() == "T1"
        now[0] = 1000.0 + usable
        assert ours.token() == "T2"


def test_many_users_in_many_processes_make_one_token_request() -> None:
    shared, found, busy = MemoryToken(), [], []
    with ScriptedServer([token("T1")]) as server:
        ours = [tokens(server, shared, [0.0]) for _ in range(5)]
        start = threading.Barrier(25)

        def use(one: SpsTokens) -> None:
            start.wait()
            try:
                found.append(one.token())
            except errors.Busy as error:
                busy.append(error.retry_after)

        threads = [threading.Thread(target=use, args=(ours[n % 5],)) for n in range(25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.token() for one in ours] == ["T1"] * 5  # who was told to come back does, and finds it
    assert set(found) == {"T1"}
    assert set(busy) <= {2}
    assert server.paths() == ["POST /oauth/token"]


def test_a_token_that_cannot_be_shared_is_used_all_the_same() -> None:
    """Secrets Manager keeps a hundred versions of a day and takes no more; SPS announced shorter lives."""

    class Full(MemoryToken):
        def write(self, token: str, expires: float) -> None:
            raise RuntimeError("LimitExceededException")

    with ScriptedServer([token("T1")]) as server:
        ours = tokens(server, Full(), [0.0])
        assert [ours.token(), ours.token()] == ["T1", "T1"]
        assert len(server.requests) == 1


def test_while_somebody_else_fetches_the_token_we_are_told_to_come_back() -> None:
    shared = MemoryToken()
    with ScriptedServer() as server, shared.lease() as held:
        assert held
        with pytest.raises(errors.Busy) as caught:
            tokens(server, shared, [0.0]).token()
    assert caught.value.retry_after == 2
    assert server.requests == []


def test_a_token_that_another_function_renewed_meanwhile_is_taken_from_the_store() -> None:
    shared = MemoryToken()
    shared.write("old", 9e9)
    with ScriptedServer() as server:
        ours = tokens(server, shared, [0.0])
        assert ours.token() == "old"
        shared.write("new", 9e9)
        assert ours.renew("old") == "new"
        assert ours.token() == "new"
    assert server.requests == []


def test_a_stale_token_that_the_store_still_holds_is_fetched_anew_and_shared() -> None:
    shared = MemoryToken()
    shared.write("old", 9e9)
    with ScriptedServer([token("new")]) as server:
        assert tokens(server, shared, [0.0]).renew("old") == "new"
        assert tokens(server, shared, [0.0]).token() == "new"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"error": "access_denied", "error_description": "Unauthorized"}, "Unauthorized"),
        (
            403,
            {"error": "unauthorized_client", "error_description": "Grant type not allowed."},
            "not allowed",
        ),
        (400, "<html>", "no token"),
    ],
)
def test_refused_credentials_are_a_matter_of_configuration(status: int, body: Any, words: str) -> None:
    with (
        ScriptedServer([reply(status, body)]) as server,
        pytest.raises(errors.NotConfigured, match=words) as caught,
    ):
        tokens(server, MemoryToken(), [0.0]).token()
    assert "Machine-to-Machine" in caught.value.fix
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"access_token": 5}', b'{"access_token": ""}']
)
def test_a_token_answer_that_cannot_be_read_is_unreachable_and_stores_nothing(body: bytes) -> None:
    shared = MemoryToken()
    with ScriptedServer([reply(200, body)]) as server, pytest.raises(errors.Unreachable):
        tokens(server, shared, [0.0]).token()
    assert shared.read() is None


def test_a_throttled_token_endpoint_is_left_alone() -> None:
    with (
        ScriptedServer([reply(429, headers={"Retry-After": "9"})]) as server,
        pytest.raises(errors.Throttled),
    ):
        tokens(server, MemoryToken(), [0.0]).token()
    assert len(server.requests) == 1


def test_the_secret_does_not_show_when_settings_are_printed() -> None:
    assert "hush" not in repr(SpsSettings(client_id="me", client_secret="hush"))


# ------------------------------------------------------------------------------------------ listing


def test_a_listing_takes_every_page_and_sends_the_cursor_encoded() -> None:
    with mailbox(page("/out/a.json", cursor="x+/=&y"), page("/out/B.xml", "/out/PO/")) as (client, server):
        entries = client.list("out/", recursive=False)
    assert entries == [Entry("out/a.json", "file"), Entry("out/B.xml", "file"), Entry("out/PO/", "directory")]
    assert [request.path for request in server.requests] == ["/transactions/v5/data/out/"] * 2
    assert server.requests[0].query == [("limit", "1000")]
    assert server.requests[1].query == [("limit", "1000"), ("cursor", "x+/=&y")]
    assert "x%2B%2F%3D%26y" in server.requests[1].target


def test_a_next_address_on_another_host_gives_its_cursor_but_never_gets_our_token() -> None:
    with ScriptedServer() as other:
        first = page("/out/a", url=f"{other.url}/steal?cursor=c+1")
        with mailbox(first, page("/out/b")) as (client, server):
            assert [entry.path for entry in client.list("out")] == ["out/a", "out/b"]
    assert other.requests == []
    assert server.requests[1].query[-1] == ("cursor", "c+1")


def test_sub_directories_are_walked_but_not_those_elsewhere() -> None:
    script = [page("/out/", "/out/PO/", "/in/", "/out/a"), page("/out/PO/", "/out/PO/b", "/out/")]
    with mailbox(*script) as (client, server):
        files = [entry.path for entry in client.list("out/") if entry.is_file]
    assert files == ["out/a", "out/PO/b"]
    assert [request.path[-8:] for request in server.requests] == ["ata/out/", "/out/PO/"]


def test_the_root_can_be_listed() -> None:
    with mailbox(page("/testin/", "/in/")) as (client, server):
        assert [entry.path for entry in client.list("/", recursive=False)] == ["testin/", "in/"]
    assert server.requests[0].path == "/transactions/v5/data/"


@pytest.mark.parametrize(
    "answer",
    [
        reply(404, envelope("notFound", "Directory '/out/' not found.")),
        reply(404),
        reply(404, "<html>not here</html>"),
        reply(200, {"results": []}),
        reply(200, {"results": None, "paging": None}),
        reply(200, {"results": [], "paging": {"next": None}}),
    ],
)
def test_a_missing_or_empty_directory_is_empty(answer: Any) -> None:
    with mailbox(answer) as (client, _):
        assert client.list("out/") == []


def test_a_gateway_that_does_not_know_the_service_is_not_an_empty_directory() -> None:
    gone = reply(404, envelope("requestError", "The requested host or path is not found."))
    with mailbox(gone) as (client, _), pytest.raises(errors.Unreachable) as caught:
        client.list("out/")
    assert "addresses" in caught.value.fix


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"results": {}}', b'{"entries": []}', b"", b"<html>"])
def test_an_answer_without_results_is_not_an_empty_directory(body: bytes) -> None:
    with mailbox(reply(200, body)) as (client, _), pytest.raises(errors.Unreachable):
        client.list("out/")


def test_a_cursor_that_comes_back_does_not_page_for_ever() -> None:
    with mailbox(*[page("/out/a", cursor="c")] * 9) as (client, server), pytest.raises(errors.Unreachable):
        client.list("out/")
    assert len(server.requests) == 2


# ------------------------------------------------------------------------------------------ files


def test_a_download_gives_the_bytes_as_they_are() -> None:
    body = b"\xef\xbb\xbf{\r\n}\x00"
    with mailbox(reply(200, body)) as (client, server):
        assert client.download("out/PO/a.json") == body
    assert server.paths() == ["GET /transactions/v5/data/out/PO/a.json"]
    assert server.requests[0].headers["Authorization"] == "Bearer T0"
    assert server.requests[0].headers["X-Request-Id"]


def test_every_segment_of_a_path_is_encoded_and_keeps_its_case() -> None:
    with mailbox(reply(200, b"x")) as (client, server):
        client.download("/out/PO Ä+#?%41.Json")
    assert server.requests[0].target == "/transactions/v5/data/out/PO%20%C3%84%2B%23%3F%2541.Json"


@pytest.mark.parametrize("path", ["out/../in/x", "./x", "out/.."])
def test_a_path_cannot_climb_out_of_its_directory(path: str) -> None:
    with mailbox() as (client, server), pytest.raises(errors.BadUse):
        client.download(path)
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        reply(200),
        reply(200, "<!DOCTYPE html><html>maintenance</html>"),
        reply(200, "Please wait", {"Content-Type": "text/html; charset=utf-8"}),
        reply(200, envelope("internal", "Try again.")),
        truncated(),
    ],
)
def test_what_is_no_file_is_not_handed_on_as_one(answer: Any) -> None:
    with mailbox(answer, answer) as (client, _), pytest.raises(errors.Unreachable):
        client.download("out/a")


def test_a_file_that_is_gone_is_not_found() -> None:
    with (
        mailbox(reply(404, envelope("notFound", "File not found."))) as (client, _),
        pytest.raises(errors.NotFound, match="File not found"),
    ):
        client.download("out/a")


@pytest.mark.parametrize(
    "answer",
    [
        reply(201),
        reply(201, {"path": "/in/IN1.json", "url": "https://api.spscommerce.com/x"}),
        reply(200, {"path": "/in/IN1.json", "url": "https://api.spscommerce.com/x"}),
    ],
)
def test_an_upload_sends_the_bytes_as_an_octet_stream_and_takes_200_and_201(answer: Any) -> None:
    with mailbox(answer) as (client, server):
        client.upload("in/IN1.json", b'{"Header":1}')
    assert server.paths() == ["POST /transactions/v5/data/in/IN1.json"]
    assert server.requests[0].body == b'{"Header":1}'
    assert server.requests[0].headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "answer",
    [
        reply(200),
        reply(200, "<html>stored? who knows</html>"),
        reply(200, {"results": []}),
        reply(201, {"path": "/in/other.json"}),
        reply(200, envelope("internal", "Try again.")),
        reply(500),
        reply(503, envelope("down", "Later.")),
        reply(302, headers={"Location": "/login"}),
        truncated(201),
        reset(),
    ],
)
def test_an_upload_without_a_clear_yes_may_have_happened_and_is_sent_once(answer: Any) -> None:
    with mailbox(answer, answer) as (client, server), pytest.raises(errors.OutcomeUnknown):
        client.upload("in/IN1.json", b"x")
    assert len(server.requests) == 1


def test_an_upload_that_is_never_answered_may_have_happened() -> None:
    with mailbox(hang(), total_seconds=0.2) as (client, _), pytest.raises(errors.OutcomeUnknown):
        client.upload("in/IN1.json", b"x")


def test_a_directory_that_does_not_exist_refuses_the_upload() -> None:
    with (
        mailbox(reply(404, envelope("notFound", "Parent directory not found"))) as (client, _),
        pytest.raises(errors.NotFound, match="Parent directory"),
    ):
        client.upload("testin/IN1.json", b"x")


@pytest.mark.parametrize("answer", [reply(204), reply(200), reply(200, {"ok": True}), reply(404)])
def test_a_deleted_file_is_deleted_however_often(answer: Any) -> None:
    with mailbox(answer) as (client, server):
        client.delete("out/a")
    assert server.paths() == ["DELETE /transactions/v5/data/out/a"]


@pytest.mark.parametrize(
    "answer", [reply(200, "<html>"), reply(200, envelope("x", "y")), reply(500), reset()]
)
def test_a_delete_without_a_clear_yes_may_be_repeated(answer: Any) -> None:
    with mailbox(answer, answer) as (client, _), pytest.raises(errors.Unreachable):
        client.delete("out/a")


# ------------------------------------------------------------------------------------------ history, probe


def history(offset: int | None, *rows: dict[str, Any], url: str = "") -> Any:
    following = (
        None if offset is None else {"url": f"{url}/transactions/v5/history?limit=100&offset={offset}"}
    )
    return reply(200, {"results": rows, "paging": {"limit": 100, "next": following, "previous": None}})


def test_history_follows_the_offset_of_the_next_page() -> None:
    taken = {
        "path": "/in/a",
        "direction": "in",
        "status_log": [{"status": "uploaded"}, {"status": "deleted"}],
    }
    bare = {"path": "out/b", "direction": "out", "status_log": None}
    with mailbox() as (client, server):
        server.then(history(100, taken, {"id": "no path"}, url=server.url), history(None, bare))
        entries = list(client.history(after="2026-01-02T03:04:05", until="2026-02-01T00:00:00"))
    assert entries == [HistoryEntry("in/a", "in", ("uploaded", "deleted")), HistoryEntry("out/b", "out", ())]
    assert dict(server.requests[1].query) == {
        "limit": "100",
        "offset": "100",
        "after": "2026-01-02T03:04:05",
        "until": "2026-02-01T00:00:00",
    }


@pytest.mark.parametrize(
    "following",
    [
        {"url": "https://evil.example/history?offset=100"},
        {"url": "/history"},
        {"url": "http://[bad?offset=5"},
        {"url": "?offset=0"},
        "nonsense",
    ],
)
def test_history_does_not_follow_a_next_address_that_makes_no_sense(following: Any) -> None:
    answer = reply(200, {"results": [], "paging": {"next": following}})
    with mailbox(answer) as (client, server), pytest.raises(errors.Unreachable):
        list(client.history())
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [reply(204), reply(200)])
def test_the_probe_is_content_with_a_valid_token(answer: Any) -> None:
    with mailbox(answer) as (client, server):
        client.auth_check()
    assert server.paths() == ["GET /auth-check"]


# ------------------------------------------------------------------------------------------ refusals

CALLS: dict[str, Call] = {
    "list": lambda client: client.list("out/"),
    "download": lambda client: client.download("out/a"),
    "upload": lambda client: client.upload("in/a", b"x"),
    "delete": lambda client: client.delete("out/a"),
    "history": lambda client: list(client.history()),
    "auth_check": lambda client: client.auth_check(),
}
YES = {
    "list": page(),
    "download": reply(200, b"x"),
    "upload": reply(201),
    "delete": reply(204),
    "history": history(None),
    "auth_check": reply(204),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_unauthorized_call_is_repeated_once_with_a_new_token(call: str) -> None:
    with mailbox(reply(401), token("T1"), YES[call]) as (client, server):
        CALLS[call](client)
    assert [request.headers.get("Authorization") for request in server.requests] == [
        "Bearer T0",
        None,
        "Bearer T1",
    ]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_stays_unauthorized_is_given_up(call: str) -> None:
    with (
        mailbox(reply(401), token("T1"), reply(401, {"error": "invalid_token"})) as (client, server),
        pytest.raises(errors.Unauthenticated, match="invalid_token"),
    ):
        CALLS[call](client)
    assert len(server.requests) == 3


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, errors.Refused),
        (403, errors.Forbidden),
        (409, errors.Refused),
        (413, errors.Refused),
        (429, errors.Throttled),
    ],
)
def test_a_refusal_is_final_and_named(call: str, status: int, error: type[Exception]) -> None:
    with (
        mailbox(reply(status, envelope("no", "Because of this."))) as (client, server),
        pytest.raises(error) as caught,
    ):
        CALLS[call](client)
    assert type(caught.value) is error
    assert len(server.requests) == 1
    if status != 429:
        assert f"HTTP {status}, Because of this." in str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            b'{"status":"error","error":{"error":"notFound","errorDescription":"No such."}}',
            ("notFound", "No such."),
        ),
        (b'{"error":"invalid_grant","error_description":"Used."}', ("invalid_grant", "Used.")),
        (b'{"error":"odd"}', ("odd", "odd")),
        (b'{"title":"Too Many Requests","status":429,"detail":"Limited.","requestId":"r"}', ("", "Limited.")),
        (
            b'{"title":"Bad Request","context":[{"code":"INPUT_MIN_VALUE","message":"limit"}]}',
            ("INPUT_MIN_VALUE", "limit"),
        ),
        (b'{"message":"Forbidden"}', ("", "Forbidden")),
        (b'{"status":"error","error":{}}', ("", "")),
        (b"", ("", "")),
        (b"<html><body>503</body></html>", ("", "")),
        (b"[1]", ("", "")),
        (b'{"error":"' + b"x" * 5000 + b'"}', ("x" * 200, "x" * 200)),
    ],
)
def test_every_known_error_body_is_read(body: bytes, told: tuple[str, str]) -> None:
    assert read_message(body) == told
