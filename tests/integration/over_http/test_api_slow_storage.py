"""The API while S3 takes its time: no row is locked and no connection held meanwhile, so everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from producers.erasing import Eraser
from runtime import object_claims
from runtime.database import Database
from runtime.parts import Part
from runtime.settings import Settings
from runtime.storage import InPlaceOf, ObjectInfo
from runtime.testing import MemoryParts, MemoryStorage
from tests.chain import select, statuses, upload_row
from tests.integration.over_http.in_process import speaking
from tests.upload_calls import announce, problem
from tests.waiting import DEADLINE_SECONDS, until

#: As many as the pool has connections.
SENDERS = 8


class SlowStorage:
    """Writers of objects that are all sent before the first becomes complete, and complete only when told."""

    def __init__(self) -> None:
        self.sent = asyncio.Barrier(SENDERS)
        self.completing = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    def writer(self, bucket: str, key: str, content_type: str, most: int) -> SlowWriter:
        return SlowWriter(self, key)


@dataclass
class SlowWriter:
    storage: SlowStorage
    key: str
    written: int = 0

    async def write(self, chunk: bytes) -> None:
        self.written += len(chunk)
        await self.storage.sent.wait()

    async def complete(self, place: InPlaceOf | None = None) -> ObjectInfo:
        self.storage.completing.release()
        await self.storage.go.wait()
        return ObjectInfo(self.key, self.written, "etag")

    async def abort(self) -> None:
        return


class SlowParts(MemoryParts):
    """Parts that are begun, and put together, only when told."""

    def __init__(self, storage: MemoryStorage) -> None:
        super().__init__(storage)
        self.asked = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    async def _turn(self) -> None:
        self.asked.release()
        await self.go.wait()

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        await self._turn()
        return await super().begin(bucket, key, content_type)

    async def complete(self, bucket: str, key: str, multipart_id: str, parts: Sequence[Part], place: InPlaceOf | None = None) -> ObjectInfo:
        taken = self.begun[bucket, key, multipart_id]
        await self._turn()
        self.begun[bucket, key, multipart_id] = taken  # S3 was at it before whatever was aborted since
        return await super().complete(bucket, key, multipart_id, parts, place)


@asynccontextmanager
async def hanging(
    settings: Settings, database: Database, key: str
) -> AsyncIterator[tuple[httpx.AsyncClient, str, asyncio.Task[httpx.Response], SlowParts]]:
    """An upload that is being completed, of which S3 puts the parts together when told."""
    objects = MemoryStorage()
    parts = SlowParts(objects)
    parts.go.set()
    async with speaking(settings, database, key, storage=objects, parts=parts) as http:
        upload_id = await announce(http, bytes=5)
        assert (await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"video")).status_code == 200
        await parts.asked.acquire()
        parts.go.clear()
        completing = asyncio.create_task(http.post(f"/v1/uploads/{upload_id}/complete"))
        await parts.asked.acquire()
        async with asyncio.timeout(DEADLINE_SECONDS):  # a request that waits for S3 although it should not would never be answered
            yield http, upload_id, completing, parts
        assert completing.done()


async def test_as_many_slow_contents_as_the_pool_has_connections_hold_up_nobody_else(
    settings: Settings, database: Database, key: str
) -> None:
    slow = SlowStorage()
    async with speaking(settings, database, key, writers=slow) as http:
        ids = [await announce(http) for _ in range(SENDERS)]
        sending = [asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/content", content=b"x")) for upload_id in ids]
        for _ in sending:
            await slow.completing.acquire()
        answers = {answer.status_code for answer in await asyncio.gather(*(http.get("/v1/uploads") for _ in range(20)))}
        slow.go.set()
        assert answers == {200}
        assert {(await task).status_code for task in sending} == {200}


async def test_as_many_slow_beginnings_as_the_pool_has_connections_hold_up_nobody_else(
    settings: Settings, database: Database, key: str
) -> None:
    objects = MemoryStorage()
    slow = SlowParts(objects)
    async with speaking(settings, database, key, storage=objects, parts=slow) as http:
        ids = [await announce(http) for _ in range(SENDERS)]
        sending = [asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"x")) for upload_id in ids]
        for _ in sending:
            await slow.asked.acquire()
        answers = {(await http.post(f"/v1/uploads/{upload_id}/cancel")).status_code for upload_id in ids[1:]}
        slow.go.set()
        assert answers == {200}
        assert (await sending[0]).status_code == 200
        assert {problem(await task) for task in sending[1:]} == {(409, "upload-ended")}
    assert len(slow.begun) == 1, "what was begun for uploads that had ended meanwhile is dropped"


async def test_of_two_that_begin_at_once_one_counts_and_the_other_is_dropped(settings: Settings, database: Database, key: str) -> None:
    objects = MemoryStorage()
    slow = SlowParts(objects)
    async with speaking(settings, database, key, storage=objects, parts=slow) as http:
        upload_id = await announce(http, bytes=5)
        sending = [asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"video")) for _ in range(2)]
        for _ in sending:
            await slow.asked.acquire()
        slow.go.set()
        assert {(await task).status_code for task in sending} == {200}
        assert len(slow.begun) == 1
        assert (await http.post(f"/v1/uploads/{upload_id}/complete")).json()["status"] == "received"


async def test_an_upload_can_be_cancelled_while_s3_puts_it_together_and_leaves_no_object(
    settings: Settings, database: Database, key: str
) -> None:
    async with hanging(settings, database, key) as (http, upload_id, completing, parts):
        assert (await http.post(f"/v1/uploads/{upload_id}/cancel")).json()["status"] == "cancelled"
        parts.go.set()
        assert problem(await completing) == (409, "upload-ended")
        assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading", "cancelled"]
        assert parts._storage.objects == {}
    assert (await upload_row(database, UUID(upload_id)))["claim"] is None


async def test_an_upload_can_be_erased_while_s3_puts_it_together_and_its_object_is_found_later(
    settings: Settings, database: Database, key: str
) -> None:
    async with hanging(settings, database, key) as (http, upload_id, completing, parts):
        objects = parts._storage
        receipt = (await http.delete(f"/v1/uploads/{upload_id}")).json()
        eraser = Eraser(settings, database, objects, MemoryParts(objects))
        await eraser.erase()
        parts.go.set()
        assert problem(await completing) == (404, "no-such-upload")
        assert len(objects.objects) == 1, "it has come after the eraser"
        assert (await http.get(f"/v1/receipts/{receipt['id']}")).json()["finished_at"] is None
        await select(database, "update object_erasures set due_at = now() where receipt_id = %s", receipt["id"])
        while await eraser.erase():
            pass
        assert objects.objects == {}
        assert (await http.get(f"/v1/receipts/{receipt['id']}")).json()["finished_at"] is not None


async def test_two_that_complete_while_s3_takes_its_time_are_answered_alike(settings: Settings, database: Database, key: str) -> None:
    async with hanging(settings, database, key) as (http, upload_id, completing, parts):
        second = asyncio.create_task(http.post(f"/v1/uploads/{upload_id}/complete"))
        parts.go.set()
        assert (await completing).json() == (await second).json()
    assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading", "received"]


async def test_the_claim_of_a_process_that_died_lapses_and_is_waited_for(settings: Settings, database: Database, key: str) -> None:
    objects = MemoryStorage()
    async with speaking(settings, database, key, storage=objects, parts=MemoryParts(objects)) as http:
        upload_id = await announce(http, bytes=5)
        await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"video")
        dead = "update uploads set claim = %s, writing_until = clock_timestamp() + interval '100 ms' where id = %s"
        await select(database, dead, uuid4(), upload_id)
        assert (await http.post(f"/v1/uploads/{upload_id}/complete")).json()["status"] == "received"


async def test_a_claim_that_holds_for_too_long_is_told(
    settings: Settings, database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.submitting.WAIT_SECONDS", 0.0)
    async with hanging(settings, database, key) as (http, upload_id, completing, parts):
        refused = await http.post(f"/v1/uploads/{upload_id}/complete")
        assert (problem(refused), refused.headers["retry-after"]) == ((503, "busy"), "5")
        parts.go.set()
        assert (await completing).json()["status"] == "received"


async def test_a_claim_is_renewed_for_as_long_as_s3_takes(
    settings: Settings, database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_claims, "RENEW_SECONDS", 0.0)
    async with hanging(settings, database, key) as (_, upload_id, completing, parts):
        first = (await upload_row(database, UUID(upload_id)))["writing_until"]

        async def now() -> Any:
            return (await upload_row(database, UUID(upload_id)))["writing_until"]

        await until(now, "a renewed claim", holds=lambda later: later > first)
        parts.go.set()
        assert (await completing).json()["status"] == "received"


async def test_who_comes_back_from_s3_after_another_took_over_changes_nothing(settings: Settings, database: Database, key: str) -> None:
    async with hanging(settings, database, key) as (_, upload_id, completing, parts):
        await select(database, "update uploads set claim = %s where id = %s", uuid4(), upload_id)
        parts.go.set()
        assert problem(await completing) == (503, "busy")
        assert (await upload_row(database, UUID(upload_id)))["status"] == "uploading"
