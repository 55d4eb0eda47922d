"""`adapters.http`: what every thing that can happen on the wire becomes. Real sockets, no waiting."""

from __future__ import annotations

import gzip
import socket
import time
from email.utils import formatdate

import pytest

from connector import errors
from connector.adapters.http import Call, HttpClient, Response, Sent, failure, read_retry_after
from tests.ports.scripted_server import ScriptedServer, Step, drip, hang, raw, reply, reset, truncated

CUT = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc")
DRIPPING_BODY = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")
DRIPPING_HEAD = drip(b"HTTP/1.1 200 OK\r\n", b"X")
DRIPPING_CHUNKS = drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")


def ask(
    server: ScriptedServer | str, *, safe: bool = True, seconds: float = 5, tries: int = 2, **client: object
) -> Response:
    waits: list[float] = []
    http = HttpClient(**{"sleep": waits.append, "random": lambda: 0.0, **client})  # type: ignore[arg-type]
    url = server if isinstance(server, str) else f"{server.url}/things/7"
    method = "GET" if safe else "POST"
    return http.request(
        method, url, vendor="Acme", path="/things/{id}", safe=safe, total_seconds=seconds, tries=tries
    )


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("status", [200, 201, 204, 299, 400, 401, 403, 404, 409, 422])
def test_answers_that_say_yes_or_no_are_handed_to_the_vendors_client(status: int) -> None:
    with ScriptedServer([reply(status, b"" if status == 204 else {"a": 1})]) as server:
        answer = ask(server, safe=False)
    assert answer.status == status
    assert answer.ok is (status < 300)
    assert answer.body == (b"" if status == 204 else b'{"a": 1}')


FAULTS: dict[str, Step] = {
    "500": reply(500),
    "502 as a web page": reply(502, "<html>Bad gateway</html>"),
    "503": reply(503),
    "504": reply(504),
    "408": reply(408),
    "a redirect": reply(302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    "a reset": reset(),
    "a close without an answer": raw(b""),
    "no HTTP at all": raw(b"SSH-2.0-OpenSSH\r\n"),
    "a truncated body": truncated(),
    "a truncated chunk": CUT,
    "a broken encoding": reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
    "contradicting lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_safe_request_is_tried_twice_and_then_unreachable(fault: str) -> None:
    with ScriptedServer([FAULTS[fault], FAULTS[fault]]) as server, pytest.raises(errors.Unreachable):
        ask(server)
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_unsafe_request_is_sent_once_and_its_outcome_is_unknown(fault: str) -> None:
    with ScriptedServer([FAULTS[fault], FAULTS[fault]]) as server, pytest.raises(errors.OutcomeUnknown):
        ask(server, safe=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_safe_request_that_fails_once_succeeds_by_its_quick_second_try(fault: str) -> None:
    with ScriptedServer([FAULTS[fault], reply(200, b"fine")]) as server:
        assert ask(server).body == b"fine"


STALLS = {
    "silence": hang(),
    "a slow drip of the body": DRIPPING_BODY,
    "a slow drip of the head": DRIPPING_HEAD,
    "a slow drip of chunks": DRIPPING_CHUNKS,
}


@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize(("safe", "error"), [(True, errors.Unreachable), (False, errors.OutcomeUnknown)])
def test_the_deadline_holds_against(stall: str, safe: bool, error: type[Exception]) -> None:
    with ScriptedServer([STALLS[stall], STALLS[stall]]) as server:
        started = time.monotonic()
        with pytest.raises(error, match="in time"):
            ask(server, safe=safe, seconds=0.75)
        assert time.monotonic() - started < 10  # far below what the server would have kept on for
    assert len(server.requests) == 1  # no time was left for a second try


@pytest.mark.parametrize("safe", [True, False])
def test_a_refused_connection_is_unreachable_since_nothing_was_sent(safe: bool) -> None:
    sent: list[Sent] = []
    with pytest.raises(errors.Unreachable, match="no connection"):
        ask(f"http://127.0.0.1:{unused_port()}/", safe=safe, on_request=sent.append)
    assert [one.status for one in sent] == [None, None]


@pytest.mark.parametrize("safe", [True, False])
def test_a_name_that_does_not_resolve_is_unreachable(safe: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(errors.Unreachable, match="name was not found"):
        ask("http://nowhere.invalid/", safe=safe)


@pytest.mark.parametrize("safe", [True, False])
def test_a_failed_tls_handshake_is_unreachable(safe: bool) -> None:
    with (
        ScriptedServer(greeting=b"220 mail\r\n") as server,
        pytest.raises(errors.Unreachable, match="secure"),
    ):
        ask(server.url.replace("http:", "https:"), safe=safe, seconds=2, tries=1)
    assert server.requests == []


def test_a_connection_that_is_not_accepted_in_time_is_unreachable() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):  # fill the backlog: the next handshake stalls
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        with pytest.raises(errors.Unreachable, match="no connection in time"):
            ask(f"http://127.0.0.1:{listener.getsockname()[1]}/", safe=False, seconds=0.2)
        for filler in fillers:
            filler.close()


def test_without_time_left_nothing_is_sent() -> None:
    with ScriptedServer() as server, pytest.raises(errors.Unreachable, match="no time"):
        ask(server, seconds=0)
    assert server.requests == []


@pytest.mark.parametrize("safe", [True, False])
def test_too_many_requests_is_throttled_at_once_and_not_tried_again(safe: bool) -> None:
    with (
        ScriptedServer([reply(429, "slow down", {"Retry-After": "17"})]) as server,
        pytest.raises(errors.Throttled) as caught,
    ):
        ask(server, safe=safe)
    assert caught.value.retry_after == 17
    assert len(server.requests) == 1


def test_a_throttling_answer_counts_even_if_its_body_breaks_off() -> None:
    with ScriptedServer([truncated(429)]) as server, pytest.raises(errors.Throttled) as caught:
        ask(server, safe=False)
    assert caught.value.retry_after is None


def test_a_refusal_counts_even_if_its_body_breaks_off() -> None:
    with ScriptedServer([truncated(422)]) as server:
        answer = ask(server, safe=False)
    assert (answer.status, answer.body) == (422, b"")


def test_a_failing_server_that_says_when_to_come_back_is_not_tried_again_before() -> None:
    with (
        ScriptedServer([reply(503, headers={"Retry-After": "30"})]) as server,
        pytest.raises(errors.Unreachable) as caught,
    ):
        ask(server)
    assert caught.value.retry_after == 30
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "60"}, 60.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "99999999999999"}, 6 * 3600.0),
        ({"Retry-After": formatdate(1_000_090, usegmt=True)}, 90.0),
        ({"Retry-After": formatdate(999_000, usegmt=True)}, 0.0),
        (
            {"Retry-After": formatdate(1_000_090, usegmt=True), "Date": formatdate(1_000_060, usegmt=True)},
            30.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, now=1_000_000.0) == seconds


def test_an_answer_longer_than_the_cap_is_not_asked_for_again() -> None:
    with ScriptedServer([reply(200, b"x" * 2000)]) as server, pytest.raises(errors.Refused, match="longer"):
        ask(server, max_bytes=1000)
    with ScriptedServer([reply(200, b"x" * 2000)]) as server, pytest.raises(errors.OutcomeUnknown):
        ask(server, safe=False, max_bytes=1000)
    assert len(server.requests) == 1


def test_the_cap_counts_what_unpacks_not_what_was_sent() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    with (
        ScriptedServer([reply(200, bomb, {"Content-Encoding": "gzip"})]) as server,
        pytest.raises(errors.Refused, match="longer"),
    ):
        ask(server, max_bytes=1_000_000)


def test_the_wait_before_the_second_try_is_a_random_part_of_a_second() -> None:
    waits: list[float] = []
    with ScriptedServer([reply(500), reply(200)]) as server:
        ask(server, sleep=waits.append, random=lambda: 0.25)
    assert waits == [0.25]


def test_one_try_means_one_try() -> None:
    with ScriptedServer([reply(500), reply(200)]) as server, pytest.raises(errors.Unreachable):
        ask(server, tries=1)
    assert len(server.requests) == 1


def test_every_try_is_counted_with_its_status() -> None:
    sent: list[Sent] = []
    with ScriptedServer([reply(500), reply(200)]) as server:
        ask(server, on_request=sent.append)
    assert [(str(one.call), one.status) for one in sent] == [
        ("Acme GET /things/{id}", 500),
        ("Acme GET /things/{id}", 200),
    ]
    assert all(one.seconds >= 0 for one in sent)


def test_a_message_names_vendor_verb_template_status_and_request_but_no_body_and_no_address() -> None:
    with (
        ScriptedServer([reply(500, "secret body", {"X-Request-ID": "r-1 <script>"})]) as server,
        pytest.raises(errors.OutcomeUnknown) as caught,
    ):
        ask(server, safe=False)
    assert str(caught.value) == "Acme POST /things/{id}: HTTP 500, the server failed (request r-1script)"


def test_redirects_are_never_followed_with_our_token() -> None:
    with ScriptedServer([reply(200)]) as other, ScriptedServer() as server:
        server.then(reply(307, headers={"Location": other.url}))
        with pytest.raises(errors.OutcomeUnknown, match="redirect"):
            ask(server, safe=False)
    assert other.requests == []


def test_connections_are_kept_but_not_trusted_after_a_pause() -> None:
    now = [1000.0]
    with ScriptedServer([reply(200), reply(200), reply(200)]) as server:
        http = HttpClient(now=lambda: now[0])

        def get() -> None:
            http.request("GET", server.url, vendor="Acme", path="/", safe=True, total_seconds=5)

        get()
        get()
        assert server.connections == 1
        now[0] += 60
        get()
        assert server.connections == 2


def test_cookies_and_netrc_leave_our_headers_alone(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer([reply(200, headers={"Set-Cookie": "a=b"}), reply(200)]) as server:
        http = HttpClient(trust_env=True)
        for _ in range(2):
            http.request(
                "GET",
                server.url,
                vendor="Acme",
                path="/",
                safe=True,
                total_seconds=5,
                headers={"Authorization": "Bearer t"},
            )
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer t"] * 2
    assert "Cookie" not in server.requests[1].headers


def test_bodies_go_out_as_json_form_or_bytes() -> None:
    with ScriptedServer([reply(200), reply(200), reply(200)]) as server:
        http = HttpClient()
        for body in ({"json": {"name": "Café"}}, {"data": {"a": "b c"}}, {"data": b"\x00\xff"}):
            http.request("POST", server.url, vendor="A", path="/", safe=False, total_seconds=5, **body)  # type: ignore[arg-type]
    as_json, as_form, as_bytes = server.requests
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_json.json() == {"name": "Café"}
    assert (as_form.headers["Content-Type"], as_form.body) == ("application/x-www-form-urlencoded", b"a=b+c")
    assert as_bytes.body == b"\x00\xff"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "nonsense", "http://"])
def test_an_address_that_makes_no_sense_is_bad_use(url: str) -> None:
    with pytest.raises(errors.BadUse):
        ask(url)


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"a":', b"NaN", b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize(("safe", "error"), [(True, errors.Unreachable), (False, errors.OutcomeUnknown)])
def test_an_answer_that_is_not_json_is_judged_like_a_broken_one(
    body: bytes, safe: bool, error: type[Exception]
) -> None:
    response = Response(Call("Acme", "GET", "/", safe), 200, {}, body)
    with pytest.raises(error, match="not JSON"):
        response.json()


def test_json_fractions_are_decimals_and_a_byte_order_mark_is_no_harm() -> None:
    response = Response(Call("Acme", "GET", "/", True), 200, {}, b'\xef\xbb\xbf{"a": 1.10}')
    assert str(response.json()["a"]) == "1.10"


@pytest.mark.parametrize(
    ("safe", "what", "error"),
    [
        (True, {"sent": False}, errors.Unreachable),
        (False, {"sent": False}, errors.Unreachable),
        (True, {"sent": True}, errors.Unreachable),
        (False, {"sent": True}, errors.OutcomeUnknown),
        (True, {"status": 500}, errors.Unreachable),
        (False, {"status": 500}, errors.OutcomeUnknown),
        (True, {"status": 429}, errors.Throttled),
        (False, {"status": 429}, errors.Throttled),
        (True, {"status": 200, "oversize": True}, errors.Refused),
        (False, {"status": 200, "oversize": True}, errors.OutcomeUnknown),
    ],
)
def test_the_table_from_what_happened_to_what_to_do(
    safe: bool, what: dict[str, object], error: type[Exception]
) -> None:
    found = failure(Call("Acme", "GET", "/", safe), "it happened", **what)  # type: ignore[arg-type]
    assert type(found) is error
