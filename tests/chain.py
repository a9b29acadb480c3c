"""What the tests of the chain are made of: events, records as a stage reads them, and uploads in the shared servers."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from local.sagemaker.answers import instant_analysis
from runtime.database import Database
from runtime.kafka import Received
from schemas import codec
from schemas.codec import Record
from schemas.events import AnalysisPersisted, AnalysisSummary, Event, Source, UploadReceived
from schemas.jobs import inference_id
from stream_processors.persist import summarise

SOURCE = "/tests"


def upload_received(upload_id: UUID | None = None, account_id: UUID | None = None, *, attempt: int = 1, **source: Any) -> UploadReceived:
    """An event that submits `s3://valence/ingest/clip.mp4`, unless told otherwise."""
    given = {"bucket": "valence", "key": "ingest/clip.mp4", **source}
    return UploadReceived(upload_id=upload_id or uuid4(), account_id=account_id or uuid4(), attempt=attempt, source=Source(**given))


def persisted(upload_id: UUID, account_id: UUID, attempt: int = 1) -> AnalysisPersisted:
    """The event at the end of the chain."""
    return AnalysisPersisted(upload_id=upload_id, account_id=account_id, attempt=attempt, summary=summary(upload_id, attempt))


def summary(upload_id: UUID, attempt: int = 1) -> AnalysisSummary:
    """The summary of the answer that the stand-in gives at once."""
    return summarise(instant_analysis(inference_id(upload_id, attempt)))


def received(record: Record, offset: int = 0, partition: int = 0) -> Received:
    """A record as it is read back."""
    return Received(record.topic, partition, offset, record.key, record.value, record.headers, 0)


def as_received(*events: Event) -> list[Received]:
    """Events as they are read back, one after another."""
    return [received(codec.record(event, SOURCE), offset) for offset, event in enumerate(events)]


async def upload_row(database: Database, upload_id: UUID) -> dict[str, Any]:
    """The row of an upload."""
    (row,) = await database.rows("upload", id=upload_id)
    return row


async def statuses(database: Database, upload_id: UUID) -> list[tuple[int, int, str]]:
    """Every status that an upload has had: (sequence, attempt, status)."""
    rows = await database.rows("upload_statuses", upload_id=upload_id, after=0)
    return [(row["sequence"], row["attempt"], row["status"]) for row in rows]


async def select(database: Database, statement: str, *values: Any) -> list[dict[str, Any]]:
    """The rows of a statement of the test's own."""
    async with database.transaction() as connection:
        cursor = await connection.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []
