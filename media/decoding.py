"""Streaming the sound of a stranger's file out of a child process, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from media.decoded import Decoded
from media.pool import MediaPool
from media.ranges import Ranges
from media.visit import Visit
from media.wire import Tag, Task


class Decoding:
    """Iterate to get the sound (float32, -1 to 1, 16 kHz, mono; five seconds a block); then `decoded` says what it was.

    The child runs some blocks ahead and then waits, so memory stays flat however slow the reader is.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._decoded: Decoded | None = None

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        while self._decoded is None:
            tag, data = self._visit.next()
            if tag is Tag.SOUND:
                yield np.frombuffer(data, np.float32)
            else:
                self._decoded = self._visit.parsed(data, Decoded)

    @property
    def decoded(self) -> Decoded:
        """Captions, gaps and length; there only when all blocks have been taken."""
        if self._decoded is None:
            raise RuntimeError("the file is not decoded to its end yet: take every block first")
        return self._decoded


@contextmanager
def decoding(pool: MediaPool, source: Ranges, *, captions: bool = False) -> Iterator[Decoding]:
    """Decode a file in a child of the pool: `with decoding(pool, source) as sound: for block in sound: ...`.

    Raises Rejected, ChildFault, PoolClosed and what the source raises, at once or while the blocks are taken. Leaving early is fine.
    """
    task = Task(size=source.size, limits=pool.limits, decode=True, captions=captions)
    with pool.visit(source, task, pool.limits.decode_seconds) as visit:
        yield Decoding(visit)
