"""The transactional outbox: what PostgreSQL and Kafka must both know is written to PostgreSQL, and a relay publishes it."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from runtime import database, telemetry
from runtime.database import Connection
from schemas import codec
from schemas.codec import Record
from schemas.events import Event


class Pending(NamedTuple):
    """A row that waits for the broker."""

    id: UUID
    record: Record


async def add(connection: Connection, event: Event, source: str) -> None:
    """Publish an event if, and only if, this transaction commits; the same event again changes nothing.

    `source` names the process as in the envelope, like `/api`.
    """
    record = codec.record(event, source, traceparent=telemetry.traceparent())
    await database.rows(
        connection,
        "insert_outbox",
        id=event.id,
        aggregatetype=record.topic,
        aggregateid=str(event.upload_id),
        type=event.TYPE,
        payload=codec.encode(event).decode(),
        headers=Jsonb({name: value.decode() for name, value in record.headers}),
    )


async def oldest(connection: Connection, most: int) -> list[Pending]:
    """The rows that were written first."""
    found = await database.rows(connection, "oldest_outbox", most=most)
    return [
        Pending(
            row["id"],
            Record(
                topic=row["aggregatetype"],
                key=row["aggregateid"].encode(),
                value=row["payload"].encode(),
                headers=[(name, value.encode()) for name, value in row["headers"].items()],
            ),
        )
        for row in found
    ]


async def delete(connection: Connection, rows: list[Pending]) -> None:
    """Forget rows that the broker has acknowledged."""
    await database.rows(connection, "delete_outbox", ids=[row.id for row in rows])


async def oldest_age(connection: Connection) -> float:
    """Seconds that the oldest row has waited; 0 where none waits."""
    found = await database.row(connection, "oldest_outbox_age")
    return float(found["age"]) if found else 0.0
