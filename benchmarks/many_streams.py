"""`python -m benchmarks.many_streams`: thousands of open streams in a process of its own, as cheap as a reader can be.

The first line on standard input is the configuration, and every further line a command; each command is answered by a line of JSON:
`open` when every stream has its snapshot, `reopen N` when N of them were closed and opened again, `take` with the milliseconds from
`occurred_at` of each event to its bytes here, since the last time.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

#: Connections that are being made at the same time: browsers do not come all within one instant either.
_AT_ONCE = 32
_OCCURRED_AT = re.compile(rb'event: status\ndata: [^\n]*"occurred_at":"([^"]+)"')
_STREAM = b"HTTP/1.1 200 "
_SNAPSHOT = b"event: snapshot\n"


class _Stream(asyncio.Protocol):
    """One subscriber: it reads times out of events and keeps nothing else."""

    def __init__(self, request: bytes, late: list[float]) -> None:
        self._request, self._late = request, late
        self._head = b""
        self._rest = b""
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.begun.done():
            self._head += data
            if not _STREAM.startswith(self._head[: len(_STREAM)]):
                self.transport.close()
            elif _SNAPSHOT in self._head and self._head.endswith(b"\n\n\r\n"):
                self.begun.set_result(None)
                self._head = b""
            return
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for event in whole:
            if found := _OCCURRED_AT.search(event):
                self._late.append(1_000 * (now - datetime.fromisoformat(found[1].decode()).timestamp()))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.begun.done():
            self.begun.set_exception(ConnectionError(f"no stream was opened: {self._head[:300]!r} {exc or ''}"))


class _Streams:
    def __init__(self, address: str, keys: Sequence[str], streams_a_key: int) -> None:
        where = urlsplit(address)
        self._host, self._port = where.hostname or "", where.port or 80
        self._requests = [
            f"GET /v1/events HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            for _ in range(streams_a_key)
            for key in keys
        ]
        self._late: list[float] = []
        self._open: list[_Stream | None] = [None] * len(self._requests)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def open(self) -> int:
        await asyncio.gather(*(self._open_one(place) for place in range(len(self._requests))))
        return len(self._open)

    async def reopen(self, count: int) -> int:
        await asyncio.gather(*(self._open_one(number % len(self._open)) for number in range(count)))
        return count

    async def take(self) -> list[float]:
        taken = self._late[:]
        self._late.clear()
        return taken

    async def _open_one(self, place: int) -> None:
        async with self._places:
            if (before := self._open[place]) is not None:
                before.transport.close()
            loop = asyncio.get_running_loop()
            _, self._open[place] = stream = await loop.create_connection(
                lambda: _Stream(self._requests[place], self._late), self._host, self._port
            )
            await stream[1].begun


async def _work() -> None:
    read = asyncio.get_running_loop().run_in_executor
    configuration: dict[str, Any] = json.loads(await read(None, sys.stdin.readline))
    streams = _Streams(**configuration)
    commands: dict[str, Callable[..., Any]] = {"open": streams.open, "reopen": streams.reopen, "take": streams.take}
    while line := await read(None, sys.stdin.readline):
        name, *numbers = line.split()
        print(json.dumps(await commands[name](*map(int, numbers))), flush=True)


if __name__ == "__main__":
    asyncio.run(_work())
