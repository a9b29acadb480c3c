"""The bytes of an upload: streamed from the request to S3 in flat memory, and complete by themselves."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import NamedTuple
from uuid import UUID

from litestar import get, put
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import Receive

from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.incoming import Digest, announced_digest, pieces
from api.problems import (
    Busy,
    ContentAlreadyReceived,
    ContentMissing,
    ContentStalled,
    ContentTooLarge,
    DigestMismatch,
    EmptyContent,
    FormData,
    IncompleteContent,
    InvalidRequest,
    NoSuchUpload,
    QuotaExhausted,
    SizeMismatch,
    TooManyContents,
    UploadEnded,
)
from api.services import PUBLISHER, Authenticated, Injected, Services
from api.submitting import claimed, placed, submit
from api.uploads import as_upload, owned, refuse_unless_open
from media import first_bytes
from runtime import metrics, telemetry
from runtime import uploads as records
from runtime.errors import DependencyUnavailable, ObjectMissing
from runtime.multipart import ObjectWriter
from schemas.resources import Upload
from schemas.status import Status

log = logging.getLogger(__name__)

_FORM_ADVICE = (
    "the body is an HTML form (multipart/form-data) with the file inside it, or only its name: send the bytes of the file itself, "
    "as `curl -T FILE` does"
)


@put(
    "/uploads/{upload_id:str}/content",
    guards=[requires(Scope.WRITE)],
    responses=problems(
        QuotaExhausted,
        NoSuchUpload,
        InvalidRequest,
        ContentAlreadyReceived,
        UploadEnded,
        ContentTooLarge,
        SizeMismatch,
        DigestMismatch,
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

    Content that is refused or cut short leaves the upload open: send it again. Once it has been received, 409. A declared `sha256` and a
    `Content-Digest` header are checked before the content counts.
    """
    row = await owned(services.database, request.user.account_id, upload_id)
    refuse_unless_open(row)
    upload = as_upload(row)
    header = request.headers.get("content-length")
    announced = int(header) if header is not None else None  # the server below has checked that it is a number
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise FormData(_FORM_ADVICE)
    limit = services.settings.limits.upload_bytes
    if announced is not None and announced > limit:
        raise ContentTooLarge(f"the content has {announced} bytes: at most {limit} are accepted; send a shorter or smaller video")
    digest = Digest(row["sha256"], announced_digest(request.headers.get("content-digest")))
    with services.contents.taken(request.user.account_id), telemetry.following(upload.id, "api.put_content"):
        async with services.database.transaction() as connection:
            await records.apply_status(connection, upload.id, upload.attempt, Status.UPLOADING, PUBLISHER)
        try:
            await _receive(services, request.user.account_id, upload, _Sent(request.receive, announced, digest), limit)
        except ObjectMissing as error:  # who ends or erases an upload drops what is on its way to S3
            refuse_unless_open(await owned(services.database, request.user.account_id, upload_id))
            raise IncompleteContent("S3 has dropped what had come of this content: send it again") from error
    if row["multipart_id"] is not None:
        await _forget_parts(services, upload.id, row["multipart_id"])
    return as_upload(await owned(services.database, request.user.account_id, upload_id))


@get(
    "/uploads/{upload_id:str}/content",
    guards=[requires(Scope.READ)],
    status_code=302,
    responses=problems(NoSuchUpload, ContentMissing),
)
async def get_content(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> Redirect:
    """The video itself, for a player: leads to an address at S3 that takes ranges and is good for six hours."""
    row = await owned(services.database, request.user.account_id, upload_id)
    async with services.database.connection() as connection:
        came = await records.content_came(connection, row["id"])
    if not came:
        raise ContentMissing(f"the upload is {row['status']}, and its content has not come", upload_status=Status(row["status"]))
    link = partial(services.links.get, row["bucket"], row["key"], row["content_type"], row["file_name"])
    return Redirect(await asyncio.to_thread(link), status_code=302, headers={"Cache-Control": "private, no-store"})


class _Sent(NamedTuple):
    """What the sender gives: the pieces of the body, and the length and the digest that were announced for it."""

    receive: Receive
    announced: int | None
    digest: Digest


async def _receive(services: Services, account_id: UUID, upload: Upload, sent: _Sent, limit: int) -> None:
    bucket, key = services.place(upload.id)
    writer = services.writers.writer(bucket, key, upload.content_type or "application/octet-stream", limit)
    try:
        await _copy(sent, writer, upload.bytes, limit)
        async with claimed(services, upload.id) as claim:  # of two senders one completes, and the object stays as it is
            await submit(services, claim, upload, account_id, await placed(services, claim, writer.complete))
    except BaseException:
        await asyncio.shield(_abort(writer, upload.id))
        raise


async def _copy(sent: _Sent, writer: ObjectWriter, declared: int | None, limit: int) -> None:
    head = bytearray()

    def inspect() -> None:
        if first_bytes.is_form_data(bytes(head)):
            raise FormData(_FORM_ADVICE)
        if declared is not None and sent.announced is not None and sent.announced != declared:
            raise _mismatch(declared, sent.announced)

    inspected = False
    async for chunk in pieces(sent.receive):
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
        sent.digest.update(chunk)
        await writer.write(chunk)
    if not inspected:
        inspect()
    if writer.written == 0:
        raise EmptyContent("the request has no body: send the video's bytes")
    if declared is not None and writer.written != declared:
        raise _mismatch(declared, writer.written)
    sent.digest.check()


async def _forget_parts(services: Services, upload_id: UUID, multipart_id: str) -> None:
    """The content came whole in the end: the parts that came before are not needed."""
    try:
        await services.parts.abort(*services.place(upload_id), multipart_id)
    except DependencyUnavailable as error:  # the content is there, and that is what was asked for
        log.warning("parts that are not needed stay in S3 until its lifecycle rule removes them", extra={"cause": str(error)})


async def _abort(writer: ObjectWriter, upload_id: UUID) -> None:
    try:
        await writer.abort()
    except DependencyUnavailable as error:  # the reason for the abort matters more to the sender
        log.warning("parts of an unfinished upload stay in S3 until its lifecycle rule removes them", extra={"cause": str(error)})


def _mismatch(declared: int, received: int, *, more: bool = False) -> SizeMismatch:
    amount = f"more than {declared}" if more else str(received)
    return SizeMismatch(f"{declared} bytes were declared, and the content has {amount}: send the whole file, or declare its real size")
