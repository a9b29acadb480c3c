"""One phase of the soak from an empty stack to its counts."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from benchmarks import findings
from benchmarks.delay_proxy import DelayProxy
from benchmarks.kills import Killer, Work, plan
from benchmarks.load import Load
from benchmarks.phases import WORKERS, Phase
from benchmarks.soak_verdict import judge
from benchmarks.stand import OURS, Stand
from benchmarks.subscriber import Seen, watch_account
from benchmarks.uploader import Uploader
from local.processes import OurProcess
from runtime.settings import Inference

_ACCOUNTS = 10
#: Videos in a burst, where a kill would find less work than it must.
_BURST = 24
#: Each so-manieth upload is followed by a stream of its own, besides its account's.
_EVERY_FOLLOWED = 5
#: How long everything may take to come to rest once all uploads have ended: commits, the outbox, streams.
_REST_SECONDS = 30.0
_LOOK_SECONDS = 0.5


def _say(line: str) -> None:
    print(line, flush=True)


def _witnessed(process: OurProcess, *options: str) -> OurProcess:
    return replace(process, module=("benchmarks.witnessed", process.name, *options)) if process.stage else process


async def run(phase: Phase, seed: int, data: Path, *, acknowledge_first: bool) -> dict[str, Any]:
    """The phase's counts, with `wrongs`: every one that is not what it must be, in words."""
    async with AsyncExitStack() as opened:
        storage, endpoint = await opened.enter_async_context(DelayProxy()), await opened.enter_async_context(DelayProxy())

        def prepared(stand: Stand) -> None:
            storage.target = stand.environment()["AWS_ENDPOINT_URL_S3"]
            endpoint.target = stand.environment()["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"]

        stand = Stand(
            data,
            workers=WORKERS,
            rows=[_witnessed(process, *(["--acknowledge-first"] if acknowledge_first else [])) for process in OURS],
            settings={
                "AWS_ENDPOINT_URL_S3": storage.url,
                "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint.url,
                "VALENCE_INFERENCE_CHECK_AFTER_SECONDS": "20",
                # As docs/operations.md advises for an endpoint that answers within seconds.
                "VALENCE_INFERENCE_RECALL_AFTER_SECONDS": str(Inference().recall_after_seconds + phase.answer_seconds),
            },
            answer_delay_seconds=phase.answer_seconds,
            prepared=prepared,
        )
        await opened.enter_async_context(stand)
        return await _Run(phase, random.Random(seed), stand, storage, endpoint).run()


class _Run:
    def __init__(self, phase: Phase, dice: random.Random, stand: Stand, storage: DelayProxy, endpoint: DelayProxy) -> None:
        self._phase, self._dice, self._stand = phase, dice, stand
        self._storage, self._endpoint = storage, endpoint
        self._seen = Seen()

    async def run(self) -> dict[str, Any]:
        callers = [await self._stand.caller(f"soak-{number}") for number in range(_ACCOUNTS)]
        async with AsyncExitStack() as opened:
            clients = [await opened.enter_async_context(self._stand.client(caller)) for caller in callers]
            subscribed = [asyncio.Event() for _ in clients]
            watching = [asyncio.create_task(watch_account(c, self._seen, e)) for c, e in zip(clients, subscribed, strict=True)]
            await asyncio.gather(*(event.wait() for event in subscribed))
            uploaders = [Uploader(client) for client in clients]
            load = Load(uploaders, self._phase.rate, every_followed=_EVERY_FOLLOWED)
            pages = await opened.enter_async_context(httpx.AsyncClient(trust_env=False))
            work = Work(
                in_flight=lambda: findings.in_flight(self._stand),
                in_hand=lambda child: findings.in_hand(pages, child),
                more=lambda: load.burst(_BURST),
            )
            killer = Killer(self._stand.supervisor, work, _say)
            await self._torment(load, killer)
            await self._settle(load)
            await load.followed(_REST_SECONDS)
            outcome = await judge(self._phase, self._stand, load, uploaders, killer, self._seen)
            for watcher in watching:
                watcher.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
        return outcome

    async def _torment(self, load: Load, killer: Killer) -> None:
        phase, enough = self._phase, asyncio.Event()
        blows = plan(phase.children, phase.servers, phase.times, self._dice)

        def pause() -> float:
            self._slow_down(len(killer.struck) / len(blows))
            return self._dice.uniform(*phase.pause)

        async def kill() -> None:
            await killer.run(blows, pause)
            self._slow_down(1.0)
            enough.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(phase.videos, enough))
            tasks.create_task(kill())

    def _slow_down(self, share: float) -> None:
        slow = [slow for slow in self._phase.slow if slow.begins <= share < slow.ends]
        self._storage.seconds = max((one.storage_seconds for one in slow), default=0.0)
        self._endpoint.seconds = max((one.endpoint_seconds for one in slow), default=0.0)

    async def _settle(self, load: Load) -> None:
        """Wait until every accepted upload was seen to have ended, or nothing has happened for long."""
        clock = asyncio.get_running_loop().time
        progress, moved = -1, clock()
        while clock() - moved < self._phase.quiet_seconds:
            missing = [upload_id for upload_id in load.accepted if upload_id not in self._seen.ended]
            if not missing:
                break
            if self._seen.events != progress:
                progress, moved = self._seen.events, clock()
            await asyncio.sleep(_LOOK_SECONDS)
        rested = clock() + _REST_SECONDS
        while clock() < rested and await self._is_busy():  # noqa: ASYNC110 - other processes come to rest
            await asyncio.sleep(_LOOK_SECONDS)

    async def _is_busy(self) -> bool:
        return any((await findings.lag(self._stand)).values()) or await findings.unpublished(self._stand) > 0
