"""How often something may be tried: leaky buckets in PostgreSQL, so that they hold on every replica and after a restart.

A bucket takes `burst` tries at once and leaks one every `interval`. A try is taken before it is made and given back if it was good, so
a hundred tries at once are a hundred tries.

A guesser gets fewer than 20 tries an hour, at an address and at an account: 10 at once and 8 that leak in the hour. Whoever has signed in
well at an address before is counted there apart from everybody else: strangers who use up an account's tries do not lock its owner out.
"""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta
from typing import NamedTuple

from api.problems import TooManyTries
from runtime.database import Database


class Rate(NamedTuple):
    """So many tries at once, and another each `interval`."""

    burst: int
    interval: timedelta


#: 10 at once and 8 within an hour after.
GUESSES = Rate(10, timedelta(seconds=450))


def hourly(tries: int) -> Rate:
    """At most so many tries at once, and as many within an hour after."""
    return Rate(tries, timedelta(hours=1) / tries)


async def take(db: Database, rate: Rate, *subjects: str) -> None:
    """Take a try of each subject; TooManyTries, with the seconds to wait, where one has none left."""
    for subject in subjects:
        row = (await db.rows("take_try", subject=subject, interval=rate.interval, burst=rate.interval * rate.burst))[0]
        if not row["taken"]:
            seconds = max(1, math.ceil(row["wait"].total_seconds()))
            raise TooManyTries(f"this was tried too often: try again in {_words(seconds)}", headers={"Retry-After": str(seconds)})


async def give_back(db: Database, rate: Rate, *subjects: str) -> None:
    """Undo a take: the try was a good one."""
    await db.rows("give_try_back", subjects=list(subjects), interval=rate.interval)


def private(text: str) -> str:
    """A stand-in for what must not lie in the table as it is, like an address that somebody has typed."""
    return hashlib.sha256(text.lower().encode()).hexdigest()


def _words(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
