"""`Idempotency-Key`: a request whose answer was lost can be sent again and does nothing twice.

The answer is kept in the transaction that does the work, so that neither is ever there without the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Response
from litestar.params import HeaderParameter
from psycopg.rows import DictRow

from api import bodies
from api.problems import IdempotencyKeyReused, RequestInProgress
from api.services import Authenticated
from runtime import database
from runtime.database import Connection, Database
from runtime.errors import DependencyUnavailable
from schemas.resources import ANSWERS_KEPT, Upload

log = logging.getLogger(__name__)

#: After this a request that has neither answered nor failed was on a server that died, and may be made again.
LEASE = timedelta(seconds=60)

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        description=(
            f"Your own name for this request: sent again under it within {ANSWERS_KEPT // timedelta(hours=1)} hours, it does nothing twice"
            " and is answered alike."
        ),
    ),
]


class Once:
    """A request under its key, or without one. `answer` is there if it was answered before: give that and do nothing."""

    def __init__(self, db: Database, account_id: UUID, key: str | None, request_sha256: bytes) -> None:
        self._database = db
        self._named: dict[str, Any] = {"account_id": account_id, "key": key}
        self._request_sha256 = request_sha256
        self._run = uuid4()
        self.answer: Response[Upload] | None = None

    async def begin(self) -> None:
        """Claim the key; RequestInProgress or IdempotencyKeyReused where that cannot be."""
        mine = {"request_sha256": self._request_sha256, "run": self._run, "kept": ANSWERS_KEPT, "lease": LEASE}
        if await self._database.rows("begin_idempotent", **self._named, **mine):
            return
        found = await self._database.rows("idempotent", **self._named)
        if found and found[0]["request_sha256"] != self._request_sha256:
            raise IdempotencyKeyReused("the Idempotency-Key belongs to a request with another address or body: choose another key")
        if not found or found[0]["status"] is None:
            raise RequestInProgress("the first request with this Idempotency-Key has not ended: ask again", headers={"Retry-After": "1"})
        self.answer = _again(found[0])

    async def keep(self, connection: Connection, upload: Upload, status: int, location: str | None = None) -> Response[Upload]:
        """The answer of a request that has done its work, kept if this transaction commits."""
        if self._named["key"] is not None:
            kept = {"status": status, "location": location, "body": msgspec.json.encode(upload), "run": self._run}
            if await database.row(connection, "keep_idempotent", **self._named, **kept) is None:
                raise RequestInProgress("the same request was sent again and has overtaken this one", headers={"Retry-After": "1"})
        return Response(upload, status_code=status, headers={"Location": location} if location else None)

    async def free(self) -> None:
        """The request was refused or has failed: its key may be used again."""
        try:
            await self._database.rows("free_idempotent", **self._named, run=self._run)
        except DependencyUnavailable as error:  # the reason of the failure matters more; the lease ends by itself
            log.warning("an idempotency key stays claimed until its lease ends", extra={"cause": str(error)})


@asynccontextmanager
async def once(request: Authenticated, db: Database, key: str | None) -> AsyncIterator[Once]:
    """The request under its key, if it has one: until the end of the body nobody else works on it."""
    told = f"{request.method} {request.url.path}\n".encode() + await bodies.whole(request) if key is not None else b""
    run = Once(db, request.user.account_id, key, hashlib.sha256(told).digest())
    if key is None:
        yield run
        return
    await run.begin()
    try:
        yield run
    except BaseException:
        await asyncio.shield(run.free())
        raise


def _again(row: DictRow) -> Response[Upload]:
    headers = {"Idempotency-Replayed": "true"} | ({"Location": row["location"]} if row["location"] else {})
    return Response(msgspec.json.decode(row["body"], type=Upload), status_code=row["status"], headers=headers)
