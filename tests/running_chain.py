"""A running stack as the tests of outages see it: videos go in, ends come out, servers are stopped and go on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psutil

from api import accounts
from local.control import Control
from local.sagemaker.faults import Fault
from local.stack import Stack
from producers.reconciler import EXPIRY_MARGIN_SECONDS
from runtime.database import Database
from runtime.health import Readiness
from runtime.kafka import KafkaPublisher
from runtime.settings import Settings
from schemas import codec
from schemas.codec import Record
from schemas.events import UploadReceived, UploadStatusChanged
from schemas.topics import UPLOADS_RECEIVED
from schemas.webhooks import WebhookEvent
from tests.chain import SOURCE, select, statuses, upload_received
from tests.waiting import until
from tests.webhook_receiver import receiving
from valence import AsyncClient

KEY = "ingest/clip.mp4"
#: Enough to have work in hand in every stage.
VIDEOS = 12


class Chain:
    """A running stack, as the tests see it: videos go in, statuses come out, servers are stopped and go on."""

    def __init__(self, stack: Stack, settings: Settings, database: Database, publisher: KafkaPublisher, account_id: UUID) -> None:
        self.stack, self.settings, self.database, self.publisher, self.account_id = stack, settings, database, publisher, account_id
        self.control = Control(stack.data)

    async def submit(self, count: int = VIDEOS) -> list[UUID]:
        """Put this many events on the topic."""
        events = [self.event() for _ in range(count)]
        await self.publisher.publish([codec.record(event, SOURCE) for event in events])
        return [event.upload_id for event in events]

    def event(self) -> UploadReceived:
        """An event that submits a video."""
        return upload_received(account_id=self.account_id, key=KEY, bucket=self.settings.storage.bucket)

    async def ended(self, uploads: list[UUID], status: str = "completed") -> None:
        """Wait until all have this status, each with one analysis, one usage row and a history without a gap."""
        query = "select status, count(*) as number from uploads where id = any(%s) group by status"

        async def count() -> dict[str, int]:
            rows = await Readiness().insist(lambda: select(self.database, query, uploads))
            return {row["status"]: row["number"] for row in rows}

        await until(count, f"all {status}", holds=lambda found: found == {status: len(uploads)}, seconds=90)
        for upload_id in uploads:
            history = await statuses(self.database, upload_id)
            assert [sequence for sequence, _, _ in history] == list(range(1, len(history) + 1))
        expected = len(uploads) if status == "completed" else 0
        for table in ("analyses", "usage"):
            rows = await select(self.database, f"select upload_id from {table} where upload_id = any(%s)", uploads)  # noqa: S608
            assert len(rows) == expected, table

    async def dead_letters(self, uploads: list[UUID]) -> list[dict[str, Any]]:
        return await self.kept(*(str(upload_id).encode() for upload_id in uploads))

    async def kept(self, *keys: bytes | None) -> list[dict[str, Any]]:
        """The dead letters with these keys."""
        return await select(self.database, "select * from dead_letters where record_key = any(%s) order by id", list(keys))

    async def obstacles(self, process: str) -> list[str]:
        """What a process says in /readyz; nothing where it does not answer."""
        return await asyncio.to_thread(self._obstacles, process)

    def _obstacles(self, process: str) -> list[str]:
        try:
            with urllib.request.urlopen(f"{self.stack.address('api-health' if process == 'api' else process)}/readyz", timeout=5) as answer:  # noqa: S310
                return list(json.load(answer)["obstacles"])
        except urllib.error.HTTPError as error:
            return list(json.load(error)["obstacles"])
        except OSError:
            return []

    async def says_it_waits(self, process: str, dependency: str) -> None:
        await until(
            lambda: self.obstacles(process),
            f"{process} waits for {dependency}",
            holds=lambda found: any(words.startswith(f"waiting for {dependency}") for words in found),
        )

    def signal(self, name: str, signal_name: str) -> None:
        self.control.kill(name, signal_name)

    @asynccontextmanager
    async def hanging(self, *servers: str) -> AsyncIterator[None]:
        """Stop servers with all of their processes, which keep their connections and answer nothing, and let them go on at the end."""
        found = [psutil.Process(self.pid(server)) for server in servers]
        pids = [process.pid for server in found for process in (server, *server.children(recursive=True))]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    async def is_told_to_everybody(self) -> None:
        """Whoever is no stage does its work too: the status feed of the API, webhooks, the reconciler and the keeper of dead letters."""
        key = await accounts.create_key(self.database, f"test-{self.account_id}")
        nonsense = Record(UPLOADS_RECEIVED.name, str(uuid4()).encode(), b"nonsense", [])
        assert nonsense.key is not None
        event = self.event()
        self.fault({"fault": Fault.NO_NOTICE, "prefix": str(event.upload_id), "times": 1})  # the reconciler alone can find it
        async with receiving() as receiver, AsyncClient(self.stack.address("api"), key.text) as client:
            given = {"url": receiver.url, "description": None, "events": list(WebhookEvent), "enabled": True, "secret": bytes(32)}
            await self.database.rows("insert_webhook", id=uuid4(), account_id=self.account_id, **given)
            async with aclosing(client.all_events()) as told, asyncio.timeout(60):
                await anext(told)  # the snapshot: from now on nothing is missed
                await self.publisher.publish([nonsense, codec.record(event, SOURCE)])
                seen: list[str] = []
                while "completed" not in seen:
                    one = await anext(told)
                    if isinstance(one, UploadStatusChanged) and one.upload_id == event.upload_id:
                        seen.append(one.status)
            assert seen == ["received", "validated", "analysing", "completed"]
            await until(
                # Earlier videos of the account may still be told: webhooks are behind after an outage.
                lambda: {json.loads(call.body)["data"]["upload_id"] for call in receiver.got},
                "the webhook is called",
                holds=lambda told: str(event.upload_id) in told,
            )
            await until(lambda: self.kept(nonsense.key), "the dead letter is kept", holds=lambda rows: len(rows) == 1)

    def pid(self, name: str) -> int | None:
        return next(child.pid for child in self.control.status() if child.name == name)

    async def grows_old(self, upload_id: UUID) -> None:
        """Let the longest that an answer to its call may take be over."""
        longest = self.settings.inference.ttl_seconds + self.settings.inference.timeout_seconds + EXPIRY_MARGIN_SECONDS
        aged = "update invocations set called_at = now() - make_interval(secs => %s), next_check_at = now() where upload_id = %s and"
        await until(
            lambda: select(self.database, f"{aged} state = 'called' returning upload_id", longest + 1, upload_id), "its call is recorded"
        )

    def fault(self, *rules: dict[str, Any]) -> None:
        """Put fault rules into the stand-in."""
        address = f"{self.stack.address('sagemaker')}/faults"
        urllib.request.urlopen(urllib.request.Request(address, json.dumps(rules).encode(), method="POST"), timeout=10).close()  # noqa: S310
