"""From the status topic to this worker's subscribers: every worker reads all of it, from its end, without a consumer group.

One thread polls and hands batches to the event loop. If the reader fails, every stream is ended and the topic is read from its end again:
clients come back and read what they missed from PostgreSQL, so nothing is lost whatever happens here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from api.status_hub import StatusHub
from runtime import metrics
from runtime.kafka import connection, open_consumer, received
from runtime.retries import backoff
from schemas.codec import InvalidEvent, decode
from schemas.events import UploadStatusChanged
from schemas.topics import UPLOADS_STATUS

log = logging.getLogger(__name__)

#: How often the broker is asked how far behind this worker is, which also shows whether it is there.
LAG_EVERY_SECONDS = 5.0
#: Further behind than this, live status is not live.
MOST_LAG = 1_000
_NAME = "api.status-feed"


class StatusFeed:
    """Reads `uploads.status.v1` into a hub."""

    def __init__(self, bootstrap_servers: str, hub: StatusHub) -> None:
        self._servers = bootstrap_servers
        self._hub = hub
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        #: Why live status is not live; None when it is.
        self.obstacle: str | None = "waiting for kafka: the status feed is starting"

    def start(self) -> None:
        """Begin, from within the event loop that the hub belongs to."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run_or_crash, args=(loop,), name=_NAME, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it may take some seconds, and nothing waits for it."""
        self._stopping.set()

    def _run_or_crash(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._run(loop)
        except Exception:
            if not self._stopping.is_set():  # the loop may be gone already when the process stops
                log.critical("crashed on purpose: the status feed met an error that was not expected", exc_info=True)
                os._exit(1)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        failures = 0
        while not self._stopping.is_set():
            consumer = None
            try:
                consumer = self._consumer()
                partitions = self._seek_to_end(consumer)
                self.obstacle = None
                loop.call_soon_threadsafe(self._hub.open)
                failures = 0
                self._follow(consumer, partitions, loop)
            except KafkaError as error:
                failures += 1
                self.obstacle = f"waiting for kafka: {error}"
                log.warning("the status feed has failed and starts again", extra={"error": str(error)})
                if not self._stopping.is_set():
                    loop.call_soon_threadsafe(self._hub.drain, "feed", "live status has lost the broker")
                self._stopping.wait(backoff(failures, cap=5.0))
            finally:
                if consumer is not None:
                    consumer.close(autocommit=False)

    def _consumer(self) -> KafkaConsumer:
        return open_consumer(
            **connection(self._servers),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
            request_timeout_ms=10_000,
        )

    def _seek_to_end(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        numbers = consumer.partitions_for_topic(UPLOADS_STATUS.name)
        if not numbers:
            raise KafkaError(f"there is no topic {UPLOADS_STATUS.name}: create it with `valence topics create`")
        partitions = [TopicPartition(UPLOADS_STATUS.name, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        for partition, offset in consumer.end_offsets(partitions).items():
            consumer.seek(partition, offset)
        return partitions

    def _follow(self, consumer: KafkaConsumer, partitions: list[TopicPartition], loop: asyncio.AbstractEventLoop) -> None:
        measured = 0.0
        while not self._stopping.is_set():
            batches = consumer.poll(timeout_ms=500)
            events = [event for batch in batches.values() for record in batch if (event := _event(record)) is not None]
            if events:
                loop.call_soon_threadsafe(self._hub.publish, events)
            if time.monotonic() - measured >= LAG_EVERY_SECONDS:
                self._measure(consumer, partitions)
                measured = time.monotonic()

    def _measure(self, consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """The broker may be away for a while: the reader keeps its place, the streams stay open, and readiness says so."""
        try:
            ends = consumer.end_offsets(partitions, timeout_ms=3_000)
        except KafkaError as error:
            self.obstacle = f"waiting for kafka: {error}"
            return
        lag = sum(end - consumer.position(partition) for partition, end in ends.items())
        metrics.CONSUMER_LAG.labels(_NAME, UPLOADS_STATUS.name).set(lag)
        self.obstacle = f"live status is {lag} events behind" if lag > MOST_LAG else None


def _event(record: Any) -> UploadStatusChanged | None:
    record = received(record)
    if record.value is None:
        return None  # an erased upload: there is nothing to tell
    try:
        _, event = decode(UPLOADS_STATUS, record.key, record.value, record.headers)
    except InvalidEvent as error:
        log.error("a record of the status topic is not a status", extra={"offset": record.offset, "error": str(error)})
        return None
    assert isinstance(event, UploadStatusChanged)
    return event
