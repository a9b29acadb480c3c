"""Measuring how far a group is behind leaves nothing behind itself while the broker is away."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest
from kafka.errors import KafkaConnectionError, KafkaError

from runtime import lag, metrics
from runtime.kafka import open_consumer
from tests.waiting import until


class Gauge:
    """A gauge whose broker goes away after one measurement."""

    made: list[Gauge]

    def __init__(self, bootstrap_servers: str, group: str, topics: Sequence[str]) -> None:
        self.topics, self.measured, self.closed = topics, 0, False
        self.made.append(self)

    def measure(self) -> dict[str, int]:
        self.measured += 1
        if self.measured > 1:
            raise KafkaConnectionError("away")
        return dict.fromkeys(self.topics, len(self.made))

    def close(self) -> None:
        self.closed = True


async def test_a_gauge_whose_broker_is_away_is_closed_and_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gauge, "made", [], raising=False)
    monkeypatch.setattr(lag, "LagGauge", Gauge)
    monkeypatch.setattr(lag, "REPORT_SECONDS", 0)
    reporting = asyncio.create_task(lag.report_lag("unused", "test-lag", ["topic"]))
    await until(lambda: metrics.CONSUMER_LAG.labels("test-lag", "topic")._value.get(), "a third gauge", holds=lambda value: value >= 3)
    reporting.cancel()
    await asyncio.gather(reporting, return_exceptions=True)
    assert [gauge.closed for gauge in Gauge.made[:2]] == [True, True]


async def test_an_error_that_is_not_the_brokers_ends_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(lag, "LagGauge", broken)
    monkeypatch.setattr(lag, "REPORT_SECONDS", 0)
    with pytest.raises(ZeroDivisionError):
        await lag.report_lag("unused", "test-lag", ["topic"])


def test_a_consumer_that_finds_no_broker_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(KafkaError):
        open_consumer(bootstrap_servers=f"127.0.0.1:{silent.getsockname()[1]}", bootstrap_timeout_ms=100)
    assert set(threading.enumerate()) - before == set()
