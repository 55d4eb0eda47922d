"""One HTTP request, one response, and the way a handler refuses."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; `target` is still percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def first(self, name: str, default: str | None = None) -> str | None:
        return next((value for key, value in self.query if key == name), default)

    @property
    def base_url(self) -> str:
        """The address the caller used: a client may compare hosts before it follows a link."""
        return f"http://{self.headers.get('Host', '127.0.0.1')}"

    @property
    def bearer(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def fields(self) -> dict[str, str]:
        """The body as JSON or form fields, for both vendors' token endpoints take both; empty if neither."""
        if "json" in self.headers.get("Content-Type", ""):
            found = self.json()
            return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; None where it cannot be read."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self, *, length: int | None = None, close: bool = False) -> bytes:
        """The response as bytes. `length` is what Content-Length claims, for replies that break off."""
        reason = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}", f"Date: {formatdate(usegmt=True)}"]
        if self.body or length:
            lines.append(f"Content-Type: {self.content_type}")
        if self.status != 204:
            lines.append(f"Content-Length: {len(self.body) if length is None else length}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if close:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


class Refusal(Exception):
    """Raised anywhere in a handler to answer with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


def answer(status: int, content: Any, **headers: str) -> Response:
    """A JSON response; underscores in a header's name become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(content).encode(), headers=named)


def html(status: int, title: str) -> Response:
    """What a proxy in front of the vendor says: a page, never JSON."""
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return Response(status, page.encode(), "text/html")


def jwt_like(claims: Mapping[str, Any], size: int) -> str:
    """A token of about `size` characters that looks like a JWT: columns that are too short show early."""

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    head = part(b'{"alg":"RS256","typ":"JWT","kid":"simulated"}')
    signature = secrets.token_urlsafe(256)
    body = json.dumps({**claims, "jti": secrets.token_hex(16)})
    padding = max(0, (size - len(head) - len(signature)) * 3 // 4 - len(body) - 12)
    padded = body[:-1] + ', "pad": "' + "x" * padding + '"}'
    return f"{head}.{part(padded.encode())}.{signature}"
