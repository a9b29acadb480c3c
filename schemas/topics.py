"""The topics: one table with what flows on each, its partitions and its retention."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from schemas import events

DAY_MILLISECONDS = 86_400_000
#: Of a record, or a batch of them, on a topic: Kafka's own default.
MOST_RECORD_BYTES = 1_048_588
#: A dead letter is a record of any size and the headers that say why it is one.
MOST_DEAD_LETTER_BYTES = 2 * MOST_RECORD_BYTES


class Cleanup(StrEnum):
    """Kafka's `cleanup.policy`."""

    DELETE = "delete"
    COMPACT_DELETE = "compact,delete"


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic, the event it carries, and how the broker keeps it. The key of every record is the upload id.

    `public`: programs that are not ours may write it, so that its records prove nothing about our own.
    """

    name: str
    event: type[events.Event] | None
    summary: str
    cleanup: Cleanup = Cleanup.DELETE
    retention_days: int = 7
    partitions: int = 6
    most_bytes: int = MOST_RECORD_BYTES
    public: bool = False

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for this topic."""
        return {
            "cleanup.policy": self.cleanup.value,
            "retention.ms": str(self.retention_days * DAY_MILLISECONDS),
            "max.message.bytes": str(self.most_bytes),
            "compression.type": "uncompressed",  # or a small batch could hold a record that no dead-letter topic takes
        }

    @property
    def dead_letters(self) -> str:
        """The topic that takes this topic's records that could not be processed."""
        return f"{self.name}.dlq"


UPLOADS_RECEIVED = Topic(name="uploads.received.v1", event=events.UploadReceived, summary="Videos that want to be analysed.", public=True)
UPLOADS_VALIDATED = Topic(name="uploads.validated.v1", event=events.UploadValidated, summary="Videos that passed validation.")
UPLOADS_REJECTED = Topic(name="uploads.rejected.v1", event=events.UploadRejected, summary="Videos that did not pass validation.")
INFERENCE_REQUESTED = Topic(name="inference.requested.v1", event=events.InferenceRequested, summary="Jobs the endpoint accepted.")
INFERENCE_COMPLETED = Topic(name="inference.completed.v1", event=events.InferenceCompleted, summary="Answers the endpoint wrote to S3.")
INFERENCE_FAILED = Topic(name="inference.failed.v1", event=events.InferenceFailed, summary="Jobs without an answer.")
ANALYSES_PERSISTED = Topic(
    name="analyses.persisted.v1",
    event=events.AnalysisPersisted,
    summary="Analyses that can be fetched. Dedupe by ce_id.",
    cleanup=Cleanup.COMPACT_DELETE,
)
UPLOADS_STATUS = Topic(
    name="uploads.status.v1",
    event=events.UploadStatusChanged,
    summary="Every status of every upload. Dedupe by ce_id, or by upload id and sequence.",
    cleanup=Cleanup.COMPACT_DELETE,
)

#: Topics with an event on them.
EVENT_TOPICS = (
    UPLOADS_RECEIVED,
    UPLOADS_VALIDATED,
    UPLOADS_REJECTED,
    INFERENCE_REQUESTED,
    INFERENCE_COMPLETED,
    INFERENCE_FAILED,
    ANALYSES_PERSISTED,
    UPLOADS_STATUS,
)

#: Topics that a stage or the status projector reads. Each has a topic for dead letters.
CONSUMED_TOPICS = (
    UPLOADS_RECEIVED,
    UPLOADS_VALIDATED,
    UPLOADS_REJECTED,
    INFERENCE_REQUESTED,
    INFERENCE_COMPLETED,
    INFERENCE_FAILED,
    ANALYSES_PERSISTED,
)

DEAD_LETTER_TOPICS = tuple(
    Topic(
        name=topic.dead_letters,
        event=None,
        summary=f"Records of {topic.name} that could not be processed.",
        retention_days=30,
        most_bytes=MOST_DEAD_LETTER_BYTES,
    )
    for topic in CONSUMED_TOPICS
)

#: Every topic that `valence topics create` makes.
TOPICS = EVENT_TOPICS + DEAD_LETTER_TOPICS

#: Which topic an event belongs to.
TOPIC_OF: dict[type[events.Event], Topic] = {topic.event: topic for topic in EVENT_TOPICS if topic.event is not None}
