"""What one stream tells of the progress of its uploads in work: between statuses, without a sequence, and only what is new."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import msgspec

from api.event_stream import frame
from api.forecast import STAGES
from api.forecasts import Forecasts
from runtime.errors import DependencyUnavailable
from schemas.resources import Progress, UploadProgress
from schemas.status import Status


class _InWork(NamedTuple):
    sequence: int
    status: Status
    since: float
    told: Progress | None


class ProgressNews:
    """Remembers what is in work and what was told of it. Such events have no `id`, so Last-Event-ID stays what the last status set."""

    def __init__(self, forecasts: Forecasts) -> None:
        self._forecasts = forecasts
        self._in_work: dict[UUID, _InWork] = {}

    def note(self, upload_id: UUID, sequence: int, status: Status, since: float, told: Progress | None = None) -> None:
        """An upload has this status from now on; what is not in work is forgotten."""
        if status in STAGES:
            self._in_work[upload_id] = _InWork(sequence, status, since, told)
        else:
            self._in_work.pop(upload_id, None)

    def __bool__(self) -> bool:
        """Whether anything is in work."""
        return bool(self._in_work)

    async def frames(self) -> AsyncIterator[bytes]:
        """An event for each upload of which there is news; none while PostgreSQL is away, since nothing is known then."""
        for upload_id, known in list(self._in_work.items()):
            try:
                progress = await self._forecasts.of(known.status, known.since)
            except DependencyUnavailable:
                return
            if progress is None or progress == known.told:
                continue
            self._in_work[upload_id] = known._replace(told=progress)
            event = UploadProgress(upload_id=upload_id, sequence=known.sequence, progress=progress)
            yield frame("progress", msgspec.json.encode(event))
