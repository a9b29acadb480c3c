"""The bytes of an upload, over real HTTP into real S3."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from api.content_places import CONTENTS_PER_ACCOUNT
from producers.erasing import Eraser
from runtime import aws, erasure
from runtime.database import Database
from runtime.erasure import Erased
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.jobs import source_key
from tests.api_process import UPLOAD_LIMIT, ApiProcess, wait_until
from tests.upload_calls import MIB, announce, problem, status_of, stored
from tests.waiting import until


@pytest.mark.parametrize("size", [1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
async def test_a_file_of_any_size_arrives_byte_for_byte_and_is_submitted(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings, database: Database, size: int
) -> None:
    content = os.urandom(size)
    upload_id = await announce(http, bytes=size)
    answer = await http.put(f"/v1/uploads/{upload_id}/content", content=content)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["sequence"]) == ("received", 3)
    assert hashlib.sha256(await stored(storage, settings, upload_id)).digest() == hashlib.sha256(content).digest()
    async with database.transaction() as connection:
        found = await connection.execute("select payload from outbox where aggregateid = %s and type = 'upload.received.v1'", [upload_id])
        submitted = [row["payload"] for row in await found.fetchall()]
    head = await storage.head(settings.storage.bucket, source_key(UUID(upload_id)))
    assert [event["source"] for event in submitted] == [
        {"bucket": settings.storage.bucket, "key": source_key(UUID(upload_id)), "etag": head.etag, "bytes": size}
    ]


async def test_content_of_unknown_length_is_taken(http: httpx.AsyncClient, storage: S3Storage, settings: Settings) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            yield bytes([number]) * 100_000

    upload_id = await announce(http)
    answer = await http.put(f"/v1/uploads/{upload_id}/content", content=pieces())
    assert answer.json()["status"] == "received"
    assert await stored(storage, settings, upload_id) == b"".join(bytes([number]) * 100_000 for number in range(100))


@pytest.mark.parametrize("sent", [999, 1_001])
async def test_content_of_another_size_than_declared_is_refused_and_may_be_sent_again(http: httpx.AsyncClient, sent: int) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield bytes(size)

    upload_id = await announce(http, bytes=1_000)
    path = f"/v1/uploads/{upload_id}/content"
    for content in (bytes(sent), pieces(sent)):
        answer = await http.put(path, content=content)
        assert problem(answer) == (422, "size-mismatch")
        assert "1000 bytes were declared" in answer.json()["detail"]
    assert await status_of(http, upload_id) == "uploading"
    assert (await http.put(path, content=bytes(1_000))).json()["status"] == "received"


async def test_more_than_the_limit_is_refused_with_and_without_a_length(http: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(UPLOAD_LIMIT // MIB + 1):
            yield bytes(MIB)

    upload_id = await announce(http)
    path = f"/v1/uploads/{upload_id}/content"
    assert problem(await http.put(path, content=pieces())) == (413, "content-too-large")
    assert problem(await http.post("/v1/uploads", json={"filename": "x", "bytes": UPLOAD_LIMIT + 1})) == (413, "content-too-large")
    answer = await http.put(path, content=bytes(UPLOAD_LIMIT + 1))
    assert problem(answer) == (413, "content-too-large")
    assert str(UPLOAD_LIMIT) in answer.json()["detail"]


async def test_a_form_is_refused_with_a_reason_that_says_what_happened(http: httpx.AsyncClient) -> None:
    form = b'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n\r\nclip\r\n--b0undary--\r\n'
    form = form.replace(b"clip\r\n--", b"c" * (212 - len(form) + 4) + b"\r\n--")
    assert len(form) == 212
    upload_id = await announce(http, bytes=5 * MIB)
    for headers in ({}, {"Content-Type": "multipart/form-data; boundary=b0undary"}):
        answer = await http.put(f"/v1/uploads/{upload_id}/content", content=form, headers=headers)
        assert problem(answer) == (415, "form-data")
        assert "curl -T" in answer.json()["detail"]


async def test_empty_content_is_refused(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http)
    assert problem(await http.put(f"/v1/uploads/{upload_id}/content", content=b"")) == (422, "empty-content")


async def test_content_that_was_received_cannot_be_replaced(http: httpx.AsyncClient, storage: S3Storage, settings: Settings) -> None:
    upload_id = await announce(http)
    path = f"/v1/uploads/{upload_id}/content"
    await http.put(path, content=b"first")
    answer = await http.put(path, content=b"other")
    assert problem(answer) == (409, "content-already-received")
    assert answer.json()["upload_status"] == "received"
    assert await stored(storage, settings, upload_id) == b"first"


async def test_of_two_senders_at_once_one_completes_and_its_bytes_stay(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings
) -> None:
    begun, go = asyncio.Semaphore(0), asyncio.Event()

    async def pieces(letter: bytes) -> AsyncIterator[bytes]:
        yield letter * MIB
        begun.release()
        await go.wait()
        yield letter * (9 * MIB)

    upload_id = await announce(http)
    path = f"/v1/uploads/{upload_id}/content"
    sending = {letter: asyncio.create_task(http.put(path, content=pieces(letter))) for letter in (b"a", b"b")}
    await begun.acquire()
    await begun.acquire()
    go.set()
    answers = {letter: await task for letter, task in sending.items()}
    assert sorted(answer.status_code for answer in answers.values()) == [200, 409]
    winner = next(letter for letter, answer in answers.items() if answer.status_code == 200)
    assert await stored(storage, settings, upload_id) == winner * (10 * MIB)


async def test_an_account_sends_no_more_than_so_many_contents_at_once(http: httpx.AsyncClient) -> None:
    begun, go = asyncio.Semaphore(0), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        begun.release()
        await go.wait()

    paths = [f"/v1/uploads/{await announce(http)}/content" for _ in range(CONTENTS_PER_ACCOUNT + 1)]
    sending = [asyncio.create_task(http.put(path, content=pieces())) for path in paths[1:]]
    for _ in sending:
        await begun.acquire()
    async with asyncio.timeout(15):
        while {await status_of(http, path.split("/")[3]) for path in paths[1:]} != {"uploading"}:
            pass
    refused = await http.put(paths[0], content=b"x")
    assert problem(refused) == (429, "too-many-contents")
    assert refused.headers["retry-after"] == "5"
    go.set()
    assert {(await task).status_code for task in sending} == {200}
    assert (await http.put(paths[0], content=b"x")).status_code == 200


async def test_a_sender_that_goes_away_leaves_nothing_in_s3_and_the_upload_open(
    http: httpx.AsyncClient, api: ApiProcess, key: str, settings: Settings
) -> None:
    s3 = aws.client("s3")

    def unfinished() -> int:
        found = s3.list_multipart_uploads(Bucket=settings.storage.bucket, Prefix=f"uploads/{upload_id}/")
        return len(found.get("Uploads", ()))

    upload_id = await announce(http)
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname, address.port)) as sender:
        head = (
            f"PUT /v1/uploads/{upload_id}/content HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {30 * MIB}\r\n\r\n"
        )
        sender.sendall(head.encode() + bytes(20 * MIB))
        await asyncio.to_thread(wait_until, lambda: unfinished() == 1)
    await asyncio.to_thread(wait_until, lambda: unfinished() == 0)
    assert await status_of(http, upload_id) == "uploading"


async def test_an_object_of_ones_own_that_is_in_s3_already_is_registered_and_submitted(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings, account: UUID
) -> None:
    bucket = settings.storage.bucket
    for name in (f"{account}/clip.mp4", "clip.mp4", f"{account}x/clip.mp4", f"{uuid4()}/clip.mp4"):
        await storage.put(bucket, f"ingest/{name}", b"video", "video/mp4")
    source = f"s3://{bucket}/ingest/{account}/clip.mp4"
    answer = await http.post("/v1/uploads", json={"filename": "clip.mp4", "source": source})
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in ("status", "source", "bytes")} == {"status": "received", "source": source, "bytes": 5}
    wrong = {
        "source-missing": [f"s3://{bucket}/ingest/{account}/none.mp4"],
        "source-not-allowed": [
            f"s3://{bucket}/uploads/{answer.json()['id']}/source",
            f"s3://{bucket}/ingest/{account}/../../uploads/x/source",
            f"s3://{bucket}/ingest/{account}//x",
            f"s3://{bucket}/ingest/clip.mp4",
            f"s3://{bucket}/ingest/{account}x/clip.mp4",
            *[f"s3://{bucket}/{info.key}" async for info in storage.list(bucket, "ingest/") if str(account) not in info.key],
            "s3://elsewhere/ingest/clip.mp4",
            "https://example.org/clip.mp4",
        ],
    }
    for name, addresses in wrong.items():
        for address in addresses:
            refused = await http.post("/v1/uploads", json={"filename": "clip.mp4", "source": address})
            assert problem(refused) == (422, name), address
    mismatch = await http.post("/v1/uploads", json={"filename": "clip.mp4", "source": source, "bytes": 6})
    assert problem(mismatch) == (422, "size-mismatch")


async def test_content_with_another_digest_than_announced_is_refused_and_may_be_sent_again(http: httpx.AsyncClient) -> None:
    digest = hashlib.sha256(b"video").digest()
    wrong = {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(b'other').digest()).decode()}:"}
    declared, plain = await announce(http, sha256=digest.hex()), await announce(http)
    assert problem(await http.put(f"/v1/uploads/{declared}/content", content=b"vide0")) == (422, "digest-mismatch")
    assert problem(await http.put(f"/v1/uploads/{plain}/content", content=b"video", headers=wrong)) == (422, "digest-mismatch")
    for upload_id in (declared, plain):
        assert (await http.put(f"/v1/uploads/{upload_id}/content", content=b"video")).json()["status"] == "received"


async def test_a_player_is_led_to_the_content_with_a_type_that_cannot_run(http: httpx.AsyncClient, stranger: str) -> None:
    upload_id = await announce(http, content_type="video/mp4", filename="ünsere <b>.mp4")
    path = f"/v1/uploads/{upload_id}/content"
    assert problem(await http.get(path)) == (409, "content-missing")
    await http.put(path, content=b"0123456789")
    answer = await http.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (302, "private, no-store")
    async with httpx.AsyncClient() as player:
        found = await player.get(answer.headers["location"], headers={"Range": "bytes=2-4"})
    assert (found.status_code, found.content, found.headers["content-type"]) == (206, b"234", "video/mp4")
    assert problem(await http.get(path, headers={"Authorization": f"Bearer {stranger}"})) == (404, "no-such-upload")


@pytest.mark.parametrize("size", [1_000, 12 * MIB])
async def test_content_that_comes_while_its_upload_is_erased_is_not_kept(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings, database: Database, size: int
) -> None:
    upload_id = await announce(http)
    bucket, key = settings.storage.bucket, source_key(UUID(upload_id))

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(size)
        if size > 8 * MIB:
            await until(lambda: S3Parts().unfinished(bucket, key), "a part on its way to S3")
        async with database.transaction() as connection:
            receipt_id = await erasure.begin(connection, Erased.UPLOAD)
            assert await erasure.erase_upload(connection, settings, UUID(upload_id), receipt_id)
        while await Eraser(settings, database, storage, S3Parts()).erase():
            pass
        yield bytes(8 * MIB) if size > 8 * MIB else b"the end"

    answer = await http.put(f"/v1/uploads/{upload_id}/content", content=pieces())
    assert problem(answer) == (404, "no-such-upload")
    assert [info.key async for info in storage.list(bucket, key)] == []
    assert await S3Parts().unfinished(bucket, key) == []
