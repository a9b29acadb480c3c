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
from enum import Enum, auto
from typing import Self
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
#: How often a stream that has something in work looks whether there is news of its progress.
LOOK_SECONDS = 2.0
#: What is sent in a silence, so that both sides notice a dead connection.
HEARTBEAT = b":\n\n"
_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]

log = logging.getLogger(__name__)


class Moment(Enum):
    """What comes between events: a silence that a comment must fill, or the time to look for news of what is in work."""

    SILENCE = auto()
    LOOK = auto()


class LiveEvents:
    """A subscription's events, and the moments between them, until the subscription has ended or is too old, which raises Closed."""

    def __init__(self, subscription: Subscription, heartbeat_seconds: float, lifetime_seconds: float, look_seconds: float) -> None:
        self._subscription = subscription
        self._heartbeat_seconds, self._look_seconds = heartbeat_seconds, look_seconds
        self._time = asyncio.get_running_loop().time
        self._spoke = self._looked = self._time()
        self._end = self._spoke + lifetime_seconds
        #: Whether moments to look come: a stream without anything in work is left asleep.
        self.looking = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> UploadStatusChanged | Moment:
        quiet, look = self._spoke + self._heartbeat_seconds, self._looked + self._look_seconds
        due = min(quiet, self._end, look) if self.looking else min(quiet, self._end)
        if (event := await self._subscription.next(due)) is not None:
            self._spoke = self._time()
            return event
        if due == self._end:
            raise Closed("lifetime")
        if due == quiet:
            self._spoke = self._time()
            return Moment.SILENCE
        self._looked = self._time()
        return Moment.LOOK


#: Frames for a subscription, made from its live events.
Frames = Callable[[LiveEvents], AsyncIterator[bytes]]


def frame(event: str, data: bytes, event_id: int | None = None) -> bytes:
    """One server-sent event; `data` is JSON on one line."""
    head = b"" if event_id is None else b"id: %d\n" % event_id
    return b"%sevent: %s\ndata: %s\n\n" % (head, event.encode(), data)


class _Patience:
    """How long one send may take, over all sends of a stream: a timeout for each would cost more than most sends do."""

    def __init__(self, timeout: asyncio.Timeout, seconds: float) -> None:
        self._timeout, self._seconds = timeout, seconds
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(self._since + self._seconds, self._look)

    def __exit__(self, *_: object) -> None:
        self._since = None

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        due = self._since + self._seconds
        if self._loop.time() >= due:
            self._timeout.reschedule(due)
        else:
            self._timer = self._loop.call_at(due, self._look)


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
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._hub, self._frames = hub, frames
        self._principal, self._upload_id = principal, upload_id
        self._heartbeat_seconds = heartbeat_seconds
        self._lifetime_seconds = lifetime_seconds * random.uniform(0.9, 1.0)
        self._send_seconds = send_seconds
        self._look_seconds = look_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Subscribe, which may be refused with a problem, and send until the end."""
        subscription = self._hub.subscribe(self._principal, self._upload_id)
        departure = asyncio.create_task(_notice_departure(receive, subscription))
        try:
            async with asyncio.timeout(None) as timeout:
                patience = _Patience(timeout, self._send_seconds)
                try:
                    # A task of its own: an event would have to pass through every layer around this response to wake it.
                    await asyncio.create_task(self._send_all(subscription, send, patience))
                finally:
                    patience.end()
        except TimeoutError:  # the response stays unfinished, so the server drops the connection
            metrics.SSE_DISCONNECTS.labels("stalled").inc()
        finally:
            departure.cancel()
            self._hub.unsubscribe(subscription)

    async def _send_all(self, subscription: Subscription, send: Send, patience: _Patience) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        reason = await self._send_frames(subscription, send, patience)
        metrics.SSE_DISCONNECTS.labels(reason).inc()
        await _send(send, patience, b"", more=False)

    async def _send_frames(self, subscription: Subscription, send: Send, patience: _Patience) -> str:
        try:
            await _send(send, patience, b"retry: %d\n\n" % random.randint(1_000, 4_000))
            live = LiveEvents(subscription, self._heartbeat_seconds, self._lifetime_seconds, self._look_seconds)
            async for data in self._frames(live):
                await _send(send, patience, data)
        except Closed as closed:
            return str(closed)
        except DependencyUnavailable as error:  # the status line is sent, so ending is all that is left; the client comes back
            log.warning("a stream ends early", extra={"cause": str(error)})
            return "dependency"
        return "finished"


async def _send(send: Send, patience: _Patience, data: bytes, *, more: bool = True) -> None:
    with patience:
        await send({"type": "http.response.body", "body": data, "more_body": more})


async def _notice_departure(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.close("gone")
