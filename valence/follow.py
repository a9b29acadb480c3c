"""Following live events over connections that come and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

import httpx

from schemas.events import UploadStatusChanged
from schemas.status import TERMINAL
from valence.errors import ApiError, ServiceUnreachable, raise_for_problem
from valence.event_source import EventReader, ServerEvent
from valence.retrying import passes

#: The API sends a comment every 15 s, so a connection that is silent for longer is dead.
SILENCE_SECONDS = 40.0


class Position(Protocol):
    """Where a follower stands."""

    def headers(self) -> dict[str, str]:
        """What a reconnect sends so that nothing is missed."""

    @property
    def finished(self) -> bool:
        """Whether nothing more is expected."""


class AfterSequence:
    """An upload's stream goes on after the last sequence, and is finished once it has ended on a terminal status."""

    def __init__(self, sequence: int) -> None:
        self._sequence = sequence
        self.finished = False

    def take(self, status: UploadStatusChanged) -> None:
        """A status has come."""
        self._sequence, self.finished = status.sequence, status.status in TERMINAL

    def headers(self) -> dict[str, str]:
        """What names the last status that has come."""
        return {"Last-Event-ID": str(self._sequence)} if self._sequence else {}


class Everything:
    """An account's stream begins anew each time, and is never finished."""

    finished = False

    def headers(self) -> dict[str, str]:
        """Nothing: each connection begins with a snapshot."""
        return {}


async def follow(
    http: httpx.AsyncClient,
    path: str,
    position: Position,
    *,
    patience_seconds: float,
    deadline: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[ServerEvent, None]:
    """The events at `path`, reconnecting until `position` is finished, the API says so with 204, or `deadline` on `clock` has passed.

    A connection that breaks is made again for as long as `patience_seconds`, then ServiceUnreachable or ApiError; the first is made once.
    """
    alive_at = clock()
    connected = False
    while deadline is None or clock() < deadline:
        silence = SILENCE_SECONDS if deadline is None else max(0.05, min(SILENCE_SECONDS, deadline - clock()))
        timeout = httpx.Timeout(10.0, read=silence)
        reader = EventReader()
        try:
            async with http.stream("GET", path, headers={"Accept": "text/event-stream", **position.headers()}, timeout=timeout) as response:
                if response.status_code == 204:
                    return
                if response.status_code >= 400:
                    await response.aread()
                raise_for_problem(response)
                connected = True
                async with aclosing(response.aiter_raw()) as arriving:  # type: ignore[type-var]  # httpx calls its generator an iterator
                    async for received in arriving:
                        alive_at = clock()
                        for event in reader.feed(received):
                            yield event
                        if deadline is not None and clock() >= deadline:
                            return
            if position.finished:
                return
            pause = reader.retry_seconds
        except httpx.TransportError as error:
            if position.finished or (deadline is not None and clock() >= deadline):
                return
            if not connected or clock() - alive_at > patience_seconds:
                raise ServiceUnreachable(str(http.base_url), error) from error
            pause = reader.retry_seconds
        except ApiError as error:
            if not passes(error) or clock() - alive_at > patience_seconds:
                raise
            pause = error.retry_after or reader.retry_seconds
        await sleep(pause)
