"""A load of uploads at a rate: so many a second over the whole run, steady but for the bursts that somebody asks for."""

from __future__ import annotations

import asyncio
from uuid import UUID

from benchmarks.clips import distinct_clip
from benchmarks.subscriber import follow_upload
from benchmarks.uploader import Uploader

_TICK_SECONDS = 0.01


class Load:
    """Uploads videos, `rate` a second, through the uploaders in turn.

    A burst is taken from what would have been sent later: after it the load pauses, and the rate over the whole run stays. Each
    `every_followed`-th upload is followed by a stream of its own too.
    """

    def __init__(self, uploaders: list[Uploader], rate: float, *, every_followed: int | None) -> None:
        self._uploaders = uploaders
        self._rate = rate
        self._every_followed = every_followed
        self._launched = 0
        self._burst = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._followers: list[asyncio.Task[None]] = []
        self.accepted: list[UUID] = []
        #: What the streams of single uploads showed that they should not have.
        self.faults: list[str] = []

    def burst(self, videos: int) -> None:
        """Send the next so many videos at once."""
        self._burst += videos

    async def run(self, videos: int, enough: asyncio.Event) -> None:
        """Send at least so many videos and until there are enough; returns when all are accepted. Raises Refused, TimeoutError."""
        clock = asyncio.get_running_loop().time
        started = clock()
        while self._launched < videos or not enough.is_set():
            due = int((clock() - started) * self._rate) - self._launched
            for _ in range(max(due, self._burst)):
                self._launch()
            self._burst = 0
            for task in self._tasks:
                if task.done():
                    task.result()
            self._tasks = [task for task in self._tasks if not task.done()]
            await asyncio.sleep(_TICK_SECONDS)
        await asyncio.gather(*self._tasks)

    async def followed(self, seconds: float) -> None:
        """Wait until every stream of a single upload has ended by itself; one that has not is a fault."""
        if not self._followers:
            return
        _, open_ = await asyncio.wait(self._followers, timeout=seconds)
        for follower in open_:
            follower.cancel()
        if open_:
            self.faults.append(f"{len(open_)} streams of single uploads did not end")

    def _launch(self) -> None:
        self._launched += 1
        self._tasks.append(asyncio.create_task(self._upload(self._launched)))

    async def _upload(self, number: int) -> None:
        uploader = self._uploaders[number % len(self._uploaders)]

        def announced(upload_id: UUID) -> None:
            if self._every_followed and number % self._every_followed == 0:
                self._followers.append(asyncio.create_task(follow_upload(uploader.client, upload_id, self.faults)))

        self.accepted.append(await uploader.upload(f"clip-{number}.mp4", distinct_clip(number), announced))
