"""What an account's plan allows in a month: reserved when a video is accepted, settled when it is completed, given back when it is not.

When what is counted
- a video, once its content has come (`submit`) or, in bulk, once it has been validated; at that time some of the minutes must be left;
- its minutes, as its container claims them, once it has been validated: a video that does not fit any more is rejected;
- the minutes that were really there, once it is completed: a container that claims too little costs what it is.

The reservation is made in the transaction of the work; the status that ends an attempt settles it or gives it back (in SQL, by a trigger).
"""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow

from runtime import database
from runtime.database import Connection, Database
from runtime.errors import ValenceError


class QuotaExceeded(ValenceError):
    """The account's plan has too little left for this month."""


async def reserve(connection: Connection, upload_id: UUID, attempt: int) -> None:
    """Reserve a video for an attempt, once however often; QuotaExceeded, in words for the account's owner, if the plan has none left."""
    refusal = await database.row(connection, "reserve_usage", upload_id=upload_id, attempt=attempt, seconds=None)
    if refusal is not None:
        raise QuotaExceeded(refused(refusal))


async def check(db: Database, account_id: UUID) -> None:
    """QuotaExceeded if nothing is left, so that nobody sends a large video in vain. Promises nothing: `reserve` does."""
    for found in await db.rows("taken_of_limits", account_id=account_id):
        videos, minutes = found["videos_a_month"], found["minutes_a_month"]
        if videos is not None and found["videos"] >= videos:
            raise QuotaExceeded(refused({"refused": "videos", "most": videos, "taken": found["videos"]}))
        if minutes is not None and found["seconds"] >= minutes * 60:
            raise QuotaExceeded(refused({"refused": "minutes", "most": minutes, "taken": found["seconds"] / 60}))


def refused(refusal: DictRow, seconds: float | None = None) -> str:
    """Why, in words; `seconds` is how long the video is, where that is known."""
    kind, most = refusal["refused"], refusal["most"]
    left = max(most - refusal["taken"], 0)
    long = f", and this video has {seconds / 60:.1f}" if kind == "minutes" and seconds else ""
    return (
        f"the account's plan has {most} {kind} a month, {left:.{1 if kind == 'minutes' else 0}f} of them are left{long}: "
        "wait for the next month, or ask the operator for another plan"
    )
