"""A server that is slow to answer: a TCP proxy that holds back each request on its way to the real one."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from local.ports import HOST


class DelayProxy:
    """Listens on a loopback port and passes everything on to `target`; what starts a request waits `seconds` first.

    A request is what a client says after the server has spoken, so a large body is held back once and not piece by piece. Use it as
    `async with`; `target` may be set later than that.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        #: An http address.
        self.target = ""
        self._server: asyncio.Server
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> DelayProxy:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._connect(reader, writer)
        except ConnectionError:
            pass  # one side went away: the other is told by the end of its connection
        finally:
            self._connections.discard(task)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.target)
        from_server, to_server = await asyncio.open_connection(address.hostname, address.port)
        fresh = asyncio.Event()
        fresh.set()

        async def ask() -> None:
            while data := await reader.read(65_536):
                if fresh.is_set():
                    fresh.clear()
                    await asyncio.sleep(self.seconds)
                to_server.write(data)
                await to_server.drain()

        async def answer() -> None:
            while data := await from_server.read(65_536):
                fresh.set()
                writer.write(data)
                await writer.drain()

        sides = [asyncio.create_task(ask()), asyncio.create_task(answer())]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            to_server.close()
        await asyncio.gather(*sides, return_exceptions=True)
