"""The end of an upload in parts: they become one object, and that is submitted, once, whoever asks and however often."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath

from api import bodies
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.idempotency import IdempotencyKey, once
from api.multiparts import Unsent
from api.parts import as_unsent, listed, part_bytes
from api.problems import (
    BodyTooLarge,
    Busy,
    ContentAlreadyReceived,
    ContentTooLarge,
    DigestMismatch,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    NoSuchUpload,
    PartsDiffer,
    PartsMissing,
    QuotaExhausted,
    RequestInProgress,
    SizeMismatch,
    UnsupportedMediaType,
    UploadEnded,
)
from api.services import Authenticated, Injected, Services
from api.submitting import claimed, placed, still_claimed, submit
from api.uploads import ENDED_WITHOUT, OPEN, as_upload, owned, refuse_unless_open
from runtime import telemetry
from runtime.errors import ObjectMissing, ObjectReplaced
from runtime.object_claims import Claim
from runtime.parts import MultipartGone, Part, PartsRefused
from runtime.storage import ObjectInfo
from schemas.resources import CompleteUpload, SentPart, Upload

#: A list of as many parts as there can be.
MOST_BODY_BYTES = 2 * 1024**2


@post(
    "/uploads/{upload_id:str}/complete",
    status_code=200,
    guards=[requires(Scope.WRITE)],
    operation_class=bodies.operation(CompleteUpload, required=False),
    request_max_body_size=MOST_BODY_BYTES,
    responses=problems(
        QuotaExhausted,
        InvalidRequest,
        MalformedRequest,
        UnsupportedMediaType,
        BodyTooLarge,
        NoSuchUpload,
        PartsMissing,
        PartsDiffer,
        SizeMismatch,
        ContentTooLarge,
        DigestMismatch,
        UploadEnded,
        Busy,
        RequestInProgress,
        IdempotencyKeyReused,
    ),
)
async def complete_upload(
    request: Authenticated, services: Injected, upload_id: FromPath[str], idempotency_key: IdempotencyKey = None
) -> Response[Upload]:
    """Make the parts that have come the content; the analysis then begins by itself. The same request again answers the same.

    With a declared `sha256` the object is read once to check it, which takes its time.
    """
    async with once(request, services.database, idempotency_key) as run:
        if run.answer:
            return run.answer
        named = (await bodies.read(request, CompleteUpload, default=CompleteUpload())).parts
        account_id = request.user.account_id
        row = await owned(services.database, account_id, upload_id)
        if row["status"] in OPEN:
            with telemetry.following(row["id"], "api.complete_upload"):
                await _complete(services, account_id, as_unsent(row), named)
            row = await owned(services.database, account_id, upload_id)
        if row["status"] in ENDED_WITHOUT:
            refuse_unless_open(row)
        async with services.database.transaction() as connection:  # the work is done, and doing it again does nothing
            return await run.keep(connection, as_upload(row), 200)


def choose(unsent: Unsent, found: Sequence[Part], named: Sequence[SentPart] | None) -> list[Part]:
    """The versions of the parts that count: those that are named, or else the newest of each number.

    Real S3 keeps one version of a part, other servers all of them until the end.
    """
    versions: defaultdict[int, list[Part]] = defaultdict(list)
    for part in found:
        versions[part.number].append(part)
    if named is None:
        count = _count(unsent, versions)
        return [_newest(versions[number], _expected(unsent, number, count)) for number in sorted(versions)]
    tags = {part.number: part.etag.strip('"') for part in named}
    if len(tags) != len(named):
        raise InvalidRequest("parts names a number twice: name each part once")
    chosen = {number: part for number, tag in tags.items() for part in versions[number] if part.etag == tag}
    if other := tags.keys() - chosen.keys():
        raise PartsDiffer(f"S3 has no part with this number and this ETag: {listed(other)}. `GET .../parts` tells what has come")
    return [chosen[number] for number in sorted(chosen)]


def check(unsent: Unsent, parts: Sequence[Part], limit: int) -> None:
    """Raises the problem that keeps these parts from being the declared file, if there is one."""
    numbers = {part.number for part in parts}
    count = _count(unsent, numbers)
    if missing := set(range(1, count + 1)) - numbers:
        raise PartsMissing(f"not all parts have come, these are missing: {listed(missing)}. Send them, then complete again")
    for part in parts:
        expected = _expected(unsent, part.number, count) or min(unsent.part_size, part.bytes)
        if part.bytes != expected:
            raise SizeMismatch(f"part {part.number} has {part.bytes} bytes, expected were {expected}: send it again")
    if (total := sum(part.bytes for part in parts)) > limit:
        raise ContentTooLarge(f"the parts have {total} bytes: at most {limit} are accepted; send a shorter or smaller video")


def _count(unsent: Unsent, numbers: Iterable[int]) -> int:
    """How many parts the file has: by its declared size, or else as many as the last one says."""
    declared = unsent.upload.bytes
    return max(numbers, default=1) if declared is None else max(1, -(-declared // unsent.part_size))


def _expected(unsent: Unsent, number: int, count: int) -> int | None:
    """How many bytes a part must have; None where any size will do, since it is the last one of a file of undeclared size."""
    return part_bytes(unsent, number) or (unsent.part_size if number < count else None)


def _newest(versions: Sequence[Part], expected: int | None) -> Part:
    latest = max(part.stored_at for part in versions)
    newest = [part for part in versions if part.stored_at == latest]
    fitting = [part for part in newest if part.bytes == expected] or newest  # S3 tells the time to the second, and sizes may tell more
    if len({part.etag for part in fitting}) > 1:
        number = newest[0].number
        raise PartsDiffer(f"part {number} came twice within a second, not alike: send it again, or name the ETags that count in `parts`")
    return fitting[0]


async def _complete(services: Services, account_id: UUID, unsent: Unsent, named: Sequence[SentPart] | None) -> None:
    """Nothing is left to do where another request was quicker."""
    upload, multipart_id = unsent.upload, unsent.multipart_id
    bucket, key = services.place(upload.id)
    if multipart_id is None:
        raise PartsMissing("no part has come: `PUT .../parts/1` sends the first")
    try:
        parts = choose(unsent, await services.parts.stored(bucket, key, multipart_id), named)
        check(unsent, parts, services.settings.limits.upload_bytes)
    except MultipartGone:
        parts = None  # they were put together, and whoever did so has not told PostgreSQL: or they were dropped
    try:
        async with claimed(services, upload.id) as claim:
            stored = await _put_together(services, claim, multipart_id, parts)
            if upload.bytes is not None and stored.bytes != upload.bytes:
                raise SizeMismatch(f"{upload.bytes} bytes were declared, and the object has {stored.bytes}: announce another upload")
            if unsent.sha256 is not None:
                await _verify(services, claim, multipart_id, stored, unsent.sha256)
            await submit(services, claim, upload, account_id, stored)
    except ObjectMissing as error:
        await services.database.rows("forget_multipart", id=upload.id, multipart_id=multipart_id)
        raise PartsMissing("S3 has dropped the parts of this upload: send them all again") from error
    except ContentAlreadyReceived:
        return


async def _put_together(services: Services, claim: Claim, multipart_id: str, parts: Sequence[Part] | None) -> ObjectInfo:
    bucket, key = services.place(claim.upload_id)
    try:
        if parts is not None:
            return await placed(services, claim, partial(services.parts.complete, bucket, key, multipart_id, parts))
    except PartsRefused as error:
        raise PartsDiffer("a part was sent again in the meantime: complete again") from error
    except MultipartGone:
        pass  # somebody else was quicker and has not committed: what they made is what was asked for
    return await services.storage.head(bucket, key)


async def _verify(services: Services, claim: Claim, multipart_id: str, stored: ObjectInfo, digest: bytes) -> None:
    """Read the object and compare; one that differs is deleted, so that its parts can be sent again."""
    bucket, key = services.place(claim.upload_id)
    async with services.verifying:
        try:
            found = await asyncio.to_thread(_sha256, services, bucket, stored)
        except (ObjectMissing, ObjectReplaced) as error:
            raise PartsMissing("the content was dropped while it was checked: send its parts again") from error
    if found == digest:
        return
    await still_claimed(services, claim)
    await services.storage.delete(bucket, key)
    await services.database.rows("forget_multipart", id=claim.upload_id, multipart_id=multipart_id)
    raise DigestMismatch(f"the file has the SHA-256 {found.hex()}, declared was {digest.hex()}: its parts are dropped, send them again")


def _sha256(services: Services, bucket: str, stored: ObjectInfo) -> bytes:
    step, hashed = 8 * 1024**2, hashlib.sha256()
    for offset in range(0, stored.bytes, step):
        hashed.update(services.storage.read_range(bucket, stored.key, stored.etag, offset, step))
    return hashed.digest()
