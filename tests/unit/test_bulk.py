"""Bulk ingestion over in-memory servers: what is announced, under which ids, and what an interrupted run does next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from producers import bulk
from producers.bulk import Counts
from producers.bulk_journal import Journal, JournalDamaged
from runtime.errors import DependencyUnavailable
from runtime.testing import MemoryBroker, MemoryStorage
from schemas import codec
from schemas.codec import Record
from schemas.events import Source, UploadReceived
from schemas.jobs import AnalysisOptions
from schemas.topics import UPLOADS_RECEIVED

ACCOUNT = UUID("0199c0de-0000-7000-8000-000000000001")


def a_source(number: int, etag: str = "e") -> Source:
    return Source(bucket="archive", key=f"{number}.mp4", etag=etag, bytes=10)


async def many(count: int) -> AsyncIterator[Source]:
    for number in range(count):
        yield a_source(number)


async def announce(broker: MemoryBroker, journal: Path, count: int, batch_size: int = 2) -> Counts:
    with Journal(journal) as opened:
        return await bulk.announce(
            many(count), ACCOUNT, broker, opened, lambda counts: None, options=AnalysisOptions(captions=True), batch_size=batch_size
        )


def announced(broker: MemoryBroker) -> list[UploadReceived]:
    events = [codec.decode(UPLOADS_RECEIVED, r.key, r.value, r.headers)[1] for r in broker.topics[UPLOADS_RECEIVED.name]]
    return [event for event in events if isinstance(event, UploadReceived)]


class GoesAway(MemoryBroker):
    """A broker that is away from the given batch on."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.batches = batches

    async def publish(self, records: Sequence[Record]) -> None:
        if self.batches == 0:
            raise DependencyUnavailable("kafka", "a test says that it is away")
        self.batches -= 1
        await super().publish(records)


async def test_every_object_is_announced_with_its_place_its_size_its_account_and_the_options(tmp_path: Path) -> None:
    broker = MemoryBroker()
    counts = await announce(broker, tmp_path / "journal", 5)
    assert counts == Counts(published=5, resumed=0)
    assert [event.source for event in announced(broker)] == [a_source(number) for number in range(5)]
    assert {(event.account_id, event.attempt, event.options.captions) for event in announced(broker)} == {(ACCOUNT, 1, True)}


def test_the_same_content_at_the_same_address_always_has_the_same_id() -> None:
    assert bulk.upload_id(ACCOUNT, a_source(1)) == bulk.upload_id(ACCOUNT, a_source(1)) == UUID("cab2c737-fd7c-57a3-88b3-2029665454c6")


def test_new_content_another_address_or_another_account_is_another_upload() -> None:
    ids = {
        bulk.upload_id(ACCOUNT, a_source(1)),
        bulk.upload_id(ACCOUNT, a_source(1, etag="other")),
        bulk.upload_id(ACCOUNT, a_source(2)),
        bulk.upload_id(uuid4(), a_source(1)),
    }
    assert len(ids) == 4


async def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    broker = GoesAway(batches=2)
    with pytest.raises(DependencyUnavailable):
        await announce(broker, tmp_path / "journal", 7)
    assert len(announced(broker)) == 4
    broker.batches = 100
    assert await announce(broker, tmp_path / "journal", 7) == Counts(published=3, resumed=4)
    assert [event.source.key for event in announced(broker)] == [f"{number}.mp4" for number in range(7)]


async def test_a_second_run_over_the_same_objects_announces_nothing(tmp_path: Path) -> None:
    broker = MemoryBroker()
    await announce(broker, tmp_path / "journal", 3)
    assert await announce(broker, tmp_path / "journal", 3) == Counts(published=0, resumed=3)
    assert len(announced(broker)) == 3


async def test_without_its_journal_a_repeat_has_the_same_event_ids_so_that_the_chain_drops_it(tmp_path: Path) -> None:
    broker = MemoryBroker()
    await announce(broker, tmp_path / "one", 3)
    await announce(broker, tmp_path / "another", 3)
    ids = [event.id for event in announced(broker)]
    assert ids[:3] == ids[3:]


async def test_progress_is_told_after_each_batch(tmp_path: Path) -> None:
    told: list[Counts] = []
    with Journal(tmp_path / "journal") as journal:
        await bulk.announce(many(5), ACCOUNT, MemoryBroker(), journal, told.append, options=AnalysisOptions(), batch_size=2)
    assert [counts.published for counts in told] == [2, 4, 5]


async def test_only_objects_that_are_named_like_media_are_found_unless_all_are_wanted() -> None:
    storage = MemoryStorage()
    for key in ("talks/a.mp4", "talks/B.WEBM", "talks/notes.txt", "talks/folder.mp4/", "other/c.mp4"):
        await storage.put("archive", key, b"x", "video/mp4")
    usual = [source.key async for source in bulk.in_bucket(storage, "archive", "talks/")]
    every = [source.key async for source in bulk.in_bucket(storage, "archive", "talks/", every=True)]
    assert usual == ["talks/B.WEBM", "talks/a.mp4"]
    assert every == ["talks/B.WEBM", "talks/a.mp4", "talks/notes.txt"]


def test_a_journal_remembers_across_runs(tmp_path: Path) -> None:
    ids = [uuid4() for _ in range(3)]
    with Journal(tmp_path / "deep" / "journal") as journal:
        journal.add(ids[:2])
    with Journal(tmp_path / "deep" / "journal") as journal:
        assert [id in journal for id in ids] == [True, True, False]


def test_a_line_that_a_crash_cut_short_is_forgotten_and_written_over(tmp_path: Path) -> None:
    first, second = uuid4(), uuid4()
    path = tmp_path / "journal"
    path.write_bytes(first.hex.encode() + b"\n" + second.hex.encode()[:20])
    with Journal(path) as journal:
        assert first in journal
        assert second not in journal
        journal.add([second])
    assert path.read_bytes() == f"{first.hex}\n{second.hex}\n".encode()


def test_a_file_that_is_no_journal_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "precious.txt"
    path.write_text("x" * 100)
    with pytest.raises(JournalDamaged, match=r"precious\.txt is not a journal"):
        Journal(path)
    assert path.read_text() == "x" * 100
