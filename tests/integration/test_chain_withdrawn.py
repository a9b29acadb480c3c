"""Uploads that are cancelled or erased while the chain works on them: no stage goes on with them, and none brings them back."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg.types.json import Jsonb

from local.sagemaker.answers import instant_analysis
from runtime import database as databases
from runtime import erasure, uploads
from runtime.database import Database
from runtime.erasure import Erased
from runtime.errors import ObjectMissing
from runtime.inference import Locations
from runtime.settings import Settings
from runtime.storage import S3Storage, locate
from runtime.testing import MemoryEndpoint
from runtime.uploads import NewUpload
from schemas.events import InferenceCompleted, PinnedSource, UploadReceived, UploadValidated
from schemas.jobs import inference_id, job_key
from schemas.media import MediaInfo
from schemas.status import Status
from stream_processors.invoke import Invoke
from stream_processors.persist import Persist
from stream_processors.validate import Validate
from tests.chain import SOURCE, select, statuses, upload_received
from tests.waiting import until

MEDIA = MediaInfo(container="mp4", bytes=5, duration_seconds=60.0)


class Desk:
    """An upload in work, and the ways to withdraw it."""

    def __init__(self, settings: Settings, database: Database, storage: S3Storage, received: UploadReceived) -> None:
        self.settings, self.database, self.storage, self.received = settings, database, storage, received
        self.upload_id, self.bucket = received.upload_id, settings.storage.bucket
        source = PinnedSource(bucket=self.bucket, key=received.source.key, etag="e" * 32, bytes=5)
        self.validated = UploadValidated(
            upload_id=self.upload_id, account_id=received.account_id, attempt=1, source=source, media=MEDIA, options=received.options
        )

    async def withdraw(self, how: str) -> None:
        async with self.database.transaction() as connection:
            if how == "cancelled":
                cancelled = await uploads.cancel(connection, self.upload_id, SOURCE)
                assert cancelled is not None
                assert cancelled.status is Status.CANCELLED
            else:
                receipt_id = await erasure.begin(connection, Erased.UPLOAD)
                assert await erasure.erase_upload(connection, self.settings, self.upload_id, receipt_id)

    async def answered(self) -> InferenceCompleted:
        location = f"s3://{self.bucket}/inference/output/{uuid4()}.out"
        await self.storage.put(*locate(location), msgspec.json.encode(instant_analysis("some-id")), "application/json")
        job_id = inference_id(self.upload_id, 1)
        return InferenceCompleted(upload_id=self.upload_id, attempt=1, inference_id=job_id, output_location=location)

    async def exists(self, key: str) -> bool:
        try:
            await self.storage.head(self.bucket, key)
        except ObjectMissing:
            return False
        return True

    async def rows(self) -> int:
        found = await select(self.database, "select count(*) as n from uploads where id = %s", self.upload_id)
        return int(found[0]["n"])

    async def analyses(self) -> int:
        found = await select(self.database, "select count(*) as n from analyses where upload_id = %s", self.upload_id)
        return int(found[0]["n"])


class SlowPool:
    """A probe during which something happens."""

    def __init__(self, during: Any) -> None:
        self._during = during

    async def probe(self, _: object) -> MediaInfo:
        await self._during()
        return MEDIA


@pytest.fixture
async def desk(settings: Settings, database: Database, storage: S3Storage, account: UUID) -> Desk:
    key = f"ingest/{uuid4()}.mp4"
    await storage.put(settings.storage.bucket, key, b"video", "video/mp4")
    event = upload_received(account_id=account, bucket=settings.storage.bucket, key=key)
    new = NewUpload(id=event.upload_id, account_id=account, source=event.source)
    async with database.transaction() as connection:
        assert await uploads.insert(connection, new, Status.CREATED, SOURCE)
        assert await uploads.submit(connection, event, SOURCE)
    return Desk(settings, database, storage, event)


HOW = pytest.mark.parametrize("how", ["cancelled", "erased"])


def validate(desk: Desk, during: Any = None) -> Validate:
    return Validate(desk.settings, desk.database, desk.storage, SlowPool(during))  # type: ignore[arg-type]


@HOW
async def test_validation_does_nothing_for_a_withdrawn_upload(desk: Desk, how: str) -> None:
    await desk.withdraw(how)
    assert await validate(desk).handle(desk.received) == []
    assert await desk.rows() == (how == "cancelled")


@HOW
async def test_an_upload_that_is_withdrawn_while_it_is_validated_goes_no_further_and_holds_nothing(desk: Desk, how: str) -> None:
    assert await validate(desk, lambda: desk.withdraw(how)).handle(desk.received) == []
    (ledger,) = await select(desk.database, "select state from ledger where upload_id = %s", desk.upload_id)
    assert ledger["state"] == "refunded"


async def test_an_event_that_waits_for_the_erasure_of_its_upload_does_not_bring_it_back(desk: Desk) -> None:
    async with desk.database.transaction() as connection:
        await erasure.erase_upload(connection, desk.settings, desk.upload_id, await erasure.begin(connection, Erased.UPLOAD))
        late = asyncio.create_task(validate(desk).handle(desk.received))
        await _waits(desk.database)
    assert await late == []
    assert await desk.rows() == 0


@HOW
async def test_the_endpoint_is_not_called_for_a_withdrawn_upload_and_no_job_is_left(desk: Desk, how: str) -> None:
    await desk.withdraw(how)
    endpoint = MemoryEndpoint()
    assert await Invoke(desk.settings, desk.database, desk.storage, endpoint).handle(desk.validated) == []
    assert endpoint.invocations == []
    assert not await desk.exists(job_key(desk.upload_id, 1))


async def test_what_a_call_that_was_under_way_at_the_erasure_leads_to_is_erased_later(desk: Desk) -> None:
    class Erasing(MemoryEndpoint):
        async def invoke(self, input_location: str, inference_id: str) -> Locations:
            await desk.withdraw("erased")
            return Locations(f"s3://{desk.bucket}/inference/output/late", f"s3://{desk.bucket}/inference/failure/late")

    assert await Invoke(desk.settings, desk.database, desk.storage, Erasing()).handle(desk.validated) == []
    places = await select(
        desk.database,
        "select key from object_erasures join erased_uploads using (receipt_id) where upload_id = %s and due_at > now() order by key",
        desk.upload_id,
    )
    assert [place["key"] for place in places] == ["inference/failure/late", "inference/output/late"]


@HOW
async def test_the_answer_to_a_withdrawn_upload_is_thrown_away(desk: Desk, how: str) -> None:
    event = await desk.answered()
    await desk.withdraw(how)
    assert await Persist(desk.database, desk.storage).handle(event) == []
    assert await desk.analyses() == 0
    assert not await desk.exists(locate(event.output_location)[1])


async def test_the_answer_that_was_kept_is_not_thrown_away_when_it_comes_again(desk: Desk) -> None:
    event = await desk.answered()
    for _ in range(2):
        await Persist(desk.database, desk.storage).handle(event)
    assert await desk.analyses() == 1
    assert await desk.exists(locate(event.output_location)[1])


async def test_an_answer_that_waits_for_a_cancellation_is_not_kept(desk: Desk) -> None:
    event = await desk.answered()
    async with desk.database.transaction() as connection:
        await uploads.cancel(connection, desk.upload_id, SOURCE)
        late = asyncio.create_task(Persist(desk.database, desk.storage).handle(event))
        await _waits(desk.database)
    await late
    assert await desk.analyses() == 0
    assert (await statuses(desk.database, desk.upload_id))[-1][2] == Status.CANCELLED


async def test_a_cancellation_that_waits_for_an_answer_comes_too_late(desk: Desk) -> None:
    found = msgspec.to_builtins(instant_analysis("some-id"))

    async def cancel() -> uploads.Cancelled | None:
        async with desk.database.transaction() as connection:
            return await uploads.cancel(connection, desk.upload_id, SOURCE)

    async with desk.database.transaction() as connection:
        kept = {"document": Jsonb(found), "media_seconds": 1.0, "compute_seconds": 1.0}
        assert await databases.rows(connection, "keep_analysis", upload_id=desk.upload_id, attempt=1, **kept)
        late = asyncio.create_task(cancel())
        await _waits(desk.database)
    cancelled = await late
    assert cancelled is not None
    assert cancelled.status is Status.COMPLETED
    assert Status.CANCELLED not in [status for *_, status in await statuses(desk.database, desk.upload_id)]


async def _waits(database: Database) -> None:
    """Until somebody waits for a lock of a row."""
    await until(
        lambda: select(database, "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"),
        "somebody waits for the lock",
    )


async def test_an_answer_that_waits_while_its_attempt_is_cancelled_and_tried_again_is_not_kept(desk: Desk) -> None:
    waiting = "select 1 as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%%insert into analyses%%'"
    answer = await desk.answered()
    async with desk.database.transaction() as connection:
        await uploads.cancel(connection, desk.upload_id, SOURCE)
        assert await uploads.retry(connection, desk.upload_id, SOURCE) is not None
        keeping = asyncio.create_task(Persist(desk.database, desk.storage).handle(answer))
        await until(lambda: select(desk.database, waiting), "the answer waits for the row")
    await keeping
    assert await desk.analyses() == 0
