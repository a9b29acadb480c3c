"""The status projector: what the chain's events mean for an upload's status, kept in PostgreSQL and published for subscribers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from consumers.reader import event_of, read
from runtime import database, process, telemetry, uploads
from runtime.database import Connection
from runtime.kafka import Received
from runtime.process import Process
from schemas import topics
from schemas.codec import InvalidEvent, decode
from schemas.dead_letters import cause_of, original_headers
from schemas.events import (
    AnalysisPersisted,
    Event,
    InferenceFailed,
    InferenceRequested,
    UploadReceived,
    UploadRejected,
    UploadValidated,
)
from schemas.failures import Failure, FailureCode
from schemas.status import Status

log = logging.getLogger(__name__)

GROUP = "consumers.status-projector"
SOURCE = "/consumers/status-projector"

_EVENT_TOPICS = {
    topic.name: topic
    for topic in (
        topics.UPLOADS_VALIDATED,
        topics.UPLOADS_REJECTED,
        topics.INFERENCE_REQUESTED,
        topics.INFERENCE_FAILED,
        topics.ANALYSES_PERSISTED,
    )
}
_DEAD_LETTER_TOPICS = {topic.dead_letters: topic for topic in topics.CONSUMED_TOPICS}

TOPICS = (*_EVENT_TOPICS, *_DEAD_LETTER_TOPICS)


def status_of(event: Event) -> tuple[Status, Failure | None]:
    """The status that an event of the chain brings, and why, where it is not a good one."""
    match event:
        case UploadValidated():
            return Status.VALIDATED, None
        case UploadRejected(failure=failure):
            return Status.REJECTED, failure
        case InferenceRequested():
            return Status.ANALYSING, None
        case InferenceFailed(failure=failure, expired=expired):
            return Status.EXPIRED if expired else Status.FAILED, failure
        case AnalysisPersisted():
            return Status.COMPLETED, None
    raise TypeError(f"{type(event).__name__} brings no status")


async def project(connection: Connection, records: Sequence[Received]) -> None:
    """Apply the records in order; what is late, repeated or about an unknown upload changes nothing."""
    for record in records:
        if record.topic in _DEAD_LETTER_TOPICS:
            await _project_dead_letter(connection, record)
            continue
        told = event_of(record, _EVENT_TOPICS)
        if told is None:
            continue
        envelope, event = told
        status, failure = status_of(event)
        with telemetry.following(event.upload_id, f"project {envelope.type}", envelope.traceparent):
            await uploads.apply_status(connection, event.upload_id, event.attempt, status, SOURCE, failure)


async def _project_dead_letter(connection: Connection, record: Received) -> None:
    """An upload whose event cannot be processed has failed, until an operator redrives the record."""
    try:
        _, event = decode(_DEAD_LETTER_TOPICS[record.topic], record.key, record.value, original_headers(record.headers))
        cause = cause_of(record.headers)
    except InvalidEvent:
        return  # no event, so no upload was ever accepted by it
    except msgspec.ValidationError as error:
        log.error("ignored, since no stage of ours wrote it: %s", error, extra={"topic": record.topic, "offset": record.offset})
        return
    if isinstance(event, UploadReceived):
        upload = await database.row(connection, "upload", id=event.upload_id)
        if upload is None or upload["account_id"] != event.account_id:
            return  # somebody used another account's id: that account's upload is none of this event's business
    message = f"this video could not be processed by {cause.stage}; the operator can see why: try again later"
    failure = Failure(code=FailureCode.DEAD_LETTERED, message=message, retryable=True)
    await uploads.apply_status(connection, event.upload_id, event.attempt, Status.FAILED, SOURCE, failure)


async def work(running: Process) -> None:
    """Project until told to stop."""
    await read(running, GROUP, TOPICS, project)


if __name__ == "__main__":
    process.run(GROUP, work)
