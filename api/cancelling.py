"""Giving an upload up before its content is complete."""

from __future__ import annotations

import logging

from litestar import post
from litestar.params import FromPath

from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import ContentAlreadyReceived, NoSuchUpload, UploadEnded
from api.services import PUBLISHER, Authenticated, Injected, Services
from api.uploads import as_upload, owned, refuse_unless_open
from runtime import telemetry
from runtime import uploads as records
from runtime.errors import DependencyUnavailable
from schemas.resources import Upload
from schemas.status import Status

log = logging.getLogger(__name__)


@post(
    "/uploads/{upload_id:str}/cancel",
    status_code=200,
    guards=[requires(Scope.WRITE)],
    responses=problems(NoSuchUpload, ContentAlreadyReceived, UploadEnded),
)
async def cancel_upload(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> Upload:
    """Give up an upload whose content has not come yet; the parts that have come are dropped. The same request again answers the same."""
    row = await owned(services.database, request.user.account_id, upload_id)
    if row["status"] != Status.CANCELLED:
        refuse_unless_open(row)
        with telemetry.following(row["id"], "api.cancel_upload"):
            async with services.waiting, services.database.transaction() as connection:
                await records.apply_status(connection, row["id"], row["attempt"], Status.CANCELLED, PUBLISHER)
        row = await owned(services.database, request.user.account_id, upload_id)
        if row["status"] != Status.CANCELLED:
            refuse_unless_open(row)  # its content was completed in the same moment
        if row["multipart_id"] is not None:
            await _drop_parts(services, as_upload(row), row["multipart_id"])
    return as_upload(row)


async def _drop_parts(services: Services, upload: Upload, multipart_id: str) -> None:
    try:
        await services.parts.abort(*services.place(upload.id), multipart_id)
    except DependencyUnavailable as error:  # the upload is cancelled, and that is what was asked
        log.warning("parts of a cancelled upload stay in S3 until its lifecycle rule removes them", extra={"cause": str(error)})
