"""The events: what happened to an upload, in the past tense, one struct a version.

Events carry references and summary scores, never transcripts or file names: the analysis is fetched.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID, uuid5

import msgspec

from schemas.analysis import EmotionScores, NoUtterances, SentimentScores
from schemas.failures import Failure
from schemas.jobs import MOST_ATTEMPTS, AnalysisOptions
from schemas.media import MediaInfo
from schemas.status import Status

#: A person's retry or a re-analysis, counted from 1; never a delivery count.
Attempt = Annotated[int, msgspec.Meta(ge=1, le=MOST_ATTEMPTS)]
Bytes = Annotated[int, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
#: Text that PostgreSQL and S3 can hold: no NUL.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the video lies in S3, with its ETag and its size in bytes where the producer knows them."""

    bucket: Name
    key: Name
    etag: Name | None = None
    bytes: Bytes | None = None


class PinnedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source as validation saw it: the object must still have this ETag when it is analysed."""

    bucket: Name
    key: Name
    etag: Name
    bytes: Bytes


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event says: which upload, and which attempt at it."""

    #: The CloudEvents type, with the version that readers rely on.
    TYPE: ClassVar[str]

    upload_id: UUID
    attempt: Attempt

    @property
    def id(self) -> UUID:
        """The event's id: the same for a repeat of the same event, so that readers can drop it."""
        return uuid5(self.upload_id, f"{self.TYPE}/{self.attempt}")


class UploadReceived(Event, frozen=True, kw_only=True):
    """A video is in S3 and wants to be analysed. Whoever may write this topic can submit."""

    TYPE: ClassVar[str] = "upload.received.v1"

    account_id: UUID
    source: Source
    options: AnalysisOptions = AnalysisOptions()


class UploadValidated(Event, frozen=True, kw_only=True):
    """The object is a media file inside the limits."""

    TYPE: ClassVar[str] = "upload.validated.v1"

    account_id: UUID
    source: PinnedSource
    media: MediaInfo
    options: AnalysisOptions = AnalysisOptions()


class UploadRejected(Event, frozen=True, kw_only=True):
    """The object will not be analysed, and why."""

    TYPE: ClassVar[str] = "upload.rejected.v1"

    account_id: UUID
    failure: Failure


class InferenceRequested(Event, frozen=True, kw_only=True):
    """The endpoint has accepted the job."""

    TYPE: ClassVar[str] = "inference.requested.v1"

    account_id: UUID
    inference_id: Name


class InferenceCompleted(Event, frozen=True, kw_only=True):
    """The endpoint has written its answer to S3, at the `s3://` address `output_location`."""

    TYPE: ClassVar[str] = "inference.completed.v1"

    inference_id: Name
    output_location: Name


class InferenceFailed(Event, frozen=True, kw_only=True):
    """The endpoint has given up on the job, or could not be asked; `expired` where it never began."""

    TYPE: ClassVar[str] = "inference.failed.v1"

    inference_id: Name
    failure: Failure
    expired: bool = False


class AnalysisSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An analysis in a few numbers: seconds of video, utterances, and the mean scores weighted by their length.

    The means are None where there are no utterances; `reason` then says why.
    """

    media_seconds: float
    compute_seconds: float
    utterances: Count
    reason: NoUtterances | None = None
    emotions: EmotionScores | None = None
    sentiments: SentimentScores | None = None


class AnalysisPersisted(Event, frozen=True, kw_only=True):
    """The analysis is in PostgreSQL and can be fetched."""

    TYPE: ClassVar[str] = "analysis.persisted.v1"

    account_id: UUID
    summary: AnalysisSummary


class UploadStatusChanged(Event, frozen=True, kw_only=True):
    """An upload has a new status: the whole of it, with a `sequence` that counts from 1 without a gap within the upload."""

    TYPE: ClassVar[str] = "upload.status.v1"

    account_id: UUID
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    status: Status
    occurred_at: datetime
    failure: Failure | None = None

    @property
    def id(self) -> UUID:
        """The event's id; an attempt has many statuses, so the sequence tells them apart."""
        return uuid5(self.upload_id, f"{self.TYPE}/{self.sequence}")


#: Every event version that may be on a topic, by its CloudEvents type.
EVENTS: dict[str, type[Event]] = {
    event.TYPE: event
    for event in (
        UploadReceived,
        UploadValidated,
        UploadRejected,
        InferenceRequested,
        InferenceCompleted,
        InferenceFailed,
        AnalysisPersisted,
        UploadStatusChanged,
    )
}
