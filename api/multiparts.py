"""S3's multipart upload of an upload whose content comes in parts: begun by whoever asks first, and anew where S3 has dropped it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from api import unsent_space
from api.problems import ContentAlreadyReceived, NoSuchUpload
from api.services import PUBLISHER, Services
from api.uploads import refuse_unless_open
from runtime import database
from runtime import uploads as records
from runtime.database import Connection
from runtime.errors import DependencyUnavailable, ObjectMissing
from schemas.resources import Upload
from schemas.status import Status

log = logging.getLogger(__name__)

#: How old an upload's last sign of life may be before a part renews it: one write an hour instead of one a part.
_RENEW_AFTER = timedelta(hours=1)


class Unsent(NamedTuple):
    """An upload whose content may still come, with S3's id of the multipart upload that has begun and the declared digest, if any."""

    upload: Upload
    part_size: int
    multipart_id: str | None
    sha256: bytes | None


async def multipart(services: Services, unsent: Unsent) -> str:
    """S3's id of the multipart upload of an open upload, begun by whoever asks first."""
    upload = unsent.upload
    if unsent.multipart_id is not None and datetime.now(UTC) - upload.updated_at < _RENEW_AFTER:
        return unsent.multipart_id
    async with services.database.transaction() as connection:
        locked = await _open(connection, upload.id)
        await database.rows(connection, "touch_unsent_upload", id=upload.id)
        if locked["multipart_id"] is not None:
            return str(locked["multipart_id"])
    begun = await services.parts.begin(*services.place(upload.id), upload.content_type or "application/octet-stream")
    try:
        counts = await _note(services, upload, begun)
    except BaseException:
        await asyncio.shield(_drop(services, upload.id, begun))
        raise
    if counts != begun:  # somebody else has begun it in the same moment
        await _drop(services, upload.id, begun)
    return counts


async def _note(services: Services, upload: Upload, begun: str) -> str:
    """Write down which multipart upload of S3 is that of this upload; returns the one that counts."""
    async with services.database.transaction() as connection:
        locked = await _open(connection, upload.id)
        if locked["multipart_id"] is not None:
            return str(locked["multipart_id"])
        if upload.bytes is None:  # it may become as large as any: a declared size was counted when it was announced
            limits = services.settings.limits
            await unsent_space.take(connection, limits, locked["account_id"], limits.upload_bytes, announced=True)
        await database.rows(connection, "set_multipart", id=upload.id, multipart_id=begun)
        await records.apply_status(connection, upload.id, upload.attempt, Status.UPLOADING, PUBLISHER)
    return begun


async def _open(connection: Connection, upload_id: UUID) -> DictRow:
    """The locked row of an upload whose content may still come."""
    locked = await database.row(connection, "lock_upload", id=upload_id)
    if locked is None:
        raise NoSuchUpload(f"this account has no upload {upload_id}: it was deleted")
    refuse_unless_open(locked)
    return locked


async def _drop(services: Services, upload_id: UUID, multipart_id: str) -> None:
    try:
        await services.parts.abort(*services.place(upload_id), multipart_id)
    except DependencyUnavailable as error:  # nothing is in it
        log.warning("an empty multipart upload stays in S3 until its lifecycle rule removes it", extra={"cause": str(error)})


async def lost(services: Services, upload_id: UUID, multipart_id: str) -> None:
    """Take note that S3 has no such multipart upload any more: the next part begins another one.

    Unless it was completed: then ContentAlreadyReceived, and the advice to complete the upload here too if that is yet to happen.
    """
    try:
        await services.storage.head(*services.place(upload_id))
    except ObjectMissing:
        await services.database.rows("forget_multipart", id=upload_id, multipart_id=multipart_id)
        return
    for row in await services.database.rows("upload", id=upload_id):
        refuse_unless_open(row)
    raise ContentAlreadyReceived(
        f"the parts have been put together already: `POST /v1/uploads/{upload_id}/complete` finishes the upload",
        upload_status=Status.UPLOADING,
    )
