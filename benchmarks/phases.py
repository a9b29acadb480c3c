"""The two phases of the soak, and a small one: how much, how fast, who is killed how often, and what is slow meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.stand import OURS
from local.servers import SERVERS

WORKERS = 2
STAGE_WORKERS = tuple(f"{process.name}-{slot}" for process in OURS if process.stage for slot in range(WORKERS))
EVERYTHING = (*STAGE_WORKERS, *(process.name for process in OURS if not process.stage))


@dataclass(frozen=True)
class Slow:
    """From one share of the blows to another, requests to S3 and calls of the endpoint are held back so many seconds."""

    begins: float
    ends: float
    storage_seconds: float
    endpoint_seconds: float


@dataclass(frozen=True)
class Phase:
    """One run on a stack of its own."""

    name: str
    #: At least so many; the load goes on until the last blow is struck.
    videos: int
    rate: float
    children: tuple[str, ...]
    times: int
    servers: tuple[str, ...] = ()
    #: Seconds from one blow to the next: at least, at most.
    pause: tuple[float, float] = (2.0, 5.0)
    #: Seconds that the endpoint takes for its answer.
    answer_seconds: float = 0.0
    slow: tuple[Slow, ...] = ()
    #: The p99 from received to seen completed, where it is promised.
    p99_seconds: float | None = None
    #: Seconds without any progress after which nothing more is expected. A notice that a killed reader had comes again after 30 s.
    quiet_seconds: float = 60.0


#: Only the stages' workers are killed.
FIRST = Phase(name="phase 1", videos=1_000, rate=5.0, children=STAGE_WORKERS, times=4, pause=(5.0, 8.5), p99_seconds=5.0)
#: Everything is killed and every server restarted, on work that takes longer than the commit interval of half a second.
SECOND = Phase(
    name="phase 2",
    videos=300,
    rate=5.0,
    children=EVERYTHING,
    times=3,
    servers=SERVERS,
    answer_seconds=3.0,
    slow=(
        Slow(begins=0.15, ends=0.35, storage_seconds=0.6, endpoint_seconds=0.0),
        Slow(begins=0.5, ends=0.7, storage_seconds=0.0, endpoint_seconds=0.8),
        Slow(begins=0.8, ends=0.9, storage_seconds=0.6, endpoint_seconds=0.8),
    ),
)
#: Some of both in a minute and a half, for every change.
SMALL = Phase(
    name="small",
    videos=60,
    rate=4.0,
    children=("validate-0", "invoke-1", "persist-0", "persist-1", "status-projector", "api", "outbox-relay"),
    times=1,
    pause=(1.0, 3.0),
    answer_seconds=2.0,
    slow=(Slow(begins=0.0, ends=1.0, storage_seconds=0.6, endpoint_seconds=0.6),),
)
