"""Connections that do not get on: uvicorn alone would wait for ever for the rest of a request's first lines, or of an answered body."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """A connection that is closed when it has sent no whole request line with headers within `HEADER_SECONDS` of its beginning, nor, where
    its request was answered before the body had come, the rest of that.

    Between requests uvicorn's own, shorter limit holds until the first byte of the next one comes; from then on this one does.
    """

    HEADER_SECONDS = 20.0
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)
        # asyncio's transport holds a method of itself: one that is closed would wait for the collector, which has seldom reason to look
        # where thousands of streams are open. Nothing reads from it any more.
        self.transport._read_ready_cb = None  # type: ignore[attr-defined]  # of CPython's own transports

    def _watch(self) -> None:
        answered = self.cycle is not None and self.cycle.response_complete
        if self.conn.their_state is not h11.IDLE and not answered:
            self._forget()
        elif self._limit is None:
            self._limit = self.loop.call_later(self.HEADER_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
