"""The bytes of an upload: streamed from the request to S3 in flat memory, and complete by themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from litestar import put
from litestar.params import FromPath
from litestar.types import Receive

from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import (
    Busy,
    ContentAlreadyReceived,
    ContentStalled,
    ContentTooLarge,
    EmptyContent,
    FormData,
    IncompleteContent,
    NoSuchUpload,
    SizeMismatch,
    TooManyContents,
)
from api.services import PUBLISHER, Authenticated, Injected, Services
from api.uploads import as_upload, owned
from media import first_bytes
from runtime import database, metrics, telemetry
from runtime import uploads as records
from runtime.errors import DependencyUnavailable
from runtime.multipart import ObjectWriter
from schemas.events import Source, UploadReceived
from schemas.jobs import source_key
from schemas.resources import Upload
from schemas.status import Status

log = logging.getLogger(__name__)

#: A sender that is silent for so long has gone, whatever its connection says.
STALLED_SECONDS = 60.0
_OPEN = (Status.CREATED, Status.UPLOADING)
_FORM_ADVICE = (
    "the body is an HTML form (multipart/form-data) with the file inside it, or only its name: send the bytes of the file itself, "
    "as `curl -T FILE` does"
)


@put(
    "/uploads/{upload_id:str}/content",
    guards=[requires(Scope.WRITE)],
    responses=problems(
        NoSuchUpload,
        ContentAlreadyReceived,
        ContentTooLarge,
        SizeMismatch,
        EmptyContent,
        FormData,
        IncompleteContent,
        ContentStalled,
        TooManyContents,
        Busy,
    ),
)
async def put_content(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> Upload:
    """Send the video's bytes as the raw body of the request, with or without a Content-Length; the analysis then begins by itself.

    Content that is refused or cut short leaves the upload open: send it again. Once it has been received, 409.
    """
    upload = as_upload(await owned(services.database, request.user.account_id, upload_id))
    _refuse_unless_open(upload.status)
    header = request.headers.get("content-length")
    announced = int(header) if header is not None else None  # the server below has checked that it is a number
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise FormData(_FORM_ADVICE)
    limit = services.settings.limits.upload_bytes
    if announced is not None and announced > limit:
        raise ContentTooLarge(f"the content has {announced} bytes: at most {limit} are accepted; send a shorter or smaller video")
    with services.contents.taken(request.user.account_id), telemetry.following(upload.id, "api.put_content"):
        async with services.waiting, services.database.transaction() as connection:
            await records.apply_status(connection, upload.id, upload.attempt, Status.UPLOADING, PUBLISHER)
        await _receive(services, request.user.account_id, upload, request.receive, announced, limit)
    return as_upload(await owned(services.database, request.user.account_id, upload_id))


async def _receive(services: Services, account_id: UUID, upload: Upload, receive: Receive, announced: int | None, limit: int) -> None:
    bucket, key = services.settings.storage.bucket, source_key(upload.id)
    writer = services.writers.writer(bucket, key, upload.content_type or "application/octet-stream", limit)
    try:
        await _copy(receive, writer, upload.bytes, announced, limit)
        async with services.waiting, services.database.transaction() as connection:
            # The row stays locked while the object becomes visible: of two senders one completes, and the object stays as it is.
            row = await database.row(connection, "lock_upload", id=upload.id)
            if row is not None:
                _refuse_unless_open(Status(row["status"]))
            stored = await writer.complete()
            event = UploadReceived(
                upload_id=upload.id,
                attempt=upload.attempt,
                account_id=account_id,
                source=Source(bucket=bucket, key=key, etag=stored.etag, bytes=stored.bytes),
                options=upload.options,
            )
            await records.submit(connection, event, PUBLISHER)
    except BaseException:
        await asyncio.shield(_abort(writer, upload.id))
        raise


async def _copy(receive: Receive, writer: ObjectWriter, declared: int | None, announced: int | None, limit: int) -> None:
    head = bytearray()

    def inspect() -> None:
        if first_bytes.is_form_data(bytes(head)):
            raise FormData(_FORM_ADVICE)
        if declared is not None and announced is not None and announced != declared:
            raise _mismatch(declared, announced)

    inspected = False
    async for chunk in _body(receive):
        if not inspected:
            head += chunk[: first_bytes.LENGTH - len(head)]
            if len(head) == first_bytes.LENGTH:
                inspect()
                inspected = True
        total = writer.written + len(chunk)
        if declared is not None and total > declared and inspected:
            raise _mismatch(declared, total, more=True)
        if total > limit:
            raise ContentTooLarge(f"more than {limit} bytes have come, and no more are accepted: send a shorter or smaller video")
        metrics.UPLOAD_BYTES.inc(len(chunk))
        await writer.write(chunk)
    if not inspected:
        inspect()
    if writer.written == 0:
        raise EmptyContent("the request has no body: send the video's bytes")
    if declared is not None and writer.written != declared:
        raise _mismatch(declared, writer.written)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                message = await receive()
        except TimeoutError as error:
            raise ContentStalled(f"nothing came for {STALLED_SECONDS:.0f} s: send the content again") from error
        if message["type"] != "http.request":
            raise IncompleteContent("the connection was closed before the end of the content: send it again")
        if message["body"]:
            yield message["body"]
        if not message["more_body"]:
            return


async def _abort(writer: ObjectWriter, upload_id: UUID) -> None:
    try:
        await writer.abort()
    except DependencyUnavailable as error:  # the reason for the abort matters more to the sender
        log.warning("parts of an unfinished upload stay in S3 until its lifecycle rule removes them", extra={"cause": str(error)})


def _refuse_unless_open(status: Status) -> None:
    if status not in _OPEN:
        raise ContentAlreadyReceived(
            f"the upload is {status}: its content cannot be replaced; announce another upload for other content", upload_status=status
        )


def _mismatch(declared: int, received: int, *, more: bool = False) -> SizeMismatch:
    amount = f"more than {declared}" if more else str(received)
    return SizeMismatch(f"{declared} bytes were declared, and the content has {amount}: send the whole file, or declare its real size")
