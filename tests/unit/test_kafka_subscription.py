"""A consumer that stands still is not waited for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from runtime import kafka
from runtime.kafka import KafkaSubscription

_PARTITION = TopicPartition("topic", 0)


class _Still:
    """A KafkaConsumer that reads nothing, of a partition that ends at `end`, and remembers what it was asked."""

    def __init__(self, end: int) -> None:
        self.asked: list[str] = []
        self._end = end
        broker = SimpleNamespace(node_id=1)
        self._client = SimpleNamespace(connected=lambda node: True, cluster=SimpleNamespace(brokers=lambda: [broker]))

    def poll(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        self.asked.append("poll")
        return {}

    def assignment(self) -> set[TopicPartition]:
        return {_PARTITION}

    def end_offsets(self, partitions: set[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self._end)

    def position(self, partition: TopicPartition) -> int:
        return 5

    def close(self, *, autocommit: bool) -> None:
        self.asked.append("close")


async def _polled_twice(monkeypatch: pytest.MonkeyPatch, end: int) -> list[_Still]:
    opened: list[_Still] = []

    def open_one(*topics: str, **_: Any) -> _Still:
        opened.append(_Still(end))
        return opened[-1]

    monkeypatch.setattr(kafka, "_STILL_SECONDS", 0.0)
    monkeypatch.setattr(kafka, "open_consumer", open_one)
    subscription = KafkaSubscription("nowhere:9", "group", ["topic"], 0)
    for _ in range(2):
        assert await subscription.poll(1, 1) == []
    return opened


async def test_a_consumer_that_reads_nothing_though_there_are_records_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await _polled_twice(monkeypatch, end=9)
    assert first.asked[-1] == second.asked[-1] == "close"


async def test_a_consumer_that_has_read_everything_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    (only,) = await _polled_twice(monkeypatch, end=5)
    assert only.asked == ["poll", "poll"]
