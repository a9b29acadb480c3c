"""One message to one receiver over HTTP, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address
from typing import NamedTuple
from uuid import UUID

import httpx

from runtime.destinations import Address, Destination, Destinations, RefusedDestination
from schemas.webhook_signatures import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, signatures

#: How much is kept of an answer; no more is read.
MOST_ANSWER_BYTES = 512
#: How long the beginning of an answer is waited for once its status is there.
ANSWER_SECONDS = 2.0
_GONE = 410


class Outcome(StrEnum):
    """How a try has ended: taken, failed, refused by us before anything was sent, or never wanted again."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    GONE = "gone"


class Message(NamedTuple):
    """What is sent: to which address, under which id, signed by which secrets."""

    url: str
    id: UUID
    body: bytes
    secrets: Sequence[bytes]


class Attempt(NamedTuple):
    """What a try has come to: `error` where there is no status; `retry_after` in seconds where the receiver asks for it."""

    outcome: Outcome
    at: datetime
    duration_seconds: float
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    retry_after: float | None = None


class Caller:
    """Sends messages, each in at most `timeout_seconds`: no proxy, no redirect, no cookie, and no connection used twice, since one that was
    made for a name is not another name's at the same address."""

    def __init__(self, destinations: Destinations, timeout_seconds: float, clock: Callable[[], datetime]) -> None:
        self._destinations = destinations
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def call(self, message: Message) -> Attempt:
        """Send a message; whatever the receiver does is an outcome, and no error."""
        at, began = self._clock(), time.monotonic()

        def ended(outcome: Outcome, **said: object) -> Attempt:
            return Attempt(outcome, at, time.monotonic() - began, **said)  # type: ignore[arg-type]  # named as the fields are

        try:
            async with asyncio.timeout(self._timeout_seconds):
                destination, addresses = await self._destinations.check(message.url)
                answer = await self._send(destination, addresses, message, at)
        except RefusedDestination as error:
            return ended(Outcome.REFUSED, error=f"refused: {error}")
        except TimeoutError:
            return ended(Outcome.FAILED, error=f"no answer within {self._timeout_seconds:.0f} s")
        except httpx.HTTPError as error:
            return ended(Outcome.FAILED, error=f"{type(error).__name__}: {error}"[:300].replace("\x00", "\N{REPLACEMENT CHARACTER}"))
        beginning = await self._beginning(answer)
        outcome = Outcome.DELIVERED if answer.is_success else Outcome.GONE if answer.status_code == _GONE else Outcome.FAILED
        return ended(outcome, status=answer.status_code, answer=beginning, retry_after=_retry_after(answer))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.aclose()

    async def _send(self, destination: Destination, addresses: Sequence[Address], message: Message, at: datetime) -> httpx.Response:
        timestamp = int(at.timestamp())
        headers = {
            "Host": destination.url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": "Valence-Webhooks/1",
            "Accept-Encoding": "identity",
            "Connection": "close",
            ID_HEADER: str(message.id),
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: signatures(message.secrets, str(message.id), timestamp, message.body),
        }
        for number, address in enumerate(addresses, 1):
            request = httpx.Request(
                "POST",
                destination.url.copy_with(host=f"[{address}]" if isinstance(address, IPv6Address) else str(address)),
                headers=headers,
                content=message.body,
                # The certificate is checked against the name, though the connection goes to the address.
                extensions={"sni_hostname": destination.host, "timeout": httpx.Timeout(self._timeout_seconds).as_dict()},
            )
            try:
                return await self._transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise AssertionError("a checked destination has an address")

    @staticmethod
    async def _beginning(answer: httpx.Response) -> str | None:
        """The first characters of an answer: the status says already what became of the message, so that the rest may break off."""
        read = b""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), aclosing(answer):
                async for chunk in answer.aiter_raw():
                    read += chunk
                    if len(read) >= MOST_ANSWER_BYTES:
                        break
        except (TimeoutError, httpx.HTTPError):
            pass  # what has come until then is all there is
        text = read[:MOST_ANSWER_BYTES].decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
        return text or None


def _retry_after(answer: httpx.Response) -> float | None:
    after = answer.headers.get("retry-after", "")
    return float(after) if after.isascii() and after.isdigit() and len(after) < 7 else None
