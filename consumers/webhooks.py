"""Webhooks: what becomes of uploads is told to the receivers that accounts name, signed, and again until it was taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from consumers.reader import follow
from consumers.webhook_calls import Caller
from consumers.webhook_messages import TOPICS, Deliveries
from consumers.webhook_sender import FORGET_SECONDS, GIVE_UP_SECONDS, MEASURE_SECONDS, Sender, send_until_told
from runtime import process
from runtime.database import Database
from runtime.destinations import Destinations
from runtime.kafka import Received
from runtime.process import Process

GROUP = "consumers.webhooks"
#: A pause after each batch, so that the records of many videos are read at once and not one by one, for which the stages would pay.
GATHER_SECONDS = 0.1


def _now() -> datetime:
    return datetime.now(UTC)


async def work(running: Process) -> None:
    """Make deliveries of events, and send them, until told to stop; each goes on while what the other needs is away."""
    configuration = running.settings
    database = Database(configuration.database_url)
    destinations = Destinations(allow_loopback=configuration.webhooks.allow_loopback)
    caller = Caller(destinations, configuration.webhooks.timeout_seconds, _now)
    sender = Sender(configuration.webhooks, database, caller, _now)
    deliveries, news = Deliveries(database, _now), asyncio.Event()

    async def take(records: Sequence[Received]) -> None:
        if await deliveries.make(records):
            news.set()
        await asyncio.sleep(GATHER_SECONDS)

    async with asyncio.TaskGroup() as group:
        group.create_task(follow(running, GROUP, TOPICS, take))
        group.create_task(send_until_told(running, sender, news))
        group.create_task(_now_and_then(running, sender.measure, MEASURE_SECONDS))
        group.create_task(_now_and_then(running, sender.give_up, GIVE_UP_SECONDS))
        group.create_task(_now_and_then(running, sender.forget, FORGET_SECONDS))


async def _now_and_then(running: Process, do: Callable[[], Awaitable[None]], seconds: float) -> None:
    while not running.stopping.is_set():
        await running.readiness.insist(do)
        await running.sleep(seconds)


if __name__ == "__main__":
    process.run(GROUP, work)
