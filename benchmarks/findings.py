"""What is so after a soak: counted in PostgreSQL, at the broker, at the endpoint and by the subscribers, never by the code under test."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import NamedTuple
from uuid import UUID

import httpx
from kafka import KafkaConsumer, TopicPartition
from psycopg.rows import DictRow

from benchmarks.phases import STAGE_WORKERS
from benchmarks.stand import Stand
from consumers import dead_letters, status_projector, webhook_messages, webhooks
from local.child import ChildStatus
from runtime.errors import DependencyUnavailable
from runtime.lag import LagGauge
from schemas import topics
from schemas.status import TERMINAL
from schemas.topics import DEAD_LETTER_TOPICS, EVENT_TOPICS

#: Who reads what, by consumer group.
_GROUPS = {
    "stream-processors.validate": (topics.UPLOADS_RECEIVED.name,),
    "stream-processors.invoke": (topics.UPLOADS_VALIDATED.name,),
    "stream-processors.persist": (topics.INFERENCE_COMPLETED.name,),
    status_projector.GROUP: status_projector.TOPICS,
    webhooks.GROUP: webhook_messages.TOPICS,
    dead_letters.GROUP: tuple(topic.name for topic in DEAD_LETTER_TOPICS),
}

_IN_FLIGHT = """
select count(*) as number from uploads u
where status_rank(u.status) between 2 and 4 and not exists (select from analyses a where a.upload_id = u.id)
"""
_UPLOADS = """
select u.id, u.status, u.sequence,
       (select count(*) from analyses a where a.upload_id = u.id) as analyses,
       (select count(*) from usage c where c.upload_id = u.id) as usages,
       (select count(*) from upload_statuses s where s.upload_id = u.id) as changes,
       (select min(sequence) from upload_statuses s where s.upload_id = u.id) as first,
       (select max(sequence) from upload_statuses s where s.upload_id = u.id) as last,
       (select count(*) from upload_statuses s where s.upload_id = u.id and status_rank(s.status) = 5) as endings,
       (select jsonb_object_agg(s.status, extract(epoch from s.occurred_at)) from upload_statuses s where s.upload_id = u.id) as moments
from uploads u where u.id = any(%s)
"""
_OUTBOX = "select count(*) as number from outbox"
_KEPT = "select topic, stage, reason, error, upload_id from dead_letters order by id"


async def in_flight(stand: Stand) -> int | None:
    """Videos that the chain has and that have no analysis yet; None while PostgreSQL is away."""
    try:
        return int((await _query(stand, _IN_FLIGHT))[0]["number"])
    except DependencyUnavailable:
        return None


async def in_hand(client: httpx.AsyncClient, child: ChildStatus) -> int | None:
    """Events that a stage's worker is working on, as its own metric says; None for a process that is none."""
    if child.name not in STAGE_WORKERS:
        return None
    try:
        pages = (await client.get(f"http://{child.address}/metrics")).text
    except httpx.TransportError:
        return 0  # it is just being started
    return sum(int(float(line.rpartition(" ")[2])) for line in pages.splitlines() if line.startswith("valence_stage_in_flight{"))


async def uploads(stand: Stand, ids: list[UUID]) -> dict[UUID, DictRow]:
    """How each upload stands, with counts of its analyses, usage rows and statuses, and the Unix time of each status in `moments`."""
    return {row["id"]: row for row in await _query(stand, _UPLOADS, ids)}


def wrongs(row: DictRow | None) -> list[str]:
    """What is wrong with an accepted upload, in words; nothing, if it has come to its one end with one analysis and one usage row."""
    if row is None:
        return ["has no row"]
    found = []
    if row["status"] != "completed":
        found.append(f"is {row['status']}" if row["status"] in TERMINAL else f"never ended: it is {row['status']}")
    if (row["analyses"], row["usages"], row["endings"]) != (1, 1, 1):
        found.append(f"has {row['analyses']} analyses, {row['usages']} usage rows and {row['endings']} endings")
    if not (row["first"] == 1 and row["last"] == row["changes"] == row["sequence"]):
        found.append(f"has {row['changes']} statuses from {row['first']} to {row['last']}, and its sequence is {row['sequence']}")
    return found


async def unpublished(stand: Stand) -> int:
    """Rows of the outbox."""
    return int((await _query(stand, _OUTBOX))[0]["number"])


async def kept_dead_letters(stand: Stand) -> list[DictRow]:
    """The dead letters that their consumer has kept."""
    return await _query(stand, _KEPT)


async def lag(stand: Stand) -> dict[str, int]:
    """Records that a group has not committed, by group, from the broker's side."""
    return await asyncio.to_thread(_lag, stand.settings.kafka_bootstrap_servers)


class Records(NamedTuple):
    """Records on the topics: all of them, and how many of those repeat a ce_id, by topic."""

    all: Counter[str]
    repeated: Counter[str]

    @property
    def dead_letters(self) -> int:
        """Records on dead-letter topics."""
        return sum(number for topic, number in self.all.items() if topic.endswith(".dlq"))


async def records(stand: Stand) -> Records:
    """Every record of every topic, read from the broker."""
    return await asyncio.to_thread(_records, stand.settings.kafka_bootstrap_servers)


async def invocations(stand: Stand) -> dict[str, int]:
    """How often the endpoint has accepted each inference id."""
    async with httpx.AsyncClient(trust_env=False) as client:
        counts: dict[str, int] = (await client.get(stand.address("sagemaker") + "/invocations")).raise_for_status().json()
        return counts


async def _query(stand: Stand, query: str, *parameters: object) -> list[DictRow]:
    async with stand.database.transaction() as connection:
        return await (await connection.execute(query.encode(), parameters or None)).fetchall()


def _lag(servers: str) -> dict[str, int]:
    found = {}
    for group, names in _GROUPS.items():
        gauge = LagGauge(servers, group, names)
        found[group] = sum(gauge.measure().values())
        gauge.close()
    return found


def _records(servers: str) -> Records:
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, enable_auto_commit=False)
    names = [topic.name for topic in (*EVENT_TOPICS, *DEAD_LETTER_TOPICS)]
    partitions = [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name) or ()]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    every: Counter[str] = Counter()
    ids: dict[str, set[bytes]] = {name: set() for name in names}
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for partition, batch in consumer.poll(timeout_ms=500).items():
            every[partition.topic] += len(batch)
            ids[partition.topic].update(dict(record.headers)["ce_id"] for record in batch)
    consumer.close(autocommit=False)
    return Records(every, Counter({name: every[name] - len(ids[name]) for name in names if not name.endswith(".dlq")}))
