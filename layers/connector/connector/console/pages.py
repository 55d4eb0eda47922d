"""The console's static files: a page without data, the same for everybody, from one origin and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from connector.answers import gzipped, http_answer, takes_gzip

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class Pages:
    """Serves the files of one folder by their exact names.

    `login_url` is where people sign in and where the page fetches its tokens: the only foreign address that
    the content security policy lets it talk to.
    """

    def __init__(self, folder: str, *, login_url: str, client_id: str) -> None:
        self._folder = Path(folder)
        self._config = {"login": login_url, "client": client_id}
        self._policy = "; ".join(
            [
                "default-src 'self'",
                f"connect-src 'self' {login_url}".rstrip(),
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            ]
        )

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The file that the path names; 304 where the browser has it, the page itself for `/`.

        The page asks for its files below `v/<version>/`, and the modules for each other beside themselves: a
        browser keeps all of a version, and a deployment shows at once.
        """
        path = str(event.get("rawPath") or "/").lstrip("/") or "index.html"
        version = f"v/{_version(self._folder)}/"
        lasting = path.startswith(version)
        path = re.sub(r"^v/[0-9a-f]{12}/", "", path)
        if path == "config.json":
            return self._with_policy(http_answer(200, self._config))
        found = _file(self._folder, path)
        if found is None:
            return self._with_policy(http_answer(404, {"error": "no such page", "code": "no_such_page"}))
        packed, tag = found
        given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        headers = {
            "content-type": _TYPES[Path(path).suffix],
            "cache-control": "public, max-age=31536000, immutable" if lasting else "no-cache",
            "etag": tag,
            "vary": "accept-encoding",
        }
        if tag in given.get("if-none-match", ""):
            return self._with_policy(http_answer(304, None, headers))
        answer = http_answer(200, None, headers)
        if takes_gzip(event):
            answer = gzipped(answer, packed)
        else:
            answer["body"] = gzip.decompress(packed).decode()
        return self._with_policy(answer)

    def _with_policy(self, answer: dict[str, Any]) -> dict[str, Any]:
        answer["headers"]["content-security-policy"] = self._policy
        return answer


@lru_cache(maxsize=100)
def _listed(folder: Path) -> Mapping[str, Path]:
    """What may be served, by name: looked up, never joined from a request's text."""
    files = (file for file in folder.rglob("*") if file.suffix in _TYPES and file.is_file())
    return {file.relative_to(folder).as_posix(): file for file in files}


@lru_cache(maxsize=100)
def _file(folder: Path, name: str) -> tuple[bytes, str] | None:
    """The file compressed, and its tag; None where the folder has none of that name."""
    file = _listed(folder).get(name)
    if file is None:
        return None
    body = file.read_bytes()
    if name == "index.html":
        version = f"v/{_version(folder)}/".encode()
        body = body.replace(b'src="js/', b'src="' + version + b"js/").replace(
            b'href="style', b'href="' + version + b"style"
        )
    return gzip.compress(body, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:20]}"'


@lru_cache(maxsize=10)
def _version(folder: Path) -> str:
    """Twelve letters that change with any file."""
    digest = hashlib.sha256()
    for name, file in sorted(_listed(folder).items()):
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
