"""Connections that do not get on, before a real server of no application."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
import uvicorn

from api.connections import Connection
from tests.waiting import until


class Impatient(Connection):
    """One whose limit comes at once."""

    HEADER_SECONDS = 0.25
    transports: ClassVar[list[weakref.ref[asyncio.Transport]]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        self.transports.append(weakref.ref(transport))
        super().connection_made(transport)


async def later(seconds: float) -> None:
    """Let the limits' timers ring that are due within so many seconds."""
    timer = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, timer.set_result, None)
    await timer


async def answers(scope: Any, receive: Any, send: Any) -> None:
    """Take a body of any length, which may take its time, and answer, which may take longer than headers may."""
    while scope["path"] != "/refused" and (await receive()).get("more_body"):
        pass
    if scope["path"] == "/slow":
        await later(Impatient.HEADER_SECONDS * 2)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server, which closes what does not get on."""
    config = uvicorn.Config(answers, http=Impatient, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Impatient(config, state, {}), "127.0.0.1", 0)
    async with server, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()
        await until(lambda: not state.connections, "the server has closed its end")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["nothing", "line", "headers"])
async def test_whoever_does_not_get_on_with_a_request_is_disconnected(sent: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(sent)
        assert await reader.read() == b""


async def test_a_second_request_that_does_not_get_on_is_given_up_too() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.write(b"GET / HT")
        assert await reader.read() == b""


@pytest.mark.parametrize("piece", [b"x" * 1_000, b"\r\nX: " + b"x" * 994], ids=["one", "many"])
@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "]
)
async def test_headers_without_an_end_are_refused(head: bytes, piece: bytes) -> None:
    """Before a body or, of one in chunks, behind it."""
    async with connected() as (reader, writer):
        writer.write(head + piece * 100)
        assert (await reader.read()).startswith(b"HTTP/1.1 400")


async def test_requests_that_come_faster_than_answers_wait_outside() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100_000)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        transport = Impatient.transports[-1]()
        assert transport is not None
        connection = transport.get_protocol()
        assert isinstance(connection, Connection)
        assert len(connection.conn.trailing_data[0]) < 1024**2


async def test_an_answered_request_whose_body_does_not_get_on_is_given_up() -> None:
    async with connected() as (reader, writer):
        writer.write(b"PUT /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.write(b"x")
        assert await reader.read() == b""


async def test_an_answer_may_take_longer_than_the_headers() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")


async def test_of_two_requests_at_once_both_are_answered_in_their_order() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.write(b"GET / HT")
        assert await reader.read() == b""


async def test_a_body_may_take_longer_than_the_headers() -> None:
    async with connected() as (reader, writer):
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx")
        await later(Impatient.HEADER_SECONDS * 2)
        writer.write(b"x")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")


async def test_a_closed_connection_leaves_nothing_that_waits_for_the_collector() -> None:
    gc.disable()
    try:
        async with connected() as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
            closed = Impatient.transports[-1]
            assert closed() is not None
            writer.close()
            await until(lambda: closed() is None, "the server's end of the connection is gone")
    finally:
        gc.enable()
