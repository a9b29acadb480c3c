"""Server-sent events as an ASGI response of our own: heartbeats, a bounded life, and no patience with readers that do not read.

What a subscriber is promised
- a comment line every 15 s of silence, and a fresh connection at least every 10 minutes (less up to a tenth, so that not all come at once);
- whoever does not take what is sent within 5 s, or lets 64 events wait, is disconnected, never skipped.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from uuid import UUID

from litestar.types import Receive, Scope, Send

from api.principal import Principal
from api.status_hub import Closed, StatusHub, Subscription
from runtime import metrics
from runtime.errors import DependencyUnavailable
from schemas.events import UploadStatusChanged

HEARTBEAT_SECONDS = 15.0
LIFETIME_SECONDS = 600.0
SEND_SECONDS = 5.0
#: What is sent in a silence, so that both sides notice a dead connection.
HEARTBEAT = b":\n\n"
_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]

log = logging.getLogger(__name__)

#: Frames for a subscription, made from its live events, which come as the iterator given; None stands for a silence.
Frames = Callable[[AsyncIterator[UploadStatusChanged | None]], AsyncIterator[bytes]]


def frame(event: str, data: bytes, event_id: int | None = None) -> bytes:
    """One server-sent event; `data` is JSON on one line."""
    head = b"" if event_id is None else b"id: %d\n" % event_id
    return b"%sevent: %s\ndata: %s\n\n" % (head, event.encode(), data)


class EventStream:
    """The response for one subscription: what `frames` makes of its events, until one side ends it."""

    def __init__(
        self,
        hub: StatusHub,
        frames: Frames,
        principal: Principal,
        upload_id: UUID | None = None,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        lifetime_seconds: float = LIFETIME_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._hub, self._frames = hub, frames
        self._principal, self._upload_id = principal, upload_id
        self._heartbeat_seconds = heartbeat_seconds
        self._lifetime_seconds = lifetime_seconds * random.uniform(0.9, 1.0)
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Subscribe, which may be refused with a problem, and send until the end."""
        subscription = self._hub.subscribe(self._principal, self._upload_id)
        departure = asyncio.create_task(_notice_departure(receive, subscription))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            reason = await self._send_frames(subscription, send)
            metrics.SSE_DISCONNECTS.labels(reason).inc()
            await self._send(send, b"", more=False)
        except TimeoutError:  # the response stays unfinished, so the server drops the connection
            metrics.SSE_DISCONNECTS.labels("stalled").inc()
        finally:
            departure.cancel()
            self._hub.unsubscribe(subscription)

    async def _send_frames(self, subscription: Subscription, send: Send) -> str:
        try:
            await self._send(send, b"retry: %d\n\n" % random.randint(1_000, 4_000))
            async for data in self._frames(self._events(subscription)):
                await self._send(send, data)
        except Closed as closed:
            return str(closed)
        except DependencyUnavailable as error:  # the status line is sent, so ending is all that is left; the client comes back
            log.warning("a stream ends early", extra={"cause": str(error)})
            return "dependency"
        return "finished"

    async def _events(self, subscription: Subscription) -> AsyncIterator[UploadStatusChanged | None]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._lifetime_seconds
        while (left := end - loop.time()) > 0:
            yield await subscription.next(min(self._heartbeat_seconds, left))
        raise Closed("lifetime")

    async def _send(self, send: Send, data: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._send_seconds):
            await send({"type": "http.response.body", "body": data, "more_body": more})


async def _notice_departure(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.close("gone")
