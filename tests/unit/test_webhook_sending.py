"""When a message is sent again, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from consumers.webhook_messages import told_of
from consumers.webhook_sender import MOST_TRIES, pause
from schemas.events import UploadStatusChanged
from schemas.failures import Failure, FailureCode
from schemas.status import Status
from schemas.webhooks import WebhookEvent
from tests.chain import persisted, upload_received

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def status_changed(status: Status, failure: Failure | None = None) -> UploadStatusChanged:
    return UploadStatusChanged(
        upload_id=uuid4(), account_id=uuid4(), attempt=2, sequence=7, status=status, occurred_at=NOW, failure=failure
    )


def test_pauses_grow_and_a_delivery_is_given_up_after_a_day_and_a_half() -> None:
    pauses = [pause(tries, 0) for tries in range(1, MOST_TRIES)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert timedelta(hours=34) < sum(pauses, timedelta()) < timedelta(hours=38)


@pytest.mark.parametrize("tries", [1, 4, 9])
def test_no_two_pauses_need_be_alike(tries: int) -> None:
    assert pause(tries, -1) == 0.8 * pause(tries, 0)
    assert pause(tries, 1) == 1.2 * pause(tries, 0)


def test_a_message_tells_the_status_under_the_events_own_id() -> None:
    failure = Failure(code=FailureCode.INFERENCE_ERROR, message="it broke", retryable=True)
    event = status_changed(Status.FAILED, failure)
    told = told_of(event, NOW)
    assert told is not None
    assert (told.id, told.account_id) == (event.id, event.account_id)
    assert msgspec.to_builtins(told.message) == {
        "type": "upload.failed",
        "timestamp": "2026-11-26T12:00:00Z",
        "data": {
            "upload_id": str(event.upload_id),
            "attempt": 2,
            "sequence": 7,
            "status": "failed",
            "failure": msgspec.to_builtins(failure),
        },
    }


def test_a_message_tells_where_the_analysis_is_and_how_it_is_in_a_few_numbers() -> None:
    event = persisted(uuid4(), uuid4(), 3)
    told = told_of(event, NOW)
    assert told is not None
    body = msgspec.json.encode(told.message)
    assert len(body) < 1_024
    message = msgspec.json.decode(body)
    assert message["type"] == "analysis.persisted"
    assert message["data"]["path"] == f"/v1/uploads/{event.upload_id}/analysis?attempt=3"
    assert set(message["data"]) == {"upload_id", "attempt", "path", "summary"}


def test_what_its_sender_did_himself_is_not_told_and_everything_after_is() -> None:
    told = {status: told_of(status_changed(status), NOW) for status in Status}
    assert [status for status, message in told.items() if message is None] == [Status.CREATED, Status.UPLOADING]
    types = {message.message.type for message in told.values() if message is not None}
    assert types == {event.value for event in WebhookEvent} - {"analysis.persisted"}


def test_an_event_that_no_webhook_is_told_of_is_a_fault() -> None:
    with pytest.raises(TypeError):
        told_of(upload_received(uuid4(), uuid4()), NOW)
