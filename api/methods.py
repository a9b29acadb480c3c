"""HEAD wherever GET is, OPTIONS wherever anything is, and an Allow that names them: the routes themselves know none of that."""

from __future__ import annotations

import asyncio
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPDisconnectEvent, HTTPScope, Message, Receive, Scope, Send

_ALLOW = b"allow"
#: A method that no route takes: the answer to it names those that are taken.
_UNTAKEN: Final = "TRACE"


class Methods:
    """ASGI wrapper: a HEAD is answered as the GET would be, without the body, where a stream ends before it begins; an OPTIONS by the
    methods of the address, whoever asks. Litestar's own OPTIONS names those of the route that was registered first."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._head(scope, send)
        elif scope["method"] == "OPTIONS":
            await self._options(scope, receive, send)
        else:
            await self.app(scope, receive, _allowing(send))

    async def _head(self, scope: HTTPScope, send: Send) -> None:
        answered = asyncio.Event()

        async def gone() -> HTTPDisconnectEvent:
            await answered.wait()
            return {"type": "http.disconnect"}

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not answered.is_set():
                answered.set()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        scope["method"] = "GET"
        await self.app(scope, gone, _allowing(bodiless))

    async def _options(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        told = False

        async def without_content(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start" and message["status"] == 405:
                told = True
                message["status"] = 204
                message["headers"] = [header for header in message["headers"] if header[0].lower() == _ALLOW]
            elif told and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        scope["method"] = _UNTAKEN
        await self.app(scope, receive, _allowing(without_content))


def _allowing(send: Send) -> Send:
    async def allowing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [_with_head(name, value) for name, value in message["headers"]]
        await send(message)

    return allowing


def _with_head(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() != _ALLOW:
        return name, value
    methods = {method.strip() for method in value.decode("latin-1").split(",")} | {"OPTIONS"}
    return name, ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()))).encode()
