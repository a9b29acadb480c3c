"""Who may put the object of an upload together, or take it away, while its content has not come: one at a time, whatever S3 takes.

A claim lies in PostgreSQL and locks nothing: its holder talks to S3 without a transaction and renews it meanwhile. That of a process that
died lapses. So whoever has been to S3 looks, in the transaction that says so, whether the claim is still theirs (`lock_upload` tells).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from runtime import database
from runtime.database import Connection, Database
from runtime.errors import DependencyUnavailable

log = logging.getLogger(__name__)

#: How long a claim holds that nobody renews.
LEASE = timedelta(seconds=20)
RENEW_SECONDS = 5.0
#: How long S3 may still take over what was being written when nobody waited for its answer any more.
S3_FINISHES = timedelta(minutes=10)


class Claim(NamedTuple):
    """A claim on an upload's object; `token` is in the row for as long as it holds."""

    upload_id: UUID
    token: UUID


async def take(connection: Connection, upload_id: UUID) -> Claim | None:
    """A claim, where the upload is there, its content may still come, and nobody else has one."""
    claim = Claim(upload_id, uuid4())
    taken = await database.row(connection, "take_claim", id=upload_id, claim=claim.token, lease=LEASE)
    return claim if taken else None


async def take_over(connection: Connection, upload_id: UUID) -> Claim | None:
    """A claim on an upload that has ended, when S3 has finished what the last holder began: nobody else removes what that left."""
    claim = Claim(upload_id, uuid4())
    taken = await database.row(connection, "take_over_claim", id=upload_id, claim=claim.token, lease=LEASE, finishes=S3_FINISHES)
    return claim if taken else None


async def renew(db: Database, claim: Claim) -> bool:
    """Whether the claim still holds, for another while then; False where it has lapsed and was taken, or the upload was erased."""
    return bool(await db.rows("renew_claim", id=claim.upload_id, claim=claim.token, lease=LEASE))


async def release(connection: Connection, claim: Claim) -> None:
    """Nothing of it is left to be done."""
    await database.rows(connection, "release_claim", id=claim.upload_id, claim=claim.token)


@asynccontextmanager
async def renewed(db: Database, claim: Claim) -> AsyncIterator[None]:
    """The claim holds until the end of the body. Then another may take it; what S3 may still be writing stays noted, since it may have been
    asked for something of which the body has not waited for the answer."""
    renewing = asyncio.create_task(_renew(db, claim))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await asyncio.shield(_give_up(db, claim))
        if not renewing.cancelled():
            renewing.result()  # what nobody expected is not kept quiet


async def _renew(db: Database, claim: Claim) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            if not await renew(db, claim):
                return  # taken over, or the upload was erased: the transaction at the end will find that out
        except DependencyUnavailable as error:
            log.warning("the claim on an object could not be renewed", extra={"upload_id": str(claim.upload_id), "cause": str(error)})


async def _give_up(db: Database, claim: Claim) -> None:
    try:
        await db.rows("give_up_claim", id=claim.upload_id, claim=claim.token)
    except DependencyUnavailable as error:  # it lapses by itself
        log.warning("the claim on an object holds until it lapses", extra={"upload_id": str(claim.upload_id), "cause": str(error)})
