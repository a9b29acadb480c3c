"""When notices that were told are deleted from SQS: together with others, soon, and each of them, whoever of the readers told it."""

from __future__ import annotations

import asyncio
import json

import pytest

from producers import sagemaker_notices
from runtime.errors import DependencyUnavailable
from runtime.health import Readiness
from tests.notices import UPLOAD, Desk, notice
from tests.waiting import until


async def test_each_notice_is_told_at_once_and_ten_are_deleted_together() -> None:
    desk = Desk()
    for number in range(1, 11):
        await desk.queue.send(json.dumps(notice(inference_id=f"{UPLOAD}.{number}")))
        await desk.notices.relay(Readiness(), 0)
        assert (len(desk.completed), len(desk.queue.bodies)) == (number, number % 10)


async def test_a_notice_that_was_told_does_not_wait_for_nine_others(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    await desk.queue.send(json.dumps(notice()))
    await desk.notices.relay(Readiness(), 0)
    monkeypatch.setattr(sagemaker_notices, "DELETE_SECONDS", 0.0)
    await desk.queue.send(json.dumps(notice()))
    await desk.notices.relay(Readiness(), 0)
    assert desk.queue.bodies == []


async def test_what_sqs_could_not_delete_is_deleted_when_it_is_back() -> None:
    desk = Desk()
    await desk.queue.send(json.dumps(notice()))
    await desk.notices.relay(Readiness(), 0)
    desk.queue.away = True
    with pytest.raises(DependencyUnavailable):
        await desk.notices.delete()
    desk.queue.away = False
    await desk.notices.delete()
    assert desk.queue.bodies == []


async def test_what_one_reader_tells_while_another_waits_is_deleted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, readiness = Desk(), Readiness()
    desk.storage.away = True
    await desk.queue.send(json.dumps(notice("Failed", inference_id=f"{UPLOAD}.1")))
    slow = asyncio.create_task(desk.notices.relay(readiness, 0))
    await until(lambda: "waiting for s3" in readiness.obstacles, "the wait")
    for number, seconds in ((2, 0.0), (3, 60.0)):  # deleted at once, and not yet
        monkeypatch.setattr(sagemaker_notices, "DELETE_SECONDS", seconds)
        await desk.queue.send(json.dumps(notice(inference_id=f"{UPLOAD}.{number}")))
        await desk.notices.relay(Readiness(), 0)
    desk.storage.away = False
    await slow
    await desk.notices.delete()
    assert desk.queue.bodies == []
