"""A process without work says too that it waits for Kafka, and when it does no more."""

from __future__ import annotations

import asyncio
import os
from unittest.mock import Mock

import pytest

from runtime import broker_watch, health, process, telemetry
from runtime.errors import DependencyUnavailable
from runtime.health import Readiness
from runtime.process import Process
from runtime.settings import Settings
from tests.waiting import until


class Broker:
    """A broker that is there or not, and who asks it."""

    def __init__(self) -> None:
        self.there = True

    def __call__(self, servers: str) -> Broker:
        return self

    async def ask(self) -> None:
        if not self.there:
            raise DependencyUnavailable("kafka", "no answer")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(broker_watch, "KafkaWatch", broker)
    monkeypatch.setattr(broker_watch, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(health, "backoff", lambda attempt, cap: 0.01)
    return broker


async def obstacles(readiness: Readiness, expected: list[str]) -> None:
    def found() -> list[str]:
        return readiness.obstacles

    await until(found, "what stands in the way", holds=lambda seen: seen == expected, seconds=20)


async def test_while_the_broker_does_not_answer_kafka_is_named_and_afterwards_no_more(broker: Broker) -> None:
    readiness = Readiness()
    readiness.started = True
    watching = asyncio.create_task(broker_watch.watch("unused", readiness))
    for _ in range(2):
        broker.there = False
        await obstacles(readiness, ["waiting for kafka"])
        broker.there = True
        await obstacles(readiness, [])
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


def test_every_process_watches_the_broker_beside_its_work(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.there = False
    running = Process("test", Settings(database_url="unused", kafka_bootstrap_servers="unused"))
    running.readiness.started = True
    monkeypatch.setattr(process, "start", lambda name: running)
    monkeypatch.setattr(process, "_WATCH_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(telemetry, "flush", Mock())
    monkeypatch.setattr(os, "_exit", Mock(side_effect=SystemExit))

    async def work(_: Process) -> None:
        await obstacles(running.readiness, ["waiting for kafka"])

    with pytest.raises(SystemExit):
        process.run("test", work)
    os._exit.assert_called_with(0)  # type: ignore[attr-defined]  # it stands in for that here
