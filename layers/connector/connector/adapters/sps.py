"""SPS Commerce's Transactions API v5: a file mailbox.

Paths have no leading slash and keep their case; a directory ends in `/`: `out/`, `out/PO/`, `in/IN1.json`. A
file stays listed until it is deleted; uploading to an existing path overwrites it. Source: reference/sps.md,
section 2.

    404 -> NotFound (a directory: empty)     403 -> Forbidden     other 4xx -> Refused
    401 -> the token is renewed once, then Unauthenticated
    404 of the gateway ("requestError": it knew no such service) -> Unreachable, it did not act
    all else -> the table of `adapters.http`; an upload is the one request that is not safe to repeat
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from connector.adapters.http import HttpClient, Params, Response, describe
from connector.adapters.sps_tokens import (
    VENDOR,
    MemoryToken,
    SharedToken,
    SpsSettings,
    SpsTokens,
    read_message,
)
from connector.errors import (
    BadUse,
    ConnectorError,
    Forbidden,
    NotFound,
    Refused,
    Unauthenticated,
    Unreachable,
)

__all__ = [
    "Entry",
    "HistoryEntry",
    "MemoryToken",
    "SharedToken",
    "SpsClient",
    "SpsSettings",
    "SpsTokens",
    "encode_path",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory; `type` is `file` or `directory`. SPS tells no size and no time."""

    path: str
    type: str

    @property
    def is_file(self) -> bool:
        return self.type == "file"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What became of one file: `uploaded`, `downloaded`, `deleted`, as told; minutes late.

    `direction` is `in` (ours to SPS) or `out`.
    """

    path: str
    direction: str
    statuses: tuple[str, ...]


Entries = list[Entry]  # within the class `list` is the method
Rows = list[dict[str, Any]]


class SpsClient:
    """One SPS mailbox."""

    def __init__(self, settings: SpsSettings, tokens: SpsTokens, http: HttpClient) -> None:
        self._settings = settings
        self._api_url = settings.api_url.rstrip("/")
        self._tokens = tokens
        self._http = http

    def list(self, directory: str, *, recursive: bool = True) -> Entries:
        """Every entry of a directory, all pages, those of its sub-directories included.

        A directory that is missing is empty, as SPS's are before the first file.
        """
        entries: list[Entry] = []
        waiting = [_clean(directory).rstrip("/") + "/"]
        while waiting:
            here = waiting.pop(0)
            found = self._list_one(here)
            entries += found
            if recursive:
                longer = [entry.path for entry in found if not entry.is_file and len(entry.path) > len(here)]
                waiting += [path for path in longer if path.startswith(here.lstrip("/"))]
        return entries

    def _list_one(self, directory: str) -> Entries:
        url = f"{self._api_url}/data/{encode_path(directory)}"
        entries: dict[str, Entry] = {}  # a page may repeat what shifted
        cursors: set[str] = set()
        cursor: str | None = None
        while True:
            params: list[tuple[str, str | int]] = [("limit", self._settings.page_limit)]
            if cursor is not None:
                params.append(("cursor", cursor))
            response = self._send("GET", url, "/data/{directory}/", params=params)
            if response.status == 404 and cursor is None:
                return []
            page = self._object(response)
            for row in self._results(response, page):
                path = _clean(row["path"])
                entries[path] = Entry(path, "directory" if row.get("type") == "directory" else "file")
            cursor = _next_cursor(page)
            if cursor is None:
                return list(entries.values())
            if cursor in cursors:
                raise response.unreadable("the same page came twice")
            cursors.add(cursor)

    def download(self, path: str) -> bytes:
        """The file's bytes; it stays where it is.

        Never an error page in its place: what is taken for a file is deleted at SPS afterwards. An answer that
        is empty, and empty again, is `Unreachable` with code `empty_answer`.
        """
        url = f"{self._api_url}/data/{encode_path(path)}"
        response = self._send("GET", url, "/data/{file}")
        if response.ok and not response.body.strip():
            response = self._send("GET", url, "/data/{file}")
        if not response.ok:
            raise self._refusal(response)
        kind = response.headers.get("Content-Type", "").lower()
        start = response.body[:200].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
        if not start:
            problem = response.unreadable("the answer is empty")
            problem.code = "empty_answer"
            raise problem
        if "text/html" in kind or start.startswith((b"<!doctype html", b"<html")):
            raise response.unreadable("the answer is a web page, not the file")
        if len(response.body) < 4096 and b'"error"' in response.body and read_message(response.body)[0]:
            raise self._refusal(response)
        return response.body

    def upload(self, path: str, body: bytes) -> None:
        """Stores the file, over whatever was there. Returning means stored, not valid and not accepted."""
        url = f"{self._api_url}/data/{encode_path(path)}"
        headers = {"Content-Type": "application/octet-stream"}
        response = self._send("POST", url, "/data/{file}", safe=False, headers=headers, data=body)
        if response.status == 201 and not response.body.strip():
            return
        stored = self._object(response).get("path")
        if not isinstance(stored, str) or _clean(stored) != _clean(path):
            raise response.unreadable("the answer does not say that the file was stored")

    def delete(self, path: str) -> None:
        """Takes the file out of the mailbox; one that is gone already is fine."""
        url = f"{self._api_url}/data/{encode_path(path)}"
        response = self._send("DELETE", url, "/data/{file}")
        if response.status != 404 and (response.body.strip() or not response.ok):
            self._object(response)

    def history(self, after: str | None = None, until: str | None = None) -> Iterator[HistoryEntry]:
        """What became of the mailbox's files between two instants, `YYYY-MM-DDTHH:MM:SS` in UTC."""
        window = [(name, stamp) for name, stamp in (("after", after), ("until", until)) if stamp]
        offset = 0
        while True:
            params: list[tuple[str, str | int]] = [("limit", 100), ("offset", offset), *window]
            response = self._send("GET", f"{self._api_url}/history", "/history", params=params)
            page = self._object(response)
            for row in self._results(response, page):
                yield _history_entry(row)
            following = self._next_offset(response, page)
            if following is None:
                return
            if following <= offset:
                raise response.unreadable("the same page came twice")
            offset = following

    def auth_check(self) -> None:
        """Returns if SPS takes our token, else raises as everywhere."""
        response = self._send("GET", self._settings.auth_check_url, "/auth-check")
        if response.body.strip() or not response.ok:
            self._object(response)

    def ready(self) -> None:
        """Raises while SPS is left alone, without asking it."""
        self._http.ready()

    def _send(
        self,
        method: str,
        url: str,
        path: str,
        *,
        safe: bool = True,
        headers: Mapping[str, str] = MappingProxyType({}),
        params: Params = (),
        data: bytes | None = None,
    ) -> Response:
        """An answer that is not 401: that is asked once more with a renewed token."""
        token = self._tokens.token()
        for renewed in (False, True):
            sent = {**headers, "Authorization": f"Bearer {token}", "X-Request-ID": str(uuid.uuid4())}
            response = self._http.request(
                method,
                url,
                vendor=VENDOR,
                path=path,
                safe=safe,
                total_seconds=self._settings.total_seconds,
                headers=sent,
                params=params,
                data=data,
            )
            if response.status == 404 and read_message(response.body)[0] == "requestError":
                text = describe(response.call, "the gateway knows no such service", 404, response.request_id)
                raise Unreachable(text, fix="if this lasts, check SPS's addresses in the settings")
            if response.status != 401:
                return response
            if not renewed:
                token = self._tokens.renew(token)
        raise self._refusal(response)

    def _object(self, response: Response) -> dict[str, Any]:
        if not response.ok:
            raise self._refusal(response)
        payload = response.json()
        if not isinstance(payload, dict):
            raise response.unreadable("the answer is not what it should be")
        if payload.get("status") == "error":
            raise self._refusal(response)
        return payload

    def _results(self, response: Response, page: dict[str, Any]) -> Rows:
        """The page's rows that name a path; `results` may be null but not absent."""
        rows = page.get("results", "absent")
        if rows is not None and not isinstance(rows, list):
            raise response.unreadable("there are no results in the answer")
        return [row for row in rows or [] if isinstance(row, dict) and isinstance(row.get("path"), str)]

    def _refusal(self, response: Response) -> ConnectorError:
        """The error for an answer that says no; a 200 that holds an error is one that says no."""
        code, message = read_message(response.body)
        reason = message or code or "no reason given"
        text = describe(response.call, reason, response.status, response.request_id)
        if response.status == 401:
            return Unauthenticated(text, fix="check the SPS application's credentials")
        if response.status == 403:
            return Forbidden(text, fix="ask SPS to enable this application for the Transactions API")
        if response.status in (404, 410) or code == "notFound":
            return NotFound(text)
        return response.unreadable(reason) if response.ok else Refused(text)

    def _next_offset(self, response: Response, page: dict[str, Any]) -> int | None:
        following = _next(page)
        if not following:
            return None
        host, query = _split(following.get("url"))
        offset = query.get("offset", "")
        if host not in ("", urlsplit(self._api_url).netloc) or not (offset.isascii() and offset.isdigit()):
            raise response.unreadable("the address of the next page makes no sense")
        return int(offset)


def encode_path(path: str) -> str:
    """A mailbox path for an URL: no leading slash, every segment percent-encoded, case kept."""
    segments = _clean(path).split("/")
    if any(segment in (".", "..") for segment in segments):
        raise BadUse("an SPS path may not hold . or .. as a name")
    return "/".join(quote(segment, safe="") for segment in segments)


def _clean(path: str) -> str:
    return path.lstrip("/")


def _next(page: dict[str, Any]) -> dict[str, Any]:
    paging = page.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    return following if isinstance(following, dict) else {"url": following} if following else {}


def _next_cursor(page: dict[str, Any]) -> str | None:
    """The cursor alone; its address is not followed, lest the token leave for another host."""
    following = _next(page)
    return str(following.get("cursor") or "") or _split(following.get("url"))[1].get("cursor")


def _split(address: Any) -> tuple[str, dict[str, str]]:
    """(host, parameters) of an address; a bare + in it is a plus, as cursors hold them."""
    try:
        parts = urlsplit(str(address or ""))
        return parts.netloc, dict(parse_qsl(parts.query.replace("+", "%2B")))
    except ValueError:
        return "?", {}


def _history_entry(row: dict[str, Any]) -> HistoryEntry:
    log = [entry for entry in row.get("status_log") or [] if isinstance(entry, dict)]
    statuses = tuple(str(entry["status"]) for entry in log if entry.get("status"))
    return HistoryEntry(_clean(row["path"]), str(row.get("direction") or ""), statuses)
