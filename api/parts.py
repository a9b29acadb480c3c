"""The content of an upload in parts: through the API or straight to S3, in any order, over several connections, resumed at will."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, Parameter
from litestar.types import Receive
from psycopg.rows import DictRow

from api import bodies
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.incoming import Digest, announced_digest, pieces
from api.multiparts import Unsent, lost, multipart
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
from api.services import Authenticated, Injected, Services
from api.uploads import as_upload, owned, refuse_unless_open
from runtime import metrics, telemetry
from runtime.links import PART_SECONDS
from runtime.parts import MultipartGone, Part
from schemas.resources import MOST_PARTS, AskPartUrls, PartList, PartUrl, PartUrls, StoredPart

Number = Annotated[int, Parameter(ge=1, le=MOST_PARTS, description="Which part, from 1.")]


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
