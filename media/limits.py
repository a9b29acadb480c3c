"""How much a stranger's file may cost, and the one error that says it may not be opened."""

from __future__ import annotations

import msgspec

from schemas.failures import RejectionCode


class MediaLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a file may hold and what opening it may take; counted on what is decoded, not on what a header claims."""

    #: Size of the object.
    bytes: int = 5 * 1024**3
    #: Decoded sound. Silence that fills a hole in the file's clock counts.
    sound_seconds: float = 7200.0
    #: Longer side of a picture, in pixels; a portrait picture may be as tall as a landscape one is wide.
    width: int = 8192
    #: Shorter side of a picture, in pixels.
    height: int = 4320
    #: Tracks of every kind.
    streams: int = 64
    #: Packets that do not decode, and jumps of the clock, before the rest of the file is given up.
    errors: int = 300
    #: Address space of the child that opens the file.
    memory_bytes: int = 2 * 1024**3
    #: Time the child may take to look at a file; waiting for the source does not count.
    probe_seconds: float = 20.0
    #: Time the child may take to decode a whole file; waiting for the source or for the reader of the sound does not count.
    decode_seconds: float = 1800.0
    #: Processor time that the pictures of a file may take to decode; where it is spent, the rest is only listened to.
    picture_seconds: float = 900.0
    #: Bytes that looking at a file may read, across all its range requests.
    probe_read_bytes: int = 64 * 1024**2
    #: Bytes that decoding may read, as a multiple of the file's size: files that are not interleaved are read in two places.
    decode_reads: float = 8.0


class Rejected(Exception):
    """The file cannot be accepted: `code` says which rule it breaks, `message` what was wrong, what was expected and what to do."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[Rejected], tuple[RejectionCode, str]]:
        return type(self), (self.code, self.message)


class TookTooLong(Rejected):
    """The child was not done in its time, which may be the machine's fault as well as the file's."""
