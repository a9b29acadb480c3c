"""A mark says that S3 may be writing a thumbnail, so that an erasure looks again: whoever else draws the same does not take it away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from api.thumbnails import Thumbnails
from media.limits import MediaLimits
from runtime import uploads
from runtime.database import Database
from runtime.testing import MemoryStorage
from runtime.uploads import NewUpload
from schemas.events import Source
from schemas.status import Status
from tests.chain import SOURCE, select, upload_row


class SlowStorage(MemoryStorage):
    """S3 that writes the first object when told, and the others at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.puts = 0

    async def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        self.puts += 1
        if self.puts == 1:
            self.asked.set()
            await self.go.wait()
        await super().put(bucket, key, body, content_type)


@pytest.fixture
async def upload_id(database: Database, account: UUID) -> UUID:
    upload_id = uuid4()
    async with database.transaction() as connection:
        new = NewUpload(id=upload_id, account_id=account, source=Source(bucket="valence", key="ingest/clip.mp4"))
        await uploads.insert(connection, new, Status.RECEIVED, SOURCE)
    return upload_id


async def test_of_two_replicas_that_draw_the_same_the_second_leaves_the_mark_of_the_first(database: Database, upload_id: UUID) -> None:
    storage = SlowStorage()
    first, second = (Thumbnails("valence", database, storage, MediaLimits()) for _ in range(2))
    keeping = asyncio.create_task(first._keep(upload_id, "kept", b"picture"))
    await storage.asked.wait()
    marked = (await upload_row(database, upload_id))["writing_until"]
    await second._keep(upload_id, "kept", b"picture")
    assert (await upload_row(database, upload_id))["writing_until"] == marked, "S3 is still at it"
    storage.go.set()
    await keeping
    assert (await upload_row(database, upload_id))["writing_until"] is None
    assert storage.puts == 1


@pytest.mark.parametrize(("ago", "stays"), [(timedelta(seconds=5), True), (timedelta(hours=1), False)])
async def test_what_one_that_died_may_have_asked_s3_for_stays_marked_until_s3_has_finished(
    database: Database, upload_id: UUID, ago: timedelta, stays: bool
) -> None:
    storage = MemoryStorage()
    await select(database, "update uploads set writing_until = %s where id = %s", datetime.now(UTC) - ago, upload_id)
    await Thumbnails("valence", database, storage, MediaLimits())._keep(upload_id, "kept", b"picture")
    assert ("valence", "kept") in storage.objects
    assert ((await upload_row(database, upload_id))["writing_until"] is not None) == stays
