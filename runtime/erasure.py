"""Erasing: rows at once, tombstones on the topics that keep the newest record of an upload, objects by a task that no crash loses.

Call it in a transaction: either all of it is asked for, or nothing. What is still on its way through the chain meets no row, makes none,
and is ignored.
A source that lies elsewhere, as bulk ingestion's do, stays: Valence did not put it there.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID, uuid4, uuid5

from runtime import database
from runtime.database import Connection
from runtime.inference import Locations
from runtime.object_claims import S3_FINISHES
from runtime.settings import Inference, Settings
from runtime.storage import locate
from schemas.topics import EVENT_TOPICS, TOPICS, Cleanup

#: The topics on which a tombstone makes the broker forget what it keeps of an upload.
COMPACTED = tuple(topic for topic in EVENT_TOPICS if topic.cleanup is Cleanup.COMPACT_DELETE)
#: After which every other topic has forgotten by itself; a segment may be a day older than its newest record.
RETENTION = timedelta(days=max(topic.retention_days for topic in TOPICS) + 1)
#: Added to the longest that an answer may take before it is looked for again.
_MARGIN_SECONDS = 300


class Erased(StrEnum):
    """What a receipt is for."""

    UPLOAD = "upload"
    ACCOUNT = "account"


async def begin(connection: Connection, kind: Erased) -> UUID:
    """A new receipt; its id is random, and whoever has it may read the receipt."""
    receipt_id = uuid4()
    await database.rows(connection, "insert_receipt", id=receipt_id, kind=kind.value, retention=RETENTION)
    return receipt_id


async def erase_upload(connection: Connection, settings: Settings, upload_id: UUID, receipt_id: UUID) -> bool:
    """Erase an upload with everything that was made of it; False, and nothing changed, where there is none.

    What it has reserved is given back; what it has used stays used, since that says nothing of what was in it.
    """
    erased = await database.row(
        connection,
        "erase_upload",
        id=upload_id,
        receipt_id=receipt_id,
        bucket=settings.storage.bucket,
        later=_answered_by(settings.inference),
        finishes=S3_FINISHES,
        tombstones=len(COMPACTED),
        topics=[topic.name for topic in COMPACTED],
    )
    if erased is None:
        return False
    for topic in COMPACTED:
        tombstone = uuid5(upload_id, f"erased/{topic.name}")
        await database.rows(connection, "insert_tombstone", id=tombstone, topic=topic.name, upload_id=str(upload_id))
    return True


async def erase_owned(connection: Connection, settings: Settings, upload_id: UUID, account_id: UUID) -> UUID | None:
    """Erase an upload of this account; returns its receipt, the same for whoever asks again, and None where the account never had it."""
    row = await database.row(connection, "lock_upload", id=upload_id)  # of two that ask at once, the second sees what the first has done
    if row is None:
        erased = await database.row(connection, "erased_upload", upload_id=upload_id)
        return erased["receipt_id"] if erased is not None and erased["account_id"] == account_id else None
    if row["account_id"] != account_id:
        return None
    receipt_id = await begin(connection, Erased.UPLOAD)
    await erase_upload(connection, settings, upload_id, receipt_id)
    return receipt_id


async def erase_later(connection: Connection, inference: Inference, upload_id: UUID, locations: Locations) -> None:
    """Delete also what the endpoint writes there about an upload that was erased while it was being called; its receipt waits for that."""
    for bucket, key in (locate(location) for location in locations if location is not None):
        await database.rows(connection, "erase_later", upload_id=upload_id, bucket=bucket, key=key, later=_answered_by(inference))


def _answered_by(inference: Inference) -> timedelta:
    return timedelta(seconds=inference.ttl_seconds + inference.timeout_seconds + _MARGIN_SECONDS)


async def close_account(connection: Connection, account_id: UUID) -> UUID | None:
    """Close an account: nobody is it any more from now on, and its uploads are erased in the background. The receipt's id; None where
    there is no such account, or it is closed already."""
    if not await database.rows(connection, "close_account", id=account_id):
        return None
    receipt_id = await begin(connection, Erased.ACCOUNT)
    await database.rows(connection, "list_account", account_id=account_id, receipt_id=receipt_id)
    await database.rows(connection, "forget_credentials", account_id=account_id)
    await database.rows(connection, "insert_account_erasure", account_id=account_id, receipt_id=receipt_id)
    return receipt_id
