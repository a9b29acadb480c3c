"""The loop of a consumer: read a batch, do everything it asks in one transaction, and say soon after that it is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from runtime.database import Connection, Database
from runtime.kafka import KafkaSubscription, Received
from runtime.lag import report_lag
from runtime.process import Process
from schemas.codec import InvalidEvent, decode
from schemas.envelope import Envelope
from schemas.events import Event
from schemas.topics import Topic

log = logging.getLogger(__name__)

#: Records handled in one transaction.
BATCH = 200
#: How long a poll waits for the first record; a stop waits as long.
POLL_MILLISECONDS = 500

#: A commit costs the broker a write, so that of many small batches it is not made for each.
COMMIT_SECONDS = 0.5

#: What a consumer does with a batch: it must be idempotent, since a batch comes again when the process dies before the commit.
Handle = Callable[[Connection, Sequence[Received]], Awaitable[None]]


async def read(running: Process, group: str, topics: Sequence[str], handle: Handle) -> None:
    """Hand over the records of `topics`, each batch in a transaction, until told to stop."""
    database = Database(running.settings.database_url)

    async def transact(records: Sequence[Received]) -> None:
        async with database.transaction() as connection:
            await handle(connection, records)

    await follow(running, group, topics, transact)


async def follow(running: Process, group: str, topics: Sequence[str], take: Callable[[Sequence[Received]], Awaitable[None]]) -> None:
    """Hand over the records of `topics` until told to stop; while a server is away, wait with the batch in hand."""
    configuration = running.settings
    subscription = KafkaSubscription(configuration.kafka_bootstrap_servers, group, topics, configuration.worker.slot)
    reporting = asyncio.create_task(report_lag(configuration.kafka_bootstrap_servers, group, topics))
    clock = asyncio.get_running_loop().time
    done: list[Received] = []
    committed = clock()
    while not running.stopping.is_set():
        if reporting.done():
            reporting.result()
        records = await running.readiness.insist(lambda: subscription.poll(BATCH, POLL_MILLISECONDS))
        running.readiness.started = True
        if records:
            await running.readiness.insist(partial(take, records))
            done += records
        if not records or clock() - committed >= COMMIT_SECONDS:
            await running.readiness.insist(partial(subscription.commit, done))
            done, committed = [], clock()
    await running.readiness.insist(partial(subscription.commit, done))
    await subscription.close()


def event_of(record: Received, topics: Mapping[str, Topic]) -> tuple[Envelope, Event] | None:
    """The event of a record of one of `topics`, by name, with its envelope; None for a tombstone and for what is no event of that topic."""
    if record.value is None:
        return None  # the tombstone of an erased upload
    try:
        return decode(topics[record.topic], record.key, record.value, record.headers)
    except InvalidEvent as error:
        # Only our own processes write what consumers read, and a topic with a stage behind it has the record dead-lettered there.
        log.error("ignored: %s", error, extra={"topic": record.topic, "offset": record.offset})
        return None
