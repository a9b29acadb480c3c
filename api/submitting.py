"""When an upload's content becomes its object and is sent on its way: once, by one request at a time, however long S3 takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg.rows import DictRow

from api.problems import Busy, NoSuchUpload
from api.services import PUBLISHER, Services
from api.uploads import ENDED_WITHOUT, OPEN, refuse_unless_open
from runtime import database, object_claims
from runtime import uploads as records
from runtime.database import Connection
from runtime.errors import ObjectInTheWay, ObjectMissing
from runtime.object_claims import Claim
from runtime.storage import InPlaceOf, ObjectInfo
from schemas.events import Source, UploadReceived
from schemas.resources import Upload

#: How long a request waits for another that is at the same upload: longer than the claim of a process that died holds.
WAIT_SECONDS = 25.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.5


@asynccontextmanager
async def claimed(services: Services, upload_id: UUID) -> AsyncIterator[Claim]:
    """Until the end of the body no other request puts this upload's object together or takes it away.

    No row is locked and no connection held meanwhile: the body may wait for S3. NoSuchUpload, ContentAlreadyReceived or UploadEnded where
    the content cannot come any more, and Busy where another request is at it for too long.
    """
    claim = await _claim(services, upload_id)
    async with object_claims.renewed(services.database, claim):
        yield claim


async def placed(services: Services, claim: Claim, put: Callable[[InPlaceOf], Awaitable[ObjectInfo]]) -> ObjectInfo:
    """The object that `put` makes of the content; never in the place of one that was submitted.

    S3 itself sees to that, since a claim may lapse while S3 is at it. What lies there of a request that died before its content was
    submitted is replaced, and nothing that came after that look.
    """
    try:
        return await put(InPlaceOf(None))
    except ObjectInTheWay:
        try:
            there = await services.storage.head(*services.place(claim.upload_id))
        except ObjectMissing as error:
            raise _taken_over() from error
    await still_claimed(services, claim)
    try:
        return await put(InPlaceOf(there.etag))
    except ObjectInTheWay as error:
        raise _taken_over() from error


async def still_claimed(services: Services, claim: Claim) -> None:
    """NoSuchUpload, ContentAlreadyReceived, UploadEnded or Busy where others have taken the upload over."""
    async with services.database.connection() as connection:
        row = await _open(connection, claim.upload_id)
    if row["claim"] != claim.token:
        raise _taken_over()


async def submit(services: Services, claim: Claim, upload: Upload, account_id: UUID, stored: ObjectInfo) -> None:
    """Send an upload whose content has become an object on its way; a problem, and no object that nobody asks for, where it has ended."""
    bucket, key = services.place(upload.id)
    async with services.database.transaction() as connection:
        row = await database.row(connection, "lock_upload", id=upload.id)
        if row is None:
            raise NoSuchUpload("the upload was deleted while its content came")  # and who deleted it looks for the object later
        if row["claim"] == claim.token and row["status"] in OPEN:
            event = UploadReceived(
                upload_id=upload.id,
                attempt=upload.attempt,
                account_id=account_id,
                source=Source(bucket=bucket, key=stored.key, etag=stored.etag, bytes=stored.bytes),
                options=upload.options,
            )
            await records.submit(connection, event, PUBLISHER)
            await object_claims.release(connection, claim)
            return
        unwanted = row["status"] in ENDED_WITHOUT and not await records.content_came(connection, upload.id)
    if unwanted:
        await services.storage.delete(bucket, key)
        await _release(services, claim)
    refuse_unless_open(row)
    raise _taken_over()


async def _claim(services: Services, upload_id: UUID) -> Claim:
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + WAIT_SECONDS, _FIRST_PAUSE_SECONDS
    while True:
        async with services.database.transaction() as connection:
            if claim := await object_claims.take(connection, upload_id):
                return claim
            await _open(connection, upload_id)
        if clock() > deadline:
            raise Busy("another request is putting this upload together: ask again", headers={"Retry-After": "5"})
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def _open(connection: Connection, upload_id: UUID) -> DictRow:
    row = await database.row(connection, "upload", id=upload_id)
    if row is None:
        raise NoSuchUpload("the upload was deleted while its content came")
    refuse_unless_open(row)
    return row


def _taken_over() -> Busy:
    return Busy("another request has taken this upload over: ask again", headers={"Retry-After": "5"})


async def _release(services: Services, claim: Claim) -> None:
    async with services.database.transaction() as connection:
        await object_claims.release(connection, claim)
