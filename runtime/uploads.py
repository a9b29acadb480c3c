"""Uploads and their statuses in PostgreSQL: each change of status is recorded and published in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from runtime import database, metrics, outbox, quotas
from runtime.database import Connection
from runtime.errors import ValenceError
from schemas.events import Event, Source, UploadReceived, UploadStatusChanged
from schemas.failures import Failure
from schemas.jobs import MOST_ATTEMPTS, AnalysisOptions
from schemas.status import TERMINAL, Status

#: JSON has no largest number, PostgreSQL's bigint has one: no object is as large, so validation rejects such an upload either way.
MOST_DECLARED_BYTES = 2**63 - 1
#: What PostgreSQL calls the error of `refuse_erased`.
_ERASED = "VA001"
_WITHOUT_ANALYSIS = TERMINAL - {Status.COMPLETED}


class NoAttemptsLeft(ValenceError):
    """The upload is at the last attempt that an event can carry, so it cannot be tried again."""


class UploadErased(ValenceError):
    """The upload was erased: nobody brings it back."""


class NoContent(ValenceError):
    """The upload's content never came, so there is nothing to try again."""


class Cancelled(NamedTuple):
    """What became of an attempt that was to be cancelled: the status that it has, or is about to have, and S3's name of its parts."""

    status: Status
    attempt: int
    multipart_id: str | None


class NewUpload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that is about to have a row; `file_name`, `content_type`, `sha256` and the source's `bytes` are what the client declared.

    `part_size` in bytes is there if its content may come in parts.
    """

    id: UUID
    account_id: UUID
    source: Source
    options: AnalysisOptions = AnalysisOptions()
    attempt: int = 1
    file_name: str | None = None
    content_type: str | None = None
    part_size: int | None = None
    sha256: bytes | None = None


async def insert(connection: Connection, upload: NewUpload, status: Status, publisher: str) -> bool:
    """Give an upload its row and its first status; False, and nothing changed, where the id is taken or there is no such account.

    One statement, so that it needs no transaction of the caller's. UploadErased where the upload was erased, also at this moment.
    """
    event = UploadStatusChanged(
        upload_id=upload.id,
        account_id=upload.account_id,
        attempt=upload.attempt,
        sequence=1,
        status=status,
        occurred_at=datetime.now(UTC),
    )
    try:
        inserted = await database.row(
            connection,
            "insert_upload",
            id=upload.id,
            account_id=upload.account_id,
            file_name=upload.file_name,
            content_type=upload.content_type,
            declared_bytes=None if upload.source.bytes is None else min(upload.source.bytes, MOST_DECLARED_BYTES),
            bucket=upload.source.bucket,
            key=upload.source.key,
            etag=upload.source.etag,
            options=Jsonb(msgspec.to_builtins(upload.options)),
            attempt=upload.attempt,
            status=status.value,
            occurred_at=event.occurred_at,
            part_size=upload.part_size,
            sha256=upload.sha256,
            **outbox.row(event, publisher),
        )
    except psycopg.DatabaseError as error:
        if error.sqlstate == _ERASED:
            raise UploadErased(f"upload {upload.id} was erased") from error
        raise
    return inserted is not None


async def apply_status(
    connection: Connection, upload_id: UUID, attempt: int, status: Status, publisher: str, failure: Failure | None = None
) -> bool:
    """Change an upload's status and publish that; False, and nothing changed, where the change is late, repeated or of no known upload.

    An attempt that has its analysis can only be completed: of two validations, or of two calls of the endpoint, one may have failed.
    """
    changed = None
    if not (status in _WITHOUT_ANALYSIS and await _is_analysed(connection, upload_id, attempt)):
        changed = await database.row(
            connection,
            "apply_status",
            upload_id=upload_id,
            attempt=attempt,
            status=status.value,
            failure=Jsonb(msgspec.to_builtins(failure)) if failure else None,
        )
    metrics.STATUS_CHANGES.labels(status.value, "applied" if changed else "ignored").inc()
    if changed is None:
        return False
    event = UploadStatusChanged(
        upload_id=upload_id,
        account_id=changed["account_id"],
        attempt=attempt,
        sequence=changed["sequence"],
        status=status,
        occurred_at=changed["occurred_at"],
        failure=failure,
    )
    await outbox.add(connection, event, publisher)
    return True


async def _is_analysed(connection: Connection, upload_id: UUID, attempt: int) -> bool:
    await database.rows(connection, "lock_upload", id=upload_id)  # nobody keeps an analysis between this look and the change
    return bool(await database.rows(connection, "is_analysed", upload_id=upload_id, attempt=attempt))


async def submit(connection: Connection, event: UploadReceived, publisher: str) -> bool:
    """Make an upload `received` and send it on its way; False where its status forbids that. QuotaExceeded where the plan does."""
    if not await apply_status(connection, event.upload_id, event.attempt, Status.RECEIVED, publisher):
        return False
    await quotas.reserve(connection, event.upload_id, event.attempt)
    await outbox.add(connection, event, publisher)
    return True


async def content_came(connection: Connection, upload_id: UUID) -> bool:
    """Whether the upload's content has ever been complete."""
    found = await database.row(connection, "received_content", upload_id=upload_id)
    return found is not None and bool(found["came"])


async def cancel(connection: Connection, upload_id: UUID, publisher: str) -> Cancelled | None:
    """Withdraw an upload's attempt that is in work; what it holds of the plan is given back, and its answer will not be kept.

    None where there is no such upload. An attempt that has come to an end, or whose analysis is there, stays as it is.
    """
    row = await database.row(connection, "lock_upload", id=upload_id)
    if row is None:
        return None
    status = Status(row["status"])
    if status not in TERMINAL:
        applied = await apply_status(connection, upload_id, row["attempt"], Status.CANCELLED, publisher)
        status = Status.CANCELLED if applied else Status.COMPLETED
    return Cancelled(status, row["attempt"], row["multipart_id"])


async def retry(connection: Connection, upload_id: UUID, publisher: str) -> Event | None:
    """Start the next attempt of an upload that has come to an end, on the object as it is now; None where it has not ended.

    NoAttemptsLeft at the last attempt: nobody could read the event of another, and the upload would stay `received`. NoContent where the
    content never came.
    """
    row = await database.row(connection, "upload", id=upload_id)
    if row is None:
        return None
    if row["attempt"] >= MOST_ATTEMPTS:
        raise NoAttemptsLeft(f"the upload is at attempt {row['attempt']}, the last there is: send the video as a new upload")
    if Status(row["status"]) in _WITHOUT_ANALYSIS and not await content_came(connection, upload_id):
        raise NoContent("the upload ended before its content had come: announce another one")
    event = UploadReceived(
        upload_id=upload_id,
        account_id=row["account_id"],
        attempt=row["attempt"] + 1,
        source=Source(bucket=row["bucket"], key=row["key"]),
        options=msgspec.convert(row["options"], AnalysisOptions),
    )
    return event if await submit(connection, event, publisher) else None
