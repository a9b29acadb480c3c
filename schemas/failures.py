"""Why an upload was not analysed: one code a reason, each with whether trying again can help."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class RejectionCode(StrEnum):
    """Why validation refuses an upload; the file is at fault, so a retry of the same object does not help,
    unless the account's quota was, or who may read the object."""

    UNKNOWN_ACCOUNT = "unknown_account"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    OBJECT_MISSING = "object_missing"
    OBJECT_UNREADABLE = "object_unreadable"
    OBJECT_EMPTY = "object_empty"
    OBJECT_REPLACED = "object_replaced"
    SIZE_MISMATCH = "size_mismatch"
    FORM_DATA = "form_data"
    NOT_MEDIA = "not_media"
    NO_STREAMS = "no_streams"
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_MANY_PIXELS = "too_many_pixels"
    UNSUPPORTED_SOUND = "unsupported_sound"
    UNSAFE_MEDIA = "unsafe_media"
    QUOTA_EXCEEDED = "quota_exceeded"


class FailureCode(StrEnum):
    """Why an accepted upload has no analysis."""

    OBJECT_REPLACED = "object_replaced"
    INVALID_INVOCATION = "invalid_invocation"
    INFERENCE_ERROR = "inference_error"
    INFERENCE_EXPIRED = "inference_expired"
    INVALID_ANALYSIS = "invalid_analysis"
    DEAD_LETTERED = "dead_lettered"
    UPLOAD_ABANDONED = "upload_abandoned"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, in words for the person who uploaded, and whether a retry can help.

    `code` is a RejectionCode, a FailureCode or a code that the endpoint's container gave; `message` names the value that was
    wrong, what was expected and what to do next.
    """

    code: str
    message: str
    retryable: bool = False
