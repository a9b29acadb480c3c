"""How an invocation ended, as an event: what a notice says, or what lies in S3."""

from __future__ import annotations

import logging
from uuid import UUID

import msgspec

from runtime.errors import AccessDenied, ObjectMissing, PermanentError
from runtime.storage import ObjectStorage, locate
from schemas.events import InferenceCompleted, InferenceFailed
from schemas.failures import Failure, FailureCode
from schemas.jobs import inference_id

log = logging.getLogger(__name__)

#: The container's error bodies are small; one that is not is not ours.
MAX_ERROR_BYTES = 65_536
#: The endpoint's words are cut: an event stays far below what a topic takes.
_MOST_CHARACTERS = 1_000


def completed(upload_id: UUID, attempt: int, output_location: str) -> InferenceCompleted:
    """The answer lies at `output_location`."""
    job_id = inference_id(upload_id, attempt)
    return InferenceCompleted(upload_id=upload_id, attempt=attempt, inference_id=job_id, output_location=output_location)


def expired(upload_id: UUID, attempt: int) -> InferenceFailed:
    """The endpoint did not get to the job in time."""
    failure = Failure(
        code=FailureCode.INFERENCE_EXPIRED, message="the endpoint did not get to this video in time: try again", retryable=True
    )
    return InferenceFailed(
        upload_id=upload_id, attempt=attempt, inference_id=inference_id(upload_id, attempt), failure=failure, expired=True
    )


async def failed(
    storage: ObjectStorage, upload_id: UUID, attempt: int, location: str | None, reason: str = "the endpoint gave no reason"
) -> InferenceFailed:
    """The endpoint gave up: for the reason that its container wrote to the failure location, or else for `reason`."""
    failure = await _told(storage, location) if location else None
    if failure is None:
        failure = Failure(code=FailureCode.INFERENCE_ERROR, message=f"the analysis failed ({reason}): try again", retryable=True)
    failure = Failure(code=_plain(failure.code), message=_plain(failure.message), retryable=failure.retryable)
    return InferenceFailed(upload_id=upload_id, attempt=attempt, inference_id=inference_id(upload_id, attempt), failure=failure)


def _plain(text: str) -> str:
    """Text from the endpoint as PostgreSQL can hold it."""
    return text[:_MOST_CHARACTERS].replace("\x00", "\N{REPLACEMENT CHARACTER}")


async def _told(storage: ObjectStorage, location: str) -> Failure | None:
    """What our container says of itself; None where the error came from somewhere else, like SageMaker's own front."""
    try:
        body = await storage.get(*locate(location), MAX_ERROR_BYTES)
        return msgspec.json.decode(body, type=Failure)
    except AccessDenied as error:  # the upload has failed either way, and other notices must not wait for a permission
        log.error("why the endpoint failed cannot be read: %s", error)
        return None
    except (ObjectMissing, PermanentError, ValueError, RecursionError):
        return None
