"""API keys that are not accepted."""

from http import HTTPStatus

from api.problems.problem import Problem


class MissingKey(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "missing-key", "A key or a session is needed"


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


class NoSuchKey(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-key", "There is no such API key"


class TooManyKeys(Problem):
    status, name, title = HTTPStatus.CONFLICT, "too-many-keys", "The account has as many keys as it may have"
