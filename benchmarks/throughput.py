"""How many videos a second the chain takes from `uploads.received.v1` to `analyses.persisted.v1`, and where the processor time goes.

Everything is real but the model: distinct objects in S3, full validation, the endpoint's stand-in with its disk, notices by SQS, analyses
in PostgreSQL. First all events are put on the topic at once: the rate is that of the whole run, the filling and the emptying of the
stages included. Then they come at the rate that is promised, to see how long each takes meanwhile.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer

from benchmarks.clips import distinct_clip
from benchmarks.percentiles import percentile
from benchmarks.processor_time import processor_seconds
from benchmarks.stand import Stand
from runtime.identifiers import uuid7
from runtime.kafka import KafkaPublisher
from runtime.storage import S3Storage
from schemas import codec
from schemas.codec import Record
from schemas.events import Source, UploadReceived
from schemas.topics import ANALYSES_PERSISTED

TARGET_A_SECOND = 40.0
VIDEOS = 1_200
#: Not measured: every process opens its connections and imports what it imports late.
WARM_UP = 200
#: Of the second run.
STEADY_SECONDS = 30
_LONGEST_SECONDS = 300.0


async def measure(videos: int = VIDEOS, workers: int = 1) -> dict[str, Any]:
    """The figures, with `passed`: whether the target was reached and every video has exactly one analysis."""
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        async with Stand(Path(folder), workers=workers) as stand:
            account = UUID((await stand.caller("throughput")).account_id)
            await _run(stand, await _put(stand, account, WARM_UP))
            events = await _put(stand, account, videos)
            before = processor_seconds(stand.supervisor.status())
            taken = await _run(stand, events)
            after = processor_seconds(stand.supervisor.status())
            steady_events = await _put(stand, account, int(TARGET_A_SECOND * STEADY_SECONDS))
            steady = await _run(stand, steady_events, TARGET_A_SECOND)
            analyses = await _distinct_analyses(stand, [event.upload_id for event in events])
    rate = videos / max(taken)
    spent = {name: round((after[name] - before[name]) * 1_000 / videos, 2) for name in sorted(after, key=lambda n: before[n] - after[n])}
    return {
        "videos": videos,
        "distinct_objects": len({event.source.etag for event in events}),
        "workers_a_stage": workers,
        "distinct_analyses_in_postgresql": analyses,
        "seconds": round(max(taken), 2),
        "videos_a_second": round(rate, 1),
        "processor_milliseconds_a_video": spent,
        "processors_busy": round(sum(spent.values()) * rate / 1_000, 2),
        "steady_videos_a_second": TARGET_A_SECOND,
        "steady_videos": len(steady),
        "steady_p50_seconds": round(percentile(steady, 50), 3),
        "steady_p99_seconds": round(percentile(steady, 99), 3),
        "target_videos_a_second": TARGET_A_SECOND,
        "passed": rate >= TARGET_A_SECOND and analyses == videos and len(steady) == len(steady_events),
    }


async def _put(stand: Stand, account: UUID, videos: int) -> list[UploadReceived]:
    storage, bucket = S3Storage(), stand.settings.storage.bucket
    at_once = asyncio.Semaphore(16)

    async def put(number: int) -> UploadReceived:
        upload_id = uuid7()
        key, clip = f"ingest/{upload_id}.mp4", distinct_clip(upload_id.int & (1 << 62) - 1)
        async with at_once:
            await storage.put(bucket, key, clip, "video/mp4")
            info = await storage.head(bucket, key)
        source = Source(bucket=bucket, key=key, etag=info.etag, bytes=info.bytes)
        return UploadReceived(upload_id=upload_id, attempt=1, account_id=account, source=source)

    return await asyncio.gather(*(put(number) for number in range(videos)))


async def _run(stand: Stand, events: list[UploadReceived], rate: float | None = None) -> list[float]:
    """Publish, all at once or so many a second; returns the seconds from the publishing of each to the first time that
    `analyses.persisted.v1` has it."""
    servers = stand.settings.kafka_bootstrap_servers
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    reading = asyncio.create_task(asyncio.to_thread(_read, servers, {event.upload_id for event in events}, ready))
    await ready
    published = await _publish(servers, events, rate)
    return [moment - published[upload_id] for upload_id, moment in (await reading).items()]


async def _publish(servers: str, events: list[UploadReceived], rate: float | None) -> dict[UUID, float]:
    publisher = KafkaPublisher(servers)
    published: dict[UUID, float] = {}
    started, batch = time.time(), list[Record]()
    for number, event in enumerate(events):
        due = started + (number / rate if rate else 0.0)
        if due > time.time():
            await publisher.publish(batch)
            batch = []
            await asyncio.sleep(max(0.0, due - time.time()))
        published[event.upload_id] = due
        batch.append(codec.record(event, "/benchmarks/throughput"))
    await publisher.publish(batch)
    await publisher.close()
    return published


def _read(servers: str, expected: set[UUID], ready: asyncio.Future[None]) -> dict[UUID, float]:
    consumer = KafkaConsumer(ANALYSES_PERSISTED.name, bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    consumer.poll(timeout_ms=1_000)
    ready.get_loop().call_soon_threadsafe(ready.set_result, None)
    found: dict[UUID, float] = {}
    deadline = time.monotonic() + _LONGEST_SECONDS
    while len(found) < len(expected) and time.monotonic() < deadline:
        for batch in consumer.poll(timeout_ms=500).values():
            for record in batch:
                if (upload_id := UUID(record.key.decode())) in expected:
                    found.setdefault(upload_id, time.time())
    consumer.close(autocommit=False)
    return found


async def _distinct_analyses(stand: Stand, upload_ids: list[UUID]) -> int:
    async with stand.database.transaction() as connection:
        query = "select count(distinct upload_id) as analyses from analyses where upload_id = any(%s)"
        found = await (await connection.execute(query, [upload_ids])).fetchone()
    assert found is not None
    return int(found["analyses"])
