"""The sender of webhooks: takes what is due under a lease, sends it, and records what came of it.

A delivery may be sent twice where the sender dies between the answer and the record; receivers tell it by its `webhook-id`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from consumers.webhook_calls import Attempt, Caller, Message, Outcome
from runtime import database, metrics
from runtime.database import Connection, Database
from runtime.identifiers import uuid7
from runtime.process import Process
from runtime.settings import Webhooks
from schemas.webhooks import DISABLED_ACTION, MOST_AT_ONCE, DeliveryState

log = logging.getLogger(__name__)

#: Tries of a delivery; with the pauses between them they take about a day and a half.
MOST_TRIES = 10
_FIRST_PAUSE = timedelta(seconds=5)
_GROWTH = 4.0
_LONGEST_PAUSE = timedelta(hours=14)
#: A pause is longer or shorter by up to so much, so that what failed together does not come back together.
_JITTER = 0.2
#: A webhook is disabled when a delivery is given up and nothing has gone well for so long.
FAILING = timedelta(days=5)
#: Added to the longest that a try may take: after that its delivery is another's.
_LEASE_MARGIN_SECONDS = 15.0
#: How often to look for what has become due by itself, or by a replay.
LOOK_SECONDS = 1.0
#: How often the age of the oldest delivery that is due is measured.
MEASURE_SECONDS = 15.0
#: How often to look for what is left to give up of webhooks that were disabled.
GIVE_UP_SECONDS = 30.0
#: How often to forget old deliveries, how old those are, and how many go at once.
FORGET_SECONDS, KEPT, FORGOTTEN_AT_ONCE = 60.0, timedelta(days=30), 1_000


def pause(tries: int, spread: float) -> timedelta:
    """How long to wait after the failed try number `tries`, from 1; `spread` between -1 and 1 is where in the jitter it falls."""
    longest = min(_FIRST_PAUSE * _GROWTH ** (tries - 1), _LONGEST_PAUSE)
    return longest * (1 + _JITTER * spread)


class Sender:
    """Sends deliveries that are due. Any number may work at once; `clock` tells the time and `spread` the jitter."""

    def __init__(
        self,
        configuration: Webhooks,
        db: Database,
        caller: Caller,
        clock: Callable[[], datetime],
        spread: Callable[[], float] = lambda: random.uniform(-1, 1),
    ) -> None:
        self._settings = configuration
        self._database = db
        self._caller = caller
        self._clock = clock
        self._spread = spread

    async def claim(self, most: int) -> list[dict[str, Any]]:
        """Take up to `most` deliveries that are due."""
        return await self._database.rows(
            "claim_webhook_deliveries",
            now=self._clock(),
            most=most,
            most_of_each=self._settings.in_flight_each,
            lease=uuid4(),
            lease_time=timedelta(seconds=self._settings.timeout_seconds + _LEASE_MARGIN_SECONDS),
        )

    async def send(self, claimed: dict[str, Any]) -> Attempt:
        """Send a delivery that was claimed."""
        secrets = [secret for secret in (claimed["secret"], claimed["previous_secret"]) if secret is not None]
        with metrics.WEBHOOK_IN_FLIGHT.track_inprogress():
            attempt = await self._caller.call(Message(claimed["url"], claimed["message_id"], claimed["body"].encode(), secrets))
        metrics.WEBHOOK_ATTEMPTS.labels(attempt.outcome.value).inc()
        metrics.WEBHOOK_ATTEMPT_DURATION.observe(attempt.duration_seconds)
        return attempt

    async def record(self, claimed: dict[str, Any], attempt: Attempt) -> None:
        """Record what came of it, and when the next try is; what another has taken meanwhile is left to the other."""
        async with self._database.transaction() as connection:
            webhook = await database.row(connection, "lock_webhook", id=claimed["webhook_id"])
            if webhook is None:
                return  # it is gone, and its deliveries with it
            state, due_at = self._next(claimed["tries"] + 1, attempt, webhook["enabled"])
            recorded = await database.rows(
                connection,
                "record_webhook_attempt",
                id=claimed["id"],
                lease=claimed["lease"],
                state=state.value,
                due_at=due_at,
                at=attempt.at,
                duration_seconds=attempt.duration_seconds,
                status=attempt.status,
                error=attempt.error,
                answer=attempt.answer,
            )
            if not recorded:
                return
            if state is DeliveryState.DELIVERED:
                await database.rows(connection, "webhook_goes_well", id=webhook["id"])
                return
            await database.rows(connection, "webhook_fails", id=webhook["id"], at=attempt.at)
            if attempt.outcome is Outcome.GONE:
                await self._disable(connection, webhook["id"], "gone")
            elif state is DeliveryState.FAILED and self._clock() - (webhook["failing_since"] or attempt.at) >= FAILING:
                await self._disable(connection, webhook["id"], "failing")

    async def measure(self) -> None:
        """Tell how far behind the sending is."""
        oldest = (await self._database.rows("oldest_due_webhook_delivery"))[0]["due_at"]
        age = (self._clock() - oldest).total_seconds() if oldest is not None else 0.0
        metrics.WEBHOOK_OLDEST_DUE_AGE.set(max(0.0, age))

    async def give_up(self) -> None:
        """Give up what is left of what waited when webhooks were disabled, and what a sender that has died had in hand then."""
        while await self._database.rows("give_up_webhook_deliveries", webhook_id=None, now=self._clock(), most=MOST_AT_ONCE):
            pass
        await self._database.rows("give_up_held_webhook_deliveries", now=self._clock(), most=MOST_AT_ONCE)

    async def forget(self) -> None:
        """Forget deliveries that have ended long ago."""
        await self._database.rows("forget_webhook_deliveries", before=self._clock() - KEPT, most=FORGOTTEN_AT_ONCE)

    def _next(self, tries: int, attempt: Attempt, enabled: bool) -> tuple[DeliveryState, datetime]:
        now = self._clock()
        if attempt.outcome is Outcome.DELIVERED:
            return DeliveryState.DELIVERED, now
        if attempt.outcome is Outcome.GONE or tries >= MOST_TRIES or not enabled:
            return DeliveryState.FAILED, now
        wanted = min(timedelta(seconds=attempt.retry_after or 0), _LONGEST_PAUSE)
        return DeliveryState.PENDING, now + max(pause(tries, self._spread()), wanted)

    async def _disable(self, connection: Connection, webhook_id: UUID, reason: str) -> None:
        disabled = await database.row(connection, "disable_webhook", id=webhook_id, reason=reason, now=self._clock())
        if disabled is None:
            return  # its owner was faster
        await database.rows(connection, "give_up_webhook_deliveries", webhook_id=webhook_id, now=self._clock(), most=MOST_AT_ONCE)
        await database.rows(
            connection,
            "insert_audit",
            id=uuid7(),
            account_id=disabled["account_id"],
            action=DISABLED_ACTION,
            address=None,
            user_agent="the sender of webhooks",
            key_id=None,
            session_id=None,
            detail=f"{webhook_id}: {reason}",
        )
        metrics.WEBHOOKS_DISABLED.labels(reason).inc()
        log.warning("a webhook was disabled", extra={"webhook_id": str(webhook_id), "reason": reason})


async def send_until_told(running: Process, sender: Sender, news: asyncio.Event) -> None:
    """Send what is due until told to stop, some at a time, and finish what is in hand. `news` is set when there may be more."""
    most = running.settings.webhooks.in_flight
    insist = running.readiness.insist
    in_hand: set[asyncio.Task[None]] = set()

    async def deliver(claimed: dict[str, Any]) -> None:
        attempt = await sender.send(claimed)
        await insist(partial(sender.record, claimed, attempt))

    while not running.stopping.is_set():
        news.clear()
        room = most - len(in_hand)
        claimed = await insist(partial(sender.claim, room)) if room else []
        in_hand |= {asyncio.create_task(deliver(one)) for one in claimed}
        if len(claimed) < room or not room:
            in_hand = await _until_something_happens(running, in_hand, news)
    if in_hand:
        await asyncio.gather(*in_hand)


async def _until_something_happens(running: Process, in_hand: set[asyncio.Task[None]], news: asyncio.Event) -> set[asyncio.Task[None]]:
    """Wait for news, for a delivery that ends, for the next look or for the end; returns what is still in hand."""
    others: set[asyncio.Task[Any]] = {asyncio.create_task(news.wait()), asyncio.create_task(running.stopping.wait())}
    done, waiting = await asyncio.wait(in_hand | others, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in others & waiting:
        task.cancel()
    for task in done:
        await task  # an error that nobody expected ends the process
    return in_hand & waiting
