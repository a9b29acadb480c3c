"""What ObjectStorage promises, of the in-memory twin and of a real S3 server."""

from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from runtime.errors import DependencyUnavailable, ObjectMissing, ObjectReplaced, PermanentError
from runtime.storage import ObjectStorage, S3Storage
from runtime.testing import MemoryStorage

#: Nothing listens there.
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(params=["twin", "real"])
def storage(request: pytest.FixtureRequest) -> ObjectStorage:
    if request.param == "twin":
        return MemoryStorage()
    request.getfixturevalue("servers")
    return S3Storage()


@pytest.fixture
def bucket(storage: ObjectStorage) -> str:
    name = f"test-{uuid4()}"
    if isinstance(storage, S3Storage):
        boto3.client("s3", config=Config(s3={"addressing_style": "path"})).create_bucket(Bucket=name)
    return name


async def test_what_was_put_is_got(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "a/b", b"bytes", "text/plain")
    assert await storage.get(bucket, "a/b", 5) == b"bytes"


async def test_an_empty_object_is_an_object(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "empty", b"", "text/plain")
    assert await storage.get(bucket, "empty", 5) == b""
    assert (await storage.head(bucket, "empty")).bytes == 0


async def test_head_tells_size_and_an_etag_without_quotes(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"12345", "text/plain")
    info = await storage.head(bucket, "key")
    assert (info.key, info.bytes) == ("key", 5)
    assert info.etag == "827ccb0eea8a706c4c34a16891f84e7b"


@pytest.mark.parametrize("key", ["with space", "pl+us", "ümläut/✓", "per%20cent", "question?mark"])
async def test_a_key_may_hold_any_character(storage: ObjectStorage, bucket: str, key: str) -> None:
    await storage.put(bucket, key, b"x", "text/plain")
    assert (await storage.head(bucket, key)).key == key
    assert [info.key async for info in storage.list(bucket, "")] == [key]


async def test_a_range_is_cut_at_the_end_of_the_object(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"0123456789", "text/plain")
    etag = (await storage.head(bucket, "key")).etag
    assert storage.read_range(bucket, "key", etag, 2, 3) == b"234"
    assert storage.read_range(bucket, "key", etag, 8, 100) == b"89"


async def test_a_range_of_a_replaced_object_is_refused(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"before", "text/plain")
    etag = (await storage.head(bucket, "key")).etag
    await storage.put(bucket, "key", b"after!", "text/plain")
    with pytest.raises(ObjectReplaced):
        storage.read_range(bucket, "key", etag, 0, 3)


async def test_what_is_not_there_is_missing_however_it_is_asked_for(storage: ObjectStorage, bucket: str) -> None:
    with pytest.raises(ObjectMissing):
        await storage.head(bucket, "none")
    with pytest.raises(ObjectMissing):
        await storage.get(bucket, "none", 1)
    with pytest.raises(ObjectMissing):
        storage.read_range(bucket, "none", "0" * 32, 0, 1)


@pytest.mark.parametrize("key", ["a/../b", "..\\b", "a\r\nb", "k" * 1_025], ids=repr)
async def test_a_key_that_a_server_may_refuse_is_missing_too(storage: ObjectStorage, bucket: str, key: str) -> None:
    with pytest.raises(ObjectMissing):
        await storage.open(bucket, key, 10)


async def test_an_object_in_a_bucket_that_is_not_there_is_missing(storage: ObjectStorage) -> None:
    with pytest.raises(ObjectMissing):
        await storage.head(f"test-{uuid4()}", "key")


async def test_an_object_larger_than_expected_is_not_read(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"123456", "text/plain")
    with pytest.raises(PermanentError, match="6 bytes"):
        await storage.get(bucket, "key", 5)


async def test_a_list_holds_the_objects_below_its_prefix_by_key(storage: ObjectStorage, bucket: str) -> None:
    for key in ("in/b", "in/a/c", "out/d", "in/a"):
        await storage.put(bucket, key, key.encode(), "text/plain")
    found = [info async for info in storage.list(bucket, "in/")]
    assert [(info.key, info.bytes) for info in found] == [("in/a", 4), ("in/a/c", 6), ("in/b", 4)]
    assert found[0].etag == (await storage.head(bucket, "in/a")).etag
    assert [info async for info in storage.list(bucket, "none/")] == []


@pytest.fixture(params=["twin", "real"])
def away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    if request.param == "twin":
        twin = MemoryStorage()
        twin.away = True
        return twin
    request.getfixturevalue("servers")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", NOWHERE)
    return S3Storage()


async def test_while_s3_is_away_every_call_says_so(away: ObjectStorage) -> None:
    with pytest.raises(DependencyUnavailable):
        await away.head("bucket", "key")
    with pytest.raises(DependencyUnavailable):
        await away.get("bucket", "key", 1)
    with pytest.raises(DependencyUnavailable):
        await away.put("bucket", "key", b"", "text/plain")
    with pytest.raises(DependencyUnavailable):
        away.read_range("bucket", "key", "0" * 32, 0, 1)
    with pytest.raises(DependencyUnavailable):
        _ = [info async for info in away.list("bucket", "")]


async def test_open_tells_size_and_etag_with_the_first_bytes(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"0123456789", "text/plain")
    info, beginning = await storage.open(bucket, "key", 4)
    assert info == await storage.head(bucket, "key")
    assert beginning == b"0123"


async def test_open_of_a_small_object_brings_all_of_it(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"0123", "text/plain")
    assert (await storage.open(bucket, "key", 1_000))[1] == b"0123"


async def test_open_of_an_empty_object_brings_nothing(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "empty", b"", "text/plain")
    info, beginning = await storage.open(bucket, "empty", 1_000)
    assert (info.bytes, beginning) == (0, b"")


async def test_open_of_no_object_says_so(storage: ObjectStorage, bucket: str) -> None:
    with pytest.raises(ObjectMissing):
        await storage.open(bucket, "none", 10)


async def test_what_was_deleted_is_missing_and_may_be_deleted_again(storage: ObjectStorage, bucket: str) -> None:
    await storage.put(bucket, "key", b"x", "text/plain")
    await storage.delete(bucket, "key")
    await storage.delete(bucket, "key")
    with pytest.raises(ObjectMissing):
        await storage.head(bucket, "key")
