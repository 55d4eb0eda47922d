"""Faults, the request log and the other controls that both simulators share."""

from __future__ import annotations

import json
import re
import threading
import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from local.simulators import SpsSimulator, serve
from local.simulators.faults import KINDS, port_never_answering, port_refusing

FILE = "/transactions/v5/data/in/IN1.json"
LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def uploads(sps) -> int:
    return len(sps.account()["uploads"])


def post_bill(freshbooks, **options):
    freshbooks.vendor()
    path = "/accounting/account/xZNQ1X/bills/bills"
    return freshbooks.call("POST", path, json=freshbooks.bill_body(vendorid=501), **options)


def bills(freshbooks) -> int:
    return len(freshbooks.control("GET", "state")["accounts"]["xZNQ1X"]["bills"])


@pytest.mark.parametrize("kind", ["429_seconds", "429_date", "429", "500", "502", "503", "504", "401", "403"])
@pytest.mark.parametrize("after", [False, True])
def test_a_status_fault_answers_with_that_status_before_or_after_the_work(sps, kind, after):
    sps.fault(kind, "POST .*/in/", after=after)
    assert sps.upload("in/IN1.json").status_code == int(kind[:3])
    assert uploads(sps) == int(after)
    assert sps.upload("in/IN1.json").status_code == 201


def test_a_429_has_seconds_a_date_or_nothing(sps):
    for kind in ("429_seconds", "429_date", "429"):
        sps.fault(kind, retry_after=30)
    seconds, date, nothing = (sps.listing("").headers.get("Retry-After") for _ in range(3))
    assert (seconds, nothing) == ("30", None)
    assert parsedate_to_datetime(date).tzinfo is not None


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("502", "text/html"), ("503", "text/html"), ("500", "application/json"), ("401", "application/json")],
)
def test_each_failure_of_freshbooks_has_its_own_kind_of_body(freshbooks, kind, content_type):
    freshbooks.fault(kind)
    response = freshbooks.books("GET", "users/clients")
    assert response.headers["Content-Type"] == content_type
    assert "Retry-After" not in response.headers


def test_401_once_is_followed_by_success_and_for_ever_is_not(freshbooks):
    freshbooks.fault("401")
    assert [freshbooks.books("GET", "users/clients").status_code for _ in range(2)] == [401, 200]
    freshbooks.fault("401", count=None)
    assert [freshbooks.books("GET", "users/clients").status_code for _ in range(3)] == [401] * 3


@pytest.mark.parametrize("kind", ["refuse", "reset_before"])
def test_a_connection_lost_before_the_work_leaves_nothing_behind(sps, kind):
    sps.fault(kind, "POST .*/in/")
    with pytest.raises(requests.ConnectionError):
        sps.upload("in/IN1.json", b"x" * 100_000)
    assert uploads(sps) == 0


@pytest.mark.parametrize("kind", ["reset_after", "truncated"])
def test_a_connection_lost_after_the_work_leaves_the_work_done(freshbooks, kind):
    freshbooks.fault(kind, "POST .*/bills/bills")
    with pytest.raises(LOST):
        post_bill(freshbooks)
    assert bills(freshbooks) == 1


def test_truncated_json_can_also_be_a_whole_http_message(freshbooks):
    freshbooks.fault("truncated", "POST .*/bills/bills", framed=True)
    response = post_bill(freshbooks)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.text)


def test_an_answer_without_a_body_is_truncated_too(sps):
    sps.upload("in/IN1.json")
    sps.fault("truncated", "DELETE")
    with pytest.raises(requests.ConnectionError):
        sps.call("DELETE", FILE)
    assert sps.call("GET", FILE).status_code == 404


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["html200", "empty200", "error_envelope_200"])
def test_a_200_that_is_no_answer(freshbooks, kind, after):
    freshbooks.fault(kind, "POST .*/bills/bills", after=after)
    response = post_bill(freshbooks)
    assert response.status_code == 200
    assert bills(freshbooks) == int(after)
    if kind == "html200":
        assert response.text.startswith("<html>")
    elif kind == "empty200":
        assert response.content == b""
    else:
        assert response.json()["response"]["errors"][0]["errno"] == 41001
        assert "result" not in response.json()["response"]


def test_a_fault_can_bring_its_own_body(freshbooks):
    body = {"response": {"errors": [{"errno": 409, "message": "busy"}]}}
    freshbooks.fault("error_envelope_200", body=body)
    assert freshbooks.books("GET", "users/clients").json() == body


@pytest.mark.parametrize("after", [False, True])
def test_silence_lasts_until_the_client_gives_up(freshbooks, after):
    freshbooks.fault("read_timeout", "POST .*/bills/bills", after=after)
    with pytest.raises(requests.ReadTimeout):
        post_bill(freshbooks, timeout=0.2)
    assert bills(freshbooks) == int(after)


def test_silence_ends_with_the_connection_after_its_seconds(sps):
    sps.fault("read_timeout", seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        sps.listing("")


@pytest.mark.parametrize("kind", ["read_timeout", "slow_drip"])
def test_stopping_releases_a_connection_that_is_held(kind):
    running = serve(SpsSimulator())
    requests.post(
        f"{running.url}/_control/faults", json={"route": ".*", "kind": kind, "seconds": 600}, timeout=5
    )
    lost: list[Exception] = []

    def wait() -> None:
        try:
            requests.get(f"{running.url}/auth-check", timeout=60)
        except requests.RequestException as error:
            lost.append(error)

    client = threading.Thread(target=wait)
    client.start()
    while not running.simulator.requests():
        pass
    running.stop()
    client.join(10)
    assert not client.is_alive()
    assert len(lost) == 1


@pytest.mark.parametrize("headers", [False, True])
def test_a_slow_drip_never_trips_the_read_timeout_and_is_the_real_answer(sps, headers):
    sps.fault("slow_drip", seconds=1, headers=headers)
    before = time.monotonic()
    response = sps.listing("", timeout=0.6)
    assert time.monotonic() - before >= 0.9
    assert [entry["path"] for entry in response.json()["results"]] == ["/in/", "/out/"]


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_answer_is_json_of_the_size_that_was_asked_for(sps, chunked):
    sps.fault("oversize", bytes=3 << 20, chunked=chunked)
    response = sps.listing("")
    assert len(response.content) == 3 << 20
    assert response.json() == []
    assert ("Content-Length" in response.headers) is not chunked


def test_a_refusing_port_refuses_and_a_full_one_never_answers():
    with port_refusing() as url, pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(url, timeout=1)
    with port_never_answering() as url, pytest.raises(requests.ConnectTimeout):
        requests.get(url, timeout=(0.2, 1))


def test_every_kind_of_fault_is_in_the_table_of_its_module():
    import local.simulators.faults as faults

    table = (faults.__doc__ or "").partition("options\n")[2]
    documented = {word for line in table.splitlines() for word in re.split(r"\s", line[4:25].strip()) if word}
    assert documented == KINDS


# Choosing which request fails


def test_a_fault_meets_its_route_as_often_as_it_counts(sps):
    sps.fault("500", "^GET /transactions/v5/history$", count=2)
    assert sps.listing("").status_code == 200
    found = [sps.call("GET", "/transactions/v5/history").status_code for _ in range(3)]
    assert found == [500, 500, 200]
    (told,) = sps.control("GET", "faults")
    assert (told["remaining"], told["fired"]) == (0, 2)


def test_the_same_seed_fails_the_same_calls(sps):
    def run(seed: int) -> list[int]:
        sps.control("DELETE", "faults")
        sps.fault("500", probability=0.5, seed=seed, count=None)
        return [sps.listing("").status_code for _ in range(20)]

    first = run(1)
    assert first == run(1) != run(2)
    assert set(first) == {200, 500}


def test_faults_are_disarmed(sps):
    sps.control("POST", "faults", [{"kind": "500", "count": None}, {"kind": "503"}])
    sps.control("DELETE", "faults")
    assert sps.control("GET", "faults") == []
    assert sps.listing("").status_code == 200


@pytest.mark.parametrize(
    "spec",
    [{"kind": "418"}, {"kind": "500", "route": "("}, {"kind": "500", "count": 0}, {"kind": "500", "x": 1}, 7],
)
def test_a_fault_that_makes_no_sense_is_a_400_with_a_sentence(sps, spec):
    response = requests.post(f"{sps.url}/_control/faults", json=spec, timeout=5)
    assert response.status_code == 400
    assert response.json()["error"]


# The log and the rest


def test_the_log_tells_every_request_and_no_secret(freshbooks):
    refresh = freshbooks.refresh("first").json()["refresh_token"]
    freshbooks.fault("reset_after", "POST .*/clients")
    with pytest.raises(requests.ConnectionError):
        freshbooks.client()
    token, lost = freshbooks.control("GET", "requests")[-2:]
    assert (token["method"], token["path"], token["status"]) == ("POST", "/auth/oauth/token", 200)
    assert (lost["status"], lost["fault"], lost["account"]) == (None, "reset_after", "xZNQ1X")
    assert lost["bytes"] > 0
    assert len(lost["body_digest"]) == 64
    told = json.dumps([freshbooks.control("GET", "requests"), freshbooks.control("GET", "state")])
    bearer = freshbooks.headers["Authorization"].removeprefix("Bearer ")
    assert not any(secret in told for secret in (refresh, bearer, "s3cret"))


def test_secrets_in_a_query_are_masked_in_the_log(freshbooks):
    freshbooks.call("GET", "/oauth/authorize/", params={"client_id": "app", "state": "abc"})
    (entry,) = freshbooks.control("GET", "requests")
    assert entry["query"] == {"client_id": "app", "state": "***"}


def test_the_log_can_be_read_from_where_one_left_off(sps):
    for _ in range(3):
        sps.listing("")
    last = sps.control("GET", "requests")[-2]["n"]
    assert [entry["n"] for entry in sps.control("GET", "requests", params={"since": last})] == [last + 1]


def test_expired_tokens_are_a_401_at_freshbooks_too(freshbooks):
    freshbooks.control("POST", "expire_tokens")
    assert freshbooks.books("GET", "users/clients").status_code == 401


def test_a_reset_forgets_accounts_data_faults_and_log(sps):
    sps.offer("out/a.json")
    sps.fault("500", count=None)
    sps.control("POST", "settings", {"expires_in": 5})
    sps.control("POST", "reset")
    assert sps.control("GET", "state") == {
        "vendor": "sps",
        "settings": {"expires_in": 3600, "token_limit": None, "history_lag_seconds": 0},
        "accounts": {},
    }
    assert sps.control("GET", "requests") == []
    assert sps.token().status_code == 401


def test_an_unknown_setting_or_control_call_is_refused(sps):
    url = f"{sps.url}/_control/"
    assert requests.post(f"{url}settings", json={"nothing": 1}, timeout=5).status_code == 400
    assert requests.get(f"{url}nothing", timeout=5).status_code == 404
    assert requests.post(f"{url}pickup/nobody", timeout=5).status_code == 400


def test_only_this_machines_names_are_answered(sps):
    assert sps.call("GET", "/auth-check", headers={"Host": "rebound.example.com"}).status_code == 421
    listed = sps.call("GET", "/transactions/v5/data/", headers={"Host": "sps.localhost:1"}).json()
    assert listed["results"][0]["url"].startswith("http://sps.localhost:1/")


def test_one_connection_serves_many_requests(sps):
    with requests.Session() as session:
        session.headers.update(sps.headers)
        for _ in range(3):
            assert session.get(f"{sps.url}/auth-check", timeout=5).status_code == 204
        assert len(sps.simulator.requests()) == 4
        (pool,) = session.adapters["http://"].poolmanager.pools._container.values()
        assert pool.num_connections == 1


def test_fifty_writers_at_once_are_all_counted(sps):
    def write(n: int) -> None:
        for k in range(4):
            sps.upload(f"in/IN{n}-{k}.json")

    writers = [threading.Thread(target=write, args=(n,)) for n in range(50)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(upload["n"] for upload in sps.account()["uploads"]) == list(range(1, 201))
