"""The session's cookie: `__Host-session`, which no other host can set; over plain http on loopback, and only there, `session`."""

from __future__ import annotations

import ipaddress

from litestar.datastructures import Cookie
from litestar.types import Scope

SECURE_NAME, LOOPBACK_NAME = "__Host-session", "session"


def session_token(scope: Scope, public_url: str) -> str | None:
    """The token that a request's cookie carries; None without one. Of several the first counts, as in RFC 6265."""
    name = cookie_name(scope, public_url)
    for header, value in scope["headers"]:
        if header != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            found, _, token = pair.strip().partition("=")
            if found == name:
                return token
    return None


def session_cookie(scope: Scope, public_url: str, token: str, seconds: int) -> Cookie:
    """The cookie that signs a browser in; with `seconds` 0, the one that signs it out."""
    name = cookie_name(scope, public_url)
    return Cookie(name, value=token, httponly=True, samesite="lax", secure=name == SECURE_NAME, max_age=seconds)


def cookie_name(scope: Scope, public_url: str) -> str:
    """Secure, unless the API's public address is no https, and both ends of the connection are on this machine and speak plain http."""
    if public_url.startswith("https:") or scope["scheme"] != "http":
        return SECURE_NAME
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    client = scope.get("client")
    return LOOPBACK_NAME if client and _is_loopback(client[0]) and _is_loopback(_without_port(host)) else SECURE_NAME


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
