"""Writing an object to S3 while its bytes are still coming in, in bounded memory.

At most three parts of 8 MiB are on their way while a fourth fills. Nothing is visible under the key until `complete`, and `abort` leaves
nothing behind.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from botocore.exceptions import ClientError

from runtime import aws
from runtime.errors import ObjectInTheWay, ObjectMissing
from runtime.storage import REPLACED, InPlaceOf, ObjectInfo

MIB = 1024**2
#: What S3 answers to a conditional write where another object lies, or none where one was to be replaced.
IN_THE_WAY = REPLACED | {"NoSuchKey"}
PART_BYTES = 8 * MIB
IN_FLIGHT = 3
#: S3 takes 10,000 parts; some are left over so that rounding never matters.
MOST_PARTS = 9_000


class ObjectWriter(Protocol):
    """An object that is being written. Every method raises DependencyUnavailable while S3 is away."""

    @property
    def written(self) -> int:
        """Bytes taken so far."""

    async def write(self, chunk: bytes) -> None:
        """Take some bytes; returns later while too many parts are on their way."""

    async def complete(self, place: InPlaceOf | None = None) -> ObjectInfo:
        """Make the object visible, whole and durable, over whatever lies there unless `place` says otherwise; ObjectInTheWay where another
        object lies there, and it may be asked again."""

    async def abort(self) -> None:
        """Leave nothing of it behind; may be called at any time before `complete` has returned, and more than once."""


class ObjectWriters(Protocol):
    """Begins objects."""

    def writer(self, bucket: str, key: str, content_type: str, most: int) -> ObjectWriter:
        """A writer for an object of at most `most` bytes."""


class S3Writers:
    """ObjectWriters on a real S3 server, by boto3."""

    def __init__(self, client: Any = None) -> None:
        self._client = client or aws.client("s3")
        self._threads = aws.Threads("s3-parts")

    def writer(self, bucket: str, key: str, content_type: str, most: int) -> S3Writer:
        return S3Writer(self._client, self._threads, bucket, key, content_type, most)


class S3Writer:
    """ObjectWriter by S3's multipart upload; what fits into one part is put whole by `complete`."""

    def __init__(self, client: Any, threads: aws.Threads, bucket: str, key: str, content_type: str, most: int) -> None:
        self._client, self._threads = client, threads
        self._object = {"Bucket": bucket, "Key": key}
        self._content_type = content_type
        self._part_bytes = max(PART_BYTES, -(-most // MOST_PARTS))
        self._filling = bytearray()
        self._upload_id: str | None = None
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._parts: list[asyncio.Task[dict[str, Any]]] = []
        self.written = 0

    async def write(self, chunk: bytes) -> None:
        self.written += len(chunk)
        self._filling += chunk
        if len(self._filling) >= self._part_bytes:
            await self._send_part()

    async def complete(self, place: InPlaceOf | None = None) -> ObjectInfo:
        condition = place.condition if place else {}
        if self._upload_id is None:
            answer = await self._call("put_object", Body=self._filling, ContentType=self._content_type, **condition)
        else:
            if self._filling:
                await self._send_part()
            parts = await asyncio.gather(*self._parts)
            named = {"UploadId": self._upload_id, "MultipartUpload": {"Parts": parts}}
            answer = await self._call("complete_multipart_upload", **named, **condition)
            self._upload_id = None
        return ObjectInfo(self._object["Key"], self.written, answer["ETag"].strip('"'))

    async def abort(self) -> None:
        await asyncio.gather(*self._parts, return_exceptions=True)  # a part that arrives after the abort would stay, and be paid for
        upload_id, self._upload_id = self._upload_id, None
        self._filling = bytearray()
        if upload_id is not None:
            await self._call("abort_multipart_upload", UploadId=upload_id)

    async def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = (await self._call("create_multipart_upload", ContentType=self._content_type))["UploadId"]
        body, self._filling = self._filling, bytearray()
        await self._slots.acquire()
        self._parts.append(asyncio.create_task(self._put_part(len(self._parts) + 1, body)))
        for part in self._parts:
            if part.done():
                part.result()  # a part that failed ends the upload now and not after the last byte

    async def _put_part(self, number: int, body: bytearray) -> dict[str, Any]:
        try:
            answer = await self._call("upload_part", UploadId=self._upload_id, PartNumber=number, Body=body)
            return {"PartNumber": number, "ETag": answer["ETag"]}
        finally:
            self._slots.release()

    async def _call(self, operation: str, **parameters: Any) -> Any:
        def call() -> Any:
            with aws.availability("s3"):
                return getattr(self._client, operation)(**self._object, **parameters)

        try:
            return await self._threads.run(call)
        except ClientError as error:
            if aws.code_of(error) == "NoSuchUpload":
                raise ObjectMissing(f"the upload of {self._object['Key']} was ended by somebody else: send it again") from error
            if aws.code_of(error) in IN_THE_WAY:
                raise ObjectInTheWay(f"another object lies at s3://{self._object['Bucket']}/{self._object['Key']}") from error
            raise
