"""Deleting an upload, over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from producers.erasing import Eraser
from runtime.database import Database
from runtime.errors import ObjectMissing
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from tests.chain import select
from tests.upload_calls import announce, problem, stored


async def test_a_deleted_upload_is_gone_at_once_its_video_soon_and_the_receipt_tells(
    http: httpx.AsyncClient, settings: Settings, database: Database, storage: S3Storage
) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/content", content=b"private")
    deleted = await http.delete(f"/v1/uploads/{upload_id}")
    assert deleted.status_code == 202
    assert (deleted.json()["kind"], deleted.json()["uploads"], deleted.json()["finished_at"]) == ("upload", 1, None)
    assert problem(await http.get(f"/v1/uploads/{upload_id}")) == (404, "no-such-upload")
    assert (await http.get("/v1/uploads")).json()["data"] == []
    assert (await http.get("/v1/usage")).json()["videos"] == {"used": 0, "reserved": 0, "limit": None}
    eraser = Eraser(settings, database, storage, S3Parts())
    while await eraser.erase():
        pass
    with pytest.raises(ObjectMissing):
        await stored(storage, settings, upload_id)
    receipt = (await http.get(deleted.headers["location"], headers={"Authorization": ""})).json()
    assert (receipt["objects"], receipt["finished_at"] is None) == (1, False)


async def test_a_receipt_lists_what_went_and_can_be_checked_afterwards(
    http: httpx.AsyncClient, settings: Settings, database: Database, storage: S3Storage
) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/content", content=b"private")
    path = (await http.delete(f"/v1/uploads/{upload_id}")).headers["location"]
    assert problem(await http.post(f"{path}/check", json={"signature": "0" * 64})) == (409, "receipt-unfinished")
    eraser = Eraser(settings, database, storage, S3Parts())
    while await eraser.erase():
        pass
    kept = (await http.get(path)).json()
    listed, after = [], ""
    while True:
        page = (await http.get(f"{path}/items?limit=2{after}")).json()
        listed += page["data"]
        if page["next_cursor"] is None:
            break
        after = f"&after={page['next_cursor']}"
    place = f"s3://{settings.storage.bucket}/uploads/{upload_id}/source"
    found = [(item["kind"], item["name"], item["number"]) for item in listed]
    assert ("upload", upload_id, 1) in found
    assert ("statuses", upload_id, 3) in found
    assert ("object", place, 1) in found
    assert sum(kind == "tombstone" and upload_id in name for kind, name, _ in found) == kept["tombstones"]
    assert kept["sha256"] == hashlib.sha256("".join(f"{kind} {name} {number}\n" for kind, name, number in found).encode()).hexdigest()

    async def check(signature: str) -> tuple[bool, list[str], int]:
        answer = (await http.post(f"{path}/check", json={"signature": signature})).json()
        return answer["genuine"], answer["reappeared"], answer["objects_looked_for"]

    assert await check(kept["signature"]) == (True, [], 1)
    assert (await check("0" * 64))[0] is False
    await storage.put(settings.storage.bucket, f"uploads/{upload_id}/source", b"again", "video/mp4")
    assert await check(kept["signature"]) == (True, [f"object {place}"], 1)
    await storage.delete(settings.storage.bucket, f"uploads/{upload_id}/source")
    await select(database, "update receipt_items set name = 's3://valence/other' where kind = 'object' and receipt_id = %s", kept["id"])
    assert (await check(kept["signature"]))[0] is False, "the list is not what was signed"


async def test_deleting_twice_or_twice_at_once_gives_one_receipt(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http)
    answers = await asyncio.gather(*(http.delete(f"/v1/uploads/{upload_id}") for _ in range(4)))
    answers.append(await http.delete(f"/v1/uploads/{upload_id}"))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert answers[-1].json()["uploads"] == 1


async def test_nobody_deletes_somebody_elses_upload_or_learns_that_it_was_deleted(http: httpx.AsyncClient, stranger: str) -> None:
    upload_id, theirs = await announce(http), {"Authorization": f"Bearer {stranger}"}
    assert problem(await http.delete(f"/v1/uploads/{upload_id}", headers=theirs)) == (404, "no-such-upload")
    assert (await http.get(f"/v1/uploads/{upload_id}")).status_code == 200
    await http.delete(f"/v1/uploads/{upload_id}")
    for unknown in (upload_id, str(uuid4()), "no-id"):
        assert problem(await http.delete(f"/v1/uploads/{unknown}", headers=theirs)) == (404, "no-such-upload")


async def test_content_that_is_still_coming_when_its_upload_is_deleted_leaves_nothing(
    http: httpx.AsyncClient, settings: Settings, storage: S3Storage
) -> None:
    upload_id = await announce(http)
    deleted = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield b"first"
        await http.delete(f"/v1/uploads/{upload_id}")
        deleted.set()
        yield b"second"

    assert problem(await http.put(f"/v1/uploads/{upload_id}/content", content=content())) == (404, "no-such-upload")
    assert deleted.is_set()
    assert [info async for info in storage.list(settings.storage.bucket, f"uploads/{UUID(upload_id)}/")] == []
