"""What is too large for memory, from the API into a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import BinaryIO

import httpx

from valence.errors import ServiceUnreachable, raise_for_problem


async def download(http: httpx.AsyncClient, path: str, parameters: Sequence[tuple[str, str]], out: BinaryIO) -> int:
    """Write an answer into a file that is open for writing, piece by piece; returns its bytes. ApiError, or ServiceUnreachable."""
    written = 0
    try:
        async with http.stream("GET", path, params=tuple(parameters)) as answer:
            if answer.is_error:
                await answer.aread()
                raise_for_problem(answer)
            async for piece in answer.aiter_bytes():
                written += await asyncio.to_thread(out.write, piece)
    except httpx.TransportError as error:
        raise ServiceUnreachable(str(http.base_url), error) from error
    return written
