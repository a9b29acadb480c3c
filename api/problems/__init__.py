"""Every error that the API answers with, as problem documents (RFC 9457): one class a problem, which also makes the documentation."""

from __future__ import annotations

from collections.abc import Iterable

from api.problems.accounts import (
    AccountClosed,
    CrossSite,
    EmailUnverified,
    EmailVerified,
    NoMail,
    NoSuchReceipt,
    NoSuchSession,
    ReceiptUnfinished,
    ResetLinkUsed,
    SessionEnded,
    SessionNeeded,
    SignUpClosed,
    SignUpRefused,
    TooManyTries,
    VerificationLinkUsed,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from api.problems.keys import ExpiredKey, MalformedKey, MissingKey, MissingScope, NoSuchKey, RevokedKey, TooManyKeys, UnknownKey
from api.problems.problem import Problem, field_at
from api.problems.quotas import QuotaExhausted, TooManyRequests
from api.problems.requests import (
    BodyTooLarge,
    FormData,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NoSuchRoute,
    NotAcceptable,
    RequestInProgress,
    UnsupportedMediaType,
)
from api.problems.servers import Busy, DependencyAway, InternalError, TooManyArchives, TooManyStreams
from api.problems.uploads import (
    AlreadyEnded,
    AnalysisNotReady,
    ContentAlreadyReceived,
    ContentMissing,
    ContentStalled,
    ContentTooLarge,
    DigestMismatch,
    EmptyContent,
    IncompleteContent,
    InvalidPart,
    NoAnalysis,
    NoAttemptsLeft,
    NoSuchUpload,
    NoThumbnail,
    PartsDiffer,
    PartsMissing,
    SizeMismatch,
    SizeUnknown,
    SourceMissing,
    SourceNotAllowed,
    TooManyContents,
    TooMuchUnsent,
    UploadEnded,
    UploadNotEnded,
)
from api.problems.webhooks import NoSuchDelivery, NoSuchWebhook, TooManyWebhooks, WebhookDisabled

__all__ = [
    "GENERAL_PROBLEMS",
    "KEY_PROBLEMS",
    "PROBLEMS",
    "AccountClosed",
    "AlreadyEnded",
    "AnalysisNotReady",
    "BodyTooLarge",
    "Busy",
    "ContentAlreadyReceived",
    "ContentMissing",
    "ContentStalled",
    "ContentTooLarge",
    "CrossSite",
    "DependencyAway",
    "DigestMismatch",
    "EmailUnverified",
    "EmailVerified",
    "EmptyContent",
    "ExpiredKey",
    "FormData",
    "IdempotencyKeyReused",
    "IncompleteContent",
    "InternalError",
    "InvalidPart",
    "InvalidRequest",
    "MalformedKey",
    "MalformedRequest",
    "MethodNotAllowed",
    "MissingKey",
    "MissingScope",
    "NoAnalysis",
    "NoAttemptsLeft",
    "NoMail",
    "NoSuchDelivery",
    "NoSuchKey",
    "NoSuchReceipt",
    "NoSuchRoute",
    "NoSuchSession",
    "NoSuchUpload",
    "NoSuchWebhook",
    "NoThumbnail",
    "NotAcceptable",
    "PartsDiffer",
    "PartsMissing",
    "Problem",
    "QuotaExhausted",
    "ReceiptUnfinished",
    "RequestInProgress",
    "ResetLinkUsed",
    "RevokedKey",
    "SessionEnded",
    "SessionNeeded",
    "SignUpClosed",
    "SignUpRefused",
    "SizeMismatch",
    "SizeUnknown",
    "SourceMissing",
    "SourceNotAllowed",
    "TooManyArchives",
    "TooManyContents",
    "TooManyKeys",
    "TooManyRequests",
    "TooManyStreams",
    "TooManyTries",
    "TooManyWebhooks",
    "TooMuchUnsent",
    "UnknownKey",
    "UnsupportedMediaType",
    "UploadEnded",
    "UploadNotEnded",
    "VerificationLinkUsed",
    "WeakPassword",
    "WebhookDisabled",
    "WrongCredentials",
    "WrongPassword",
    "by_status",
    "field_at",
]

#: Problems by the names of their types.
PROBLEMS: dict[str, type[Problem]] = {problem.name: problem for problem in Problem.__subclasses__()}

#: What any route behind a key or a session may answer with.
KEY_PROBLEMS: tuple[type[Problem], ...] = (
    MissingKey,
    MalformedKey,
    UnknownKey,
    RevokedKey,
    ExpiredKey,
    SessionEnded,
    AccountClosed,
    MissingScope,
    CrossSite,
    TooManyRequests,
)
#: What any route may answer with.
GENERAL_PROBLEMS: tuple[type[Problem], ...] = (MalformedRequest, DependencyAway, InternalError)


def by_status(problems: Iterable[type[Problem]]) -> dict[int, list[type[Problem]]]:
    """Problems grouped as an OpenAPI document wants them."""
    grouped: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        grouped.setdefault(int(problem.status), []).append(problem)
    return grouped
