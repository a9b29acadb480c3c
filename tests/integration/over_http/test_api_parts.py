"""Content in parts, over real HTTP into real S3."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from typing import Any
from uuid import UUID

import httpx
import pytest

from runtime.database import Database
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.jobs import source_key
from tests.chain import select, statuses
from tests.upload_calls import MIB, announce, problem, status_of, stored

PART = 8 * MIB
CONTENT = os.urandom(2 * PART + 1_000)
PARTS = {1: CONTENT[:PART], 2: CONTENT[PART : 2 * PART], 3: CONTENT[2 * PART :]}


async def put(http: httpx.AsyncClient, upload_id: str, number: object, content: bytes, **headers: str) -> httpx.Response:
    return await http.put(f"/v1/uploads/{upload_id}/parts/{number}", content=content, headers=headers)


async def complete(http: httpx.AsyncClient, upload_id: str, **body: Any) -> httpx.Response:
    return await http.post(f"/v1/uploads/{upload_id}/complete", json=body) if body else await http.post(f"/v1/uploads/{upload_id}/complete")


async def there(http: httpx.AsyncClient, upload_id: str) -> list[int]:
    answer = await http.get(f"/v1/uploads/{upload_id}/parts")
    assert answer.status_code == 200, answer.text
    return [part["number"] for part in answer.json()["parts"]]


def content_digest(content: bytes) -> str:
    return f"sha-512=:AA==:, sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


async def test_parts_in_any_order_become_the_file_which_is_submitted_once(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings, database: Database
) -> None:
    announced = (await http.post("/v1/uploads", json={"filename": "clip.mp4", "bytes": len(CONTENT)})).json()
    upload_id = announced["id"]
    assert (announced["part_size"], announced["parts_url"]) == (PART, f"/v1/uploads/{upload_id}/parts")
    assert await there(http, upload_id) == []
    for number in (3, 1):
        sent = await put(http, upload_id, number, PARTS[number], **{"Content-Digest": content_digest(PARTS[number])})
        md5 = hashlib.md5(PARTS[number], usedforsecurity=False).hexdigest()
        assert sent.json() == {"number": number, "bytes": len(PARTS[number]), "etag": md5}
    assert await there(http, upload_id) == [1, 3]
    missing = await complete(http, upload_id)
    assert problem(missing) == (409, "parts-missing")
    assert "these are missing: 2." in missing.json()["detail"]
    await put(http, upload_id, 2, PARTS[2])
    done = await complete(http, upload_id)
    assert (done.json()["status"], done.json()["sequence"], done.json()["parts_url"]) == ("received", 3, None)
    assert (await complete(http, upload_id)).json() == done.json()
    assert await stored(storage, settings, upload_id) == CONTENT
    rows = await select(database, "select payload from outbox where aggregateid = %s and type = 'upload.received.v1'", upload_id)
    etag = (await storage.head(settings.storage.bucket, source_key(UUID(upload_id)))).etag
    assert [(row["payload"]["source"]["etag"], row["payload"]["source"]["bytes"]) for row in rows] == [(etag, len(CONTENT))]


async def test_a_file_of_undeclared_size_may_come_in_parts_too(http: httpx.AsyncClient, storage: S3Storage, settings: Settings) -> None:
    upload_id = await announce(http)
    assert problem(await complete(http, upload_id)) == (409, "parts-missing")
    await put(http, upload_id, 2, b"end")
    assert problem(await complete(http, upload_id)) == (409, "parts-missing")
    await put(http, upload_id, 1, b"short")
    assert problem(await complete(http, upload_id)) == (422, "size-mismatch")
    await put(http, upload_id, 1, PARTS[1])
    assert (await complete(http, upload_id)).json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == PARTS[1] + b"end"


async def test_a_part_that_the_file_cannot_have_is_refused(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http, bytes=len(CONTENT))
    assert problem(await put(http, upload_id, 4, b"x")) == (422, "invalid-part")
    for number in (0, -1, 10_001, 2**70):
        assert problem(await put(http, upload_id, number, b"x")) == (422, "invalid-request"), number
    for name in ("one", "1.0", "1/2", "%00"):
        assert problem(await put(http, upload_id, name, b"x"))[0] == 404, name
    for number, content in ((1, PARTS[1][:-1]), (1, PARTS[1] + b"x"), (3, PARTS[3] + b"x")):
        assert problem(await put(http, upload_id, number, content)) == (422, "size-mismatch")
    assert problem(await put(http, upload_id, 1, b"")) == (422, "empty-content")
    assert await there(http, upload_id) == []


async def test_a_part_with_another_digest_than_announced_is_not_stored(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http, bytes=5)
    assert problem(await put(http, upload_id, 1, b"video", **{"Content-Digest": content_digest(b"other")})) == (422, "digest-mismatch")
    for header in ("sha-256=video", "sha-256=:dmlkZW8=:", "sha-256=:é:", "nonsense", ""):
        answer = await http.put(
            f"/v1/uploads/{upload_id}/parts/1", content=b"video", headers=[(b"content-digest", header.encode("latin-1"))]
        )
        assert problem(answer) == (422, "invalid-request"), header
    assert await there(http, upload_id) == []


async def test_a_part_that_is_sent_again_counts_and_named_parts_decide(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings
) -> None:
    upload_id = await announce(http, bytes=5)
    first = (await put(http, upload_id, 1, b"first")).json()["etag"]
    again = (await put(http, upload_id, 1, b"again")).json()["etag"]
    assert await there(http, upload_id) == [1]
    for parts in ([{"number": 1, "etag": "0" * 32}], [{"number": 2, "etag": first}]):
        assert problem(await complete(http, upload_id, parts=parts)) == (409, "parts-differ")
    twice = [{"number": 1, "etag": again}, {"number": 1, "etag": first}]
    assert problem(await complete(http, upload_id, parts=twice)) == (422, "invalid-request")
    assert (await complete(http, upload_id, parts=[{"number": 1, "etag": f'"{again}"'}])).json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == b"again"


async def test_the_digest_of_the_whole_file_is_checked_and_wrong_parts_can_be_sent_again(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings
) -> None:
    upload_id = await announce(http, bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    for number, content in ((1, PARTS[2]), (2, PARTS[1]), (3, PARTS[3])):
        await put(http, upload_id, number, content)
    assert problem(await complete(http, upload_id)) == (422, "digest-mismatch")
    assert (await status_of(http, upload_id), await there(http, upload_id)) == ("uploading", [])
    for number, content in PARTS.items():
        await put(http, upload_id, number, content)
    assert (await complete(http, upload_id)).json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == CONTENT


async def test_of_two_tabs_that_complete_at_once_both_are_told_and_one_event_is_sent(http: httpx.AsyncClient, database: Database) -> None:
    upload_id = await announce(http, bytes=5, sha256=hashlib.sha256(b"video").hexdigest())
    sent = await asyncio.gather(*(put(http, upload_id, 1, b"video") for _ in range(4)))
    assert {answer.status_code for answer in sent} == {200}
    answers = await asyncio.gather(*(complete(http, upload_id) for _ in range(6)))
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "received")}
    assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading", "received"]


@pytest.mark.parametrize("digest", [None, hashlib.sha256(CONTENT).hexdigest()], ids=["no digest", "a digest"])
async def test_an_api_that_died_between_s3_and_postgresql_is_made_good_by_completing_again(
    http: httpx.AsyncClient, database: Database, settings: Settings, digest: str | None
) -> None:
    upload_id = await announce(http, bytes=len(CONTENT), sha256=digest)
    for number, content in PARTS.items():
        await put(http, upload_id, number, content)
    (row,) = await database.rows("upload", id=UUID(upload_id))
    place = settings.storage.bucket, source_key(UUID(upload_id)), row["multipart_id"]
    parts = S3Parts()
    await parts.complete(*place, await parts.stored(*place))
    for answer in (await put(http, upload_id, 1, PARTS[1]), await http.get(f"/v1/uploads/{upload_id}/parts")):
        assert problem(answer) == (409, "content-already-received")
        assert "/complete" in answer.json()["detail"]
    assert (await complete(http, upload_id)).json()["status"] == "received"
    assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading", "received"]


async def test_parts_that_s3_has_dropped_are_asked_for_again(http: httpx.AsyncClient, database: Database, settings: Settings) -> None:
    upload_id = await announce(http, bytes=5)
    place = settings.storage.bucket, source_key(UUID(upload_id))

    async def drop() -> None:
        await put(http, upload_id, 1, b"video")
        (row,) = await database.rows("upload", id=UUID(upload_id))
        await S3Parts().abort(*place, row["multipart_id"])

    await drop()
    assert problem(await complete(http, upload_id)) == (409, "parts-missing")
    await drop()
    assert await there(http, upload_id) == []
    await drop()
    assert (await put(http, upload_id, 1, b"video")).status_code == 200
    assert (await complete(http, upload_id)).json()["status"] == "received"


async def test_a_received_upload_takes_no_parts_and_its_addresses_are_dead(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings
) -> None:
    upload_id = await announce(http, bytes=5)
    answer = await http.post(f"/v1/uploads/{upload_id}/part-urls", json={"numbers": [1]})
    (url,) = answer.json()["urls"]
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.put(url["url"], content=b"more!!")).status_code == 403
        assert (await anybody.put(url["url"], content=b"video")).status_code == 200
        assert (await complete(http, upload_id)).json()["status"] == "received"
        assert (await anybody.put(url["url"], content=b"evil!")).status_code == 404
    assert await stored(storage, settings, upload_id) == b"video"
    refused = [
        await put(http, upload_id, 1, b"evil!"),
        await http.get(f"/v1/uploads/{upload_id}/parts"),
        await http.post(f"/v1/uploads/{upload_id}/part-urls", json={"numbers": [1]}),
    ]
    assert {problem(answer) for answer in refused} == {(409, "content-already-received")}


async def test_addresses_are_asked_for_by_numbers_that_the_file_has(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http, bytes=5)
    path = f"/v1/uploads/{upload_id}/part-urls"
    assert problem(await http.post(path, json={"numbers": [2]})) == (422, "invalid-part")
    for numbers in ([], [0], [10_001], ["1"], list(range(1, 102)), 1, None):
        assert problem(await http.post(path, json={"numbers": numbers})) == (422, "invalid-request"), numbers


async def test_a_video_that_comes_whole_in_the_end_leaves_no_parts_behind(http: httpx.AsyncClient, settings: Settings) -> None:
    upload_id = await announce(http, bytes=5)
    await put(http, upload_id, 1, b"video")
    assert (await http.put(f"/v1/uploads/{upload_id}/content", content=b"video")).status_code == 200
    assert await S3Parts().unfinished(settings.storage.bucket, source_key(UUID(upload_id))) == []
