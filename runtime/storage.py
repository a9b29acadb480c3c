"""Objects in S3: look, read a range, read whole, write, list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from runtime import aws
from runtime.errors import ObjectMissing, ObjectReplaced, PermanentError

_MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound", "NoSuchVersion"})
#: What S3 answers where a condition of the request does not hold.
REPLACED = frozenset({"412", "PreconditionFailed"})
#: What S3 says of an address that it will not read, however often it is asked: the key, or an object that is archived.
_REFUSED = frozenset({"InvalidArgument", "InvalidObjectState", "InvalidRequest", "InvalidURI", "KeyTooLongError"})


class ObjectInfo(NamedTuple):
    """What S3 says of an object: its size in bytes and its ETag, without quotes."""

    key: str
    bytes: int
    etag: str


class InPlaceOf(NamedTuple):
    """What an object may be put in the place of: the one with this ETag alone, or none at all."""

    etag: str | None

    @property
    def condition(self) -> dict[str, str]:
        """The same as a parameter of S3."""
        return {"IfNoneMatch": "*"} if self.etag is None else {"IfMatch": f'"{self.etag}"'}


class ObjectStorage(Protocol):
    """What Valence asks of S3. Every method raises DependencyUnavailable while S3 is away, ObjectMissing where there is no object."""

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """Size and ETag of an object."""

    async def open(self, bucket: str, key: str, most: int) -> tuple[ObjectInfo, bytes]:
        """Size and ETag of an object, and its first bytes, at most `most`, in one request."""

    def read_range(self, bucket: str, key: str, etag: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`, from the calling thread; ObjectReplaced if the ETag has changed."""

    async def get(self, bucket: str, key: str, most: int) -> bytes:
        """A whole object; PermanentError if it has more than `most` bytes."""

    async def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Write a whole object; it is durable when this returns."""

    async def delete(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens where there is none."""

    def list(self, bucket: str, prefix: str) -> AsyncIterator[ObjectInfo]:
        """The objects below a prefix, by key."""


def locate(uri: str) -> tuple[str, str]:
    """The bucket and the key of an `s3://bucket/key` address; ValueError for anything else."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise ValueError(f"{uri!r} is not an s3://bucket/key address")
    return bucket, key


def _understood(error: ClientError, bucket: str, key: str) -> Exception:
    code = aws.code_of(error)
    if code in _MISSING:
        return ObjectMissing(f"there is no object s3://{bucket}/{key}")
    if code in _REFUSED:
        return ObjectMissing(f"s3://{bucket}/{key} cannot be read: {error}")
    if code in REPLACED:
        return ObjectReplaced(f"s3://{bucket}/{key} was replaced after it was validated: upload it again")
    return error


class S3Storage:
    """ObjectStorage on a real S3 server, by boto3."""

    def __init__(self, client: Any = None) -> None:
        self._client = client or aws.client("s3", aws.QUICK_SECONDS)
        self._threads = aws.Threads("s3")

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        answer = await self._threads.run(lambda: self._call("head_object", bucket, key))
        return ObjectInfo(key, int(answer["ContentLength"]), answer["ETag"].strip('"'))

    async def open(self, bucket: str, key: str, most: int) -> tuple[ObjectInfo, bytes]:
        def read() -> tuple[ObjectInfo, bytes]:
            answer = self._call("get_object", bucket, key, Range=f"bytes=0-{most - 1}")
            size = int(answer["ContentRange"].rpartition("/")[2])
            with aws.availability("s3"):
                return ObjectInfo(key, size, answer["ETag"].strip('"')), bytes(answer["Body"].read())

        try:
            return await self._threads.run(read)
        except ClientError as error:
            if aws.code_of(error) != "InvalidRange":
                raise
            return await self.head(bucket, key), b""  # an empty object has no first byte

    def read_range(self, bucket: str, key: str, etag: str, offset: int, length: int) -> bytes:
        answer = self._call("get_object", bucket, key, Range=f"bytes={offset}-{offset + length - 1}", IfMatch=f'"{etag}"')
        with aws.availability("s3"):
            return bytes(answer["Body"].read())

    async def get(self, bucket: str, key: str, most: int) -> bytes:
        def read() -> bytes:
            answer = self._call("get_object", bucket, key)
            if (size := int(answer["ContentLength"])) > most:
                answer["Body"].close()
                raise PermanentError(f"s3://{bucket}/{key} has {size} bytes: at most {most} were expected")
            with aws.availability("s3"):
                return bytes(answer["Body"].read())

        return await self._threads.run(read)

    async def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        await self._threads.run(lambda: self._call("put_object", bucket, key, Body=body, ContentType=content_type))

    async def delete(self, bucket: str, key: str) -> None:
        await self._threads.run(lambda: self._call("delete_object", bucket, key))

    async def list(self, bucket: str, prefix: str) -> AsyncIterator[ObjectInfo]:
        token: dict[str, str] = {}
        while True:
            with aws.availability("s3"):
                page = await self._threads.run(partial(self._client.list_objects_v2, Bucket=bucket, Prefix=prefix, **token))
            for item in page.get("Contents", ()):
                yield ObjectInfo(item["Key"], item["Size"], item["ETag"].strip('"'))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, operation: str, bucket: str, key: str, **parameters: Any) -> Any:
        try:
            with aws.availability("s3"):
                return getattr(self._client, operation)(Bucket=bucket, Key=key, **parameters)
        except ParamValidationError as error:
            raise ObjectMissing(f"s3://{bucket}/{key} cannot exist: {error}") from error
        except ClientError as error:
            raise _understood(error, bucket, key) from error
