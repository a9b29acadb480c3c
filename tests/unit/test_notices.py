"""What SageMaker's notices become, in each of their forms, and what happens to messages that are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from producers.sagemaker_notices import Notices, read
from runtime import health
from runtime.errors import DependencyUnavailable
from runtime.health import Readiness
from runtime.queue import Message
from runtime.testing import MemoryQueue
from schemas import codec, topics
from schemas.codec import MAX_EVENT_BYTES, Record
from schemas.events import InferenceCompleted, InferenceFailed
from schemas.jobs import parse_inference_id
from tests.notices import OUTPUT, UPLOAD, Desk, enveloped, notice
from tests.waiting import until


@pytest.mark.parametrize("body", [json.dumps(notice()), enveloped(notice())], ids=["raw", "in SNS's envelope"])
async def test_a_completed_notice_becomes_the_event_in_either_form(body: str) -> None:
    desk = Desk()
    await desk.queue.send(body)
    assert await desk.relay() == 1
    (event,) = desk.completed
    assert (event.upload_id, event.attempt, event.output_location) == (UPLOAD, 1, OUTPUT)
    assert desk.database.finished == [(UPLOAD, 1)]
    assert desk.queue.bodies == []


async def test_the_test_notification_of_a_new_endpoint_is_dropped() -> None:
    desk = Desk()
    await desk.queue.send(json.dumps({"eventName": "TestNotification"}), enveloped({"eventName": "TestNotification"}))
    assert await desk.relay() == 2
    assert not desk.broker.topics
    assert desk.queue.bodies == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        "[" * 20_000,
        json.dumps(notice(inference_id="somebody-elses-job")),
        json.dumps(notice(inference_id=f"{UPLOAD}.0")),
        json.dumps(notice(inference_id=f"{UPLOAD}.{2**40}")),
        json.dumps(notice(inference_id=f"{UPLOAD}")),
        json.dumps(notice(inference_id="not-a-uuid.1")),
        json.dumps(notice(status="Perhaps")),
        json.dumps(notice(responseParameters={})),
        json.dumps({"TopicArn": "x", "Message": "not JSON"}),
        json.dumps({"TopicArn": "x", "Message": 5}),
    ],
)
async def test_what_is_no_notice_of_ours_stays_in_sqs_and_the_good_ones_beside_it_go_through(body: str) -> None:
    desk = Desk()
    await desk.queue.send(body, json.dumps(notice()))
    await desk.relay()
    assert desk.queue.bodies == [body]
    assert len(desk.completed) == 1


async def test_a_notice_is_deleted_only_after_the_broker_has_the_event() -> None:
    desk = Desk()
    await desk.queue.send(json.dumps(notice()))
    desk.broker.away = True
    readiness = Readiness()
    relaying = asyncio.create_task(desk.notices.relay(readiness, 0))
    await until(lambda: "waiting for kafka" in readiness.obstacles, "the wait")
    assert len(desk.queue.bodies) == 1
    assert desk.database.finished == []
    desk.broker.away = False
    assert await relaying == 1
    await desk.relay()
    assert desk.queue.bodies == []


async def test_while_the_broker_is_away_messages_are_not_received_until_sqs_gives_them_up(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.queue = MemoryQueue(visibility_seconds=0)
    desk.notices = Notices(desk.queue, desk.broker, desk.database, desk.storage)  # type: ignore[arg-type]
    await desk.queue.send(json.dumps(notice()))
    received, tries = [], []
    receive, publish = desk.queue.receive, desk.broker.publish

    async def counted(wait_seconds: int) -> list[Message]:
        received.append(wait_seconds)
        return await receive(wait_seconds)

    async def moody(records: Sequence[Record]) -> None:
        tries.append(records)
        if len(tries) < 30:
            raise DependencyUnavailable("kafka", "down")
        await publish(records)

    monkeypatch.setattr(health, "backoff", lambda attempt, cap: 0.0)
    monkeypatch.setattr(desk.queue, "receive", counted)
    monkeypatch.setattr(desk.broker, "publish", moody)
    await desk.notices.relay(Readiness(), 0)
    assert (len(received), len(desk.completed)) == (1, 1)


async def test_a_notice_that_comes_twice_is_told_under_the_same_id() -> None:
    desk = Desk()
    for _ in range(2):
        await desk.queue.send(json.dumps(notice()))
        await desk.relay()
    first, second = desk.broker.topics[topics.INFERENCE_COMPLETED.name]
    assert dict(first.headers)["ce_id"] == dict(second.headers)["ce_id"]


@pytest.mark.parametrize("order", [("Completed", "Failed"), ("Failed", "Completed")])
async def test_of_two_calls_under_one_id_the_one_with_an_answer_counts(order: Sequence[str]) -> None:
    desk = Desk()
    await desk.queue.send(*(json.dumps(notice(status)) for status in order))
    await desk.relay()
    assert (len(desk.completed), len(desk.failed)) == (1, 0)


async def test_expiry_is_its_own_end_and_trying_again_helps() -> None:
    desk = Desk()
    await desk.queue.send(json.dumps(notice("Expired", responseParameters={})))
    await desk.relay()
    (event,) = desk.failed
    assert event.expired
    assert event.failure.retryable


async def failure(body: bytes | None, **more: Any) -> InferenceFailed:
    """The event that comes of a failed notice with this error file."""
    desk = Desk()
    if body is not None:
        await desk.storage.put("valence", "inference/failure/1-error.out", body, "application/json")
    await desk.queue.send(json.dumps(notice("Failed", **more)))
    await desk.relay()
    (event,) = desk.failed
    assert not event.expired
    assert desk.queue.bodies == []
    return event


async def test_our_containers_own_words_reach_the_person() -> None:
    told = {"code": "object_replaced", "message": "the object was replaced: upload it again", "retryable": False}
    event = await failure(json.dumps(told).encode())
    assert (event.failure.code, event.failure.message, event.failure.retryable) == tuple(told.values())


@pytest.mark.parametrize(
    "body",
    [None, b"", b"\x00garbage", b"Internal Server Error", b'{"message": "no code"}', b"[" * 50_000, b" " * 70_000, b'{"code":"\xff"}'],
)
async def test_any_other_error_file_is_a_failure_with_sagemakers_reason(body: bytes | None) -> None:
    event = await failure(body, failureReason="ModelError: out of memory")
    assert event.failure.code == "inference_error"
    assert "out of memory" in event.failure.message
    assert event.failure.retryable


async def test_a_failure_without_a_location_or_a_reason_is_still_told() -> None:
    event = await failure(None, responseParameters={})
    assert event.failure.code == "inference_error"


async def test_words_that_postgresql_or_a_topic_could_not_hold_are_made_to_fit() -> None:
    event = await failure(json.dumps({"code": "x\x00", "message": "\x00" + "long " * 12_000}).encode())
    assert "\x00" not in event.failure.code + event.failure.message
    assert len(codec.encode(event)) < MAX_EVENT_BYTES / 10


async def test_while_s3_is_away_the_notice_waits() -> None:
    desk = Desk()
    desk.storage.away = True
    await desk.queue.send(json.dumps(notice("Failed")))
    readiness = Readiness()
    relaying = asyncio.create_task(desk.notices.relay(readiness, 0))
    await until(lambda: "waiting for s3" in readiness.obstacles, "the wait")
    assert len(desk.queue.bodies) == 1
    desk.storage.away = False
    assert await relaying == 1


def test_other_fields_that_aws_may_add_do_not_matter() -> None:
    found = read(json.dumps(notice(newField={"a": 1})))
    assert found is not None
    assert parse_inference_id(found.inference_id) == (UPLOAD, 1)


def test_an_event_of_a_notice_carries_its_key() -> None:
    record: Record = codec.record(
        InferenceCompleted(upload_id=UPLOAD, attempt=1, inference_id=f"{UPLOAD}.1", output_location=OUTPUT), "/tests"
    )
    assert record.key == str(UPLOAD).encode()
