"""A line between a client and a server that counts what it carries and stands still when a test says so."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class SlowLine:
    """Carries TCP connections to a port of loopback. `carried` counts the bytes towards the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._most: int | None = None
        self._words: bytes | None = None
        self._times = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.carried = 0
        self.stands = False

    def stop_after(self, count: int) -> None:
        """Carry so many bytes more towards the server, and then none."""
        self._most = self.carried + count

    def stop_at(self, words: bytes, times: int) -> None:
        """Carry nothing towards the server from a piece on with these words, when as many have come."""
        self._words, self._times = words, times

    def go(self) -> None:
        """Carry everything again, on new connections."""
        self._most, self._words, self.stands = None, None, False
        for task in self._tasks:
            task.cancel()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        ways = {asyncio.create_task(self._carry(reader, back, counted=True)), asyncio.create_task(self._carry(there, writer))}
        self._tasks |= ways
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._tasks -= ways
            for end in (writer, back):
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False) -> None:
        while piece := await reader.read(65_536):
            if counted:
                if self._words is not None and self._words in piece:
                    self._times -= 1
                full = self._most is not None and self.carried + len(piece) > self._most
                if full or (self._words is not None and self._times <= 0):
                    self.stands = True
                    await asyncio.Event().wait()
                self.carried += len(piece)
            writer.write(piece)
            await writer.drain()
