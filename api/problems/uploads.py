"""Uploads, their content and their analyses."""

from http import HTTPStatus

from api.problems.problem import Problem


class NoSuchUpload(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-upload", "There is no such upload"


class NoAnalysis(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-analysis", "The upload has no such analysis"


class NoThumbnail(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-thumbnail", "The upload has no picture"


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


class EmptyContent(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "empty-content", "The content is empty"


class SizeMismatch(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "size-mismatch", "The content has another size than was declared"


class IncompleteContent(Problem):
    status, name, title = HTTPStatus.BAD_REQUEST, "incomplete-content", "The connection was closed before the content's end"


class ContentStalled(Problem):
    status, name, title = HTTPStatus.REQUEST_TIMEOUT, "content-stalled", "No more content came"


class SourceNotAllowed(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "source-not-allowed", "The source may not be read"


class SourceMissing(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "source-missing", "There is no such object"


class TooManyContents(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-contents", "The account sends too many videos at once"


class SizeUnknown(Problem):
    status, name, title = HTTPStatus.CONFLICT, "size-unknown", "The size of the content was not declared"


class TooMuchUnsent(Problem):
    status, name, title = HTTPStatus.CONFLICT, "too-much-unsent", "The account has too many uploads whose content has not come"


class InvalidPart(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-part", "The upload cannot have such a part"


class PartsMissing(Problem):
    status, name, title = HTTPStatus.CONFLICT, "parts-missing", "Not all parts of the content have come"


class PartsDiffer(Problem):
    status, name, title = HTTPStatus.CONFLICT, "parts-differ", "The parts that have come are not those that were named"


class DigestMismatch(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "digest-mismatch", "The bytes that came are not those that were sent"


class UploadEnded(Problem):
    status, name, title = HTTPStatus.CONFLICT, "upload-ended", "The upload has ended without its content"


class AlreadyEnded(Problem):
    status, name, title = HTTPStatus.CONFLICT, "already-ended", "The upload has come to an end already"


class ContentMissing(Problem):
    status, name, title = HTTPStatus.CONFLICT, "content-missing", "The upload has no content yet"
