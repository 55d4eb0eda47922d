"""SPS Commerce: token endpoint and Transactions API v5, a mailbox for each account (reference/sps.md 1, 2).

Control endpoints of its own, beside those in `server`:

    POST /_control/accounts   {"client_id", "client_secret"[, "directories": ["in/", "out/"],
                              "audiences": [...], "m2m": true]}; again with the same id changes it
    PUT  /_control/mailbox/{client_id}/{path}   put a file there as SPS would (raw body; makes the directory)
    POST /_control/pickup/{client_id}           SPS takes everything that is in `in/` and `testin/`
    POST /_control/settings   {"expires_in", "token_limit": n a minute, "history_lag_seconds"}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlencode

from local.simulators.messages import Refusal, Request, Response, answer, jwt_like
from local.simulators.server import Simulator

BASE = "/transactions/v5"
DATA = f"{BASE}/data/"
AUDIENCES = ("https://spscommerce.com", "api://api.spscommerce.com/")  # new and legacy, until 2026-07
GONE = "The requested host or path is either temporarily unavailable or not found."
OCTETS = "application/octet-stream"
PICKED_FROM = ("in/", "testin/")


def envelope(status: int, code: str, text: str) -> Response:
    """The older error shape that Transactions uses; not the problem+json of SPS's newer APIs (2.5)."""
    return answer(status, {"status": "error", "error": {"error": code, "errorDescription": text}})


@dataclass
class File:
    path: str
    content: bytes
    at: str
    record: dict[str, Any]


@dataclass
class Mailbox:
    """One account. Paths carry no leading slash; directories end with one."""

    client_id: str
    client_secret: str
    directories: set[str]
    audiences: list[str]
    m2m: bool
    files: dict[str, File] = field(default_factory=dict)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    offered: list[dict[str, Any]] = field(default_factory=list)
    picked_up: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    tokens_issued: int = 0
    token_calls: deque[float] = field(default_factory=deque)

    def entries(self, directory: str) -> list[tuple[str, str]]:
        """What a listing of this directory holds: (path, type), sub-directories first."""

        def inside(path: str) -> bool:
            return path.startswith(directory) and "/" not in path[len(directory) :].rstrip("/")

        folders = sorted(d for d in self.directories if d != directory and inside(d))
        return [(d, "directory") for d in folders] + [(f, "file") for f in sorted(self.files) if inside(f)]


class SpsSimulator(Simulator):
    vendor = "sps"
    default_settings: ClassVar[dict[str, Any]] = {
        "expires_in": 3600,
        "token_limit": None,
        "history_lag_seconds": 0,
    }

    def clear(self) -> None:
        self.mailboxes: dict[str, Mailbox] = {}
        self.tokens: dict[str, tuple[str, float]] = {}

    # Control

    def add_account(self, spec: dict[str, Any]) -> dict[str, Any]:
        client_id, directories = spec["client_id"], spec.get("directories", ["in/", "out/"])
        box = self.mailboxes.get(client_id) or Mailbox(client_id, "", set(), [], True)
        box.client_secret = spec["client_secret"]
        box.directories |= {f"{d.strip('/')}/" for d in directories}
        box.audiences = list(spec.get("audiences", AUDIENCES))
        box.m2m = bool(spec.get("m2m", True))
        self.mailboxes[client_id] = box
        return {"client_id": client_id, "directories": sorted(box.directories)}

    def control(self, verb: str, parts: list[str], request: Request) -> Any:
        with self.lock:
            match verb, parts:
                case "PUT", ["mailbox", client_id, *path] if all(path):
                    name = "/".join(path)
                    box = self.mailboxes[client_id]
                    box.directories |= {"/".join(path[:n]) + "/" for n in range(1, len(path))}
                    self._store(box, name, request.body, request.base_url)
                    box.offered.append(self._entry(len(box.offered) + 1, name, request.body))
                    return {"path": f"/{name}"}
                case "POST", ["pickup", client_id]:
                    return {"picked_up": self.pick_up(client_id)}
        return None

    def pick_up(self, client_id: str) -> list[str]:
        """SPS takes what was sent: it leaves the mailbox, a later POST there is a new transmission."""
        with self.lock:
            box = self.mailboxes[client_id]
            taken = [path for path in sorted(box.files) if path.startswith(PICKED_FROM)]
            for path in taken:
                file = box.files.pop(path)
                self._log(file.record, "downloaded", "deleted")
                box.picked_up.append({"path": path, "at": self.stamp(), "content": _text(file.content)})
            return taken

    def expire_tokens(self) -> int:
        count = len(self.tokens)
        self.tokens.clear()
        return count

    def account_of(self, request: Request) -> str | None:
        if request.path == "/oauth/token":
            client_id = request.fields().get("client_id")
            return client_id if client_id in self.mailboxes else None
        return self.tokens.get(request.bearer, (None, 0))[0]

    def stored(self) -> dict[str, Any]:
        def files(box: Mailbox) -> list[dict[str, Any]]:
            present = [box.files[path] for path in sorted(box.files)]
            return [self._entry(n, f.path, f.content) | {"at": f.at} for n, f in enumerate(present, 1)]

        return {
            "accounts": {
                box.client_id: {
                    "directories": sorted(box.directories),
                    "files": files(box),
                    "uploads": box.uploads,
                    "offered": box.offered,
                    "picked_up": box.picked_up,
                    "history": box.history,
                    "tokens_issued": box.tokens_issued,
                    "token_calls_last_minute": len(box.token_calls),
                }
                for box in self.mailboxes.values()
            }
        }

    def vendor_error(self, status: int) -> Response:
        """The API's own 429 was never seen; this one is the example of SPS's API standards (6)."""
        if status == 429:
            detail = "Request for resource has been rate-limited."
            body = json.dumps({"title": "Too Many Requests", "status": 429, "detail": detail}).encode()
            return Response(429, body, "application/problem+json")
        if status == 504:
            return Response(504)
        codes = {401: "unauthorized", 403: "forbidden", 200: "requestError"}
        return envelope(status, codes.get(status, "requestError"), GONE)

    # The vendor's own paths

    def handle(self, request: Request) -> Response:
        path, verb = request.path, request.method
        if path == "/oauth/token" and verb == "POST":
            return self._token(request)
        client_id, expires = self.tokens.get(request.bearer, ("", 0.0))
        if not client_id or expires <= self.now():
            return envelope(401, "unauthorized", "The access token is missing, invalid or expired.")
        box = self.mailboxes[client_id]
        if path == "/auth-check" and verb == "GET":
            return Response(204)
        if path == f"{BASE}/history" and verb == "GET":
            return self._history(box, request)
        if path.startswith(DATA):
            name = _decoded(path.removeprefix(DATA))
            match verb, not name or name.endswith("/"):
                case "GET", True:
                    return self._list(box, name, request)
                case "GET", False:
                    return self._download(box, name)
                case "POST", False:
                    return self._upload(box, name, request)
                case "DELETE", False:
                    return self._delete(box, name)
        return envelope(404, "requestError", GONE)

    def _token(self, request: Request) -> Response:
        """Client credentials, in Auth0's words. A wrong audience or kind of application is a 403."""
        fields = request.fields()
        box = self.mailboxes.get(fields.get("client_id", ""))
        limit, now = self.settings["token_limit"], self.now()
        if box is not None and limit is not None:
            while box.token_calls and box.token_calls[0] <= now - 60:
                box.token_calls.popleft()
            if len(box.token_calls) >= limit:
                text = "Global limit has been reached"
                return answer(429, {"error": "too_many_requests", "error_description": text})
        if box is not None:
            box.token_calls.append(now)
        if box is None or fields.get("client_secret") != box.client_secret:
            return answer(401, {"error": "access_denied", "error_description": "Unauthorized"})
        grant, audience = fields.get("grant_type"), fields.get("audience")
        if grant != "client_credentials" or not box.m2m:
            text = f"Grant type '{grant}' not allowed for the client."
            return answer(403, {"error": "unauthorized_client", "error_description": text})
        if audience not in box.audiences:
            text = f"Service not found: {audience}"
            return answer(403, {"error": "access_denied", "error_description": text})
        lasts = self.settings["expires_in"]
        claims = {
            "iss": "https://auth.spscommerce.com/",
            "sub": f"{box.client_id}@clients",
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + lasts,
            "gty": "client-credentials",
        }
        token = jwt_like(claims, 1200)
        self.tokens[token] = (box.client_id, now + lasts)
        box.tokens_issued += 1
        return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": lasts})

    def _list(self, box: Mailbox, directory: str, request: Request) -> Response:
        """A page by offset: a file deleted between two pages shifts the next one, and one is missed (2.2)."""
        limit = _bounded(request, "limit", 1000)
        prefix = request.first("entryNamePrefix") or ""
        entries = box.entries(directory)
        if not entries:
            # The root of a mailbox without directories is empty; any other empty directory is no directory.
            return answer(200, {"results": []}) if not directory else _no_directory(directory)
        start = _offset(request.first("cursor"), directory)
        matching = [(path, kind) for path, kind in entries if path[len(directory) :].startswith(prefix)]
        results = [
            {"path": f"/{path}", "type": kind, "url": f"{request.base_url}{DATA}{quote(path)}"}
            for path, kind in matching[start : start + limit]
        ]
        following = None
        if start + limit < len(matching):
            cursor = _cursor(start + limit, directory)
            query = {"limit": limit, "cursor": cursor} | ({"entryNamePrefix": prefix} if prefix else {})
            url = f"{request.base_url}{DATA}{quote(directory)}?{urlencode(query)}"
            following = {"cursor": cursor, "url": url}
        return answer(200, {"results": results, "paging": {"limit": limit, "next": following}})

    def _download(self, box: Mailbox, name: str) -> Response:
        file = _found(box, name)
        self._log(file.record, "downloaded")
        return Response(200, file.content, OCTETS)

    def _upload(self, box: Mailbox, name: str, request: Request) -> Response:
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != OCTETS:
            return envelope(415, "unsupportedMediaType", f"The only allowed Content-Type is {OCTETS}.")
        parent = name[: name.rfind("/") + 1]
        if parent and parent not in box.directories:
            return envelope(404, "notFound", "Parent directory not found")
        self._store(box, name, request.body, request.base_url)
        meta = {k.lower(): v for k, v in request.headers.items() if k.lower().startswith("sps-meta-")}
        content = {"content": _text(request.body), "bytes": len(request.body), "meta": meta}
        box.uploads.append(self._entry(len(box.uploads) + 1, name, request.body) | content)
        return answer(201, {"path": f"/{name}", "url": f"{request.base_url}{DATA}{quote(name)}"})

    def _delete(self, box: Mailbox, name: str) -> Response:
        self._log(_found(box, name).record, "deleted")
        del box.files[name]
        return Response(204)

    def _history(self, box: Mailbox, request: Request) -> Response:
        """File states, oldest first, as they were `history_lag_seconds` ago (up to 5 minutes in life)."""
        limit, offset = _bounded(request, "limit", 100), _bounded(request, "offset", 0, least=0, most=10**9)
        seen = _utc(self.now() - self.settings["history_lag_seconds"])
        after, until = _moment(request, "after"), _moment(request, "until")
        rows = []
        for record in box.history:
            statuses = [entry for entry in record["status_log"] if entry["timestamp"] <= seen]
            if statuses and (after or "") <= statuses[0]["timestamp"] <= (until or "9"):
                rows.append({**record, "status_log": statuses})

        def page(start: int) -> dict[str, str] | None:
            if not 0 <= start < len(rows):
                return None
            given = {k: v for k, v in request.query if k in ("after", "until")}
            query = urlencode({"limit": limit, "offset": start} | given)
            return {"url": f"{request.base_url}{BASE}/history?{query}"}

        paging = {
            "limit": limit,
            "offset": offset,
            "total_count": len(rows),
            "next": page(offset + limit),
            "previous": page(max(0, offset - limit)) if offset else None,
        }
        return answer(200, {"results": rows[offset : offset + limit], "paging": paging})

    # Records

    def _store(self, box: Mailbox, name: str, content: bytes, base_url: str) -> None:
        """Put a file there. The same path overwrites without a word, as in life (2.1)."""
        leading = re.match(r"[A-Za-z]+", name.rpartition("/")[2])
        record: dict[str, Any] = {
            "id": f"00000000-0000-4000-8000-{len(box.history) + 1:012d}",
            "path": name,  # without the leading slash that listings have
            "direction": name.partition("/")[0],
            "type": leading[0] if leading else None,
            "url": f"{base_url}{DATA}{quote(name)}",
            "store_mode": "overwrite" if name in box.files else "create",
            "status_log": [],
        }
        self._log(record, "uploaded")
        box.history.append(record)
        box.files[name] = File(name, content, self.stamp(), record)

    def _log(self, record: dict[str, Any], *statuses: str) -> None:
        at = _utc(self.now())
        record["status_log"] += [{"status": status, "timestamp": at, "message": None} for status in statuses]

    def _entry(self, n: int, path: str, content: bytes) -> dict[str, Any]:
        return {"n": n, "path": path, "at": self.stamp(), "sha256": hashlib.sha256(content).hexdigest()}


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_directory(directory: str) -> Response:
    return envelope(404, "notFound", f"Directory '/{directory}' not found.")


def _bad(text: str) -> Refusal:
    return Refusal(envelope(400, "badRequest", text))


def _decoded(path: str) -> str:
    try:
        name = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise _bad("The path is not UTF-8.") from None
    if any(part in ("", ".", "..") for part in name.removesuffix("/").split("/") if name):
        raise _bad("The path has an empty or relative part.")
    return name


def _found(box: Mailbox, name: str) -> File:
    if name not in box.files:
        raise Refusal(envelope(404, "notFound", f"File '/{name}' not found."))
    return box.files[name]


def _bounded(request: Request, name: str, default: int, least: int = 1, most: int = 1000) -> int:
    given = request.first(name)
    if given is None:
        return default
    if not given.lstrip("-").isdecimal() or not least <= int(given) <= most:
        raise _bad(f"'{name}' must be between {least} and {most}.")
    return int(given)


def _moment(request: Request, name: str) -> str | None:
    """`YYYY-MM-DDTHH:mm:ss` without a zone, taken as UTC because the entries are in Z (unknown 11)."""
    given = request.first(name)
    if given is not None and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", given):
        raise _bad(f"'{name}' must be YYYY-MM-DDTHH:mm:ss.")
    return given and f"{given}Z"


def _cursor(offset: int, directory: str) -> str:
    """Opaque, with `+`, `/` and `=` in every one: who does not encode it fails at the first second page."""
    plain = b"\xfb\xff\xbf" + json.dumps([offset, directory]).encode()
    return base64.b64encode(plain + b" " * (1 - len(plain) % 3 if len(plain) % 3 < 2 else 2)).decode()


def _offset(cursor: str | None, directory: str) -> int:
    """Where a cursor points; it belongs to one directory's listing."""
    if not cursor:
        return 0
    try:
        offset, listed = json.loads(base64.b64decode(cursor, validate=True)[3:])
    except (binascii.Error, ValueError, UnicodeDecodeError, TypeError):
        raise _bad("'cursor' is invalid.") from None
    if listed != directory:
        raise _bad("'cursor' is invalid.")
    return int(offset)
