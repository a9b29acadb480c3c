"""What the server has no room for, or cannot do at the moment."""

from http import HTTPStatus

from api.problems.problem import Problem


class TooManyStreams(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-streams", "The account has too many open streams"


class TooManyArchives(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-archives", "The account is being sent too many archives"


class Busy(Problem):
    status, name, title = HTTPStatus.SERVICE_UNAVAILABLE, "busy", "The server has no room for this at the moment"


class DependencyAway(Problem):
    status, name, title = HTTPStatus.SERVICE_UNAVAILABLE, "dependency-unavailable", "A server that this needs is away"


class InternalError(Problem):
    status, name, title = HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something unexpected went wrong"
