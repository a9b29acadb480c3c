"""One file in one child: the parent reads the file for it, watches the clock, and judges how it ended."""

from __future__ import annotations

import time
from typing import TypeVar

import msgspec

from media.children import Child, ChildFault
from media.limits import Rejected, TookTooLong
from media.ranges import Ranges, read_exactly
from media.wire import LONGEST_FRAME, RANGE, Closed, Refusal, Tag, Task
from schemas.failures import RejectionCode

T = TypeVar("T")


class Visit:
    """The conversation about one file. `healthy` afterwards: the child may take the next file."""

    def __init__(self, child: Child, source: Ranges, task: Task, seconds: float) -> None:
        self.healthy = False
        self._child = child
        self._source = source
        self._size = task.size
        self._seconds = seconds
        self._left = seconds
        self._source_error: Exception | None = None
        self._said(Tag.TASK, msgspec.json.encode(task))

    def next(self) -> tuple[Tag, bytearray]:
        """The child's next SOUND, PICTURE, THUMBNAIL or DONE, its reads served meanwhile.

        Raises Rejected when the file is refused or its child dies or takes too long, ChildFault for a fault of ours, and what the
        source raised.
        """
        while True:
            tag, data = self._heard()
            if tag is Tag.READ:
                self._read(*self._range(data))
            elif tag in (Tag.SOUND, Tag.PICTURE):
                return tag, data
            elif tag in (Tag.DONE, Tag.THUMBNAIL, Tag.REJECTED, Tag.STOPPED, Tag.FAULT):
                self._end(tag, data)
                return tag, data
            else:
                raise self.broken("it said something that makes no sense")

    def parsed(self, data: bytearray, kind: type[T]) -> T:
        """What the child sent, checked: it has parsed a stranger's file and is not trusted."""
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as error:
            self.healthy = False
            raise self.broken(f"it answered with something else than {kind.__name__}") from error

    def _end(self, tag: Tag, data: bytearray) -> None:
        self.healthy = True
        if self._source_error is not None:
            raise self._source_error
        if tag is Tag.STOPPED:
            self.healthy = False
            raise self.broken("it stopped without being told to")
        if tag is Tag.FAULT:
            raise ChildFault(f"a media child failed:\n{data.decode('utf-8', 'replace')}")
        if tag is Tag.REJECTED:
            refusal = self.parsed(data, Refusal)
            # What made it unsafe may have left it short of memory.
            self.healthy = refusal.code is not RejectionCode.UNSAFE_MEDIA
            raise Rejected(refusal.code, refusal.message)

    def _range(self, data: bytearray) -> tuple[int, int]:
        if len(data) == RANGE.size:
            offset, length = RANGE.unpack(data)
            if 0 < length <= LONGEST_FRAME and offset + length <= self._size:
                return offset, length
        raise self.broken("it asked for bytes that the file does not have")

    def _read(self, offset: int, length: int) -> None:
        try:
            data = read_exactly(self._source, offset, length)
        except Exception as error:
            self._source_error = error
            self._said(Tag.SOURCE_FAILED)
        else:
            self._said(Tag.BYTES, data)

    def _heard(self) -> tuple[Tag, bytearray]:
        began = time.monotonic()
        try:
            return self._child.wire.receive(self._left)
        except (Closed, TimeoutError) as error:
            raise self._gone(error) from error
        finally:
            self._count(began)

    def _said(self, tag: Tag, data: bytes = b"") -> None:
        began = time.monotonic()
        try:
            self._child.wire.send(tag, data, self._left)
        except (Closed, TimeoutError) as error:
            raise self._gone(error) from error
        finally:
            self._count(began)

    def _count(self, began: float) -> None:
        self._left = max(0.001, self._left - (time.monotonic() - began))

    def _gone(self, error: Exception) -> Exception:
        if self._source_error is not None:
            return self._source_error
        if isinstance(error, TimeoutError):
            late = self.broken(f"it was not done within {self._seconds:g} seconds")
            return TookTooLong(late.code, late.message)
        return self.broken("it crashed the process that opened it")

    def broken(self, how: str) -> Rejected:
        """The rejection of a file that made its child say or do what no child should."""
        return Rejected(RejectionCode.UNSAFE_MEDIA, f"the file is not safe to open: {how}; export it again from an editor and upload that")
