"""What can go wrong in the container, each with the code, the HTTP status and whether trying again can help."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path


class ModelError(Exception):
    """The container could not answer; `code`, `status` and `retryable` go into the answer's body and status line."""

    code = "inference_error"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    retryable = True


class SettingsInvalid(ModelError):
    """A setting is missing or is not what it should be."""

    code = "settings_invalid"
    retryable = False


class ProfileUnavailable(ModelError):
    """The profile that was asked for cannot be loaded."""

    code = "profile_unavailable"
    retryable = False


class WeightsUnreadable(ModelError):
    """A weight that the profile needs is missing or damaged."""

    code = "weights_unreadable"
    retryable = False

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the weights {path} of the bundled profile cannot be read: {reason}; "
            "they are part of the repository: check out the file again, or make it anew with `python -m model.training train text`"
        )


class FusionRefused(ModelError):
    """A checkpoint of voice, face and fusion is missing, damaged, or not made for what is loaded beside it."""

    code = "fusion_refused"
    retryable = False

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the fusion {path} cannot be used: {reason}; VALENCE_MODEL_FUSION must name a folder that `valence model train` wrote, "
            "or must not be set"
        )


class OutOfMemory(ModelError):
    """This video needed more memory than there was. What the model took for it is given back, and later videos are analysed.

    At the limit itself one beside it, or the next, may still fail in the same way: each gives back what it took.
    """

    code = "out_of_memory"

    def __init__(self) -> None:
        super().__init__("the model ran out of memory over this video: try again later, or on a larger kind of instance")

    @staticmethod
    def is_meant_by(error: Exception) -> bool:
        """Whether an error says so: Python's and NumPy's own, torch's by its name, and torch's, ONNX Runtime's and C++'s by their words.

        A thread that cannot be started is one of them: its stack found no room.
        """
        named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        return named or any(words in str(error) for words in ("allocate memory", "std::bad_alloc", "can't start new thread"))


class WeightsMissing(ModelError):
    """A weight that the profile needs is not where it should be."""

    code = "weights_missing"
    retryable = False

    def __init__(self, profile: str, setting: str, value: str, places: Sequence[Path]) -> None:
        looked = " and ".join(map(str, places))
        super().__init__(
            f"the profile {profile!r} has no weights for {setting}={value}: there is no {looked}; "
            f"get them with `VALENCE_MODEL_PROFILE={profile} {setting}={value} valence model fetch`"
        )


class WeightsRefused(ModelError):
    """A weight is there and is not what the profile can load: damaged, of another architecture, or holding code."""

    code = "weights_refused"
    retryable = False

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the weights {path} are refused: {reason}")


class FetchFailed(ModelError):
    """Weights could not be got from where they are published."""

    code = "fetch_failed"


class RecogniserDied(ModelError):
    """A process of the recogniser ended in the middle of its work; a new one has been started."""

    code = "recogniser_died"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class Abandoned(ModelError):
    """Whoever asked for this analysis has left, so it was not finished."""

    code = "abandoned"

    def __init__(self) -> None:
        super().__init__("whoever asked for this analysis has left before it was done: ask again")


class Busy(ModelError):
    """So many invocations wait already that one more is not taken."""

    code = "busy"
    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, taken: int) -> None:
        super().__init__(f"the container has {taken} videos to analyse already, the most that it takes: try again later, or start another")


class StorageUnavailable(ModelError):
    """The object cannot be read at the moment: S3 is away, throttles or refuses the container's role."""

    code = "storage_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class BadRequest(ModelError):
    """The request is not one that the container understands."""

    code = "bad_request"
    status = HTTPStatus.BAD_REQUEST
    retryable = False


class UnsupportedContentType(BadRequest):
    """The request's content type is neither a job nor a video."""

    code = "unsupported_content_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NotAcceptable(BadRequest):
    """The answer was asked for in a form that there is not."""

    code = "not_acceptable"
    status = HTTPStatus.NOT_ACCEPTABLE


class BodyTooLarge(BadRequest):
    """A body sent directly is larger than the limit."""

    code = "body_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ObjectMissing(ModelError):
    """The object that the job names does not exist."""

    code = "object_missing"
    status = HTTPStatus.NOT_FOUND
    retryable = False


class ObjectReplaced(ModelError):
    """The object is no longer the one that was validated."""

    code = "object_replaced"
    status = HTTPStatus.CONFLICT
    retryable = False


class MediaRefused(ModelError):
    """The media itself is at fault; `code` says which rule it broke."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    retryable = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
