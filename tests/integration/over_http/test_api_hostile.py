"""What strangers send to make the API do something else: names that are paths or markup, bodies that unfold; and servers that go away."""

from __future__ import annotations

import gzip
import json
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from runtime.database import Database
from runtime.settings import Settings
from runtime.storage import S3Storage
from tests.api_process import Starter
from tests.chain import select, statuses
from tests.upload_calls import MIB, announce, problem, stored

#: Names that are allowed, since they are shown escaped and are never part of a key, a path or a header as they stand.
TRICKS = [
    "../../uploads/other/source",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "s3://valence/uploads/x",
    "<img src=x onerror=alert(1)>.mp4",
    'clip"; filename="evil.html',
    "'; drop table uploads; --",
    "gpj.\u202e4pm.exe",
    "%2e%2e%2fsource",
    "ünsere \u00a0 Reise \U0001f3a5.mp4",
    "%s%n{0}{{7*7}}${jndi:ldap://x}",
]
#: What no name may hold, nor anything else that becomes a header or a line of a log.
REFUSED = ["", "a\nb.mp4", "a\r\nSet-Cookie: x=y", "a\x00.mp4", "a\x1b[2J.mp4", "x" * 256]


@pytest.mark.parametrize("name", TRICKS)
async def test_a_file_s_name_is_shown_as_it_is_and_decides_nothing(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings, name: str
) -> None:
    upload_id = await announce(http, filename=name)
    sent = (await http.put(f"/v1/uploads/{upload_id}/content", content=b"video")).json()
    assert (sent["filename"], sent["source"]) == (name, f"s3://{settings.storage.bucket}/uploads/{upload_id}/source")
    keys = [info.key async for info in storage.list(settings.storage.bucket, f"uploads/{upload_id}")]
    assert keys == [f"uploads/{upload_id}/source"]
    led = await http.get(f"/v1/uploads/{upload_id}/content")
    (disposition,) = parse_qs(urlsplit(led.headers["location"]).query)["response-content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    assert disposition.isascii()
    assert not set(disposition.partition("''")[2]) & set("\"<>;\\/ '\r\n")
    async with httpx.AsyncClient() as player:
        assert (await player.get(led.headers["location"])).content == b"video"


@pytest.mark.parametrize("name", REFUSED)
async def test_a_name_that_could_end_a_line_is_refused(http: httpx.AsyncClient, name: str) -> None:
    assert problem(await http.post("/v1/uploads", json={"filename": name})) == (422, "invalid-request")
    typed = await http.post("/v1/uploads", json={"filename": "x.mp4", "content_type": f"video/mp4\r\nX: {name}"})
    assert problem(typed) == (422, "invalid-request")


async def test_a_packed_body_is_not_unpacked_and_packed_content_is_kept_as_it_came(
    http: httpx.AsyncClient, storage: S3Storage, settings: Settings
) -> None:
    bomb = gzip.compress(json.dumps({"filename": "x" * 50 * MIB}).encode())
    assert len(bomb) < MIB // 8
    packed = {"Content-Encoding": "gzip"}
    answer = await http.post("/v1/uploads", content=bomb, headers={**packed, "Content-Type": "application/json"})
    assert problem(answer) == (400, "malformed-request")
    upload_id = await announce(http)
    assert (await http.put(f"/v1/uploads/{upload_id}/content", content=bomb, headers=packed)).status_code == 200
    assert await stored(storage, settings, upload_id) == bomb


async def test_a_completion_that_s3_does_not_answer_is_told_when_to_come_back_and_leaves_nothing_half_done(
    http: httpx.AsyncClient, start_api: Starter, key: str, database: Database
) -> None:
    upload_id = await announce(http, bytes=5)
    assert (await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"video")).status_code == 200
    with start_api({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, page="/healthz") as away:
        async with httpx.AsyncClient(base_url=away.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as there:
            for answer in (
                await there.post(f"/v1/uploads/{upload_id}/complete"),
                await there.put(f"/v1/uploads/{upload_id}/parts/1", content=b"other"),
                await there.get(f"/v1/uploads/{upload_id}/parts"),
            ):
                assert problem(answer) == (503, "dependency-unavailable")
                assert answer.headers["retry-after"] == "5"
    assert [status for _, _, status in await statuses(database, UUID(upload_id))] == ["created", "uploading"]
    events = await select(database, "select type from outbox where aggregateid = %s", upload_id)
    assert "upload.received.v1" not in {row["type"] for row in events}
    reserved = await select(database, "select 1 from ledger where upload_id = %s", UUID(upload_id))
    assert reserved == []
    assert (await http.post(f"/v1/uploads/{upload_id}/complete")).json()["status"] == "received"
