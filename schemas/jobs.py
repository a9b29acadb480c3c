"""The request that the pipeline puts in S3 for the endpoint's container: which object to analyse, and how."""

from __future__ import annotations

from uuid import UUID

import msgspec

#: Where the endpoint puts its answers, and the errors in their place, in the bucket of Valence.
OUTPUT_PREFIX = "inference/output"
FAILURE_PREFIX = "inference/failure"
#: No person tries again as often; the number fits every place that holds it.
MOST_ATTEMPTS = 1_000_000


class AnalysisOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the uploader may choose. `captions`: take the words from the file's caption track where it has one."""

    captions: bool = False


class InferenceJob(msgspec.Struct, frozen=True, kw_only=True):
    """A video to analyse: an object that must still have this ETag, read by ranges with If-Match."""

    upload_id: UUID
    attempt: int
    bucket: str
    key: str
    etag: str
    bytes: int
    options: AnalysisOptions = AnalysisOptions()


def job_key(upload_id: UUID, attempt: int) -> str:
    """The key of the job's object in the bucket of Valence."""
    return f"jobs/{upload_id}/{attempt}.json"


def source_key(upload_id: UUID) -> str:
    """The key of an upload's bytes in the bucket of Valence."""
    return f"uploads/{upload_id}/source"


def thumbnail_key(upload_id: UUID, etag: str) -> str:
    """The key of a small picture of the upload's object that has this ETag; of no bytes where it has no pictures."""
    return f"uploads/{upload_id}/thumbnail/{etag}.jpg"


def inference_id(upload_id: UUID, attempt: int) -> str:
    """The id under which an attempt is invoked, at most 64 characters as InvokeEndpointAsync demands."""
    return f"{upload_id}.{attempt}"


def parse_inference_id(text: str) -> tuple[UUID, int]:
    """The upload and the attempt of an inference id; ValueError for one that is not ours."""
    upload, _, attempt = text.partition(".")
    if not attempt.isascii() or not attempt.isdigit() or not 1 <= int(attempt) <= MOST_ATTEMPTS:
        raise ValueError(f"inference id {text!r} is not '<upload id>.<attempt>': this invocation was not made by Valence")
    return UUID(upload), int(attempt)
