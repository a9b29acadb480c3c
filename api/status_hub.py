"""Who is listening on this worker: status events fan out to its subscribers, and a subscriber that cannot keep up is disconnected.

Never skipped silently: it comes back with Last-Event-ID, or gets a fresh snapshot. Everything here happens in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from uuid import UUID

from api.principal import Principal
from api.problems import Busy, TooManyStreams
from runtime import metrics
from schemas.events import UploadStatusChanged

log = logging.getLogger(__name__)

#: Events that may wait for a subscriber.
BACKLOG = 64
STREAMS_PER_ACCOUNT = 10
STREAMS_PER_WORKER = 6_000
RETRY_AFTER_SECONDS = "5"


class Closed(Exception):
    """The subscription has ended; the message is the reason, in a word for metrics."""


class Subscription:
    """One stream's events, from the moment it was made: of an account, or of one of its uploads."""

    def __init__(self, principal: Principal, upload_id: UUID | None) -> None:
        self.principal = principal
        self.upload_id = upload_id
        self.closed: str | None = None
        self._events: deque[UploadStatusChanged] = deque()
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        #: Left to run when an event comes before it, and looked at when it rings: a timer for each event would cost more than the event.
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, event: UploadStatusChanged) -> None:
        """Queue an event, or close the subscription if too many wait already."""
        if self.upload_id not in (None, event.upload_id) or self.closed:
            return
        if len(self._events) >= BACKLOG:
            self.close("slow")
            return
        self._events.append(event)
        self._wake()

    def close(self, reason: str) -> None:
        """End the subscription; the first reason counts."""
        self.closed = self.closed or reason
        self._forget_timer()
        self._wake()

    async def next(self, due: float) -> UploadStatusChanged | None:
        """The next event, None when the event loop's clock shows `due` and there is none; Closed once the subscription has ended."""
        while not self._events and not self.closed:
            if self._loop.time() >= due:
                return None
            if self._timer is None or self._timer.when() > due:
                self._forget_timer()
                self._timer = self._loop.call_at(due, self._ring)
            self._waiter = self._loop.create_future()
            await self._waiter
        if self.closed:
            raise Closed(self.closed)
        return self._events.popleft()

    def _ring(self) -> None:
        self._timer = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class StatusHub:
    """The subscriptions of this worker, by account."""

    def __init__(self, *, per_account: int = STREAMS_PER_ACCOUNT, per_worker: int = STREAMS_PER_WORKER) -> None:
        self._per_account, self._per_worker = per_account, per_worker
        self._by_account: defaultdict[UUID, set[Subscription]] = defaultdict(set)
        self._count = 0
        self._stopping = False
        #: Why no stream may be opened now; None when it may.
        self.refusal: str | None = "live status is not connected to the broker yet"

    def subscribe(self, principal: Principal, upload_id: UUID | None = None) -> Subscription:
        """A subscription from now on; TooManyStreams or Busy where there is no room for it."""
        again = {"Retry-After": RETRY_AFTER_SECONDS}
        account_id = principal.account_id
        if self.refusal is not None:
            raise Busy(f"{self.refusal}: try again", headers=again)
        if self._count >= self._per_worker:
            raise Busy(f"this server holds {self._count} streams and takes no more: try again, or another one", headers=again)
        if len(self._by_account.get(account_id, ())) >= self._per_account:
            raise TooManyStreams(
                f"the account has {self._per_account} open streams, and gets no more: close one; `/v1/events` tells of all uploads in one",
                headers=again,
            )
        subscription = Subscription(principal, upload_id)
        self._by_account[account_id].add(subscription)
        self._count += 1
        metrics.SSE_SUBSCRIBERS.set(self._count)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription; once for each."""
        subscriptions = self._by_account[subscription.principal.account_id]
        subscriptions.remove(subscription)
        subscription.close("gone")
        if not subscriptions:
            del self._by_account[subscription.principal.account_id]
        self._count -= 1
        metrics.SSE_SUBSCRIBERS.set(self._count)

    def publish(self, events: Iterable[UploadStatusChanged]) -> None:
        """Hand events to whom they concern."""
        for event in events:
            for subscription in self._by_account.get(event.account_id, ()):
                subscription.offer(event)

    def principals(self) -> set[Principal]:
        """Who has open streams."""
        return {subscription.principal for subscriptions in self._by_account.values() for subscription in subscriptions}

    def end(self, principals: Iterable[Principal], reason: str) -> None:
        """End the streams of some."""
        for principal in principals:
            for subscription in self._by_account.get(principal.account_id, ()):
                if subscription.principal == principal:
                    subscription.close(reason)

    def open(self) -> None:
        """Events flow: streams may be opened, unless the process is stopping."""
        if not self._stopping:
            self.refusal = None

    def stop(self) -> None:
        """End every stream, and open none any more, whatever the feed's thread still says."""
        self._stopping = True
        self.drain("draining", "this server is stopping")

    def drain(self, reason: str, refusal: str) -> None:
        """End every stream, and open none for the reason in `refusal`; their clients come back and lose nothing."""
        self.refusal = refusal
        if self._count:
            log.info("ending %d streams: %s", self._count, refusal)
        for subscriptions in self._by_account.values():
            for subscription in subscriptions:
                subscription.close(reason)

    def __len__(self) -> int:
        return self._count
