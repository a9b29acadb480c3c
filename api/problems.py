"""Every error that the API answers with, as problem documents (RFC 9457): one class a problem, which also makes the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import ClassVar

from runtime.errors import ValenceError
from schemas.failures import Failure
from schemas.resources import PROBLEM_TYPES, FieldError, ProblemDocument
from schemas.status import Status


class Problem(ValenceError):
    """An answer that says what went wrong: `detail` names the value, what was expected and what to do next."""

    status: ClassVar[HTTPStatus]
    #: The last part of the problem's type.
    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[FieldError] | None = None,
        upload_status: Status | None = None,
        failure: Failure | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors
        self.upload_status = upload_status
        self.failure = failure

    def document(self, request_id: str | None) -> ProblemDocument:
        """The body of the answer."""
        return ProblemDocument(
            type=PROBLEM_TYPES + self.name,
            title=self.title,
            status=int(self.status),
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
            upload_status=self.upload_status,
            failure=self.failure,
        )


class InvalidRequest(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "A value of the request is not valid"


class MalformedRequest(Problem):
    status, name, title = HTTPStatus.BAD_REQUEST, "malformed-request", "The request cannot be read"


class MissingKey(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "missing-key", "An API key is needed"


class MalformedKey(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "malformed-key", "The API key has a typing error"


class UnknownKey(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "unknown-key", "There is no such API key"


class RevokedKey(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "revoked-key", "The API key was revoked"


class ExpiredKey(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "expired-key", "The API key has expired"


class MissingScope(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "missing-scope", "The API key may not do this"


class NoSuchRoute(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-route", "There is nothing at this address"


class MethodNotAllowed(Problem):
    status, name, title = HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "The address does not take this method"


class NotAcceptable(Problem):
    status, name, title = HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", "None of the accepted formats can be given"


class NoSuchUpload(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-upload", "There is no such upload"


class NoAnalysis(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-analysis", "The upload has no such analysis"


class AnalysisNotReady(Problem):
    status, name, title = HTTPStatus.CONFLICT, "analysis-not-ready", "The analysis is not ready yet"


class UploadNotEnded(Problem):
    status, name, title = HTTPStatus.CONFLICT, "upload-not-ended", "The upload is still being worked on"


class NoAttemptsLeft(Problem):
    status, name, title = HTTPStatus.CONFLICT, "no-attempts-left", "The upload cannot be tried any more"


class ContentAlreadyReceived(Problem):
    status, name, title = HTTPStatus.CONFLICT, "content-already-received", "The upload has its content already"


class ContentTooLarge(Problem):
    status, name, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "content-too-large", "The content is too large"


class BodyTooLarge(Problem):
    status, name, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", "The body of the request is too large"


class EmptyContent(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "empty-content", "The content is empty"


class SizeMismatch(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "size-mismatch", "The content has another size than was declared"


class FormData(Problem):
    status, name, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "form-data", "A form was sent instead of the file"


class UnsupportedMediaType(Problem):
    status, name, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body has another media type than expected"


class IncompleteContent(Problem):
    status, name, title = HTTPStatus.BAD_REQUEST, "incomplete-content", "The connection was closed before the content's end"


class ContentStalled(Problem):
    status, name, title = HTTPStatus.REQUEST_TIMEOUT, "content-stalled", "No more content came"


class SourceNotAllowed(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "source-not-allowed", "The source may not be read"


class SourceMissing(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "source-missing", "There is no such object"


class TooManyStreams(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-streams", "The account has too many open streams"


class TooManyContents(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-contents", "The account sends too many videos at once"


class Busy(Problem):
    status, name, title = HTTPStatus.SERVICE_UNAVAILABLE, "busy", "The server has no room for this at the moment"


class DependencyAway(Problem):
    status, name, title = HTTPStatus.SERVICE_UNAVAILABLE, "dependency-unavailable", "A server that this needs is away"


class InternalError(Problem):
    status, name, title = HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something unexpected went wrong"


#: Problems by the names of their types.
PROBLEMS: dict[str, type[Problem]] = {problem.name: problem for problem in Problem.__subclasses__()}

#: What any route behind a key may answer with.
KEY_PROBLEMS: tuple[type[Problem], ...] = (MissingKey, MalformedKey, UnknownKey, RevokedKey, ExpiredKey, MissingScope)
#: What any route may answer with.
GENERAL_PROBLEMS: tuple[type[Problem], ...] = (MalformedRequest, DependencyAway, InternalError)


def by_status(problems: Iterable[type[Problem]]) -> dict[int, list[type[Problem]]]:
    """Problems grouped as an OpenAPI document wants them."""
    grouped: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        grouped.setdefault(int(problem.status), []).append(problem)
    return grouped


def field_at(field: str, value: object, expected: str) -> FieldError:
    """A wrong value, cut short so that the answer does not repeat a whole body."""
    if isinstance(value, str) and len(value) > 200:
        value = value[:200] + "..."
    elif isinstance(value, (dict, list)):
        value = type(value).__name__
    return FieldError(field=field, value=value, expected=expected)
