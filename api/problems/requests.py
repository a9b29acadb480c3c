"""What is wrong with a request, whatever it asks for."""

from http import HTTPStatus

from api.problems.problem import Problem


class InvalidRequest(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "A value of the request is not valid"


class MalformedRequest(Problem):
    status, name, title = HTTPStatus.BAD_REQUEST, "malformed-request", "The request cannot be read"


class NoSuchRoute(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-route", "There is nothing at this address"


class MethodNotAllowed(Problem):
    status, name, title = HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "The address does not take this method"


class NotAcceptable(Problem):
    status, name, title = HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", "None of the accepted formats can be given"


class BodyTooLarge(Problem):
    status, name, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", "The body of the request is too large"


class UnsupportedMediaType(Problem):
    status, name, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body has another media type than expected"


class FormData(Problem):
    status, name, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "form-data", "A form was sent instead of the file"


class RequestInProgress(Problem):
    status, name, title = HTTPStatus.CONFLICT, "request-in-progress", "The first request with this idempotency key is still being worked on"


class IdempotencyKeyReused(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key belongs to another request"
