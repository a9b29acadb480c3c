"""Erasing in real PostgreSQL and S3: what goes, what stays, and what a crash may interrupt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from consumers import status_projector
from producers.erasing import Eraser
from runtime import erasure, object_claims, outbox, uploads
from runtime.database import Database
from runtime.erasure import Erased
from runtime.errors import AccessDenied, DependencyUnavailable
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import ObjectInfo, S3Storage
from runtime.uploads import NewUpload
from schemas.events import Source
from schemas.jobs import job_key, source_key, thumbnail_key
from schemas.status import Status
from schemas.topics import ANALYSES_PERSISTED, UPLOADS_STATUS
from tests.chain import SOURCE, received, select


class Died(Exception):
    """The eraser has died."""


@pytest.fixture
def eraser(settings: Settings, database: Database, storage: S3Storage) -> Eraser:
    """What erases in the background."""
    return Eraser(settings, database, storage, S3Parts())


async def stored_upload(settings: Settings, database: Database, storage: S3Storage, account: UUID) -> UUID:
    """A completed upload with everything that the chain leaves behind."""
    upload_id, bucket = uuid4(), settings.storage.bucket
    key = source_key(upload_id)
    for name in (key, job_key(upload_id, 1), f"answers/{upload_id}.out"):
        await storage.put(bucket, name, b"x", "text/plain")
    upload = NewUpload(id=upload_id, account_id=account, source=Source(bucket=bucket, key=key), file_name="private.mp4")
    async with database.transaction() as connection:
        assert await uploads.insert(connection, upload, Status.RECEIVED, SOURCE)
    attempt = {"upload_id": upload_id, "attempt": 1}
    await database.rows("begin_invocation", **attempt, check_after=60, traceparent=None)
    await database.rows("record_invocation", **attempt, output=f"s3://{bucket}/answers/{upload_id}.out", failure=None)
    await database.rows("keep_analysis", **attempt, document=Jsonb({"words": "private"}), media_seconds=1.0, compute_seconds=1.0)
    letter = {"topic": "t", "kafka_partition": 0, "kafka_offset": uuid4().int % 2**62, "record_key": None, "record_value": None}
    why = {"stage": "s", "reason": "payload", "error": "e", "dead_lettered_at": datetime.now(UTC), "header_names": [], "header_values": []}
    await database.rows("insert_dead_letter", **letter, **why, **attempt)
    told: dict[str, Any] = {"url": "https://example.com", "description": None, "events": [], "enabled": False, "secret": bytes(32)}
    (webhook,) = await database.rows("insert_webhook", id=uuid4(), account_id=account, **told)
    delivery = "insert into webhook_deliveries (id, webhook_id, message_id, type, upload_id, body, state, due_at, created_at)"
    values = "values (%s, %s, %s, 'upload.completed', %s, '{}', 'delivered', now(), now())"
    await select(database, f"{delivery} {values}", uuid4(), webhook["id"], uuid4(), upload_id)
    return upload_id


async def objects(settings: Settings, storage: S3Storage, upload_id: UUID) -> list[str]:
    places = (f"uploads/{upload_id}/", f"jobs/{upload_id}/", f"answers/{upload_id}")
    return [info.key for place in places async for info in storage.list(settings.storage.bucket, place)]


async def work_off(eraser: Eraser) -> None:
    while await eraser.erase():
        pass


#: What may still name an upload that is gone, and why. No other table may, whoever adds one.
STAYS = {
    "usage": "what was used stays used, and says nothing of what was in it",
    "ledger": "the same, in what is counted of a plan",
    "erased_uploads": "what is still on its way about the upload brings it back no more, and whoever asks again gets the same receipt",
}
_NAMING = """
select 'uploads' as name, 'id' as column
union
select table_name, column_name from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_schema = 'public' and table_type = 'BASE TABLE' and column_name = 'upload_id'
union
select child.relname, attribute.attname from pg_constraint key
join pg_class child on child.oid = key.conrelid
join pg_attribute attribute on attribute.attrelid = key.conrelid and attribute.attnum = any(key.conkey)
where key.contype = 'f' and key.confrelid = 'uploads'::regclass
"""


async def mentions(database: Database, upload_id: UUID) -> set[str]:
    """The tables that have a column for uploads, as the catalogue knows them, and a row of this one, but for what stays."""
    naming = [table for table in await select(database, _NAMING) if table["name"] not in STAYS]
    looks = {table["name"]: f"select 1 from {table['name']} where {table['column']} = %s" for table in naming}  # noqa: S608
    return {name for name, look in looks.items() if await select(database, look, upload_id)}


async def test_what_is_erased_in_these_tests_has_a_row_in_every_table_that_may_have_one(
    settings: Settings, database: Database, storage: S3Storage, account: UUID
) -> None:
    upload_id = await stored_upload(settings, database, storage, account)
    tables = {table["name"] for table in await select(database, _NAMING)}
    assert await mentions(database, upload_id) == tables - STAYS.keys(), "let `stored_upload` leave a row in each: they are to go"
    assert STAYS.keys() <= tables


async def test_an_erased_upload_leaves_no_row_no_object_and_a_receipt(
    settings: Settings, database: Database, storage: S3Storage, account: UUID, eraser: Eraser
) -> None:
    gone, stays = [await stored_upload(settings, database, storage, account) for _ in range(2)]
    async with database.transaction() as connection:
        receipt_id = await erasure.begin(connection, Erased.UPLOAD)
        assert await erasure.erase_upload(connection, settings, gone, receipt_id)
        assert not await erasure.erase_upload(connection, settings, gone, receipt_id)
    assert await mentions(database, gone) == set()
    await work_off(eraser)
    assert await objects(settings, storage, gone) == []
    assert len(await objects(settings, storage, stays)) == 3
    assert await mentions(database, stays)
    (receipt,) = await database.rows("receipt", id=receipt_id)
    assert (receipt["uploads"], receipt["objects"], receipt["tombstones"]) == (1, 3, 2)
    assert receipt["finished_at"] is not None
    assert (receipt["forgotten_by"] - receipt["asked_at"]).days == 31


async def test_the_topics_that_keep_the_newest_record_are_sent_a_tombstone_after_everything_else(
    settings: Settings, database: Database, storage: S3Storage, account: UUID
) -> None:
    upload_id = await stored_upload(settings, database, storage, account)
    async with database.transaction() as connection:
        await erasure.erase_upload(connection, settings, upload_id, await erasure.begin(connection, Erased.UPLOAD))
    async with database.connection() as connection:
        waiting = [row.record for row in await outbox.following(connection, (), 100_000) if row.record.key == str(upload_id).encode()]
        tombstones = waiting[-2:]
        assert {(record.topic, record.value) for record in tombstones} == {(UPLOADS_STATUS.name, None), (ANALYSES_PERSISTED.name, None)}
        await status_projector.project(connection, [received(record) for record in tombstones if record.topic == ANALYSES_PERSISTED.name])


async def test_an_erasure_that_s3_interrupts_is_finished_later(
    settings: Settings, database: Database, storage: S3Storage, account: UUID, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = await stored_upload(settings, database, storage, account)
    async with database.transaction() as connection:
        receipt_id = await erasure.begin(connection, Erased.UPLOAD)
        await erasure.erase_upload(connection, settings, upload_id, receipt_id)

    async def away(bucket: str, key: str) -> ObjectInfo:
        raise DependencyUnavailable("s3", "refused")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", away)
        with pytest.raises(DependencyUnavailable):
            await work_off(eraser)
    (receipt,) = await database.rows("receipt", id=receipt_id)
    assert receipt["finished_at"] is None
    await work_off(eraser)
    assert await objects(settings, storage, upload_id) == []
    (receipt,) = await database.rows("receipt", id=receipt_id)
    assert receipt["finished_at"] is not None


@pytest.mark.parametrize("deletions", range(1, 5))
async def test_a_receipt_lists_every_object_that_went_whenever_the_eraser_dies(
    settings: Settings,
    database: Database,
    storage: S3Storage,
    account: UUID,
    eraser: Eraser,
    monkeypatch: pytest.MonkeyPatch,
    deletions: int,
) -> None:
    upload_id = await stored_upload(settings, database, storage, account)
    await storage.put(settings.storage.bucket, thumbnail_key(upload_id, "etag"), b"x", "image/jpeg")
    there = await objects(settings, storage, upload_id)
    async with database.transaction() as connection:
        receipt_id = await erasure.begin(connection, Erased.UPLOAD)
        await erasure.erase_upload(connection, settings, upload_id, receipt_id)
    delete, gone = storage.delete, list[str]()

    async def dying(bucket: str, key: str) -> None:
        await delete(bucket, key)
        gone.extend({key}.intersection(there))  # what other tests left to erase is not counted
        if len(gone) == deletions:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", dying)
        with pytest.raises(Died):
            await work_off(eraser)
    assert len(await objects(settings, storage, upload_id)) == len(there) - deletions
    await work_off(eraser)
    (receipt,) = await database.rows("receipt", id=receipt_id)
    listed = await database.rows("receipt_objects", receipt_id=receipt_id, most=9)
    assert sorted(row["name"] for row in listed) == sorted(f"s3://{settings.storage.bucket}/{key}" for key in there)
    assert (receipt["objects"], receipt["finished_at"] is not None) == (len(there), True)


async def test_an_answer_that_comes_after_the_erasure_is_deleted_too(
    settings: Settings, database: Database, storage: S3Storage, account: UUID, eraser: Eraser
) -> None:
    upload_id = await stored_upload(settings, database, storage, account)
    await select(database, "update invocations set state = 'called' where upload_id = %s", upload_id)
    async with database.transaction() as connection:
        receipt_id = await erasure.begin(connection, Erased.UPLOAD)
        await erasure.erase_upload(connection, settings, upload_id, receipt_id)
    await work_off(eraser)
    await storage.put(settings.storage.bucket, f"answers/{upload_id}.out", b"late", "text/plain")
    (receipt,) = await database.rows("receipt", id=receipt_id)
    assert receipt["finished_at"] is None, "the answer may still come"
    await select(database, "update object_erasures set due_at = now() where receipt_id = %s", receipt_id)
    await work_off(eraser)
    assert await objects(settings, storage, upload_id) == []


async def test_what_s3_finishes_after_nobody_waited_any_more_is_deleted_too(
    settings: Settings, database: Database, storage: S3Storage, account: UUID, eraser: Eraser
) -> None:
    upload = NewUpload(id=uuid4(), account_id=account, file_name="private.mp4", source=Source(bucket=settings.storage.bucket, key="unsent"))
    async with database.transaction() as connection:
        assert await uploads.insert(connection, upload, Status.CREATED, SOURCE)
        claim = await object_claims.take(connection, upload.id)
    assert claim is not None
    with pytest.raises(DependencyUnavailable):
        async with object_claims.renewed(database, claim):
            raise DependencyUnavailable("s3", "no answer")
    async with database.transaction() as connection:
        receipt_id = await erasure.begin(connection, Erased.UPLOAD)
        assert await erasure.erase_upload(connection, settings, upload.id, receipt_id)
    await work_off(eraser)
    await storage.put(settings.storage.bucket, source_key(upload.id), b"late", "video/mp4")
    (receipt,) = await database.rows("receipt", id=receipt_id)
    assert receipt["finished_at"] is None, "S3 may still finish what it was asked for"
    await select(database, "update object_erasures set due_at = now() where receipt_id = %s", receipt_id)
    await work_off(eraser)
    assert await objects(settings, storage, upload.id) == []


async def test_a_closed_account_is_nobody_at_once_and_gone_with_everything_soon(
    settings: Settings, database: Database, storage: S3Storage, account: UUID, eraser: Eraser
) -> None:
    made = [await stored_upload(settings, database, storage, account) for _ in range(3)]
    async with database.transaction() as connection:
        receipt_id = await erasure.close_account(connection, account)
        assert await erasure.close_account(connection, account) is None
    late = NewUpload(id=uuid4(), account_id=account, source=Source(bucket="valence", key="ingest/x"))
    async with database.transaction() as connection:
        assert not await uploads.insert(connection, late, Status.RECEIVED, SOURCE)
    await work_off(eraser)
    assert await select(database, "select 1 from accounts where id = %s", account) == []
    for upload_id in made:
        assert await mentions(database, upload_id) == set()
        assert await objects(settings, storage, upload_id) == []
    (receipt,) = await database.rows("receipt", id=receipt_id)
    assert (receipt["uploads"], receipt["objects"], receipt["finished_at"] is not None) == (3, 9, True)


async def test_of_two_closed_accounts_without_uploads_both_go_at_once(database: Database, account: UUID, eraser: Eraser) -> None:
    other = uuid4()
    await database.rows("insert_account", id=other, name=f"test-{other}")
    for closed in (account, other):
        async with database.transaction() as connection:
            assert await erasure.close_account(connection, closed)
    await work_off(eraser)
    assert await select(database, "select 1 from accounts where id in (%s, %s)", account, other) == []


async def test_a_place_that_s3_denies_is_tried_later_and_holds_up_no_other(
    settings: Settings, database: Database, storage: S3Storage, account: UUID, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = [await stored_upload(settings, database, storage, account) for _ in range(2)]
    receipts = {}
    for upload_id in denied:
        async with database.transaction() as connection:
            receipts[upload_id] = await erasure.begin(connection, Erased.UPLOAD)
            await erasure.erase_upload(connection, settings, upload_id, receipts[upload_id])
    delete, first = storage.delete, denied[0]

    async def forbidding(bucket: str, key: str) -> None:
        if str(first) in key:
            raise AccessDenied("s3", "AccessDenied")
        await delete(bucket, key)

    with monkeypatch.context() as patched:
        patched.setattr(storage, "delete", forbidding)
        await work_off(eraser)
    assert await objects(settings, storage, denied[1]) == []
    assert await objects(settings, storage, first) != []
    finished = {id: (await database.rows("receipt", id=receipt))[0]["finished_at"] for id, receipt in receipts.items()}
    assert finished[denied[1]] is not None
    assert finished[first] is None
    await select(database, "update object_erasures set due_at = now() where receipt_id = %s", receipts[first])
    await work_off(eraser)
    assert await objects(settings, storage, first) == []
