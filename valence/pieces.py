"""Bytes on their way out: in pieces, with a word to whoever draws a progress bar."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

#: Called with a number of bytes that were sent; with a negative one when some must be sent again.
Progress = Callable[[int], None]

PIECE_BYTES = 256 * 1024


async def read_pieces(content: BinaryIO, progress: Progress | None) -> AsyncIterator[bytes]:
    """What is left of a file that is open for reading."""
    while piece := await asyncio.to_thread(content.read, PIECE_BYTES):
        yield piece
        if progress is not None:
            progress(len(piece))


async def pieces_of(content: bytes, progress: Progress | None) -> AsyncIterator[bytes]:
    """Bytes that are there; what was told of them is taken back if they are not sent to the end."""
    told = 0
    try:
        for start in range(0, len(content), PIECE_BYTES):
            piece = content[start : start + PIECE_BYTES]
            yield piece
            if progress is not None:
                progress(len(piece))
                told += len(piece)
    finally:
        if progress is not None and told != len(content):
            progress(-told)


def digest_header(content: bytes) -> str:
    """A `Content-Digest` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
