"""The errors that decide what happens to an event: wait, try again, or dead-letter it."""

from __future__ import annotations


class ValenceError(Exception):
    """Every error of Valence that is not a bug."""


class SettingsError(ValenceError):
    """A setting is missing or wrong; the message names the environment variable and what it should hold."""


class DependencyUnavailable(ValenceError):
    """A server that the work needs is away. The record is not at fault: wait and try again, however long it takes."""

    def __init__(self, dependency: str, detail: object) -> None:
        super().__init__(f"{dependency} is unavailable: {detail}")
        self.dependency = dependency


class AccessDenied(DependencyUnavailable):
    """A server refuses this request for want of a permission. Roles are mended, so it is waited for like a server that is away; whoever
    has other work than this one object may know better."""


class PermanentError(ValenceError):
    """The record can never be processed: it goes to the dead letters at once."""


class ObjectMissing(ValenceError):
    """There is no such object in S3."""


class ObjectReplaced(ValenceError):
    """The object in S3 is no longer the one that was asked for: its ETag has changed."""


class ObjectInTheWay(ValenceError):
    """There is another object in S3 than the one, or none, in the place of which an object was to be put; it stays."""


class InvalidInvocation(ValenceError):
    """SageMaker refuses the request itself, so the same request will be refused again."""
