"""The reconciler: looks in S3 for what no notice has told, since SNS and SQS may lose or delay a notice for hours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from producers import endings, purging
from producers.erasing import Eraser
from producers.purging import Purger
from producers.tidying import Tidier
from runtime import metrics, process, telemetry
from runtime.database import Database
from runtime.errors import AccessDenied, ObjectMissing
from runtime.kafka import KafkaPublisher, Publisher
from runtime.parts import S3Parts
from runtime.process import Process
from runtime.settings import Inference
from runtime.storage import ObjectStorage, S3Storage, locate
from schemas import codec
from schemas.codec import Record
from schemas.events import Event

log = logging.getLogger(__name__)

SOURCE = "/producers/reconciler"
#: Invocations looked at in one go; each costs two HEAD requests.
BATCH = 100
#: How often to see which invocations are due.
LOOK_SECONDS = 5.0
#: How often to tidy up: what is a day old need not be found in time.
TIDY_SECONDS = 60.0
#: After the time in the queue and the time of the work, what is not there will not come.
EXPIRY_MARGIN_SECONDS = 300


class Reconciler:
    """Finds the ends of invocations that nobody told."""

    def __init__(self, settings: Inference, database: Database, storage: ObjectStorage, publisher: Publisher) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._publisher = publisher

    async def look(self) -> int:
        """Look at the invocations that are due and publish the ends that are found; returns how many were. The next look at the others
        comes later each time."""
        due = await self._database.rows("due_invocations", most=BATCH, check_after=self._settings.check_after_seconds)
        found = [(row, record) for row in due if (record := await self._ended(row)) is not None]
        if found:
            await self._publisher.publish([record for _, record in found])
            upload_ids, attempts = [row["upload_id"] for row, _ in found], [row["attempt"] for row, _ in found]
            await self._database.rows("finish_invocations", upload_ids=upload_ids, attempts=attempts)
        return len(found)

    async def _ended(self, row: dict[str, Any]) -> Record | None:
        with telemetry.following(row["upload_id"], "reconcile", row["traceparent"]):
            event = await self._ending(row)
            return codec.record(event, SOURCE, traceparent=telemetry.traceparent()) if event else None

    async def _ending(self, row: dict[str, Any]) -> Event | None:
        upload_id, attempt = row["upload_id"], row["attempt"]
        if row["output_location"] and await self._exists(row["output_location"]):
            metrics.RECONCILED.labels("completed").inc()
            return endings.completed(upload_id, attempt, row["output_location"])
        if row["failure_location"] and await self._exists(row["failure_location"]):
            metrics.RECONCILED.labels("failed").inc()
            return await endings.failed(self._storage, upload_id, attempt, row["failure_location"])
        if row["age"] > self._settings.ttl_seconds + self._settings.timeout_seconds + EXPIRY_MARGIN_SECONDS:
            metrics.RECONCILED.labels("expired").inc()
            return endings.expired(upload_id, attempt)
        return None

    async def _exists(self, location: str) -> bool:
        try:
            await self._storage.head(*locate(location))
        except ObjectMissing:
            return False
        except AccessDenied as error:  # S3 may say so of what is not there yet; an answer that nobody may read is none either
            log.warning("not to be found: %s", error)
            return False
        return True


async def work(running: Process) -> None:
    """Look every few seconds until told to stop, waiting for servers that are away; and tidy up, purge and erase beside that."""
    configuration = running.settings
    database = Database(configuration.database_url)
    tidier = Tidier(configuration.storage.bucket, database, S3Storage(), S3Parts())
    purger = Purger(configuration.accounts, database)
    eraser = Eraser(configuration, database, S3Storage(), S3Parts())
    publisher = KafkaPublisher(configuration.kafka_bootstrap_servers)
    reconciler = Reconciler(configuration.inference, database, S3Storage(), publisher)
    running.readiness.started = True
    await asyncio.gather(
        _over_and_over(running, reconciler.look, LOOK_SECONDS, BATCH),
        _over_and_over(running, tidier.tidy, TIDY_SECONDS, BATCH),
        _over_and_over(running, purger.purge, TIDY_SECONDS, purging.BATCH),
        _over_and_over(running, eraser.erase, LOOK_SECONDS, 1),
    )


async def _over_and_over(running: Process, look: Callable[[], Awaitable[int]], pause: float, full: int) -> None:
    """Look again at once while there was as much to do as fits into one look."""
    while not running.stopping.is_set():
        if await running.readiness.insist(look) < full:
            await running.sleep(pause)


if __name__ == "__main__":
    process.run("producers.reconciler", work)
