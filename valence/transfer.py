"""One file on its way in parts, several at a time: what has come already is not sent again, and no more than a few parts are in memory."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

import httpx

from schemas.resources import SentPart, Upload
from schemas.status import RANK, Status
from valence.errors import ApiError, FileChanged, ServiceUnreachable, StorageRefused, UploadCancelled
from valence.pieces import Progress

if TYPE_CHECKING:
    from valence.async_client import AsyncClient

#: Parts that are on their way at the same time: four of 8 MiB fill most lines, and 32 MiB are little memory.
PARALLEL = 4
#: How often a part is sent to S3 while S3 is only away or busy; docs/uploads.md has the rule, which is that of the page too.
_TRIES = 10
#: How often what waiting does not mend: an address may have lapsed, bytes may have been damaged on their way, or be gone at S3.
_REFUSALS = 2
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_LOOK_SECONDS = 0.1
#: With KMS keys an ETag is no MD5, so nothing can be compared.
_ENCRYPTION, _KMS = "x-amz-server-side-encryption", "kms"
_VANISHED = frozenset({"parts-missing", "parts-differ"})
_DAMAGED = "digest-mismatch"
_PUT_TOGETHER = "content-already-received"


class Control:
    """Pauses, resumes or cancels an upload, from any thread. Parts that are on their way arrive first."""

    def __init__(self) -> None:
        self._paused = self._cancelled = False

    def pause(self) -> None:
        """Begin no further part until `resume`."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False

    def cancel(self) -> None:
        """Stop for good: the upload raises UploadCancelled, and what has come waits for a day to be gone on with."""
        self._cancelled = True

    async def passing(self) -> None:
        """Return once a further part may begin."""
        while self._paused and not self._cancelled:  # noqa: ASYNC110 - another thread may resume it, and can wake no event of a loop
            await asyncio.sleep(_LOOK_SECONDS)
        if self._cancelled:
            raise UploadCancelled("the upload was cancelled: it can be gone on with for a day")


class Transfer:
    """A file and how it is to be sent."""

    def __init__(
        self, client: AsyncClient, path: str | os.PathLike[str], straight_to_storage: bool, progress: Progress, control: Control
    ) -> None:
        self._client, self._path = client, Path(path)
        self._straight, self._progress, self._control = straight_to_storage, progress, control
        self._seen = self._stamp()
        self.name, self.size = self._path.name, self._seen[0]
        self.content_type = mimetypes.guess_type(self._path.name)[0]

    async def send(self, upload: Upload, *, whole: bool) -> Upload:
        """Bring an upload's content to its end and return it as it then stands; `whole` if nothing of it can have come."""
        if RANK[upload.status] >= RANK[Status.RECEIVED]:
            return upload
        if upload.bytes is not None and upload.bytes != self.size:
            raise FileChanged(f"{self._path} has {self.size} bytes, the upload was begun with {upload.bytes}: send it as a new upload")
        with self._path.open("rb") as file:
            if self.size == 0:
                return await self._client.put_content(upload.id, file, 0)  # there is no empty part: the API says what is wrong
            for _ in range(_REFUSALS):
                try:
                    return await self._round(upload, file, whole=whole)
                except ApiError as error:
                    if error.name == _PUT_TOGETHER:  # an answer was lost on its way: nothing is left to send
                        return await self._client.complete(upload.id)
                    if error.name not in _VANISHED:
                        raise
                    vanished, whole = error, False
            raise vanished

    async def _round(self, upload: Upload, file: BinaryIO, *, whole: bool) -> Upload:
        size = upload.part_size or self.size
        count = -(-self.size // size)
        there = {} if whole else {part.number: part for part in (await self._client.parts(upload.id)).parts}
        waiting = iter(range(1, count + 1))
        tags: dict[int, str] = {}

        async def work() -> None:
            for number in waiting:
                await self._control.passing()
                content = await asyncio.to_thread(os.pread, file.fileno(), size, (number - 1) * size)
                if number in there and there[number].etag == await asyncio.to_thread(_md5, content):
                    tags[number] = there[number].etag
                    self._progress(len(content))
                else:
                    tags[number] = await self._part(upload.id, number, content)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(PARALLEL, count)):
                    group.create_task(work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # one line broke, and took the others along
        if self._stamp() != self._seen:
            raise FileChanged(f"{self._path} was changed while it was being sent: send it again when nothing writes it any more")
        return await self._client.complete(upload.id, [SentPart(number=number, etag=tags[number]) for number in sorted(tags)])

    async def _part(self, upload_id: UUID, number: int, content: bytes) -> str:
        if self._straight:
            return await self._to_storage(upload_id, number, content)
        try:
            return (await self._client.put_part(upload_id, number, content, self._progress)).etag
        except ApiError as error:
            if error.name != _DAMAGED:
                raise
        return (await self._client.put_part(upload_id, number, content, self._progress)).etag

    async def _to_storage(self, upload_id: UUID, number: int, content: bytes) -> str:
        fault: ServiceUnreachable | StorageRefused
        refusals = 0
        for attempt in range(_TRIES):
            await asyncio.sleep(min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)) if attempt else 0)
            (place,) = await self._client.part_urls(upload_id, [number])  # each time anew: the last one may have expired
            address = str(httpx.URL(place.url).copy_with(query=None))
            try:
                answer = await self._client.put_to_storage(place.url, content, self._progress)
            except httpx.TransportError as error:
                fault = ServiceUnreachable(address, error)
                continue
            tag = str(answer.headers.get("etag", "")).strip('"')
            if answer.is_success and (tag == await asyncio.to_thread(_md5, content) or _KMS in answer.headers.get(_ENCRYPTION, "")):
                return tag
            self._progress(-len(content))
            fault = StorageRefused(f"{address} does not take part {number}: {answer.status_code}, ETag {tag!r}: {answer.text[:300]}")
            refusals += answer.status_code not in _PASSING
            if refusals == _REFUSALS:
                break
            if answer.status_code == 404:
                await self._client.parts(upload_id)  # the API finds that S3 has dropped what had come, and has it begun anew
        raise fault

    def _stamp(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_size, stat.st_mtime_ns


def _md5(content: bytes) -> str:
    """What S3's ETag of a part is, unless the bucket has KMS keys: then the part is sent again."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
