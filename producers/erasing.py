"""Erasing what was asked to be erased: closed accounts upload by upload, and the objects of erased uploads. Any number may work at once."""

from __future__ import annotations

import logging
from datetime import timedelta

from runtime import database, erasure
from runtime.database import Database
from runtime.errors import AccessDenied
from runtime.parts import ObjectParts
from runtime.settings import Settings
from runtime.storage import ObjectStorage, locate

log = logging.getLogger(__name__)

#: Uploads that are erased in one transaction, and objects' places that are looked at in one go.
BATCH = 100
#: Rows of what an account has used, and its webhooks were told, of each kind, that go in one statement.
USAGE_BATCH = 10_000
#: After which a place that S3 denies is tried again.
DENIED_LATER = timedelta(minutes=10)


class Eraser:
    """Does what `runtime.erasure` has noted; what a crash interrupts is done again."""

    def __init__(self, settings: Settings, db: Database, storage: ObjectStorage, parts: ObjectParts) -> None:
        self._settings = settings
        self._database = db
        self._storage = storage
        self._parts = parts

    async def erase(self) -> int:
        """Do a batch of what is to be done; returns how much that was."""
        done = await self._erase_uploads() + await self._erase_objects()
        await self._database.rows("finish_receipts", most=BATCH)
        return done

    async def _erase_uploads(self) -> int:
        async with self._database.transaction() as connection:
            closed = await database.row(connection, "next_account_erasure")
            if closed is None:
                return 0
            account_id, receipt_id = closed["account_id"], closed["receipt_id"]
            found = await database.rows(connection, "some_uploads", account_id=account_id, most=BATCH)
            for row in found:
                await erasure.erase_upload(connection, self._settings, row["id"], receipt_id)
            if not found:
                (usage,) = await database.rows(connection, "forget_some_usage", account_id=account_id, most=USAGE_BATCH)
                if usage["gone"]:
                    return 1
                await database.rows(connection, "delete_account", id=account_id)
                log.info("a closed account is erased", extra={"receipt_id": str(receipt_id)})
        return len(found) or 1  # the account itself: another one may have been closed

    async def _erase_objects(self) -> int:
        due = await self._database.rows("due_object_erasures", most=BATCH)
        for row in due:
            try:
                await self._erase_place(row["id"], row["bucket"], row["key"])
            except AccessDenied as error:  # of this place: what lies elsewhere is erased all the same
                log.error("not erased, and tried again later: %s", error, extra={"receipt_id": str(row["receipt_id"])})
                await self._database.rows("postpone_object_erasure", id=row["id"], later=DENIED_LATER)
        return len(due)

    async def _erase_place(self, place_id: int, bucket: str, key: str) -> None:
        """Delete what lies at a place or below it. What that is, is noted first: a crash leaves only the rest there."""
        found = await self._objects(bucket, key)
        for noted in await self._database.rows("note_object_erasure", id=place_id, objects=found):
            for address in noted["objects"]:
                await self._storage.delete(*locate(address))
            await self._database.rows("finish_object_erasure", id=place_id)

    async def _objects(self, bucket: str, key: str) -> list[str]:
        """The addresses of what lies at a place or below it, where no parts wait any more to become another object."""
        if not key.endswith("/"):
            return [f"s3://{bucket}/{key}"]
        for multipart_id in await self._parts.unfinished(bucket, key + "source"):
            await self._parts.abort(bucket, key + "source", multipart_id)
        return [f"s3://{bucket}/{info.key}" async for info in self._storage.list(bucket, key)]
