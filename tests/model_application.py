"""The container's application with a model of the tests: as a server runs it, without a socket."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from model.pipeline import Analyser, Video
from model.server import Server
from model.settings import Settings
from schemas.analysis import Analysis

_ANALYSIS = Analysis(profile="bundled", media_seconds=1.0, compute_seconds=0.1, models=(), modalities=())
#: The headers of a request whose body is a video.
VIDEO = {"content-type": "video/mp4"}


class FakeModel:
    """An analyser that notes what it was given, and holds every video until it is let go."""

    def __init__(self) -> None:
        self.given: list[bytes] = []
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.error: Exception | None = None
        self.closed = False

    def analyse(self, video: Video) -> Analysis:
        self.given.append(video.source.read_range(0, video.source.size))
        self.begun.release()
        assert self.let_go.wait(30)
        if self.error is not None:
            raise self.error
        return _ANALYSIS

    def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def running(
    load: Callable[[], Analyser], failed: Callable[[], None] = lambda: None, **settings: Any
) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """The application as a server runs it: startup before, shutdown after."""
    app = Server(Settings(profile="bundled", **settings), load, failed)
    received: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    sent: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, received.get, sent.put))
    await received.put({"type": "lifespan.startup"})
    assert (await sent.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://container") as client:
        yield app, client
    await received.put({"type": "lifespan.shutdown"})
    assert (await sent.get())["type"] == "lifespan.shutdown.complete"
    await life


async def loaded(client: httpx.AsyncClient) -> None:
    """Return when it is in service."""
    async with asyncio.timeout(30):
        for _ in itertools.count():
            if (await client.get("/ping")).status_code == 200:
                return
            await asyncio.sleep(0.005)
