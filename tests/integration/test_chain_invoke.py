"""Invoking: one call an attempt, except in the one window that nothing can close, and what each answer of the endpoint leads to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from local.sagemaker.faults import Fault, FaultRule
from runtime import metrics, uploads
from runtime.database import Database
from runtime.errors import DependencyUnavailable, InvalidInvocation
from runtime.inference import InvocationUncertain, Locations, SageMakerEndpoint
from runtime.settings import Inference, Settings
from runtime.storage import S3Storage
from runtime.testing import MemoryEndpoint
from runtime.uploads import NewUpload
from schemas.events import InferenceFailed, InferenceRequested, PinnedSource, Source, UploadValidated
from schemas.jobs import AnalysisOptions, InferenceJob, inference_id, job_key
from schemas.media import MediaInfo
from schemas.status import Status
from stream_processors import invoke as invokes
from stream_processors.invoke import Invoke
from tests.chain import SOURCE, select
from tests.sagemaker_standin import StandIn, running_standin

#: Calls again almost at once, so that no test waits.
QUICK = Inference(recall_after_seconds=0.05)


class Desk:
    """The second stage over real PostgreSQL and S3, with an endpoint that the test gives."""

    def __init__(self, settings: Settings, database: Database, storage: S3Storage, event: UploadValidated) -> None:
        self.settings, self.database, self.storage, self.event = settings, database, storage, event
        self.endpoint = MemoryEndpoint()

    def stage(self, endpoint: Any = None, inference: Inference = QUICK) -> Invoke:
        settings = msgspec.structs.replace(self.settings, inference=inference)
        return Invoke(settings, self.database, self.storage, endpoint or self.endpoint)

    async def invocation(self) -> dict[str, Any] | None:
        rows = await select(
            self.database,
            "select state, calls, output_location, failure_location from invocations where upload_id = %s and attempt = %s",
            self.event.upload_id,
            self.event.attempt,
        )
        return rows[0] if rows else None

    async def begin(self, seconds_ago: float = 0.0) -> None:
        """Leave the row that an invoke leaves that was killed between the call and the record of it."""
        await self.database.rows("begin_invocation", upload_id=self.event.upload_id, attempt=1, check_after=60, traceparent=None)
        await select(
            self.database,
            "update invocations set called_at = now() - make_interval(secs => %s) where upload_id = %s",
            seconds_ago,
            self.event.upload_id,
        )

    async def apply(self, status: Status, attempt: int = 1) -> None:
        async with self.database.transaction() as connection:
            assert await uploads.apply_status(connection, self.event.upload_id, attempt, status, SOURCE)

    async def finish(self) -> None:
        """A notice has told the end."""
        await self.database.rows("finish_invocations", upload_ids=[self.event.upload_id], attempts=[self.event.attempt])


@pytest.fixture
async def desk(settings: Settings, database: Database, storage: S3Storage, account: UUID) -> Desk:
    upload_id = uuid4()
    source = PinnedSource(bucket=settings.storage.bucket, key="ingest/clip.mp4", etag="e" * 32, bytes=5)
    async with database.transaction() as connection:
        made = NewUpload(id=upload_id, account_id=account, source=Source(bucket=source.bucket, key=source.key))
        assert await uploads.insert(connection, made, Status.RECEIVED, SOURCE)
    media = MediaInfo(container="mp4", bytes=5)
    options = AnalysisOptions(captions=True)
    event = UploadValidated(upload_id=upload_id, account_id=account, attempt=1, source=source, media=media, options=options)
    return Desk(settings, database, storage, event)


def repeated() -> float:
    return float(metrics.INVOCATIONS_REPEATED._value.get())


async def test_the_endpoint_is_given_a_job_that_names_the_object_and_pins_it(desk: Desk, storage: S3Storage) -> None:
    (outcome,) = await desk.stage().handle(desk.event)
    assert outcome == InferenceRequested(
        upload_id=desk.event.upload_id,
        account_id=desk.event.account_id,
        attempt=1,
        inference_id=inference_id(desk.event.upload_id, 1),
    )
    bucket, key = desk.event.source.bucket, job_key(desk.event.upload_id, 1)
    assert desk.endpoint.invocations == [(f"s3://{bucket}/{key}", f"{desk.event.upload_id}.1")]
    job = msgspec.json.decode(await storage.get(bucket, key, 10_000), type=InferenceJob)
    assert (job.key, job.etag, job.bytes, job.options.captions) == ("ingest/clip.mp4", "e" * 32, 5, True)


async def test_the_call_is_recorded_before_it_is_made_and_its_locations_after(desk: Desk) -> None:
    seen: list[Any] = []

    class Watched(MemoryEndpoint):
        async def invoke(self, input_location: str, inference_id: str) -> Locations:
            seen.append(await desk.invocation())
            return Locations("s3://valence/output", "s3://valence/failure")

    await desk.stage(Watched()).handle(desk.event)
    assert seen == [{"state": "calling", "calls": 1, "output_location": None, "failure_location": None}]
    after = {"state": "called", "calls": 1, "output_location": "s3://valence/output", "failure_location": "s3://valence/failure"}
    assert await desk.invocation() == after


async def test_a_redelivered_event_whose_call_is_recorded_calls_nothing_and_says_the_same(desk: Desk) -> None:
    first = await desk.stage().handle(desk.event)
    assert await desk.stage().handle(desk.event) == first
    assert len(desk.endpoint.invocations) == 1


async def test_two_workers_with_the_same_event_make_one_call(desk: Desk) -> None:
    patient = Inference(recall_after_seconds=30.0)
    outcomes = await asyncio.gather(*(desk.stage(inference=patient).handle(desk.event) for _ in range(4)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert len(desk.endpoint.invocations) == 1


async def test_killed_between_call_and_record_it_calls_again_under_the_same_id_and_counts_it(desk: Desk) -> None:
    await desk.begin(seconds_ago=60)
    before = repeated()
    (outcome,) = await desk.stage().handle(desk.event)
    assert isinstance(outcome, InferenceRequested)
    assert [job_id for _, job_id in desk.endpoint.invocations] == [f"{desk.event.upload_id}.1"]
    assert repeated() - before == 1
    found = await desk.invocation()
    assert found is not None
    assert (found["state"], found["calls"]) == ("called", 2)


async def test_before_it_calls_again_it_waits_for_a_notice_and_a_notice_saves_the_second_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.begin()
    waited: list[float] = []

    class Clock:
        @staticmethod
        async def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                await desk.finish()

    monkeypatch.setattr(invokes, "asyncio", Clock)
    (outcome,) = await desk.stage(inference=Inference(recall_after_seconds=3_600)).handle(desk.event)
    assert isinstance(outcome, InferenceRequested)
    assert len(waited) == 3
    assert desk.endpoint.invocations == []


async def test_a_notice_may_come_before_the_locations_are_recorded(desk: Desk) -> None:
    class Fast(MemoryEndpoint):
        async def invoke(self, input_location: str, inference_id: str) -> Locations:
            await desk.finish()
            return await super().invoke(input_location, inference_id)

    endpoint = Fast()
    await desk.stage(endpoint).handle(desk.event)
    found = await desk.invocation()
    assert found is not None
    assert found["state"] == "finished"
    assert found["output_location"].startswith("s3://")
    await desk.stage(endpoint).handle(desk.event)
    assert len(endpoint.invocations) == 1


async def test_while_s3_is_away_nothing_is_called_and_the_next_try_calls_at_once(desk: Desk) -> None:
    put = desk.storage.put

    async def away(*_: object) -> None:
        raise DependencyUnavailable("s3", "down")

    desk.storage.put = away  # type: ignore[method-assign,assignment]
    with pytest.raises(DependencyUnavailable):
        await desk.stage().handle(desk.event)
    assert desk.endpoint.invocations == []
    assert await desk.invocation() is None
    desk.storage.put = put  # type: ignore[method-assign]
    await desk.stage(inference=Inference(recall_after_seconds=3_600)).handle(desk.event)
    assert len(desk.endpoint.invocations) == 1


async def test_a_second_call_that_is_refused_does_not_make_the_first_one_forgotten(desk: Desk) -> None:
    calls: list[Exception] = [InvocationUncertain("sagemaker", "broke off"), DependencyUnavailable("sagemaker", "throttled")]

    class Moody(MemoryEndpoint):
        async def invoke(self, input_location: str, inference_id: str) -> Locations:
            raise calls.pop(0)

    stage = desk.stage(Moody())
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await stage.handle(desk.event)
    found = await desk.invocation()
    assert found is not None
    assert (found["state"], found["calls"]) == ("calling", 2)


async def test_an_event_that_was_refused_is_refused_again_when_it_comes_again(desk: Desk) -> None:
    """Killed before the broker had the failure: taken for called, the upload would wait for an answer for ever."""

    class Refusing(MemoryEndpoint):
        async def invoke(self, input_location: str, inference_id: str) -> Locations:
            raise InvalidInvocation("the request is wrong")

    for _ in range(2):
        (outcome,) = await desk.stage(Refusing()).handle(desk.event)
        assert isinstance(outcome, InferenceFailed)
    assert await desk.invocation() is None


async def test_an_upload_that_was_erased_is_not_invoked(desk: Desk) -> None:
    await select(desk.database, "delete from uploads where id = %s", desk.event.upload_id)
    assert await desk.stage().handle(desk.event) == []
    assert desk.endpoint.invocations == []


async def test_the_next_attempt_is_a_call_of_its_own(desk: Desk) -> None:
    await desk.stage().handle(desk.event)
    await desk.apply(Status.FAILED)
    await desk.apply(Status.RECEIVED, attempt=2)
    await desk.stage().handle(msgspec.structs.replace(desk.event, attempt=2))
    assert [job_id.rpartition(".")[2] for _, job_id in desk.endpoint.invocations] == ["1", "2"]


# Against the stand-in, by the real client ---------------------------------------------------------------------------------------------

Invoked = Callable[[Fault], Awaitable[Any]]


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[StandIn]:
    async with running_standin(tmp_path) as running:
        yield running


@pytest.fixture
def endpoint(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> SageMakerEndpoint:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", standin.url)
    return SageMakerEndpoint(QUICK)


async def test_an_answer_of_400_fails_the_upload_for_good(desk: Desk, standin: StandIn, endpoint: SageMakerEndpoint) -> None:
    standin.faults.replace([FaultRule(fault=Fault.INVALID, times=1)])
    (outcome,) = await desk.stage(endpoint).handle(desk.event)
    assert isinstance(outcome, InferenceFailed)
    assert outcome.failure.code == "invalid_invocation"
    assert not outcome.failure.retryable
    assert not outcome.expired


@pytest.mark.parametrize("fault", [Fault.INTERNAL, Fault.UNAVAILABLE, Fault.THROTTLED, Fault.MISSING_ENDPOINT])
async def test_500_503_throttling_and_a_missing_endpoint_are_waited_for(
    desk: Desk, standin: StandIn, endpoint: SageMakerEndpoint, fault: Fault
) -> None:
    standin.faults.replace([FaultRule(fault=fault, times=1)])
    stage, before = desk.stage(endpoint, Inference(recall_after_seconds=3_600)), repeated()
    with pytest.raises(DependencyUnavailable) as caught:
        await stage.handle(desk.event)
    assert not isinstance(caught.value, InvocationUncertain)
    (outcome,) = await stage.handle(desk.event)
    assert isinstance(outcome, InferenceRequested)
    assert repeated() == before


async def test_a_reply_that_is_lost_leads_to_a_second_call_that_is_counted(
    desk: Desk, standin: StandIn, endpoint: SageMakerEndpoint
) -> None:
    standin.faults.replace([FaultRule(fault=Fault.LOST_REPLY, times=1)])
    stage, before = desk.stage(endpoint), repeated()
    with pytest.raises(InvocationUncertain):
        await stage.handle(desk.event)
    (outcome,) = await stage.handle(desk.event)
    assert isinstance(outcome, InferenceRequested)
    assert repeated() - before == 1
    notices = await standin.notices(2)
    assert {notice["inferenceId"] for notice in notices} == {f"{desk.event.upload_id}.1"}
