"""The endpoint's stand-in inside a test: its own server on a free port, between in-memory twins or whatever the test gives it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import uvicorn
from botocore.config import Config

from local.sagemaker.answers import Answer, Answers, InstantAnswers
from local.sagemaker.app import App
from local.sagemaker.backlog import Backlog
from local.sagemaker.faults import FaultRule, Faults
from local.sagemaker.requests import Invocation
from local.sagemaker.workers import Workers
from runtime.health import Readiness
from runtime.testing import MemoryQueue, MemoryStorage

#: A test that waits for what never comes fails after this time; none needs a tenth of it.
_HANGS_SECONDS = 60

INPUT = "s3://valence/jobs/a.json"


@dataclass
class Clock:
    """A clock that a test turns."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Scripted:
    """Answers as a test's function gives them; `seen` holds what it was asked."""

    script: Callable[[Invocation], Awaitable[Answer]]
    seen: list[Invocation] = field(default_factory=list)

    async def answer(self, invocation: Invocation) -> Answer:
        self.seen.append(invocation)
        return await self.script(invocation)


@dataclass
class StandIn:
    """A running stand-in and everything around it."""

    url: str
    storage: MemoryStorage
    queue: MemoryQueue
    faults: Faults
    backlog: Backlog
    workers: Workers
    client: Any

    async def invoke(self, **parameters: Any) -> Any:
        """InvokeEndpointAsync by boto3, on the endpoint `valence` with an InputLocation unless told otherwise."""
        given = {"EndpointName": "valence", **({} if "Body" in parameters else {"InputLocation": INPUT}), **parameters}
        return await asyncio.to_thread(lambda: self.client.invoke_endpoint_async(**given))

    async def notices(self, count: int) -> list[dict[str, Any]]:
        """The next `count` notices, out of their envelopes, as they lie on the queue."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            messages = await self.queue.receive(20)
            assert messages, f"{len(found)} of {count} notices came"
            found += [json.loads(json.loads(message.body)["Message"]) for message in messages]
            await self.queue.delete(messages)
        return found

    async def get(self, path: str) -> httpx.Response:
        """A page of the stand-in."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            return await client.get(path)

    async def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        """A request as a program would send it that is not boto3."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            return await client.post(path, content=body, headers=headers)


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def boto3_client(url: str) -> Any:
    """An unmodified client of boto3; it does not try again, so that a test sees the first answer."""
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


@asynccontextmanager
async def running_standin(
    folder: Path,
    *,
    answers: Answers | None = None,
    faults: list[FaultRule] | None = None,
    clock: Clock | None = None,
    delay_seconds: float = 0.0,
    storage: MemoryStorage | None = None,
    queue: MemoryQueue | None = None,
) -> AsyncIterator[StandIn]:
    """The stand-in, for as long as the body runs, with its memory in `folder`."""
    storage, queue, rules = storage or MemoryStorage(), queue or MemoryQueue(), Faults(faults or [])
    backlog, readiness = Backlog(folder / "backlog.sqlite"), Readiness()
    workers = Workers(
        backlog,
        storage,
        queue,
        answers or InstantAnswers(),
        rules,
        readiness,
        concurrency=2,
        delay_seconds=delay_seconds,
        now=(clock or Clock()).now,
    )
    app = App(endpoint_name="valence", bucket="valence", backlog=backlog, workers=workers, faults=rules, readiness=readiness)
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", ws="none", log_config=None, access_log=False))
    config = server.config
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    working = asyncio.create_task(workers.run())
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(_HANGS_SECONDS):
            yield StandIn(url, storage, queue, rules, backlog, workers, boto3_client(url))
        assert not working.done(), working
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await server.shutdown()
        backlog.close()
