"""Small questions that tell whether a server serves, asked over loopback without its client library."""

import asyncio
import struct
from contextlib import suppress

from local.ports import HOST

_PATIENCE = 5.0


async def http_answers(port: int, path: str) -> bool:
    """Whether a GET of `path` is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    answer = await _exchange(port, request.encode(), 12)
    return answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))


async def kafka_answers(port: int) -> bool:
    """Whether the broker answers an ApiVersions request, which it does once it has joined its cluster."""
    api_versions, version, correlation, client = 18, 0, 1, b"valence-stack"
    body = struct.pack(f">hhih{len(client)}s", api_versions, version, correlation, len(client), client)
    answer = await _exchange(port, struct.pack(">i", len(body)) + body, 10)
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (correlation, 0)


async def _exchange(port: int, request: bytes, length: int) -> bytes:
    """The first `length` bytes of the answer, fewer if it is shorter, none if nobody answers."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(request)
                await writer.drain()
                return await reader.readexactly(length)
            finally:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
    except asyncio.IncompleteReadError as error:
        return error.partial
    except (OSError, TimeoutError):
        return b""  # not up yet
