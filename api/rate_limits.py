"""How often an account may ask, on each replica: a bucket in memory, since a write for each request would cost more than most requests."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from uuid import UUID

from api.problems import TooManyRequests

WINDOW_SECONDS = 60
#: Accounts whose buckets are remembered before those that are empty again are forgotten.
_MOST_REMEMBERED = 10_000

Headers = list[tuple[bytes, bytes]]


class RateLimits:
    """So many requests at once, and as many again in each minute. The headers are those of draft-ietf-httpapi-ratelimit-headers."""

    def __init__(self, requests_a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = requests_a_minute
        self._interval = WINDOW_SECONDS / requests_a_minute
        self._clock = clock
        self._empty_at: dict[UUID, float] = {}

    def take(self, account_id: UUID) -> Headers:
        """Count a request; the headers that tell how many are left, or TooManyRequests."""
        now = self._clock()
        empty_at = max(self._empty_at.get(account_id, now), now) + self._interval
        wait = empty_at - now - WINDOW_SECONDS
        if wait > self._interval / 1_000:
            headers = {name.decode(): value.decode() for name, value in self._headers(0, WINDOW_SECONDS)}
            seconds = max(1, math.ceil(wait))
            raise TooManyRequests(
                f"the account may ask {self._most} times a minute: go on in {seconds} s, and more slowly",
                headers={**headers, "Retry-After": str(seconds)},
            )
        if len(self._empty_at) >= _MOST_REMEMBERED:
            self._empty_at = {known: time for known, time in self._empty_at.items() if time > now}
        self._empty_at[account_id] = empty_at
        filled = empty_at - now
        return self._headers(self._most - math.ceil(filled / self._interval - 1e-3), math.ceil(filled))

    def _headers(self, remaining: int, seconds: int) -> Headers:
        return [
            (b"ratelimit-policy", b'"account";q=%d;w=%d' % (self._most, WINDOW_SECONDS)),
            (b"ratelimit", b'"account";r=%d;t=%d' % (remaining, seconds)),
        ]
