"""A receiver of webhooks on loopback that does what a test tells it, over a plain socket: also what no good server would."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from schemas.webhook_signatures import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, as_bytes, is_signed


@dataclass
class Reply:
    """What is answered: after `until`, with a body that is repeated `times` times."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    until: asyncio.Event | None = None


@dataclass
class Got:
    """A message that has come."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.headers[ID_HEADER]

    def is_signed_by(self, secret: str) -> bool:
        """Whether a secret, as its owner was shown it, has signed the message."""
        return is_signed(as_bytes(secret), self.id, int(self.headers[TIMESTAMP_HEADER]), self.body, self.headers[SIGNATURE_HEADER])


class Receiver:
    """Takes messages; `replies` are given one after the other, and 200 when there are none left."""

    def __init__(self) -> None:
        self.url = ""
        self.got: list[Got] = []
        self.replies: deque[Reply] = deque()
        self.came = asyncio.Event()
        self.sent_bytes = 0

    async def wait_for(self, messages: int) -> None:
        """Return once so many have come."""
        async with asyncio.timeout(20):
            while len(self.got) < messages:
                self.came.clear()
                await self.came.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append(Got(head[0].split(" ")[1], headers, body))
            self.came.set()
            reply = self.replies.popleft() if self.replies else Reply()
            if reply.until is not None:
                await reply.until.wait()
            said = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
            writer.write(f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(reply.body) * reply.times}\r\n{said}\r\n".encode())
            for _ in range(reply.times):
                writer.write(reply.body)
                await writer.drain()
                self.sent_bytes += len(reply.body)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever sent it has gone
        finally:
            writer.close()


@asynccontextmanager
async def receiving(context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own, with TLS where there is a context."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.url = f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b"
    try:
        yield receiver
    finally:
        server.close()
