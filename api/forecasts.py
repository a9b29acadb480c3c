"""The forecast of this worker: made when somebody asks, at most once a second, and never at a cost that anybody else would notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec import structs

from api.forecast import STAGES, AtHand, Finished, Forecast
from runtime.database import Database
from schemas.resources import Progress, Upload
from schemas.status import Status

#: A forecast is good for so long, and for so many times what it took to make: a long queue takes a twentieth of the time at most.
FRESH_SECONDS = 1.0
FRESH_TIMES = 20.0
#: What was finished before is not of late, and no more of it is looked at.
RECENT_SECONDS = 3_600.0
MOST_RECENT = 200


class Forecasts:
    """Says where uploads in work stand; raises DependencyUnavailable while PostgreSQL is away."""

    def __init__(self, database: Database, longest_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`longest_seconds`: longer is no video, whatever its container claims."""
        self._database = database
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._forecast = Forecast([], [])
        self._until = float("-inf")
        self._ahead_of_us = 0.0  # by how much PostgreSQL's clock, by which statuses are dated, is ahead of ours
        self._making = asyncio.Lock()

    async def of(self, status: Status, since: float) -> Progress | None:
        """Where an upload stands that has its status since then, in Unix time; None where it is not in work."""
        if status not in STAGES:
            return None
        if self._clock() >= self._until:
            async with self._making:
                if self._clock() >= self._until:
                    await self._make()
        return self._forecast.of(status, since, self._clock() + self._ahead_of_us)

    async def with_progress(self, uploads: list[Upload]) -> list[Upload]:
        """The uploads, each that is in work with where it stands."""
        return [structs.replace(upload, progress=await self.of(upload.status, upload.updated_at.timestamp())) for upload in uploads]

    async def _make(self) -> None:
        began = self._clock()
        at_hand = await self._database.rows("work_at_hand", longest=self._longest_seconds)
        finished = await self._database.rows("finished_of_late", seconds=RECENT_SECONDS, most=MOST_RECENT)
        work = [
            AtHand(row["rank"], since, media) for row in at_hand for since, media in zip(row["since"], row["media_seconds"], strict=True)
        ]
        self._forecast = Forecast(work, [Finished(**row) for row in finished])
        if at_hand:
            self._ahead_of_us = at_hand[0]["now"] - began
        self._until = self._clock() + max(FRESH_SECONDS, FRESH_TIMES * (self._clock() - began))
