"""SPS Commerce as simulated: facts of reference/sps.md, sections 1 and 2."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

import pytest
import requests

ROOT = "/transactions/v5/data"


def paths(page: dict) -> list[str]:
    return [entry["path"] for entry in page["results"]]


def all_pages(sps, directory: str, **query) -> list[list[str]]:
    page = sps.listing(directory, **query).json()
    pages = [paths(page)]
    while following := page["paging"]["next"]:
        page = requests.get(following["url"], headers=sps.headers, timeout=5).json()
        pages.append(paths(page))
    return pages


# Tokens


def test_a_token_looks_like_a_jwt_of_1200_characters_and_says_how_long_it_lasts(sps):
    body = sps.token().json()
    claims = body["access_token"].split(".")[1]
    assert 1150 <= len(body["access_token"]) <= 1250
    assert json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"] == "shop@clients"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in body


def test_the_token_endpoint_takes_a_form_as_well_as_json(sps):
    form = {
        **sps.CREDENTIALS,
        "grant_type": "client_credentials",
        "audience": "api://api.spscommerce.com/",
    }
    assert sps.call("POST", "/oauth/token", data=form).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied"),
        ({"client_id": "nobody"}, 401, "access_denied"),
        ({"grant_type": "password"}, 403, "unauthorized_client"),
        ({"audience": "https://elsewhere.example"}, 403, "access_denied"),
    ],
)
def test_a_wrong_token_request_is_refused_in_auth0s_words(sps, changes, status, error):
    response = sps.token(**changes)
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_an_application_that_is_not_machine_to_machine_gets_no_client_credentials(sps):
    sps.control("POST", "accounts", {**sps.CREDENTIALS, "m2m": False})
    assert sps.token().status_code == 403


def test_too_many_tokens_a_minute_are_a_429_without_retry_after_until_the_minute_is_over(sps):
    sps.control("POST", "settings", {"token_limit": 2})
    assert [sps.token().status_code for _ in range(2)] == [200, 429]  # the fixture took the first
    assert "Retry-After" not in sps.token().headers
    sps.control("POST", "clock", {"advance_seconds": 60})
    assert sps.token().status_code == 200


def test_auth_check_is_204_with_a_token_and_401_once_it_has_run_out(sps):
    assert sps.call("GET", "/auth-check").status_code == 204
    sps.control("POST", "clock", {"advance_seconds": 3600})
    assert sps.call("GET", "/auth-check").status_code == 401


def test_expired_tokens_are_a_401_on_every_path_until_a_new_one_is_fetched(sps):
    sps.offer("out/a.json")
    assert sps.control("POST", "expire_tokens") == {"expired": 1}
    assert sps.listing("out/").status_code == 401
    sps.sign_in()
    assert sps.listing("out/").status_code == 200


# Listings


def test_pages_of_two_are_walked_by_the_next_url_and_end_with_null(sps):
    for name in "abcde":
        sps.offer(f"out/{name}.json")
    assert all_pages(sps, "out/", limit=2) == [
        ["/out/a.json", "/out/b.json"],
        ["/out/c.json", "/out/d.json"],
        ["/out/e.json"],
    ]


def test_the_cursor_has_plus_slash_and_equals_and_works_only_percent_encoded(sps):
    for name in "abc":
        sps.offer(f"out/{name}.json")
    cursor = sps.listing("out/", limit=2).json()["paging"]["next"]["cursor"]
    assert all(character in cursor for character in "+/=")
    assert paths(sps.listing("out/", limit=2, cursor=cursor).json()) == ["/out/c.json"]
    assert sps.call("GET", f"{ROOT}/out/?limit=2&cursor={cursor}").status_code == 400


def test_a_cursor_belongs_to_one_directory(sps):
    for name in "abc":
        sps.offer(f"out/{name}.json")
        sps.offer(f"out/PO/{name}.json")
    cursor = sps.listing("out/", limit=2).json()["paging"]["next"]["cursor"]
    assert sps.listing("out/PO/", limit=2, cursor=cursor).status_code == 400


def test_a_file_deleted_between_two_pages_shifts_the_next_page(sps):
    for name in "abcd":
        sps.offer(f"out/{name}.json")
    url = sps.listing("out/", limit=2).json()["paging"]["next"]["url"]
    sps.call("DELETE", f"{ROOT}/out/a.json")
    assert paths(requests.get(url, headers=sps.headers, timeout=5).json()) == ["/out/d.json"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many"])
def test_a_limit_outside_1_to_1000_is_a_400_with_the_older_envelope(sps, limit):
    response = sps.listing("", limit=limit)
    assert response.status_code == 400
    assert response.json()["status"] == "error"
    assert set(response.json()["error"]) == {"error", "errorDescription"}


def test_a_listing_has_path_type_and_url_and_nothing_else(sps):
    sps.offer("out/PO/PO1.json")
    sps.offer("out/PO2 a.json")
    body = sps.listing("out/").json()
    assert body == {
        "results": [
            {"path": "/out/PO/", "type": "directory", "url": f"{sps.url}{ROOT}/out/PO/"},
            {"path": "/out/PO2 a.json", "type": "file", "url": f"{sps.url}{ROOT}/out/PO2%20a.json"},
        ],
        "paging": {"limit": 1000, "next": None},
    }


def test_the_name_prefix_is_case_sensitive_and_kept_in_the_next_url(sps):
    for name in ("PO1", "PO2", "PO3", "po4", "SH5"):
        sps.offer(f"out/{name}.json")
    found = all_pages(sps, "out/", limit=2, entryNamePrefix="PO")
    assert found == [["/out/PO1.json", "/out/PO2.json"], ["/out/PO3.json"]]
    assert sps.listing("out/", entryNamePrefix="XX").json()["results"] == []


@pytest.mark.parametrize("directory", ["out/", "testout/", "out/PO/", "OUT/"])
def test_an_empty_or_missing_directory_is_a_404_and_not_an_empty_page(sps, directory):
    response = sps.listing(directory)
    assert response.status_code == 404
    assert response.json() == {
        "status": "error",
        "error": {"error": "notFound", "errorDescription": f"Directory '/{directory}' not found."},
    }


def test_a_subdirectory_that_was_emptied_is_still_listed_but_a_404_itself(sps):
    sps.offer("out/PO/a.json")
    sps.call("DELETE", f"{ROOT}/out/PO/a.json")
    assert paths(sps.listing("out/").json()) == ["/out/PO/"]
    assert sps.listing("out/PO/").status_code == 404


def test_the_root_lists_the_directories_and_is_empty_without_paging_where_there_are_none(sps):
    assert paths(sps.listing("").json()) == ["/in/", "/out/"]
    bare = {"client_id": "new", "client_secret": "x", "directories": []}
    sps.control("POST", "accounts", bare)
    token = sps.token(client_id="new", client_secret="x").json()["access_token"]
    response = sps.call("GET", f"{ROOT}/", headers={"Authorization": f"Bearer {token}"})
    assert response.json() == {"results": []}


# Files


def test_a_download_is_the_same_bytes_and_leaves_the_file_there(sps):
    content = b"\xef\xbb\xbf{}\r\n\x00\xff"
    sps.offer("out/a.json", content)
    assert [sps.call("GET", f"{ROOT}/out/a.json").content for _ in range(2)] == [content, content]


def test_an_upload_is_a_201_with_path_and_url(sps):
    response = sps.upload("in/IN%201.json")
    assert response.status_code == 201
    assert response.json() == {"path": "/in/IN 1.json", "url": f"{sps.url}{ROOT}/in/IN%201.json"}
    assert sps.call("GET", f"{ROOT}/in/IN%201.json").content == b"{}"


def test_an_upload_to_the_same_path_overwrites_silently_and_both_are_counted(sps):
    assert [sps.upload("in/IN1.json", body).status_code for body in (b"one", b"two")] == [201, 201]
    assert sps.call("GET", f"{ROOT}/in/IN1.json").content == b"two"
    assert [(u["n"], u["path"], u["content"]) for u in sps.account()["uploads"]] == [
        (1, "in/IN1.json", "one"),
        (2, "in/IN1.json", "two"),
    ]


def test_an_upload_that_is_not_octet_stream_is_a_415(sps):
    response = sps.upload("in/IN1.json", **{"Content-Type": "application/json"})
    assert (response.status_code, response.json()["status"]) == (415, "error")
    assert sps.account()["uploads"] == []


def test_an_upload_cannot_invent_a_directory(sps):
    response = sps.upload("testin/IN1.json")
    assert response.status_code == 404
    assert response.json()["error"]["errorDescription"] == "Parent directory not found"


def test_metadata_headers_are_kept_with_the_upload(sps):
    sps.upload("in/IN1.json", **{"sps-meta-order": "4500012345"})
    assert sps.account()["uploads"][0]["meta"] == {"sps-meta-order": "4500012345"}


def test_a_second_delete_is_a_404(sps):
    sps.offer("out/a.json")
    assert [sps.call("DELETE", f"{ROOT}/out/a.json").status_code for _ in range(2)] == [204, 404]


def test_paths_are_case_sensitive(sps):
    sps.offer("out/a.json")
    assert sps.call("GET", f"{ROOT}/out/A.json").status_code == 404


@pytest.mark.parametrize("path", ["out/../in/a", "out//a", "out/%ff"])
def test_a_path_that_climbs_or_cannot_be_read_is_a_400(sps, path):
    host, target = urlsplit(sps.url).netloc, f"{sps.url}{ROOT}/{path}"
    prepared = requests.Request("GET", target, headers={**sps.headers, "Host": host}).prepare()
    prepared.url = target  # as it is: requests would resolve the dots
    assert requests.Session().send(prepared, timeout=5).status_code == 400


def test_a_path_that_is_none_of_the_api_is_the_gateways_404(sps):
    response = sps.call("GET", "/transactions/v2/out/PO/*")
    assert (response.status_code, response.json()["error"]["error"]) == (404, "requestError")


def test_accounts_do_not_see_each_other(sps):
    sps.offer("out/a.json")
    sps.control("POST", "accounts", {"client_id": "other", "client_secret": "x"})
    token = sps.token(client_id="other", client_secret="x").json()["access_token"]
    sps.headers["Authorization"] = f"Bearer {token}"
    assert sps.call("GET", f"{ROOT}/out/a.json").status_code == 404


# What SPS does, and what history says about it


def test_pickup_takes_the_files_and_keeps_their_content(sps):
    sps.upload("in/IN1.json", "für".encode())
    assert sps.control("POST", "pickup/shop") == {"picked_up": ["in/IN1.json"]}
    assert sps.listing("in/").status_code == 404
    assert [(p["path"], p["content"]) for p in sps.account()["picked_up"]] == [("in/IN1.json", "für")]


def test_history_tells_uploaded_downloaded_deleted_without_a_leading_slash(sps):
    sps.upload("in/IN1.json")
    sps.control("POST", "pickup/shop")
    body = sps.call("GET", "/transactions/v5/history").json()
    (record,) = body["results"]
    assert (record["path"], record["direction"], record["type"]) == ("in/IN1.json", "in", "IN")
    assert [entry["status"] for entry in record["status_log"]] == ["uploaded", "downloaded", "deleted"]
    assert body["paging"] == {"limit": 100, "offset": 0, "total_count": 1, "next": None, "previous": None}


def test_history_is_walked_by_the_next_url(sps):
    for n in range(3):
        sps.upload(f"in/IN{n}.json")
    page = sps.call("GET", "/transactions/v5/history", params={"limit": 2}).json()
    rest = requests.get(page["paging"]["next"]["url"], headers=sps.headers, timeout=5).json()
    assert [r["path"] for r in page["results"] + rest["results"]] == [f"in/IN{n}.json" for n in range(3)]
    assert rest["paging"]["next"] is None


def test_history_lags_behind_by_as_much_as_it_was_told_to(sps):
    sps.control("POST", "settings", {"history_lag_seconds": 300})
    sps.upload("in/IN1.json")
    assert sps.call("GET", "/transactions/v5/history").json()["results"] == []
    sps.control("POST", "clock", {"advance_seconds": 301})
    sps.control("POST", "pickup/shop")
    (record,) = sps.call("GET", "/transactions/v5/history").json()["results"]
    assert [entry["status"] for entry in record["status_log"]] == ["uploaded"]


def test_history_can_be_bounded_in_time_and_refuses_a_zone(sps):
    sps.upload("in/IN1.json")
    sps.control("POST", "clock", {"advance_seconds": 600})
    sps.upload("in/IN2.json")
    stamp = sps.account()["history"][1]["status_log"][0]["timestamp"].rstrip("Z")
    found = sps.call("GET", "/transactions/v5/history", params={"after": stamp}).json()["results"]
    assert [record["path"] for record in found] == ["in/IN2.json"]
    assert sps.call("GET", "/transactions/v5/history", params={"after": f"{stamp}Z"}).status_code == 400
