"""What a child and its parent say to each other: frames of a tag, a length and bytes over a socket pair.

Nothing here unpickles: the child has parsed a stranger's file, and its parent must not run what it sends.
"""

from __future__ import annotations

import socket
import struct
from enum import IntEnum

import msgspec

from media.limits import MediaLimits
from schemas.failures import RejectionCode

#: The longest frame either side takes: above the longest range that a child asks for and above any outcome.
LONGEST_FRAME = 32 * 1024**2
#: The longest thumbnail: some ten times what one of that size takes.
MOST_THUMBNAIL_BYTES = 256 * 1024
RANGE = struct.Struct("<QQ")
_HEADER = struct.Struct("<BI")


class Tag(IntEnum):
    """What a frame is; the comment says who sends it and what the bytes are."""

    READY = 1  # child: imports done and the self-test passed
    TASK = 2  # parent: Task as JSON
    READ = 3  # child: offset and length
    BYTES = 4  # parent: the range
    SOURCE_FAILED = 5  # parent: the source raised; nothing more can be read
    SOUND = 6  # child: a block of float32
    DONE = 7  # child: MediaInfo or Decoded as JSON
    REJECTED = 8  # child: Refusal as JSON
    STOPPED = 9  # child: the task ended because of SOURCE_FAILED
    FAULT = 10  # child: a traceback of an error that no file should cause
    PICTURE = 11  # child: a Picture, packed
    THUMBNAIL = 12  # child: a JPEG, no bytes where the file has no picture; the task is done


_TAGS = frozenset(Tag)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is to do with a source of `size` bytes: look at it, or make a `thumbnail` of it, or `decode` it.

    Captions and pictures are decoded where they are asked for.
    """

    size: int
    limits: MediaLimits
    thumbnail: bool = False
    decode: bool = False
    captions: bool = False
    pictures: bool = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A Rejected on its way to the parent."""

    code: RejectionCode
    message: str


class Closed(Exception):
    """The other side is gone."""


class Wire:
    """One end of the socket pair. Every send and receive may take `timeout` seconds, for ever where None; then TimeoutError."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, tag: Tag, data: bytes = b"", timeout: float | None = None) -> None:
        self._end.settimeout(timeout)
        try:
            self._end.sendall(_HEADER.pack(tag, len(data)))
            if data:
                self._end.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed("the other side closed while it was sent something") from error

    def receive(self, timeout: float | None = None) -> tuple[Tag, bytearray]:
        self._end.settimeout(timeout)
        tag, length = _HEADER.unpack(self._exactly(_HEADER.size))
        if length > LONGEST_FRAME:
            raise Closed(f"the other side announced a frame of {length} bytes, more than {LONGEST_FRAME}")
        if tag not in _TAGS:
            raise Closed(f"the other side sent a frame of unknown tag {tag}")
        return Tag(tag), self._exactly(length)

    def close(self) -> None:
        self._end.close()

    def _exactly(self, length: int) -> bytearray:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            try:
                count = self._end.recv_into(view)
            except ConnectionResetError:
                count = 0
            if count == 0:
                raise Closed("the other side is gone")
            view = view[count:]
        return data
