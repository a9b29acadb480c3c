"""Keeping answers: one analysis and one usage row an attempt, whatever the endpoint wrote and however often it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import msgspec
import pytest

from local.sagemaker.answers import instant_analysis
from runtime import outbox, uploads
from runtime.database import Database
from runtime.storage import S3Storage
from runtime.uploads import NewUpload
from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis, NoUtterances
from schemas.events import Event, InferenceCompleted, InferenceFailed, Source
from schemas.failures import Failure
from schemas.jobs import inference_id
from schemas.status import TERMINAL, Status
from stream_processors import persist as persists
from stream_processors.persist import Persist, summarise
from tests.chain import SOURCE, select

BUCKET = "valence"
ANSWER = instant_analysis("some-id")


class Desk:
    """The third stage over real PostgreSQL and S3, and an upload whose answer is due."""

    def __init__(self, database: Database, storage: S3Storage, upload_id: UUID) -> None:
        self.database, self.storage, self.upload_id = database, storage, upload_id
        self.stage = Persist(database, storage)

    async def answered(self, body: bytes, attempt: int = 1) -> InferenceCompleted:
        """The event that tells of this answer."""
        key = f"inference/output/{uuid4()}.out"
        await self.storage.put(BUCKET, key, body, "application/json")
        return self.completed(f"s3://{BUCKET}/{key}", attempt)

    def completed(self, location: str, attempt: int = 1) -> InferenceCompleted:
        job_id = inference_id(self.upload_id, attempt)
        return InferenceCompleted(upload_id=self.upload_id, attempt=attempt, inference_id=job_id, output_location=location)

    async def apply(self, status: Status, failure: Failure | None = None, attempt: int = 1) -> bool:
        async with self.database.transaction() as connection:
            return await uploads.apply_status(connection, self.upload_id, attempt, status, SOURCE, failure)

    async def kept(self) -> tuple[list[int], list[int], list[str]]:
        """Attempts with an analysis, attempts with a usage row, ids of the events that go out."""
        analyses = await select(self.database, "select attempt from analyses where upload_id = %s order by 1", self.upload_id)
        usage = await select(self.database, "select attempt from usage where upload_id = %s order by 1", self.upload_id)
        events = await select(
            self.database, "select id from outbox where aggregateid = %s and type = 'analysis.persisted.v1' order by 1", str(self.upload_id)
        )
        return [row["attempt"] for row in analyses], [row["attempt"] for row in usage], [str(row["id"]) for row in events]


@pytest.fixture
async def desk(database: Database, storage: S3Storage, account: UUID) -> Desk:
    upload_id = uuid4()
    async with database.transaction() as connection:
        made = NewUpload(id=upload_id, account_id=account, source=Source(bucket=BUCKET, key="ingest/clip.mp4"))
        assert await uploads.insert(connection, made, Status.RECEIVED, SOURCE)
    return Desk(database, storage, upload_id)


async def test_analysis_usage_and_event_are_kept_together(desk: Desk) -> None:
    assert await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER))) == []
    analyses, usage, events = await desk.kept()
    assert (analyses, usage, len(events)) == ([1], [1], 1)
    (row,) = await desk.database.rows("analysis", upload_id=desk.upload_id, attempt=None)
    assert msgspec.convert(row["document"], Analysis) == ANSWER
    (used,) = await select(desk.database, "select media_seconds from usage where upload_id = %s", desk.upload_id)
    assert used["media_seconds"] == ANSWER.media_seconds


async def test_a_repeat_changes_nothing_even_with_another_answer(desk: Desk) -> None:
    await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER)))
    before = await desk.kept()
    await desk.stage.handle(await desk.answered(msgspec.json.encode(instant_analysis("another"))))
    assert await desk.kept() == before
    (row,) = await desk.database.rows("analysis", upload_id=desk.upload_id, attempt=1)
    assert msgspec.convert(row["document"], Analysis) == ANSWER


async def test_two_workers_with_the_same_answer_keep_one(desk: Desk) -> None:
    event = await desk.answered(msgspec.json.encode(ANSWER))
    await asyncio.gather(*(desk.stage.handle(event) for _ in range(6)))
    analyses, usage, events = await desk.kept()
    assert (analyses, usage, len(events)) == ([1], [1], 1)


async def test_each_attempt_keeps_its_own(desk: Desk) -> None:
    for attempt in (2, 1):
        await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER), attempt))
    analyses, usage, events = await desk.kept()
    assert (analyses, usage, len(events)) == ([1, 2], [1, 2], 2)


async def test_nothing_is_kept_where_the_event_cannot_go_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(outbox, "add", full)
    with pytest.raises(OSError, match="no space"):
        await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER)))
    assert await desk.kept() == ([], [], [])


FAILED = Failure(code="inference_error", message="of two calls, the one that failed")
DEAD_LETTERED = Failure(code="dead_lettered", message="until it is redriven")


@pytest.mark.parametrize("end", sorted(TERMINAL - {Status.COMPLETED}))
async def test_an_attempt_that_has_ended_without_an_analysis_keeps_none_that_comes_later(desk: Desk, end: Status) -> None:
    await desk.apply(end, FAILED)
    event = await desk.answered(msgspec.json.encode(ANSWER))
    await desk.stage.handle(event)
    assert await desk.kept() == ([], [], [])
    await desk.apply(Status.RECEIVED, attempt=2)
    await desk.stage.handle(event)
    assert await desk.kept() == ([], [], [])
    await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER), attempt=2))
    assert (await desk.kept())[:2] == ([2], [2])


async def test_a_dead_lettered_attempt_has_failed_only_for_now_and_keeps_its_analysis(desk: Desk) -> None:
    await desk.apply(Status.FAILED, DEAD_LETTERED)
    await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER)))
    assert (await desk.kept())[0] == [1]


@pytest.mark.parametrize("end", sorted(TERMINAL - {Status.COMPLETED}))
async def test_an_attempt_with_an_analysis_can_only_be_completed(desk: Desk, end: Status) -> None:
    await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER)))
    assert not await desk.apply(end, FAILED)
    assert await desk.apply(Status.COMPLETED)


async def test_an_answer_and_a_failure_at_once_leave_either_an_analysis_or_a_failure(desk: Desk) -> None:
    for attempt in range(1, 11):
        event = await desk.answered(msgspec.json.encode(ANSWER), attempt)
        _, failed = await asyncio.gather(desk.stage.handle(event), desk.apply(Status.FAILED, FAILED, attempt))
        analyses, usage, _ = await desk.kept()
        assert (attempt in analyses, attempt in usage) == (not failed, not failed)
        await desk.apply(Status.COMPLETED, attempt=attempt)
        await desk.apply(Status.RECEIVED, attempt=attempt + 1)


def unusable(outcome: Sequence[Event]) -> str:
    """The message of a failure that says the answer cannot be used."""
    (event,) = outcome
    assert isinstance(event, InferenceFailed)
    assert event.failure.code == "invalid_analysis"
    assert event.failure.retryable
    assert not event.expired
    return event.failure.message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00garbage", id="garbage"),
        pytest.param(b"{}", id="fields-missing"),
        pytest.param(b'"fine"', id="not-an-object"),
        pytest.param(msgspec.json.encode(ANSWER).replace(b'"joy":', b'"joy":7,"x":'), id="probability-of-seven"),
        pytest.param(msgspec.json.encode(ANSWER)[:-40], id="cut-off"),
        pytest.param(msgspec.json.encode(ANSWER).replace(b"Answer", b"\\u0000"), id="nul"),
        pytest.param(msgspec.json.encode(ANSWER).replace(b"Answer", b"\xff"), id="not-utf-8"),
        pytest.param(msgspec.json.encode(ANSWER).replace(b"{", b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b",", 1), id="nested"),
        pytest.param(msgspec.json.encode(ANSWER).replace(b'"media_seconds":2.0', b'"media_seconds":1e999'), id="endless"),
    ],
)
async def test_an_answer_that_is_no_analysis_fails_the_upload_and_a_retry_may_help(desk: Desk, body: bytes) -> None:
    unusable(await desk.stage.handle(await desk.answered(body)))
    assert await desk.kept() == ([], [], [])


async def test_an_answer_that_is_gone_fails_the_upload(desk: Desk) -> None:
    assert "is gone" in unusable(await desk.stage.handle(desk.completed(f"s3://{BUCKET}/inference/output/nothing.out")))


async def test_an_answer_that_is_too_large_fails_the_upload(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persists, "MAX_ANSWER_BYTES", 100)
    assert "too large" in unusable(await desk.stage.handle(await desk.answered(msgspec.json.encode(ANSWER))))


@pytest.mark.parametrize("location", ["nowhere", "https://example.com/x", "s3://", "s3://bucket", "s3:///key"])
async def test_a_location_that_is_no_address_fails_the_upload(desk: Desk, location: str) -> None:
    unusable(await desk.stage.handle(desk.completed(location)))


async def test_an_answer_for_an_upload_that_was_erased_is_dropped(desk: Desk) -> None:
    event = await desk.answered(msgspec.json.encode(ANSWER))
    await select(desk.database, "delete from uploads where id = %s", desk.upload_id)
    assert await desk.stage.handle(event) == []
    assert await desk.kept() == ([], [], [])


def test_the_summary_weighs_each_utterance_by_its_length() -> None:
    (spoken,) = ANSWER.utterances
    other = instant_analysis("another").utterances[0]
    both = msgspec.structs.replace(ANSWER, utterances=(spoken, msgspec.structs.replace(other, start=2.0, end=8.0)))
    found = summarise(both)
    assert found.utterances == 2
    assert found.emotions is not None
    assert found.sentiments is not None
    for kind, names in (("emotions", EMOTIONS), ("sentiments", SENTIMENTS)):
        for name in names:
            first, second = getattr(getattr(spoken.scores, kind), name), getattr(getattr(other.scores, kind), name)
            assert getattr(getattr(found, kind), name) == pytest.approx((2 * first + 6 * second) / 8)


def test_the_summary_of_a_silent_video_has_a_reason_and_no_scores() -> None:
    silent = msgspec.structs.replace(ANSWER, utterances=(), reason=NoUtterances.NO_AUDIO)
    found = summarise(silent)
    assert (found.utterances, found.emotions, found.sentiments, found.reason) == (0, None, None, NoUtterances.NO_AUDIO)


def test_utterances_without_length_still_count() -> None:
    instant = msgspec.structs.replace(ANSWER.utterances[0], end=0.0)
    assert summarise(msgspec.structs.replace(ANSWER, utterances=(instant,))).emotions is not None
