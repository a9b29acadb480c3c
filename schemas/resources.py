"""What flows over HTTP: the requests and answers of the API, which the Python client reads with the same structs."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from schemas.analysis import Emotion, Sentiment
from schemas.events import Bytes, Name
from schemas.failures import Failure
from schemas.jobs import AnalysisOptions
from schemas.media import MediaInfo
from schemas.status import Status

#: The media type of every error.
PROBLEM_MEDIA_TYPE = "application/problem+json"
#: What a problem's type begins with; its last part is the name that a program compares.
PROBLEM_TYPES = "https://valence.dev/problems/"
#: How long an answer is given again to a request that is repeated under its `Idempotency-Key`.
ANSWERS_KEPT = timedelta(hours=24)

# `$` alone would also match before a line break at the end; `(?!\n)` reads the same in Python and in JSON Schema, where `\Z` is not known.
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+(?!\n)$")]
#: It becomes a header of a request to S3, which takes printable ASCII and nothing else.
MediaType = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+( *;[ -~]*)?(?!\n)$")]


#: The digest of a whole file, as `sha256sum` prints it.
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{64}(?!\n)$")]
#: S3 takes so many parts of an object.
MOST_PARTS = 10_000
PartNumber = Annotated[int, msgspec.Meta(ge=1, le=MOST_PARTS)]
#: The ETag that S3 gave to a part, with or without its quotes.
PartTag = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class UploadOptions(AnalysisOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of an analysis, where a name that does not exist is an error and not ignored."""


class CreateUpload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A video that is about to be sent, or with `source` one that is in S3 already.

    `bytes` is its size and `sha256` its digest in hexadecimal digits, both checked when the content has come. `source` is an
    `s3://bucket/key` address below one of the prefixes that the operator allows.
    """

    filename: FileName
    bytes: Bytes | None = None
    content_type: MediaType | None = None
    sha256: Sha256 | None = None
    options: UploadOptions = UploadOptions()
    source: Name | None = None


class Stage(StrEnum):
    """What is done to an upload in work, in this order."""

    VALIDATE = "validate"
    INVOKE = "invoke"
    ANALYSE = "analyse"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How an upload in work gets on: its stage, how many uploads of everybody are before it, and about how many seconds are left.

    `seconds_left` comes from the throughput of the last hour, and is null where nothing was measured in it.
    """

    stage: Stage
    ahead: int
    seconds_left: int | None


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A moment that an upload is found for: where it begins in seconds, what is said, and the likeliest emotion of it."""

    start: float
    text: str
    emotion: Emotion


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What an upload's newest analysis says in short, and why the upload is in a list.

    `emotions` and `sentiments` are the likeliest ones of at least a tenth of what is said each. `hits` are up to three utterances with the
    words that were searched for, or without words with an emotion that was asked for; none where a file's name was found.
    """

    emotions: list[Emotion]
    sentiments: list[Sentiment]
    hits: list[Hit]


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload as it stands: what was declared, what was found, and how far it has come.

    `bytes` is the size, declared or found; `media` is there once it has been validated; `sequence` counts its statuses from 1. While its
    content may come in parts, `part_size` is the size of each but the last, and `parts_url` the address below which they are put.
    `compute_seconds` is what the newest attempt took to analyse, once it has its analysis. `progress` is there while it is in work, in the
    answers that look at uploads: one, a list, and the snapshot of live events. `found` is there in
    lists.
    """

    id: UUID
    filename: str | None
    content_type: str | None
    bytes: int | None
    source: str
    options: AnalysisOptions
    media: MediaInfo | None
    attempt: int
    status: Status
    sequence: int
    failure: Failure | None
    compute_seconds: float | None = None
    progress: Progress | None = None
    found: Findings | None = None
    created_at: datetime
    updated_at: datetime
    part_size: int | None = None
    parts_url: str | None = None


class StoredPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part that has come: its number from 1, its size, and the ETag that S3 gave it, which is its MD5 unless the bucket has KMS keys."""

    number: int
    bytes: int
    etag: str


class PartList(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that have come, by number: an interrupted upload goes on with the others."""

    part_size: int
    parts: list[StoredPart]


class AskPartUrls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of the parts that are to be sent straight to S3."""

    numbers: Annotated[list[PartNumber], msgspec.Meta(min_length=1, max_length=100)]


class PartUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Where one part may be PUT, without a key, until `expires_at`."""

    number: int
    url: str
    expires_at: datetime


class PartUrls(msgspec.Struct, frozen=True, kw_only=True):
    """An address for each part that was asked for."""

    urls: list[PartUrl]


class SentPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part as its sender knows it."""

    number: PartNumber
    etag: PartTag


class CompleteUpload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts that make up the file; without them, those that have come. Where a part was sent more than once, this says which counts."""

    parts: Annotated[list[SentPart], msgspec.Meta(min_length=1, max_length=MOST_PARTS)] | None = None


class UploadPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some uploads, newest first, and where the next page begins: pass `next_cursor` as `after`; None on the last page.

    A page of a search may have fewer uploads than asked for, or none, and still a next one."""

    data: list[Upload]
    next_cursor: str | None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The first event of an account's stream: the uploads that have not ended, the most recent ones, and whether there are more."""

    uploads: list[Upload]
    truncated: bool


class UploadProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Between statuses: how an upload gets on while its status is the one with this `sequence`; a newer status makes it void."""

    upload_id: UUID
    sequence: int
    progress: Progress


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong value of a request: where it stands, what it was, and what was expected."""

    field: str
    value: object
    expected: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 lays it down; `type` tells a program which one, `detail` tells a person what to do.

    `errors` name the wrong values of a request that is not valid; `upload_status` and `failure` say where an upload stands that does
    not allow what was asked.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FieldError] | None = None
    upload_status: Status | None = None
    failure: Failure | None = None


class Archived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an upload has given to an archive: its `files`, made of its `attempt`, or the `problem` for which there are none."""

    id: str
    filename: str | None = None
    status: Status | None = None
    attempt: int | None = None
    files: list[str] = []
    problem: ProblemDocument | None = None


class ArchiveManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The table of contents of an archive; `complete` is false where there are more uploads than an archive takes."""

    made_at: datetime
    complete: bool
    uploads: list[Archived]
