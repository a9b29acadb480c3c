"""An object in S3 as `media/` reads it."""

from __future__ import annotations

from typing import NamedTuple

from runtime.storage import ObjectInfo, ObjectStorage


class ObjectRanges(NamedTuple):
    """An object as the media guard reads it: by ranges, and only as long as it is the one that was looked at."""

    storage: ObjectStorage
    bucket: str
    info: ObjectInfo
    #: What came with the first look; most of what a small file needs.
    beginning: bytes

    @property
    def size(self) -> int:
        return self.info.bytes

    def read_range(self, offset: int, length: int) -> bytes:
        if offset + length <= len(self.beginning):
            return self.beginning[offset : offset + length]
        return self.storage.read_range(self.bucket, self.info.key, self.info.etag, offset, length)
