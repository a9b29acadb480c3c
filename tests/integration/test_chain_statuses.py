"""Statuses in PostgreSQL: the SQL function holds the rule of schemas/status.py, and the projector applies what the chain tells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from consumers import dead_letters
from consumers.status_projector import project
from runtime import uploads
from runtime.database import Database
from runtime.kafka import Received
from runtime.testing import MemoryBroker
from runtime.uploads import NewUpload
from schemas import codec
from schemas.codec import Record
from schemas.dead_letters import dead_letter
from schemas.events import (
    Event,
    InferenceCompleted,
    InferenceFailed,
    InferenceRequested,
    PinnedSource,
    Source,
    UploadReceived,
    UploadRejected,
    UploadStatusChanged,
    UploadValidated,
)
from schemas.failures import Failure
from schemas.jobs import MOST_ATTEMPTS, inference_id
from schemas.media import MediaInfo
from schemas.status import Status, may_follow
from schemas.topics import CONSUMED_TOPICS
from tests.chain import SOURCE, as_received, persisted, received, select, statuses, upload_received, upload_row


@dataclass
class Desk:
    """An upload that has been received, and the projector over it."""

    database: Database
    upload_id: UUID
    account_id: UUID

    async def project(self, *records: Received) -> None:
        async with self.database.transaction() as connection:
            await project(connection, records)

    async def tell(self, *events: Event) -> None:
        await self.project(*as_received(*events))

    async def history(self) -> list[str]:
        """Every status so far; their sequence has no gap."""
        found = await statuses(self.database, self.upload_id)
        assert [sequence for sequence, _, _ in found] == list(range(1, len(found) + 1))
        return [f"{attempt} {status}" for _, attempt, status in found]

    async def published(self) -> list[tuple[int, str]]:
        """What goes out to subscribers, in order: (sequence, status)."""
        query = "select payload::text as payload from outbox where aggregateid = %s and type = 'upload.status.v1' order by position"
        found = await select(self.database, query, str(self.upload_id))
        events = [msgspec.json.decode(row["payload"], type=UploadStatusChanged) for row in found]
        return [(event.sequence, event.status.value) for event in events]

    def received(self, attempt: int = 1) -> UploadReceived:
        return upload_received(self.upload_id, self.account_id, attempt=attempt)

    def validated(self, attempt: int = 1) -> UploadValidated:
        source = PinnedSource(bucket="valence", key="ingest/clip.mp4", etag="e", bytes=1)
        media = MediaInfo(container="mp4", bytes=1)
        return UploadValidated(upload_id=self.upload_id, account_id=self.account_id, attempt=attempt, source=source, media=media)

    def rejected(self, attempt: int = 1) -> UploadRejected:
        failure = Failure(code="not_media", message="no")
        return UploadRejected(upload_id=self.upload_id, account_id=self.account_id, attempt=attempt, failure=failure)

    def requested(self, attempt: int = 1) -> InferenceRequested:
        job_id = inference_id(self.upload_id, attempt)
        return InferenceRequested(upload_id=self.upload_id, account_id=self.account_id, attempt=attempt, inference_id=job_id)

    def failed(self, attempt: int = 1, *, expired: bool = False) -> InferenceFailed:
        failure = Failure(code="inference_error", message="it broke: try again", retryable=True)
        job_id = inference_id(self.upload_id, attempt)
        return InferenceFailed(upload_id=self.upload_id, attempt=attempt, inference_id=job_id, failure=failure, expired=expired)

    def persisted(self, attempt: int = 1) -> Event:
        return persisted(self.upload_id, self.account_id, attempt)


@pytest.fixture
async def desk(database: Database, account: UUID) -> Desk:
    upload_id = uuid4()
    async with database.transaction() as connection:
        made = NewUpload(id=upload_id, account_id=account, source=Source(bucket="valence", key="ingest/clip.mp4"))
        assert await uploads.insert(connection, made, Status.RECEIVED, SOURCE)
    return Desk(database, upload_id, account)


def dead(event_or_record: Event | Record, offset: int = 0) -> Received:
    """The dead letter of an event, as its topic carries it."""
    record = event_or_record if isinstance(event_or_record, Record) else codec.record(event_or_record, SOURCE)
    where: dict[str, Any] = {"topic": record.topic, "partition": 0, "offset": offset, "stage": "stream-processors.validate"}
    return received(
        dead_letter(**where, key=record.key, value=record.value, headers=record.headers, reason="exhausted", error="secret words"), offset
    )


async def test_the_sql_function_and_the_python_rule_agree_over_every_pair(database: Database, account: UUID) -> None:
    dead_lettered = '{"code": "dead_lettered"}'
    old_states = [(status, False) for status in Status] + [(Status.FAILED, True)]
    cases = list(product(old_states, (1, 2, 3), Status, (1, 2, 3)))
    expected = {n: may_follow(old, before, new, after, dead_lettered=dl) for n, ((old, dl), before, new, after) in enumerate(cases)}
    assert set(expected.values()) == {True, False}
    async with database.transaction() as connection:
        cursor = connection.cursor()
        await cursor.execute(
            "create temporary table cases (n int, id uuid, old text, dl text, before int, new text, after int) on commit drop"
        )
        async with cursor.copy("copy cases from stdin") as copy:
            for n, ((old, dl), before, new, after) in enumerate(cases):
                await copy.write_row((n, uuid4(), old.value, dead_lettered if dl else None, before, new.value, after))
        await cursor.execute(
            "insert into uploads (id, account_id, bucket, key, options, attempt, status, sequence, failure)"
            " select id, %s, 'b', 'k', '{}', before, old, 1, dl::jsonb from cases",
            [account],
        )
        await cursor.execute("select n, exists (select from apply_status(id, after, new, null)) as applied from cases")
        found = {row["n"]: row["applied"] for row in await cursor.fetchall()}
    assert {cases[n] for n in expected if found[n] != expected[n]} == set()


async def test_the_way_of_a_video_is_told_step_by_step(desk: Desk) -> None:
    await desk.tell(desk.validated(), desk.requested(), desk.persisted())
    assert await desk.history() == ["1 received", "1 validated", "1 analysing", "1 completed"]
    assert await desk.published() == [(1, "received"), (2, "validated"), (3, "analysing"), (4, "completed")]


async def test_events_out_of_order_end_in_the_same_status(desk: Desk) -> None:
    await desk.tell(desk.persisted(), desk.requested(), desk.validated())
    assert await desk.history() == ["1 received", "1 completed"]


async def test_duplicates_are_told_once(desk: Desk) -> None:
    for _ in range(3):
        await desk.tell(desk.validated(), desk.validated(), desk.requested(), desk.persisted(), desk.persisted())
    assert await desk.history() == ["1 received", "1 validated", "1 analysing", "1 completed"]
    assert len(await desk.published()) == 4


async def test_rejection_failure_and_expiry_say_why_and_whether_trying_again_helps(desk: Desk) -> None:
    await desk.tell(desk.rejected())
    row = await upload_row(desk.database, desk.upload_id)
    assert (row["status"], row["failure"]["code"], row["failure"]["retryable"]) == ("rejected", "not_media", False)


@pytest.mark.parametrize(("expired", "status"), [(False, "failed"), (True, "expired")])
async def test_an_inference_without_an_answer_ends_as_failed_or_expired(desk: Desk, expired: bool, status: str) -> None:
    await desk.tell(desk.requested(), desk.failed(expired=expired))
    row = await upload_row(desk.database, desk.upload_id)
    assert (row["status"], row["failure"]["retryable"]) == (status, True)


async def test_events_about_an_upload_that_nobody_knows_change_nothing(desk: Desk) -> None:
    nobody = Desk(desk.database, uuid4(), desk.account_id)
    await desk.tell(nobody.validated(), nobody.persisted(), nobody.failed())
    assert await nobody.history() == []


async def test_a_record_that_is_no_event_does_not_stop_the_others(desk: Desk) -> None:
    (good,) = as_received(desk.validated())
    await desk.project(good._replace(value=b"garbage"), good._replace(headers=[]), good._replace(value=None), good)
    assert await desk.history() == ["1 received", "1 validated"]


async def test_a_retry_starts_attempt_2_and_what_attempt_1_still_tells_is_ignored(desk: Desk) -> None:
    await desk.tell(desk.failed())
    async with desk.database.transaction() as connection:
        retried = await uploads.retry(connection, desk.upload_id, SOURCE)
    assert retried is not None
    assert retried.attempt == 2
    await desk.tell(desk.validated(1), desk.persisted(1), desk.failed(1), desk.validated(2), desk.persisted(1), desk.persisted(2))
    assert await desk.history() == ["1 received", "1 failed", "2 received", "2 validated", "2 completed"]


async def test_what_has_not_ended_is_not_retried(desk: Desk) -> None:
    async with desk.database.transaction() as connection:
        assert await uploads.retry(connection, desk.upload_id, SOURCE) is None
        assert await uploads.retry(connection, uuid4(), SOURCE) is None


async def test_the_last_attempt_that_an_event_can_carry_is_not_retried(desk: Desk) -> None:
    await desk.tell(desk.failed())
    async with desk.database.transaction() as connection:
        await connection.execute("update uploads set attempt = %s where id = %s", [MOST_ATTEMPTS, desk.upload_id])
    before = await desk.history()
    with pytest.raises(uploads.NoAttemptsLeft, match="a new upload"):
        async with desk.database.transaction() as connection:
            await uploads.retry(connection, desk.upload_id, SOURCE)
    assert await desk.history() == before


@pytest.mark.parametrize("topic", CONSUMED_TOPICS, ids=lambda topic: topic.name)
async def test_a_dead_letter_on_any_topic_fails_its_upload_without_telling_secrets(desk: Desk, topic: Any) -> None:
    makers = (desk.received, desk.validated, desk.rejected, desk.requested, desk.failed, desk.persisted)
    events: dict[type[Event], Event] = {type(event): event for event in (make() for make in makers)}
    job_id = inference_id(desk.upload_id, 1)
    completed = InferenceCompleted(upload_id=desk.upload_id, attempt=1, inference_id=job_id, output_location="s3://valence/x")
    events[InferenceCompleted] = completed
    await desk.project(dead(events[topic.event]))
    row = await upload_row(desk.database, desk.upload_id)
    assert (row["status"], row["failure"]["code"], row["failure"]["retryable"]) == ("failed", "dead_lettered", True)
    assert "secret words" not in row["failure"]["message"]


async def test_a_dead_letter_with_another_accounts_id_leaves_that_accounts_upload_alone(desk: Desk) -> None:
    for attempt in (1, 2):
        await desk.project(dead(upload_received(desk.upload_id, uuid4(), attempt=attempt)))
    assert await desk.history() == ["1 received"]


async def test_a_dead_letter_that_no_stage_wrote_stops_nobody(desk: Desk) -> None:
    record = codec.record(desk.received(), SOURCE)
    nobodys = received(record._replace(topic=f"{record.topic}.dlq"))
    await desk.project(nobodys, *as_received(desk.validated()))
    assert await desk.history() == ["1 received", "1 validated"]
    async with desk.database.transaction() as connection:
        await dead_letters.keep(connection, [nobodys])


async def test_dead_letter_failed_redriven_completed(desk: Desk) -> None:
    letter = dead(desk.received(), offset=int(uuid4().int % 2**31))
    await desk.project(letter)
    async with desk.database.transaction() as connection:
        await dead_letters.keep(connection, [letter])
    (row,) = await select(desk.database, "select id from dead_letters where upload_id = %s", desk.upload_id)
    broker = MemoryBroker()
    record = await dead_letters.redrive(desk.database, broker, row["id"])
    assert broker.topics["uploads.received.v1"] == [record] == [codec.record(desk.received(), SOURCE)._replace(headers=record.headers)]
    await desk.tell(desk.validated(), desk.requested(), desk.persisted())
    assert await desk.history() == ["1 received", "1 failed", "1 completed"]


async def test_a_dead_letter_that_comes_twice_fails_its_upload_once(desk: Desk) -> None:
    await desk.project(dead(desk.validated()), dead(desk.validated()))
    assert await desk.history() == ["1 received", "1 failed"]


async def test_a_dead_letter_about_an_upload_that_has_completed_changes_nothing(desk: Desk) -> None:
    await desk.tell(desk.persisted())
    await desk.project(dead(desk.received()))
    assert await desk.history() == ["1 received", "1 completed"]
