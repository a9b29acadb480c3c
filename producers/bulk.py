"""Bulk ingestion: events for many videos that lie in S3 already, or in a folder of this machine that is copied there first.

An upload's id follows from the account, the object's address and its ETag. So the same object is announced under the same id however
often it is ingested, and the chain drops the repeat; an object with new content has a new ETag and is a new upload.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import PurePosixPath
from typing import NamedTuple
from uuid import UUID, uuid5

from producers.bulk_journal import Journal
from runtime.kafka import Publisher
from runtime.storage import ObjectStorage
from schemas import codec
from schemas.events import Source, UploadReceived
from schemas.jobs import AnalysisOptions

SOURCE = "/producers/bulk"
#: Events sent at a time; the next batch waits until the broker has acknowledged this one.
BATCH = 500
#: How the names of video and sound files end. What is in them is for validation to find out.
SUFFIXES = frozenset(
    {".3gp", ".aac", ".aiff", ".asf", ".avi", ".flac", ".flv", ".m2ts", ".m4a", ".m4v", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".mpeg"}
    | {".mpg", ".mts", ".oga", ".ogg", ".ogv", ".opus", ".ts", ".wav", ".webm", ".wma", ".wmv"}
)


class Counts(NamedTuple):
    """How far an ingestion has come: objects announced now, and objects that an earlier run has announced."""

    published: int = 0
    resumed: int = 0


def looks_like_media(name: str) -> bool:
    """Whether a name ends like that of a video or sound file."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def upload_id(account_id: UUID, source: Source) -> UUID:
    """The id under which an account ingests an object with this content: always the same."""
    return uuid5(account_id, f"s3://{source.bucket}/{source.key}#{source.etag}")


async def in_bucket(storage: ObjectStorage, bucket: str, prefix: str, *, every: bool = False) -> AsyncIterator[Source]:
    """The media objects below a prefix, by key; with `every`, the others too."""
    async for found in storage.list(bucket, prefix):
        if not found.key.endswith("/") and (every or looks_like_media(found.key)):  # a key with a slash at its end stands for a folder
            yield Source(bucket=bucket, key=found.key, etag=found.etag, bytes=found.bytes)


async def announce(
    sources: AsyncIterator[Source],
    account_id: UUID,
    publisher: Publisher,
    journal: Journal,
    progress: Callable[[Counts], None],
    *,
    options: AnalysisOptions,
    batch_size: int = BATCH,
) -> Counts:
    """Publish an event for each object that the journal does not know yet, in batches; the journal learns of those the broker has.

    `progress` is told the counts after each batch. DependencyUnavailable ends the run, and the same call goes on from there later.
    """
    counts = Counts()
    async for batch in _batches(sources, batch_size):
        events = [
            UploadReceived(upload_id=upload_id(account_id, source), attempt=1, account_id=account_id, source=source, options=options)
            for source in batch
        ]
        new = [event for event in events if event.upload_id not in journal]
        if new:
            await publisher.publish([codec.record(event, SOURCE) for event in new])
            journal.add(event.upload_id for event in new)
        counts = Counts(counts.published + len(new), counts.resumed + len(events) - len(new))
        progress(counts)
    return counts


async def _batches(sources: AsyncIterator[Source], size: int) -> AsyncIterator[list[Source]]:
    batch: list[Source] = []
    async for source in sources:
        batch.append(source)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
