"""What becomes of uploads that nobody comes back to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from producers.tidying import A_DAY, BATCH, Tidier
from runtime import object_claims, uploads
from runtime.database import Database
from runtime.errors import DependencyUnavailable
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from runtime.testing import MemoryParts, MemoryStorage
from runtime.uploads import NewUpload, NoContent
from schemas.events import Source
from schemas.jobs import source_key
from schemas.status import Status
from tests.chain import SOURCE, select, statuses, upload_row

BUCKET = "valence"


async def unsent(database: Database, account: UUID, age: timedelta) -> UUID:
    """An upload of which nothing has come for so long."""
    upload_id = uuid4()
    new = NewUpload(id=upload_id, account_id=account, source=Source(bucket=BUCKET, key=source_key(upload_id)), part_size=8 * 1024**2)
    async with database.transaction() as connection:
        await uploads.insert(connection, new, Status.CREATED, SOURCE)
    await select(database, "update uploads set updated_at = %s where id = %s", datetime.now(UTC) - age, upload_id)
    return upload_id


async def time_passes(database: Database, upload_id: UUID) -> None:
    """So much that S3 has finished what it was last asked for."""
    await select(database, "update uploads set writing_until = writing_until - interval '11 minutes' where id = %s", upload_id)


async def test_an_upload_expires_a_day_after_its_last_sign_of_life_and_its_parts_are_gone(
    database: Database, account: UUID, settings: Settings
) -> None:
    old, young = await unsent(database, account, timedelta(hours=25)), await unsent(database, account, timedelta(hours=23))
    parts, bucket = S3Parts(), settings.storage.bucket
    for upload_id in (old, young):
        await parts.put(bucket, source_key(upload_id), await parts.begin(bucket, source_key(upload_id), "video/mp4"), 1, b"part")
    tidier = Tidier(bucket, database, S3Storage(), parts)
    await tidier.tidy()
    await tidier.tidy()
    assert [status for _, _, status in await statuses(database, old)] == ["created", "expired"]
    failure = (await upload_row(database, old))["failure"]
    assert (failure["code"], failure["retryable"]) == ("upload_abandoned", False)
    assert await parts.unfinished(bucket, source_key(old)) == []
    assert [status for _, _, status in await statuses(database, young)] == ["created"]
    assert len(await parts.unfinished(bucket, source_key(young))) == 1


async def test_the_clock_decides(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta())
    objects = MemoryStorage()
    (row,) = await database.rows("upload", id=upload_id)
    for late, expected in ((timedelta(), "created"), (A_DAY + timedelta(seconds=1), "expired")):
        now = row["updated_at"] + late
        tidier = Tidier(BUCKET, database, objects, MemoryParts(objects), lambda now=now: now)  # type: ignore[misc]  # a default binds it
        while await tidier.tidy() == BATCH:
            pass  # other tests have left uploads behind, which are abandoned by then too
        assert (await upload_row(database, upload_id))["status"] == expected


async def test_what_was_received_in_the_meantime_is_left_alone(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta(hours=25))
    await select(database, "update uploads set status = 'received' where id = %s", upload_id)
    objects = MemoryStorage()
    await Tidier(BUCKET, database, objects, MemoryParts(objects)).tidy()
    await Tidier(BUCKET, database, objects, MemoryParts(objects))._expire(upload_id, datetime.now(UTC))
    assert (await upload_row(database, upload_id))["status"] == "received"


async def test_what_s3_could_not_remove_of_an_abandoned_upload_goes_on_a_later_turn(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta(hours=25))
    objects = MemoryStorage()
    parts = MemoryParts(objects)
    await parts.begin(BUCKET, source_key(upload_id), "video/mp4")
    tidier = Tidier(BUCKET, database, objects, parts)
    parts.away = True
    with pytest.raises(DependencyUnavailable):
        await tidier.tidy()
    parts.away = False
    await time_passes(database, upload_id)  # nobody renews that claim
    await tidier.tidy()
    assert parts.begun == {}
    assert [status for _, _, status in await statuses(database, upload_id)] == ["created", "expired"]
    assert (await upload_row(database, upload_id))["claim"] is None


async def test_what_a_process_that_died_was_putting_together_goes_where_the_upload_was_cancelled_meanwhile(
    database: Database, account: UUID
) -> None:
    upload_id = await unsent(database, account, timedelta())
    objects = MemoryStorage()
    await objects.put(BUCKET, source_key(upload_id), b"video", "video/mp4")
    async with database.transaction() as connection:
        assert await object_claims.take(connection, upload_id)
        await uploads.cancel(connection, upload_id, SOURCE)
    tidier = Tidier(BUCKET, database, objects, MemoryParts(objects))
    await tidier.tidy()
    assert len(objects.objects) == 1, "its claim holds: it may be alive"
    await time_passes(database, upload_id)
    await tidier.tidy()
    assert objects.objects == {}


async def test_what_s3_finishes_after_nobody_waited_any_more_goes_where_the_upload_was_cancelled(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta())
    async with database.transaction() as connection:
        claim = await object_claims.take(connection, upload_id)
    assert claim is not None
    with pytest.raises(DependencyUnavailable):
        async with object_claims.renewed(database, claim):
            raise DependencyUnavailable("s3", "no answer")
    async with database.transaction() as connection:
        await uploads.cancel(connection, upload_id, SOURCE)
    objects = MemoryStorage()
    tidier = Tidier(BUCKET, database, objects, MemoryParts(objects))
    assert await tidier.tidy() == 0, "S3 may be at it"
    await objects.put(BUCKET, source_key(upload_id), b"video", "video/mp4")
    await time_passes(database, upload_id)
    assert await tidier.tidy() == 1
    assert objects.objects == {}
    assert await tidier.tidy() == 0


async def test_an_upload_that_somebody_is_putting_together_is_not_abandoned(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta(hours=25))
    async with database.transaction() as connection:
        assert await object_claims.take(connection, upload_id)
    objects = MemoryStorage()
    await Tidier(BUCKET, database, objects, MemoryParts(objects)).tidy()
    assert (await upload_row(database, upload_id))["status"] == "created"


async def test_while_s3_hangs_over_an_abandoned_upload_its_row_is_free(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta(hours=25))
    asked, go = asyncio.Event(), asyncio.Event()

    class SlowParts(MemoryParts):
        async def unfinished(self, bucket: str, key: str) -> list[str]:
            asked.set()
            await go.wait()
            return await super().unfinished(bucket, key)

    objects = MemoryStorage()
    tidying = asyncio.create_task(Tidier(BUCKET, database, objects, SlowParts(objects)).tidy())
    await asked.wait()
    (row,) = await select(database, "select status from uploads where id = %s for update nowait", upload_id)
    assert row["status"] == "expired"
    go.set()
    await tidying


async def test_an_abandoned_upload_cannot_be_tried_again(database: Database, account: UUID) -> None:
    upload_id = await unsent(database, account, timedelta(hours=25))
    objects = MemoryStorage()
    await Tidier(BUCKET, database, objects, MemoryParts(objects)).tidy()
    async with database.transaction() as connection:
        with pytest.raises(NoContent):
            await uploads.retry(connection, upload_id, SOURCE)
