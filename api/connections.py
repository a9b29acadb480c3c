"""Connections that do not get on, or send headers without an end: uvicorn alone would wait for ever, and keep all of it."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Connection(HttpToolsProtocol):
    """A connection that must have sent a request line and headers within `HEADER_SECONDS` and `HEADER_BYTES`, or is closed.

    Between requests uvicorn's own, shorter limit of time holds until the first byte of the next one comes; from then on this one does.
    """

    HEADER_SECONDS = 20.0
    HEADER_BYTES = 64 * 1024
    _limit: asyncio.TimerHandle | None = None
    #: Bytes that have come since the last whole headers; None while they are whole, and a body may follow.
    _head: int | None = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > self.HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response(f"Headers of more than {self.HEADER_BYTES} bytes are not taken.")
        self._watch()

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)
        # asyncio's transport holds a method of itself: one that is closed would wait for the collector, which has seldom reason to look
        # where thousands of streams are open. Nothing reads from it any more.
        self.transport._read_ready_cb = None  # type: ignore[attr-defined]  # of CPython's own transports

    def _watch(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._head is None or answering:
            self._forget()
        elif self._limit is None:
            self._limit = self.loop.call_later(self.HEADER_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
