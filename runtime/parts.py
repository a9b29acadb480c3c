"""Objects that are put together from parts, which may come in any order, from anywhere, over hours: S3's multipart uploads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError

from runtime import aws
from runtime.errors import ObjectInTheWay, ValenceError
from runtime.multipart import IN_THE_WAY, MOST_PARTS, PART_BYTES
from runtime.storage import InPlaceOf, ObjectInfo

_GONE = "NoSuchUpload"
_WRONG = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall"})


class MultipartGone(ValenceError):
    """S3 knows no such multipart upload: it was completed, or aborted, and its parts are no more."""


class PartsRefused(ValenceError):
    """S3 does not put these parts together: one is not there, is another one by now, or is too small."""


class Part(NamedTuple):
    """A part that S3 has: its number from 1, its size in bytes, its ETag without quotes, and since when to the second."""

    number: int
    bytes: int
    etag: str
    stored_at: datetime


class ObjectParts(Protocol):
    """What Valence asks of S3 about parts. Every method raises DependencyUnavailable while S3 is away, and those about one multipart
    upload MultipartGone where there is none."""

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        """The id of a new multipart upload for an object."""

    async def put(self, bucket: str, key: str, multipart_id: str, number: int, body: bytes | bytearray) -> str:
        """Store a part, in the place of one with the same number; returns its ETag. It is durable when this returns."""

    async def stored(self, bucket: str, key: str, multipart_id: str) -> list[Part]:
        """The parts that are there, by number; of one that was sent again, every version that S3 still keeps."""

    async def complete(self, bucket: str, key: str, multipart_id: str, parts: Sequence[Part], place: InPlaceOf | None = None) -> ObjectInfo:
        """Make these parts the object, whole and durable, over whatever lies there unless `place` says otherwise; nothing is changed, and
        the parts stay, where one is not as described (PartsRefused) or another object lies there (ObjectInTheWay)."""

    async def abort(self, bucket: str, key: str, multipart_id: str) -> None:
        """Forget a multipart upload and its parts; nothing happens where there is none."""

    async def unfinished(self, bucket: str, key: str) -> list[str]:
        """The ids of all multipart uploads for an object."""


def part_size(declared: int | None, limit: int) -> int:
    """The size of every part but the last, for a file of `declared` bytes, or of any size up to `limit` where that is not known."""
    return max(PART_BYTES, -(-(limit if declared is None else declared) // MOST_PARTS))


class S3Parts:
    """ObjectParts on a real S3 server, by boto3."""

    def __init__(self, client: Any = None) -> None:
        self._client = client or aws.client("s3")
        self._threads = aws.Threads("s3-parts")

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        answer = await self._call("create_multipart_upload", bucket, key, ContentType=content_type)
        return str(answer["UploadId"])

    async def put(self, bucket: str, key: str, multipart_id: str, number: int, body: bytes | bytearray) -> str:
        answer = await self._call("upload_part", bucket, key, UploadId=multipart_id, PartNumber=number, Body=body)
        return str(answer["ETag"]).strip('"')

    async def stored(self, bucket: str, key: str, multipart_id: str) -> list[Part]:
        found: list[Part] = []
        marker: dict[str, int] = {}
        while True:
            page = await self._call("list_parts", bucket, key, UploadId=multipart_id, **marker)
            found += [
                Part(item["PartNumber"], item["Size"], item["ETag"].strip('"'), item["LastModified"]) for item in page.get("Parts", ())
            ]
            if not page["IsTruncated"]:
                return found
            marker = {"PartNumberMarker": page["NextPartNumberMarker"]}

    async def complete(self, bucket: str, key: str, multipart_id: str, parts: Sequence[Part], place: InPlaceOf | None = None) -> ObjectInfo:
        condition = place.condition if place else {}
        named = {"Parts": [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]}
        answer = await self._call("complete_multipart_upload", bucket, key, UploadId=multipart_id, MultipartUpload=named, **condition)
        return ObjectInfo(key, sum(part.bytes for part in parts), answer["ETag"].strip('"'))

    async def abort(self, bucket: str, key: str, multipart_id: str) -> None:
        try:
            await self._call("abort_multipart_upload", bucket, key, UploadId=multipart_id)
        except MultipartGone:
            pass  # that is what was wanted

    async def unfinished(self, bucket: str, key: str) -> list[str]:
        def look() -> list[str]:
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key)
            with aws.availability("s3"):
                return [item["UploadId"] for page in pages for item in page.get("Uploads", ()) if item["Key"] == key]

        return await self._threads.run(look)

    async def _call(self, operation: str, bucket: str, key: str, **parameters: Any) -> Any:
        try:
            with aws.availability("s3"):
                return await self._threads.run(partial(getattr(self._client, operation), Bucket=bucket, Key=key, **parameters))
        except ClientError as error:
            if aws.code_of(error) == _GONE:
                raise MultipartGone(f"S3 has no multipart upload {parameters['UploadId']!r} of s3://{bucket}/{key}") from error
            if aws.code_of(error) in _WRONG:
                raise PartsRefused(f"S3 does not put the parts of s3://{bucket}/{key} together: {error}") from error
            if aws.code_of(error) in IN_THE_WAY:
                raise ObjectInTheWay(f"another object lies at s3://{bucket}/{key}") from error
            raise
