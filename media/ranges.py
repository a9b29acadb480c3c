"""Reading an object by ranges as if it were a file: few requests, flat memory, and never a byte more than was asked for."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from typing import BinaryIO, Protocol

#: Ranges are aligned to blocks of this size: FFmpeg reads 32 KiB at a time, a request each would be hundreds.
BLOCK_BYTES = 256 * 1024
#: Blocks kept: 16 MiB, enough for the several places at which a file that is not interleaved is read.
KEPT_BLOCKS = 64
#: A sequential reader's requests double up to this many blocks.
LONGEST_RUN = 16


class Ranges(Protocol):
    """Something that can be read in pieces: an S3 object, a buffer.

    `read_range` gives exactly the bytes [offset, offset + length), which always lie inside `size`; what it raises reaches the caller.
    """

    @property
    def size(self) -> int: ...

    def read_range(self, offset: int, length: int) -> bytes: ...


class WrongRangeLength(Exception):
    """A source answered a range with another number of bytes: it ignored the range, or the object changed."""


class ReadsTooMuch(Exception):
    """The file makes its reader fetch far more bytes than it needs to be understood."""


class MemoryRanges:
    """Bytes that are in memory already, read by ranges."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_range(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class FileRanges:
    """An open file; any number of threads may read it."""

    def __init__(self, file: BinaryIO) -> None:
        self._descriptor = file.fileno()
        self._size = os.fstat(self._descriptor).st_size

    @property
    def size(self) -> int:
        return self._size

    def read_range(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)


def read_exactly(source: Ranges, offset: int, length: int) -> bytes:
    """The bytes [offset, offset + length) of a source; WrongRangeLength when it answers with more or fewer."""
    data = source.read_range(offset, length)
    if len(data) != length:
        # More than was asked for would be written past FFmpeg's buffer, and would be the wrong bytes besides.
        raise WrongRangeLength(
            f"the source answered bytes {offset} to {offset + length - 1} with {len(data)} bytes instead of {length}: "
            "it must honour ranges, and the object must not change while it is read"
        )
    return data


class RangeFile(io.RawIOBase):
    """A source as a seekable, read-only file object, nameless because FFmpeg lets a name choose the demuxer.

    `requests` and `fetched_bytes` count what was asked of the source. Past `most_bytes` reading raises ReadsTooMuch.
    FFmpeg may pass over an error and read on, so the first one is kept in `failure` and every later read is at the end.
    """

    def __init__(self, source: Ranges, *, most_bytes: int | None = None) -> None:
        super().__init__()
        self.requests = 0
        self.fetched_bytes = 0
        self.failure: Exception | None = None
        self._source = source
        self._size = source.size
        self._most_bytes = most_bytes
        self._position = 0
        # Block number -> (its bytes, how many blocks its request fetched).
        self._blocks: OrderedDict[int, tuple[bytes, int]] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        # A lying header seeks anywhere up to 2^63: before the start is the start, past the end reads nothing.
        self._position = min(max(position, 0), 2**63 - 1)
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self.failure is not None or self._position >= self._size:
            return b""
        wanted = self._size - self._position if size < 0 else min(size, self._size - self._position)
        if wanted == 0:
            return b""
        number, start = divmod(self._position, BLOCK_BYTES)
        try:
            data = self._block(number)[start : start + wanted]
        except Exception as failure:
            self.failure = failure
            raise
        self._position += len(data)
        return data

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._fetch(number)
        self._blocks.move_to_end(number)
        return self._blocks[number][0]

    def _fetch(self, number: int) -> None:
        before = self._blocks.get(number - 1)
        run = min(before[1] * 2, LONGEST_RUN) if before else 1
        offset = number * BLOCK_BYTES
        length = min(run * BLOCK_BYTES, self._size - offset)
        if self._most_bytes is not None and self.fetched_bytes + length > self._most_bytes:
            raise ReadsTooMuch(f"the file makes its reader fetch more than {self._most_bytes} bytes")
        self.requests += 1
        self.fetched_bytes += length
        data = read_exactly(self._source, offset, length)
        for i in range(0, length, BLOCK_BYTES):
            self._blocks[number + i // BLOCK_BYTES] = (data[i : i + BLOCK_BYTES], run)
        while len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
