"""The engine acknowledges strictly in offset order, and leaves without acknowledging what it could not deal with."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from runtime import settings
from runtime.errors import DependencyUnavailable
from runtime.process import Process
from runtime.settings import Settings
from schemas import topics
from schemas.codec import Record
from schemas.events import Event
from stream_processors import engine as engines
from stream_processors.engine import Engine
from stream_processors.stage import Stage
from tests.chain import as_received, upload_received
from tests.waiting import until


class Stream:
    """What Faust hands to an agent, with records that lie ready and acknowledgements that are written down."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.acked: list[tuple[int, int]] = []
        self.given: deque[int] = deque()
        self._events = events
        self._open = asyncio.Event()

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for event in self._events:
            self.given.append(event.message.offset)
            yield event
        await self._open.wait()

    async def ack(self, event: Any) -> None:
        self.acked.append((event.message.partition, event.message.offset))


class Handler:
    """Handles an event when the test says so; `attempt` of the event tells them apart."""

    def __init__(self) -> None:
        self.begun: set[int] = set()
        self._done: dict[int, asyncio.Event] = {}
        self.error: Exception | None = None

    async def handle(self, event: Any) -> Sequence[Event]:
        self.begun.add(event.attempt)
        await self._done.setdefault(event.attempt, asyncio.Event()).wait()
        if self.error:
            raise self.error
        return []

    def finish(self, number: int) -> None:
        self._done.setdefault(number, asyncio.Event()).set()


def message(number: int, partition: int) -> Any:
    record = as_received(upload_received(attempt=number))[0]
    fields = {**record._asdict(), "partition": partition, "offset": number, "tp": (record.topic, partition), "timestamp": 0.0}
    return SimpleNamespace(message=SimpleNamespace(**fields))


class Running:
    """An engine whose agent works on a fake stream."""

    def __init__(self, partitions: Sequence[int], **policy: Any) -> None:
        self.handler = Handler()
        self.stream = Stream([message(number, partition) for number, partition in enumerate(partitions, start=1)])
        configuration = Settings(database_url="unused", kafka_bootstrap_servers="127.0.0.1:1", stage=settings.Stage(**policy))
        stage = Stage(name="validate", topic=topics.UPLOADS_RECEIVED, handle=self.handler.handle)
        self.engine = Engine(stage, Process("test", configuration))

    async def __aenter__(self) -> Running:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        async for _ in self.engine._agent(self.stream):
            raise AssertionError("the stream never ends")

    async def begun(self, *numbers: int) -> None:
        await until(lambda: self.handler.begun >= set(numbers), f"{numbers} are in hand")

    async def acked(self, *expected: tuple[int, int]) -> None:
        await until(lambda: self.stream.acked, "acknowledged", holds=lambda acked: acked == list(expected), seconds=5)


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_records_are_acknowledged_in_offset_order_whatever_order_they_finish_in() -> None:
    async with Running([0, 0, 0]) as running:
        await running.begun(1, 2, 3)
        running.handler.finish(3)
        running.handler.finish(2)
        await settled()
        assert running.stream.acked == []
        running.handler.finish(1)
        await running.acked((0, 1), (0, 2), (0, 3))


async def test_a_slow_record_holds_up_only_what_is_behind_it() -> None:
    async with Running([0, 0, 0]) as running:
        await running.begun(1, 2, 3)
        running.handler.finish(1)
        running.handler.finish(3)
        await running.acked((0, 1))
        running.handler.finish(2)
        await running.acked((0, 1), (0, 2), (0, 3))


async def test_a_slow_record_holds_up_no_other_partition() -> None:
    async with Running([0, 1, 1]) as running:
        await running.begun(1, 2, 3)
        running.handler.finish(3)
        running.handler.finish(2)
        await running.acked((1, 2), (1, 3))


async def test_no_more_records_are_in_hand_than_the_setting_allows() -> None:
    async with Running([0] * 6, in_flight=2) as running:
        await running.begun(1, 2)
        await settled()
        assert running.handler.begun == {1, 2}
        running.handler.finish(2)
        await running.begun(3)
        await settled()
        assert running.handler.begun == {1, 2, 3}


async def test_a_record_that_cannot_be_dealt_with_ends_the_process_and_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    async with Running([0, 0], attempts=1) as running:

        async def refuse(record: object) -> None:
            raise OSError("no dead letter either")

        running.engine._runner._send = refuse
        running.handler.error = ValueError("broken")
        await running.begun(1, 2)
        running.handler.finish(1)
        await until(lambda: left, "the process leaves")
        assert left == [1]
        assert running.stream.acked == []


async def test_a_broker_that_is_away_before_the_record_is_on_its_way_is_waited_for() -> None:
    async with Running([0]) as running:

        class Producer:
            async def send(self, *record: object) -> None:
                raise vars(engines)["ProducerSendError"]("Error while sending") from TimeoutError()

        async def producer() -> Producer:
            return Producer()

        running.engine._app.maybe_start_producer = producer
        with pytest.raises(DependencyUnavailable):
            await running.engine._send(Record("t", None, b"", []))


async def test_a_worker_joins_its_group_without_waiting_for_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    async def sleep(*_: object) -> None:
        raise AssertionError("a killed worker's partitions stand still meanwhile")

    async def recover() -> None:
        begun.append("recovery")

    app: Any = SimpleNamespace(consumer=SimpleNamespace(assignment=set, pause_partitions=lambda _: begun.append("tables")))
    tables = engines._NoTables(app)
    monkeypatch.setattr(tables, "sleep", sleep)
    monkeypatch.setattr(tables, "_recovery", SimpleNamespace(start=recover))
    await tables.on_start()
    assert tables._tables_registered.is_set()
    assert begun == ["tables", "recovery"]
    async with Running([]) as running:
        assert running.engine._app.conf.TableManager is engines._NoTables
