"""Validation against real S3 and PostgreSQL: each thing that may be wrong with an upload is refused by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from media.limits import MediaLimits
from media.pool import MediaPool
from runtime import settings as configuration
from runtime import uploads
from runtime.database import Database
from runtime.errors import PermanentError
from runtime.settings import Settings
from runtime.storage import S3Storage
from runtime.uploads import NewUpload
from schemas.events import Event, Source, UploadRejected, UploadValidated
from schemas.failures import Failure, RejectionCode
from schemas.jobs import source_key
from schemas.status import Status
from stream_processors.validate import Validate
from tests.chain import SOURCE, select, statuses, upload_received, upload_row
from tests.media_samples import FORM, PLAYLIST, clip

CLIP = clip(seconds=0.4)


@pytest.fixture(scope="module")
def pool() -> Iterator[MediaPool]:
    with MediaPool(MediaLimits(), size=1) as opened:
        yield opened


@pytest.fixture
def stage(settings: Settings, database: Database, storage: S3Storage, pool: MediaPool) -> Validate:
    return Validate(settings, database, storage, pool)


class Desk:
    """Puts objects where uploads may lie, and validates them."""

    def __init__(self, stage: Validate, storage: S3Storage, account_id: UUID, bucket: str) -> None:
        self.stage, self.storage, self.account_id, self.bucket = stage, storage, account_id, bucket

    async def put(self, body: bytes, key: str | None = None) -> str:
        key = key or f"ingest/{uuid4()}.mp4"
        await self.storage.put(self.bucket, key, body, "video/mp4")
        return key

    async def validate(self, key: str, upload_id: UUID | None = None, **more: Any) -> Event:
        event = upload_received(upload_id, more.pop("account_id", self.account_id), key=key, **{"bucket": self.bucket, **more})
        (outcome,) = await self.stage.handle(event)
        return outcome

    async def refusal(self, key: str, **more: Any) -> Failure:
        outcome = await self.validate(key, **more)
        assert isinstance(outcome, UploadRejected), outcome
        assert not outcome.failure.retryable
        return outcome.failure


@pytest.fixture
def desk(stage: Validate, storage: S3Storage, account: UUID, settings: Settings) -> Desk:
    return Desk(stage, storage, account, settings.storage.bucket)


async def test_a_good_clip_is_validated_and_what_was_found_is_remembered(desk: Desk, database: Database) -> None:
    outcome = await desk.validate(await desk.put(CLIP), bytes=len(CLIP))
    assert isinstance(outcome, UploadValidated)
    assert outcome.source.bytes == len(CLIP)
    assert outcome.media.video is not None
    assert outcome.media.audio is not None
    row = await upload_row(database, outcome.upload_id)
    assert (row["status"], row["etag"], row["media"]["bytes"]) == ("received", outcome.source.etag, len(CLIP))


async def test_a_clip_without_sound_is_accepted_and_says_so(desk: Desk) -> None:
    outcome = await desk.validate(await desk.put(clip(seconds=0.4, audio=None)))
    assert isinstance(outcome, UploadValidated)
    assert outcome.media.audio is None


async def test_a_missing_object_is_rejected_as_missing(desk: Desk) -> None:
    failure = await desk.refusal("ingest/nothing-here.mp4")
    assert failure.code == RejectionCode.OBJECT_MISSING
    assert "ingest/nothing-here.mp4" in failure.message


async def test_an_empty_object_is_rejected_as_empty(desk: Desk) -> None:
    assert (await desk.refusal(await desk.put(b""))).code == RejectionCode.OBJECT_EMPTY


async def test_212_bytes_of_form_data_are_recognised_whatever_was_declared(desk: Desk) -> None:
    body = FORM.ljust(212)[:212]
    assert (await desk.refusal(await desk.put(body))).code == RejectionCode.FORM_DATA
    declared = await desk.refusal(await desk.put(body), bytes=1_000_000)
    assert declared.code == RejectionCode.SIZE_MISMATCH
    assert "form-data" in declared.message


async def test_a_truncated_clip_is_rejected(desk: Desk) -> None:
    failure = await desk.refusal(await desk.put(CLIP[: len(CLIP) // 2]))
    assert failure.code in (RejectionCode.NOT_MEDIA, RejectionCode.UNDECODABLE)


@pytest.mark.parametrize("body", [b"just some words " * 100, PLAYLIST, bytes(100_000)], ids=["text", "playlist", "zeros"])
async def test_what_is_not_media_is_rejected(desk: Desk, body: bytes) -> None:
    failure = await desk.refusal(await desk.put(body))
    assert failure.code in (RejectionCode.NOT_MEDIA, RejectionCode.UNSAFE_MEDIA)


@pytest.mark.parametrize("declared", [len(CLIP) - 1, len(CLIP) + 1, 0])
async def test_another_size_than_declared_is_rejected_and_both_are_named(desk: Desk, declared: int) -> None:
    failure = await desk.refusal(await desk.put(CLIP), bytes=declared)
    assert failure.code == RejectionCode.SIZE_MISMATCH
    assert f"{len(CLIP)} bytes" in failure.message
    assert f"{declared} were announced" in failure.message


async def test_another_etag_than_announced_is_rejected_as_replaced(desk: Desk) -> None:
    assert (await desk.refusal(await desk.put(CLIP), etag="0" * 32)).code == RejectionCode.OBJECT_REPLACED


async def test_the_announced_etag_may_stand_in_quotes(desk: Desk) -> None:
    key = await desk.put(CLIP)
    etag = (await desk.storage.head(desk.bucket, key)).etag
    assert isinstance(await desk.validate(key, etag=f'"{etag}"'), UploadValidated)


async def test_an_object_that_is_replaced_while_it_is_looked_at_is_rejected(desk: Desk, storage: S3Storage) -> None:
    large = clip("mov", video=None, audio="pcm_s16le", seconds=4.0)  # its index is at the end, beyond the first look
    key = await desk.put(large)
    first_look = storage.open

    async def replaced(bucket: str, key: str, most: int) -> Any:
        found = await first_look(bucket, key, most)
        await storage.put(bucket, key, bytes(len(large)), "video/mp4")
        return found

    storage.open = replaced  # type: ignore[method-assign]
    assert (await desk.refusal(key)).code == RejectionCode.OBJECT_REPLACED


@pytest.mark.parametrize(
    "key",
    [
        "elsewhere/clip.mp4",
        "ingest",
        "ingested/clip.mp4",
        "ingest/../uploads/clip.mp4",
        "ingest/./clip.mp4",
        "ingest//clip.mp4",
        "ingest/..",
        "../ingest/clip.mp4",
        "/ingest/clip.mp4",
        "ingest/",
        "INGEST/clip.mp4",
        "uploads/source",
        "ingest/..\\uploads",
        f"uploads/{UUID(int=1)}/source",
        f"jobs/{UUID(int=1)}/1.json",
    ],
)
async def test_a_key_outside_the_allowed_prefixes_is_rejected_before_s3_is_asked(desk: Desk, storage: S3Storage, key: str) -> None:
    async def never(bucket: str, key: str, most: int) -> Any:
        raise AssertionError("S3 was asked")

    storage.open = never  # type: ignore[method-assign]
    failure = await desk.refusal(key)
    assert failure.code == RejectionCode.SOURCE_NOT_ALLOWED
    assert "s3://valence/ingest/" in failure.message


async def test_another_bucket_is_rejected_even_below_the_same_prefix(desk: Desk) -> None:
    assert (await desk.refusal("ingest/clip.mp4", bucket="valence2")).code == RejectionCode.SOURCE_NOT_ALLOWED


async def test_somebody_elses_uploaded_bytes_cannot_be_analysed_under_ones_own_id(desk: Desk) -> None:
    victim = uuid4()
    await desk.put(CLIP, source_key(victim))
    assert (await desk.refusal(source_key(victim))).code == RejectionCode.SOURCE_NOT_ALLOWED


async def test_ones_own_uploaded_bytes_need_no_prefix(desk: Desk) -> None:
    own = uuid4()
    assert isinstance(await desk.validate(await desk.put(CLIP, source_key(own)), own), UploadValidated)


async def test_only_the_prefixes_of_the_settings_count(servers: dict[str, str], desk: Desk, database: Database, pool: MediaPool) -> None:
    prefixes = {"VALENCE_SOURCES_ALLOWED_PREFIXES": "s3://other/a, s3://valence/inbox/, s3://valence/uploads/"}
    strict = Validate(configuration.load({**servers, **prefixes}), database, desk.storage, pool)
    here = Desk(strict, desk.storage, desk.account_id, desk.bucket)
    assert isinstance(await here.validate(await here.put(CLIP, f"inbox/{uuid4()}.mp4")), UploadValidated)
    assert (await here.refusal(await here.put(CLIP))).code == RejectionCode.SOURCE_NOT_ALLOWED
    assert (await here.refusal(await here.put(CLIP, source_key(uuid4())))).code == RejectionCode.SOURCE_NOT_ALLOWED


async def test_a_declared_size_that_postgresql_cannot_hold_is_a_wrong_size_like_another(desk: Desk) -> None:
    assert (await desk.refusal(await desk.put(CLIP), bytes=10**30)).code == RejectionCode.SIZE_MISMATCH


async def test_a_key_that_no_object_can_have_is_the_uploads_fault_alone(desk: Desk) -> None:
    assert (await desk.refusal("ingest/" + "\u20ac" * 1_000)).code == RejectionCode.OBJECT_MISSING


async def test_an_unknown_account_is_rejected_and_leaves_nothing_behind(desk: Desk, database: Database) -> None:
    upload_id = uuid4()
    failure = await desk.refusal(await desk.put(CLIP), upload_id=upload_id, account_id=uuid4())
    assert failure.code == RejectionCode.UNKNOWN_ACCOUNT
    assert await database.rows("upload", id=upload_id) == []


async def another_account(database: Database) -> UUID:
    account_id = uuid4()
    await database.rows("insert_account", id=account_id, name=f"test-{account_id}")
    return account_id


@pytest.mark.parametrize("known", [True, False], ids=["from another account", "from an account that does not exist"])
async def test_another_accounts_id_is_dead_lettered_and_its_upload_stays_as_it_was(desk: Desk, database: Database, known: bool) -> None:
    victims = await desk.validate(await desk.put(CLIP))
    before = await upload_row(database, victims.upload_id), await statuses(database, victims.upload_id)
    thief = await another_account(database) if known else uuid4()
    for attempt in (1, 2):
        event = upload_received(victims.upload_id, thief, attempt=attempt, bucket=desk.bucket, key=await desk.put(CLIP))
        with pytest.raises(PermanentError, match="belongs to another account"):
            await desk.stage.handle(event)
    assert (await upload_row(database, victims.upload_id), await statuses(database, victims.upload_id)) == before


async def test_a_bulk_upload_gets_its_row_and_its_first_status_once(desk: Desk, database: Database) -> None:
    upload_id, key = uuid4(), await desk.put(CLIP)
    first = await desk.validate(key, upload_id)
    assert await desk.validate(key, upload_id) == first
    assert await statuses(database, upload_id) == [(1, 1, "received")]
    assert len(await select(database, "select id from outbox where aggregateid = %s", str(upload_id))) == 1


async def end(database: Database, upload_id: UUID, status: Status, attempt: int = 1, code: str = "x") -> None:
    async with database.transaction() as connection:
        failure = None if status is Status.COMPLETED else Failure(code=code, message="no")
        assert await uploads.apply_status(connection, upload_id, attempt, status, SOURCE, failure)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.REJECTED, Status.CANCELLED, Status.EXPIRED])
async def test_an_event_about_an_upload_that_has_ended_starts_nothing(desk: Desk, database: Database, status: Status) -> None:
    upload_id, key = uuid4(), await desk.put(CLIP)
    await desk.validate(key, upload_id)
    await end(database, upload_id, status)
    assert await desk.stage.handle(upload_received(upload_id, desk.account_id, bucket=desk.bucket, key=key)) == []


async def test_a_redriven_dead_letter_is_looked_at_again(desk: Desk, database: Database) -> None:
    upload_id, key = uuid4(), await desk.put(CLIP)
    await desk.validate(key, upload_id)
    await end(database, upload_id, Status.FAILED, code="dead_lettered")
    assert isinstance(await desk.validate(key, upload_id), UploadValidated)


async def test_a_newer_attempt_starts_when_the_older_has_ended_and_not_before(desk: Desk, database: Database) -> None:
    upload_id, key = uuid4(), await desk.put(CLIP)
    await desk.validate(key, upload_id)
    second = upload_received(upload_id, desk.account_id, attempt=2, bucket=desk.bucket, key=key)
    assert await desk.stage.handle(second) == []
    await end(database, upload_id, Status.COMPLETED)
    (outcome,) = await desk.stage.handle(second)
    assert isinstance(outcome, UploadValidated)
    assert outcome.attempt == 2
    assert (await upload_row(database, upload_id))["attempt"] == 2
    late = upload_received(upload_id, desk.account_id, attempt=1, bucket=desk.bucket, key=key)
    assert await desk.stage.handle(late) == []


async def test_an_upload_that_the_api_has_made_is_not_made_again(desk: Desk, database: Database) -> None:
    upload_id = uuid4()
    key = await desk.put(CLIP, source_key(upload_id))
    made = NewUpload(id=upload_id, account_id=desk.account_id, source=Source(bucket=desk.bucket, key=key), file_name="clip.mp4")
    async with database.transaction() as connection:
        assert await uploads.insert(connection, made, Status.RECEIVED, SOURCE)
    assert isinstance(await desk.validate(key, upload_id), UploadValidated)
    assert (await upload_row(database, upload_id))["file_name"] == "clip.mp4"
