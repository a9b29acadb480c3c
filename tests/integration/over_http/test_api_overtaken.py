"""Contents that S3 finishes late, over real S3: after the claim on them has lapsed, or beside an older release that knows no claims."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from runtime.database import Database
from runtime.multipart import PART_BYTES, S3Writer, S3Writers
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import InPlaceOf, ObjectInfo, S3Storage
from schemas.jobs import source_key
from tests.chain import select, upload_row
from tests.integration.over_http.in_process import speaking
from tests.upload_calls import announce, problem, status_of, stored
from tests.waiting import DEADLINE_SECONDS

#: In one piece, and in two parts.
SIZES = pytest.mark.parametrize("size", [6, PART_BYTES + 1])


class Late(S3Writers):
    """Real S3, which is asked to complete the first object when told, and the others at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    def writer(self, bucket: str, key: str, content_type: str, most: int) -> S3Writer:
        late = self

        class Writer(S3Writer):
            async def complete(self, place: InPlaceOf | None = None) -> ObjectInfo:
                if not late.asked.is_set():
                    late.asked.set()
                    await late.go.wait()
                return await super().complete(place)

        return Writer(self._client, self._threads, bucket, key, content_type, most)


@pytest.fixture
async def late() -> Late:
    return Late()


@pytest.fixture
async def http(settings: Settings, database: Database, key: str, late: Late) -> AsyncIterator[httpx.AsyncClient]:
    """An API in this process with that storage."""
    async with speaking(settings, database, key, writers=late) as speaks, asyncio.timeout(DEADLINE_SECONDS):
        yield speaks


@SIZES
async def test_who_comes_to_s3_after_the_claim_has_lapsed_leaves_what_was_submitted(
    http: httpx.AsyncClient, late: Late, database: Database, storage: S3Storage, settings: Settings, size: int
) -> None:
    upload_id = await announce(http)
    path = f"/v1/uploads/{upload_id}/content"
    sending = asyncio.create_task(http.put(path, content=b"a" * size))
    await late.asked.wait()
    await select(database, "update uploads set claim = null where id = %s", upload_id)
    assert (await http.put(path, content=b"b" * size)).json()["status"] == "received"
    late.go.set()
    assert problem(await sending) == (409, "content-already-received")
    assert await stored(storage, settings, upload_id) == b"b" * size
    assert await S3Parts().unfinished(settings.storage.bucket, source_key(UUID(upload_id))) == []


@SIZES
async def test_what_an_older_release_has_submitted_stays(
    http: httpx.AsyncClient, late: Late, database: Database, storage: S3Storage, settings: Settings, size: int
) -> None:
    upload_id = await announce(http)
    sending = asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/content", content=b"a" * size))
    await late.asked.wait()
    await storage.put(settings.storage.bucket, source_key(UUID(upload_id)), b"older", "video/mp4")
    await select(database, "update uploads set status = 'received' where id = %s", upload_id)
    late.go.set()
    assert problem(await sending) == (409, "content-already-received")
    assert await stored(storage, settings, upload_id) == b"older"


@SIZES
async def test_what_a_request_that_died_has_left_in_s3_is_replaced(
    http: httpx.AsyncClient, late: Late, storage: S3Storage, settings: Settings, database: Database, size: int
) -> None:
    late.asked.set()
    upload_id = await announce(http)
    await storage.put(settings.storage.bucket, source_key(UUID(upload_id)), b"died before it was submitted", "video/mp4")
    assert (await http.put(f"/v1/uploads/{upload_id}/content", content=b"a" * size)).json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == b"a" * size
    assert (await upload_row(database, UUID(upload_id)))["claim"] is None


async def test_who_has_lost_the_claim_replaces_nothing_though_nothing_was_submitted(
    http: httpx.AsyncClient, late: Late, database: Database, storage: S3Storage, settings: Settings
) -> None:
    upload_id = await announce(http)
    sending = asyncio.create_task(http.put(f"/v1/uploads/{upload_id}/content", content=b"mine"))
    await late.asked.wait()
    await storage.put(settings.storage.bucket, source_key(UUID(upload_id)), b"theirs", "video/mp4")
    await select(database, "update uploads set claim = %s where id = %s", uuid4(), upload_id)
    late.go.set()
    assert problem(await sending) == (503, "busy")
    assert await stored(storage, settings, upload_id) == b"theirs"
    assert await status_of(http, upload_id) == "uploading"


async def test_parts_are_not_put_in_the_place_of_what_was_submitted(
    http: httpx.AsyncClient, database: Database, storage: S3Storage, settings: Settings
) -> None:
    upload_id = await announce(http, bytes=5)
    assert (await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"parts")).status_code == 200
    await storage.put(settings.storage.bucket, source_key(UUID(upload_id)), b"whole", "video/mp4")
    await select(database, "update uploads set claim = %s, writing_until = now() + interval '100 ms' where id = %s", uuid4(), upload_id)

    class Overtaken(S3Parts):
        async def complete(self, *place: object, **more: object) -> ObjectInfo:
            await select(database, "update uploads set status = 'received' where id = %s", upload_id)
            return await super().complete(*place, **more)  # type: ignore[arg-type]  # as it was asked

    key = http.headers["Authorization"].removeprefix("Bearer ")
    async with speaking(settings, database, key, parts=Overtaken()) as overtaken:
        answer = await overtaken.post(f"/v1/uploads/{upload_id}/complete")
    assert answer.json()["status"] == "received", "another has completed it, and that is what was asked for"
    assert await stored(storage, settings, upload_id) == b"whole"
