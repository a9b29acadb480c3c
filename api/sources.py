"""Which objects in S3 an account may name as the source of an upload."""

from __future__ import annotations

from api.problems import SourceNotAllowed
from runtime.settings import Settings
from runtime.storage import locate


def locate_allowed(settings: Settings, address: str) -> tuple[str, str]:
    """The bucket and the key of an `s3://bucket/key` address below an allowed prefix; SourceNotAllowed for every other.

    The bytes that other accounts have uploaded lie in a bucket that Valence may read, so its own folder is never a source.
    """
    try:
        bucket, key = locate(address)
    except ValueError as error:
        raise SourceNotAllowed(f"source is {address!r}: expected an address of the form s3://bucket/key") from error
    if any(part in ("", ".", "..") for part in key.split("/")):  # some S3 servers resolve them like a file system does
        raise SourceNotAllowed(f"source is {address!r}: its key has an empty part, `.` or `..` between slashes; use another key")
    own = f"s3://{settings.storage.bucket}/uploads/"
    prefixes = [prefix for prefix in settings.allowed_sources if prefix != own]
    plain = f"s3://{bucket}/{key}"
    if plain.startswith(own) or not any(plain.startswith(prefix) for prefix in prefixes):
        allowed = ", ".join(prefixes)
        raise SourceNotAllowed(f"source is {address!r}: it must lie below one of {allowed}; copy it there, or upload its bytes")
    return bucket, key
