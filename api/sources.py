"""Which objects in S3 an account may name as the source of an upload: its own, as docs/decisions/0009 says."""

from __future__ import annotations

from uuid import UUID

from api.problems import SourceNotAllowed
from runtime.settings import Settings
from runtime.storage import locate


def locate_own(settings: Settings, account_id: UUID, address: str) -> tuple[str, str]:
    """The bucket and the key of an `s3://bucket/key` address below an allowed prefix, in the account's own folder there; SourceNotAllowed
    for every other.

    Whoever knows the key of somebody else's object could read what is said in it by having it analysed.
    """
    try:
        bucket, key = locate(address)
    except ValueError as error:
        raise SourceNotAllowed(f"source is {address!r}: expected an address of the form s3://bucket/key") from error
    folders = tuple(f"{prefix}{account_id}/" for prefix in settings.allowed_sources)
    if not (settings.may_be_source(bucket, key) and address.startswith(folders)):
        raise SourceNotAllowed(
            f"source is {address!r}: it must lie in the account's own folder, below {' or '.join(folders)}, with no empty part, `.` or "
            "`..` between its slashes; copy it there, or upload its bytes"
        )
    return bucket, key
