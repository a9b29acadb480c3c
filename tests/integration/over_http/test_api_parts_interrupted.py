"""Uploads in parts while servers go away, the API is killed, or two send the same: nothing is half-done."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest

from api import app
from runtime.database import Connection, Database
from runtime.errors import DependencyUnavailable
from runtime.settings import Settings
from runtime.storage import S3Storage
from runtime.testing import MemoryParts, MemoryStorage
from schemas.topics import UPLOADS_RECEIVED
from tests.api_process import Starter, free_port
from tests.chain import select, statuses
from tests.upload_calls import MIB, announce, problem, stored

PART = 8 * MIB


class CutDatabase:
    """A database that ends the connection of one transaction, by its number from 1, right before it commits; all else passes through."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.passed = 0
        self.cut: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self._database.transaction() as connection:
            yield connection
            self.passed += 1
            if self.passed == self.cut:
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")


class FailingDatabase:
    """A database whose transactions fail while it is away; everything else passes through."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if name == "transaction" and self.away:
            raise DependencyUnavailable("postgresql", "a test says that it is away")
        return getattr(self._database, name)


@pytest.mark.parametrize("server", ["s3", "postgresql"])
async def test_a_server_that_goes_away_in_the_middle_of_a_part_is_told_and_the_part_is_sent_again(
    settings: Settings, database: Database, key: str, server: str
) -> None:
    objects, failing = MemoryStorage(), FailingDatabase(database)
    parts = MemoryParts(objects)
    services = replace(app.connect(settings), database=cast("Database", failing), storage=objects, parts=parts)
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    going = parts if server == "s3" else failing

    async def body() -> AsyncIterator[bytes]:
        yield b"vid"
        going.away = True
        yield b"eo"

    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"Authorization": f"Bearer {key}"}) as http:
        upload_id = await announce(http, bytes=5)
        path = f"/v1/uploads/{upload_id}"
        refused = await http.put(f"{path}/parts/1", content=body())
        assert (problem(refused), refused.headers["retry-after"]) == ((503, "dependency-unavailable"), "5")
        going.away = False
        assert (await http.get(f"{path}/parts")).json()["parts"] == []
        assert (await http.put(f"{path}/parts/1", content=b"video")).status_code == 200
        going.away = True
        refused = await http.post(f"{path}/complete", headers={"Idempotency-Key": "a"})
        assert (problem(refused), refused.headers["retry-after"]) == ((503, "dependency-unavailable"), "5")
        going.away = False
        assert (await http.post(f"{path}/complete", headers={"Idempotency-Key": "a"})).json()["status"] == "received"
    assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading", "received"]


@pytest.mark.parametrize(("digest", "cut"), [(digest, cut) for digest in (False, True) for cut in range(1, 5)])
async def test_a_completion_that_loses_postgresql_in_its_middle_is_told_and_happens_once_when_repeated(
    settings: Settings, database: Database, key: str, account: UUID, digest: bool, cut: int
) -> None:
    objects, failing = MemoryStorage(), CutDatabase(database)
    parts = MemoryParts(objects)
    services = replace(app.connect(settings), database=cast("Database", failing), storage=objects, parts=parts)
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"Authorization": f"Bearer {key}"}) as http:
        declared = {"sha256": hashlib.sha256(b"video").hexdigest()} if digest else {}
        upload_id = await announce(http, bytes=5, **declared)
        path = f"/v1/uploads/{upload_id}"
        assert (await http.put(f"{path}/parts/1", content=b"video")).status_code == 200
        failing.passed, failing.cut = 0, cut
        refused = await http.post(f"{path}/complete", headers={"Idempotency-Key": "a"})
        assert (problem(refused), refused.headers["retry-after"]) == ((503, "dependency-unavailable"), "5")
        assert failing.passed == cut
        for _ in range(2):
            assert (await http.post(f"{path}/complete", headers={"Idempotency-Key": "a"})).json()["status"] == "received"
    assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading", "received"]
    sent = "select 1 from outbox where aggregateid = %s and aggregatetype = %s"
    assert len(await select(database, sent, upload_id, UPLOADS_RECEIVED.name)) == 1
    assert len(await select(database, "select 1 from ledger where upload_id = %s and state = 'reserved'", upload_id)) == 1


async def test_an_api_that_is_killed_in_the_middle_of_a_part_keeps_the_parts_that_came(
    start_api: Starter, key: str, storage: S3Storage, settings: Settings
) -> None:
    content = os.urandom(2 * PART)
    same = {"VALENCE_API_PORT": str(free_port())}
    headers = {"Authorization": f"Bearer {key}"}
    with start_api(same, page="/healthz") as api:
        begun, killed = asyncio.Event(), asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield content[PART : PART + MIB]
            begun.set()
            await killed.wait()
            yield content[PART + MIB :]

        async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=30) as http:
            upload_id = await announce(http, bytes=len(content))
            assert (await http.put(f"/v1/uploads/{upload_id}/parts/1", content=content[:PART])).status_code == 200
            cut = asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/parts/2", content=body()))
            await begun.wait()
            api.process.kill()
            api.process.wait()
            killed.set()
            with pytest.raises(httpx.TransportError):
                await cut
    with start_api(same, page="/healthz") as api:
        async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=30) as http:
            there = (await http.get(f"/v1/uploads/{upload_id}/parts")).json()["parts"]
            assert [part["number"] for part in there] == [1]
            assert (await http.put(f"/v1/uploads/{upload_id}/parts/2", content=content[PART:])).status_code == 200
            assert (await http.post(f"/v1/uploads/{upload_id}/complete")).json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == content


async def test_two_that_send_the_same_part_at_once_leave_one_of_the_two(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings
) -> None:
    upload_id = await announce(http, bytes=5)
    answers = await asyncio.gather(*(http.put(f"/v1/uploads/{upload_id}/parts/1", content=content) for content in (b"aaaaa", b"bbbbb")))
    assert [answer.status_code for answer in answers] == [200, 200]
    done = await http.post(f"/v1/uploads/{upload_id}/complete", json={"parts": [{"number": 1, "etag": answers[1].json()["etag"]}]})
    assert done.json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == b"bbbbb"
