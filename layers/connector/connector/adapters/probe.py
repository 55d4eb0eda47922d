"""Is a vendor's address there at all: its name, its port, its certificate. Nothing is sent."""

from __future__ import annotations

import os
import socket
import ssl
from urllib.parse import urlsplit

from connector import errors

SECONDS = 5.0


def resolve(url: str) -> str:
    """The name looked up; Unreachable where nobody knows it."""
    host = urlsplit(url).hostname or ""
    if _proxied(url):
        return f"{host}, through this machine's proxy"
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise errors.Unreachable(
            f"nobody knows the name {host}", fix="check the address in the connection's settings"
        ) from None
    count = len({one[4][0] for one in found})
    return f"{host} has {count} address{'' if count == 1 else 'es'}"


def handshake(url: str) -> str:
    """A TLS connection made and closed; Unreachable says at which point it failed."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    if _proxied(url):
        return "left to the proxy"
    try:
        with socket.create_connection((host, parts.port or (443 if secure else 80)), SECONDS) as plain:
            if not secure:
                return "no TLS: a simulator on this machine"
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as wrapped:
                return f"{wrapped.version()}, certificate good until {(wrapped.getpeercert() or {}).get('notAfter')}"
    except ssl.SSLError as error:
        raise errors.Unreachable(
            f"no secure connection: {error.reason or 'TLS failed'}",
            fix="check this machine's clock and certificates",
        ) from None
    except OSError:
        raise errors.Unreachable(
            "the address does not answer", fix="check that this network may reach it"
        ) from None


def _proxied(url: str) -> bool:
    scheme = urlsplit(url).scheme
    return any(os.environ.get(name) for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"))
