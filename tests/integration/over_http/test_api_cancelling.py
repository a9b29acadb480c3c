"""Cancelling, over real HTTP."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from psycopg.types.json import Jsonb

from runtime import uploads
from runtime.database import Database
from runtime.errors import ObjectMissing
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.jobs import job_key, source_key
from schemas.status import Status
from tests.chain import SOURCE
from tests.upload_calls import announce, problem, stored


async def test_a_cancelled_upload_drops_its_parts_takes_no_more_and_stays_cancelled(http: httpx.AsyncClient, settings: Settings) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"a part")
    cancelled = await http.post(f"/v1/uploads/{upload_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await http.post(f"/v1/uploads/{upload_id}/cancel")).json() == cancelled.json()
    assert await S3Parts().unfinished(settings.storage.bucket, source_key(cancelled.json()["id"])) == []
    assert problem(await http.put(f"/v1/uploads/{upload_id}/parts/2", content=b"more")) == (409, "upload-ended")


async def test_content_that_was_put_together_and_never_received_goes_with_the_upload(
    http: httpx.AsyncClient, settings: Settings, storage: S3Storage
) -> None:
    upload_id = await announce(http)
    bucket, key = settings.storage.bucket, source_key(UUID(upload_id))
    await storage.put(bucket, key, b"the whole of it", "video/mp4")  # as `complete` leaves it where the plan has nothing left
    assert (await http.post(f"/v1/uploads/{upload_id}/cancel")).json()["status"] == "cancelled"
    with pytest.raises(ObjectMissing):
        await storage.head(bucket, key)


async def test_work_is_cancelled_gives_back_what_it_held_and_can_be_tried_again(
    http: httpx.AsyncClient, settings: Settings, storage: S3Storage
) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/content", content=b"the whole of it")
    bucket, job = settings.storage.bucket, job_key(UUID(upload_id), 1)
    await storage.put(bucket, job, b"{}", "application/json")
    assert (await http.get("/v1/usage")).json()["videos"]["reserved"] == 1
    cancelled = await http.post(f"/v1/uploads/{upload_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await http.post(f"/v1/uploads/{upload_id}/cancel")).json() == cancelled.json()
    assert (await http.get("/v1/usage")).json()["videos"]["reserved"] == 0
    with pytest.raises(ObjectMissing):
        await storage.head(bucket, job)
    assert await stored(storage, settings, upload_id) == b"the whole of it"
    again = await http.post(f"/v1/uploads/{upload_id}/retry")
    assert (again.status_code, again.json()["status"], again.json()["attempt"]) == (202, "received", 2)


async def test_what_has_ended_or_has_its_analysis_is_not_cancelled(http: httpx.AsyncClient, database: Database) -> None:
    ended, analysed = await announce(http), await announce(http)
    for upload_id in (ended, analysed):
        await http.put(f"/v1/uploads/{upload_id}/content", content=b"x")
    async with database.transaction() as connection:
        assert await uploads.apply_status(connection, UUID(ended), 1, Status.EXPIRED, SOURCE)
    found = {"document": Jsonb({}), "media_seconds": 1.0, "compute_seconds": 1.0}
    assert await database.rows("keep_analysis", upload_id=UUID(analysed), attempt=1, **found)
    for upload_id, status in ((ended, "expired"), (analysed, "completed")):
        refused = await http.post(f"/v1/uploads/{upload_id}/cancel")
        assert problem(refused) == (409, "already-ended")
        assert refused.json()["upload_status"] == status


async def test_an_upload_that_was_cancelled_before_its_content_came_has_nothing_to_try_again_or_to_play(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http)
    await http.post(f"/v1/uploads/{upload_id}/cancel")
    assert problem(await http.post(f"/v1/uploads/{upload_id}/retry")) == (409, "content-missing")
    assert problem(await http.get(f"/v1/uploads/{upload_id}/content")) == (409, "content-missing")


async def test_nobody_cancels_the_upload_of_somebody_else(http: httpx.AsyncClient, stranger: str) -> None:
    upload_id = await announce(http)
    refused = await http.post(f"/v1/uploads/{upload_id}/cancel", headers={"Authorization": f"Bearer {stranger}"})
    assert problem(refused) == (404, "no-such-upload")
    assert (await http.get(f"/v1/uploads/{upload_id}")).json()["status"] == "created"
