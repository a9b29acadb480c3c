"""Tidying up what nobody comes back to: uploads whose content stopped coming a day ago, and answers that were kept for repeats."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from runtime import database, metrics, uploads
from runtime.database import Database
from runtime.parts import ObjectParts
from runtime.storage import ObjectStorage
from schemas.failures import Failure, FailureCode
from schemas.jobs import source_key
from schemas.status import Status

log = logging.getLogger(__name__)

SOURCE = "/producers/tidying"
#: How long an upload is waited for after the last sign of life, and an answer is kept for a repeat of its request.
A_DAY = timedelta(days=1)
#: Uploads that are ended in one go.
BATCH = 100
_ABANDONED = Failure(code=FailureCode.UPLOAD_ABANDONED, message="nothing of the video came for a day: announce it again and send it")


class Tidier:
    """Ends abandoned uploads and forgets old answers. Any number may work at once; `clock` tells the time."""

    def __init__(
        self,
        bucket: str,
        db: Database,
        storage: ObjectStorage,
        parts: ObjectParts,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bucket = bucket
        self._database = db
        self._storage = storage
        self._parts = parts
        self._clock = clock

    async def tidy(self) -> int:
        """Tidy up once; returns how many uploads were looked at."""
        before = self._clock() - A_DAY
        await self._database.rows("forget_idempotent", before=before)
        found = await self._database.rows("abandoned_uploads", before=before, most=BATCH)
        for row in found:
            await self._expire(row["id"], before)
        return len(found)

    async def _expire(self, upload_id: UUID, before: datetime) -> None:
        key = source_key(upload_id)
        async with self._database.transaction() as connection:
            # The row stays locked, so that nobody completes it meanwhile; what S3 has goes first, so that a crash leaves work to do.
            row = await database.row(connection, "lock_upload", id=upload_id)
            if row is None or row["status"] not in (Status.CREATED, Status.UPLOADING) or row["updated_at"] >= before:
                return
            for multipart_id in await self._parts.unfinished(self._bucket, key):
                await self._parts.abort(self._bucket, key, multipart_id)
            await self._storage.delete(self._bucket, key)
            await uploads.apply_status(connection, upload_id, row["attempt"], Status.EXPIRED, SOURCE, _ABANDONED)
        metrics.UPLOADS_ABANDONED.inc()
        log.info("an abandoned upload has expired", extra={"upload_id": str(upload_id)})
