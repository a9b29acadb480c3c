"""Uploads: announce one, look at one, try one again."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from psycopg.rows import DictRow

from api import bodies, unsent_space
from api.accounts import CLOSED, Scope
from api.documentation import problems
from api.guards import requires
from api.idempotency import IdempotencyKey, Once, once
from api.problems import (
    AccountClosed,
    BodyTooLarge,
    ContentAlreadyReceived,
    ContentMissing,
    ContentTooLarge,
    IdempotencyKeyReused,
    InvalidRequest,
    NoAttemptsLeft,
    NoSuchUpload,
    QuotaExhausted,
    RequestInProgress,
    SizeMismatch,
    SourceMissing,
    SourceNotAllowed,
    TooMuchUnsent,
    UnsupportedMediaType,
    UploadEnded,
    UploadNotEnded,
    field_at,
)
from api.services import PUBLISHER, Authenticated, Injected, Services
from api.sources import locate_own
from runtime import database, quotas, telemetry
from runtime import uploads as records
from runtime.database import Connection, Database
from runtime.errors import ObjectMissing
from runtime.identifiers import canonical, uuid7
from runtime.parts import part_size
from schemas.events import Source, UploadReceived
from schemas.jobs import AnalysisOptions, source_key
from schemas.resources import CreateUpload, Upload
from schemas.status import Status

#: While its content has not come.
OPEN = (Status.CREATED, Status.UPLOADING)
#: The ends that an upload can come to before its content has come.
ENDED_WITHOUT = (Status.EXPIRED, Status.CANCELLED)


@post(
    "/uploads",
    guards=[requires(Scope.WRITE)],
    operation_class=bodies.operation(CreateUpload),
    responses=problems(
        QuotaExhausted,
        InvalidRequest,
        UnsupportedMediaType,
        BodyTooLarge,
        ContentTooLarge,
        SizeMismatch,
        SourceMissing,
        SourceNotAllowed,
        TooMuchUnsent,
        RequestInProgress,
        IdempotencyKeyReused,
    ),
)
async def create_upload(request: Authenticated, services: Injected, idempotency_key: IdempotencyKey = None) -> Response[Upload]:
    """Announce a video: the answer's id names it from now on. Send its bytes next, in parts to its `parts_url` or whole to
    `/v1/uploads/{id}/content`, unless it has a source."""
    async with once(request, services.database, idempotency_key) as run:
        return run.answer or await _create(request, services, run)


async def _create(request: Authenticated, services: Services, run: Once) -> Response[Upload]:
    data = await bodies.read(request, CreateUpload)
    limit = services.settings.limits.upload_bytes
    if data.bytes is not None and data.bytes > limit:
        raise ContentTooLarge(f"bytes is {data.bytes}: at most {limit} are accepted; send a shorter or smaller video")
    if data.source is not None and data.sha256 is not None:
        wrong = field_at("sha256", data.sha256, "no digest beside a source, which is not read here")
        raise InvalidRequest("sha256 is given beside a source: leave it out, since the object is not read here", errors=[wrong])
    await quotas.check(services.database, request.user.account_id)
    upload_id = uuid7()
    source = Source(bucket=services.settings.storage.bucket, key=source_key(upload_id), bytes=data.bytes)
    if data.source is not None:
        source = await _find(services, request.user.account_id, data.source, data.bytes)
    new = records.NewUpload(
        id=upload_id,
        account_id=request.user.account_id,
        source=source,
        options=AnalysisOptions(captions=data.options.captions),
        file_name=data.filename,
        content_type=data.content_type,
        part_size=part_size(data.bytes, limit) if data.source is None else None,
        sha256=None if data.sha256 is None else bytes.fromhex(data.sha256),
    )
    with telemetry.following(upload_id, "api.create_upload"):
        async with services.database.transaction() as connection:
            if data.source is None:
                await unsent_space.take(connection, services.settings.limits, new.account_id, data.bytes or 0)
            if not await records.insert(connection, new, Status.CREATED, PUBLISHER):
                raise AccountClosed(CLOSED)  # the id is new: nothing else can be in the way
            if data.source is not None:
                event = UploadReceived(upload_id=upload_id, attempt=1, account_id=new.account_id, source=source, options=new.options)
                await records.submit(connection, event, PUBLISHER)
            return await run.keep(connection, await _now(connection, upload_id), 201, f"/v1/uploads/{upload_id}")


@get("/uploads/{upload_id:str}", guards=[requires(Scope.READ)], responses=problems(NoSuchUpload))
async def get_upload(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> Upload:
    """One upload as it stands."""
    upload = as_upload(await owned(services.database, request.user.account_id, upload_id))
    return (await services.forecasts.with_progress([upload]))[0]


@post(
    "/uploads/{upload_id:str}/retry",
    status_code=202,
    guards=[requires(Scope.WRITE)],
    responses=problems(
        NoSuchUpload,
        UploadNotEnded,
        NoAttemptsLeft,
        QuotaExhausted,
        ContentMissing,
        RequestInProgress,
        IdempotencyKeyReused,
        InvalidRequest,
    ),
)
async def retry_upload(
    request: Authenticated, services: Injected, upload_id: FromPath[str], idempotency_key: IdempotencyKey = None
) -> Response[Upload]:
    """Start the next attempt of an upload that has come to an end, on its object as it is now."""
    async with once(request, services.database, idempotency_key) as run:
        return run.answer or await _retry(services, run, as_upload(await owned(services.database, request.user.account_id, upload_id)))


async def _retry(services: Services, run: Once, upload: Upload) -> Response[Upload]:
    try:
        with telemetry.following(upload.id, "api.retry_upload"):
            async with services.database.transaction() as connection:
                if await records.retry(connection, upload.id, PUBLISHER):
                    return await run.keep(connection, await _now(connection, upload.id), 202)
    except records.NoAttemptsLeft as error:
        raise NoAttemptsLeft(str(error), upload_status=upload.status) from error
    except records.NoContent as error:
        raise ContentMissing(str(error), upload_status=upload.status, failure=upload.failure) from error
    raise UploadNotEnded(
        f"the upload is {upload.status}, attempt {upload.attempt}: it can be tried again once that has ended",
        upload_status=upload.status,
    )


async def owned(db: Database, account_id: UUID, upload_id: str) -> DictRow:
    """The row of an upload of this account; NoSuchUpload for other accounts' and for what is no id, all alike."""
    parsed = canonical(upload_id)
    found = await db.rows("account_upload", id=parsed, account_id=account_id) if parsed is not None else []
    if not found:
        raise NoSuchUpload(f"this account has no upload {upload_id!r}: `GET /v1/uploads` lists them")
    return found[0]


async def _now(connection: Connection, upload_id: UUID) -> Upload:
    """An upload as this transaction sees it."""
    (row,) = await database.rows(connection, "upload", id=upload_id)
    return as_upload(row)


def refuse_unless_open(row: DictRow) -> None:
    """ContentAlreadyReceived or UploadEnded for an upload whose content cannot come any more."""
    status = Status(row["status"])
    if status in ENDED_WITHOUT:
        raise UploadEnded(f"the upload is {status}, and takes no content any more: announce another one", upload_status=status)
    if status not in OPEN:
        raise ContentAlreadyReceived(
            f"the upload is {status}: its content cannot be replaced; announce another upload for other content", upload_status=status
        )


def as_upload(row: DictRow) -> Upload:
    """A row of the table as the API shows it."""
    in_parts = row["status"] in OPEN and row["part_size"] is not None
    return msgspec.convert(
        {
            **row,
            "filename": row["file_name"],
            "bytes": row["declared_bytes"],
            "source": f"s3://{row['bucket']}/{row['key']}",
            "part_size": row["part_size"] if in_parts else None,
            "parts_url": f"/v1/uploads/{row['id']}/parts" if in_parts else None,
        },
        Upload,
    )


async def _find(services: Services, account_id: UUID, address: str, declared: int | None) -> Source:
    bucket, key = locate_own(services.settings, account_id, address)
    try:
        found = await services.storage.head(bucket, key)
    except ObjectMissing as error:
        raise SourceMissing(f"source is {address!r}: there is no such object; put it there first") from error
    if declared is not None and declared != found.bytes:
        raise SizeMismatch(f"bytes is {declared}, and {address} has {found.bytes}: leave `bytes` out, or mend one of them")
    limit = services.settings.limits.upload_bytes
    if found.bytes > limit:
        raise ContentTooLarge(f"{address} has {found.bytes} bytes: at most {limit} are accepted; use a shorter or smaller video")
    return Source(bucket=bucket, key=key, etag=found.etag, bytes=found.bytes)
