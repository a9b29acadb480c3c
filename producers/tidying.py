"""Tidying up what nobody comes back to: uploads whose content stopped coming a day ago."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from runtime import database, metrics, object_claims, uploads
from runtime.database import Database
from runtime.object_claims import Claim
from runtime.parts import ObjectParts
from runtime.storage import ObjectStorage
from schemas.failures import Failure, FailureCode
from schemas.jobs import source_key
from schemas.status import Status

log = logging.getLogger(__name__)

SOURCE = "/producers/tidying"
#: How long an upload is waited for after the last sign of life.
A_DAY = timedelta(days=1)
#: Uploads that are ended in one go.
BATCH = 100
_ABANDONED = Failure(code=FailureCode.UPLOAD_ABANDONED, message="nothing of the video came for a day: announce it again and send it")


class Tidier:
    """Ends abandoned uploads. Any number may work at once; `clock` tells the time."""

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
        """Tidy up once; returns how many uploads have been tidied up."""
        before, tidied = self._clock() - A_DAY, 0
        for row in await self._database.rows("abandoned_uploads", before=before, most=BATCH):
            if (claim := await self._expire(row["id"], before)) is not None:
                await self._remove(claim)
                tidied += 1
        for row in await self._database.rows("lapsed_claims", most=BATCH, finishes=object_claims.S3_FINISHES):
            async with self._database.transaction() as connection:
                claim = await object_claims.take_over(connection, row["id"])
            if claim is not None:
                await self._remove(claim)
                tidied += 1
        return tidied

    async def _expire(self, upload_id: UUID, before: datetime) -> Claim | None:
        """The end of an abandoned upload, with a claim on what S3 may have of it: a crash leaves that to the next turn."""
        async with self._database.transaction() as connection:
            row = await database.row(connection, "lock_upload", id=upload_id)
            if row is None or row["updated_at"] >= before or (claim := await object_claims.take(connection, upload_id)) is None:
                return None
            await uploads.apply_status(connection, upload_id, row["attempt"], Status.EXPIRED, SOURCE, _ABANDONED)
        metrics.UPLOADS_ABANDONED.inc()
        log.info("an abandoned upload has expired", extra={"upload_id": str(upload_id)})
        return claim

    async def _remove(self, claim: Claim) -> None:
        """Take away what S3 has of an upload that has ended without its content; no row is locked meanwhile."""
        key = source_key(claim.upload_id)
        for multipart_id in await self._parts.unfinished(self._bucket, key):
            await self._parts.abort(self._bucket, key, multipart_id)
        await self._storage.delete(self._bucket, key)
        async with self._database.transaction() as connection:
            await object_claims.release(connection, claim)
