"""The ledger in real PostgreSQL: what a plan allows is never exceeded, and what was not completed costs nothing."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from api import accounts
from runtime import quotas, uploads
from runtime.database import Database
from runtime.quotas import QuotaExceeded
from runtime.uploads import NewUpload
from schemas.events import Source, UploadReceived
from schemas.failures import Failure
from schemas.status import Status
from tests.chain import SOURCE, select


@pytest.fixture
async def plan(database: Database, account: UUID) -> str:
    """A plan of the test's account: 10 videos and 100 minutes a month."""
    name = f"plan-{account}"
    await accounts.define_plan(database, name, 10, 100)
    await accounts.set_plan(database, f"test-{account}", name)
    return name


async def announce(database: Database, account: UUID) -> UUID:
    upload = NewUpload(id=uuid4(), account_id=account, source=Source(bucket="valence", key="x"))
    async with database.transaction() as connection:
        assert await uploads.insert(connection, upload, Status.CREATED, SOURCE)
    return upload.id


async def submit(database: Database, account: UUID, upload_id: UUID, attempt: int = 1) -> bool:
    """What `complete` does: False where the plan refuses."""
    event = UploadReceived(upload_id=upload_id, account_id=account, attempt=attempt, source=Source(bucket="valence", key="x"))
    try:
        async with database.transaction() as connection:
            assert await uploads.submit(connection, event, SOURCE)
    except QuotaExceeded:
        return False
    return True


async def validated(database: Database, upload_id: UUID, seconds: float | None, attempt: int = 1) -> bool:
    """What validation does once it has seen the video: False where the plan refuses."""
    found = {"media": Jsonb({}), "etag": "e", "bytes": 1, "seconds": seconds}
    (kept,) = await database.rows("set_media", id=upload_id, attempt=attempt, **found)
    return kept["refused"] is None


async def end(database: Database, upload_id: UUID, status: Status, attempt: int = 1, code: str = "x") -> None:
    failure = None if status is Status.COMPLETED else Failure(code=code, message="no")
    async with database.transaction() as connection:
        assert await uploads.apply_status(connection, upload_id, attempt, status, SOURCE, failure)


async def keep(database: Database, upload_id: UUID, seconds: float, attempt: int = 1) -> None:
    found = {"document": Jsonb({}), "media_seconds": seconds, "compute_seconds": 1.0}
    assert await database.rows("keep_analysis", upload_id=upload_id, attempt=attempt, **found)


async def used(database: Database, account: UUID) -> tuple[int, int, float, float]:
    """Videos used and reserved, minutes used and reserved."""
    (row,) = await database.rows("usage", account_id=account)
    return row["videos_used"], row["videos_reserved"], row["seconds_used"] / 60, row["seconds_reserved"] / 60


async def test_of_a_hundred_videos_at_once_as_many_are_accepted_as_the_plan_has(database: Database, account: UUID, plan: str) -> None:
    made = [await announce(database, account) for _ in range(100)]
    accepted = await asyncio.gather(*(submit(database, account, upload_id) for upload_id in made))
    assert sum(accepted) == 10
    assert await used(database, account) == (0, 10, 0, 0)
    refused = await select(
        database, "select count(*) as n from outbox where aggregateid = any(%s) and type = 'upload.received.v1'", [str(one) for one in made]
    )
    assert refused[0]["n"] == 10, "a refused upload is not sent on its way"


async def test_the_last_minute_is_raced_by_fifty_and_won_by_one(database: Database, account: UUID, plan: str) -> None:
    await accounts.define_plan(database, plan, None, 100)
    for minutes in (60, 39):
        upload_id = await announce(database, account)
        assert await submit(database, account, upload_id)
        assert await validated(database, upload_id, minutes * 60)
    racing = [await announce(database, account) for _ in range(50)]
    assert all(await asyncio.gather(*(submit(database, account, upload_id) for upload_id in racing))), "a minute is left for any of them"
    won = await asyncio.gather(*(validated(database, upload_id, 60) for upload_id in racing))
    assert sum(won) == 1
    assert (await used(database, account))[3] == 100
    assert not await submit(database, account, await announce(database, account)), "no minute is left"


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED, Status.EXPIRED, Status.CANCELLED])
async def test_what_is_not_completed_costs_nothing(database: Database, account: UUID, plan: str, status: Status) -> None:
    upload_id = await announce(database, account)
    await submit(database, account, upload_id)
    await validated(database, upload_id, 120)
    assert await used(database, account) == (0, 1, 0, 2)
    await end(database, upload_id, status)
    assert await used(database, account) == (0, 0, 0, 0)


async def test_a_completed_video_costs_what_it_was_long_and_not_what_it_claimed(database: Database, account: UUID, plan: str) -> None:
    upload_id = await announce(database, account)
    await submit(database, account, upload_id)
    await validated(database, upload_id, 1)
    await keep(database, upload_id, 600)
    await end(database, upload_id, Status.COMPLETED)
    assert await used(database, account) == (1, 0, 10, 0)


async def test_a_failed_video_that_is_tried_again_costs_once(database: Database, account: UUID, plan: str) -> None:
    upload_id = await announce(database, account)
    await submit(database, account, upload_id)
    for attempt in (1, 2):
        await end(database, upload_id, Status.FAILED, attempt)
        assert await submit(database, account, upload_id, attempt + 1)
    await keep(database, upload_id, 60, attempt=3)
    await end(database, upload_id, Status.COMPLETED, attempt=3)
    assert await used(database, account) == (1, 0, 1, 0)


async def test_a_repeat_of_the_same_event_reserves_nothing_more(database: Database, account: UUID, plan: str) -> None:
    upload_id = await announce(database, account)
    await submit(database, account, upload_id)
    for _ in range(3):
        assert await validated(database, upload_id, 60)
    assert await used(database, account) == (0, 1, 0, 1)


async def test_a_dead_lettered_video_costs_if_it_is_completed_after_all(database: Database, account: UUID, plan: str) -> None:
    upload_id = await announce(database, account)
    await submit(database, account, upload_id)
    await end(database, upload_id, Status.FAILED, code="dead_lettered")
    assert await used(database, account) == (0, 0, 0, 0)
    await keep(database, upload_id, 60)
    await end(database, upload_id, Status.COMPLETED)
    assert await used(database, account) == (1, 0, 1, 0)


async def test_a_bulk_video_counts_once_it_is_validated(database: Database, account: UUID, plan: str) -> None:
    bulk = NewUpload(id=uuid4(), account_id=account, source=Source(bucket="valence", key="ingest/x"))
    async with database.transaction() as connection:
        await uploads.insert(connection, bulk, Status.RECEIVED, SOURCE)
    assert await used(database, account) == (0, 0, 0, 0)
    assert await validated(database, bulk.id, 90)
    assert await used(database, account) == (0, 1, 0, 1.5)


async def test_what_was_used_last_month_is_forgotten_this_month(database: Database, account: UUID, plan: str) -> None:
    for _ in range(10):
        assert await submit(database, account, await announce(database, account))
    with pytest.raises(QuotaExceeded, match=r"10 videos a month, 0 of them are left"):
        await quotas.check(database, account)
    await select(database, "update ledger set month = month - interval '1 month' where account_id = %s", account)
    await quotas.check(database, account)
    assert await submit(database, account, await announce(database, account))


async def test_one_accounts_videos_use_up_nobody_elses_plan(database: Database, account: UUID, plan: str) -> None:
    other = uuid4()
    await database.rows("insert_account", id=other, name=f"other-{other}")
    await accounts.set_plan(database, f"other-{other}", plan)
    for _ in range(10):
        assert await submit(database, account, await announce(database, account))
    assert await submit(database, other, await announce(database, other))
