"""The outbox relay: publishes what PostgreSQL has committed. One relay works at a time; the others wait for its lock.

At-least-once: a relay that dies between the broker's acknowledgement and the delete publishes a row again, under the same id.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from psycopg import AsyncConnection

from runtime import metrics, outbox, process
from runtime.database import Connection, Database, availability
from runtime.errors import DependencyUnavailable
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


class Relay:
    """What is committed goes to the broker turn by turn, on a connection that holds the lock."""

    def __init__(self, running: Process, database: Database, publisher: Publisher) -> None:
        self._running = running
        self._database = database
        self._publisher = publisher
        self._connection: Connection | None = None
        self._has_lock = False
        self._published: list[UUID] = []

    async def turn(self) -> None:
        """Publish what is there, or wait a while for something to be there; raises DependencyUnavailable when a server goes away, and the
        next turn begins anew."""
        async with self._or_anew():
            await self._turn()

    async def finish(self) -> None:
        """Forget what was published last, and let go of the lock; what a server that is away does not forget is published again."""
        async with self._or_anew():
            if self._connection is not None:
                await outbox.following(self._connection, self._published, most=0)
        await self._disconnect()

    @asynccontextmanager
    async def _or_anew(self) -> AsyncIterator[None]:
        try:
            with availability():
                yield
        except DependencyUnavailable:
            await self._disconnect()
            raise

    async def _turn(self) -> None:
        if self._connection is None:
            self._connection = await self._database.dedicated()
        if not self._has_lock:
            self._has_lock = await _locked(self._connection)
            self._running.readiness.started = True  # waiting for the lock is this replica's work
            if not self._has_lock:
                await self._running.sleep(LOOK_SECONDS)
                return
            await self._connection.execute("listen outbox")
        self._published = await publish_batch(self._connection, self._publisher, self._published)
        if not self._published:
            await _notified(self._connection)

    async def _disconnect(self) -> None:
        connection, self._connection, self._has_lock, self._published = self._connection, None, False, []
        if connection is not None:
            await connection.close()


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
    relay = Relay(running, database, publisher)
    while not running.stopping.is_set():
        await running.readiness.insist(relay.turn)
    await running.readiness.insist(relay.finish)


if __name__ == "__main__":
    process.run("producers.outbox-relay", work)
