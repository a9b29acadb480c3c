"""A folder ingested into real S3 and real Kafka."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

from kafka import KafkaConsumer

from producers import bulk, bulk_folder
from producers.bulk import Counts
from producers.bulk_folder import LocalFile
from producers.bulk_journal import Journal
from runtime.kafka import KafkaPublisher, received
from runtime.multipart import PART_BYTES, ObjectWriter, S3Writers
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas import codec
from schemas.events import UploadReceived
from schemas.jobs import AnalysisOptions
from schemas.topics import UPLOADS_RECEIVED


class Counting(S3Writers):
    """Writers that remember which keys were written."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def writer(self, bucket: str, key: str, content_type: str, most: int) -> ObjectWriter:  # type: ignore[override]  # the protocol is enough
        self.keys.append(key)
        return super().writer(bucket, key, content_type, most)


async def ingest(
    files: Sequence[LocalFile],
    writers: S3Writers,
    settings: Settings,
    storage: S3Storage,
    publisher: KafkaPublisher,
    journal: Path,
    account: UUID,
) -> Counts:
    sources = bulk_folder.copied(files, settings.storage.bucket, storage, writers, lambda file, count: None)
    with Journal(journal) as opened:
        return await bulk.announce(sources, account, publisher, opened, lambda counts: None, options=AnalysisOptions(), batch_size=1)


def announced_for(settings: Settings, account: UUID) -> list[UploadReceived]:
    consumer = KafkaConsumer(UPLOADS_RECEIVED.name, bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest")
    try:
        while not (partitions := consumer.assignment()):
            consumer.poll(timeout_ms=100)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(list(partitions))
        events: list[UploadReceived] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for batch in consumer.poll(timeout_ms=500).values():
                for record in map(received, batch):
                    if str(account).encode() not in (record.value or b""):
                        continue  # another test's, and perhaps no event at all
                    _, event = codec.decode(UPLOADS_RECEIVED, record.key, record.value, record.headers)
                    if isinstance(event, UploadReceived) and event.account_id == account:
                        events.append(event)
        return events
    finally:
        consumer.close()


async def test_a_folder_is_copied_once_and_announced_once_even_without_the_journal_of_the_first_run(
    tmp_path: Path, settings: Settings, storage: S3Storage, publisher: KafkaPublisher
) -> None:
    account = uuid4()
    folder = tmp_path / "folder"
    folder.mkdir()
    contents = {
        "small.mp4": os.urandom(1000),
        "one part.mp4": os.urandom(PART_BYTES),
        "large.mp4": os.urandom(2 * PART_BYTES + 5),
        "empty.mp4": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    files = bulk_folder.files_in(folder, account)
    first, second = Counting(), Counting()

    counts = await ingest(files, first, settings, storage, publisher, tmp_path / "one", account)
    assert counts == Counts(published=4, resumed=0)
    assert len(first.keys) == 4
    for name, content in contents.items():
        assert await storage.get(settings.storage.bucket, f"ingest/{account}/{name}", 10**8) == content

    await ingest(files, second, settings, storage, publisher, tmp_path / "two", account)
    assert second.keys == []

    events = announced_for(settings, account)
    assert len(events) == 8
    assert len({event.id for event in events}) == 4
    assert {event.source.key: event.source.bytes for event in events} == {file.key: file.bytes for file in files}


async def test_a_file_that_has_changed_is_copied_and_announced_again(
    tmp_path: Path, settings: Settings, storage: S3Storage, publisher: KafkaPublisher
) -> None:
    account = uuid4()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"first")
    await ingest(bulk_folder.files_in(folder, account), S3Writers(), settings, storage, publisher, tmp_path / "journal", account)
    (folder / "a.mp4").write_bytes(b"again")
    counts = await ingest(bulk_folder.files_in(folder, account), S3Writers(), settings, storage, publisher, tmp_path / "journal", account)
    assert counts == Counts(published=1, resumed=0)
    assert await storage.get(settings.storage.bucket, f"ingest/{account}/a.mp4", 100) == b"again"
