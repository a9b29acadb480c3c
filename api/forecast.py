"""How many uploads are before one, and how long it probably still takes: arithmetic over what is in work and what was measured of late.

What is measured
- the throughput of a stage: what it finished of late, over the time in which it had something to do; idle hours do not count;
- how long one takes by itself: those of late that came when nothing was being done, since all others have waited as well; where there
  are none, what the throughput makes of it.

Where nothing was measured there is no estimate: None, and no number that was made up.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from statistics import fmean
from typing import NamedTuple

from schemas.resources import Progress, Stage
from schemas.status import RANK, Status

#: What is worked on at an upload with this status.
STAGES = {Status.RECEIVED: Stage.VALIDATE, Status.VALIDATED: Stage.INVOKE, Status.ANALYSING: Stage.ANALYSE}
_FIRST, _LAST = RANK[Status.RECEIVED], RANK[Status.ANALYSING]


class AtHand(NamedTuple):
    """An upload in work: the rank of its status, since when it has it in Unix time, and how long the video is, where that is known."""

    rank: int
    since: float
    media_seconds: float | None


class Finished(NamedTuple):
    """An analysis of late: the length of its video, and when its upload became each of these, in Unix time."""

    media_seconds: float
    received: float | None
    validated: float | None
    analysing: float | None
    completed: float

    def span(self, stage: Stage) -> tuple[float, float] | None:
        """From when to when it was in a stage; None where a status was overtaken by the next."""
        start, end = {
            Stage.VALIDATE: (self.received, self.validated),
            Stage.INVOKE: (self.validated, self.analysing),
            Stage.ANALYSE: (self.analysing, self.completed),
        }[stage]
        return None if start is None or end is None or end < start else (start, end)


class Measured(NamedTuple):
    """A stage of late: how much it did in a second in which it had something to do, and how long a unit takes by itself."""

    a_second: float
    alone: float


class Forecast:
    """What is said of uploads in work, from one look at the database."""

    def __init__(self, work: Iterable[AtHand], finished: Sequence[Finished]) -> None:
        """`work`: all uploads in work, of everybody."""
        ordered = sorted(work, key=lambda one: (-one.rank, one.since))
        self._keys = [(-one.rank, one.since) for one in ordered]
        self._media = [one.media_seconds for one in ordered]
        self._usual = fmean(one.media_seconds for one in finished) if finished else 0.0
        self._seconds = [0.0, *accumulate(self._usual if media is None else media for media in self._media)]
        self._last_end = max((one.completed for one in finished), default=-math.inf)
        # A stage works on files, and the model on seconds of video.
        self._measured = {stage: _measure(finished, stage, by_length=stage is Stage.ANALYSE) for stage in Stage}

    def of(self, status: Status, since: float, now: float) -> Progress | None:
        """Where an upload stands that has its status since then; None where it is not in work."""
        stage = STAGES.get(status)
        if stage is None:
            return None
        place = bisect_left(self._keys, (-RANK[status], since))
        left = self._left(RANK[status], since, place, now)
        return Progress(stage=stage, ahead=place, seconds_left=None if left is None else math.ceil(left))

    def _left(self, rank: int, since: float, place: int, now: float) -> float | None:
        analysis, validation = self._measured[Stage.ANALYSE], self._measured[Stage.VALIDATE]
        if analysis is None:
            return None
        is_known = place < len(self._keys) and self._keys[place] == (-rank, since)
        media = self._media[place] if is_known else None
        alone = sum(measured.alone for stage in self._ahead_of(rank) if (measured := self._measured[stage]) is not None)
        alone += analysis.alone * (self._usual if media is None else media)
        if place == 0:  # its turn: it is worked on since it came, or since the one before it was done
            return max(0.0, alone - (now - max(self._last_end, since)))
        drained = self._seconds[place] / analysis.a_second
        drained -= min(self._seconds[1] / analysis.a_second, max(0.0, now - max(self._last_end, self._keys[0][1])))
        if rank == _FIRST and validation is not None:
            drained = max(drained, (place - bisect_left(self._keys, (-_FIRST, -math.inf))) / validation.a_second)
        return drained + alone

    @staticmethod
    def _ahead_of(rank: int) -> list[Stage]:
        """The stages before the model's that an upload of this rank has still to pass."""
        return [stage for status, stage in STAGES.items() if rank <= RANK[status] < _LAST]


def _measure(finished: Sequence[Finished], stage: Stage, *, by_length: bool) -> Measured | None:
    """A stage's throughput, in videos or in seconds of video; None where it has not been seen at work."""
    passed = sorted(
        (span, max(one.media_seconds, 0.001) if by_length else 1.0) for one in finished if (span := one.span(stage)) is not None
    )
    busy, reached = 0.0, -math.inf
    alone: list[tuple[float, float]] = []
    for (start, end), size in passed:
        if start >= reached and busy > 0:  # not the first, which may have waited for what is not looked at any more
            alone.append((end - start, size))
        busy += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    if busy <= 0:
        return None
    done = sum(size for _, size in passed)
    taken, size = (sum(column) for column in zip(*alone, strict=True)) if alone else (busy, done)
    return Measured(a_second=done / busy, alone=taken / size)
