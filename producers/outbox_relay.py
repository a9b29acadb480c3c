"""The outbox relay: publishes what PostgreSQL has committed. One relay works at a time; the others wait for its lock.

At-least-once: a relay that dies between the broker's acknowledgement and the delete publishes a row again, under the same id.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from psycopg import AsyncConnection

from runtime import metrics, outbox, process
from runtime.database import Connection, Database, availability
from runtime.kafka import KafkaPublisher, Publisher
from runtime.process import Process

log = logging.getLogger(__name__)

#: Rows published at a time.
BATCH = 500
#: The longest time without a look, in case a notification was lost.
LOOK_SECONDS = 1.0
#: Any number that no other program takes.
_RELAY_LOCK = 0x56414C32


async def publish_batch(connection: Connection, publisher: Publisher, published: Sequence[UUID] = ()) -> list[UUID]:
    """Forget what was `published`, which the broker has, and publish the oldest rows that are left; returns these, to be forgotten next."""
    rows = await outbox.following(connection, published, BATCH)
    if not rows:
        metrics.OUTBOX_OLDEST_AGE.set_function(lambda: 0.0)
        return []
    written = rows[0].created_at
    metrics.OUTBOX_OLDEST_AGE.set_function(lambda: (datetime.now(UTC) - written).total_seconds())  # it grows while the broker is away
    await publisher.publish([row.record for row in rows])
    for row in rows:
        metrics.OUTBOX_PUBLISHED.labels(row.record.topic).inc()
    return [row.id for row in rows]


async def _relay(running: Process, database: Database, publisher: Publisher) -> None:
    """Hold the lock and publish until told to stop; raises DependencyUnavailable when a server goes away."""
    connection = await database.dedicated()
    with availability():
        async with connection:
            while not await _locked(connection):
                running.readiness.started = True  # waiting for the lock is this replica's work
                await running.sleep(LOOK_SECONDS)
                if running.stopping.is_set():
                    return
            await connection.execute("listen outbox")
            running.readiness.started = True
            published: list[UUID] = []
            while not running.stopping.is_set():
                published = await publish_batch(connection, publisher, published)
                if not published:
                    await _notified(connection)
            await outbox.following(connection, published, most=0)


async def _locked(connection: Connection) -> bool:
    found = await (await connection.execute("select pg_try_advisory_lock(%s) as locked", [_RELAY_LOCK])).fetchone()
    return found is not None and bool(found["locked"])


async def _notified(connection: AsyncConnection[dict[str, object]]) -> None:
    """Wait for the trigger's notification, or for the time to look anyway."""
    async for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
        pass  # however many came while the last batch was published, one look finds what all of them tell of


async def work(running: Process) -> None:
    """Relay until told to stop, waiting for servers that are away."""
    database = Database(running.settings.database_url)
    publisher = KafkaPublisher(running.settings.kafka_bootstrap_servers)
    await running.readiness.insist(lambda: _relay(running, database, publisher))


if __name__ == "__main__":
    process.run("producers.outbox-relay", work)
