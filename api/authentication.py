"""Finds out who asks, by key or by cookie, before anything of the request's body is read."""

from __future__ import annotations

from datetime import timedelta

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api import accounts, cookies, tokens
from api.principal import Principal
from api.problems import CrossSite, MissingKey, SessionEnded
from api.rate_limits import RateLimits
from runtime.database import Database
from runtime.settings import Settings

#: The header by which a page shows that it is ours: a browser sends it to another site only if that site agrees, and we never do.
OWN_REQUEST = b"valence-request"
#: The `opt` of a route that asks nobody who they are.
FOR_EVERYBODY = {"for_everybody": True}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_EVERYTHING = frozenset(scope.value for scope in accounts.Scope)


class Authentication:
    """ASGI middleware before every route below `/v1` that is not for everybody. A wrong key is not helped by a cookie."""

    def __init__(self, app: ASGIApp, database: Database, settings: Settings, limits: RateLimits) -> None:
        self._app = app
        self._database = database
        self._limits = limits
        self._public_url = settings.api.public_url
        self._idle = timedelta(seconds=settings.accounts.session_idle_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["route_handler"].opt.get("for_everybody"):
            await self._app(scope, receive, send)
            return
        scope["user"] = principal = await self._authenticate(scope)
        limits = await self._limits.take(principal.account_id)

        async def limited(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *limits]
            await send(message)

        await self._app(scope, receive, limited)

    async def _authenticate(self, scope: Scope) -> Principal:
        header = dict(scope["headers"]).get(b"authorization")
        if header is not None:
            kind, _, key = header.decode("latin-1").partition(" ")
            if kind.lower() == "bearer" and key.strip():
                return await accounts.authenticate(self._database, key.strip())
        elif (token := cookies.session_token(scope, self._public_url)) is not None:
            principal = await self._of_session(token)
            _refuse_cross_site(scope)  # type: ignore[arg-type]  # there are no web sockets
            return principal
        raise MissingKey(
            "sign in, or send the header `Authorization: Bearer val_live_...` with a key of the account",
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def _of_session(self, token: str) -> Principal:
        found = await self._database.rows("session_by_token", token_sha256=tokens.digest(token), idle=self._idle)
        if not found:
            raise SessionEnded("the session has ended: sign in again")
        session = found[0]
        if session["use_is_news"]:
            await self._database.rows("touch_session", id=session["id"])
        return Principal(session["account_id"], None, _EVERYTHING, session["id"])


def _refuse_cross_site(scope: HTTPScope) -> None:
    """A cookie comes along whoever makes the browser ask, so what changes something must show that our own page asks."""
    headers = dict(scope["headers"])
    if scope["method"] in _READING or OWN_REQUEST in headers or headers.get(b"sec-fetch-site") == b"same-origin":
        return
    raise CrossSite("with a cookie, a request that changes something needs the header `Valence-Request: 1`, or a key instead of the cookie")
