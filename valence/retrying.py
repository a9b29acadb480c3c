"""Asking again: how long, how often, and after what."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import httpx

from valence.errors import ApiError, ServiceUnreachable, raise_for_problem

#: The longest pause of our own choosing between two tries.
LONGEST_PAUSE_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 0.5
_PASSING = frozenset({429, 502, 503, 504})
_STILL_WORKED_ON = "request-in-progress"


def passes(error: ApiError) -> bool:
    """Whether the same request may well be answered otherwise after a while."""
    return error.problem.status in _PASSING or error.name == _STILL_WORKED_ON


class Persistence:
    """Asks again for as long as `patience_seconds`: after the time that the API names, or else after pauses that grow.

    An address that has never answered is not asked twice: it is probably wrong.
    """

    def __init__(
        self,
        base_url: str,
        patience_seconds: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url
        self._patience_seconds = patience_seconds
        self._sleep, self._clock = sleep, clock
        self._has_answered = False

    async def ask(self, send: Callable[[], Awaitable[httpx.Response]], *, again: bool = True) -> httpx.Response:
        """The answer to what `send` sends, which must do nothing twice if `again`; ApiError or ServiceUnreachable if there is none."""
        began, attempt = self._clock(), 0
        while True:
            fault: ApiError | ServiceUnreachable
            try:
                response = await send()
                self._has_answered = True
                raise_for_problem(response)
                return response
            except httpx.TransportError as error:
                fault = ServiceUnreachable(self._base_url, error)
                fault.__cause__ = error
                pause = None if self._has_answered else float("inf")
            except ApiError as error:
                fault = error
                pause = error.retry_after if passes(error) else float("inf")
            if pause is None:
                pause = random.uniform(0.5, 1) * min(LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
            if not again or self._clock() - began + pause > self._patience_seconds:
                raise fault
            await self._sleep(pause)
            attempt += 1
