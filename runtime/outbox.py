"""The transactional outbox: what PostgreSQL and Kafka must both know is written to PostgreSQL, and a relay publishes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
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
    created_at: datetime


def row(event: Event, source: str) -> dict[str, Any]:
    """The row that publishes an event, for a query that writes it beside something else; `source` names the process, like `/api`."""
    record = codec.record(event, source, traceparent=telemetry.traceparent())
    return {
        "event_id": event.id,
        "aggregatetype": record.topic,
        "aggregateid": str(event.upload_id),
        "type": event.TYPE,
        "payload": codec.encode(event).decode(),
        "headers": Jsonb({name: value.decode() for name, value in record.headers}),
    }


async def add(connection: Connection, event: Event, source: str) -> None:
    """Publish an event if, and only if, this transaction commits; the same event again changes nothing."""
    await database.rows(connection, "insert_outbox", **row(event, source))


async def following(connection: Connection, published: Sequence[UUID], most: int) -> list[Pending]:
    """Forget the rows that the broker has acknowledged; returns those that were written first of what is left."""
    found = await database.rows(connection, "next_outbox", published=list(published), most=most)
    return [
        Pending(
            row["id"],
            Record(
                topic=row["aggregatetype"],
                key=row["aggregateid"].encode(),
                value=None if row["payload"] is None else row["payload"].encode(),
                headers=[(name, value.encode()) for name, value in row["headers"].items()],
            ),
            row["created_at"],
        )
        for row in found
    ]
