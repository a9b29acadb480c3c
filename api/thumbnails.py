"""Small pictures of videos: made when somebody first asks, by the children that open strangers' files, and kept beside the video."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from api.problems import Busy, NoThumbnail
from media.limits import MediaLimits, Rejected, TookTooLong
from media.pool import MediaPool
from media.ranges import BLOCK_BYTES
from media.wire import MOST_THUMBNAIL_BYTES
from runtime.database import Database
from runtime.errors import ObjectMissing, ObjectReplaced
from runtime.object_claims import S3_FINISHES
from runtime.object_ranges import ObjectRanges
from runtime.storage import ObjectStorage
from schemas.jobs import thumbnail_key

#: Videos that may wait for their turn at the one child, each for seconds: more are told to come again.
MOST_WAITING = 32
RETRY_AFTER_SECONDS = "2"
#: How long a video is left alone of which a picture took longer than it may: the machine may have been busy. Each further time the pause is
#: so many times as long as the one before, until it is a day.
FIRST_PAUSE_SECONDS, PAUSE_GROWTH, LONGEST_PAUSE_SECONDS = 300.0, 4.0, 86_400.0
#: Such videos that are remembered; the one that was tried the longest ago is forgotten first.
MOST_POSTPONED = 10_000
#: Longer than S3 may be silent over a picture.
WRITING = timedelta(seconds=30)
_NONE = "the video has no picture to show: draw a sign of your own"


class _Postponed(NamedTuple):
    """A video that is left alone until `again_at`; the next pause after that one is longer."""

    pause_seconds: float
    again_at: float


class Thumbnails:
    """Gives thumbnails; raises NoThumbnail where there is none, Busy, and DependencyUnavailable while S3 or PostgreSQL is away."""

    def __init__(
        self, bucket: str, database: Database, storage: ObjectStorage, limits: MediaLimits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bucket, self._database, self._storage = bucket, database, storage
        self._limits = limits
        self._clock = clock
        self._pool: MediaPool | None = None
        #: What is being made, so that many who ask at once wait for one decoding.
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._postponed: dict[str, _Postponed] = {}

    async def get(self, upload_id: UUID, bucket: str, key: str, etag: str) -> bytes:
        """The picture, as JPEG, of the upload whose object this is."""
        kept = thumbnail_key(upload_id, etag)
        try:
            found = await self._storage.get(self._bucket, kept, MOST_THUMBNAIL_BYTES)
        except ObjectMissing:
            self._refuse_postponed(kept)
            if kept not in self._making and len(self._making) >= MOST_WAITING:
                again = {"Retry-After": RETRY_AFTER_SECONDS}
                raise Busy("many thumbnails are being made: try again", headers=again) from None
            if kept not in self._making:
                self._making[kept] = making = asyncio.create_task(self._make(upload_id, bucket, key, etag, kept))
                making.add_done_callback(lambda _: self._making.pop(kept))
            found = await asyncio.shield(self._making[kept])  # whoever goes away does not take it from the others
        if not found:
            raise NoThumbnail(_NONE)
        return found

    def close(self) -> None:
        """End the child, if there is one."""
        if self._pool is not None:
            self._pool.close()

    async def _make(self, upload_id: UUID, bucket: str, key: str, etag: str, kept: str) -> bytes:
        try:
            info, beginning = await self._storage.open(bucket, key, BLOCK_BYTES)
            if info.etag != etag:
                raise NoThumbnail("the object was replaced after it was validated")
            self._pool = self._pool or MediaPool(self._limits, size=1)
            made = await self._pool.thumbnail(ObjectRanges(self._storage, bucket, info, beginning)) or b""
        except (ObjectMissing, ObjectReplaced) as error:
            raise NoThumbnail(f"the video is not there any more: {error}") from error
        except TookTooLong:
            self._postpone(kept)
            raise self._later(kept) from None
        except Rejected:
            made = b""  # it decoded when it was validated and does not now: that is kept too, or each who asks would try it again
        await self._keep(upload_id, kept, made)
        self._postponed.pop(kept, None)
        return made

    def _postpone(self, kept: str) -> None:
        before = self._postponed.pop(kept, None)
        pause = min(before.pause_seconds * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS) if before else FIRST_PAUSE_SECONDS
        if len(self._postponed) >= MOST_POSTPONED:
            del self._postponed[next(iter(self._postponed))]
        self._postponed[kept] = _Postponed(pause, self._clock() + pause)

    def _refuse_postponed(self, kept: str) -> None:
        if kept in self._postponed and self._clock() < self._postponed[kept].again_at:
            raise self._later(kept)

    def _later(self, kept: str) -> NoThumbnail:
        seconds = max(1, math.ceil(self._postponed[kept].again_at - self._clock()))
        why = f"its picture took longer to make than it may: it is tried again in {seconds} s; draw a sign of your own"
        return NoThumbnail(why, headers={"Retry-After": str(seconds)})

    async def _keep(self, upload_id: UUID, kept: str, made: bytes) -> None:
        """Announced, so that whoever erases the upload meanwhile looks again afterwards. Of two replicas that have made it one keeps it."""
        for row in await self._database.rows("announce_writing", id=upload_id, lease=WRITING, finishes=S3_FINISHES):
            await self._storage.put(self._bucket, kept, made, "image/jpeg")
            if row["alone"]:
                await self._database.rows("end_writing", id=upload_id, until=row["writing_until"])
