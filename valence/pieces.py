"""Bytes on their way out: in pieces, with a word to whoever draws a progress bar."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, Self

#: Called with a number of bytes that were sent; with a negative one when some must be sent again.
Progress = Callable[[int], None]

PIECE_BYTES = 256 * 1024


async def read_pieces(content: BinaryIO, progress: Progress | None) -> AsyncIterator[bytes]:
    """What is left of a file that is open for reading."""
    while piece := await asyncio.to_thread(content.read, PIECE_BYTES):
        yield piece
        if progress is not None:
            progress(len(piece))


class Pieces:
    """Bytes that are there, sent as often as need be: what was told of them is taken back where they are sent anew, or an error ends it."""

    def __init__(self, content: bytes, progress: Progress | None) -> None:
        self._content, self._progress = content, progress or (lambda count: None)
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *about: object) -> None:
        if kind is not None:
            self._take_back()

    async def once(self) -> AsyncIterator[bytes]:
        """All of them, from the start."""
        self._take_back()
        for start in range(0, len(self._content), PIECE_BYTES):
            piece = self._content[start : start + PIECE_BYTES]
            yield piece
            self._told += len(piece)
            self._progress(len(piece))

    def _take_back(self) -> None:
        if self._told:
            self._progress(-self._told)
        self._told = 0


def digest_header(content: bytes) -> str:
    """A `Content-Digest` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
