"""Cancelling: giving up an upload that has not come to an end, whether its content has come or not."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from uuid import UUID

from litestar import post
from litestar.params import FromPath

from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import AlreadyEnded, NoSuchUpload
from api.services import PUBLISHER, Authenticated, Injected, Services
from api.uploads import as_upload, owned
from runtime import telemetry
from runtime import uploads as records
from runtime.errors import DependencyUnavailable
from runtime.uploads import Cancelled
from schemas.jobs import job_key
from schemas.resources import Upload
from schemas.status import Status

log = logging.getLogger(__name__)


@post(
    "/uploads/{upload_id:str}/cancel",
    status_code=200,
    guards=[requires(Scope.WRITE)],
    responses=problems(NoSuchUpload, AlreadyEnded),
)
async def cancel_upload(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> Upload:
    """Give up an upload that has not come to an end. The same request again answers the same.

    Parts that have come are dropped, queued work is withdrawn, the answer of an analysis that is running is thrown away, and what the
    upload holds of the plan is given back. A video that has come whole stays, so the upload can be tried again or deleted.
    """
    row = await owned(services.database, request.user.account_id, upload_id)
    with telemetry.following(row["id"], "api.cancel_upload"):
        async with services.database.transaction() as connection:
            cancelled = await records.cancel(connection, row["id"], PUBLISHER)
    row = await owned(services.database, request.user.account_id, upload_id)
    if cancelled is not None and cancelled.status is not Status.CANCELLED:
        ended = f"the upload is {cancelled.status}: only what has not come to an end can be cancelled; delete it to be rid of it"
        raise AlreadyEnded(ended, upload_status=cancelled.status)
    if cancelled is not None:
        await _withdraw(services, row["id"], cancelled)
    return as_upload(row)


async def _withdraw(services: Services, upload_id: UUID, cancelled: Cancelled) -> None:
    """Take away what S3 has of the work. The upload is cancelled already, which is what was asked: nothing here can undo that."""
    bucket, key = services.place(upload_id)
    if cancelled.multipart_id is not None:
        await _if_s3_is_there(services.parts.abort(bucket, key, cancelled.multipart_id))
    await _if_s3_is_there(services.storage.delete(bucket, job_key(upload_id, cancelled.attempt)))
    async with services.database.connection() as connection:
        came = await records.content_came(connection, upload_id)
    if not came:  # what was put together and never received, as where the plan had nothing left: nobody would look for it again
        await _if_s3_is_there(services.storage.delete(bucket, key))


async def _if_s3_is_there(removal: Awaitable[None]) -> None:
    try:
        await removal
    except DependencyUnavailable as error:
        log.warning(
            "what is left of a cancelled upload stays in S3 until it is cancelled again, deleted, or a lifecycle rule removes it",
            extra={"cause": str(error)},
        )
