"""Who may ask: every route below `/v1` needs an API key, and a key that has the route's scope."""

from __future__ import annotations

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Guard, Receive, Scope, Send

from api import accounts
from api.problems import MissingKey, MissingScope
from runtime.database import Database


class Authentication:
    """ASGI middleware that finds out whose key a request carries, before anything of its body is read."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise MissingKey(
                "send the header `Authorization: Bearer val_live_...` with a key from `valence keys create`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        scope["user"] = await accounts.authenticate(self._database, key.strip())
        await self._app(scope, receive, send)


def requires(scope: accounts.Scope) -> Guard:
    """A guard that lets only keys with this scope pass."""

    def guard(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]  # Litestar's own alias
        principal: accounts.Principal = connection.user
        if scope.value not in principal.scopes:
            held = ", ".join(sorted(principal.scopes)) or "nothing"
            raise MissingScope(f"the key {principal.key_id} may do {held}: this needs a key with the scope {scope.value}")

    return guard
