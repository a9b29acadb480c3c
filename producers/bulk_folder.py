"""A folder of this machine as the source of a bulk ingestion: its files are copied to S3, except those that are there already."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from producers.bulk import looks_like_media
from runtime.errors import DependencyUnavailable, ObjectMissing
from runtime.multipart import PART_BYTES, ObjectWriter, ObjectWriters
from runtime.storage import ObjectStorage
from schemas.events import Source

_CHUNK_BYTES = 1024**2
#: S3 allows keys of so many bytes, and the event does too.
_MAX_KEY_BYTES = 1024


class LocalFile(NamedTuple):
    """A file to ingest: where it is, the key it is to have in S3, and its size in bytes."""

    path: Path
    key: str
    bytes: int

    @property
    def has_valid_key(self) -> bool:
        """Whether S3 can have an object of this name: UTF-8, and not too long."""
        try:
            return len(self.key.encode()) <= _MAX_KEY_BYTES
        except UnicodeEncodeError:
            return False


def files_in(folder: Path, account_id: UUID, *, every: bool = False) -> list[LocalFile]:
    """The media files in a folder and the folders below it, by name; with `every`, the other files too. Links are not followed.

    The key is the path below the folder, under a prefix that is the account's own and that validation accepts without further settings.
    So the same folder again finds its objects.
    """
    return [
        LocalFile(path, f"ingest/{account_id}/{path.relative_to(folder).as_posix()}", path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and (every or looks_like_media(path.name))
    ]


async def copied(
    files: Iterable[LocalFile], bucket: str, storage: ObjectStorage, writers: ObjectWriters, progress: Callable[[LocalFile, int], None]
) -> AsyncIterator[Source]:
    """Each file as an object in S3, copied there unless an object with its size and ETag is there.

    `progress` is told of a file and of how many more bytes of it are in S3.
    """
    for file in files:
        source = await _present(storage, bucket, file)
        if source is None:
            source = await _copy(writers, bucket, file, progress)
        else:
            progress(file, file.bytes)
        yield source


async def _present(storage: ObjectStorage, bucket: str, file: LocalFile) -> Source | None:
    try:
        found = await storage.head(bucket, file.key)
    except ObjectMissing:
        return None
    if found.bytes != file.bytes or found.etag != await asyncio.to_thread(expected_etag, file.path):
        return None
    return Source(bucket=bucket, key=file.key, etag=found.etag, bytes=found.bytes)


async def _copy(writers: ObjectWriters, bucket: str, file: LocalFile, progress: Callable[[LocalFile, int], None]) -> Source:
    content_type = mimetypes.guess_type(file.path.name)[0] or "application/octet-stream"
    writer = writers.writer(bucket, file.key, content_type, file.bytes)
    try:
        chunks = _chunks(file.path)
        while chunk := await asyncio.to_thread(next, chunks, b""):
            await writer.write(chunk)
            progress(file, len(chunk))
        stored = await writer.complete()
    except BaseException:
        await asyncio.shield(_abort(writer))
        raise
    return Source(bucket=bucket, key=file.key, etag=stored.etag, bytes=stored.bytes)


async def _abort(writer: ObjectWriter) -> None:
    try:
        await writer.abort()
    except DependencyUnavailable:
        pass  # the error that led here says the same; the bucket's lifecycle rule removes the parts


def expected_etag(file: Path) -> str:
    """The ETag that S3 gives to this file as `runtime.multipart` sends it: an MD5, or from 8 MiB on an MD5 of the parts' MD5s.

    A bucket with KMS encryption has other ETags: there every file is copied again.
    """
    parts: list[bytes] = []
    part, filled = _md5(), 0
    for chunk in _chunks(file):
        part.update(chunk)
        filled += len(chunk)
        if filled == PART_BYTES:
            parts.append(part.digest())
            part, filled = _md5(), 0
    if not parts:
        return part.hexdigest()
    if filled:
        parts.append(part.digest())
    return f"{_md5(b''.join(parts)).hexdigest()}-{len(parts)}"


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk
