"""`adapters.http` at its edges: TLS, proxies, request ids, limits to the byte and second, and what messages say."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connector import __version__, errors
from connector.adapters import http
from connector.adapters.http import Call, HttpClient, Response, Sent, failure
from tests.ports.scripted_server import ScriptedServer, Step, raw, reply, truncated


def ask(
    url: str,
    *,
    safe: bool = True,
    seconds: float = 5,
    tries: int = 1,
    client: HttpClient | None = None,
    **how: Any,
) -> Response:
    client = client or HttpClient(sleep=lambda _: None)
    method = "GET" if safe else "POST"
    return client.request(
        method, url, vendor="Acme", path="/x/{id}", safe=safe, total_seconds=seconds, tries=tries, **how
    )


def message(step: Step, **how: Any) -> str:
    with ScriptedServer([step]) as server, pytest.raises(errors.ConnectorError) as caught:
        ask(server.url, **how)
    return caught.value.message


# --- TLS -----------------------------------------------------------------------------------------------


@contextmanager
def tls_server(folder: Path, answer: bytes) -> Iterator[tuple[str, str]]:
    """(address, certificate file) of a server that takes one request, sends `answer` and closes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "test.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        plain, _ = listener.accept()
        with suppress(ssl.SSLError), context.wrap_socket(plain, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/", str(file)
    thread.join(5)


def test_over_tls_too_a_request_that_went_out_and_broke_may_have_acted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_server(tmp_path, b"") as (url, certificate):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
        with pytest.raises(errors.OutcomeUnknown, match="connection broke"):
            ask(url, safe=False, client=HttpClient(trust_env=True))


def test_an_answer_over_tls_is_read_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_server(tmp_path, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (url, certificate):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
        assert ask(url, client=HttpClient(trust_env=True)).body == b"ok"


def test_a_certificate_that_nobody_vouches_for_gets_no_request(tmp_path: Path) -> None:
    with (
        tls_server(tmp_path, b"") as (url, _),
        pytest.raises(errors.Unreachable, match="no secure connection"),
    ):
        ask(url, safe=False)


# --- what goes out --------------------------------------------------------------------------------------


@pytest.mark.parametrize("trust", [True, False])
def test_only_who_trusts_the_environment_goes_through_its_proxy(
    trust: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ScriptedServer([reply(200)]) as proxy, ScriptedServer([reply(200)]) as server:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        ask(server.url, client=HttpClient(trust_env=trust))
    assert (len(proxy.requests), len(server.requests)) == ((1, 0) if trust else (0, 1))


def test_the_vendor_is_told_who_asks() -> None:
    with ScriptedServer([reply(200)]) as server:
        ask(server.url)
    assert server.requests[0].headers["User-Agent"] == f"freshbooks-sps-connector/{__version__}"


def test_a_number_that_is_no_json_is_noticed_before_anything_is_sent() -> None:
    with ScriptedServer([reply(200)]) as server, pytest.raises(ValueError, match="JSON"):
        ask(server.url, safe=False, json={"amount": float("nan")})
    assert server.requests == []


def test_parameters_and_headers_arrive() -> None:
    with ScriptedServer([reply(200)]) as server:
        ask(server.url, params=[("page", 2), ("q", "a b")], headers={"X-Mine": "7"})
    [request] = server.requests
    assert request.query == [("page", "2"), ("q", "a b")]
    assert request.headers["X-Mine"] == "7"


# --- time -----------------------------------------------------------------------------------------------


def test_without_time_left_even_an_unsafe_request_has_certainly_not_acted() -> None:
    with ScriptedServer() as server, pytest.raises(errors.Unreachable, match="no time"):
        ask(server.url, safe=False, seconds=0)


def test_a_second_try_that_would_come_after_the_deadline_is_not_waited_for() -> None:
    waits: list[float] = []
    with ScriptedServer([reply(500), reply(200)]) as server, pytest.raises(errors.Unreachable):
        ask(server.url, seconds=0.5, tries=2, client=HttpClient(sleep=waits.append, random=lambda: 1.0))
    assert waits == []
    assert len(server.requests) == 1


def test_requests_that_share_a_time_end_with_it_and_those_after_them_have_their_own() -> None:
    with ScriptedServer([reply(200, {}), reply(200, {})]) as server:
        late = pytest.raises(errors.Unreachable, match="no time was left")
        with http.within(30), http.within(0), http.within(60), late:
            ask(server.url)
        with http.within(30):
            assert ask(server.url).status == 200
        assert ask(server.url).status == 200


def test_a_connection_is_given_up_long_before_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    assert http.CONNECT_SECONDS < 5
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.1)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]  # fill the backlog: the next handshake stalls
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        started = time.monotonic()
        with pytest.raises(errors.Unreachable, match="no connection in time"):
            ask(f"http://127.0.0.1:{listener.getsockname()[1]}/", safe=False, seconds=4)
        assert time.monotonic() - started < 3
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(("pause", "connections"), [(15.0, 1), (15.1, 2)])
def test_a_kept_connection_is_trusted_for_fifteen_seconds(pause: float, connections: int) -> None:
    now = [1000.0]
    client = HttpClient(now=lambda: now[0])
    with ScriptedServer([reply(200), reply(200)]) as server:
        ask(server.url, client=client)
        now[0] += pause
        ask(server.url, client=client)
        assert server.connections == connections


def test_the_pause_counts_from_the_end_of_a_long_answer() -> None:
    now = [1000.0]

    def slow(wire: Any) -> None:
        now[0] += 20
        reply(200)(wire)

    client = HttpClient(now=lambda: now[0])
    with ScriptedServer([slow, reply(200)]) as server:
        ask(server.url, client=client)
        ask(server.url, client=client)
        assert server.connections == 1


def test_a_try_is_counted_with_the_seconds_that_it_took() -> None:
    sent: list[Sent] = []

    def slow(wire: Any) -> None:
        time.sleep(0.05)
        reply(200)(wire)

    with ScriptedServer([slow]) as server:
        ask(server.url, client=HttpClient(on_request=sent.append))
    assert 0.05 <= sent[0].seconds < 5


# --- limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (299, True), (300, False), (404, False)]
)
def test_only_two_hundreds_are_a_yes(status: int, ok: bool) -> None:
    assert Response(Call("Acme", "GET", "/", True), status, {}, b"").ok is ok


def test_three_hundred_is_no_answer_either() -> None:
    assert message(reply(300), safe=False) == "Acme POST /x/{id}: HTTP 300, a redirect, which is not followed"


def test_an_answer_as_long_as_the_cap_is_taken() -> None:
    with ScriptedServer([reply(200, b"x" * 1000)]) as server:
        assert len(ask(server.url, client=HttpClient(max_bytes=1000)).body) == 1000


def test_the_lowest_refusal_counts_even_if_its_body_breaks_off() -> None:
    with ScriptedServer([truncated(400)]) as server:
        assert ask(server.url, safe=False).status == 400


# --- what messages say ----------------------------------------------------------------------------------


def test_an_answer_that_is_too_long_is_told_with_status_and_request() -> None:
    with (
        ScriptedServer([reply(200, b"x" * 11, {"X-Request-ID": "r7"})]) as server,
        pytest.raises(errors.Refused) as caught,
    ):
        ask(server.url, client=HttpClient(max_bytes=10))
    assert caught.value.code == "too_large"
    assert (
        caught.value.message == "Acme GET /x/{id}: HTTP 200, the answer is longer than 10 bytes (request r7)"
    )


def test_an_unreadable_answer_is_told_with_status_and_request() -> None:
    answer = Response(Call("Acme", "GET", "/x", True), 202, {}, b"<html>", "r7")
    with pytest.raises(errors.Unreachable) as caught:
        answer.json()
    assert caught.value.message == "Acme GET /x: HTTP 202, the answer is not JSON (request r7)"


def test_without_status_and_request_a_message_says_neither() -> None:
    assert failure(Call("Acme", "GET", "/x", True), "it broke").message == "Acme GET /x: it broke"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (408, "it gave up waiting for the request"),
        (429, "too many requests"),
        (500, "the server failed"),
        (304, "a redirect, which is not followed"),
    ],
)
def test_a_bad_status_is_told_in_words(status: int, words: str) -> None:
    assert message(reply(status)) == f"Acme GET /x/{{id}}: HTTP {status}, {words}"


@pytest.mark.parametrize("name", ["X-Request-ID", "X-Amzn-RequestId", "Request-Id", "CF-Ray"])
def test_the_vendors_request_id_is_told_under_any_of_its_names(name: str) -> None:
    assert message(reply(500, headers={name: "a-1_2:3.4=5"})).endswith("(request a-1_2:3.4=5)")


def test_a_request_id_is_cleaned_and_cut_before_it_is_told() -> None:
    told = message(reply(500, headers={"X-Request-ID": "<X> " + "a" * 100}))
    assert told.endswith("(request X" + "a" * 79 + ")")


def test_our_own_request_id_is_told_where_the_vendor_gives_none() -> None:
    headers = {"X-Request-ID": "ours-1"}
    assert message(reply(500), headers=headers).endswith("(request ours-1)")
    assert message(raw(b""), headers=headers).endswith("(request ours-1)")
    assert "request" not in message(reply(503)).partition("HTTP")[2]


def test_an_address_that_makes_no_sense_is_told_without_repeating_it() -> None:
    with pytest.raises(errors.BadUse) as caught:
        ask("nonsense?token=secret")
    assert caught.value.message == "Acme GET /x/{id}: the address or a header makes no sense"
