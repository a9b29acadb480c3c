"""Bodies of requests: small ones in memory, videos in a temporary file, both only up to their limit."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import IO, Any

from media.ranges import FileRanges
from model.errors import BadRequest, BodyTooLarge

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: A job is some 400 bytes.
JOB_BYTES = 64 * 1024
_WRITE_BYTES = 1024**2


class ClientGone(Exception):
    """The client left before its body was complete; there is nobody to answer."""


async def body_parts(headers: MutableMapping[str, str], receive: Receive, most: int) -> AsyncIterator[bytes]:
    """The parts of a body as they come; BodyTooLarge as soon as it is known to have more than `most` bytes."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    taken, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        taken += len(part)
        if taken > most:
            raise _too_large(most)
        if part:
            yield part


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than the {most} bytes that are taken: put the video into S3 and send a job that names it")


async def whole_body(headers: MutableMapping[str, str], receive: Receive) -> bytes:
    """A small body."""
    return b"".join([part async for part in body_parts(headers, receive, JOB_BYTES)])


@asynccontextmanager
async def video_body(headers: MutableMapping[str, str], receive: Receive, most: int) -> AsyncIterator[FileRanges]:
    """A video body, in a nameless temporary file while the block lasts; BadRequest for an empty one."""
    with tempfile.TemporaryFile() as file:
        await _store(body_parts(headers, receive, most), file)
        source = FileRanges(file)
        if source.size == 0:
            raise BadRequest("the body is empty: send the video's bytes, or a JSON job that names an object in S3")
        yield source


async def _store(parts: AsyncIterator[bytes], file: IO[bytes]) -> None:
    waiting = bytearray()
    async for part in parts:
        waiting += part
        if len(waiting) >= _WRITE_BYTES:
            await asyncio.to_thread(file.write, waiting)
            waiting = bytearray()
    await asyncio.to_thread(file.write, waiting)
    await asyncio.to_thread(file.flush)
