"""A stage: what is done with one record, and what becomes of it when that fails. Free of Kafka's and Faust's types.

A failure is one of three. A server is away: wait, however long. The record is at fault, since it is no event of its topic or the handler
raised PermanentError: dead letter at once. Anything else: bounded attempts, then dead letter. Too many dead letters in a row: the deploy is
broken, not the records, so the process stops itself. What strangers can do to a topic that they may write is not counted: nobody stops a
stage with bad records.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from runtime import metrics, settings, telemetry
from runtime.broker import Received
from runtime.errors import PermanentError, ValenceError
from runtime.health import Readiness
from runtime.retries import backoff
from schemas import codec
from schemas.codec import InvalidEvent, Record
from schemas.dead_letters import dead_letter
from schemas.events import Event
from schemas.topics import Topic

log = logging.getLogger(__name__)

#: Sends a record and returns when the broker has it; raises DependencyUnavailable while there is no broker.
Send = Callable[[Record], Awaitable[None]]

#: The clock of the attempt that is being made.
_clock: ContextVar[asyncio.Timeout | None] = ContextVar("_clock", default=None)


@contextmanager
def uncounted() -> Iterator[None]:
    """Time in the body does not count against the attempt: it has a limit of its own, and much of it may be spent behind other records."""
    clock = _clock.get()
    end = clock.when() if clock is not None and not clock.expired() else None
    if clock is None or end is None:
        yield
        return
    time_of = asyncio.get_running_loop().time
    left = end - time_of()
    clock.reschedule(None)
    try:
        yield
    finally:
        clock.reschedule(time_of() + left)


def _at_once() -> None:
    pass


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A named step from one topic to the next: `handle` takes an event of `topic` and returns the events that follow from it.

    `handle` may be called again with the same event, at any time, on any replica, and two events of one upload may be in hand at once.
    """

    name: str
    topic: Topic
    handle: Callable[[Any], Awaitable[Sequence[Event]]]
    #: Returns when the stage can work; what it raises ends the process before the first event.
    wait_ready: Callable[[], None] = _at_once


class TooManyDeadLetters(ValenceError):
    """So many records failed in a row that the deploy must be broken: the stage stops, and the rest stays on its topic."""


class Runner:
    """Carries records through a stage. `process` returns when a record is dealt with and may be acknowledged; if it raises, the
    process must end without acknowledging."""

    def __init__(self, stage: Stage, policy: settings.Stage, send: Send, readiness: Readiness) -> None:
        self.stage = stage
        self._policy = policy
        self._send = send
        self._readiness = readiness
        self._source = f"/stream-processors/{stage.name}"
        self._failed_in_a_row = 0

    async def process(self, record: Received) -> None:
        """Handle one record to the end: its events published, or the record itself dead-lettered."""
        started = time.perf_counter()
        try:
            envelope, event = codec.decode(self.stage.topic, record.key, record.value, record.headers)
        except InvalidEvent as error:
            await self._at_fault(record, error.reason, error)
            return
        with telemetry.following(event.upload_id, f"{self.stage.name} {envelope.type}", envelope.traceparent):
            await self._process(record, event)
        metrics.STAGE_DURATION.labels(self.stage.name).observe(time.perf_counter() - started)

    async def _process(self, record: Received, event: Event) -> None:
        try:
            results = await self._attempts(event)
        except PermanentError as error:
            await self._at_fault(record, "permanent", error)
            return
        except Exception as error:
            log.exception("gave up on an event after %d attempts", self._policy.attempts)
            self._count(record, error)
            await self._dead_letter(record, "exhausted", error)
            return
        self._failed_in_a_row = 0
        parent = telemetry.traceparent()
        await asyncio.gather(*(self._publish(codec.record(result, self._source, traceparent=parent)) for result in results))
        metrics.STAGE_EVENTS.labels(self.stage.name, "ok").inc()

    async def _attempts(self, event: Event) -> Sequence[Event]:
        attempt = 1
        while True:
            try:
                return await self._readiness.insist(lambda: self._attempt(event))
            except PermanentError:
                raise
            except Exception as error:
                if attempt >= self._policy.attempts:
                    raise
                log.warning("attempt %d failed and is made again: %r", attempt, error)
                metrics.STAGE_RETRIES.labels(self.stage.name).inc()
                await asyncio.sleep(backoff(attempt))
                attempt += 1

    async def _attempt(self, event: Event) -> Sequence[Event]:
        async with asyncio.timeout(self._policy.timeout_seconds) as clock:
            token = _clock.set(clock)
            try:
                return await self.stage.handle(event)
            finally:
                _clock.reset(token)

    async def _publish(self, record: Record) -> None:
        await self._readiness.insist(lambda: self._send(record))

    async def _at_fault(self, record: Received, reason: str, error: Exception) -> None:
        if not self.stage.topic.public:
            self._count(record, error)
        await self._dead_letter(record, reason, error)

    def _count(self, record: Received, error: Exception) -> None:
        self._failed_in_a_row += 1
        if self._failed_in_a_row > self._policy.dead_letter_limit:
            raise TooManyDeadLetters(
                f"{self._failed_in_a_row} records of {record.topic} failed in a row, the last one with: {error}"
            ) from error

    async def _dead_letter(self, record: Received, reason: str, error: Exception) -> None:
        log.error("dead-lettered: %s", error, extra={"topic": record.topic, "offset": record.offset, "reason": reason})
        await self._publish(
            dead_letter(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=record.headers,
                stage=f"stream-processors.{self.stage.name}",
                reason=reason,
                error=str(error) or repr(error),
            )
        )
        metrics.DEAD_LETTERS.labels(record.topic, reason).inc()
        metrics.STAGE_EVENTS.labels(self.stage.name, "dead_letter").inc()
