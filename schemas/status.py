"""The statuses of an upload and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where an upload stands."""

    CREATED = "created"
    UPLOADING = "uploading"
    RECEIVED = "received"
    VALIDATED = "validated"
    ANALYSING = "analysing"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


#: How far along a status is. Topics overtake each other, so within an attempt any jump to a higher rank is legal.
RANK = {
    Status.CREATED: 0,
    Status.UPLOADING: 1,
    Status.RECEIVED: 2,
    Status.VALIDATED: 3,
    Status.ANALYSING: 4,
    Status.COMPLETED: 5,
    Status.REJECTED: 5,
    Status.FAILED: 5,
    Status.EXPIRED: 5,
    Status.CANCELLED: 5,
}

TERMINAL = frozenset(status for status, rank in RANK.items() if rank == 5)


def may_follow(old: Status, old_attempt: int, new: Status, new_attempt: int, *, dead_lettered: bool = False) -> bool:
    """Whether an upload that is `old` may become `new`; a late or repeated event is ignored, not an error.

    A newer attempt starts over at `received` or later, once the older one has ended. `dead_lettered`: the old status is a failure that
    lasts only until its record is redriven, so that it may still become another end. The SQL function `apply_status` holds the same rule,
    and a test compares the two over every pair.
    """
    if new_attempt != old_attempt:
        return new_attempt > old_attempt and old in TERMINAL and RANK[new] >= RANK[Status.RECEIVED]
    return RANK[new] > (RANK[Status.ANALYSING] if dead_lettered else RANK[old])
