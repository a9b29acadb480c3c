"""The body of a request as it comes in: piece by piece, from a sender that may stall, trickle or vanish."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable

from litestar.types import Receive

from api.problems import ContentStalled, DigestMismatch, IncompleteContent, InvalidRequest, field_at

#: A sender that is silent for so long has gone, whatever its connection says.
STALLED_SECONDS = 60.0
#: One that sends less than this on average, after the first minute, holds memory that others could use.
SLOWEST_BYTES_A_SECOND = 16 * 1024

_DIGEST = re.compile(r"\s*(?P<algorithm>[a-z0-9*_.-]+)=:(?P<value>[A-Za-z0-9+/=]*):\s*")
_DIGEST_EXPECTED = "sha-256=:<the SHA-256 in base64>:"


async def pieces(receive: Receive, *, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[bytes]:
    """The pieces of a body until its end; ContentStalled or IncompleteContent if that does not come."""
    started, received = clock(), 0
    while True:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                message = await receive()
        except TimeoutError as error:
            raise ContentStalled(f"nothing came for {STALLED_SECONDS:.0f} s: send the content again") from error
        if message["type"] != "http.request":
            raise IncompleteContent("the connection was closed before the end of the content: send it again")
        if piece := message["body"]:
            received += len(piece)
            yield piece
        if not message["more_body"]:
            return
        seconds = clock() - started
        if seconds > STALLED_SECONDS + received / SLOWEST_BYTES_A_SECOND:
            slowest = f"at least {SLOWEST_BYTES_A_SECOND // 1024} KiB a second are expected"
            raise ContentStalled(f"{received} bytes came in {seconds:.0f} s: {slowest}; send the content in parts, fewer at once")


class Digest:
    """The SHA-256 of bytes that go by, against those that were announced for them; costs nothing where none was."""

    def __init__(self, *announced: bytes | None) -> None:
        self._expected = {digest for digest in announced if digest is not None}
        self._hash = hashlib.sha256()

    def update(self, piece: bytes | bytearray) -> None:
        """Take note of some bytes."""
        if self._expected:
            self._hash.update(piece)

    def check(self) -> None:
        """DigestMismatch if the bytes were others than announced."""
        found = self._hash.digest()
        for expected in self._expected:
            if found != expected:
                raise DigestMismatch(f"the bytes that came have the SHA-256 {found.hex()}, announced was {expected.hex()}: send them again")


def announced_digest(header: str | None) -> bytes | None:
    """The SHA-256 of a `Content-Digest` header (RFC 9530); None without one, or where it has other algorithms only."""
    found = None
    for member in header.split(",") if header is not None else ():
        parsed = _DIGEST.fullmatch(member)
        try:
            value = base64.b64decode(parsed["value"], validate=True) if parsed else b""
        except binascii.Error:
            value = b""
        if parsed is None or not value or (parsed["algorithm"] == "sha-256" and len(value) != hashlib.sha256().digest_size):
            wrong = field_at("Content-Digest", header, _DIGEST_EXPECTED)
            raise InvalidRequest(f"Content-Digest is {wrong.value!r}: expected {_DIGEST_EXPECTED}", errors=[wrong])
        if parsed["algorithm"] == "sha-256":
            found = value
    return found
