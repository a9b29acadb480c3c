"""What ObjectParts promises, of the in-memory twin and of a real S3 server; and what S3 makes of a presigned address."""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from runtime import aws
from runtime.errors import DependencyUnavailable, ObjectInTheWay
from runtime.links import S3Links
from runtime.parts import MultipartGone, ObjectParts, PartsRefused, S3Parts, part_size
from runtime.settings import Settings
from runtime.storage import InPlaceOf, ObjectStorage, S3Storage
from runtime.testing import MemoryParts, MemoryStorage

MIB = 1024**2
LARGE, LAST = b"a" * (5 * MIB), b"the end"


class S3(NamedTuple):
    """Objects, their parts, and where a test may make some."""

    parts: ObjectParts
    storage: ObjectStorage
    bucket: str
    key: str

    async def begun(self) -> tuple[str, str, str]:
        return self.bucket, self.key, await self.parts.begin(self.bucket, self.key, "video/mp4")


@pytest.fixture(params=["twin", "real"])
def s3(request: pytest.FixtureRequest) -> S3:
    key = f"parts/{uuid4()}"
    if request.param == "twin":
        objects = MemoryStorage()
        return S3(MemoryParts(objects), objects, "bucket", key)
    settings: Settings = request.getfixturevalue("settings")
    return S3(S3Parts(), S3Storage(), settings.storage.bucket, key)


async def test_parts_in_any_order_become_one_object_in_the_order_of_their_numbers(s3: S3) -> None:
    place = await s3.begun()
    etags = {number: await s3.parts.put(*place, number, body) for number, body in ((2, LAST), (1, LARGE))}
    found = await s3.parts.stored(*place)
    assert [(part.number, part.bytes, part.etag) for part in found] == [(1, len(LARGE), etags[1]), (2, len(LAST), etags[2])]
    made = await s3.parts.complete(*place, found)
    assert (made.bytes, made) == (len(LARGE + LAST), await s3.storage.head(s3.bucket, s3.key))
    assert await s3.storage.get(s3.bucket, s3.key, 6 * MIB) == LARGE + LAST


async def test_nothing_is_visible_before_the_end(s3: S3) -> None:
    place = await s3.begun()
    await s3.parts.put(*place, 1, LAST)
    assert [info async for info in s3.storage.list(s3.bucket, s3.key)] == []
    assert await s3.parts.unfinished(s3.bucket, s3.key) == [place[2]]
    assert await s3.parts.unfinished(s3.bucket, s3.key[:-1]) == []


async def test_a_part_that_is_sent_again_can_be_told_by_its_etag_and_is_the_one_that_counts(s3: S3) -> None:
    place = await s3.begun()
    await s3.parts.put(*place, 1, b"before")
    again = await s3.parts.put(*place, 1, b"after!")
    chosen = [part for part in await s3.parts.stored(*place) if part.etag == again]
    await s3.parts.complete(*place, chosen)
    assert await s3.storage.get(s3.bucket, s3.key, 10) == b"after!"


async def test_parts_that_are_not_as_described_are_refused_and_stay(s3: S3) -> None:
    place = await s3.begun()
    await s3.parts.put(*place, 1, b"small")
    await s3.parts.put(*place, 2, LAST)
    small, last = await s3.parts.stored(*place)
    with pytest.raises(PartsRefused):
        await s3.parts.complete(*place, [small, last])
    with pytest.raises(PartsRefused):
        await s3.parts.complete(*place, [last._replace(etag="0" * 32)])
    with pytest.raises(PartsRefused):
        await s3.parts.complete(*place, [last._replace(number=3)])
    assert len(await s3.parts.stored(*place)) == 2


async def test_parts_become_an_object_only_in_the_place_that_is_said(s3: S3) -> None:
    first, second = await s3.begun(), await s3.begun()
    for place in (first, second):
        await s3.parts.put(*place, 1, place[2].encode())
    there = await s3.parts.complete(*first, await s3.parts.stored(*first), InPlaceOf(None))
    for wrong in (InPlaceOf(None), InPlaceOf("0" * 32)):
        with pytest.raises(ObjectInTheWay):
            await s3.parts.complete(*second, await s3.parts.stored(*second), wrong)
    assert await s3.storage.get(s3.bucket, s3.key, MIB) == first[2].encode()
    await s3.parts.complete(*second, await s3.parts.stored(*second), InPlaceOf(there.etag))
    assert await s3.storage.get(s3.bucket, s3.key, MIB) == second[2].encode()


@pytest.mark.parametrize("end", ["completed", "aborted", "never begun"])
async def test_what_has_ended_takes_no_parts_and_leaves_none(s3: S3, end: str) -> None:
    place = await s3.begun()
    await s3.parts.put(*place, 1, LAST)
    if end == "completed":
        await s3.parts.complete(*place, await s3.parts.stored(*place))
    elif end == "aborted":
        await s3.parts.abort(*place)
        await s3.parts.abort(*place)
    else:
        place = (*place[:2], "nonsense")
    with pytest.raises(MultipartGone):
        await s3.parts.put(*place, 1, LAST)
    with pytest.raises(MultipartGone):
        await s3.parts.stored(*place)
    assert place[2] not in await s3.parts.unfinished(s3.bucket, s3.key)


async def test_more_parts_than_a_page_of_the_list_are_all_listed(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await s3.begun()
    if isinstance(s3.parts, S3Parts):
        _, list_parts = None, s3.parts._client.list_parts
        monkeypatch.setattr(s3.parts._client, "list_parts", lambda **asked: list_parts(MaxParts=2, **asked))
    for number in (1, 2, 3, 4, 5):
        await s3.parts.put(*place, number, b"%d" % number)
    assert [part.number for part in await s3.parts.stored(*place)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("which", ["twin", "real"])
async def test_while_s3_is_away_every_call_says_so(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    parts: ObjectParts = S3Parts(aws.client("s3"))
    if which == "twin":
        parts = MemoryParts(MemoryStorage())
        parts.away = True
    for call in (
        parts.begin("b", "k", "video/mp4"),
        parts.put("b", "k", "i", 1, b"x"),
        parts.stored("b", "k", "i"),
        parts.complete("b", "k", "i", []),
        parts.abort("b", "k", "i"),
        parts.unfinished("b", "k"),
    ):
        with pytest.raises(DependencyUnavailable):
            await call


async def test_an_address_for_a_part_takes_that_part_of_that_size_until_the_object_is_complete(settings: Settings) -> None:
    s3 = S3(S3Parts(), S3Storage(), settings.storage.bucket, f"parts/{uuid4()}")
    place = await s3.begun()
    url = S3Links().put_part(*place, 1, 4)
    async with httpx.AsyncClient() as http:
        assert (await http.put(url, content=b"12345")).status_code == 403
        sent = await http.put(url, content=b"1234")
        assert (sent.status_code, sent.headers["etag"].strip('"')) == (200, (await s3.parts.stored(*place))[0].etag)
        assert (await http.put(url.replace("partNumber=1", "partNumber=2"), content=b"1234")).status_code == 403
        assert (await http.get(url)).status_code in (403, 405)
        await s3.parts.complete(*place, await s3.parts.stored(*place))
        assert (await http.put(url, content=b"evil")).status_code == 404
    assert await s3.storage.get(s3.bucket, s3.key, 10) == b"1234"


async def test_an_address_for_a_player_takes_ranges_and_never_serves_a_page(settings: Settings, storage: S3Storage) -> None:
    bucket, key = settings.storage.bucket, f"parts/{uuid4()}"
    await storage.put(bucket, key, b"<script>", "text/html")
    async with httpx.AsyncClient() as http:
        played = await http.get(S3Links().get(bucket, key, "video/mp4", 'a "clip"\r\n.mp4'), headers={"Range": "bytes=1-6"})
        assert (played.status_code, played.content, played.headers["content-type"]) == (206, b"script", "video/mp4")
        assert played.headers["content-disposition"] == "inline; filename*=UTF-8''a%20%22clip%22%0D%0A.mp4"
        for declared in ("text/html", "image/svg+xml", None):
            loaded = await http.get(S3Links().get(bucket, key, declared, None))
            assert loaded.headers["content-type"] == "application/octet-stream"
            assert loaded.headers["content-disposition"].startswith("attachment")


def test_addresses_begin_with_the_address_that_is_known_outside(settings: Settings) -> None:
    assert S3Links("https://videos.example.org").put_part("b", "k", "i", 1, None).startswith("https://videos.example.org/b/k?")


def test_parts_are_large_enough_for_s3_and_few_enough() -> None:
    assert part_size(1, 5 * 1024**3) == 8 * MIB
    assert part_size(None, 5 * 1024**3) == 8 * MIB
    assert -(-(5 * 1024**4) // part_size(5 * 1024**4, 5 * 1024**4)) <= 9_000
    assert part_size(None, 5 * 1024**4) == part_size(5 * 1024**4, 5 * 1024**4)
