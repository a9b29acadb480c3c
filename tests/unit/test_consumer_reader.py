"""When a consumer says that records are done: never before their transaction, not for each small batch, and at the latest when it stops.
And what it makes of one that tells it nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from consumers import reader
from runtime.kafka import Received
from runtime.process import Process
from runtime.settings import Settings
from schemas.topics import UPLOADS_RECEIVED
from tests.chain import as_received, upload_received


class Desk:
    """A consumer of these batches, which is told to stop when it has had them all; `log` is what happened, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *batches: Sequence[Received]) -> None:
        self.running = Process("consumers.test", Settings(database_url="unused", kafka_bootstrap_servers="unused"))
        self.log: list[tuple[str, list[int]]] = []
        self._batches = list(batches)
        monkeypatch.setattr(reader, "KafkaSubscription", lambda *_: self)
        monkeypatch.setattr(reader, "Database", lambda *_: self)
        monkeypatch.setattr(reader, "report_lag", self._report)

    async def _report(self, *_: object) -> None:
        await asyncio.Event().wait()

    async def poll(self, most: int, wait_milliseconds: int) -> Sequence[Received]:
        batch = self._batches.pop(0)
        if not self._batches:
            self.running.stopping.set()
        return batch

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        yield None
        self.log.append(("transaction", []))

    async def handle(self, connection: object, records: Sequence[Received]) -> None:
        self.log.append(("handled", [record.offset for record in records]))

    async def commit(self, records: Sequence[Received]) -> None:
        if records:
            self.log.append(("committed", [record.offset for record in records]))

    async def close(self) -> None:
        self.log.append(("closed", []))

    async def read(self) -> list[tuple[str, list[int]]]:
        await reader.read(self.running, "group", ["topic"], self.handle)
        return [entry for entry in self.log if entry[0] != "transaction"]


ONE, TWO, THREE = ([record] for record in as_received(*(upload_received() for _ in range(3))))


async def test_small_batches_that_come_one_after_another_are_committed_together_at_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    done = await Desk(monkeypatch, ONE, TWO, THREE).read()
    assert done == [("handled", [0]), ("handled", [1]), ("handled", [2]), ("committed", [0, 1, 2]), ("closed", [])]


async def test_a_batch_is_committed_as_soon_as_no_other_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    done = await Desk(monkeypatch, ONE, [], TWO).read()
    assert done == [("handled", [0]), ("committed", [0]), ("handled", [1]), ("committed", [1]), ("closed", [])]


async def test_while_batches_follow_without_a_pause_they_are_committed_now_and_then_and_after_their_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "COMMIT_SECONDS", 0.0)
    desk = Desk(monkeypatch, ONE, TWO)
    await desk.read()
    one = [("handled", [0]), ("transaction", []), ("committed", [0])]
    assert desk.log == [*one, ("handled", [1]), ("transaction", []), ("committed", [1]), ("closed", [])]


def test_the_event_of_a_record_comes_with_its_envelope() -> None:
    event = upload_received()
    (record,) = as_received(event)
    found = reader.event_of(record, {UPLOADS_RECEIVED.name: UPLOADS_RECEIVED})
    assert found is not None
    assert (found[0].id, found[1]) == (str(event.id), event)


@pytest.mark.parametrize(
    ("value", "logged"),
    [pytest.param(None, [], id="tombstone"), pytest.param(b"nonsense", [(UPLOADS_RECEIVED.name, 0)], id="nonsense")],
)
def test_a_tombstone_is_passed_over_in_silence_and_what_is_no_event_by_its_topic_and_offset(
    value: bytes | None, logged: list[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    (record,) = as_received(upload_received())
    assert reader.event_of(record._replace(value=value), {UPLOADS_RECEIVED.name: UPLOADS_RECEIVED}) is None
    assert [(entry.__dict__["topic"], entry.__dict__["offset"]) for entry in caplog.records] == logged
