"""Streaming the sound, and the pictures, of a stranger's file out of a child process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from media.decoded import Decoded
from media.pictures import MalformedPicture, Picture, Watcher
from media.pool import MediaPool
from media.ranges import Ranges
from media.visit import Visit
from media.wire import Tag, Task


class Decoding:
    """Iterate to get the sound (float32, -1 to 1, 16 kHz, mono; five seconds a block); then `decoded` says what it was.

    Pictures come in the order of the file, between the blocks near which they lie in it, and are handed to `watcher` meanwhile.
    The child runs some blocks ahead and then waits, so memory stays flat however slow the reader is.
    """

    def __init__(self, visit: Visit, watcher: Watcher | None) -> None:
        self._visit = visit
        self._watcher = watcher
        self._decoded: Decoded | None = None

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        while self._decoded is None:
            tag, data = self._visit.next()
            if tag is Tag.SOUND:
                yield np.frombuffer(data, np.float32)
            elif tag is Tag.PICTURE:
                self._show(data)
            else:
                self._decoded = self._visit.parsed(data, Decoded)

    def _show(self, data: bytearray) -> None:
        try:
            picture = Picture.unpacked(data)
        except MalformedPicture as error:
            self._visit.healthy = False
            raise self._visit.broken("it sent a picture that is none") from error
        if self._watcher is not None:
            self._watcher(picture)

    @property
    def decoded(self) -> Decoded:
        """Captions, gaps and length; there only when all blocks have been taken."""
        if self._decoded is None:
            raise RuntimeError("the file is not decoded to its end yet: take every block first")
        return self._decoded


@contextmanager
def decoding(pool: MediaPool, source: Ranges, *, captions: bool = False, pictures: Watcher | None = None) -> Iterator[Decoding]:
    """Decode a file in a child of the pool: `with decoding(pool, source) as sound: for block in sound: ...`.

    `pictures` is given what there is to see, if it is given at all: without it pictures are not decoded.

    Raises Rejected, ChildFault, PoolClosed and what the source raises, at once or while the blocks are taken. Leaving early is fine.
    """
    task = Task(size=source.size, limits=pool.limits, decode=True, captions=captions, pictures=pictures is not None)
    with pool.visit(source, task, pool.limits.decode_seconds) as visit:
        yield Decoding(visit, pictures)
