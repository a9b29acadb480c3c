"""Who may ask: what a route wants of whoever has come past the authentication."""

from __future__ import annotations

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from api import accounts
from api.principal import Principal
from api.problems import CrossSite, MissingScope, SessionNeeded


def requires(scope: accounts.Scope) -> Guard:
    """A guard that lets sessions pass, and keys with this scope."""

    def guard(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]  # Litestar's own alias
        principal: Principal = connection.user
        if scope.value not in principal.scopes:
            held = ", ".join(sorted(principal.scopes)) or "nothing"
            raise MissingScope(f"the key {principal.key_id} may do {held}: this needs a key with the scope {scope.value}")

    return guard


def session_only(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]  # Litestar's own alias
    """A guard that lets no key pass, whatever its scopes: what it protects is for people."""
    if connection.user.session_id is None:
        raise SessionNeeded("no key may do this: sign in with `POST /v1/session` and send the cookie")


def same_site(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]  # Litestar's own alias
    """A guard for what needs no proof of who asks: a page of another site shall not sign its visitors in, or up."""
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise CrossSite("the browser says that a page of another site sends this: open the page of Valence itself")
