"""`python -m benchmarks.many_streams`: thousands of open streams in a process of its own, as cheap as a reader can be.

The first line on standard input is the configuration, and every further line a command; each command is answered by a line of JSON:
`open` when every stream has its snapshot, `reopen N` when N of them were closed and opened again, `take N` once about N events have come
or a second has passed, with the milliseconds from `occurred_at` of each event to its bytes here, since the last time.
"""

from __future__ import annotations

import asyncio
import json
import re
import selectors
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

#: Connections that are being made at the same time: browsers do not come all within one instant either.
_AT_ONCE = 32
_OCCURRED_AT = re.compile(rb'event: status\ndata: [^\n]*"occurred_at":"([^"]+)"')
_STREAM = b"HTTP/1.1 200 "
_TAKE_SECONDS = 1.0
#: How long a look at the connections waits for more to come, which the times that are measured include.
_PAUSE_SECONDS = 0.001
_SNAPSHOT = b"event: snapshot\n"


class _Stream(asyncio.Protocol):
    """One subscriber: it notes what came when, which is read later, since the reader's own work would make the others' events late."""

    def __init__(self, request: bytes, arrivals: _Arrivals) -> None:
        self._request, self._arrivals = request, arrivals
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
        self._arrivals.add(self, now, data)

    def late(self, now: float, data: bytes) -> Iterator[float]:
        """The milliseconds from its time to `now` of each event that `data` completes."""
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for event in whole:
            if found := _OCCURRED_AT.search(event):
                yield 1_000 * (now - datetime.fromisoformat(found[1].decode()).timestamp())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.begun.done():
            self.begun.set_exception(ConnectionError(f"no stream was opened: {self._head[:300]!r} {exc or ''}"))


class _Arrivals:
    """What came over all streams, until it is taken."""

    def __init__(self) -> None:
        self._came: list[tuple[_Stream, float, bytes]] = []
        self._wanted = 0
        self._enough = asyncio.Event()

    def add(self, stream: _Stream, now: float, data: bytes) -> None:
        self._came.append((stream, now, data))
        if len(self._came) == self._wanted:
            self._enough.set()

    async def take(self, wanted: int) -> list[float]:
        self._wanted = wanted
        self._enough.clear()
        if len(self._came) < wanted:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), _TAKE_SECONDS)
        taken = [late for stream, now, data in self._came for late in stream.late(now, data)]
        self._came.clear()
        return taken


class _Streams:
    def __init__(self, address: str, keys: Sequence[str], streams_a_key: int) -> None:
        where = urlsplit(address)
        self._host, self._port = where.hostname or "", where.port or 80
        self._requests = [
            f"GET /v1/events HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            for _ in range(streams_a_key)
            for key in keys
        ]
        self._arrivals = _Arrivals()
        self._open: list[_Stream | None] = [None] * len(self._requests)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def open(self) -> int:
        await asyncio.gather(*(self._open_one(place) for place in range(len(self._requests))))
        return len(self._open)

    async def reopen(self, count: int) -> int:
        await asyncio.gather(*(self._open_one(number % len(self._open)) for number in range(count)))
        return count

    async def take(self, wanted: int) -> list[float]:
        return await self._arrivals.take(wanted)

    async def _open_one(self, place: int) -> None:
        async with self._places:
            if (before := self._open[place]) is not None:
                before.transport.close()
            loop = asyncio.get_running_loop()
            _, self._open[place] = stream = await loop.create_connection(
                lambda: _Stream(self._requests[place], self._arrivals), self._host, self._port
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


class _Unhurried(selectors.DefaultSelector):
    """Looks once in a millisecond: waking a sleeping reader for each event costs the one who sends, which readers elsewhere do not."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout)
        if not found:
            return found
        time.sleep(_PAUSE_SECONDS)
        return super().select(0)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Unhurried())) as runner:
        runner.run(_work())
