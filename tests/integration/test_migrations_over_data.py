"""What an older release has written is there and usable after every migration since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg.types.json import Jsonb

from api import accounts, credentials
from local.sagemaker.answers import instant_analysis
from runtime import database as databases
from runtime import outbox, uploads
from runtime.database import Database
from runtime.settings import Settings
from schemas.jobs import inference_id
from schemas.status import Status
from tests.chain import SOURCE, select, statuses, upload_row
from tests.waiting import until

MIGRATIONS = Path(__file__).parents[2] / "schemas" / "database" / "migrations"
#: The tables as they were at first, before accounts of people, plans, erasure, webhooks and the search.
OLD = "0001_pre_foundation.sql"
ACCOUNT, DONE, UNDER_WAY = (uuid4() for _ in range(3))
KEY = credentials.mint()
#: The document of that time; its words are what the search of today finds.
DOCUMENT = msgspec.json.decode(msgspec.json.encode(instant_analysis(inference_id(DONE, 1))))


@pytest.fixture
async def old(settings: Settings) -> AsyncIterator[str]:
    """A database of its own, with the tables and the rows of an older release."""
    name = f"old_{uuid4().hex}"
    url = urlsplit(settings.database_url)._replace(path=f"/{name}").geturl()
    async with await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as server:
        await server.execute(f"create database {name}".encode())
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute((MIGRATIONS / OLD).read_bytes())
            await connection.execute("create table migrations (name text primary key, applied_at timestamptz default now())")
            await connection.execute("insert into migrations (name) values (%s)", [OLD])
            for table, rows in ROWS.items():
                for row in rows:
                    columns, places = ", ".join(row), ", ".join(f"%({column})s" for column in row)
                    await connection.execute(f"insert into {table} ({columns}) values ({places})".encode(), row)  # noqa: S608
        yield url
        await server.execute(f"drop database {name} with (force)".encode())


def _upload(upload_id: Any, status: str, sequence: int, file_name: str) -> dict[str, Any]:
    place = {"bucket": "valence", "key": f"uploads/{upload_id}/source", "etag": "e"}
    made = {"id": upload_id, "account_id": ACCOUNT, "file_name": file_name, "options": Jsonb({"captions": False}), "attempt": 1}
    return {**made, **place, "status": status, "sequence": sequence}


def _statuses(upload_id: Any, *names: str) -> list[dict[str, Any]]:
    told = {"upload_id": upload_id, "attempt": 1, "occurred_at": datetime(2026, 11, 22, tzinfo=UTC)}
    return [{**told, "sequence": number, "status": name} for number, name in enumerate(names, 1)]


ROWS: dict[str, list[dict[str, Any]]] = {
    "accounts": [{"id": ACCOUNT, "name": "acme"}],
    "api_keys": [
        {
            "id": KEY.id,
            "account_id": ACCOUNT,
            "secret_sha256": KEY.digest,
            "last_four": KEY.last_four,
            "scopes": ["uploads:read", "uploads:write"],
        }
    ],
    "uploads": [_upload(DONE, "completed", 4, "quarterly_report.mp4"), _upload(UNDER_WAY, "analysing", 3, "talk.mp4")],
    "upload_statuses": [
        *_statuses(DONE, "received", "validated", "analysing", "completed"),
        *_statuses(UNDER_WAY, "received", "validated", "analysing"),
    ],
    "analyses": [{"upload_id": DONE, "attempt": 1, "document": Jsonb(DOCUMENT)}],
    "usage": [{"upload_id": DONE, "attempt": 1, "account_id": ACCOUNT, "media_seconds": 3.0, "compute_seconds": 1.0}],
    "invocations": [
        {
            "upload_id": UNDER_WAY,
            "attempt": 1,
            "state": "called",
            "output_location": "s3://valence/out",
            "next_check_at": datetime(2026, 11, 22, tzinfo=UTC),
        }
    ],
    "outbox": [
        {
            "id": uuid4(),
            "aggregatetype": "uploads.status.v1",
            "aggregateid": str(DONE),
            "type": "upload.status_changed.v1",
            "payload": Jsonb({"upload_id": str(DONE)}),
            "headers": Jsonb({"ce_id": "1"}),
        }
    ],
    "dead_letters": [
        {
            "topic": "uploads.received.v1",
            "kafka_partition": 0,
            "kafka_offset": 7,
            "record_value": b"\x00",
            "header_names": [b"a"],
            "header_values": [b"\xff"],
            "stage": "stream-processors.validate",
            "reason": "payload",
            "error": "no JSON",
            "dead_lettered_at": datetime(2026, 11, 22, tzinfo=UTC),
        }
    ],
}


INDEX = "select indisvalid as valid, pg_get_indexdef(indexrelid) as text from pg_index where indexrelid = 'uploads_written'::regclass"


async def test_an_index_is_built_while_others_write_and_another_migration_waits_for_it(settings: Settings, old: str) -> None:
    """Whoever reads for long holds up the index, and by that nobody else; nor does the index wait for who waits to migrate."""
    name = urlsplit(old).path.removeprefix("/")
    async with (
        await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as server,
        await psycopg.AsyncConnection.connect(old, autocommit=True) as before,
        await psycopg.AsyncConnection.connect(old) as reader,
    ):

        async def asking(words: str) -> list[Any]:
            asked = "select 1 from pg_stat_activity where datname = %s and query like %s and pid <> %s"
            return await (await server.execute(asked, [name, f"%{words}%", before.info.backend_pid])).fetchall()

        await before.execute("select pg_advisory_lock(%s)", [databases._MIGRATION_LOCK])
        both = [asyncio.create_task(databases.migrate(old)) for _ in range(2)]
        await until(lambda: asking("advisory_lock"), "two that wait", holds=lambda found: len(found) == 2, seconds=30)
        await reader.execute("set transaction isolation level repeatable read")
        await reader.execute("select 1")
        await before.execute("select pg_advisory_unlock(%s)", [databases._MIGRATION_LOCK])
        await until(lambda: asking("create index concurrently uploads_written"), "the index is being built", seconds=30)
        async with await psycopg.AsyncConnection.connect(old, options="-c lock_timeout=5s") as writer:
            await writer.execute("update uploads set file_name = 'written.mp4'")
        assert not any(task.done() for task in both)
        await reader.rollback()
        applied = [name for task in both for name in await task]
    assert sorted(applied) == sorted(file.name for file in MIGRATIONS.glob("*.sql") if file.name != OLD)


async def test_what_an_interrupted_run_has_left_of_an_index_is_made_anew(old: str) -> None:
    await databases.migrate(old)
    async with await psycopg.AsyncConnection.connect(old, autocommit=True) as connection:
        (whole,) = await (await connection.execute(INDEX)).fetchall()
        await connection.execute("drop index uploads_written")
        with pytest.raises(psycopg.errors.UniqueViolation):  # both uploads are of one account
            await connection.execute("create unique index concurrently uploads_written on uploads (account_id)")
        ((valid, _),) = await (await connection.execute(INDEX)).fetchall()
        assert not valid
        await connection.execute("delete from migrations where name = '0027_pre_uploads_written.sql'")
        assert await databases.migrate(old) == ["0027_pre_uploads_written.sql"]
        assert whole[0]
        assert await (await connection.execute(INDEX)).fetchall() == [whole]


async def test_the_data_of_the_first_release_is_kept_and_works_after_every_migration_since(old: str) -> None:
    applied = await databases.migrate(old)
    assert applied == sorted(file.name for file in MIGRATIONS.glob("*.sql") if file.name != OLD)
    database = Database(old)
    try:
        for table, rows in ROWS.items():
            assert (await select(database, f"select count(*) as number from {table}"))[0]["number"] == len(rows), table  # noqa: S608
        assert (await accounts.authenticate(database, KEY.text)).account_id == ACCOUNT
        (found,) = await database.rows("analysis", upload_id=DONE, attempt=None)
        assert found["document"] == DOCUMENT
        said = DOCUMENT["utterances"][0]["text"].split()[0]
        everything = dict.fromkeys(("statuses", "emotions", "sentiments", "created_after", "created_before", "after_time", "after_id"))
        for words in (said, "quarterly"):  # the index was filled for what was there
            listed = await database.rows("found_uploads", account_id=ACCOUNT, words=words, **everything, most=9, examined=9)
            assert [row["id"] for row in listed] == [DONE], words
        assert [row["upload_id"] for row in await database.rows("due_invocations", most=9, check_after=60)] == [UNDER_WAY]
        async with database.transaction() as connection:
            assert [row.record.key for row in await outbox.following(connection, (), 9)] == [str(DONE).encode()]
            assert await uploads.apply_status(connection, UNDER_WAY, 1, Status.COMPLETED, SOURCE, None)
        assert await statuses(database, UNDER_WAY) == [(1, 1, "received"), (2, 1, "validated"), (3, 1, "analysing"), (4, 1, "completed")]
        assert (await upload_row(database, UNDER_WAY))["file_name"] == "talk.mp4"
        (letter,) = await database.rows("list_dead_letters", after=0, most=9, all=False)
        assert (letter["reason"], letter["upload_id"]) == ("payload", None)
    finally:
        await database.close()
