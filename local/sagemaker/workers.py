"""The work behind the 202: invocations are answered, answers go to S3, notices go to SQS.

Everything is done at least once: what a killed process had begun is begun again. While a server is away the work waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from local.sagemaker import notices
from local.sagemaker.answers import Answer, Answers, broken
from local.sagemaker.backlog import Backlog
from local.sagemaker.faults import Fault, Faults
from local.sagemaker.requests import Invocation
from runtime import metrics
from runtime.errors import DependencyUnavailable
from runtime.health import LONGEST_WAIT_SECONDS, Readiness
from runtime.queue import BATCH, Queue
from runtime.retries import backoff
from runtime.storage import ObjectStorage, locate

#: How often invocations that nobody has begun are looked at for their time to live.
_SWEEP_SECONDS = 1.0


def _now() -> datetime:
    return datetime.now(UTC)


class Workers:
    """A pool that answers the invocations of a backlog, and a sender of their notices."""

    def __init__(
        self,
        backlog: Backlog,
        storage: ObjectStorage,
        queue: Queue,
        answers: Answers,
        faults: Faults,
        readiness: Readiness,
        *,
        concurrency: int,
        delay_seconds: float = 0.0,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._backlog = backlog
        self._storage = storage
        self._queue = queue
        self._answers = answers
        self._faults = faults
        self._readiness = readiness
        self._concurrency = concurrency
        self._delay_seconds = delay_seconds
        self._now = now
        self._waiting: deque[Invocation] = deque()
        self._arrived = asyncio.Event()
        self._postponed: Counter[str] = Counter()
        self._outgoing: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def add(self, invocation: Invocation) -> None:
        """Take on an invocation that the backlog holds."""
        self._waiting.append(invocation)
        self._arrived.set()

    async def run(self) -> None:
        """Work until cancelled, beginning with what an earlier life left behind."""
        unfinished = await self._backlog.unfinished()
        for invocation in reversed(unfinished.invocations):  # what arrived since the start was accepted later
            self._waiting.appendleft(invocation)
        self._arrived.set()
        for notice in unfinished.notices:
            self._outgoing.put_nowait(notice)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._concurrency):
                tasks.create_task(self._work())
            tasks.create_task(self._send_notices())
            tasks.create_task(self._sweep())

    async def expire(self) -> None:
        """End the invocations whose time to live is over before anybody began them."""
        now = self._now()
        late = [invocation for invocation in self._waiting if invocation.expires_at <= now]
        for invocation in late:
            self._waiting.remove(invocation)
        for invocation in late:
            await self._expire(invocation)

    async def _expire(self, invocation: Invocation) -> None:
        await self._end(invocation, "expired", notices.expired(invocation))

    async def _sweep(self) -> None:
        while True:
            metrics.ENDPOINT_BACKLOG.set(len(self._waiting))
            await self.expire()
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _work(self) -> None:
        while True:
            invocation = await self._next()
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            try:
                answer = await self._answer(invocation)
            except DependencyUnavailable as error:
                await self._postpone(invocation, error)
                continue
            self._postponed.pop(invocation.id, None)
            if answer is None:
                await self._backlog.done([invocation.id])
            elif answer.failure is None:
                await self._put(invocation.output_location, answer)
                await self._end(invocation, "completed", notices.completed(invocation, answer.content_type))
            else:
                await self._put(invocation.failure_location, answer)
                await self._end(invocation, "failed", notices.failed(invocation, answer.content_type, answer.failure))

    async def _next(self) -> Invocation:
        while True:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            invocation = self._waiting.popleft()
            if invocation.expires_at > self._now():
                return invocation
            await self._expire(invocation)

    async def _answer(self, invocation: Invocation) -> Answer | None:
        match self._faults.strikes(invocation.inference_id, Fault.ERROR, Fault.GARBAGE, Fault.NEVER):
            case Fault.NEVER:
                return None
            case Fault.ERROR:
                return broken("A fault rule of the stand-in failed this invocation.")
            case Fault.GARBAGE:
                return Answer(b"\x00garbage", "application/octet-stream")
        return await self._answers.answer(invocation)

    async def _postpone(self, invocation: Invocation, error: DependencyUnavailable) -> None:
        self._postponed[invocation.id] += 1
        self._waiting.appendleft(invocation)
        self._arrived.set()
        with self._readiness.waiting_for(error.dependency):
            await asyncio.sleep(backoff(self._postponed[invocation.id], cap=LONGEST_WAIT_SECONDS))

    async def _put(self, location: str, answer: Answer) -> None:
        bucket, key = locate(location)
        await self._readiness.insist(lambda: self._storage.put(bucket, key, answer.body, answer.content_type))

    async def _end(self, invocation: Invocation, outcome: str, notice: str) -> None:
        await self._backlog.answered(invocation.id, notice)
        metrics.ENDPOINT_INVOCATIONS.labels(outcome).inc()
        match self._faults.strikes(invocation.inference_id, Fault.NO_NOTICE, Fault.NOTICE_TWICE):
            case Fault.NO_NOTICE:
                await self._backlog.done([invocation.id])
                return
            case Fault.NOTICE_TWICE:
                self._outgoing.put_nowait((invocation.id, notice))
        self._outgoing.put_nowait((invocation.id, notice))

    async def _send_notices(self) -> None:
        while True:
            batch = [await self._outgoing.get()]
            while len(batch) < BATCH and not self._outgoing.empty():
                batch.append(self._outgoing.get_nowait())
            bodies = [body for _, body in batch]
            await self._readiness.insist(partial(self._queue.send, *bodies))
            await self._backlog.done([id for id, _ in batch])
