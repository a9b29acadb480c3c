"""The API while S3 takes its time: what has nothing to do with S3 goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx

from api import app
from runtime.database import Database
from runtime.settings import Settings
from runtime.storage import ObjectInfo

SENDERS = 8


class SlowStorage:
    """Writers of objects that are all sent before the first becomes complete, and complete only when told."""

    def __init__(self) -> None:
        self.sent = asyncio.Barrier(SENDERS)
        self.completing = asyncio.Event()
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

    async def complete(self) -> ObjectInfo:
        self.storage.completing.set()
        await self.storage.go.wait()
        return ObjectInfo(self.key, self.written, "etag")

    async def abort(self) -> None:
        return


async def test_as_many_slow_completions_as_the_pool_has_connections_keep_no_key_from_being_checked(
    settings: Settings, database: Database, key: str
) -> None:
    slow = SlowStorage()
    services = replace(app.connect(settings), database=database, writers=slow)
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"Authorization": f"Bearer {key}"}) as http:
        ids = [(await http.post("/v1/uploads", json={"filename": "clip.mp4"})).json()["id"] for _ in range(SENDERS)]
        sending = [asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/content", content=b"x")) for upload_id in ids]
        await slow.completing.wait()
        answers = {answer.status_code for answer in await asyncio.gather(*(http.get("/v1/uploads") for _ in range(20)))}
        slow.go.set()
        assert answers == {200}
        assert {(await task).status_code for task in sending} == {200}
