"""Which objects in S3 an account may name as the source of an upload."""

from __future__ import annotations

from api.problems import SourceNotAllowed
from runtime.settings import Settings
from runtime.storage import locate


def locate_allowed(settings: Settings, address: str) -> tuple[str, str]:
    """The bucket and the key of an `s3://bucket/key` address below an allowed prefix; SourceNotAllowed for every other."""
    try:
        bucket, key = locate(address)
    except ValueError as error:
        raise SourceNotAllowed(f"source is {address!r}: expected an address of the form s3://bucket/key") from error
    if not settings.may_be_source(bucket, key):
        allowed = ", ".join(settings.allowed_sources)
        raise SourceNotAllowed(
            f"source is {address!r}: it must lie below one of {allowed}, with no empty part, `.` or `..` between its slashes; "
            "copy it there, or upload its bytes"
        )
    return bucket, key
