"""Validate: is what was uploaded a media file that we accept? Looks at the object in S3 without downloading all of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from media.limits import Rejected
from media.pool import MediaPool
from media.ranges import BLOCK_BYTES
from runtime import metrics, quotas, uploads
from runtime.database import Database
from runtime.errors import AccessDenied, ObjectMissing, ObjectReplaced, PermanentError
from runtime.object_ranges import ObjectRanges
from runtime.settings import Settings
from runtime.storage import ObjectInfo, ObjectStorage
from runtime.uploads import UploadErased
from schemas.events import Event, PinnedSource, UploadReceived, UploadRejected, UploadValidated
from schemas.failures import Failure, RejectionCode
from schemas.jobs import source_key
from schemas.media import MediaInfo
from schemas.status import TERMINAL, Status
from stream_processors.stage import uncounted

log = logging.getLogger(__name__)

SOURCE = "/stream-processors/validate"
#: How long a source that S3 denies is waited for: so long may a new permission take to be in force. Meanwhile its partition stands still.
DENIED_SECONDS = 60.0
_RETRYABLE = frozenset({RejectionCode.QUOTA_EXCEEDED, RejectionCode.OBJECT_UNREADABLE})


class Validate:
    """The handler of the first stage: `upload.received` in, `upload.validated` or `upload.rejected` out."""

    def __init__(self, settings: Settings, database: Database, storage: ObjectStorage, pool: MediaPool) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._pool = pool
        #: Since when S3 denies the sources of events that are in hand.
        self._denied: dict[tuple[UUID, int], float] = {}

    async def handle(self, event: UploadReceived) -> Sequence[Event]:
        """Look at the object, and say whether it goes on or why not."""
        try:
            outcome = await self._handle(event)
        except AccessDenied as error:
            # What Valence itself has put into S3 is for its own role to read: there a denial is no upload's fault, and is waited for.
            if self._is_ours(event) or not self._is_denied_for_long(event):
                raise
            address = f"s3://{event.source.bucket}/{event.source.key}"
            message = f"{address} is missing, or Valence may not read it ({error}): put it there or allow that, then try again"
            outcome = [_rejected(event, Rejected(RejectionCode.OBJECT_UNREADABLE, message))]
        self._denied.pop((event.upload_id, event.attempt), None)
        return outcome

    def _is_denied_for_long(self, event: UploadReceived) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self._denied.setdefault((event.upload_id, event.attempt), now) >= DENIED_SECONDS

    async def _handle(self, event: UploadReceived) -> Sequence[Event]:
        try:
            if not await self._admit(event):
                return []
            found = await self._look(event)
            with uncounted():  # the guard has limits of its own, and a file may wait for its turn behind files that use them up
                media = await self._pool.probe(found)
            if not await self._remember(event, found.info, media):
                log.info("the upload was cancelled or erased meanwhile: nothing goes on")
                return []
        except Rejected as rejection:
            return [_rejected(event, rejection)]
        except ObjectMissing as error:
            return [_rejected(event, Rejected(RejectionCode.OBJECT_MISSING, f"{error}: upload the file, then try again"))]
        except ObjectReplaced as error:
            return [_rejected(event, Rejected(RejectionCode.OBJECT_REPLACED, str(error)))]
        info = found.info
        return [
            UploadValidated(
                upload_id=event.upload_id,
                account_id=event.account_id,
                attempt=event.attempt,
                source=PinnedSource(bucket=event.source.bucket, key=event.source.key, etag=info.etag, bytes=info.bytes),
                media=media,
                options=event.options,
            )
        ]

    async def _admit(self, event: UploadReceived) -> bool:
        """Give a bulk upload its row; False for an event that is late or about an upload that has ended."""
        new = uploads.NewUpload(
            id=event.upload_id, account_id=event.account_id, source=event.source, options=event.options, attempt=event.attempt
        )
        try:
            async with self._database.connection() as connection:
                is_new = await uploads.insert(connection, new, Status.RECEIVED, SOURCE)
        except UploadErased:
            log.info("the upload was erased: it stays so")
            return False
        if not is_new and not await self._is_due(event):
            return False
        if not self._is_allowed(event):
            address = f"s3://{event.source.bucket}/{event.source.key}"
            allowed = ", ".join(self._settings.allowed_sources)
            raise Rejected(RejectionCode.SOURCE_NOT_ALLOWED, f"{address} is not below an allowed prefix: put it below {allowed}")
        return True

    async def _is_due(self, event: UploadReceived) -> bool:
        """Whether an upload that has its row already is at this attempt, or may begin it now."""
        found = await self._database.rows("upload", id=event.upload_id)
        if not found:
            message = f"there is no account {event.account_id}: use an id that `valence accounts list` prints"
            raise Rejected(RejectionCode.UNKNOWN_ACCOUNT, message)
        row = found[0]
        if row["account_id"] != event.account_id:  # whoever names another account's id gets no say in what becomes of it
            raise PermanentError(f"upload {event.upload_id} belongs to another account than {event.account_id}: mint a new id")
        if event.attempt <= row["attempt"]:
            return bool(event.attempt == row["attempt"] and not _has_ended(row["status"], row["failure"]))
        async with self._database.transaction() as connection:
            begun = await uploads.apply_status(connection, event.upload_id, event.attempt, Status.RECEIVED, SOURCE)
        if not begun:
            log.warning("ignored: attempt %d comes before attempt %d has ended", event.attempt, row["attempt"])
        return begun

    def _is_allowed(self, event: UploadReceived) -> bool:
        return self._is_ours(event) or self._settings.may_be_source(event.source.bucket, event.source.key)

    def _is_ours(self, event: UploadReceived) -> bool:
        return event.source.bucket == self._settings.storage.bucket and event.source.key == source_key(event.upload_id)

    async def _look(self, event: UploadReceived) -> ObjectRanges:
        source = event.source
        info, beginning = await self._storage.open(source.bucket, source.key, BLOCK_BYTES)
        if info.bytes == 0:
            raise Rejected(RejectionCode.OBJECT_EMPTY, "the object has 0 bytes: upload the file again")
        if source.etag is not None and source.etag.strip('"') != info.etag:
            raise Rejected(RejectionCode.OBJECT_REPLACED, f"the object has the ETag {info.etag}: {source.etag} was announced")
        if source.bytes is not None and source.bytes != info.bytes:
            hint = " It may be a form-data wrapper: send the file itself as the body." if info.bytes < 1_024 else ""
            message = f"the object has {info.bytes} bytes: {source.bytes} were announced; upload it again.{hint}"
            raise Rejected(RejectionCode.SIZE_MISMATCH, message)
        return ObjectRanges(self._storage, source.bucket, info, beginning)

    async def _remember(self, event: UploadReceived, info: ObjectInfo, media: MediaInfo) -> bool:
        """Keep what was found; False where the attempt is not in work any more."""
        described = Jsonb(msgspec.to_builtins(media))
        seconds = media.duration_seconds
        kept = await self._database.rows(
            "set_media", id=event.upload_id, attempt=event.attempt, media=described, etag=info.etag, bytes=info.bytes, seconds=seconds
        )
        if kept and kept[0]["refused"]:
            raise Rejected(RejectionCode.QUOTA_EXCEEDED, quotas.refused(kept[0], seconds))
        return bool(kept)


def _has_ended(status: str, failure: dict[str, object] | None) -> bool:
    """A dead-lettered upload has not: its record, redriven, brings it here again."""
    return Status(status) in TERMINAL and not (failure and failure["code"] == "dead_lettered")


def _rejected(event: UploadReceived, rejection: Rejected) -> UploadRejected:
    log.info("rejected: %s", rejection)
    metrics.REJECTIONS.labels(rejection.code).inc()
    failure = Failure(code=rejection.code, message=rejection.message, retryable=rejection.code in _RETRYABLE)
    return UploadRejected(upload_id=event.upload_id, account_id=event.account_id, attempt=event.attempt, failure=failure)
