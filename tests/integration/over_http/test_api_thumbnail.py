"""The small picture of an upload: made once, by a child, when somebody asks, and erased with its video."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from psycopg.types.json import Jsonb

from api.problems import Busy, NoThumbnail
from api.thumbnails import FIRST_PAUSE_SECONDS, MOST_WAITING, PAUSE_GROWTH, Thumbnails
from media.limits import MediaLimits
from producers.erasing import Eraser
from runtime.database import Database
from runtime.errors import ObjectMissing
from runtime.identifiers import uuid7
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import ObjectInfo, S3Storage
from schemas.jobs import source_key, thumbnail_key
from tests.media_samples import clip
from tests.upload_calls import announce, problem
from tests.waiting import until

VIDEO = {"codec": "h264", "width": 64, "height": 48}


class Watched(S3Storage):
    """Counts the pictures that were not there and the videos that are opened, and opens none before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.missed = self.opened = 0
        self.may = asyncio.Event()

    async def get(self, bucket: str, key: str, most: int) -> bytes:
        try:
            return await super().get(bucket, key, most)
        except ObjectMissing:
            self.missed += 1
            raise

    async def open(self, bucket: str, key: str, most: int) -> tuple[ObjectInfo, bytes]:
        self.opened += 1
        await self.may.wait()
        return await super().open(bucket, key, most)


@pytest.fixture
async def watched(servers: dict[str, str]) -> Watched:
    return Watched()


@pytest.fixture
async def thumbnails(settings: Settings, database: Database, watched: Watched) -> AsyncIterator[Thumbnails]:
    made = Thumbnails(settings.storage.bucket, database, watched, MediaLimits())
    yield made
    made.close()


async def validated(http: httpx.AsyncClient, database: Database, content: bytes, video: dict[str, object] | None) -> tuple[UUID, str]:
    """An upload as the first stage leaves it: its id, and the ETag of its object."""
    upload_id = await announce(http)
    assert (await http.put(f"/v1/uploads/{upload_id}/content", content=content)).status_code == 200
    (row,) = await database.rows("upload", id=upload_id)
    info = await S3Storage().head(row["bucket"], row["key"])
    described = Jsonb({"container": "mp4", "bytes": len(content), "video": video})
    await database.rows("set_media", id=upload_id, attempt=1, media=described, etag=info.etag, bytes=len(content), seconds=1.0)
    return UUID(upload_id), info.etag


async def below(storage: S3Storage, settings: Settings, upload_id: UUID) -> list[str]:
    return [info.key async for info in storage.list(settings.storage.bucket, f"uploads/{upload_id}/")]


async def test_a_video_has_a_picture_that_browsers_keep_and_that_is_erased_with_it(
    http: httpx.AsyncClient, settings: Settings, database: Database, storage: S3Storage
) -> None:
    upload_id, etag = await validated(http, database, clip(audio=None, seconds=0.4), VIDEO)
    address = f"/v1/uploads/{upload_id}/thumbnail"
    made = await http.get(address)
    assert (made.status_code, made.headers["content-type"], made.content[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert made.headers["cache-control"] == "private, no-cache"
    assert (await http.get(address)).content == made.content
    again = await http.get(address, headers={"If-None-Match": f'W/"other", {made.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", made.headers["etag"])
    assert await below(storage, settings, upload_id) == [source_key(upload_id), thumbnail_key(upload_id, etag)]
    deleted = await http.delete(f"/v1/uploads/{upload_id}")
    eraser = Eraser(settings, database, storage, S3Parts())
    while await eraser.erase():
        pass
    assert await below(storage, settings, upload_id) == []
    assert (await http.get(deleted.headers["location"])).json()["objects"] == 2


async def test_sound_alone_and_what_has_not_been_looked_at_have_none(http: httpx.AsyncClient, database: Database) -> None:
    fresh = await announce(http)
    assert problem(await http.get(f"/v1/uploads/{fresh}/thumbnail")) == (404, "no-thumbnail")
    heard, _ = await validated(http, database, clip(video=None, seconds=0.4), None)
    assert problem(await http.get(f"/v1/uploads/{heard}/thumbnail")) == (404, "no-thumbnail")


async def test_what_does_not_decode_has_none_and_is_not_tried_again(
    http: httpx.AsyncClient, settings: Settings, database: Database, storage: S3Storage
) -> None:
    upload_id, etag = await validated(http, database, b"no video at all", VIDEO)
    for _ in range(2):
        assert problem(await http.get(f"/v1/uploads/{upload_id}/thumbnail")) == (404, "no-thumbnail")
    assert await storage.get(settings.storage.bucket, thumbnail_key(upload_id, etag), 1) == b""


async def test_a_picture_that_takes_too_long_is_tried_again_later_and_less_and_less_often(
    http: httpx.AsyncClient, settings: Settings, database: Database, thumbnails: Thumbnails, watched: Watched
) -> None:
    upload_id, etag = await validated(http, database, clip(audio=None, seconds=0.4), VIDEO)
    asked = (upload_id, settings.storage.bucket, source_key(upload_id), etag)
    watched.may.set()
    now = 0.0
    hurried = Thumbnails(settings.storage.bucket, database, watched, MediaLimits(probe_seconds=0.001), lambda: now)
    for tried, pause in enumerate((FIRST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * PAUSE_GROWTH), 1):
        for _ in range(2):
            with pytest.raises(NoThumbnail) as refused:
                await hurried.get(*asked)
            assert refused.value.headers["Retry-After"] == f"{pause:.0f}"
        assert watched.opened == tried
        now += pause
    hurried.close()
    assert (await thumbnails.get(*asked))[:2] == b"\xff\xd8", "where there is time for it, it has one"


async def test_many_who_ask_at_once_wait_for_one_decoding(
    http: httpx.AsyncClient, settings: Settings, database: Database, thumbnails: Thumbnails, watched: Watched
) -> None:
    upload_id, etag = await validated(http, database, clip(audio=None, seconds=0.4), VIDEO)
    asking = [asyncio.create_task(thumbnails.get(upload_id, settings.storage.bucket, source_key(upload_id), etag)) for _ in range(5)]
    await until(lambda: watched.missed == len(asking), "all have asked")
    gone = asking.pop()
    gone.cancel()  # whoever goes away takes nothing from the others
    watched.may.set()
    assert len(set(await asyncio.gather(*asking))) == 1
    assert watched.opened == 1


async def test_an_upload_that_is_erased_while_its_picture_is_made_leaves_none(
    http: httpx.AsyncClient, settings: Settings, database: Database, thumbnails: Thumbnails, watched: Watched, storage: S3Storage
) -> None:
    upload_id, etag = await validated(http, database, clip(audio=None, seconds=0.4), VIDEO)
    await http.delete(f"/v1/uploads/{upload_id}")
    watched.may.set()
    await thumbnails.get(upload_id, settings.storage.bucket, source_key(upload_id), etag)
    assert await below(storage, settings, upload_id) == [source_key(upload_id)]


async def test_more_than_can_be_made_soon_are_told_to_come_again(settings: Settings, thumbnails: Thumbnails, watched: Watched) -> None:
    async def ask() -> bytes:
        upload_id = uuid7()
        return await thumbnails.get(upload_id, settings.storage.bucket, source_key(upload_id), "etag")

    waiting = [asyncio.create_task(ask()) for _ in range(MOST_WAITING + 1)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    with pytest.raises(Busy):
        await done.pop()
    watched.may.set()
    await asyncio.gather(*waiting, return_exceptions=True)
