"""Giving an upload up, over real HTTP."""

from __future__ import annotations

import httpx

from runtime.parts import S3Parts
from runtime.settings import Settings
from schemas.jobs import source_key
from tests.upload_calls import announce, problem


async def test_a_cancelled_upload_drops_its_parts_takes_no_more_and_stays_cancelled(http: httpx.AsyncClient, settings: Settings) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"a part")
    cancelled = await http.post(f"/v1/uploads/{upload_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await http.post(f"/v1/uploads/{upload_id}/cancel")).json() == cancelled.json()
    assert await S3Parts().unfinished(settings.storage.bucket, source_key(cancelled.json()["id"])) == []
    assert problem(await http.put(f"/v1/uploads/{upload_id}/parts/2", content=b"more")) == (409, "upload-ended")


async def test_an_upload_whose_content_has_come_is_not_cancelled(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/content", content=b"the whole of it")
    assert problem(await http.post(f"/v1/uploads/{upload_id}/cancel")) == (409, "content-already-received")


async def test_nobody_cancels_the_upload_of_somebody_else(http: httpx.AsyncClient, stranger: str) -> None:
    upload_id = await announce(http)
    refused = await http.post(f"/v1/uploads/{upload_id}/cancel", headers={"Authorization": f"Bearer {stranger}"})
    assert problem(refused) == (404, "no-such-upload")
    assert (await http.get(f"/v1/uploads/{upload_id}")).json()["status"] == "created"
