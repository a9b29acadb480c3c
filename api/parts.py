"""The content of an upload in parts: through the API or straight to S3, in any order, over several connections, resumed at will."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, Parameter
from litestar.types import Receive
from psycopg.rows import DictRow

from api import bodies, unsent_space
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.incoming import Digest, announced_digest, pieces
from api.problems import (
    BodyTooLarge,
    Busy,
    ContentAlreadyReceived,
    ContentStalled,
    DigestMismatch,
    EmptyContent,
    IncompleteContent,
    InvalidPart,
    InvalidRequest,
    NoSuchUpload,
    SizeMismatch,
    SizeUnknown,
    TooManyContents,
    TooMuchUnsent,
    UnsupportedMediaType,
    UploadEnded,
)
from api.services import PUBLISHER, Authenticated, Injected, Services
from api.uploads import as_upload, owned, refuse_unless_open
from runtime import database, metrics, telemetry
from runtime import uploads as records
from runtime.errors import ObjectMissing
from runtime.links import PART_SECONDS
from runtime.parts import MultipartGone, Part
from schemas.resources import MOST_PARTS, AskPartUrls, PartList, PartUrl, PartUrls, StoredPart, Upload
from schemas.status import Status


class Unsent(NamedTuple):
    """An upload whose content may still come, with S3's id of the multipart upload that has begun and the declared digest, if any."""

    upload: Upload
    part_size: int
    multipart_id: str | None
    sha256: bytes | None


Number = Annotated[int, Parameter(ge=1, le=MOST_PARTS, description="Which part, from 1.")]
#: How old an upload's last sign of life may be before a part renews it: one write an hour instead of one a part.
_RENEW_AFTER = timedelta(hours=1)


@put(
    "/uploads/{upload_id:str}/parts/{number:int}",
    guards=[requires(Scope.WRITE)],
    responses=problems(
        InvalidRequest,
        NoSuchUpload,
        ContentAlreadyReceived,
        UploadEnded,
        InvalidPart,
        EmptyContent,
        SizeMismatch,
        DigestMismatch,
        IncompleteContent,
        ContentStalled,
        TooManyContents,
        TooMuchUnsent,
        Busy,
    ),
)
async def put_part(request: Authenticated, services: Injected, upload_id: FromPath[str], number: Number) -> StoredPart:
    """Send one part as the raw body of the request; the same number again replaces it.

    Every part but the last has exactly `part_size` bytes. A `Content-Digest: sha-256=:...:` header is checked before anything is stored.
    """
    account_id = request.user.account_id
    found = await unsent(services, account_id, upload_id)
    size = part_bytes(found, number)
    digest = Digest(announced_digest(request.headers.get("content-digest")))
    with services.contents.taken(account_id, found.part_size), telemetry.following(found.upload.id, "api.put_part"):
        body = await _whole(request.receive, found, number, size, digest)
        etag = await _store(services, account_id, found, number, body)
    return StoredPart(number=number, bytes=len(body), etag=etag)


@get(
    "/uploads/{upload_id:str}/parts",
    guards=[requires(Scope.READ)],
    responses=problems(NoSuchUpload, ContentAlreadyReceived, UploadEnded),
)
async def get_parts(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> PartList:
    """The parts that have come: send the others to go on with an interrupted upload."""
    upload = await unsent(services, request.user.account_id, upload_id)
    found = {part.number: part for part in sorted(await stored_parts(services, upload), key=lambda part: part.stored_at)}
    return PartList(
        part_size=upload.part_size,
        parts=[StoredPart(number=number, bytes=part.bytes, etag=part.etag) for number, part in sorted(found.items())],
    )


@post(
    "/uploads/{upload_id:str}/part-urls",
    status_code=200,
    guards=[requires(Scope.WRITE)],
    operation_class=bodies.operation(AskPartUrls),
    responses=problems(
        InvalidRequest,
        UnsupportedMediaType,
        BodyTooLarge,
        NoSuchUpload,
        ContentAlreadyReceived,
        UploadEnded,
        InvalidPart,
        SizeUnknown,
        TooMuchUnsent,
    ),
)
async def part_urls(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> PartUrls:
    """Addresses at S3 where parts may be PUT without a key, each for 15 minutes; then complete the upload here.

    The upload must have been announced with its size in `bytes`: each address takes exactly its part.
    """
    found = await unsent(services, request.user.account_id, upload_id)
    numbers = (await bodies.read(request, AskPartUrls)).numbers
    if found.upload.bytes is None:
        raise SizeUnknown("the upload was announced without `bytes`, so nothing would limit what is sent to S3: announce it with its size")
    sizes = {number: part_bytes(found, number) for number in numbers}
    multipart_id = await multipart(services, found)
    expires_at = datetime.now(UTC) + timedelta(seconds=PART_SECONDS)
    bucket, key = services.place(found.upload.id)

    def sign() -> list[PartUrl]:
        return [
            PartUrl(number=number, url=services.links.put_part(bucket, key, multipart_id, number, size), expires_at=expires_at)
            for number, size in sizes.items()
        ]

    return PartUrls(urls=await asyncio.to_thread(sign))


async def unsent(services: Services, account_id: UUID, upload_id: str) -> Unsent:
    """An upload of this account that is open; ContentAlreadyReceived or UploadEnded if it is not."""
    row = await owned(services.database, account_id, upload_id)
    refuse_unless_open(row)
    return as_unsent(row)


def as_unsent(row: DictRow) -> Unsent:
    """A row of the table as what is about to be sent."""
    return Unsent(as_upload(row), row["part_size"], row["multipart_id"], row["sha256"])


def part_bytes(unsent: Unsent, number: int) -> int | None:
    """How many bytes a part has; None where the size of the file was not declared. InvalidPart if the file has no such part."""
    declared, size = unsent.upload.bytes, unsent.part_size
    if declared is None:
        return None
    count = -(-declared // size)
    if number > count:
        raise InvalidPart(f"the part's number is {number}: {declared} bytes in parts of {size} have {count} parts")
    return size if number < count else declared - (count - 1) * size


async def stored_parts(services: Services, unsent: Unsent) -> list[Part]:
    """The parts of an open upload that S3 has, as S3 lists them."""
    if unsent.multipart_id is None:
        return []
    try:
        return await services.parts.stored(*services.place(unsent.upload.id), unsent.multipart_id)
    except MultipartGone:
        await lost(services, unsent.upload.id, unsent.multipart_id)
        return []


async def multipart(services: Services, unsent: Unsent) -> str:
    """S3's id of the multipart upload of an open upload, begun by whoever asks first."""
    upload = unsent.upload
    if unsent.multipart_id is not None and datetime.now(UTC) - upload.updated_at < _RENEW_AFTER:
        return unsent.multipart_id
    async with services.waiting, services.database.transaction() as connection:
        locked = await database.row(connection, "lock_upload", id=upload.id)
        if locked is None:
            raise NoSuchUpload(f"this account has no upload {upload.id}: it was deleted")
        refuse_unless_open(locked)
        await database.rows(connection, "touch_unsent_upload", id=upload.id)
        if locked["multipart_id"] is not None:
            return str(locked["multipart_id"])
        if upload.bytes is None:  # it may become as large as any: a declared size was counted when it was announced
            limits = services.settings.limits
            await unsent_space.take(connection, limits, locked["account_id"], limits.upload_bytes, announced=True)
        begun = await services.parts.begin(*services.place(upload.id), upload.content_type or "application/octet-stream")
        await database.rows(connection, "set_multipart", id=upload.id, multipart_id=begun)
        await records.apply_status(connection, upload.id, upload.attempt, Status.UPLOADING, PUBLISHER)
        return begun


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


async def _whole(receive: Receive, unsent: Unsent, number: int, size: int | None, digest: Digest) -> bytearray:
    body, most = bytearray(), unsent.part_size if size is None else size
    async for piece in pieces(receive):
        if len(body) + len(piece) > most:
            raise _other_size(number, size, most, f"more than {most}")
        metrics.UPLOAD_BYTES.inc(len(piece))
        body += piece
    if not body:
        raise EmptyContent("the request has no body: send the part's bytes")
    if size is not None and len(body) != size:
        raise _other_size(number, size, most, str(len(body)))
    await asyncio.to_thread(digest.update, body)
    digest.check()
    return body


async def _store(services: Services, account_id: UUID, found: Unsent, number: int, body: bytearray) -> str:
    upload_id = found.upload.id
    for _ in range(2):  # a multipart upload that S3 has dropped is begun anew, once
        multipart_id = await multipart(services, found)
        try:
            return await services.parts.put(*services.place(upload_id), multipart_id, number, body)
        except MultipartGone:
            await lost(services, upload_id, multipart_id)
            found = await unsent(services, account_id, str(upload_id))
    raise Busy("the parts of this upload are being dropped at S3 at the moment: send it again", headers={"Retry-After": "5"})


def _other_size(number: int, size: int | None, most: int, found: str) -> SizeMismatch:
    expected = f"at most {most}" if size is None else str(size)
    return SizeMismatch(f"part {number} has {expected} bytes, and {found} came: cut the file into parts of `part_size`")


def listed(numbers: Iterable[int], most: int = 10) -> str:
    """Some numbers as a person reads them, and how many more there are."""
    first = sorted(numbers)
    words = ", ".join(map(str, first[:most]))
    return words if len(first) <= most else f"{words} and {len(first) - most} more"
