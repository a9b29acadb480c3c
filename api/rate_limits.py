"""How often an account may ask, over all replicas: a leaky bucket in PostgreSQL, from which a replica takes requests a few at a time.

A write for each request would cost more than most requests do. So who asks seldom is counted request by request, and of who asks often a
replica takes more at once, up to a fiftieth of what a minute allows. What it has taken and did not use leaks like everything else.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from api.problems import TooManyRequests
from runtime.database import Database
from runtime.errors import DependencyUnavailable

WINDOW_SECONDS = 60
#: What was taken is used within so long, or taken anew.
SHARE_SECONDS = 1.0
_SHARES = 50
#: Accounts that are remembered before those that have not asked for a while are forgotten.
_MOST_REMEMBERED = 10_000

Headers = list[tuple[bytes, bytes]]


@dataclass
class _Share:
    """What this replica has taken of an account's bucket: `left` of `size`, at a time when the bucket was filled for so many seconds."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: int = 0
    size: int = 0
    at: float = -math.inf
    filled: float = 0.0
    refused_until: float = -math.inf
    #: Since when PostgreSQL is known to be away: those that waited for whoever found that out do not each find it out again.
    away_at: float = -math.inf


class RateLimits:
    """So many requests at once, and as many again in each minute. The headers are those of draft-ietf-httpapi-ratelimit-headers."""

    def __init__(self, db: Database, requests_a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = db
        self._most = requests_a_minute
        self._interval = WINDOW_SECONDS / requests_a_minute
        self._clock = clock
        self._shares: dict[UUID, _Share] = {}

    async def take(self, account_id: UUID) -> Headers:
        """Count a request; the headers that tell how many are left, or TooManyRequests."""
        share = self._share(account_id)
        async with share.lock:  # of many at once the first takes for those that wait
            now = self._clock()
            if now - share.away_at <= SHARE_SECONDS:
                raise DependencyUnavailable("postgresql", "it was away a moment ago")
            if now >= share.refused_until and (not share.left or now - share.at > SHARE_SECONDS):
                await self._more(account_id, share, now)
            if not share.left:
                raise self._refusal(share.refused_until - now)
            share.left -= 1
        filled = max(0.0, share.filled - (now - share.at))
        seconds = max(0.0, filled - share.left * self._interval)
        return self._headers(self._most - math.ceil(filled / self._interval - 1e-3) + share.left, math.ceil(seconds - 1e-3))

    async def _more(self, account_id: UUID, share: _Share, now: float) -> None:
        asked = min(2 * share.size, max(1, self._most // _SHARES)) if share.size and now - share.at <= SHARE_SECONDS else 1
        interval, window = timedelta(seconds=self._interval), timedelta(seconds=WINDOW_SECONDS)
        try:
            (row,) = await self._database.rows("take_requests", account_id=account_id, asked=asked, interval=interval, window=window)
        except DependencyUnavailable:
            share.away_at = self._clock()
            raise
        share.left = share.size = row["granted"]
        share.at, share.filled = now, row["filled"]
        if not share.left:
            share.refused_until = now + row["filled"] + self._interval - WINDOW_SECONDS

    def _share(self, account_id: UUID) -> _Share:
        if account_id not in self._shares and len(self._shares) >= _MOST_REMEMBERED:
            now = self._clock()
            self._shares = {
                known: share
                for known, share in self._shares.items()
                if share.lock.locked() or now - share.at <= SHARE_SECONDS or now < share.refused_until
            }
        return self._shares.setdefault(account_id, _Share())

    def _refusal(self, wait: float) -> TooManyRequests:
        headers = {name.decode(): value.decode() for name, value in self._headers(0, WINDOW_SECONDS)}
        seconds = max(1, math.ceil(wait))
        return TooManyRequests(
            f"the account may ask {self._most} times a minute: go on in {seconds} s, and more slowly",
            headers={**headers, "Retry-After": str(seconds)},
        )

    def _headers(self, remaining: int, seconds: int) -> Headers:
        return [
            (b"ratelimit-policy", b'"account";q=%d;w=%d' % (self._most, WINDOW_SECONDS)),
            (b"ratelimit", b'"account";r=%d;t=%d' % (remaining, seconds)),
        ]
